"""The paths of coverages in the OpenAPI document: parts of them, map tiles, terrain, heights, base maps."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.edr import FORMATS as EDR_FORMATS
from gisserver.ogc.imagery import FORMATS
from gisserver.ogc.openapi_parts import content, parameter, problems, ref
from layers.layer import Layer
from tiles.terrain import ENCODINGS

__all__ = ["coverage_paths"]

_TEXT, _OBJECT, _BYTES = {"type": "string"}, {"type": "object"}, {"type": "string", "format": "binary"}
_COUNT = {"type": "integer", "minimum": 0}
_ROOT = "/ogc/collections/{collection}"


def coverage_paths(layers: list[Layer], grids: list[str]) -> dict[str, Any]:
    """Return the paths of the coverages among some layers; `grids` are the tile matrix sets."""
    coverages = [layer.id for layer in layers if layer.kind == "coverage"]
    if not coverages:
        return {}
    elevation = [layer.id for layer in layers if layer.kind == "coverage" and (layer.coverage or {}).get("kind") == "elevation"]
    paths = _parts(coverages) | {"/api/basemaps": _basemaps()}
    for layer_id in coverages:
        root = f"/ogc/collections/{layer_id}/map/tiles"
        paths |= {root: _described(f"{layer_id}_map_tilesets", "Sets of map tiles", []),
                  f"{root}/{{tms}}": _described(f"{layer_id}_map_tileset", "A set of map tiles", [_in(grids, "A tile matrix set.", "tms")]),
                  f"{root}/{{tms}}/{{z}}/{{row}}/{{col}}": _map_tile(layer_id, layer_id in elevation, grids)}
    return paths | (_terrain(elevation, grids) | _heights(elevation) if elevation else {})


def _in(names: list[str], description: str = "A coverage.", name: str = "collection") -> dict[str, Any]:
    return parameter(name, {"type": "string", "enum": names}, description, "path")


def _form(*names: str) -> dict[str, Any]:
    return parameter("f", {"type": "string", "enum": list(names)}, "Format of the answer.")


def _parts(names: list[str]) -> dict[str, Any]:
    asked = [_in(names), ref("parameters", "record-bbox"), _form("json", "GTiff"),
             parameter("properties", _TEXT, "Bands, comma-separated."), ref("parameters", "lang")]
    return {f"{_ROOT}/coverage": {"get": {
        "operationId": "coverage", "tags": ["service"], "summary": "A part of a coverage", "parameters": asked,
        "responses": {"200": {"description": "The coverage.", "content": content(_OBJECT, "application/prs.coverage+json")
                              | content(_BYTES, "image/tiff; application=geotiff")}, **problems("400", "404")}}}}


def _tile(name: str, summary: str, parameters: list[dict[str, Any]], kinds: tuple[str, ...], *more: str) -> dict[str, Any]:
    return {"get": {"operationId": name, "tags": ["service"], "summary": summary,
                    "parameters": [*parameters, ref("parameters", "datetime"), ref("parameters", "known-at"), ref("parameters", "lang")],
                    "responses": {"200": {"description": "The tile.", "content": content(_BYTES, *kinds)},
                                  "204": {"description": "The tile is empty."}, **problems("304", "400", "404", *more)}}}


def _place(grids: list[str]) -> list[dict[str, Any]]:
    return [_in(grids, "A tile matrix set.", "tms"), *(parameter(name, _COUNT, words, "path") for name, words in (
        ("z", "Level."), ("row", "Row from the north."), ("col", "Column from the west.")))]


def _described(name: str, summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"get": {"operationId": name, "tags": ["service"], "summary": summary, "parameters": [*parameters, _form("json", "html"), ref("parameters", "lang")],
                    "responses": {"200": {"description": summary, "content": content(_OBJECT, "application/json") | content(_TEXT, "text/html")},
                                  **problems("304", "400", "404", "406")}}}


def _map_tile(layer_id: str, is_elevation: bool, grids: list[str]) -> dict[str, Any]:
    numbers = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 6}
    bands = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 32}, "minItems": 1, "maxItems": 3}
    own = [parameter("azimuth", {"type": "integer", "minimum": 0, "maximum": 360, "default": 315}, "Where the light comes from."),
           parameter("altitude", {"type": "integer", "minimum": 1, "maximum": 90, "default": 45}, "How high the light stands."),
           ] if is_elevation else [
        parameter("bands", bands, "Bands counted from 1: three for red, green and blue, or one for grey.", style="form", explode=False),
        parameter("rescale", numbers, "min,max that are stretched to black and white: one pair, or one for each band.", style="form", explode=False)]
    return _tile(f"{layer_id}_map_tile", "A map tile: the shade of hills" if is_elevation else "A map tile of imagery",
                 [*_place(grids), _form(*FORMATS), *own], ("image/png", "image/webp", "image/jpeg"), "406")


def _terrain(names: list[str], grids: list[str]) -> dict[str, Any]:
    layer = _in(names, "An elevation model.")
    mesh = [layer, parameter("z", _COUNT, "Level.", "path"), parameter("x", _COUNT, "Column from the west.", "path"),
            parameter("y", _COUNT, "Row from the south.", "path")]
    moment = [ref("parameters", "datetime"), ref("parameters", "known-at")]
    return {
        f"{_ROOT}/terrain/{{encoding}}/{{tms}}/{{z}}/{{row}}/{{col}}": _tile(
            "terrainTile", "Heights in the colours of a picture", [layer, _in(list(ENCODINGS), "How heights are written.", "encoding"),
                                                                   *_place(grids), _form("png", "webp")], ("image/png", "image/webp")),
        f"{_ROOT}/contours/{{tms}}/{{z}}/{{row}}/{{col}}": _tile(
            "contourTile", "Contour lines as a vector tile (layer contour: elevation, index)", [layer, *_place(grids), _form("mvt", "pbf")],
            ("application/vnd.mapbox-vector-tile",)),
        f"{_ROOT}/terrain/mesh/layer.json": {"get": {
            "operationId": "meshLayer", "tags": ["service"], "summary": "Description of the terrain meshes",
            "parameters": [layer, *moment, _form("json"), ref("parameters", "lang")],
            "responses": {"200": {"description": "The description.", "content": content(_OBJECT, "application/json")}, **problems("304", "400", "404")}}},
        f"{_ROOT}/terrain/mesh/{{z}}/{{x}}/{{y}}.terrain": _tile(
            "meshTile", "A terrain mesh (quantized-mesh 1.0)", mesh, ("application/vnd.quantized-mesh",))}


def _heights(names: list[str]) -> dict[str, Any]:
    layer = _in(names, "An elevation model.")

    def query(name: str, summary: str, example: str, more: dict[str, Any]) -> dict[str, Any]:
        asked = [layer, parameter("coords", {"type": "string", "example": example}, "Well-known text, in the axis order of `crs`.", required=True),
                 parameter("crs", {"type": "string", "example": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}, "System of the coordinates; CRS84 without."),
                 ref("parameters", "datetime"), ref("parameters", "known-at"), more, _form(*EDR_FORMATS), ref("parameters", "lang")]
        return {"get": {"operationId": name, "tags": ["service"], "summary": summary, "parameters": asked, "responses": {
            "200": {"description": "Heights; null where the model has none.",
                    "content": content(_OBJECT, "application/prs.coverage+json", "application/json") | content(_TEXT, "text/csv")},
            **problems("304", "400", "404", "406")}}}

    names_of = parameter("parameter-name", {"type": "array", "items": {"type": "string", "enum": ["elevation", "slope", "aspect"]}},
                         "What is asked; elevation without.", style="form", explode=False)
    step = parameter("step", {"type": "number", "minimum": 0.1, "maximum": 1_000_000},
                     "Metres between two places at most; without it those of the model's cells.")
    return {f"{_ROOT}/position": query("position", "Heights at points", "POINT(116.4 39.93)", names_of),
            f"{_ROOT}/trajectory": query("trajectory", "Heights along a line", "LINESTRING(116.3 39.9,116.4 39.95)", step)}


def _basemaps() -> dict[str, Any]:
    sources = {"type": "array", "items": {"type": "object", "required": ["layer", "title", "tiles", "bounds", "spans"]}}
    schema = {"type": "object", "required": ["imagery", "terrain"], "properties": {"imagery": sources, "terrain": sources}}
    return {"get": {"operationId": "basemaps", "tags": ["service"], "summary": "Imagery and terrain to lay under a map",
                    "parameters": [_form("json"), ref("parameters", "lang")],
                    "responses": {"200": {"description": "Sources, with the time for which they are.", "content": content(schema, "application/json")},
                                  **problems("304", "400", "406")}}}
