"""JSON Schemas of a layer: what can be read and written, asked for, and sorted by (OGC API Features Part 3, 5)."""

from __future__ import annotations

from typing import Any

from layers.access import Audience
from layers.layer import Layer, LayerField, Text

__all__ = ["OWN_SORTABLES", "feature_schema", "field_schema", "is_queryable", "is_sortable", "layer_schema", "queryables", "sortables"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"}, "text": {"type": "string"}, "code": {"type": "string"},
    "integer": {"type": "integer"}, "number": {"type": "number"}, "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"}, "datetime": {"type": "string", "format": "date-time"},
    "reference": {"type": "integer"}, "json": {},
    "codes": {"type": "array", "items": {"type": "object", "required": ["scheme", "value"], "properties": {
        "scheme": {"type": "string"}, "value": {"type": "string"}}}},
}
# What every feature has besides its fields.
OWN_SORTABLES = ("id", "valid_from", "valid_to")
_TEMPORAL_NOTE = {
    "valid_from": Text(zh="自何时起如此", en="Since when it is so"),
    "valid_to": Text(zh="至何时止（不含）", en="Until when it is so (not included)"),
}


def is_queryable(field: LayerField) -> bool:
    """May a filter name the field?"""
    return field.type != "json"


def is_sortable(field: LayerField) -> bool:
    """Has the field an order?"""
    return field.type not in ("json", "codes")


def field_schema(field: LayerField, language: str, position: int = 0) -> dict[str, Any]:
    """Return the JSON Schema of a field, with its code list, unit and limits."""
    schema = {"title": getattr(field.title, language), **_TYPES[field.type]}
    if field.description:
        schema["description"] = getattr(field.description, language)
    if field.codes is not None:
        schema["enum"] = list(field.codes)
        schema["x-codes"] = {code: text.model_dump() for code, text in field.codes.items()}
    if field.references:
        schema |= {"x-ogc-role": "reference", "x-ogc-collectionId": field.references}
    if field.unit:
        schema |= {"x-ogc-unit": field.unit, "x-ogc-unitLang": "UCUM"}
    for name, value in (("minimum", field.minimum), ("maximum", field.maximum), ("maxLength", field.max_length),
                        ("pattern", field.pattern)):
        if value is not None:
            schema[name] = value
    if position:
        schema["x-ogc-propertySeq"] = position
    return schema


def _frame(layer: Layer, address: str, language: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"$schema": DIALECT, "$id": address, "type": "object", "title": getattr(layer.title, language)}
    if layer.description:
        schema["description"] = getattr(layer.description, language)
    return schema | {"properties": properties, "additionalProperties": False}


def _geometry(layer: Layer) -> dict[str, Any]:
    kind = "any" if layer.geometry == "Geometry" else str(layer.geometry).lower()
    return {"format": f"geometry-{kind}", "x-ogc-role": "primary-geometry"}


def layer_schema(layer: Layer, audience: Audience, address: str, language: str) -> dict[str, Any]:
    """Return the schema of a layer's features as the audience reads and writes them."""
    properties: dict[str, Any] = {"id": {"type": "integer", "x-ogc-role": "id", "readOnly": True}}
    if layer.kind == "spatial":
        properties["geometry"] = _geometry(layer)
    visible = audience.fields(layer)
    for position, field in enumerate(visible, 1):
        properties[field.name] = field_schema(field, language, position)
    properties |= {name: part | {"readOnly": True} for name, part in _validity(language).items()}
    required = [f.name for f in visible if f.required] + (["geometry"] if layer.kind == "spatial" else [])
    return _frame(layer, address, language, properties) | {"required": required}


def _validity(language: str) -> dict[str, Any]:
    # A time may be known to the year or the month only, so it is not always a date-time.
    return {name: {"title": getattr(_TEMPORAL_NOTE[name], language), "type": "string", "x-ogc-role": role}
            for name, role in (("valid_from", "primary-interval-start"), ("valid_to", "primary-interval-end"))}


def queryables(layer: Layer, audience: Audience, address: str, language: str) -> dict[str, Any]:
    """Return what a filter may name."""
    properties: dict[str, Any] = {"id": {"type": "integer", "x-ogc-role": "id"}}
    if layer.kind == "spatial":
        properties["geometry"] = _geometry(layer)
    properties |= {f.name: field_schema(f, language) for f in audience.fields(layer) if is_queryable(f)}
    properties |= _validity(language)
    return _frame(layer, address, language, properties)


def sortables(layer: Layer, audience: Audience, address: str, language: str) -> dict[str, Any]:
    """Return what `sortby` may name."""
    return _frame(layer, address, language, {"id": {"type": "integer", "x-ogc-role": "id"}} | {
        f.name: field_schema(f, language) for f in audience.fields(layer) if is_sortable(f)} | _validity(language))


def feature_schema(layer: Layer, audience: Audience, required: bool) -> dict[str, Any]:
    """Return the schema of a GeoJSON Feature of the layer, for the OpenAPI document.

    With `required` it is the one to write, else the one that is read.
    """
    properties: dict[str, Any] = {}
    for field in audience.fields(layer):
        schema = {k: v for k, v in field_schema(field, "en").items() if not k.startswith("x-")}
        properties[field.name] = schema | {"nullable": True} if schema.get("type") and not field.required else schema
        if "enum" in properties[field.name] and not field.required:
            properties[field.name]["enum"] = [*schema["enum"], None]
    if not required:
        properties |= {"valid_from": {"type": "string", "nullable": True}, "valid_to": {"type": "string", "nullable": True},
                       "version": {"type": "integer"}}
    feature: dict[str, Any] = {
        "type": "object", "required": ["type", "properties", "geometry"],
        "properties": {"type": {"type": "string", "enum": ["Feature"]}, "id": {"type": "integer"},
                       "geometry": {"type": "object", "nullable": True},
                       "properties": {"type": "object", "properties": properties}}}
    needed = [f.name for f in audience.fields(layer) if f.required]
    if required and needed:
        feature["properties"]["properties"]["required"] = needed
    return feature
