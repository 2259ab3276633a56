"""Where on the earth: geocentric coordinates, and the level frame in which a content tile keeps its corners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["HALF_WORLD", "Frame", "from_mercator", "geocentric", "y_up"]

Floats = NDArray[np.float64]
# WGS 84. The ellipsoid of CGCS2000 is 0.1 mm shorter at the poles.
A, F = 6378137.0, 1 / 298.257223563
E2 = F * (2 - F)
HALF_WORLD = 20037508.342789244


def from_mercator(x: Any, y: Any) -> tuple[Floats, Floats]:
    """Return longitude and latitude in degrees of places in EPSG:3857."""
    return np.asarray(x) * (180 / HALF_WORLD), np.degrees(np.arctan(np.sinh(np.asarray(y) / A)))


def geocentric(lon: Any, lat: Any, height: Any) -> Floats:
    """Return (n, 3) geocentric coordinates (EPSG:4978) of longitudes and latitudes in degrees and ellipsoidal heights in metres."""
    rlon, rlat, h = np.radians(lon), np.radians(lat), np.asarray(height, float)
    n = A / np.sqrt(1 - E2 * np.sin(rlat) ** 2)
    around = (n + h) * np.cos(rlat)
    return np.stack(np.broadcast_arrays(around * np.cos(rlon), around * np.sin(rlon), (n * (1 - E2) + h) * np.sin(rlat)), axis=-1)


@dataclass(frozen=True)
class Frame:
    """East, north and up at a place: longitude and latitude in degrees, ellipsoidal height in metres."""

    lon: float
    lat: float
    height: float = 0.0

    @property
    def axes(self) -> Floats:
        """Return the geocentric directions of east, north and up, as rows."""
        lon, lat = np.radians(self.lon), np.radians(self.lat)
        so, co, sa, ca = np.sin(lon), np.cos(lon), np.sin(lat), np.cos(lat)
        return np.array([[-so, co, 0], [-sa * co, -sa * so, ca], [ca * co, ca * so, sa]])

    def local(self, lon: Any, lat: Any, height: Any) -> Floats:
        """Return (n, 3) metres east, north and up of the frame's place."""
        return (geocentric(lon, lat, height) - geocentric(self.lon, self.lat, self.height)) @ self.axes.T

    def turned(self, lon: Any, lat: Any, direction: Floats) -> Floats:
        """Return directions given as east, north and up of their own places in this frame."""
        rlon, rlat = np.radians(lon), np.radians(lat)
        so, co, sa, ca = np.sin(rlon), np.cos(rlon), np.sin(rlat), np.cos(rlat)
        east, north, up = direction.T
        x = -so * east - sa * co * north + ca * co * up
        y = co * east - sa * so * north + ca * so * up
        z = ca * north + sa * up
        return np.column_stack([x, y, z]) @ self.axes.T

    @property
    def pose(self) -> dict[str, list[float]]:
        """Return translation and rotation of a glTF node (y up) that puts the frame's metres into geocentric coordinates.

        Clients of 3D Tiles turn glTF's y into z before anything else; so the pose is written as seen before that turn.
        """
        x, y, z = geocentric(self.lon, self.lat, self.height).tolist()
        turn = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])       # z up to y up
        return {"translation": [x, z, -y], "rotation": _quaternion(turn @ self.axes.T @ turn.T)}


def y_up(enu: Floats) -> Floats:
    """Return east, north, up as glTF has it: x east, y up, z south."""
    return np.column_stack([enu[:, 0], enu[:, 2], -enu[:, 1]])


def _quaternion(m: Floats) -> list[float]:
    """Return the unit quaternion (x, y, z, w) of a rotation; found by the largest of its four parts, so that nothing cancels."""
    squares = np.array([1 + m[0, 0] - m[1, 1] - m[2, 2], 1 - m[0, 0] + m[1, 1] - m[2, 2],
                        1 - m[0, 0] - m[1, 1] + m[2, 2], 1 + m[0, 0] + m[1, 1] + m[2, 2]])
    products = np.array([[squares[0], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
                         [m[0, 1] + m[1, 0], squares[1], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]],
                         [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[2], m[1, 0] - m[0, 1]],
                         [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]]])
    row = products[int(squares.argmax())]
    return (row / np.linalg.norm(row)).tolist()
