"""Terrain as pictures: heights written into colours (Terrarium, Mapbox), and the shade of hills."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from layers.crs import make_crs
from tiles.heights import HeightField

__all__ = ["ENCODINGS", "TILE_PX", "decode_heights", "encode_heights", "hillshade", "tile_heights"]

Box = tuple[float, float, float, float]
TILE_PX = 256
ENCODINGS = ("terrarium", "mapbox")
# A degree of latitude, and one of longitude at the equator, in metres: near enough for the shade of a slope.
DEGREE_LAT_M, DEGREE_LON_M = 110_574.0, 111_320.0


def tile_heights(field: HeightField, box: Box, srid: int, pixels: int = TILE_PX, border: int = 0, filled: bool = False) -> np.ndarray:
    """Return the heights at the middles of a tile's pixels, from the north-west, with `border` pixels more at each side.

    A pixel of the border has the height that the neighbour's tile has there: it is asked of the same place.
    """
    side = (box[2] - box[0]) / pixels
    steps = np.arange(-border, pixels + border) + 0.5
    xs, ys = box[0] + steps * side, box[3] - steps * side
    return field.filled(xs, ys, srid, side) if filled else field.grid(xs, ys, srid, side)


def encode_heights(heights: np.ndarray, encoding: str, form: str = "png") -> bytes:
    """Write heights in metres into the colours of a lossless picture.

    Terrarium: height = red * 256 + green + blue / 256 - 32768, to 4 mm. Mapbox: height = -10000 + 0.1 * (red * 65536 +
    green * 256 + blue). Neither knows a place without height.
    """
    if encoding == "terrarium":
        units = np.clip(np.round((heights + 32768.0) * 256), 0, 2**24 - 1).astype("uint32")
    else:
        units = np.clip(np.round((heights + 10_000.0) * 10), 0, 2**24 - 1).astype("uint32")
    pixels = np.stack([units >> 16, units >> 8 & 255, units & 255], axis=-1).astype("uint8")
    to = io.BytesIO()
    if form == "webp":
        Image.fromarray(pixels).save(to, "WEBP", lossless=True, quality=30, method=1, exact=True)
    else:
        Image.fromarray(pixels).save(to, "PNG", compress_level=3)
    return to.getvalue()


def decode_heights(body: bytes, encoding: str) -> np.ndarray:
    """Read heights from such a picture."""
    pixels = np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype("float64")
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    if encoding == "terrarium":
        return red * 256 + green + blue / 256 - 32768
    return -10_000 + 0.1 * (red * 65536 + green * 256 + blue)


def hillshade(field: HeightField, box: Box, srid: int, pixels: int = TILE_PX, azimuth_deg: float = 315, altitude_deg: float = 45) -> np.ndarray | None:
    """Draw the shade of a tile's hills as (pixels, pixels, 4) bytes: grey, transparent where there is no height. None where there is none.

    The slope is Horn's, from the eight pixels around; light comes from an azimuth (clockwise from north) at an altitude. Grey is
    255 times the cosine of the angle between the light and the ground's upright.
    """
    heights = tile_heights(field, box, srid, pixels, border=1)
    if np.isnan(heights[1:-1, 1:-1]).all():
        return None
    side = (box[2] - box[0]) / pixels
    rows = box[3] - (np.arange(pixels) + 0.5) * side
    east_m, north_m = (v[:, None] for v in _metres(rows, side, srid))
    # At an edge of the model a missing neighbour counts as level ground.
    middle = heights[1:-1, 1:-1]
    around = {(i, j): np.where(np.isnan(part := heights[1 + i:pixels + 1 + i, 1 + j:pixels + 1 + j]), middle, part)
              for i in (-1, 0, 1) for j in (-1, 0, 1)}
    east = ((around[-1, 1] + 2 * around[0, 1] + around[1, 1]) - (around[-1, -1] + 2 * around[0, -1] + around[1, -1])) / (8 * east_m)
    north = ((around[-1, -1] + 2 * around[-1, 0] + around[-1, 1]) - (around[1, -1] + 2 * around[1, 0] + around[1, 1])) / (8 * north_m)
    azimuth, altitude = np.radians(azimuth_deg), np.radians(altitude_deg)
    light = np.sin(azimuth) * np.cos(altitude), np.cos(azimuth) * np.cos(altitude), np.sin(altitude)
    shade = (-east * light[0] - north * light[1] + light[2]) / np.sqrt(1 + east**2 + north**2)
    grey = np.clip(np.round(np.nan_to_num(shade) * 255), 0, 255).astype("uint8")
    opaque = np.where(np.isnan(middle), 0, 255).astype("uint8")
    return np.stack([np.where(opaque, grey, 0)] * 3 + [opaque], axis=-1).astype("uint8")


def _metres(rows: np.ndarray, side: float, srid: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many metres a pixel is wide and high on the ground, for each row of a grid."""
    if srid == 3857:
        ground = side / np.cosh(rows / 6_378_137.0)
        return ground, ground
    if make_crs(srid).is_geographic:
        return side * DEGREE_LON_M * np.cos(np.radians(rows)), np.full(len(rows), side * DEGREE_LAT_M)
    return np.full(len(rows), side), np.full(len(rows), side)
