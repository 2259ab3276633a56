"""Values to map and cells over HTTP: against what one counts in the town."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from shapely.geometry import Point, shape

from layers.crs import to_srid
from tests.gisserver.conftest import Town
from tests.gisserver.test_statistics import ask

CITY = [116.0, 39.5, 117.0, 40.5]


def classes(http: httpx.Client, **body: Any) -> Any:
    return ask(http, {"layer": "building", "value": {"field": "height_m"}, **body}, "/api/classification")


class TestClassification:
    def test_of_a_field(self, http: httpx.Client, town: Town) -> None:
        found = classes(http, method="equal", classes=3)
        # 3 9 12 | 15 18 21 24 | 27 30 33 36, without 2号楼; the edges are 3, 14, 25, 36
        assert (found["edges"], found["counts"], found["no_data"], found["features"]) == ([3, 14, 25, 36], [3, 4, 4], 0, 11)
        values = dict(zip(found["fids"], found["values"], strict=True))
        assert values[town.fids["7号楼"]] == 21
        assert classes(http, method="manual", breaks=[10, 20])["counts"] == [2, 3, 6]
        assert classes(http, method="equal", classes=3, filter="height_m > 20")["features"] == 6

    def test_over_the_area(self, http: httpx.Client, town: Town) -> None:
        found = classes(http, value={"field": "height_m", "per": "area"})
        item = http.get(f"/ogc/collections/building/items/{town.fids['5号楼']}").json()
        area_km2 = to_srid(shape(item["geometry"]), 4326, 4548).area / 1e6
        values = dict(zip(found["fids"], found["values"], strict=True))
        assert values[town.fids["5号楼"]] == pytest.approx(15 / area_km2, rel=1e-6)

    def test_of_what_lies_in_zones(self, http: httpx.Client, town: Town) -> None:
        def by_zone(value: dict[str, Any]) -> dict[str, float]:
            found = ask(http, {"layer": "district", "value": value, "points": True, "shapes": True}, "/api/classification")
            assert len(found["points"]) == 2 and [fid for fid, _ in found["shapes"]] == found["fids"]
            assert all(shape(area).contains(Point(at)) for (_, area), at in zip(found["shapes"], found["points"], strict=True))
            names = {town.fids[name]: name for name in ("西区", "东区")}
            return {names[fid]: number for fid, number in zip(found["fids"], found["values"], strict=True)}

        assert by_zone({"of": {"layer": "building"}}) == {"西区": 8, "东区": 3}
        assert by_zone({"of": {"layer": "building", "measure": "sum", "field": "height_m"}}) == {"西区": 129, "东区": 99}
        assert by_zone({"of": {"layer": "building", "measure": "mean", "field": "height_m", "filter": "height_m > 20"}}) == {"西区": 24, "东区": 33}
        per = by_zone({"of": {"layer": "building", "measure": "sum", "field": "height_m"}, "per": "area"})
        assert per["西区"] < 129 / 400 and per["西区"] > 129 / 700

    def test_two_values_in_nine_classes(self, http: httpx.Client) -> None:
        found = classes(http, second={"field": "height_m", "per": "none"})
        # the same value twice lies on the diagonal
        assert found["matrix"] == [[4, 0, 0], [0, 3, 0], [0, 0, 4]]

    @pytest.mark.parametrize(("body", "parameter"), [
        ({"method": "manual"}, "breaks"), ({"method": "manual", "breaks": [3, 2]}, "breaks"), ({"value": {"field": "name"}}, "field"), ({"value": {}}, "field"),
        ({"value": {"of": {"layer": "district"}}}, "layer"), ({"value": {"field": "height_m", "per": "own:nothing"}}, "per"), ({"classes": 1}, "classes"),
        ({"value": {"field": "pm_company"}}, "field")])
    def test_says_what_is_wrong(self, http: httpx.Client, body: dict[str, Any], parameter: str) -> None:
        answer = http.post("/api/classification", json={"layer": "building" if body.get("value", {}).get("of") is None else "road",
                                                        "value": {"field": "height_m"}, **body})
        assert (answer.status_code, answer.json().get("parameter")) == (400, parameter), answer.text

    def test_of_layers_one_may_not_see(self, http: httpx.Client) -> None:
        for body in ({"layer": "pipe_segment", "value": {"field": "size_mm"}}, {"layer": "district", "value": {"of": {"layer": "pipe_segment"}}}):
            assert http.post("/api/classification", json=body).status_code == 404


class TestClusters:
    @pytest.mark.parametrize("zoom", [8, 11, 15])
    def test_every_feature_is_in_one_cell(self, http: httpx.Client, zoom: int) -> None:
        found = ask(http, {"layer": "building", "bbox": CITY, "zoom": zoom, "by": "use"}, "/api/clusters")
        assert found["total"] == sum(cell["count"] for cell in found["cells"]) == 11
        assert all(sum(each["count"] for each in cell["classes"]) == cell["count"] for cell in found["cells"])
        assert len(found["cells"]) <= 2 if zoom == 8 else len(found["cells"]) > 2

    def test_a_lone_feature_stands_in_its_middle(self, http: httpx.Client) -> None:
        found = ask(http, {"layer": "building", "bbox": CITY, "zoom": 18, "filter": "height_m = 36"}, "/api/clusters")
        (cell,) = found["cells"]
        assert cell["center"] == pytest.approx([116.4205, 39.9005], abs=1e-6)

    @pytest.mark.parametrize(("more", "parameter"), [({"zoom": 99}, "zoom"), ({"bbox": [2, 2, 1, 1]}, "bbox"), ({"by": "height_m"}, "by"), ({"layer": "unit_room"}, "layer")])
    def test_says_what_is_wrong(self, http: httpx.Client, more: dict[str, Any], parameter: str) -> None:
        answer = http.post("/api/clusters", json={"layer": "building", "bbox": CITY, "zoom": 12, **more})
        assert answer.status_code in (400, 404) and (answer.status_code == 404 or answer.json()["parameter"] == parameter)


def test_values_of_a_box_are_those_of_the_whole(http: httpx.Client) -> None:
    asked = {"layer": "building", "value": {"field": "height_m", "per": "area"}, "method": "manual", "breaks": [100.0, 1000.0]}
    whole = http.post("/api/classification", json=asked).json()
    part = http.post("/api/classification", json=asked | {"bbox": [116.3295, 39.895, 116.3504, 39.905]}).json()
    values = dict(zip(whole["fids"], whole["values"], strict=True))
    assert 0 < len(part["fids"]) < len(whole["fids"])
    assert all(values[fid] == value for fid, value in zip(part["fids"], part["values"], strict=True))
    assert http.post("/api/classification", json=asked | {"bbox": [2, 1, 1, 2]}).status_code == 400
