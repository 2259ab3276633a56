"""Maps of dense layers from afar: squares that say how much there is and of what, instead of features too small to be seen.

A layer with `symbology.cells` is counted in cells with every changeset (layers/sql/180_cells.sql). Up to the level AGGREGATED its
tiles hold, beside the features that are as large as a cell at least, a tile layer `<id>.cells`: a square (of a layer of points: a point)
for every cell where something is, with COUNT, COVER and the class that covers most of it under the name of the field that the layer is
drawn by. Cells have no id, and no feature is a cell.

What is asked with a filter or as known at a time is counted from the features themselves, slowly and by the same rule.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.sql import ColumnElement, FromClause
from sqlalchemy.sql.elements import Grouping

from layers.cql2 import parameter
from layers.cql2.tree import array_literal
from layers.filters import SCHEMA, Shape, columns_of, where
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.grid import TileAddress

__all__ = ["AGGREGATED", "COUNT", "COVER", "Counting", "cell_layer_id", "cell_rows", "cell_values", "counting", "is_aggregated", "is_large", "large_values", "side_m"]

# The deepest level (of WebMercatorQuad) that is made of cells: 64 to the side of a tile, 8 pixels each.
AGGREGATED = 12
COARSEST, FINEST, TO_A_TILE = 10, 18, 6
# How many features a cell holds, and which percentage of it they cover (areas). No field can have these names.
COUNT, COVER = "cell:count", "cell:cover"
# An interval is shown in so many steps, and its cover in steps of so many percent: more cannot be told apart while it plays.
STEPS, COVER_STEP = 24, 10
# More runs of cells than this are looked up as one, and sorted out row by row.
MOST_RUNS = 64
_HALF_M = 20037508.342789244

Counting = Literal["kept", "counted", "stepped"]


def is_aggregated(layer: Layer) -> bool:
    """Is the layer made of cells on coarse levels?"""
    return layer.symbology is not None and layer.symbology.cells


def cell_layer_id(layer: Layer) -> str:
    """Return the name of the tile layer that holds a layer's cells."""
    return f"{layer.id}.cells"


def counting(layer: Layer, shape: Shape, detail: int) -> Counting | None:
    """Return how the cells of a tile are found: as kept, kept for many moments, or counted from the features. None: there are none."""
    if not is_aggregated(layer) or detail > AGGREGATED:
        return None
    is_plain = shape.tree is None and not shape.has_fids and not shape.is_known_at
    if shape.moment in ("interval", "all"):
        return "stepped" if is_plain else None
    return "kept" if is_plain else "counted"


def _level(detail: int, how: Counting) -> int:
    # What plays has larger cells: each comes as often as it changes.
    return max(COARSEST, min(detail + TO_A_TILE - (how == "stepped"), FINEST))


def side_m(level: int) -> float:
    """Return the side of a cell in metres of Web Mercator."""
    return 2 * _HALF_M / 2**level


def large_values(detail: int, how: Counting | None) -> dict[str, str | None]:
    """Return the parameter of `is_large`."""
    return {"large": repr(side_m(_level(detail, how or "kept")))}


def is_large(base: FromClause) -> ColumnElement[bool]:
    """Is a feature as large as a cell, so that it is seen by itself? Said twice: the first half is what the index is for."""
    breadth = sa.func.gis.breadth(base.c.geom_tile)
    return sa.and_(breadth >= sa.func.gis.cell_side(sa.literal_column(str(FINEST))), breadth >= parameter("large", "number"))


def cell_values(query: ItemQuery, tile: TileAddress, detail: int, how: Counting) -> dict[str, str | None]:
    """Return the parameters of `cell_rows` for a tile."""
    level = _level(detail, how)
    x0, x1, y0, y1 = _reach(tile, level)
    fine = FINEST - level
    low, high = _runs(x0, x1, y0, y1)
    low_new, high_new = _runs(x0 << fine, ((x1 + 1) << fine) - 1, y0 << fine, ((y1 + 1) << fine) - 1)
    values: dict[str, str | None] = {
        "level": str(level), "up": str(fine), "low": low, "high": high, "low_new": low_new, "high_new": high_new,
        "x0": str(x0), "x1": str(x1), "y0": str(y0), "y1": str(y1), "side": repr(side_m(level)), "large": repr(side_m(level))}
    if tile.grid.srid == 3857:
        values["units"] = repr(4096 / 2 ** (level - tile.z))
    else:
        values["grid"] = str(tile.grid.srid)
    if how == "stepped":
        values |= _steps(query)
    if query.layer.symbology:
        bounds = sorted(c.below for c in query.layer.symbology.classes if c.below is not None)
        values["bounds"] = array_literal([repr(b) for b in bounds])
        # What stands for a step of numbers: one below its first bound, else the bound it begins at.
        values["stand"] = array_literal([repr(b) for b in (bounds[0] - 1, *bounds)]) if bounds else "{}"
        values["classes"] = array_literal([_text(c.value) for c in query.layer.symbology.classes if c.value is not None])
    return values


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reach(tile: TileAddress, level: int) -> tuple[int, int, int, int]:
    """Return the first and last column and row of the cells that a tile shows."""
    last = 2**level - 1
    if tile.grid.srid == 3857:
        up = level - tile.z
        return tile.x << up, ((tile.x + 1) << up) - 1, tile.y << up, ((tile.y + 1) << up) - 1
    reach = tile.reach(3857, 0)
    if reach is None:
        return 0, -1, 0, -1
    side = side_m(level)
    x0, x1 = (min(max(floor((x + _HALF_M) / side), 0), last) for x in (reach[0], reach[2]))
    y0, y1 = (min(max(floor((_HALF_M - y) / side), 0), last) for y in (reach[3], reach[1]))
    return x0, x1, y0, y1


