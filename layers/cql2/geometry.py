"""Geometries in a filter: read, checked, and brought to the storage CRS, so that no column is ever transformed."""

from __future__ import annotations

import math
from typing import Any

import shapely
import shapely.geometry
from shapely.errors import ShapelyError

from layers.crs import CRS84, Crs, boxes_of, ewkb_hex, to_srid
from layers.errors import InvalidFilter

__all__ = ["PREDICATES", "in_crs", "literal"]

PREDICATES = {"s_intersects": "ST_Intersects", "s_within": "ST_Within", "s_contains": "ST_Contains",
              "s_disjoint": "ST_Intersects", "s_equals": "ST_Equals", "s_touches": "ST_Touches",
              "s_crosses": "ST_Crosses", "s_overlaps": "ST_Overlaps"}
MAX_POSITIONS = 20_000
MAX_DEPTH = 100


def in_crs(expression: Any, crs: Crs, depth: int = 0) -> Any:
    """Return a filter whose geometries know that they are in `crs`; without it they are in CRS84."""
    if isinstance(expression, list):
        return [in_crs(part, crs, depth + 1) for part in expression] if depth < MAX_DEPTH else expression
    if not isinstance(expression, dict):
        return expression
    if "bbox" in expression or "coordinates" in expression or "geometries" in expression:
        return expression | {"crs": crs}
    return {name: in_crs(part, crs, depth + 1) for name, part in expression.items()} if depth < MAX_DEPTH else expression


def literal(value: Any, op: str, storage_srid: int) -> str:
    """Read a GeoJSON geometry or {"bbox": [minx, miny, maxx, maxy]} as a parameter in the storage CRS.

    It is in CRS84 if `in_crs` has not said otherwise. Raises InvalidFilter if it is no geometry, is empty or invalid, has too
    many positions, or lies outside its CRS.
    """
    if not isinstance(value, dict):
        raise InvalidFilter(f"'{op}' takes a geometry, not {str(value)[:60]}.")
    # Only `in_crs` can put a Crs there; a member 'crs' that somebody wrote is text and means nothing.
    crs = value["crs"] if isinstance(value.get("crs"), Crs) else CRS84
    srid, flip, geographic = crs.srid, crs.flip, crs.is_geographic
    geometry = _box(value["bbox"], op, flip, geographic) if "bbox" in value else _shape(value, op, flip)
    if geographic:
        minx, miny, maxx, maxy = geometry.bounds
        if not (-180 <= minx and maxx <= 180 and -90 <= miny and maxy <= 90):
            raise InvalidFilter(f"'{op}': longitudes lie within ±180 and latitudes within ±90 degrees; "
                                "mind the axis order of filter-crs.")
    if geometry.geom_type == "GeometryCollection" and op not in ("s_intersects", "s_disjoint"):
        raise InvalidFilter(f"'{op}' takes no GeometryCollection; s_intersects and s_disjoint do.")
    if not geometry.is_valid:
        raise InvalidFilter(f"'{op}': the geometry is invalid: {shapely.is_valid_reason(geometry)}.")
    try:
        return ewkb_hex(to_srid(geometry, srid, storage_srid), storage_srid)
    except ValueError as error:
        raise InvalidFilter(f"'{op}': {error}.") from None


def _box(numbers: Any, op: str, flip: bool, geographic: bool) -> shapely.Geometry:
    if not isinstance(numbers, list) or len(numbers) not in (4, 6) or not all(_is_finite(n) for n in numbers):
        raise InvalidFilter(f"'{op}': a bbox has four or six finite numbers.")
    half = len(numbers) // 2
    (a, b), (c, d) = numbers[:2], numbers[half:half + 2]
    box = (b, a, d, c) if flip else (a, b, c, d)
    if box[1] > box[3] or (box[0] > box[2] and not geographic):
        raise InvalidFilter(f"'{op}': the bbox must give its lower corner first.")
    boxes = [shapely.box(*part) for part in boxes_of(box, geographic)]
    return boxes[0] if len(boxes) == 1 else shapely.MultiPolygon(boxes)


def _shape(value: dict[str, Any], op: str, flip: bool) -> shapely.Geometry:
    if _count(value.get("coordinates", value.get("geometries")), 0) > MAX_POSITIONS:
        raise InvalidFilter(f"'{op}': the geometry has more than {MAX_POSITIONS} positions.")
    if not _is_closed(value):
        raise InvalidFilter(f"'{op}': a ring ends where it begins.")
    try:
        geometry = shapely.force_2d(shapely.geometry.shape(value))
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise InvalidFilter(f"'{op}': this is no GeoJSON geometry: {str(error)[:200]}.") from None
    if geometry.is_empty or not shapely.get_num_coordinates(geometry):
        raise InvalidFilter(f"'{op}': the geometry is empty.")
    return shapely.transform(geometry, lambda xy: xy[:, ::-1]) if flip else geometry


def _count(part: Any, depth: int) -> int:
    """Count positions, and see that they are made of finite numbers and not nested without end."""
    if isinstance(part, dict):
        return _count(part.get("coordinates", part.get("geometries")), depth + 1)
    if not isinstance(part, list) or depth > 10:
        raise InvalidFilter("this is no GeoJSON geometry.")
    if part and not isinstance(part[0], list | dict):
        if not all(_is_finite(n) for n in part):
            raise InvalidFilter("the coordinates of a geometry are finite numbers.")
        return 1
    return sum(_count(p, depth + 1) for p in part)


def _is_closed(value: Any) -> bool:
    if not isinstance(value, dict):
        return True
    kind, parts = value.get("type"), value.get("coordinates", value.get("geometries"))
    if kind == "GeometryCollection":
        return all(map(_is_closed, parts))
    polygons = {"Polygon": [parts], "MultiPolygon": parts}.get(str(kind), [])
    return all(ring[0] == ring[-1] for rings in polygons if isinstance(rings, list) for ring in rings if isinstance(ring, list) and ring)


def _is_finite(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
