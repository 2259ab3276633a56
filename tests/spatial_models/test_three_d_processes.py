"""The analyses in three dimensions on a town worked out by hand, for readers with different grants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from gisserver.surroundings import SIGHT, CitySurroundings, read_standards
from layers.access import LayerGrant
from layers.catalogue import Catalogue
from layers.crs import transformer
from layers.errors import NotFound
from layers.store import Store
from spatial_models.faults import InvalidInputs
from spatial_models.jobs import Asker, NeedsJob, run_now
from tests.spatial_models.conftest import EAST, NORTH, PROJECTED, Put, at, building, lonlat, make_asker

Ask = Callable[..., dict[str, Any]]
GROUND_M = 40.0


def lon_lat(x: float, y: float, *elevation: float) -> list[float]:
    """Return a position of the town in degrees."""
    return [*transformer(PROJECTED, 4326).transform(EAST + x, NORTH + y), *elevation]


@pytest.fixture(scope="module")
def town(store: Store, put: Put, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A slab in the middle that begins in 2010, a tower behind it in another district, a hidden cellar; a sewer below; level ground."""
    var = tmp_path_factory.mktemp("town")
    (var / "coverages").mkdir()
    with rasterio.open(var / "coverages" / "dem.tif", "w", driver="GTiff", width=120, height=120, count=1, dtype="float32", crs=f"EPSG:{PROJECTED}",
                       transform=from_origin(EAST - 600, NORTH + 600, 10, 10)) as dem:
        dem.write(np.full((120, 120), GROUND_M, dtype="float32"), 1)
    slab, tower = put("building", [
        building(at(50, -10, 10, 20), height_m=20.0, floors_above=6, floors_below=1, name="板楼", span="[2010-01-01T00:00Z,)"),
        building(at(150, -5, 10, 10), height_m=80.0, name="塔楼", district_code="110102")])
    nodes = put("pipe_node", [{"geometry": shapely.Point(EAST + x, NORTH + y), "node_no": f"N{n}", "kind": "PS", "sub_kind": "202", "feature": "bend",
                               "status": "in_use", "district_code": "110101"}
                              for n, (x, y) in enumerate([(20, -30), (20, 30), (30, -30), (30, 30)])])
    sewer = {"kind": "PS", "sub_kind": "202", "depth_to": "invert", "status": "in_use", "district_code": "110101", "size_mm": 1000.0}
    pipes = put("pipe_segment", [
        {**sewer, "segment_no": "1", "geometry": shapely.LineString([(EAST + 20, NORTH - 30), (EAST + 20, NORTH + 30)]), "start_node_fid": nodes[0],
         "end_node_fid": nodes[1], "start_elevation_m": 37.0, "end_elevation_m": 35.0},
        {**sewer, "segment_no": "2", "geometry": shapely.LineString([(EAST + 30, NORTH - 30), (EAST + 30, NORTH + 30)]), "start_node_fid": nodes[2],
         "end_node_fid": nodes[3]}])
    return {"var": var, "slab": slab, "tower": tower, "pipes": pipes}


@pytest.fixture(scope="module")
def ask(store: Store, catalogue: Catalogue, asker: Asker, town: dict[str, Any]) -> Ask:
    def asked(process: str, who: Asker = asker, **inputs: Any) -> dict[str, Any]:
        return orjson.loads(run_now(store, catalogue, who, process, inputs, CitySurroundings(town["var"])).body)

    return asked


