"""Statistics of a question: how many features, what they add up to, and by class, in one statement.

What lies only partly in an area counts by a rule, that of RULES; lengths and areas are measured in the city's projected CRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import shapely
import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause

from layers.cql2 import parameter
from layers.crs import CRS84, box_around, ewkb_hex, make_crs, to_srid
from layers.errors import InvalidParameter
from layers.filters import Shape, columns_of, question, source, where
from layers.layer import Layer, LayerField
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.store import Store

__all__ = ["CLASSED", "COUNTED", "MOST_CLASSES", "Grouping", "Place", "Rule", "chosen_field", "place_of", "range_of", "select_within", "statistics"]

Rule = Literal["intersects", "centroid", "area_weighted", "within"]
MOST_CLASSES = 200
# Types whose values are classes of their own; a day counts for its year. Numbers are told apart by edges.
CLASSED = ("code", "string", "boolean", "integer", "date", "datetime")
COUNTED = ("integer", "number")
# Drawn edges are straight in longitude and latitude and measured where they are not; so much is added to what is looked through.
_MARGIN_DEG, _MARGIN_M = 1.2e-5, 1.5
_BY_YEAR = ("date", "datetime")


class Place(NamedTuple):
    """An area in the storage and in the projected CRS (EWKB), the box to look through, and the rule for what is partly in it."""

    rule: Rule
    stored: str
    projected: str
    near: str
    projected_srid: int


@dataclass(frozen=True)
class Grouping:
    """By what features are told apart: the values of a field, or (with `edges`, ascending) the classes of a number.

    Class n holds `edges[n] <= value < edges[n + 1]`, for the last one up to and with its upper edge.
    """

    field: str
    edges: tuple[float, ...] | None = None


class _Form(NamedTuple):
    fields: tuple[str, ...]
    by: str | None
    has_edges: bool
    rule: Rule | None
    measured: int | None
    projected_srid: int


def place_of(area: shapely.Geometry, rule: Rule, storage: int, projected: int) -> Place:
    """Prepare an area of CRS84 for questions.

    Raises InvalidParameter for coordinates that the city's systems cannot express.
    """
    try:
        stored, plane = to_srid(area, CRS84.srid, storage), to_srid(area, CRS84.srid, projected)
    except ValueError as error:
        raise InvalidParameter("area", f"{error}.", "坐标超出城市坐标系的范围") from None
    margin = _MARGIN_DEG if make_crs(storage).is_geographic else _MARGIN_M
    minx, miny, maxx, maxy = stored.bounds
    return Place(rule, ewkb_hex(stored, storage), ewkb_hex(plane, projected),
                 box_around(minx - margin, miny - margin, maxx + margin, maxy + margin, storage), projected)


def chosen_field(query: ItemQuery, name: str, parameter_name: str, types: tuple[str, ...]) -> LayerField:
    """Return a field that the question's reader may read. Raises InvalidParameter that lists what there is."""
    usable = {f.name: f for f in query.audience.fields(query.layer) if f.type in types}
    if name not in usable:
        raise InvalidParameter(parameter_name, f"layer '{query.layer.id}' has no such field '{name[:48]}'; usable are: {', '.join(usable) or 'none'}.",
                               f"图层“{query.layer.id}”没有可用的字段“{name[:48]}”；可用：{'、'.join(usable) or '无'}")
    return usable[name]


def statistics(store: Store, query: ItemQuery, fields: tuple[str, ...] = (), grouping: Grouping | None = None,
               place: Place | None = None, measured: int | None = None) -> dict[str, Any]:
    """Count and add up the features of a question.

    Method: each feature counts with its share s by the rule of `place` (1 without). count = Σ s; for a field v: sum = Σ s·v and
    mean = Σ s·v / Σ s over the features that have a value; min and max over those.

    Parameters
    ----------
    query
        Reader, moment, filter and bbox hold; its page does not matter.
    fields
        Numeric fields to add up.
    grouping
        By what to tell the features apart.
    place
        Only what counts for this area.
    measured
        EPSG code of the CRS to measure areas and lengths in; None leaves them out.

    Returns {"count", "features", "area_m2" and "length_m" (of what counts), "fields": {name: {"count", "sum", "mean", "min",
    "max"}}}, and with a grouping "classes": a list of the same with "value" (of edges: the number of the class), most first,
    at most MOST_CLASSES, and "classes_left_out". Raises InvalidParameter for a field that is not there.
    """
    for name in fields:
        chosen_field(query, name, "fields", COUNTED)
    if grouping:
        chosen_field(query, grouping.field, "by", COUNTED if grouping.edges else CLASSED)
    if place and query.layer.geometry is None:
        raise InvalidParameter("area", f"the layer '{query.layer.id}' has no geometry.", f"图层“{query.layer.id}”没有几何")
    shape, values = question(query, storage_srid(store))
    form = _Form(fields, grouping.field if grouping else None, bool(grouping and grouping.edges), place.rule if place else None,
                 measured if query.layer.geometry is not None else None, place.projected_srid if place else measured or 0)
    if place:
        values |= _place_values(place)
    if grouping and grouping.edges:
        values |= {"edges": "{" + ",".join(map(repr, grouping.edges)) + "}", "edge_end": repr(grouping.edges[-1]), "edge_last": str(len(grouping.edges) - 2)}
    found = run(store, query.audience.role, _statistics(SameLayer(query.layer), shape, form), values, prepare=False)
    rows = [[None if cell is None else cell.decode() for cell in row] for row in found]
    total = next((row for row in rows if row[0] == "1"), None)
    answer = _told(total, query.layer, form) if total else _told(["1", None, "0", *["0", "0"], *[None] * 5 * len(fields), None, None], query.layer, form)
    if form.by is not None:
        kind = query.layer.field(form.by).type
        classes = [{"value": _value(row[1], kind, form.has_edges), **_told(row, query.layer, form)} for row in rows if row[0] == "0"]
        groups = int(next((row[2] for row in rows if row[0] == "0"), "1")) - 1
        answer |= {"classes": classes, "classes_left_out": max(0, groups - len(classes))}
    return answer


