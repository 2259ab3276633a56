"""The paths of the OpenAPI document that answer with pictures of the map."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import content, parameter, problems, ref
from tiles.mapnik_source import MAX_PIXELS

__all__ = ["raster_paths"]

_TEXT, _BYTES, _COUNT = {"type": "string"}, {"type": "string", "format": "binary"}, {"type": "integer", "minimum": 0}
_SIDE = {"type": "integer", "minimum": 1, "maximum": MAX_PIXELS}
_PICTURES = ("image/png", "image/jpeg", "image/webp")
_DAY = {"type": "string", "example": "2015-06-01"}


def raster_paths(spatial: list[str], grids: list[str]) -> dict[str, Any]:
    """Return the paths of maps, map tiles, WMS, WMTS, TMS and KML, for the layers of an audience."""
    if not spatial:
        return {}
    root = "/ogc/collections/{collection}"
    layer = parameter("collection", {"type": "string", "enum": spatial}, "A layer with geometry.", "path")
    some = parameter("collections", {"type": "array", "items": {"type": "string", "enum": spatial}}, "Only these layers.", style="form", explode=False)
    grid = parameter("tms", {"type": "string", "enum": grids}, "A tile matrix set.", "path")
    named = parameter("layer", {"type": "string", "enum": ["city", *spatial]}, "'city' or a layer.", "path")
    style = parameter("style", _TEXT, "'default', a theme of the layer (by_field), or one that was published.", "path")
    return {
        f"{root}/styles/{{style}}/map": _map("collectionStyledMap", "A map of a layer in one of its styles", [
            layer, style, ref("parameters", "filter"), ref("parameters", "filter-lang")]),
        f"{root}/styles/{{style}}/map/tiles/{{tms}}/{{z}}/{{row}}/{{col}}": _tile("collectionStyledMapTile", [layer, style, grid]),
        f"{root}/map": _map("collectionMap", "A map of a layer", [layer, ref("parameters", "filter"), ref("parameters", "filter-lang")]),
        "/ogc/map": _map("datasetMap", "A map of the city", [some]),
        f"{root}/map/tiles": _described("collectionMapTilesets", "Sets of map tiles of a layer", [layer]),
        f"{root}/map/tiles/{{tms}}": _described("collectionMapTileset", "A set of map tiles of a layer", [layer, grid]),
        "/ogc/map/tiles": _described("datasetMapTilesets", "Sets of map tiles of the city", []),
        "/ogc/map/tiles/{tms}": _described("datasetMapTileset", "A set of map tiles of the city", [grid]),
        f"{root}/map/tiles/{{tms}}/{{z}}/{{row}}/{{col}}": _tile("collectionMapTile", [layer, grid]),
        "/ogc/map/tiles/{tms}/{z}/{row}/{col}": _tile("datasetMapTile", [grid, *_look(spatial)]),
        "/ogc/styles/{style}/legend": {"get": {
            "operationId": "styleLegend", "tags": ["service"], "summary": "The legend of a style", "parameters": [
                parameter("style", _TEXT, "'city', a layer, or a theme of one.", "path"),
                parameter("f", {"type": "string", "enum": ["json", "png"]}, "Format of the answer."), ref("parameters", "lang")],
            "responses": {"200": {"description": "The legend.", "content": content({"type": "object"}, "application/json") | content(_BYTES, "image/png")},
                          **problems("304", "400", "404")}}},
        "/wms": _protocol("wms", "WMS 1.1.1 and 1.3.0", [_asked("REQUEST", ["GetCapabilities", "GetMap", "GetFeatureInfo", "GetLegendGraphic"]),
                                                         parameter("TIME", _DAY, "A day, an instant or an interval.")], "image/png", "text/xml"),
        "/wmts": _protocol("wmts", "WMTS 1.0.0, by parameters", [_asked("REQUEST", ["GetCapabilities", "GetTile"])], "image/png", "application/xml"),
        "/wmts/1.0.0/WMTSCapabilities.xml": _protocol("wmtsCapabilities", "WMTS 1.0.0: what there is", [], "application/xml"),
        "/wmts/{layer}/{style}/{time}/{tms}/{z}/{row}/{col}": _protocol("wmtsTile", "A tile of WMTS; `col` ends in .png or @2x.png", [
            named, parameter("style", _TEXT, "'default', or a theme of the layer.", "path"),
            parameter("time", _DAY, "'current', or a day.", "path"), grid, *_place("z", "row", "col")], "image/png", "text/xml"),
        "/tms/1.0.0": _protocol("tms", "TMS: the tile maps", [], "text/xml"),
        "/tms/1.0.0/{layer}/{tms}": _protocol("tmsMap", "TMS: a tile map", [named, grid], "text/xml"),
        "/tms/1.0.0/{layer}/{tms}/{z}/{col}/{row}": _protocol("tmsTile", "A tile of TMS; rows from the south, `row` ends in .png", [
            named, grid, *_place("z", "col", "row")], "image/png", "text/xml"),
        "/kml/{layer}/{tms}": _protocol("kml", "A layer as KML, for Google Earth", [named, grid], "application/vnd.google-earth.kml+xml"),
        "/kml/{layer}/{tms}/{z}/{col}/{row}": _protocol("kmlPart", "A part of the KML, or a picture in it", [named, grid, *_place("z", "col", "row")],
                                                        "application/vnd.google-earth.kml+xml", "image/png")}


def _moment() -> list[dict[str, Any]]:
    return [ref("parameters", "datetime"), ref("parameters", "known-at"), ref("parameters", "lang")]


def _map(name: str, summary: str, more: list[dict[str, Any]]) -> dict[str, Any]:
    asked = [*more, ref("parameters", "record-bbox"), parameter("bbox-crs", _TEXT, "CRS of the box; degrees without it."),
             parameter("crs", _TEXT, "CRS of the map; Web Mercator without it."), parameter("width", _SIDE, "Pixels."), parameter("height", _SIDE, "Pixels."),
             parameter("transparent", {"type": "boolean"}, "Is the ground transparent?"),
             parameter("bgcolor", {"type": "string", "pattern": "^0x[0-9a-fA-F]{6}$"}, "Colour of the ground."),
             parameter("f", {"type": "string", "enum": ["png", "jpeg", "webp"]}, "Format."), *_moment()]
    return {"get": {"operationId": name, "tags": ["service"], "summary": summary, "parameters": asked,
                    "responses": {"200": {"description": "The map.", "content": content(_BYTES, *_PICTURES)}, **problems("304", "400", "404")}}}


def _tile(name: str, more: list[dict[str, Any]]) -> dict[str, Any]:
    place = [parameter(each, _COUNT, words, "path") for each, words in (("z", "Level."), ("row", "Row from the north."), ("col", "Column from the west."))]
    asked = [*more, *place, parameter("scale", {"type": "string", "enum": ["1", "2"]}, "2 for screens with small pixels."),
             parameter("f", {"type": "string", "enum": ["png"]}, "Format."), *_moment()]
    return {"get": {"operationId": name, "tags": ["service"], "summary": "A map tile", "parameters": asked,
                    "responses": {"200": {"description": "The tile.", "content": content(_BYTES, "image/png")}, **problems("304", "400", "404")}}}


def _look(spatial: list[str]) -> list[dict[str, Any]]:
    """Return the parameters that make the map of the city one's own."""
    by_layer = {"type": "object", "additionalProperties": False}
    condition = {"oneOf": [{"type": "object"}, {"type": "string"}]}
    return [
        parameter("collections", {"type": "array", "items": {"type": "string", "enum": spatial}, "uniqueItems": True},
                  "These layers, the first one lowest; without it those that are shown at once.", style="form", explode=False),
        parameter("styles", {"type": "array", "items": _TEXT}, "The style of each of `collections`; nothing between commas is its own.", style="form", explode=False),
        parameter("opacity", {"type": "array", "items": {"type": "string", "pattern": r"^(\d|[1-9]\d|100)?$"}},
                  "Percent of each of `collections`; nothing between commas is 100.", style="form", explode=False),
        _json("filters", by_layer | {"properties": dict.fromkeys(spatial, condition)}, "A filter by layer: CQL2 JSON, or CQL2 text."),
        _json("datetimes", by_layer | {"properties": dict.fromkeys(spatial, _TEXT)}, "Days of single layers, other than the map's."),
        parameter("transparent", {"type": "boolean", "default": False}, "Does what lies under the map show through?")]


