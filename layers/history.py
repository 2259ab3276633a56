"""What happened: the feed of changesets, undo, the difference of two moments, lineage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from layers.access import Audience
from layers.catalogue import Catalogue
from layers.errors import Forbidden, UndoRefused, UnknownChangeset, UnknownFeature, UnknownLayer
from layers.layer import Layer
from layers.moments import format_moment
from layers.ownership import visible_counts
from layers.staging import Applied, raise_refusal
from layers.store import Store

__all__ = ["ChangesetInfo", "Touch", "TouchedLayer", "came_true", "changes_since", "changeset", "current_seq", "difference", "last_touched",
           "lineage", "next_instant", "seq_at", "touched_features", "touched_since", "undo"]

# So many owners of parts are told of one by one; of more, the envelope around all.
MOST_OWNERS = 100
FEED = """
SELECT c.seq, c.recorded_at, c.actor, c.reason, c.kind, c.source, c.undoes,
       (SELECT u.seq FROM gis.changeset u WHERE u.undoes = c.seq ORDER BY u.seq DESC LIMIT 1),
       coalesce((SELECT jsonb_agg(jsonb_build_object('layer', l.layer, 'added', l.added, 'closed', l.closed,
          'envelope', CASE WHEN l.envelope IS NOT NULL THEN jsonb_build_array(ST_XMin(l.envelope), ST_YMin(l.envelope),
                                                                             ST_XMax(l.envelope), ST_YMax(l.envelope)) END,
          'from', lower(l.valid), 'to', upper(l.valid)) ORDER BY l.layer)
        FROM gis.changeset_layer l WHERE l.seq = c.seq AND l.layer = ANY (%(layers)s)), '[]')
