"""Contour lines of a tile, as a Mapbox vector tile with the layer `contour`."""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator

from tiles.heights import HeightField

__all__ = ["INDEX_EVERY", "INTERVALS_M", "LAYER", "MIN_ZOOM", "contour_tile", "interval_m"]

Box = tuple[float, float, float, float]
LAYER, UNITS = "contour", 4096
# Nodes of the grid lie this many units apart, so that the last node of a tile is the first of the next.
NODE = 32
# How far lines are drawn beyond the tile's edge, in nodes.
MARGIN = 2
# From which zoom on contours lie this many metres apart.
INTERVALS_M = ((9, 100.0), (11, 50.0), (12, 20.0), (13, 10.0), (14, 5.0), (16, 2.0), (17, 1.0))
MIN_ZOOM = INTERVALS_M[0][0]
# Each fifth line is an index contour, which maps draw wider and letter.
INDEX_EVERY = 5
MOST_LINES = 20_000


def interval_m(zoom: int) -> float | None:
    """Return how many metres apart the contours of a zoom are; None below MIN_ZOOM."""
    fitting = [metres for since, metres in INTERVALS_M if since <= zoom]
    return fitting[-1] if fitting else None


def contour_tile(field: HeightField, box: Box, srid: int, zoom: int) -> bytes:
    """Return the contours of a tile: lines with `elevation` (metres) and `index` (true on each fifth); empty where there are none.

    They are found on a grid whose nodes lie on the tile's own edge, from the same heights as the neighbour's, and so go on there.
    """
    interval = interval_m(zoom)
    if interval is None:
        return b""
    count = UNITS // NODE
    steps = np.arange(-MARGIN, count + MARGIN + 1)
    side = (box[2] - box[0]) / count
    heights = field.grid(box[0] + steps * side, box[3] - steps * side, srid, side)
    known = heights[~np.isnan(heights)]
    if not known.size:
        return b""
    first, last = np.ceil(known.min() / interval), np.floor(known.max() / interval)
    # A level that is a node's own height would make knots there.
    raised = np.where(np.isclose(np.mod(heights, interval), 0, atol=1e-9), heights + 1e-6, heights)
    found = contour_generator(x=steps * NODE, y=steps * NODE, z=np.ma.masked_invalid(raised), name="serial")
    lines: list[tuple[np.ndarray, float]] = []
    for n in range(int(first), int(last) + 1):
        lines += [(line, n * interval) for line in found.lines(n * interval)]
        if len(lines) > MOST_LINES:
            break           # a raster of noise, not of ground
    return _tile(lines, interval) if lines else b""


def _tile(lines: list[tuple[np.ndarray, float]], interval: float) -> bytes:
    """Write a tile of one layer (Mapbox Vector Tile 2.1)."""
    levels = sorted({level for _, level in lines})
    values = {level: n for n, level in enumerate(levels)}
    yes, no = len(levels), len(levels) + 1
    features = []
    for line, level in lines:
        geometry = _line(np.round(line).astype(int))
        if geometry:
            is_index = round(level / interval) % INDEX_EVERY == 0
            tags = bytes([0]) + _varint(values[level]) + bytes([1]) + _varint(yes if is_index else no)
            features.append(_field(2, _field(2, tags) + b"\x18\x02" + _field(4, geometry)))
    if not features:
        return b""
    keys = _field(3, b"elevation") + _field(3, b"index")
    numbers = b"".join(_field(4, b"\x19" + np.float64(level).tobytes()) for level in levels)
    layer = _field(1, LAYER.encode()) + b"".join(features) + keys + numbers + _field(4, b"\x38\x01") + _field(4, b"\x38\x00")
    return _field(3, layer + b"\x28" + _varint(UNITS) + b"\x78\x02")


def _line(points: np.ndarray) -> bytes:
    """Write a line as MVT commands: move to its first point, then lines; points that fall together count once."""
    moved = np.concatenate([[True], (np.diff(points, axis=0) != 0).any(axis=1)])
    points = points[moved]
    if len(points) < 2:
        return b""
    steps = np.diff(points, axis=0, prepend=[[0, 0]])
    zigzag = (steps << 1) ^ (steps >> 63)
    return _varints([9, *zigzag[0], (len(points) - 1) << 3 | 2, *zigzag[1:].ravel()])


def _varints(numbers: list[int]) -> bytes:
    return b"".join(_varint(int(n)) for n in numbers)


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def _field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(body)) + body
