"""Surfaces of buildings written over the API: what could not be drawn is refused with the field, the surface and the ring; in both languages."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from layers.errors import DefinitionError
from layers.layer import parse_layer
from layers.store import Store
from tests.data.houses import House
from tests.gisserver.conftest import As, Town
from tests.tiles.test_tileset3d_surfaces import TO_METRES, stored

ITEMS, GEOJSON = "/ogc/collections/building_surface/items", {"Content-Type": "application/geo+json"}
# 5号楼 stands on 116.35, 39.9 and is 0.001 degree wide.
X, Y = TO_METRES.transform(116.3501, 39.9001)


@pytest.fixture(scope="module")
def editor(as_role: As) -> httpx.Client:
    return as_role("editor")


def sound(town: Town, **house: Any) -> dict[str, Any]:
    return {"building_fid": town.fids["5号楼"], "source_id": "s5", "lod": "2", "district_code": "110102", **stored(House(**({"x": X, "y": Y, "z": 40.0} | house)))}


def post(editor: httpx.Client, properties: dict[str, Any], **headers: str) -> httpx.Response:
    return editor.post(ITEMS, json={"type": "Feature", "geometry": None, "properties": properties}, headers=GEOJSON | headers, params={"valid-from": "2001"})


def broken(properties: dict[str, Any], way: str) -> dict[str, Any]:
    made = deepcopy(properties)
    roof = made["surfaces"][5]["rings"]
    match way:
        case "no list":
            made["surfaces"] = {"type": "RoofSurface"}
        case "empty":
            made["surfaces"] = []
        case "type":
            made["surfaces"][5]["type"] = "InteriorWallSurface"
        case "rings":
            made["surfaces"][5]["rings"] = "none"
        case "flat points":
            made["surfaces"][5]["rings"] = [[p[:2] for p in roof[0]]]
        case "huge":
            roof[0][1][2] = 1e300
        case "text":
            roof[0][1][2] = "12"
        case "open":
            roof[0].pop()
        case "line":
            made["surfaces"][5]["rings"] = [[roof[0][0], roof[0][1], roof[0][0], roof[0][1], roof[0][0]]]
        case "bent":
            roof[0][2][2] += 1.5
            made["highest_m"] += 2
        case "hole beside":
            lift = [[x, y, z + 1] for x, y, z in (roof[0][0], roof[0][1], roof[0][2], roof[0][0])]
            made["surfaces"][5]["rings"].append(lift)
            made["highest_m"] += 2
        case "too high":
            made["highest_m"] -= 1
        case "too low":
            made["lowest_m"] += 1
    return made


WAYS = {"no list": ("surfaces", "surfaces"), "empty": ("surfaces", "surfaces"), "type": ("surface_type", "surfaces"), "rings": ("surfaces", "surfaces"),
        "flat points": ("surface_ring", "surfaces"), "huge": ("surface_ring", "surfaces"), "text": ("surface_ring", "surfaces"), "open": ("surface_ring", "surfaces"),
        "line": ("surface_ring", "surfaces"), "bent": ("surface_plane", "surfaces"), "hole beside": ("surface_plane", "surfaces"),
        "too high": ("surface_height", "highest_m"), "too low": ("surface_height", "lowest_m")}


@pytest.mark.parametrize("way", WAYS)
def test_what_could_not_be_drawn_is_refused(editor: httpx.Client, town: Town, way: str) -> None:
    answer = post(editor, broken(sound(town), way), **{"Accept-Language": "zh"})
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json", answer.text
    (fault,) = answer.json()["faults"]
    assert (fault["code"], fault["field"]) == WAYS[way], fault
    assert fault["message"] != fault["message_en"] and any("一" <= c <= "鿿" for c in fault["message"]), fault
    if way not in ("no list", "empty", "too high", "too low"):
        assert "surface 5" in fault["message_en"] and "表面 5" in fault["message"]


def test_surfaces_belong_to_a_building_that_is_there(editor: httpx.Client, town: Town, store: Store) -> None:
    away = post(editor, sound(town, x=X + 120))
    (fault,) = away.json()["faults"]
    # 12 m wide, at the western edge of a building of 0.001 degree: 85.4 m.
    assert away.status_code == 422 and (fault["code"], fault["field"]) == ("surface_place", "surfaces") and fault["place"][0] == pytest.approx(116.3505)
    assert "beside building" in fault["message"] and "5 m are allowed" in fault["message"]
    beside_m = float(fault["message"].split("up to ")[1].split(" m")[0])
    assert beside_m == pytest.approx(120 + 12 - 0.0009 * 85_394, abs=0.5)
    assert post(editor, sound(town, x=X - 13)).status_code == 201, "eaves may reach out"
    (nobody,) = post(editor, sound(town) | {"building_fid": 2**40}).json()["faults"]
    assert nobody["code"] == "reference"
    with store.write() as connection:
        connection.execute("ALTER TABLE city.building ALTER geom DROP NOT NULL")
        connection.execute("UPDATE city.building SET geom = NULL WHERE fid = %s", (town.fids["7号楼"],))
    (unknown,) = post(editor, sound(town) | {"building_fid": town.fids["7号楼"]}).json()["faults"]
    assert unknown["code"] == "surface_place" and "has no place" in unknown["message"]


def test_each_way_of_writing_checks(editor: httpx.Client, town: Town, store: Store) -> None:
    made = post(editor, sound(town) | {"source_id": "ways"})
    assert made.status_code == 201, made.text
    address, bad = made.headers["location"], broken(sound(town), "bent")
    etag = {"If-Match": made.headers["etag"]}
    patch = editor.patch(address, json={"properties": {"surfaces": bad["surfaces"], "highest_m": bad["highest_m"]}}, headers=etag | {"Content-Type": "application/merge-patch+json"})
    put = editor.put(address, json={"type": "Feature", "geometry": None, "properties": bad}, headers=etag | GEOJSON)
    many = editor.post("/api/changesets", json={"reason": "roofs", "edits": [
        {"layer": "building_surface", "op": "create", "properties": sound(town) | {"source_id": "fine"}, "valid_from": "2001"},
        {"layer": "building_surface", "op": "create", "properties": bad, "valid_from": "2001"}]})
    for answer in (patch, put, many):
        assert answer.status_code == 422 and [f["code"] for f in answer.json()["faults"]] == ["surface_plane"], answer.text
    assert many.json()["faults"][0]["row"] == 1
    # A part of it alone: heights that the surfaces do not keep.
    low = editor.patch(address, json={"properties": {"highest_m": 41}}, headers=etag | {"Content-Type": "application/merge-patch+json"})
    assert [f["field"] for f in low.json()["faults"]] == ["highest_m"]
    with store.read() as connection:
        assert connection.execute("SELECT count(*) FROM city.building_surface WHERE source_id = 'fine'").fetchone() == (0,)


def test_the_rule_says_what_it_needs() -> None:
    text = {"zh": "层", "en": "Layer"}
    part = {"name": "building_fid", "type": "reference", "title": text, "references": "building", "part_of": True}
    rest = [{"name": "surfaces", "type": "json", "title": text}, {"name": "lowest_m", "type": "number", "title": text}, {"name": "highest_m", "type": "number", "title": text}]
    whole = {"id": "shells", "kind": "table", "title": text, "fields": [part, *rest],
             "rules": [{"kind": "surfaces", "via": "building_fid", "flat_m": 0.1, "reach_m": 2, "types": ["RoofSurface"]}]}
    assert parse_layer(whole).rules[0].flat_m == 0.1
    for wrong in ({"via": None}, {"flat_m": None}, {"reach_m": None}, {"types": []}, {"types": ["Roof"]}, {"flat_m": -1}):
        with pytest.raises(DefinitionError):
            parse_layer(whole | {"rules": [whole["rules"][0] | wrong]})
    with pytest.raises(DefinitionError):
        parse_layer(whole | {"fields": [part, rest[0]]})


def test_sixteen_thousand_corners_are_checked_in_a_moment(store: Store, town: Town) -> None:
    """A hostile row does not hold the writers: one statement, without a step for each pair."""
    rings = [[[116.35 + n % 100 * 1e-6, 39.9 + n // 100 * 1e-6, 40], [116.35001 + n % 100 * 1e-6, 39.9, 40], [116.35, 39.90001, 41], [116.35 + n % 100 * 1e-6, 39.9 + n // 100 * 1e-6, 40]]
             for n in range(4000)]
    value = [{"type": "RoofSurface", "rings": [ring]} for ring in rings]
    with store.read() as connection:
        connection.execute("SET LOCAL statement_timeout = '5s'")
        found = connection.execute("SELECT count(*) FROM gis.surfaces_faults(%s, 40, 41, %s)", (
            Jsonb(value), Jsonb({"types": ["RoofSurface"], "flat_m": 0.2, "reach_m": 5}))).fetchone()
    assert found is not None and found[0] <= 20
