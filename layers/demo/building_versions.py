"""The versions of buildings: under construction, in use, retrofitted, vacated."""

from __future__ import annotations

import numpy as np
import pandas as pd

from layers.demo.building_facts import Facts
from layers.demo.buildings import Buildings
from layers.demo.frame import Frame
from layers.demo.table import versions

__all__ = ["BUILT_FROM", "building_table"]

NAN = float("nan")
# Building sites are recorded from this year on; what was done before appears when it is done.
BUILT_FROM = 2007.0


def building_table(frame: Frame, b: Buildings, facts: Facts, project_fid: np.ndarray, seed: int) -> pd.DataFrame:
    """Return the layer `building`.

    Parameters
    ----------
    project_fid
        Project of each building, 0 for none.
    """
    rng = np.random.default_rng([seed, 14])
    n = len(b.fid)
    built = (b.done >= BUILT_FROM) & ~np.isin(b.kind, ("hutong", "village"))
    aged = facts.is_housing & (b.done > 1972) & (b.done < 2000) & (b.role == "main")
    retrofit = np.where(aged & (rng.random(n) < 0.24), rng.uniform(2007, 2026.5, n), NAN)
    retrofit = np.where(retrofit < np.nan_to_num(b.end, nan=2100) - 2, retrofit, NAN)
    leaves = np.where((b.end > 1992) & (rng.random(n) < 0.6) & (np.isnan(retrofit) | (retrofit < b.end - 1)), b.end - rng.uniform(0.4, 0.9, n), NAN)
    leaves = np.where(leaves > b.done + 0.5, leaves, NAN)
    until = np.where(np.isnan(leaves), b.end, leaves)
    every = np.arange(n)
    under, changed, left = every[built], every[~np.isnan(retrofit)], every[~np.isnan(leaves)]
    row = np.concatenate([under, every, changed, left])
    begin = np.concatenate([b.start[under], b.done, retrofit[changed], leaves[left]])
    end = np.concatenate([b.done[under], np.where(np.isnan(retrofit), until, retrofit), until[changed], b.end[left]])
    status = np.repeat(["construction", "in_use", "in_use", "vacant"], [len(under), n, len(changed), len(left)]).astype(object)
    fields = {name: values[row] for name, values in facts.columns.items()}
    late = np.concatenate([np.zeros(len(under) + n, bool), np.ones(len(changed), bool), ~np.isnan(retrofit[left])])
    fields["energy_grade"] = np.where(late, "e65", fields["energy_grade"])
    fields["retrofit_year"] = np.where(late, np.floor(np.nan_to_num(retrofit, nan=2000))[row].astype(int), None)
    building = status == "construction"
    for name in ("safety_grade", "pm_company", "dwellings", "owner_name"):
        fields[name] = np.where(building, None, fields[name])
    fields["completed_year"] = np.where(building, None, fields["completed_year"])
    fields["project_fid"] = np.where(project_fid[row] > 0, project_fid[row], None)
    return versions(frame, b.fid[row], begin, end, {"status": status} | fields, b.shape[row])
