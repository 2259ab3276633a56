"""Imports: a file becomes one changeset of a layer. Rows are matched by key, checked, and written only where they say something new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg
import pyarrow as pa

from layers.catalogue import Catalogue
from layers.columns import Column, convert
from layers.errors import DefinitionChanged, Fault, InvalidParameter, Rejected
from layers.import_report import ImportReport
from layers.ingest_geometry import GeometryReader
from layers.ingest_surfaces import SurfaceStaging
from layers.layer import Layer, LayerField
from layers.mapping import Assignment, ImportMapping
from layers.moments import Moment, parse_moment
from layers.sources import Source
from layers.staging import Batch
from layers.store import Store

__all__ = ["ImportPlan", "ingest"]

# Rules and references are checked on what was written; rows that break them are put aside and the rest is tried again.
ATTEMPTS = 5
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class ImportPlan:
    """How a file is imported.

    Attributes
    ----------
    mapping
        Which columns become which fields. Its `key` is the field rows are matched by (the layer's own key otherwise; none:
        every row is a new feature), its `valid_from` or `valid_from_field` when what the file says begins to hold (now).
    actor, reason
        Who writes, and why.
    on_missing
        `keep` features the file does not have, or `retire` them from `valid_from` on; refused where more than the share
        `most_missing` of the layer would end.
    make_valid
        Make invalid geometries valid instead of refusing them.
    same_within_m
        A geometry nowhere farther from the present one than this (metres) is the same.
    dry_run
        Do all but write.
    examples
        How many faults the report gives in full.
    """

    mapping: ImportMapping
    actor: str
    reason: str | None = None
    on_missing: Literal["keep", "retire"] = "keep"
    most_missing: float = 0.5
    make_valid: bool = False
    same_within_m: float = 0.0
    dry_run: bool = False
    examples: int = 20


def ingest(store: Store, catalogue: Catalogue, source: Source, layer: Layer, plan: ImportPlan,
           progress: Progress | None = None) -> ImportReport:
    """Import a file into a layer as one changeset; surfaces of buildings go with them into the layer of surfaces, where there is one.

    Parameters
    ----------
    progress
        Called as progress(step, done, of), the step being read, compare, check or write.

    Returns the report. Raises DefinitionError for a mapping that does not fit, InvalidParameter for other wrong requests,
    Conflict where somebody changed a feature meanwhile, Rejected where rows break rules that cannot be put right by leaving
    them out, DefinitionChanged where the layer was defined anew twice meanwhile (once: the file is read again, by the definition
    that stands). Then nothing is written; what was staged is removed, also after a kill (at the next import or start).
    """
    Batch.sweep(store)
    told = progress or (lambda step, done, of: None)
    try:
        # The one whose version is known.
        return _import(store, catalogue, source, catalogue.layers.get(layer.id, layer), plan, told)
    except (DefinitionChanged, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
        # Staged by a definition that does not stand any more.
        catalogue.refresh()
        return _import(store, catalogue, source, catalogue.layer(layer.id), plan, told)


def _import(store: Store, catalogue: Catalogue, source: Source, layer: Layer, plan: ImportPlan, progress: Progress) -> ImportReport:
    versions = dict(catalogue.versions)
    reading = _Reading(store, catalogue, source, layer, plan, progress)
    with Batch(store, versions) as batch:
        reading.stage(batch)
        with store.connect() as connection:
            staged = _Staged(connection, batch, layer, plan, reading)
            staged.compare()
            staged.check()
            reading.stage_surfaces(connection, batch)
            staged.write()
    return reading.report


class _Reading:
    """The file's rows on their way into the stage, a chunk at a time."""

    def __init__(self, store: Store, catalogue: Catalogue, source: Source, layer: Layer, plan: ImportPlan, progress: Progress) -> None:
        self.store, self.source, self.layer, self.plan, self.progress = store, source, layer, plan, progress
        self.mapping = plan.mapping
        self.report = ImportReport(layer.id, source.path.name, dry_run=plan.dry_run, examples=plan.examples)
        self.assigned = self.mapping.assign(layer, source.fields)
        self.fixed = {name: self._fixed(layer.field(name), text) for name, text in self.mapping.fixed.items()}
        self.zone = ZoneInfo(catalogue.city.time_zone)
        self.begin = parse_moment(self.mapping.valid_from, "valid-from") if self.mapping.valid_from else Moment(datetime.now(UTC))
        if (column := self.mapping.valid_from_field) and column not in source.fields:
            raise InvalidParameter("valid-from-field", f"the file has no column '{column}'; it has {', '.join(source.fields)}")
        self.key = self.mapping.key or layer.key
        if self.mapping.key and self.mapping.key not in layer.by_name:
            raise InvalidParameter("key", f"layer '{layer.id}' has no field '{self.mapping.key}'")
        if self.key and self.key not in {a.field.name for a in self.assigned}:
            if self.mapping.key or plan.on_missing == "retire":
                raise InvalidParameter("key", f"no column of the file is mapped to '{self.key}', which rows are matched by")
            self.key = None
        if plan.on_missing == "retire" and not self.key:
            raise InvalidParameter("on-missing", "features can only be missing where rows have a key; pass --key")
        self.geometry = None
        if layer.kind == "spatial" and source.geometry and source.crs:
            self.geometry = GeometryReader(layer, source.crs, catalogue.city.storage_srid, plan.make_valid)
        elif source.geometry:
            self.report.notes["geometry_dropped"] = source.count or 0
        if layer.kind == "spatial" and not self.geometry and not self.key:
            raise InvalidParameter("file", f"{source.path.name} has no geometry, and layer '{layer.id}' needs one")
        self.refused_keys: set[str] = set()
        self.surfaces = SurfaceStaging.of(catalogue, source, layer)
        if self.surfaces and not self.key:
            raise InvalidParameter("key", "surfaces of buildings are matched by the buildings' key; map an attribute to it",
                                   "建筑表面按建筑的主键对应；请为主键指定属性")
        if source.city and not self.surfaces:
            self.report.notes["surfaces_dropped"] = source.count or 0
        # {row: (key, since when)} of rows that were not refused.
        self.keyed: dict[int, tuple[str, Moment]] = {}

    @property
    def given(self) -> list[str]:
        """Return the columns that the file speaks of."""
        return [*(["geom"] if self.geometry else []), *(a.field.name for a in self.assigned), *self.fixed]

    @property
    def key_at(self) -> int:
        """Return which of the given columns is the key."""
        return self.given.index(str(self.key))

    def stage_surfaces(self, connection: psycopg.Connection, batch: Batch) -> None:
        """Stage the surfaces of the buildings that were not put aside, where the file has any."""
        if self.surfaces:
            gone = self.begin if self.plan.on_missing == "retire" else None
            self.report.part = self.surfaces.stage(connection, batch, str(self.key), self.keyed, gone, self.refused_keys, self.report)

    def stage(self, batch: Batch) -> None:
        with self.source.batches() as chunks:
            for chunk in chunks:
                if chunk.num_rows:
                    first = batch.reserve_fids(chunk.num_rows)
                    batch.copy(self.layer, self.given, self._rows(chunk, first))
                    self.report.read += chunk.num_rows
                    self.progress("read", self.report.read, self.source.count)
        if self.geometry:
            counts = {"promoted": self.geometry.promoted, "heights_dropped": self.geometry.flattened,
                      "heights_zero": self.geometry.raised, "made_valid": self.geometry.repaired}
            self.report.notes |= {note: count for note, count in counts.items() if count}

    def _fixed(self, field: LayerField, text: str) -> Any:
        column = convert(field, pa.array([text]))
        if column.faults:
            raise InvalidParameter("set", column.faults[0])
        return column.values[0]

    def _rows(self, chunk: pa.RecordBatch, fid: int) -> Iterator[tuple[Any, ...]]:
        """Give the rows of a chunk as the stage takes them, each a new feature from `fid` on, without those with faults."""
        first, tail = self.report.read + 1, tuple(self.fixed.values())
        faults: dict[int, list[Fault]] = {}
        columns = [self._column(a, chunk, first, faults) for a in self.assigned]
        begins = self._begins(chunk, first, faults)
        if self.geometry:
            texts, refused = self.geometry.read(chunk.column(self.source.geometry), first)
            for i, fault in refused.items():
                faults.setdefault(i, []).append(fault)
            columns.insert(0, texts)
        self._refuse(faults, columns)
        begin, span = self.begin, f"[{self.begin.at.isoformat()},)"
        for i, values in enumerate(zip(*columns, strict=True) if columns else [()] * chunk.num_rows):
            if i in faults:
                continue
            if begins:
                begin, span = begins[i], f"[{begins[i].at.isoformat()},)"
            if self.surfaces and (key := values[self.key_at]) is not None:
                self.keyed[first + i] = (str(key), begin)
            yield (first + i, "n", fid + i, span, begin.precision, "s", None, *values, *tail)

    def _column(self, assigned: Assignment, chunk: pa.RecordBatch, first: int, faults: dict[int, list[Fault]]) -> list[Any]:
        array = chunk.column(assigned.column)
        if assigned.by:
            column = self._referred(assigned, array)
        else:
            column = convert(assigned.field, array, self.mapping.values.get(assigned.field.name), self.zone, assigned.scheme)
        for i, message in column.faults.items():
            faults.setdefault(i, []).append(Fault("type", message, first + i, self.layer.id, None, assigned.field.name))
        return column.values

    def _referred(self, assigned: Assignment, array: pa.Array) -> Column:
        """Look up the features that a column names by a field of theirs."""
        names = [None if v is None or v == "" else str(v).strip() for v in array.to_pylist()]
        with self.store.read() as connection:
            row = connection.execute("SELECT gis.import_references(%s, %s, %s, %s)", (
                assigned.field.references, assigned.by, sorted({n for n in names if n}), self.begin.at)).fetchone()
        known: dict[str, int] = row[0] if row else {}
        lost = {i: f"layer '{assigned.field.references}' has no feature with {assigned.by} '{name}'"
                for i, name in enumerate(names) if name and name not in known}
        return Column([known.get(name) if name else None for name in names], lost)

    def _begins(self, chunk: pa.RecordBatch, first: int, faults: dict[int, list[Fault]]) -> list[Moment] | None:
        column = self.mapping.valid_from_field
        if not column:
            return None
        begins: list[Moment] = []
        for i, value in enumerate(chunk.column(column).to_pylist()):
            try:
                begins.append(self._moment(value))
            except InvalidParameter as error:
                begins.append(self.begin)
                faults.setdefault(i, []).append(Fault("valid_from", str(error), first + i, self.layer.id, None, column))
        return begins

    def _moment(self, value: Any) -> Moment:
        if value is None or value == "" or value != value:
            if self.mapping.valid_from:
                return self.begin
            raise InvalidParameter("valid-from-field", "is empty; pass --valid-from for rows without a time")
        if isinstance(value, datetime):
            return Moment((value if value.tzinfo else value.replace(tzinfo=self.zone)).astimezone(UTC))
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return parse_moment(str(value), "valid-from-field")

    def _refuse(self, faults: dict[int, list[Fault]], columns: list[list[Any]]) -> None:
        self.report.refuse(fault for i in sorted(faults) for fault in faults[i])
        if self.key and self.plan.on_missing == "retire":
            # They are in the file, if not as they should be: what they speak of has not ended.
            keys = columns[self.given.index(self.key)]
            self.refused_keys |= {str(keys[i]) for i in faults if keys[i] is not None}


