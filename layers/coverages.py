"""Files of coverages: which raster shows a layer at which time, written by changesets like everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange

from layers.errors import InvalidParameter, NotFound
from layers.layer import Layer
from layers.store import Store

__all__ = ["CoverageFile", "CoverageView", "add_coverage_file", "coverage_view", "withdraw_coverage_files"]

Span = tuple[datetime | None, datetime | None]

FILES = """
SELECT f.file_id, f.path, lower(f.valid), upper(f.valid), ST_XMin(f.envelope), ST_YMin(f.envelope), ST_XMax(f.envelope),
       ST_YMax(f.envelope), f.facts, f.seq_from, s.seq, s.has_files
FROM (SELECT (SELECT coalesce(max(seq), 0) FROM gis.changeset) AS seq,
             EXISTS (SELECT FROM gis.coverage_files(%(layer)s, '(,)', %(known)s)) AS has_files) s
LEFT JOIN gis.coverage_files(%(layer)s, %(during)s, %(known)s) f ON true
"""
ADD = "SELECT gis.add_coverage_file(%s, %s, %s, ST_MakeEnvelope(%s, %s, %s, %s, 4326), %s, %s, %s, %s, %s)"


@dataclass(frozen=True)
class CoverageFile:
    """A raster of a coverage: `path` below the city's folder, valid time [from, to), envelope in CRS84, facts of its intake."""

    file_id: int
    path: str
    valid_from: datetime | None
    valid_to: datetime | None
    envelope: tuple[float, float, float, float]
    facts: dict[str, Any]
    seq_from: int


@dataclass(frozen=True)
class CoverageView:
    """The files that show a coverage, the topmost first; whether it has any at another time; the snapshot's newest changeset."""

    files: tuple[CoverageFile, ...]
    has_files: bool
    seq: int


def coverage_view(store: Store, layer_id: str, at: datetime | None = None, interval: Span | None = None,
                  known_at: int | None = None) -> CoverageView:
    """Return what shows a coverage at a moment of valid time; without one: now.

    Parameters
    ----------
    interval
        Instead of a moment: half-open, None is an open end.
    known_at
        The changeset up to which files are known; without it all that stand.
    """
    begin, end = interval or (at, at)
    during = None if interval is None and at is None else TimestamptzRange(begin, end, "[]" if interval is None else "[)")
    with store.read() as connection:
        rows = connection.execute(FILES, {"layer": layer_id, "during": during, "known": known_at}).fetchall()
    files = tuple(CoverageFile(r[0], r[1], r[2], r[3], (r[4], r[5], r[6], r[7]), r[8], r[9]) for r in rows if r[0] is not None)
    return CoverageView(files, rows[0][11], rows[0][10])


def add_coverage_file(store: Store, layer: Layer, path: str, valid: Span, envelope: tuple[float, float, float, float],
                      facts: dict[str, Any], actor: str, reason: str | None = None, replaces: Sequence[int] = (),
                      source: dict[str, Any] | None = None) -> int:
    """Show a raster in a coverage from now on, in place of others of it; return the number of the changeset.

    Raises InvalidParameter where the layer is no coverage or the time is empty, NotFound where a file to replace is not there.
    """
    if layer.kind != "coverage":
        raise InvalidParameter("layer", f"'{layer.id}' is no coverage; its features are imported with 'gis import'",
                               f"“{layer.id}”不是栅格图层；要素请用 gis import 导入")
    if valid[0] is not None and valid[1] is not None and valid[0] >= valid[1]:
        raise InvalidParameter("valid", "it ends before it begins", "结束早于开始")
    with store.write() as connection:
        known = {row[0] for row in connection.execute("SELECT file_id FROM gis.coverage_files(%s, '(,)', NULL)", (layer.id,))}
        if missing := sorted(set(replaces) - known):
            raise NotFound(f"Layer '{layer.id}' has no file {', '.join(map(str, missing))}.")
        row = connection.execute(ADD, (layer.id, path, TimestamptzRange(*valid), *envelope, Jsonb(facts), list(replaces), actor, reason,
                                       Jsonb(source or {}))).fetchone()
    assert row is not None
    return int(row[0])


def withdraw_coverage_files(store: Store, layer: Layer, files: Sequence[int], actor: str, reason: str | None = None) -> int:
    """Show some files of a coverage no more; return the number of the changeset. The files themselves stay for the past.

    Raises NotFound where none of them is shown.
    """
    with store.write() as connection:
        row = connection.execute("SELECT gis.withdraw_coverage_files(%s, %s, %s, %s)", (layer.id, list(files), actor, reason)).fetchone()
    if row is None or row[0] is None:
        raise NotFound(f"Layer '{layer.id}' shows no file {', '.join(map(str, files))}.")
    return int(row[0])
