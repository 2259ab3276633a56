"""What the services of pictures ask for: layers by name, a moment, for one reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.errors import InvalidParameter, UnknownLayer
from layers.history import seq_at
from layers.layer import Layer
from layers.moments import Interval, parse_datetime, parse_moment
from layers.query import ItemQuery
from tiles.themes import themed, themes

__all__ = ["CITY", "DEFAULT", "Moment", "find_layers", "known_number", "language_of", "plain", "questions_of", "read_moment", "shown_layers"]

CITY, DEFAULT = "city", "default"
NOW = ("", "current", "default", "now")


@dataclass(frozen=True)
class Moment:
    """Of which day a map is, and what was known: nothing given is now. `known` is as it was written."""

    at: datetime | None = None
    interval: Interval | None = None
    known: str | None = None

    @property
    def span(self) -> tuple[datetime | None, datetime | None] | None:
        """Return the moment as keys of the cache have it."""
        return self.interval if self.at is None else (self.at, self.at)


def read_moment(given: Mapping[str, str], time: str, known: str = "known-at") -> Moment:
    """Read a time ('current', a day, an instant, or an interval; a period behind it is ignored) and what was known.

    Raises InvalidParameter that names the parameter `time`.
    """
    text, at, interval = given.get(time, "").strip(), None, None
    if text.lower() not in NOW:
        parts = text.split("/")
        if len(parts) == 3 and parts[2].startswith("P"):
            parts.pop()
        at, interval = parse_datetime("/".join(parts), time)
    return Moment(at, interval, given.get(known) or None)


def known_number(request: Request, moment: Moment, parameter: str = "known-at") -> int | None:
    """Return the number of the changeset up to which things were known; asks the store where a time is given."""
    text = moment.known
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        if len(text) > 18:
            raise InvalidParameter(parameter, f"'{text[:60]}' is no number of a changeset.", f"“{text[:60]}”不是变更集编号。")
        return int(text)
    return seq_at(request.context.store, parse_moment(text, parameter).at)


def shown_layers(request: Request) -> list[Layer]:
    """Return the layers of the map of the whole city, the lowest first: what the reader may see and is shown at once."""
    return [layer for layer in request.context.readable(request.audience) if layer.kind == "spatial"
            and layer.symbology is not None and layer.symbology.visible]


def find_layers(request: Request, name: str, style: str = DEFAULT) -> list[Layer]:
    """Return the layers that a name means, one or those of the city, as a style draws them.

    Raises UnknownLayer also where it may not be seen, WrongParameter for a style that the layer has not.
    """
    if name == CITY:
        layers = shown_layers(request)
    else:
        request.path["layer"] = name
        layers = [request.layer("layer")]
        if layers[0].kind != "spatial":
            raise UnknownLayer(name)
    found = _styled(request, name, style, layers)
    if found is None:
        choices = () if name == CITY else themes(layers[0], request.audience)
        raise WrongParameter("styles", "choice", value=style[:60], choices=", ".join((DEFAULT, *choices)))
    return found


def _styled(request: Request, name: str, style: str, layers: list[Layer]) -> list[Layer] | None:
    if style in ("", DEFAULT):
        return layers
    made = None if name == CITY else themed(layers[0], style, request.audience)
    return None if made is None else [made]


def plain(request: Request, name: str, style: str = DEFAULT) -> list[Layer] | None:
    """Return what `find_layers` would, without asking anybody; None where somebody has to be asked, or it would raise."""
    if name == CITY:
        return _styled(request, name, style, shown_layers(request))
    layer = request.context.catalogue.layers.get(name)
    is_seen = layer is not None and layer.kind == "spatial" and request.audience.may_read(name)
    return _styled(request, name, style, [layer]) if is_seen and layer is not None else None


def questions_of(request: Request, layers: list[Layer], moment: Moment, known: int | None, wanted: Any = None) -> list[ItemQuery]:
    """Return the questions to some layers."""
    return [ItemQuery(layer, request.audience, at=moment.at, interval=moment.interval, known_at=known, filter=wanted) for layer in layers]


def language_of(request: Request) -> str:
    """Return the language of letters on maps: the city's first, so that every reader shares its tiles."""
    return request.context.catalogue.city.languages[0]
