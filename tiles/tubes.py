"""Tubes: lines with a height at both ends become pipes of their true diameter, or ducts of their true section."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles.extrusion import FLOOR, ROOF, WALL, Floats, Solid, joined

__all__ = ["SIDES", "tubes"]

# A regular octagon drawn around the pipe's axis has 90 % of a circle's area.
SIDES = 8
# Where a line turns back on itself its mitre would reach to infinity.
LONGEST_MITRE = 3.0


def tubes(lines: NDArray[Any], start_z: Floats, end_z: Floats, width: Floats, height: Floats, is_round: NDArray[np.bool_]) -> Solid:
    """Draw a tube around each line.

    Parameters
    ----------
    lines
        (k,) shapely LineString with planar coordinates in metres. Empty ones give nothing.
    start_z, end_z
        (k,) heights of the axis in metres at the first and the last point; between them it falls evenly along the line.
    width, height
        (k,) outer measures of the section in metres; of a pipe both are its diameter.
    is_round
        (k,) pipe (True) or rectangular duct.
    """
    made = [_swept(lines, start_z, end_z, width, height, np.flatnonzero(is_round == circular), _section(circular))
            for circular in (True, False)]
    return joined(made)


def _section(circular: bool) -> Floats:
    """Return the corners of the section (right, up) of width and height 1, counter-clockwise as seen against the line."""
    if not circular:
        return np.array([[0.5, -0.5], [0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5]])
    angles = (np.arange(SIDES) + 0.5) * 2 * np.pi / SIDES
    return 0.5 * np.column_stack([np.cos(angles), np.sin(angles)])


def _swept(lines: NDArray[Any], start_z: Floats, end_z: Floats, width: Floats, height: Floats, chosen: NDArray[np.int64],
           section: Floats) -> Solid:
    points, of = shapely.get_coordinates(shapely.force_2d(lines[chosen]), return_index=True)
    # A point that is twice in a line has no direction.
    fresh = np.ones(len(points), bool)
    fresh[1:] = (of[1:] != of[:-1]) | (points[1:] != points[:-1]).any(axis=1)
    points, of = points[fresh], chosen[of[fresh]]
    long = np.isin(of, np.unique(of[1:][of[1:] == of[:-1]]))
    points, of = points[long], of[long]
    if not len(points):
        return joined([])
    first = np.r_[True, of[1:] != of[:-1]]
    last = np.r_[first[1:], True]
    joints = np.flatnonzero(~last)
    steps = np.hypot(*(points[joints + 1] - points[joints]).T)
    run = np.zeros(len(points))
    run[joints + 1] = steps
    run = np.cumsum(run)
    begin = np.maximum.accumulate(np.where(first, run, 0))
    end = run[np.flatnonzero(last)[np.cumsum(first) - 1]]
    share = (run - begin) / (end - begin)
    axis = np.column_stack([points, start_z[of] + share * (end_z[of] - start_z[of])])

    # Direction of the piece after each point, and of the one before it; at a bend the section lies between both.
    pieces = axis[joints + 1] - axis[joints]
    pieces /= np.linalg.norm(pieces, axis=1)[:, None]
    after, before = np.zeros_like(axis), np.zeros_like(axis)
    after[joints] = before[joints + 1] = pieces
    after[last], before[first] = before[last], after[first]
    right = _right(after) + _right(before)
    flat = np.linalg.norm(right, axis=1) < 1e-9
    right[flat] = _right(after)[flat]
    right /= np.linalg.norm(right, axis=1)[:, None]
    mitre = np.minimum(LONGEST_MITRE, 1 / np.maximum(1e-9, np.einsum("ij,ij->i", right, _right(after))))
    mitre = np.where(mitre < 1, 1, mitre)
    up = np.cross(right, after + before)
    up /= np.linalg.norm(up, axis=1)[:, None]
    corners = (section[:, :1] * right[:, None] * (mitre * width[of])[:, None, None]
               + section[:, 1:] * up[:, None] * height[of][:, None, None])
    return joined([_sides(axis, corners, of, joints, section), _ends(axis, corners, of, np.flatnonzero(first), before, -1),
                   _ends(axis, corners, of, np.flatnonzero(last), after, 1)])


def _right(direction: Floats) -> Floats:
    """Return the horizontal unit vector on the right of a direction (east of what goes straight up)."""
    right = np.column_stack([direction[:, 1], -direction[:, 0], np.zeros(len(direction))])
    length = np.linalg.norm(right, axis=1)[:, None]
    return np.where(length < 1e-9, [1.0, 0.0, 0.0], right / np.maximum(length, 1e-9))


def _sides(axis: Floats, corners: Floats, of: NDArray[np.int64], joints: NDArray[np.int64], section: Floats) -> Solid:
    count, n = len(section), len(joints)
    a, b = axis[joints, None] + corners[joints], axis[joints + 1, None] + corners[joints + 1]
    following = np.roll(np.arange(count), -1)
    # Each side is flat and has its own four corners.
    xyz = np.stack([a, b, b[:, following], a[:, following]], axis=2)
    normal = np.cross(xyz[:, :, 2] - xyz[:, :, 0], xyz[:, :, 1] - xyz[:, :, 3])
    outside = (corners[joints] + corners[joints][:, following])
    normal *= np.sign(np.einsum("ijk,ijk->ij", normal, outside))[:, :, None]
    normal /= np.linalg.norm(normal, axis=2)[:, :, None]
    quad = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    triangles = (np.arange(n * count, dtype=np.uint32)[:, None, None] * 4 + quad).reshape(-1, 3)
    is_up = np.repeat(normal[:, :, 2].ravel() > 0.5, 4)
    return Solid(xyz.reshape(-1, 3), np.repeat(normal.reshape(-1, 3), 4, axis=0), np.repeat(of[joints], count * 4),
                 np.where(is_up, ROOF, WALL).astype(np.uint8), triangles)


def _ends(axis: Floats, corners: Floats, of: NDArray[np.int64], ends: NDArray[np.int64], direction: Floats, sign: int) -> Solid:
    count = corners.shape[1]
    xyz = axis[ends, None] + corners[ends]
    normal = np.repeat(sign * direction[ends], count, axis=0)
    fan = np.array([[0, i, i + 1] for i in range(1, count - 1)], np.uint32)
    if sign > 0:
        fan = fan[:, ::-1]
    triangles = (np.arange(len(ends), dtype=np.uint32)[:, None, None] * count + fan).reshape(-1, 3)
    return Solid(xyz.reshape(-1, 3), normal, np.repeat(of[ends], count), np.full(len(ends) * count, FLOOR, np.uint8), triangles)
