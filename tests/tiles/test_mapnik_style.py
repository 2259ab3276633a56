"""One symbology, two styles: what Mapnik draws has the colour that MapLibre's own expressions give, evaluated by its library."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageColor

from config.settings import ROOT
from layers.access import OWNER, Audience, LayerGrant
from layers.crs import transformer
from layers.layer import Layer, parse_layer, read_layers
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import ALL_TYPES, TITLE, make, put
from tiles.map_view import MapView
from tiles.mapnik_source import draw
from tiles.mapnik_style import BACKGROUND, drawing, stylesheet
from tiles.symbology import style_layers

LAYERS = read_layers(ROOT / "config" / "layers")
SPATIAL = [layer for layer in LAYERS.values() if layer.kind == "spatial"]
SPEC = ROOT / "web" / "node_modules" / "@maplibre" / "maplibre-gl-style-spec" / "dist" / "index.mjs"
ZOOM = 18.0
STEP = 0.001
EVALUATE = """
import {createPropertyExpression, latest} from SPEC;
let text = ''; for await (const part of process.stdin) text += part;
const answers = JSON.parse(text).map(({kind, name, value, zoom, properties}) => {
  if (value === undefined || value === null) return null;
  const made = createPropertyExpression(value, name, latest[`paint_${kind}`][name]);
  if (made.result === 'error') throw new Error(JSON.stringify(made.value));
  const found = made.value.evaluate({zoom}, {type: 'Polygon', properties});
  return found && found.r !== undefined ? [found.r, found.g, found.b, found.a] : found;
});
console.log(JSON.stringify(answers));
"""


def evaluate(questions: list[dict[str, Any]]) -> list[Any]:
    """Ask MapLibre's library what expressions give."""
    script = EVALUATE.replace("SPEC", json.dumps(SPEC.as_uri()))
    done = subprocess.run(["node", "--input-type=module", "-e", script], input=json.dumps(questions), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(not (SPEC.exists() and shutil.which("node")), reason="the web client's packages are not installed")


def classed(layer_id: str, geometry: str, **symbology: Any) -> dict[str, Any]:
    return {"layer_id": layer_id, "geometry": geometry, "symbology": symbology}


COLORS = ["#c03028", "#2060c0", "#20a040"]
CASES = [
    classed("fills", "Polygon", color="#777777", opacity=0.8, field="kind", classes=[{"value": "a", "color": COLORS[0]}, {"value": "b", "color": COLORS[1]}]),
    classed("steps", "Polygon", color="#777777", field="height_m", classes=[{"below": 10, "color": COLORS[0]}, {"below": 20.5, "color": COLORS[1]},
                                                                          {"color": COLORS[2]}]),
    classed("whole", "Polygon", color="#777777", field="storeys", classes=[{"value": 3, "color": COLORS[0]}, {"color": COLORS[1]}]),
    classed("flags", "Polygon", color="#777777", field="is_listed", classes=[{"value": True, "color": COLORS[0]}, {"value": False, "color": COLORS[1]}]),
    classed("dots", "Point", color="#777777", radius_px=6, field="kind", classes=[{"value": "a", "color": COLORS[0]}, {"value": "b", "color": COLORS[1]}]),
    classed("lines", "LineString", color="#777777", width_px=6, opacity=0.7, field="kind", classes=[{"value": "a", "color": COLORS[0]}, {"color": COLORS[2]}]),
    classed("shares", "Polygon", color="#777777", opacity=0.8, field="height_m", per="storeys", classes=[
        {"below": 1, "color": COLORS[0]}, {"below": 3.4, "color": COLORS[1]}, {"color": COLORS[2]}]),
    classed("sized", "Point", color="#777777", field="height_m", outline="#102030", width_px=1, classes=[
        {"below": 10, "color": COLORS[0], "radius_px": 5}, {"below": 20.5, "color": COLORS[1], "radius_px": 9}, {"color": COLORS[2], "radius_px": 14}]),
    classed("flows", "LineString", color="#777777", width_px=4, field="height_m", classes=[
        {"below": 10, "color": COLORS[0], "width_px": 5}, {"below": 20.5, "color": COLORS[1], "width_px": 8}, {"color": COLORS[2], "width_px": 12}]),
    classed("mixed", "Geometry", color="#777777", field="kind", classes=[{"value": "b", "color": COLORS[1]}]),
]
VALUES = [{"kind": "a", "height_m": 9.99, "storeys": 3, "is_listed": True}, {"kind": "b", "height_m": 10, "storeys": 4, "is_listed": False},
          {"kind": None, "height_m": 20.5, "storeys": None, "is_listed": None}, {"kind": "a", "height_m": None, "storeys": 30, "is_listed": True},
          {"kind": "b", "height_m": 20.4999, "storeys": 3, "is_listed": True}, {"kind": "a", "height_m": 12, "storeys": 0, "is_listed": False}]


def place(n: int) -> tuple[float, float]:
    return 116.4 + n * STEP, 39.93


def shape(geometry: str, n: int) -> str:
    x, y = place(n)
    d = STEP / 4
    if geometry == "Point":
        return f"POINT({x} {y})"
    if geometry == "LineString":
        return f"LINESTRING({x - d} {y},{x + d} {y})"
    return f"POLYGON(({x - d} {y - d},{x + d} {y - d},{x + d} {y + d},{x - d} {y + d},{x - d} {y - d}))"


def picture(store: Store, *layers: Layer, audience: Audience = OWNER, **parts: Any) -> Image.Image:
    """Draw the row of features at ZOOM: 128 pixels on each side of the middle of the row."""
    to = transformer(4326, 3857)
    (minx, y), (maxx, _) = to.transform(116.4 - STEP, 39.93), to.transform(116.4 + len(VALUES) * STEP, 39.93)
    pixel = 40075016.685578488 / 512 / 2**ZOOM
    width = round((maxx - minx) / pixel)
    view = MapView((minx, y - 64 * pixel, minx + width * pixel, y + 64 * pixel), 3857, width, 128)
    assert view.zoom == ZOOM
    made = draw(store, [ItemQuery(layer, audience, **parts) for layer in layers], view, background=BACKGROUND)
    return Image.open(BytesIO(made.body)).convert("RGB")


def at(image: Image.Image, n: int) -> tuple[int, ...]:
    to = transformer(4326, 3857)
    x0, _ = to.transform(116.4 - STEP, 39.93)
    x, _ = to.transform(place(n)[0], 39.93)
    return image.getpixel((int((x - x0) / (40075016.685578488 / 512 / 2**ZOOM)), 64))


def over(color: list[float], opacity: float) -> tuple[int, ...]:
    ground = ImageColor.getrgb(BACKGROUND)
    return tuple(round(255 * c * opacity + g * (1 - opacity)) for c, g in zip(color[:3], ground, strict=True))


def close(a: tuple[int, ...], b: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(x - y) <= by for x, y in zip(a, b, strict=True))


@needs_node
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["layer_id"])
def test_a_pixel_has_the_colour_of_the_maplibre_style(store: Store, case: dict[str, Any]) -> None:
    layer = make(store, **case)
    put(store, layer, [{"fid": n + 1, "wkt": shape(case["geometry"], n), **{k: v for k, v in values.items() if v is not None}}
                       for n, values in enumerate(VALUES)])
    ground = next(p for p in style_layers(layer, OWNER) if p["id"] == layer.id)
    kind = ground["type"]
    questions = [{"kind": kind, "name": f"{kind}-{what}", "value": ground["paint"].get(f"{kind}-{what}"), "zoom": ZOOM,
                  "properties": {k: v for k, v in values.items() if v is not None}} for values in VALUES for what in ("color", "opacity")]
    answers = evaluate(questions)
    image = picture(store, layer)
    wanted = [over(answers[2 * n], 1 if answers[2 * n + 1] is None else answers[2 * n + 1]) for n in range(len(VALUES))]
    drawn = [at(image, n) for n in range(len(VALUES))]
    assert all(map(close, drawn, wanted)), (drawn, wanted)
    assert len(set(wanted)) > 1


