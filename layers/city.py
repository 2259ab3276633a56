"""A city: its name, extent, coordinate systems and habits. Nothing in the code says which city it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from layers.crs import make_crs
from layers.definition_file import read_definition
from layers.errors import DefinitionError, InvalidParameter
from layers.layer import Text

__all__ = ["City", "LocalGrid", "read_city"]


class LocalGrid(BaseModel):
    """A tile grid of the city's own: its tiles are counted from `origin` (the north-western corner, x east first).

    `cell_sizes` are the sides of a pixel on every level, the coarsest first, and `extent` (minx, miny, maxx, maxy) what its
    tiles have to cover; all in units of the CRS `srid`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,47}$")
    title: Text
    srid: int
    origin: tuple[float, float]
    extent: tuple[float, float, float, float]
    cell_sizes: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1, max_length=30)
    tile_px: int = Field(default=256, ge=64, le=4096)

    @model_validator(mode="after")
    def _whole(self) -> LocalGrid:
        minx, miny, maxx, maxy = self.extent
        if not (self.origin[0] <= minx < maxx and miny < maxy <= self.origin[1]):
            raise ValueError(f"grid '{self.id}': the extent must lie east and south of the origin")
        if list(self.cell_sizes) != sorted(set(self.cell_sizes), reverse=True):
            raise ValueError(f"grid '{self.id}': cell_sizes go from the coarsest to the finest, each once")
        try:
            make_crs(self.srid)
        except InvalidParameter as error:
            raise ValueError(f"grid '{self.id}': {error}") from None
        return self


class City(BaseModel):
    """A city.

    `extent` is (minx, miny, maxx, maxy) in degrees of longitude and latitude. `storage_srid` is the CRS features are kept
    in, `projected_srid` the one lengths and areas are measured in (metres). `geoid_offset_m` is the ellipsoidal height
    of height zero of the vertical datum, which 3D clients need.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Text
    extent: tuple[float, float, float, float]
    storage_srid: int = 4326
    projected_srid: int
    vertical_datum: str | None = None
    geoid_offset_m: float = 0
    time_zone: str = "UTC"
    languages: tuple[str, ...] = ("zh", "en")
    climate_zone: str | None = None
    center: tuple[float, float]
    zoom: float = 12
    rule_editions: dict[str, str] = {}
    grids: tuple[LocalGrid, ...] = ()

    @model_validator(mode="after")
    def _extent_in_order(self) -> City:
        minx, miny, maxx, maxy = self.extent
        if not (-180 <= minx < maxx <= 180 and -85.06 <= miny < maxy <= 85.06):
            raise ValueError("extent must be minx, miny, maxx, maxy in degrees, within Web Mercator")
        return self

    @model_validator(mode="after")
    def _grids_apart(self) -> City:
        names = [grid.id for grid in self.grids]
        if len(set(names)) != len(names):
            raise ValueError("two grids have the same id")
        return self


def read_city(path: Path) -> City:
    """Read a `city.yaml`. Raises DefinitionError with one sentence per fault."""
    try:
        return City.model_validate(read_definition(path))
    except ValidationError as error:
        raise DefinitionError([f"{path.name}: {'.'.join(map(str, e['loc'])) or 'city'}: {e['msg']}"
                               for e in error.errors()]) from None
