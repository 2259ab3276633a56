"""`upstreams.yaml` beside the city's definition: which services of others are shown, with keys from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from layers.definition_file import read_definition
from layers.errors import DefinitionError
from layers.layer import NAME, Text
from tiles.upstreams import Upstream

__all__ = ["read_upstreams"]

_MERCATOR_M, _LEVELS = 20037508.342789244, 19


class _Grid(BaseModel):
    """A grid of tiles that is none of the usual two."""

    model_config = ConfigDict(extra="forbid")

    origin: tuple[float, float]
    cell_sizes: tuple[float, ...] = Field(min_length=1, max_length=30)
    first_level: int = Field(default=0, ge=0)
    tile_px: int = Field(default=256, ge=64, le=1024)


class _Line(BaseModel):
    """One layer of an upstream service."""

    model_config = ConfigDict(extra="forbid")

    id: str
    title: Text
    kind: Literal["wmts", "wms"]
    url: str
    layer: str = Field(min_length=1)
    srid: int
    tile_matrix_set: str = ""
    style: str = "default"
    format: Literal["image/png", "image/jpeg"] = "image/png"
    grid: _Grid | None = None
    key_parameter: str | None = None
    key_environment: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    private: bool = False
    everyone: bool = True
    kept_days: int = Field(default=30, ge=0, le=3650)
    enabled: bool = False

    @field_validator("id")
    @classmethod
    def _id(cls, value: str) -> str:
        if not NAME.match(value) or value == "city":
            raise ValueError(f"'{value}' is not a usable layer id")
        return value

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc or parts.fragment:
            raise ValueError("must be an http or https address without user and password")
        return value

    @model_validator(mode="after")
    def _whole(self) -> _Line:
        if (self.key_parameter is None) != (self.key_environment is None):
            raise ValueError("key_parameter and key_environment go together")
        if self.kind == "wmts" and not self.tile_matrix_set:
            raise ValueError("a WMTS needs tile_matrix_set")
        if self.grid is None and self.srid not in (3857, 4326, 4490):
            raise ValueError(f"the grid of EPSG:{self.srid} has to be described: grid with origin and cell_sizes")
        return self


def read_upstreams(path: Path, environment: Mapping[str, str], layer_ids: frozenset[str] = frozenset()) -> tuple[Upstream, ...]:
    """Read the services that are on.

    Parameters
    ----------
    path
        The file; none there is none.
    environment
        Where keys are taken from.

    Raises DefinitionError with a sentence for each fault, also where a key is missing.
    """
    if not path.is_file():
        return ()
    given = read_definition(path) or {}
    if not isinstance(given, dict) or given.keys() - {"upstreams"} or not isinstance(given.get("upstreams") or [], list):
        raise DefinitionError([f"{path.name}: has one list, 'upstreams'"])
    found, faults = [], []
    for n, line in enumerate(given.get("upstreams") or []):
        try:
            read = _Line.model_validate(line)
        except ValidationError as error:
            faults += [f"{path.name}: upstreams[{n}].{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            continue
        if not read.enabled:
            continue
        if read.id in layer_ids or read.id in {each.id for each in found}:
            faults.append(f"{path.name}: upstreams[{n}]: there is a layer '{read.id}' already")
        if read.key_environment and not environment.get(read.key_environment):
            faults.append(f"{path.name}: upstreams[{n}]: the key of '{read.id}' is missing; set {read.key_environment}")
            continue
        found.append(_made(read, environment))
    if faults:
        raise DefinitionError(faults)
    return tuple(found)


def _made(line: _Line, environment: Mapping[str, str]) -> Upstream:
    more: dict[str, Any] = {}
    if line.grid:
        origin, cells, first = line.grid.origin, line.grid.cell_sizes, line.grid.first_level
        more["tile_px"] = line.grid.tile_px
    elif line.srid == 3857:
        origin, cells, first = (-_MERCATOR_M, _MERCATOR_M), tuple(_MERCATOR_M * 2 / 256 / 2**z for z in range(_LEVELS)), 0
    else:
        # Level 1 of the national platform's `_c` sets is two tiles over one.
        origin, cells, first = (-180.0, 90.0), tuple(180 / 256 / 2**z for z in range(_LEVELS)), 1
    secret = {line.key_parameter: environment[line.key_environment]} if line.key_parameter and line.key_environment else {}
    return Upstream(line.id, line.title.zh, line.title.en, line.kind, line.url, line.layer, line.srid, origin, cells, first, line.tile_matrix_set, line.style,
                    line.format, kept_days=line.kept_days, is_private=line.private, everyone=line.everyone,
                    is_transparent=line.format == "image/png", secret=secret, **more)