@needs_node
@pytest.mark.parametrize("name", ["sized", "flows"])
def test_classes_of_a_number_are_as_large_as_in_the_maplibre_style(store: Store, name: str) -> None:
    case = next(case for case in CASES if case["layer_id"] == name)
    layer = parse_layer({"id": name, "title": TITLE, "geometry": case["geometry"], "fields": ALL_TYPES, "symbology": case["symbology"]})
    part, zooms = next(p for p in style_layers(layer, OWNER) if p["id"] == name), [10.0, 13.0, 16.25, 18.0, 21.0]
    what = f"{part['type']}-{'radius' if part['type'] == 'circle' else 'width'}"
    questions = [{"kind": part["type"], "name": what, "value": part["paint"][what], "zoom": z, "properties": {k: v for k, v in values.items() if v is not None}}
                 for z in zooms for values in VALUES]
    ours = []
    for z in zooms:
        d = drawing(layer, OWNER, z)
        classes = [d.class_of(None if values["height_m"] is None else str(values["height_m"])) for values in VALUES]
        ours += [d.radius_of(n) if part["type"] == "circle" else d.width_of(n) for n in classes]
    assert ours == pytest.approx(evaluate(questions), abs=0.011) and len(set(ours)) >= 4 * len(zooms)


@needs_node
def test_widths_and_radii_are_those_of_the_maplibre_style() -> None:
    road, point = LAYERS["road"], LAYERS["facility"]
    zooms = [8.0, 9.0, 12.25, 14.0, 16.0, 17.5, 20.0, 22.0]
    line = next(p for p in style_layers(road, OWNER) if p["id"] == "road")
    circle = next(p for p in style_layers(point, OWNER) if p["id"] == "facility")
    classes = [c.value for c in road.symbology.classes]
    questions = [{"kind": "line", "name": "line-width", "value": line["paint"]["line-width"], "zoom": z, "properties": {"class": c}} for z in zooms for c in classes]
    questions += [{"kind": "circle", "name": "circle-radius", "value": circle["paint"]["circle-radius"], "zoom": z, "properties": {}} for z in zooms]
    answers = evaluate(questions)
    ours = [drawing(road, OWNER, z).width_of(n) for z in zooms for n in range(len(classes))] + [drawing(point, OWNER, z).radius_of(-1) for z in zooms]
    assert ours == pytest.approx(answers, abs=0.011)        # the style rounds its stops to hundredths


