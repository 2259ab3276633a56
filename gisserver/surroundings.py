"""The surroundings of processes: the city's elevation model as a reader sees it, and the constants of its standards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.settings import ROOT
from layers.access import Audience
from layers.catalogue import Catalogue
from layers.definition_file import read_definition
from layers.errors import DefinitionError
from layers.store import Store
from spatial_models.surroundings import Standard, Terrain
from spatial_models.words import Words
from tiles.coverages import rasters_of
from tiles.heights import HeightField

__all__ = ["SIGHT", "CitySurroundings", "ModelTerrain", "read_standards"]

SIGHT = ROOT / "config" / "standards" / "sight.yaml"
_MEMBERS = {"title", "value", "unit", "source", "edition", "verified_by"}


@dataclass(frozen=True)
class ModelTerrain:
    """An elevation model of the city, as processes ask it."""

    layer: str
    field: HeightField

    @property
    def cell_m(self) -> float:
        """Return the side of its finest cells in metres."""
        return self.field.cell_m

    def heights(self, x: NDArray[np.float64], y: NDArray[np.float64], srid: int) -> NDArray[np.float64]:
        """Return elevations; NaN where there is none."""
        return self.field.at(x, y, srid)


@dataclass(frozen=True)
class CitySurroundings:
    """Elevation model and standards of a city whose files lie under `var`."""

    var: Path

    @property
    def standards(self) -> Mapping[str, Standard]:
        """Return the constants by name."""
        return read_standards(SIGHT)

    def terrain(self, store: Store, catalogue: Catalogue, audience: Audience, at: datetime | None) -> Terrain | None:
        """Return the first elevation model of the catalogue that the audience may read and that has a file at the moment."""
        for layer in catalogue.layers.values():
            if layer.kind == "coverage" and (layer.coverage or {}).get("kind") == "elevation" and audience.may_read(layer.id):
                rasters = rasters_of(store, self.var, layer, at)
                if rasters.files:
                    return ModelTerrain(layer.id, HeightField(rasters, int((layer.coverage or {}).get("band", 1))))
        return None


@lru_cache(maxsize=4)
def read_standards(path: Path) -> Mapping[str, Standard]:
    """Read a table of constants. Raises DefinitionError with one sentence per fault."""
    data: Any = read_definition(path)
    if not isinstance(data, dict):
        raise DefinitionError([f"{path.name}: is no table of constants"])
    faults = [f"{path.name}: {name}: needs {', '.join(sorted(_MEMBERS))}, and a number as its value" for name, each in data.items()
              if not (isinstance(each, dict) and each.keys() == _MEMBERS and isinstance(each["value"], int | float))]
    if faults:
        raise DefinitionError(faults)
    return {name: Standard(Words(each["title"]["en"], each["title"]["zh"]), float(each["value"]), str(each["unit"]), each["source"], str(each["edition"]),
                           each["verified_by"]) for name, each in data.items()}
