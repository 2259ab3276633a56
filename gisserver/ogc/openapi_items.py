"""The paths of a layer in the OpenAPI document: its features, read and written."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import content, parameter, problems, ref
from gisserver.ogc.questions import RESERVED
from gisserver.ogc.schemas import OWN_SORTABLES, field_schema, is_queryable, is_sortable
from gisserver.ogc.systems import crs_list
from layers.access import Audience
from layers.city import City
from layers.layer import Layer, LayerField

__all__ = ["layer_paths"]

_READ_HEADERS = {"ETag": {"schema": {"type": "string"}}, "Gis-Seq": {"schema": {"type": "integer"}},
                 "Content-Crs": {"schema": {"type": "string"}}}


def layer_paths(city: City, layer: Layer, audience: Audience) -> dict[str, Any]:
    """Return the paths of `/items` and what is under it, for what the audience may do there."""
    root, edits = f"/ogc/collections/{layer.id}/items", audience.may_edit(layer.id)
    items: dict[str, Any] = {"get": _get_items(city, layer, audience)}
    item: dict[str, Any] = {"parameters": [ref("parameters", "fid")], "get": _get_item(city, layer, audience)}
    if edits:
        items["post"] = _write(city, layer, "create", ("valid-from", "valid-to", "reason", "check"), "201")
        item["put"] = _write(city, layer, "replace", ("valid-from", "valid-to", "correct", "reason", "check"), "200")
        item["patch"] = _write(city, layer, "update", ("valid-from", "valid-to", "correct", "reason", "check"), "200")
        item["delete"] = _write(city, layer, "delete", ("valid-from", "reason", "check"), "204")
    return {root: items, f"{root}/{{fid}}": item,
            f"{root}/{{fid}}/versions": {"parameters": [ref("parameters", "fid")], "get": _get_versions(city, layer)},
            f"{root}/{{fid}}/lineage": {"parameters": [ref("parameters", "fid")], "get": _get_lineage(layer)}}


def _crs(city: City, layer: Layer, name: str, description: str) -> dict[str, Any]:
    return parameter(name, {"type": "string", "enum": crs_list(city, layer)}, description)


def _format(*names: str) -> dict[str, Any]:
    return parameter("f", {"type": "string", "enum": list(names)}, "Format of the answer; Accept says it otherwise.")


def _names(name: str, fields: list[str], description: str) -> dict[str, Any]:
    return parameter(name, {"type": "array", "items": {"type": "string", "enum": fields}}, description, style="form",
                     explode=False)


def _queryable(field: LayerField) -> dict[str, Any]:
    kept = ("type", "format", "enum")
    schema = {k: v for k, v in field_schema(field, "en").items() if k in kept}
    if field.type == "codes":
        schema = {"type": "string"}
    return parameter(field.name, schema, f"Only features whose {field.title.en} is this.")


def _get_items(city: City, layer: Layer, audience: Audience) -> dict[str, Any]:
    fields = audience.fields(layer)
    sortable = [*OWN_SORTABLES, *(f.name for f in fields if is_sortable(f))]
    parameters = [_format("geojson", "json", "html", "csv"), *(ref("parameters", n) for n in (
        "lang", "datetime", "known-at", "limit", "cursor", "filter", "filter-lang", "ids", "skipGeometry", "resultType",
        "count", "bom", "guard"))]
    if fields:
        parameters.append(_names("properties", [f.name for f in fields], "Only these properties."))
    parameters.append(_names("sortby", [s + n for n in sortable for s in ("", "-")], "Order; '-' for descending."))
    parameters += [_crs(city, layer, "crs", "System of the answer."),
                   _crs(city, layer, "filter-crs", "System of geometries in the filter.")]
    if layer.kind == "spatial":
        parameters += [ref("parameters", "bbox"), _crs(city, layer, "bbox-crs", "System of the box.")]
    parameters += [_queryable(f) for f in fields if is_queryable(f) and f.name not in RESERVED]
    page = {"type": "object", "required": ["type", "features", "numberReturned", "timeStamp", "links"], "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": ref("schemas", f"{layer.id}_feature")},
        "numberReturned": {"type": "integer", "minimum": 0}, "numberMatched": {"type": "integer", "minimum": 0},
        "timeStamp": {"type": "string", "format": "date-time"}, "links": {"type": "array", "items": ref("schemas", "Link")}}}
    return {"operationId": f"{layer.id}_items", "tags": [layer.id], "summary": f"Features of {layer.title.en}",
            "parameters": parameters, "responses": {
                "200": {"description": "A page of features.", "headers": _READ_HEADERS,
                        "content": content(page, "application/geo+json") | content({"type": "string"}, "text/html", "text/csv")},
                **problems("304", "400", "404", "406")}}


def _get_item(city: City, layer: Layer, audience: Audience) -> dict[str, Any]:
    fields = [f.name for f in audience.fields(layer)]
    parameters = [_format("geojson", "json", "html"), *(ref("parameters", n) for n in (
        "lang", "moment", "known-at", "skipGeometry")), _crs(city, layer, "crs", "System of the answer.")]
    if fields:
        parameters.append(_names("properties", fields, "Only these properties."))
    return {"operationId": f"{layer.id}_item", "tags": [layer.id], "summary": f"One feature of {layer.title.en}",
            "parameters": parameters, "responses": {
                "200": {"description": "The feature.", "headers": _READ_HEADERS,
                        "content": content(ref("schemas", f"{layer.id}_feature"), "application/geo+json")
                        | content({"type": "string"}, "text/html")},
                **problems("304", "400", "404", "406", "410")}}


def _get_versions(city: City, layer: Layer) -> dict[str, Any]:
    schema = {"type": "object", "required": ["versions", "links"], "properties": {
        "versions": {"type": "array", "items": {"type": "object"}}, "links": {"type": "array", "items": ref("schemas", "Link")}}}
    return {"operationId": f"{layer.id}_versions", "tags": [layer.id], "summary": "All versions, on both axes of time",
            "parameters": [_format("json"), ref("parameters", "lang"), ref("parameters", "known-at"),
                           ref("parameters", "skipGeometry"), _crs(city, layer, "crs", "System of the answer.")],
            "responses": {"200": {"description": "The versions.", "content": content(schema, "application/json")},
                          **problems("304", "400", "404", "406")}}


def _get_lineage(layer: Layer) -> dict[str, Any]:
    schema = {"type": "object", "required": ["events", "links"], "properties": {
        "events": {"type": "array", "items": {"type": "object"}}, "links": {"type": "array", "items": ref("schemas", "Link")}}}
    depth = parameter("depth", {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}, "Steps, at most.")
    return {"operationId": f"{layer.id}_lineage", "tags": [layer.id], "summary": "Predecessors and successors",
            "parameters": [_format("json"), ref("parameters", "lang"), depth],
            "responses": {"200": {"description": "The graph.", "content": content(schema, "application/json")},
                          **problems("304", "400", "404", "406")}}


def _write(city: City, layer: Layer, verb: str, names: tuple[str, ...], status: str) -> dict[str, Any]:
    changes = verb != "create"
    parameters = [ref("parameters", n) for n in ("lang", *names)]
    codes = ["400", "401", "403", "404", "412", "422"]
    operation: dict[str, Any] = {"operationId": f"{layer.id}_{verb}", "tags": [layer.id],
                                 "summary": f"{verb.capitalize()} a feature of {layer.title.en}", "parameters": parameters}
    if changes:
        parameters.append(ref("parameters", "If-Match"))
        codes.append("428")
    if verb != "delete":
        parameters.append(parameter("Content-Crs", {"type": "string", "enum": [f"<{uri}>" for uri in crs_list(city, layer)]},
                                    "System of the body's coordinates, in its authority's axis order; CRS84 without it.", "header"))
        codes.append("415")
        new = ref("schemas", f"{layer.id}_new")
        patch = {"type": "object", "properties": {"properties": {"type": "object"}, "geometry": ref("schemas", "Geometry")}}
        body = content(patch, "application/merge-patch+json", "application/json") if verb == "update" else \
            content(new, "application/geo+json", "application/json")
        operation["requestBody"] = {"required": True, "content": body}
    faults = {"description": "What the edit would be refused for (`check`).",
              "content": content(ref("schemas", "Faults"), "application/json")}
    answers: dict[str, Any] = {"200": faults} | {status: ref("responses", "Receipt")}
    if status == "204":
        answers["204"] = {"description": "The feature has ended.",
                          "headers": {"Gis-Seq": {"schema": {"type": "integer"}}}}
    operation["responses"] = answers | problems(*codes)
    return operation
