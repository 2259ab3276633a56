"""Section: what a vertical cut along a line goes through: the ground, solids with their storeys, and pipes at their depth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial_models.surroundings import Ground

__all__ = ["Crossing", "Line", "crossings", "ground_line", "intervals"]

Floats = NDArray[np.float64]
# A line meets another in a stretch, not in a point, where it runs within so much of it.
ALONG_M = 1e-3


@dataclass(frozen=True)
class Line:
    """A line in the projected CRS: its vertices (k, 2), and how far along it each of them is, metres."""

    points: Floats
    distance_m: Floats

    @classmethod
    def of(cls, points: Floats) -> Line:
        """Make a line of its vertices; one that is twice in a row counts once."""
        fresh = np.r_[True, np.hypot(*np.diff(points, axis=0).T) > 1e-6]
        kept = points[fresh]
        return cls(kept, np.r_[0.0, np.cumsum(np.hypot(*np.diff(kept, axis=0).T))])

    @property
    def length_m(self) -> float:
        """Return its length."""
        return float(self.distance_m[-1])

    def at(self, s: Floats) -> Floats:
        """Return the places at distances along it, (n, 2)."""
        return np.column_stack([np.interp(s, self.distance_m, self.points[:, i]) for i in (0, 1)])

    def pieces(self) -> Iterator[tuple[float, shapely.LineString]]:
        """Return its straight pieces, each with the distance at which it begins."""
        for n in range(len(self.points) - 1):
            yield float(self.distance_m[n]), shapely.LineString(self.points[n:n + 2])


def ground_line(line: Line, ground: Ground, step_m: float) -> tuple[Floats, Floats]:
    """Return distances along a line, its vertices among them, and the ground's elevation at each, metres (NaN where not known)."""
    parts = []
    for begin, end in zip(line.distance_m[:-1], line.distance_m[1:], strict=True):
        parts.append(np.linspace(begin, end, max(2, math.ceil((end - begin) / step_m - 1e-9) + 1))[:-1])
    s = np.r_[np.concatenate(parts), line.length_m]
    return s, ground.heights(*line.at(s).T)


def intervals(line: Line, shapes: NDArray[np.object_]) -> list[tuple[int, float, float]]:
    """Return where a line runs through areas: (row, begin, end) in metres along it, by row; touches are left out."""
    found: list[tuple[int, float, float]] = []
    for begin, piece in line.pieces():
        (rows,) = np.nonzero(shapely.intersects(shapes, piece)) if len(shapes) else (np.array([], dtype=int),)
        start = shapely.get_coordinates(piece)[0]
        parts, of = shapely.get_parts(shapely.intersection(shapes[rows], piece), return_index=True)
        for part, row in zip(parts, rows[of].tolist(), strict=True):
            s = begin + np.hypot(*(shapely.get_coordinates(part) - start).T)
            if part.geom_type == "LineString" and np.ptp(s) > 1e-6:
                found.append((row, float(s.min()), float(s.max())))
    found.sort()
    joined: list[tuple[int, float, float]] = []
    for row, begin, end in found:
        # What goes on over a vertex is one cut.
        if joined and joined[-1][0] == row and begin - joined[-1][2] < 1e-6:
            joined[-1] = (row, joined[-1][1], max(end, joined[-1][2]))
        else:
            joined.append((row, begin, end))
    return joined


@dataclass(frozen=True)
class Crossing:
    """Where a line meets another line, at `distance_m` along it: the row of the other, the share (0 to 1) of its length there, and
    the angle between both in degrees (0 to 90; 0 where both run together, to `end_m`)."""

    row: int
    distance_m: float
    end_m: float
    share: float
    angle_deg: float
    x: float
    y: float


def crossings(line: Line, lines: NDArray[np.object_]) -> list[Crossing]:
    """Return where a line meets lines, by distance along it."""
    found: list[Crossing] = []
    for begin, piece in line.pieces():
        (rows,) = np.nonzero(shapely.intersects(lines, piece)) if len(lines) else (np.array([], dtype=int),)
        start, end = shapely.get_coordinates(piece)
        parts, of = shapely.get_parts(shapely.intersection(lines[rows], piece), return_index=True)
        for part, row in zip(parts, rows[of].tolist(), strict=True):
            s = begin + np.hypot(*(shapely.get_coordinates(part) - start).T)
            at = shapely.get_coordinates(part)[int(np.argmin(s))]
            share = float(shapely.line_locate_point(lines[row], shapely.Point(at), normalized=True))
            together = part.geom_type == "LineString" and np.ptp(s) > ALONG_M
            angle = 0.0 if together else _angle(lines[row], share, end - start)
            found.append(Crossing(row, float(s.min()), float(s.max()), share, angle, float(at[0]), float(at[1])))
    found.sort(key=lambda c: (c.distance_m, c.row))
    fresh: list[Crossing] = []
    for each in found:
        # A crossing at a vertex of either line is met twice.
        if not any(c.row == each.row and abs(c.distance_m - each.distance_m) < 1e-6 and c.end_m == each.end_m for c in fresh[-8:]):
            fresh.append(each)
    return fresh


def _angle(other: shapely.LineString, share: float, way: Floats) -> float:
    """Return the angle between a way and a line at a share of its length, degrees."""
    reach = min(0.5, other.length / 4) / max(other.length, 1e-9)
    ends = shapely.line_interpolate_point(other, [max(share - reach, 0.0), min(share + reach, 1.0)], normalized=True)
    along = np.diff(shapely.get_coordinates(ends), axis=0)[0]
    cos = abs(float(along @ way)) / max(float(np.hypot(*along) * np.hypot(*way)), 1e-12)
    return math.degrees(math.acos(min(1.0, cos)))
