"""Which database is the city's: the private cluster's, or the one the settings name."""

from __future__ import annotations

from config.settings import Settings
from gisserver.ops.cluster import read_cluster
from layers.errors import Unavailable

__all__ = ["city_dsn"]


def city_dsn(settings: Settings) -> str:
    """Return the connection string of the city's database.

    Raises Unavailable if there is no city yet under `settings.var`.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    cluster = read_cluster(settings.var)
    if cluster is None:
        raise Unavailable(f"There is no city in {settings.var} yet. Start one with ./run.")
    return cluster.dsn()
