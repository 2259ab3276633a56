"""The way from the layers that are to the layers that shall be: a plan of steps, and its application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.types.json import Json, Jsonb

from layers.errors import DefinitionError
from layers.layer import Layer, LayerField, parse_layer
from layers.schema import DIALECT, SCHEMA, STAGE_SCHEMA, column_type, create_statements, index_name, is_indexed
from layers.store import Store

__all__ = ["Step", "apply", "plan", "register"]

TEXTUAL = {"string", "text", "code"}
MULTI = {"Point": "MultiPoint", "LineString": "MultiLineString", "Polygon": "MultiPolygon"}


@dataclass(frozen=True)
class Step:
    """One step of a plan. `lossy` steps destroy data and are refused unless asked for."""

    kind: str
    layer: str
    detail: str
    lossy: bool = False
    statements: tuple[sql.Composable, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.layer}{': ' if self.detail else ''}{self.detail}{' (loses data)' if self.lossy else ''}"


def _tables(layer_id: str) -> list[sql.Identifier]:
    return [sql.Identifier(SCHEMA, layer_id), sql.Identifier(SCHEMA, f"{layer_id}_past"),
            sql.Identifier(STAGE_SCHEMA, layer_id)]


def _everywhere(layer_id: str, text: str, **names: sql.Composable) -> tuple[sql.Composable, ...]:
    return tuple(sql.SQL(text).format(table=table, **names) for table in _tables(layer_id))


def _type(field: LayerField) -> sql.SQL:
    return sql.SQL(column_type(field).compile(dialect=DIALECT))  # type: ignore[arg-type]


def _field_step(layer_id: str, old: LayerField, new: LayerField) -> list[Step]:
    steps: list[Step] = []
    column = sql.Identifier(new.name)
    if old.name != new.name:
        steps.append(Step("rename field", layer_id, f"{old.name} -> {new.name}", False, _everywhere(
            layer_id, "ALTER TABLE {table} RENAME COLUMN {old} TO {new}", old=sql.Identifier(old.name), new=column)
            + tuple(sql.SQL("ALTER INDEX IF EXISTS {} RENAME TO {}").format(
                sql.Identifier(SCHEMA, index_name(t, old.name)), sql.Identifier(index_name(t, new.name)))
                for t in (layer_id, f"{layer_id}_past"))))
    if old.type != new.type and not {old.type, new.type} <= TEXTUAL:
        widening = new.type in TEXTUAL or (old.type, new.type) in {("integer", "number"), ("integer", "reference")}
        if widening:
            steps.append(Step("change type", layer_id, f"{new.name}: {old.type} -> {new.type}", False, _everywhere(
                layer_id, "ALTER TABLE {table} ALTER COLUMN {column} TYPE {type} USING {column}::{type}",
                column=column, type=_type(new))))
        else:
            steps.append(Step("change type", layer_id, f"{new.name}: {old.type} -> {new.type}, values are dropped", True,
                              _everywhere(layer_id, "ALTER TABLE {table} DROP COLUMN {column}", column=column)
                              + _everywhere(layer_id, "ALTER TABLE {table} ADD COLUMN {column} {type}",
                                            column=column, type=_type(new))))
    gone = sorted(set(old.codes or {}) - set(new.codes or {})) if new.codes is not None else []
    if gone:
        steps.append(Step("remove codes", layer_id, f"{new.name}: {', '.join(gone)}", True))
    return steps


def _index_steps(old: Layer, new: Layer, pairs: list[tuple[LayerField | None, LayerField]]) -> list[Step]:
    steps = []
    for before, after in pairs:
        was, shall = before is not None and is_indexed(old, before), is_indexed(new, after)
        if was == shall:
            continue
        names = [(SCHEMA, t, index_name(t, after.name)) for t in (new.id, f"{new.id}_past")]
        statements = tuple(
            sql.SQL("CREATE INDEX {} ON {} ({})").format(sql.Identifier(i), sql.Identifier(s, t), sql.Identifier(after.name))
            if shall else sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(s, i)) for s, t, i in names)
        steps.append(Step("add index" if shall else "drop index", new.id, after.name, False, statements))
    return steps


def _change_layer(old: Layer, new: Layer, srid: int) -> list[Step]:
    steps: list[Step] = []
    if old.kind != new.kind or old.has_z != new.has_z:
        raise DefinitionError([f"{new.id}: a layer cannot change its kind or gain or lose heights; make a new layer"])
    if old.id != new.id:
        steps.append(Step("rename layer", new.id, f"{old.id} -> {new.id}", False,
                          (sql.SQL("SELECT gis.rename_layer({}, {})").format(old.id, new.id),)))
    if old.geometry != new.geometry:
        if new.geometry != "Geometry" and MULTI.get(old.geometry or "") != new.geometry:
            raise DefinitionError([f"{new.id}: geometry cannot change from {old.geometry} to {new.geometry}"])
        kind = sql.SQL(f"geometry({new.geometry}, {int(srid)})")  # type: ignore[arg-type]
        tile = sql.SQL(f"geometry({new.geometry}, 3857)")  # type: ignore[arg-type]
        statements: list[sql.Composable] = []
        for table in _tables(new.id)[:2]:
            statements.append(sql.SQL("ALTER TABLE {} DROP COLUMN geom_tile").format(table))
        statements += _everywhere(new.id, "ALTER TABLE {table} ALTER COLUMN geom TYPE {kind} USING {how}", kind=kind,
                                  how=sql.SQL("geom" if new.geometry == "Geometry" else "ST_Multi(geom)"))
        for table, name in zip(_tables(new.id)[:2], (new.id, f"{new.id}_past"), strict=True):
            statements.append(sql.SQL("ALTER TABLE {} ADD COLUMN geom_tile {} GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED").format(table, tile))
            statements.append(sql.SQL("CREATE INDEX {} ON {} USING gist (geom_tile, valid)").format(
                sql.Identifier(index_name(name, "geom_tile", "valid")), table))
        steps.append(Step("change geometry", new.id, f"{old.geometry} -> {new.geometry}", False, tuple(statements)))
    before = dict(old.by_name)
    pairs: list[tuple[LayerField | None, LayerField]] = []
    for f in new.fields:
        source = before.pop(f.name, None) or (before.pop(f.was, None) if f.was else None)
        pairs.append((source, f))
        if source is None:
            steps.append(Step("add field", new.id, f.name, False, _everywhere(
                new.id, "ALTER TABLE {table} ADD COLUMN {column} {type}", column=sql.Identifier(f.name), type=_type(f))))
        else:
            steps += _field_step(new.id, source, f)
    steps += [Step("drop field", new.id, name, True, _everywhere(
        new.id, "ALTER TABLE {table} DROP COLUMN {column}", column=sql.Identifier(name))) for name in before]
    return steps + _index_steps(old, new, pairs)


def plan(old: Mapping[str, Layer], new: Mapping[str, Layer], srid: int) -> list[Step]:
    """Return the steps from the layers that are to those that shall be.

    Layers that were born at run time and are not named stay. Renames are explicit, by `was`. The last step of a changed
    layer is "define", which stores its new definition.
    """
    left = dict(old)
    steps: list[Step] = []
    for layer in new.values():
        source = left.pop(layer.id, None) or (left.pop(layer.was, None) if layer.was else None)
        if source is None:
            statements = tuple(sql.SQL(s) for s in create_statements(layer, srid)) if layer.is_stored else ()  # type: ignore[arg-type]
            steps += [Step("add layer", layer.id, "", False, statements), Step("define", layer.id, "")]
        elif source != layer or json.dumps(source.dump()) != json.dumps(layer.dump()):
            if layer.is_stored:
                steps += _change_layer(source, layer, srid)
            steps.append(Step("define", layer.id, ""))
    for layer in left.values():
        if layer.born == "config":
            steps.append(Step("drop layer", layer.id, "", True, tuple(
                sql.SQL("DROP TABLE {}").format(t) for t in _tables(layer.id)) if layer.is_stored else ()))
    return steps


def _carry_out(connection: psycopg.Connection, steps: list[Step], new: Mapping[str, Layer]) -> None:
    for step in steps:
        if step.kind in ("drop field", "change type"):
            # Row policies may read the column; regrant issues them again at the end of the plan.
            connection.execute("SELECT gis.drop_row_policies(%s)", (step.layer,))
        for statement in step.statements:
            connection.execute(statement)
        if step.kind in ("drop layer", "rename layer"):
            gone = step.layer if step.kind == "drop layer" else step.detail.split(" -> ")[0]
            connection.execute("UPDATE gis.layer_definition SET is_present = false WHERE layer = %s AND is_present", (gone,))
            connection.execute("DELETE FROM gis.search_entry WHERE layer = %s", (gone,))
            connection.execute("SELECT gis.drop_cells(%s)", (gone,))
        if step.kind == "define":
            connection.execute("UPDATE gis.layer_definition SET is_present = false WHERE layer = %s AND is_present", (step.layer,))
            connection.execute(
                "INSERT INTO gis.layer_definition (layer, version, definition, written) "
                "SELECT %(layer)s, coalesce(max(version), 0) + 1, %(definition)s, %(written)s FROM gis.layer_definition WHERE layer = %(layer)s",
                {"layer": step.layer, "definition": Jsonb(new[step.layer].dump()), "written": Json(new[step.layer].dump())})
            connection.execute("SELECT gis.arrange_cells(%s)", (step.layer,))
    if steps:
        connection.execute("UPDATE gis.catalogue_state SET version = version + 1")
        # A grant that is being made in this moment goes by the definitions of before: it is waited for, or it would not be among them.
        connection.execute("SELECT pg_advisory_xact_lock(4548, 3)")
        connection.execute("SELECT gis.regrant(role, is_profile) FROM gis.grants_of(NULL)")
        connection.execute("SELECT pg_notify('gis_catalogue', '')")


def _apply(store: Store, wanted: Mapping[str, Layer], allow_loss: bool, keep_others: bool) -> list[Step]:
    with store.write() as connection:
        # Writers wait: a changeset must not meet a table that is being changed.
        connection.execute("SELECT pg_advisory_xact_lock(4548, 1)")
        rows = connection.execute("SELECT written FROM gis.layer_definition WHERE is_present").fetchall()
        old = {layer.id: layer for layer in (parse_layer(d, "catalogue") for (d,) in rows)}
        row = connection.execute("SELECT storage_srid FROM gis.city").fetchone()
        if row is None:
            raise DefinitionError(["The store has no city yet."])
        new = {**old, **wanted} if keep_others else dict(wanted)
        known = set(new) | {i for i, layer in old.items() if layer.born == "runtime"}
        faults = [f"{layer.id}.{f.name} refers to layer '{f.references}', which is not there"
                  for layer in new.values() for f in layer.fields if f.references and f.references not in known]
        if faults:
            raise DefinitionError(faults)
        steps = plan(old, new, row[0])
        losses = [str(step) for step in steps if step.lossy]
        if losses and not allow_loss:
            raise DefinitionError([f"{loss}: say so explicitly if that is meant (--allow-loss)" for loss in losses])
        _carry_out(connection, steps, new)
    return steps


def apply(store: Store, layers: Mapping[str, Layer], allow_loss: bool = False) -> list[Step]:
    """Make the store's layers these; return the steps that were taken.

    Raises DefinitionError for steps that lose data unless `allow_loss`, and for changes that cannot be made. All or nothing.
    """
    return _apply(store, layers, allow_loss, keep_others=False)


def register(store: Store, layer: Layer) -> list[Step]:
    """Add or change one layer and leave the others as they are (imports, results of jobs)."""
    return _apply(store, {layer.id: layer}, False, keep_others=True)
