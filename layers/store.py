"""The store: the one place that opens connections to the city's database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from layers.errors import Unavailable

__all__ = ["Store", "drop_database", "make_database"]

# Literals in a statement, and wide bounding boxes, can provoke a parallel plan whose start costs more than the answer.
# Autocommit reading keeps each request one round trip.
READ_SETTINGS = ("SET default_transaction_read_only = on; SET max_parallel_workers_per_gather = 0; "
                 "SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'")

# A connection that idled longer takes its role anew: roles of audiences that nobody uses are dropped, and one that is made again has the
# same name and is another one.
ROLE_KEPT_S = 600.0


class _Reading:
    """A pooled reading connection and the audience whose role its session has."""

    __slots__ = ("connection", "role", "idle_since")

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection, self.role, self.idle_since = connection, None, time.monotonic()


class Store:
    """A pool of connections, each in the role of the audience it last served.

    PostgreSQL enforces what an audience may read; the pool only keeps the cost of switching roles off the hot path by
    preferring an idle connection that is already in the asked role.

    Parameters
    ----------
    dsn
        libpq connection string of the store's owner.
    max_connections
        Reading connections at most; a reader waits up to `wait_s` for one, then Unavailable is raised.
    """

    def __init__(self, dsn: str, max_connections: int = 12, wait_s: float = 15) -> None:
        self.dsn, self.max_connections, self.wait_s = dsn, max_connections, wait_s
        # Times come back in UTC whatever the server's habit; other options of the string stay.
        given = conninfo_to_dict(dsn)
        self._dsn = make_conninfo(dsn, options=f"{given.get('options') or ''} -c TimeZone=UTC".strip(),
                                  application_name=given.get("application_name") or "gis",
                                  connect_timeout=given.get("connect_timeout") or 10)
        self._idle: list[_Reading] = []
        self._open = 0
        self._changed = threading.Condition()
        self._closed = False

    def connect(self, autocommit: bool = True) -> psycopg.Connection:
        """Open a connection of the owner that the caller closes (listening, COPY, maintenance)."""
        try:
            return psycopg.connect(self._dsn, autocommit=autocommit)
        except psycopg.OperationalError as error:
            raise Unavailable(f"The database cannot be reached: {str(error).strip().splitlines()[0]}") from error

    @contextmanager
    def read(self, role: str | None = None) -> Iterator[psycopg.Connection]:
        """Give a read-only autocommit connection in the role of an audience (None: the owner)."""
        reading = self._take(role)
        try:
            if reading.role != role or (role is not None and time.monotonic() - reading.idle_since > ROLE_KEPT_S):
                # RESET first: the session user is a member of every audience's role, one audience is not of another.
                reading.connection.execute("RESET ROLE" if role is None else
                                           sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
                reading.role = role
            yield reading.connection
        except psycopg.OperationalError as error:
            if reading.connection.broken:
                raise Unavailable("The database ended the connection; try again.") from error
            raise
        finally:
            self._give_back(reading)

    @contextmanager
    def write(self) -> Iterator[psycopg.Connection]:
        """Give a transaction of the owner: committed at the end, rolled back on an error."""
        connection = self.connect(autocommit=False)
        try:
            with connection.transaction():
                yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Close all idle connections and refuse further readers."""
        with self._changed:
            self._closed = True
            for reading in self._idle:
                reading.connection.close()
            self._open -= len(self._idle)
            self._idle.clear()
            self._changed.notify_all()

    def stats(self) -> dict[str, int]:
        """Return how many reading connections are open and how many of them idle."""
        with self._changed:
            return {"open": self._open, "idle": len(self._idle), "max": self.max_connections}

    def _take(self, role: str | None) -> _Reading:
        deadline = time.monotonic() + self.wait_s
        with self._changed:
            while True:
                if self._closed:
                    raise Unavailable("The store is closed.")
                # Newest first: a few connections stay hot, the rest may idle.
                for i in range(len(self._idle) - 1, -1, -1):
                    if self._idle[i].role == role:
                        return self._idle.pop(i)
                if self._open < self.max_connections:
                    self._open += 1
                    break
                if self._idle:
                    return self._idle.pop(0)
                if not self._changed.wait(deadline - time.monotonic()):
                    raise Unavailable("All database connections are busy; try again.")
        try:
            connection = self.connect()
            connection.prepare_threshold = 1
            # A prepared statement of a wide layer takes some 0.4 MB of the server's memory.
            connection.prepared_max = 100
            connection.execute(READ_SETTINGS)
            return _Reading(connection)
        except BaseException:
            with self._changed:
                self._open -= 1
                self._changed.notify()
            raise

    def _give_back(self, reading: _Reading) -> None:
        usable = not reading.connection.broken and not reading.connection.closed
        if usable and reading.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            reading.connection.rollback()
        with self._changed:
            if usable and not self._closed:
                reading.idle_since = time.monotonic()
                self._idle.append(reading)
            else:
                self._open -= 1
                reading.connection.close()
            self._changed.notify()


def make_database(dsn: str, name: str) -> str:
    """Make a database on the server of another, unless it is there; return its connection string."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return make_conninfo(dsn, dbname=name)


def drop_database(dsn: str, name: str) -> None:
    """Drop a database on the server of another, ending whoever is connected."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
