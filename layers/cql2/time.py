"""Temporal relations of a filter.

Both sides become a span from `low` to `edge`, closed where the edge belongs to it: an instant is [t, t], a day or a year
that is written reaches up to the next one, a version holds `[valid_from, valid_to)`. The relations are those of CQL2
(Allen's), on these spans.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from layers.cql2.tree import Node
from layers.errors import InvalidFilter, InvalidParameter
from layers.moments import Moment, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RELATIONS", "relation"]

# Which sides must be intervals.
RELATIONS = {"t_after": (), "t_before": (), "t_contains": (0,), "t_disjoint": (), "t_during": (1,), "t_equals": (),
             "t_finishedby": (0,), "t_finishes": (1,), "t_intersects": (), "t_meets": (0, 1), "t_metby": (0, 1),
             "t_overlappedby": (0, 1), "t_overlaps": (0, 1), "t_startedby": (0,), "t_starts": (1,)}


class _Side(NamedTuple):
    """One side as written: its one or two ends, each a property, a moment or open (None)."""

    ends: tuple[Node | Moment | None, ...]
    is_version: bool = False

    @property
    def is_interval(self) -> bool:
        first = self.ends[0]
        return self.is_version or len(self.ends) == 2 or (isinstance(first, Moment) and first.precision in "ym")


def relation(op: str, args: list[Any], property_named: Callable[[Any], Node], slot: Callable[[str], int]) -> Node:
    """Check a temporal relation; `slot` keeps a value and gives its number. Raises InvalidFilter."""
    sides = [_read(op, a, property_named) for a in args]
    for place in RELATIONS[op]:
        if not sides[place].is_interval:
            raise InvalidFilter(f"'{op}' needs an interval as its {('first', 'second')[place]} argument: "
                                "datetime, or INTERVAL('1985-01-01', '..').")
    ends = [e for s in sides for e in s.ends if e is not None]
    by_day = (not any(s.is_version for s in sides) and any(isinstance(e, Node) for e in ends)
              and all(e.type == "date" if isinstance(e, Node) else e.precision != "s" for e in ends))
    return Node("temporal", "boolean", (op, *(_span(s, by_day, slot) for s in sides)))


def _read(op: str, argument: Any, property_named: Callable[[Any], Node]) -> _Side:
    if isinstance(argument, dict) and "interval" in argument:
        ends = argument["interval"]
        if not isinstance(ends, list) or len(ends) != 2:
            raise InvalidFilter(f"'{op}': an interval has two ends; '..' is an open one.")
        first, last = (_end(op, e, property_named) for e in ends)
        if isinstance(first, Moment) and isinstance(last, Moment) and last.end <= first.at:
            raise InvalidFilter(f"'{op}': the interval {first}/{last} ends before it begins.")
        return _Side((first, last))
    if isinstance(argument, dict) and argument.get("property") == "datetime" and property_named("datetime").type == "span":
        return _Side((Node("property", "timestamp", ("valid_from",)), Node("property", "timestamp", ("valid_to",))), True)
    end = _end(op, argument, property_named)
    if end is None:
        raise InvalidFilter(f"'{op}' takes a time, an interval or a property.")
    return _Side((end,))


def _end(op: str, argument: Any, property_named: Callable[[Any], Node]) -> Node | Moment | None:
    if isinstance(argument, dict) and "property" in argument:
        node = property_named(argument["property"])
        if node.type not in ("date", "timestamp"):
            raise InvalidFilter(f"'{op}': the property '{node.args[0]}' is no time.")
        return node
    if isinstance(argument, dict) and len(argument) == 1 and next(iter(argument)) in ("date", "timestamp"):
        argument = next(iter(argument.values()))
    if not isinstance(argument, str):
        raise InvalidFilter(f"'{op}' takes times; {str(argument)[:60]} is none.")
    if argument in ("", ".."):
        return None
    try:
        return parse_moment(argument)
    except InvalidParameter as error:
        raise InvalidFilter(f"'{op}': {str(error).partition(': ')[2]}") from None


def _span(side: _Side, by_day: bool, slot: Callable[[str], int]) -> Node:
    """Make ('span', low, edge, is_closed, is_version) of a side, all in days or all in instants."""
    is_interval = len(side.ends) == 2
    first, last = side.ends[0], side.ends[-1]
    kind = "date" if by_day else "timestamp"

    def value(text: str) -> Node:
        return Node("value", kind, (slot(text),))

    def open_end(node: Node, sign: str) -> Node:
        return Node("open", kind, (node, sign)) if is_interval else node

    if first is None:
        low = value("-infinity")
    elif isinstance(first, Moment):
        low = value(first.at.date().isoformat() if by_day else first.at.isoformat())
    else:
        low = open_end(first if first.type == kind else Node("midnight", kind, (first.args[0], 0)), "-infinity")

    is_closed = False
    if last is None:
        edge = value("infinity")
    elif isinstance(last, Moment) and by_day:
        edge, is_closed = value((last.end - timedelta(days=1)).date().isoformat()), True
    elif isinstance(last, Moment):
        is_closed = last.precision == "s"
        edge = value((last.at if is_closed else last.end).isoformat())
    elif last.type != kind:
        edge = open_end(Node("midnight", kind, (last.args[0], 1)), "infinity")
    else:
        edge, is_closed = open_end(last, "infinity"), last.args[0] != "valid_to" or not is_interval
    return Node("span", kind, (low, edge, is_closed, side.is_version))
