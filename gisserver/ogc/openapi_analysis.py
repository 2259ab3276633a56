"""The paths of the OpenAPI document that count, select and map by number."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import MOMENT, content, problems, ref
from layers.access import Audience
from layers.layer import Layer

__all__ = ["analysis_paths"]

_TEXT, _OBJECT, _NUMBER = {"type": "string"}, {"type": "object"}, {"type": "number"}
_COUNT = {"type": "integer", "minimum": 0}
_FILTER = {"description": "CQL2, as text or as JSON.", "anyOf": [_TEXT, _OBJECT]}
_WORDS = {"type": "object", "required": ["zh", "en"], "properties": {"zh": _TEXT, "en": _TEXT}}
_TOTALS = {"count": {"type": "number", "minimum": 0}, "features": _COUNT, "area_m2": _NUMBER, "length_m": _NUMBER, "fields": _OBJECT}
_HOW = {"rule": _TEXT, "rule_means": _WORDS, "measured_in": _TEXT, "datetime": {"type": "string", "nullable": True}, "area_m2": _NUMBER,
        "area": ref("schemas", "Geometry")}


def place_members(layers: list[str]) -> dict[str, Any]:
    """Return the members of a body that say where and when."""
    return {
        "bbox": {"type": "array", "items": _NUMBER, "minItems": 4, "maxItems": 4, "description": "minx,miny,maxx,maxy in degrees."},
        "area": {"type": "object", "description": "GeoJSON geometry in CRS84: an area, or with buffer_m anything."},
        "features": {"type": "object", "additionalProperties": False, "required": ["layer", "fids"], "properties": {
            "layer": {"type": "string", "enum": layers}, "fids": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 2**53},
                                                                  "minItems": 1, "maxItems": 2000}}},
        "buffer_m": {"type": "number", "minimum": 0, "maximum": 100_000}, "datetime": MOMENT, "known_at": {"anyOf": [_COUNT | {"maximum": 2**53}, MOMENT]}}


def post(name: str, summary: str, body: dict[str, Any], answer: dict[str, Any], *statuses: str) -> dict[str, Any]:
    """Return a path item with a POST that asks and changes nothing."""
    return {"post": {"operationId": name, "tags": ["service"], "summary": summary, "parameters": [ref("parameters", "lang")],
                     "requestBody": {"required": True, "content": content(body, "application/json")},
                     "responses": {"200": {"description": summary, "content": content(answer, "application/json")},
                                   **problems("400", "401", "403", "404", "415", *statuses)}}}


def analysis_paths(layers: list[Layer], audience: Audience) -> dict[str, Any]:
    """Return the paths of statistics and selection, for the layers of an audience."""
    stored = [layer.id for layer in layers if layer.is_stored]
    spatial = [layer.id for layer in layers if layer.kind == "spatial"]
    paths: dict[str, Any] = {}
    if stored:
        paths["/api/statistics"] = _statistics(stored, spatial)
    if spatial:
        paths["/api/selection"] = _selection(spatial)
    return paths


def _statistics(stored: list[str], spatial: list[str]) -> dict[str, Any]:
    each = {"type": "object", "additionalProperties": False, "required": ["layer"], "properties": {
        "layer": {"type": "string", "enum": stored}, "by": _TEXT, "bins": {"type": "integer", "minimum": 2, "maximum": 60},
        "edges": {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 61},
        "fields": {"type": "array", "items": _TEXT, "maxItems": 20}, "filter": _FILTER}}
    body = {"type": "object", "additionalProperties": False, "required": ["layers"], "properties": {
        "layers": {"type": "array", "items": each, "minItems": 1, "maxItems": 40}, "measure": {"type": "boolean"},
        "rule": {"type": "string", "enum": ["intersects", "centroid", "area_weighted"]}, **place_members(spatial)}}
    classes = {"type": "array", "items": {"type": "object", "required": ["value", "count", "features"], "properties": {
        "value": {}, "title": _WORDS, "from": _NUMBER, "to": _NUMBER, **_TOTALS}}}
    told = {"type": "object", "required": ["layer", "count", "features", "fields"], "properties": {
        "layer": _TEXT, "by": {"type": "string", "nullable": True}, "edges": {"type": "array", "items": _NUMBER}, "classes": classes,
        "classes_left_out": _COUNT, "without_class": {"type": "number"}, **_TOTALS}}
    answer = {"type": "object", "required": ["rule", "rule_means", "measured_in", "layers"],
              "properties": {**_HOW, "layers": {"type": "array", "items": told}}}
    return post("statistics", "Count and add up the features of some layers in a place, by class", body, answer)


def _selection(spatial: list[str]) -> dict[str, Any]:
    body = {"type": "object", "additionalProperties": False, "required": ["layer"], "properties": {
        "layer": {"type": "string", "enum": spatial}, "filter": _FILTER, "limit": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "rule": {"type": "string", "enum": ["intersects", "centroid", "within"]}, **place_members(spatial)}}
    answer = {"type": "object", "required": ["layer", "count", "fids", "rule"], "properties": {
        **_HOW, "layer": _TEXT, "count": _COUNT, "fids": {"type": "array", "items": _COUNT}}}
    return post("selection", "The features of a layer in a place", body, answer)
