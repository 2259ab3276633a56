"""The statement that makes a vector tile, from what the tile shall hold (`Form`) and the shape of the question."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause
from sqlalchemy.types import NullType, UserDefinedType

from layers.cql2 import parameter
from layers.features import SEQ
from layers.filters import Shape, columns_of, source, where
from layers.layer import Layer, LayerField
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, Values, compiled, run
from layers.store import Store
from tiles.aggregates import Counting, cell_layer_id, cell_rows, is_large
from tiles.cell_counts import KEEP
from tiles.measured import area_km2

__all__ = ["BUFFER", "OUTSIDE", "UNITS", "Form", "Place", "is_selective", "most_rows", "tile_statement"]

UNITS, BUFFER = 4096, 64
# Of more rows a tile would be larger than any may be; no more are looked at to find that out.
MOST_ROWS, MOST_POINTS = 12_000, 24_000
# Says of an area that a part of it lies outside the tile (no field can have this name).
OUTSIDE = "label:apart"
# Of fewer rows than this, as the planner thinks, a filter's own index finds all sooner than the index of places those of a tile.
FEW_ROWS = 60_000
DEFINITIONS = sa.literal_column("(SELECT version FROM gis.catalogue_state)")
Place = Literal["mercator", "own", "other"]


class _Box2D(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "box2d"


class _Box3D(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "box3d"


class Form(NamedTuple):
    """What of a layer a tile holds. The text of a statement depends on this and the shape of the question.

    `seen` is all, what is worth drawing (`thinned`) or what is as large as a cell; a `merged` interval has one feature for all versions
    that follow each other and look the same; `order` is that of the largest first, which then are as many as `most` says; what is counted
    is looked up `by_place` or, where the filter leaves little, by the filter's index; `areas` are sizes that published styles divide by.
    """

    seen: str
    names: tuple[str, ...]
    points: str | None
    has_late: bool
    place: Place
    cells: Counting | None
    merged: bool = False
    order: bool = False
    by_place: bool = True
    areas: tuple[str, ...] = ()


def is_selective(store: Store, query: ItemQuery, shape: Shape, values: Values) -> bool:
    """Does the filter leave so few rows of the whole layer that they are best found by its own index? The planner is asked."""
    asked = _without_place(SameLayer(query.layer), shape)
    ((found,),) = run(store, query.audience.role, Statement(f"EXPLAIN (FORMAT JSON) {asked.sql}", asked.names), values, prepare=False)
    return orjson.loads(found or b"[]")[0]["Plan"]["Plan Rows"] < FEW_ROWS


@lru_cache(maxsize=500)
def _without_place(same: SameLayer, shape: Shape) -> Statement:
    base = source(same.layer, shape)
    return compiled(sa.select(base.c.fid).where(*where(shape._replace(moment="all"), base)))


def most_rows(layer: Layer) -> int:
    """Return how many rows of a layer are looked at for a tile that shall hold all."""
    return MOST_POINTS if layer.geometry in ("Point", "MultiPoint") else MOST_ROWS


@lru_cache(maxsize=1_000)
def tile_statement(same: SameLayer, shape: Shape, form: Form) -> Statement:
    """Return the statement of a tile: its bytes, the number of the snapshot, that of the definitions, and of how many rows it is made."""
    layer, base, place = same.layer, source(same.layer, shape), form.place
    columns = columns_of(base)
    here = [(base.c.geom_tile if place == "mercator" else base.c.geom).bool_op("&&")(parameter("near", "geometry")), *where(shape, base)]
    if form.has_late and layer.symbology and layer.symbology.field:
        # A feature without a value is drawn as the rest is.
        kind = sa.cast(columns[layer.symbology.field], sa.Text())
        here.append(kind.bool_op("=")(sa.func.any(parameter("late", "text[]"))).is_not(sa.true()))
    is_thinned = form.seen != "all" and layer.geometry not in ("Point", "MultiPoint")
    breadth, rows_from = sa.func.gis.breadth(base.c.geom_tile), base
    if form.seen == "large":
        here.append(is_large(base))
    elif is_thinned or (form.order and not form.merged):
        breadth, rows_from = _measured(base)
    if form.seen == "thinned" and is_thinned:
        here.append(_is_worth_drawing(base, breadth, layer.geometry == "Geometry"))
    rows_of = base
    if form.merged:
        height = layer.symbology.extrude if layer.symbology else None
        looks = [*(columns[n].label(n) for n in form.names if n != height), *(area_km2(base.c.geom, per).label(per) for per in form.areas)]
        rows_of, here = _merged(base, here, looks, [columns[n].label(n) for n in form.names if n == height], place, rows_from), []
        breadth, rows_from = sa.func.gis.breadth(rows_of.c.geom_tile), rows_of
        columns = {n: rows_of.c[n] for n in (*form.names, *form.areas)} | {"valid_from": sa.func.lower(rows_of.c.valid), "valid_to": sa.func.upper(rows_of.c.valid)}
    kept = [rows_of.c.fid, _placed(layer, rows_of, place).label("shape")]
    if form.points and place == "other":
        # The point of a whole area, however little of it was moved into the grid.
        kept.append(sa.func.ST_Transform(sa.func.ST_PointOnSurface(base.c.geom), sa.cast(parameter("grid", "integer"), sa.Integer())).label("point"))
    kept += [_property(layer.field(n), columns[n]).label(n) for n in form.names]
    kept += [(columns[per] if form.merged else area_km2(base.c.geom, per)).label(per) for per in form.areas]
    if shape.moment in ("interval", "all"):
        kept += [_seconds(columns[n]).label(n) for n in ("valid_from", "valid_to")]
    wanted = sa.select(*kept).select_from(rows_from).where(*here)
    if form.order:
        wanted = wanted.order_by(breadth.desc(), rows_of.c.fid).limit(parameter("most", "integer"))
    else:
        # One more tells that there are more.
        wanted = wanted.limit(sa.literal_column(str(most_rows(layer) + 1)))
    # Two tile layers are made of the same rows: they are looked up once.
    rows: FromClause = wanted.cte("rows").prefix_with("MATERIALIZED") if form.points else wanted.subquery("rows")

    crosses = sa.not_(rows.c.shape.bool_op("@")(parameter("tile", "geometry")))
    marks = [sa.func.nullif(crosses, sa.false()).label(OUTSIDE)] if form.points == "crossing" else []
    drawn = sa.func.ST_Simplify(rows.c.shape, parameter("half", "number"), sa.true()) if is_thinned else rows.c.shape
    properties = [c for c in rows.c if c.name not in ("fid", "shape", "point")]
    features = sa.select(rows.c.fid, _in_tile(drawn, BUFFER), *properties, *marks).subquery("t")
    tile = sa.select(_encoded(layer.id).label("tile"), sa.func.count().label("count")).select_from(features).subquery("made")
    made: ColumnElement[Any] = tile.c.tile
    if form.points and layer.symbology and layer.symbology.label:
        told = (layer.symbology.label.field, "valid_from", "valid_to")
        point = _in_tile(rows.c.point if place == "other" else sa.func.ST_PointOnSurface(rows.c.shape), 0)
        labels = sa.select(rows.c.fid, point, *(c for c in properties if c.name in told))
        made = made.op("||")(_layer_of(f"{layer.id}.label", labels.where(crosses) if form.points == "crossing" else labels))
    if form.cells is not None:
        has_class = layer.symbology is not None and layer.symbology.field in form.names
        made = made.op("||")(_layer_of(cell_layer_id(layer), cell_rows(layer, shape, base, form.cells, has_class, place, form.by_place), has_id=False))
    # In the binary format bytes are bytes, and a text is what it says.
    return compiled(sa.select(made, *(sa.cast(number, sa.Text()) for number in (SEQ, DEFINITIONS, tile.c.count))))


def _merged(base: FromClause, here: list[ColumnElement[bool]], looks: list[ColumnElement[Any]], heights: list[ColumnElement[Any]], place: Place,
            rows_from: FromClause) -> FromClause:
    """Return features with each of their looks once, as long as it holds without a break, and as high as it ever was."""
    geometries = [base.c.geom_tile, *([base.c.geom] if place != "mercator" else [])]
    # By the index of places, whatever an index of features would save of sorting.
    found = sa.select(base.c.fid, base.c.valid, *geometries, *looks, *heights).select_from(rows_from).where(*here).cte("found").prefix_with("MATERIALIZED")
    same = [c for c in found.c if c.name not in ("valid", *(h.name for h in heights))]
    return sa.select(*same, *(sa.func.max(found.c[h.name]).label(h.name) for h in heights),
                     sa.func.unnest(sa.func.range_agg(found.c.valid)).label("valid")).group_by(*same).subquery("looks")


def _placed(layer: Layer, base: FromClause, place: Place) -> ColumnElement[Any]:
    """Return the geometry as the grid's CRS has it."""
    if place == "mercator":
        return base.c.geom_tile
    geom = sa.func.ST_Force2D(base.c.geom) if layer.has_z else base.c.geom
    if place == "own":
        return geom
    # What is long is cut to the tile's surroundings and split before it is moved: far away a projection has no numbers, and
    # a straight line of one system is a curve in another.
    box, straight = sa.cast(base.c.geom, _Box2D()), parameter("straight", "number")
    is_long = sa.or_(sa.func.ST_XMax(box) - sa.func.ST_XMin(box) > straight, sa.func.ST_YMax(box) - sa.func.ST_YMin(box) > straight)
    around = sa.cast(sa.func.ST_Expand(parameter("near", "geometry"), straight), _Box2D())
    cut = sa.func.ST_Segmentize(sa.func.ST_ClipByBox2D(geom, around), straight)
    return sa.func.ST_Transform(sa.case((is_long, cut), else_=geom), sa.cast(parameter("grid", "integer"), sa.Integer()))


