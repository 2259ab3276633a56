"""Lineage of the demo city: what was split, merged, renumbered, built, rebuilt and demolished."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layers.demo.buildings import Buildings
from layers.demo.calendar import moments, step_of
from layers.demo.land import Land
from layers.demo.plots import Plots

__all__ = ["Event", "make_lineage"]


@dataclass(frozen=True)
class Event:
    """One event: kind, moment with precision, changeset it is entered in, and features as (layer, fid)."""

    kind: str
    at: np.datetime64
    precision: str
    changeset: int
    predecessors: tuple[tuple[str, int], ...]
    successors: tuple[tuple[str, int], ...]


def _grouped(rows: np.ndarray, by: np.ndarray) -> list[np.ndarray]:
    order = rows[np.argsort(by[rows], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(by[order])) + 1) if len(order) else []


def make_lineage(plots: Plots, land: Land, b: Buildings) -> list[Event]:
    """Return all events in the order of their time. What a development built or lost in one year is one event."""
    raw: list[tuple[str, float, list[tuple[str, int]], list[tuple[str, int]]]] = []
    for kind, year, before, after in plots.events:
        old = [("parcel", int(land.fid[k])) for k in before if land.shape[k] is not None]
        new = [("parcel", int(land.fid[k])) for k in after if land.shape[k] is not None]
        if old and new:
            raw.append((kind, year, old, new))
    again = {old for old, _, _ in b.rebuilt} | {new for _, new, _ in b.rebuilt}
    plain = np.array([k not in again for k in range(len(b.fid))])
    for kind, when, rows in (("build", b.done, np.flatnonzero(plain & (b.done >= 1985))), ("demolish", b.end, np.flatnonzero(plain & ~np.isnan(b.end)))):
        for group in _grouped(rows, b.development * 10_000 + np.floor(np.nan_to_num(when, nan=0)).astype(int)):
            features = [("building", int(f)) for f in b.fid[group]]
            raw.append((kind, float(when[group].max()), [], features) if kind == "build" else (kind, float(when[group].max()), features, []))
    raw += [("rebuild", year, [("building", int(b.fid[old]))], [("building", int(b.fid[new]))]) for old, new, year in b.rebuilt]
    at, precision = moments(np.array([e[1] for e in raw]))
    changeset = step_of(at)
    events = [Event(kind, a, str(p), int(c), tuple(old), tuple(new)) for (kind, _, old, new), a, p, c in zip(raw, at, precision, changeset, strict=True)]
    return sorted(events, key=lambda e: (e.at, e.kind, e.predecessors, e.successors))
