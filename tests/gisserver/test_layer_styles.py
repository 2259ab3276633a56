"""A thematic map published as a style of its layer: everybody who may read it sees it, everywhere the same, and nobody else."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from PIL import Image, ImageColor
from shapely.geometry import shape

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.crs import to_srid
from layers.edits import Changeset, Edit, apply_changeset
from layers.layer import parse_layer
from layers.plan import register
from layers.store import Store
from tests.gisserver.conftest import EAST, WEST, As, Town
from tests.gisserver.test_tilesets import decoded

# Heights are 3 m times the number of the house: 1 to 3 are below 10 m, 4 to 6 below 20 m, the others above.
CLASSES: dict[str, Any] = {"layer": "building", "title": "楼高三级", "value": {"field": "height_m", "per": "none"},
                           "breaks": [10, 20], "colors": ["#ffeeaa", "#ff8800", "#aa0011"], "no_data": "#123456"}
HOUSES = {3: "#ffeeaa", 5: "#ff8800", 9: "#aa0011"}
SE = {"se": "http://www.opengis.net/se", "ogc": "http://www.opengis.net/ogc"}


def published(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/styles", json=CLASSES | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def editor(signed_in: As) -> httpx.Client:
    return signed_in("editor")


@pytest.fixture(scope="module")
def style(editor: httpx.Client) -> dict[str, Any]:
    return published(editor)


def pixel(client: httpx.Client, house: int, style: str, path: str = "/wms") -> tuple[int, ...]:
    """The colour in the middle of a house, far from its label."""
    x, y = 116.30 + 0.01 * house, 39.90
    box = f"{x - 0.0005},{y - 0.0005},{x + 0.0015},{y + 0.0015}"
    asked = {"SERVICE": "WMS", "VERSION": "1.1.1", "REQUEST": "GetMap", "LAYERS": "building", "STYLES": style, "SRS": "EPSG:4326", "BBOX": box,
             "WIDTH": 100, "HEIGHT": 100, "FORMAT": "image/png"} if path == "/wms" else {"bbox": box, "crs": "EPSG:4326", "width": 100, "height": 100, "bgcolor": "0xffffff"}
    answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    found = Image.open(BytesIO(answer.content)).convert("RGB").getpixel((35, 65))
    assert isinstance(found, tuple)
    return found


def near(found: tuple[int, ...], color: str, opacity: float) -> bool:
    return all(abs(a - (b * opacity + 255 * (1 - opacity))) <= 4 for a, b in zip(found, ImageColor.getrgb(color)[:3], strict=True))


def test_every_service_draws_the_published_classes(http: httpx.Client, style: dict[str, Any]) -> None:
    name, whole = style["name"], style["style"]
    assert {s["id"]: s["title"] for s in http.get("/ogc/styles", params={"lang": "zh"}).json()["styles"]}[whole].endswith("楼高三级")
    document = http.get(f"/ogc/styles/{whole}").json()
    ground = next(part for part in document["layers"] if part["id"] == "building")
    assert ground["paint"]["fill-color"] == ["case", ["has", "height_m"], ["step", ["to-number", ["get", "height_m"]], "#ffeeaa", 10, "#ff8800", 20, "#aa0011"], "#123456"]
    opacity = ground["paint"]["fill-opacity"]
    for house, color in HOUSES.items():
        assert near(pixel(http, house, name), color, opacity), (house, "WMS")
        assert near(pixel(http, house, name, f"/ogc/collections/building/styles/{name}/map"), color, opacity), (house, "OGC API")
    items = http.get(f"/ogc/styles/{whole}/legend").json()["legends"][0]["items"]
    assert [(i["color"], i.get("from"), i.get("below")) for i in items[:3]] == [("#ffeeaa", None, 10), ("#ff8800", 10, 20), ("#aa0011", 20, None)]
    assert items[3]["color"] == "#123456" and items[3]["no_data"]
    assert Image.open(BytesIO(http.get(f"/ogc/styles/{whole}/legend?f=png").content)).size[1] > 60
    rules = ElementTree.fromstring(http.get(f"/ogc/styles/{whole}?f=sld").content).findall(".//se:Rule", SE)
    assert [[e.text for e in r.findall(".//ogc:Literal", SE)] for r in rules[:2]] == [["10"], ["10", "20"]]
    capabilities = http.get("/wms", params={"SERVICE": "WMS", "REQUEST": "GetCapabilities"}).text
    assert f"<Name>{name}</Name><Title>楼高三级 楼高三级</Title>" in capabilities
    assert f"<ows:Identifier>{name}</ows:Identifier>" in http.get("/wmts/1.0.0/WMTSCapabilities.xml").text
    listed = http.get("/ogc/collections/building/styles").json()
    assert listed["default"] == "default" and {"default", "by_status", name} <= {s["id"] for s in listed["styles"]}
    (told,) = [s for layer in http.get("/api/config").json()["layers"] if layer["id"] == "building" for s in layer["styles"] if s["name"] == name]
    assert told["symbology"]["classes"][1] == {"below": 20.0, "color": "#ff8800"} and told["symbology"]["color"] == "#123456"


def test_tiles_hold_what_the_style_needs_and_change_with_it(http: httpx.Client, editor: httpx.Client, style: dict[str, Any]) -> None:
    # where house 9 is
    tile = f"/ogc/collections/building/styles/{style['name']}/map/tiles/WebMercatorQuad/16/24834/53956"
    before = [http.get(tile) for _ in range(3)]
    assert {a.status_code for a in before} == {200} and len({a.headers["etag"] for a in before}) == 1
    document = http.get(f"/ogc/styles/{style['style']}")
    assert http.get(f"/ogc/styles/{style['style']}", headers={"If-None-Match": document.headers["etag"]}).status_code == 304
    again = published(editor, colors=["#ffeeaa", "#ff8800", "#00aa11"])
    assert (again["id"], again["version"]) == (style["id"], style["version"] + 1)
    renewed = http.get(f"/ogc/styles/{style['style']}", headers={"If-None-Match": document.headers["etag"]})
    assert renewed.status_code == 200 and "#00aa11" in renewed.text
    assert near(pixel(http, 9, style["name"]), "#00aa11", 0.95)
    assert http.get(tile, headers={"If-None-Match": before[0].headers["etag"]}).status_code == 200
    published(editor)


def test_a_number_over_another_is_one_style_everywhere(http: httpx.Client, editor: httpx.Client, store: Store, catalogue: Catalogue, town: Town) -> None:
    """House 9 is 27 m high on 3 floors: 9 m each; house 5 with 15 m has no floors written."""
    apply_changeset(store, catalogue, OWNER, Changeset([Edit("building", "put", fid=town.fids["9号楼"], properties={"floors_above": 3}, partial=True, valid_from="2001")], "clerk", "floors"))
    made = published(editor, title="层高", value={"field": "height_m", "per": "floors_above"}, breaks=[4, 8])
    opacity = next(p for p in http.get(f"/ogc/styles/{made['style']}").json()["layers"] if p["id"] == "building")["paint"]["fill-opacity"]
    assert near(pixel(http, 9, made["name"]), "#aa0011", opacity) and near(pixel(http, 5, made["name"]), "#123456", opacity)
    style = http.get(f"/ogc/styles/{made['style']}").json()
    color = next(p for p in style["layers"] if p["id"] == "building")["paint"]["fill-color"]
    assert color[2][:3] == ["step", ["/", ["to-number", ["get", "height_m"]], ["to-number", ["get", "floors_above"]]], "#ffeeaa"]
    assert {"height_m", "floors_above"} <= set(http.get("/ogc/collections/building/tilejson").json()["vector_layers"][0]["fields"])


def test_is_for_those_who_may_read_what_it_shows(http: httpx.Client, as_role: As, editor: httpx.Client, store: Store) -> None:
    layer = parse_layer({"id": "zz_wells", "title": {"zh": "井", "en": "Wells"}, "born": "runtime", "group": "pipeline", "grade": "L3", "geometry": "Point",
                         "fields": [{"name": "depth_m", "type": "number", "title": {"zh": "深", "en": "Depth"}}], "symbology": {"color": "#111111"}})
    register(store, layer)
    end = time.monotonic() + 15
    while editor.get("/ogc/collections/zz_wells").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.2)
    made = published(editor, layer="zz_wells", title="井深", value={"field": "depth_m"}, sizes=[3, 5, 8])
    radius = next(p for p in editor.get(f"/ogc/styles/{made['style']}").json()["layers"] if p["type"] == "circle")["paint"]["circle-radius"]
    assert radius[5] == 17 and radius[6][2][2:] == [3, 10, 5, 20, 8], "the radius of each class at zoom 17"
    for stranger in (http, as_role("housing_officer")):
        assert stranger.get(f"/ogc/styles/{made['style']}").status_code == 404
        assert made["style"] not in stranger.get("/ogc/styles").text and "井深" not in stranger.get("/api/styles").text
        assert stranger.get(f"/ogc/collections/zz_wells/styles/{made['name']}/map").status_code == 404
    # A field that the public does not have: the layer is there, the style is not.
    money = published(editor, layer="project", title="投资", value={"field": "investment_cny"}, breaks=[1e6, 1e7])
    assert editor.get(f"/ogc/styles/{money['style']}").status_code == 200
    assert http.get(f"/ogc/styles/{money['style']}").status_code == 404 and "investment" not in http.get("/api/styles").text
    assert http.get(f"/ogc/collections/project/styles/{money['name']}/map").status_code == 404
    assert "investment_cny" not in http.get("/ogc/collections/project/tilejson").text


def test_a_field_that_goes_takes_the_style_off_the_lists(http: httpx.Client, editor: httpx.Client, store: Store) -> None:
    def defined(*fields: str) -> None:
        register(store, parse_layer({"id": "zz_pits", "title": {"zh": "坑", "en": "Pits"}, "born": "runtime", "group": "place", "geometry": "Polygon", "fields": [
            {"name": n, "type": "number", "title": {"zh": n, "en": n}} for n in fields]}))

    defined("a", "b")
    end = time.monotonic() + 15
    while http.get("/ogc/collections/zz_pits").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.2)
    made = published(editor, layer="zz_pits", title="甲", value={"field": "b"})
    # as a release may take a field away
    with store.write() as connection:
        connection.execute("UPDATE gis.layer_definition SET written = %s WHERE layer = 'zz_pits' AND is_present", (
            '{"id": "zz_pits", "title": {"zh": "坑", "en": "Pits"}, "born": "runtime", "group": "place", "geometry": "Polygon", '
            '"fields": [{"name": "a", "type": "number", "title": {"zh": "a", "en": "a"}}]}',))
        connection.execute("UPDATE gis.catalogue_state SET version = version + 1")
    assert Catalogue(store).layers["zz_pits"].variants == ()
    end = time.monotonic() + 15
    while http.get(f"/ogc/styles/{made['style']}").status_code != 404:
        assert time.monotonic() < end, "the style is drawn without its field"
        time.sleep(0.2)
    (told,) = [s for s in editor.get("/api/styles").json()["styles"] if s["id"] == made["id"]]
    assert "'b'" in told["fault"]["en"] and "“b”" in told["fault"]["zh"]
    assert made["title"] not in [s["title"] for s in http.get("/api/styles").json()["styles"]]
    assert http.get("/ogc/collections/zz_pits/styles").status_code == 200
    assert editor.delete(f"/api/styles/{made['id']}").status_code == 204


def test_is_withdrawn_by_its_publisher_or_who_manages_layers(http: httpx.Client, editor: httpx.Client, signed_in: As, as_role: As) -> None:
    made, planner = published(editor, title="待撤回"), signed_in("planner")
    taken = planner.post("/api/styles", json=CLASSES | {"title": "待撤回"}, headers={"Accept-Language": "zh"})
    assert (taken.status_code, taken.json()["parameter"]) == (400, "title") and "他人已发布同名样式" in taken.json()["detail"]
    assert planner.delete(f"/api/styles/{made['id']}").status_code == 403
    assert http.delete(f"/api/styles/{made['id']}").status_code == 401
    assert as_role("editor").post("/api/styles", json=CLASSES).status_code == 403, "a key publishes nothing"
    assert signed_in("bureau").post("/api/styles", json=CLASSES).status_code == 403
    assert signed_in("system_admin").delete(f"/api/styles/{made['id']}").status_code == 204
    assert http.get(f"/ogc/styles/{made['style']}").status_code == 404
    assert editor.delete(f"/api/styles/{made['id']}").status_code == 404
    assert published(editor, title="待撤回")["version"] == made["version"] + 2


def test_densities_by_area_are_a_style_everywhere(http: httpx.Client, editor: httpx.Client, town: Town) -> None:
    """Houses are as large as each other: house n is 3 n metres high over its km², which shapely measures in the city's grid."""
    def density(house: int) -> float:
        item = http.get(f"/ogc/collections/building/items/{town.fids[f'{house}号楼']}").json()
        return 3 * house / (to_srid(shape(item["geometry"]), 4326, 4548).area / 1e6)

    edge = (density(4) + density(5)) / 2
    made = published(editor, title="高度密度", value={"field": "height_m", "per": "area"}, breaks=[edge], colors=["#ffeeaa", "#aa0011"])
    document = http.get(f"/ogc/styles/{made['style']}").json()
    ground = next(part for part in document["layers"] if part["id"] == "building")
    assert ground["paint"]["fill-color"][2][1] == ["/", ["to-number", ["get", "height_m"]], ["to-number", ["get", "area:4548"]]]
    for house, color in ((3, "#ffeeaa"), (9, "#aa0011")):
        assert near(pixel(http, house, made["name"]), color, ground["paint"]["fill-opacity"]), (house, "WMS")
    assert http.get("/ogc/collections/building/tilejson").json()["vector_layers"][0]["fields"]["area:4548"] == "Number"
    # what tiles hold is what shapely measures: the tile where house 9 is, also of an interval
    for when in ("", "?datetime=2020-01-01/2021-01-01"):
        held = decoded(http.get(f"/ogc/collections/building/tiles/WebMercatorQuad/16/24834/53956{when}"))["building"][0]
        assert held["name"] == "9号楼"
        assert held["height_m"] / held["area:4548"] == pytest.approx(density(9), rel=1e-9)
    legend = http.get(f"/ogc/styles/{made['style']}/legend").json()["legends"][0]
    assert legend["field"]["title"]["zh"] == "建筑高度 / km²" and len(legend["items"]) == 3 and legend["items"][2]["no_data"]
    sld = http.get(f"/ogc/styles/{made['style']}?f=sld", headers={"Accept-Language": "en"})
    assert sld.status_code == 404 and "SLD has no words" in sld.json()["detail"]
    links = next(s["links"] for s in http.get("/ogc/styles").json()["styles"] if s["id"] == made["style"])
    assert not any("sld" in each["href"] for each in links) and editor.delete(f"/api/styles/{made['id']}").status_code == 204
    assert "area:4548" not in http.get("/ogc/collections/building/tilejson").text


