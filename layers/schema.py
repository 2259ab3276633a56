"""The tables of a layer: present belief, closed past, and the stage where rows arrive. DDL is made here and nowhere else."""

from __future__ import annotations

import zlib

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Computed, Date, Double, Index, MetaData, Table, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import CHAR, JSONB, TSTZRANGE, ExcludeConstraint
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import DateTime, TypeEngine, UserDefinedType

from layers.layer import Layer, LayerField

__all__ = ["STAGE_SCHEMA", "SCHEMA", "column_type", "create_statements", "index_name", "is_indexed", "past_table", "present_table", "stage_table"]

SCHEMA, STAGE_SCHEMA = "city", "city_stage"
DIALECT = postgresql.dialect()


class Precision(UserDefinedType[str]):
    """PostgreSQL's one-byte "char": the precision of a date, one of y, m, d, s."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return '"char"'


def column_type(field: LayerField) -> TypeEngine:
    """Return the SQLAlchemy type of a field's column."""
    match field.type:
        case "integer" | "reference":
            return BigInteger()
        case "number":
            return Double()
        case "boolean":
            return Boolean()
        case "date":
            return Date()
        case "datetime":
            return DateTime(timezone=True)
        case "codes" | "json":
            return JSONB()
        case _:
            return Text()


def is_indexed(layer: Layer, field: LayerField) -> bool:
    """Has the field an index of its own?"""
    return field.index or field.references is not None or field.name in (layer.key, layer.district)


def index_name(table: str, *columns: str) -> str:
    """Return the name of an index, within PostgreSQL's 63 bytes."""
    name = f"{table}_{'_'.join(columns)}_idx"
    return name if len(name) <= 63 else f"{name[:50]}_{zlib.crc32(name.encode()):08x}_idx"


def _content(layer: Layer, srid: int, with_tile: bool) -> list[Column]:
    columns: list[Column] = []
    if layer.kind == "spatial":
        kind = (layer.geometry or "Geometry").upper() + ("Z" if layer.has_z else "")
        dimension = 3 if layer.has_z else 2
        columns.append(Column("geom", Geometry(kind, srid=srid, dimension=dimension, spatial_index=False)))
        if with_tile:
            flat = (layer.geometry or "Geometry").upper()
            columns.append(Column("geom_tile", Geometry(flat, srid=3857, spatial_index=False),
                                  Computed("ST_Transform(ST_Force2D(geom), 3857)" if layer.has_z
                                           else "ST_Transform(geom, 3857)", persisted=True)))
    return columns + [Column(f.name, column_type(f)) for f in layer.fields]


def _versioned(layer: Layer) -> list[Column]:
    return [Column("version_id", BigInteger, primary_key=True, autoincrement=False),
            Column("fid", BigInteger, nullable=False),
            Column("valid", TSTZRANGE, nullable=False),
            Column("begin_precision", Precision, nullable=False),
            Column("end_precision", Precision, nullable=False),
            Column("seq_from", BigInteger, nullable=False)]


def _indexes(layer: Layer, table: Table, past: bool) -> None:
    def index(*columns: str, using: str = "btree") -> None:
        Index(index_name(table.name, *columns), *(table.c[c] for c in columns), postgresql_using=using)

    index("fid")
    index("seq_from")
    if past:
        index("seq_to")
    if layer.kind == "spatial":
        index("geom", "valid", using="gist")
        index("geom_tile", "valid", using="gist")
    for f in layer.fields:
        if is_indexed(layer, f):
            index(f.name)


def present_table(layer: Layer, srid: int) -> Table:
    """Return the table of the present belief, `city.<layer>`.

    The exclusion constraint is what guarantees, also against plain SQL and concurrent writers, that the valid times
    of one feature never overlap.
    """
    table = Table(layer.id, MetaData(), *_versioned(layer), *_content(layer, srid, True),
                  CheckConstraint("NOT isempty(valid) AND NOT upper_inc(valid) AND (lower_inf(valid) OR lower_inc(valid))",
                                  name=f"{layer.id}_valid_half_open"),
                  schema=SCHEMA)
    table.append_constraint(ExcludeConstraint((table.c.fid, "="), (table.c.valid, "&&"), using="gist",
                                              name=f"{layer.id}_one_truth"))
    _indexes(layer, table, past=False)
    return table


def past_table(layer: Layer, srid: int) -> Table:
    """Return the table of closed beliefs, `city.<layer>_past`."""
    versioned = _versioned(layer)
    table = Table(f"{layer.id}_past", MetaData(), *versioned, Column("seq_to", BigInteger, nullable=False),
                  *_content(layer, srid, True),
                  CheckConstraint("seq_from < seq_to", name=f"{layer.id}_past_closed"), schema=SCHEMA)
    _indexes(layer, table, past=True)
    return table


def stage_table(layer: Layer, srid: int) -> Table:
    """Return the table where rows of a batch arrive, `city_stage.<layer>`; it has no constraint: checks report instead."""
    table = Table(layer.id, MetaData(), Column("batch", BigInteger, nullable=False), Column("ord", BigInteger, nullable=False),
                  Column("op", CHAR(1), nullable=False), Column("fid", BigInteger, nullable=False),
                  Column("span", TSTZRANGE), Column("begin_precision", Precision, nullable=False),
                  Column("end_precision", Precision, nullable=False), Column("expected_version", BigInteger),
                  *_content(layer, srid, False), schema=STAGE_SCHEMA, prefixes=["UNLOGGED"])
    Index(f"{layer.id}_batch_fid_idx", table.c.batch, table.c.fid)
    return table


def create_statements(layer: Layer, srid: int) -> list[str]:
    """Return the statements that make a layer's three tables, in order.

    Parameters
    ----------
    layer
        A stored layer (not a coverage).
    srid
        EPSG code of the CRS that geometries are kept in.
    """
    statements = []
    for table in (present_table(layer, srid), past_table(layer, srid), stage_table(layer, srid)):
        statements.append(str(CreateTable(table).compile(dialect=DIALECT)).strip())
        statements += [str(CreateIndex(i).compile(dialect=DIALECT)) for i in sorted(table.indexes, key=lambda i: i.name or "")]
    return statements
