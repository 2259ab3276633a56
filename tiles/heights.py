"""Heights: the elevation at any place, from the cells around it.

A height is a function of the place and the size of the pixel that it stands for, and of nothing else: whatever tile, line or
mesh asks, the same place has the same height, and tiles meet without a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from layers.crs import is_same_place, make_crs, transformer
from tiles.coverages import Raster, Rasters, open_for

__all__ = ["HeightField"]

Array = np.ndarray
# A window of so many cells is read at once; where places lie further apart, blocks of BLOCK cells are read.
WINDOW_CELLS, BLOCK = 4_000_000, 256


@dataclass(frozen=True)
class HeightField:
    """The heights of a coverage: those of its topmost raster that has one at a place.

    `band` counts from 1. Heights are metres over the city's vertical datum; where there is none they are NaN.
    """

    rasters: Rasters
    band: int = 1

    @property
    def cell_m(self) -> float:
        """Return the side of the finest raster's cells in metres, about."""
        sides = [r.cell * (111_320 * math.sqrt(math.cos(math.radians((r.envelope[1] + r.envelope[3]) / 2)))
                           if make_crs(r.srid).is_geographic else 1) for r in self.rasters.files]
        return min(sides, default=30.0)

    @property
    def mean_m(self) -> float:
        """Return the mean height: what stands in for a height where a mesh or a picture must have one."""
        means = [r.bands[self.band - 1].mean for r in self.rasters.files]
        return float(np.mean(means)) if means else 0.0

    def at(self, x: Array, y: Array, srid: int, pixel: float = 0.0) -> Array:
        """Return the heights of places (x east, in EPSG `srid`), bilinear between the middles of cells; NaN where there is none.

        `pixel` is the size, in units of the CRS, of what a height stands for: overviews answer for large ones.
        """
        x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        heights = np.full(x.shape, np.nan)
        for raster in self._near(x, y, srid):
            missing = np.isnan(heights)
            if not missing.any():
                break
            px, py = (x[missing], y[missing])
            if not is_same_place(srid, raster.srid):
                px, py = transformer(srid, raster.srid).transform(px, py)
            px, py = np.asarray(px), np.asarray(py)
            # What cannot be expressed in the raster's CRS lies nowhere in it.
            placed = np.isfinite(px) & np.isfinite(py)
            found = np.full(px.shape, np.nan)
            with open_for(raster, srid, pixel) as source:
                found[placed] = _bilinear(source, self.band, *_cells(source, px[placed], py[placed]))
            heights[missing] = found
        return heights

    def grid(self, xs: Array, ys: Array, srid: int, pixel: float) -> Array:
        """Return the heights of a grid (rows of `ys`, columns of `xs`), as `at` does for its places, only faster."""
        rasters = self._near(xs, ys, srid)
        if not all(_is_straight(srid, raster) for raster in rasters):
            return self.at(xs[None, :], ys[:, None], srid, pixel)
        heights = np.full((len(ys), len(xs)), np.nan)
        for raster in rasters:
            step = transformer(srid, raster.srid).transform
            lon, lat = (xs, ys) if is_same_place(srid, raster.srid) else (step(xs, np.full_like(xs, ys[0]))[0], step(np.full_like(ys, xs[0]), ys)[1])
            with open_for(raster, srid, pixel) as source:
                col, row = _cells(source, np.asarray(lon), np.full(len(lon), lat[0]))[0], _cells(source, np.full(len(lat), lon[0]), np.asarray(lat))[1]
                found = _bilinear_grid(source, self.band, col, row)
            heights = np.where(np.isnan(heights), found, heights)
            if not np.isnan(heights).any():
                break
        return heights

    def filled(self, xs: Array, ys: Array, srid: int, pixel: float) -> Array:
        """Return the heights of a grid without holes: voids have those of coarser overviews, and the mean height beyond."""
        heights = self.grid(xs, ys, srid, pixel)
        factors = {factor for raster in self.rasters.files for factor in raster.overviews}
        for n in range(1, len(factors) + 1):
            if not np.isnan(heights).any():
                return heights
            coarser = self.grid(xs, ys, srid, pixel * 2**n)
            heights = np.where(np.isnan(heights), coarser, heights)
        return np.where(np.isnan(heights), self.mean_m, heights)

    def _near(self, x: Array, y: Array, srid: int) -> list[Raster]:
        """Return the rasters that may have a height at some of these places."""
        here, there = np.isfinite(x), np.isfinite(y)
        if not (here.any() and there.any()):
            return []
        box = transformer(srid, 4326).transform_bounds(x[here].min(), y[there].min(), x[here].max(), y[there].max())
        return [raster for raster in self.rasters.files if raster.meets(box)]


