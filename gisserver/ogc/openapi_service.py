"""The paths of the OpenAPI document that are not one layer's own: the service, tiles, styles, changes."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_client import client_paths
from gisserver.ogc.openapi_coverages import coverage_paths
from gisserver.ogc.openapi_parts import content, parameter, problems, ref
from gisserver.ogc.openapi_processes import process_paths
from gisserver.ogc.openapi_progress import progress_paths
from gisserver.ogc.openapi_tiles3d import tiles3d_paths
from gisserver.raster.openapi import raster_paths
from layers.access import Audience
from layers.city import City
from layers.layer import Layer
from tiles.grid import grids_of

__all__ = ["service_paths"]

_TEXT, _OBJECT = {"type": "string"}, {"type": "object"}
_COUNT = {"type": "integer", "minimum": 0}
_OFFSET = _COUNT | {"maximum": 2**31}


def service_paths(city: City, layers: list[Layer], audience: Audience) -> dict[str, Any]:
    """Return the paths of everything beside items, for the layers and capabilities of an audience."""
    spatial = [layer.id for layer in layers if layer.kind == "spatial"]
    stored = [layer.id for layer in layers if layer.is_stored]
    paths = _root(layers, stored) | _records() | process_paths(audience) | _changes([layer.id for layer in layers], stored, audience)
    if spatial:
        paths |= _tiles(spatial, list(grids_of(city))) | tiles3d_paths(layers, audience)
    paths |= coverage_paths(layers, list(grids_of(city))) | raster_paths(spatial, list(grids_of(city)))
    return paths | progress_paths(layers) | client_paths(layers, audience) | _operation("operate" in audience.capabilities)


def _get(name: str, summary: str, parameters: list[dict[str, Any]], schema: dict[str, Any], kinds: tuple[str, ...],
         statuses: tuple[str, ...] = ("304", "400", "406"), tag: str = "service", formats: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a path item with a GET."""
    if formats:
        parameters = [parameter("f", {"type": "string", "enum": list(formats)}, "Format of the answer."), *parameters]
    made = {} if kinds == ("text/html",) else content(schema, *(k for k in kinds if k != "text/html"))
    if "text/html" in kinds:
        made |= content(_TEXT, "text/html")
    return {"get": {"operationId": name, "tags": [tag], "summary": summary, "parameters": [*parameters, ref("parameters", "lang")],
                    "responses": {"200": {"description": summary, "content": made}, **problems(*statuses)}}}


def _in_path(name: str, values: list[str], description: str) -> dict[str, Any]:
    return parameter(name, {"type": "string", "enum": values}, description, "path")


def _root(layers: list[Layer], stored: list[str]) -> dict[str, Any]:
    json, page = "application/json", "text/html"
    every = _in_path("collection", [*(layer.id for layer in layers), "catalogue"], "A collection.")
    paths = {
        "/ogc": _get("landing", "Landing page", [], ref("schemas", "Links"), (json, page), formats=("json", "html")),
        "/ogc/conformance": _get("conformance", "Conformance classes", [], ref("schemas", "Conformance"), (json, page),
                                 formats=("json", "html")),
        "/ogc/api": _get("api", "The part of this document that is OGC API", [], _OBJECT, ("application/vnd.oai.openapi+json;version=3.0", json, page),
                         formats=("openapi", "json", "html")),
        "/ogc/collections": _get("collections", "The layers", [], ref("schemas", "Collections"), (json, page),
                                 formats=("json", "html")),
        "/ogc/collections/{collection}": _get("collection", "A layer", [every], ref("schemas", "Collection"), (json, page),
                                              ("304", "400", "404", "406"), formats=("json", "html")),
    }
    for name in ("schema", "queryables", "sortables") if stored else ():
        paths[f"/ogc/collections/{{collection}}/{name}"] = _get(
            name, name.capitalize(), [_in_path("collection", stored, "A layer.")], _OBJECT, ("application/schema+json", page),
            ("304", "400", "404", "406"), formats=("schema", "html"))
    return paths