def _number(x: int, y: int) -> int:
    return ((y >> 6) << 32) | ((x >> 6) << 12) | ((y & 63) << 6) | (x & 63)


def _runs(x0: int, x1: int, y0: int, y1: int) -> tuple[str, str]:
    """Return the runs of cell numbers that hold some columns and rows, as two arrays: first and last."""
    rows = range(y0 >> 6, (y1 >> 6) + 1)
    blocks = [(max(y << 6, y0), min(y << 6 | 63, y1)) for y in rows] if len(rows) <= MOST_RUNS else [(y0 & ~63, y1 | 63)]
    runs = [(_number(x0 & ~63, first), _number(x1 | 63, last)) for first, last in blocks]
    return array_literal([str(first) for first, _ in runs]), array_literal([str(last) for _, last in runs])


def _steps(query: ItemQuery) -> dict[str, str | None]:
    """Return the moments at which an interval is looked at, as seconds since 1970, and when each step ends."""
    begin, end = query.interval or (None, None)
    now = datetime.now(UTC)
    first = begin or min(datetime(1980, 1, 1, tzinfo=UTC), end or now)
    last = end or max(now + timedelta(days=3653), first + timedelta(days=1))
    span = (last - first).total_seconds() / STEPS
    at = [first.timestamp() + span * n for n in range(STEPS)]
    return {"steps": array_literal([repr(t) for t in at]),
            "begins": _with_nulls([None if begin is None else at[0], *at[1:]]), "ends": _with_nulls([*at[1:], None if end is None else last.timestamp()])}


def _with_nulls(numbers: list[float | None]) -> str:
    return "{" + ",".join("NULL" if n is None else str(round(n)) for n in numbers) + "}"


def cell_rows(layer: Layer, shape: Shape, base: FromClause, how: Counting, has_class: bool, place: str) -> sa.Select[Any]:
    """Return the rows of the tile layer of a layer's cells: geometry `geom` in the tile's units, and properties."""
    found = _stepped(layer, has_class) if how == "stepped" else _kept(layer, shape, has_class) if how == "kept" else _counted(layer, shape, base, has_class)
    rows = found.subquery("found")
    kinds = [rows.c["class"]] if has_class else []
    steps = [rows.c.step] if how == "stepped" else []
    summed = sa.select(*steps, rows.c.cell, *kinds, sa.func.sum(rows.c.n).label("n"), sa.func.sum(rows.c.area).label("area")).group_by(
        *steps, rows.c.cell, *kinds).subquery("summed")
    steps = [summed.c.step] if how == "stepped" else []
    order = (summed.c.area.desc(), summed.c.n.desc(), summed.c["class"]) if has_class else ()
    first = _element(sa.func.array_agg(aggregate_order_by(summed.c["class"], *order)), sa.Text(), sa.literal_column("1", sa.Integer())).label(
        "class") if has_class else None
    count, side = sa.cast(sa.func.sum(summed.c.n), sa.Integer()), parameter("side", "number")
    cover = sa.func.least(sa.literal_column("100"), sa.func.ceil(sa.literal_column("100") * sa.func.sum(summed.c.area) / (side * side)))
    picked = sa.select(*steps, summed.c.cell, *([first] if first is not None else []), count.label("n"), sa.cast(cover, sa.Integer()).label("cover")).group_by(
        *steps, summed.c.cell).having(sa.func.sum(summed.c.n) > sa.literal_column("0")).subquery("picked")
    return _drawn(layer, picked if how != "stepped" else _merged(layer, picked, has_class), how, has_class, place)


