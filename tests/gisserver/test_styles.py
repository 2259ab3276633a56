"""Styles on the wire: MapLibre, SLD, themes and legends say the same of the same layer."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
from PIL import Image, ImageColor

from tests.gisserver.conftest import As, Town

NS = {"sld": "http://www.opengis.net/sld", "se": "http://www.opengis.net/se", "ogc": "http://www.opengis.net/ogc"}


def rules(http: httpx.Client, layer: str) -> list[ElementTree.Element]:
    answer = http.get(f"/ogc/styles/{layer}", params={"f": "sld", "lang": "en"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/vnd.ogc.sld+xml")
    return ElementTree.fromstring(answer.content).findall(".//se:Rule", NS)


def test_sld_has_a_rule_for_each_class(http: httpx.Client, town: Town) -> None:
    legend = http.get("/ogc/styles/building/legend", params={"f": "json"}).json()["legends"][0]["items"]
    by_value = {}
    for rule in rules(http, "building"):
        literal, fill = rule.find(".//ogc:Literal", NS), rule.find(".//se:PolygonSymbolizer/se:Fill/se:SvgParameter[@name='fill']", NS)
        if literal is not None and fill is not None:
            by_value[literal.text] = (rule.find("se:Name", NS).text, fill.text)
            # Shown from zoom 13 on: 279541132 / 2^13.
            assert rule.find("se:MaxScaleDenominator", NS).text == "34124"
    assert by_value == {item["value"]: (item["title"]["en"], item["color"]) for item in legend}
    assert [r.find("se:Name", NS).text for r in rules(http, "building")][-2:] == ["Building", "label"]


def test_sld_by_number_has_no_gap(http: httpx.Client, town: Town) -> None:
    found = [rule for rule in rules(http, "control_zone") if rule.find("ogc:Filter", NS) is not None]
    bounds = [[float(e.text) for e in rule.findall(".//ogc:Literal", NS)] for rule in found if rule.find(".//ogc:PropertyIsNull", NS) is None]
    assert len(found) == len(bounds) + 1, "what has no number has a rule too"
    assert bounds[0] == [9.1] and all(a[-1] == b[0] for a, b in zip(bounds, bounds[1:], strict=False)) and len(bounds) == 5


def test_every_layer_has_an_sld_and_a_legend(http: httpx.Client, town: Town) -> None:
    listed = http.get("/ogc/styles").json()["styles"]
    assert {"city", "building", "building.by_status"} <= {s["id"] for s in listed}
    for each in listed:
        picture = http.get(f"/ogc/styles/{each['id']}/legend", params={"f": "png"})
        assert picture.status_code == 200 and Image.open(BytesIO(picture.content)).size[1] > 10, each["id"]
        if each["id"] != "city":
            assert rules(http, each["id"])
    assert http.get("/ogc/styles/city", params={"f": "sld"}).status_code == 404


def test_a_legend_shows_the_colours_that_it_tells(http: httpx.Client, town: Town) -> None:
    items = http.get("/ogc/styles/building/legend").json()["legends"][0]["items"]
    image = np.asarray(Image.open(BytesIO(http.get("/ogc/styles/building/legend", headers={"Accept": "image/png"}).content)).convert("RGB")).astype(int)
    for item in items:
        wanted = [round(v * item["opacity"] + 255 * (1 - item["opacity"])) for v in ImageColor.getrgb(item["color"])]
        assert (np.abs(image - wanted).max(axis=2) <= 2).sum() > 60, item


def test_a_theme_is_one_style_everywhere(http: httpx.Client, town: Town) -> None:
    """The MapLibre style, the legend and the map that WMS draws agree on the colour of what is in use."""
    style = http.get("/ogc/styles/building.by_status").json()
    match = next(x for x in style["layers"] if x["id"] == "building")["paint"]["fill-color"]
    assert match[:2] == ["match", ["get", "status"]]
    color = dict(zip(match[2:-1:2], match[3:-1:2], strict=True))["in_use"]
    (told,) = [i for i in http.get("/ogc/styles/building.by_status/legend").json()["legends"][0]["items"] if i.get("value") == "in_use"]
    assert told["color"] == color and told["title"]["zh"] == "在用"
    asked: dict[str, Any] = {"SERVICE": "WMS", "VERSION": "1.1.1", "REQUEST": "GetMap", "LAYERS": "building", "STYLES": "by_status", "SRS": "EPSG:4326",
                             "BBOX": "116.3295,39.8995,116.3315,39.9015", "WIDTH": 100, "HEIGHT": 100, "FORMAT": "image/png"}
    drawn = Image.open(BytesIO(http.get("/wms", params=asked).content)).convert("RGB").getpixel((35, 65))
    wanted = [round(v * 0.95 + 255 * 0.05) for v in ImageColor.getrgb(color)]
    assert all(abs(a - b) <= 4 for a, b in zip(drawn, wanted, strict=True))
    plain = http.get("/wms", params=asked | {"STYLES": "default"}).content
    assert Image.open(BytesIO(plain)).convert("RGB").getpixel((35, 65)) != drawn
    tiles = [http.get(f"/wmts/building/{name}/current/WebMercatorQuad/14/6208/13486.png") for name in ("default", "by_status")]
    assert tiles[0].headers["etag"] != tiles[1].headers["etag"]
    for service in ({"SERVICE": "WMS", "REQUEST": "GetCapabilities"}, ):
        assert "<Name>by_status</Name>" in http.get("/wms", params=service).text
    assert "<ows:Identifier>by_status</ows:Identifier>" in http.get("/wmts/1.0.0/WMTSCapabilities.xml").text


def test_a_theme_of_a_hidden_field_does_not_exist(http: httpx.Client, as_role: As, town: Town) -> None:
    for name in ("building.by_owner_kind", "building.by_use", "building.nothing", "nowhere.by_status", "building."):
        assert http.get(f"/ogc/styles/{name}").status_code == 404, name


@pytest.mark.parametrize("address", ["/ogc/styles/building?f=qml", "/ogc/styles/building/legend?f=svg", "/ogc/styles/building/legend?fish=1"])
def test_what_is_wrong_is_told(http: httpx.Client, town: Town, address: str) -> None:
    assert http.get(address).status_code == 400