def _place_values(place: Place) -> dict[str, str | None]:
    return {"area": place.stored, "plane": place.projected, "near": place.near}


def _value(text: str | None, kind: str, has_edges: bool) -> Any:
    if text is None:
        return None
    if has_edges or kind == "integer" or kind in _BY_YEAR:
        return int(float(text))
    return text == "true" if kind == "boolean" else text


def _told(row: list[Any], layer: Layer, form: _Form) -> dict[str, Any]:
    """Make the numbers of one row: is it the total, class, number of rows, features, count, five of each field, area, length."""
    features, count = int(row[3]), float(row[4] or 0)
    told: dict[str, Any] = {"count": count if form.rule == "area_weighted" else features, "features": features}
    numbers = [None if cell is None else float(cell) for cell in row[5:]]
    if form.measured and numbers[-2] is not None:
        told["area_m2"] = numbers[-2]
    if form.measured and numbers[-1] is not None:
        told["length_m"] = numbers[-1]
    told["fields"] = {}
    for n, name in enumerate(form.fields):
        there, total, weight, low, high = numbers[5 * n:5 * n + 5]
        told["fields"][name] = {"count": int(there or 0), "sum": total or 0.0, "mean": (total or 0.0) / weight if weight else None,
                                "min": low, "max": high, "unit": layer.field(name).unit}
    return told


@lru_cache(maxsize=500)
def _statistics(same: SameLayer, shape: Shape, form: _Form) -> Statement:
    hit = _hits(same, shape, form).cte("hit").prefix_with("MATERIALIZED")
    share = hit.c.share if form.rule == "area_weighted" else sa.literal_column("1.0")
    many = sa.func.count()
    parts: list[ColumnElement[Any]] = [many, sa.func.sum(hit.c.share) if form.rule == "area_weighted" else many]
    for n in range(len(form.fields)):
        v = hit.c[f"v{n}"]
        parts += [sa.func.count(v), sa.func.sum(v * share), sa.func.sum(share).filter(v.is_not(sa.null())), sa.func.min(v), sa.func.max(v)]
    parts += [sa.func.sum(hit.c.area * share), sa.func.sum(hit.c.length * share)] if form.measured else [sa.null(), sa.null()]
    if form.by is None:
        return compiled(sa.select(sa.literal_column("1"), sa.null(), sa.literal_column("1"), *parts).select_from(hit))
    is_total = sa.func.grouping(hit.c.k)
    made = (sa.select(is_total.label("t"), hit.c.k, sa.func.count().over(), *parts).select_from(hit)
            .group_by(sa.text("GROUPING SETS ((), (hit.k))")).order_by(is_total.desc(), many.desc(), hit.c.k)
            .limit(sa.literal_column(str(MOST_CLASSES + 1))))
    return compiled(made)


def _hits(same: SameLayer, shape: Shape, form: _Form) -> sa.Select[Any]:
    """Select what counts: its class, its numbers, its share, and its area and length."""
    layer, base = same.layer, source(same.layer, shape)
    columns = columns_of(base)
    kept: list[ColumnElement[Any]] = [_class(layer.field(form.by), columns[form.by], form.has_edges).label("k")] if form.by else []
    kept += [sa.cast(columns[name], sa.Double()).label(f"v{n}") for n, name in enumerate(form.fields)]
    return _measured(layer, base, [*kept, base.c.fid], where(shape, base), form)