def test_what_lies_in_zones_is_counted_for_each_reader(http: httpx.Client, editor: httpx.Client, as_role: As, store: Store, catalogue: Catalogue, town: Town) -> None:
    """Five masts: three in the west, two in the east; the inspector is one of the west and sees three, the public none."""
    register(store, parse_layer({"id": "zz_masts", "title": {"zh": "桅杆", "en": "Masts"}, "born": "runtime", "group": "pipeline", "grade": "L3", "geometry": "Point",
                                 "district": "district_code", "fields": [{"name": "district_code", "type": "string", "title": {"zh": "区", "en": "District"}}]}))
    masts = [Edit("zz_masts", "create", properties={"district_code": code}, geometry={"type": "Point", "coordinates": [x, 39.9]}, valid_from=since)
             for code, x, since in ((WEST, 116.31, "2000"), (WEST, 116.32, "2000"), (WEST, 116.33, "2010"), (EAST, 116.5, "2000"), (EAST, 116.51, "2000"))]
    apply_changeset(store, Catalogue(store), OWNER, Changeset(masts, "surveyor", "masts"))
    end = time.monotonic() + 15
    while editor.get("/ogc/collections/zz_masts").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.2)
    made = published(editor, layer="district", title="桅杆数", value={"of": {"layer": "zz_masts"}, "per": "none"}, breaks=[1, 3, 4], colors=["#eeeeee", "#ffcc00", "#ff8800", "#aa0011"])
    style, zones = f"/ogc/styles/{made['style']}", {town.fids["西区"]: "西区", town.fids["东区"]: "东区"}
    inspector = as_role("inspector")

    def drawn(client: httpx.Client, **parameters: str) -> dict[str, str]:
        """The colour of each zone by the style's own expression."""
        ground = next(part for part in client.get(style, params=parameters).json()["layers"] if part["id"] == "district")
        color = ground["paint"]["fill-color"]
        assert color[:2] == ["match", ["id"]]
        found = dict.fromkeys(zones.values(), color[-1]) | {zones[fid]: color[n + 1] for n in range(2, len(color) - 1, 2) for fid in color[n]}
        return found

    assert drawn(editor) == {"西区": "#ff8800", "东区": "#ffcc00"}
    assert drawn(inspector) == {"西区": "#ff8800", "东区": "#eeeeee"}, "masts of another district are not counted"
    assert drawn(editor, datetime="2005-01-01") == {"西区": "#ffcc00", "东区": "#ffcc00"}, "as of a day"
    assert http.get(style).status_code == 404 and "桅杆" not in http.get("/ogc/styles").text + http.get("/api/styles").text + http.get("/api/config").text
    assert http.get(f"/ogc/collections/district/styles/{made['name']}/map").status_code == 404

    def east(client: httpx.Client, path: str, seq: int = 0) -> tuple[int, ...]:
        answer = client.get(path, headers={"Gis-Seq": str(seq)})
        assert answer.status_code == 200, answer.text
        shown = Image.open(BytesIO(answer.content)).convert("RGBA")
        colour = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB").getpixel((120, 40))
        assert isinstance(colour, tuple)
        return colour

    picture = f"/ogc/collections/district/styles/{made['name']}/map?bbox=116.55,40.0,116.6,40.05&crs=EPSG:4326&width=256&height=256&bgcolor=0xffffff"
    # 116.56, 40.01 lies in it, far from every label and mast
    tile = f"/ogc/collections/district/styles/{made['name']}/map/tiles/WebMercatorQuad/14/6200/13496"
    for path in (picture, tile):
        assert near(east(editor, path), "#ffcc00", 0.8) and near(east(inspector, path), "#eeeeee", 0.8), path
    # A third mast of the east, 8 km from the tile: the whole zone has another colour at once.
    applied = apply_changeset(store, Catalogue(store), OWNER, Changeset([Edit("zz_masts", "create", properties={"district_code": EAST},
        geometry={"type": "Point", "coordinates": [116.45, 39.85]}, valid_from="2000")], "surveyor", "one more"))
    assert near(east(editor, tile, applied.seq), "#ff8800", 0.8)
    assert drawn(editor)["东区"] == "#ff8800" and drawn(inspector)["东区"] == "#eeeeee"
    legend = editor.get(f"{style}/legend").json()["legends"][0]
    assert legend["field"]["title"] == {"zh": "桅杆 数量", "en": "Masts number"} and [i["color"] for i in legend["items"]][3:] == ["#aa0011"], "a count is never without data"
    assert editor.get(f"{style}?f=sld").status_code == 404
    (told,) = [s for layer in editor.get("/api/config").json()["layers"] if layer["id"] == "district" for s in layer["styles"] if s["name"] == made["name"]]
    assert told["counts"] == "zz_masts" and told["value"]["title"]["zh"] == "桅杆 数量"
    # The masts go: the style is no longer drawn, and says why to who may mend it.
    with store.write() as connection:
        connection.execute("UPDATE gis.layer_definition SET is_present = false WHERE layer = 'zz_masts'")
        connection.execute("UPDATE gis.catalogue_state SET version = version + 1")
    end = time.monotonic() + 15
    while editor.get(style).status_code != 404:
        assert time.monotonic() < end, "a style counts what is gone"
        time.sleep(0.2)
    (gone,) = [s for s in editor.get("/api/styles").json()["styles"] if s["id"] == made["id"]]
    assert "zz_masts" in gone["fault"]["en"] and "zz_masts" not in inspector.get("/api/styles").text
    assert editor.delete(f"/api/styles/{made['id']}").status_code == 204


