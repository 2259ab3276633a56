"""Layers at the edges of what can be: every field type, no geometry, broken geometry, the antimeridian, other storage CRSs.

Rows are put straight into the tables, past the checks on writing: reading must stand what plain SQL can leave there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import sql

from layers.layer import Layer, parse_layer
from layers.plan import register
from layers.store import Store

TITLE = {"zh": "层", "en": "Layer"}
CODES = {"a": {"zh": "甲", "en": "A"}, "b": {"zh": "乙", "en": "B"}}


def field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "title": TITLE, **more}


ALL_TYPES = [field("name", tile=True), field("note", "text"), field("kind", "code", codes=CODES, tile=True, index=True),
             field("storeys", "integer", tile=True), field("height_m", "number", tile=True, index=True), field("is_listed", "boolean", tile=True),
             field("built", "date", tile=True), field("seen", "datetime", tile=True), field("codes", "codes"), field("extra", "json"),
             field("district", "string", index=True)]


def make(store: Store, layer_id: str, geometry: str | None = "Geometry", **more: Any) -> Layer:
    """Register a layer with a field of every type."""
    layer = parse_layer({"id": layer_id, "title": TITLE, "born": "runtime", "kind": "spatial" if geometry else "table", "geometry": geometry,
                         "fields": ALL_TYPES, "district": "district", **more})
    register(store, layer)
    return layer


def changesets(store: Store, count: int) -> None:
    """Make changesets 1 to `count`, a day apart, so that there is something to be known at."""
    with store.connect() as connection:
        connection.execute("INSERT INTO gis.changeset (seq, recorded_at, actor, reason) SELECT n, timestamptz '2024-01-01Z' + n * interval '1 day', "
                           "'tester ' || n, 'reason ' || n FROM generate_series(1, %s) n ON CONFLICT DO NOTHING", (count,))


def put(store: Store, layer: Layer, rows: Iterable[Mapping[str, Any]], srid: int = 4490) -> None:
    """Insert rows. Keys: fid, valid (text), seq_from, seq_to (then into the past), begin, end (precisions), wkt, and fields."""
    with store.connect() as connection, connection.transaction():
        for number, row in enumerate(rows, 1):
            given = {"version_id": row.get("version_id", number), "fid": row["fid"], "valid": row.get("valid", "[2000-01-01Z,)"),
                     "begin_precision": row.get("begin", "d"), "end_precision": row.get("end", "d"), "seq_from": row.get("seq_from", 1)}
            given |= {f.name: _adapted(row[f.name]) for f in layer.fields if f.name in row}
            table = layer.id
            if row.get("seq_to") is not None:
                given["seq_to"], table = row["seq_to"], f"{layer.id}_past"
            if row.get("wkt") is not None:
                given["geom"] = f"SRID={srid};{row['wkt']}"
            connection.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier("city", table), sql.SQL(", ").join(map(sql.Identifier, given)),
                sql.SQL(", ").join(sql.Placeholder() * len(given))), list(given.values()))
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("city", layer.id)))


def _adapted(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value