def _records() -> dict[str, Any]:
    geojson, page = "application/geo+json", "text/html"
    asked = [parameter("q", _TEXT, "Words, comma-separated."), parameter("group", _TEXT, "Group of layers."),
             parameter("type", _TEXT, "Type of the resource."), ref("parameters", "record-bbox"),
             parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10}, "Records a page."),
             parameter("offset", _OFFSET, "Records to pass over.")]
    collection = {"type": "object", "required": ["type", "features", "numberMatched", "numberReturned", "links"]}
    return {
        "/ogc/collections/catalogue/items": _get("records", "Records of the layers", asked, collection, (geojson, page),
                                                 formats=("geojson", "json", "html")),
        "/ogc/collections/catalogue/items/{record}": _get(
            "record", "Record of a layer", [parameter("record", _TEXT, "A layer.", "path")], _OBJECT, (geojson, page),
            ("304", "400", "404", "406"), formats=("geojson", "json", "html")),
    }


def _tiles(spatial: list[str], grids: list[str]) -> dict[str, Any]:
    json, page = "application/json", "text/html"
    layer, grid = _in_path("collection", spatial, "A layer with geometry."), _in_path("tms", grids, "A tile matrix set.")
    place = [parameter(name, _COUNT, words, "path") for name, words in (
        ("z", "Level."), ("row", "Row from the north."), ("col", "Column from the west."))]
    moment = [ref("parameters", "datetime"), ref("parameters", "known-at")]
    root, not_found = "/ogc/collections/{collection}", ("304", "400", "404", "406")
    names = parameter("properties", {"type": "array", "items": _TEXT}, "Only these properties, of those that the layer's tiles hold.",
                      style="form", explode=False)
    filters = [ref("parameters", "filter"), ref("parameters", "filter-lang"), names]
    some = parameter("collections", {"type": "array", "items": {"type": "string", "enum": spatial}}, "Only these layers.",
                     style="form", explode=False)

    def tile(name: str, *more: dict[str, Any]) -> dict[str, Any]:
        return {"get": {
            "operationId": name, "tags": ["service"], "summary": "A vector tile", "parameters": [
                *more, grid, *place, *moment, parameter("f", {"type": "string", "enum": ["mvt", "pbf"]}, "Format."),
                ref("parameters", "lang")],
            "responses": {"200": {"description": "The tile.", "content": content(
                {"type": "string", "format": "binary"}, "application/vnd.mapbox-vector-tile")},
                "204": {"description": "The tile is empty."}, **problems("304", "400", "404")}}}

    return {
        "/ogc/tiles": _get("datasetTilesets", "Tile sets of all layers", [], ref("schemas", "Links"), (json, page),
                           formats=("json", "html")),
        "/ogc/tiles/{tms}": _get("datasetTileset", "A tile set of all layers", [grid], ref("schemas", "Links"), (json, page),
                                 not_found, formats=("json", "html")),
        "/ogc/tiles/{tms}/{z}/{row}/{col}": tile("datasetTile", some),
        f"{root}/tiles": _get("tilesets", "Tile sets of a layer", [layer], ref("schemas", "Links"), (json, page), not_found,
                              formats=("json", "html")),
        f"{root}/tiles/{{tms}}": _get("tileset", "A tile set", [layer, grid], ref("schemas", "Links"), (json, page), not_found,
                                      formats=("json", "html")),
        f"{root}/tiles/{{tms}}/{{z}}/{{row}}/{{col}}": tile("tile", layer, *filters),
        f"{root}/tilejson": _get("tilejson", "TileJSON", [layer, *moment, *filters], _OBJECT, (json,), not_found, formats=("json",)),
        "/ogc/tileMatrixSets": _get("tileMatrixSets", "Tile matrix sets", [], _OBJECT, (json, page), formats=("json", "html")),
        "/ogc/tileMatrixSets/{tms}": _get("tileMatrixSet", "A tile matrix set", [grid], _OBJECT, (json, page), not_found,
                                          formats=("json", "html")),
        "/ogc/styles": _get("styles", "Map styles", [], _OBJECT, (json, page), formats=("json", "html")),
        f"{root}/styles": _get("collectionStyles", "The styles of a layer", [layer], _OBJECT, (json, page), not_found, formats=("json", "html")),
        "/ogc/styles/{style}": _get("style", "A map style", [parameter("style", _TEXT, "'city', a layer, a theme of one (layer.by_field), or a style that was published of one (layer.v1).", "path"),
                                                          ref("parameters", "datetime"), ref("parameters", "known-at")],
                                    _OBJECT, ("application/vnd.mapbox.style+json", "application/vnd.ogc.sld+xml;version=1.1", page),
                                    ("304", "400", "404"), formats=("mapbox", "json", "html", "sld")),
    }


