"""The building table (楼盘表): entrances, levels and units of some buildings, with areas that add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from layers.demo.addresses import Addresses
from layers.demo.building_facts import Facts
from layers.demo.buildings import Buildings
from layers.demo.calendar import REFERENCE
from layers.demo.codes import house_codes, unit_codes
from layers.demo.frame import Frame
from layers.demo.names import Companies, people, rooms_of
from layers.demo.table import Fids, versions

__all__ = ["Units", "make_units"]

_BUILDINGS, _PRESOLD = 2060, 36
_INNER = 0.81            # inner area as a share of the floor area; the rest is shared


@dataclass
class Units:
    """Buildings with a table (rows of Buildings), and the tables of the three layers."""

    building: np.ndarray
    entrance: pd.DataFrame
    level: pd.DataFrame
    unit_room: pd.DataFrame
    entrance_building: np.ndarray
    entrance_no: np.ndarray


def _choose(b: Buildings, facts: Facts, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Choose buildings that stand, and some that are sold before they are done."""
    size = facts.columns["dwellings"]
    fit = facts.is_housing & (facts.rooms_per_level >= 2) & (facts.rooms_per_level <= 8) & (b.entrances >= 1) & (b.kind != "villas")
    stand = np.flatnonzero(fit & b.standing & np.isnan(b.end) & (b.done > 1978) & (size >= 12) & (size <= 60))
    soon = np.flatnonzero(fit & (b.start < REFERENCE - 0.5) & (b.done > REFERENCE + 0.2) & (size >= 24) & (size <= 130))
    # Rather small houses than large ones, so that the tables stay within bounds.
    chosen = stand[np.argsort(size[stand] + rng.uniform(0, 34, len(stand)), kind="stable")[:_BUILDINGS]]
    return np.sort(chosen), np.sort(rng.permutation(soon)[:_PRESOLD])


def _nominal(floors: int, skips: bool) -> list[str]:
    """Return the numbers on the doors of the floors; some houses leave out 4, 13 and 14."""
    numbers = [n for n in range(1, floors + 4) if not skips or n not in (4, 13, 14)]
    return [str(n) for n in numbers[:floors]]


