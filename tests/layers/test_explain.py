"""Every question that an index can answer is answered by it: with and without a row policy, by custom and by generic plans."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from layers import features
from layers.access import OWNER, Audience, LayerGrant, ensure_audience
from layers.features import WIDE, collection, count, feature, rows
from layers.filters import parse_filter
from layers.layer import Layer
from layers.query import ItemQuery
from layers.statement import Statement
from layers.store import Store
from tests.layers.odd_layers import changesets, make
from tiles import vector_tiles
from tiles.grid import TileAddress

BOX = (116.30, 39.90, 116.31, 39.91)
POLYGON = "POLYGON((116.3 39.9, 116.31 39.9, 116.31 39.91, 116.3 39.9))"
GEOM, TILE = "plan_geom_valid_idx", "plan_geom_tile_valid_idx"


@pytest.fixture(scope="module")
def layer(store: Store) -> Layer:
    """Forty thousand features with two versions each, and as many closed beliefs."""
    layer = make(store, "plan", "MultiPolygon")
    changesets(store, 9)
    with store.connect() as connection:
        for table, more, gone in (("plan", "", ""), ("plan_past", ", seq_to", ", 5")):
            connection.execute(f"""
                INSERT INTO city.{table} (version_id, fid, valid, begin_precision, end_precision, seq_from{more}, geom, name, kind, storeys, height_m,
                                          is_listed, built, seen, codes, district)
                SELECT v * 100000 + n, n, CASE v WHEN 1 THEN tstzrange('2000-01-01Z', '2010-01-01Z') ELSE tstzrange('2010-01-01Z', NULL) END, 'd', 'd',
                       1{gone}, ST_SetSRID(ST_Multi(ST_MakeEnvelope(x, y, x + 0.0003, y + 0.0002)), 4490), 'n' || n, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END,
                       n % 30, n % 1000, n % 2 = 0, date '2000-01-01' + (n % 9000)::integer, timestamptz '2000-01-01Z' + n * interval '1 hour',
                       jsonb_build_array(jsonb_build_object('scheme', 's', 'value', 'c' || n)), 'd' || n % 16
                FROM (SELECT n, 116.2 + n * 7919 % 40009 / 100000.0 AS x, 39.8 + n * 104729 % 40009 / 150000.0 AS y
                      FROM generate_series(1, 40000::bigint) n) place, generate_series(1, 2) v""")
            connection.execute(f"VACUUM ANALYZE city.{table}")
    return layer


@pytest.fixture(scope="module", params=["owner", "whole", "limited", "few fields"])
def reader(request: pytest.FixtureRequest, store: Store, layer: Layer) -> Audience:
    if request.param == "owner":
        return OWNER
    grant = {"whole": LayerGrant(layer.id), "limited": LayerGrant(layer.id, districts=("d1", "d2", "d3")),
             "few fields": LayerGrant(layer.id, districts=("d1",), fields=("name", "kind", "height_m", "is_listed", "built", "seen", "district"))}
    return ensure_audience(store, {layer.id: layer}, [grant[request.param]])


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects the plan of every statement that is run, by whatever kind of plan is chosen for it."""
    found: list[str] = []
    run = features.run

    def explained(store: Store, role: str | None, statement: Statement, values: Any, prepare: bool = True, **others: Any) -> Any:
        with store.read(role) as connection:
            found.append(explain(connection, statement, values, generic=prepare))
        return run(store, role, statement, values, prepare, **others)

    monkeypatch.setattr(features, "run", explained)
    monkeypatch.setattr(vector_tiles, "run", explained)
    return found


