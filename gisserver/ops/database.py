"""Which database is the city's: the private cluster's, or the one the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config.settings import Settings
from gisserver.ops.city_cluster import read_cluster
from layers.errors import Unavailable
from layers.store import Store

__all__ = ["city_dsn", "city_store"]


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


@contextmanager
def city_store(settings: Settings, max_connections: int = 4) -> Iterator[Store]:
    """Give the store of the city for the length of a command.

    Raises Unavailable, with what to do, if the private cluster is not running.
    """
    dsn = city_dsn(settings)
    cluster = None if settings.database_url else read_cluster(settings.var)
    if cluster is not None and not cluster.answers():
        raise Unavailable("The city is not running. Start it with ./run, or its database alone with 'gis cluster start'.")
    store = Store(dsn, max_connections)
    try:
        yield store
    finally:
        store.close()
