"""Lines of sight over ground and solids: where a straight line through air meets something, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial_models.solids import Solids
from spatial_models.surroundings import Ground

__all__ = ["Obstruction", "Sight", "look"]

Floats = NDArray[np.float64]
# Less than this over the line is a touch: numbers are no better.
TOUCH_M = 0.001
MOST_SAMPLES = 20_000
# Stretches of a solid that are no further apart are one.
_JOINED_M = 1e-6


@dataclass(frozen=True)
class Obstruction:
    """Something that rises over the line, from `begin_m` to `end_m` of level distance: by `above_m` at most.

    `line_m` is the elevation of the line where it first meets it, at (x, y); `solid` is None for the ground.
    """

    begin_m: float
    end_m: float
    above_m: float
    line_m: float
    x: float
    y: float
    solid: int | None


@dataclass(frozen=True)
class Sight:
    """A line of sight: level distance, what rises over it by distance, and the lowest elevation over the target's place that
    would be seen (minus infinity where nothing lies between)."""

    distance_m: float
    obstructions: tuple[Obstruction, ...]
    seen_from_m: float

    @property
    def is_visible(self) -> bool:
        """Is there nothing in the way?"""
        return not self.obstructions


@dataclass(frozen=True)
class _Top:
    """The top of a solid over a stretch of a line's plan: it begins at `z_begin` and goes up by `slope`."""

    begin: float
    end: float
    z_begin: float
    slope: float
    row: int

    def at(self, s: float) -> float:
        return self.z_begin + self.slope * (s - self.begin)


@dataclass(frozen=True)
class _Line:
    """Elevations of a line from an eye at `eye_m`: eye + slope·s + drop·s² over the datum at level distance s."""

    eye_m: float
    slope: float
    drop: float

    def at(self, s: Floats | float) -> Floats:
        return np.asarray(self.eye_m + self.slope * np.asarray(s) + self.drop * np.asarray(s) ** 2)

    def excess(self, top: _Top) -> tuple[float, float]:
        """Return how far a top rises over the line at most, and where."""
        fall = top.slope - self.slope
        most = top.begin if fall <= 0 else top.end if self.drop == 0 else min(max(fall / (2 * self.drop), top.begin), top.end)
        return top.at(most) - float(self.at(most)), most

    def entry(self, top: _Top, most: float) -> float:
        """Return where the line first goes below a top, if it is below it at `most`."""
        if top.at(top.begin) - float(self.at(top.begin)) > TOUCH_M:
            return top.begin
        low, high = top.begin, most
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if top.at(middle) - float(self.at(middle)) > TOUCH_M else (middle, high)
        return high


def look(eye: tuple[float, float, float], target: tuple[float, float, float], solids: Solids, ground: Ground, drop: float = 0.0) -> Sight:
    """Follow the line from an eye to a target.

    Method: the line is straight where places at a level distance s are lowered by drop·s²; solids are cut exactly by the line's
    plan, prisms level at their tops, roofs by their facets; the ground is sampled at half its cells (or MOST_SAMPLES places).

    Parameters
    ----------
    eye, target
        x and y in the projected CRS, elevation in metres.
    drop
        Of `Sighting`, in 1/m; 0 for a flat earth.

    >>> look((0, 0, 10), (100, 0, 10), Solids.none(), Ground(None, 4548)).is_visible
    True
    """
    dx, dy = target[0] - eye[0], target[1] - eye[1]
    distance = math.hypot(dx, dy)
    if distance < 1e-6:
        return _upright(eye, target, solids)
    line = _Line(eye[2], (target[2] - drop * distance**2 - eye[2]) / distance, drop)
    found, needed = [], -math.inf
    for run in _runs(_crossed(eye, target, distance, solids)):
        needed = max(needed, *(_steepest(top, eye[2], drop) for top in run))
        over = [(top, *line.excess(top)) for top in run]
        if over := [each for each in over if each[1] > TOUCH_M]:
            first, _, most = over[0]
            found.append(_obstruction(eye, (dx / distance, dy / distance), line, line.entry(first, most), over[-1][0].end, max(each[1] for each in over),
                                      first.row))
    rough, steepest = _ground(eye, (dx / distance, dy / distance), distance, line, ground)
    found += rough
    needed = max(needed, steepest)
    found.sort(key=lambda o: o.begin_m)
    return Sight(distance, tuple(found), eye[2] + needed * distance + drop * distance**2 if needed > -math.inf else -math.inf)


