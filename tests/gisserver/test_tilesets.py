"""Tile sets, tile matrix sets and tiles over HTTP, as OGC API Tiles has them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest
from pyproj import Transformer

from tests.gisserver.conftest import As, Town

CONF = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"
GRIDS = ("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad", "DemoCity4548")
# Where 1号楼 stands (116.31 E, 39.90 N), level / row / column by hand: width of a tile 360 / 2^z degrees (180 / 2^z in the quads).
PLACES = {"WebMercatorQuad": "14/6208/13485", "WorldCRS84Quad": "13/2280/13485", "CGCS2000Quad": "13/2280/13485"}


def test_every_collection_and_the_dataset_list_a_tile_set_for_each_grid(http: httpx.Client, town: Town) -> None:
    for root in ("/ogc", "/ogc/collections/building"):
        listed = http.get(f"{root}/tiles").json()["tilesets"]
        assert tuple(t["tileMatrixSetId"] for t in listed) == GRIDS
        for each in listed:
            assert each["dataType"] == "vector" and each["crs"].startswith("http://www.opengis.net/def/crs/")
            by_rel = {link["rel"]: link for link in each["links"]}
            own = http.get(by_rel["self"]["href"]).json()
            assert own == each
            scheme = http.get(by_rel["http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"]["href"]).json()
            assert scheme["id"] == each["tileMatrixSetId"] and scheme["crs"] == each["crs"]
            levels = {m["id"]: m for m in scheme["tileMatrices"]}
            assert each["tileMatrixSetLimits"]
            for limit in each["tileMatrixSetLimits"]:
                level = levels[limit["tileMatrix"]]
                assert 0 <= limit["minTileRow"] <= limit["maxTileRow"] < level["matrixHeight"]
                assert 0 <= limit["minTileCol"] <= limit["maxTileCol"] < level["matrixWidth"]
            assert by_rel["item"]["templated"] and by_rel["item"]["type"] == "application/vnd.mapbox-vector-tile"


def test_schemes(http: httpx.Client, town: Town) -> None:
    listed = http.get("/ogc/tileMatrixSets").json()["tileMatrixSets"]
    assert [each["id"] for each in listed] == list(GRIDS)
    assert [each.get("uri") for each in listed][:2] == [f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{g}" for g in GRIDS[:2]]
    world = http.get("/ogc/tileMatrixSets/WorldCRS84Quad").json()
    # As the registry of the OGC has it.
    assert world["crs"] == "http://www.opengis.net/def/crs/OGC/1.3/CRS84" and world["orderedAxes"] == ["Lon", "Lat"]
    assert world["tileMatrices"][0] | {"cellSize": 0.703125, "pointOfOrigin": [-180, 90], "matrixWidth": 2, "matrixHeight": 1} == world["tileMatrices"][0]
    assert world["tileMatrices"][0]["scaleDenominator"] == pytest.approx(279541132.014358, rel=1e-12)
    assert world["tileMatrices"][17]["scaleDenominator"] == pytest.approx(2132.7295838497840572, rel=1e-12)
    china = http.get("/ogc/tileMatrixSets/CGCS2000Quad").json()
    assert china["orderedAxes"] == ["Lat", "Lon"] and china["tileMatrices"][0]["pointOfOrigin"] == [90, -180]
    local = http.get("/ogc/tileMatrixSets/DemoCity4548").json()
    assert local["tileMatrices"][0]["pointOfOrigin"] == [4480000, 400000] and "uri" not in local
    assert [round(m["scaleDenominator"]) for m in local["tileMatrices"]] == [500000, 250000, 100000, 50000, 25000, 10000, 5000, 2000, 1000, 500]


def test_the_same_building_in_every_grid(http: httpx.Client, town: Town) -> None:
    local = next(limit for limit in http.get("/ogc/tiles/DemoCity4548").json()["tileMatrixSetLimits"] if limit["tileMatrix"] == "4")
    tried = [f"4/{row}/{col}" for row in range(local["minTileRow"], local["maxTileRow"] + 1)
             for col in range(local["minTileCol"], local["maxTileCol"] + 1)]
    found = [place for place in tried if "老楼" in names(http.get(f"/ogc/collections/building/tiles/DemoCity4548/{place}"))]
    assert 1 <= len(found) <= 4
    for grid, place in PLACES.items():
        assert "老楼" in names(http.get(f"/ogc/collections/building/tiles/{grid}/{place}")), grid


@pytest.mark.parametrize(("grid", "level", "srid"), [("WebMercatorQuad", 14, 3857), ("WorldCRS84Quad", 13, 4326), ("CGCS2000Quad", 13, 4490), ("DemoCity4548", 4, 4548)])
def test_gdal_reads_the_tiles_of_every_grid(http: httpx.Client, town: Town, grid: str, level: int, srid: int, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """GDAL's driver for OGC API finds set, definition and tiles by links alone, and puts them where the items are."""
    # It keeps what it fetched in the folder it works in.
    monkeypatch.chdir(tmp_path)
    minx, miny, maxx, maxy = Transformer.from_crs(4490, srid, always_xy=True).transform_bounds(116.305, 39.895, 116.345, 39.905)
    frame = pyogrio.read_dataframe(f"OGCAPI:{str(http.base_url).rstrip('/')}/ogc/collections/building", layer=f"Zoom level {level}", API="TILES", TILEMATRIXSET=grid,
                                   MINX=minx, MINY=miny, MAXX=maxx, MAXY=maxy)
    assert frame.crs is not None
    found = {row["name"]: row["geometry"] for row in frame.to_crs(4490).to_dict("records")}
    assert {"老楼", "3号楼", "4号楼"} <= found.keys()
    # To a unit of the tile, some 60 cm.
    assert found["3号楼"].bounds == pytest.approx((116.33, 39.90, 116.331, 39.901), abs=1e-5)


