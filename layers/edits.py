"""Edits: what somebody wants changed, made one changeset or refused as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from psycopg.types.range import Range

from layers.access import Audience
from layers.catalogue import Catalogue
from layers.errors import (
    Conflict,
    DefinitionChanged,
    Fault,
    Forbidden,
    InvalidParameter,
    Rejected,
    StoreError,
    UnknownFeature,
    UnknownLayer,
)
from layers.features import feature
from layers.layer import Layer
from layers.moments import Moment, parse_moment
from layers.ownership import NotTheOwner, recorded, require_visible
from layers.query import ItemQuery
from layers.staging import Applied, Batch
from layers.store import Store
from layers.values import WrongValue, store_geometry, store_value

__all__ = ["KEEP", "Changeset", "Edit", "LineageClaim", "apply_changeset", "check_changeset"]

KEEP: Any = object()
"""Stands for a geometry that the edit does not speak of."""

Op = Literal["create", "put", "correct", "retire"]
LETTER = {"create": "n", "put": "p", "correct": "c", "retire": "r"}


@dataclass(frozen=True)
class Edit:
    """One change of one feature.

    Parameters
    ----------
    op
        `create` a new feature; `put`: this holds from `valid_from` on (until the next change that is known, or
        `valid_to`); `correct`: this held over exactly the given time, or over the expected version's own; `retire`:
        the feature ends at `valid_from`.
    fid, temp_id
        The feature; or, for a creation, a name by which other edits of the changeset refer to it ('$name').
    properties, partial
        Values of fields; with `partial` those not named stay as they are, without they become null. Fields that the editor
        may not read always stay.
    geometry, srid
        GeoJSON, x (east) first, and its EPSG code. KEEP leaves it as it is.
    valid_from, valid_to
        '1985', '1985-06', '1985-06-01' or RFC 3339. None: now, and open.
    expected_version
        The version the editor saw; another one standing is a Conflict.
    """

    layer: str
    op: Op
    fid: int | None = None
    temp_id: str | None = None
    properties: Mapping[str, Any] | None = None
    partial: bool = False
    geometry: Any = KEEP
    srid: int = 4326
    valid_from: str | None = None
    valid_to: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True)
class LineageClaim:
    """A claim about identity: predecessors and successors as (layer, fid or '$temp_id')."""

    kind: str
    predecessors: tuple[tuple[str, int | str], ...] = ()
    successors: tuple[tuple[str, int | str], ...] = ()
    at: str | None = None


@dataclass(frozen=True)
class Changeset:
    """Edits that are written together or not at all."""

    edits: Sequence[Edit]
    actor: str
    reason: str | None = None
    source: Mapping[str, Any] | None = None
    lineage: Sequence[LineageClaim] = field(default_factory=tuple)


def apply_changeset(store: Store, catalogue: Catalogue, audience: Audience, changeset: Changeset) -> Applied:
    """Write a changeset.

    Raises
    ------
    Rejected
        With every fault of every edit; nothing is written.
    Conflict
        An expected version does not stand any more; carries the one that does.
    UnknownLayer, UnknownFeature, Forbidden
    DefinitionChanged
        A layer was defined anew twice while this was being written.
    """
    try:
        return _write(store, catalogue, audience, changeset)
    except (DefinitionChanged, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
        # Staged by definitions that do not stand any more: once more, by those that do.
        catalogue.refresh()
        return _write(store, catalogue, audience, changeset)


def _write(store: Store, catalogue: Catalogue, audience: Audience, changeset: Changeset) -> Applied:
    with Batch(store, dict(catalogue.versions)) as batch:
        staged = _Staging(store, catalogue, audience, batch).stage(changeset)
        try:
            applied = batch.apply(changeset.actor, changeset.reason, "edit", changeset.source, audience.role or "owner",
                                  staged.claims)
        except Conflict as conflict:
            raise _with_theirs(store, catalogue, audience, conflict) from None
        except Rejected as rejected:
            raise Rejected(_told(rejected.faults, changeset.edits)) from None
    versions = _new_versions(store, changeset.edits, staged.fids, applied.seq)
    return Applied(applied.seq, applied.recorded_at, tuple(staged.fids), versions, staged.temp_ids)


def check_changeset(store: Store, catalogue: Catalogue, audience: Audience, changeset: Changeset) -> list[Fault]:
    """Return every fault a changeset would be refused for, and write nothing. Raises Conflict."""
    with Batch(store) as batch:
        try:
            _Staging(store, catalogue, audience, batch).stage(changeset)
            return _told(batch.check(audience.role or "owner"), changeset.edits)
        except Rejected as rejected:
            return rejected.faults


class _Staging:
    """The way of one changeset's edits into the stage."""

    def __init__(self, store: Store, catalogue: Catalogue, audience: Audience, batch: Batch) -> None:
        self.store, self.catalogue, self.audience, self.batch = store, catalogue, audience, batch
        self.storage_srid = catalogue.city.storage_srid
        self.now = Moment(datetime.now(UTC), "s")
        self.faults: list[Fault] = []
        self.fids: list[int] = []
        self.temp_ids: dict[str, int] = {}
        self.claims: list[dict[str, Any]] = []

    def stage(self, changeset: Changeset) -> _Staging:
        if not changeset.edits:
            raise InvalidParameter("edits", "a changeset needs at least one edit")
        layers = [self._layer(edit) for edit in changeset.edits]
        first = self.batch.reserve_fids(sum(e.op == "create" for e in changeset.edits))
        for edit in changeset.edits:
            if edit.op == "create":
                self.fids.append(first)
                if edit.temp_id:
                    self.temp_ids[edit.temp_id] = first
                first += 1
            elif edit.fid is None:
                raise InvalidParameter("fid", f"an edit that does '{edit.op}' needs the feature's id")
            else:
                self.fids.append(edit.fid)
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for number, (edit, layer, fid) in enumerate(zip(changeset.edits, layers, self.fids, strict=True)):
            row = self._row(number, edit, layer, fid)
            if row is not None:
                rows.setdefault(layer.id, []).append(row)
        self.claims = [self._claim(claim) for claim in changeset.lineage]
        if self.faults:
            raise Rejected(_told(self.faults, changeset.edits))
        for layer_id, some in rows.items():
            layer = self.catalogue.layer(layer_id)
            self.batch.copy(layer, self._columns(layer), some)
        return self

    def _layer(self, edit: Edit) -> Layer:
        layer = self.catalogue.layer(edit.layer)
        if not self.audience.may_read(layer.id):
            raise UnknownLayer(layer.id)
        if not layer.is_stored:
            raise InvalidParameter("layer", f"'{layer.id}' is a coverage and has no features to edit")
        if not self.audience.may_edit(layer.id):
            raise Forbidden(f"You may read layer '{layer.id}', but not edit it.")
        return layer

    @staticmethod
    def _columns(layer: Layer) -> list[str]:
        return (["geom"] if layer.kind == "spatial" else []) + [f.name for f in layer.fields]

    def _row(self, number: int, edit: Edit, layer: Layer, fid: int) -> tuple[Any, ...] | None:
        before = len(self.faults)
        if layer.owned and edit.op != "create":
            require_visible(self.store, layer, self.audience, fid)
        span, begin, end = self._span(number, edit, layer, fid)
        base: dict[str, Any] = {}
        if edit.op in ("put", "correct"):
            base = self._base(layer, fid, edit, span)
        values = self._values(number, edit, layer, fid, base) if edit.op != "retire" else \
            [None] * len(self._columns(layer))
        if len(self.faults) > before:
            return None
        return (number, LETTER[edit.op], fid, span, begin, end, edit.expected_version, *values)

    def _span(self, number: int, edit: Edit, layer: Layer, fid: int) -> tuple[Range, str, str]:
        try:
            start = parse_moment(edit.valid_from, "valid_from") if edit.valid_from else None
            stop = parse_moment(edit.valid_to, "valid_to") if edit.valid_to else None
        except InvalidParameter as error:
            self._fault(number, layer, fid, error.parameter, "time", str(error))
            return Range(empty=True), "s", "s"
        if edit.op == "correct" and start is None and stop is None:
            return self._own_span(layer, fid, edit)
        if start is None and edit.op != "correct":
            start = self.now
        if start and stop and stop.at <= start.at:
            self._fault(number, layer, fid, "valid_to", "span", "the validity must begin before it ends")
            return Range(empty=True), "s", "s"
        return (Range(start.at if start else None, stop.at if stop else None, "[)"),
                start.precision if start else "s", stop.precision if stop else "s")

    def _own_span(self, layer: Layer, fid: int, edit: Edit) -> tuple[Range, str, str]:
        """Return the time of the version that is corrected: the expected one, else the one that holds now."""
        with self.store.read() as connection:
            row = connection.execute(
                sql.SQL("SELECT valid, begin_precision, end_precision FROM {} WHERE fid = %s AND "
                        "(version_id = %s OR %s::bigint IS NULL AND valid @> now())").format(
                            sql.Identifier("city", layer.id)), (fid, edit.expected_version, edit.expected_version)).fetchone()
        if row is not None:
            return row[0], row[1], row[2]
        if edit.expected_version is None:
            raise UnknownFeature(layer.id, fid)
        # The expected version was replaced: stage any time, the conflict is found under the lock.
        return Range(self.now.at, None, "[)"), "s", "s"

    def _base(self, layer: Layer, fid: int, edit: Edit, span: Range) -> dict[str, Any]:
        """Return the columns of the version that the edit starts from: the expected one, or the one at its beginning."""
        columns = self._columns(layer)
        query = sql.SQL("SELECT {} FROM {} WHERE fid = %(fid)s ORDER BY version_id IS NOT DISTINCT FROM %(version)s DESC, "
                        "valid @> %(at)s::timestamptz DESC, valid DESC LIMIT 1").format(
            sql.SQL(", ").join(sql.Identifier(c) for c in columns), sql.Identifier("city", layer.id))
        with self.store.read() as connection:
            row = connection.execute(query, {"fid": fid, "version": edit.expected_version,
                                             "at": None if span.isempty else span.lower}).fetchone()
        if row is None:
            raise UnknownFeature(layer.id, fid)
        by_name = layer.by_name
        return {c: Jsonb(v) if c in by_name and by_name[c].type in ("codes", "json") and v is not None
                else v for c, v in zip(columns, row, strict=True)}

    def _values(self, number: int, edit: Edit, layer: Layer, fid: int, base: Mapping[str, Any]) -> list[Any]:
        given = dict(edit.properties or {})
        kept: dict[str, Any] = {}
        if layer.owned:
            try:
                kept = recorded(self.store, layer, self.audience, given, None if edit.op == "create" else base)
            except NotTheOwner as error:
                self._fault(number, layer, fid, error.field, "owner", str(error))
        visible = {f.name for f in self.audience.fields(layer)}
        for name in given.keys() - visible:
            self._fault(number, layer, fid, name, "unknown_field", f"layer '{layer.id}' has no field '{name}'")
        values: list[Any] = []
        if layer.kind == "spatial":
            values.append(self._geometry(number, edit, layer, fid, base))
        elif edit.geometry is not KEEP and edit.geometry is not None:
            self._fault(number, layer, fid, "geometry", "geometry", f"layer '{layer.id}' has no geometry")
        for f in layer.fields:
            if f.name in kept:
                values.append(kept[f.name])
                continue
            if f.name not in visible or (f.name not in given and edit.partial):
                values.append(base.get(f.name))
                continue
            value = given.get(f.name)
            if f.references and isinstance(value, str) and value.startswith("$"):
                value = self.temp_ids.get(value[1:], value)
            try:
                values.append(store_value(f, value))
            except WrongValue as error:
                self._fault(number, layer, fid, f.name, "type", str(error))
        return values

    def _geometry(self, number: int, edit: Edit, layer: Layer, fid: int, base: Mapping[str, Any]) -> str | None:
        if edit.geometry is KEEP:
            return base.get("geom")
        try:
            return store_geometry(layer, edit.geometry, edit.srid, self.storage_srid)
        except WrongValue as error:
            self._fault(number, layer, fid, "geometry", "geometry", str(error))
            return None

    def _claim(self, claim: LineageClaim) -> dict[str, Any]:
        kinds = ("split", "merge", "adjust", "renumber", "transfer", "build", "rebuild", "demolish")
        if claim.kind not in kinds:
            raise InvalidParameter("lineage", f"kind must be one of {', '.join(kinds)}")
        at = parse_moment(claim.at, "lineage.at") if claim.at else self.now
        return {"kind": claim.kind, "at": at.at.isoformat(), "precision": at.precision,
                "predecessors": [self._ref(r) for r in claim.predecessors],
                "successors": [self._ref(r) for r in claim.successors]}

    def _ref(self, ref: tuple[str, int | str]) -> tuple[str, int]:
        layer, fid = ref
        if isinstance(fid, str):
            if fid.removeprefix("$") not in self.temp_ids:
                raise InvalidParameter("lineage", f"there is no edit with temp_id '{fid.removeprefix('$')}'")
            fid = self.temp_ids[fid.removeprefix("$")]
        return self.catalogue.layer(layer).id, fid

    def _fault(self, number: int, layer: Layer, fid: int, name: str, code: str, message: str) -> None:
        self.faults.append(Fault(code, message, number, layer.id, fid, name))


