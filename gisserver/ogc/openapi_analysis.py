"""The paths of the OpenAPI document that count, select and map by number."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import MOMENT, content, parameter, problems, ref
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
        paths |= _kept(stored, spatial) | _thematic(spatial) | _styles(spatial)
    if stored and "export" in audience.capabilities:
        paths["/api/export/{collection}"] = _export(stored)
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
        "keep": {"type": "boolean", "description": "Keep all of them under a name, for the filter {\"op\": \"selected\", \"args\": [name]}."},
        "rule": {"type": "string", "enum": ["intersects", "centroid", "within"]}, **place_members(spatial)}}
    answer = {"type": "object", "required": ["layer", "count", "fids", "rule"], "properties": {
        **_HOW, "layer": _TEXT, "count": _COUNT, "fids": {"type": "array", "items": _COUNT}, "selection": _TEXT, "kept": _COUNT}}
    return post("selection", "The features of a layer in a place", body, answer)


def _kept(stored: list[str], spatial: list[str]) -> dict[str, Any]:
    title = {"type": "string", "minLength": 1, "maxLength": 80}
    number = [parameter("work", _COUNT | {"maximum": 2**53}, "Its number.", "path"), ref("parameters", "lang")]
    paths: dict[str, Any] = {}
    bodies = {
        "queries": ("query", {"layer": {"type": "string", "enum": stored}, "title": title, "conditions": {"type": "array", "items": _OBJECT, "maxItems": 200},
                              "filter": _OBJECT}, ["layer", "title", "conditions", "filter"]),
        "themes": ("theme", {"layer": {"type": "string", "enum": spatial}, "title": title, "theme": _OBJECT, "shared": {"type": "boolean"}},
                   ["layer", "title", "theme"])}
    for name, (one, members, required) in bodies.items():
        work = {"type": "object", "required": ["id", "layer", "title", "mine"], "properties": {
            "id": _COUNT, "layer": _TEXT, "title": _TEXT, "mine": {"type": "boolean"}, "owner": {"type": "string", "nullable": True}}}
        listed = {"type": "object", "required": [name], "properties": {name: {"type": "array", "items": work}}}
        made = post(f"keep_{one}", f"Keep a {one} of a layer", {"type": "object", "additionalProperties": False, "required": required,
                                                               "properties": members}, work)
        made["post"]["responses"]["201"] = made["post"]["responses"].pop("200")
        paths[f"/api/{name}"] = {**made, "get": {
            "operationId": name, "tags": ["service"], "summary": f"The {name} that one keeps, and those that are shared", "parameters": [ref("parameters", "lang")],
            "responses": {"200": {"description": "Kept.", "content": content(listed, "application/json")}, **problems("400")}}}
        paths[f"/api/{name}/{{work}}"] = {"delete": {
            "operationId": f"delete_{one}", "tags": ["service"], "summary": f"Forget a {one}", "parameters": number,
            "responses": {"204": {"description": "Forgotten."}, **problems("400", "401", "403", "404")}}}
    return paths


def _styles(spatial: list[str]) -> dict[str, Any]:
    color = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
    value = {"type": "object", "additionalProperties": False, "required": ["field"], "properties": {"field": _TEXT, "per": _TEXT}}
    body = {"type": "object", "additionalProperties": False, "required": ["layer", "title", "value", "breaks", "colors"], "properties": {
        "layer": {"type": "string", "enum": spatial}, "title": {"type": "string", "minLength": 1, "maxLength": 80}, "value": value,
        "breaks": {"type": "array", "items": _NUMBER, "minItems": 1, "maxItems": 11, "description": "Where one class ends and the next begins."},
        "colors": {"type": "array", "items": color, "minItems": 2, "maxItems": 12, "description": "One more than there are breaks."},
        "sizes": {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 12, "nullable": True, "description": "Pixels, of lines and points."},
        "no_data": color}}
    style = {"type": "object", "required": ["id", "name", "style", "layer", "title", "version", "mine", "may_withdraw"], "properties": {
        "id": _COUNT, "name": _TEXT, "style": _TEXT, "layer": _TEXT, "title": _TEXT, "version": _COUNT, "mine": {"type": "boolean"},
        "may_withdraw": {"type": "boolean"}}}
    listed = {"type": "object", "required": ["styles"], "properties": {"styles": {"type": "array", "items": style}}}
    made = post("publishStyle", "Publish a thematic map as a style of its layer", body, style)
    made["post"]["responses"]["201"] = made["post"]["responses"].pop("200")
    return {
        "/api/styles": {**made, "get": {
            "operationId": "publishedStyles", "tags": ["service"], "summary": "The published styles of layers", "parameters": [ref("parameters", "lang")],
            "responses": {"200": {"description": "Styles.", "content": content(listed, "application/json")}, **problems("400")}}},
        "/api/styles/{work}": {"delete": {
            "operationId": "withdrawStyle", "tags": ["service"], "summary": "Withdraw a published style",
            "parameters": [parameter("work", _COUNT, "Its number.", "path"), ref("parameters", "lang")],
            "responses": {"204": {"description": "Withdrawn."}, **problems("400", "401", "403", "404")}}}}


def _export(stored: list[str]) -> dict[str, Any]:
    kinds = ("application/geopackage+sqlite3", "application/geo+json", "text/csv", "application/vnd.apache.parquet")
    asked = [parameter("collection", {"type": "string", "enum": stored}, "A layer.", "path"),
             parameter("f", {"type": "string", "enum": ["gpkg", "geojson", "csv", "parquet"]}, "Format of the file."),
             *(ref("parameters", n) for n in ("datetime", "known-at", "filter", "filter-lang", "ids", "bbox", "lang"))]
    return {"get": {"operationId": "export", "tags": ["service"], "summary": "All features of a question as one file", "parameters": asked,
                    "responses": {"200": {"description": "The file.", "content": content({"type": "string", "format": "binary"}, *kinds)},
                                  **problems("400", "401", "403", "404", "406")}}}


def _thematic(spatial: list[str]) -> dict[str, Any]:
    layer, when = {"type": "string", "enum": spatial}, {"datetime": MOMENT, "known_at": {"anyOf": [_COUNT | {"maximum": 2**53}, MOMENT]}}
    of = {"type": "object", "additionalProperties": False, "required": ["layer"], "properties": {
        "layer": layer, "measure": {"type": "string", "enum": ["count", "sum", "mean"]}, "field": _TEXT, "filter": _FILTER}}
    value = {"type": "object", "additionalProperties": False, "properties": {"field": _TEXT, "of": of, "per": _TEXT}}
    body = {"type": "object", "additionalProperties": False, "required": ["layer", "value"], "properties": {
        "layer": layer, "value": value, "second": value, "method": {"type": "string", "enum": ["quantile", "jenks", "equal", "deviation", "manual"]},
        "classes": {"type": "integer", "minimum": 2, "maximum": 9}, "breaks": {"type": "array", "items": _NUMBER, "maxItems": 8}, "filter": _FILTER,
        "points": {"type": "boolean"}, "shapes": {"type": "boolean"}, "bbox": place_members(spatial)["bbox"], **when}}
    classes = {"type": "object", "required": ["layer", "edges", "counts", "no_data", "features"], "properties": {
        "layer": _TEXT, "edges": {"type": "array", "items": _NUMBER}, "counts": {"type": "array", "items": _COUNT}, "no_data": _COUNT, "features": _COUNT}}
    gathered = {"type": "object", "additionalProperties": False, "required": ["layer", "bbox", "zoom"], "properties": {
        "layer": layer, "bbox": place_members(spatial)["bbox"], "zoom": {"type": "number", "minimum": 0, "maximum": 24},
        "cell_px": {"type": "integer", "minimum": 4, "maximum": 512}, "by": _TEXT, "filter": _FILTER, **when}}
    cells = {"type": "object", "required": ["layer", "total", "cells"], "properties": {"layer": _TEXT, "total": _COUNT, "cells": {"type": "array", "items": _OBJECT}}}
    return {"/api/classification": post("classification", "Classes of a value of a layer's features, for a thematic map", body, classes),
            "/api/clusters": post("clusters", "Features gathered in cells, with exact counts", gathered, cells)}
