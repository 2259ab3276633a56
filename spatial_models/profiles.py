"""Profiles of roofs: the outline in which a vertical cut along a line meets them."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spatial_models.roofs import Roofs
from spatial_models.section import Line

__all__ = ["Profile", "profiles"]

_NEAR_M = 1e-6
# Corners of an outline that lie nearer to the line between their neighbours than this are none.
_STRAIGHT_M = 1e-4


class Profile(NamedTuple):
    """Where a line runs below one roof without a gap: the row of the solid, and the roof's outline as (metres along it, elevation)."""

    row: int
    points: list[tuple[float, float]]


class _Piece(NamedTuple):
    begin: float
    end: float
    z_begin: float
    z_end: float

    def at(self, s: float) -> float:
        return self.z_begin + (self.z_end - self.z_begin) * (s - self.begin) / (self.end - self.begin)


def profiles(line: Line, roofs: Roofs) -> list[Profile]:
    """Return the outlines of roofs along a line, by solid and distance: at every place the highest facet."""
    pieces: defaultdict[int, list[_Piece]] = defaultdict(list)
    for begin, straight in line.pieces():
        start, end = np.asarray(straight.coords)
        under = roofs.under(start, end)
        for one, two, low, high, row in zip(*(each.tolist() for each in under), strict=True):
            pieces[row].append(_Piece(begin + one, begin + two, low, high))
    return [Profile(row, points) for row in sorted(pieces) for points in _outlines(pieces[row])]


def _outlines(pieces: list[_Piece]) -> list[list[tuple[float, float]]]:
    cuts = sorted({s for each in pieces for s in (each.begin, each.end)})
    found: list[list[tuple[float, float]]] = []
    # From the last to the first: those that are still to come, taken from the end as they begin.
    waiting, here = sorted(pieces, reverse=True), list[_Piece]()
    for begin, end in pairwise(cuts):
        if end - begin < _NEAR_M:
            continue
        while waiting and waiting[-1].begin <= begin + _NEAR_M:
            here.append(waiting.pop())
        here = [each for each in here if each.end >= end - _NEAR_M]
        if not here:
            continue
        points = _highest(here, begin, end)
        if found and points[0][0] - found[-1][-1][0] < _NEAR_M * 10:
            found[-1] += points
        else:
            found.append(points)
    return [_plain(points) for points in found]


def _highest(pieces: list[_Piece], begin: float, end: float) -> list[tuple[float, float]]:
    """Return the upper outline of straight pieces over a stretch that all of them cover."""
    first = max(pieces, key=lambda each: (each.at(begin), each.at(end)))
    last = max(pieces, key=lambda each: (each.at(end), each.at(begin)))
    gain = (last.at(end) - first.at(end)) - (last.at(begin) - first.at(begin))
    if first is last or gain < _NEAR_M:
        return [(begin, first.at(begin)), (end, first.at(end))]
    # The outline is convex: between the first and the last others may rise over where these two meet.
    meet = begin + (end - begin) * (first.at(begin) - last.at(begin)) / gain
    if not begin + _NEAR_M < meet < end - _NEAR_M:
        return [(begin, max(first.at(begin), last.at(begin))), (end, max(first.at(end), last.at(end)))]
    return _highest(pieces, begin, meet) + _highest(pieces, meet, end)[1:]


def _plain(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return an outline without corners that are none; a step keeps both of its ends."""
    kept: list[tuple[float, float]] = []
    for point in points:
        if kept and abs(point[0] - kept[-1][0]) < _NEAR_M and abs(point[1] - kept[-1][1]) < _STRAIGHT_M:
            continue
        while len(kept) > 1 and _is_straight(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return kept


def _is_straight(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    way = c[0] - a[0]
    return way > _NEAR_M and c[0] - b[0] > _NEAR_M and b[0] - a[0] > _NEAR_M and abs(a[1] + (c[1] - a[1]) * (b[0] - a[0]) / way - b[1]) < _STRAIGHT_M