def _merged(layer: Layer, picked: FromClause, has_class: bool) -> FromClause:
    """Make one row of the steps that follow each other and look the same."""
    step = sa.literal_column(str(COVER_STEP))
    if _is_area(layer):
        look: ColumnElement[Any] = sa.cast(sa.func.ceil(sa.cast(picked.c.cover, sa.Double()) / step), sa.Integer()) * step
    else:
        look = sa.cast(sa.func.round(sa.func.log(picked.c.n) * step), sa.Integer())
    looks = [picked.c.cell, *([picked.c["class"]] if has_class else []), look.label("look")]
    island = (picked.c.step - sa.func.row_number().over(partition_by=[*looks[:-1], look],
                                                       order_by=picked.c.step)).label("island")
    marked = sa.select(*looks, picked.c.step, picked.c.n, island).subquery("marked")
    same = [c for c in marked.c if c.name not in ("step", "n")]
    begin, end = (_element(parameter(name, "integer[]"), sa.BigInteger(), sa.cast(edge, sa.Integer())) for name, edge in (
        ("begins", sa.func.min(marked.c.step)), ("ends", sa.func.max(marked.c.step))))
    return sa.select(*[c for c in same if c.name != "island"], sa.func.max(marked.c.n).label("n"), marked.c.look.label("cover"),
                     begin.label("valid_from"), end.label("valid_to")).group_by(*same).subquery("merged")


def _element(array: ColumnElement[Any], kind: Any, index: ColumnElement[int]) -> ColumnElement[Any]:
    # PostgreSQL takes an element only of what stands in brackets.
    grouped: Any = Grouping(sa.type_coerce(array, ARRAY(kind)))
    return grouped[index]


def _is_area(layer: Layer) -> bool:
    return layer.geometry in ("Polygon", "MultiPolygon")


def _drawn(layer: Layer, picked: FromClause, how: Counting, has_class: bool, place: str) -> sa.Select[Any]:
    x, y = sa.func.gis.cell_x(picked.c.cell), sa.func.gis.cell_y(picked.c.cell)
    if place == "mercator":
        unit = parameter("units", "number")
        left, top = (x - parameter("x0", "integer")) * unit, (y - parameter("y0", "integer")) * unit
        # Downwards is the other way round in a tile.
        geom = sa.func.ST_Reverse(sa.func.ST_MakeEnvelope(left, top, left + unit, top + unit)) if _is_area(layer) else (
            sa.func.ST_MakePoint(left + unit / sa.literal_column("2"), top + unit / sa.literal_column("2")))
    else:
        side, half = parameter("side", "number"), sa.literal_column(repr(_HALF_M))
        left, top = x * side - half, half - y * side
        whole = sa.func.ST_MakeEnvelope(left, top - side, left + side, top, sa.literal_column("3857")) if _is_area(layer) else (
            sa.func.ST_SetSRID(sa.func.ST_MakePoint(left + side / sa.literal_column("2"), top - side / sa.literal_column("2")), sa.literal_column("3857")))
        moved = sa.func.ST_Transform(whole, sa.cast(parameter("grid", "integer"), sa.Integer()))
        clip = sa.cast(parameter("tile", "geometry"), _Box())
        geom = sa.func.ST_AsMVTGeom(moved, clip, sa.literal_column("4096"), sa.literal_column("0"), sa.true())
    properties = [picked.c.n.label(COUNT)]
    if _is_area(layer):
        properties.append(picked.c.cover.label(COVER))
    if has_class and layer.symbology and layer.symbology.field:
        properties.append(_value(layer, picked.c["class"]).label(layer.symbology.field))
    if how == "stepped":
        properties += [picked.c.valid_from, picked.c.valid_to]
    return sa.select(geom.label("geom"), *properties)


