"""WMTS, TMS, KML and OGC API map tiles: the same tile by every name, kept and expired like any other, read by OWSLib and GDAL."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import httpx
import mapproxy
import pytest
import rasterio
from lxml import etree
from owslib.tms import TileMapService
from owslib.wmts import WebMapTileService
from PIL import Image
from pyproj import Transformer

from gisserver.identity import ROLES
from layers.accounts import create_account
from layers.audit import Actor
from layers.catalogue import Catalogue
from layers.keys import create_key
from layers.roles import read_roles
from layers.store import Store
from tests.conftest import LiveServer
from tests.gisserver.conftest import EAST, PASSWORD, WEST, As, Town, key_for
from tests.layers.odd_layers import put

GRIDS = ("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad", "DemoCity4548")
RESIDENTIAL = (223, 207, 182)
# A point in 3号楼, beside its label.
LON, LAT = 116.3301, 39.9001


def colour(body: bytes, at: tuple[float, float]) -> tuple[int, ...]:
    """The colour at a part of a tile (0 to 1 from the upper left corner), with its opacity."""
    image = Image.open(BytesIO(body)).convert("RGBA")
    return image.getpixel((int(image.width * at[0]), int(image.height * at[1])))


def near(a: tuple[int, ...], b: tuple[int, ...] = RESIDENTIAL, by: int = 4) -> bool:
    return a[3] > 230 and all(abs(x - y) <= by for x, y in zip(a[:3], b, strict=True))


def place(http: httpx.Client, grid: str, level: int, lon: float = LON, lat: float = LAT) -> tuple[int, int, tuple[float, float]]:
    """Column, row and place in the tile of a point, from the definition on the wire and PROJ."""
    scheme = http.get(f"/ogc/tileMatrixSets/{grid}").json()
    matrix = scheme["tileMatrices"][level]
    code = scheme["crs"].rpartition("/")[2]
    x, y = Transformer.from_crs("OGC:CRS84", "OGC:CRS84" if code == "CRS84" else f"EPSG:{code}", always_xy=True).transform(lon, lat)
    origin = matrix["pointOfOrigin"]
    left, top = origin if code in ("3857", "CRS84") else origin[::-1]
    across, down = (x - left) / (matrix["cellSize"] * 256), (top - y) / (matrix["cellSize"] * 256)
    return int(across), int(down), (across % 1, down % 1)


def by_tms(http: httpx.Client, grid: str, level: int, lon: float = LON, lat: float = LAT) -> tuple[str, int, int]:
    """Address, column and row of the tile that shows a place, by what the TileMap document says alone: everything is counted from its origin."""
    document = ElementTree.fromstring(http.get(f"/tms/1.0.0/building/{grid}").content)
    tiles = next(s for s in document.iter("TileSet") if s.get("order") == str(level))
    side = float(tiles.get("units-per-pixel")) * int(document.find("TileFormat").get("width"))
    code = {"OSGEO:41001": "EPSG:3857"}.get(document.findtext("SRS"), document.findtext("SRS"))
    x, y = Transformer.from_crs("OGC:CRS84", code, always_xy=True).transform(lon, lat)
    return tiles.get("href"), int((x - float(document.find("Origin").get("x"))) // side), int((y - float(document.find("Origin").get("y"))) // side)


LEVEL = {"WebMercatorQuad": 17, "WorldCRS84Quad": 16, "CGCS2000Quad": 16, "DemoCity4548": 8}


@pytest.mark.parametrize("grid", GRIDS)
def test_one_tile_by_every_name(http: httpx.Client, town: Town, grid: str) -> None:
    z = LEVEL[grid]
    col, row, at = place(http, grid, z)
    by_collection = http.get(f"/ogc/collections/building/map/tiles/{grid}/{z}/{row}/{col}")
    assert by_collection.status_code == 200 and by_collection.headers["content-type"] == "image/png"
    assert near(colour(by_collection.content, at)), grid
    others = [http.get(f"/wmts/building/default/current/{grid}/{z}/{row}/{col}.png"),
              http.get("/wmts", params={"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": "building", "STYLE": "default",
                                        "FORMAT": "image/png", "TILEMATRIXSET": grid, "TILEMATRIX": z, "TILEROW": row, "TILECOL": col})]
    others.append(http.get("{}/{}/{}.png".format(*by_tms(http, grid, z))))
    assert all(other.content == by_collection.content and other.headers["etag"] == by_collection.headers["etag"] for other in others)
    twice = http.get(f"/wmts/building/default/current/{grid}/{z}/{row}/{col}@2x.png")
    assert Image.open(BytesIO(twice.content)).size == (512, 512) and near(colour(twice.content, at))
    city = http.get(f"/ogc/map/tiles/{grid}/{z}/{row}/{col}")
    assert colour(city.content, (0.99, 0.99))[3] == 255 and near(colour(city.content, at), by=8)


def test_owslib_reads_wmts(http: httpx.Client, town: Town) -> None:
    service = WebMapTileService(f"{str(http.base_url).rstrip('/')}/wmts")
    assert set(service.tilematrixsets) == set(GRIDS)
    building = service.contents["building"]
    assert "建筑" in building.title and set(building.tilematrixsetlinks) == set(GRIDS)
    for grid in GRIDS:
        scheme = http.get(f"/ogc/tileMatrixSets/{grid}").json()
        for z, level in enumerate(scheme["tileMatrices"]):
            told = service.tilematrixsets[grid].tilematrix[str(z)]
            assert float(told.scaledenominator) == pytest.approx(level["scaleDenominator"], rel=1e-6)
            assert (told.matrixwidth, told.matrixheight) == (level["matrixWidth"], level["matrixHeight"]), (grid, z)
            corner = level["pointOfOrigin"] if grid != "WorldCRS84Quad" else level["pointOfOrigin"][::-1]
            assert told.topleftcorner == pytest.approx(tuple(corner), abs=1e-6), (grid, z)
    col, row, at = place(http, "CGCS2000Quad", 16)
    tile = service.gettile(layer="building", tilematrixset="CGCS2000Quad", tilematrix="16", row=row, column=col, format="image/png")
    assert near(colour(tile.read(), at))


def test_gdal_reads_wmts_in_the_local_grid(http: httpx.Client, town: Town, tmp_path: Path) -> None:
    url = f"{str(http.base_url).rstrip('/')}/wmts/1.0.0/WMTSCapabilities.xml"
    x, y = Transformer.from_crs("OGC:CRS84", "EPSG:4548", always_xy=True).transform(LON, LAT)
    target = tmp_path / "map.tif"
    subprocess.run(["gdal_translate", "-q", "-projwin", *map(str, (x - 30, y + 30, x + 30, y - 30)), "-outsize", "120", "120",
                    f"WMTS:{url},layer=building,tilematrixset=DemoCity4548", str(target)], check=True, capture_output=True, timeout=60, cwd=tmp_path)
    with rasterio.open(target) as image:
        assert image.crs.to_epsg() == 4548
        drawn = tuple(int(v) for v in next(image.sample([(x, y)])))
    assert near(drawn if len(drawn) == 4 else (*drawn, 255))


def test_tms_counts_every_grid_from_one_corner(http: httpx.Client, town: Town) -> None:
    service = TileMapService(f"{str(http.base_url).rstrip('/')}/tms/1.0.0")
    assert {name.rpartition("/")[2] for name in service.contents if "/building/" in name} == set(GRIDS)
    corners = {}
    for grid in GRIDS:
        document = ElementTree.fromstring(http.get(f"/tms/1.0.0/building/{grid}").content)
        corners[grid] = tuple(float(document.find("Origin").get(axis)) for axis in "xy")
        told = http.get(f"/ogc/tileMatrixSets/{grid}").json()["tileMatrices"]
        assert [float(s.get("units-per-pixel")) for s in document.iter("TileSet")] == pytest.approx([level["cellSize"] for level in told])
        box = document.find("BoundingBox")
        assert (float(box.get("minx")), float(box.get("miny"))) == corners[grid]
        for level in told:
            # From the northern edge down to the origin there is a whole number of tiles on every level.
            north = level["pointOfOrigin"][1] if grid in ("WebMercatorQuad", "WorldCRS84Quad") else level["pointOfOrigin"][0]
            rows = (north - corners[grid][1]) / (level["cellSize"] * 256)
            assert rows == pytest.approx(round(rows), abs=1e-6) and rows >= level["matrixHeight"] - 1e-6
    assert corners["WebMercatorQuad"] == pytest.approx((-20037508.342789244, -20037508.342789244)) and corners["WorldCRS84Quad"] == (-180, -90)
    # A row below the last tile of a level, but above the origin.
    assert http.get("/tms/1.0.0/building/DemoCity4548/9/0/0.png").status_code == 404


@pytest.mark.parametrize("grid", ["WebMercatorQuad", "WorldCRS84Quad"])
def test_gdal_reads_tms(http: httpx.Client, town: Town, tmp_path: Path, grid: str) -> None:
    code = "EPSG:3857" if grid == "WebMercatorQuad" else "EPSG:4326"
    x, y = Transformer.from_crs("OGC:CRS84", code, always_xy=True).transform(LON, LAT)
    reach = 60 if code == "EPSG:3857" else 0.0005
    target = tmp_path / "map.tif"
    subprocess.run(["gdal_translate", "-q", "-projwin", *map(str, (x - reach, y + reach, x + reach, y - reach)), "-outsize", "100", "100",
                    f"{str(http.base_url).rstrip('/')}/tms/1.0.0/building/{grid}", str(target)], check=True, capture_output=True, timeout=60, cwd=tmp_path)
    with rasterio.open(target) as image:
        drawn = tuple(int(v) for v in next(image.sample([(x, y)])))
    assert near((*drawn[:3], 255)), drawn


@pytest.mark.parametrize("grid", ["WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad"])
def test_kml_leads_to_the_tiles(http: httpx.Client, town: Town, grid: str) -> None:
    kml = "{http://www.opengis.net/kml/2.2}"
    address, seen = f"/kml/building/{grid}?time=2010-06-01", 0
    for _ in range(18):
        document = ElementTree.fromstring(http.get(address).content)
        boxes = []
        for link in document.iter(f"{kml}NetworkLink"):
            box = link.find(f".//{kml}LatLonAltBox")
            north, south, east, west = (float(box.find(f"{kml}{name}").text) for name in ("north", "south", "east", "west"))
            if west <= LON <= east and south <= LAT <= north:
                boxes.append(link.find(f".//{kml}href").text)
        for overlay in document.iter(f"{kml}GroundOverlay"):
            box = overlay.find(f".//{kml}LatLonBox")
            north, south, east, west = (float(box.find(f"{kml}{name}").text) for name in ("north", "south", "east", "west"))
            if west <= LON <= east and south <= LAT <= north and east - west < 0.01:
                assert overlay.find(f".//{kml}href").text.endswith("time=2010-06-01")
                picture = http.get(overlay.find(f".//{kml}href").text)
                assert picture.headers["content-type"] == "image/png"
                assert near(colour(picture.content, ((LON - west) / (east - west), (north - LAT) / (north - south)))), overlay
                seen += 1
        if not boxes or seen > 1:
            break
        address = boxes[0]
    assert seen


SCHEMAS = Path(mapproxy.__file__).parent / "test" / "schemas"


@pytest.mark.parametrize(("address", "schema"), [
    ("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "wmts/1.0/wmtsGetCapabilities_response.xsd"),
    ("/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0", "wms/1.3.0/capabilities_1_3_0.xsd"),
    ("/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1", "wms/1.1.1/capabilities_1_1_1.dtd"),
    ("/wms?SERVICE=WMS&REQUEST=GetMap&VERSION=1.3.0", "wms/1.3.0/exceptions_1_3_0.xsd"),
    ("/kml/city/WorldCRS84Quad", "kml/2.2.0/ogckml22.xsd"), ("/kml/building/CGCS2000Quad/12/6742/1364.kml", "kml/2.2.0/ogckml22.xsd"),
])
def test_documents_are_as_their_standards_say(http: httpx.Client, town: Town, address: str, schema: str) -> None:
    """By the schemas of the OGC, which MapProxy brings for its own tests."""
    document = etree.fromstring(http.get(address).content)
    with (SCHEMAS / schema).open("rb") as file:
        # Legends are an operation of another standard, which the schema of WMS has a place for.
        sources = "".join(f'<import namespace="http://www.opengis.net/{name}" schemaLocation="{SCHEMAS / path}"/>' for name, path in (
            ("wms", schema), ("sld", "sld/1.1.0/sld_capabilities.xsd")))
        both = etree.fromstring(f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{sources}</schema>')
        checked = etree.DTD(file) if schema.endswith(".dtd") else etree.XMLSchema(both if "1.3.0/cap" in schema else etree.parse(file))
    assert checked.validate(document), checked.error_log.filter_from_errors()


def test_any_day_and_what_was_known(http: httpx.Client, town: Town) -> None:
    col, row, at = place(http, "WebMercatorQuad", 17, 116.3201, 39.9001)        # 2号楼: 2000 to 2015
    root = f"/ogc/collections/building/map/tiles/WebMercatorQuad/17/{row}/{col}"
    drawn = {day: colour(http.get(root, params={"datetime": day}).content, at)[3] > 200 for day in ("1999-12-31", "2010", "2020-01-01")}
    assert drawn == {"1999-12-31": False, "2010": True, "2020-01-01": False}
    assert colour(http.get(root).content, at)[3] < 20
    assert colour(http.get(root, params={"datetime": "2010", "known-at": town.seqs["districts"]}).content, at)[3] < 20
    for address in (f"/wmts/building/default/2010-06-01/WebMercatorQuad/17/{row}/{col}.png",
                    f"/wmts?SERVICE=WMTS&REQUEST=GetTile&LAYER=building&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=17&TILEROW={row}&TILECOL={col}&TIME=2010"):
        assert colour(http.get(address).content, at)[3] > 200


def test_an_edit_is_seen_at_once_also_by_the_neighbour(http: httpx.Client, as_role: As, town: Town) -> None:
    editor = as_role("editor")
    col, row, at = place(http, "WebMercatorQuad", 17, 116.3401, 39.9001)        # 4号楼 is an office
    root = "/ogc/collections/building/map/tiles/WebMercatorQuad/17"
    before = editor.get(f"{root}/{row}/{col}")
    far = editor.get(f"{root}/{row}/{col + 40}")
    assert near(colour(before.content, at), (183, 195, 214))
    assert editor.get(f"{root}/{row}/{col}", headers={"If-None-Match": before.headers["etag"]}).status_code == 304
    item = f"/ogc/collections/building/items/{town.fids['4号楼']}"
    etag = editor.get(item).headers["etag"]
    done = editor.patch(item, json={"properties": {"use": "hotel"}, "type": "Feature"}, headers={"If-Match": etag, "Content-Type": "application/merge-patch+json"})
    assert done.status_code < 300, done.text
    seen = {"Gis-Seq": done.headers["gis-seq"]}
    after = editor.get(f"{root}/{row}/{col}", headers=seen | {"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200 and near(colour(after.content, at), (222, 185, 174))
    assert editor.get(f"{root}/{row}/{col + 40}", headers=seen).headers["etag"] == far.headers["etag"]


def put_nodes(store: Store, catalogue: Catalogue, first: int) -> None:
    """Put two nodes of pipelines beside each other, one of each district."""
    nodes = catalogue.layers["pipe_node"]
    given = {f.name: next(iter(f.codes)) if f.codes else "x" if f.type == "string" else 1 for f in nodes.fields if f.required}
    put(store, nodes, [given | {"version_id": first + n, "fid": first + n, "node_no": f"n{first + n}", "kind": "JS", "district_code": district,
                                "wkt": f"POINT({116.3 + n * 0.0002} 39.9)"} for n, district in enumerate((WEST, EAST))])


def test_readers_of_few_rows_have_tiles_of_their_own(as_role: As, town: Town, store: Store, catalogue: Catalogue) -> None:
    """An inspector sees the pipelines of his district alone, also where a tile of somebody who sees all is kept, and the other way round."""
    put_nodes(store, catalogue, 900_001)
    inspector, editor = as_role("inspector"), as_role("editor")
    col, row, _ = place(editor, "WebMercatorQuad", 18, 116.3, 39.9)
    spots = [place(editor, "WebMercatorQuad", 18, 116.3 + n * 0.0002, 39.9) for n in (0, 1)]
    assert [spot[:2] for spot in spots] == [(col, row)] * 2

    def seen(client: httpx.Client) -> list[bool]:
        body = client.get(f"/wmts/pipe_node/default/current/WebMercatorQuad/18/{row}/{col}.png").content
        return [colour(body, at)[3] > 200 for *_, at in spots]

    for _ in range(2):
        assert seen(editor) == [True, True]
        assert seen(inspector) == [True, False]


def test_hot_pictures_are_those_of_ones_own_district(live_server: LiveServer, as_role: As, town: Town, store: Store, catalogue: Catalogue) -> None:
    """Two inspectors of different districts ask for one address by turns, until both are answered by the hot lane: neither sees the other's."""
    put_nodes(store, catalogue, 910_001)
    editor, clients = as_role("editor"), dict[str, httpx.Client]()
    (col, row, _), spots = place(editor, "WebMercatorQuad", 18, 116.3, 39.9), [place(editor, "WebMercatorQuad", 18, 116.3 + n * 0.0002, 39.9)[2] for n in (0, 1)]
    address = f"/tms/1.0.0/pipe_node/WebMercatorQuad/18/{col}/{2**18 - 1 - row}.png"
    roles = read_roles(ROLES, catalogue.layers)
    for district in (WEST, EAST):
        person = create_account(store, roles, Actor("test"), f"manholes_{district}", PASSWORD, ["inspector"], districts=[district])
        key = create_key(store, Actor(person.username, person.account_id), person.account_id, "test", None, 30, True)[0]
        clients[district] = httpx.Client(base_url=live_server.url, headers={"Authorization": f"Bearer {key}"})

    def hot() -> int:
        return int(re.search(r"^gis_tile_hot_hits (\d+)", as_operator.get("/metrics").text, re.M)[1])

    with httpx.Client(base_url=live_server.url) as as_operator:
        key_for(store, catalogue, "system_admin")
        assert as_operator.post("/auth/login", json={"username": "system_admin_1", "password": PASSWORD}).status_code == 200
        before, tags = hot(), {}
        for n in range(30):
            for district, client in clients.items():
                answer = client.get(address)
                assert [colour(answer.content, at)[3] > 200 for at in spots] == [district == WEST, district == EAST], n
                assert answer.headers["cache-control"].startswith("private")
                tags[district] = answer.headers["etag"]
            assert [colour(editor.get(address).content, at)[3] > 200 for at in spots] == [True, True]
            if hot() > before + 8:
                break
        assert hot() > before + 8 and tags[WEST] != tags[EAST]
        # The validator of the other's picture says nothing.
        assert clients[WEST].get(address, headers={"If-None-Match": tags[EAST]}).status_code == 200
        assert clients[WEST].get(address, headers={"If-None-Match": tags[WEST]}).status_code == 304
    for client in clients.values():
        client.close()


