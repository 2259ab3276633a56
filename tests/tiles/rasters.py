"""Rasters made by formula, so that every answer is known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin

from layers.crs import transformer
from tiles.coverages import Raster, Rasters, describe_raster
from tiles.grid import TileAddress

HALF = 20037508.342789244
# Metres in EPSG:4548 around the middle of the city.
EAST, NORTH = 448_000.0, 4_428_000.0


def write(path: Path, cells: np.ndarray, crs: str, west: float, north: float, cell: float, overviews: tuple[int, ...] = (),
          **profile: Any) -> Path:
    """Write cells of (bands, rows, columns) as a tiled GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", driver="GTiff", width=cells.shape[2], height=cells.shape[1], count=cells.shape[0], dtype=cells.dtype, crs=crs,
                       transform=from_origin(west, north, cell, cell), **profile) as made:
        made.write(cells)
        if overviews:
            made.build_overviews(list(overviews), rasterio.enums.Resampling.average)
    return path


def plane(path: Path, height: Callable[[np.ndarray, np.ndarray], np.ndarray], cell: float = 10.0, count: int = 400,
          overviews: tuple[int, ...] = (2, 4), dtype: str = "float64", **profile: Any) -> Path:
    """Write heights by formula of (east, north) in EPSG:4548, `count` cells to each side of the city's middle."""
    west, north = EAST - cell * count, NORTH + cell * count
    x = west + (np.arange(2 * count) + 0.5) * cell
    y = north - (np.arange(2 * count) + 0.5) * cell
    cells = np.broadcast_to(height(x[None, :], y[:, None]), (2 * count, 2 * count)).astype(dtype)
    return write(path, cells[None], "EPSG:4548", west, north, cell, overviews, **profile)


def read(*paths: Path) -> Rasters:
    """Describe files as the rasters of a coverage, the topmost first."""
    found: list[Raster] = []
    for path in paths:
        with rasterio.open(path) as source:
            raster = describe_raster(source, str(path), path.name)
        assert raster is not None
        found.append(raster)
    return Rasters(tuple(found), 0)


def tile_at(z: int, lon: float, lat: float) -> TileAddress:
    x, y = transformer(4326, 3857).transform(lon, lat)
    side = 2 * HALF / 2**z
    return TileAddress(z, int((x + HALF) / side), int((HALF - y) / side))
