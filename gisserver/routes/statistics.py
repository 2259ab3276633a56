"""`/api/statistics` and `/api/selection`: what is in a part of the city, counted, added up, told apart, and which features."""

from __future__ import annotations

import math
from typing import Any

import orjson
import shapely
from pydantic import Field
from starlette.responses import Response

from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, read_body
from gisserver.routes.places import AskedPlace, PlaceBody, asked_place, asked_query
from layers.crs import make_crs
from layers.errors import InvalidParameter
from layers.kept_selections import MOST_KEPT_FIDS, keep_selection
from layers.layer import Layer
from layers.query import ItemQuery
from layers.statistics import COUNTED, Grouping, chosen_field, range_of, select_within, statistics
from spatial_models.area_statistics import RULES

__all__ = ["nice_edges", "post_selection", "post_statistics"]

MOST_SELECTED = 10_000
MOST_BINS = 60
WITHIN = {"en": "A feature counts where it lies wholly in the area", "zh": "要素完全落入范围时计入"}
STEPS = (1, 2, 2.5, 5, 10)


class LayerBody(Body):
    """What is asked of one layer: `by` a field, its values apart; or `bins` or `edges`, classes of a number."""

    layer: str
    by: str | None = None
    bins: int | None = Field(default=None, ge=2, le=MOST_BINS)
    edges: list[float] | None = Field(default=None, min_length=2, max_length=MOST_BINS + 1)
    fields: list[str] = Field(default=[], max_length=20)
    filter: dict[str, Any] | str | None = None


class StatisticsBody(PlaceBody):
    """Some layers in one place at one moment; `measure` adds areas and lengths."""

    layers: list[LayerBody] = Field(min_length=1, max_length=40)
    measure: bool = False


class SelectionBody(PlaceBody):
    """The features of one layer in a place."""

    layer: str
    filter: dict[str, Any] | str | None = None
    limit: int = Field(default=1_000, ge=1, le=MOST_SELECTED)
    keep: bool = False


def post_statistics(request: Request) -> Response:
    """Answer the numbers of each layer in turn."""
    request.parameters.finish()
    body = read_body(request, StatisticsBody)
    if body.rule == "within":
        raise InvalidParameter("rule", "is intersects, centroid or area_weighted for statistics.", "统计的计入规则应为 intersects、centroid 或 area_weighted")
    place, city = asked_place(request, body), request.context.catalogue.city
    found = [_of_layer(request, asked, body, place, city.projected_srid if body.measure else None) for asked in body.layers]
    return answer({**_frame(request, body, place), "layers": found})


def _of_layer(request: Request, asked: LayerBody, body: StatisticsBody, place: AskedPlace, measured: int | None) -> dict[str, Any]:
    layer = request.context.layer_for(request.audience, asked.layer)
    query = asked_query(request, layer, body, asked.filter, place.bbox)
    edges = _edges(request, query, asked, place)
    grouping = None if asked.by is None else Grouping(asked.by, edges)
    found = statistics(request.context.store, query, tuple(dict.fromkeys(asked.fields)), grouping, place.place if layer.geometry else None, measured)
    told: dict[str, Any] = {"layer": layer.id, "by": asked.by, **found}
    if edges is not None:
        classes = {each["value"]: each for each in found["classes"]}
        empty = {"count": 0, "features": 0, "fields": {}}
        told |= {"edges": edges, "classes": [{**classes.get(n, empty), "value": n, "from": edges[n], "to": edges[n + 1]} for n in range(len(edges) - 1)],
                 "without_class": sum(each["count"] for value, each in classes.items() if value is None or not 0 <= value < len(edges) - 1)}
    elif asked.by is not None:
        told["classes"] = [_titled(layer, asked.by, each) for each in found["classes"]]
    return told


def _titled(layer: Layer, name: str, each: dict[str, Any]) -> dict[str, Any]:
    codes = layer.field(name).codes
    return each | {"title": codes[each["value"]].model_dump()} if codes and each["value"] in codes else each


def _edges(request: Request, query: ItemQuery, asked: LayerBody, place: AskedPlace) -> tuple[float, ...] | None:
    if asked.bins is None and asked.edges is None:
        return None
    if asked.by is None:
        raise InvalidParameter("by", "names the number whose classes are asked for.", "需要给出分级的数值字段")
    chosen_field(query, asked.by, "by", COUNTED)
    if asked.edges is not None:
        if any(not math.isfinite(e) for e in asked.edges) or sorted(set(asked.edges)) != asked.edges:
            raise InvalidParameter("edges", "ascend.", "应当递增")
        return tuple(asked.edges)
    count, low, high = range_of(request.context.store, query, asked.by, place.place)
    return nice_edges(low, high, asked.bins or 2) if count and low is not None and high is not None else (0.0, 1.0)


def nice_edges(low: float, high: float, bins: int) -> tuple[float, ...]:
    """Return edges at round numbers that hold `low` to `high` in at most `bins` classes, or one more."""
    if high <= low:
        return (low, low + 1)
    rough = (high - low) / bins
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in STEPS if s * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step), math.ceil(high / step)
    return tuple(float(f"{n * step:.12g}") for n in range(first, max(last, first + 1) + 1))


def _frame(request: Request, body: PlaceBody, place: AskedPlace) -> dict[str, Any]:
    """Say how it was counted: the rule in words, the system of measures, the area."""
    city = request.context.catalogue.city
    told: dict[str, Any] = {"datetime": body.datetime, "rule": body.rule, "rule_means": RULES[body.rule]._asdict() if body.rule in RULES else WITHIN,
                            "measured_in": make_crs(city.projected_srid).uri}
    if place.geometry is not None and place.place is not None:
        told["area_m2"] = shapely.from_wkb(bytes.fromhex(place.place.projected)).area
        if body.features or body.buffer_m:
            told["area"] = orjson.Fragment(shapely.to_geojson(shapely.transform(place.geometry, lambda xy: xy.round(7))))
    return told


def post_selection(request: Request) -> Response:
    """Answer the numbers of the features of a layer in a place."""
    request.parameters.finish()
    body = read_body(request, SelectionBody)
    if body.rule == "area_weighted":
        raise InvalidParameter("rule", "is intersects, centroid or within for a selection.", "选择的规则应为 intersects、centroid 或 within")
    layer = request.context.layer_for(request.audience, body.layer)
    # The box of the index is for counting; a selection says exactly which.
    given = body.model_copy(update={"area": _polygon(body.bbox), "bbox": None}) if body.bbox and not (body.area or body.features) else body
    place = asked_place(request, given)
    if place.place is None:
        raise InvalidParameter("area", "is required: bbox, area or features.", "需要给出范围：bbox、area 或 features")
    count, fids = select_within(request.context.store, asked_query(request, layer, body, body.filter), place.place,
                                MOST_KEPT_FIDS if body.keep else body.limit)
    kept = {"selection": keep_selection(request.context.store, layer.id, fids), "kept": len(fids)} if body.keep else {}
    return answer({**_frame(request, given, place), "layer": layer.id, "count": count, "fids": fids[:body.limit], **kept})


def _polygon(box: list[float]) -> dict[str, Any]:
    minx, miny, maxx, maxy = box
    return {"type": "Polygon", "coordinates": [[[minx, miny], [maxx, miny], [maxx, maxy], [minx, maxy], [minx, miny]]]}
