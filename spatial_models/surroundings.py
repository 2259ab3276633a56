"""What surrounds the features that a model reads: the shape of the ground, and constants that a standard fixes.

A model knows neither files of elevation nor tables of standards; whoever runs it hands them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from spatial_models.words import Words

__all__ = ["Ground", "Standard", "Terrain"]

Floats = NDArray[np.float64]


class Standard(NamedTuple):
    """A constant that a rule fixes, with where it is from. Nobody has held an unverified one against the printed rule."""

    title: Words
    value: float
    unit: str
    source: str
    edition: str
    verified_by: str | None

    @property
    def told(self) -> dict[str, Any]:
        """Return it as results tell it."""
        return {"title": self.title._asdict(), "value": self.value, "unit": self.unit, "source": self.source, "edition": self.edition,
                "is_verified": bool(self.verified_by), "verified_by": self.verified_by}


class Terrain(Protocol):
    """An elevation model that the reader may see, as of a moment."""

    layer: str
    cell_m: float

    def heights(self, x: Floats, y: Floats, srid: int) -> Floats:
        """Return elevations in metres over the city's vertical datum, bilinear between cells; NaN where there is none."""


@dataclass(frozen=True)
class Ground:
    """The ground that a model stands on: a terrain, or where the reader sees none a level plane.

    Parameters
    ----------
    terrain
        The elevation model; None where there is none for this reader.
    srid
        EPSG code of the projected CRS that places are given in.
    level_m
        Elevation of the plane that stands for a ground that is not known.
    standards
        Constants by name.
    """

    terrain: Terrain | None
    srid: int
    level_m: float = 0.0
    standards: Mapping[str, Standard] = field(default_factory=dict)

    @property
    def cell_m(self) -> float:
        """Return the side of the model's cells; of a plane, 30 m."""
        return max(self.terrain.cell_m, 0.1) if self.terrain else 30.0

    def heights(self, x: Floats, y: Floats) -> Floats:
        """Return elevations of places in the projected CRS, metres; NaN where the model has none."""
        x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        return self.terrain.heights(x, y, self.srid) if self.terrain else np.full(x.shape, self.level_m)

    @property
    def told(self) -> dict[str, Any]:
        """Return what it is as results tell it."""
        return {"layer": self.terrain.layer, "cell_m": round(self.terrain.cell_m, 3)} if self.terrain else {"layer": None, "level_m": round(self.level_m, 3)}
