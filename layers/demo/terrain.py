"""The ground of the demo city: a plain that falls to the south-east, hills in the west, one hill made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_bounds

from layers.demo.frame import Frame

__all__ = ["MADE_HILL", "foot_of_hills", "gorge", "ground_m", "hilliness", "write_dem"]

MADE_HILL = (0.0, 1900.0)
# Directions, wave lengths (m) and phases of the ridges; fixed, so that every part of the city agrees on the ground.
_WAVES = np.array([(0.35, 5200, 0.4), (1.1, 3900, 2.1), (2.0, 2600, 4.0), (0.7, 1900, 1.2), (1.6, 1300, 5.3),
                   (2.6, 900, 0.9), (0.2, 620, 3.3), (1.3, 430, 2.7)])


def foot_of_hills(y: np.ndarray) -> np.ndarray:
    """Return the x (local metres) where the hills begin, for each y."""
    return -12_700 + 850 * np.sin(y / 3500 + 1.0) + 420 * np.sin(y / 1450 + 2.0) - 0.05 * y


def gorge(x: np.ndarray) -> np.ndarray:
    """Return the y (local metres) of the river where it runs through the hills, for each x."""
    return 4200 + 420 * np.sin(x / 830)


def hilliness(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return metres behind the foot of the hills (negative in the plain)."""
    return foot_of_hills(y) - x


def ground_m(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the ground elevation in metres at local points."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    plain = 45 - 0.0011 * x + 0.0006 * y + 0.5 * np.sin(x / 1700 + 0.3) * np.cos(y / 2100)
    inside = np.maximum(hilliness(x, y), 0)
    ridge = np.zeros(np.broadcast(x, y).shape)
    for angle, length, phase in _WAVES:
        along = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / length + phase
        ridge += (length / 5200) ** 0.9 * (1 - np.abs(np.sin(along / 2 + 0.6 * np.sin(along / 3.1))))
    rise = 1 - np.exp(-((inside / 2600) ** 1.5))
    hills = rise * (150 + 190 * ridge) * (0.85 + 0.3 * np.clip(y / 15000, -1, 1))
    # The river leaves the hills through a gorge.
    hills *= 1 - 0.96 * np.exp(-(((y - gorge(x)) / 420) ** 2))
    made = 44 * np.exp(-(((x - MADE_HILL[0]) / 190) ** 2 + ((y - MADE_HILL[1]) / 75) ** 2))
    return plain + hills + made


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
