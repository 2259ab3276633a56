"""What a map seen from afar shows at a place of a dense layer: the cell there, with how many features of each class are in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil, floor
from typing import Any

import sqlalchemy as sa

from layers.cql2 import parameter
from layers.cql2.tree import array_literal
from layers.crs import box_around, box_to_srid
from layers.filters import Shape, question, source, where
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, Values, compiled, run, storage_srid
from layers.store import Store
from tiles.aggregates import Counting, cell_rows, cell_values, is_large, large_values
from tiles.cell_counts import HALF_M, counted, counted_steps, is_area, kept, known, stepped
from tiles.cell_play import step_values
from tiles.counting_turn import COUNTING_S, counting_turn
from tiles.grid import Envelope
from tiles.map_cells import how_counted
from tiles.mapnik_style import drawing

__all__ = ["CellThere", "cell_at", "large_at"]

_ONE_BY_ONE: tuple[Counting, ...] = ("kept", "known")
_INTERVALS: tuple[Counting, ...] = ("stepped", "counted_steps")
# Envelopes of large features that meet a place, before it is asked which of them do.
MOST_LARGE = 200
# Two months each of forty years.
STEPS_LOOKED_AT = 240


@dataclass(frozen=True)
class CellThere:
    """A cell of a map.

    Attributes
    ----------
    bounds
        In longitude and latitude (CRS84): west, south, east, north.
    count, cover
        How many features the reader may see in it, and (areas) which percentage of it they cover.
    classes
        {number of the class in the style, -1 for none: features}, the largest first; None where the style has no classes that the reader may see.
    at
        Of which moment; None is now. Of an interval: a moment when the cell was fullest.
    """

    bounds: Envelope
    count: int
    cover: int | None
    classes: dict[int, int] | None
    at: datetime | None


def cell_at(store: Store, query: ItemQuery, place: tuple[float, float], zoom: float) -> CellThere | None:
    """Return the cell of a layer at a place in EPSG:3857 (metres), counted in the audience's role as the picture of that zoom counts it.

    Of the question layer, audience, moment or interval, known_at and filter count. None where nothing is in the cell, or the layer is shown
    feature by feature at that zoom. Raises Unavailable where counting takes too long.
    """
    if not all(-HALF_M <= each <= HALF_M for each in place):
        return None
    how = how_counted(store, query, zoom)
    if how in _INTERVALS:
        moment = _fullest(store, query, place, zoom, how)
        if moment is None:
            return None
        query = replace(query, interval=None, at=moment)
        how = how_counted(store, query, zoom)
    if how is None:
        return None
    drawn = drawing(query.layer, query.audience, zoom)
    has_class = drawn.has_cell_classes
    shape, values = _asked(store, query, place, zoom, how)
    rows = _run(store, query, _statement(SameLayer(query.layer), shape, how, has_class), values, how)
    found = [(None if kind is None else kind.decode(), int(n or 0), int(area or 0)) for kind, n, area in rows]
    count = sum(n for _, n, _ in found)
    if count <= 0:
        return None
    side = float(values["side"] or 0)
    bounds = int(values["x0"] or 0) * side - HALF_M, HALF_M - int(values["y0"] or 0) * side
    covered = ceil(100 * sum(area for *_, area in found) / (side * side)) if is_area(query.layer) else None
    west, south, east, north = (float(each) for each in box_to_srid((bounds[0], bounds[1] - side, bounds[0] + side, bounds[1]), 3857, 4326).bounds)
    classes: dict[int, int] | None = None
    if has_class:
        classes, steps = {}, sorted(c.below for c in drawn.symbology.classes if c.below is not None)
        for kind, n, _ in sorted(found, key=lambda each: -each[1]):
            value = kind or None
            if value is not None and steps:
                # Steps are counted by number; what stands for one is a number in it.
                value = repr(steps[0] - 1 if value == "0" else steps[int(value) - 1])
            number = drawn.class_of(value)
            classes[number] = classes.get(number, 0) + n
    return CellThere((west, south, east, north), count, None if covered is None else min(100, covered), classes, query.at)


def large_at(store: Store, query: ItemQuery, near: Envelope, zoom: float) -> list[int]:
    """Return the fids of features as large as a cell, which are drawn beside the cells, whose envelopes meet one of EPSG:3857."""
    how = how_counted(store, query, zoom)
    if how is None:
        return []
    shape, values = question(query, storage_srid(store))
    values |= large_values(floor(zoom), how) | {"near": box_around(*near, 3857), "most": str(MOST_LARGE)}
    return [int(fid) for (fid,) in run(store, query.audience.role, _large(SameLayer(query.layer), shape), values) if fid is not None]


def _asked(store: Store, query: ItemQuery, place: tuple[float, float], zoom: float, how: Counting) -> tuple[Shape, dict[str, str | None]]:
    shape, values = question(query, storage_srid(store))
    values |= cell_values(query, (*place, *place), floor(zoom), how)
    x, y, side = *place, float(values["side"] or 0)
    return shape, values | {"around": box_around(x - side, y - side, x + side, y + side, 3857), "most": "10000"}


def _run(store: Store, query: ItemQuery, statement: Statement, values: Values, how: Counting) -> list[tuple[bytes | None, ...]]:
    if how in _ONE_BY_ONE:
        return run(store, query.audience.role, statement, values, prepare=False)
    with counting_turn():
        return run(store, query.audience.role, statement, values, prepare=False, limit_s=COUNTING_S)


def _fullest(store: Store, query: ItemQuery, place: tuple[float, float], zoom: float, how: Counting) -> datetime | None:
    """Return a moment of an interval at which the cell covered and held the most; None where it always was empty.

    Looked at in STEPS_LOOKED_AT of the interval, and where one of the cell's stretches begins.
    """
    shape, values = _asked(store, query, place, zoom, how)
    stretches = _run(store, query, _stretches(SameLayer(query.layer), shape, how), values, how)
    if not stretches:
        return None
    values |= step_values(query, STEPS_LOOKED_AT)
    # Written in whole seconds: half a second later it surely has begun.
    begins = [int(since) + 0.5 for (since,) in stretches if since is not None]
    low, high = (float(values[name] or 0) for name in ("from_s", "to_s"))
    steps = sorted(at for at in {*map(float, (values["steps"] or "")[1:-1].replace('"', "").split(",")), *begins} if low <= at < high)
    values["steps"] = array_literal([repr(at) for at in steps])
    counts = _run(store, query, _in_steps(SameLayer(query.layer), shape, how), values, how)
    best = max(counts, key=lambda row: (int(row[2] or 0), int(row[1] or 0)), default=None)
    return None if best is None or not int(best[1] or 0) else datetime.fromtimestamp(steps[int(best[0] or 1) - 1], UTC)


@lru_cache(maxsize=100)
def _statement(same: SameLayer, shape: Shape, how: Counting, has_class: bool) -> Statement:
    layer = same.layer
    found = (kept(layer, shape, has_class) if how == "kept" else known(layer, shape, has_class) if how == "known"
             else counted(layer, shape, source(layer, shape), has_class, True)).subquery("found")
    kind: Any = found.c["class"] if has_class else sa.null()
    n, area = sa.func.sum(found.c.n), sa.func.sum(found.c.area)
    texts = [sa.cast(each, sa.Text()) for each in (kind, n, area)]
    summed = sa.select(*texts).having(n > sa.literal_column("0"))
    return compiled(summed.group_by(kind) if has_class else summed)


@lru_cache(maxsize=100)
def _stretches(same: SameLayer, shape: Shape, how: Counting) -> Statement:
    found = cell_rows(same.layer, shape, source(same.layer, shape), how, False, "mercator").subquery("cells")
    return compiled(sa.select(sa.cast(found.c.valid_from, sa.Text())).limit(parameter("most", "integer")))


@lru_cache(maxsize=100)
def _in_steps(same: SameLayer, shape: Shape, how: Counting) -> Statement:
    layer = same.layer
    if how == "stepped":
        only = sa.select(sa.func.gis.cell(*(sa.cast(parameter(name, "integer"), sa.Integer()) for name in ("x0", "y0"))).label("cell")).subquery("one_cell")
        found = stepped(layer, False, only).subquery("found")
    else:
        found = counted_steps(layer, shape, source(layer, shape), False, True).subquery("found")
    texts = [sa.cast(each, sa.Text()) for each in (found.c.step, sa.func.sum(found.c.n), sa.func.sum(found.c.area))]
    return compiled(sa.select(*texts).group_by(found.c.step))


@lru_cache(maxsize=100)
def _large(same: SameLayer, shape: Shape) -> Statement:
    base = source(same.layer, shape)
    return compiled(sa.select(sa.cast(base.c.fid, sa.Text())).where(
        base.c.geom_tile.bool_op("&&")(parameter("near", "geometry")), *where(shape, base), is_large(base)).limit(parameter("most", "integer")))