def make_units(frame: Frame, b: Buildings, facts: Facts, a: Addresses, companies: Companies, parcel_codes: np.ndarray, fids: Fids, seed: int) -> Units:
    """Return the layers entrance, level and unit_room."""
    rng = np.random.default_rng([seed, 19])
    standing, presold = _choose(b, facts, rng)
    rows = np.concatenate([standing, presold])
    begin = np.concatenate([b.done[standing], np.full(len(presold), REFERENCE - 0.3)])
    floors, doors, per = b.floors[rows], np.maximum(b.entrances[rows], 1), facts.rooms_per_level[rows]
    below = facts.columns["floors_below"][rows].astype(int)
    district = facts.columns["district_code"][rows]

    # Entrances
    of = np.repeat(np.arange(len(rows)), doors)
    number = np.arange(len(of)) - np.repeat(np.cumsum(doors) - doors, doors) + 1
    entrance_fid = fids.take(len(of))
    lifts = np.where(floors > 6, np.where(floors > 18, 3, 2), 0)[of]
    entrance = versions(frame, entrance_fid, begin[of], b.end[rows][of], {
        "building_fid": b.fid[rows][of], "name": np.array([f"{n}单元" for n in number.tolist()], dtype=object), "sort_no": number, "lifts": lifts,
        "rooms_per_level": per[of], "district_code": district[of]})

    # Levels: basements, floors, roof
    count = below + floors + 1
    level_of = np.repeat(np.arange(len(rows)), count)
    at = np.arange(len(level_of)) - np.repeat(np.cumsum(count) - count, count) - below[level_of]
    actual = np.where(at < 0, at, at + 1)
    skips = (begin > 2008) & (rng.random(len(rows)) < 0.4)
    doors_no = [_nominal(int(f), bool(s)) for f, s in zip(floors, skips, strict=True)]
    is_roof = at == floors[level_of]
    nominal = np.array(["屋顶" if r else str(k) if k < 0 else doors_no[o][k] for r, k, o in zip(is_roof, at.tolist(), level_of.tolist(), strict=True)], dtype=object)
    level_fid = fids.take(len(level_of))
    shop = (rng.random(len(rows)) < 0.12)[level_of] & (at == 0)
    level = versions(frame, level_fid, begin[level_of], b.end[rows][level_of], {
        "building_fid": b.fid[rows][level_of], "nominal_no": nominal, "actual_no": actual,
        "height_m": np.where(at < 0, 3.6, np.where(is_roof, 3.0, b.storey[rows][level_of])).round(2),
        "kind": np.select([at < 0, is_roof, shop], ["parking", "roof", "shop"], "rooms").astype(object), "is_underground": at < 0, "is_mezzanine": False,
        "district_code": district[level_of]})
    level_start = np.cumsum(count) - count

    # Units: entrance x floor x room; some two top floors are one unit each (duplex)
    duplex = (begin > 1999) & (floors >= 6) & (rng.random(len(rows)) < 0.09)
    stacked = floors - duplex
    each = (stacked * per)[of]
    unit_door = np.repeat(np.arange(len(of)), each)
    k = np.arange(len(unit_door)) - np.repeat(np.cumsum(each) - each, each)
    o = of[unit_door]
    floor, room = k // per[o], k % per[o] + 1
    tall = duplex[o] & (floor == stacked[o] - 1)
    weight = rng.uniform(0.84, 1.16, (len(of), int(per.max()) + 1))[unit_door, room] * np.where(tall, 2.0, 1.0)
    share = weight / np.bincount(o, weights=weight, minlength=len(rows))[o]
    area = (facts.columns["footprint_area_m2"][rows] * floors * 0.985)[o] * share
    inner, shared = (area * _INNER).round(2), (area * (1 - _INNER)).round(2)
    measured = o < len(standing)
    nominal_of = np.array([doors_no[x][f] for x, f in zip(o.tolist(), floor.tolist(), strict=True)], dtype=object)
    room_no = np.array([f"{n}{r:02d}" for n, r in zip(nominal_of, room.tolist(), strict=True)], dtype=object)
    serial = np.arange(len(o)) - np.repeat(np.cumsum(np.bincount(o)) - np.bincount(o), np.bincount(o)) + 1
    building_serial = facts.in_parcel[rows]
    year = np.array([int(c[0]["value"][9:13]) for c in facts.columns["codes"][rows]])
    house = np.array([int(c[0]["value"][13:17]) for c in facts.columns["codes"][rows]])
    room_serial = number[unit_door] * 10_000 + (floor + 1) * 100 + room
    codes = np.empty(len(o), dtype=object)
    codes[:] = [[{"scheme": "house", "value": h}] for h in house_codes(list(facts.columns["street_code"][rows][o]), year[o], house[o], room_serial)]
    n = len(o)
    is_shop = (np.bincount(level_of[shop], minlength=len(rows))[o] > 0) & (floor == 0)
    fresh = (begin[o] > 2024) & (rng.random(n) < 0.35) | ~measured
    holder_kind = np.where(fresh, "developer", np.where(rng.random(n) < 0.05, "enterprise", "person")).astype(object)
    unit = versions(frame, fids.take(n), begin[o], b.end[rows][o], {
        "building_fid": b.fid[rows][o], "entrance_fid": entrance_fid[unit_door],
        "start_level_fid": level_fid[level_start[o] + below[o] + floor], "end_level_fid": level_fid[level_start[o] + below[o] + floor + tall],
        "room_no": room_no, "sort_no": room, "unit_code": np.array(unit_codes(list(parcel_codes[b.parcel[rows]][o]), building_serial[o], serial), dtype=object),
        "codes": codes, "address": np.array([f"{x}{d}单元{r}室" for x, d, r in zip(a.full[rows][o], number[unit_door].tolist(), room_no, strict=True)], dtype=object),
        "use_design": np.where(is_shop, "shop", "residential").astype(object),
        "use_actual": np.where(is_shop, "shop", np.where(rng.random(n) < 0.03, "office", "residential")).astype(object),
        "layout": np.where(is_shop, None, rooms_of(area)), "area_inner_m2": inner, "area_shared_m2": shared, "area_total_m2": (inner + shared).round(2),
        "area_balcony_m2": np.where(is_shop, 0.0, (area * 0.05).round(2)), "share_coefficient": round((1 - _INNER) / _INNER, 6),
        "predicted_area_m2": np.where(begin[o] > 2000, (area * rng.normal(1, 0.006, n)).round(2), np.nan),
        "survey_kind": np.where(measured, "measured", "predicted").astype(object), "holder_kind": holder_kind,
        "holder_name": np.select([holder_kind == "person", holder_kind == "developer"], [people(n, rng), companies.draw("developer", len(rows), rng)[o]],
                                 companies.draw("factory", n, rng)), "district_code": district[o]})
    return Units(rows, entrance, level, unit, rows[of], number)
