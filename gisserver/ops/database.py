"""Which database is the city's: the private cluster's, or the one the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config.settings import Settings, SettingsError
from gisserver.ops.city_cluster import read_cluster
from layers.errors import Unavailable
from layers.store import Store

__all__ = ["city_dsn", "city_store"]


def city_dsn(settings: Settings) -> str:
    """Return the connection string of the city's database.

    Raises Unavailable if there is no city yet under `settings.var`, SettingsError if the database named cannot be understood.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        try:
            conninfo_to_dict(dsn)
        except ProgrammingError:
            # what it could not read may be a part of the password
            raise SettingsError(["GIS_DATABASE_URL: is no connection string; write postgresql://USER:PASSWORD@HOST:5432/DATABASE, "
                                 "with %-codes for signs such as @ and / in the password"]) from None
        return dsn
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
