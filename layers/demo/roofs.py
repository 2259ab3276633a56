"""Roofs of the demo city's landmarks: halls with curved roofs, round temples, gabled sheds, domes, cooling towers; the layer `building_surface`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from layers.building_surfaces import GROUND, OUTER_CEILING, ROOF, WALL, Surface, write_surfaces
from layers.demo.building_facts import Facts
from layers.demo.buildings import Buildings
from layers.demo.frame import Frame
from layers.demo.table import Fids, versions

__all__ = ["shape_of", "surface_table"]

FLOOR = "OuterFloorSurface"
# How the heights of a building of one, two or three roofs fall to its tiers.
_SHARES = {1: (1.0,), 2: (.48, .52), 3: (.36, .27, .37)}
# A roof is flatter at its eaves than at its ridge: shares of the way inwards and upwards.
_CURVE = ((1 / 3, .22), (2 / 3, .55), (1.0, 1.0))
_LEAST_ROUND_M = 20.0


class Step(NamedTuple):
    """How far inside the footprint an outline lies, and how high above the ground, both in metres."""

    inset: float
    height: float


def shape_of(kind: str, role: str, footprint: shapely.Polygon, height: float) -> list[Surface] | None:
    """Return the surfaces of a landmark over its footprint, from height 0 to `height`; None for what keeps its prism.

    They are closed, and all look outwards.
    """
    ring = shapely.get_coordinates(shapely.orient_polygons(footprint).exterior)[:-1]
    if footprint.interiors or len(ring) not in (4, 12, 28):
        return None
    outline = _Outline(ring)
    half = outline.half
    if kind in ("palace", "temple", "pavilions"):
        if height < 8 and half > 20:
            return _risen(outline, _terraces(height, half))
        tiers = 3 if len(ring) == 28 and height > 30 else 2 if height > 22 or (len(ring) == 28 and height > 12) else 1
        return _risen(outline, _hall(height, half, tiers))
    if kind == "works" and role == "chimney":
        return _risen(outline, [Step(half * (1 - r), height * z) for r, z in ((1, 0), (.84, .25), (.70, .5), (.62, .75), (.66, 1))])
    if (kind == "works" and role == "tank") or (kind == "expo" and len(ring) == 28):
        angle = np.radians([0, 18, 36, 54, 72, 90])
        return _risen(outline, [Step(0, 0), *(Step(half * (1 - np.cos(a)), height * (.6 + .4 * np.sin(a))) for a in angle)])
    if kind in ("works", "expo") and role == "hall" and len(ring) == 4:
        return _gabled(ring, height * .72, height)
    return None


class _Outline:
    """An outline that can be drawn in: rectangles by equal distances, so that a ridge is left, others towards their middle."""

    def __init__(self, ring: np.ndarray) -> None:
        self.middle = ring.mean(axis=0)
        self.is_box = len(ring) == 4
        reach = np.linalg.norm(ring - self.middle, axis=1)
        if self.is_box:
            along, across = ring[1] - ring[0], ring[3] - ring[0]
            self.sides = np.linalg.norm(along), np.linalg.norm(across)
            self.axes = along / self.sides[0], across / self.sides[1]
            self.half = float(min(self.sides)) / 2
        else:
            self.half = float(reach.min())
        # Small round ones need fewer corners.
        self.ring = ring[::2] if len(ring) == 28 and self.half < _LEAST_ROUND_M / 2 else ring

    def drawn_in(self, inset: float) -> np.ndarray:
        if not self.is_box:
            return self.middle + (self.ring - self.middle) * max(0.0, 1 - inset / self.half)
        x, y = (max(0.0, side / 2 - inset) for side in self.sides)
        return np.array([self.middle + sx * x * self.axes[0] + sy * y * self.axes[1] for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


def _hall(height: float, half: float, tiers: int) -> list[Step]:
    """Return the profile of a hall on a terrace: walls behind eaves, and above them a curved roof, as often as it has tiers."""
    terrace, eaves, back = min(.08 * height, 2.5), min(2.5, .16 * half), .28 * half
    steps = [Step(0, 0), Step(0, terrace)]
    bottom = terrace
    for tier, share in enumerate(_SHARES[tiers]):
        tall, out, is_last = (height - terrace) * share, back * tier, tier == tiers - 1
        top = bottom + tall
        wall, end = bottom + tall * (.5 if is_last else .62), half if is_last else out + back + eaves
        edge = wall + .035 * tall
        steps += [Step(out + eaves, bottom), Step(out + eaves, wall), Step(out, wall), Step(out, edge)]
        steps += [Step(out + (end - out) * inwards, edge + (top - edge) * upwards) for inwards, upwards in _CURVE]
        bottom = top
    return [step for n, step in enumerate(steps) if n == 0 or step != steps[n - 1]]


def _terraces(height: float, half: float) -> list[Step]:
    return [Step(half * .14 * tier, height * z / 3) for tier in range(3) for z in (tier, tier + 1)]


def _risen(outline: _Outline, steps: list[Step]) -> list[Surface]:
    """Join outlines, each above or beside the one before, by a band of polygons; close it below and, where something is left, above."""
    rings = [np.column_stack([outline.drawn_in(step.inset), np.full(len(outline.ring), step.height)]) for step in steps]
    surfaces = [Surface(GROUND, (rings[0][::-1],))]
    for (low, lower), (high, upper) in zip(zip(rings, steps, strict=True), zip(rings[1:], steps[1:], strict=True), strict=False):
        kind = WALL if abs(upper.inset - lower.inset) * 5 < upper.height - lower.height else (
            ROOF if upper.height > lower.height else FLOOR if upper.inset > lower.inset else OUTER_CEILING)
        for k in range(len(low)):
            after = (k + 1) % len(low)
            corners = np.array([low[k], low[after], high[after], high[k]])
            kept = corners[[(corner != corners[n - 1]).any() for n, corner in enumerate(corners)]]
            if len(kept) > 2:
                surfaces.append(Surface(kind, (kept,)))
    if shapely.Polygon(rings[-1][:, :2]).area > 1e-6:
        surfaces.append(Surface(ROOF, (rings[-1],)))
    return surfaces


def _gabled(ring: np.ndarray, eaves: float, ridge: float) -> list[Surface]:
    """Return a shed over a rectangle, its ridge along the longer side."""
    if np.linalg.norm(ring[1] - ring[0]) < np.linalg.norm(ring[2] - ring[1]):
        ring = np.roll(ring, -1, axis=0)

    def at(height: float, *flat: np.ndarray) -> list[np.ndarray]:
        return [np.array([*p, height]) for p in flat]

    a, b, c, d = ring
    west, east = (a + d) / 2, (b + c) / 2
    return [Surface(GROUND, (np.array(at(0, a, d, c, b)),)),
            Surface(WALL, (np.array([*at(0, a, b), *at(eaves, b, a)]),)), Surface(WALL, (np.array([*at(0, c, d), *at(eaves, d, c)]),)),
            Surface(WALL, (np.array([*at(0, b, c), *at(eaves, c), *at(ridge, east), *at(eaves, b)]),)),
            Surface(WALL, (np.array([*at(0, d, a), *at(eaves, a), *at(ridge, west), *at(eaves, d)]),)),
            Surface(ROOF, (np.array([*at(eaves, a, b), *at(ridge, east, west)]),)), Surface(ROOF, (np.array([*at(eaves, c, d), *at(ridge, west, east)]),))]


def surface_table(frame: Frame, b: Buildings, facts: Facts, fids: Fids) -> pd.DataFrame:
    """Return the layer `building_surface`: the landmarks that have a roof of their own, since they are done."""
    height, ground = facts.columns["height_m"], facts.columns["ground_elevation_m"]
    found: list[tuple[int, list[Surface]]] = []
    for row in np.flatnonzero(np.isin(b.kind, ("palace", "temple", "pavilions", "works", "expo"))):
        surfaces = shape_of(b.kind[row], b.role[row], b.shape[row], float(height[row]))
        if surfaces:
            found.append((int(row), surfaces))
    rows = np.array([row for row, _ in found], int)
    # One call of PROJ for all corners.
    rings = [ring for _, surfaces in found for surface in surfaces for ring in surface.rings]
    flat = frame.to_storage(np.concatenate([ring[:, :2] for ring in rings]))
    parts = iter(np.split(flat, np.cumsum([len(ring) for ring in rings])[:-1]))
    values: list[Any] = []
    for row, surfaces in found:
        values.append(write_surfaces([Surface(s.type, tuple(
            np.column_stack([next(parts), (ring[:, 2] + ground[row]).round(3)]) for ring in s.rings)) for s in surfaces]))
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return versions(frame, fids.take(len(rows)), b.done[rows], b.end[rows], {
        "building_fid": b.fid[rows], "source_id": facts.columns["source_id"][rows], "lod": "2.2", "surfaces": column, "lowest_m": ground[rows].round(3),
        "highest_m": (ground[rows] + height[rows]).round(3), "survey_kind": "drawn", "district_code": facts.columns["district_code"][rows]})
