"""Rasters of a coverage, opened at the resolution that is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.io import DatasetReader

from layers.coverages import coverage_view
from layers.crs import make_crs, transformer
from layers.layer import Layer
from layers.store import Store

__all__ = ["SAMPLED_CELLS", "BandFacts", "Raster", "Rasters", "band_facts", "base_file", "describe_file", "describe_raster", "open_for", "rasters_of"]

Envelope = tuple[float, float, float, float]
Span = tuple[datetime | None, datetime | None]
# Statistics are taken from about so many cells, evenly spread.
SAMPLED_CELLS = 1_000_000


@dataclass(frozen=True)
class BandFacts:
    """What is known of a band: type, extremes, mean, and the 2nd and 98th percentile that a picture is stretched between."""

    dtype: str
    minimum: float
    maximum: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Raster:
    """A file of a coverage as reading needs it.

    `mark` changes when the content does. `grid` is what maps cells to places: (a, b, c, d, e, f) of the affine
    transformation in EPSG `srid`, x east first. `overviews` are the factors the file is kept at beside its own.
    """

    path: str
    mark: str
    srid: int
    grid: tuple[float, float, float, float, float, float]
    width: int
    height: int
    overviews: tuple[int, ...]
    bands: tuple[BandFacts, ...]
    envelope: Envelope
    valid: Span = (None, None)
    attribution: str | None = None

    @property
    def cell(self) -> float:
        """Return the side of a cell in units of the CRS."""
        a, b, _, d, e, _ = self.grid
        return math.sqrt(abs(a * e - b * d))

    @property
    def native_zoom(self) -> int:
        """Return the Web Mercator zoom (tiles of 256 pixels) whose pixels are no larger than the cells."""
        middle = math.radians((self.envelope[1] + self.envelope[3]) / 2)
        wide = self.cell * 111_319.49 if make_crs(self.srid).is_geographic else self.cell / math.cos(middle)
        return min(22, max(0, math.ceil(math.log2(156_543.03 / wide) - 0.1)))

    def meets(self, box: Envelope) -> bool:
        """May the raster have anything within a rectangle in CRS84?"""
        # A rectangle from another system is a little off at its edges.
        edge = 1e-6
        e = self.envelope
        return box[0] <= e[2] + edge and box[2] >= e[0] - edge and box[1] <= e[3] + edge and box[3] >= e[1] - edge


@dataclass(frozen=True)
class Rasters:
    """The rasters that show a coverage, the topmost first; the snapshot's changeset; what tells this set from another."""

    files: tuple[Raster, ...]
    seq: int
    mark: str = ""


def base_file(var: Path, layer: Layer) -> Path | None:
    """Return the file that a coverage's definition names, below the city's own folder; None where there is none (yet)."""
    source = (layer.coverage or {}).get("source")
    if layer.kind != "coverage" or not isinstance(source, str):
        return None
    path = (var / source).resolve()
    return path if path.is_relative_to(var.resolve()) and path.is_file() else None


def rasters_of(store: Store, var: Path, layer: Layer, at: datetime | None = None, interval: Span | None = None,
               known_at: int | None = None) -> Rasters:
    """Return what shows a coverage at a moment (or in an interval) of valid time, now without one.

    The file that the definition names shows it at all times as long as no file was ever added.
    """
    view = coverage_view(store, layer.id, at, interval, known_at)
    if view.has_files:
        found = [raster for file in view.files if (path := _below(var, file.path)) is not None
                 and (raster := _kept(path, file.facts, file.envelope, (file.valid_from, file.valid_to))) is not None]
        return Rasters(tuple(found), view.seq)
    base = base_file(var, layer)
    if base is None:
        return Rasters((), view.seq)
    raster = describe_file(base)
    return Rasters((raster,) if raster else (), view.seq, raster.mark if raster else "")


def describe_file(path: Path) -> Raster | None:
    """Describe a raster file; None where it cannot be placed. What was found is remembered as long as the file stays as it is."""
    state = path.stat()
    return _described(str(path), state.st_mtime_ns, state.st_size)


