"""Skyline: the horizon around an eye, by azimuth, made by ground and solids; and how much of the sky it leaves open."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial_models.solids import Solids
from spatial_models.surroundings import Ground

__all__ = ["Skyline", "openness_deg", "sky_share", "sky_view_factor", "skyline"]

Floats = NDArray[np.float64]
# Ground is looked at in steps that grow with the distance, from half a cell on.
GROWTH = 1.02
_EDGES = 4_000


@dataclass(frozen=True)
class Skyline:
    """The horizon by azimuth (degrees clockwise from grid north): its angle over the level in degrees, how far what makes it
    is (m), its elevation (m), and the row of the solid that makes it (-1: the ground; distance NaN: nothing)."""

    azimuth_deg: Floats
    angle_deg: Floats
    distance_m: Floats
    elevation_m: Floats
    solid: NDArray[np.int64]


def skyline(eye: tuple[float, float, float], radius_m: float, step_deg: float, solids: Solids, ground: Ground, drop: float = 0.0) -> Skyline:
    """Follow the horizon around an eye.

    Method: by azimuth the greatest of the angles to the tops of solids where a ray crosses their outline or an edge of
    their roof, exactly, and to the ground along the ray, in steps from half a cell of the ground on that grow by 2 % of the distance. Where neither is (beyond the
    elevation model) the horizon is level.

    Parameters
    ----------
    eye
        x and y in the projected CRS, elevation in metres.
    radius_m
        What is further away makes no horizon.
    step_deg
        Between two azimuths; a divisor of 360.
    """
    count = round(360 / step_deg)
    turn = np.radians(np.arange(count) * step_deg)
    slope, distance, solid = _ground(eye, turn, radius_m, ground, drop)
    starts, ends, of, low, high = _edges(eye, solids)
    for begin in range(0, len(of), _EDGES):
        part = slice(begin, begin + _EDGES)
        ray, far, edge, share = _crossings(starts[part], ends[part], count)
        near = far <= radius_m
        ray, far, edge, share = ray[near], far[near], edge[near] + begin, share[near]
        row = of[edge]
        found = (low[edge] + share * (high[edge] - low[edge]) - eye[2] - drop * far**2) / far
        order = np.lexsort((-far, found, ray))
        best = order[np.r_[ray[order][1:] != ray[order][:-1], True]] if len(order) else order
        better = best[found[best] >= slope[ray[best]]]
        slope[ray[better]], distance[ray[better]], solid[ray[better]] = found[better], far[better], row[better]
    nothing = ~np.isfinite(slope)
    slope, distance = np.where(nothing, 0.0, slope), np.where(nothing, np.nan, distance)
    elevation = eye[2] + slope * distance + drop * distance**2
    return Skyline(np.arange(count) * step_deg, np.degrees(np.arctan(slope)), distance, elevation, solid)


def _ground(eye: tuple[float, float, float], turn: Floats, radius_m: float, ground: Ground, drop: float) -> tuple[Floats, Floats, NDArray[np.int64]]:
    first = min(ground.cell_m / 2, radius_m)
    steps = [first]
    while steps[-1] < radius_m:
        steps.append(min(steps[-1] + max(first, steps[-1] * (GROWTH - 1)), radius_m))
    s = np.array(steps)
    heights = ground.heights(eye[0] + np.sin(turn)[:, None] * s, eye[1] + np.cos(turn)[:, None] * s)
    slopes = np.nan_to_num((heights - eye[2] - drop * s**2) / s, nan=-np.inf)
    best = slopes.argmax(axis=1)
    return slopes[np.arange(len(turn)), best], s[best], np.full(len(turn), -1)


def _edges(eye: tuple[float, float, float], solids: Solids) -> tuple[Floats, Floats, NDArray[np.int64], Floats, Floats]:
    """Return the edges of the outlines of prisms and of roofs as seen from the eye: starts and ends (k, 2), the rows of their solids, and the
    elevations of starts and ends."""
    prisms = solids.prisms
    starts, ends, of = np.zeros((0, 2)), np.zeros((0, 2)), np.array([], dtype=np.int64)
    if len(prisms):
        parts, part_of = shapely.get_parts(solids.shapes[prisms], return_index=True)
        rings, ring_of = shapely.get_rings(parts, return_index=True)
        points, ring = shapely.get_coordinates(rings, return_index=True)
        joined = ring[1:] == ring[:-1]
        starts, ends, of = points[:-1][joined], points[1:][joined], prisms[part_of[ring_of[ring[:-1][joined]]]]
    low = high = solids.top[of]
    if len(solids.roofs):
        one, two, rows = solids.roofs.edges()
        starts, ends, of = np.concatenate([starts, one[:, :2]]), np.concatenate([ends, two[:, :2]]), np.concatenate([of, rows])
        low, high = np.concatenate([low, one[:, 2]]), np.concatenate([high, two[:, 2]])
    return starts - eye[:2], ends - eye[:2], of, low, high


def _crossings(a: Floats, b: Floats, count: int) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64], Floats]:
    """Return which rays cross which edges, how far from the eye, and at what share of the edge: (ray, metres, edge, share)."""
    cell = 2 * math.pi / count
    from_, to = np.arctan2(a[:, 0], a[:, 1]), np.arctan2(b[:, 0], b[:, 1])
    span = (to - from_ + math.pi) % (2 * math.pi) - math.pi
    low, wide = np.where(span >= 0, from_, to), np.abs(span)
    first, last = np.ceil(low / cell - 1e-9).astype(int), np.floor((low + wide) / cell + 1e-9).astype(int)
    times = np.maximum(last - first + 1, 0)
    edge = np.repeat(np.arange(len(a)), times)
    ray = np.repeat(first, times) + np.arange(len(edge)) - np.repeat(np.cumsum(times) - times, times)
    way = np.column_stack([np.sin(ray * cell), np.cos(ray * cell)])
    step = b[edge] - a[edge]
    # a + share·step = far·way
    det = way[:, 1] * step[:, 0] - way[:, 0] * step[:, 1]
    cross = step[:, 0] * a[edge, 1] - step[:, 1] * a[edge, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(np.abs(det) > 1e-12, cross / det, np.nan)
        share = np.where(np.abs(det) > 1e-12, (way[:, 0] * a[edge, 1] - way[:, 1] * a[edge, 0]) / det, np.nan)
    # An edge that points at the eye is crossed where it is nearest.
    ends = np.hypot(*a[edge].T), np.hypot(*b[edge].T)
    share = np.where(np.isfinite(far), np.clip(share, 0, 1), np.where(ends[0] <= ends[1], 0.0, 1.0))
    far = np.where(np.isfinite(far), far, np.minimum(*ends))
    good = far > 1e-3
    return ray[good] % count, far[good], edge[good], share[good]


def sky_view_factor(angle_deg: Floats) -> float:
    """Return the share of the sky's light that reaches a level place below it: the mean of cos² of the horizon, which is never
    under the level (Dozier and Frew 1990, for a level surface)."""
    return float(np.mean(np.cos(np.radians(np.maximum(angle_deg, 0))) ** 2))


def sky_share(angle_deg: Floats) -> float:
    """Return the share of the upper half sphere that is open: 1 minus the mean of sin of the horizon (Zakšek and others 2011)."""
    return float(1 - np.mean(np.sin(np.radians(np.maximum(angle_deg, 0)))))


def openness_deg(angle_deg: Floats) -> float:
    """Return the mean angle from the zenith to the horizon in degrees (positive openness, Yokoyama and others 2002)."""
    return float(np.mean(90 - angle_deg))