def _is_straight(srid: int, raster: Raster) -> bool:
    """Are meridians and parallels straight in both systems, and the cells along them? Then columns and rows are apart."""
    return raster.grid[1] == raster.grid[3] == 0 and (
        srid == raster.srid or (make_crs(raster.srid).is_geographic and (srid == 3857 or make_crs(srid).is_geographic)))


def _cells(source: DatasetReader, x: Array, y: Array) -> tuple[Array, Array]:
    """Return columns and rows of places, counted from the middle of the first cell."""
    inverse = ~source.transform
    return inverse.a * x + inverse.b * y + inverse.c - 0.5, inverse.d * x + inverse.e * y + inverse.f - 0.5


def _inside(at: Array, count: int) -> Array:
    # Half a cell at the edge lies in no four cells: it has the edge's height. A hair more is rounding.
    return (at >= -0.5 - 1e-6) & (at <= count - 0.5 + 1e-6)


def _read(source: DatasetReader, band: int, col: int, row: int, width: int, height: int) -> Array:
    cells = source.read(band, window=Window(col, row, width, height), masked=True)
    return np.ma.masked_invalid(cells.astype("float64")).filled(np.nan)


def _bilinear_grid(source: DatasetReader, band: int, col: Array, row: Array) -> Array:
    heights = np.full((len(row), len(col)), np.nan)
    cols, rows = np.flatnonzero(_inside(col, source.width)), np.flatnonzero(_inside(row, source.height))
    if not (len(cols) and len(rows)):
        return heights
    c, r = np.clip(col[cols], 0, source.width - 1), np.clip(row[rows], 0, source.height - 1)
    c0, r0 = np.minimum(np.floor(c).astype(int), max(source.width - 2, 0)), np.minimum(np.floor(r).astype(int), max(source.height - 2, 0))
    left, top = c0.min(), r0.min()
    wide, high = min(c0.max() + 2, source.width) - left, min(r0.max() + 2, source.height) - top
    if wide * high > WINDOW_CELLS:
        heights[np.ix_(rows, cols)] = _bilinear(source, band, np.broadcast_to(col[cols], (len(rows), len(cols))).ravel(),
                                                np.repeat(row[rows], len(cols))).reshape(len(rows), len(cols))
        return heights
    cells = _read(source, band, left, top, wide, high)
    i, j = c0 - left, r0 - top
    i1, j1 = np.minimum(i + 1, wide - 1), np.minimum(j + 1, high - 1)
    heights[np.ix_(rows, cols)] = _mixed(cells[np.ix_(j, i)], cells[np.ix_(j, i1)], cells[np.ix_(j1, i)], cells[np.ix_(j1, i1)],
                                         (c - c0)[None, :], (r - r0)[:, None])
    return heights


def _bilinear(source: DatasetReader, band: int, col: Array, row: Array) -> Array:
    heights = np.full(col.shape, np.nan)
    chosen = np.flatnonzero(_inside(col, source.width) & _inside(row, source.height))
    if not len(chosen):
        return heights
    c, r = np.clip(col[chosen], 0, source.width - 1), np.clip(row[chosen], 0, source.height - 1)
    c0, r0 = np.minimum(np.floor(c).astype(int), max(source.width - 2, 0)), np.minimum(np.floor(r).astype(int), max(source.height - 2, 0))
    is_near = (np.ptp(c0) + 2) * (np.ptp(r0) + 2) <= WINDOW_CELLS
    block = np.zeros(len(chosen), dtype=int) if is_near else (r0 // BLOCK) * (source.width // BLOCK + 1) + c0 // BLOCK
    for one in np.unique(block):
        here = block == one
        left, top = c0[here].min(), r0[here].min()
        wide, high = min(c0[here].max() + 2, source.width) - left, min(r0[here].max() + 2, source.height) - top
        cells = _read(source, band, left, top, wide, high)
        i, j = c0[here] - left, r0[here] - top
        i1, j1 = np.minimum(i + 1, wide - 1), np.minimum(j + 1, high - 1)
        heights[chosen[here]] = _mixed(cells[j, i], cells[j, i1], cells[j1, i], cells[j1, i1], c[here] - c0[here], r[here] - r0[here])
    return heights


def _mixed(a: Array, b: Array, c: Array, d: Array, u: Array, v: Array) -> Array:
    """Mix four cells; beside a void the others count alone, and a place whose own cell is void has no height."""
    parts = np.stack([a, b, c, d])
    shares = np.stack(np.broadcast_arrays((1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v))
    void = np.isnan(parts)
    if not void.any():
        return (parts * shares).sum(axis=0)
    own = np.take_along_axis(void, shares.argmax(axis=0)[None], axis=0)[0]
    known = np.where(void, 0.0, shares).sum(axis=0)
    mixed = np.where(void, 0.0, parts * shares).sum(axis=0)
    return np.where(own | (known <= 0), np.nan, mixed / np.where(known > 0, known, 1))
