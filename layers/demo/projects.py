"""Construction projects: which developments they are, and when each of their steps is taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from layers.demo.admin import Admin
from layers.demo.building_facts import HOUSING, Facts
from layers.demo.buildings import Buildings
from layers.demo.calendar import REFERENCE, days
from layers.demo.frame import Frame
from layers.demo.kinds import KINDS
from layers.demo.land import Land
from layers.demo.names import Companies, people
from layers.demo.plots import Plots
from layers.demo.table import Fids, versions
from layers.demo.titles import Titles

__all__ = ["STEPS", "Projects", "make_projects", "project_table", "red_line_table"]

NAN = float("nan")
_SINCE, _COMPLETED = 2013.0, 0.2
# The sixteen steps: code and authority (domain: the four stages of the national frame).
STEPS = (("s01_initiation", "发展改革委"), ("s02_site", "规划自然资源局"), ("s03_land_permit", "规划自然资源局"), ("s04_land_supply", "规划自然资源局"),
         ("s05_works_permit", "规划自然资源局"), ("s06_drawing_review", "施工图审查机构"), ("s07_tender", "住房城乡建设局"), ("s08_contract", "住房城乡建设局"),
         ("s09_energy", "住房城乡建设局"), ("s10_supervision", "住房城乡建设局"), ("s11_construction_permit", "住房城乡建设局"), ("s12_construction", "住房城乡建设局"),
         ("s13_presale", "住房城乡建设局"), ("s14_acceptance", "联合验收"), ("s15_filing", "住房城乡建设局"), ("s16_registration", "不动产登记中心"))
_PRIVATE = ("offices", "cbd", "mall", "hotel", "shops")


@dataclass
class Projects:
    """Per project: development, step dates in years (n, 16; NaN where a step does not apply), and what became of it.

    `fate` is "" or "suspended" or "cancelled", `fate_at` when; `last` the last step (0 to 15) done at the reference day.
    """

    fid: np.ndarray
    red_line_fid: np.ndarray
    development: np.ndarray
    dates: np.ndarray
    phases: np.ndarray
    fate: np.ndarray
    fate_at: np.ndarray
    code: np.ndarray
    name: np.ndarray
    district: np.ndarray
    last: np.ndarray

    def of_building(self, b: Buildings, count: int) -> np.ndarray:
        """Return the project of each building, 0 for none; `count` is the number of developments."""
        by_development = np.zeros(count, int)
        by_development[self.development] = self.fid
        return by_development[b.development]


def _dates(start: float, done: float, granted: float, sells: bool, rng: np.random.Generator) -> np.ndarray:
    """Return the dates of the sixteen steps of a project that is built from `start` to `done`."""
    supply = granted if granted < start - 0.15 else start - 0.6
    ahead = start - supply
    length = done - start
    before = np.sort(rng.uniform(0.35, 1.5, 3))[::-1]
    between = supply + ahead * np.sort(rng.uniform(0.12, 0.97, 7))
    ends = (start + length * rng.uniform(0.35, 0.6) if sells else NAN, done - rng.uniform(0.1, 0.3) * min(length, 1), done, done + rng.uniform(0.1, 0.5))
    return np.array([*(supply - before), supply, *between, start, *ends])


def _at_step(dates: np.ndarray, step: int) -> np.ndarray:
    """Return the dates moved so that `step` (from 0) is the last one done at the reference day."""
    n = np.arange(len(dates))
    done = np.minimum(dates, REFERENCE - 0.03 - 0.035 * (step - n))
    later = np.maximum(dates, REFERENCE + 0.07 + 0.06 * (n - step))
    return np.where(n <= step, done, later)


def make_projects(plots: Plots, land: Land, titles: Titles, admin: Admin, fids: Fids, seed: int) -> Projects:
    """Make a project of every larger development since 2013, and see that every step is somebody's present."""
    rng = np.random.default_rng([seed, 21])
    chosen = [k for k, d in enumerate(plots.developments)
              if d.block >= 0 and (d.done >= REFERENCE - 1 or d.done >= _SINCE and rng.random() < _COMPLETED) and d.kind not in ("village", "hutong", "farmland", "smallpark", "reserve") and land.shape[d.parcel] is not None]
    granted = {}
    for k in chosen:
        p = plots.parcels[plots.developments[k].parcel]
        granted[k] = p.uses[-1][0] if not np.isnan(p.uses[-1][0]) else p.born
    dates = np.array([_dates(d.start, d.done, granted[k], d.kind in HOUSING, rng) for k, d in ((k, plots.developments[k]) for k in chosen)])
    start, done = dates[:, 11].copy(), dates[:, 14].copy()
    # Steps before building begins are spread over what is planned, the others over what is being built.
    planned = rng.permutation(np.flatnonzero(start > REFERENCE + 0.05))
    active = rng.permutation(np.flatnonzero((start < REFERENCE - 0.1) & (done > REFERENCE + 0.1)))
    recent = np.flatnonzero((done < REFERENCE - 0.1) & (done > REFERENCE - 1.2))
    for step in range(11):
        for k in planned[step::11]:
            dates[k] = _at_step(dates[k], step)
    for turn, k in enumerate(active):
        if turn % 5 in (1, 2) and turn < 60:
            step = 12 if turn % 5 == 1 and not np.isnan(dates[k, 12]) else 13
            dates[k] = np.where(np.arange(16) == 11, start[k], _at_step(dates[k], step))
    for k in recent[::6]:
        dates[k, 15] = REFERENCE + rng.uniform(0.05, 0.4)
    n = len(chosen)
    fate, fate_at = np.full(n, "", dtype=object), np.full(n, NAN)
    for k in planned[5::23]:
        fate[k], fate_at[k] = "cancelled", max(dates[k, 0] + 0.02, REFERENCE - rng.uniform(0.05, 0.4))
    for k in active[::9]:
        fate[k], fate_at[k] = "suspended", max(start[k] + 0.05, REFERENCE - rng.uniform(0.1, 0.8))
    housing = np.array([plots.developments[k].kind in HOUSING for k in chosen])
    cell = np.array([plots.developments[k].cell for k in chosen])
    district = admin.district[cell[:, 0], cell[:, 1]]
    year = np.floor(dates[:, 0]).astype(int)
    code = np.array([f"{y}-{d}-{'47' if h else '70'}-{'01' if h else '03'}-{k:06d}" for y, d, h, k in zip(year.tolist(), district, housing, range(1, n + 1), strict=True)], dtype=object)
    place = np.array([admin.names[c].removesuffix("街道").removesuffix("镇") for c in admin.street[cell[:, 0], cell[:, 1]]], dtype=object)
    name = np.array([(titles.name[k] or place[x] + KIND_NAMES.get(plots.developments[k].kind, "建设")) + "项目" for x, k in enumerate(chosen)], dtype=object)
    phases = np.where(housing & (done - start > 2.2), rng.integers(1, 4, n), 1)
    last = np.where(dates <= REFERENCE, np.arange(16), -1).max(axis=1)
    return Projects(fids.take(n), fids.take(n), np.array(chosen), dates, phases, fate, fate_at, code, name, district, last)


