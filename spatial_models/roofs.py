"""Roofs of solids: what surveyed surfaces cover from above, as facets with a slope; and what surfaces enclose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["NO_ROOFS", "Facets", "Roofs", "Stretches", "facets_of", "roofs_of"]

Floats = NDArray[np.float64]
Rings = Sequence[Floats]
# What leans less than this (the upward part of its unit normal) is a wall.
_WALL = 1e-3
# Polygons whose corners lie further off their plane than this are cut into triangles, metres.
_FLAT_M = 0.01
_TOUCH_M = 1e-6


class Facets(NamedTuple):
    """Polygons in space seen from above, none of them upright: plans (projected CRS), planes z = a·x + b·y + c about `origin`,
    whether each looks up, and between which elevations its corners lie."""

    plan: NDArray[np.object_]
    origin: Floats
    plane: Floats
    is_up: NDArray[np.bool_]
    span: Floats

    def heights(self, rows: NDArray[np.int64] | slice, x: Floats, y: Floats) -> Floats:
        """Return the elevations of facets over places, metres."""
        plane, origin, span = self.plane[rows], self.origin[rows], self.span[rows]
        # On what is almost upright a millimetre in plan is metres of height: it never is beyond its own corners.
        found: Floats = np.clip(plane[:, 0] * (x - origin[:, 0]) + plane[:, 1] * (y - origin[:, 1]) + plane[:, 2], span[:, 0], span[:, 1])
        return found

    def volume_m3(self, lowest_m: float) -> float:
        """Return what surfaces enclose whose lowest corner lies at an elevation.

        Formula (divergence theorem): Σ ± plan area · (mean elevation − lowest elevation). Walls, and a floor that is missing at the
        lowest elevation, add nothing to it.
        """
        middle = shapely.get_coordinates(shapely.centroid(self.plan)).reshape(-1, 2)
        z = self.heights(slice(None), *middle.T)
        return float((np.where(self.is_up, 1, -1) * shapely.area(self.plan) * (z - lowest_m)).sum())


class Stretches(NamedTuple):
    """Where a straight line's plan runs below roofs: from `begin` to `end` (m along it) with the roof at `z_begin` and `z_end`, and
    the row of the solid; by begin."""

    begin: Floats
    end: Floats
    z_begin: Floats
    z_end: Floats
    row: NDArray[np.int64]


@dataclass(frozen=True)
class Roofs:
    """Upper facets of solids; `row` is the solid that each belongs to. What lies under a facet counts as solid, down to the ground."""

    facets: Facets
    row: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return the solids that have a roof."""
        return np.unique(self.row)

    def heights_at(self, x: float, y: float) -> dict[int, float]:
        """Return the elevation of the roof over a place by solid, for those that cover it."""
        point = shapely.Point(x, y)
        (here,) = np.nonzero(shapely.intersects(self.facets.plan, point)) if len(self) else (np.array([], dtype=np.int64),)
        found: dict[int, float] = {}
        for row, z in zip(self.row[here].tolist(), self.facets.heights(here, np.full(len(here), x), np.full(len(here), y)).tolist(), strict=True):
            found[row] = max(z, found.get(row, z))
        return found

    def outline(self, row: int) -> shapely.Geometry:
        """Return what a solid's roof covers."""
        return shapely.union_all(self.facets.plan[self.row == row])

    def under(self, start: Sequence[float], end: Sequence[float]) -> Stretches:
        """Return where the straight line from `start` to `end` (x, y) runs below roofs. What only touches an edge is left out."""
        plan = shapely.LineString([start, end])
        (near,) = np.nonzero(shapely.intersects(self.facets.plan, plan)) if len(self) else (np.array([], dtype=np.int64),)
        pieces, of = shapely.get_parts(shapely.intersection(self.facets.plan[near], plan), return_index=True)
        facet = near[of]
        keep = (shapely.get_type_id(pieces) == shapely.GeometryType.LINESTRING) & (shapely.length(pieces) > _TOUCH_M)
        pieces, facet = pieces[keep], facet[keep]
        if not len(pieces):
            nothing = np.zeros(0)
            return Stretches(nothing, nothing, nothing, nothing, np.zeros(0, np.int64))
        ends = np.stack([shapely.get_coordinates(shapely.get_point(pieces, at)) for at in (0, -1)], axis=1)
        middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
        inside = shapely.contains_properly(self.facets.plan[facet], middle)
        for n in np.flatnonzero(~inside):
            # Along an edge: below the roof where facets of the same solid lie on both sides, as along a ridge.
            same = near[self.row[near] == self.row[facet[n]]]
            inside[n] = int((shapely.distance(self.facets.plan[same], middle[n]) < _TOUCH_M).sum()) > 1
        ends, facet = ends[inside], facet[inside]
        s = np.hypot(ends[:, :, 0] - start[0], ends[:, :, 1] - start[1])
        z = np.stack([self.facets.heights(facet, ends[:, k, 0], ends[:, k, 1]) for k in (0, 1)], axis=1)
        turned = s[:, 0] > s[:, 1]
        s[turned], z[turned] = s[turned][:, ::-1], z[turned][:, ::-1]
        order = np.argsort(s[:, 0], kind="stable")
        return Stretches(s[order, 0], s[order, 1], z[order, 0], z[order, 1], self.row[facet[order]])

    def edges(self) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Return the edges of all facets: starts and ends (k, 3), and the rows of their solids."""
        rings, of = shapely.get_rings(self.facets.plan, return_index=True)
        points, ring = shapely.get_coordinates(rings, return_index=True)
        facet = of[ring]
        spatial = np.column_stack([points, self.facets.heights(facet, *points.T)])
        joined = ring[1:] == ring[:-1]
        return spatial[:-1][joined], spatial[1:][joined], self.row[facet[:-1][joined]]

    def some(self, rows: NDArray[np.int64]) -> Roofs:
        """Return the roofs of some solids, with the numbers that they have among those."""
        number = {int(row): n for n, row in enumerate(rows.tolist())}
        kept = np.array([n for n, row in enumerate(self.row.tolist()) if row in number], dtype=np.int64)
        return Roofs(Facets(*(part[kept] for part in self.facets)), np.array([number[int(row)] for row in self.row[kept]], dtype=np.int64))


def facets_of(polygons: Iterable[Rings]) -> Facets:
    """Return the facets of polygons in space.

    Parameters
    ----------
    polygons
        For each its rings (k, 3) in the projected CRS with elevations, without the closing point, the outer one first and
        counter-clockwise as seen from outside.

    A polygon's plane is the one that fits its outer ring best; a warped one is cut into triangles.
    """
    plans, origins, planes, ups, spans = [], [], [], [], []
    for rings in polygons:
        outer = rings[0]
        middle = outer.mean(axis=0)
        moved = outer - middle
        normal = np.cross(moved, np.roll(moved, -1, axis=0)).sum(axis=0)
        length = float(np.linalg.norm(normal))
        if length < _TOUCH_M or abs(normal[2]) < _WALL * length:
            continue
        off = float(np.abs(moved @ normal).max()) / length
        plan = shapely.Polygon(outer[:, :2], [ring[:, :2] for ring in rings[1:]])
        if off > _FLAT_M and len(outer) > 3 and plan.is_valid:
            parts = _triangles(plan, np.concatenate(rings))
        else:
            # A polygon that crosses itself and has a spike falls into a collection of several polygons and a line.
            parts = [(part, middle, normal) for part in shapely.get_parts(shapely.get_parts(shapely.make_valid(plan))) if part.geom_type == "Polygon"]
        for part, about, n in parts:
            if abs(n[2]) < _WALL * float(np.linalg.norm(n)) or part.area < _TOUCH_M:
                continue
            plans.append(part)
            origins.append(about[:2])
            planes.append((-n[0] / n[2], -n[1] / n[2], about[2]))
            ups.append(normal[2] > 0)
            spans.append((outer[:, 2].min(), outer[:, 2].max()))
    return Facets(np.array(plans, dtype=object), np.array(origins, dtype=float).reshape(-1, 2), np.array(planes, dtype=float).reshape(-1, 3),
                  np.array(ups, dtype=bool), np.array(spans, dtype=float).reshape(-1, 2))


def _triangles(plan: shapely.Polygon, corners: Floats) -> list[tuple[shapely.Polygon, Floats, Floats]]:
    """Cut a warped polygon into triangles between its own corners: each with a place on it and its normal."""
    height = {(float(x), float(y)): float(z) for x, y, z in corners}
    found = []
    for each in shapely.get_parts(shapely.constrained_delaunay_triangles(plan)):
        flat = shapely.get_coordinates(each)[:3]
        points = np.array([(x, y, height[float(x), float(y)]) for x, y in flat])
        found.append((each, points[0], np.cross(points[1] - points[0], points[2] - points[0])))
    return found


def roofs_of(facets: Iterable[tuple[int, Facets]]) -> Roofs:
    """Return the roofs of solids, from the facets of each by its row: those that look up."""
    chosen = [(row, Facets(*(part[each.is_up] for part in each))) for row, each in facets]
    chosen = [(row, each) for row, each in chosen if len(each.plan)]
    if not chosen:
        return NO_ROOFS
    return Roofs(Facets(*(np.concatenate([getattr(each, name) for _, each in chosen]) for name in Facets._fields)),
                 np.repeat(np.array([row for row, _ in chosen], dtype=np.int64), [len(each.plan) for _, each in chosen]))


NO_ROOFS = Roofs(facets_of(()), np.zeros(0, dtype=np.int64))