FROM gis.changeset c
"""


@dataclass(frozen=True)
class TouchedLayer:
    """What a changeset did to one layer: rows added and closed, envelope (CRS84) and span of valid time of both."""

    layer: str
    added: int
    closed: int
    envelope: tuple[float, float, float, float] | None
    valid_from: str | None
    valid_to: str | None


class Touch(NamedTuple):
    """What one changeset touched in one layer: an envelope (None: nothing with a place) and a span of valid time."""

    seq: int
    layer: str
    envelope: tuple[float, float, float, float] | None
    span: tuple[datetime | None, datetime | None]


@dataclass(frozen=True)
class ChangesetInfo:
    """A changeset, as far as a reader may know it."""

    seq: int
    recorded_at: datetime
    actor: str
    reason: str | None
    kind: str
    source: dict[str, Any] | None
    undoes: int | None
    undone_by: int | None
    layers: tuple[TouchedLayer, ...]


def _readable(catalogue: Catalogue, audience: Audience) -> list[str]:
    return [i for i in catalogue.layers if audience.may_read(i)]


def _info(row: Sequence[Any]) -> ChangesetInfo:
    layers = tuple(TouchedLayer(t["layer"], t["added"], t["closed"], tuple(t["envelope"]) if t["envelope"] else None,
                                t["from"], t["to"]) for t in row[8])
    return ChangesetInfo(*row[:8], layers)


def current_seq(store: Store) -> int:
    """Return the number of the newest changeset; 0 before the first."""
    with store.read() as connection:
        row = connection.execute("SELECT coalesce(max(seq), 0) FROM gis.changeset").fetchone()
    return row[0] if row else 0


def seq_at(store: Store, at: datetime) -> int:
    """Return the number that stood at a moment of recording: what `known-at` with a time means."""
    with store.read() as connection:
        row = connection.execute("SELECT gis.seq_at(%s)", (at,)).fetchone()
    return row[0] if row else 0


def changes_since(store: Store, catalogue: Catalogue, audience: Audience, seq: int, limit: int = 100) -> list[ChangesetInfo]:
    """Return the changesets after a number, oldest first, with what they touched of the layers the audience may read.

    Changesets that touched only other layers are given without layers: numbers have no gaps.
    """
    with store.read() as connection:
        rows = connection.execute(FEED + "WHERE c.seq > %(seq)s ORDER BY c.seq LIMIT %(limit)s",
                                  {"seq": seq, "limit": limit, "layers": _readable(catalogue, audience)}).fetchall()
    return _known(store, catalogue, audience, [_info(row) for row in rows])


def _known(store: Store, catalogue: Catalogue, audience: Audience, infos: list[ChangesetInfo]) -> list[ChangesetInfo]:
    """Leave out what was done to rows that are for others: of layers whose rows have owners, only what the audience sees is told."""
    personal = {t.layer for info in infos for t in info.layers if catalogue.layer(t.layer).owned and not audience.sees_whole(t.layer)}
    if not personal:
        return infos
    seen = {i: visible_counts(store, catalogue.layer(i), audience, infos[0].seq, infos[-1].seq) for i in personal}
    return [replace(info, layers=tuple(
        t if t.layer not in personal else replace(t, added=seen[t.layer][info.seq][0], closed=seen[t.layer][info.seq][1], envelope=None)
        for t in info.layers if t.layer not in personal or info.seq in seen[t.layer])) for info in infos]


def changeset(store: Store, catalogue: Catalogue, audience: Audience, seq: int) -> ChangesetInfo:
    """Return one changeset. Raises UnknownChangeset."""
    with store.read() as connection:
        row = connection.execute(FEED + "WHERE c.seq = %(seq)s",
                                 {"seq": seq, "layers": _readable(catalogue, audience)}).fetchone()
    if row is None:
        raise UnknownChangeset(seq)
    return _known(store, catalogue, audience, [_info(row)])[0]


def touched_features(store: Store, layer: Layer, audience: Audience, seq: int, limit: int = 1000) -> list[dict[str, Any]]:
    """Return what a changeset did to the features of a layer that the audience may read.

    Returns a list of {"fid", "before": [version_id…], "after": [version_id…]}.
    """
    if not layer.is_stored:
        return []           # files of a coverage are no features
    present, past = sql.Identifier("city", layer.id), sql.Identifier("city", f"{layer.id}_past")
    with store.read(audience.role) as connection:
        rows = connection.execute(sql.SQL(
            "SELECT fid, array_agg(version_id ORDER BY version_id) FILTER (WHERE NOT is_new), "
            "array_agg(version_id ORDER BY version_id) FILTER (WHERE is_new) "
            "FROM (SELECT fid, version_id, true AS is_new FROM {present} WHERE seq_from = %(seq)s "
            "UNION ALL SELECT fid, version_id, true FROM {past} WHERE seq_from = %(seq)s "
            "UNION ALL SELECT fid, version_id, false FROM {past} WHERE seq_to = %(seq)s) t "
            "GROUP BY fid ORDER BY fid LIMIT %(limit)s").format(present=present, past=past),
            {"seq": seq, "limit": limit}).fetchall()
    return [{"fid": fid, "before": before or [], "after": after or []} for fid, before, after in rows]


def undo(store: Store, catalogue: Catalogue, audience: Audience, seq: int, actor: str, reason: str | None) -> Applied:
    """Write the inverse of a changeset.

    Raises
    ------
    UndoRefused
        Later edits depend on it; carries them as {"layer", "fid", "seq"}. Undo those first, or correct instead.
    UnknownChangeset, Forbidden, Rejected
    """
    with store.read() as connection:
        row = connection.execute("SELECT array_agg(layer) FROM gis.changeset c LEFT JOIN gis.changeset_layer USING (seq) "
                                 "WHERE c.seq = %s HAVING count(*) > 0", (seq,)).fetchone()
    if row is None:
        raise UnknownChangeset(seq)
    touched = [i for i in row[0] if i is not None]
    for layer_id in touched:
        if not audience.may_read(layer_id) or _is_for_others(store, catalogue, audience, layer_id, seq):
            raise UnknownChangeset(seq)
        if not audience.may_edit(layer_id):
            raise Forbidden(f"Changeset {seq} changed layer '{layer_id}', which you may not edit.")
    # What touched files of coverages touched nothing else.
    is_of_files = bool(touched) and not any(catalogue.layer(i).is_stored for i in touched)
    try:
        with store.write() as connection:
            made = (connection.execute("SELECT gis.undo_coverage_changeset(%s, %s, %s)", (seq, actor, reason)) if is_of_files else
                    connection.execute("SELECT gis.undo_changeset(%s, %s, %s, %s)", (seq, actor, reason, audience.role or "owner"))).fetchone()
            new = connection.execute("SELECT seq, recorded_at FROM gis.changeset WHERE seq = %s", made).fetchone()
    except psycopg.Error as error:
        try:
            raise_refusal(error)
        except UndoRefused as refused:
            raise UndoRefused(seq, refused.dependents) from None
        raise
    assert new is not None
    return Applied(new[0], new[1])


def _is_for_others(store: Store, catalogue: Catalogue, audience: Audience, layer_id: str, seq: int) -> bool:
    layer = catalogue.layers.get(layer_id)
    return layer is not None and layer.owned is not None and not audience.sees_whole(layer_id) and \
        not visible_counts(store, layer, audience, seq, seq)


def difference(store: Store, layer: Layer, audience: Audience, before: datetime, after: datetime, limit: int = 1000) -> list[dict[str, Any]]:
    """Return what was built, ended and changed in a layer between two moments of valid time.

    Returns a list of {"fid", "change": "built"|"ended"|"changed", "before": {field: value}, "after": {…}, "place": [lon, lat]},
    by fid; only fields and rows that the audience may read.
    """
    if not audience.may_read(layer.id):
        raise UnknownLayer(layer.id)
    with store.read(audience.role) as connection:
        rows = connection.execute("SELECT fid, change, before, after, place FROM gis.difference(%s, %s, %s, %s, %s)",
                                  (layer.id, [f.name for f in audience.fields(layer)], before, after, limit)).fetchall()
    return [dict(zip(("fid", "change", "before", "after", "place"), row, strict=True)) for row in rows]


def lineage(store: Store, catalogue: Catalogue, audience: Audience, layer: Layer, fid: int, depth: int = 10) -> dict[str, Any]:
    """Return the graph of a feature's predecessors and successors.

    Returns {"events": [{"id", "kind", "at", "seq", "predecessors": [{"layer", "fid"}], "successors": […]}]}, oldest first; features
    that the audience cannot see are left out. Raises UnknownFeature where the audience cannot see the feature at all.
    """
    present, past = sql.Identifier("city", layer.id), sql.Identifier("city", f"{layer.id}_past")
    with store.read(audience.role) as connection:
        if connection.execute(sql.SQL("SELECT 1 FROM {} WHERE fid = %(fid)s UNION ALL SELECT 1 FROM {} WHERE fid = %(fid)s LIMIT 1")
                              .format(present, past), {"fid": fid}).fetchone() is None:
            raise UnknownFeature(layer.id, fid)
    with store.read() as connection:
        rows = connection.execute("SELECT event_id, kind, at, at_precision, seq, side, layer, fid FROM gis.lineage_of(%s, %s)",
                                  (fid, depth)).fetchall()
    seen = _visible(store, catalogue, audience, {(row[6], row[7]) for row in rows})
    events: dict[int, dict[str, Any]] = {}
    for event_id, kind, at, precision, seq, side, other, other_fid in rows:
        event = events.setdefault(event_id, {"id": event_id, "kind": kind, "at": format_moment(at, precision) if at else None,
                                             "seq": seq, "predecessors": [], "successors": []})
        if (other, other_fid) in seen:
            event[f"{side}s"].append({"layer": other, "fid": other_fid})
    return {"events": list(events.values())}


def _visible(store: Store, catalogue: Catalogue, audience: Audience, features: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return those of some (layer, fid) that the audience can see in any version."""
    seen: set[tuple[str, int]] = set()
    with store.read(audience.role) as connection:
        for layer_id in {layer for layer, _ in features if layer in catalogue.layers and audience.may_read(layer)}:
            fids = [fid for layer, fid in features if layer == layer_id]
            seen |= {(layer_id, fid) for (fid,) in connection.execute(
                sql.SQL("SELECT fid FROM {} WHERE fid = ANY (%(fids)s) UNION SELECT fid FROM {} WHERE fid = ANY (%(fids)s)").format(
                    sql.Identifier("city", layer_id), sql.Identifier("city", f"{layer_id}_past")), {"fids": fids})}
    return seen


