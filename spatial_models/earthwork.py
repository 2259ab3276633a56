"""Earthwork: how much ground lies in an area over a level and how much is missing below it; a pit with its slopes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from spatial_models.surroundings import Ground

__all__ = ["MOST_CELLS", "Earth", "Volumes", "cells_of", "pit_floor", "volumes"]

Floats = NDArray[np.float64]
MOST_CELLS = 250_000
# What is nearer than this to an area is in it.
TOUCH_M = 1e-6


@dataclass(frozen=True)
class Earth:
    """The ground of an area in pieces of a grid: middle, area (m²) and elevation (m, NaN where not known) of each, and how much
    larger its surface is than its plan."""

    x: Floats
    y: Floats
    area_m2: Floats
    z: Floats
    steepness: Floats

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Return which pieces have an elevation."""
        return np.isfinite(self.z)

    @property
    def mean_m(self) -> float:
        """Return the mean elevation; NaN where none is known."""
        known = self.is_known
        return float(np.average(self.z[known], weights=self.area_m2[known])) if known.any() else float("nan")


@dataclass(frozen=True)
class Volumes:
    """Cubic metres over a level and missing below it."""

    cut_m3: float
    fill_m3: float


def cells_of(area: BaseGeometry, cell_m: float, ground: Ground) -> Earth:
    """Cut an area of the projected CRS into the cells of a grid, those at its edge exactly.

    Each piece has the elevation at its centroid, so that a plane ground is added up exactly.
    """
    minx, miny, maxx, maxy = shapely.bounds(area)
    xs, ys = np.arange(minx, maxx, cell_m), np.arange(miny, maxy, cell_m)
    x, y = (v.ravel() for v in np.meshgrid(xs, ys))
    boxes = shapely.box(x, y, x + cell_m, y + cell_m)
    shapely.prepare(area)
    whole = shapely.covers(area, boxes)
    (edge,) = np.nonzero(~whole & shapely.intersects(area, boxes))
    pieces = shapely.intersection(boxes[edge], area)
    size = shapely.area(pieces)
    pieces, size = pieces[size > 0], size[size > 0]
    middle = shapely.get_coordinates(shapely.centroid(pieces)) if len(pieces) else np.zeros((0, 2))
    px, py = np.r_[x[whole] + cell_m / 2, middle[:, 0]], np.r_[y[whole] + cell_m / 2, middle[:, 1]]
    half = cell_m / 2
    east = (ground.heights(px + half, py) - ground.heights(px - half, py)) / cell_m
    north = (ground.heights(px, py + half) - ground.heights(px, py - half)) / cell_m
    return Earth(px, py, np.r_[np.full(int(whole.sum()), cell_m**2), size], ground.heights(px, py), np.nan_to_num(np.sqrt(1 + east**2 + north**2), nan=1.0))


def volumes(earth: Earth, floor: Floats | float) -> Volumes:
    """Return what lies over a floor and what is missing below it. Formula: Σ area · max(±(z − floor), 0) over the known pieces.

    Where the floor is infinitely high nothing is to be made.
    """
    rise = (earth.z - floor) * earth.area_m2
    rise = np.where(np.isfinite(rise), rise, 0.0)
    return Volumes(float(np.maximum(rise, 0).sum()), float(np.maximum(-rise, 0).sum()))


def pit_floor(area: BaseGeometry, x: Floats, y: Floats, level_m: float, batter: float) -> Floats:
    """Return the elevation of a pit's surface: its level floor under the area, and around it slopes that go `batter` metres out for
    each metre up (infinitely high where the batter is 0)."""
    shapely.prepare(area)
    away = shapely.distance(area, shapely.points(x, y))
    with np.errstate(divide="ignore", invalid="ignore"):
        return level_m + np.where(away > TOUCH_M, away / batter, 0.0)
