"""The paths of the OpenAPI document that compute with a drawn geometry."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_analysis import post

__all__ = ["geometry_paths"]

_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}
_GEOJSON = {"type": "object", "description": "GeoJSON geometry in CRS84."}
_MADE = {"geometry": {"type": "object"}, "area_m2": {"type": "number", "nullable": True}, "length_m": _NUMBER, "measured_in": _TEXT}
_PAIR = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_EPSG = {"type": "integer", "minimum": 1, "maximum": 999_999, "description": "EPSG code."}


def _object(required: list[str], **members: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": members}


def _answer(**members: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


def geometry_paths() -> dict[str, Any]:
    """Return the paths of geometry operations; they read no layer."""
    made = _answer(**_MADE)
    cut = _object(["geometry", "line"], geometry=_GEOJSON, line=_GEOJSON)
    measures = _answer(geodesic_length_m=_NUMBER, geodesic_area_m2={"type": "number", "nullable": True}, grid_length_m=_NUMBER,
                       grid_area_m2={"type": "number", "nullable": True}, ellipsoid=_TEXT, measured_in=_TEXT, srid=_EPSG)
    fault = _answer(code=_TEXT, message=_TEXT, place={"type": "array", "items": _NUMBER, "nullable": True})
    degrees = {"type": "number", "minimum": -360, "maximum": 360}
    metres = {"type": "number", "minimum": -1e6, "maximum": 1e6}
    operations = {
        "split": ("The pieces that a line cuts a geometry into, the largest first", cut, _answer(parts={"type": "array", "items": made})),
        "merge": ("The union of some geometries", _object(["geometries"], geometries={
            "type": "array", "items": _GEOJSON, "minItems": 2, "maxItems": 200}), made),
        "reshape": ("A geometry with a part of its boundary replaced by a line", cut, made),
        "hole": ("An area with a hole cut out, or with holes filled", _object(["geometry"], geometry=_GEOJSON, area=_GEOJSON, place=_GEOJSON), made),
        "move": ("A geometry moved and turned in the city's projected system", _object(
            ["geometry"], geometry=_GEOJSON, east_m=metres, north_m=metres, rotate_deg=degrees), made),
        "measure": ("Lengths and areas, on the ellipsoid and in the grid", _object(["geometry"], geometry=_GEOJSON), measures),
        "check": ("What is wrong with a geometry, and where", _object(["geometry"], geometry=_GEOJSON), _answer(
            valid={"type": "boolean"}, faults={"type": "array", "items": fault})),
        "positions": ("Positions in another of the city's coordinate systems", _object(
            ["positions", "source", "target"], positions={"type": "array", "items": _PAIR, "minItems": 1, "maxItems": 20_000}, source=_EPSG, target=_EPSG),
            _answer(positions={"type": "array", "items": _PAIR}, source=_EPSG, target=_EPSG)),
    }
    return {f"/api/geometry/{name}": post(f"geometry-{name}", summary, body, answer) for name, (summary, body, answer) in operations.items()}