def decoded(answer: httpx.Response) -> dict[str, list[dict[str, Any]]]:
    """Read a tile by GDAL: the properties of its features by tile layer."""
    if answer.status_code == 204:
        return {}
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    with tempfile.NamedTemporaryFile(suffix=".pbf") as file:
        file.write(answer.content)
        file.flush()
        frames = {name: pyogrio.read_dataframe(file.name, layer=name, read_geometry=False, X="0", Y="0", Z="0") for name, _ in pyogrio.list_layers(file.name)}
    return {name: [{k: v for k, v in row.items() if k != "mvt_id" and v is not None and v == v} for row in frame.to_dict("records")]
            for name, frame in frames.items()}


def names(answer: httpx.Response, layer: str = "building") -> set[str]:
    return {properties.get("name", "") for properties in decoded(answer).get(layer, [])}


@pytest.mark.parametrize("address", [
    "/ogc/tiles/Nix/1/0/0", "/ogc/tiles/WorldCRS84Quad/0/1/0", "/ogc/tiles/WorldCRS84Quad/0/0/2", "/ogc/tiles/CGCS2000Quad/24/0/0",
    "/ogc/tiles/DemoCity4548/0/4/0", "/ogc/tiles/DemoCity4548/10/0/0", "/ogc/tiles/WebMercatorQuad/1/2/0", "/ogc/tiles/WebMercatorQuad/-1/0/0",
    "/ogc/tiles/WebMercatorQuad/1/0/0.5", "/ogc/tileMatrixSets/Nix", "/ogc/tiles/Nix", "/ogc/collections/building/tiles/Nix",
    "/ogc/collections/unit_room/tiles", "/ogc/collections/nix/tiles/WebMercatorQuad/1/0/0"])
def test_what_there_is_not(http: httpx.Client, town: Town, address: str) -> None:
    answer = http.get(address)
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"


def test_an_empty_tile_within_the_grid_has_no_content(http: httpx.Client, town: Town) -> None:
    for address in ("WebMercatorQuad/14/0/0", "WorldCRS84Quad/10/0/0", "CGCS2000Quad/0/0/0", "DemoCity4548/9/0/0"):
        answer = http.get(f"/ogc/collections/building/tiles/{address}")
        assert answer.status_code == 204 and answer.content == b""


def test_the_format_is_told_by_nobody_or_by_f(http: httpx.Client, town: Town) -> None:
    address = f"/ogc/collections/building/tiles/WebMercatorQuad/{PLACES['WebMercatorQuad']}"
    plain = http.get(address)
    assert plain.content == http.get(address, params={"f": "mvt"}).content == http.get(address, headers={"Accept": "*/*"}).content
    wrong = http.get(address, params={"f": "png"})
    assert wrong.status_code == 400 and wrong.json()["parameter"] == "f"


def test_only_the_properties_that_are_asked_for(http: httpx.Client, town: Town) -> None:
    address = f"/ogc/collections/building/tiles/WebMercatorQuad/{PLACES['WebMercatorQuad']}"

    def held(**asked: Any) -> set[str]:
        return {name for properties in decoded(http.get(address, params=asked))["building"] for name in properties}

    assert held() > {"name", "use", "height_m"}
    assert held(properties="use") == {"use"} and held(properties="height_m,use") == {"use", "height_m"} and held() > {"name"}
    assert http.get(address, params={"properties": "use,height_m"}).headers["etag"] == http.get(address, params={"properties": "height_m,use"}).headers["etag"]
    # What tiles never hold, and what does not exist, cannot be asked for.
    for wrong in ("owner_name", "nix", "codes"):
        answer = http.get(address, params={"properties": wrong})
        assert answer.status_code == 400 and answer.json()["parameter"] == "properties"
    assert http.get("/ogc/tiles/WebMercatorQuad/14/6208/13485", params={"properties": "use"}).status_code == 400
    told = http.get("/ogc/collections/building/tilejson", params={"properties": "use", "datetime": "2012"}).json()
    assert set(told["vector_layers"][0]["fields"]) == {"use"} and told["tiles"][0].endswith("?properties=use&datetime=2012")
    operation = http.get("/api/openapi").json()["paths"]["/ogc/collections/{collection}/tiles/{tms}/{z}/{row}/{col}"]["get"]
    assert {"properties", "filter", "f"} <= {p.get("name", p.get("$ref", "").rpartition("/")[2]) for p in operation["parameters"]}
    assert next(p for p in operation["parameters"] if p.get("name") == "tms")["schema"]["enum"] == list(GRIDS)


def test_layers_of_a_tile_are_those_of_the_reader(http: httpx.Client, as_role: As, town: Town) -> None:
    place = f"/ogc/tiles/WorldCRS84Quad/{PLACES['WorldCRS84Quad']}"
    whole = decoded(http.get(place))
    assert {"building", "district"} <= whole.keys()
    assert decoded(http.get(place, params={"collections": "building"})).keys() == {"building"}
    refused = http.get(place, params={"collections": "nix"})
    assert refused.status_code == 400 and refused.json()["parameter"] == "collections"


def test_conformance(http: httpx.Client) -> None:
    told = set(http.get("/ogc/conformance").json()["conformsTo"])
    assert {CONF + name for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "dataset-tilesets", "collections-selection",
                                     "datetime", "mvt", "oas30")} <= told
    assert {f"http://www.opengis.net/spec/tms/2.0/conf/{name}" for name in ("tilematrixset", "tilematrixsetlimits", "json-tilematrixset",
                                                                            "json-tilesetmetadata", "json-tilematrixsetlimits")} <= told
