"""Coordinate reference systems: which are offered, how they are named, and whose axes point where.

Inside, x is always east (or longitude) and a CRS is an integer SRID; the axis order of an authority exists only here and
on the wire.
"""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from layers.errors import InvalidParameter

__all__ = ["CRS84", "CRS84_URI", "Crs", "box_around", "box_to_srid", "boxes_of", "ewkb_hex", "find_crs", "is_same_place",
           "make_crs", "offered", "to_srid", "transformer"]

CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_NAMES = re.compile(r"(?:https?://www\.opengis\.net/def/crs/(?P<a1>\w+)/[\d.]+/(?P<c1>\w+)"
                    r"|urn:ogc:def:crs:(?P<a2>\w+):[\d.]*:(?P<c2>\w+)|\[(?P<a3>\w+):(?P<c3>\w+)\]|(?P<a4>\w+):(?P<c4>\w+))",
                    re.ASCII)
# Rings and lines are straight in their own CRS; before a transformation they get at least this many parts a side.
_PARTS = 16


@dataclass(frozen=True)
class Crs:
    """A CRS as the services offer it.

    `flip` says that its authority puts north (or latitude) first; `decimals` are the digits that coordinates keep: 7 for
    degrees (1 cm), 3 for metres (1 mm).
    """

    uri: str
    srid: int
    flip: bool
    is_geographic: bool

    @property
    def decimals(self) -> int:
        return 7 if self.is_geographic else 3


CRS84 = Crs(CRS84_URI, 4326, flip=False, is_geographic=True)


@lru_cache(maxsize=256)
def make_crs(srid: int) -> Crs:
    """Describe an EPSG code. Raises InvalidParameter if PROJ does not know it."""
    try:
        crs = CRS.from_epsg(srid)
    except CRSError:
        raise InvalidParameter("crs", f"EPSG:{srid} is not a known coordinate reference system.") from None
    return Crs(f"http://www.opengis.net/def/crs/EPSG/0/{srid}", srid,
               flip=bool(crs.axis_info) and crs.axis_info[0].direction.lower() in ("north", "south"),
               is_geographic=crs.is_geographic)


@lru_cache(maxsize=64)
def offered(storage_srid: int, projected_srid: int) -> tuple[Crs, ...]:
    """Return the CRSs of a city's services: CRS84 first, then storage, projected, 4326, 4490 and 3857, each once."""
    return CRS84, *map(make_crs, dict.fromkeys((storage_srid, projected_srid, 4326, 4490, 3857)))


def find_crs(name: str, among: Iterable[Crs], parameter: str = "crs") -> Crs:
    """Find the CRS that a URI, a URN or a CURIE ('[EPSG:4490]') names.

    Raises InvalidParameter that names `parameter` and lists what is offered.
    """
    choices = tuple(among)
    found = _NAMES.fullmatch(name.strip())
    if found:
        authority, code = (next(v for v in found.group(f"{k}1", f"{k}2", f"{k}3", f"{k}4") if v) for k in "ac")
        uri = CRS84_URI if (authority.upper(), code.upper()) == ("OGC", "CRS84") else (
            f"http://www.opengis.net/def/crs/{authority.upper()}/0/{code}")
        for crs in choices:
            if crs.uri == uri:
                return crs
    raise InvalidParameter(parameter, f"'{name[:120]}' is not offered; choose one of {', '.join(c.uri for c in choices)}.")


@lru_cache(maxsize=256)
def is_same_place(a: int, b: int) -> bool:
    """Do the same numbers mean the same place in both CRSs, to what PROJ knows (4490 and 4326, for one)?

    Then a transformation only costs time.
    """
    if a == b:
        return True
    first, second = CRS.from_epsg(a), CRS.from_epsg(b)
    if not (first.is_geographic and second.is_geographic):
        return False
    return Transformer.from_crs(first, second, always_xy=True).definition.strip().startswith("proj=noop")


_local = threading.local()


def transformer(source: int, target: int) -> Transformer:
    """Return the transformation between two SRIDs, x east first; one for each thread, as PROJ wants it."""
    known: dict[tuple[int, int], Transformer] = _local.__dict__.setdefault("transformers", {})
    if (source, target) not in known:
        known[source, target] = Transformer.from_crs(source, target, always_xy=True)
    return known[source, target]


def to_srid(geometry: shapely.Geometry, source: int, target: int) -> shapely.Geometry:
    """Transform a geometry; long edges are split first so that they stay where they were.

    Raises ValueError if a coordinate cannot be expressed in the target CRS.
    """
    if is_same_place(source, target) or geometry.is_empty:
        return geometry
    minx, miny, maxx, maxy = geometry.bounds
    if longest := max(maxx - minx, maxy - miny):
        geometry = shapely.segmentize(geometry, longest / _PARTS)
    step: Callable[..., tuple[np.ndarray, np.ndarray]] = transformer(source, target).transform
    moved = shapely.transform(geometry, lambda xy: np.column_stack(step(xy[:, 0], xy[:, 1])))
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise ValueError("a coordinate lies outside the area of the coordinate reference system")
    return moved


@lru_cache(maxsize=64)
def _area_of_use(srid: int) -> shapely.Geometry | None:
    """Return where a projected CRS can be computed, in degrees and generously; None if PROJ does not say."""
    area = CRS.from_epsg(srid).area_of_use
    if area is None or area.east < area.west:
        return None
    return shapely.box(max(area.west - 10, -180), max(area.south - 10, -90), min(area.east + 10, 180), min(area.north + 10, 90))


def box_to_srid(box: tuple[float, float, float, float], source: int, target: int) -> shapely.Geometry:
    """Transform a rectangle; what lies far outside a projected target's area of use is cut off first.

    So a box around the world stays a question that a city in a local CRS can answer. Empty where nothing is left; raises
    ValueError if it cannot be expressed at all.
    """
    area = None if make_crs(target).is_geographic else _area_of_use(target)
    shape = shapely.box(*box)
    if shape.area == 0:
        shape = shape.centroid if box[:2] == box[2:] else shapely.LineString([box[:2], box[2:]])
    if area is None:
        return to_srid(shape, source, target)
    return to_srid(shapely.intersection(to_srid(shape, source, 4326), area), 4326, target)


def ewkb_hex(geometry: shapely.Geometry, srid: int) -> str:
    """Write a geometry as PostGIS reads it from a text parameter."""
    return shapely.to_wkb(shapely.set_srid(geometry, srid), hex=True, include_srid=True)


def box_around(minx: float, miny: float, maxx: float, maxy: float, srid: int) -> str:
    """Write a rectangle as PostGIS reads it from a text parameter; ten times as fast as by way of a geometry.

    A rectangle without width or height is the line or the point that it is: as a polygon it would meet nothing.
    """
    if minx == maxx or miny == maxy:
        corners = [(minx, miny), (maxx, maxy)]
        return ewkb_hex(shapely.Point(corners[0]) if corners[0] == corners[1] else shapely.LineString(corners), srid)
    return struct.pack("<BIIII10d", 1, 0x20000003, srid, 1, 5,
                       minx, miny, minx, maxy, maxx, maxy, maxx, miny, minx, miny).hex()


def boxes_of(bbox: tuple[float, float, float, float], is_geographic: bool) -> tuple[tuple[float, float, float, float], ...]:
    """Split a box whose minx is greater than its maxx where it crosses the antimeridian."""
    minx, miny, maxx, maxy = bbox
    if is_geographic and minx > maxx:
        return (minx, miny, 180.0, maxy), (-180.0, miny, maxx, maxy)
    return (bbox,)
