"""Solids that stand in the way of eyes: the features that a layer raises above the ground, by their surveyed roofs or as prisms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.crs import to_srid
from spatial_models.process import Shell, Task
from spatial_models.roofs import NO_ROOFS, Facets, Roofs, facets_of, roofs_of
from spatial_models.shown import Shown
from spatial_models.surroundings import Ground

__all__ = ["MOST_CORNERS", "UNKNOWN_M", "Solids", "facets_of_shell", "read_solids"]

Floats = NDArray[np.float64]
CRS84 = 4326
# As 3D tiles draw a height that nobody knows: one storey.
UNKNOWN_M = 3.0
# Surfaces further out of their footprint's box are of another place, as 3D tiles have it; metres.
REACH_M = 5.0
# Surfaces are read until they have so many corners, those in the middle first; the rest stay prisms.
MOST_CORNERS = 500_000


@dataclass(frozen=True)
class Solids:
    """Solids in the projected CRS: `base` and `top` are elevations in metres over the vertical datum; `shapes` are footprints.

    `is_known` says whose height is recorded; the others count as one storey. What has no part in `roofs` is a prism; the top of what has is
    its highest place. `left_out` is how many more have surfaces that were not read.
    """

    layers: NDArray[Any]
    fids: NDArray[np.int64]
    labels: NDArray[Any]
    shapes: NDArray[Any]
    base: Floats
    top: Floats
    is_known: NDArray[np.bool_]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    roofs: Roofs = NO_ROOFS
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.fids)

    def some(self, rows: NDArray[Any]) -> Solids:
        """Return the solids that a mask or a list of positions names."""
        return Solids(self.layers[rows], self.fids[rows], self.labels[rows], self.shapes[rows], self.base[rows], self.top[rows], self.is_known[rows],
                      {name: values[rows] for name, values in self.columns.items()}, self.roofs.some(np.arange(len(self))[rows]), self.left_out)

    @property
    def prisms(self) -> NDArray[np.int64]:
        """Return the solids without a roof of their own."""
        is_prism = np.ones(len(self), dtype=bool)
        is_prism[self.roofs.row] = False
        return np.flatnonzero(is_prism)

    def tops_at(self, x: float, y: float) -> dict[int, float]:
        """Return the elevation of what lies over a place by solid, for those that cover it."""
        point, prisms = shapely.Point(x, y), self.prisms
        here = prisms[shapely.intersects(self.shapes[prisms], point)] if len(prisms) else prisms
        return {int(row): float(self.top[row]) for row in here} | self.roofs.heights_at(x, y)

    def outline(self, row: int) -> BaseGeometry:
        """Return what a solid covers: its footprint, and its roof."""
        covered: BaseGeometry = shapely.union(self.shapes[row], self.roofs.outline(row)) if (self.roofs.row == row).any() else self.shapes[row]
        return covered

    def named(self, row: int) -> dict[str, Any]:
        """Return how results name a solid."""
        return {"layer": str(self.layers[row]), "fid": int(self.fids[row]), "label": self.labels[row]}

    def told(self, shown: Shown) -> dict[str, Any]:
        """Return what took part, as results tell it: how many by their surfaces, how many as prisms."""
        surfaces = len(self.roofs.rows)
        return {"layers": [layer.id for layer in shown.layers], "count": len(self), "surfaces": surfaces, "prisms": len(self) - surfaces,
                "surfaces_left_out": self.left_out, "unknown_heights": int((~self.is_known).sum()), "unknown_height_m": UNKNOWN_M}

    @staticmethod
    def none() -> Solids:
        """Return no solids."""
        nothing, numbers = np.array([], dtype=object), np.array([], dtype=float)
        return Solids(nothing, np.array([], dtype=np.int64), nothing, nothing, numbers, numbers, np.array([], dtype=bool))


def read_solids(task: Task, shown: Shown, area: BaseGeometry, more: Sequence[str] = (), roofs: bool = True) -> tuple[Solids, Ground]:
    """Read the solids that meet an area, and the ground they stand on.

    A solid stands on its recorded ground elevation, else on the elevation model at the middle of its envelope; the plane that
    stands for an unknown ground lies as high as the middle one of the recorded ground elevations.

    Parameters
    ----------
    area
        In the projected CRS.
    more
        Further fields, taken where the asker may read them.
    roofs
        Are roofs asked for, or footprints alone?
    """
    # Roofs reach beyond footprints.
    reach = shapely.buffer(area, REACH_M, quad_segs=2) if roofs else area
    asked = to_srid(reach, task.projected_srid, CRS84)
    parts, recorded = [], []
    for layer in shown.layers:
        names = tuple(name for name in dict.fromkeys((layer.height, layer.label, "ground_elevation_m", *more)) if name in layer.fields)
        frame = task.read(shown.question(layer, tuple(str(name) for name in names), area=asked))
        there = ~(shapely.is_missing(frame.geometry) | shapely.is_empty(frame.geometry))
        frame = frame.some(there)
        shapes = shapely.force_2d(frame.geometry)
        shapes = np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes)) if len(shapes) else shapes
        here = np.flatnonzero(shapely.intersects(reach, shapes)) if len(shapes) else np.array([], dtype=int)
        frame, shapes = frame.some(here), shapes[here]
        nothing = np.full(len(frame), np.nan)
        height = frame.columns[str(layer.height)].astype(float)
        base = frame.columns.get("ground_elevation_m", nothing).astype(float)
        labels = frame.columns[layer.label] if layer.label in frame.columns and layer.label else np.full(len(frame), None, dtype=object)
        parts.append((np.full(len(frame), layer.id, dtype=object), frame.fids, labels, shapes, base, height,
                      {name: frame.columns.get(name, np.full(len(frame), None, dtype=object)) for name in more}))
        recorded.append(base)
    known = np.concatenate(recorded) if recorded else np.array([])
    known = known[np.isfinite(known)]
    ground = task.ground(shown.at, float(np.median(known)) if len(known) else 0.0)
    if not parts:
        return Solids.none(), ground
    layer_ids, fids, labels, shapes, base, height = (np.concatenate([part[i] for part in parts]) for i in range(6))
    columns = {name: np.concatenate([part[6][name] for part in parts]) for name in more}
    if (floating := ~np.isfinite(base)).any():
        boxes = shapely.bounds(shapes[floating])
        found = ground.heights((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2)
        base[floating] = np.nan_to_num(found, nan=ground.level_m)
    is_known = np.isfinite(height) & (height > 0)
    made = Solids(layer_ids, fids, labels, shapes, base, base + np.where(is_known, height, UNKNOWN_M), is_known, columns)
    if roofs and len(made):
        made = _roofed(task, shown, made, area)
    touched = np.flatnonzero(shapely.intersects(area, made.shapes) | _reaches(made, area)) if len(made) else np.array([], dtype=int)
    return made if len(touched) == len(made) else made.some(touched), ground


def _reaches(solids: Solids, area: BaseGeometry) -> NDArray[np.bool_]:
    """Return whose roof meets an area."""
    found = np.zeros(len(solids), dtype=bool)
    if len(solids.roofs):
        found[solids.roofs.row[shapely.intersects(area, solids.roofs.facets.plan)]] = True
    return found


def _roofed(task: Task, shown: Shown, solids: Solids, area: BaseGeometry) -> Solids:
    """Return solids with the roofs that they have surfaces of, those nearest to the middle of an area first."""
    facets: list[tuple[int, Facets]] = []
    left_out, corners = 0, MOST_CORNERS
    top, is_known = solids.top.copy(), solids.is_known.copy()
    for layer in shown.layers:
        rows = np.flatnonzero(solids.layers == layer.id)
        rows = rows[np.argsort(shapely.distance(solids.shapes[rows], area.centroid), kind="stable")]
        number = dict(zip(solids.fids[rows].tolist(), rows.tolist(), strict=True))
        shells, more = task.shells(layer.id, list(number), shown.at, shown.known_at, corners)
        left_out += more
        for fid, shell in shells.items():
            corners -= sum(len(ring) for rings in shell.polygons for ring in rings)
            row = number[fid]
            each = facets_of_shell(shell, solids.shapes[row])
            if each is not None:
                facets.append((row, each))
                edge, of = shapely.get_coordinates(each.plan, return_index=True)
                top[row], is_known[row] = float(each.heights(of, *edge.T).max()), True
    return Solids(solids.layers, solids.fids, solids.labels, solids.shapes, solids.base, top, is_known, solids.columns, roofs_of(facets), left_out)


def facets_of_shell(shell: Shell, shape: BaseGeometry) -> Facets | None:
    """Return the facets of a building's surfaces; None where nothing of them looks up, or they lie elsewhere than its footprint."""
    points = np.concatenate([rings[0] for rings in shell.polygons])[:, :2]
    outer = shapely.bounds(shape)
    if (points.min(axis=0) < outer[:2] - REACH_M).any() or (points.max(axis=0) > outer[2:] + REACH_M).any():
        return None
    found = facets_of(shell.polygons)
    return found if found.is_up.any() else None
