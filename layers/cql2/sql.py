"""SQL of a checked filter.

Values are never in the text: slot n of the filter is the parameter `f<n>`. Beside every exact spatial predicate stands
`&&`, which the index answers, also under a row policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import NullType, UserDefinedType

from layers.cql2.geometry import PREDICATES
from layers.cql2.tree import Node

__all__ = ["GEOMETRY", "SQL_TYPES", "condition", "parameter"]


class _Geometry(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "geometry"


GEOMETRY = _Geometry()
SQL_TYPES: dict[str, Any] = {"text": sa.Text(), "integer": sa.BigInteger(), "number": sa.Double(), "boolean": sa.Boolean(),
                             "date": sa.Date(), "timestamp": TIMESTAMP(timezone=True), "geometry": GEOMETRY,
                             "json": JSONB(), "codes": JSONB()}
_MARKS = "[\u0300-\u036f]"


def parameter(name: str, kind: str) -> ColumnElement[Any]:
    """Return a parameter of a statement; its value travels as text and PostgreSQL reads it as `kind` ('text[]' too)."""
    sql_type = ARRAY(SQL_TYPES[kind[:-2]]) if kind.endswith("[]") else SQL_TYPES[kind]
    return sa.cast(sa.bindparam(name, type_=NullType()), sql_type)


def condition(node: Node, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return the SQL of a checked filter over columns by property name, `geometry` and `valid` among them."""
    return _Writer(columns).of(node)


