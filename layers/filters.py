"""FROM and WHERE of a question to a layer.

A question falls into its shape (which parts it has, the tree of its filter) and its values. The SQL is made once for each
shape; values are parameters. Whatever reads features, items, tiles, exports or statistics, takes FROM and WHERE from here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause

from layers import cql2
from layers.cql2 import Node, parameter
from layers.cql2.sql import SQL_TYPES
from layers.cql2.tree import COLUMN_TYPES
from layers.crs import CRS84, Crs, box_around, box_to_srid, boxes_of, ewkb_hex, is_same_place, make_crs
from layers.errors import InvalidParameter, UnknownLayer
from layers.layer import Layer
from layers.query import ItemQuery

__all__ = ["Shape", "both_tables", "columns_of", "parse_filter", "question", "source", "where"]

SCHEMA = "city"
VERSION_COLUMNS = ("fid", "version_id", "valid", "begin_precision", "end_precision")


class Shape(NamedTuple):
    """What kind of question it is: everything that the text of FROM and WHERE depends on.

    `moment` is 'now', 'at', 'interval' or 'all'; `boxes` how many rectangles the bbox falls into, `is_rectangle` whether
    they are ones in the storage CRS too; `names` are the fields that the reader may name.
    """

    names: tuple[str, ...]
    moment: str
    is_known_at: bool
    boxes: int
    is_rectangle: bool
    has_fids: bool
    tree: Node | None

    @property
    def is_spatial(self) -> bool:
        """Does WHERE hold a condition that the spatial index answers?"""
        return self.boxes > 0 or (self.tree is not None and _has_spatial(self.tree))


def _has_spatial(tree: Node) -> bool:
    if tree.kind == "and":
        return any(map(_has_spatial, tree.args))
    return tree.kind == "spatial" and tree.args[0] != "s_disjoint"


def parse_filter(text: str, language: str | None = None, crs: Crs = CRS84, parameter: str = "filter") -> dict[str, Any] | bool:
    """Parse a filter as it was written; `crs` is that of its geometries.

    The language is told from the first character if None. Raises InvalidFilter.
    """
    language = language or ("cql2-json" if text.lstrip().startswith("{") else "cql2-text")
    found = cql2.parse(text, language, parameter)
    return found if crs == CRS84 else cql2.in_crs(found, crs)


def question(query: ItemQuery, storage_srid: int) -> tuple[Shape, dict[str, str | None]]:
    """Take a question apart: its shape, and the values of its parameters as text.

    Raises UnknownLayer if the audience may not read the layer, InvalidParameter and InvalidFilter for what cannot be asked.
    """
    layer, audience = query.layer, query.audience
    if not (layer.is_stored and audience.may_read(layer.id)):
        raise UnknownLayer(layer.id)
    fields = audience.fields(layer)
    values: dict[str, str | None] = {}
    boxes, is_rectangle = _bbox(query, storage_srid, values) if query.bbox is not None else (0, True)
    moment = _moment(query, values)
    if query.known_at is not None:
        # A number that no changeset will ever have is as good as the latest one.
        values["seq"] = str(max(0, min(query.known_at, 2**62)))
    if query.fids is not None:
        values["fids"] = "{" + ",".join(str(int(f)) for f in query.fids if abs(f) < 2**63) + "}"
    tree = None
    if query.filter is not None:
        checked = cql2.check(query.filter, cql2.property_types(layer, fields), storage_srid)
        tree = checked.tree
        values |= {f"f{n}": value for n, value in enumerate(checked.values)}
    return Shape(tuple([f.name for f in fields]), moment, query.known_at is not None, boxes, is_rectangle,
                 query.fids is not None, tree), values


def _moment(query: ItemQuery, values: dict[str, str | None]) -> str:
    if query.at is not None and query.interval is not None:
        raise InvalidParameter("datetime", "ask for a moment or for an interval, not for both.")
    if query.interval is not None:
        begin, end = query.interval
        if begin is None and end is None:
            return "all"
        values["begin"], values["end"] = (None if t is None else _stamp(t) for t in query.interval)
        return "interval"
    if query.at is None:
        return "now"
    values["at"] = _stamp(query.at)
    return "at"


def _stamp(at: datetime) -> str:
    if at.tzinfo is None:
        raise InvalidParameter("datetime", "a time needs an offset.")
    return at.isoformat()


def _bbox(query: ItemQuery, storage_srid: int, values: dict[str, str | None]) -> tuple[int, bool]:
    """Bring the bbox into the storage CRS, as one or two rectangles or what they become there."""
    if query.layer.geometry is None or query.bbox is None:
        raise InvalidParameter("bbox", f"the layer '{query.layer.id}' has no geometry.")
    minx, miny, maxx, maxy = query.bbox
    crs = make_crs(query.bbox_srid)
    if miny > maxy or (minx > maxx and not crs.is_geographic):
        raise InvalidParameter("bbox", "the lower corner comes first.")
    boxes = boxes_of(query.bbox, crs.is_geographic)
    is_rectangle = is_same_place(query.bbox_srid, storage_srid)
    for n, box in enumerate(boxes):
        if is_rectangle:
            values[f"box{n}"] = box_around(*box, storage_srid)
            values[f"inner{n}"] = box_around(*_inner(box), storage_srid)
        else:
            try:
                values[f"box{n}"] = ewkb_hex(box_to_srid(box, query.bbox_srid, storage_srid), storage_srid)
            except ValueError as error:
                raise InvalidParameter("bbox", f"{error}.") from None
    return len(boxes), is_rectangle


def _inner(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return the part of a box in which a bounding box of PostGIS proves that a geometry is.

    Bounding boxes are kept in single precision, rounded outwards; so is the box they are compared with.
    """
    minx, miny, maxx, maxy = box
    margin = max(map(abs, box)) * 2**-21
    if maxx - minx <= 4 * margin or maxy - miny <= 4 * margin:
        return 1e9, 1e9, 1e9, 1e9   # no such part: a place where nothing is
    return minx + margin, miny + margin, maxx - margin, maxy - margin


