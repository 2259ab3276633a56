"""Load the demo city into a store: a few changesets, set-based, then its elevation model and its image."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layers.catalogue import Catalogue
from layers.city import City
from layers.demo import DemoCity, Event, build
from layers.demo.imagery import FLIGHTS, write_imagery
from layers.demo.rows import operations, staged
from layers.demo.terrain import write_dem
from layers.staging import Batch
from layers.store import Store

__all__ = ["load", "write", "write_files"]

_ACTOR = "demo"
Progress = Callable[[str, int, int], None]


def load(store: Store, catalogue: Catalogue, city: City, var: Path, progress: Progress | None = None, seed: int = 42) -> dict[str, Any]:
    """Make the demo city and write it.

    Parameters
    ----------
    var
        The folder for files (GIS_VAR); coverages are written where their layers look for them.
    progress
        Called as progress(label, done, total).

    Returns
    -------
    dict: that of `write`, with `files` (paths relative to `var`) and seconds: `built_s`, `loaded_s`, `files_s`.

    Raises Rejected if the store finds fault with a row; nothing of that changeset is written then.
    """
    tell = progress or _silent
    began = time.monotonic()
    tell("生成示范市 Making the demo city", 0, 1)
    demo = build(city, seed)
    tell("生成示范市 Making the demo city", 1, 1)
    built = time.monotonic()
    summary = write(store, catalogue, demo, tell)
    loaded = time.monotonic()
    files = write_files(demo, catalogue, var, tell)
    return summary | {"files": files, "built_s": round(built - began, 1), "loaded_s": round(loaded - built, 1),
                      "files_s": round(time.monotonic() - loaded, 1)}


def _silent(label: str, done: int, total: int) -> None:
    pass


def write(store: Store, catalogue: Catalogue, demo: DemoCity, progress: Progress = _silent) -> dict[str, Any]:
    """Write a demo city's tables, changeset by changeset; layers the catalogue does not have are left out.

    Returns a dict with `offset` (what was added to the city's own feature numbers), `features` and `versions` per layer,
    `changesets` (their numbers) and `lineage` (count of events).
    """
    tables = {name: table for name, table in demo.tables.items() if name in catalogue.layers}
    plans = {name: operations(table) for name, table in tables.items()}
    total = sum(len(p) for p in plans.values()) + sum(len(t) for c in demo.corrections for t in c.rows.values())
    srid = demo.frame.city.storage_srid
    with Batch(store) as batch:
        offset = batch.reserve_fids(demo.features) - 1
    done = 0
    seqs = []
    for number, (zh, en) in enumerate(demo.changesets):
        parts = {name: (tables[name], plan[plan["changeset"] == number]) for name, plan in plans.items()}
        events = [_lineage(e, offset) for e in demo.lineage if e.changeset == number]
        done, seq = _write(store, catalogue, srid, offset, parts, f"{zh} {en}", events, progress, done, total)
        seqs.append(seq)
    for correction in demo.corrections:
        parts = {name: (rows, _corrections(rows)) for name, rows in correction.rows.items() if name in catalogue.layers}
        done, seq = _write(store, catalogue, srid, offset, parts, f"{correction.zh} {correction.en}", [], progress, done, total)
        seqs.append(seq)
    return {"offset": offset, "features": {n: int(t["fid"].nunique()) for n, t in tables.items()},
            "versions": {n: len(t) for n, t in tables.items()}, "changesets": seqs, "lineage": len(demo.lineage)}


def _corrections(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"fid": rows["fid"].to_numpy(), "op": "c", "from": rows["valid_from"].to_numpy(dtype="datetime64[s]"),
                         "from_precision": rows["begin_precision"].to_numpy(dtype=object), "to": rows["valid_to"].to_numpy(dtype="datetime64[s]"),
                         "to_precision": rows["end_precision"].to_numpy(dtype=object), "row": np.arange(len(rows))})


def _lineage(event: Event, offset: int) -> dict[str, Any]:
    return {"kind": event.kind, "at": f"{np.datetime_as_string(event.at, unit='s')}Z", "precision": event.precision,
            "predecessors": [[layer, fid + offset] for layer, fid in event.predecessors],
            "successors": [[layer, fid + offset] for layer, fid in event.successors]}


def _write(store: Store, catalogue: Catalogue, srid: int, offset: int, parts: dict[str, tuple[pd.DataFrame, pd.DataFrame]], reason: str,
           events: list[dict[str, Any]], tell: Progress, done: int, total: int) -> tuple[int, int]:
    """Write one changeset; return how many rows are done now, and its number."""
    with Batch(store) as batch:
        for name, (table, operation) in parts.items():
            if len(operation):
                layer = catalogue.layer(name)
                columns, rows = staged(layer, table, operation, offset, srid)
                done += batch.copy(layer, columns, rows)
                tell(reason, done, total)
        applied = batch.apply(actor=_ACTOR, reason=reason, kind="demo", source={"demo": True}, lineage=events)
    return done, applied.seq


def write_files(demo: DemoCity, catalogue: Catalogue, var: Path, tell: Progress) -> list[str]:
    """Write the files of the coverages that are defined; return their paths relative to `var`."""
    written = []
    makers: dict[str, Callable[[Path], Path]] = {"elevation": lambda path: write_dem(demo.frame, path),
                                                 "image": lambda path: write_imagery(demo, path)}
    coverages = [layer.coverage for layer in catalogue.layers.values() if layer.kind == "coverage" and layer.coverage]
    wanted = [c for c in coverages if c.get("kind") in makers and c.get("source")]
    for n, coverage in enumerate(wanted):
        tell("高程与影像 Elevation and imagery", n, len(wanted))
        makers[coverage["kind"]](var / coverage["source"])
        written.append(str(coverage["source"]))
        if coverage["kind"] == "image":
            for flight in FLIGHTS[:-1]:
                path = (var / coverage["source"]).with_name(flight.name)
                written.append(write_imagery(demo, path, flight.metres, flight.day).relative_to(var).as_posix())
    tell("高程与影像 Elevation and imagery", len(wanted), len(wanted))
    return written
