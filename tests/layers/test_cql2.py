"""CQL2: what is read, what is refused and how it is said, and the SQL that comes of it."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from layers import cql2
from layers.cql2.sql import SQL_TYPES
from layers.cql2.tree import array_literal
from layers.crs import CRS84, make_crs
from layers.errors import InvalidFilter, InvalidParameter
from layers.filters import parse_filter
from layers.layer import LayerField
from layers.statement import compiled

TYPES = {"name": "text", "use": "text", "height_m": "number", "storeys": "integer", "built": "date", "seen": "timestamp",
         "is_listed": "boolean", "codes": "codes", "extra": "json", "id": "integer", "version": "integer", "valid_from": "timestamp",
         "valid_to": "timestamp", "datetime": "span", "geometry": "geometry", "geom": "geometry"}


def sql(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the WHERE of a filter and its values."""
    checked = cql2.check(parse_filter(text), TYPES, 4490)
    columns = {n: sa.column(n, SQL_TYPES.get(t)) for n, t in TYPES.items()} | {"valid": sa.column("valid")}
    made = compiled(sa.select(sa.literal_column("1")).where(cql2.condition(checked.tree, columns)))
    return " ".join(made.sql.partition("WHERE ")[2].split()), checked.values


@pytest.mark.parametrize(("text", "expected", "values"), [
    ("name = 'a%b'", "name = CAST($1 AS TEXT)", ("a%b",)),
    ("storeys > 3", "storeys > CAST($1 AS BIGINT)", ("3",)),
    ("storeys > 3.5", "storeys > CAST($1 AS DOUBLE PRECISION)", ("3.5",)),
    ("3.5 < height_m", "CAST($1 AS DOUBLE PRECISION) < height_m", ("3.5",)),
    ("is_listed AND NOT name LIKE 'x%'", "is_listed AND NOT (name LIKE CAST($1 AS TEXT))", ("x%",)),
    ("storeys IN (1, 2)", "storeys = any(CAST($1 AS BIGINT[]))", ('{"1","2"}',)),
    ("built >= DATE('2001-02-03')", "built >= CAST($1 AS DATE)", ("2001-02-03",)),
    ("seen < '2001-02-03T00:00:00+08:00'", "seen < CAST($1 AS TIMESTAMP WITH TIME ZONE)", ("2001-02-02T16:00:00+00:00",)),
    ("name IS NULL OR height_m BETWEEN 1 AND 2",
     "name IS NULL OR height_m BETWEEN CAST($1 AS DOUBLE PRECISION) AND CAST($2 AS DOUBLE PRECISION)", ("1.0", "2.0")),
    ("codes = 'x'", "codes @> CAST($1 AS JSONB)", ('[{"value":"x"}]',)),
    ("casei(name) = casei('É')", "lower(name) = lower(CAST($1 AS TEXT))", ("É",)),
    ("t_intersects(datetime, INTERVAL('2001-01-01', '..'))",
     "valid && tstzrange(CAST($1 AS TIMESTAMP WITH TIME ZONE), CAST($2 AS TIMESTAMP WITH TIME ZONE), '[)')",
     ("2001-01-01T00:00:00+00:00", "infinity")),
    ("t_after(built, DATE('2001-01-01'))", "CAST($1 AS DATE) < built", ("2001-01-01", "2001-01-01")),
])
def test_sql_golden(text, expected, values):
    assert sql(text) == (expected, values)


@pytest.mark.parametrize("op", ["s_intersects", "s_within", "s_contains", "s_equals", "s_touches", "s_crosses", "s_overlaps"])
def test_a_box_stands_beside_every_exact_predicate(op):
    made, values = sql(f"{op}(geometry, POLYGON((116 39, 117 39, 117 40, 116 39)))")
    assert made.startswith("(geometry && CAST($1 AS geometry)) AND ST_") and len(values) == 1
    # The literal is in the storage CRS; no column is transformed.
    assert values[0].startswith("01030000208A110000") and "Transform" not in made


def test_the_sides_of_a_predicate_are_kept():
    assert sql("s_within(POINT(116 39), geometry)")[0].endswith("ST_Within(CAST($1 AS geometry), geometry)")


def test_filters_that_differ_in_values_only_have_one_tree():
    first, second = (cql2.check(parse_filter(t), TYPES, 4490) for t in ("height_m > 3 AND name = 'a'", "height_m > 9 AND name = 'b'"))
    assert first.tree == second.tree and hash(first.tree) == hash(second.tree) and first.values != second.values


def test_text_and_json_say_the_same():
    text = "height_m > 3.5 AND s_intersects(geometry, BBOX(116, 39, 117, 40))"
    assert parse_filter(json.dumps(parse_filter(text))) == parse_filter(text)


