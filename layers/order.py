"""The order of a page, and what comes after the last row of one.

Nulls come where PostgreSQL's indexes have them: last ascending, first descending. The feature number closes every order, and
the version number where one feature may come more than once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from layers.cql2 import parameter, property_types
from layers.cql2.tree import ORDERED
from layers.errors import InvalidParameter
from layers.query import ItemQuery

__all__ = ["Key", "after", "as_text", "order_by", "order_of"]


class Key(NamedTuple):
    """One key of an order: the property, its type, its direction, and whether it may be null."""

    name: str
    type: str
    descending: bool = False
    is_nullable: bool = True


def order_of(query: ItemQuery, has_versions: bool) -> tuple[Key, ...]:
    """Return the keys of a question's order. Raises InvalidParameter for a property that has no order."""
    keys: list[Key] = []
    if query.sortby:
        types = property_types(query.layer, query.audience.fields(query.layer))
        sortable = [name for name, kind in types.items() if kind in (*ORDERED, "boolean")]
        for name, descending in query.sortby:
            if name not in sortable:
                raise InvalidParameter("sortby", f"one cannot sort by '{name}'; the sortable properties are: {', '.join(sorted(sortable))}.")
            if name not in [k.name for k in keys]:
                keys.append(Key(name, types[name], descending, name not in ("id", "version")))
    names = [k.name for k in keys]
    keys += [Key(name, "integer", False, False) for name in ("id", "version")[:1 + has_versions] if name not in names]
    return tuple(keys)


def as_text(keys: Sequence[Key]) -> str:
    """Return an order as text, by which a cursor knows its own."""
    return ",".join(f"{'-' if k.descending else ''}{k.name}" for k in keys)


def order_by(keys: Sequence[Key], columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """Return ORDER BY over columns by property name."""
    return [columns[k.name].desc() if k.descending else columns[k.name].asc() for k in keys]


def after(keys: Sequence[Key], nulls: Sequence[bool], columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """Return what comes after the row whose keys are the parameters k0, k1, …, as one or two conditions.

    `nulls` says which of the keys are null in that row. Two conditions exclude each other, and every row of the first
    comes before every row of the second; each is a range on the first key, so that an index begins there.
    """
    first, rest = keys[0], columns[keys[0].name]
    later = _later(keys, nulls, columns)
    if nulls[0]:
        found = [sa.and_(rest.is_(sa.null()), later)] if len(keys) > 1 else []
        return [*found, rest.isnot(sa.null())] if first.descending else found
    value = parameter("k0", first.type)
    reached = rest <= value if first.descending else rest >= value
    found = [later if len(keys) == 1 else sa.and_(reached, later)]
    return [*found, rest.is_(sa.null())] if first.is_nullable and not first.descending else found


def _later(keys: Sequence[Key], nulls: Sequence[bool], columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return 'later than the row' among the rows whose first key is null if the row's is, and not null if it is not."""
    ways: list[ColumnElement[Any]] = []
    same: list[ColumnElement[Any]] = []
    for n, (key, is_null) in enumerate(zip(keys, nulls, strict=True)):
        column, value = columns[key.name], parameter(f"k{n}", key.type)
        if is_null:
            beyond = column.isnot(sa.null()) if key.descending and n else None
            same.append(column.is_(sa.null()))
        else:
            beyond = column < value if key.descending else column > value
            if key.is_nullable and not key.descending and n:
                beyond = sa.or_(beyond, column.is_(sa.null()))
        if beyond is not None:
            ways.append(sa.and_(*same[:n], beyond))
        if not is_null:
            same.append(column == value)
    return sa.or_(*ways)
