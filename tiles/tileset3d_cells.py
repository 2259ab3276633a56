"""Which cells of the quadtree hold anything: one statement over all features of a cell of the upper level."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause

from layers.cql2 import parameter
from layers.features import SEQ
from layers.filters import Shape, question, source, where
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.store import Store
from tiles.grid import TileAddress
from tiles.tileset3d_content import UNKNOWN_M, Scene
from tiles.tileset3d_form import Form

__all__ = ["Cell", "cells_of"]

HALF: ColumnElement[Any] = sa.literal_column("0.5", sa.Double())


@dataclass(frozen=True)
class Cell:
    """A cell with content: its address, how many features are in it, their envelope in EPSG:3857, the heights they reach between
    (metres in the city's datum; None where no feature says), and those that their surfaces do (None where there are none)."""

    address: TileAddress
    features: int
    envelope: tuple[float, float, float, float]
    low: float | None
    high: float | None
    surfaces: tuple[float, float] | None = None


class _Asked(NamedTuple):
    form: Form
    ground: bool
    surface: SameLayer | None


def cells_of(store: Store, scene: Scene, root: TileAddress) -> tuple[list[Cell], int]:
    """Return the cells below one of the upper level that have content, and the number of the snapshot that knew them."""
    query = replace(scene.query, bbox=root.envelope, bbox_srid=3857)
    shape, values = question(query, storage_srid(store))
    ground = "ground_elevation_m" in {f.name for f in query.audience.fields(query.layer)}
    statement = _statement(SameLayer(query.layer), shape, _Asked(scene.form, ground, SameLayer(scene.surface) if scene.surface else None))
    x, y = root.grid.origin
    values |= {"x": repr(x), "y": repr(y), "world": repr(root.grid.size(0))}
    found = run(store, query.audience.role, statement, values, prepare=False)
    seq = max((int(row[-1] or 0) for row in found), default=0)
    cells = []
    for row in found:
        if row[0] is None:
            continue        # the row that only tells the snapshot's number
        zoom, column, line, count = (int(cell or 0) for cell in row[:4])
        below = zoom - root.z
        if (column >> below, line >> below) != (root.x, root.y):
            continue        # reaches in here, but its middle lies in the cell beside
        box = tuple(float(cell or 0) for cell in row[4:8])
        low, high, lowest, highest = (None if cell is None else float(cell) for cell in row[8:12])
        surfaces = None if lowest is None or highest is None else (lowest, highest)
        cells.append(Cell(TileAddress(zoom, column, line, root.grid), count, (box[0], box[1], box[2], box[3]), low, high, surfaces))
    return cells, seq


@lru_cache(maxsize=100)
def _statement(same: SameLayer, shape: Shape, asked: _Asked) -> Statement:
    base, form = source(same.layer, shape), asked.form
    size = base.c[form.size]
    box = [getattr(sa.func, name)(base.c.geom_tile) for name in ("ST_XMin", "ST_YMin", "ST_XMax", "ST_YMax")]
    zoom = sa.case(*((size >= sa.literal_column(repr(float(b.low))), _whole(b.zoom)) for b in form.bands if b.low > -inf),
                   else_=_whole(form.bands[-1].zoom))
    low, high = _heights(form, base, size, asked.ground)
    reach, placed_on = _surfaces(shape, base, asked.surface)
    rows = sa.select(zoom.label("zoom"), *(edge.label(n) for edge, n in zip(box, ("x0", "y0", "x1", "y1"), strict=True)),
                     low.label("low"), high.label("high"), *reach).select_from(placed_on).where(
                         *where(shape, base), base.c.geom_tile.is_not(None)).subquery("r")
    side = parameter("world", "number") / sa.func.power(sa.literal_column("2"), rows.c.zoom)
    column = sa.func.floor(((rows.c.x0 + rows.c.x1) * HALF - parameter("x", "number")) / side)
    line = sa.func.floor((parameter("y", "number") - (rows.c.y0 + rows.c.y1) * HALF) / side)
    placed = sa.select(rows, sa.cast(column, sa.BigInteger()).label("cx"), sa.cast(line, sa.BigInteger()).label("cy")).subquery("s")
    c = placed.c
    cells = (sa.select(c.zoom, c.cx, c.cy, sa.func.count().label("n"), sa.func.min(c.x0).label("x0"), sa.func.min(c.y0).label("y0"),
                       sa.func.max(c.x1).label("x1"), sa.func.max(c.y1).label("y1"), sa.func.min(c.low).label("low"),
                       sa.func.max(c.high).label("high"), sa.func.min(c.lowest).label("lowest"),
                       sa.func.max(c.highest).label("highest")).group_by(c.zoom, c.cx, c.cy).subquery("cells"))
    seq = sa.select(SEQ.label("seq")).subquery("now")
    return compiled(sa.select(*cells.c, seq.c.seq).select_from(seq.outerjoin(cells, sa.true())))


def _surfaces(shape: Shape, base: FromClause, surface: SameLayer | None) -> tuple[list[ColumnElement[Any]], FromClause]:
    """Return the elevations that the surfaces of each building reach between, and the FROM that has them."""
    owner = surface.layer.parent if surface else None
    if surface is None or owner is None:
        nothing = sa.cast(sa.null(), sa.Double())
        return [nothing.label("lowest"), nothing.label("highest")], base
    of = Shape((owner.name, "lowest_m", "highest_m"), shape.moment, shape.is_known_at, 0, True, False, None)
    every = source(surface.layer, of, "s")
    reach = (sa.select(sa.func.min(every.c.lowest_m).label("lowest"), sa.func.max(every.c.highest_m).label("highest"))
             .where(*where(of, every), every.c[owner.name] == base.c.fid).lateral("reach"))
    return [reach.c.lowest, reach.c.highest], base.outerjoin(reach, sa.true())


def _whole(value: int) -> ColumnElement[Any]:
    return sa.literal_column(str(value), sa.Integer())


def _heights(form: Form, base: FromClause, size: ColumnElement[Any], ground: bool) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    nothing = sa.cast(sa.null(), sa.Double())
    if form.kind == "tube":
        ends = base.c.start_elevation_m, base.c.end_elevation_m
        return sa.func.least(*ends), sa.func.greatest(*ends)
    tall = sa.func.coalesce(size, sa.literal_column(repr(UNKNOWN_M)))
    # Without a known ground the height alone is told: the ground is added where it is looked up.
    return (base.c.ground_elevation_m, base.c.ground_elevation_m + tall) if ground else (nothing, tall)
