"""Bring a database to this version: the numbered files of `layers/sql`, then what changed since the last release.

A fresh database gets all numbered files; an older one gets the files of `layers/sql/migrations` it has not had, then the
numbered files again, which only make what is missing and replace functions. A test proves both ways equal.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from layers.errors import Unavailable
from layers.store import Store

__all__ = ["is_migrated", "migrate"]

SQL = Path(__file__).parent / "sql"
# Two processes may start at once; the second waits here and then finds nothing to do.
LOCK = (4548, 2)


def _numbered() -> list[Path]:
    return sorted(SQL.glob("[0-9][0-9][0-9]_*.sql"))


def _migrations() -> list[Path]:
    return sorted((SQL / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))


def _run(connection: psycopg.Connection, path: Path) -> None:
    try:
        # The files are the project's own; psycopg asks for a literal, bytes pass as they are.
        connection.execute(path.read_bytes())
    except psycopg.Error as error:
        raise Unavailable(f"{path.name}: {str(error).strip()}") from error


def migrate(store: Store) -> list[str]:
    """Apply what the database has not had, in one transaction; return the names of the migrations that ran.

    Raises Unavailable with the file's name when a statement fails; then nothing is changed.
    """
    done: list[str] = []
    with store.connect(autocommit=False) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)
        connection.execute("SET LOCAL client_min_messages = warning")
        connection.execute("CREATE SCHEMA IF NOT EXISTS gis")
        row = connection.execute("SELECT to_regclass('gis.migration')").fetchone()
        fresh = row is None or row[0] is None
        connection.execute("CREATE TABLE IF NOT EXISTS gis.migration "
                           "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())")
        had = {name for (name,) in connection.execute("SELECT name FROM gis.migration")}
        if not fresh:
            for path in _migrations():
                if path.stem not in had:
                    _run(connection, path)
                    done.append(path.stem)
        for path in _numbered():
            _run(connection, path)
        for name in [p.stem for p in _migrations()] if fresh else done:
            connection.execute("INSERT INTO gis.migration (name) VALUES (%s) ON CONFLICT DO NOTHING", (name,))
        # Says that the numbered files have run, also where there is no migration yet.
        connection.execute("INSERT INTO gis.migration (name) VALUES ('base') ON CONFLICT DO NOTHING")
        connection.execute(sql.SQL("COMMENT ON TABLE gis.migration IS {}").format("What the database has had"))
    return done


def is_migrated(store: Store) -> bool:
    """Has the database had every migration of this version?"""
    with store.read() as connection:
        row = connection.execute("SELECT to_regclass('gis.migration')").fetchone()
        if row is None or row[0] is None:
            return False
        had = {name for (name,) in connection.execute("SELECT name FROM gis.migration")}
    return had >= {"base", *(p.stem for p in _migrations())}