class _Staged:
    """What was staged, on its way to a changeset."""

    def __init__(self, connection: psycopg.Connection, batch: Batch, layer: Layer, plan: ImportPlan, reading: _Reading) -> None:
        self.connection, self.batch, self.layer, self.plan, self.reading = connection, batch, layer, plan, reading
        self.report = reading.report

    def _ask(self, function: str, *arguments: Any) -> Any:
        places = ", ".join(["%s"] * (len(arguments) + 2))
        row = self.connection.execute(f"SELECT gis.{function}({places})".encode(), (self.layer.id, self.batch.number, *arguments)).fetchone()
        assert row is not None
        return row[0]

    def compare(self) -> None:
        """Match rows with features by key, find what is missing, drop what is as it was."""
        report, key, begin = self.report, self.reading.key, self.reading.begin
        self.reading.progress("compare", 0, None)
        self.batch.analyze()
        if not key:
            return
        report.refuse_summed(self._ask("import_keys", key, self.plan.examples))
        self._ask("import_match", key)
        if self.plan.on_missing == "retire":
            found = self._ask("import_missing", key, begin.at, begin.precision, sorted(self.reading.refused_keys))
            if found["missing"] > self.plan.most_missing * found["of"]:
                raise InvalidParameter("on-missing", f"{found['missing']} of {found['of']} features are not in the file and would be "
                                                     "retired; if that is meant, pass --most-missing 1")
        report.unchanged = self._ask("import_compare", self.reading.given, self.plan.same_within_m)

    def check(self) -> None:
        """Put aside rows that break a check."""
        self.reading.progress("check", 0, None)
        self.report.refuse_summed(self._ask("import_check", "owner", self.plan.examples))
        if self.layer.kind == "spatial" and any(rule.kind == "no_overlap" for rule in self.layer.rules):
            self.report.refuse_summed(self._ask("import_overlaps", self.plan.examples))

    def write(self) -> None:
        """Apply what is left, without the rows that break rules or references."""
        source = {"file": self.report.source, "layer": self.reading.source.name, "rows": self.report.read,
                  "crs": self.reading.source.crs.to_string()[:200] if self.reading.source.crs else None}
        for attempt in range(ATTEMPTS):
            self.reading.progress("write", attempt, None)
            counts = self._ask("import_count")
            self.report.new, self.report.changed, self.report.retired = (counts.get(op, 0) for op in "npr")
            surfaces = self.reading.surfaces
            if not (surfaces.settle() if surfaces else 0) and not self.report.written:
                return
            try:
                if self.plan.dry_run:
                    if not (faults := self.batch.check()):
                        return
                    raise Rejected(faults)
                self.report.seq = self.batch.apply(self.plan.actor, self.plan.reason, "import", source).seq
                return
            except Rejected as rejected:
                beside = surfaces.put_aside(rejected.faults) if surfaces else 0
                faults = [f for f in rejected.faults if f.row is not None and f.layer in (None, self.layer.id)]
                rows = sorted({f.row for f in faults if f.row is not None})
                if not (self._ask("import_drop", rows) or beside) or attempt == ATTEMPTS - 1:
                    raise
                # Rows after the file's last are ends of features; one that may not end is kept, and is no row of the file.
                kept = {f.row for f in faults if f.row is not None and f.row > self.report.read}
                if kept:
                    self.report.notes["kept_for_others"] = self.report.notes.get("kept_for_others", 0) + len(kept)
                self.report.refuse(f for f in faults if f.row not in kept)
