"""Where the counts of cells come from: as they are kept, as they were known, or counted from the features.

Each select gives rows (cell, class, n, area), of an interval also `step`; several rows of a cell are still to be summed up.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement, FromClause
from sqlalchemy.sql.elements import Grouping

from layers.cql2 import parameter
from layers.filters import SCHEMA, Shape, columns_of, source, where
from layers.layer import Layer

__all__ = ["HALF_M", "KEEP", "counted", "counted_steps", "element", "in_reach", "is_area", "kept", "known", "level_of", "run_of_cells", "stepped", "waiting_cells"]

HALF_M = 20037508.342789244
# More columns than any level has.
_ROW = 2**20
# Keeps the planner's hands off a step. Written as a bigint: another 0 is no constant before it is planned, and what is above it is
# then left to one process.
KEEP = sa.literal_column("'0'::bigint", sa.BigInteger())


class _Box3D(sa.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "box3d"


def is_area(layer: Layer) -> bool:
    """Do cells of the layer say how much of the ground is covered?"""
    return layer.geometry in ("Polygon", "MultiPolygon")


def element(array: ColumnElement[Any], kind: Any, index: ColumnElement[int]) -> ColumnElement[Any]:
    """Return an element of an array, which PostgreSQL takes only of what stands in brackets."""
    grouped: Any = Grouping(sa.type_coerce(array, ARRAY(kind)))
    return grouped[index]


def in_reach(cell: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Return the conditions that a cell is one of those the tile shows."""
    return [sa.func.gis.cell_x(cell).between(parameter("x0", "integer"), parameter("x1", "integer")),
            sa.func.gis.cell_y(cell).between(parameter("y0", "integer"), parameter("y1", "integer"))]


def run_of_cells(low: str, high: str, name: str) -> Any:
    """Return the runs of numbers in which the tile's cells are, as a table `low`, `high`."""
    return sa.func.unnest(parameter(low, "integer[]"), parameter(high, "integer[]")).table_valued("low", "high").render_derived(name=name)


def level_of() -> ColumnElement[int]:
    """Return the level of the tile's cells."""
    return sa.cast(parameter("level", "integer"), sa.Integer())


def _kept_table(layer: Layer) -> FromClause:
    return sa.table(f"{layer.id}_cell", sa.column("level"), sa.column("frame"), sa.column("cell", sa.BigInteger()), sa.column("class", sa.Text()),
                    sa.column("at", ARRAY(sa.Double())), sa.column("n", ARRAY(sa.BigInteger())), sa.column("area", ARRAY(sa.BigInteger())),
                    schema=SCHEMA).alias("c")


def _new_table(layer: Layer) -> FromClause:
    return sa.table(f"{layer.id}_cell_new", *map(sa.column, ("fits", "valid", "cell", "class", "area", "n")), schema=SCHEMA).alias("w")


def _above(new: FromClause) -> ColumnElement[Any]:
    return sa.func.gis.cell_above(new.c.cell, sa.cast(parameter("up", "integer"), sa.Integer()))


def _class_of(rows: FromClause, has_class: bool) -> list[ColumnElement[Any]]:
    return [rows.c["class"]] if has_class else []


def kept(layer: Layer, shape: Shape, has_class: bool, is_classed: bool = False) -> sa.CompoundSelect[Any]:
    """Return the cells of one day, as changesets have counted them: summed up, and what waits for it. `is_classed`: only some classes."""
    rows, new, run, run_new = _kept_table(layer), _new_table(layer), run_of_cells("low", "high", "r"), run_of_cells("low_new", "high_new", "s")
    moment: ColumnElement[Any] = sa.func.now() if shape.moment == "now" else parameter("at", "timestamp")
    epoch = sa.cast(sa.extract("epoch", moment), sa.Double())
    n, level, above = sa.func.width_bucket(epoch, rows.c.at) + sa.literal_column("1"), level_of(), _above(new)

    def of_class(table: FromClause) -> list[ColumnElement[bool]]:
        return [table.c["class"].bool_op("=")(sa.func.any(parameter("wanted", "text[]")))] if is_classed else []

    summed = sa.select(rows.c.cell, *_class_of(rows, has_class), rows.c.n[n].label("n"), rows.c.area[n].label("area")).select_from(
        sa.join(run, rows, rows.c.cell.between(run.c.low, run.c.high))).where(
        rows.c.level == level, rows.c.frame == sa.func.gis.cell_frame(level, epoch), *in_reach(rows.c.cell), *of_class(rows))
    waiting = sa.select(above.label("cell"), *_class_of(new, has_class), new.c.n, new.c.area).select_from(
        sa.join(run_new, new, new.c.cell.between(run_new.c.low, run_new.c.high))).where(
        new.c.fits >= level, new.c.valid.bool_op("@>")(moment), *in_reach(above), *of_class(new))
    return sa.union_all(summed, waiting)


