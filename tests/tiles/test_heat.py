"""Heat against the formula of MapLibre's shader, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from tiles.heat import STOPS, evenly, heat


def by_hand(x: list[float], y: list[float], weights: list[float], column: int, row: int, radius: float) -> tuple[float, ...]:
    """The colour of one pixel: the sum of every point's kernel at the pixel's middle, looked up in the ramp."""
    density = sum(w * 0.3989422804014327 * np.exp(-0.5 * 9 * ((px - column - 0.5) ** 2 + (py - row - 0.5) ** 2) / radius ** 2)
                  for px, py, w in zip(x, y, weights, strict=True))
    low, high = next((a, b) for a, b in zip(STOPS, STOPS[1:], strict=False) if density <= b[0] or b[0] == 1)
    part = min(1.0, (density - low[0]) / (high[0] - low[0]))
    return tuple((a + part * (b - a)) * (255 if n == 3 else 1) for n, (a, b) in enumerate(zip(low[1], high[1], strict=True)))


def test_is_the_kernel_of_the_screen() -> None:
    x, y, weights = [40.5, 52.5, 118.5, -9.5], [30.5, 41.5, 60.5, 20.5], [1.0, 0.7, 0.4, 1.0]
    drawn = heat(np.array(x), np.array(y), np.array(weights), 120, 80, 26)
    assert drawn.shape == (80, 120, 4)
    for column, row in ((40, 30), (52, 41), (46, 36), (119, 60), (0, 20), (70, 50), (119, 0)):
        assert drawn[row, column].tolist() == pytest.approx(by_hand(x, y, weights, column, row, 26), abs=4), (column, row)


def test_a_wide_field_is_as_dense_as_the_legend_says() -> None:
    x, y = (each.ravel() for each in np.meshgrid(np.arange(-100, 400, 14) + 0.5, np.arange(-100, 400, 14) + 0.5))
    drawn = heat(x, y, np.full(len(x), 0.5), 300, 300, 26)
    assert evenly(0.5, 14, 26) == pytest.approx(0.48, abs=0.01)
    # just below 0.5: nearly lime
    assert drawn[150, 150].tolist() == pytest.approx([0, 255, 25, 255], abs=6)
    assert not heat(np.array([]), np.array([]), np.array([]), 5, 5, 26)[..., 3].any()
