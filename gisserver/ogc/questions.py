"""Questions to a collection: query parameters become an ItemQuery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gisserver.ogc.schemas import OWN_SORTABLES, is_queryable, is_sortable
from gisserver.ogc.systems import asked_crs
from gisserver.parameters import Parameters, integer, number
from gisserver.personal import audience_for
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.access import Audience
from layers.cql2 import both, equals
from layers.crs import CRS84, Crs
from layers.filters import parse_filter
from layers.history import seq_at
from layers.layer import Layer
from layers.moments import parse_datetime, parse_moment
from layers.query import ItemQuery
from tiles.vector_tiles import tile_fields

__all__ = ["MAX_LIMIT", "RESERVED", "Question", "asked_feature", "asked_items", "asked_moment", "asked_tile", "known_at"]

DEFAULT_LIMIT, MAX_LIMIT = 10, 10_000


@dataclass(frozen=True)
class Question:
    """An ItemQuery, the CRS of its answer, and whether only (or also) the number of matches is asked."""

    query: ItemQuery
    crs: Crs
    hits_only: bool
    count: bool


def asked_items(request: Request, layer: Layer) -> Question:
    """Read the parameters of `/items`. Raises InvalidParameter that names the parameter."""
    p, city = request.parameters, request.context.catalogue.city
    audience = audience_for(request, layer)
    crs = asked_crs(city, "crs", p.take("crs"))
    bbox, bbox_srid = _bbox(p, asked_crs(city, "bbox-crs", p.take("bbox-crs")))
    if bbox is not None and layer.kind != "spatial":
        raise WrongParameter("bbox", "geometry_kind", layer=layer.id)
    at, interval = _moment(p)
    visible = audience.fields(layer)
    query = ItemQuery(
        layer, audience, bbox=bbox, bbox_srid=bbox_srid, at=at, interval=interval, known_at=known_at(request),
        filter=_filter(request, audience, layer), fids=p.take_as("ids", _fids),
        fields=p.take_names("properties", layer.id, (f.name for f in visible)),
        sortby=p.take_as("sortby", lambda text: _sortby(audience, layer, text)) or (),
        limit=p.take_integer("limit", DEFAULT_LIMIT, 1, MAX_LIMIT, clamp=True), after=p.take("cursor"),
        srid=crs.srid, flip=crs.flip, geometry=not p.take_flag("skipGeometry"))
    # GDAL writes it as WFS does, in mixed case.
    hits = p.take_choice("resultType" if "resultType" in p else "resulttype", ("results", "hits"), "results") == "hits"
    return Question(query, crs, hits, p.take_flag("count"))


def asked_feature(request: Request, layer: Layer, fid: int) -> tuple[ItemQuery, Crs]:
    """Read the parameters of one item."""
    p, audience = request.parameters, audience_for(request, layer, fid)
    if not p:
        return ItemQuery(layer, audience), CRS84
    crs = asked_crs(request.context.catalogue.city, "crs", p.take("crs"))
    at, interval = _moment(p)
    if interval is not None:
        raise WrongParameter("datetime", "moment", value=p["datetime"])
    fields = p.take_names("properties", layer.id, (f.name for f in audience.fields(layer)))
    return ItemQuery(layer, audience, at=at, known_at=known_at(request), fields=fields, srid=crs.srid,
                     flip=crs.flip, geometry=not p.take_flag("skipGeometry")), crs


def asked_tile(request: Request, layer: Layer, alone: bool = True) -> ItemQuery:
    """Read the parameters of a vector tile: `datetime`, `known-at` and, for a tile of one layer, `filter` and `properties`."""
    at, interval = _moment(request.parameters)
    fields = condition = None
    if alone:
        condition = _filter(request, request.audience, layer)
        fields = request.parameters.take_names("properties", layer.id, (f.name for f in tile_fields(layer, request.audience)))
    return ItemQuery(layer, request.audience, at=at, interval=interval, known_at=known_at(request), filter=condition, fields=fields)


def asked_moment(request: Request) -> tuple[datetime | None, tuple[datetime | None, datetime | None] | None, int | None]:
    """Read `datetime` (an instant or an interval) and `known-at`."""
    at, interval = _moment(request.parameters)
    return at, interval, known_at(request)


def known_at(request: Request) -> int | None:
    """Read `known-at`: a changeset number, or the moment of recording up to which changesets count."""
    text = request.parameters.take("known-at")
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        if len(text) > 18:
            raise WrongParameter("known-at", "integer", value=text)
        return int(text)
    return seq_at(request.context.store, parse_moment(text, "known-at").at)


def _moment(p: Parameters) -> tuple[datetime | None, tuple[datetime | None, datetime | None] | None]:
    text = p.take("datetime")
    return (None, None) if text is None else parse_datetime(text)


def _bbox(p: Parameters, crs: Crs) -> tuple[tuple[float, float, float, float] | None, int]:
    text = p.take("bbox")
    if text is None:
        return None, 4326
    parts = text.split(",")
    if len(parts) not in (4, 6):
        raise WrongParameter("bbox", "bbox_count", count=len(parts))
    numbers = [number("bbox", part.strip()) for part in parts]
    a, b, c, d = numbers if len(numbers) == 4 else (*numbers[0:2], *numbers[3:5])
    minx, miny, maxx, maxy = (b, a, d, c) if crs.flip else (a, b, c, d)
    if miny > maxy or (minx > maxx and not crs.is_geographic):
        raise WrongParameter("bbox", "bbox_order")
    if crs.is_geographic and (min(minx, maxx) < -180 or max(minx, maxx) > 180 or miny < -90 or maxy > 90):
        raise WrongParameter("bbox", "bbox_degrees")
    return (minx, miny, maxx, maxy), crs.srid


def _fids(text: str) -> tuple[int, ...]:
    fids = tuple(integer("ids", part.strip()) for part in text.split(","))
    if len(fids) > MAX_LIMIT:
        raise WrongParameter("ids", "range", value=len(fids), low=1, high=MAX_LIMIT)
    return fids


def _sortby(audience: Audience, layer: Layer, text: str) -> tuple[tuple[str, bool], ...]:
    known = [*OWN_SORTABLES, *(f.name for f in audience.fields(layer) if is_sortable(f))]
    pairs = []
    # A '+' that was not percent-encoded arrives as a blank.
    for part in (piece.strip() for piece in text.split(",")):
        name = part.lstrip("+-").strip()
        if name not in known:
            raise WrongParameter("sortby", "property", layer=layer.id, value=name, choices=", ".join(known))
        pairs.append((name, part.startswith("-")))
    return tuple(pairs)


def _filter(request: Request, audience: Audience, layer: Layer) -> dict[str, Any] | bool | None:
    """Read `filter`, `filter-lang`, `filter-crs` and each queryable as a parameter; all must hold."""
    p = request.parameters
    text = p.take("filter")
    language = p.take_choice("filter-lang", ("cql2-text", "cql2-json"))
    crs = asked_crs(request.context.catalogue.city, "filter-crs", p.take("filter-crs"))
    parts: list[dict[str, Any] | bool | None] = []
    if text is not None:
        parts.append(parse_filter(text, language, crs))
    for field in audience.fields(layer):
        if is_queryable(field) and field.name not in RESERVED and (given := p.take(field.name)) is not None:
            if field.codes is not None and given not in field.codes:
                raise WrongParameter(field.name, "choice", value=given[:60], choices=", ".join(field.codes))
            parts.append(equals(field, given))
    return both(*parts)


# A field of one of these names can be asked for in `filter` only.
RESERVED = frozenset({"crs", "bbox", "datetime", "limit", "cursor", "filter", "properties", "sortby", "resulttype",
                      "count", "ids", "f", "lang", "key", "bom", "guard", "reason"})
