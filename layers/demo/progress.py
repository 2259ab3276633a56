"""Records of construction: what each building of a project should have come to at the end of each quarter, and what it had."""

from __future__ import annotations

import numpy as np
import pandas as pd

from layers.demo.building_facts import Facts
from layers.demo.buildings import Buildings
from layers.demo.calendar import REFERENCE, days
from layers.demo.frame import Frame
from layers.demo.names import Companies
from layers.demo.projects import Projects
from layers.demo.table import Fids, versions

__all__ = ["progress_table"]

NAN = float("nan")
# What was done before is told by milestones alone.
_SINCE = 2025.5
# The structure stands when so much of the time has gone; what follows is the works inside.
_STRUCTURE = 0.62


def _curve(share: np.ndarray) -> np.ndarray:
    """Return how much is done (0 to 1) after a share of the time: slowly, fast, slowly."""
    x = np.clip(share, 0, 1)
    return x * x * (3 - 2 * x)


def progress_table(frame: Frame, p: Projects, b: Buildings, facts: Facts, companies: Companies, of_building: np.ndarray, fids: Fids, seed: int) -> pd.DataFrame:
    """Return the layer `progress`.

    Quarters to come hold the plan alone. Some projects are ahead of their plan, some behind; a suspended one stands still.

    Parameters
    ----------
    of_building
        Project of each building, 0 for none.
    """
    rng = np.random.default_rng([seed, 31])
    number = {int(fid): k for k, fid in enumerate(p.fid)}
    # Years by which a project is later than its plan.
    late = np.where(rng.random(len(p.fid)) < 0.25, rng.uniform(-0.25, -0.08, len(p.fid)), np.where(rng.random(len(p.fid)) < 0.5, rng.uniform(0.1, 0.5, len(p.fid)), rng.uniform(-0.02, 0.03, len(p.fid))))
    contractor = companies.draw("builder", len(p.fid), rng)
    active = np.flatnonzero((of_building > 0) & (b.start < REFERENCE) & (b.done > _SINCE) & (b.floors > 0))
    building, at = [], []
    quarters = np.arange(2013.25, 2033, 0.25) - 1 / 365
    for k in active:
        begun = p.dates[number[int(of_building[k])], 11]
        end = b.done[k] - min(0.0, late[number[int(of_building[k])]]) + 0.25
        chosen = quarters[(quarters > max(b.start[k], begun)) & (quarters < end)]
        building.append(np.full(len(chosen), k))
        at.append(chosen)
    row, day = np.concatenate(building), np.concatenate(at)
    project = np.array([number[int(fid)] for fid in of_building[row]])
    begin, done = b.start[row], b.done[row]
    # The plan: as long as it took, but for what it is late.
    planned_end = np.maximum(done - late[project], begin + 0.3)
    planned = (day - begin) / (planned_end - begin)
    stopped = np.where(p.fate[project] == "", np.inf, p.fate_at[project])
    actual = (np.minimum(day, stopped) - begin) / (done - begin)
    known = day <= REFERENCE
    floors = b.floors[row].astype(float)
    floors_done = np.where(known, np.floor(floors * np.clip(actual / _STRUCTURE, 0, 1)), NAN)
    percent = np.where(known, np.round(100 * _curve(actual), 1), NAN)
    fields = {
        "project_fid": p.fid[project], "building_fid": b.fid[row], "recorded_on": days(day), "planned_percent": np.round(100 * _curve(planned), 1),
        "actual_percent": percent, "planned_floors": np.floor(floors * np.clip(planned / _STRUCTURE, 0, 1)).astype(int),
        "floors_done": pd.array([None if np.isnan(v) else int(v) for v in floors_done], dtype="Int64"),
        "reported_by": contractor[project], "note": np.where(day > stopped, "停工", None), "district_code": facts.columns["district_code"][row]}
    return versions(frame, fids.take(len(row)), day, np.full(len(row), NAN), fields)
