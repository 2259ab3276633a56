"""Land: parcels with their splits and merges, land use, the zones of the regulatory plan, and what stands on which parcel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from layers.demo.addresses import rank_within
from layers.demo.admin import Admin
from layers.demo.building_versions import BUILT_FROM
from layers.demo.buildings import Buildings
from layers.demo.calendar import days
from layers.demo.codes import parcel_codes
from layers.demo.frame import Frame
from layers.demo.mesh import RESERVE_M, Mesh
from layers.demo.names import Companies
from layers.demo.plots import Plots
from layers.demo.quads import areas_of, inset, polygons
from layers.demo.table import BEFORE, Fids, versions
from layers.demo.titles import Titles
from layers.demo.zones import ZONES, Zones

__all__ = ["Land", "building_parcel_table", "control_zone_table", "land_use_table", "make_land", "parcel_table"]

NAN = float("nan")


@dataclass
class Land:
    """Per parcel: fid, polygon (local; None where water or a road took it), code, community."""

    fid: np.ndarray
    shape: np.ndarray
    code: np.ndarray
    community: np.ndarray


def make_land(plots: Plots, admin: Admin, obstacles: list[shapely.Geometry], fids: Fids) -> Land:
    """Cut water and expressways out of the parcels and give them codes."""
    parcels = plots.parcels
    shape = np.empty(len(parcels), dtype=object)
    corners = np.array([len(p.quad) for p in parcels])
    four = np.flatnonzero(corners == 4)
    shape[four] = polygons(np.array([parcels[k].quad for k in four]))
    for k in np.flatnonzero(corners != 4):
        shape[k] = shapely.polygons(parcels[k].quad)
    blocked = np.array(obstacles, dtype=object)
    a, b = shapely.STRtree(shape).query(blocked, predicate="intersects")
    for obstacle, parcel in zip(a, b, strict=True):
        shape[parcel] = shapely.difference(shape[parcel], blocked[obstacle])
    for parcel in np.unique(b):
        shape[parcel] = areas_of(shape[parcel], 120)
    cell = np.array([p.cell for p in parcels])
    community = admin.community[cell[:, 0], cell[:, 1]]
    serial = rank_within(np.unique(community.astype(str), return_inverse=True)[1], np.arange(len(parcels))) + 1
    code = np.array(parcel_codes(list(community), [p.uses[-1][1] for p in parcels], serial), dtype=object)
    return Land(fids.take(len(parcels)), shape, code, community)


def _uses(plots: Plots, land: Land) -> tuple[np.ndarray, ...]:
    """Return one row per use of each parcel: parcel, class, begin, end."""
    rows = [(k, use, begin if not np.isnan(begin) else p.born, p.uses[n + 1][0] if n + 1 < len(p.uses) else p.gone)
            for k, p in enumerate(plots.parcels) if land.shape[k] is not None for n, (begin, use) in enumerate(p.uses)]
    parcel, use, begin, end = zip(*rows, strict=True)
    return np.array(parcel), np.array(use, dtype=object), np.array(begin, float), np.array(end, float)


def parcel_table(frame: Frame, plots: Plots, land: Land, titles: Titles, admin: Admin, companies: Companies, seed: int) -> pd.DataFrame:
    """Return the layer `parcel`."""
    rng = np.random.default_rng([seed, 16])
    parcel, use, begin, end = _uses(plots, land)
    n = len(plots.parcels)
    place = np.full(n, None, dtype=object)
    for k, d in enumerate(plots.developments):
        if titles.road[k] and place[d.parcel] is None:
            place[d.parcel] = f"{titles.road[k]}{titles.number[k]}号"
    cell = np.array([p.cell for p in plots.parcels])
    district = admin.district[cell[:, 0], cell[:, 1]]
    location = np.array([admin.names[d] + (p or admin.names[c]) for d, p, c in zip(district, place, land.community, strict=True)], dtype=object)
    rural, home = np.isin(use, ("0101", "0103", "0301")), use == "0703"
    market = np.isin(use, ("0901", "0902")) | ((use == "0701") & (begin > 1998))
    draw = rng.random(len(use))
    right = np.select([rural, home, use == "1600"], ["contract", "homestead", "none"], "state_use").astype(object)
    acquisition = np.select([rural | home, market & (draw < .93), np.isin(use, ("1001", "1101")) & (begin > 1992) & (draw < .8)],
                            ["other", "grant", "grant"], "allotment").astype(object)
    owner = np.select([rural | home, (use == "0701") & (draw < .8), market | np.isin(use, ("1001", "1101"))], ["collective", "many", "enterprise"], "state").astype(object)
    granted = days(begin)
    term = np.select([use == "0701", np.isin(use, ("0901",))], [70, 40], 50)
    expires = np.where(acquisition == "grant", granted + (term * 365.2425).astype("timedelta64[D]"), np.datetime64("NaT", "D"))
    firm = companies.draw("factory", len(use), rng)
    fields = {
        "source_id": np.array([f"P{k:06d}" for k in range(1, n + 1)], dtype=object)[parcel], "parcel_code": land.code[parcel], "location": location[parcel],
        "purpose": use, "right_kind": right, "acquisition": acquisition, "area_m2": shapely.area(land.shape)[parcel].round(2),
        "granted_on": granted, "expires_on": expires, "owner_kind": owner,
        "owner_name": np.select([owner == "enterprise", owner == "collective"], [firm, np.array([admin.names[c] + "经济合作社" for c in land.community], dtype=object)[parcel]], None),
        "street_code": admin.street[cell[:, 0], cell[:, 1]][parcel], "district_code": district[parcel],
    }
    return versions(frame, land.fid[parcel], begin, end, fields, land.shape[parcel])


def land_use_table(frame: Frame, plots: Plots, land: Land, mesh: Mesh, zones: Zones, admin: Admin, waters: list[shapely.Geometry], fids: Fids) -> pd.DataFrame:
    """Return the layer `land_use`: a patch per parcel and use, and one per cell of woods and green belts."""
    parcel, use, begin, end = _uses(plots, land)
    green = np.argwhere(zones.is_zone("forest", "green"))
    offsets = 1 + RESERVE_M[np.stack([mesh.h_class[green[:, 0], green[:, 1]], mesh.v_class[green[:, 0] + 1, green[:, 1]],
                                  mesh.h_class[green[:, 0], green[:, 1] + 1], mesh.v_class[green[:, 0], green[:, 1]]], axis=1)]
    belts = shapely.difference(polygons(inset(mesh.cells[green[:, 0], green[:, 1]], offsets)), shapely.union_all(waters))
    whole = np.array([zones.zone[i, j] == ZONES.index("forest") for i, j in green])
    cell = np.concatenate([np.array([p.cell for p in plots.parcels])[parcel], green])
    shape = np.concatenate([land.shape[parcel], belts])
    begin = np.concatenate([begin, np.full(len(green), NAN)])
    kept = ~shapely.is_empty(shape)
    # A patch is a feature of its own each time its use changes on other ground; on the same ground it is a version.
    patch = np.concatenate([parcel, len(plots.parcels) + np.arange(len(green))])
    numbers = np.unique(patch[kept], return_inverse=True)[1]
    fid = fids.take(int(numbers.max()) + 1)[numbers]
    code = np.concatenate([use, np.where(whole, "0301", "1402")])[kept]
    fields = {"source_id": np.array([f"L{k + 1:06d}" for k in numbers], dtype=object), "use": code, "area_m2": shapely.area(shape)[kept].round(1),
              "survey_year": np.floor(np.fmax(np.nan_to_num(begin, nan=1984.0), 1984.0)).astype(int)[kept],
              "district_code": admin.district[cell[:, 0], cell[:, 1]][kept]}
    return versions(frame, fid, begin[kept], np.concatenate([end, np.full(len(green), NAN)])[kept], fields, shape[kept])


def control_zone_table(frame: Frame, mesh: Mesh, zones: Zones, admin: Admin, fids: Fids, seed: int) -> pd.DataFrame:
    """Return the layer `control_zone`: one zone per built cell, with limits that rise away from the old town."""
    rng = np.random.default_rng([seed, 17])
    cells = np.argwhere(~zones.is_zone("region", "farmland", "forest", "village"))
    offsets = 1 + RESERVE_M[np.stack([mesh.h_class[cells[:, 0], cells[:, 1]], mesh.v_class[cells[:, 0] + 1, cells[:, 1]],
                                  mesh.h_class[cells[:, 0], cells[:, 1] + 1], mesh.v_class[cells[:, 0], cells[:, 1]]], axis=1)]
    shape = polygons(inset(mesh.cells[cells[:, 0], cells[:, 1]], offsets))
    zone = np.array(ZONES, dtype=object)[zones.zone[cells[:, 0], cells[:, 1]]]
    purpose = np.select([np.isin(zone, ("hutong", "danwei", "housing90", "housing00", "housing10", "newtown")), np.isin(zone, ("office", "cbd", "finance", "tech")),
                         zone == "commercial", zone == "government", zone == "industry", zone == "logistics", zone == "green"],
                        ["0701", "0902", "0901", "0801", "1001", "1101", "1402"], "1600").astype(object)
    near = np.hypot(zones.middle[cells[:, 0], cells[:, 1], 0], zones.middle[cells[:, 0], cells[:, 1], 1] - 1300)
    limit = np.select([zone == "hutong", near < 2600, zone == "cbd", zone == "green", near < 5000], [9.0, 24.0, 330.0, 12.0, 45.0],
                      rng.choice([36.0, 45.0, 60.0, 80.0, 100.0], len(cells)))
    ratio = np.select([zone == "hutong", zone == "cbd", zone == "green", zone == "industry"], [0.9, 6.5, 0.1, 1.5], np.round(limit / 22 + 0.6, 1))
    approved = rng.uniform(2004, 2012, len(cells))
    revised = np.where(rng.random(len(cells)) < 0.35, rng.uniform(2015, 2024, len(cells)), NAN)
    again = np.flatnonzero(~np.isnan(revised))
    row = np.concatenate([np.arange(len(cells)), again])
    later = np.arange(len(row)) >= len(cells)
    begin = np.concatenate([approved, revised[again]])
    year = np.floor(begin).astype(int)
    fid = fids.take(len(cells))
    district = admin.district[cells[:, 0], cells[:, 1]]
    fields = {
        "zone_no": np.array([f"{d[-2:]}-{k:04d}" for d, k in zip(district, range(1, len(cells) + 1), strict=True)], dtype=object)[row],
        "name": np.array([admin.names[c] + "控制性详细规划" for c in admin.street[cells[:, 0], cells[:, 1]]], dtype=object)[row],
        "purpose": purpose[row], "far_max": np.where(later & (ratio[row] > 2), (ratio[row] * 0.92).round(1), ratio[row]), "height_limit_m": limit[row],
        "density_max_pct": np.select([zone == "hutong", zone == "industry", zone == "green"], [60.0, 50.0, 5.0], 30.0)[row],
        "green_min_pct": np.select([zone == "hutong", zone == "industry", zone == "green"], [10.0, 15.0, 80.0], 30.0)[row],
        "area_m2": shapely.area(shape)[row].round(1),
        "approval_no": np.array([f"示政规函〔{y}〕{k % 400 + 1}号" for y, k in zip(year, row, strict=True)], dtype=object),
        "approved_on": days(begin), "district_code": district[row],
    }
    return versions(frame, fid[row], begin, np.concatenate([revised, np.full(len(again), NAN)]), fields, shape[row])


def building_parcel_table(frame: Frame, plots: Plots, land: Land, b: Buildings, district: np.ndarray, fids: Fids) -> pd.DataFrame:
    """Return the relation `building_parcel`: which parcel a building stands on, while both exist."""
    there = np.array([s is not None for s in land.shape])
    born = np.array([p.born for p in plots.parcels])[b.parcel]
    gone = np.array([p.gone for p in plots.parcels])[b.parcel]
    begun = np.where((b.done >= BUILT_FROM) & ~np.isin(b.kind, ("hutong", "village")), b.start, b.done)
    rows = np.flatnonzero(there[b.parcel])
    begin = np.fmax(np.fmax(begun, born), BEFORE)[rows]
    end = np.fmin(b.end, gone)[rows]
    fields = {"building_fid": b.fid[rows], "parcel_fid": land.fid[b.parcel[rows]], "portion": "whole", "district_code": district[rows]}
    return versions(frame, fids.take(len(rows)), begin, end, fields)