def touched_since(store: Store, seq: int, srid: int) -> tuple[int, list[Touch]]:
    """Return the newest changeset's number and what every one after `seq` touched, in order: what caches are expired by.

    Envelopes are (minx, miny, maxx, maxy) in the CRS `srid`. Parts of what has a place (levels, units, surfaces) are where their owners are:
    then a layer is told once for each owner, or once for all where they are many. None where there is no place at all.
    """
    with store.read() as connection:
        rows = connection.execute(
            "SELECT c.seq, l.layer, lower(l.valid), upper(l.valid), ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) "
            "FROM gis.changeset c LEFT JOIN gis.changeset_layer l USING (seq) "
            "LEFT JOIN LATERAL gis.part_places(l.layer, c.seq, %s) p ON l.envelope IS NULL AND l.layer IS NOT NULL, "
            "LATERAL ST_Transform(coalesce(l.envelope, p), %s) e "
            "WHERE c.seq > %s ORDER BY c.seq", (MOST_OWNERS, srid, seq)).fetchall()
    touches = [Touch(row[0], row[1], None if row[4] is None else row[4:8], (row[2], row[3])) for row in rows if row[1] is not None]
    return (rows[-1][0] if rows else seq), touches


def last_touched(store: Store, layers: Iterable[str]) -> int:
    """Return the number of the last changeset that touched one of some layers; 0 where none did."""
    with store.read() as connection:
        row = connection.execute("SELECT coalesce(max(seq), 0) FROM gis.changeset_layer WHERE layer = ANY (%s)", (list(layers),)).fetchone()
    return row[0] if row else 0


def next_instant(store: Store, layer_id: str, after: datetime, seq: int | None = None) -> datetime | None:
    """Return the next moment at which something planned in a layer comes true or something announced ends.

    With `seq` only the rows of that changeset are looked at.
    """
    with store.read() as connection:
        row = connection.execute("SELECT gis.next_instant(%s, %s, %s)", (layer_id, after, seq)).fetchone()
    return row[0] if row else None


def came_true(store: Store, layer_id: str, after: datetime, until: datetime, srid: int) -> tuple[float, float, float, float] | None:
    """Return the envelope, in the CRS `srid`, of what began or ended in a layer between two moments; None where nothing did."""
    with store.read() as connection:
        row = connection.execute("SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) "
                                 "FROM ST_Transform(gis.came_true(%s, %s, %s), %s) e", (layer_id, after, until, srid)).fetchone()
    return None if row is None or row[0] is None else row
