"""Symbology: the style is valid MapLibre and says what the definition says; TileJSON and legend agree with it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from layers.access import OWNER, Audience, LayerGrant
from layers.layer import Layer, parse_layer, read_layers
from tests.layers.odd_layers import ALL_TYPES, TITLE
from tiles.symbology import city_style, legend, style_layers, style_of, tilejson

LAYERS = read_layers(ROOT / "config" / "layers")
SPATIAL = [layer for layer in LAYERS.values() if layer.kind == "spatial"]
SPEC = ROOT / "web" / "node_modules" / "@maplibre" / "maplibre-gl-style-spec" / "dist" / "index.mjs"


def address(layer: Layer) -> str:
    return f"https://city.example/ogc/collections/{layer.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"


def drawn(geometry: str = "MultiPolygon", **symbology: Any) -> Layer:
    return parse_layer({"id": "drawn", "title": TITLE, "geometry": geometry, "fields": ALL_TYPES, "symbology": symbology})


def parts(layer: Layer, audience: Audience = OWNER) -> dict[str, dict[str, Any]]:
    return {part["id"]: part for part in style_layers(layer, audience)}


def limited(*fields: str) -> Audience:
    return Audience("r", "f", {"drawn": LayerGrant("drawn", fields=fields)})


def expressions(found: Any) -> list[list[Any]]:
    """Return every expression in a style value."""
    if isinstance(found, dict):
        return [e for v in found.values() for e in expressions(v)]
    if isinstance(found, list):
        inner = [e for v in found for e in expressions(v)]
        return [found, *inner] if found and isinstance(found[0], str) else inner
    return []


class TestCityStyle:
    STYLE = city_style(LAYERS.values(), OWNER, address, name="示范市", center=(116.4, 39.93), zoom=12, bounds=(116.2, 39.8, 116.62, 40.08))

    def test_every_spatial_layer_has_a_source_and_is_drawn(self):
        assert set(self.STYLE["sources"]) == {layer.id for layer in SPATIAL}
        assert {p["source"] for p in self.STYLE["layers"] if "source" in p} == {layer.id for layer in SPATIAL}

    def test_ground_first_and_letters_last(self):
        kinds = [p["type"] for p in self.STYLE["layers"]]
        assert kinds[0] == "background" and "symbol" not in kinds[:kinds.index("symbol")]
        assert set(kinds[kinds.index("symbol"):]) == {"symbol"}
        orders = [LAYERS[p["source"]].symbology.order for p in self.STYLE["layers"] if p["type"] not in ("background", "symbol")]
        assert orders == sorted(orders)

    def test_it_asks_nobody_else_for_anything(self):
        assert "glyphs" not in self.STYLE and "sprite" not in self.STYLE
        assert all(url.startswith("https://city.example/") for s in self.STYLE["sources"].values() for url in s["tiles"])

    def test_ids_are_unique_and_every_value_can_be_written_as_json(self):
        ids = [p["id"] for p in self.STYLE["layers"]]
        assert len(ids) == len(set(ids)) and json.loads(json.dumps(self.STYLE)) == self.STYLE

    def test_layers_that_wait_are_hidden_and_their_own_style_shows_them(self):
        waiting = [layer for layer in SPATIAL if not layer.symbology.visible]
        for layer in waiting:
            assert all(p["layout"]["visibility"] == "none" for p in self.STYLE["layers"] if p.get("source") == layer.id)
            alone = style_of(layer, OWNER, address)
            assert any(p.get("layout", {}).get("visibility") != "none" for p in alone["layers"] if p.get("source") == layer.id)
        assert waiting

    def test_a_reader_sees_only_his_layers(self):
        few = Audience("r", "f", {"road": LayerGrant("road")})
        assert set(city_style(LAYERS.values(), few, address)["sources"]) == {"road"}

    def test_maplibre_s_own_validator_agrees(self, tmp_path: Path):
        node = shutil.which("node")
        if node is None or not SPEC.exists():
            pytest.skip("the web client's packages are not installed")
        styles = [self.STYLE, *(style_of(layer, OWNER, address, language="en") for layer in SPATIAL),
                  *(style_of(drawn(geometry, **look), OWNER, address) for geometry in ("Geometry", "Point", "MultiLineString", "Polygon")
                    for look in LOOKS)]
        (tmp_path / "styles.json").write_text(json.dumps(styles))
        (tmp_path / "validate.mjs").write_text(f"""
            import {{ validateStyleMin }} from {json.dumps(SPEC.as_uri())};
            import fs from 'node:fs';
            const styles = JSON.parse(fs.readFileSync({json.dumps(str(tmp_path / "styles.json"))}));
            console.log(JSON.stringify(styles.map((s) => validateStyleMin(s).map((e) => e.message))));""")
        done = subprocess.run([node, tmp_path / "validate.mjs"], capture_output=True, text=True, check=True)
        faults = json.loads(done.stdout)
        assert len(faults) == len(styles) and [f for f in faults if f] == []


LOOKS: list[dict[str, Any]] = [
    {}, {"outline": "#112233", "dash": [2, 1], "label": {"field": "name", "min_zoom": 12}, "extrude": "height_m"},
    {"field": "kind", "classes": [{"value": "a", "color": "#010203", "width_px": 3, "min_zoom": 14}, {"value": "b", "color": "#010204"}], "outline": "#112233"},
    {"field": "storeys", "classes": [{"value": 3, "color": "#010203"}, {"value": 4.5, "color": "#010204"}], "label": {"field": "kind"}},
    {"field": "is_listed", "classes": [{"value": True, "color": "#010203"}], "visible": False},
    {"field": "height_m", "classes": [{"below": 20, "color": "#010204"}, {"below": 10, "color": "#010203"}, {"color": "#010205"}]},
    {"field": "storeys", "classes": [{"value": 3, "color": "#010203"}, {"value": 3, "color": "#010204"}]}]


class TestColours:
    def test_one(self):
        assert parts(drawn(color="#aabbcc"))["drawn"]["paint"]["fill-color"] == "#aabbcc"

    def test_by_value(self):
        found = parts(drawn(color="#aabbcc", field="kind", classes=[{"value": "a", "color": "#010203"}, {"color": "#999999"}]))
        assert found["drawn"]["paint"]["fill-color"] == ["match", ["get", "kind"], "a", "#010203", "#999999"]

    def test_by_whole_number_the_labels_are_whole(self):
        color = parts(drawn(field="storeys", classes=[{"value": 3, "color": "#010203"}]))["drawn"]["paint"]["fill-color"]
        assert color[2] == 3 and isinstance(color[2], int)

    def test_by_number_in_steps(self):
        found = parts(drawn(color="#aabbcc", field="height_m", classes=LOOKS[5]["classes"]))["drawn"]["paint"]["fill-color"]
        assert found == ["case", ["has", "height_m"], ["step", ["to-number", ["get", "height_m"]], "#010203", 10, "#010204", 20, "#010205"], "#aabbcc"]

    def test_by_truth(self):
        found = parts(drawn(color="#aabbcc", **LOOKS[4]))["drawn"]["paint"]["fill-color"]
        assert found == ["case", ["==", ["get", "is_listed"], True], "#010203", "#aabbcc"]

    def test_a_field_that_the_reader_may_not_see_is_named_nowhere(self):
        layer = drawn(color="#aabbcc", field="kind", classes=[{"value": "a", "color": "#010203"}], extrude="height_m", label={"field": "note"})
        found = style_layers(layer, limited("name"))
        assert [p["id"] for p in found] == ["drawn"] and found[0]["paint"]["fill-color"] == "#aabbcc"
        assert not {"kind", "height_m", "note"} & {e[1] for e in expressions(found) if e[0] in ("get", "has")}
        assert legend(layer, limited("name"))["field"] is None


class TestParts:
    def test_an_area_with_everything(self):
        found = parts(drawn(outline="#112233", extrude="height_m", label={"field": "name", "min_zoom": 15, "color": "#000001"}, min_zoom=13))
        assert list(found) == ["drawn", "drawn-outline", "drawn-relief", "drawn-label"]
        relief = found["drawn-relief"]
        assert relief["layout"]["visibility"] == "none" and relief["minzoom"] == 14 and relief["type"] == "fill-extrusion"
        assert all(found[n]["minzoom"] == 13 for n in ("drawn", "drawn-outline")) and found["drawn-label"]["minzoom"] == 15

    def test_wide_areas_are_labelled_at_points_and_small_ones_in_place(self):
        wide, small = (parts(drawn(label={"field": "name", "min_zoom": z})) for z in (12, 17))
        assert {n: p["source-layer"] for n, p in wide.items() if p["type"] == "symbol"} == {"drawn-label": "drawn.label"}
        assert {n: p["source-layer"] for n, p in small.items() if p["type"] == "symbol"} == {"drawn-label": "drawn", "drawn-label-apart": "drawn.label"}
        assert small["drawn-label"]["filter"] == ["all", ["has", "name"], ["!", ["has", "label:apart"]]]

    def test_a_label_by_code_speaks_the_reader_s_language(self):
        layer = drawn(label={"field": "kind"})
        text = {language: style_layers(layer, OWNER, language)[-1]["layout"]["text-field"] for language in ("zh", "en")}
        assert text["zh"][:4] == ["match", ["get", "kind"], "a", "甲"] and text["en"][3] == "A"

    def test_lines_have_a_casing_dashes_and_classes_that_come_later(self):
        found = parts(drawn("LineString", outline="#112233", width_px=2, field="kind",
                            classes=[{"value": "a", "color": "#010203", "width_px": 5}, {"value": "b", "color": "#010204", "min_zoom": 14}]))
        assert list(found) == ["drawn-casing", "drawn"]
        assert found["drawn"]["filter"] == [">=", ["zoom"], ["match", ["get", "kind"], "b", 14, 0]]
        width, casing = (found[n]["paint"]["line-width"] for n in ("drawn", "drawn-casing"))
        assert width[:3] == ["interpolate", ["exponential", 1.4], ["zoom"]] and width[6] == ["match", ["get", "kind"], "a", 5, 2]
        assert casing[6] == ["match", ["get", "kind"], "a", 6.5, 3.5]
        assert parts(drawn("LineString", dash=[4, 2]))["drawn"]["paint"]["line-dasharray"] == [4, 2]

    def test_points(self):
        paint = parts(drawn("Point", radius_px=5, outline="#ffffff", width_px=1))["drawn"]["paint"]
        assert paint["circle-radius"][6] == 5 and paint["circle-stroke-color"] == "#ffffff"

    def test_a_layer_of_every_geometry_draws_each_kind(self):
        found = parts(drawn("Geometry", outline="#112233"))
        assert {p["type"]: p["filter"] for p in found.values()} == {
            "fill": ["==", ["geometry-type"], "Polygon"], "line": ["==", ["geometry-type"], "LineString"], "circle": ["==", ["geometry-type"], "Point"]}
        assert found["drawn-outline"]["filter"] == ["==", ["geometry-type"], "Polygon"]

    def test_a_layer_without_a_symbology_is_drawn_all_the_same(self):
        plain = parse_layer({"id": "plain", "title": TITLE, "geometry": "Point"})
        assert [p["type"] for p in style_layers(plain, OWNER)] == ["circle"]
        assert legend(plain, OWNER)["items"][0]["title"] == TITLE


class TestTileJson:
    def test_it_tells_layers_fields_and_levels(self):
        found = tilejson(LAYERS["building"], OWNER, "/t/{z}/{y}/{x}", bounds=(116.2, 39.8, 116.6, 40.1), center=(116.4, 39.93, 12))
        layer, cells, label = found["vector_layers"]
        assert cells == {"id": "building.cells", "minzoom": 0, "maxzoom": 13, "fields": {"cell:count": "Number", "cell:cover": "Number", "use": "String"}}
        assert label == {"id": "building.label", "minzoom": 16, "maxzoom": 16, "fields": {"name": "String"}}
        assert (found["tilejson"], found["tiles"], found["minzoom"], found["maxzoom"]) == ("3.0.0", ["/t/{z}/{y}/{x}"], 0, 16)
        assert layer["id"] == "building" and layer["fields"]["height_m"] == "Number" and layer["fields"]["use"] == "String"
        assert "owner_name" not in layer["fields"] and "codes" not in layer["fields"]
        assert found["bounds"] == [116.2, 39.8, 116.6, 40.1]

    def test_points_of_labels_are_a_layer_too(self):
        found = tilejson(LAYERS["district"], OWNER, "/t", language="en")
        assert [v["id"] for v in found["vector_layers"]] == ["district", "district.label"] and found["name"] == LAYERS["district"].title.en

    def test_hidden_fields_are_not_told(self):
        few = Audience("r", "f", {"building": LayerGrant("building", fields=("name",))})
        assert [list(v["fields"]) for v in tilejson(LAYERS["building"], few, "/t")["vector_layers"]] == [["name"], ["cell:count", "cell:cover"], ["name"]]


class TestCells:
    def test_cells_give_way_to_features_on_the_level_after_the_last(self):
        found = {p["id"]: p for p in style_layers(LAYERS["building"], OWNER)}
        cells, ground = found["building-cells"], found["building"]
        assert (cells["source"], cells["source-layer"], cells["maxzoom"]) == ("building", "building.cells", 14)
        # Features that are large are drawn from afar too, in the same colours.
        assert "minzoom" not in ground and cells["paint"]["fill-color"] == ground["paint"]["fill-color"]
        # The first part of a layer is that of its features: marks of what is selected are made from it.
        assert next(iter(found)) == "building" and found["building-label"]["minzoom"] == 16.5

    def test_points_are_larger_where_there_are_many(self):
        layer = parse_layer({"id": "many", "title": TITLE, "geometry": "Point", "symbology": {"cells": True, "visible": False}})
        cells = style_layers(layer, OWNER)[-1]
        assert cells["type"] == "circle" and cells["paint"]["circle-radius"][2] == ["get", "cell:count"] and cells["layout"] == {"visibility": "none"}
        assert legend(layer, OWNER)["min_zoom"] == 0


class TestLegend:
    def test_by_code_the_titles_are_those_of_the_codes(self):
        found = legend(LAYERS["pipe_segment"], OWNER)
        assert found["kind"] == "line" and found["field"]["name"] == "kind"
        assert found["items"][0] == {"title": {"zh": "给水", "en": "Water"}, "color": "#00ffff", "value": "JS", "outline": None, "width_px": 1.6,
                                     "opacity": 1, "dash": None}

    def test_by_number_the_bounds_are_told(self):
        layer = drawn(field="height_m", classes=[{"below": 10, "color": "#010203"}, {"below": 20, "color": "#010204"}, {"color": "#010205"}])
        items = legend(layer, OWNER)["items"]
        assert [(i["from"], i["below"]) for i in items[:-1]] == [(None, 10), (10, 20), (20, None)]
        assert (items[-1]["no_data"], items[-1]["color"], items[-1]["title"]["zh"]) == (True, layer.symbology.color, "无数据")
        assert [i["title"]["en"] for i in items[:-1]] == ["below 10", "10–20", "20 and more"] and items[0]["title"]["zh"] == "小于 10"

    @pytest.mark.parametrize("layer", SPATIAL, ids=lambda layer: layer.id)
    def test_every_colour_of_the_style_is_in_the_legend(self, layer):
        ground = next(p for p in style_layers(layer, OWNER) if p["type"] in ("fill", "line", "circle") and not p["id"].endswith(("-casing", "-outline")))
        color = ground["paint"][f"{ground['type']}-color"]
        used = {x for e in ([color, *expressions(color)]) for x in (e if isinstance(e, list) else [e]) if isinstance(x, str) and x.startswith("#")}
        assert {i["color"] for i in legend(layer, OWNER)["items"]} | {layer.symbology.color} == used | {layer.symbology.color}
