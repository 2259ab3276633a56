"""Statistics and selection over HTTP: numbers counted by hand in the town, and by shapely from what /items gives."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
import shapely
from shapely.geometry import shape

from gisserver.routes.statistics import nice_edges
from layers.crs import to_srid
from tests.gisserver.conftest import As, Town

ALL = {"layers": [{"layer": "building", "by": "use", "fields": ["height_m"]}]}
# Cuts 5号楼 (116.350 to 116.351) at four tenths, holds 3号楼 and 4号楼, touches nothing else.
BOX = [116.3295, 39.895, 116.3504, 39.905]


def ask(http: httpx.Client, body: dict[str, Any], path: str = "/api/statistics") -> Any:
    answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def in_metres(http: httpx.Client) -> dict[int, Any]:
    features = http.get("/ogc/collections/building/items", params={"limit": 100, "f": "geojson"}).json()["features"]
    return {f["id"]: to_srid(shape(f["geometry"]), 4326, 4548) for f in features}


class TestStatistics:
    def test_counts_by_class(self, http: httpx.Client) -> None:
        found = ask(http, ALL)["layers"][0]
        # twelve buildings, 2号楼 (office) has ended: 1, 3, 5, 7, 9, 11 are residential
        assert (found["count"], [(c["value"], c["count"]) for c in found["classes"]]) == (11, [("residential", 6), ("office", 5)])
        assert found["classes"][0]["title"] == {"zh": "住宅", "en": "Residential"}
        assert found["fields"]["height_m"] == {"count": 11, "sum": 3.0 * (sum(range(1, 13)) - 2), "mean": pytest.approx(3 * 76 / 11), "min": 3.0,
                                               "max": 36.0, "unit": "m"}
        assert found["classes"][1]["fields"]["height_m"]["sum"] == 3.0 * (4 + 6 + 8 + 10 + 12)

    def test_as_of_a_day(self, http: httpx.Client) -> None:
        assert ask(http, ALL | {"datetime": "2012-01-01"})["layers"][0]["count"] == 12
        assert ask(http, ALL | {"datetime": "1999-01-01"})["layers"][0] == {
            "layer": "building", "by": "use", "count": 0, "features": 0, "classes": [], "classes_left_out": 0,
            "fields": {"height_m": {"count": 0, "sum": 0.0, "mean": None, "min": None, "max": None, "unit": "m"}}}
        assert ask(http, ALL | {"datetime": "2051"})["layers"][0]["count"] == 12

    def test_what_was_known_then(self, http: httpx.Client, town: Town) -> None:
        known = ask(http, ALL | {"known_at": town.seqs["buildings"], "datetime": "2020-01-01"})["layers"][0]
        assert known["count"] == 12, "that 2号楼 ended was not known yet"

    @pytest.mark.parametrize(("rule", "count"), [("intersects", 3), ("centroid", 2), ("area_weighted", 2.4)])
    def test_what_is_partly_in_it_counts_by_the_rule(self, http: httpx.Client, rule: str, count: float) -> None:
        found = ask(http, {"layers": [{"layer": "building"}], "bbox": BOX, "rule": rule, "measure": True})
        assert found["layers"][0]["count"] == pytest.approx(count, abs=1e-3)
        assert found["rule_means"]["zh"] and found["measured_in"].endswith("/4548")
        box = to_srid(shapely.box(*BOX), 4326, 4548)
        parts = [g for g in in_metres(http).values() if g.intersects(box)]
        own = {"intersects": sum(g.area for g in parts), "centroid": sum(g.area for g in parts if box.intersects(g.centroid)),
               "area_weighted": sum(g.intersection(box).area for g in parts)}[rule]
        assert found["layers"][0]["area_m2"] == pytest.approx(own, rel=1e-6)

    def test_a_district_is_a_place(self, http: httpx.Client, town: Town) -> None:
        west = ask(http, {**ALL, "features": {"layer": "district", "fids": [town.fids["西区"]]}, "rule": "centroid"})
        assert west["layers"][0]["count"] == 8, "1 to 9 without 2"
        assert west["area"]["type"].endswith("Polygon") and west["area_m2"] > 5e8

    def test_a_buffer_is_measured_in_metres(self, http: httpx.Client, town: Town) -> None:
        around = {"layers": [{"layer": "building"}], "features": {"layer": "building", "fids": [town.fids["5号楼"]]}}
        # the next buildings are 0.009 degrees of longitude away, about 769 m
        assert [ask(http, around | {"buffer_m": m})["layers"][0]["count"] for m in (1, 700, 800)] == [1, 1, 3]

    def test_a_point_with_a_radius_is_a_circle(self, http: httpx.Client) -> None:
        found = ask(http, {"layers": [], "area": {"type": "Point", "coordinates": [116.35, 39.9]}, "buffer_m": 1000.0} | ALL)
        assert found["area_m2"] == pytest.approx(3.1365e6, rel=1e-3), "a polygon of 64 corners"

    def test_bins_are_round_and_hold_everything(self, http: httpx.Client) -> None:
        found = ask(http, {"layers": [{"layer": "building", "by": "height_m", "bins": 4}]})["layers"][0]
        assert found["edges"] == [0, 10, 20, 30, 40]
        # 3 9 | 12 15 18 | 21 24 27 | 30 33 36
        assert [c["count"] for c in found["classes"]] == [2, 3, 3, 3]
        assert found["without_class"] == 0

    def test_the_last_class_has_its_upper_edge(self, http: httpx.Client) -> None:
        found = ask(http, {"layers": [{"layer": "building", "by": "height_m", "edges": [9, 12, 36]}]})["layers"][0]
        assert [c["count"] for c in found["classes"]] == [1, 9] and found["without_class"] == 1

    def test_the_filter_is_the_table_s(self, http: httpx.Client) -> None:
        asked = {"layer": "building", "filter": {"op": ">", "args": [{"property": "height_m"}, 20]}}
        assert ask(http, {"layers": [asked]})["layers"][0]["count"] == 6

    def test_nobody_counts_what_he_may_not_see(self, http: httpx.Client, as_role: As) -> None:
        answer = http.post("/api/statistics", json={"layers": [{"layer": "pipe_segment"}]})
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:gis:problem:not-found")
        hidden = http.post("/api/statistics", json={"layers": [{"layer": "building", "by": "pm_company"}]})
        assert (hidden.status_code, hidden.json()["parameter"]) == (400, "by")
        officer = as_role("housing_officer")
        assert ask(officer, {"layers": [{"layer": "building"}]})["layers"][0]["count"] == 11
        assert officer.post("/api/statistics", json={"layers": [{"layer": "pipe_segment"}]}).status_code == 404


class TestSelection:
    def test_says_which(self, http: httpx.Client, town: Town) -> None:
        names = {rule: ask(http, {"layer": "building", "bbox": BOX, "rule": rule}, "/api/selection")["fids"] for rule in ("intersects", "centroid", "within")}
        three, two = [sorted(town.fids[f"{n}号楼"] for n in some) for some in ((3, 4, 5), (3, 4))]
        assert names == {"intersects": three, "centroid": two, "within": two}

    def test_counts_beyond_its_limit(self, http: httpx.Client) -> None:
        found = ask(http, {"layer": "building", "bbox": [116, 39, 117, 41], "limit": 4}, "/api/selection")
        assert (found["count"], len(found["fids"])) == (11, 4)

    @pytest.mark.parametrize(("body", "parameter"), [
        ({"layer": "building"}, "area"), ({"layer": "building", "bbox": [1, 2, 3]}, "bbox"),
        ({"layer": "building", "bbox": BOX, "rule": "area_weighted"}, "rule"), ({"layer": "building", "bbox": BOX, "near": 1}, "near"),
        ({"layer": "building", "area": {"type": "Point", "coordinates": [116, 40]}}, "area"),
        ({"layer": "building", "area": {"type": "Polygon", "coordinates": "here"}}, "area"),
        ({"layer": "building", "bbox": BOX, "area": {"type": "Point", "coordinates": [116, 40]}}, "area"),
        ({"layer": "building", "features": {"layer": "district", "fids": [999999]}}, "features"),
        ({"layer": "building", "bbox": BOX, "datetime": "yesterday"}, "datetime")])
    def test_says_what_is_wrong(self, http: httpx.Client, body: dict[str, Any], parameter: str) -> None:
        answer = http.post("/api/selection", json=body)
        assert (answer.status_code, answer.json().get("parameter")) == (400, parameter), answer.text


@pytest.mark.parametrize(("low", "high", "bins", "edges"), [
    (3, 36, 4, (0, 10, 20, 30, 40)), (0, 1, 4, (0, 0.25, 0.5, 0.75, 1)), (5, 5, 10, (5, 6)), (-7, 12, 2, (-10, 0, 10, 20)), (1999, 2024, 5, (1995, 2000, 2005, 2010, 2015, 2020, 2025))])
def test_edges_are_round(low: float, high: float, bins: int, edges: tuple[float, ...]) -> None:
    assert nice_edges(low, high, bins) == edges


class TestKeptSelections:
    """What is too much to travel is kept under a name, and filters of every kind know it."""

    def test_a_selection_of_any_rule_filters_items_tiles_and_statistics(self, http: httpx.Client) -> None:
        asked = {"layer": "building", "bbox": BOX, "rule": "centroid"}
        kept = ask(http, asked | {"keep": True, "limit": 1}, "/api/selection")
        whole = ask(http, asked, "/api/selection")
        assert (kept["count"], kept["kept"], len(kept["fids"])) == (whole["count"], 2, 1)
        assert ask(http, asked | {"keep": True}, "/api/selection")["selection"] == kept["selection"], "the same features have the same name"
        chosen = {"op": "selected", "args": [kept["selection"]]}
        items = http.get("/ogc/collections/building/items", params={"filter": orjson.dumps(chosen).decode(), "filter-lang": "cql2-json"}).json()
        assert sorted(f["id"] for f in items["features"]) == whole["fids"]
        others = {"layers": [{"layer": "building", "filter": {"op": "not", "args": [chosen]}}]}
        assert ask(http, others)["layers"][0]["count"] == 11 - 2
        tile = http.get("/ogc/collections/building/tiles/WebMercatorQuad/14/6208/13486", params={"filter": orjson.dumps(chosen).decode()})
        assert tile.status_code in (200, 204)

    @pytest.mark.parametrize("name", ["", "x", "0" * 24 + "'", 5, None])
    def test_what_is_no_name_is_refused(self, http: httpx.Client, name: Any) -> None:
        answer = http.post("/api/statistics", json={"layers": [{"layer": "building", "filter": {"op": "selected", "args": [name]}}]})
        assert answer.status_code == 400 and "selected" in answer.json()["detail"]

    def test_a_name_that_is_not_kept_has_no_features_and_gives_nobody_anothers_rows(self, http: httpx.Client) -> None:
        assert ask(http, {"layers": [{"layer": "building", "filter": {"op": "selected", "args": ["0" * 24]}}]})["layers"][0]["count"] == 0