def test_sightline_says_what_is_in_the_way_and_since_when(ask: Ask, town: dict[str, Any]):
    inputs = {"observer": lon_lat(0, 0), "targets": [lon_lat(100, 0), lon_lat(155, 0), lon_lat(150, 0, 85.0)], "eye_height_m": 10, "curvature": False}
    told = ask("sightline", **inputs)
    behind, roof, wall = told["targets"]
    # The line falls from 50 m to 40 m over 100 m: at the wall it is at 45 m, and the roof at 60 m is 16 m over its end.
    assert (behind["visible"], behind["obstruction"]["fid"], behind["obstruction"]["label"]) == (False, town["slab"], "板楼")
    assert behind["obstruction"]["distance_m"] == pytest.approx(50, abs=0.01)
    assert behind["obstruction"]["above_line_m"] == pytest.approx(60 - 44, abs=0.01)
    assert behind["obstruction"]["elevation_m"] == pytest.approx(45, abs=0.01)
    assert behind["raise_m"] == pytest.approx(50 + 10 / 50 * 100 - 40, abs=0.05)
    # The middle of the tower's roof at 120 m is hidden by the tower's own wall; of the wall at 85 m the line clears the slab at 50 + 35 · 50 / 150.
    assert (roof["stands_on"], roof["feature"]["fid"], roof["elevation_m"]) == ("feature", town["tower"], 120.0)
    assert [o["fid"] for o in roof["obstructions"]] == [town["tower"]] and wall["visible"] is True and wall["raise_m"] is None
    assert ask("sightline", datetime="2005", **inputs)["visible"] == 2
    curved = ask("sightline", **inputs | {"curvature": True})
    assert (curved["refraction"]["value"], curved["refraction"]["is_verified"]) == (0.13, False)
    assert curved["terrain"] == {"layer": "dem", "cell_m": 10.0}


def test_positions_in_walls_are_before_them(ask: Ask, town: dict[str, Any]):
    wall = lon_lat(50.1, 0, GROUND_M + 5)
    told = ask("sightline", observer=lon_lat(0, 0), targets=[wall, lon_lat(100, 0)])
    assert [t["visible"] for t in told["targets"]] == [True, False] and told["targets"][0]["stands_on"] == "wall"
    for position, where in ((lon_lat(55, 0, GROUND_M + 5), "inside '板楼', 15.0 m below its roof"), (lon_lat(0, 0, 30.0), "10.0 m below the ground"),
                            (lon_lat(900, 0), "beyond the elevation model")):
        with pytest.raises(InvalidInputs, match=where):
            ask("sightline", observer=position, targets=[lon_lat(10, 10)])


def test_what_a_reader_may_not_see_stands_nowhere(ask: Ask, store: Store, town: dict[str, Any]):
    part = make_asker(store, "east", grants=[LayerGrant("building", districts=("110102",)), LayerGrant("dem")])
    told = ask("sightline", part, observer=lon_lat(0, 0), targets=[lon_lat(100, 0), lon_lat(200, 0)])
    assert [t["visible"] for t in told["targets"]] == [True, False]
    assert told["targets"][1]["obstruction"]["fid"] == town["tower"] and told["solids"]["count"] == 1
    for process, more in (("viewshed", {"observer": lon_lat(0, 0), "radius_m": 200}), ("skyline", {"observer": lon_lat(0, 0), "radius_m": 300}),
                          ("section", {"line": [lon_lat(0, 0), lon_lat(200, 0)]})):
        assert f'"fid":{town["slab"]},' not in orjson.dumps(ask(process, part, **more)).decode()
        assert f'"fid":{town["tower"]},' in orjson.dumps(ask(process, part, **more)).decode()
    assert ask("section", part, line=[lon_lat(0, 0), lon_lat(100, 0)])["pipes"] == []
    # Without the elevation model the plane lies at 0; without heights nothing stands; without anything there is nothing to ask.
    plain = make_asker(store, "plain", grants=[LayerGrant("building", fields=("name", "use", "status", "district_code")), LayerGrant("dem")])
    assert ask("sightline", plain, observer=lon_lat(0, 0), targets=[lon_lat(200, 0)])["visible"] == 1
    nobody = make_asker(store, "nobody", grants=[LayerGrant("road")])
    with pytest.raises(NotFound, match="no elevation model and no layer"):
        ask("viewshed", nobody, observer=lon_lat(0, 0))
    with pytest.raises(InvalidInputs, match="there is no layer 'building'"):
        ask("solid-volume", nobody, layer="building", fids=[town["slab"]])