KIND_NAMES = {"shops": "商业街"}


def red_line_table(frame: Frame, p: Projects, plots: Plots, land: Land) -> pd.DataFrame:
    """Return the layer `red_line`: proposed with the site opinion, in force with the land permit."""
    parcel = np.array([plots.developments[k].parcel for k in p.development])
    n = len(p.fid)
    known = p.dates[:, 0]
    permit = p.dates[:, 2]
    has = np.flatnonzero(permit <= REFERENCE)
    row = np.concatenate([np.arange(n), has])
    proposed = np.arange(len(row)) < n
    begin = np.where(proposed, known[row], permit[row])
    end = np.where(proposed & (permit[row] <= REFERENCE), permit[row], NAN)
    year = np.floor(permit).astype(int)
    land_no = np.array([f"地字第{d}{y}{k:05d}号" for d, y, k in zip(p.district, year, range(1, n + 1), strict=True)], dtype=object)
    works_no = np.array([f"建字第{d}{int(y)}{k:05d}号" if y <= REFERENCE else None for d, y, k in zip(p.district, p.dates[:, 4], range(1, n + 1), strict=True)], dtype=object)
    purpose = np.array([KINDS[plots.developments[k].kind].purpose for k in p.development], dtype=object)
    issued = days(permit)
    fields = {
        "red_line_no": np.array([f"HX{y}-{k:05d}" for y, k in zip(year, range(1, n + 1), strict=True)], dtype=object)[row], "name": p.name[row],
        "land_permit_no": np.where(proposed, None, land_no[row]), "works_permit_no": np.where(proposed, None, works_no[row]),
        "state": np.where(proposed, "proposed", "in_force").astype(object), "purpose": purpose[row],
        "area_m2": np.array([s.area for s in land.shape[parcel]]).round(1)[row],
        "issued_on": np.where(proposed, np.datetime64("NaT", "D"), issued[row]), "expires_on": np.where(proposed, np.datetime64("NaT", "D"), issued[row] + np.timedelta64(730, "D")),
        "district_code": p.district[row]}
    return versions(frame, p.red_line_fid[row], begin, end, fields, land.shape[parcel][row])


