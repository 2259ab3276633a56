"""The ground: elevations of a raster at places, for features that do not say how high they stand."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from layers.crs import transformer

__all__ = ["Ground"]

Floats = NDArray[np.float64]


class Ground:
    """Elevations of a raster file (metres, the city's vertical datum); without a file, and outside of it, 0.

    A file is read once and again when it has changed.
    """

    def __init__(self, path: Path | None = None, band: int = 1) -> None:
        self.path, self.band = path, band

    def heights(self, lon: Floats, lat: Floats) -> Floats:
        """Return the elevation of the cell that each place (degrees) lies in."""
        if self.path is None or not len(lon):
            return np.zeros(len(lon))
        values, inverse, srid = _raster(self.path, self.band, self.path.stat().st_mtime_ns)
        x, y = transformer(4326, srid).transform(lon, lat) if srid != 4326 else (lon, lat)
        column, row = (np.floor(v).astype(np.int64) for v in inverse * (np.asarray(x), np.asarray(y)))
        inside = (column >= 0) & (row >= 0) & (column < values.shape[1]) & (row < values.shape[0])
        found = np.zeros(len(lon))
        found[inside] = values[row[inside], column[inside]]
        return np.where(np.isfinite(found), found, 0.0)


@lru_cache(maxsize=2)
def _raster(path: Path, band: int, _changed_ns: int) -> tuple[Floats, rasterio.Affine, int]:
    with rasterio.open(path) as source:
        values = source.read(band, masked=True).astype(np.float64).filled(np.nan)
        return values, ~source.transform, source.crs.to_epsg() or 4326
