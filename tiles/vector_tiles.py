"""Vector tiles: one statement for each layer and audience, which answers with the bytes of the tile.

FROM and WHERE come from the builder that items use. Geometries are kept in Web Mercator beside their own CRS, so that tiles
of that grid transform nothing; those of other grids begin from the geometry in its own CRS, which often is theirs. From DETAILED on a
tile holds every feature as it is; on lower levels lines and areas are drawn by the half pixel, of those smaller than a pixel only a
share is kept, and of very many the largest. Dense layers are made of cells below (`tiles/aggregates.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import floor, sqrt
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause
from sqlalchemy.types import NullType, UserDefinedType

from layers.access import Audience
from layers.cql2 import parameter
from layers.cql2.tree import array_literal
from layers.crs import box_around, is_same_place, make_crs
from layers.errors import UnknownLayer
from layers.features import SEQ
from layers.filters import Shape, columns_of, question, source, where
from layers.layer import Layer, LayerField
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.store import Store
from tiles.aggregates import AGGREGATED, Counting, cell_layer_id, cell_rows, cell_values, counting, is_aggregated, is_large, large_values
from tiles.grid import TileAddress

__all__ = ["DETAILED", "MAX_ZOOM", "MEDIA_TYPE", "OUTSIDE", "Tile", "label_points", "min_zoom", "render", "render_all", "tile_fields"]

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
DETAILED = 14
# Clients draw deeper levels from these tiles: a unit of 4096 to a side is 15 cm there.
MAX_ZOOM = 16
UNITS, BUFFER = 4096, 64
# The largest of so many features make a tile of a level before DETAILED: half a megabyte.
MOST_COARSE = 8_000
_EARTH_M, _WORLD_M = 6_378_137, 40075016.685578488
# Says of an area that a part of it lies outside the tile (no field can have this name).
OUTSIDE = "label:apart"
_UNTILED = ("codes", "json")
Place = Literal["mercator", "own", "other"]


class _Box2D(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "box2d"


@dataclass(frozen=True)
class Tile:
    """A tile: its bytes (none where it is empty) and the number of the snapshot that made it."""

    body: bytes
    seq: int


def tile_fields(layer: Layer, audience: Audience) -> tuple[LayerField, ...]:
    """Return the fields that an audience's tiles of a layer hold: those marked for tiles and those it is drawn by, also in published styles."""
    drawn = {name for variant in layer.variants for name in (variant.field, variant.per)}
    if s := layer.symbology:
        drawn |= {s.field, s.per, s.extrude, s.label.field if s.label else None}
    return tuple(f for f in audience.fields(layer) if (f.tile or f.name in drawn) and f.type not in _UNTILED)


def min_zoom(layer: Layer) -> int:
    """Return the lowest level on which a layer has tiles."""
    return max(0, floor(layer.symbology.min_zoom)) if layer.symbology and not layer.symbology.cells else 0


def label_points(layer: Layer, audience: Audience) -> Literal["all", "crossing"] | None:
    """Return for which areas a layer's tiles hold points for labels, in a tile layer `<id>.label`.

    An area would be labelled once in every tile that it reaches into; a point lies in one. Where labels begin so late that
    most areas lie in one tile, only the others have a point, and are marked by the property OUTSIDE.
    """
    label = layer.symbology.label if layer.symbology else None
    if label is None or layer.geometry not in ("Polygon", "MultiPolygon") or label.field not in [f.name for f in tile_fields(layer, audience)]:
        return None
    return "all" if label.min_zoom < MAX_ZOOM else "crossing"


def _late_classes(layer: Layer, audience: Audience, z: int) -> list[str]:
    """Return the values whose class is drawn only on levels deeper than those that a tile of level z is drawn on."""
    s = layer.symbology
    if s is None or z >= MAX_ZOOM or s.field not in [f.name for f in audience.fields(layer)]:
        return []
    return [str(c.value) for c in s.classes if c.value is not None and c.min_zoom is not None and c.min_zoom >= z + 1]