def _upright(eye: tuple[float, float, float], target: tuple[float, float, float], solids: Solids) -> Sight:
    """Look straight up or down: what holds the place is in the way up to its top."""
    lowest = min(eye[2], target[2])
    point = shapely.Point(eye[:2])
    tops = {row: top for row, top in solids.tops_at(*eye[:2]).items() if top - lowest > TOUCH_M and shapely.contains(solids.outline(row), point)}
    found = tuple(Obstruction(0.0, 0.0, top - lowest, lowest, eye[0], eye[1], row) for row, top in tops.items())
    return Sight(0.0, found, max(tops.values(), default=-math.inf))


def _obstruction(eye: tuple[float, float, float], way: tuple[float, float], line: _Line, begin: float, end: float, above: float,
                 row: int | None) -> Obstruction:
    return Obstruction(begin, end, above, float(line.at(begin)), eye[0] + way[0] * begin, eye[1] + way[1] * begin, row)


def _crossed(eye: tuple[float, float, float], target: tuple[float, float, float], distance: float, solids: Solids) -> list[_Top]:
    """Return the stretches of the line's plan that lie in solids."""
    if not len(solids):
        return []
    plan, prisms = shapely.LineString([eye[:2], target[:2]]), solids.prisms
    rows = prisms[shapely.intersects(solids.shapes[prisms], plan)]
    pieces, of = shapely.get_parts(shapely.intersection(solids.shapes[rows], plan), return_index=True)
    found = []
    for piece, row in zip(pieces, rows[of], strict=True):
        # What runs along a wall is not in the solid.
        if piece.geom_type != "LineString" or not shapely.contains(solids.shapes[row], shapely.line_interpolate_point(piece, 0.5, normalized=True)):
            continue
        along = np.hypot(*(shapely.get_coordinates(piece) - eye[:2]).T)
        if along.max() - along.min() > 1e-6:
            found.append(_Top(float(along.min()), min(float(along.max()), distance), float(solids.top[row]), 0.0, int(row)))
    under = solids.roofs.under(eye[:2], target[:2])
    slopes = (under.z_end - under.z_begin) / (under.end - under.begin)
    found += [_Top(*each) for each in zip(under.begin.tolist(), np.minimum(under.end, distance).tolist(), under.z_begin.tolist(), slopes.tolist(),
                                          under.row.tolist(), strict=True)]
    return found


def _runs(tops: list[_Top]) -> list[list[_Top]]:
    """Return the stretches of each solid that go on over one another: they are one thing in the way."""
    found: list[list[_Top]] = []
    reach = -math.inf
    for top in sorted(tops, key=lambda each: (each.row, each.begin)):
        if found and found[-1][0].row == top.row and top.begin - reach < _JOINED_M:
            found[-1].append(top)
            reach = max(reach, top.end)
        else:
            found.append([top])
            reach = top.end
    return found


def _steepest(top: _Top, eye_m: float, drop: float) -> float:
    """Return the steepest line from the eye that touches a top."""
    rise = top.at(0.0) - eye_m
    at = [max(top.begin, 1e-6), top.end]
    if drop > 0 and rise < 0 and top.begin < (turn := math.sqrt(-rise / drop)) < top.end:
        at.append(turn)
    return max((rise - drop * s * s) / s + top.slope for s in at)


def _ground(eye: tuple[float, float, float], way: tuple[float, float], distance: float, line: _Line,
            ground: Ground) -> tuple[list[Obstruction], float]:
    count = int(min(max(distance / (ground.cell_m / 2), 8), MOST_SAMPLES))
    s = np.linspace(0, distance, count + 1)[1:-1]
    heights = ground.heights(eye[0] + way[0] * s, eye[1] + way[1] * s)
    over = np.nan_to_num(heights - line.at(s), nan=-np.inf)
    known = np.isfinite(heights)
    steepest = float(((heights - eye[2] - line.drop * s**2) / s)[known].max()) if known.any() else -math.inf
    edges = np.flatnonzero(np.diff(np.r_[False, over > TOUCH_M, False].astype(int)))
    found = []
    for first, last in zip(edges[::2], edges[1::2] - 1, strict=True):
        begin = s[first]
        if first > 0 and np.isfinite(over[first - 1]):
            begin = s[first - 1] + (s[first] - s[first - 1]) * -over[first - 1] / (over[first] - over[first - 1])
        found.append(_obstruction(eye, way, line, float(begin), float(s[last]), float(over[first:last + 1].max()), None))
    return found, steepest
