"""Buffers: by formula, against GeoPandas, and as a layer that is born, read, thrown away and made only once."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace

import geopandas
import numpy as np
import orjson
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.access import OWNER, LayerGrant
from layers.catalogue import Catalogue
from layers.features import collection, count
from layers.query import ItemQuery
from layers.store import Store
from spatial_models.buffer import QUARTER_PARTS, buffer, dissolve
from spatial_models.faults import InvalidInputs
from spatial_models.frames import Frame, NotProjected
from spatial_models.jobs import Asker, Job, NeedsJob, dismiss, find_job, keep, result_of, run_now, submit
from spatial_models.process import Features, ResultField
from spatial_models.result_layers import Lost, fill_layer, layer_id
from spatial_models.words import Words
from tests.spatial_models.conftest import EAST, NORTH, PROJECTED, Put, Workers, at, building, ended, lonlat, make_asker, moved, wait_for

TOWN = [at(0, 0), at(25, 0), at(200, 0, 10, 30)]


def frame_of(*shapes: shapely.Geometry) -> Frame:
    return Frame(PROJECTED, np.arange(10, 10 + len(shapes)), np.array(shapes, dtype=object))


def circle_m2(distance_m: float) -> float:
    """Area of the polygon that stands for a circle: 4·QUARTER_PARTS corners on it."""
    corners = 4 * QUARTER_PARTS
    return 0.5 * corners * math.sin(2 * math.pi / corners) * distance_m**2


@pytest.fixture(scope="module", autouse=True)
def town(store: Store, put: Put) -> list[int]:
    fids = put("building", [building(shape, name=f"b{n}") for n, shape in enumerate(TOWN)])
    put("building", [building(at(400, 400), name="old", span="[1990-01-01T00:00Z,1995-01-01T00:00Z)")])
    return fids


class TestByFormula:
    def test_a_point(self):
        found = buffer(frame_of(shapely.Point(EAST, NORTH)), 100)
        assert found.columns["area_m2"].tolist() == pytest.approx([circle_m2(100)])

    def test_a_rectangle(self):
        """Area + perimeter · distance + circle."""
        found = buffer(frame_of(at(0, 0, 10, 30)), 5)
        assert found.columns["area_m2"].tolist() == pytest.approx([300 + 80 * 5 + circle_m2(5)])

    def test_a_setback(self):
        found = buffer(frame_of(at(0, 0, 10, 30), at(0, 0, 3, 3)), -2)
        assert found.columns["area_m2"].tolist() == pytest.approx([6 * 26])
        assert found.columns["source_fid"].tolist() == [10]

    def test_what_overlaps_is_joined(self):
        found = dissolve(buffer(frame_of(*TOWN), 10))
        one, two = 100 + 40 * 10 + circle_m2(10), 300 + 80 * 10 + circle_m2(10)
        # The first two are 15 m apart; their buffers of 10 m share a lens-shaped strip between x = 15 and x = 20.
        assert found.columns["sources"].tolist() == [2, 1]
        assert found.columns["area_m2"][1] == pytest.approx(two)
        assert 2 * one - 5 * 30 < found.columns["area_m2"][0] < 2 * one - 5 * 10
        assert [geometry.geom_type for geometry in found.geometry] == ["Polygon", "Polygon"]

    def test_nothing(self):
        assert len(buffer(frame_of(), 10)) == 0 and len(dissolve(buffer(frame_of(), 10))) == 0
        assert len(buffer(frame_of(None, shapely.Polygon()), 10)) == 0

    def test_degrees_are_refused(self):
        frame = Frame(4326, np.array([1]), np.array([shapely.Point(116.4, 39.9)], dtype=object))
        for act in (lambda: buffer(frame, 10), lambda: dissolve(frame)):
            with pytest.raises(NotProjected, match="not a projected system in metres"):
                act()


@given(st.lists(st.tuples(*[st.floats(0, 300)] * 2, *[st.floats(1, 40)] * 2), min_size=1, max_size=15), st.floats(0.5, 40))
@settings(max_examples=40, deadline=None)
def test_dissolved_is_the_same_ground(boxes, distance_m):
    parts = buffer(frame_of(*(at(*box) for box in boxes)), distance_m)
    joined = dissolve(parts)
    assert joined.columns["sources"].sum() == len(parts)
    assert joined.columns["area_m2"].sum() == pytest.approx(shapely.union_all(parts.geometry).area)
    assert joined.columns["area_m2"].sum() <= parts.columns["area_m2"].sum() * (1 + 1e-9)
    first, second = shapely.STRtree(joined.geometry).query(joined.geometry, predicate="intersects")
    apart = first != second
    assert shapely.area(shapely.intersection(joined.geometry[first[apart]], joined.geometry[second[apart]])).sum() == pytest.approx(0, abs=1e-6)


class TestOfALayer:
    def ask(self, store: Store, catalogue: Catalogue, asker: Asker, **inputs: object) -> dict:
        return orjson.loads(run_now(store, catalogue, asker, "buffer", {"layer": "building", "distance_m": 10, **inputs}).body)

    @pytest.mark.parametrize("joined", [False, True])
    def test_as_geopandas(self, store, catalogue, asker, joined):
        with store.read() as connection:
            rows = connection.execute("SELECT ST_AsBinary(geom) FROM city.building WHERE valid @> now()").fetchall()
        true = geopandas.GeoSeries(shapely.from_wkb([r[0] for r in rows]), crs=4490).to_crs(4548).buffer(10, quad_segs=16)
        found = self.ask(store, catalogue, asker, dissolve=joined)
        made = [moved(shapely.geometry.shape(f["geometry"]), 4326, PROJECTED) for f in found["features"]]
        assert found["type"] == "FeatureCollection" and found["numberReturned"] == len(made) == (2 if joined else 3)
        assert shapely.union_all(made).symmetric_difference(true.union_all()).area < 2   # seven decimals are a centimetre, along 400 m of edge
        assert sum(f["properties"]["area_m2"] for f in found["features"]) == pytest.approx(true.union_all().area if joined else true.area.sum(), rel=1e-6)

    def test_geojson_as_the_standard_wants_it(self, store, catalogue, asker, town):
        feature = self.ask(store, catalogue, asker, filter="name = 'b2'")["features"][0]
        ring = feature["geometry"]["coordinates"][0]
        assert feature["properties"].keys() == {"source_fid", "area_m2"} and feature["properties"]["source_fid"] == town[2]
        assert shapely.LinearRing(ring).is_ccw and all(len(str(c).partition(".")[2]) <= 7 for c in ring[0])

    def test_moment_area_and_filter(self, store, catalogue, asker):
        assert len(self.ask(store, catalogue, asker, datetime="1992")["features"]) == 1
        assert len(self.ask(store, catalogue, asker, area=lonlat(at(-5, -5, 45, 45)))["features"]) == 2
        # the margin of the look-up is not part of the answer
        assert len(self.ask(store, catalogue, asker, area=lonlat(at(10.3, 0, 10, 10)))["features"]) == 0
        assert self.ask(store, catalogue, asker, filter="name = 'nobody'") == {"type": "FeatureCollection", "features": [], "numberReturned": 0}

    @pytest.mark.parametrize(("inputs", "named"), [
        ({"distance_m": 0}, "distance_m"), ({"distance_m": "10"}, "distance_m"), ({"distance_m": 10**6}, "distance_m"), ({"layer": "unit_room"}, "layer"),
        ({"layer": "road", "distance_m": -5}, "distance_m"), ({"dissolve": "yes"}, "dissolve"), ({"title": "a"}, "title"), ({"result": "shapefile"}, "result"),
        ({"radius": 5}, "radius"), ({"area": {"type": "LineString"}}, "area")])
    def test_wrong_inputs_are_named(self, store, catalogue, asker, inputs, named):
        for ask in (run_now, submit):
            with pytest.raises(InvalidInputs) as refused:
                ask(store, catalogue, asker, "buffer", {"layer": "building", "distance_m": 10, **inputs})
            assert refused.value.parameter == named

    def test_a_layer_needs_a_job(self, store, catalogue, asker):
        with pytest.raises(NeedsJob, match="respond-async"):
            self.ask(store, catalogue, asker, result="layer")


def claimed(store: Store, job: Job, worker: str = "me") -> Job:
    """Take a job as a worker does."""
    with store.write() as connection:
        row = connection.execute("SELECT gis.claim_job(%s, 100)", (worker,)).fetchone()
    assert row is not None and row[0]["job_id"] == job.job_id
    return Job.of(row[0])


def layer_inputs(title: str) -> dict[str, object]:
    return {"layer": "building", "distance_m": 10, "dissolve": True, "result": "layer", "title": title}


class TestAsALayer:
    @pytest.fixture(autouse=True)
    def calm(self, store: Store):
        yield
        with store.write() as connection:
            connection.execute("DELETE FROM gis.job")

    def test_is_born_filled_and_thrown_away(self, store, catalogue, asker, workers: Workers, put: Put):
        narrow = make_asker(store, "narrow", grants=[LayerGrant("building", districts=("110102",))])
        put("building", [building(at(600, 0), district_code="110102", span="[1970-01-01T00:00Z,1980-01-01T00:00Z)")])
        small = submit(store, catalogue, narrow, "buffer", {"layer": "building", "distance_m": 1, "datetime": "1975"})
        blind = submit(store, catalogue, narrow, "buffer", {"layer": "building", "distance_m": 1})
        job = submit(store, catalogue, asker, "buffer", layer_inputs("红线退让"))
        with workers():
            for mine, features in ((small, 1), (blind, 0)):     # a job reads with the rights of who asked
                wait_for(store, narrow, mine, ended)
                assert orjson.loads(result_of(store, narrow, mine.job_id).body)["numberReturned"] == features
            done = wait_for(store, asker, job, ended)
            assert done.status == "successful", done.error
            assert orjson.loads(result_of(store, asker, job.job_id).body) == {"layer": done.layer, "features": 2}
            catalogue.refresh()
            layer = catalogue.layer(done.layer)
            assert (layer.born, layer.group, layer.grade, layer.title.zh, layer.geometry) == ("runtime", "results", "L2", "红线退让", "MultiPolygon")
            with store.read() as connection:
                written = connection.execute("SELECT kind, actor, source FROM gis.changeset WHERE seq = %s", (done.seq,)).fetchone()
            assert written == ("job", "planner", {"process": "buffer", "job": job.job_id})
            page = orjson.loads(collection(store, ItemQuery(layer, OWNER, sortby=(("sources", True),))).body)
            assert [f["properties"]["sources"] for f in page] == [2, 1] and page[0]["geometry"]["type"] == "MultiPolygon"
            assert keep(store, asker, job.job_id).expires_at is None
            dismiss(store, asker, job.job_id)
            with store.write() as connection:   # the sweep waits ten seconds, in case somebody still writes
                connection.execute("UPDATE gis.job SET updated_at = updated_at - interval '10 seconds'")
            deadline = time.monotonic() + 15
            while done.layer in catalogue.layers:
                assert time.monotonic() < deadline
                time.sleep(0.1)
                catalogue.refresh()
        with store.read() as connection:
            assert connection.execute("SELECT to_regclass('city.' || %s)", (done.layer,)).fetchone() == (None,)
        assert find_job(store, asker, job.job_id).layer is None

    def features(self) -> Features:
        return Features(Words("Test", "测试"), "MultiPolygon", buffer(frame_of(*TOWN), 10), (ResultField("area_m2", "number", Words("Area", "面积"), "m2"),),
                        ("building", "customer"), as_layer=True)

    def test_is_as_confidential_as_its_sources(self, store, catalogue, asker):
        job = claimed(store, submit(store, catalogue, asker, "buffer", layer_inputs("a")))
        result = fill_layer(store, catalogue, job, "me", self.features())
        catalogue.refresh()
        assert catalogue.layer(result.layer).grade == max(catalogue.layer(i).grade for i in ("building", "customer")) > "L2"

    def test_of_nothing_is_empty(self, store, catalogue, asker):
        job = claimed(store, submit(store, catalogue, asker, "buffer", layer_inputs("empty")))
        nothing = replace(self.features(), frame=buffer(frame_of(), 10))
        for _ in range(2):
            result = fill_layer(store, catalogue, job, "me", nothing)
        catalogue.refresh()
        assert result.seq is None and count(store, ItemQuery(catalogue.layer(result.layer), OWNER)) == 0

    def test_is_filled_once_by_all_attempts_together(self, store, catalogue, asker):
        """A worker that was thought lost comes back in the middle of the next attempt."""
        job = claimed(store, submit(store, catalogue, asker, "buffer", layer_inputs("once")))
        results, threads = [], [threading.Thread(target=lambda: results.append(fill_layer(store, catalogue, job, "me", self.features()))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({r.seq for r in results}) == 1 and len(results) == 3
        catalogue.refresh()
        assert count(store, ItemQuery(catalogue.layer(layer_id(job)), OWNER)) == 3

    def test_is_not_begun_by_who_lost_the_job(self, store, catalogue, asker):
        job = claimed(store, submit(store, catalogue, asker, "buffer", layer_inputs("lost")))
        for other in (replace(job, attempt=2), job):
            with pytest.raises(Lost):
                fill_layer(store, catalogue, other, "somebody else", self.features())
        dismiss(store, asker, job.job_id)
        with pytest.raises(Lost):
            fill_layer(store, catalogue, job, "me", self.features())
        catalogue.refresh()
        assert layer_id(job) not in catalogue.layers
