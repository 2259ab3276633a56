"""Buildings of the demo city: every footprint with its years, some of them rebuilt in place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from layers.demo.calendar import REFERENCE
from layers.demo.fabric import Fabric
from layers.demo.plots import Plots
from layers.demo.table import Fids

__all__ = ["Buildings", "make_buildings"]

NAN = float("nan")
_REBUILT = 760


@dataclass
class Buildings:
    """One row per building (not per version), in local metres and years; `rebuilt` is [(old, new, year)] as rows."""

    fid: np.ndarray
    development: np.ndarray
    kind: np.ndarray
    shape: np.ndarray
    floors: np.ndarray
    storey: np.ndarray
    role: np.ndarray
    entrances: np.ndarray
    row: np.ndarray
    start: np.ndarray
    done: np.ndarray
    end: np.ndarray
    cell: np.ndarray
    parcel: np.ndarray
    middle: np.ndarray
    rebuilt: list[tuple[int, int, float]]

    @property
    def standing(self) -> np.ndarray:
        """Return which stand, done, at the reference day."""
        return (self.done <= REFERENCE) & ~(self.end <= REFERENCE)


def make_buildings(plots: Plots, fabric: Fabric, fids: Fids, seed: int) -> Buildings:
    """Give every footprint its years; rebuild some of the courtyards in place."""
    rng = np.random.default_rng([seed, 13])
    d = fabric.development
    kind = np.array([x.kind for x in plots.developments], dtype=object)[d]
    start, done, end = (np.array([getattr(x, name) for x in plots.developments], dtype=float)[d] for name in ("start", "done", "end"))
    n = len(d)
    old = done < 1985
    grown = np.isin(kind, ("hutong", "village", "campus", "palace", "temple"))
    done = np.where(old, np.minimum(done + rng.uniform(-3, 3, n) * ~np.isin(kind, ("palace", "temple")), 1984.9), done - rng.uniform(0, 0.3, n) * (done - start))
    start = np.where(old | grown, done - 1.2, start + rng.uniform(0, 0.15, n) * (done - start))
    end = np.where(np.isnan(end), end, end - rng.uniform(0, 0.12, n))
    # A village grows and renews itself: a part of its houses is younger than the village.
    young = (kind == "village") & (rng.random(n) < 0.5)
    latest = np.fmin(np.nan_to_num(end, nan=2030.0) - 2, 2019.0)
    done = np.where(young & (latest > 1986), 1985 + (latest - 1985) * rng.random(n), done)
    start = np.where(young, done - 0.6, start)
    rebuilt_old = rng.permutation(np.flatnonzero((kind == "hutong") & np.isnan(end)))[:_REBUILT]
    rebuilt_at = rng.uniform(1991, 2022, len(rebuilt_old))
    source = np.concatenate([np.arange(n), rebuilt_old])
    end = np.concatenate([np.where(np.isin(np.arange(n), rebuilt_old), np.nan, end), np.full(len(rebuilt_old), NAN)])
    end[rebuilt_old] = rebuilt_at - 0.5
    start, done = np.concatenate([start, rebuilt_at - 0.45]), np.concatenate([done, rebuilt_at])
    cells = np.array([x.cell for x in plots.developments])
    shape = fabric.shape[source]
    return Buildings(fids.take(len(source)), d[source], kind[source], shape, fabric.floors[source], fabric.storey[source], fabric.role[source],
                     fabric.entrances[source], fabric.row[source], start, done, end, cells[d[source]],
                     np.array([x.parcel for x in plots.developments])[d[source]],
                     shapely.get_coordinates(shapely.point_on_surface(shape)),
                     [(int(a), n + k, float(t)) for k, (a, t) in enumerate(zip(rebuilt_old, rebuilt_at, strict=True))])