def waiting_cells(layer: Layer) -> sa.Select[Any]:
    """Return the cells of the tile in which something waits to be summed up."""
    new, run = _new_table(layer), run_of_cells("low_new", "high_new", "s")
    above = _above(new)
    return sa.select(above.label("cell")).select_from(sa.join(run, new, new.c.cell.between(run.c.low, run.c.high))).where(
        new.c.fits >= level_of(), *in_reach(above)).distinct()


def stepped(layer: Layer, has_class: bool, only: FromClause) -> sa.CompoundSelect[Any]:
    """Return some cells at the steps of an interval."""
    rows, new, run = _kept_table(layer), _new_table(layer), run_of_cells("low_new", "high_new", "s")
    steps = sa.func.unnest(parameter("steps", "number[]")).table_valued("at", with_ordinality="step", name="t").render_derived()
    n, level, above = sa.func.width_bucket(steps.c.at, rows.c.at) + sa.literal_column("1"), level_of(), _above(new)
    # Each cell is looked up by itself, however many the planner takes them for.
    one = sa.select(*_class_of(rows, has_class), rows.c.n[n].label("n"), rows.c.area[n].label("area")).where(
        rows.c.level == level, rows.c.frame == sa.func.gis.cell_frame(level, steps.c.at), rows.c.cell == only.c.cell).offset(
        sa.literal_column("0")).lateral("one")
    summed = sa.select(steps.c.step, only.c.cell, *_class_of(one, has_class), one.c.n, one.c.area).select_from(
        sa.join(sa.join(only, steps, sa.true()), one, sa.true()))
    waiting = sa.select(above.label("cell"), new.c.valid, *_class_of(new, has_class), new.c.n, new.c.area).select_from(
        sa.join(run, new, new.c.cell.between(run.c.low, run.c.high))).where(new.c.fits >= level, *in_reach(above)).subquery("waits")
    added = sa.select(steps.c.step, waiting.c.cell, *_class_of(waiting, has_class), waiting.c.n, waiting.c.area).select_from(
        sa.join(waiting, steps, waiting.c.valid.bool_op("@>")(sa.func.to_timestamp(steps.c.at))))
    return sa.union_all(summed, added)


def known(layer: Layer, shape: Shape, has_class: bool) -> sa.CompoundSelect[Any]:
    """Return the cells of one day as they were known: as they are kept, without what was added since, with what was taken since."""
    seq = parameter("seq", "integer")
    present = source(layer, shape._replace(is_known_at=False), "p")
    past = sa.table(f"{layer.id}_past", *(sa.column(c.name, c.type) for c in present.c), schema=SCHEMA).alias("q")

    def signed(rows: FromClause, since: list[ColumnElement[bool]], sign: str) -> sa.Select[Any]:
        return _in_cells(_placed(layer, shape, rows, has_class, since, []).subquery(), has_class, sign)

    return sa.union_all(sa.select(kept(layer, shape, has_class).subquery("now")), signed(present, [present.c.seq_from > seq], "-1"),
                        signed(past, [past.c.seq_to > seq, past.c.seq_from <= seq], "1"))


def counted(layer: Layer, shape: Shape, base: FromClause, has_class: bool, by_place: bool) -> sa.Select[Any]:
    """Return the cells of one day counted from the features, by the rule that changesets count by."""
    return _in_cells(_placed(layer, shape, base, has_class, [], [], by_place).subquery("seen"), has_class)


def _in_cells(seen: FromClause, has_class: bool, sign: str = "1") -> sa.Select[Any]:
    """Sum up features by cell and class; `sign` -1 takes them away. What it is summed by is found out in each of the database's processes."""
    one = sa.cast(sa.literal_column(sign), sa.BigInteger())
    summed = _summed(seen, [seen.c.place, *_class_of(seen, has_class)])
    return sa.select(_cell(summed), *_class_of(summed, has_class), (summed.c.n * one).label("n"), (summed.c.area * one).label("area")).where(
        *_in_columns(summed))


def _summed(seen: FromClause, keys: list[ColumnElement[Any]]) -> FromClause:
    # Else the columns of the tile would be conditions on every feature, and so many that the planner expects four rows of a million.
    return sa.select(*keys, sa.func.count().label("n"), sa.func.sum(seen.c.area).label("area")).group_by(*keys).offset(KEEP).subquery("summed")