def test_viewshed_of_the_town(ask: Ask, town: dict[str, Any]):
    told = ask("viewshed", observer=lon_lat(0, 0), radius_m=300, cell_m=2, curvature=False)
    # The wedge behind the slab: angle of its near wall, from there to the circle.
    wedge = shapely.Polygon([(50, -10), (50, 10), (400, 80), (400, -80)]).intersection(shapely.Point(0, 0).buffer(300, quad_segs=64)).area
    assert told["hidden_m2"] == pytest.approx(wedge, rel=0.06)
    assert told["visible_m2"] + told["hidden_m2"] == told["looked_m2"] == pytest.approx(np.pi * 300**2, rel=0.01)
    assert [f["fid"] for f in told["features"]] == [town["slab"], town["tower"]] and told["features"][0]["distance_m"] == pytest.approx(50, abs=0.01)
    hidden = shapely.from_geojson(orjson.dumps(told["hidden"]))
    assert hidden.is_valid and shapely.transform(hidden, transformer(4326, PROJECTED).transform, interleaved=False).area == pytest.approx(told["hidden_m2"], rel=1e-3)
    assert ask("viewshed", observer=lon_lat(0, 0), radius_m=300, cell_m=2, datetime="2005")["visible_share"] > told["visible_share"]
    with pytest.raises(NeedsJob):
        ask("viewshed", observer=lon_lat(0, 0), radius_m=400, cell_m=1)


def test_skyline_of_two_days(ask: Ask, town: dict[str, Any]):
    told = ask("skyline", observer=lon_lat(0, 0), radius_m=500, datetime="2005", compare="2015", curvature=False)
    east, then = told["profile"][90], told["compared"]["profile"][90]
    assert (east["fid"], then["fid"]) == (town["tower"], town["tower"])
    assert east["angle_deg"] == pytest.approx(np.degrees(np.arctan(78.4 / 150)), abs=1e-3)
    side = told["compared"]["profile"][85]
    assert (side["fid"], side["angle_deg"]) == (town["slab"], pytest.approx(np.degrees(np.arctan(18.4 / (50 / np.cos(np.radians(5))))), abs=1e-3))
    assert told["compared"]["sky_view_factor"] < told["sky_view_factor"] and told["compared"]["largest_change_deg"] > 20
    with pytest.raises(InvalidInputs, match="compare: the viewpoint lies inside '板楼' then|inside '板楼' then"):
        ask("skyline", observer=lon_lat(55, 0), datetime="2005", compare="2015")