def _below(var: Path, name: str) -> Path | None:
    path = (var / name).resolve()
    return path if path.is_relative_to(var.resolve()) and path.is_file() else None


def _kept(path: Path, facts: dict[str, Any], envelope: Envelope, valid: Span) -> Raster | None:
    """Make a raster from what its intake noted."""
    return Raster(str(path), path.name, facts["srid"], tuple(facts["grid"]), facts["width"], facts["height"],
                  tuple(facts["overviews"]), tuple(BandFacts(**band) for band in facts["bands"]), envelope, valid, facts.get("attribution"))


@lru_cache(maxsize=64)
def _described(path: str, modified_ns: int, size: int) -> Raster | None:
    """Describe a file that nobody took in; None where it cannot be placed."""
    with rasterio.open(path) as source:
        described = describe_raster(source, path, f"{modified_ns:x}-{size:x}")
    return described


def describe_raster(source: DatasetReader, path: str, mark: str) -> Raster | None:
    """Describe an open raster, with statistics of some of its cells; None where its CRS has no EPSG code."""
    srid = source.crs.to_epsg() if source.crs else None
    if srid is None:
        return None
    t = source.transform
    corners = [(t.a * col + t.b * row + t.c, t.d * col + t.e * row + t.f) for col in (0, source.width) for row in (0, source.height)]
    bounds = min(x for x, _ in corners), min(y for _, y in corners), max(x for x, _ in corners), max(y for _, y in corners)
    envelope = transformer(srid, 4326).transform_bounds(*bounds)
    step = max(1, math.ceil(math.sqrt(source.width * source.height / SAMPLED_CELLS)))
    shape = (math.ceil(source.height / step), math.ceil(source.width / step))
    bands = tuple(band_facts(source.dtypes[n - 1], [source.read(n, out_shape=shape, masked=True)]) for n in source.indexes)
    return Raster(path, mark, srid, (t.a, t.b, t.c, t.d, t.e, t.f), source.width, source.height, tuple(source.overviews(1)), bands, envelope)


def band_facts(dtype: str, samples: Sequence[np.ndarray]) -> BandFacts:
    """Return the statistics of some cells of a band; zeros where none of them has a value."""
    parts = [np.ma.masked_invalid(part).compressed().astype("float64") for part in samples]
    values = np.concatenate(parts) if parts else np.zeros(0)
    if not values.size:
        return BandFacts(dtype, 0.0, 0.0, 0.0, 0.0, 0.0)
    low, high = np.percentile(values, (2, 98))
    return BandFacts(dtype, float(values.min()), float(values.max()), float(values.mean()), float(low), float(high))


@lru_cache(maxsize=4096)
def _level(raster: Raster, srid: int, pixel: float) -> int | None:
    """Return which overview serves pixels of a size in a CRS; None for the file's own cells.

    It is decided at the middle of the file, so that tiles that lie side by side are made from the same cells.
    """
    a, b, c, d, e, f = raster.grid
    col, row = raster.width / 2, raster.height / 2
    x, y = a * col + b * row + c, d * col + e * row + f
    there = transformer(raster.srid, srid).transform(x, y)
    xs, ys = transformer(srid, raster.srid).transform([there[0], there[0] + pixel, there[0]], [there[1], there[1], there[1] + pixel])
    side = math.sqrt(abs((xs[1] - xs[0]) * (ys[2] - ys[0]) - (xs[2] - xs[0]) * (ys[1] - ys[0])))
    if not math.isfinite(side):
        return None
    fitting = [n for n, factor in enumerate(raster.overviews) if factor * raster.cell <= side * 1.001]
    return fitting[-1] if fitting else None


def open_for(raster: Raster, srid: int, pixel: float) -> DatasetReader:
    """Open a raster for pixels of a size in a CRS: the coarsest of its overviews that is fine enough, seen as a raster of its own."""
    level = _level(raster, srid, pixel)
    return rasterio.open(raster.path) if level is None else rasterio.open(raster.path, OVERVIEW_LEVEL=level)
