"""A city: its name, extent, coordinate systems and habits. Nothing in the code says which city it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from layers.errors import DefinitionError
from layers.layer import Text

__all__ = ["City", "read_city"]


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

    @model_validator(mode="after")
    def _extent_in_order(self) -> City:
        minx, miny, maxx, maxy = self.extent
        if not (-180 <= minx < maxx <= 180 and -85.06 <= miny < maxy <= 85.06):
            raise ValueError("extent must be minx, miny, maxx, maxy in degrees, within Web Mercator")
        return self


def read_city(path: Path) -> City:
    """Read a `city.yaml`. Raises DefinitionError with one sentence per fault."""
    try:
        data: Any = yaml.safe_load(path.read_text("utf-8"))
        return City.model_validate(data)
    except FileNotFoundError:
        raise DefinitionError([f"{path}: there is no such file"]) from None
    except yaml.YAMLError as error:
        raise DefinitionError([f"{path.name}: {error}"]) from None
    except ValidationError as error:
        raise DefinitionError([f"{path.name}: {'.'.join(map(str, e['loc'])) or 'city'}: {e['msg']}"
                               for e in error.errors()]) from None
