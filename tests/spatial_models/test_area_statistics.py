"""Statistics of an area: worked by hand, against PostGIS and GeoPandas, and what always holds."""

from __future__ import annotations

import geopandas
import numpy as np
import orjson
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.access import LayerGrant
from layers.catalogue import Catalogue
from layers.store import Store
from spatial_models.area_statistics import area_statistics, shares_within
from spatial_models.faults import InvalidInputs
from spatial_models.frames import CrsMismatch, Frame, NotProjected
from spatial_models.jobs import Asker, NeedsJob, run_now
from spatial_models.registry import PROCESSES
from tests.spatial_models.conftest import EAST, NORTH, PROJECTED, Put, at, building, lonlat, make_asker

AREA = at(0, 0, 100, 100)
# name: rectangle, floors, use — what each rule makes of it stands in the test
TOWN = {
    "inside": (at(10, 10), 6, "residential"),
    "mostly in": (at(94, 20), 4, "office"),             # six tenths of it
    "mostly out": (at(98, 40), 10, "office"),           # two tenths of it
    "beside": (at(100.5, 60), 2, "residential"),
    "outside": (at(150, 150), 30, "hotel"),
}


def frame_of(shapes: list[shapely.Geometry], **columns: list[object]) -> Frame:
    arrays = {n: np.array(v, float) if isinstance(v[0], int | float) else np.array(v, object) for n, v in columns.items()}
    return Frame(PROJECTED, np.arange(len(shapes)), np.array(shapes, dtype=object), arrays)


@pytest.fixture(scope="module", autouse=True)
def town(store: Store, put: Put) -> list[int]:
    rows = [building(shape, name=name, floors_above=floors, use=use, owner_name="somebody") for name, (shape, floors, use) in TOWN.items()]
    rows.append(building(at(50, 50), name="gone", floors_above=99, use="hotel", span="[2000-01-01T00:00Z,2010-01-01T00:00Z)"))
    rows.append(building(at(70, 50), name="foreign", floors_above=None, use="hotel", district_code="110102"))
    return put("building", rows)


def ask(store: Store, catalogue: Catalogue, asker: Asker, **inputs: object) -> dict:
    given = {"layer": "building", "area": lonlat(AREA), **inputs}
    return orjson.loads(run_now(store, catalogue, asker, "area-statistics", given).body)


class TestByHand:
    @pytest.mark.parametrize(("rule", "count", "features", "floors", "area"), [
        ("centroid", 3, 3, 10, 300), ("intersects", 4, 4, 20, 400), ("area_weighted", 2.8, 4, 6 + 2.4 + 2, 280)])
    def test_rules(self, store, catalogue, asker, rule, count, features, floors, area):
        found = ask(store, catalogue, asker, rule=rule, fields=["floors_above"])
        assert found["count"] == pytest.approx(count, abs=1e-3) and found["features"] == features
        assert found["fields"]["floors_above"]["sum"] == pytest.approx(floors, abs=1e-2)
        assert found["area_m2_within"] == pytest.approx(area, abs=0.1)
        assert found["area_m2"] == pytest.approx(10_000, abs=0.5)
        assert found["rule"] == rule and found["rule_means"]["zh"] and found["measured_in"].endswith("/4548")

    def test_field(self, store, catalogue, asker):
        field = ask(store, catalogue, asker, fields=["floors_above"])["fields"]["floors_above"]
        # 'foreign' has no value: it counts as a feature and not in the mean
        assert field == {"count": 2, "sum": 10, "mean": 5, "min": 4, "max": 6, "unit": None}

    def test_classes(self, store, catalogue, asker):
        classes = ask(store, catalogue, asker, rule="intersects", by="use", fields=["floors_above"])["classes"]
        assert [(c["value"], c["count"], c["fields"]["floors_above"]["sum"]) for c in classes] == [
            ("office", 2, 14), ("hotel", 1, 0), ("residential", 1, 6)]
        assert classes[0]["title"] == {"en": "Office", "zh": "办公"}

    def test_classes_of_numbers(self, store, catalogue, asker):
        classes = ask(store, catalogue, asker, rule="intersects", by="floors_above")["classes"]
        assert [(c["value"], c["count"]) for c in classes] == [(10, 1), (4, 1), (6, 1), (None, 1)]
        two = frame_of([at(0, 0), at(20, 20)], v=[float("nan"), float("nan")])
        assert [(c["value"], c["count"]) for c in area_statistics(two, AREA, PROJECTED, by="v")["classes"]] == [(None, 2)]

    def test_as_of_a_day(self, store, catalogue, asker):
        assert ask(store, catalogue, asker, datetime="2005")["count"] == 4
        assert ask(store, catalogue, asker, datetime="1999")["count"] == 0

    def test_filter(self, store, catalogue, asker):
        assert ask(store, catalogue, asker, filter="use = 'hotel'")["count"] == 1
        assert ask(store, catalogue, asker, filter={"op": "<", "args": [{"property": "floors_above"}, 5]})["count"] == 1

    def test_nothing_there(self, store, catalogue, asker):
        found = ask(store, catalogue, asker, area=lonlat(at(5000, 5000)), by="use", fields=["floors_above"])
        assert (found["count"], found["features"], found["classes"], found["classes_left_out"]) == (0, 0, [], 0)
        assert found["fields"]["floors_above"] == {"count": 0, "sum": 0, "mean": None, "min": None, "max": None, "unit": None}

    def test_the_reader_s_rows_and_fields_only(self, store, catalogue):
        narrow = make_asker(store, "narrow", grants=[LayerGrant("building", districts=("110102",), fields=("use", "district_code"))])
        assert ask(store, catalogue, narrow, by="use")["classes"][0]["value"] == "hotel"
        with pytest.raises(InvalidInputs, match="no such field 'floors_above'"):
            ask(store, catalogue, narrow, fields=["floors_above"])
        with pytest.raises(InvalidInputs, match="there is no layer 'road'"):
            ask(store, catalogue, narrow, layer="road")


