"""The part of the city that a body asks about: a box, a drawn geometry, features of a layer, with or without a buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson
import shapely
from pydantic import Field
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from gisserver.parameters import checked_box
from gisserver.request import Request
from gisserver.routes.bodies import Body
from gisserver.wording import WrongParameter
from layers.crs import CRS84, to_srid
from layers.errors import InvalidParameter
from layers.features import rows
from layers.filters import parse_filter
from layers.history import seq_at
from layers.layer import Layer
from layers.moments import parse_moment
from layers.query import ItemQuery
from layers.statistics import Place, Rule, place_of

__all__ = ["Asked", "AskedPlace", "FeaturesBody", "PlaceBody", "asked_place", "asked_query"]

MOST_VERTICES = 20_000
MOST_FEATURES = 2_000
MOST_BUFFER_M = 100_000
Box = tuple[float, float, float, float]


class FeaturesBody(Body):
    """Features of a layer, whose union is the area."""

    layer: str
    fids: list[int] = Field(min_length=1, max_length=MOST_FEATURES)


class Asked(Body):
    """When: the moment of valid time, and what was known then."""

    datetime: str | None = None
    known_at: int | str | None = None


class PlaceBody(Asked):
    """Where and when. At most one of `bbox`, `area` and `features`; `buffer_m` widens it in the city's projected CRS."""

    bbox: list[float] | None = Field(default=None, min_length=4, max_length=4)
    area: dict[str, Any] | None = None
    features: FeaturesBody | None = None
    buffer_m: float | None = Field(default=None, ge=0, le=MOST_BUFFER_M)
    rule: Literal["intersects", "centroid", "area_weighted", "within"] = "intersects"


@dataclass(frozen=True)
class AskedPlace:
    """A box that the index answers alone, or a place with its geometry in CRS84; neither is the whole city."""

    bbox: Box | None = None
    place: Place | None = None
    geometry: BaseGeometry | None = None


def asked_place(request: Request, body: PlaceBody) -> AskedPlace:
    """Return the place of a body. Raises InvalidParameter that names the member, UnknownLayer for features one may not see."""
    given = [name for name in ("bbox", "area", "features") if getattr(body, name) is not None]
    if len(given) > 1:
        raise WrongParameter(given[1], "excludes", other=given[0])
    if not given:
        if body.buffer_m:
            raise WrongParameter("area", "missing")
        return AskedPlace()
    city = request.context.catalogue.city
    if body.bbox is not None:
        box = checked_box(body.bbox)
        if body.rule == "intersects" and not body.buffer_m:
            return AskedPlace(bbox=box)
        found: BaseGeometry = shapely.box(*box)
    else:
        found = _drawn(body.area) if body.area is not None else _united(request, body)
    if body.buffer_m:
        plane = shapely.buffer(to_srid(found, CRS84.srid, city.projected_srid), body.buffer_m, quad_segs=16)
        found = shapely.set_precision(to_srid(plane, city.projected_srid, CRS84.srid), 1e-9)
    if not found.geom_type.endswith("Polygon") or found.is_empty:
        name = given[0]
        raise InvalidParameter(name, "is no area; give a polygon, or a buffer_m around it.", "不是面；请给出多边形，或用 buffer_m 给出缓冲距离")
    rule: Rule = body.rule
    return AskedPlace(place=place_of(found, rule, city.storage_srid, city.projected_srid), geometry=found)


def _drawn(value: dict[str, Any]) -> BaseGeometry:
    try:
        made = shapely.force_2d(shape(value))
    except Exception:  # shapely raises many kinds for what is no GeoJSON
        raise InvalidParameter("area", "is no GeoJSON geometry.", "不是有效的 GeoJSON 几何") from None
    if made.is_empty or not made.is_valid:
        reason = "it is empty" if made.is_empty else shapely.is_valid_reason(made)
        raise InvalidParameter("area", f"is not a valid geometry: {reason}.", f"几何无效：{reason}")
    minx, miny, maxx, maxy = made.bounds
    if not (-180 <= minx and maxx <= 180 and -90 <= miny and maxy <= 90):
        raise InvalidParameter("area", "must be in degrees of longitude and latitude (CRS84).", "坐标应为经纬度（CRS84）")
    if shapely.get_num_coordinates(made) > MOST_VERTICES:
        raise InvalidParameter("area", f"has more than {MOST_VERTICES} vertices; simplify it.", f"顶点超过 {MOST_VERTICES} 个，请先简化")
    return made


def _united(request: Request, body: PlaceBody) -> BaseGeometry:
    assert body.features is not None
    layer = request.context.layer_for(request.audience, body.features.layer)
    if layer.geometry is None:
        raise WrongParameter("features", "geometry_kind", layer=layer.id)
    query = asked_query(request, layer, body, None)
    query = ItemQuery(layer, request.audience, at=query.at, known_at=query.known_at, fids=tuple(body.features.fids), fields=(), limit=None)
    found = shapely.from_wkb([row["geometry"] for row in rows(request.context.store, query, "wkb") if row["geometry"] is not None])
    if len(found) == 0:
        raise InvalidParameter("features", f"none of these features of layer '{layer.id}' is there at that moment.",
                               f"图层“{layer.id}”在该时点没有这些要素")
    return shapely.union_all(shapely.make_valid(shapely.force_2d(found)))


def asked_query(request: Request, layer: Layer, when: Asked, filter_: dict[str, Any] | str | None, bbox: Box | None = None) -> ItemQuery:
    """Return the question that a body asks a layer, for its reader. Raises InvalidParameter, InvalidFilter."""
    at = None if when.datetime is None else parse_moment(when.datetime, "datetime").at
    known = when.known_at
    if isinstance(known, str):
        known = int(known) if known.isascii() and known.isdecimal() and len(known) < 19 else seq_at(
            request.context.store, parse_moment(known, "known_at").at)
    found = None if filter_ is None else parse_filter(filter_ if isinstance(filter_, str) else orjson.dumps(filter_).decode())
    return ItemQuery(layer, request.audience, bbox=bbox if layer.geometry is not None else None, at=at, known_at=known, filter=found, limit=None)