def explain(connection: psycopg.Connection, statement: Statement, values: Any, generic: bool) -> str:
    # EXPLAIN of a statement with parameters always shows their custom plan; only EXECUTE shows the generic one.
    given = psycopg.sql.SQL(", ").join(psycopg.sql.Literal(values[n]) for n in statement.names)
    connection.execute(f"SET plan_cache_mode = {'force_generic_plan' if generic else 'force_custom_plan'}")
    connection.execute(psycopg.sql.SQL("PREPARE explained AS " + statement.sql.replace("{", "{{").replace("}", "}}")).format())
    try:
        shown = psycopg.sql.SQL("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE explained")
        return "\n".join(row[0] for row in connection.execute(shown + (psycopg.sql.SQL("(") + given + psycopg.sql.SQL(")") if statement.names
                                                                      else psycopg.sql.SQL(""))))
    finally:
        connection.execute("DEALLOCATE explained")
        connection.execute("RESET plan_cache_mode")


def indexes(plan: str) -> set[str]:
    return set(re.findall(r"(?:using|Index Scan on) (\w+_idx|\w+_pkey|\w+_truth)", plan)) - {"changeset_pkey"}


BY_NUMBER = {"plan_fid_idx", "plan_one_truth"}      # the exclusion constraint's index begins with the number too


def scans(plan: str) -> list[str]:
    # What has a row for each changeset, or one at all, is small.
    return re.findall(r"Seq Scan on (?!changeset|catalogue_state)(\w+)", plan)


def asked(layer: Layer, reader: Audience, **parts: Any) -> ItemQuery:
    return ItemQuery(layer, reader, **{"fields": ("name",), "limit": 100} | parts)


SPATIAL = {
    "bbox": {"bbox": BOX}, "bbox in metres": {"bbox": (441_000, 4_417_500, 442_000, 4_418_500), "bbox_srid": 4548},
    "bbox and filter": {"bbox": BOX, "filter": parse_filter("height_m > 500 AND kind = 'a' AND name LIKE 'n1%'")},
    "bbox, sorted": {"bbox": BOX, "sortby": (("height_m", True),)}, "as of": {"bbox": BOX, "at": datetime(2005, 1, 1, tzinfo=UTC)},
    "interval": {"bbox": BOX, "interval": (datetime(2005, 1, 1, tzinfo=UTC), None)}, "all time": {"bbox": BOX, "interval": (None, None)},
} | {op: {"filter": parse_filter(f"{op}(geometry, {POLYGON})")} for op in (
    "s_intersects", "s_within", "s_contains", "s_equals", "s_touches", "s_crosses", "s_overlaps")}


@pytest.mark.parametrize("parts", SPATIAL.values(), ids=SPATIAL)
def test_a_place_is_found_by_the_spatial_index(store, layer, reader, plans, parts):
    collection(store, asked(layer, reader, **parts))
    assert len(plans) == 1
    # A row policy may join a second index to it.
    assert GEOM in indexes(plans[0]) and scans(plans[0]) == []
    # The index itself looks at the time too.
    if "interval" not in parts or parts["interval"] != (None, None):
        assert re.search(r"Index Cond: .*valid (@>|&&)", plans[0])


def test_what_was_known_is_found_in_both_tables(store, layer, reader, plans):
    page = collection(store, asked(layer, reader, bbox=BOX, known_at=3))
    assert {GEOM, "plan_past_geom_valid_idx"} <= indexes(plans[0]) and scans(plans[0]) == []
    collection(store, asked(layer, reader, known_at=3))
    collection(store, asked(layer, reader, known_at=3, after=collection(store, asked(layer, reader, known_at=3, limit=10)).next))
    assert all(scans(p) == [] for p in plans) and page.returned > 0
    feature(store, asked(layer, reader, known_at=3), 1 if reader is OWNER else 17)
    assert indexes(plans[-1]) <= {"plan_fid_idx", "plan_past_fid_idx", "plan_one_truth"} and scans(plans[-1]) == []


