"""Vector tiles: one statement for each layer and audience, which answers with the bytes of the tile.

FROM and WHERE come from the builder that items use; geometries are kept in Web Mercator beside their own CRS, so that no
tile transforms anything. From DETAILED on a tile holds every feature as it is; on lower levels lines and areas are
drawn by the half pixel, and of those smaller than a pixel only a share is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import floor
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause
from sqlalchemy.types import NullType, UserDefinedType

from layers.access import Audience
from layers.cql2 import parameter
from layers.cql2.tree import array_literal
from layers.crs import box_around
from layers.errors import InvalidParameter, UnknownLayer
from layers.features import SEQ
from layers.filters import Shape, columns_of, question, source, where
from layers.layer import Layer, LayerField
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.store import Store
from tiles.grid import TileAddress

__all__ = ["DETAILED", "MAX_ZOOM", "MEDIA_TYPE", "OUTSIDE", "Tile", "label_points", "min_zoom", "render", "render_all", "tile_fields"]

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
DETAILED = 14
# Clients draw deeper levels from these tiles: a unit of 4096 to a side is 15 cm there.
MAX_ZOOM = 16
UNITS, BUFFER = 4096, 64
# Says of an area that a part of it lies outside the tile (no field can have this name).
OUTSIDE = "label:apart"
_UNTILED = ("codes", "json")


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
    """Return the fields that an audience's tiles of a layer hold: those marked for tiles and those it is drawn by."""
    drawn = set()
    if s := layer.symbology:
        drawn = {s.field, s.extrude, s.label.field if s.label else None}
    return tuple(f for f in audience.fields(layer) if (f.tile or f.name in drawn) and f.type not in _UNTILED)


def min_zoom(layer: Layer) -> int:
    """Return the lowest level on which a layer has tiles."""
    return max(0, floor(layer.symbology.min_zoom)) if layer.symbology else 0


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
    if tile.grid.srid != 3857:
        raise InvalidParameter("tileMatrixSetId", f"there are no tiles in the grid {tile.grid.id}.")
    shape, values = question(query if query.bbox is None else replace(query, bbox=None), storage_srid(store))
    if tile.z < min_zoom(layer):
        return Tile(b"", 0)
    names = tuple([f.name for f in tile_fields(layer, query.audience) if query.fields is None or f.name in query.fields])
    minx, miny, maxx, maxy = tile.envelope
    margin = tile.grid.size(tile.z) * BUFFER / UNITS
    values |= {"clip": f"BOX({minx!r} {miny!r},{maxx!r} {maxy!r})",
               "near": box_around(minx - margin, miny - margin, maxx + margin, maxy + margin, 3857),
               "pixel": repr(tile.pixel), "half": repr(tile.pixel / 2), "share": str(min(4 ** (DETAILED - tile.z), 2**40))
               if tile.z < DETAILED else "1"}
    late = _late_classes(layer, query.audience, tile.z)
    values["late"] = array_literal(late)
    points, label = label_points(layer, query.audience), layer.symbology.label if layer.symbology else None
    if label is None or label.field not in names or tile.z < min(floor(label.min_zoom), MAX_ZOOM):
        points = None
    values["tile"] = box_around(minx, miny, maxx, maxy, 3857)
    statement = _statement(SameLayer(layer), shape, names, tile.z < DETAILED, points, bool(late))
    ((body, seq),) = run(store, query.audience.role, statement, values, binary=True)
    return Tile(body or b"", int(seq or 0))


def render_all(store: Store, queries: Iterable[ItemQuery], tile: TileAddress) -> Tile:
    """Make one tile of several layers: their tiles one after the other. `seq` is that of the oldest of their snapshots."""
    made = [render(store, query, tile) for query in queries]
    return Tile(b"".join(t.body for t in made), min((t.seq for t in made if t.seq), default=0))


@lru_cache(maxsize=1_000)
def _statement(same: SameLayer, shape: Shape, names: tuple[str, ...], is_coarse: bool, points: str | None, has_late: bool) -> Statement:
    layer, base = same.layer, source(same.layer, shape)
    columns, kept = columns_of(base), [base.c.fid, base.c.geom_tile]
    here = [base.c.geom_tile.bool_op("&&")(parameter("near", "geometry")), *where(shape, base)]
    if has_late and layer.symbology and layer.symbology.field:
        # A feature without a value is drawn as the rest is.
        kind = sa.cast(columns[layer.symbology.field], sa.Text())
        here.append(kind.bool_op("=")(sa.func.any(parameter("late", "text[]"))).is_not(sa.true()))
    is_thinned = is_coarse and layer.geometry not in ("Point", "MultiPoint")
    if is_thinned:
        here.append(_is_worth_drawing(base, layer.geometry == "Geometry"))
    kept += [_property(layer.field(n), columns[n]).label(n) for n in names]
    if shape.moment in ("interval", "all"):
        kept += [_seconds(columns[n]).label(n) for n in ("valid_from", "valid_to")]
    wanted = sa.select(*kept).where(*here)
    # Two tile layers are made of the same rows: they are looked up once.
    rows: FromClause = wanted.cte("rows").prefix_with("MATERIALIZED") if points else wanted.subquery("rows")

    geom: ColumnElement[Any] = rows.c.geom_tile
    crosses = sa.not_(geom.bool_op("@")(parameter("tile", "geometry")))
    marks = [sa.func.nullif(crosses, sa.false()).label(OUTSIDE)] if points == "crossing" else []
    drawn = sa.func.ST_Simplify(geom, parameter("half", "number"), sa.true()) if is_thinned else geom
    properties = [c for c in rows.c if c.name not in ("fid", "geom_tile")]
    made = _layer_of(layer.id, sa.select(rows.c.fid, _in_tile(drawn, BUFFER), *properties, *marks))
    if points and layer.symbology and layer.symbology.label:
        point, told = _in_tile(sa.func.ST_PointOnSurface(geom), 0), (layer.symbology.label.field, "valid_from", "valid_to")
        labels = sa.select(rows.c.fid, point, *(c for c in properties if c.name in told))
        made = made.op("||")(_layer_of(f"{layer.id}.label", labels.where(crosses) if points == "crossing" else labels))
    # In the binary format bytes are bytes, and a text is what it says.
    return compiled(sa.select(made, sa.cast(SEQ, sa.Text())))


def _in_tile(geom: ColumnElement[Any], buffer: int) -> ColumnElement[Any]:
    clip = sa.cast(sa.bindparam("clip", type_=NullType()), _Box2D())
    return sa.func.ST_AsMVTGeom(geom, clip, sa.literal_column(str(UNITS)), sa.literal_column(str(buffer)), sa.true()).label("geom")


def _layer_of(name: str, rows: sa.Select[Any]) -> ColumnElement[Any]:
    t = rows.subquery("t")
    # Ids of layers are names that the definition has checked.
    made = sa.func.ST_AsMVT(sa.literal_column("t"), sa.literal_column(f"'{name}'"), sa.literal_column(str(UNITS)),
                            sa.literal_column("'geom'"), sa.literal_column("'fid'"))
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
