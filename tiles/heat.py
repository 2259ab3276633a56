"""Heat as MapLibre draws it: the same kernel and the same colours, for paper.

Density at a pixel is the sum over points of `weight · 0.3989 · exp(-4.5 · (d / radius)²)`, d its distance from the point (MapLibre's shader
`heatmap`); colours are those of the style specification's default for `heatmap-color`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["STOPS", "evenly", "heat"]

# Density, then colour and opacity; between stops each channel is interpolated.
STOPS = ((0.0, (0, 0, 255, 0.0)), (0.1, (65, 105, 225, 1.0)), (0.3, (0, 255, 255, 1.0)), (0.5, (0, 255, 0, 1.0)),
         (0.7, (255, 255, 0, 1.0)), (1.0, (255, 0, 0, 1.0)))
_PEAK, _FALL = 0.3989422804014327, 4.5
# Where the kernel of a full weight is below what a screen can show.
_REACH = 1.3


def heat(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64], width: int, height: int, radius: float) -> NDArray[np.uint8]:
    """Return a picture (height, width, 4: red, green, blue, opacity) of points.

    Parameters
    ----------
    x, y
        Pixels from the upper left corner, x to the right; points outside reach into the picture as far as the kernel does.
    weights
        0 to 1.
    radius
        MapLibre's `heatmap-radius`, in pixels of the picture.

    >>> int(heat(np.array([]), np.array([]), np.array([]), 4, 3, 26).max(initial=0, where=[False, False, False, True]))
    0
    """
    reach = int(np.ceil(radius * _REACH))
    summed = np.zeros((height + 2 * reach, width + 2 * reach), dtype=np.float32)
    column, row = np.floor(x).astype(np.int64) + reach, np.floor(y).astype(np.int64) + reach
    inside = (column >= 0) & (column < summed.shape[1]) & (row >= 0) & (row < summed.shape[0])
    np.add.at(summed, (row[inside], column[inside]), weights[inside].astype(np.float32))
    kernel = np.exp(-_FALL * (np.arange(-reach, reach + 1) / radius) ** 2).astype(np.float32)
    density = np.zeros((height, summed.shape[1]), dtype=np.float32)
    for offset, share in enumerate(kernel):
        density += share * summed[offset:offset + height]
    found = np.zeros((height, width), dtype=np.float32)
    for offset, share in enumerate(kernel):
        found += share * density[:, offset:offset + width]
    # As MapLibre looks it up: a ramp of 256 colours.
    ramp = np.stack([np.interp(np.arange(256) / 255, [at for at, _ in STOPS], [color[n] * (255 if n == 3 else 1) for _, color in STOPS])
                     for n in range(4)], axis=1).round().astype(np.uint8)
    return ramp[np.clip(np.round(found * np.float32(_PEAK * 255)), 0, 255).astype(np.uint8)]


def evenly(weight: float, spacing: float, radius: float) -> float:
    """Return the density in the middle of a wide field of points of one weight, `spacing` pixels apart in rows and columns."""
    return weight * _PEAK * np.pi * radius ** 2 / _FALL / spacing ** 2
