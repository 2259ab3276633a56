"""Reading features: text that is right JSON, pages that visit every row once, moments, versions, grants."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import shapely
import shapely.geometry

from layers.access import OWNER, Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.crs import transformer
from layers.errors import Gone, InvalidFilter, InvalidParameter, UnknownFeature, UnknownLayer
from layers.features import collection, count, feature, rows, versions
from layers.filters import parse_filter
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import changesets, make, put

SQUARE = "POLYGON((116.30000001 39.9,116.30000001 39.901,116.301 39.901,116.301 39.9,116.30000001 39.9))"
HARD = 'a"b\\c\n\t\u0001 楼 </script> 𠮷'


@pytest.fixture(scope="module")
def odd(store: Store) -> Layer:
    """Seven features with everything that is hard to write."""
    layer = make(store, "odd")
    changesets(store, 9)
    put(store, layer, [
        {"fid": 1, "wkt": SQUARE, "name": HARD, "note": "", "kind": "a", "storeys": 2**62, "height_m": 0.1, "is_listed": True,
         "built": date(1985, 6, 1), "seen": datetime(2020, 1, 2, 3, 4, 5, 600000, tzinfo=UTC), "district": "d1",
         "codes": [{"scheme": "house", "value": "X1"}, {"scheme": "parcel", "value": "P\"9"}], "extra": {"a": [1, None, "x"]}},
        {"fid": 2, "wkt": None, "name": None, "district": "d1"},
        {"fid": 3, "wkt": "POINT(116.31 39.91)", "height_m": float("nan"), "storeys": -5, "district": "d2"},
        {"fid": 4, "wkt": "LINESTRING(116.3 39.9,116.4 39.95)", "height_m": float("inf"), "district": "d2", "is_listed": False},
        {"fid": 5, "wkt": "POLYGON((116.5 39.9,116.51 39.91,116.51 39.9,116.5 39.91,116.5 39.9))", "name": "bow tie", "district": "d2"},
        {"fid": 6, "wkt": "POLYGON EMPTY", "name": "empty", "height_m": 1e300, "district": "d1"},
        {"fid": 7, "wkt": "MULTIPOINT(179.9 10,-179.9 10)", "name": "over the date line", "height_m": 1e-7, "district": "d1"}])
    return layer


@pytest.fixture(scope="module")
def table(store: Store) -> Layer:
    layer = make(store, "odd_table", None)
    put(store, layer, [{"fid": 100 + n, "name": f"row {n}", "version_id": 100 + n} for n in range(3)])
    return layer


@pytest.fixture(scope="module")
def timed(store: Store) -> Layer:
    """Features with a past, a planned future, and beliefs that were corrected."""
    layer = make(store, "odd_timed", "Point")
    changesets(store, 9)
    put(store, layer, [
        {"version_id": 21, "fid": 1, "valid": "[1985-01-01Z,2000-06-01Z)", "begin": "y", "end": "m", "seq_from": 1, "name": "old", "wkt": "POINT(116.3 39.9)"},
        {"version_id": 22, "fid": 1, "valid": "[2000-06-01Z,)", "begin": "m", "seq_from": 5, "name": "new", "wkt": "POINT(116.3 39.9)"},
        {"version_id": 23, "fid": 1, "valid": "[2000-06-01Z,)", "begin": "m", "seq_from": 1, "seq_to": 5, "name": "wrong", "wkt": "POINT(116.4 39.9)"},
        {"version_id": 24, "fid": 2, "valid": "[1990-03-05T10:30:00Z,2010-01-01Z)", "begin": "s", "seq_from": 2, "name": "demolished", "wkt": "POINT(116.3 39.9)"},
        {"version_id": 25, "fid": 3, "valid": "[2990-01-01Z,)", "begin": "y", "seq_from": 3, "name": "planned", "wkt": "POINT(116.3 39.9)"},
        {"version_id": 26, "fid": 4, "valid": "(,2500-01-01Z)", "end": "d", "seq_from": 3, "name": "since ever", "wkt": "POINT(116.3 39.9)"}])
    return layer


@pytest.fixture(scope="module")
def limited(store: Store, odd: Layer) -> Audience:
    return ensure_audience(store, {odd.id: odd}, [LayerGrant(odd.id, districts=("d2",), fields=("name", "height_m", "district"))])


def ask(layer: Layer, audience: Audience = OWNER, **parts: Any) -> ItemQuery:
    return ItemQuery(layer, audience, **parts)


def features(store: Store, query: ItemQuery) -> list[dict[str, Any]]:
    page = collection(store, query)
    found = json.loads(page.body)
    assert len(found) == page.returned
    return found


def names(store: Store, query: ItemQuery) -> list[str]:
    return [f["properties"]["name"] for f in features(store, replace(query, limit=100))]


class TestText:
    def test_a_feature_is_what_was_put(self, store, odd):
        first = features(store, ask(odd))[0]
        assert (first["type"], first["id"]) == ("Feature", 1)
        assert first["properties"] == {
            "name": HARD, "note": "", "kind": "a", "storeys": 2**62, "height_m": 0.1, "is_listed": True, "built": "1985-06-01",
            "seen": "2020-01-02T03:04:05.6Z", "codes": [{"scheme": "house", "value": "X1"}, {"scheme": "parcel", "value": 'P"9'}],
            "extra": {"a": [1, None, "x"]}, "district": "d1", "valid_from": "2000-01-01", "valid_to": None, "version": 1}

    def test_numbers_are_finite_and_nothing_is_null(self, store, odd):
        by_id = {f["id"]: f for f in features(store, ask(odd))}
        assert [by_id[n]["properties"]["height_m"] for n in range(1, 8)] == [0.1, None, None, None, None, 1e300, 1e-7]
        assert by_id[2]["geometry"] is None and by_id[2]["properties"]["name"] is None
        assert by_id[6]["geometry"] == {"type": "Polygon", "coordinates": []}

    def test_coordinates_have_seven_decimals_and_rings_turn_left(self, store, odd):
        shape = features(store, ask(odd))[0]["geometry"]
        assert shape["coordinates"][0][0] == [116.3, 39.9]      # 116.30000001, at a centimetre
        assert shapely.geometry.shape(shape).exterior.is_ccw

    def test_lines_keep_their_direction(self, store, odd):
        assert features(store, ask(odd, fids=(4,)))[0]["geometry"]["coordinates"] == [[116.3, 39.9], [116.4, 39.95]]

    def test_other_systems(self, store, odd):
        expected = transformer(4490, 4548).transform(116.31, 39.91)
        straight = features(store, ask(odd, fids=(3,), srid=4548))[0]["geometry"]["coordinates"]
        flipped = features(store, ask(odd, fids=(3,), srid=4548, flip=True))[0]["geometry"]["coordinates"]
        assert straight == pytest.approx(expected, abs=2e-3) and flipped == straight[::-1]
        mercator = features(store, ask(odd, fids=(3,), srid=3857))[0]["geometry"]["coordinates"]
        assert mercator == pytest.approx(transformer(4326, 3857).transform(116.31, 39.91), abs=2e-3)
        assert features(store, ask(odd, fids=(3,), srid=4490, flip=True))[0]["geometry"]["coordinates"] == [39.91, 116.31]

    def test_what_cannot_be_told_in_a_system_is_said_of_that_parameter(self, store):
        far = make(store, "far", "Point")
        put(store, far, [{"fid": 1, "wkt": "POINT(27 0)"}])         # a quarter of the earth from the central meridian
        for read in (lambda q: collection(store, q), lambda q: feature(store, q, 1), lambda q: next(rows(store, q))):
            with pytest.raises(InvalidParameter) as caught:
                read(ask(far, srid=4548))
            assert caught.value.parameter == "crs"
        assert features(store, ask(far))[0]["geometry"]["coordinates"] == [27, 0]

    def test_only_what_was_chosen(self, store, odd):
        found = features(store, ask(odd, fields=("kind", "name"), geometry=False))[0]
        assert list(found["properties"]) == ["name", "kind", "valid_from", "valid_to", "version"] and found["geometry"] is None

    def test_a_table_has_no_geometry(self, store, table):
        assert [f["geometry"] for f in features(store, ask(table))] == [None] * 3
        with pytest.raises(InvalidParameter) as caught:
            collection(store, ask(table, bbox=(0, 0, 1, 1)))
        assert caught.value.parameter == "bbox"
        assert features(store, ask(table, srid=4548))[0]["geometry"] is None

    def test_an_empty_answer_is_an_array(self, store, odd):
        page = collection(store, ask(odd, fids=()))
        assert (page.body, page.returned, page.next) == (b"[]", 0, None)
        assert page.seq == 9

    def test_one_feature_is_the_same_text(self, store, odd):
        for found in features(store, ask(odd)):
            one = feature(store, ask(odd), found["id"])
            assert json.loads(one.body) == found and one.version_id == found["properties"]["version"] and one.seq == 9


class TestBox:
    def test_over_the_antimeridian(self, store, odd):
        assert [f["id"] for f in features(store, ask(odd, bbox=(179, 0, -179, 20)))] == [7]
        assert features(store, ask(odd, bbox=(-179, 0, 179, 5))) == []

    def test_a_line_must_meet_the_box_and_not_only_its_bounds(self, store, odd):
        corner = (116.39, 39.901, 116.399, 39.905)      # below the diagonal, within its bounds
        assert 4 not in [f["id"] for f in features(store, ask(odd, bbox=corner))]
        assert 4 in [f["id"] for f in features(store, ask(odd, bbox=(116.34, 39.92, 116.36, 39.93)))]

    def test_a_broken_geometry_and_an_empty_one_do_no_harm(self, store, odd):
        assert [f["id"] for f in features(store, ask(odd, bbox=(116.49, 39.89, 116.52, 39.92)))] == [5]
        assert 6 not in [f["id"] for f in features(store, ask(odd, bbox=(-180, -90, 180, 90), limit=100))]

    def test_boxes_in_other_systems(self, store, odd):
        east, north = transformer(4490, 4548).transform(116.31, 39.91)
        assert [f["id"] for f in features(store, ask(odd, bbox=(east - 5, north - 5, east + 5, north + 5), bbox_srid=4548))] == [3]
        x, y = transformer(4326, 3857).transform(116.31, 39.91)
        assert [f["id"] for f in features(store, ask(odd, bbox=(x - 5, y - 5, x + 5, y + 5), bbox_srid=3857))] == [3]

    def test_a_point_just_outside_is_outside(self, store, odd):
        # The index keeps bounds in single precision, half a metre coarse here.
        assert features(store, ask(odd, bbox=(116.3100001, 39.909, 116.311, 39.911))) == []
        assert [f["id"] for f in features(store, ask(odd, bbox=(116.31, 39.91, 116.311, 39.911)))] == [3]
        assert [f["id"] for f in features(store, ask(odd, bbox=(116.31, 39.91, 116.31, 39.91)))] == [3]

    def test_corners_in_the_wrong_order_are_refused(self, store, odd):
        for bbox, srid in (((0, 2, 1, 1), 4326), ((2, 0, 1, 1), 4548)):
            with pytest.raises(InvalidParameter) as caught:
                collection(store, ask(odd, bbox=bbox, bbox_srid=srid))
            assert caught.value.parameter == "bbox"


class TestMoments:
    def test_now_is_what_is_true_now(self, store, timed):
        assert names(store, ask(timed)) == ["new", "since ever"]

    @pytest.mark.parametrize(("at", "expected"), [
        (datetime(1984, 12, 31, tzinfo=UTC), ["since ever"]), (datetime(1985, 1, 1, tzinfo=UTC), ["old", "since ever"]),
        (datetime(2000, 5, 31, 23, 59, 59, tzinfo=UTC), ["old", "demolished", "since ever"]),
        (datetime(2000, 6, 1, tzinfo=UTC), ["new", "demolished", "since ever"]), (datetime(2010, 1, 1, tzinfo=UTC), ["new", "since ever"]),
        (datetime(2991, 1, 1, tzinfo=UTC), ["new", "planned"])])
    def test_as_of(self, store, timed, at, expected):
        assert names(store, ask(timed, at=at)) == expected

    def test_an_interval_gives_every_version_it_meets(self, store, timed):
        found = features(store, ask(timed, interval=(datetime(2000, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC))))
        assert [(f["id"], f["properties"]["version"]) for f in found] == [(1, 21), (1, 22), (2, 24), (4, 26)]
        assert len(features(store, ask(timed, interval=(None, None)))) == 5
        assert names(store, ask(timed, interval=(datetime(2600, 1, 1, tzinfo=UTC), None))) == ["new", "planned"]
        assert names(store, ask(timed, interval=(None, datetime(1985, 1, 1, tzinfo=UTC)))) == ["since ever"]

    @pytest.mark.parametrize(("seq", "expected"), [(0, []), (1, ["wrong"]), (2, ["wrong"]), (4, ["wrong", "since ever"]),
                                                   (5, ["new", "since ever"]), (10**18, ["new", "since ever"])])
    def test_known_at(self, store, timed, seq, expected):
        assert names(store, ask(timed, known_at=seq)) == expected

    def test_both_axes_at_once(self, store, timed):
        at = datetime(2005, 1, 1, tzinfo=UTC)
        assert names(store, ask(timed, at=at, known_at=4)) == ["wrong", "demolished", "since ever"]
        assert names(store, ask(timed, at=at, known_at=4, bbox=(116.35, 39.8, 116.45, 40))) == ["wrong"]
        assert count(store, ask(timed, interval=(None, None), known_at=4)) == 5

    def test_times_keep_their_precision(self, store, timed):
        found = features(store, ask(timed, interval=(None, None)))
        assert [(f["properties"]["valid_from"], f["properties"]["valid_to"]) for f in found] == [
            ("1985", "2000-06"), ("2000-06", None), ("1990-03-05T10:30:00Z", "2010-01-01"), ("2990", None), (None, "2500-01-01")]

    def test_one_feature_gone_planned_and_unknown(self, store, timed):
        with pytest.raises(Gone) as gone:
            feature(store, ask(timed), 2)
        assert gone.value.until == "2010-01-01"
        for fid in (3, 999, -1, 2**70):
            with pytest.raises(UnknownFeature):
                feature(store, ask(timed), fid)
        assert json.loads(feature(store, ask(timed, at=datetime(2000, 1, 1, tzinfo=UTC), known_at=3), 1).body)["properties"]["name"] == "old"
        with pytest.raises(InvalidParameter):
            feature(store, ask(timed, interval=(None, None)), 1)

    def test_a_question_for_a_moment_and_an_interval_is_refused(self, store, timed):
        with pytest.raises(InvalidParameter):
            collection(store, ask(timed, at=datetime.now(UTC), interval=(None, None)))
        with pytest.raises(InvalidParameter):
            collection(store, ask(timed, at=datetime(2000, 1, 1)))


class TestVersions:
    def test_both_axes_newest_first(self, store, timed):
        found = versions(store, ask(timed), 1)
        assert [(v["version_id"], v["seq_from"], v["seq_to"]) for v in found] == [(22, 5, None), (23, 1, 5), (21, 1, None)]
        wrong = found[1]
        assert (wrong["valid_from"], wrong["valid_to"], wrong["begin_precision"]) == ("2000-06", None, "m")
        assert (wrong["recorded_at"], wrong["closed_at"]) == ("2024-01-02T00:00:00Z", "2024-01-06T00:00:00Z")
        assert (wrong["actor"], wrong["reason"], wrong["closed_by"], wrong["closed_reason"]) == ("tester 1", "reason 1", "tester 5", "reason 5")
        assert wrong["properties"]["name"] == "wrong" and wrong["geometry"]["coordinates"] == [116.4, 39.9]
        assert "version" not in wrong["properties"] and "valid_from" not in wrong["properties"]

    def test_what_was_known_then(self, store, timed):
        assert [v["version_id"] for v in versions(store, ask(timed, known_at=4), 1)] == [23, 21]
        with pytest.raises(UnknownFeature):
            versions(store, ask(timed, known_at=0), 1)

    def test_who_edited_is_told_to_few(self, store, timed, catalogue):
        layers = {timed.id: timed}
        plain = ensure_audience(store, layers, [LayerGrant(timed.id)])
        trusted = ensure_audience(store, layers, [LayerGrant(timed.id)], ["read_changesets"])
        assert [v["actor"] for v in versions(store, ask(timed, plain), 1)] == [None] * 3
        assert versions(store, ask(timed, plain), 1)[0]["recorded_at"] is not None
        assert versions(store, ask(timed, trusted), 1)[0]["actor"] == "tester 5"


class TestGrants:
    def test_rows_of_other_districts_and_other_fields_are_not_there(self, store, odd, limited):
        found = features(store, ask(odd, limited))
        assert [f["id"] for f in found] == [3, 4, 5]
        assert list(found[0]["properties"]) == ["name", "height_m", "district", "valid_from", "valid_to", "version"]
        assert [f["id"] for f in features(store, ask(odd, limited, bbox=(-180, -90, 180, 90)))] == [3, 4, 5]
        assert count(store, ask(odd, limited)) == 3 and len(list(rows(store, ask(odd, limited, limit=None)))) == 3
        with pytest.raises(UnknownFeature):
            feature(store, ask(odd, limited), 1)
        with pytest.raises(UnknownFeature):
            versions(store, ask(odd, limited), 1)

    def test_a_hidden_field_cannot_be_asked_for_either(self, store, odd, limited):
        with pytest.raises(InvalidFilter, match="no property 'kind'"):
            collection(store, ask(odd, limited, filter=parse_filter("kind = 'a'")))
        with pytest.raises(InvalidParameter) as caught:
            collection(store, ask(odd, limited, sortby=(("kind", False),)))
        assert caught.value.parameter == "sortby" and "storeys" not in str(caught.value)
        assert features(store, ask(odd, limited, fields=("kind", "name")))[0]["properties"].keys() == {"name", "valid_from", "valid_to", "version"}

    def test_a_layer_without_a_grant_does_not_exist(self, store, odd, timed, limited):
        for read in (collection, count, lambda s, q: feature(s, q, 1), lambda s, q: versions(s, q, 1), lambda s, q: next(rows(s, q))):
            with pytest.raises(UnknownLayer):
                read(store, ask(timed, limited))

    def test_a_coverage_has_no_features(self, store, catalogue: Catalogue):
        with pytest.raises(UnknownLayer):
            collection(store, ask(catalogue.layer("dem")))


class TestRows:
    def test_values_are_python_values(self, store, odd):
        first = next(rows(store, ask(odd, limit=None)))
        assert first == {
            "id": 1, "name": HARD, "note": "", "kind": "a", "storeys": 2**62, "height_m": 0.1, "is_listed": True, "built": date(1985, 6, 1),
            "seen": datetime(2020, 1, 2, 3, 4, 5, 600000, tzinfo=UTC), "extra": {"a": [1, None, "x"]}, "district": "d1", "version": 1,
            "codes": [{"scheme": "house", "value": "X1"}, {"scheme": "parcel", "value": 'P"9'}], "valid_from": "2000-01-01", "valid_to": None,
            "geometry": "POLYGON((116.3 39.9,116.301 39.9,116.301 39.901,116.3 39.901,116.3 39.9))"}

    def test_forms_of_geometry(self, store, odd):
        query = ask(odd, fids=(3,))
        assert shapely.from_wkb(next(rows(store, query, "wkb"))["geometry"]).equals(shapely.Point(116.31, 39.91))
        assert next(rows(store, query, "geojson"))["geometry"] == {"type": "Point", "coordinates": [116.31, 39.91]}
        assert "geometry" not in next(rows(store, replace(query, geometry=False)))
        assert next(rows(store, ask(odd, fids=(2,))))["geometry"] is None

    def test_all_come_and_a_limit_holds(self, store, odd, table):
        assert [r["id"] for r in rows(store, ask(odd, limit=None, sortby=(("id", True),)))] == [7, 6, 5, 4, 3, 2, 1]
        assert [r["id"] for r in rows(store, ask(odd, limit=2))] == [1, 2]
        assert [r["name"] for r in rows(store, ask(table, limit=None))] == ["row 0", "row 1", "row 2"]

    def test_a_reader_who_stops_gives_the_connection_back(self, store, odd):
        reading = rows(store, ask(odd, limit=None))
        next(reading)
        reading.close()
        assert store.stats()["open"] == store.stats()["idle"]
        assert collection(store, ask(odd)).returned == 7