@pytest.mark.parametrize(("inputs", "named", "says"), [
    ({"layer": "nowhere"}, "layer", "there is no layer"), ({"layer": "milestone"}, "layer", "has no geometry"), ({"layer": 5}, "layer", "text"),
    ({"fields": ["name"]}, "fields", "no such field 'name'"), ({"fields": "floors_above"}, "fields", "list"), ({"by": "height_m"}, "by", "no such field"),
    ({"by": "owner_name"}, "by", "no such field"), ({"rule": "half"}, "rule", "one of"), ({"area": {"type": "Point", "coordinates": [1, 1]}}, "area", "Polygon"),
    ({"area": {"type": "Polygon", "coordinates": "x"}}, "area", "GeoJSON"), ({"area": {"type": "Polygon", "coordinates": []}}, "area", "empty"),
    ({"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}}, "area", "Self-intersection"),
    ({"area": {"type": "Polygon", "coordinates": [[[4e5, 4e6], [4e5 + 1, 4e6], [4e5, 4e6 + 1], [4e5, 4e6]]]}}, "area", "CRS84"),
    ({"rules": "centroid"}, "rules", "not an input")])
def test_wrong_inputs_are_named(store, catalogue, asker, inputs, named, says):
    with pytest.raises(InvalidInputs, match=says) as refused:
        ask(store, catalogue, asker, **inputs)
    assert refused.value.parameter == named


@pytest.mark.parametrize(("inputs", "named"), [({"datetime": "yesterday"}, "datetime"), ({"filter": "flors = 1"}, "filter"), ({"filter": "use ="}, "filter")])
def test_what_the_city_cannot_answer_is_named(store, catalogue, asker, inputs, named):
    with pytest.raises(Exception) as refused:
        ask(store, catalogue, asker, **inputs)
    assert refused.value.parameter == named


def test_more_than_one_waits_for_is_a_job(store, catalogue, asker, monkeypatch):
    process = PROCESSES["area-statistics"]
    monkeypatch.setitem(PROCESSES, process.id, type(process)(**{**process.__dict__, "most_features_at_once": 2}))
    with pytest.raises(NeedsJob, match="More than 2 features"):
        ask(store, catalogue, asker)


def test_refuses_other_and_unprojected_systems():
    frame = frame_of([at(0, 0)])
    with pytest.raises(CrsMismatch):
        area_statistics(frame, AREA, 4326)
    for srid in (4326, 3857):
        with pytest.raises(NotProjected):
            area_statistics(Frame(srid, frame.fids, frame.geometry), AREA, srid)


@pytest.fixture(scope="module")
def many(store: Store, put: Put, town: list[int]) -> None:
    """300 rectangles that lie about at random."""
    dice = np.random.default_rng(7)
    sizes = zip(*(dice.uniform(low, high, 300) for low, high in ((0, 500), (0, 500), (3, 60), (3, 60), (0, 90))), strict=True)
    shapes = [shapely.affinity.rotate(at(x, y, w, h), angle) for x, y, w, h, angle in sizes]
    put("building", [building(s, name="star", floors_above=int(v)) for s, v in zip(shapes, dice.integers(1, 40, 300), strict=True)])


@pytest.mark.usefixtures("many")
class TestIndependently:
    """The 300 rectangles against a drawn star, by PostGIS in the database and by GeoPandas."""

    STAR = shapely.Polygon([(EAST + 250 + r * np.cos(a), NORTH + 250 + r * np.sin(a))
                            for r, a in zip([240, 90] * 9, np.linspace(0, 2 * np.pi, 18, endpoint=False), strict=True)])

    @pytest.mark.parametrize("rule", ["centroid", "intersects", "area_weighted"])
    def test_as_postgis(self, store, catalogue, asker, rule):
        share = {"centroid": "ST_Intersects(a.g, ST_Centroid(t.g))::int", "intersects": "ST_Intersects(a.g, t.g)::int",
                 "area_weighted": "ST_Area(ST_Intersection(a.g, t.g)) / ST_Area(t.g)"}[rule]
        with store.read() as connection:
            count, total, area = connection.execute(
                f"SELECT sum(s), sum(s * floors_above), sum(s * ST_Area(g)) FROM (SELECT {share} AS s, floors_above, t.g FROM "
                "(SELECT floors_above, ST_Transform(geom, 4548) AS g FROM city.building WHERE name = 'star') t, "
                "(SELECT ST_GeomFromText(%s, 4548) AS g) a) x", (self.STAR.wkt,)).fetchone()
        found = ask(store, catalogue, asker, area=lonlat(self.STAR), rule=rule, fields=["floors_above"], filter="name = 'star'")
        assert found["count"] == pytest.approx(float(count), abs=0.01)
        assert found["fields"]["floors_above"]["sum"] == pytest.approx(float(total), abs=0.2)
        assert found["area_m2_within"] == pytest.approx(float(area), rel=1e-4)

    def test_as_geopandas(self, store, catalogue, asker):
        with store.read() as connection:
            rows = connection.execute("SELECT ST_AsBinary(geom), floors_above FROM city.building WHERE name = 'star'").fetchall()
        shapes = geopandas.GeoDataFrame({"floors": [r[1] for r in rows]}, geometry=shapely.from_wkb([r[0] for r in rows]), crs=4490).to_crs(4548)
        shapes["whole"] = shapes.area
        cut = geopandas.overlay(shapes, geopandas.GeoDataFrame(geometry=[self.STAR], crs=4548), how="intersection")
        found = ask(store, catalogue, asker, area=lonlat(self.STAR), rule="area_weighted", fields=["floors_above"], filter="name = 'star'")
        share = cut.area / cut["whole"]
        assert found["count"] == pytest.approx(share.sum(), abs=0.01)
        assert found["fields"]["floors_above"]["mean"] == pytest.approx((share * cut["floors"]).sum() / share.sum(), rel=1e-4)


def test_the_edge_belongs_to_the_area():
    centred, touching = frame_of([at(95, 20)]), frame_of([at(100, 60)])
    for frame, centroid, meets, weighted in ((centred, 1, 1, 0.5), (touching, 0, 1, 0)):
        assert shares_within(frame, AREA, PROJECTED, "centroid") == [centroid]
        assert shares_within(frame, AREA, PROJECTED, "intersects") == [meets]
        assert shares_within(frame, AREA, PROJECTED, "area_weighted") == pytest.approx([weighted])


def test_lines_count_by_length_and_points_by_number():
    line, point = shapely.LineString([(EAST + 90, NORTH + 50), (EAST + 130, NORTH + 50)]), shapely.Point(EAST + 5, NORTH + 5)
    points = shapely.MultiPoint([(EAST + 5, NORTH + 5), (EAST + 500, NORTH + 5), (EAST + 501, NORTH + 5), (EAST + 502, NORTH + 5)])
    frame = frame_of([line, point, points])
    assert shares_within(frame, AREA, PROJECTED, "area_weighted").tolist() == pytest.approx([0.25, 1, 0.25])
    assert area_statistics(frame, AREA, PROJECTED, "area_weighted")["length_m_within"] == pytest.approx(10)


def test_features_without_geometry_count_nowhere():
    frame = frame_of([at(0, 0), None])
    for rule in ("centroid", "intersects", "area_weighted"):
        assert shares_within(frame, AREA, PROJECTED, rule).tolist() == [1, 0]


BOXES = st.lists(st.tuples(*[st.floats(0, 200)] * 2, *[st.floats(0.5, 60)] * 2), min_size=1, max_size=12)


@given(boxes=BOXES, split=st.floats(20, 180))
@settings(max_examples=60, deadline=None)
def test_shares_of_a_divided_city_add_up(boxes, split):
    """Two areas that divide the plane: every feature is shared out wholly."""
    frame = frame_of([at(*box) for box in boxes], v=[box[2] for box in boxes])
    west, east = at(-1000, -1000, 1000 + split, 3000), at(split, -1000, 3000, 3000)
    parts = [shares_within(frame, side, PROJECTED, "area_weighted") for side in (west, east)]
    assert np.allclose(parts[0] + parts[1], 1)
    totals = [area_statistics(frame, side, PROJECTED, "area_weighted", ["v"])["fields"]["v"]["sum"] for side in (west, east)]
    assert sum(totals) == pytest.approx(frame.columns["v"].sum())


@given(boxes=BOXES, area=st.tuples(*[st.floats(0, 200)] * 2, *[st.floats(5, 150)] * 2))
@settings(max_examples=60, deadline=None)
def test_rules_are_ordered(boxes, area):
    """What is weighted never counts more than what meets; a convex feature counts by its centroid only where it meets."""
    frame = frame_of([at(*box) for box in boxes])
    centroid, meets, weighted = (shares_within(frame, at(*area), PROJECTED, rule) for rule in ("centroid", "intersects", "area_weighted"))
    assert (weighted <= meets + 1e-9).all() and (centroid <= meets).all() and (weighted >= 0).all()