@pytest.mark.parametrize(("more", "parameter"), [
    ({"breaks": [20, 10]}, "breaks"), ({"breaks": [10]}, "colors"), ({"colors": ["red", "#ffffff", "#ffffff"]}, "colors"), ({"sizes": [1, 2, 3]}, "sizes"),
    ({"value": {"field": "name"}}, "value.field"), ({"layer": "road", "value": {"field": "lanes", "per": "area"}}, "value"), ({"value": {"per": "none"}}, "value.field"),
    ({"layer": "road", "value": {"of": {"layer": "building"}, "per": "none"}}, "value"),
    ({"layer": "district", "value": {"of": {"layer": "building", "measure": "sum"}, "per": "none"}}, "value.of.field"),
    ({"layer": "district", "value": {"of": {"layer": "building", "filter": "height_m > 3"}, "per": "none"}}, "value.of.filter"),
    ({"layer": "district", "value": {"of": {"layer": "building"}, "per": "nothing"}}, "value.per"),
    ({"layer": "district", "value": {"of": {"layer": "building"}, "per": "own:name"}}, "value.per"), ({"title": "  "}, "title"), ({"title": "a\u0001b"}, "title"),
    ({"no_data": "none"}, "colors"), ({"more": 1}, "more"), ({"value": {"field": "height_m", "per": "nothing"}}, "value.per")])
def test_what_is_wrong_is_named(editor: httpx.Client, more: dict[str, Any], parameter: str) -> None:
    answer = editor.post("/api/styles", json=CLASSES | more)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter), answer.text
    assert editor.post("/api/styles", json=CLASSES | {"layer": "nowhere"}).status_code == 404
