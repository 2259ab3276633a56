"""Values to map: a number of each feature, its own or of what lies in it, and features gathered in cells. One statement each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.sql import ColumnElement

from layers.cql2 import parameter
from layers.errors import InvalidParameter
from layers.filters import Shape, columns_of, question, source, where
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.statistics import CLASSED, COUNTED, chosen_field
from layers.store import Store

__all__ = ["AREA", "MOST_CELLS", "NONE", "Cell", "Values", "Wanted", "cells", "theme_values"]

NONE, AREA = "none", "area"
MOST_CELLS = 2_000
# Values of a cell that are told apart, on average.
MOST_SLICES = 30


@dataclass(frozen=True)
class Wanted:
    """What number a feature has.

    Parameters
    ----------
    field
        A field of its own; or, with `of`, of what is added up or averaged in it.
    of
        A question to another layer, whose features count where their centroid lies in the feature.
    measure
        With `of`: 'count', 'sum' or 'mean' (of `field`).
    per
        What it is divided by: 'none', 'area' (km², in the city's projected CRS), the name of a field (with `of`: of the counted
        features, added up), or 'own:' and a field of the feature itself.
    """

    field: str | None
    of: ItemQuery | None = None
    measure: Literal["count", "sum", "mean"] = "count"
    per: str = NONE


class Values(NamedTuple):
    """Feature numbers, their values (NaN where there is none), and points inside them in degrees if asked for."""

    fids: NDArray[np.int64]
    values: NDArray[np.float64]
    points: NDArray[np.float64] | None


class Cell(NamedTuple):
    """Features gathered in a cell: where their middle is (degrees), how many, and how many of each class."""

    lon: float
    lat: float
    count: int
    classes: dict[str | None, int]


class _Form(NamedTuple):
    field: str | None
    measure: str
    per: str
    has_points: bool
    projected: int


def theme_values(store: Store, query: ItemQuery, wanted: Wanted, projected: int, points: bool = False) -> Values:
    """Read the value of every feature of a question, in the order of their numbers.

    Raises InvalidParameter for a field that is not there, or a layer without geometry.
    """
    if query.layer.geometry is None:
        raise InvalidParameter("layer", f"the layer '{query.layer.id}' has no geometry.", f"图层“{query.layer.id}”没有几何")
    _check(query, wanted)
    shape, values = question(query, storage_srid(store))
    form = _Form(wanted.field, wanted.measure, wanted.per, points, projected)
    if wanted.of is None:
        statement = _own(SameLayer(query.layer), shape, form)
    else:
        inner, more = question(wanted.of, storage_srid(store))
        values |= more
        statement = _zones(SameLayer(query.layer), shape, SameLayer(wanted.of.layer), inner, form)
    ((fids, numbers, lons, lats),) = run(store, query.audience.role, statement, values, prepare=False)
    if fids is None or numbers is None:
        return Values(np.array([], "int64"), np.array([]), np.empty((0, 2)) if points else None)
    at = np.column_stack([np.array((part or b"").split(b","), dtype=float) for part in (lons, lats)]) if points else None
    return Values(np.array(fids.split(b","), dtype="int64"), np.array(numbers.split(b","), dtype=float), at)


def _check(query: ItemQuery, wanted: Wanted) -> None:
    counted = wanted.of or query
    if wanted.of is not None and wanted.of.layer.geometry is None:
        raise InvalidParameter("of", f"the layer '{wanted.of.layer.id}' has no geometry.", f"图层“{wanted.of.layer.id}”没有几何")
    if wanted.of is not None and query.layer.geometry not in ("Polygon", "MultiPolygon"):
        raise InvalidParameter("layer", f"the features of '{query.layer.id}' are no areas that something lies in.", f"图层“{query.layer.id}”不是面图层")
    if wanted.field is not None:
        chosen_field(counted, wanted.field, "field", COUNTED)
    elif wanted.of is None or wanted.measure != "count":
        raise InvalidParameter("field", "is required.", "需要给出数值字段")
    if wanted.per.startswith("own:"):
        chosen_field(query, wanted.per[4:], "per", COUNTED)
    elif wanted.per not in (NONE, AREA):
        chosen_field(counted, wanted.per, "per", COUNTED)


def _divided(value: ColumnElement[Any], by: ColumnElement[Any] | None) -> ColumnElement[Any]:
    return value if by is None else value / sa.func.nullif(sa.cast(by, sa.Double()), sa.literal_column("0"))


def _area_km2(geom: ColumnElement[Any], projected: int) -> ColumnElement[Any]:
    return sa.func.ST_Area(sa.func.ST_Transform(geom, sa.literal_column(str(int(projected))))) / sa.literal_column("1e6")


def _texts(rows: sa.Subquery, form: _Form) -> Statement:
    """Put columns into texts: a hundred thousand numbers are one cell each way."""
    def text(value: ColumnElement[Any], empty: str | None = None) -> ColumnElement[Any]:
        written = sa.cast(value, sa.Text())
        return sa.func.string_agg(sa.func.coalesce(written, sa.literal_column(f"'{empty}'")) if empty else written, sa.literal_column("','"))

    places = [text(rows.c.lon), text(rows.c.lat)] if form.has_points else [sa.null(), sa.null()]
    return compiled(sa.select(text(rows.c.fid), text(rows.c.value, "nan"), *places).select_from(rows))


def _point(geom: ColumnElement[Any], form: _Form) -> list[ColumnElement[Any]]:
    if not form.has_points:
        return []
    point = sa.func.ST_Transform(sa.func.ST_PointOnSurface(geom), sa.literal_column("4326"))
    return [sa.func.ST_X(point).label("lon"), sa.func.ST_Y(point).label("lat")]


@lru_cache(maxsize=200)
def _own(same: SameLayer, shape: Shape, form: _Form) -> Statement:
    base = source(same.layer, shape)
    columns = columns_of(base)
    assert form.field is not None
    name = form.per.removeprefix("own:")
    by = None if name == NONE else _area_km2(base.c.geom, form.projected) if name == AREA else columns[name]
    value = _divided(sa.cast(columns[form.field], sa.Double()), by)
    rows = sa.select(base.c.fid, value.label("value"), *_point(base.c.geom, form)).where(*where(shape, base)).order_by(base.c.fid).subquery("r")
    return _texts(rows, form)


@lru_cache(maxsize=200)
def _zones(same: SameLayer, shape: Shape, counted: SameLayer, inner: Shape, form: _Form) -> Statement:
    zone, base = source(same.layer, shape, "z"), source(counted.layer, inner, "c")
    columns = columns_of(base)
    field = sa.cast(columns[form.field], sa.Double()) if form.field else sa.cast(sa.null(), sa.Double())
    sums_per = form.per not in (NONE, AREA) and not form.per.startswith("own:")
    per = sa.func.sum(sa.cast(columns[form.per], sa.Double())) if sums_per else sa.null()
    inside = (sa.select(sa.func.count().label("n"), sa.func.sum(field).label("s"), sa.func.avg(field).label("a"), per.label("p")).select_from(base)
              .where(base.c.geom.bool_op("&&")(zone.c.geom), sa.func.ST_Intersects(zone.c.geom, sa.func.ST_Centroid(base.c.geom)), *where(inner, base))
              .lateral("i"))
    measured = sa.cast({"count": inside.c.n, "sum": inside.c.s, "mean": inside.c.a}[form.measure], sa.Double())
    by = None
    if form.per == AREA:
        by = _area_km2(zone.c.geom, form.projected)
    elif form.per.startswith("own:"):
        by = columns_of(zone)[form.per[4:]]
    elif sums_per:
        by = inside.c.p
    rows = (sa.select(zone.c.fid, _divided(measured, by).label("value"), *_point(zone.c.geom, form)).select_from(zone.join(inside, sa.true()))
            .where(*where(shape, zone)).order_by(zone.c.fid).subquery("r"))
    return _texts(rows, form)


def cells(store: Store, query: ItemQuery, size_m: float, by: str | None = None, most: int = MOST_CELLS) -> tuple[int, list[Cell]]:
    """Gather the features of a question in cells of Web Mercator by their middles; every feature is in exactly one.

    Parameters
    ----------
    size_m
        Width of a cell in metres of EPSG:3857.
    by
        A field whose values are told apart in each cell.
    most
        How many cells are returned at most.

    Returns how many features there are in all, and the cells with the most first. Raises InvalidParameter.
    """
    if query.layer.geometry is None:
        raise InvalidParameter("layer", f"the layer '{query.layer.id}' has no geometry.", f"图层“{query.layer.id}”没有几何")
    if by is not None:
        chosen_field(query, by, "by", CLASSED)
    shape, values = question(query, storage_srid(store))
    values["size"] = repr(float(size_m))
    found = run(store, query.audience.role, _cells(SameLayer(query.layer), shape, by, most), values, prepare=False)
    gathered: dict[tuple[bytes | None, bytes | None], list[Any]] = {}
    for x, y, k, n, lon, lat, _ in found:
        cell = gathered.setdefault((x, y), [0, 0.0, 0.0, {}])
        count = int(n or 0)
        cell[0] += count
        cell[1] += float(lon or 0) * count
        cell[2] += float(lat or 0) * count
        cell[3][None if k is None else k.decode()] = count
    made = [Cell(lon / count, lat / count, count, classes if by else {}) for count, lon, lat, classes in gathered.values()]
    made.sort(key=lambda cell: -cell.count)
    return int(found[0][6] or 0) if found else 0, made[:most]


@lru_cache(maxsize=200)
def _cells(same: SameLayer, shape: Shape, by: str | None, most: int) -> Statement:
    base = source(same.layer, shape)
    size, middle = parameter("size", "number"), sa.func.ST_Centroid(base.c.geom_tile)
    kind: ColumnElement[Any] = sa.cast(columns_of(base)[by], sa.Text()) if by else sa.cast(sa.null(), sa.Text())
    hit = sa.select(sa.func.ST_X(middle).label("x"), sa.func.ST_Y(middle).label("y"), kind.label("k")).where(*where(shape, base)).cte("hit").prefix_with("MATERIALIZED")
    cx, cy = sa.func.floor(hit.c.x / size), sa.func.floor(hit.c.y / size)
    point = sa.func.ST_Transform(sa.func.ST_SetSRID(sa.func.ST_MakePoint(sa.func.avg(hit.c.x), sa.func.avg(hit.c.y)), sa.literal_column("3857")), sa.literal_column("4326"))
    made = sa.select(cx.label("cx"), cy.label("cy"), hit.c.k, sa.func.count().label("n"), point.label("p")).group_by(cx, cy, hit.c.k).subquery("g")
    return compiled(sa.select(made.c.cx, made.c.cy, made.c.k, made.c.n, sa.func.ST_X(made.c.p), sa.func.ST_Y(made.c.p), sa.func.sum(made.c.n).over())
                    .order_by(made.c.n.desc()).limit(sa.literal_column(str(int(most) * MOST_SLICES if by else int(most)))))