def test_section_and_pit(ask: Ask, town: dict[str, Any]):
    told = ask("section", line=[lon_lat(0, 0), lon_lat(100, 0)])
    assert told["length_m"] == pytest.approx(100, abs=1e-3) and {z for _, z in told["ground"]} == {GROUND_M}
    (cut,) = told["cuts"]
    assert (cut["fid"], cut["floors_above"], cut["floors_below"], cut["top_elevation_m"]) == (town["slab"], 6, 1, 60.0)
    assert (cut["from_m"], cut["to_m"]) == pytest.approx((50, 60), abs=1e-3)
    known, unknown = told["pipes"]
    # Halfway the invert is at 36 m; the sewer is 1 m high, its top at 37 m, 3 m below the ground.
    assert (known["fid"], known["distance_m"], known["top_elevation_m"], known["depth_m"]) == pytest.approx((town["pipes"][0], 20, 37.0, 3.0), abs=1e-3)
    assert (unknown["fid"], unknown["depth_m"], unknown["elevation_m"]) == (town["pipes"][1], None, None)

    pit = lonlat(at(10, -10, 30, 20))
    dug = ask("earthwork", area=pit, depth_m=4)
    assert (dug["area_m2"], dug["cut_m3"], dug["level_m"], dug["fill_m3"]) == pytest.approx((600, 2400, 36, 0), rel=1e-4)
    assert [(p["fid"], p["is_met"]) for p in dug["pipes"]] == [(town["pipes"][1], None), (town["pipes"][0], True)]
    # The top falls from 37.33 to 36.67 within the pit.
    assert dug["pipes"][1]["over_floor_m"] == pytest.approx(38 - 2 * 20 / 60 - 36, abs=1e-3)
    assert ask("earthwork", area=pit, depth_m=2)["pipes_met"] == 0
    assert ask("earthwork", area=pit, level_m=41.5)["fill_m3"] == pytest.approx(900, rel=1e-4)
    sloped = ask("earthwork", area=pit, depth_m=4, batter=1)
    assert sloped["cut_m3"] == pytest.approx(2400 + 100 * 16 / 2 + np.pi * 64 / 3, rel=5e-3)
    assert "cut_m3" not in ask("earthwork", area=pit)
    assert [f["fid"] for f in ask("earthwork", area=lonlat(at(40, -10, 30, 20)), depth_m=1)["features"]] == [town["slab"]]
    volume = ask("solid-volume", layer="building", fids=[town["slab"], town["tower"], 9])
    assert (volume["volume_m3"], volume["not_found"]) == (pytest.approx(200 * 20 + 100 * 80, rel=1e-6), [9])


@pytest.mark.parametrize("process, inputs, name", [
    ("sightline", {"targets": [lon_lat(25_000, 0)]}, "targets"), ("sightline", {"observer": [181, 0]}, "observer"), ("sightline", {"observer": [116.0]}, "observer"),
    ("sightline", {"layers": ["road"]}, "layers"), ("sightline", {"targets": []}, "targets"),
    ("viewshed", {"radius_m": 100, "cell_m": 80}, "cell_m"), ("viewshed", {"lowest_deg": 10, "highest_deg": 10}, "lowest_deg"), ("viewshed", {"radius_m": 1e9}, "radius_m"),
    ("skyline", {"step_deg": 7}, "step_deg"), ("skyline", {"datetime": "someday"}, "datetime"), ("section", {"line": [lon_lat(0, 0), lon_lat(0, 0)]}, "line"),
    ("section", {"line": [lon_lat(0, 0), lon_lat(11_000, 0)]}, "line"), ("section", {"line": [lon_lat(0, 0), lon_lat(9_000, 0)], "step_m": 0.5}, "step_m"),
    ("earthwork", {"depth_m": 1, "level_m": 1}, "level_m"), ("earthwork", {"batter": 1}, "batter"), ("earthwork", {"cell_m": 0.1}, "cell_m"),
    ("earthwork", {"area": lonlat(at(0, 0, 3_000, 3_000))}, "area"), ("solid-volume", {"layer": "road"}, "layer"), ("solid-volume", {"fids": [-1]}, "fids")])
def test_faults_name_their_input(ask: Ask, process: str, inputs: dict[str, Any], name: str):
    usual: dict[str, dict[str, Any]] = {
        "sightline": {"observer": lon_lat(0, 0), "targets": [lon_lat(10, 10)]}, "viewshed": {"observer": lon_lat(0, 0)}, "skyline": {"observer": lon_lat(0, 0)},
        "section": {"line": [lon_lat(0, 0), lon_lat(100, 0)]}, "earthwork": {"area": lonlat(at(0, 0, 100, 100))}, "solid-volume": {"layer": "building", "fids": [1]}}
    with pytest.raises(Exception) as caught:
        ask(process, **usual[process] | inputs)
    assert getattr(caught.value, "parameter", None) == name


def test_standards_say_where_they_are_from():
    standards = read_standards(SIGHT)
    assert standards.keys() == {"refraction_coefficient", "earth_radius"}
    assert all(each.source and each.edition and each.title.zh and each.title.en for each in standards.values())
    assert Path(SIGHT).name == "sight.yaml"
