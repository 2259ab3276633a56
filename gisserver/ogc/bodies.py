"""Features as they come in a request body: GeoJSON, or a merge patch of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gisserver.ogc.systems import asked_crs
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.edits import KEEP
from layers.layer import Layer

__all__ = ["FeatureBody", "read_feature", "swap_axes"]

# An answer carries these among its properties; sending a feature back as it was read is no fault.
_OF_THE_VERSION = ("valid_from", "valid_to", "version")


@dataclass(frozen=True)
class FeatureBody:
    """What a body says: values of fields, and a geometry with x (east) first in `srid`; KEEP if it does not say."""

    properties: dict[str, Any]
    geometry: Any = KEEP
    srid: int = 4326


def read_feature(request: Request, layer: Layer, partial: bool, fid: int | None = None) -> FeatureBody:
    """Read the body of a request as a feature.

    `partial` takes a merge patch, in which what is not named stays. The header Content-Crs says the system of the
    coordinates, in the axis order of its authority; CRS84 without it. Raises WrongParameter that names the member; also
    where the body names another feature than the address (`fid`).
    """
    body = request.json("application/geo+json", *(("application/merge-patch+json",) if partial else ()))
    if not isinstance(body, dict):
        raise WrongParameter("body", "object")
    if body.get("type", "Feature" if partial else None) != "Feature":
        raise WrongParameter("type", "geojson", value="'type' is not 'Feature'")
    if fid is not None and body.get("id") is not None and str(body["id"]) != str(fid):
        raise WrongParameter("id", "id_mismatch", body=body["id"], path=fid)
    properties = body.get("properties", {} if partial else None)
    if not isinstance(properties, dict):
        raise WrongParameter("properties", "geojson", value="'properties' is not an object")
    if not partial and "geometry" not in body:
        raise WrongParameter("geometry", "geojson", value="'geometry' is missing (null where there is none)")
    kept = {name: value for name, value in properties.items() if name not in _OF_THE_VERSION}
    if "geometry" not in body:
        return FeatureBody(kept)
    header = request.header("content-crs")
    crs = asked_crs(request.context.catalogue.city, "Content-Crs", header.strip(" <>") if header else None)
    return FeatureBody(kept, swap_axes(body["geometry"]) if crs.flip else body["geometry"], crs.srid)


def swap_axes(geometry: Any) -> Any:
    """Return a GeoJSON geometry with the first two coordinates of every position exchanged."""
    if not isinstance(geometry, dict):
        return geometry
    if isinstance(geometry.get("geometries"), list):
        return geometry | {"geometries": [swap_axes(part) for part in geometry["geometries"]]}
    return geometry | {"coordinates": _swap(geometry.get("coordinates"))}


def _swap(value: Any) -> Any:
    if isinstance(value, list) and value and not isinstance(value[0], list):
        return [value[1], value[0], *value[2:]] if len(value) > 1 else value
    return [_swap(part) for part in value] if isinstance(value, list) else value