@pytest.mark.parametrize(("address", "status", "kind"), [
    ("/wmts/nowhere/default/current/WebMercatorQuad/1/0/0.png", 400, "text/xml"), ("/wmts/building/fancy/current/WebMercatorQuad/1/0/0.png", 400, "text/xml"),
    ("/wmts/building/default/someday/WebMercatorQuad/1/0/0.png", 400, "text/xml"), ("/wmts/building/default/current/NoGrid/1/0/0.png", 404, "text/xml"),
    ("/wmts/building/default/current/WebMercatorQuad/1/2/0.png", 404, "text/xml"), ("/wmts/building/default/current/WebMercatorQuad/1/0/0.gif", 404, "text/xml"),
    ("/wmts/building/default/current/WebMercatorQuad/x/0/0.png", 404, "text/xml"), ("/wmts?SERVICE=WMTS&REQUEST=GetTile&LAYER=building", 400, "text/xml"),
    ("/wmts?SERVICE=WMTS&REQUEST=GetFish", 400, "text/xml"), ("/wmts", 400, "text/xml"), ("/tms/1.0.0/nowhere/WebMercatorQuad", 404, "text/xml"),
    ("/tms/1.0.0/building/WebMercatorQuad/1/0/2.png", 404, "text/xml"), ("/kml/nowhere/WebMercatorQuad", 404, "application/problem+json"),
    ("/kml/building/DemoCity4548", 404, "application/problem+json"), ("/kml/building/WorldCRS84Quad?time=someday", 400, "application/problem+json"),
    ("/kml/building/WorldCRS84Quad/1/0/5.kml", 404, "application/problem+json"),
    ("/ogc/collections/building/map/tiles/WebMercatorQuad/1/0/2", 404, "application/problem+json"),
    ("/ogc/collections/building/map/tiles/WebMercatorQuad/1/0/0?fish=1", 400, "application/problem+json"),
    ("/ogc/collections/building/map/tiles/WebMercatorQuad/1/0/0?datetime=x", 400, "application/problem+json"),
    ("/ogc/collections/unit_room/map/tiles/WebMercatorQuad/1/0/0", 404, "application/problem+json"),
])
def test_what_is_wrong_is_told(http: httpx.Client, town: Town, address: str, status: int, kind: str) -> None:
    answer = http.get(address)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, kind), answer.text