def source(layer: Layer, shape: Shape, name: str = "b") -> FromClause:
    """Return the FROM of a question, under a name: the present belief, or what was known at `:seq`."""
    present = _table(layer, layer.id, shape.names)
    if not shape.is_known_at:
        return present.alias(name)
    past = _table(layer, f"{layer.id}_past", shape.names)
    seq = parameter("seq", "integer")
    names = [c.name for c in present.c if c.name not in ("seq_from", "seq_to")]
    return sa.union_all(sa.select(*(present.c[n] for n in names)).where(present.c.seq_from <= seq),
                        sa.select(*(past.c[n] for n in names)).where(past.c.seq_from <= seq, past.c.seq_to > seq)).subquery(name)


def _table(layer: Layer, name: str, names: tuple[str, ...]) -> sa.TableClause:
    spatial = ("geom", "geom_tile") if layer.geometry is not None else ()
    return sa.table(name, *map(sa.column, VERSION_COLUMNS), *map(sa.column, spatial),
                    sa.column("seq_from", SQL_TYPES["integer"]), sa.column("seq_to", SQL_TYPES["integer"]),
                    *(sa.column(n, SQL_TYPES[COLUMN_TYPES[layer.field(n).type]]) for n in names), schema=SCHEMA)


def both_tables(layer: Layer, names: tuple[str, ...]) -> FromClause:
    """Return all versions of a layer on both axes of time, named 'b': `seq_to` is null for the present belief."""
    present, past = _table(layer, layer.id, names), _table(layer, f"{layer.id}_past", names)
    columns = [c.name for c in present.c if c.name != "seq_to"]
    open_end = sa.cast(sa.null(), SQL_TYPES["integer"]).label("seq_to")
    return sa.union_all(sa.select(*(present.c[n] for n in columns), open_end),
                        sa.select(*(past.c[n] for n in columns), past.c.seq_to)).subquery("b")


def columns_of(rows: FromClause) -> dict[str, ColumnElement[Any]]:
    """Return columns by the names that filters and orders use: the fields, id, version, valid_from, geometry and so on."""
    stamp = SQL_TYPES["timestamp"]
    columns: dict[str, ColumnElement[Any]] = {
        "id": sa.type_coerce(rows.c.fid, SQL_TYPES["integer"]), "version": sa.type_coerce(rows.c.version_id, SQL_TYPES["integer"]),
        "valid": rows.c.valid, "valid_from": sa.func.lower(rows.c.valid, type_=stamp),
        "valid_to": sa.func.upper(rows.c.valid, type_=stamp)}
    if "geom" in rows.c:
        columns["geometry"] = rows.c.geom
    return columns | {c.name: c for c in rows.c if c.name not in (*VERSION_COLUMNS, "geom", "geom_tile", "seq_from", "seq_to")}


def where(shape: Shape, rows: FromClause) -> list[ColumnElement[Any]]:
    """Return the conditions of a question over its `source`; all must hold."""
    found: list[ColumnElement[Any]] = []
    if shape.boxes:
        found.append(sa.or_(*(_in_box(rows.c.geom, n, shape.is_rectangle) for n in range(shape.boxes))))
    if shape.moment == "now":
        found.append(rows.c.valid.bool_op("@>")(sa.func.now()))
    elif shape.moment == "at":
        found.append(rows.c.valid.bool_op("@>")(parameter("at", "timestamp")))
    elif shape.moment == "interval":
        found.append(rows.c.valid.bool_op("&&")(sa.func.tstzrange(parameter("begin", "timestamp"), parameter("end", "timestamp"))))
    if shape.has_fids:
        found.append(rows.c.fid.bool_op("=")(sa.func.any(parameter("fids", "integer[]"))))
    if shape.tree is not None:
        found.append(cql2.condition(shape.tree, columns_of(rows)))
    return found


def _in_box(geom: ColumnElement[Any], n: int, is_rectangle: bool) -> ColumnElement[Any]:
    """A feature is in a box if its geometry meets it. Most lie wholly inside, which their bounding box proves."""
    box = parameter(f"box{n}", "geometry")
    exact: ColumnElement[Any] = sa.func.ST_Intersects(geom, box, type_=sa.Boolean())
    if is_rectangle:
        exact = sa.or_(geom.bool_op("@")(parameter(f"inner{n}", "geometry")), exact)
    return sa.and_(geom.bool_op("&&")(box), exact)
