"""Statements of the hot read path: compiled once, run by number of parameter, answered in bytes.

Every value travels as text and the statement says what PostgreSQL shall read it as. So one text is one prepared statement,
whatever the size of a number; and what comes back is not decoded, since most of it is on its way to a client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.sql.selectable import SelectBase

from layers.errors import InvalidFilter, InvalidParameter, Unavailable
from layers.layer import Layer
from layers.store import Store

__all__ = ["SameLayer", "Statement", "Values", "asking", "compiled", "run", "storage_srid"]

LARGE_MEMORY = "64MB"
# A process that the database starts for a part of a statement takes it 4 to 9 ms, and then has all pages and functions yet to find: it
# pays from some half a million rows on.
WIDE = "RESET max_parallel_workers_per_gather; SET parallel_setup_cost = 50000"
NARROW = "SET max_parallel_workers_per_gather = 0; RESET parallel_setup_cost"
_DIALECT = PGDialect(paramstyle="numeric_dollar")
_storage_srids: WeakKeyDictionary[Store, int] = WeakKeyDictionary()

Values = Mapping[str, str | None]


class Statement(NamedTuple):
    """The text of a statement, and the names of its parameters $1, $2, …"""

    sql: str
    names: tuple[str, ...]


class SameLayer:
    """A layer as a key: equal only to itself, since to compare two whole definitions would cost more than the look-up."""

    __slots__ = ("layer",)

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    def __hash__(self) -> int:
        return id(self.layer)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameLayer) and other.layer is self.layer


def compiled(select: SelectBase) -> Statement:
    """Compile a SELECT for `run`."""
    made = select.compile(dialect=_DIALECT)
    return Statement(str(made), tuple(made.positiontup or ()))


def run(store: Store, role: str | None, statement: Statement, values: Values, prepare: bool = True,
        binary: bool = False, suspect: str = "filter", limit_s: int | None = None) -> list[tuple[bytes | None, ...]]:
    """Run a statement in an audience's role and return its rows as the server wrote them, in text or in its binary format.

    With `prepare` false PostgreSQL plans for these very values. What looks at very many rows says so by `limit_s`, a shorter time than others
    have: it gets memory for them, and as many of the database's processes as its settings give. Raises as `asking` does.
    """
    with asking(suspect), store.read(role) as connection, _limited(connection, limit_s):
        cursor = psycopg.RawCursor(connection)
        cursor.execute(statement.sql, [values[n] for n in statement.names], prepare=prepare, binary=binary)
        result = cursor.pgresult
        if result is None:
            raise Unavailable("The database gave no answer; try again.")
        width = range(result.nfields)
        return [tuple([result.get_value(r, c) for c in width]) for r in range(result.ntuples)]


@contextmanager
def _limited(connection: psycopg.Connection, limit_s: int | None) -> Iterator[None]:
    if limit_s is None:
        yield
        return
    connection.execute("SELECT set_config('gis.usual_timeout', current_setting('statement_timeout'), false), "
                       "set_config('statement_timeout', %s, false), set_config('work_mem', %s, false)", (f"{limit_s}s", LARGE_MEMORY))
    connection.execute(WIDE)
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT set_config('statement_timeout', current_setting('gis.usual_timeout'), false); RESET work_mem")
            connection.execute(NARROW)


@contextmanager
def asking(suspect: str = "filter") -> Iterator[None]:
    """Say what was wrong with the question where PostgreSQL could not answer it; `suspect` is the parameter to blame.

    Raises InvalidParameter (InvalidFilter for a filter) for what cannot be computed, Unavailable if it took too long or the
    layer was just being changed.
    """
    try:
        yield
    except (psycopg.errors.InvalidTextRepresentation, psycopg.errors.InvalidDatetimeFormat,
            psycopg.errors.DatetimeFieldOverflow) as error:
        # Values of filters were checked; only a cursor that somebody made himself comes here.
        raise InvalidParameter("cursor", "this is no cursor of ours; take it from the link 'next' as it is.") from error
    except (psycopg.DataError, psycopg.errors.InternalError_) as error:
        # The latter is how PostGIS says that a geometry cannot be compared or transformed.
        text = f"this cannot be computed for a feature of the layer: {error.diag.message_primary}."
        raise (InvalidFilter(text) if suspect == "filter" else InvalidParameter(suspect, text)) from error
    except psycopg.errors.QueryCanceled as error:
        raise Unavailable("The question took too long; narrow it by a bbox, a filter or an indexed property.") from error
    except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as error:
        raise Unavailable("The layer is just being changed; try again.") from error


def storage_srid(store: Store) -> int:
    """Return the SRID that the store's geometries are kept in."""
    known = _storage_srids.get(store)
    if known is None:
        with store.read() as connection:
            row = connection.execute("SELECT storage_srid FROM gis.city").fetchone()
        if row is None:
            raise Unavailable("The store has no city yet.")
        known = _storage_srids[store] = row[0]
    return known