def _json(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "content": {"application/json": {"schema": schema}}}


def _described(name: str, summary: str, more: list[dict[str, Any]]) -> dict[str, Any]:
    asked = [*more, parameter("f", {"type": "string", "enum": ["json", "html"]}, "Format of the answer."), ref("parameters", "lang")]
    kinds = content(ref("schemas", "Links"), "application/json") | content(_TEXT, "text/html")
    return {"get": {"operationId": name, "tags": ["service"], "summary": summary, "parameters": asked,
                    "responses": {"200": {"description": summary, "content": kinds}, **problems("304", "400", "404", "406")}}}


def _protocol(name: str, summary: str, parameters: list[dict[str, Any]], *kinds: str) -> dict[str, Any]:
    return {"get": {"operationId": name, "tags": ["service"], "summary": summary, "parameters": parameters,
                    "responses": {"200": {"description": summary, "content": content(_BYTES, *kinds)},
                                  "400": {"description": "A parameter is wrong; the report names it.", "content": content(_TEXT, "text/xml")},
                                  "404": {"description": "There is no such tile, or not for this reader.", "content": content(_TEXT, "text/xml")}}}}


def _asked(name: str, choices: list[str]) -> dict[str, Any]:
    return parameter(name, {"type": "string", "enum": choices}, "The operation; names are read in any case.")


def _place(*names: str) -> list[dict[str, Any]]:
    return [parameter(name, _TEXT, {"z": "Level.", "row": "Row.", "col": "Column."}[name], "path") for name in names]