@pytest.mark.parametrize(("text", "said"), [
    ("height = 3", "height_m"),                                 # the properties are listed
    ("height_m = 'x'", "property 'height_m' must be compared with a number"),
    ("name = 3", "property 'name' must be compared with a text"),
    ("is_listed = 1", "true or false"),
    ("is_listed > true", "cannot be compared with '>'"),
    ("name", "is not true or false"),
    ("built = '2001'", "is a day"),
    ("built = TIMESTAMP('2001-01-01T10:00:00Z')", "DATE('1985-06-01')"),
    ("built = 'yesterday'", "is no time"),
    ("name = height_m", "cannot be compared"),
    ("geometry = 3", "s_intersects"),
    ("datetime = '2001-01-01'", "t_intersects"),
    ("extra = 'x'", "isNull"),
    ("codes < 'x'", "list of codes"),
    ("name LIKE 'a\\'", "backslash"),
    ("height_m LIKE 'a'", "is a text"),
    ("avg(height_m) > 3", "'avg' is not offered"),
    ("pg_sleep(10) = 1", "'pg_sleep' is not offered"),
    ("s_buffer(geometry, 3)", "is not offered"),
    ("s_intersects(geometry, geometry)", "a geometry"),
    ("s_intersects(name, POINT(1 1))", "'name' is none"),
    ("s_intersects(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))", "invalid"),
    ("s_intersects(geometry, POLYGON((0 0, 1 1, 0 1, 3 3)))", "ring ends where it begins"),
    ("s_intersects(geometry, BBOX(3, 3, 1, 1))", "lower corner"),
    ("s_intersects(geometry, POINT(39.9 116.4))", "axis order"),
    ("s_within(geometry, GEOMETRYCOLLECTION(POINT(1 1)))", "GeometryCollection"),
    ("t_during(datetime, TIMESTAMP('2001-01-01T00:00:00Z'))", "interval as its second"),
    ("t_meets(built, INTERVAL('2001-01-01', '..'))", "interval as its first"),
    ("t_after(name, DATE('2001-01-01'))", "'name' is no time"),
    ("t_intersects(datetime, INTERVAL('2002-01-01', '2001-01-01'))", "ends before it begins"),
    ("a_contains(name, ('x'))", "properties: codes"),
    ("name IN ()", "CQL2"),
    ("name = ", "no CQL2 text"),
    ("name = 'a'; DROP TABLE city.building", "no CQL2 text"),
])
def test_says_what_is_wrong(text, said):
    with pytest.raises(InvalidFilter) as caught:
        sql(text)
    assert said in str(caught.value) and caught.value.parameter == "filter"


@pytest.mark.parametrize("expression", [
    "[]", "1", '"name"', '{"op": "="}', '{"op": "=", "args": 3}', '{"op": ["="], "args": []}', '{"op": "and", "args": []}',
    '{"op": "not", "args": []}', '{"op": "=", "args": [{"property": "name"}]}', '{"op": "=", "args": [{"property": "name"}, null]}',
    '{"op": "=", "args": [{"property": ["name"]}, "a"]}', '{"op": "=", "args": [{"property": "name"}, {"date": "x", "timestamp": "y"}]}',
    '{"op": "=", "args": [{"property": "name"}, "a\\u0000b"]}', '{"op": "like", "args": [{"property": "name"}, 3]}',
    '{"op": "in", "args": [{"property": "name"}, "abc"]}', '{"op": "in", "args": [{"property": "storeys"}, [1, "2"]]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Polygon", "coordinates": "x"}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [1e999, 2]}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point", "coordinates": []}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point"}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Circle", "coordinates": [1, 2]}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [1, 2, 3]}]}',
    '{"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [1, 2, 3, "4"]}]}',
    '{"op": "t_after", "args": [{"property": "built"}, {"interval": ["2001-01-01"]}]}',
    '{"op": "t_after", "args": [{"property": "built"}, 3]}', '{"op": "t_after", "args": [{"property": "built"}, ".."]}',
    '{"op": "+", "args": [1, 2]}', '{"op": "=", "args": [{"op": "+", "args": [{"property": "name"}, 1]}, 2]}',
    "not json", '{"op":', '{"op": "=", "args": [{"op": "casei", "args": [3]}, "a"]}',
])
def test_refuses_json_that_is_no_filter(expression):
    with pytest.raises(InvalidFilter):
        cql2.check(cql2.parse(expression, "cql2-json"), TYPES, 4490)


def test_half_a_character_is_refused():
    with pytest.raises(InvalidFilter):
        cql2.check({"op": "=", "args": [{"property": "name"}, "\ud800"]}, TYPES, 4490)


