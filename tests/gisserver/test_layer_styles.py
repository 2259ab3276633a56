"""A thematic map published as a style of its layer: everybody who may read it sees it, everywhere the same, and nobody else."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from PIL import Image, ImageColor

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.layer import parse_layer
from layers.plan import register
from layers.store import Store
from tests.gisserver.conftest import As, Town

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
    assert planner.post("/api/styles", json=CLASSES | {"title": "待撤回"}).status_code == 403
    assert planner.delete(f"/api/styles/{made['id']}").status_code == 403
    assert http.delete(f"/api/styles/{made['id']}").status_code == 401
    assert as_role("editor").post("/api/styles", json=CLASSES).status_code == 403, "a key publishes nothing"
    assert signed_in("bureau").post("/api/styles", json=CLASSES).status_code == 403
    assert signed_in("system_admin").delete(f"/api/styles/{made['id']}").status_code == 204
    assert http.get(f"/ogc/styles/{made['style']}").status_code == 404
    assert editor.delete(f"/api/styles/{made['id']}").status_code == 404
    assert published(editor, title="待撤回")["version"] == made["version"] + 2


@pytest.mark.parametrize(("more", "parameter"), [
    ({"breaks": [20, 10]}, "breaks"), ({"breaks": [10]}, "colors"), ({"colors": ["red", "#ffffff", "#ffffff"]}, "colors"), ({"sizes": [1, 2, 3]}, "sizes"),
    ({"value": {"field": "name"}}, "value.field"), ({"value": {"field": "height_m", "per": "area"}}, "value"), ({"value": {"per": "none"}}, "value.field"),
    ({"value": {"of": {"layer": "building"}, "per": "none"}}, "value"), ({"title": "  "}, "title"), ({"title": "a\u0001b"}, "title"),
    ({"no_data": "none"}, "colors"), ({"more": 1}, "more"), ({"value": {"field": "height_m", "per": "nothing"}}, "value.per")])
def test_what_is_wrong_is_named(editor: httpx.Client, more: dict[str, Any], parameter: str) -> None:
    answer = editor.post("/api/styles", json=CLASSES | more)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter), answer.text
    assert editor.post("/api/styles", json=CLASSES | {"layer": "nowhere"}).status_code == 404
