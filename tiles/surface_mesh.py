"""Polygons in space become meshes: surfaces of any tilt, with holes, cut into triangles in their own planes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles.extrusion import Floats, Solid, joined

__all__ = ["cut_at", "meshed", "volumes"]

# What has less area than this (square metres) is no surface.
SMALLEST_M2 = 1e-6


def meshed(polygons: Sequence[Sequence[Floats]], face: NDArray[np.uint8]) -> Solid:
    """Cut polygons into triangles.

    Parameters
    ----------
    polygons
        For each its rings (k, 3) in metres east, north, up, without the closing point, the outer one first and counter-clockwise as
        seen from outside. Points a little off the plane stay where they are.
    face
        (n,) what each is: WALL, ROOF or FLOOR; it goes into the mesh.

    A polygon is cut in the plane that fits its outer ring best (Newell's normal); one that crosses itself there is mended. `source` of the mesh is the
    number of the polygon.
    """
    rings = [ring for polygon in polygons for ring in polygon]
    if not rings:
        return joined([])
    of_ring = np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons])
    is_outer = np.r_[True, of_ring[1:] != of_ring[:-1]]
    size = np.array([len(ring) for ring in rings])
    points, ring_of = np.concatenate(rings), np.repeat(np.arange(len(rings)), size)
    first = np.cumsum(size) - size
    origin = points[first[np.flatnonzero(is_outer)]]
    normal, area = _planes(points, ring_of, first, size, of_ring, is_outer, len(polygons))
    east, north = _axes(normal)
    of = of_ring[ring_of]
    local = points - origin[of]
    flat = np.column_stack([np.einsum("ij,ij->i", local, east[of]), np.einsum("ij,ij->i", local, north[of])])
    kept = np.flatnonzero(area > SMALLEST_M2)
    is_kept = area > SMALLEST_M2
    here = is_kept[of]
    number = np.cumsum(is_kept) - 1
    # Numbers of the rings that stay, without gaps.
    ring_kept = is_kept[of_ring]
    ring_number = np.cumsum(ring_kept) - 1
    if not here.any():
        return joined([])
    made = shapely.linearrings(flat[here], indices=ring_number[ring_of[here]])
    shapes = shapely.polygons(made, indices=number[of_ring[ring_kept]])
    parts, part_of = _mended(shapes, kept)
    cells, cell_of = shapely.get_parts(shapely.constrained_delaunay_triangles(parts), return_index=True)
    of_triangle = part_of[cell_of]
    corners = shapely.get_coordinates(cells).reshape(-1, 4, 2)[:, :3].copy()
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twice = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    corners[twice < 0] = corners[twice < 0][:, ::-1]
    corners, of_triangle = corners[twice != 0], of_triangle[twice != 0]
    # Corners are the polygon's own points, which may lie off the plane; only a mended polygon has others, and those lie in it.
    keys = np.column_stack([np.concatenate([of[here], np.repeat(of_triangle, 3)]), np.concatenate([flat[here], corners.reshape(-1, 2)])])
    unique, index, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    source = unique[:, 0].astype(np.int64)
    xyz = origin[source] + unique[:, 1:2] * east[source] + unique[:, 2:] * north[source]
    own = index < here.sum()
    xyz[own] = points[here][index[own]]
    triangles = inverse.reshape(-1)[here.sum():].reshape(-1, 3).astype(np.uint32)
    return joined([Solid(xyz, normal[source], source, face[source], triangles)])


def _planes(points: Floats, ring_of: NDArray[np.int64], first: NDArray[np.int64], size: NDArray[np.int64], of_ring: NDArray[np.int64],
            is_outer: NDArray[np.bool_], count: int) -> tuple[Floats, Floats]:
    """Return unit normals of the outer rings and their areas."""
    at = np.arange(len(points))
    following = np.where(at + 1 < first[ring_of] + size[ring_of], at + 1, first[ring_of])
    base = points[first[ring_of]]
    across = np.cross(points - base, points[following] - base) * is_outer[ring_of][:, None]
    total = np.zeros((count, 3))
    np.add.at(total, of_ring[ring_of], across)
    length = np.linalg.norm(total, axis=1)
    return total / np.maximum(length, 1e-300)[:, None], length / 2


def _axes(normal: Floats) -> tuple[Floats, Floats]:
    """Return two unit vectors in each plane which with its normal are right-handed."""
    # Across from the axis that the normal points along least.
    least = np.eye(3)[np.abs(normal).argmin(axis=1)]
    east = np.cross(least, normal)
    length = np.linalg.norm(east, axis=1)
    east /= np.maximum(length, 1e-300)[:, None]
    return east, np.cross(normal, east)


def _mended(shapes: NDArray[np.object_], number: NDArray[np.int64]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the polygons of shapes, those that cross themselves mended, and the number of each."""
    is_broken = ~shapely.is_valid(shapes)
    shapes[is_broken] = shapely.make_valid(shapes[is_broken])
    for _ in range(2):
        shapes, of = shapely.get_parts(shapes, return_index=True)
        number = number[of]
    is_area = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    return shapes[is_area], number[is_area]


def volumes(solid: Solid, of: NDArray[np.int64], count: int) -> Floats:
    """Return the signed volumes within parts of a mesh (negative where they look inwards), by the divergence theorem.

    `of` (m,) is the part that each triangle belongs to. Each is taken about its own middle, so that one with an open side still
    has a sign.
    """
    corners = solid.xyz[solid.triangles]
    weight = np.maximum(np.bincount(of, minlength=count), 1)
    middle = np.zeros((count, 3))
    np.add.at(middle, of, corners.mean(axis=1))
    corners = corners - (middle / weight[:, None])[of][:, None]
    parts = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    return np.bincount(of, weights=parts, minlength=count)


def cut_at(solid: Solid, heights: Floats) -> tuple[Solid, NDArray[np.int64]]:
    """Cut a mesh by level planes.

    Parameters
    ----------
    heights
        (m, k) for each triangle the heights it is cut at, rising; NaN where there are fewer.

    Returns the mesh and, for each of its triangles, how many of its heights lie below it. Both sides of an edge are cut at the same points, so no
    cracks open.
    """
    corners, of = solid.xyz[solid.triangles], np.arange(len(solid.triangles))
    done: list[tuple[Floats, NDArray[np.int64], NDArray[np.int64]]] = []
    for step in range(heights.shape[1]):
        plane = heights[of, step]
        over = np.where(np.isnan(plane)[:, None], -1.0, corners[:, :, 2] - plane[:, None])
        # A corner in the plane belongs to neither side.
        over[np.abs(over) < 1e-6] = 0
        is_below, is_above = ~(over > 0).any(axis=1), ~(over < 0).any(axis=1) & (over > 0).any(axis=1)
        done.append((corners[is_below], of[is_below], np.full(int(is_below.sum()), step)))
        split = np.flatnonzero(~is_below & ~is_above)
        low, low_of, high, high_of = _split(corners[split], over[split], of[split])
        done.append((low, low_of, np.full(len(low), step)))
        corners, of = np.concatenate([corners[is_above], high]), np.concatenate([of[is_above], high_of])
    done.append((corners, of, np.full(len(corners), heights.shape[1])))
    corners, of, below = (np.concatenate(each) for each in zip(*done, strict=True))
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    corners, of, below = corners[area > 1e-9], of[area > 1e-9], below[area > 1e-9]
    sources = solid.source[solid.triangles[of, 0]]
    keys = np.column_stack([np.repeat(sources, 3), np.repeat(below, 3), corners.reshape(-1, 3)])
    unique, inverse = np.unique(keys, axis=0, return_inverse=True)
    source = unique[:, 0].astype(np.int64)
    first = np.zeros(int(solid.source.max(initial=-1)) + 1, np.int64)
    first[solid.source[::-1]] = np.arange(len(solid.source))[::-1]
    return Solid(unique[:, 2:], solid.normal[first[source]], source, solid.face[first[source]], inverse.reshape(-1, 3).astype(np.uint32)), below


def _split(corners: Floats, over: Floats, of: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Split triangles that lie on both sides of their planes; return those below and those above, with their numbers."""
    if not len(corners):
        return corners, of, corners, of
    # The corner that is alone on its side comes first; the order around stays.
    above = over > 0
    is_high = above.sum(axis=1) == 1
    alone = np.where(is_high, above.argmax(axis=1), (over < 0).argmax(axis=1))
    turn = (alone[:, None] + np.arange(3)) % 3
    rows = np.arange(len(corners))[:, None]
    corners, over = corners[rows, turn], over[rows, turn]
    one, two = _between(corners[:, 0], over[:, 0], corners[:, 1], over[:, 1]), _between(corners[:, 0], over[:, 0], corners[:, 2], over[:, 2])
    tip = np.stack([corners[:, 0], one, two], axis=1)
    base = np.concatenate([np.stack([one, corners[:, 1], corners[:, 2]], axis=1), np.stack([one, corners[:, 2], two], axis=1)])
    base_of, base_high = np.tile(of, 2), np.tile(~is_high, 2)
    low = np.concatenate([tip[~is_high], base[~base_high]])
    high = np.concatenate([tip[is_high], base[base_high]])
    return (low, np.concatenate([of[~is_high], base_of[~base_high]]), high, np.concatenate([of[is_high], base_of[base_high]]))


def _between(a: Floats, over_a: Floats, b: Floats, over_b: Floats) -> Floats:
    """Return where edges meet their planes, always reckoned from the lower end, so that both neighbours find the same point."""
    swapped = (over_a > over_b)[:, None]
    low, high = np.where(swapped, b, a), np.where(swapped, a, b)
    over_low, over_high = np.minimum(over_a, over_b), np.maximum(over_a, over_b)
    return low + (high - low) * (-over_low / (over_high - over_low))[:, None]
