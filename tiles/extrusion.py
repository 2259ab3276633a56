"""Extrusion: areas become closed prisms, with walls and caps that face outwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["FLOOR", "ROOF", "WALL", "Solid", "extrude", "joined"]

Floats = NDArray[np.float64]
WALL, ROOF, FLOOR = 0, 1, 2


@dataclass(frozen=True)
class Solid:
    """Closed meshes in a plane with heights: what a content tile is filled with.

    `xyz` (n, 3) and unit `normal` (n, 3) are east, north, up; `source` (n,) is the number of the shape that a corner was made
    for, `face` (n,) WALL, ROOF or FLOOR; `triangles` (m, 3) run counter-clockwise as seen from outside.
    """

    xyz: Floats
    normal: Floats
    source: NDArray[np.int64]
    face: NDArray[np.uint8]
    triangles: NDArray[np.uint32]


def extrude(areas: NDArray[Any], bottom: Floats, top: Floats) -> Solid:
    """Raise areas between two heights; rings inside become walls of courtyards.

    Parameters
    ----------
    areas
        (k,) shapely Polygon or MultiPolygon with planar coordinates in metres. An empty one, or one whose top is not above its
        bottom, gives nothing.
    bottom, top
        (k,) heights in metres.

    The volume within an area's mesh is its area times its height.
    """
    wanted = np.flatnonzero(~(shapely.is_missing(areas) | shapely.is_empty(areas)) & (top > bottom))
    parts, source = _polygons(shapely.force_2d(areas[wanted]), wanted)
    return joined([_walls(parts, source, bottom, top), *_caps(parts, source, bottom, top)])


def _polygons(areas: NDArray[Any], source: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the polygons of areas, their shells counter-clockwise, and the number of each; one that crosses itself is mended."""
    is_broken = ~shapely.is_valid(areas)
    areas[is_broken] = shapely.make_valid(areas[is_broken])
    # What was mended may be areas and lines, collected.
    for _ in range(2):
        areas, of = shapely.get_parts(areas, return_index=True)
        source = source[of]
    is_area = shapely.get_type_id(areas) == shapely.GeometryType.POLYGON
    return shapely.orient_polygons(areas[is_area]), source[is_area]


def joined(solids: list[Solid]) -> Solid:
    """Put meshes one after the other into one."""
    offsets = np.cumsum([0, *(len(s.xyz) for s in solids)])[:-1]
    if not solids:
        return Solid(np.empty((0, 3)), np.empty((0, 3)), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty((0, 3), np.uint32))
    xyz, normal, source, face = (np.concatenate([getattr(s, name) for s in solids]) for name in ("xyz", "normal", "source", "face"))
    triangles = np.concatenate([s.triangles + np.uint32(o) for s, o in zip(solids, offsets, strict=True)]).astype(np.uint32)
    # What belongs to one shape stands together: near in the file as on the ground, which is what compresses.
    return Solid(xyz, normal, source, face, triangles[np.argsort(source[triangles[:, 0]], kind="stable")])


def _walls(parts: NDArray[Any], source: NDArray[np.int64], bottom: Floats, top: Floats) -> Solid:
    rings, part_of = shapely.get_rings(parts, return_index=True)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    # An edge joins each point to the next one of its ring; the shell runs counter-clockwise and holes clockwise, so that
    # outside is on the right of all of them.
    edges = np.flatnonzero((ring_of[1:] == ring_of[:-1]) & (points[1:] != points[:-1]).any(axis=1)) if len(points) else np.empty(0, np.int64)
    a, b = points[edges], points[edges + 1]
    of = source[part_of[ring_of[edges]]]
    along = b - a
    outside = np.column_stack([along[:, 1], -along[:, 0]]) / np.hypot(along[:, 0], along[:, 1])[:, None]
    n = len(edges)
    xyz = np.empty((n, 4, 3))
    # Above, below, and on to the next point: each wall begins where the one before it ends.
    xyz[:, :2, :2] = a[:, None]
    xyz[:, 2:, :2] = b[:, None]
    xyz[:, 1:3, 2] = bottom[of, None]
    xyz[:, ::3, 2] = top[of, None]
    normal = np.zeros((n, 4, 3))
    normal[:, :, :2] = outside[:, None]
    quad = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    triangles = (np.arange(n, dtype=np.uint32)[:, None, None] * 4 + quad).reshape(-1, 3)
    return Solid(xyz.reshape(-1, 3), normal.reshape(-1, 3), np.repeat(of, 4), np.full(4 * n, WALL, np.uint8), triangles)


def _caps(parts: NDArray[Any], source: NDArray[np.int64], bottom: Floats, top: Floats) -> tuple[Solid, Solid]:
    cells, part_of = shapely.get_parts(shapely.constrained_delaunay_triangles(parts), return_index=True)
    corners = shapely.get_coordinates(cells).reshape(-1, 4, 2)[:, :3]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twice = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    corners[twice < 0] = corners[twice < 0][:, ::-1]
    corners, part_of = corners[twice != 0], part_of[twice != 0]
    # Triangles of an area share their corners.
    keys = np.column_stack([np.repeat(part_of.astype(float), 3), corners.reshape(-1, 2)])
    unique, inverse = np.unique(keys, axis=0, return_inverse=True)
    triangles = inverse.reshape(-1, 3).astype(np.uint32)
    of = source[unique[:, 0].astype(np.int64)]
    up = np.tile([0.0, 0.0, 1.0], (len(unique), 1))
    roof = Solid(np.column_stack([unique[:, 1:], top[of]]), up, of, np.full(len(of), ROOF, np.uint8), triangles)
    floor = Solid(np.column_stack([unique[:, 1:], bottom[of]]), -up, of, np.full(len(of), FLOOR, np.uint8), triangles[:, ::-1].copy())
    return roof, floor
