"""Geometry operations over HTTP: results, what is refused by name, both languages, and that a cut parcel is written with its lineage."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.gisserver.conftest import As

BLOCK = {"type": "Polygon", "coordinates": [[[116.4, 39.9], [116.404, 39.9], [116.404, 39.903], [116.4, 39.903], [116.4, 39.9]]]}
CUT = {"type": "LineString", "coordinates": [[116.401, 39.899], [116.401, 39.904]]}


def post(http: httpx.Client, name: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return http.post(f"/api/geometry/{name}", json=body, headers=headers)


def test_split_measures_each_piece_in_the_grid(http: httpx.Client) -> None:
    parts = post(http, "split", {"geometry": BLOCK, "line": CUT}).json()["parts"]
    whole = post(http, "measure", {"geometry": BLOCK}).json()
    assert [part["area_m2"] for part in parts] == [pytest.approx(whole["grid_area_m2"] * share, rel=1e-5) for share in (0.75, 0.25)]
    assert whole["srid"] == 4548 and parts[0]["measured_in"].endswith("/4548")


def test_merge_makes_it_whole_again(http: httpx.Client) -> None:
    pieces = [part["geometry"] for part in post(http, "split", {"geometry": BLOCK, "line": CUT}).json()["parts"]]
    made = post(http, "merge", {"geometries": pieces}).json()
    assert made["geometry"]["type"] == "Polygon"
    assert made["area_m2"] == pytest.approx(post(http, "measure", {"geometry": BLOCK}).json()["grid_area_m2"], rel=1e-9)


def test_what_cannot_be_done_is_said_in_both_languages(http: httpx.Client) -> None:
    beside = {"type": "LineString", "coordinates": [[116.41, 39.9], [116.42, 39.9]]}
    for language, text in (("en", "begin and end outside"), ("zh", "从图形外画起")):
        refused = post(http, "split", {"geometry": BLOCK, "line": beside}, **{"Accept-Language": language})
        assert refused.status_code == 400 and text in refused.json()["detail"]
        assert refused.json()["parameter"] == "line"


@pytest.mark.parametrize(("name", "body", "parameter"), [
    ("split", {"geometry": BLOCK}, "line"),
    ("split", {"geometry": BLOCK, "line": BLOCK}, "line"),
    ("measure", {"geometry": {"type": "Point", "coordinates": [4e5, 4e6]}}, "geometry"),
    ("measure", {"geometry": {"type": "Point"}}, "geometry"),
    ("hole", {"geometry": BLOCK}, "place"),
    ("hole", {"geometry": BLOCK, "area": BLOCK, "place": {"type": "Point", "coordinates": [116.4, 39.9]}}, "place"),
    ("move", {"geometry": BLOCK, "east_m": 2e6}, "east_m"),
    ("positions", {"positions": [[116.4, 39.9]], "source": 4490, "target": 32650}, "target"),
    ("positions", {"positions": [[116.4]], "source": 4490, "target": 4548}, "positions"),
    ("merge", {"geometries": [BLOCK]}, "geometries"),
])
def test_wrong_bodies_name_the_member(http: httpx.Client, name: str, body: dict[str, Any], parameter: str) -> None:
    answer = post(http, name, body)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_faults_have_places(http: httpx.Client) -> None:
    bow = {"type": "Polygon", "coordinates": [[[116.4, 39.9], [116.402, 39.902], [116.402, 39.9], [116.4, 39.902], [116.4, 39.9]]]}
    answer = post(http, "check", {"geometry": bow}, **{"Accept-Language": "zh"}).json()
    assert answer["valid"] is False
    assert answer["faults"][0]["message"] == "边界自相交"
    assert answer["faults"][0]["place"] == [pytest.approx(116.401), pytest.approx(39.901)]


def test_positions_go_there_and_back(http: httpx.Client) -> None:
    plane = post(http, "positions", {"positions": [[116.4, 39.9]], "source": 4490, "target": 4548}).json()["positions"]
    # EPSG:4548 has its meridian at 117 E with 500 km added
    assert 448_000 < plane[0][0] < 449_000 and 4_418_000 < plane[0][1] < 4_419_000
    back = post(http, "positions", {"positions": plane, "source": 4548, "target": 4490}).json()["positions"]
    assert back[0] == [pytest.approx(116.4, abs=1e-8), pytest.approx(39.9, abs=1e-8)]


def test_a_split_is_one_changeset_with_its_lineage(as_role: As) -> None:
    editor = as_role("editor")
    made = editor.post("/api/changesets", json={"reason": "建立", "edits": [{
        "layer": "parcel", "op": "create", "geometry": BLOCK, "properties": {"source_id": "S1", "district_code": "110101"}, "valid_from": "2000"}]}).json()
    parts = post(editor, "split", {"geometry": BLOCK, "line": CUT}).json()["parts"]
    day = "2020-05-01"
    body = {"reason": "分割", "edits": [
        {"layer": "parcel", "op": "retire", "fid": made["fids"][0], "expected_version": made["versions"][0], "valid_from": day},
        *({"layer": "parcel", "op": "create", "temp_id": f"p{i}", "geometry": part["geometry"], "valid_from": day,
           "properties": {"source_id": f"S1-{i + 1}", "district_code": "110101"}} for i, part in enumerate(parts))],
        "lineage": [{"kind": "split", "at": day, "predecessors": [{"layer": "parcel", "fid": made["fids"][0]}],
                     "successors": [{"layer": "parcel", "fid": f"$p{i}"} for i in range(len(parts))]}]}
    assert editor.post("/api/changesets?check=true", json=body).json()["faults"] == []
    # whole, it would lie over its parts once they are there: said in the reader's language
    twice = {"reason": "重复", "edits": [{"layer": "parcel", "op": "create", "geometry": BLOCK, "properties": {"district_code": "110101"}, "valid_from": day}]}
    fault, = editor.post("/api/changesets?check=true", json=twice, headers={"Accept-Language": "zh"}).json()["faults"]
    assert fault["place"] and "重叠" in fault["message"] and "overlaps" in fault["message_en"]
    applied = editor.post("/api/changesets", json=body)
    assert applied.status_code == 201, applied.text
    graph = editor.get(f"/ogc/collections/parcel/items/{made['fids'][0]}/lineage").json()
    assert "split" in str(graph)
    assert sorted(applied.json()["temp_ids"]) == ["p0", "p1"]
