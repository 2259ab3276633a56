"""Query parameters of a request: taken one by one, checked, and none left over."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from gisserver.language import LANGUAGES
from gisserver.wording import WrongParameter

__all__ = ["COMMON", "Parameters", "box_of_degrees", "checked_box", "integer", "number"]

T = TypeVar("T")
# Every address takes these: format, language, and the key of clients that can send it in no other way.
COMMON = frozenset({"f", "lang", "key"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}\Z")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\Z")


class Parameters(Mapping[str, str]):
    """The parameters of one request, as text by name.

    Each `take_…` reads one and remembers that it is known; `finish` refuses what nobody took. Raises WrongParameter (400)
    that names the parameter.
    """

    __slots__ = ("_known", "_values")

    def __init__(self, query_string: bytes) -> None:
        self._values: dict[str, str] = {}
        self._known: list[str] = []
        if not query_string:
            return
        try:
            pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict",
                              max_num_fields=200)
        except UnicodeDecodeError:
            raise WrongParameter("query", "utf8") from None
        except ValueError:
            raise WrongParameter("query", "range", value="number of parameters", low=0, high=200) from None
        for name, value in pairs:
            if name in self._values:
                raise WrongParameter(name, "twice")
            if "\0" in value or "\0" in name:
                raise WrongParameter(name.replace("\0", ""), "nul")
            self._values[name] = value

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def take(self, name: str) -> str | None:
        """Return a parameter as text, None if it is not given."""
        self._known.append(name)
        return self._values.get(name)

    def take_as(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return a parameter read by a function that raises WrongParameter."""
        text = self.take(name)
        return None if text is None else parse(text)

    def take_integer(self, name: str, default: int, low: int, high: int, clamp: bool = False) -> int:
        """Return a whole number; `clamp` takes the highest for what is above it, as OGC API asks of `limit`."""
        text = self.take(name)
        if text is None:
            return default
        value = integer(name, text)
        if clamp and value > high:
            return high
        if not low <= value <= high:
            raise WrongParameter(name, "range", value=value, low=low, high=high)
        return value

    def take_flag(self, name: str, default: bool = False) -> bool:
        """Return 'true' or 'false' as a truth value."""
        text = self.take(name)
        return default if text is None else _flag(name, text)

    def take_choice(self, name: str, choices: Iterable[str], default: str | None = None) -> str | None:
        """Return one of the choices."""
        text = self.take(name)
        if text is None:
            return default
        known = tuple(choices)
        if text not in known:
            raise WrongParameter(name, "choice", value=text, choices=", ".join(known))
        return text

    def take_names(self, name: str, layer: str, known: Iterable[str]) -> tuple[str, ...] | None:
        """Return a comma-separated list of names, each of which must be known."""
        text = self.take(name)
        if text is None:
            return None
        names = tuple(part.strip() for part in text.split(",") if part.strip())
        choices = tuple(known)
        for each in names:
            if each not in choices:
                raise WrongParameter(name, "property", layer=layer, value=each, choices=", ".join(choices))
        return names

    def finish(self) -> None:
        """Refuse a parameter that nobody took."""
        if not self._values:
            return
        known = set(self._known) | COMMON
        self.take_choice("lang", LANGUAGES)
        for name in self._values:
            if name not in known:
                raise WrongParameter(name, "unknown", known=", ".join(sorted(known - {"key"})))


def number(name: str, text: str) -> float:
    """Read a finite decimal number."""
    if not _NUMBER.match(text) or not math.isfinite(float(text)):
        raise WrongParameter(name, "number", value=text[:60])
    return float(text)


def integer(name: str, text: str) -> int:
    """Read a whole number."""
    if not _INTEGER.match(text):
        raise WrongParameter(name, "integer", value=text[:60])
    return int(text)


def box_of_degrees(text: str) -> tuple[float, float, float, float]:
    """Read a `bbox` that does not cross the antimeridian: smallest longitude and latitude, largest ones, in degrees.

    Raises WrongParameter for another count of numbers, a wrong order, or what lies outside the Earth.
    """
    parts = [number("bbox", part.strip()) for part in text.split(",")]
    if len(parts) != 4:
        raise WrongParameter("bbox", "bbox_count", count=len(parts))
    return checked_box(parts)


def checked_box(given: Sequence[float]) -> tuple[float, float, float, float]:
    """Return four numbers as a box in degrees that does not cross the antimeridian. Raises WrongParameter."""
    minx, miny, maxx, maxy = given
    if miny > maxy or minx > maxx:
        raise WrongParameter("bbox", "bbox_order")
    if not (-180 <= minx and maxx <= 180 and -90 <= miny and maxy <= 90):       # so written, what is no number fails too
        raise WrongParameter("bbox", "bbox_degrees")
    return minx, miny, maxx, maxy


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise WrongParameter(name, "flag", value=text)
    return text == "true"