@pytest.mark.parametrize("text", [
    "(" * 5_000 + "storeys = 1" + ")" * 5_000, "NOT " * 20_000 + "storeys = 1", "storeys" + " + 1" * 20_000 + " = 1",
    "storeys = 1" + " AND storeys = 1" * 3_000, "- " * 30_000 + "1 = 1"])
def test_what_would_overflow_the_parser_is_refused_before_it(text):
    with pytest.raises(InvalidFilter, match="simpler|characters"):
        parse_filter(text)


def test_depth_size_and_lists_have_a_limit():
    deep: dict = {"op": "=", "args": [{"property": "storeys"}, 1]}
    for _ in range(60):
        deep = {"op": "not", "args": [deep]}
    wide = {"op": "or", "args": [{"op": "=", "args": [{"property": "storeys"}, 1]}] * 1_000}
    long = {"op": "in", "args": [{"property": "storeys"}, list(range(5_000))]}
    ring = {"type": "LineString", "coordinates": [[n / 1e6, 0] for n in range(30_000)]}
    for found in (deep, wide, long, {"op": "s_intersects", "args": [{"property": "geometry"}, ring]}):
        with pytest.raises(InvalidFilter):
            cql2.check(found, TYPES, 4490)


def test_nested_brackets_in_a_text_value_do_no_harm():
    assert sql("name = '" + "(" * 500 + "'")[1] == ("(" * 500,)


def test_names_outside_the_list_of_languages_are_refused():
    with pytest.raises(InvalidParameter) as caught:
        parse_filter("name = 'a'", "ecql")
    assert caught.value.parameter == "filter-lang"


def test_geometries_are_in_the_crs_that_was_named():
    there = make_crs(4548)
    at_117 = parse_filter("s_intersects(geometry, POINT(4429529.03 500000))", None, there)      # north first, as EPSG has it
    checked = cql2.check(at_117, TYPES, 4490)
    import shapely
    point = shapely.from_wkb(checked.values[0])
    assert (point.x, point.y) == (pytest.approx(117, abs=1e-6), pytest.approx(40, abs=1e-6))
    lat_lon = cql2.check(parse_filter("s_intersects(geometry, BBOX(39, 116, 40, 117))", None, make_crs(4490)), TYPES, 4490)
    lon_lat = cql2.check(parse_filter("s_intersects(geometry, BBOX(116, 39, 117, 40))", None, CRS84), TYPES, 4490)
    assert lat_lon.values == lon_lat.values


def test_a_member_crs_that_somebody_wrote_means_nothing():
    geometry = {"type": "Point", "coordinates": [116, 39], "crs": {"type": "name", "properties": {"name": "EPSG:4548"}}}
    ours = cql2.check({"op": "s_intersects", "args": [{"property": "geometry"}, geometry]}, TYPES, 4490)
    assert ours.values == cql2.check(parse_filter("s_intersects(geometry, POINT(116 39))"), TYPES, 4490).values


TITLE = {"zh": "层", "en": "Layer"}


@pytest.mark.parametrize(("kind", "text", "value"), [
    ("string", "3", "3"), ("integer", "3", 3), ("number", "3.5", 3.5), ("boolean", "TRUE", True),
    ("date", "2001-02-03", {"date": "2001-02-03"}), ("datetime", "2001-02-03T00:00:00+08:00", {"timestamp": "2001-02-02T16:00:00Z"}),
    ("codes", "X1", "X1")])
def test_a_value_in_a_url_becomes_a_filter(kind, text, value):
    made = cql2.equals(LayerField(name="f", type=kind, title=TITLE), text)
    assert made == {"op": "=", "args": [{"property": "f"}, value]}


@pytest.mark.parametrize(("kind", "text"), [("integer", "x"), ("integer", "3.5"), ("number", "nan"), ("number", "1e999"), ("boolean", "yes"),
                                            ("date", "2001"), ("datetime", "x"), ("json", "x")])
def test_a_value_in_a_url_that_does_not_fit_names_its_parameter(kind, text):
    with pytest.raises(InvalidParameter) as caught:
        cql2.equals(LayerField(name="f", type=kind, title=TITLE), text)
    assert caught.value.parameter == "f"


def test_filters_are_joined():
    a, b = parse_filter("storeys = 1"), parse_filter("storeys = 2")
    assert cql2.both(None, a) == a and cql2.both(None, None) is None
    assert cql2.both(a, None, b) == {"op": "and", "args": [a, b]}


def test_array_literals_hold_anything():
    assert array_literal(['a"b', "c\\d", "", "e,f{}"]) == '{"a\\"b","c\\\\d","","e,f{}"}'