def test_errors_of_wmts_name_the_parameter(http: httpx.Client, town: Town) -> None:
    ows = "{http://www.opengis.net/ows/1.1}"
    fault = ElementTree.fromstring(http.get("/wmts/building/default/someday/WebMercatorQuad/1/0/0.png").content).find(f"{ows}Exception")
    assert fault.get("locator") == "time" and fault.get("exceptionCode") == "InvalidParameterValue"
    missing = ElementTree.fromstring(http.get("/wmts?SERVICE=WMTS&REQUEST=GetTile").content).find(f"{ows}Exception")
    assert (missing.get("locator"), missing.get("exceptionCode")) == ("layer", "MissingParameterValue")


class TestMaps:
    def test_a_map_in_the_local_system(self, http: httpx.Client, town: Town) -> None:
        uri = "http://www.opengis.net/def/crs/EPSG/0/4548"
        answer = http.get("/ogc/collections/building/map", params={"bbox": "116.3295,39.8995,116.3315,39.9015", "crs": uri, "width": 200, "f": "png"})
        assert answer.status_code == 200 and answer.headers["content-crs"] == f"<{uri}>"
        south, west, north, east = map(float, answer.headers["content-bbox"].split(","))
        x, y = Transformer.from_crs("OGC:CRS84", "EPSG:4548", always_xy=True).transform(LON, LAT)
        assert near(colour(answer.content, ((x - west) / (east - west), (north - y) / (north - south))))

    def test_sizes_formats_and_layers(self, http: httpx.Client, town: Town) -> None:
        for params, size, kind in (({"width": 300, "height": 100}, (300, 100), "PNG"), ({"f": "jpeg", "height": 50, "bbox": "116.3,39.9,116.4,39.95"}, None, "JPEG"),
                                   ({"f": "webp", "width": 64}, None, "WEBP"), ({"collections": "building"}, None, "PNG")):
            image = Image.open(BytesIO(http.get("/ogc/map", params=params).content))
            assert image.format == kind and (size is None or image.size == size)

    def test_a_filter_chooses_what_is_drawn(self, http: httpx.Client, town: Town) -> None:
        params = {"bbox": "116.3295,39.8995,116.3315,39.9015", "width": 100, "height": 100}
        at = ((LON - 116.3295) / 0.002, 1 - (LAT - 39.8995) / 0.002)
        assert near(colour(http.get("/ogc/collections/building/map", params=params).content, at))
        other = http.get("/ogc/collections/building/map", params=params | {"filter": "use = 'office'"})
        assert colour(other.content, at)[3] == 0

    @pytest.mark.parametrize(("params", "name"), [({"width": "4097"}, "width"), ({"bbox": "1,2"}, "bbox"), ({"bbox": "116.4,39,116.3,40"}, "bbox"),
                                                  ({"crs": "http://www.opengis.net/def/crs/EPSG/0/2000"}, "crs"), ({"bgcolor": "red"}, "bgcolor"),
                                                  ({"fish": "1"}, "fish"), ({"datetime": "x"}, "datetime"), ({"f": "gif"}, "f"),
                                                  ({"transparent": "maybe"}, "transparent")])
    def test_what_is_wrong_is_named(self, http: httpx.Client, town: Town, params: dict[str, str], name: str) -> None:
        answer = http.get("/ogc/collections/building/map", params=params)
        assert answer.status_code == 400 and answer.json()["parameter"] == name

    def test_sets_of_map_tiles(self, http: httpx.Client, town: Town) -> None:
        for root in ("/ogc/map/tiles", "/ogc/collections/building/map/tiles"):
            listed = http.get(root).json()["tilesets"]
            assert [t["tileMatrixSetId"] for t in listed] == list(GRIDS) and {t["dataType"] for t in listed} == {"map"}
            for each in listed:
                assert http.get(next(x["href"] for x in each["links"] if x["rel"] == "self")).json() == each