class _Box(sa.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "box2d"


def _value(layer: Layer, kind: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a class as the tiles of features have its field, so that one style draws both."""
    assert layer.symbology is not None and layer.symbology.field is not None
    kind = sa.func.nullif(kind, sa.literal_column("''"))
    if any(c.below is not None for c in layer.symbology.classes):
        return _element(parameter("stand", "number[]"), sa.Double(), sa.cast(kind, sa.Integer()) + sa.literal_column("1"))
    match layer.field(layer.symbology.field).type:
        case "integer" | "reference":
            return sa.cast(sa.cast(kind, sa.Double()), sa.BigInteger())
        case "number":
            return sa.cast(kind, sa.Double())
        case "boolean":
            return sa.cast(kind, sa.Boolean())
    return kind


# Where the counts come from

def _cell_tables(layer: Layer) -> tuple[sa.TableClause, sa.TableClause]:
    shared = ("cell", "class", "area", "n")
    kept = sa.table(f"{layer.id}_cell", sa.column("level"), sa.column("frame"), sa.column("cell", sa.BigInteger()), sa.column("class", sa.Text()),
                    sa.column("at", ARRAY(sa.Double())), sa.column("n", ARRAY(sa.BigInteger())), sa.column("area", ARRAY(sa.BigInteger())), schema=SCHEMA)
    new = sa.table(f"{layer.id}_cell_new", sa.column("fits"), sa.column("valid"), *map(sa.column, shared), schema=SCHEMA)
    return kept, new


def _in_reach(cell: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    return [sa.func.gis.cell_x(cell).between(parameter("x0", "integer"), parameter("x1", "integer")),
            sa.func.gis.cell_y(cell).between(parameter("y0", "integer"), parameter("y1", "integer"))]


def _run(low: str, high: str, name: str) -> Any:
    return sa.func.unnest(parameter(low, "integer[]"), parameter(high, "integer[]")).table_valued("low", "high").render_derived(name=name)


def _kept(layer: Layer, shape: Shape, has_class: bool) -> sa.CompoundSelect[Any]:
    kept, new = (table.alias(name) for table, name in zip(_cell_tables(layer), ("c", "w"), strict=True))
    moment: ColumnElement[Any] = sa.func.now() if shape.moment == "now" else parameter("at", "timestamp")
    epoch = sa.cast(sa.extract("epoch", moment), sa.Double())
    return _both(kept, new, epoch, moment, has_class, [])


def _both(kept: FromClause, new: FromClause, epoch: ColumnElement[Any], moment: ColumnElement[Any], has_class: bool,
          steps: list[ColumnElement[Any]]) -> sa.CompoundSelect[Any]:
    level, up = sa.cast(parameter("level", "integer"), sa.Integer()), sa.cast(parameter("up", "integer"), sa.Integer())
    n = sa.func.width_bucket(epoch, kept.c.at) + sa.literal_column("1")
    run, run_new = _run("low", "high", "r"), _run("low_new", "high_new", "s")
    summed = sa.select(*steps, kept.c.cell, *([kept.c["class"]] if has_class else []), kept.c.n[n].label("n"), kept.c.area[n].label("area")).select_from(
        sa.join(run, kept, kept.c.cell.between(run.c.low, run.c.high))).where(
        kept.c.level == level, kept.c.frame == sa.func.gis.cell_frame(level, epoch), *_in_reach(kept.c.cell))
    above = sa.func.gis.cell_above(new.c.cell, up)
    waiting = sa.select(*steps, above.label("cell"), *([new.c["class"]] if has_class else []), new.c.n, new.c.area).select_from(
        sa.join(run_new, new, new.c.cell.between(run_new.c.low, run_new.c.high))).where(
        new.c.fits >= level, new.c.valid.bool_op("@>")(moment), *_in_reach(above))
    return sa.union_all(summed, waiting)


def _stepped(layer: Layer, has_class: bool) -> sa.CompoundSelect[Any]:
    kept, new = (table.alias(name) for table, name in zip(_cell_tables(layer), ("c", "w"), strict=True))
    steps = sa.func.unnest(parameter("steps", "number[]")).table_valued("at", with_ordinality="step", name="t").render_derived()
    return _both(kept, new, steps.c.at, sa.func.to_timestamp(steps.c.at), has_class, [steps.c.step])


def _counted(layer: Layer, shape: Shape, base: FromClause, has_class: bool) -> sa.Select[Any]:
    geom, level = base.c.geom_tile, sa.cast(parameter("level", "integer"), sa.Integer())
    cell = sa.func.gis.cell_of(geom, level)
    inner = sa.select(cell.label("cell"), *([_class(layer, columns_of(base)).label("class")] if has_class else []), sa.literal_column("1").label("n"),
                      sa.cast(sa.func.round(sa.func.ST_Area(geom)), sa.BigInteger()).label("area")).where(
        geom.bool_op("&&")(parameter("around", "geometry")), *where(shape, base), sa.func.gis.breadth(geom) < parameter("large", "number"),
        sa.not_(sa.func.ST_IsEmpty(geom))).subquery("inside")
    return sa.select(inner).where(*_in_reach(inner.c.cell))


def _class(layer: Layer, columns: dict[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return a feature's class as the cells have it (gis.cell_class)."""
    assert layer.symbology is not None and layer.symbology.field is not None
    column, nothing = columns[layer.symbology.field], sa.literal_column("''")
    if any(c.below is not None for c in layer.symbology.classes):
        return sa.func.coalesce(sa.cast(sa.func.width_bucket(sa.cast(column, sa.Double()), parameter("bounds", "number[]")), sa.Text()), nothing)
    known: ColumnElement[Any] = parameter("classes", "text[]")
    text = sa.cast(column, sa.Text())
    if layer.field(layer.symbology.field).type in ("integer", "number", "reference"):
        text, known = sa.cast(sa.cast(column, sa.Double()), sa.Text()), sa.cast(parameter("classes", "number[]"), ARRAY(sa.Text()))
    return sa.case((text.bool_op("=")(sa.func.any(known)), text), else_=nothing)