def test_one_feature_and_the_next_page_are_found_by_number(store, layer, reader, plans):
    feature(store, asked(layer, reader), 17)
    assert indexes(plans[-1]) <= {"plan_fid_idx", "plan_one_truth"} and scans(plans[-1]) == []
    first = collection(store, asked(layer, reader))
    for depth in (first.next, "WyJpZCIsIjM2MDAwIiwwXQ"):        # the second is fid 36,000
        collection(store, asked(layer, reader, after=depth))
        assert indexes(plans[-1]) == {"plan_fid_idx"} and scans(plans[-1]) == []
        assert "Index Cond: (fid >" in plans[-1]
    collection(store, asked(layer, reader, fids=(5, 17, 33)))
    assert indexes(plans[-1]) <= {"plan_fid_idx", "plan_one_truth"} and scans(plans[-1]) == []


@pytest.mark.parametrize(("text", "index"), [
    ("height_m = 7", "plan_height_m_idx"), ("height_m > 995", "plan_height_m_idx"), ("height_m BETWEEN 3 AND 4", "plan_height_m_idx"),
    ("height_m IN (3, 4)", "plan_height_m_idx")])
def test_a_rare_value_is_found_by_the_field_s_index(store, layer, reader, plans, text, index):
    collection(store, asked(layer, reader, filter=parse_filter(text), limit=1000))
    assert index in indexes(plans[0]) and scans(plans[0]) == []


def test_a_sorted_page_begins_in_the_field_s_index(store, layer, reader, plans):
    query = asked(layer, reader, sortby=(("height_m", True),))
    collection(store, replace(query, after=collection(store, query).next))
    if not reader.sees_whole(layer.id) and "plan_district_idx" in indexes(plans[1]):
        return      # of so small a part of the layer, sorting it all costs less
    assert all(indexes(p) == {"plan_height_m_idx"} and scans(p) == [] for p in plans)
    assert "Index Cond: (height_m <=" in plans[1]


@pytest.mark.parametrize("z", [11, 14, 16])
@pytest.mark.parametrize("parts", [{}, {"at": datetime(2005, 1, 1, tzinfo=UTC)}, {"interval": (None, None)}, {"known_at": 3}],
                         ids=["now", "as of", "all time", "known at"])
def test_a_tile_is_found_by_its_own_index(store, layer, reader, plans, z, parts):
    x, y = int((116.31 + 180) / 360 * 2**z), {11: 776, 14: 6208, 16: 24834}[z]
    vector_tiles.render(store, asked(layer, reader, **parts), TileAddress(z, x, y))
    expected = {TILE, "plan_past_geom_tile_valid_idx"} if "known_at" in parts else {TILE}
    # On a level where a tile holds the whole city no index can help.
    assert z == 11 or (expected <= indexes(plans[0]) and scans(plans[0]) == [])


def test_counting_looks_at_the_index_and_no_further_than_asked(store, layer, reader, plans):
    count(store, asked(layer, reader, bbox=BOX))
    assert GEOM in indexes(plans[0]) and scans(plans[0]) == []
    assert count(store, asked(layer, reader), cap=50) == 50
    assert "rows=50 " in plans[1]


def test_a_bbox_of_the_whole_city_is_not_sorted_whole(store, layer, plans):
    page = collection(store, asked(layer, OWNER, bbox=(116, 39, 117, 41), limit=10))
    assert len(plans) == 2 and indexes(plans[1]) == {"plan_fid_idx"}
    # What it collected in vain is bounded, and the next page knows better.
    assert f"rows={WIDE + 1} " in plans[0]
    collection(store, asked(layer, OWNER, bbox=(116, 39, 117, 41), limit=10, after=page.next))
    assert len(plans) == 3 and indexes(plans[2]) == {"plan_fid_idx"}


def test_nothing_is_planned_in_parallel(store, layer):
    with store.read() as connection:
        assert connection.execute("SHOW max_parallel_workers_per_gather").fetchone() == ("0",)


def test_rows_are_streamed_in_the_order_of_an_index(store, layer, reader):
    found = rows(store, asked(layer, reader, limit=None))
    first = [next(found)["id"] for _ in range(3)]
    found.close()
    assert first == sorted(first)
