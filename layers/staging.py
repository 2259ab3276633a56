"""A batch: rows on their way in. Staged outside the writers' lock, then made one changeset, set-based."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from layers.errors import Conflict, DefinitionChanged, Fault, Rejected, UndoRefused
from layers.layer import Layer
from layers.store import Store

__all__ = ["Applied", "Batch", "raise_refusal"]

STAGE_COLUMNS = ("ord", "op", "fid", "span", "begin_precision", "end_precision", "expected_version")


@dataclass(frozen=True)
class Applied:
    """What a changeset did: its number and moment, and per edit (in order) the feature and its new version (None: retired)."""

    seq: int
    recorded_at: datetime
    fids: tuple[int, ...] = ()
    versions: tuple[int | None, ...] = ()
    temp_ids: Mapping[str, int] | None = None


def raise_refusal(error: psycopg.Error) -> None:
    """Raise what a refusal of the write functions means in the error tree; return if it is none of theirs."""
    state, detail = error.sqlstate, error.diag.message_detail
    if state == "GS412":
        first = json.loads(detail or "[{}]")[0]
        raise Conflict(first["layer"], first["fid"], first.get("expected"), first.get("current")) from error
    if state == "GS422":
        faults = [Fault(f["code"], f["message"], f.get("row"), f.get("layer"), f.get("fid"), f.get("field"),
                        tuple(f["place"]) if f.get("place") else None) for f in json.loads(detail or "[]")]
        raise Rejected(faults) from error
    if state == "GS426":
        raise DefinitionChanged from error
    if state == "GS409":
        dependents = json.loads(detail or "[]")
        raise UndoRefused(0, dependents) from error


class Batch:
    """Rows of one future changeset, over one or more layers.

    Use as a context manager: whatever was staged and not applied is removed at the end. Rows that a killed process left
    are removed by `Batch.sweep` at the next start.

    `definitions` says by which versions of their definitions (`Catalogue.versions`) the rows were made: where others stand meanwhile,
    DefinitionChanged is raised and nothing is written. None trusts the caller.

    Example
    -------
    >>> with Batch(store) as batch:                                          # doctest: +SKIP
    ...     batch.copy(layer, ["name"], rows)      # (ord, op, fid, span, 'd', 's', None, ewkb_hex, name)
    ...     applied = batch.apply(actor="importer", reason="first load", kind="import")
    """

    def __init__(self, store: Store, definitions: Mapping[str, int] | None = None) -> None:
        self.store, self.definitions = store, definitions
        self._connection = store.connect()
        row = self._connection.execute("SELECT nextval('gis.batch')").fetchone()
        assert row is not None
        self.number: int = row[0]
        # Held while this process lives, so that a sweep can tell a batch at work from one that was left.
        self._connection.execute("SELECT pg_advisory_lock(4549, %s)", (self.number % 2**31,))
        self.layers: dict[str, int] = {}
        self._applied = False

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if not self._applied and not self._connection.closed and not self._connection.broken:
                for layer in self.layers:
                    self._connection.execute(sql.SQL("DELETE FROM {} WHERE batch = %s").format(
                        sql.Identifier("city_stage", layer)), (self.number,))
        finally:
            self._connection.close()

    def copy(self, layer: Layer, fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Stage rows by COPY; return how many.

        Parameters
        ----------
        layer, fields
            Where they go, and the names of the content columns that follow the fixed ones. For a spatial layer "geom"
            is given as one of `fields`, as EWKB in hexadecimal in the storage CRS.
        rows
            (ord, op, fid, span, begin_precision, end_precision, expected_version, *fields); op is n, p, c or r; span is a
            tstzrange as text ('[2020-01-01T00:00Z,)') or a psycopg Range. Values are what psycopg adapts.
        """
        columns = [sql.Identifier(c) for c in ("batch", *STAGE_COLUMNS, *fields)]
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier("city_stage", layer.id), sql.SQL(", ").join(columns))
        self.layers.setdefault(layer.id, 0)
        count, number = 0, self.number
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row((number, *row))
                count += 1
        self.layers[layer.id] += count
        return count

    def reserve_fids(self, count: int) -> int:
        """Reserve `count` consecutive feature numbers and return the first."""
        if count < 1:
            return 0
        row = self._connection.execute("SELECT gis.reserve_fids(%s)", (count,)).fetchone()
        assert row is not None
        return row[0]

    def analyze(self) -> None:
        """Tell the planner what was staged; worth it from some thousand rows on."""
        for layer in self.layers:
            self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("city_stage", layer)))

    def check(self, audience: str = "owner") -> list[Fault]:
        """Return every fault that a first look finds, writing nothing (an apply may find more: rules and references)."""
        try:
            with self._connection.transaction(force_rollback=True):
                self._apply_statement("check", None, "edit", None, audience, ())
        except psycopg.Error as error:
            try:
                raise_refusal(error)
            except Rejected as rejected:
                return rejected.faults
            raise
        return []

    def apply(self, actor: str, reason: str | None, kind: str = "edit", source: Mapping[str, Any] | None = None,
              audience: str = "owner", lineage: Sequence[Mapping[str, Any]] = ()) -> Applied:
        """Make the staged rows one changeset.

        Raises Conflict, or Rejected with every fault; then nothing is written and the batch stays staged.
        """
        if sum(self.layers.values()) > 5000:
            self.analyze()
        try:
            with self._connection.transaction():
                seq = self._apply_statement(actor, reason, kind, source, audience, lineage)
                row = self._connection.execute("SELECT recorded_at FROM gis.changeset WHERE seq = %s", (seq,)).fetchone()
        except psycopg.Error as error:
            raise_refusal(error)
            raise
        self._applied = True
        for layer, count in self.layers.items():
            if count > 5000:
                # Statistics of a table that was just filled are what its first readers are planned by.
                for name in (layer, f"{layer}_past"):
                    self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("city", name)))
        assert row is not None
        return Applied(seq, row[0])

    def _apply_statement(self, actor: str, reason: str | None, kind: str, source: Mapping[str, Any] | None,
                         audience: str, lineage: Sequence[Mapping[str, Any]]) -> int:
        if self.definitions is not None:
            self._connection.execute("SELECT gis.require_definitions(%s)", (Jsonb({layer: self.definitions.get(layer) for layer in self.layers}),))
        row = self._connection.execute(
            "SELECT gis.apply_changeset(%s, %s, %s, %s, %s, %s, %s, %s)",
            (self.number, list(self.layers), actor, reason, kind, Jsonb(dict(source)) if source else None, audience,
             Jsonb([dict(e) for e in lineage]))).fetchone()
        assert row is not None
        return row[0]

    @staticmethod
    def sweep(store: Store) -> int:
        """Remove rows that killed processes left in the stage; return how many."""
        removed = 0
        with store.connect() as connection:
            tables = [name for (name,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'city_stage'")]
            for name in tables:
                table = sql.Identifier("city_stage", name)
                batches = [b for (b,) in connection.execute(sql.SQL("SELECT DISTINCT batch FROM {}").format(table))]
                for batch in batches:
                    row = connection.execute("SELECT pg_try_advisory_lock(4549, %s)", (batch % 2**31,)).fetchone()
                    if row and row[0]:
                        removed += connection.execute(sql.SQL("DELETE FROM {} WHERE batch = %s").format(table), (batch,)).rowcount
                        connection.execute("SELECT pg_advisory_unlock(4549, %s)", (batch % 2**31,))
        return removed
