"""Values on their way in: what a field or a geometry of the wire becomes in the store, or why it cannot."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import pyproj
import shapely
from psycopg.types.json import Jsonb
from shapely.geometry import shape

from layers.errors import InvalidParameter
from layers.layer import Layer, LayerField
from layers.moments import parse_moment

__all__ = ["WrongValue", "store_geometry", "store_value", "to_storage"]

MULTI = {"Point": "MultiPoint", "LineString": "MultiLineString", "Polygon": "MultiPolygon"}


class WrongValue(ValueError):
    """A value does not fit; the text says what would."""


def store_value(field: LayerField, value: Any) -> Any:
    """Return what the field's column takes for a JSON value. Raises WrongValue with a sentence."""
    if value is None:
        return None
    match field.type:
        case "string" | "text" | "code":
            if not isinstance(value, str):
                raise WrongValue(f"'{field.name}' must be a text")
            if "\x00" in value:
                raise WrongValue(f"'{field.name}' must not contain the character NUL")
            return value
        case "integer" | "reference":
            if isinstance(value, float) and value.is_integer():
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int):
                raise WrongValue(f"'{field.name}' must be a whole number")
            if not -(2**63) <= value < 2**63:
                raise WrongValue(f"'{field.name}' is too large")
            return value
        case "number":
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise WrongValue(f"'{field.name}' must be a finite number")
            return float(value)
        case "boolean":
            if not isinstance(value, bool):
                raise WrongValue(f"'{field.name}' must be true or false")
            return value
        case "date":
            try:
                return value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(value)
            except (TypeError, ValueError):
                raise WrongValue(f"'{field.name}' must be a date such as 2020-06-01") from None
        case "datetime":
            try:
                return value if isinstance(value, datetime) else parse_moment(value).at
            except (TypeError, AttributeError, InvalidParameter):
                raise WrongValue(f"'{field.name}' must be a moment such as 2020-06-01T08:00:00Z") from None
        case "codes":
            if not isinstance(value, list) or not all(
                    isinstance(c, dict) and isinstance(c.get("scheme"), str) and isinstance(c.get("value"), str) for c in value):
                raise WrongValue(f"'{field.name}' must be a list of objects with 'scheme' and 'value'")
            return Jsonb(value)
        case _:
            return Jsonb(value)


def to_storage(from_srid: int, storage_srid: int) -> pyproj.Transformer | None:
    """Return the transformation into the storage CRS, x east first; None where it changes nothing."""
    if from_srid == storage_srid or {from_srid, storage_srid} <= {4326, 4490}:
        # PROJ holds CGCS2000 and WGS 84 for the same; the true difference is plate motion, decimetres.
        return None
    return pyproj.Transformer.from_crs(from_srid, storage_srid, always_xy=True)


def store_geometry(layer: Layer, geometry: Any, srid: int, storage_srid: int) -> str | None:
    """Return a GeoJSON geometry as EWKB in hexadecimal in the storage CRS.

    Parameters
    ----------
    geometry
        A GeoJSON geometry, x (east) first, or None.
    srid
        EPSG code its coordinates are in.

    Raises
    ------
    WrongValue
        It is no geometry, not of the layer's type, or has coordinates that are no numbers. A single part becomes a
        multi-part where the layer wants it; heights are dropped where the layer has none. Nothing else is repaired.
    """
    if geometry is None:
        return None
    try:
        made = shape(geometry)
    except Exception:  # shapely raises many kinds for what is no GeoJSON
        raise WrongValue("the geometry is no GeoJSON geometry") from None
    return encode_geometry(layer, made, to_storage(srid, storage_srid), storage_srid)


def encode_geometry(layer: Layer, made: shapely.Geometry, transformer: pyproj.Transformer | None, storage_srid: int) -> str:
    """Return a shapely geometry as EWKB in hexadecimal, promoted to the layer's type. Raises WrongValue."""
    wanted = layer.geometry
    if wanted != "Geometry" and made.geom_type != wanted:
        if MULTI.get(made.geom_type) != wanted:
            raise WrongValue(f"the geometry is a {made.geom_type}; this layer takes {wanted}")
        made = {"MultiPoint": shapely.multipoints, "MultiLineString": shapely.multilinestrings,
                "MultiPolygon": shapely.multipolygons}[wanted]([made])
    if made.has_z and not layer.has_z:
        made = shapely.force_2d(made)
    elif layer.has_z and not made.has_z:
        made = shapely.force_3d(made)
    coordinates = shapely.get_coordinates(made)
    if not coordinates.size or not math.isfinite(coordinates.sum()):
        raise WrongValue("the geometry is empty or has coordinates that are no finite numbers")
    if transformer is not None:
        made = shapely.transform(made, lambda xy: _transformed(xy, transformer), include_z=False) if not made.has_z else \
            shapely.transform(made, lambda xyz: _transformed(xyz, transformer), include_z=True)
    return shapely.to_wkb(shapely.set_srid(made, storage_srid), hex=True, include_srid=True)


def _transformed(points: Any, transformer: pyproj.Transformer) -> Any:
    moved = points.copy()
    moved[:, 0], moved[:, 1] = transformer.transform(points[:, 0], points[:, 1])
    if not math.isfinite(moved[:, :2].sum()):
        raise WrongValue("the geometry lies where its coordinate system is not defined")
    return moved
