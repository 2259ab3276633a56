"""The path of the OpenAPI document that tells of progress of construction."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import MOMENT, content, parameter, problems, ref
from layers.layer import Layer

__all__ = ["progress_paths"]

_TEXT, _COUNT, _NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "number", "nullable": True}
_DATE = {"type": "string", "format": "date", "nullable": True}
_CURVE = {"type": "array", "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": {}}, "description": "Points (day, percent), linear between."}
_BASIS = {"type": "string", "enum": ["records", "milestones", "project", "none"]}


def progress_paths(layers: list[Layer]) -> dict[str, Any]:
    """Return the path of progress, for readers of projects."""
    if not any(layer.id == "project" for layer in layers):
        return {}
    asked = [parameter("f", {"type": "string", "enum": ["json"]}, "Format of the answer."),
             parameter("project", {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}, "minItems": 1, "maxItems": 50},
                       "Numbers of projects; or `bbox`.", style="form", explode=False),
             parameter("bbox", {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
                       "Projects that meet this box: minx,miny,maxx,maxy in degrees; those being built first.", style="form", explode=False),
             parameter("datetime", MOMENT, "The day; today without it."), ref("parameters", "known-at"),
             parameter("limit", {"type": "integer", "minimum": 1, "maximum": 50, "default": 20}, "At most so many projects."),
             parameter("buildings", {"type": "boolean", "default": False}, "Give the buildings, and since when each floor stands."),
             ref("parameters", "lang")]
    pair = {"type": "object", "required": ["planned", "actual"], "properties": {"planned": _BASIS, "actual": _BASIS}}
    counts = {"type": "object", "additionalProperties": _COUNT}
    building = {"type": "object", "required": ["fid", "base_m", "bounds_m", "planned", "actual"], "properties": {
        "fid": _COUNT, "label": _TEXT, "base_m": {"type": "number", "description": "Ground, metres over the ellipsoid."},
        "bounds_m": {"type": "array", "items": {"type": "number"}, "description": "Where floors begin and end, metres above the ground."},
        "levels": {"type": "array", "nullable": True, "items": {"type": "integer", "nullable": True}},
        "planned": {"type": "array", "items": _DATE}, "actual": {"type": "array", "items": _DATE}, "geometry": {"type": "object", "nullable": True}}}
    project = {"type": "object", "required": ["fid", "label", "planned_percent", "actual_percent", "points", "days", "state", "basis", "curves"], "properties": {
        "fid": _COUNT, "label": _TEXT, "stage": {"type": "string", "nullable": True}, "planned_percent": _NUMBER, "actual_percent": _NUMBER, "points": _NUMBER,
        "compared_on": {"type": "string", "format": "date", "description": "The day whose plan and fact `points`, `days` and `state` compare."},
        "days": {"type": "integer", "nullable": True, "description": "So many days before (below 0: after) its planned day."},
        "state": {"type": "string", "enum": ["ahead", "on_time", "late", "unknown"]}, "basis": pair, "recorded_until": _DATE,
        "milestones": counts, "floors": counts, "curves": {"type": "object", "properties": {"planned": _CURVE, "actual": _CURVE}},
        "buildings": {"type": "array", "items": building}, "buildings_left_out": _COUNT}}
    answer = {"type": "object", "required": ["day", "today", "rule", "matched", "complete", "not_shown", "projects"], "properties": {
        "day": {"type": "string", "format": "date"}, "today": {"type": "string", "format": "date"},
        "rule": {"type": "object", "additionalProperties": _TEXT}, "matched": _COUNT, "complete": {"type": "boolean"},
        "not_shown": _COUNT | {"description": "How many of the numbers asked for are no projects, gone, or not for this reader."},
        "projects": {"type": "array", "items": project}}}
    return {"/api/progress": {"get": {
        "operationId": "progress", "tags": ["service"], "summary": "Plan and fact of construction projects on a day", "parameters": asked,
        "responses": {"200": {"description": "Projects.", "content": content(answer, "application/json")}, **problems("304", "400", "404", "406")}}}}
