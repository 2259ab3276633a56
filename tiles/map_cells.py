"""What a map shows of a dense layer from afar: its cells, as vector tiles hold them there, in the shape that Mapnik takes."""

from __future__ import annotations

import struct
from functools import lru_cache
from math import floor
from typing import NamedTuple
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from layers.cells import are_kept_by
from layers.cql2 import parameter
from layers.cql2.tree import array_literal
from layers.crs import box_around
from layers.filters import Shape, question, source
from layers.layer import Layer
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.store import Store
from tiles.aggregates import AGGREGATED, COUNT, COVER, Counting, cell_rows, cell_values, counting, is_aggregated, wanted_classes
from tiles.counting_turn import COUNTING_S, counting_turn
from tiles.grid import Envelope
from tiles.map_rows import TooMuch
from tiles.vector_statement import is_selective

__all__ = ["Cell", "cells_near", "how_counted", "is_from_afar"]

# A map of the largest size, full of cells: 512 to the side, and those that it cuts.
MOST_CELLS = 300_000
_HALF_M = 20037508.342789244
_SQUARE, _POINT = struct.Struct("<BIII10d"), struct.Struct("<BI2d")
_FROM_FEATURES: dict[Counting, Counting] = {"kept": "counted", "known": "counted", "stepped": "counted_steps"}
_known: WeakKeyDictionary[Store, dict[SameLayer, bool]] = WeakKeyDictionary()


class Cell(NamedTuple):
    """A cell of a map: a square (of a layer of points: its middle) in Web Mercator, the value that decides its class as text, how
    many features it holds and which percentage of it they cover."""

    wkb: bytes
    value: str | None
    count: int
    cover: int


def is_from_afar(layer: Layer, zoom: float) -> bool:
    """Is a layer counted in cells at a zoom of MapLibre, rather than shown feature by feature?"""
    return is_aggregated(layer) and zoom < AGGREGATED + 1


def how_counted(store: Store, query: ItemQuery, zoom: float) -> Counting | None:
    """Return how the cells of a map are found; None where there are none, and features are shown one by one."""
    if not is_from_afar(query.layer, zoom):
        return None
    shape, _ = question(query, storage_srid(store))
    how = counting(query.layer, shape, floor(zoom))
    # A style by another field than that of the definition: what is kept does not know its classes.
    return how if how is None or _is_kept_by(store, query.layer) else _FROM_FEATURES.get(how, how)


def cells_near(store: Store, query: ItemQuery, envelope: Envelope, zoom: float, how: Counting, has_class: bool) -> list[Cell]:
    """Return the cells of a layer that meet an envelope of EPSG:3857, counted in the audience's role.

    Of the question layer, audience, moment or interval, known_at and filter count; `how` is what `how_counted` says. Of an interval
    each cell is shown as it was when it was fullest. Raises TooMuch where no map could show them, Unavailable where it takes too long.
    """
    detail, srid = floor(zoom), storage_srid(store)
    shape, values = question(query, srid)
    values |= cell_values(query, envelope, detail, how)
    side = float(values["side"] or 0)
    minx, miny, maxx, maxy = envelope
    values |= {"around": box_around(minx - side, miny - side, maxx + side, maxy + side, 3857), "most": str(MOST_CELLS + 1)}
    rows = _run(store, query, shape, values, how, has_class)
    if len(rows) > MOST_CELLS:
        raise TooMuch
    x0, y0 = int(values["x0"] or 0), int(values["y0"] or 0)
    is_point = query.layer.geometry in ("Point", "MultiPoint")
    fullest: dict[tuple[int, int], tuple[int, int, str | None]] = {}
    for column, row, count, cover, value in rows:
        at = x0 + floor(float(column or 0)), y0 + floor(float(row or 0))
        found = int(cover or 0), int(count or 0), None if value is None else value.decode()
        if at not in fullest or found[:2] > fullest[at][:2]:
            fullest[at] = found
    return [Cell(_wkb(x, y, side, is_point), value, count, cover) for (x, y), (cover, count, value) in fullest.items()]


def _run(store: Store, query: ItemQuery, shape: Shape, values: dict[str, str | None], how: Counting, has_class: bool) -> list[tuple[bytes | None, ...]]:
    same, role = SameLayer(query.layer), query.audience.role
    if how == "counted" and (wanted := wanted_classes(query.layer, shape, values)) is not None and _is_kept_by(store, query.layer):
        # The cells keep classes apart: nothing has to be counted.
        how, values["wanted"] = "classed", array_literal(wanted)
    if how in ("kept", "classed", "stepped"):
        return run(store, role, _statement(same, shape, how, has_class), values)
    with counting_turn():
        by_place = how == "known" or shape.tree is None or not is_selective(store, query, shape, values)
        return run(store, role, _statement(same, shape, how, has_class, by_place), values, prepare=False, limit_s=COUNTING_S)


def _wkb(x: int, y: int, side: float, is_point: bool) -> bytes:
    left, top = x * side - _HALF_M, _HALF_M - y * side
    if is_point:
        return _POINT.pack(1, 1, left + side / 2, top - side / 2)
    right, low = left + side, top - side
    return _SQUARE.pack(1, 3, 1, 5, left, low, right, low, right, top, left, top, left, low)


@lru_cache(maxsize=200)
def _statement(same: SameLayer, shape: Shape, how: Counting, has_class: bool, by_place: bool = True) -> Statement:
    layer = same.layer
    found = cell_rows(layer, shape, source(layer, shape), how, has_class, "mercator", by_place).subquery("cells")
    field = layer.symbology.field if has_class and layer.symbology else None
    cover = found.c[COVER] if COVER in found.c else sa.null()
    texts = [sa.cast(each, sa.Text()) for each in (found.c[COUNT], cover, sa.null() if field is None else found.c[field])]
    return compiled(sa.select(sa.func.ST_XMin(found.c.geom), sa.func.ST_YMin(found.c.geom), *texts).limit(parameter("most", "integer")))


def _is_kept_by(store: Store, layer: Layer) -> bool:
    """Are the layer's cells kept by the classes that it is drawn by here? Asked once of each definition and style."""
    known = _known.setdefault(store, {})
    found = known.get(SameLayer(layer))
    if found is None:
        if len(known) >= 500:
            known.clear()
        found = known[SameLayer(layer)] = are_kept_by(store, layer)
    return found
