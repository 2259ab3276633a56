"""The ground of the demo city: a plain that falls to the south-east, hills in the west, one hill made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_bounds

from layers.demo.frame import Frame

__all__ = ["MADE_HILL", "foot_of_hills", "gorge", "ground_m", "hilliness", "write_dem"]

MADE_HILL = (0.0, 1900.0)
# Wave length (m) and weight of each octave of the ridges, on one fixed lattice, so that every part of the city agrees on
# the ground.
_OCTAVES = ((4600.0, 1.0), (2300.0, 0.6), (1150.0, 0.34), (620.0, 0.16), (300.0, 0.14), (150.0, 0.05))
_LATTICE = np.random.default_rng(1985).random((128, 128))


def foot_of_hills(y: np.ndarray) -> np.ndarray:
    """Return the x (local metres) where the hills begin, for each y."""
    return -12_700 + 850 * np.sin(y / 3500 + 1.0) + 420 * np.sin(y / 1450 + 2.0) - 0.05 * y


def gorge(x: np.ndarray) -> np.ndarray:
    """Return the y (local metres) of the river where it runs through the hills, for each x."""
    return 4200 + 420 * np.sin(x / 830)


def hilliness(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return metres behind the foot of the hills (negative in the plain)."""
    return foot_of_hills(y) - x


def _noise(x: np.ndarray, y: np.ndarray, length_m: float, octave: int) -> np.ndarray:
    """Return smooth noise between 0 and 1 (lattice values, joined by a quintic)."""
    # Each octave is turned a little, or the lattice would show.
    cos, sin = np.cos(0.6 + octave), np.sin(0.6 + octave)
    u, v = (x * cos - y * sin) / length_m + 31.7 * octave, (x * sin + y * cos) / length_m + 17.3 * octave
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    a, b = u - i, v - j
    a, b = a**3 * (a * (a * 6 - 15) + 10), b**3 * (b * (b * 6 - 15) + 10)
    at = _LATTICE[i % 128, j % 128], _LATTICE[(i + 1) % 128, j % 128], _LATTICE[i % 128, (j + 1) % 128], _LATTICE[(i + 1) % 128, (j + 1) % 128]
    return (at[0] * (1 - a) + at[1] * a) * (1 - b) + (at[2] * (1 - a) + at[3] * a) * b


def _hills(x: np.ndarray, y: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the height of the hills over the plain, `inside` metres behind their foot."""
    warp_x = x + 500 * (_noise(x, y, 2100, 9) - 0.5)
    warp_y = y + 500 * (_noise(x, y, 2100, 12) - 0.5)
    ridge, carve = np.zeros(len(x)), np.ones(len(x))
    for n, (length, weight) in enumerate(_OCTAVES):
        wave = _noise(warp_x, warp_y, length, n)
        crest = (1 - np.abs(2 * wave - 1)) ** 2 if length > 600 else wave       # small forms are rounded
        ridge += weight * crest * carve
        carve = np.clip(crest * 1.4, 0.15, 1)       # valleys stay smooth, crests grow spurs
    rise = 1 - np.exp(-((inside / 2700) ** 1.4))
    height = rise * (40 + 380 * ridge) * (0.85 + 0.3 * np.clip(y / 15000, -1, 1))
    # The river leaves the hills through a gorge.
    return height * (1 - 0.96 * np.exp(-(((y - gorge(x)) / 420) ** 2)))


def ground_m(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the ground elevation in metres at local points."""
    x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    ground = 45 - 0.0011 * x + 0.0006 * y + 0.5 * np.sin(x / 1700 + 0.3) * np.cos(y / 2100)
    ground = ground + 44 * np.exp(-(((x - MADE_HILL[0]) / 190) ** 2 + ((y - MADE_HILL[1]) / 75) ** 2))
    inside = hilliness(x, y)
    behind = inside > 0
    if behind.any():
        ground = np.array(ground)
        ground[behind] += _hills(x[behind], y[behind], inside[behind])
    return ground


def write_dem(frame: Frame, path: Path, step_deg: float = 1 / 3600) -> Path:
    """Write the ground as a tiled GeoTIFF of one arc second over the extent, in CRS84 order of EPSG:4490 or 4326.

    Returns the path. Elevations are metres of the city's vertical datum, to a centimetre.
    """
    minx, miny, maxx, maxy = frame.city.extent
    width, height = round((maxx - minx) / step_deg), round((maxy - miny) / step_deg)
    lon = minx + (np.arange(width) + 0.5) * (maxx - minx) / width
    lat = maxy - (np.arange(height) + 0.5) * (maxy - miny) / height
    points = frame.from_lonlat(np.stack(np.meshgrid(lon, lat), axis=-1).reshape(-1, 2))
    values = ground_m(points[:, 0], points[:, 1]).reshape(height, width).round(2).astype("float32")
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=1, dtype="float32",
                       crs=rasterio.crs.CRS.from_epsg(frame.city.storage_srid if frame.city.storage_srid in (4326, 4490) else 4326),
                       transform=from_bounds(minx, miny, maxx, maxy, width, height), nodata=-9999, tiled=True,
                       blockxsize=256, blockysize=256, compress="deflate", predictor=3) as out:
        out.write(values, 1)
        out.build_overviews([2, 4, 8], rasterio.enums.Resampling.average)
        out.set_band_description(1, "elevation_m")
    return path
