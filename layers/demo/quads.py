"""Quadrilaterals, many at a time: corners south-west, south-east, north-east, north-west; arrays (n, 4, 2) in metres."""

from __future__ import annotations

import numpy as np
import shapely

__all__ = ["areas_of", "corners_inside", "frame_of", "inset", "piece", "polygons", "sizes"]


def piece(quads: np.ndarray, u0: np.ndarray, u1: np.ndarray, v0: np.ndarray, v1: np.ndarray) -> np.ndarray:
    """Return the part of each quad between fractions u (west to east) and v (south to north)."""
    a, b, c, d = (quads[:, k] for k in range(4))

    def at(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        u, v = np.asarray(u, float)[:, None], np.asarray(v, float)[:, None]
        return (1 - u) * (1 - v) * a + u * (1 - v) * b + u * v * c + (1 - u) * v * d

    return np.stack([at(u0, v0), at(u1, v0), at(u1, v1), at(u0, v1)], axis=1)


def inset(quads: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the quads with their edges (south, east, north, west) moved inwards by `offsets` (n, 4) metres."""
    along = np.roll(quads, -1, axis=1) - quads
    along /= np.linalg.norm(along, axis=2, keepdims=True)
    inward = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    point = quads + inward * offsets[..., None]
    before, direction = np.roll(point, 1, axis=1), np.roll(along, 1, axis=1)
    # Corner k is where the moved edge k-1 meets the moved edge k.
    cross = direction[..., 0] * along[..., 1] - direction[..., 1] * along[..., 0]
    gap = point - before
    t = (gap[..., 0] * along[..., 1] - gap[..., 1] * along[..., 0]) / cross
    return before + direction * t[..., None]


def sizes(quads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean width (west-east) and mean height (south-north) of each quad."""
    width = (np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1) + np.linalg.norm(quads[:, 2] - quads[:, 3], axis=1)) / 2
    height = (np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1) + np.linalg.norm(quads[:, 2] - quads[:, 1], axis=1)) / 2
    return width, height


def frame_of(quads: np.ndarray, most_rad: float = 0.16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each quad its middle, the tilt of its southern edge (rad, at most `most_rad`), and its box in that frame.

    The box is (n, 4): west, south, east, north relative to the middle.
    """
    middle = quads.mean(axis=1)
    south = quads[:, 1] - quads[:, 0]
    angle = np.clip(np.arctan2(south[:, 1], south[:, 0]), -most_rad, most_rad)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    d = quads - middle[:, None]
    local = np.stack([d[..., 0] * cos + d[..., 1] * sin, -d[..., 0] * sin + d[..., 1] * cos], axis=-1)
    # The usable box: the inner two of the corner coordinates on each side.
    box = np.stack([local[:, [0, 3], 0].max(1), local[:, [0, 1], 1].max(1), local[:, [1, 2], 0].min(1), local[:, [2, 3], 1].min(1)], axis=1)
    return middle, angle, box


def corners_inside(points: np.ndarray, quads: np.ndarray, margin: np.ndarray | float) -> np.ndarray:
    """Return which rows of `points` (n, k, 2) lie, all k of them, at least `margin` metres inside quad n."""
    along = np.roll(quads, -1, axis=1) - quads
    along /= np.linalg.norm(along, axis=2, keepdims=True)
    inside = np.ones(len(points), bool)
    for k in range(4):
        d = points - quads[:, None, k]
        distance = -d[..., 0] * along[:, None, k, 1] + d[..., 1] * along[:, None, k, 0]
        inside &= (distance >= np.asarray(margin).reshape(-1, 1)).all(axis=1)
    return inside


def areas_of(geometry: shapely.Geometry, least_m2: float = 1.0) -> shapely.Geometry | None:
    """Return the polygons of a geometry that are not tiny, as a multipolygon; None if there are none."""
    parts = [g for g in shapely.get_parts(geometry) if g.geom_type == "Polygon" and g.area > least_m2]
    return shapely.multipolygons(parts) if parts else None


def polygons(rings: np.ndarray) -> np.ndarray:
    """Return polygons of rings (n, k, 2) that need not be closed."""
    if not len(rings):
        return np.empty(0, dtype=object)
    return shapely.polygons(np.concatenate([rings, rings[:, :1]], axis=1))
