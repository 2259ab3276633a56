"""The ground that features stand on where they do not say how high: an elevation model of the city."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiles.heights import HeightField

__all__ = ["Ground"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """Elevations in metres over the city's vertical datum; without an elevation model, and where it has none, 0."""

    field: HeightField | None = None

    def heights(self, lon: Floats, lat: Floats) -> Floats:
        """Return the elevations of places in degrees."""
        if self.field is None or not len(lon):
            return np.zeros(len(lon))
        return np.nan_to_num(self.field.at(lon, lat, 4326), nan=0.0)
