"""The map of the city as a reader has made it: layers, order, styles, opacity, filters and days of a picture's tile."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.store import Store
from tests.gisserver.conftest import As, Town, square
from tests.gisserver.test_wmts import RESIDENTIAL, place

GRID, Z = "WebMercatorQuad", 17
PARK = "#b9dca4"


@pytest.fixture(scope="module")
def at(http: httpx.Client, town: Town, store: Store, catalogue: Catalogue) -> tuple[str, tuple[float, float], str]:
    """The tile of 3号楼 with a park all over it, where in the tile the building is, and the number that has it."""
    seq = apply_changeset(store, catalogue, OWNER, Changeset([Edit(
        "green_space", "create", properties={"name": "大园", "kind": "park"}, geometry=square(116.32, 39.89, 0.02), valid_from="2000")], "clerk", "park")).seq
    col, row, at = place(http, GRID, Z)
    return f"/ogc/map/tiles/{GRID}/{Z}/{row}/{col}", at, str(seq)


def pixel(http: httpx.Client, at: Any, **asked: Any) -> tuple[int, ...]:
    answer = http.get(at[0], params=asked, headers={"Gis-Seq": at[2]})
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png", answer.text
    image = Image.open(BytesIO(answer.content)).convert("RGBA")
    found: tuple[int, ...] = image.getpixel((int(image.width * at[1][0]), int(image.height * at[1][1])))
    return found


def near(a: tuple[int, ...], b: tuple[int, ...], by: int = 5) -> bool:
    return all(abs(x - y) <= by for x, y in zip(a, b, strict=True))


def test_only_what_is_asked_for_is_drawn_and_the_first_lies_lowest(http: httpx.Client, at: Any) -> None:
    building = pixel(http, at, collections="building", transparent="true")
    park = pixel(http, at, collections="green_space", transparent="true")
    assert near(building[:3], RESIDENTIAL) and building[3] > 230 and not near(park[:3], RESIDENTIAL, 15)
    assert near(pixel(http, at, collections="green_space,building")[:3], RESIDENTIAL, 8)
    assert near(pixel(http, at, collections="building,green_space")[:3], park[:3], 30)
    # Nothing at all is the paper, or nothing.
    assert pixel(http, at, collections="", transparent="true")[3] == 0 and pixel(http, at, collections="")[3] == 255


def test_a_layer_half_seen_through(http: httpx.Client, at: Any) -> None:
    whole = pixel(http, at, collections="building", transparent="true")[3]
    assert abs(pixel(http, at, collections="building", opacity="50", transparent="true")[3] - whole / 2) <= 6
    assert pixel(http, at, collections="building", opacity="0", transparent="true")[3] == 0
    # Over the park it is between both, as one computes it.
    over, under = (pixel(http, at, collections=name)[:3] for name in ("building", "green_space"))
    mixed = pixel(http, at, collections="green_space,building", opacity=",50")[:3]
    assert near(mixed, tuple(round((a + b) / 2) for a, b in zip(over, under, strict=True)), 12)


def test_filters_days_and_styles_of_single_layers(http: httpx.Client, at: Any, town: Town) -> None:
    tall = {"op": ">", "args": [{"property": "height_m"}, 1000]}
    for condition, is_seen in ((tall, False), ("height_m < 1000", True)):
        seen = pixel(http, at, collections="building", filters=json.dumps({"building": condition}), transparent="true")[3] > 230
        assert seen is is_seen, condition
    assert pixel(http, at, collections="building", datetimes='{"building": "1990-01-01"}', transparent="true")[3] == 0
    assert pixel(http, at, collections="building", datetimes='{"building": "2020-01-01"}', datetime="1990-01-01", transparent="true")[3] > 230
    styled = pixel(http, at, collections="building", styles="by_status", transparent="true")
    own = http.get(f"/ogc/collections/building/styles/by_status/map/tiles/{at[0].partition('tiles/')[2]}", headers={"Gis-Seq": at[2]})
    image = Image.open(BytesIO(own.content)).convert("RGBA")
    assert near(styled, image.getpixel((int(image.width * at[1][0]), int(image.height * at[1][1])))) and not near(styled[:3], RESIDENTIAL)


def test_the_usual_look_is_the_tile_that_all_share(http: httpx.Client, at: Any) -> None:
    shown = [layer["id"] for layer in http.get(f"/ogc/map/tiles/{GRID}").json()["layers"]]
    plain = http.get(at[0], headers={"Gis-Seq": at[2]})
    said = http.get(at[0], params={"collections": ",".join(shown), "opacity": "," * (len(shown) - 1)}, headers={"Gis-Seq": at[2]})
    assert said.headers["etag"] == plain.headers["etag"]


@pytest.mark.parametrize(("asked", "parameter"), [
    ({"collections": "nowhere"}, "collections"), ({"collections": "building,building"}, "collections"), ({"collections": "unit_room"}, "collections"),
    ({"styles": "by_use"}, "styles"), ({"collections": "building", "styles": "v99"}, "styles"), ({"collections": "building", "styles": ",,"}, "styles"),
    ({"collections": "building", "opacity": "101"}, "opacity"), ({"collections": "building", "opacity": "-1"}, "opacity"), ({"opacity": "5"}, "opacity"),
    ({"filters": "{"}, "filters"), ({"filters": "[]"}, "filters"), ({"filters": '{"nowhere": {}}'}, "filters"), ({"filters": '{"building": 5}'}, "filters"),
    ({"filters": '{"building": {"op": "=", "args": [{"property": "colour"}, 1]}}'}, "filters"), ({"filters": '{"building": "name ="}'}, "filters"),
    ({"datetimes": '{"building": 5}'}, "datetimes"), ({"datetimes": '{"building": "soon"}'}, "datetimes"), ({"transparent": "yes"}, "transparent"),
    ({"collections": "building", "datetime": "soon"}, "datetime"), ({"collections": "building", "fish": "1"}, "fish")])
def test_what_is_wrong_is_named(http: httpx.Client, at: Any, asked: dict[str, str], parameter: str) -> None:
    answer = http.get(at[0], params=asked)
    assert (answer.status_code, answer.json().get("parameter")) == (400, parameter), answer.text


def test_a_layer_of_others_is_as_good_as_none(http: httpx.Client, as_role: As, at: Any) -> None:
    """Pipes are not for the public: asking for them says what asking for nothing at all says."""
    def said(name: str, **asked: str) -> str:
        answer = http.get(at[0], params={"collections": name, **asked})
        return f"{answer.status_code} {answer.text}".replace(name, "…").replace(answer.headers.get("x-request-id", "-"), "")
    assert said("pipe_segment") == said("pipe_nowhere") and "pipe_segment" not in said("pipe_nowhere")
    hidden = http.get(at[0], params={"filters": '{"pipe_segment": {}}'}).text
    assert hidden.count("pipe_segment") == http.get(at[0], params={"filters": '{"pipe_nowhere": {}}'}).text.count("pipe_nowhere")
    assert as_role("bureau").get(at[0], params={"collections": "pipe_segment"}).status_code == 200
    # A hidden field filters nothing, and is not told of.
    by_name = http.get(at[0], params={"filters": '{"building": "owner_name = \'x\'"}'})
    assert by_name.status_code == 400 and by_name.json()["parameter"] == "filters"