def counted_steps(layer: Layer, shape: Shape, base: FromClause, has_class: bool, by_place: bool) -> sa.Select[Any]:
    """Return the cells at the steps of an interval counted from the features."""
    one = sa.literal_column("1")

    def first_step(moment: ColumnElement[Any]) -> ColumnElement[int]:
        """Return the number of the first step that is not before a moment."""
        epoch, steps = sa.cast(sa.extract("epoch", moment), sa.Double()), parameter("steps", "number[]")
        before = sa.func.width_bucket(epoch, steps)
        return before + sa.case((element(steps, sa.Double(), before) == epoch, sa.literal_column("0")), else_=one)

    last = sa.func.cardinality(parameter("steps", "number[]"))
    begin = sa.func.coalesce(first_step(sa.func.lower(base.c.valid)), one).label("first")
    end = sa.func.coalesce(first_step(sa.func.upper(base.c.valid)) - one, last).label("last")
    seen = _placed(layer, shape, base, has_class, [], [begin, end], by_place).subquery("seen")
    summed = _summed(seen, [seen.c.place, *_class_of(seen, has_class), seen.c.first, seen.c.last])
    # What began and ended between two steps is on none of them: the series is empty.
    steps = sa.func.generate_series(summed.c.first, summed.c.last).table_valued("step", name="t").render_derived()
    return sa.select(steps.c.step, _cell(summed), *_class_of(summed, has_class), summed.c.n, summed.c.area).select_from(
        sa.join(summed, steps, sa.true())).where(*_in_columns(summed))


def _placed(layer: Layer, shape: Shape, base: FromClause, has_class: bool, more: list[ColumnElement[bool]],
            columns: list[ColumnElement[Any]], by_place: bool = True) -> sa.Select[Any]:
    """Return the features around the tile that are smaller than a cell: `place` (row and column of the cell in one number), class, ground.

    A geometry is looked at once: KEEP keeps the steps apart. One that is empty has no box, and what has no breadth is not smaller than
    anything. The arithmetic is that of gis.cell_index.
    """
    geom, nothing = base.c.geom_tile, sa.literal_column("0")
    # Said in brackets, no index of places answers it.
    is_near = geom.bool_op("&&")(parameter("around", "geometry"))
    covered = sa.func.ST_Area(geom) if is_area(layer) else sa.literal_column("0.0")
    looked = sa.select(sa.cast(geom, _Box3D()).label("box"), covered.label("covered"),
                       *([_class(layer, columns_of(base)).label("class")] if has_class else []), *columns).where(
        is_near if by_place else is_near.is_(sa.true()), *where(shape, base), *more).offset(KEEP).subquery("looked")
    kinds, names = _class_of(looked, has_class), [c.name for c in columns]
    edges = sa.select(*(getattr(sa.func, f"ST_{edge}")(looked.c.box, type_=sa.Double()).label(edge) for edge in ("XMin", "XMax", "YMin", "YMax")),
                      looked.c.covered, *kinds, *(looked.c[n] for n in names)).offset(KEEP).subquery("edges")
    two, half, side = sa.literal_column("2"), sa.literal_column(repr(HALF_M)), parameter("side", "number")
    last = sa.cast(parameter("last", "integer"), sa.Double())

    def index(metres: ColumnElement[Any]) -> ColumnElement[Any]:
        return sa.cast(sa.func.least(sa.func.greatest(sa.func.floor(metres / side), nothing), last), sa.BigInteger())

    x = index(Grouping(edges.c.XMin + edges.c.XMax) / two + half)
    y = index(half - Grouping(edges.c.YMin + edges.c.YMax) / two)
    return sa.select(Grouping(y * sa.literal_column(str(_ROW)) + x).label("place"), sa.cast(sa.func.round(edges.c.covered), sa.BigInteger()).label("area"),
                     *_class_of(edges, has_class), *(edges.c[n] for n in names)).where(
        sa.func.greatest(edges.c.XMax - edges.c.XMin, edges.c.YMax - edges.c.YMin) < parameter("large", "number"))


def _in_columns(placed: FromClause) -> list[ColumnElement[bool]]:
    x, y = _column_and_row(placed)
    return [x.between(parameter("x0", "integer"), parameter("x1", "integer")), y.between(parameter("y0", "integer"), parameter("y1", "integer"))]


def _column_and_row(placed: FromClause) -> tuple[ColumnElement[int], ColumnElement[int]]:
    row = sa.literal_column(str(_ROW))
    return placed.c.place.op("%", return_type=sa.BigInteger())(row), placed.c.place.op("/", return_type=sa.BigInteger())(row)


def _cell(placed: FromClause) -> ColumnElement[Any]:
    return sa.func.gis.cell(*_column_and_row(placed)).label("cell")


def _class(layer: Layer, columns: dict[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return a feature's class as the cells have it (gis.cell_class)."""
    assert layer.symbology is not None and layer.symbology.field is not None
    column, nothing = columns[layer.symbology.field], sa.literal_column("''")
    if any(c.below is not None for c in layer.symbology.classes):
        return sa.func.coalesce(sa.cast(sa.func.width_bucket(sa.cast(column, sa.Double()), parameter("bounds", "number[]")), sa.Text()), nothing)
    of: ColumnElement[Any] = parameter("classes", "text[]")
    text = sa.cast(column, sa.Text())
    if layer.field(layer.symbology.field).type in ("integer", "number", "reference"):
        text, of = sa.cast(sa.cast(column, sa.Double()), sa.Text()), sa.cast(parameter("classes", "number[]"), ARRAY(sa.Text()))
    return sa.case((text.bool_op("=")(sa.func.any(of)), text), else_=nothing)
