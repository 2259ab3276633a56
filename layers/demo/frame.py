"""The frame of the demo city: metres east and north of the middle of the extent, and the way to the storage CRS."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely

from layers.city import City
from layers.errors import DefinitionError

__all__ = ["HALF_HEIGHT_M", "HALF_WIDTH_M", "Frame"]

# What the plan of the city is drawn for; the outermost lines are laid on the extent itself.
HALF_WIDTH_M, HALF_HEIGHT_M = 17_800.0, 15_400.0


class Frame:
    """Local metres (x east, y north) of a city.

    Raises DefinitionError if the extent is too small for the plan, or its projected system is no metric one.
    """

    def __init__(self, city: City) -> None:
        self.city = city
        self._to_storage = pyproj.Transformer.from_crs(city.projected_srid, city.storage_srid, always_xy=True)
        self._to_lonlat = pyproj.Transformer.from_crs(city.projected_srid, 4326, always_xy=True)
        minx, miny, maxx, maxy = city.extent
        self.origin = np.array(self._to_lonlat.transform((minx + maxx) / 2, (miny + maxy) / 2, direction="INVERSE"))
        self.decimals = 9 if pyproj.CRS(city.storage_srid).is_geographic else 4
        corners = self.from_lonlat(np.array([[minx, miny], [minx, maxy], [maxx, miny], [maxx, maxy]]))
        if not np.isfinite(corners).all() or (np.abs(corners) < (HALF_WIDTH_M, HALF_HEIGHT_M)).any():
            raise DefinitionError([f"city '{city.id}': the demo city needs an extent of at least "
                                   f"{2 * HALF_WIDTH_M / 1000:.1f} by {2 * HALF_HEIGHT_M / 1000:.1f} km in projected metres"])

    def to_storage(self, points: np.ndarray) -> np.ndarray:
        """Return local points (n, 2) in the storage CRS, east first, rounded to a tenth of a millimetre."""
        out = np.empty_like(points)
        out[:, 0], out[:, 1] = self._to_storage.transform(points[:, 0] + self.origin[0], points[:, 1] + self.origin[1])
        return out.round(self.decimals)

    def to_lonlat(self, points: np.ndarray) -> np.ndarray:
        """Return local points (n, 2) as longitude and latitude."""
        return np.stack(self._to_lonlat.transform(points[:, 0] + self.origin[0], points[:, 1] + self.origin[1]), axis=-1)

    def from_lonlat(self, points: np.ndarray) -> np.ndarray:
        """Return longitude and latitude (n, 2) as local points."""
        return np.stack(self._to_lonlat.transform(points[:, 0], points[:, 1], direction="INVERSE"), axis=-1) - self.origin

    def stored(self, geometries: np.ndarray) -> np.ndarray:
        """Return local geometries in the storage CRS; one call of PROJ for all of them."""
        return shapely.transform(np.asarray(geometries, dtype=object), self.to_storage)