def _changes(names: list[str], stored: list[str], audience: Audience) -> dict[str, Any]:
    json, seq = "application/json", ref("parameters", "seq")
    many = parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "At most so many.")
    features = parameter("limit", {"type": "integer", "minimum": 1, "maximum": 10000, "default": 1000}, "Features of a layer, at most.")
    changesets = _get("changesets", "Changesets after a number, oldest first", [parameter("since", _COUNT | {"maximum": 2**53}, "After this one."), many],
                      ref("schemas", "Changesets"), (json,), tag="changes", formats=("json",))
    applied = {"201": {"description": "Written.", "headers": {"Gis-Seq": {"schema": _COUNT}, "Location": {"schema": _TEXT}},
                       "content": content(ref("schemas", "Applied"), json)}}
    paths = {"/api/changesets": changesets,
             "/api/changesets/{seq}": _get("changeset", "A changeset", [seq, features], ref("schemas", "Changeset"), (json,),
                                           ("304", "400", "404", "406"), "changes", ("json",)),
             "/api/search": _get("search", "Search names, addresses, codes, pinyin initials", [
                 parameter("q", {"type": "string", "maxLength": 100}, "What to look for.", required=True),
                 parameter("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 20}, "At most so many."),
                 ref("parameters", "moment"), parameter("near", {"type": "array", "items": {"type": "number"}, "minItems": 2,
                                                                 "maxItems": 2}, "Longitude,latitude.", style="form", explode=False),
                 parameter("layers", {"type": "array", "items": {"type": "string", "enum": names}}, "Only these layers.", style="form",
                           explode=False)], ref("schemas", "Search"), (json,), formats=("json",)),
             "/api/changes/stream": {"get": {
                 "operationId": "changeStream", "tags": ["changes"], "summary": "What happens, as server-sent events",
                 "parameters": [parameter("since", _COUNT | {"maximum": 2**53}, "After this changeset; from now on without it."),
                                ref("parameters", "lang")],
                 "responses": {"200": {"description": "Events `change` with seq, layers, envelope and valid.", "content": content(
                     _TEXT, "text/event-stream")}, **problems("400")}}},
             "/api/openapi": _get("openapi", "This document", [], _OBJECT, ("application/vnd.oai.openapi+json;version=3.0", json, "text/html"),
                                  formats=("openapi", "json", "html")),
             "/api/config": _get("config", "The city and the reader's layers", [], _OBJECT, (json,), formats=("json",))}
    if any(audience.may_edit(name) for name in stored):
        changesets["post"] = {
            "operationId": "postChangeset", "tags": ["changes"], "summary": "Write edits together or not at all",
            "parameters": [ref("parameters", "check"), ref("parameters", "lang")],
            "requestBody": {"required": True, "content": content(ref("schemas", "NewChangeset"), json)},
            "responses": {"200": {"description": "What it would be refused for.", "content": content(ref("schemas", "Faults"), json)},
                          **applied, **problems("400", "401", "403", "404", "412", "415", "422", "428")}}
    if "undo" in audience.capabilities:
        body = {"type": "object", "additionalProperties": False, "properties": {"reason": _TEXT}}
        paths["/api/changesets/{seq}/undo"] = {"post": {
            "operationId": "undo", "tags": ["changes"], "summary": "Undo a changeset", "parameters": [seq, ref("parameters", "lang")],
            "requestBody": {"content": content(body, json)},
            "responses": applied | problems("400", "401", "403", "404", "409", "415", "422")}}
    return paths


def _operation(may_operate: bool) -> dict[str, Any]:
    json = "application/json"
    ready = _get("readyz", "Is it ready?", [], _OBJECT, (json,), ("400",))
    ready["get"]["responses"]["503"] = {"description": "Not ready.", "content": content(_OBJECT, json)}
    paths = {"/healthz": _get("healthz", "Is it alive?", [], _OBJECT, (json,), ("400",)), "/readyz": ready}
    if may_operate:
        paths["/metrics"] = {"get": {"operationId": "metrics", "tags": ["service"], "summary": "Counts and latencies",
                                     "responses": {"200": {"description": "Prometheus text.", "content": content(
                                         _TEXT, "text/plain")}, **problems("400", "401", "403")}}}
    return paths