class _Writer:
    def __init__(self, columns: Mapping[str, ColumnElement[Any]]) -> None:
        self.columns = columns

    def of(self, node: Node) -> ColumnElement[Any]:
        return getattr(self, f"_{node.kind}")(node, *node.args)

    def _slot(self, slot: int, kind: str) -> ColumnElement[Any]:
        return parameter(f"f{slot}", kind)

    def _selected(self, node: Node, slot: int) -> ColumnElement[Any]:
        fids = sa.func.gis.selected(self._slot(slot, "text")).column_valued("fids", joins_implicitly=True)
        return self.columns["id"].in_(sa.select(fids))

    # What has a value

    def _property(self, node: Node, name: str) -> ColumnElement[Any]:
        return self.columns["valid" if node.type == "span" else name]

    def _value(self, node: Node, slot: int) -> ColumnElement[Any]:
        return self._slot(slot, node.type)

    def _fold(self, _: Node, how: str, inner: Node) -> ColumnElement[Any]:
        text = self.of(inner)
        if how == "casei":
            return sa.func.lower(text, type_=sa.Text())
        parted = sa.func.normalize(text, sa.literal_column("NFD"), type_=sa.Text())
        return sa.func.regexp_replace(parted, sa.literal_column(f"'{_MARKS}'"), sa.literal_column("''"),
                                      sa.literal_column("'g'"), type_=sa.Text())

    def _arithmetic(self, _: Node, op: str, first: Node, second: Node) -> ColumnElement[Any]:
        a, b = (sa.cast(self.of(n), sa.Double()) for n in (first, second))
        # What is divided by zero has no value, and so is neither true nor false.
        if op in ("/", "div"):
            quotient = a.op("/")(sa.func.nullif(b, sa.literal_column("0")))
            return sa.func.trunc(quotient, type_=sa.Double()) if op == "div" else sa.type_coerce(quotient, sa.Double())
        if op == "%":
            return sa.cast(sa.func.mod(sa.cast(a, sa.Numeric()), sa.func.nullif(sa.cast(b, sa.Numeric()), sa.literal_column("0"))),
                           sa.Double())
        return sa.type_coerce(a.op(op)(b), sa.Double())

    def _midnight(self, _: Node, name: str, days: int) -> ColumnElement[Any]:
        day = self.columns[name]
        day = day.op("+")(sa.literal_column(str(days))) if days else day
        return sa.func.timezone(sa.literal_column("'UTC'"), sa.cast(day, TIMESTAMP(timezone=False)))

    def _open(self, node: Node, inner: Node, infinity: str) -> ColumnElement[Any]:
        return sa.func.coalesce(self.of(inner), sa.cast(sa.literal_column(f"'{infinity}'"), SQL_TYPES[node.type]))

    # What is true or false

    def _constant(self, _: Node, value: bool) -> ColumnElement[Any]:
        return sa.true() if value else sa.false()

    def _and(self, _: Node, *parts: Node) -> ColumnElement[Any]:
        return sa.and_(*map(self.of, parts))

    def _or(self, _: Node, *parts: Node) -> ColumnElement[Any]:
        return sa.or_(*map(self.of, parts))

    def _not(self, _: Node, inner: Node) -> ColumnElement[Any]:
        return sa.not_(self.of(inner).self_group())

    def _compare(self, _: Node, op: str, first: Node, second: Node) -> ColumnElement[Any]:
        return self.of(first).bool_op(op)(self.of(second))

    def _null(self, _: Node, inner: Node) -> ColumnElement[Any]:
        return self.of(inner).is_(sa.null())

    def _like(self, _: Node, subject: Node, pattern: Node) -> ColumnElement[Any]:
        return self.of(subject).like(self.of(pattern))

    def _between(self, _: Node, subject: Node, low: Node, high: Node) -> ColumnElement[Any]:
        return self.of(subject).between(self.of(low), self.of(high))

    def _in(self, _: Node, subject: Node, choices: tuple[Node, ...]) -> ColumnElement[Any]:
        return self.of(subject).in_([self.of(c) for c in choices])

    def _any(self, _: Node, subject: Node, kind: str, slot: int) -> ColumnElement[Any]:
        return self.of(subject).bool_op("=")(sa.func.any(self._slot(slot, f"{kind}[]")))

    def _codes(self, _: Node, form: str, holder: Node, *slots: int) -> ColumnElement[Any]:
        codes = self.of(holder)
        values = sa.func.jsonb_path_query_array(codes, sa.literal_column("'$[*].value'"))
        if form == "overlaps":
            return codes.bool_op("@>")(sa.func.any(self._slot(slots[0], "json[]")))
        parts = [codes.bool_op("@>")(self._slot(slots[0], "json"))] if form != "contained_by" else []
        if form != "contains":
            parts.append(values.bool_op("<@")(self._slot(slots[-1], "json")))
        return sa.and_(*parts)

    def _spatial(self, _: Node, op: str, slot: int, is_second: bool) -> ColumnElement[Any]:
        column, literal = self.columns["geometry"], self._slot(slot, "geometry")
        sides = (literal, column) if is_second else (column, literal)
        found = sa.and_(column.bool_op("&&")(literal), sa.Function(PREDICATES[op], *sides, type_=sa.Boolean()))
        return sa.not_(found.self_group()) if op == "s_disjoint" else found

    def _temporal(self, _: Node, op: str, first: Node, second: Node) -> ColumnElement[Any]:
        if op in ("t_intersects", "t_disjoint"):
            meets = self._meets_version(first, second)
            if meets is None:
                meets = sa.and_(sa.not_(self._before(first, second)), sa.not_(self._before(second, first)))
            return meets if op == "t_intersects" else sa.not_(meets.self_group())
        if op == "t_before":
            return self._before(first, second)
        if op == "t_after":
            return self._before(second, first)
        a, a_edge = map(self.of, first.args[:2])
        b, b_edge = map(self.of, second.args[:2])
        return sa.and_(*{
            "t_contains": lambda: (a < b, a_edge > b_edge), "t_during": lambda: (a > b, a_edge < b_edge),
            "t_equals": lambda: (a == b, a_edge == b_edge), "t_finishedby": lambda: (a < b, a_edge == b_edge),
            "t_finishes": lambda: (a > b, a_edge == b_edge), "t_meets": lambda: (a_edge == b,),
            "t_metby": lambda: (a == b_edge,), "t_overlappedby": lambda: (a > b, a < b_edge, a_edge > b_edge),
            "t_overlaps": lambda: (a < b, a_edge > b, a_edge < b_edge), "t_startedby": lambda: (a == b, a_edge > b_edge),
            "t_starts": lambda: (a == b, a_edge < b_edge)}[op]())

    def _before(self, first: Node, second: Node) -> ColumnElement[Any]:
        edge, low, is_closed = self.of(first.args[1]), self.of(second.args[0]), first.args[2]
        return edge < low if is_closed else edge <= low

    def _meets_version(self, first: Node, second: Node) -> ColumnElement[Any] | None:
        """Ask the range itself whether a version meets a written span: an index answers that."""
        version, other = (first, second) if first.args[3] else (second, first)
        if not version.args[3] or any(n.kind != "value" for n in other.args[:2]):
            return None
        bounds = sa.literal_column("'[]'" if other.args[2] else "'[)'")
        return self.columns["valid"].bool_op("&&")(sa.func.tstzrange(self.of(other.args[0]), self.of(other.args[1]), bounds))