def render(store: Store, query: ItemQuery, tile: TileAddress) -> Tile:
    """Make a layer's tile.

    Of the question layer, audience, moment or interval, known_at, filter, fids and fields count. Of an interval every version
    is in the tile, with `valid_from` and `valid_to` as seconds since 1970 (absent where open). The feature id is the
    fid. Raises UnknownLayer where the layer may not be read or has no geometry.
    """
    layer = query.layer
    if layer.geometry is None:
        raise UnknownLayer(layer.id)
    srid = storage_srid(store)
    shape, values = question(query if query.bbox is None else replace(query, bbox=None), srid)
    detail = tile.detail
    place = _place(tile, srid)
    near = tile.reach(3857 if place == "mercator" else srid, BUFFER / UNITS)
    if detail < min_zoom(layer) or near is None:
        return Tile(b"", 0)
    names = tuple([f.name for f in tile_fields(layer, query.audience) if query.fields is None or f.name in query.fields])
    minx, miny, maxx, maxy = tile.envelope
    values |= {"clip": f"BOX({minx!r} {miny!r},{maxx!r} {maxy!r})", "near": box_around(*near, 3857 if place == "mercator" else srid),
               "pixel": repr(_WORLD_M / 2**detail / 512), "half": repr(tile.pixel / 2),
               "share": str(min(4 ** (DETAILED - detail), 2**40)) if detail < DETAILED else "1"}
    if place == "other":
        values |= {"grid": str(tile.grid.srid), "straight": repr(_straight(tile, srid))}
    late = _late_classes(layer, query.audience, detail)
    values["late"] = array_literal(late)
    points, label = label_points(layer, query.audience), layer.symbology.label if layer.symbology else None
    if label is None or label.field not in names or detail < min(floor(label.min_zoom), MAX_ZOOM):
        points = None
    values["tile"] = box_around(minx, miny, maxx, maxy, _srid_in(place, tile, srid))
    cells = counting(layer, shape, detail)
    if cells is not None:
        values |= cell_values(query, tile, detail, cells)
        around = tile.reach(3857, BUFFER / UNITS) if cells == "counted" else None
        values["around"] = box_around(*around, 3857) if around else None
    seen = "all" if detail >= DETAILED else "large" if is_aggregated(layer) and detail <= AGGREGATED else "thinned"
    values |= large_values(detail, cells)
    statement = _statement(SameLayer(layer), shape, names, seen, points, bool(late), place, cells)
    ((body, seq),) = run(store, query.audience.role, statement, values, binary=True)
    return Tile(body or b"", int(seq or 0))


def _place(tile: TileAddress, srid: int) -> Place:
    """Say where a tile's geometries come from: as kept in Web Mercator, as kept in their own CRS, or transformed."""
    if tile.grid.srid == 3857:
        return "mercator"
    return "own" if is_same_place(tile.grid.srid, srid) else "other"


def _srid_in(place: Place, tile: TileAddress, srid: int) -> int:
    # What means the same place may still bear another number, which PostGIS would not compare.
    return srid if place == "own" else tile.grid.srid


def _straight(tile: TileAddress, srid: int) -> float:
    """Return how long a line of the storage CRS may be, in its units, and stay straight in a tile to half a unit of it.

    A chord of length c strays from an arc of radius r by c² / 8r; lines of latitude and of a projection bend no more than the Earth.
    """
    degree_m = _WORLD_M / 360
    unit_m = tile.grid.size(tile.z) / UNITS * (degree_m if make_crs(tile.grid.srid).is_geographic else 1)
    chord_m = sqrt(8 * _EARTH_M * unit_m / 4)
    return chord_m / (degree_m if make_crs(srid).is_geographic else 1)


def render_all(store: Store, queries: Iterable[ItemQuery], tile: TileAddress) -> Tile:
    """Make one tile of several layers: their tiles one after the other. `seq` is that of the oldest of their snapshots."""
    made = [render(store, query, tile) for query in queries]
    return Tile(b"".join(t.body for t in made), min((t.seq for t in made if t.seq), default=0))