def _in_tile(geom: ColumnElement[Any], buffer: int) -> ColumnElement[Any]:
    clip = sa.cast(sa.bindparam("clip", type_=NullType()), _Box2D())
    return sa.func.ST_AsMVTGeom(geom, clip, sa.literal_column(str(UNITS)), sa.literal_column(str(buffer)), sa.true()).label("geom")


def _layer_of(name: str, rows: sa.Select[Any], has_id: bool = True) -> ColumnElement[Any]:
    return sa.select(_encoded(name, has_id)).select_from(rows.subquery("t")).scalar_subquery()


def _encoded(name: str, has_id: bool = True) -> ColumnElement[Any]:
    # Ids of layers are names that the definition has checked.
    return sa.func.ST_AsMVT(sa.literal_column("t"), sa.literal_column(f"'{name}'"), sa.literal_column(str(UNITS)),
                            sa.literal_column("'geom'"), *([sa.literal_column("'fid'")] if has_id else []))


def _measured(base: FromClause) -> tuple[ColumnElement[Any], FromClause]:
    """Return how broad or high a feature is (gis.breadth), found with one look at its geometry however often it is used, and the FROM that has it."""
    looked = sa.select(sa.cast(base.c.geom_tile, _Box3D()).label("box")).offset(KEEP).correlate(base).lateral("looked")
    x0, x1, y0, y1 = (getattr(sa.func, f"ST_{edge}")(looked.c.box, type_=sa.Double()) for edge in ("XMin", "XMax", "YMin", "YMax"))
    return sa.func.greatest(x1 - x0, y1 - y0), sa.join(base, looked, sa.true())


def _is_worth_drawing(base: FromClause, breadth: ColumnElement[Any], has_points: bool) -> ColumnElement[Any]:
    """Is it a pixel long at least, or one of the share that stands for the many? Points always are."""
    points = [sa.func.ST_Dimension(base.c.geom_tile) == sa.literal_column("0")] if has_points else []
    return sa.or_(*points, breadth >= parameter("pixel", "number"), base.c.fid.op("%")(parameter("share", "integer")) == sa.literal_column("0"))


def _property(field: LayerField, column: ColumnElement[Any]) -> ColumnElement[Any]:
    if field.type == "date":
        return sa.cast(column, sa.Text())
    return _seconds(column) if field.type == "datetime" else column


def _seconds(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.cast(sa.extract("epoch", column), sa.BigInteger())
