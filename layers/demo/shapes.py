"""Footprint shapes, many at a time: rings (n, k, 2) around (0, 0), length along x, depth along y, in metres."""

from __future__ import annotations

import numpy as np

__all__ = ["bar", "bent", "comb", "cross", "ell", "ellipse", "moved", "notched", "stepped", "tee", "yard"]


def _ring(points: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return np.stack([np.stack(np.broadcast_arrays(x, y), axis=-1) for x, y in points], axis=1)


def moved(rings: np.ndarray, middle: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return the rings turned by `angle` (rad) and moved to `middle` (n, 2)."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = rings[..., 0], rings[..., 1]
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1) + middle[:, None]


def bar(w: np.ndarray, d: np.ndarray) -> np.ndarray:
    """A rectangle."""
    x, y = w / 2, d / 2
    return _ring([(-x, -y), (x, -y), (x, y), (-x, y)])


def notched(w: np.ndarray, d: np.ndarray, entrances: int) -> np.ndarray:
    """A slab whose stairwells are set back in its northern front, one per entrance."""
    x, y = w / 2, d / 2
    points = [(-x, -y), (x, -y), (x, y)]
    for k in reversed(range(entrances)):
        c = -x + w * (k + 0.5) / entrances
        points += [(c + 1.6, y), (c + 1.6, y - 1.4), (c - 1.6, y - 1.4), (c - 1.6, y)]
    return _ring([*points, (-x, y)])


def stepped(w: np.ndarray, d: np.ndarray, step: np.ndarray) -> np.ndarray:
    """A slab of two halves, one set back."""
    x, y, s = w / 2, d / 2, step / 2
    return _ring([(-x, -y - s), (0 * x, -y - s), (0 * x, -y + s), (x, -y + s), (x, y + s), (0 * x, y + s), (0 * x, y - s), (-x, y - s)])


def cross(w: np.ndarray, d: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """A tower with its corners cut out."""
    x, y, a, b = w / 2, d / 2, w / 2 - cut, d / 2 - cut
    return _ring([(-a, -y), (a, -y), (a, -b), (x, -b), (x, b), (a, b), (a, y), (-a, y), (-a, b), (-x, b), (-x, -b), (-a, -b)])


def bent(w: np.ndarray, d: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """A tower with light wells north and south (an H)."""
    x, y, a, b = w / 2, d / 2, w / 6, d / 2 - cut
    return _ring([(-x, -y), (-a, -y), (-a, -b), (a, -b), (a, -y), (x, -y), (x, y), (a, y), (a, b), (-a, b), (-a, y), (-x, y)])


def ell(w: np.ndarray, d: np.ndarray, wing: np.ndarray, mirrored: bool = False) -> np.ndarray:
    """Two wings at a right angle, north and west (or east)."""
    x, y = w / 2, d / 2
    ring = _ring([(-x, -y), (-x + wing, -y), (-x + wing, y - wing), (x, y - wing), (x, y), (-x, y)])
    return (ring * (-1, 1))[:, ::-1] if mirrored else ring


def tee(w: np.ndarray, d: np.ndarray, wing: np.ndarray) -> np.ndarray:
    """A long wing in the north with one to the south in its middle."""
    x, y, a = w / 2, d / 2, wing / 2
    return _ring([(-a, -y), (a, -y), (a, y - wing), (x, y - wing), (x, y), (-x, y), (-x, y - wing), (-a, y - wing)])


def yard(w: np.ndarray, d: np.ndarray, wing: np.ndarray) -> np.ndarray:
    """Three wings around a yard that opens to the south."""
    x, y = w / 2, d / 2
    return _ring([(-x, -y), (-x + wing, -y), (-x + wing, y - wing), (x - wing, y - wing), (x - wing, -y), (x, -y), (x, y), (-x, y)])


def comb(w: np.ndarray, d: np.ndarray, wing: np.ndarray) -> np.ndarray:
    """Three wings to the south from a spine in the north (an E lying down)."""
    x, y, a, b = w / 2, d / 2, wing / 2, d / 2 - wing * 0.6
    return _ring([(-x, -y), (-x + wing, -y), (-x + wing, b), (-a, b), (-a, -y), (a, -y), (a, b), (x - wing, b), (x - wing, -y), (x, -y), (x, y), (-x, y)])


def ellipse(w: np.ndarray, d: np.ndarray, k: int = 28) -> np.ndarray:
    """An ellipse of k corners."""
    t = np.linspace(0, 2 * np.pi, k, endpoint=False)
    return np.stack([np.cos(t)[None] * w[:, None] / 2, np.sin(t)[None] * d[:, None] / 2], axis=-1)