@lru_cache(maxsize=1_000)
def _statement(same: SameLayer, shape: Shape, names: tuple[str, ...], seen: str, points: str | None, has_late: bool,
               place: Place, cells: Counting | None) -> Statement:
    layer, base = same.layer, source(same.layer, shape)
    columns, geom = columns_of(base), _placed(layer, base, place)
    kept = [base.c.fid, geom.label("shape")]
    here = [(base.c.geom_tile if place == "mercator" else base.c.geom).bool_op("&&")(parameter("near", "geometry")), *where(shape, base)]
    if has_late and layer.symbology and layer.symbology.field:
        # A feature without a value is drawn as the rest is.
        kind = sa.cast(columns[layer.symbology.field], sa.Text())
        here.append(kind.bool_op("=")(sa.func.any(parameter("late", "text[]"))).is_not(sa.true()))
    is_thinned = seen != "all" and layer.geometry not in ("Point", "MultiPoint")
    if seen == "large":
        here.append(is_large(base))
    elif is_thinned:
        here.append(_is_worth_drawing(base, layer.geometry == "Geometry"))
    if points and place == "other":
        # The point of a whole area, however little of it was moved into the grid.
        kept.append(sa.func.ST_Transform(sa.func.ST_PointOnSurface(base.c.geom), sa.cast(parameter("grid", "integer"), sa.Integer())).label("point"))
    kept += [_property(layer.field(n), columns[n]).label(n) for n in names]
    if shape.moment in ("interval", "all"):
        kept += [_seconds(columns[n]).label(n) for n in ("valid_from", "valid_to")]
    wanted = sa.select(*kept).where(*here)
    if seen == "thinned" and shape.moment in ("now", "at"):
        # However dense a place is, its tile stays small; an interval holds all its versions.
        wanted = wanted.order_by(sa.func.gis.breadth(base.c.geom_tile).desc(), base.c.fid).limit(sa.literal_column(str(MOST_COARSE)))
    # Two tile layers are made of the same rows: they are looked up once.
    rows: FromClause = wanted.cte("rows").prefix_with("MATERIALIZED") if points else wanted.subquery("rows")

    crosses = sa.not_(rows.c.shape.bool_op("@")(parameter("tile", "geometry")))
    marks = [sa.func.nullif(crosses, sa.false()).label(OUTSIDE)] if points == "crossing" else []
    drawn = sa.func.ST_Simplify(rows.c.shape, parameter("half", "number"), sa.true()) if is_thinned else rows.c.shape
    properties = [c for c in rows.c if c.name not in ("fid", "shape", "point")]
    made = _layer_of(layer.id, sa.select(rows.c.fid, _in_tile(drawn, BUFFER), *properties, *marks))
    if points and layer.symbology and layer.symbology.label:
        told = (layer.symbology.label.field, "valid_from", "valid_to")
        point = _in_tile(rows.c.point if place == "other" else sa.func.ST_PointOnSurface(rows.c.shape), 0)
        labels = sa.select(rows.c.fid, point, *(c for c in properties if c.name in told))
        made = made.op("||")(_layer_of(f"{layer.id}.label", labels.where(crosses) if points == "crossing" else labels))
    if cells is not None:
        has_class = layer.symbology is not None and layer.symbology.field in names
        made = made.op("||")(_layer_of(cell_layer_id(layer), cell_rows(layer, shape, base, cells, has_class, place), has_id=False))
    # In the binary format bytes are bytes, and a text is what it says.
    return compiled(sa.select(made, sa.cast(SEQ, sa.Text())))


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
    t = rows.subquery("t")
    # Ids of layers are names that the definition has checked.
    made = sa.func.ST_AsMVT(sa.literal_column("t"), sa.literal_column(f"'{name}'"), sa.literal_column(str(UNITS)),
                            sa.literal_column("'geom'"), *([sa.literal_column("'fid'")] if has_id else []))
    return sa.select(made).select_from(t).scalar_subquery()


def _is_worth_drawing(base: FromClause, has_points: bool) -> ColumnElement[Any]:
    """Is it a pixel long at least, or one of the share that stands for the many? Points always are."""
    box = sa.cast(base.c.geom_tile, _Box2D())
    pixel = parameter("pixel", "number")
    points = [sa.func.ST_Dimension(base.c.geom_tile) == sa.literal_column("0")] if has_points else []
    return sa.or_(*points, sa.func.ST_XMax(box) - sa.func.ST_XMin(box) >= pixel, sa.func.ST_YMax(box) - sa.func.ST_YMin(box) >= pixel,
                  base.c.fid.op("%")(parameter("share", "integer")) == sa.literal_column("0"))


def _property(field: LayerField, column: ColumnElement[Any]) -> ColumnElement[Any]:
    if field.type == "date":
        return sa.cast(column, sa.Text())
    return _seconds(column) if field.type == "datetime" else column


def _seconds(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.cast(sa.extract("epoch", column), sa.BigInteger())