def _measured(layer: Layer, base: FromClause, kept: list[ColumnElement[Any]], conditions: list[ColumnElement[Any]], form: _Form) -> sa.Select[Any]:
    if form.rule == "intersects":
        conditions = [base.c.geom.bool_op("&&")(parameter("area", "geometry")),
                      sa.func.ST_Intersects(base.c.geom, parameter("area", "geometry"), type_=sa.Boolean()), *conditions]
    elif form.rule is not None:
        conditions = [base.c.geom.bool_op("&&")(parameter("near", "geometry")), *conditions]
    on_plane = form.measured is not None or form.rule in ("centroid", "area_weighted", "within")
    if not on_plane:
        return sa.select(*kept, sa.literal_column("1.0").label("share")).where(*conditions)
    moved = sa.func.ST_Transform(base.c.geom, sa.literal_column(str(int(form.projected_srid))))
    near = sa.select(*kept, moved.label("g")).where(*conditions).cte("near").prefix_with("MATERIALIZED")
    plane = parameter("plane", "geometry")
    exact = {"centroid": lambda: sa.func.ST_Intersects(plane, sa.func.ST_Centroid(near.c.g)),
             "within": lambda: sa.func.ST_Covers(plane, near.c.g),
             "area_weighted": lambda: sa.func.ST_Intersects(plane, near.c.g)}
    share: ColumnElement[Any] = sa.literal_column("1.0")
    if form.rule == "area_weighted":
        whole = sa.func.ST_MakeValid(near.c.g)
        part = sa.func.ST_Intersection(plane, whole)
        share = sa.case((sa.func.ST_Covers(plane, near.c.g), sa.literal_column("1.0")),
                        else_=_extent(layer, part) / sa.func.nullif(_extent(layer, whole), sa.literal_column("0")))
    measures = [_measure(layer, "Polygon", sa.func.ST_Area(near.c.g)).label("area"),
                _measure(layer, "LineString", sa.func.ST_Length(near.c.g)).label("length")] if form.measured else []
    names = [c for c in near.c if c.name != "g"]
    return sa.select(*names, share.label("share"), *measures).where(*([exact[form.rule]()] if form.rule in exact else []))


def _measure(layer: Layer, kind: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a measure where the layer has what is measured so, else nothing."""
    if layer.geometry == "Geometry":
        return value
    return value if str(layer.geometry).endswith(kind) else sa.cast(sa.null(), sa.Double())


def _extent(layer: Layer, geom: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what counts for a share: m² of areas, m of lines, number of points."""
    if str(layer.geometry).endswith("Polygon"):
        return sa.func.ST_Area(geom)
    if str(layer.geometry).endswith("LineString"):
        return sa.func.ST_Length(geom)
    points = sa.cast(sa.func.ST_NPoints(geom), sa.Double())
    if str(layer.geometry).endswith("Point"):
        return points
    dimension = sa.func.ST_Dimension(geom)
    return sa.case((dimension == sa.literal_column("2"), sa.func.ST_Area(geom)), (dimension == sa.literal_column("1"), sa.func.ST_Length(geom)),
                   else_=points)


def _class(field: LayerField, column: ColumnElement[Any], has_edges: bool) -> ColumnElement[Any]:
    if has_edges:
        edges = parameter("edges", "number[]")
        value = sa.cast(column, sa.Double())
        # The last class has both its edges.
        return sa.case((value == parameter("edge_end", "number"), parameter("edge_last", "integer")),
                       else_=sa.func.width_bucket(value, edges) - sa.literal_column("1"))
    if field.type in _BY_YEAR:
        return sa.cast(sa.extract("year", column), sa.Integer())
    return sa.cast(column, sa.Text()) if field.type != "integer" else column


def range_of(store: Store, query: ItemQuery, field: str, place: Place | None = None) -> tuple[int, float | None, float | None]:
    """Return how many features of a question have a number in a field, the least and the greatest."""
    chosen_field(query, field, "by", COUNTED)
    found = statistics(store, query, (field,), place=place)["fields"][field]
    return found["count"], found["min"], found["max"]


def select_within(store: Store, query: ItemQuery, place: Place, limit: int) -> tuple[int, list[int]]:
    """Return how many features of a question count for an area, and the numbers of at most `limit` of them, ascending."""
    if query.layer.geometry is None:
        raise InvalidParameter("layer", f"the layer '{query.layer.id}' has no geometry.", f"图层“{query.layer.id}”没有几何")
    shape, values = question(query, storage_srid(store))
    values |= _place_values(place) | {"limit": str(limit)}
    form = _Form((), None, False, place.rule, None, place.projected_srid)
    found = run(store, query.audience.role, _selected(SameLayer(query.layer), shape, form), values, prepare=False)
    return (int(found[0][1] or 0) if found else 0), [int(row[0] or 0) for row in found]


@lru_cache(maxsize=200)
def _selected(same: SameLayer, shape: Shape, form: _Form) -> Statement:
    hit = _hits(same, shape, form).cte("hit")
    return compiled(sa.select(hit.c.fid, sa.func.count().over()).order_by(hit.c.fid).limit(parameter("limit", "integer")))
