"""The look of the map of the city: which layers, in which order, in which style, how opaque, filtered how, of which day.

`/ogc/map/tiles` without parameters is the map that everybody shares. What a reader has made of it (hidden, reordered, half seen
through) comes as parameters, and this module reads them into one look. Looks that draw the same are equal, whatever was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from gisserver.raster.asking import DEFAULT, Moment, shown_layers
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.errors import InvalidFilter, InvalidParameter
from layers.filters import parse_filter, question
from layers.layer import Layer
from layers.moments import Interval, parse_datetime
from layers.query import ItemQuery
from layers.statement import storage_srid
from tiles.themes import themed, themes

__all__ = ["LOOK", "Look", "Shown", "asks_for_a_look", "read_look"]

# The parameters that make a look of one's own.
LOOK = ("collections", "styles", "opacity", "filters", "datetimes", "transparent")
# Opacity is kept in steps that nobody sees, so that a slider does not make a hundred maps.
STEP = 5
MOST_BYTES = 16_000


@dataclass(frozen=True)
class Shown:
    """One layer of a look; `layer` is the layer as its style draws it."""

    layer: Layer
    style: str = DEFAULT
    opacity: int = 100
    filter: dict[str, Any] | bool | None = None
    at: datetime | None = None
    interval: Interval | None = None
    has_own_day: bool = False


@dataclass(frozen=True)
class Look:
    """The layers of a map from the ground up, and whether what lies under it shows through."""

    shown: tuple[Shown, ...]
    is_transparent: bool = False

    @property
    def is_to_keep(self) -> bool:
        """Is a tile of it worth its place? There are as many filters as people, and days of single layers expire otherwise than the tile's, as does
        what is counted of another layer."""
        return not any(each.filter is not None or each.has_own_day or each.layer.counts_others for each in self.shown)

    @property
    def name(self) -> str:
        """Return a digest of what is drawn beside the layers' contents."""
        said = [[[each.layer.id, each.style, each.opacity] for each in self.shown], self.is_transparent]
        return blake2b(orjson.dumps(said), digest_size=12).hexdigest()

    def is_plain(self, layers: list[Layer]) -> bool:
        """Is it the map that everybody has, of these layers?"""
        return not self.is_transparent and self.is_to_keep and [each.layer.id for each in self.shown] == [layer.id for layer in layers] and all(
            each.style == DEFAULT and each.opacity == 100 for each in self.shown)

    @property
    def opacities(self) -> dict[str, float]:
        """Return how opaque the layers are that are not wholly so."""
        return {each.layer.id: each.opacity / 100 for each in self.shown if each.opacity < 100}

    def questions(self, request: Request, moment: Moment, known: int | None) -> list[ItemQuery]:
        """Return the questions to the layers, the lowest first; a layer without a day of its own has the map's."""
        return [ItemQuery(each.layer, request.audience, at=each.at if each.has_own_day else moment.at,
                          interval=each.interval if each.has_own_day else moment.interval, known_at=known, filter=each.filter) for each in self.shown]


def asks_for_a_look(request: Request) -> bool:
    """Does a request ask for more than the map that everybody has?"""
    return any(name in request.parameters for name in LOOK)


def read_look(request: Request) -> Look:
    """Read `collections` (the lowest first), `styles` and `opacity` (one for each of them), `filters` and `datetimes` (JSON, by layer), `transparent`.

    A layer that this reader may not see is answered like one that is not there. Raises InvalidParameter that names the parameter.
    """
    p = request.parameters
    layers = _layers(request)
    styles, opacities = _each(request, "styles", layers), _each(request, "opacity", layers)
    filters, days = _object(request, "filters", layers), _object(request, "datetimes", layers)
    shown = tuple(_shown(request, layer, styles[n], opacities[n], filters.get(layer.id), days.get(layer.id)) for n, layer in enumerate(layers))
    # What is not seen at all is not drawn, and need not be told apart.
    return Look(tuple(each for each in shown if each.opacity > 0), p.take_flag("transparent"))


def _layers(request: Request) -> list[Layer]:
    readable = {layer.id: layer for layer in request.context.readable(request.audience) if layer.kind == "spatial"}
    names = request.parameters.take_names("collections", "*", readable)
    if names is None:
        return shown_layers(request)
    if len(set(names)) < len(names):
        raise InvalidParameter("collections", "names a layer twice.", "同一图层出现两次。")
    return [readable[name] for name in names]


def _each(request: Request, name: str, layers: list[Layer]) -> list[str]:
    """Read a list that goes along with `collections`, where an empty place is as usual."""
    text = request.parameters.take(name)
    if text is None:
        return [""] * len(layers)
    if "collections" not in request.parameters:
        raise InvalidParameter(name, "goes along with 'collections', which says what each value is of.", "须与 collections 同时给出，逐一对应。")
    values = [part.strip() for part in text.split(",")] if layers else []
    if len(values) != len(layers):
        raise InvalidParameter(name, f"has {len(values)} values for {len(layers)} layers; give one for each, or nothing between the commas.",
                               f"有 {len(values)} 个值，而图层有 {len(layers)} 个；请逐一对应，可留空。")
    return values


def _object(request: Request, name: str, layers: list[Layer]) -> dict[str, Any]:
    """Read a JSON object by layer."""
    text = request.parameters.take(name)
    if text is None:
        return {}
    if len(text.encode()) > MOST_BYTES:
        raise WrongParameter(name, "text", value=text[:20], high=MOST_BYTES)
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise WrongParameter(name, "json", value=str(error)) from None
    if not isinstance(found, dict):
        raise WrongParameter(name, "object")
    known = [layer.id for layer in layers]
    for key in found:
        if key not in known:
            raise WrongParameter(name, "member", value=key[:60], known=", ".join(known))
    return found


def _shown(request: Request, layer: Layer, style: str, opacity: str, condition: Any, day: Any) -> Shown:
    drawn = layer
    if style not in ("", DEFAULT):
        found = themed(layer, style, request.audience)
        if found is None:
            raise WrongParameter("styles", "choice", value=style[:60], choices=", ".join((DEFAULT, *themes(layer, request.audience))))
        drawn = found
    at, interval = (None, None) if day is None else _day(layer, day)
    made = Shown(drawn, style or DEFAULT, _percent(opacity), None if condition is None else _filter(request, layer, condition), at, interval, day is not None)
    return made


def _percent(text: str) -> int:
    if not text:
        return 100
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and int(text) <= 100):
        raise WrongParameter("opacity", "range", value=text[:20], low=0, high=100)
    value = int(text)
    # Hardly seen is seen all the same.
    return 0 if value == 0 else min(100, max(STEP, STEP * round(value / STEP)))


def _day(layer: Layer, day: Any) -> tuple[datetime | None, Interval | None]:
    if not isinstance(day, str):
        raise WrongParameter("datetimes", "moment", value=str(day)[:60])
    return parse_datetime(day, "datetimes")


def _filter(request: Request, layer: Layer, condition: Any) -> dict[str, Any] | bool:
    if not isinstance(condition, (dict, str)):
        raise InvalidFilter(f"of '{layer.id}' is neither CQL2 JSON nor CQL2 text.", "filters")
    text = condition if isinstance(condition, str) else orjson.dumps(condition).decode()
    try:
        found = parse_filter(text, "cql2-text" if isinstance(condition, str) else "cql2-json")
        # Names and values are looked at here, before anything is drawn.
        question(ItemQuery(layer, request.audience, filter=found), storage_srid(request.context.store))
    except InvalidParameter as error:
        raise InvalidFilter(f"of '{layer.id}': {str(error).partition(': ')[2]}", "filters") from None
    return found
