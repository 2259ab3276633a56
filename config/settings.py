"""Settings of a running city, read from the environment at the door and handed on as one value."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

__all__ = ["ROOT", "Settings", "SettingsError", "read_settings"]

ROOT = Path(__file__).resolve().parent.parent

PREFIX = "GIS_"
# Read by the test suite and by child processes, never by the service itself.
NOT_SETTINGS = frozenset({"GIS_TEST_SERVER", "GIS_RUN_ID"})


class SettingsError(ValueError):
    """The environment asks for something impossible; all faults together."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Settings(BaseModel):
    """What a running city is told from outside. Each field is the variable `GIS_<FIELD>`.

    `public_url` is the base of every link, with path and without a closing slash. `processes` is the number of server
    processes. `database_url` None means the private cluster under `var`. `tile_cache_mb` is what made tiles may take on disk,
    under `var/tiles`; 0 keeps them in memory alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    bind: str = "127.0.0.1"
    public_url: str = ""
    var: Path = ROOT / "var"
    database_url: SecretStr | None = None
    city: Path = ROOT / "config" / "city.yaml"
    admin_password: Annotated[SecretStr, Field(min_length=10)] | None = None
    processes: Annotated[int, Field(ge=1, le=64)] = max(1, min(os.cpu_count() or 1, 4))
    tile_cache_mb: Annotated[int, Field(ge=0, le=1_000_000)] = 1024

    @field_validator("var", "city")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return Path(os.path.abspath(path.expanduser()))

    @field_validator("public_url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
            raise ValueError("must be an http or https address without query, such as https://gis.example.org/city")
        return url.rstrip("/")

    @field_validator("city")
    @classmethod
    def _readable(cls, path: Path) -> Path:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    def model_post_init(self, context: Any) -> None:
        if not self.public_url:
            host = "localhost" if self.bind in ("0.0.0.0", "::", "") else self.bind
            host = f"[{host}]" if ":" in host else host
            object.__setattr__(self, "public_url", f"http://{host}:{self.port}")


def read_settings(environment: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Build the settings from an environment.

    Empty variables count as absent. Returns the settings and one sentence for each `GIS_` variable that is not a
    setting. Raises SettingsError with one sentence per fault, naming the variable.
    """
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX) and value != ""}
    known = {PREFIX + field.upper(): field for field in Settings.model_fields}
    notes = [_unknown(name, known) for name in sorted(given.keys() - known.keys() - NOT_SETTINGS)]
    try:
        return Settings(**{known[name]: value for name, value in given.items() if name in known}), notes
    except ValidationError as error:
        raise SettingsError([f"{PREFIX}{str(fault['loc'][0]).upper()}: {_sentence(fault)}"
                             for fault in error.errors(include_input=False)]) from None


def _sentence(fault: Any) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")


def _unknown(name: str, known: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"{name} is not a setting and has no effect." + (f" Did you mean {close[0]}?" if close else "")
