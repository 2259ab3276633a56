"""The features that a map shows, as Mapnik takes them: geometry in Web Mercator, the value that decides the class, the label."""

from __future__ import annotations

from functools import lru_cache
from math import floor
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from layers.cql2 import parameter
from layers.crs import box_around
from layers.errors import InvalidParameter
from layers.filters import Shape, columns_of, question, source, where
from layers.layer import Layer, area_srid
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.store import Store
from tiles.aggregates import Counting, is_large, large_values
from tiles.measured import area_km2

__all__ = ["MOST_FEATURES", "Row", "TooMuch", "rows_near"]

# Of all layers of a map together: what a process has room for beside everything else.
MOST_FEATURES = 100_000
# From this zoom on every feature is drawn as it is; before, the small ones are thinned out as in vector tiles.
DETAILED = 14
Envelope = tuple[float, float, float, float]


class TooMuch(InvalidParameter):
    """A map would show more features than can be drawn."""

    def __init__(self, name: str = "bbox") -> None:
        super().__init__(name, f"the map would show more than {MOST_FEATURES} features; zoom in or ask for fewer layers.")


class Row(NamedTuple):
    """One feature of a map; `value` and `label` are texts as PostgreSQL writes them. Of a layer that is drawn by what lies in its features
    the value is the feature's number."""

    wkb: bytes
    value: str | None
    label: str | None


def rows_near(store: Store, query: ItemQuery, envelope: Envelope, zoom: float, pixel: float, field: str | None, label: str | None,
              most: int = MOST_FEATURES, cells: Counting | None = None) -> list[Row]:
    """Return the features of a layer that meet an envelope of EPSG:3857, read in the audience's role.

    Of the question layer, audience, moment or interval, known_at and filter count. `pixel` is the side of a pixel in metres of
    Web Mercator. Where the map shows `cells`, only what is larger than one is returned. Raises TooMuch above `most`.
    """
    shape, values = question(query, storage_srid(store))
    values |= large_values(floor(zoom), cells)
    values |= {"near": box_around(*envelope, 3857), "most": str(most + 1), "pixel": repr(pixel), "half": repr(pixel / 2),
               "share": str(min(4 ** max(DETAILED - floor(zoom), 0), 2**40))}
    is_coarse = zoom < DETAILED and query.layer.geometry not in ("Point", "MultiPoint")
    statement = _statement(SameLayer(query.layer), shape, field, label, is_coarse, cells is not None)
    found = run(store, query.audience.role, statement, values, binary=True)
    if len(found) > most:
        raise TooMuch
    return [Row(wkb, None if value is None else value.decode(), None if text is None else text.decode())
            for wkb, value, text in found if wkb is not None]


@lru_cache(maxsize=500)
def _statement(same: SameLayer, shape: Shape, field: str | None, label: str | None, is_coarse: bool, has_cells: bool) -> Statement:
    layer, base = same.layer, source(same.layer, shape)
    columns = columns_of(base)
    geom: ColumnElement[Any] = base.c.geom_tile
    drawn = sa.func.ST_Force2D(geom) if layer.has_z else geom
    conditions = [geom.bool_op("&&")(parameter("near", "geometry")), *where(shape, base)]
    if has_cells:
        conditions.append(is_large(base))
    elif is_coarse:
        conditions.append(_is_worth_drawing(layer, base))
    if is_coarse:
        drawn = sa.func.ST_Simplify(drawn, parameter("half", "number"), sa.true())
    value: ColumnElement[Any] = sa.null() if field is None else base.c.fid if layer.counts_others else columns[field]
    if field is not None and layer.symbology and (per := layer.symbology.per):
        size = area_km2(base.c.geom, per) if area_srid(per) else sa.cast(columns[per], sa.Double())
        value = sa.cast(columns[field], sa.Double()) / sa.func.nullif(size, sa.literal_column("0"))
    texts = [sa.cast(each, sa.Text()) for each in (value, sa.null() if label is None else columns[label])]
    return compiled(sa.select(sa.func.ST_AsBinary(drawn), *texts).where(*conditions).limit(parameter("most", "integer")))


def _is_worth_drawing(layer: Layer, base: sa.FromClause) -> ColumnElement[Any]:
    geom = base.c.geom_tile
    pixel = parameter("pixel", "number")
    points = [sa.func.ST_Dimension(geom) == sa.literal_column("0")] if layer.geometry == "Geometry" else []
    return sa.or_(*points, sa.func.ST_XMax(geom) - sa.func.ST_XMin(geom) >= pixel, sa.func.ST_YMax(geom) - sa.func.ST_YMin(geom) >= pixel,
                  base.c.fid.op("%")(parameter("share", "integer")) == sa.literal_column("0"))