def _told(faults: Sequence[Fault], edits: Sequence[Edit]) -> list[Fault]:
    """Return faults as the editor can follow them: a feature that was not made has no id to speak of."""
    return [replace(f, fid=None) if f.row is not None and edits[f.row].op == "create" else f for f in faults]


def _new_versions(store: Store, edits: Sequence[Edit], fids: Sequence[int], seq: int) -> tuple[int | None, ...]:
    """Return the version each edit made: of those the changeset added to the feature, the last (None: retired)."""
    found: list[int | None] = []
    with store.read() as connection:
        for edit, fid in zip(edits, fids, strict=True):
            row = None if edit.op == "retire" else connection.execute(
                sql.SQL("SELECT max(version_id) FROM {} WHERE fid = %s AND seq_from = %s").format(
                    sql.Identifier("city", edit.layer)), (fid, seq)).fetchone()
            found.append(row[0] if row else None)
    return tuple(found)


def _with_theirs(store: Store, catalogue: Catalogue, audience: Audience, conflict: Conflict) -> StoreError:
    theirs = None
    try:
        theirs = orjson.loads(feature(store, ItemQuery(catalogue.layer(conflict.layer), audience), conflict.fid).body)
    except StoreError:
        # Retired meanwhile: there is no present version to show. Or in a district the editor does not see: then it is not told.
        if not audience.sees_whole(conflict.layer):
            return UnknownFeature(conflict.layer, conflict.fid)
    return Conflict(conflict.layer, conflict.fid, conflict.expected, conflict.current, theirs)
