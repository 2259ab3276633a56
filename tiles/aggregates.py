"""Maps of dense layers from afar: squares that say how much there is and of what, instead of features too small to be seen.

A layer with `symbology.cells` is counted in cells with every changeset (layers/sql/180_cells.sql). Up to the level AGGREGATED its
tiles hold, beside the features that are as large as a cell at least, a tile layer `<id>.cells`: a square (of a layer of points: a point)
for every cell where something is, with COUNT, COVER and the class that covers most of it under the name of the field that the layer is
drawn by. Cells have no id, and no feature is a cell.

What is asked with a filter is counted from the features themselves by the same rule (`tiles/cell_counts.py`); an interval is played
from runs (`tiles/cell_play.py`).
"""

from __future__ import annotations

import re
from math import floor
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql import ColumnElement, FromClause

from layers.cql2 import parameter
from layers.cql2.tree import Node, array_literal
from layers.filters import Shape
from layers.layer import Layer
from layers.query import ItemQuery
from layers.statement import Values
from tiles.cell_counts import HALF_M, counted, counted_steps, element, is_area, kept, known, stepped
from tiles.cell_play import STEPS, merged, played, step_values
from tiles.grid import Envelope, TileAddress

__all__ = ["AGGREGATED", "COUNT", "COVER", "PLAYED", "Counting", "cell_layer_id", "cell_rows", "cell_values", "counting", "is_aggregated", "is_large", "large_values", "side_m",
           "wanted_classes"]

# The deepest level (of WebMercatorQuad) that is made of cells: 64 to the side of a tile, 8 pixels each.
AGGREGATED = 12
# One level deeper an interval may be: where there are too many versions.
PLAYED = AGGREGATED + 1
COARSEST, FINEST, TO_A_TILE = 10, 18, 6
# How many features a cell holds, and which percentage of it they cover (areas). No field can have these names.
COUNT, COVER = "cell:count", "cell:cover"
# More runs of cells than this are looked up as one, and sorted out row by row.
MOST_RUNS = 64
Counting = Literal["kept", "classed", "known", "counted", "stepped", "counted_steps"]
_PLAYED = ("stepped", "counted_steps")


def is_aggregated(layer: Layer) -> bool:
    """Is the layer made of cells on coarse levels?"""
    return layer.symbology is not None and layer.symbology.cells


def cell_layer_id(layer: Layer) -> str:
    """Return the name of the tile layer that holds a layer's cells."""
    return f"{layer.id}.cells"


def counting(layer: Layer, shape: Shape, detail: int) -> Counting | None:
    """Return how the cells of a tile are found: as kept, kept and put back to what was known, counted from the features, or one of these
    over an interval. None: there are none."""
    if not is_aggregated(layer) or detail > AGGREGATED:
        return None
    is_whole = shape.tree is None and not shape.has_fids
    if shape.moment in ("interval", "all"):
        return "stepped" if is_whole and not shape.is_known_at else "counted_steps"
    return "counted" if not is_whole else "known" if shape.is_known_at else "kept"


def wanted_classes(layer: Layer, shape: Shape, values: Values) -> list[str] | None:
    """Return the classes that a filter leaves, where it asks for nothing else: those are counted already. None where it does.

    `values` are those of the question's parameters.
    """
    s = layer.symbology
    if s is None or s.field is None or shape.tree is None or shape.is_known_at or shape.has_fids or layer.field(s.field).type not in ("string", "code"):
        return None
    wanted = _values_of(shape.tree, s.field, values)
    # A value without a class of its own is counted among the rest.
    return wanted if wanted is not None and set(wanted) <= {c.value for c in s.classes} else None


def _values_of(node: Node, field: str, values: Values) -> list[str] | None:
    """Return the values one of which a field must have by a filter; None where the filter says something else."""
    match node:
        case Node("compare", _, ("=", Node("property", _, (name,)), Node("value", _, (slot,)))) if name == field:
            return [values[f"f{slot}"] or ""]
        case Node("any", _, (Node("property", _, (name,)), "text", slot)) if name == field:
            return _texts(values[f"f{slot}"] or "{}")
        case Node("or", _, parts):
            each = [_values_of(part, field, values) for part in parts]
            return None if None in each else [value for some in each for value in some or ()]
    return None