@pytest.mark.parametrize("layer", SPATIAL, ids=lambda layer: layer.id)
@pytest.mark.parametrize("zoom", [9.0, 13.25, 16.5, 19.0])
def test_every_layer_of_the_city_has_a_style_that_mapnik_reads(layer: Layer, zoom: float) -> None:
    import mapnik

    d = drawing(layer, OWNER, zoom)
    made = mapnik.Map(16, 16)
    mapnik.load_map_from_string(made, stylesheet([d], "DejaVu Sans Book", BACKGROUND), True)
    names = [made.layers[n].name for n in range(len(made.layers))]
    label = layer.symbology.label
    shows_label = label is not None and zoom >= max(label.min_zoom, layer.symbology.min_zoom)
    has_cells = layer.symbology.cells and zoom < 13
    assert names == [*([layer.id] if zoom >= layer.symbology.min_zoom or has_cells else []), *([f"{layer.id}.cells"] if has_cells else []),
                     *([f"{layer.id}.label"] if shows_label else [])]


def test_what_is_not_drawn_yet_is_absent(store: Store) -> None:
    base = parse_layer({"id": "drawn", "title": TITLE, "geometry": "LineString", "fields": ALL_TYPES, "symbology": {
        "min_zoom": 12, "field": "kind", "classes": [{"value": "a", "color": COLORS[0]}, {"value": "b", "color": COLORS[1], "min_zoom": 14}]}})
    assert "LineSymbolizer" not in stylesheet([drawing(base, OWNER, 11.75)], None)
    assert COLORS[1] not in stylesheet([drawing(base, OWNER, 13.75)], None) and COLORS[0] in stylesheet([drawing(base, OWNER, 13.75)], None)
    assert COLORS[1] in stylesheet([drawing(base, OWNER, 14)], None)


def test_letters_lie_above_all_and_those_of_upper_layers_win() -> None:
    text = stylesheet([drawing(LAYERS[name], OWNER, 18) for name in ("road", "building")], "DejaVu Sans Book")
    order = [text.index(f'<Layer name="{name}"') for name in ("road", "building", "building.label", "road.label")]
    assert order == sorted(order)
    assert ".label" not in stylesheet([drawing(LAYERS["road"], OWNER, 18)], None)


def test_a_field_that_may_not_be_read_does_not_colour(store: Store) -> None:
    layer = make(store, "masked", "Polygon", symbology={"color": "#777777", "field": "kind", "classes": [{"value": "a", "color": COLORS[0]}],
                                                       "label": {"field": "name", "min_zoom": 3}})
    few = Audience("r", "f", {"masked": LayerGrant("masked", fields=("storeys",))})
    d = drawing(layer, few, 18)
    assert (d.field, d.label) == (None, None) and COLORS[0] not in stylesheet([d], "x")
    assert drawing(layer, OWNER, 18).label is not None
    assert replace(d, label=layer.field("kind")).text_of("a") == "甲"
