"""`/api/classification` and `/api/clusters`: the numbers that thematic maps are made of."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import Field
from starlette.responses import Response

from gisserver.parameters import checked_box
from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, read_body
from gisserver.routes.places import Asked, asked_query
from layers.errors import InvalidParameter
from layers.features import rows
from layers.theme_values import MOST_CELLS, Values, Wanted, cells, theme_values
from spatial_models.classification import Classes, classify

__all__ = ["post_classification", "post_clusters"]

# Of more features the client takes classes from the fields in tiles.
MOST_VALUES = 5_000
MOST_IN_VIEW = 50_000
# Zones are few; their shapes go along where the client asks, since tiles hold them from a deeper level only.
MOST_SHAPES = 2_000
WORLD_M = 2 * math.pi * 6378137
TILE_PX, CELL_PX = 512, 72
# Cells so small are those of heat, of which a wide screen shows very many; none may be missing from the picture.
SMALL_PX, MOST_SMALL = 40, 20_000


class OfBody(Body):
    """What lies in the features: how many of a layer, or how much of a field of theirs."""

    layer: str
    measure: Literal["count", "sum", "mean"] = "count"
    field: str | None = None
    filter: dict[str, Any] | str | None = None


class ValueBody(Body):
    """A value to map; `per` is 'none', 'area' (km²), a field, or 'own:' and a field of the zone."""

    field: str | None = None
    of: OfBody | None = None
    per: str = "none"


class ClassificationBody(Asked):
    """A layer, a value (two for a bivariate map), and how to divide it."""

    layer: str
    value: ValueBody
    second: ValueBody | None = None
    method: Literal["quantile", "jenks", "equal", "deviation", "manual"] = "quantile"
    classes: int = Field(default=5, ge=2, le=9)
    breaks: list[float] = Field(default=[], max_length=8)
    filter: dict[str, Any] | str | None = None
    points: bool = False
    shapes: bool = False
    # Only what meets it, and then the values of many more: a map colours what it shows by classes that it knows already.
    bbox: list[float] | None = Field(default=None, min_length=4, max_length=4)


class ClustersBody(Asked):
    """Features of a layer gathered in cells of so many pixels at a zoom level."""

    layer: str
    bbox: list[float] = Field(min_length=4, max_length=4)
    zoom: float = Field(ge=0, le=24)
    cell_px: int = Field(default=CELL_PX, ge=4, le=512)
    by: str | None = None
    filter: dict[str, Any] | str | None = None


def _read(request: Request, body: ClassificationBody, value: ValueBody, points: bool) -> Values:
    context = request.context
    layer = context.layer_for(request.audience, body.layer)
    query = asked_query(request, layer, body, body.filter, None if body.bbox is None else checked_box(body.bbox))
    of = None
    if value.of is not None:
        of = asked_query(request, context.layer_for(request.audience, value.of.layer), body, value.of.filter)
    wanted = Wanted(value.of.field if value.of else value.field, of, value.of.measure if value.of else "count", value.per)
    return theme_values(context.store, query, wanted, context.catalogue.city.projected_srid, points)


def post_classification(request: Request) -> Response:
    """Answer the classes of a value, and the value of each feature where there are not too many."""
    request.parameters.finish()
    body = read_body(request, ClassificationBody)
    if body.method == "manual" and (not body.breaks or sorted(set(body.breaks)) != body.breaks):
        raise InvalidParameter("breaks", "ascend, and there is one at least.", "应至少给出一个分界值，且递增")
    found = _read(request, body, body.value, body.points)
    most = MOST_VALUES if body.bbox is None else MOST_IN_VIEW
    told = _told(found, classify(found.values, body.method, body.classes, body.breaks), body.method, most)
    if body.second is not None:
        other = _read(request, body, body.second, False)
        # Nine classes of two values: thirds of each.
        told |= _told(found, classify(found.values, "quantile", 3), "quantile", most)
        told["second"] = _told(other, classify(other.values, "quantile", 3), "quantile", most)
        told["matrix"] = _matrix(found, other, told["edges"], told["second"]["edges"])
    if found.points is not None and len(found.fids) <= MOST_VALUES:
        told["points"] = np.round(found.points, 7).tolist()
    if body.shapes and len(found.fids) <= MOST_SHAPES:
        layer = request.context.layer_for(request.audience, body.layer)
        query = replace(asked_query(request, layer, body, body.filter), fields=())
        told["shapes"] = [[row["id"], row["geometry"]] for row in rows(request.context.store, query, "geojson")]
    return answer({"layer": body.layer, **told})


def _told(found: Values, made: Classes, method: str, most: int) -> dict[str, Any]:
    known = np.isfinite(found.values)
    few = len(found.fids) <= most
    return {"method": method, "edges": list(made.edges), "counts": list(made.counts), "no_data": made.no_data, "features": len(found.fids),
            "mean": made.mean, "deviation": made.deviation, "is_exact": made.is_exact,
            "fids": found.fids.tolist() if few else None,
            "values": [v if k else None for v, k in zip(found.values.tolist(), known.tolist(), strict=True)] if few else None}


def _matrix(first: Values, second: Values, rows: list[float], columns: list[float]) -> list[list[int]]:
    """Count features by the classes of both values: rows of the first, columns of the second."""
    counts = np.zeros((max(len(rows) - 1, 1), max(len(columns) - 1, 1)), dtype=int)
    _, a, b = np.intersect1d(first.fids, second.fids, return_indices=True)
    both = np.isfinite(first.values[a]) & np.isfinite(second.values[b])
    np.add.at(counts, (np.searchsorted(rows[1:-1], first.values[a][both], side="right"), np.searchsorted(columns[1:-1], second.values[b][both], side="right")), 1)
    found: list[list[int]] = counts.tolist()
    return found


def post_clusters(request: Request) -> Response:
    """Answer features gathered in cells; the counts are exact and add up to the total."""
    request.parameters.finish()
    body = read_body(request, ClustersBody)
    layer = request.context.layer_for(request.audience, body.layer)
    query = asked_query(request, layer, body, body.filter, checked_box(body.bbox))
    size_m = WORLD_M / (TILE_PX * 2 ** body.zoom) * body.cell_px
    total, made = cells(request.context.store, query, size_m, body.by, MOST_SMALL if body.cell_px < SMALL_PX else MOST_CELLS)
    codes = layer.field(body.by).codes if body.by else None
    return answer({"layer": layer.id, "total": total, "cells": [
        {"center": [round(cell.lon, 7), round(cell.lat, 7)], "count": cell.count,
         "classes": [{"value": value, "count": count, **({"title": codes[value].model_dump()} if codes and value in codes else {})}
                     for value, count in sorted(cell.classes.items(), key=lambda item: -item[1])]} for cell in made]})
