"""Heights at points and along lines: what a model says of places, with the slope there, and the profile of a way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from layers.crs import is_same_place, transformer
from layers.errors import InvalidParameter
from tiles.heights import HeightField

__all__ = ["MOST_PLACES", "Profile", "profile", "slopes"]

Array = np.ndarray
MOST_PLACES = 10_000
# A line gets about so many places where nobody says how far apart they are.
USUAL_PLACES = 1_000


@dataclass(frozen=True)
class Profile:
    """Places along a line (CRS of the line), metres from its beginning, heights (NaN where there is none), and the largest step."""

    x: Array
    y: Array
    distance_m: Array
    height_m: Array
    step_m: float

    @property
    def climb_m(self) -> float:
        """Return the metres that the way goes up, from height to known height."""
        known = self.height_m[~np.isnan(self.height_m)]
        return float(np.clip(np.diff(known), 0, None).sum())

    @property
    def fall_m(self) -> float:
        """Return the metres that it goes down."""
        known = self.height_m[~np.isnan(self.height_m)]
        return float(-np.clip(np.diff(known), None, 0).sum())


def profile(field: HeightField, line: shapely.LineString, srid: int, projected_srid: int, step_m: float | None = None) -> Profile:
    """Return the heights along a line: at its vertices, and between them at equal parts that are no longer than the step.

    Parameters
    ----------
    srid, projected_srid
        CRS of the line, whose edges are straight in it; and the one distances are measured in, in metres.
    step_m
        Without it that of the model's cells, or longer where a line would get more than USUAL_PLACES places.

    Raises InvalidParameter where that makes more than MOST_PLACES places, or a part of the line cannot be measured.
    """
    vertices = shapely.get_coordinates(line)
    mx, my = _moved(vertices[:, 0], vertices[:, 1], srid, projected_srid)
    if not (np.isfinite(mx).all() and np.isfinite(my).all()):
        raise InvalidParameter("coords", "a part of the line lies where nothing can be measured", "线的一部分超出可量测的范围")
    lengths = np.hypot(np.diff(mx), np.diff(my))
    step = step_m or max(field.cell_m, float(lengths.sum()) / USUAL_PLACES, 0.01)
    parts = np.maximum(1, np.ceil(lengths / step - 1e-9)).astype(int)
    if parts.sum() + 1 > MOST_PLACES:
        raise InvalidParameter("step", f"that is {parts.sum() + 1} places along {lengths.sum():.0f} m; at most {MOST_PLACES} are answered: take a longer step",
                               f"全长 {lengths.sum():.0f} 米共 {parts.sum() + 1} 个采样点，最多 {MOST_PLACES} 个：请加大步长")
    shares = np.concatenate([np.arange(n) / n for n in parts] + [np.zeros(1)])
    begin = np.concatenate([np.repeat(np.arange(len(parts)), parts), [len(parts) - 1]])
    shares[-1] = 1.0
    x = vertices[begin, 0] + shares * (vertices[begin + 1, 0] - vertices[begin, 0])
    y = vertices[begin, 1] + shares * (vertices[begin + 1, 1] - vertices[begin, 1])
    px, py = _moved(x, y, srid, projected_srid)
    distance = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(px), np.diff(py)))])
    return Profile(x, y, distance, field.at(x, y, srid), float((lengths / parts).max()))


def slopes(field: HeightField, x: Array, y: Array, srid: int, projected_srid: int) -> tuple[Array, Array]:
    """Return slope and aspect of the ground at places, in degrees: how steep, and where down is (clockwise from north).

    By central differences over one cell to each side, in metres of the projected CRS. NaN where a height is missing; a level
    place has no aspect.
    """
    reach = field.cell_m
    mx, my = _moved(x, y, srid, projected_srid)

    def height(dx: float, dy: float) -> Array:
        return field.at(mx + dx, my + dy, projected_srid)

    east, north = (height(reach, 0) - height(-reach, 0)) / (2 * reach), (height(0, reach) - height(0, -reach)) / (2 * reach)
    rise = np.hypot(east, north)
    return np.degrees(np.arctan(rise)), np.where(rise > 1e-9, np.degrees(np.arctan2(-east, -north)) % 360, np.nan)


def _moved(x: Array, y: Array, source: int, target: int) -> tuple[Array, Array]:
    if is_same_place(source, target):
        return x, y
    moved = transformer(source, target).transform(x, y)
    return np.asarray(moved[0]), np.asarray(moved[1])
