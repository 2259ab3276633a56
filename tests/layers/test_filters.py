"""Filters over random rows: PostGIS and a plain Python reading of CQL2 must find the same features."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.access import OWNER
from layers.errors import InvalidFilter
from layers.features import collection, count
from layers.filters import parse_filter
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import make, put

WHOLE = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = ["", "a", "A", "é", "É", "楼", "ab", "a%b", "a_b", "x'y", 'x"y', "\\"]
Row = dict[str, Any]


def made_rows() -> list[Row]:
    """Ninety rows, one in six values null, over shapes that touch, hold and cross each other."""
    rows: list[Row] = []
    for n in range(1, 91):
        # Binary fractions: what touches on paper touches in every library.
        x, y, s = 116.25 + n % 9 / 64, 39.875 + n % 7 / 64, (2 + n % 5) / 256
        shape = [shapely.box(x, y, x + s, y + s), shapely.Point(x, y), shapely.LineString([(x, y), (x + s, y + s)]),
                 shapely.Polygon([(x, y), (x + s, y), (x, y + s)])][n % 4]
        rows.append({
            "fid": n, "version_id": n, "valid": f"[{1985 + n % 20}-01-01Z,{f'{2030 + n % 3}-06-01Z' if n % 3 else ''})",
            "wkt": None if n % 11 == 0 else shape.wkt, "name": None if n % 6 == 0 else WORDS[n % len(WORDS)],
            "storeys": None if n % 6 == 1 else n % 5 - 1, "height_m": None if n % 6 == 2 else n % 8 / 2,
            "is_listed": None if n % 6 == 3 else n % 2 == 0, "built": None if n % 6 == 4 else date(2000, 1, 1) + timedelta(n % 4),
            "seen": None if n % 6 == 5 else datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=12 * (n % 5)),
            "codes": None if n % 6 == 0 else [{"scheme": "s", "value": v} for v in ("p", "q", "r")[:n % 4]]})
    return rows


ROWS = made_rows()


@pytest.fixture(scope="module")
def layer(store: Store) -> Layer:
    layer = make(store, "random")
    put(store, layer, ROWS)
    return layer


def found(store: Store, layer: Layer, **parts: Any) -> set[int]:
    page = collection(store, ItemQuery(layer, OWNER, limit=1000, geometry=False, fields=(), **parts))
    assert page.returned == count(store, ItemQuery(layer, OWNER, **parts))
    return {f["id"] for f in json.loads(page.body)}


# The reading of CQL2 in Python. None is "unknown", as in SQL.

Truth = Callable[[Row], bool | None]


def _not(a: bool | None) -> bool | None:
    return None if a is None else not a


def _and(parts: list[bool | None]) -> bool | None:
    return False if False in parts else None if None in parts else True


def _or(parts: list[bool | None]) -> bool | None:
    return True if True in parts else None if None in parts else False


def _compare(op: str, a: Any, b: Any) -> bool | None:
    if a is None or b is None:
        return None
    if isinstance(a, str):
        a, b = a.encode(), b.encode()           # the database sorts by code point
    return {"=": a == b, "<>": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]


def _like(text: str | None, pattern: str) -> bool | None:
    if text is None:
        return None
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "%":
        return any(_like(text[n:], rest) for n in range(len(text) + 1))
    if head == "\\":
        head, rest = rest[0], rest[1:]
    elif head == "_" and text:
        head = text[0]
    return bool(text) and text[0] == head and _like(text[1:], rest)


def _literal(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat()}
    return {"date": value.isoformat()} if isinstance(value, date) else value


VALUES = {"name": st.sampled_from(WORDS), "storeys": st.integers(-2, 5) | st.sampled_from([0.5, 2.5]),
          "height_m": st.sampled_from([0, 0.5, 1, 1.25, 3.5, 9]), "is_listed": st.booleans(),
          "built": st.integers(-1, 4).map(lambda n: date(2000, 1, 1) + timedelta(n)),
          "seen": st.integers(-1, 5).map(lambda n: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=12 * n))}
ORDERED = ["name", "storeys", "height_m", "built", "seen"]


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[Any, Truth]:
    name = draw(st.sampled_from(sorted(VALUES)))
    op = draw(st.sampled_from(["=", "<>"] if name == "is_listed" else ["=", "<>", "<", "<=", ">", ">="]))
    value = draw(VALUES[name])
    sides: list[Any] = [{"property": name}, _literal(value)]
    if draw(st.booleans()):
        return {"op": op, "args": sides}, lambda row: _compare(op, row[name], value)
    return {"op": op, "args": sides[::-1]}, lambda row: _compare(op, value, row[name])


@st.composite
def others(draw: st.DrawFn) -> tuple[Any, Truth]:
    kind = draw(st.sampled_from(["between", "in", "null", "like", "fold", "arithmetic", "property", "codes", "two", "constant"]))
    if kind == "between":
        name = draw(st.sampled_from(ORDERED))
        low, high = draw(VALUES[name]), draw(VALUES[name])
        return ({"op": "between", "args": [{"property": name}, _literal(low), _literal(high)]},
                lambda row: _and([_compare(">=", row[name], low), _compare("<=", row[name], high)]))
    if kind == "in":
        name = draw(st.sampled_from(sorted(VALUES)))
        values = draw(st.lists(VALUES[name], min_size=1, max_size=4))
        return ({"op": "in", "args": [{"property": name}, [_literal(v) for v in values]]},
                lambda row: _or([_compare("=", row[name], v) for v in values]))
    if kind == "null":
        name = draw(st.sampled_from([*sorted(VALUES), "codes", "extra"]))
        return {"op": "isNull", "args": [{"property": name}]}, lambda row: row.get(name) is None
    if kind == "like":
        pattern = draw(st.sampled_from(["%", "a%", "_", "a\\%b", "a\\_b", "%b", "", "a_b", "\\\\", "%'%", "楼"]))
        return {"op": "like", "args": [{"property": "name"}, pattern]}, lambda row: _like(row["name"], pattern)
    if kind == "fold":
        word = draw(st.sampled_from(["a", "É", "AB", "楼"]))
        folded = {"op": "casei", "args": [word]}
        return ({"op": "=", "args": [{"op": "casei", "args": [{"property": "name"}]}, folded]},
                lambda row: None if row["name"] is None else row["name"].lower() == word.lower())
    if kind == "arithmetic":
        op, limit = draw(st.sampled_from(["+", "-", "*", "/"])), draw(st.sampled_from([0, 1, 2.5]))
        left = {"op": op, "args": [{"property": "height_m"}, {"property": "storeys"}]}
        return {"op": ">", "args": [left, limit]}, lambda row: _compare(">", _computed(op, row["height_m"], row["storeys"]), limit)
    if kind == "property":
        return {"property": "is_listed"}, lambda row: row["is_listed"]
    if kind == "two":
        op = draw(st.sampled_from(["<", "=", ">="]))
        return ({"op": op, "args": [{"property": "storeys"}, {"property": "height_m"}]},
                lambda row: _compare(op, row["storeys"], row["height_m"]))
    if kind == "constant":
        value = draw(st.booleans())
        return value, lambda _: value
    op, wanted = draw(st.sampled_from(["a_contains", "a_containedby", "a_overlaps", "a_equals"])), draw(st.sets(st.sampled_from("pqrx"), min_size=1))
    return {"op": op, "args": [{"property": "codes"}, sorted(wanted)]}, partial(_codes, op, wanted)


def _computed(op: str, a: Any, b: Any) -> float | None:
    if a is None or b is None or (op == "/" and b == 0):
        return None
    return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[op]()


def _codes(op: str, wanted: set[str], row: Row) -> bool | None:
    if row["codes"] is None:
        return None
    has = {c["value"] for c in row["codes"]}
    return {"a_contains": has >= wanted, "a_containedby": has <= wanted, "a_overlaps": bool(has & wanted), "a_equals": has == wanted}[op]


def _joined(children: st.SearchStrategy) -> st.SearchStrategy:
    several = st.lists(children, min_size=1, max_size=3)
    return (children.map(lambda c: ({"op": "not", "args": [c[0]]}, lambda row: _not(c[1](row))))
            | several.map(lambda cs: ({"op": "and", "args": [c[0] for c in cs]}, lambda row: _and([c[1](row) for c in cs])))
            | several.map(lambda cs: ({"op": "or", "args": [c[0] for c in cs]}, lambda row: _or([c[1](row) for c in cs]))))


@WHOLE
@given(st.recursive(comparisons() | others(), _joined, max_leaves=6))
def test_conditions(store, layer, asked):
    expression, truth = asked
    assert found(store, layer, filter=expression) == {row["fid"] for row in ROWS if truth(row) is True}


COORDINATE = st.integers(0, 36).map(lambda n: n / 256)


@st.composite
def shapes(draw: st.DrawFn) -> shapely.Geometry:
    x, y, w, h = (draw(COORDINATE) for _ in range(4))
    x, y = 116.25 + x, 39.875 + y
    return draw(st.sampled_from([shapely.Point(x, y), shapely.box(x, y, x + w + 1 / 256, y + h + 1 / 256),
                                 shapely.LineString([(x, y), (x + w + 1 / 256, y + h)]),
                                 shapely.Polygon([(x, y), (x + w + 1 / 128, y), (x, y + h + 1 / 128)])]))


PREDICATES = {"s_intersects": shapely.intersects, "s_within": shapely.within, "s_contains": shapely.contains, "s_disjoint": shapely.disjoint,
              "s_equals": shapely.equals, "s_touches": shapely.touches, "s_crosses": shapely.crosses, "s_overlaps": shapely.overlaps}


@WHOLE
@given(shapes() | st.sampled_from([shapely.from_wkt(r["wkt"]) for r in ROWS if r["wkt"]]), st.sampled_from(sorted(PREDICATES)), st.booleans(), st.booleans())
def test_spatial_predicates(store, layer, shape, op, is_first, negated):
    literal = json.loads(shapely.to_geojson(shape))
    args = [literal, {"property": "geometry"}] if is_first else [{"property": "geometry"}, literal]
    expression: dict[str, Any] = {"op": op, "args": args}

    def holds(row: Row) -> bool:
        if row["wkt"] is None:
            return False
        mine = shapely.from_wkt(row["wkt"])
        return bool(PREDICATES[op](shape, mine) if is_first else PREDICATES[op](mine, shape)) is not negated

    if negated:
        expression = {"op": "not", "args": [expression]}
    assert found(store, layer, filter=expression) == {row["fid"] for row in ROWS if holds(row)}


@WHOLE
@given(COORDINATE, COORDINATE, st.sampled_from([0, 2**-30, 2**-20, 2**-8, 2**-5, 1]), st.sampled_from([0, 2**-20, 2**-8, 2**-5, 1]))
def test_a_bbox_finds_what_shapely_finds(store, layer, x, y, width, height):
    box = (116.25 + x, 39.875 + y, 116.25 + x + width, 39.875 + y + height)
    meant = shapely.box(*box) if width and height else shapely.LineString([box[:2], box[2:]]) if width or height else shapely.Point(box[:2])
    expected = {row["fid"] for row in ROWS if row["wkt"] and shapely.intersects(shapely.from_wkt(row["wkt"]), meant)}
    assert found(store, layer, bbox=box) == expected


TIMES = [datetime(1990, 1, 1, tzinfo=UTC), datetime(1999, 1, 1, tzinfo=UTC), datetime(2003, 6, 1, tzinfo=UTC), datetime(2031, 6, 1, tzinfo=UTC)]
FOREVER = datetime.max.replace(tzinfo=UTC)


def span_of(row: Row) -> tuple[datetime, datetime]:
    begin, end = row["valid"][1:-1].split(",")
    return datetime.fromisoformat(begin.replace("Z", "T00:00Z")), datetime.fromisoformat(end.replace("Z", "T00:00Z")) if end else FOREVER


RELATIONS: dict[str, Callable[..., bool]] = {
    "t_after": lambda a, z, b, y: a > y, "t_before": lambda a, z, b, y: z <= b,
    "t_contains": lambda a, z, b, y: a < b and z > y, "t_during": lambda a, z, b, y: a > b and z < y,
    "t_disjoint": lambda a, z, b, y: a > y or z <= b, "t_intersects": lambda a, z, b, y: not (a > y or z <= b),
    "t_equals": lambda a, z, b, y: a == b and z == y, "t_finishedBy": lambda a, z, b, y: a < b and z == y,
    "t_finishes": lambda a, z, b, y: a > b and z == y, "t_meets": lambda a, z, b, y: z == b, "t_metBy": lambda a, z, b, y: a == y,
    "t_overlappedBy": lambda a, z, b, y: b < a < y < z, "t_overlaps": lambda a, z, b, y: a < b < z < y,
    "t_startedBy": lambda a, z, b, y: a == b and z > y, "t_starts": lambda a, z, b, y: a == b and z < y}


@WHOLE
@given(st.sampled_from(sorted(RELATIONS)), st.sampled_from(TIMES), st.sampled_from([*TIMES, FOREVER]), st.booleans())
def test_relations_of_versions_in_time(store, layer, op, begin, end, as_properties):
    """A version holds [from, to); a written interval of instants holds both its ends."""
    if end < begin:
        begin, end = end, begin
    interval = {"interval": [begin.isoformat(), ".." if end == FOREVER else end.isoformat()]}
    version = {"interval": [{"property": "valid_from"}, {"property": "valid_to"}]} if as_properties else {"property": "datetime"}
    expected = {row["fid"] for row in ROWS if RELATIONS[op](*span_of(row), begin, end)}
    assert found(store, layer, filter={"op": op, "args": [version, interval]}) == expected


@WHOLE
@given(st.sampled_from(["t_after", "t_before", "t_equals", "t_disjoint", "t_intersects", "t_during"]), st.integers(-1, 4), st.integers(0, 3),
       st.sampled_from(["built", "seen"]))
def test_relations_of_fields_in_time(store, layer, op, first, length, name):
    """A written day holds all its instants; a day of a field is compared with days as a day."""
    begin = date(2000 if name == "built" else 2020, 1, 1) + timedelta(first)
    last = begin + timedelta(length)

    def holds(row: Row) -> bool:
        value = row[name]
        if value is None:
            return False
        day = value.date() if isinstance(value, datetime) else value
        inside = begin < day < last if name == "built" else datetime.combine(begin, datetime.min.time(), UTC) < value and day <= last
        same = begin == last == day if name == "built" else False
        return {"t_after": day > last, "t_before": day < begin, "t_equals": same, "t_disjoint": not begin <= day <= last,
                "t_intersects": begin <= day <= last, "t_during": inside}[op]

    expression = {"op": op, "args": [{"property": name}, {"interval": [begin.isoformat(), last.isoformat()]}]}
    assert found(store, layer, filter=expression) == {row["fid"] for row in ROWS if holds(row)}


@pytest.mark.parametrize(("text", "expected"), [
    ("id = 7", {7}), ("id IN (3, 4) AND version = 4", {4}), ("valid_from = DATE('1990-01-01')", {n for n in range(1, 91) if n % 20 == 5}),
    ("valid_to IS NULL AND id < 10", {3, 6, 9}), ("accenti(name) = 'e'", {n for n in range(1, 91) if n % 6 and n % 12 == 3}),
    ("accenti(casei(name)) = accenti(casei('É'))", {n for n in range(1, 91) if n % 6 and n % 12 in (3, 4)}),
    ("storeys % 2 = 1 AND id < 9", {2, 4}), ("height_m div 2 = 1 AND id < 9", {4, 5, 6, 7}), ("height_m ^ 2 = 4 AND id < 9", {4}),
    ("codes = 'q' AND id < 12", {2, 3, 7, 10, 11})])
def test_known_answers(store, layer, text, expected):
    assert found(store, layer, filter=parse_filter(text)) == expected


@pytest.mark.parametrize("text", ["height_m ^ 5000 > 1", "(0 - height_m) ^ 0.5 > 1", "height_m * 1e308 * 10 > 1"])
def test_what_cannot_be_computed_is_the_asker_s_fault(store, layer, text):
    with pytest.raises(InvalidFilter, match="cannot be computed"):
        found(store, layer, filter=parse_filter(text))


def test_a_filter_and_a_box_must_both_hold(store, layer):
    box, text = (116.3, 39.9, 116.33, 39.93), parse_filter("storeys > 1")
    assert found(store, layer, bbox=box, filter=text) == found(store, layer, bbox=box) & found(store, layer, filter=text) != set()
