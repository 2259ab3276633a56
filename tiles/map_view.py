"""A view of the map: which part of the world, in which CRS, on how many pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import floor, log2, sqrt

import shapely

from layers.crs import make_crs, to_srid
from layers.errors import InvalidParameter

__all__ = ["MapView"]

Box = tuple[float, float, float, float]
WORLD_M = 40075016.685578488
# No unit of a map is so small that the world is larger.
FARTHEST = 1e9
# Beyond this latitude there is no Web Mercator.
HIGHEST = 85.06
_STEPS_PER_ZOOM = 4


@dataclass(frozen=True)
class MapView:
    """A rectangle (minx, miny, maxx, maxy; x east) of a CRS, and the size of its picture in pixels.

    `ratio` is how many pixels of the picture make one of the style's (2 for Retina).
    """

    bbox: Box
    srid: int
    width: int
    height: int
    ratio: float = 1

    def __post_init__(self) -> None:
        if not (self.bbox[0] < self.bbox[2] and self.bbox[1] < self.bbox[3]):
            raise InvalidParameter("bbox", "the lower bound is not below the upper bound.")
        if not max(map(abs, self.bbox)) <= FARTHEST:
            raise InvalidParameter("bbox", "lies outside of the world.")

    def mercator(self, buffer_px: float = 0) -> Box:
        """Return the envelope of the view in EPSG:3857, with a margin in pixels of the style.

        Raises InvalidParameter where the view cannot be expressed there.
        """
        minx, miny, maxx, maxy = self.bbox
        dx, dy = ((high - low) / size * self.ratio * buffer_px for low, high, size in (
            (minx, maxx, self.width), (miny, maxy, self.height)))
        box = shapely.box(minx - dx, miny - dy, maxx + dx, maxy + dy)
        if self.srid == 3857:
            return _bounds(box)
        if make_crs(self.srid).is_geographic:
            box = shapely.intersection(box, shapely.box(-180, -HIGHEST, 180, HIGHEST))
        try:
            moved = to_srid(box, self.srid, 3857)
        except ValueError as error:
            raise InvalidParameter("bbox", f"{error}.") from None
        if moved.is_empty:
            raise InvalidParameter("bbox", "lies outside of the world.")
        return _bounds(moved)

    @cached_property
    def pixel(self) -> float:
        """Return the side of a pixel of the style in metres of Web Mercator, on average over the view."""
        minx, miny, maxx, maxy = self.mercator()
        return sqrt((maxx - minx) * (maxy - miny) / (self.width * self.height)) * self.ratio

    @cached_property
    def zoom(self) -> float:
        """Return the zoom as MapLibre counts it, in steps of a quarter."""
        exact = log2(WORLD_M / 512 / self.pixel) if self.pixel > 0 else 24
        return max(0.0, min(24.0, floor((exact + 0.02) * _STEPS_PER_ZOOM) / _STEPS_PER_ZOOM))


def _bounds(shape: shapely.Geometry) -> Box:
    minx, miny, maxx, maxy = (float(v) for v in shape.bounds)
    return minx, miny, maxx, maxy