def project_table(frame: Frame, p: Projects, plots: Plots, land: Land, titles: Titles, b: Buildings, facts: Facts, companies: Companies, seed: int) -> pd.DataFrame:
    """Return the layer `project`: a version for each stage, as far as it is known."""
    rng = np.random.default_rng([seed, 22])
    n = len(p.fid)
    stages = (("initiation", 0), ("works_permit", 4), ("preparation", 6), ("construction", 11), ("acceptance", 13), ("completed", 14))
    row, begin, end, stage = [], [], [], []
    for k in range(n):
        until = p.fate_at[k] if p.fate[k] else REFERENCE
        reached = [(name, p.dates[k, step]) for name, step in stages if p.dates[k, step] <= until]
        if p.fate[k]:
            reached.append((p.fate[k], p.fate_at[k]))
        for x, (name, at) in enumerate(reached):
            row.append(k)
            begin.append(at)
            end.append(reached[x + 1][1] if x + 1 < len(reached) else NAN)
            stage.append(name)
    index = np.array(row)
    dev = [plots.developments[k] for k in p.development]
    of = p.of_building(b, len(plots.developments))
    floor_area = np.bincount(of, weights=facts.columns["construction_area_m2"], minlength=int(p.fid.max()) + 1)[p.fid]
    dwellings = np.bincount(of, weights=facts.columns["dwellings"], minlength=int(p.fid.max()) + 1)[p.fid].astype(int)
    kind = np.array(["affordable" if d.kind == "towers10" and draw < 0.22 else "housing" if d.kind in HOUSING else "commercial" if d.kind in _PRIVATE
                     else "industrial" if d.kind in ("factory", "logistic", "techpark") else "infrastructure" if d.kind in ("substation", "waterworks", "heatworks")
                     else "public" for d, draw in zip(dev, rng.random(n), strict=True)], dtype=object)
    renewed = np.array([plots.parcels[d.parcel].uses[0][1] in ("0701", "0703", "1001") and d.start > 2014 for d in dev]) & (rng.random(n) < 0.5)
    kind[renewed & (kind == "housing")] = "renewal"
    developer = companies.draw("developer", n, rng)
    address = np.array([f"{titles.road[k]}{titles.number[k]}号" if titles.road[k] else None for k in p.development], dtype=object)
    area = np.array([land.shape[d.parcel].area for d in dev])
    tendered = p.dates[:, 6] <= REFERENCE
    columns = {
        "project_code": p.code, "name": p.name, "address": address, "kind": kind, "phases": p.phases, "site_area_m2": area.round(1),
        "floor_area_m2": floor_area.round(0), "investment_cny": (floor_area * rng.uniform(4200, 9800, n) / 1e4).round(0) * 1e4, "dwellings": dwellings,
        "developer": developer, "developer_code": np.array([companies.code[c] for c in developer], dtype=object), "designer": companies.draw("designer", n, rng),
        "contractor": np.where(tendered, companies.draw("builder", n, rng), None), "supervisor": np.where(tendered, companies.draw("supervisor", n, rng), None),
        "manager_name": people(n, rng), "planned_start": days(p.dates[:, 11] - rng.uniform(0, 0.25, n)), "planned_end": days(p.dates[:, 14] - rng.uniform(-0.05, 0.5, n)),
        "red_line_fid": p.red_line_fid, "district_code": p.district}
    shape = np.array([land.shape[d.parcel] for d in dev], dtype=object)
    return versions(frame, p.fid[index], np.array(begin), np.array(end), {"stage": np.array(stage, dtype=object)} | {k: v[index] for k, v in columns.items()}, shape[index])