def _texts(array: str) -> list[str]:
    """Read what `array_literal` writes."""
    return [re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', array, re.DOTALL)]


def _level(detail: int, how: Counting) -> int:
    # What plays has larger cells: each comes as often as it changes.
    return max(COARSEST, min(detail + TO_A_TILE - (how in _PLAYED), FINEST))


def side_m(level: int) -> float:
    """Return the side of a cell in metres of Web Mercator."""
    return 2 * HALF_M / 2**level


def large_values(detail: int, how: Counting | None) -> dict[str, str | None]:
    """Return the parameter of `is_large`."""
    return {"large": repr(side_m(_level(detail, how or "kept")))}


def is_large(base: FromClause) -> ColumnElement[bool]:
    """Is a feature as large as a cell, so that it is seen by itself? Said twice: the first half is what the index is for."""
    breadth = sa.func.gis.breadth(base.c.geom_tile)
    return sa.and_(breadth >= sa.func.gis.cell_side(sa.literal_column(str(FINEST))), breadth >= parameter("large", "number"))


def cell_values(query: ItemQuery, tile: TileAddress | Envelope, detail: int, how: Counting, steps: int = STEPS) -> dict[str, str | None]:
    """Return the parameters of `cell_rows` for a tile; or for an envelope of EPSG:3857, whose geometries are in cells, from its upper left corner.

    An interval is looked at in `steps` where it has to be: the fewer, the smaller the tile.
    """
    level = _level(detail, how)
    x0, x1, y0, y1 = _reach(tile, level)
    fine = FINEST - level
    low, high = _runs(x0, x1, y0, y1)
    low_new, high_new = _runs(x0 << fine, ((x1 + 1) << fine) - 1, y0 << fine, ((y1 + 1) << fine) - 1)
    values: dict[str, str | None] = {
        "level": str(level), "up": str(fine), "low": low, "high": high, "low_new": low_new, "high_new": high_new,
        "x0": str(x0), "x1": str(x1), "y0": str(y0), "y1": str(y1), "side": repr(side_m(level)), "large": repr(side_m(level)),
        "last": str(2**level - 1)}
    if isinstance(tile, tuple):
        values["units"] = "1"
    elif tile.grid.srid == 3857:
        values["units"] = repr(4096 / 2 ** (level - tile.z))
    else:
        values["grid"] = str(tile.grid.srid)
    if how in _PLAYED:
        values |= step_values(query, steps)
    if query.layer.symbology:
        bounds = sorted(c.below for c in query.layer.symbology.classes if c.below is not None)
        values["bounds"] = array_literal([repr(b) for b in bounds])
        # What stands for a step of numbers: one below its first bound, else the bound it begins at.
        values["stand"] = array_literal([repr(b) for b in (bounds[0] - 1, *bounds)]) if bounds else "{}"
        values["classes"] = array_literal([_text(c.value) for c in query.layer.symbology.classes if c.value is not None])
    return values


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reach(tile: TileAddress | Envelope, level: int) -> tuple[int, int, int, int]:
    """Return the first and last column and row of the cells that a tile, or an envelope, shows."""
    last = 2**level - 1
    if not isinstance(tile, tuple) and tile.grid.srid == 3857:
        up = level - tile.z
        return tile.x << up, ((tile.x + 1) << up) - 1, tile.y << up, ((tile.y + 1) << up) - 1
    reach = tile if isinstance(tile, tuple) else tile.reach(3857, 0)
    if reach is None:
        return 0, -1, 0, -1
    side = side_m(level)
    x0, x1 = (min(max(floor((x + HALF_M) / side), 0), last) for x in (reach[0], reach[2]))
    y0, y1 = (min(max(floor((HALF_M - y) / side), 0), last) for y in (reach[3], reach[1]))
    return x0, x1, y0, y1


def _number(x: int, y: int) -> int:
    return ((y >> 6) << 32) | ((x >> 6) << 12) | ((y & 63) << 6) | (x & 63)


def _runs(x0: int, x1: int, y0: int, y1: int) -> tuple[str, str]:
    """Return the runs of cell numbers that hold some columns and rows, as two arrays: first and last."""
    rows = range(y0 >> 6, (y1 >> 6) + 1)
    blocks = [(max(y << 6, y0), min(y << 6 | 63, y1)) for y in rows] if len(rows) <= MOST_RUNS else [(y0 & ~63, y1 | 63)]
    runs = [(_number(x0 & ~63, first), _number(x1 | 63, last)) for first, last in blocks]
    return array_literal([str(first) for first, _ in runs]), array_literal([str(last) for _, last in runs])


def cell_rows(layer: Layer, shape: Shape, base: FromClause, how: Counting, has_class: bool, place: str, by_place: bool = True) -> sa.Select[Any]:
    """Return the rows of the tile layer of a layer's cells: geometry `geom` in the tile's units, and properties.

    `by_place` false leaves what is counted from the features to the index of the filter.
    """
    if how == "stepped":
        picked: FromClause = played(layer, has_class, lambda odd: merged(layer, _picked(stepped(layer, has_class, odd), has_class, True), has_class).subquery("odd_ones"))
    elif how == "counted_steps":
        picked = merged(layer, _picked(counted_steps(layer, shape, base, has_class, by_place), has_class, True), has_class).subquery("merged")
    else:
        found = (kept(layer, shape, has_class, how == "classed") if how in ("kept", "classed") else known(layer, shape, has_class) if how == "known"
                 else counted(layer, shape, base, has_class, by_place))
        picked = _picked(found, has_class, False)
    return _drawn(layer, picked, how in ("stepped", "counted_steps"), has_class, place)


def _picked(found: sa.Select[Any] | sa.CompoundSelect[Any], has_class: bool, has_steps: bool) -> FromClause:
    """Sum up what was found of each cell, and pick the class that covers most."""
    rows = found.subquery("found")
    kinds = [rows.c["class"]] if has_class else []
    steps = [rows.c.step] if has_steps else []
    summed = sa.select(*steps, rows.c.cell, *kinds, sa.func.sum(rows.c.n).label("n"), sa.func.sum(rows.c.area).label("area")).group_by(
        *steps, rows.c.cell, *kinds).subquery("summed")
    steps = [summed.c.step] if has_steps else []
    order = (summed.c.area.desc(), summed.c.n.desc(), summed.c["class"]) if has_class else ()
    first = element(sa.func.array_agg(aggregate_order_by(summed.c["class"], *order)), sa.Text(), sa.literal_column("1", sa.Integer())).label(
        "class") if has_class else None
    count, side = sa.cast(sa.func.sum(summed.c.n), sa.Integer()), parameter("side", "number")
    cover = sa.func.least(sa.literal_column("100"), sa.func.ceil(sa.literal_column("100") * sa.func.sum(summed.c.area) / (side * side)))
    return sa.select(*steps, summed.c.cell, *([first] if first is not None else []), count.label("n"), sa.cast(cover, sa.Integer()).label("cover")).group_by(
        *steps, summed.c.cell).having(sa.func.sum(summed.c.n) > sa.literal_column("0")).subquery("picked")


def _drawn(layer: Layer, picked: FromClause, has_times: bool, has_class: bool, place: str) -> sa.Select[Any]:
    x, y = sa.func.gis.cell_x(picked.c.cell), sa.func.gis.cell_y(picked.c.cell)
    if place == "mercator":
        unit = parameter("units", "number")
        left, top = (x - parameter("x0", "integer")) * unit, (y - parameter("y0", "integer")) * unit
        # Downwards is the other way round in a tile.
        geom = sa.func.ST_Reverse(sa.func.ST_MakeEnvelope(left, top, left + unit, top + unit)) if is_area(layer) else (
            sa.func.ST_MakePoint(left + unit / sa.literal_column("2"), top + unit / sa.literal_column("2")))
    else:
        side, half = parameter("side", "number"), sa.literal_column(repr(HALF_M))
        left, top = x * side - half, half - y * side
        whole = sa.func.ST_MakeEnvelope(left, top - side, left + side, top, sa.literal_column("3857")) if is_area(layer) else (
            sa.func.ST_SetSRID(sa.func.ST_MakePoint(left + side / sa.literal_column("2"), top - side / sa.literal_column("2")), sa.literal_column("3857")))
        moved = sa.func.ST_Transform(whole, sa.cast(parameter("grid", "integer"), sa.Integer()))
        clip = sa.cast(parameter("tile", "geometry"), _Box())
        geom = sa.func.ST_AsMVTGeom(moved, clip, sa.literal_column("4096"), sa.literal_column("0"), sa.true())
    properties = [picked.c.n.label(COUNT)]
    if is_area(layer):
        properties.append(picked.c.cover.label(COVER))
    if has_class and layer.symbology and layer.symbology.field:
        properties.append(_value(layer, picked.c["class"]).label(layer.symbology.field))
    if has_times:
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
        return element(parameter("stand", "number[]"), sa.Double(), sa.cast(kind, sa.Integer()) + sa.literal_column("1"))
    match layer.field(layer.symbology.field).type:
        case "integer" | "reference":
            return sa.cast(sa.cast(kind, sa.Double()), sa.BigInteger())
        case "number":
            return sa.cast(kind, sa.Double())
        case "boolean":
            return sa.cast(kind, sa.Boolean())
    return kind
