"""Addresses and public facilities of the demo city, as points."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from layers.demo.addresses import Addresses
from layers.demo.admin import Admin
from layers.demo.building_facts import HOUSING, Facts
from layers.demo.buildings import Buildings
from layers.demo.frame import Frame
from layers.demo.housing import Units
from layers.demo.mesh import Mesh
from layers.demo.plots import Plots
from layers.demo.streets import Streets
from layers.demo.table import Fids, versions
from layers.demo.titles import Titles

__all__ = ["address_table", "facility_table"]

NAN = float("nan")
_KINDS = {"primary": "primary_school", "middle": "middle_school", "hospital": "hospital", "elder": "elder_care", "gov": "government",
          "firestation": "fire_station", "mall": "market", "culture": "culture", "substation": "utility", "waterworks": "utility", "heatworks": "utility",
          "station": "railway_station", "stadium": "sports", "expo": "culture"}
_CAPACITY = {"primary_school": (720, 1600), "middle_school": (900, 2400), "hospital": (200, 1500), "elder_care": (60, 400), "kindergarten": (120, 360),
             "shelter": (2000, 40000), "university": (6000, 30000), "sports": (5000, 80000)}
# Metro lines: name, way along the mesh, index relative to the axis or a ring, year of opening.
_METRO = (("h", "axis", 0, 1971.0), ("ring", "2", 2, 1984.7), ("v", "axis", 3, 2007.8), ("v", "axis", -4, 2009.7), ("h", "axis", 5, 2003.1), ("ring", "3", 3, 2012.99),
          ("h", "axis", -5, 2014.98), ("v", "axis", 9, 2018.9), ("v", "axis", -9, 2021.99), ("h", "axis", 11, 2027.9))


def address_table(frame: Frame, plots: Plots, titles: Titles, b: Buildings, a: Addresses, facts: Facts, units: Units, admin: Admin, fids: Fids) -> pd.DataFrame:
    """Return the layer `address`: gates, houses in lanes, buildings in compounds, entrances."""
    d = plots.developments
    cell = np.array([x.cell for x in d])
    gates = np.array([k for k, x in enumerate(d) if x.block >= 0 and titles.road[k] and x.kind not in ("hutong", "village", "farmland", "reserve")
                      and not x.end < 2005])
    compound = np.array([titles.name[k] if d[k].kind in HOUSING else None for k in range(len(d))], dtype=object)
    lasting, named = ~(b.end < 2005), np.array([r is not None for r in a.road])
    houses = np.flatnonzero((b.kind == "hutong") & lasting & named)
    numbered = np.flatnonzero((a.building_no > 0) & np.isin(b.kind, HOUSING) & np.isnan(b.end) & (b.done > 1986) & named)
    door_building, door = units.entrance_building, units.entrance_no
    west_east = np.array([g.bounds for g in b.shape[door_building]])
    count = np.maximum(b.entrances[door_building], 1)
    door_x = west_east[:, 0] + (west_east[:, 2] - west_east[:, 0]) * (door - 0.5) / count
    door_y = np.maximum(b.middle[door_building, 1], west_east[:, 3] - 3)
    district_name = np.array([admin.names[c] for c in admin.district[cell[gates, 0], cell[gates, 1]]], dtype=object)
    full_gate = [f"{x}{titles.road[k]}{titles.number[k]}号{'院' if d[k].kind in HOUSING else ''}" for x, k in zip(district_name, gates.tolist(), strict=True)]
    full = [full_gate, list(a.full[houses]), list(a.full[numbered]), [f"{x}{n}单元" for x, n in zip(a.full[door_building], door.tolist(), strict=True)]]
    short = [[f"{titles.number[k]}号" for k in gates.tolist()], [f"{n}号" for n in a.gate_no[houses].tolist()],
             [f"{n}号楼" for n in a.building_no[numbered].tolist()], [f"{n}单元" for n in door.tolist()]]
    gate_end = np.array([d[k].end for k in gates])
    own = [houses, numbered, door_building]
    n = len(gates) + sum(len(x) for x in own)
    building_rows = np.concatenate(own)
    none = np.full(len(gates), None, dtype=object)
    gate_no = np.concatenate([titles.number[gates], a.gate_no[building_rows]])
    cells = np.concatenate([cell[gates], b.cell[building_rows]])
    points = np.concatenate([titles.gate[gates], b.middle[houses], b.middle[numbered], np.stack([door_x, door_y], axis=1)])
    fields = {
        "address_no": np.array([f"A{k:06d}" for k in range(1, n + 1)], dtype=object), "full_address": np.array(sum(full, []), dtype=object),
        "short_no": np.array(sum(short, []), dtype=object), "road_name": np.concatenate([titles.road[gates], a.road[building_rows]]),
        "gate_no": np.array([f"{k}号" for k in gate_no.tolist()], dtype=object),
        "compound": np.concatenate([compound[gates], compound[b.development[building_rows]]]),
        "building_no": np.concatenate([none, facts.columns["building_no"][building_rows]]),
        "entrance_no": np.concatenate([none, np.full(len(houses) + len(numbered), None, dtype=object), np.array([f"{k}单元" for k in door.tolist()], dtype=object)]),
        "kind": np.repeat(["gate", "gate", "building", "entrance"], [len(gates), len(houses), len(numbered), len(door)]).astype(object),
        "building_fid": np.concatenate([none, b.fid[building_rows]]), "street_code": admin.street[cells[:, 0], cells[:, 1]],
        "district_code": admin.district[cells[:, 0], cells[:, 1]],
    }
    begin = np.concatenate([np.array([d[k].done for k in gates]), b.done[building_rows]])
    return versions(frame, fids.take(n), begin, np.concatenate([gate_end, b.end[building_rows]]), fields, shapely.points(points))


def _metro(mesh: Mesh, streets: Streets) -> list[tuple[str, np.ndarray, float]]:
    axis_i, axis_j = streets.axis_i, streets.axis_j
    low_i, high_i, low_j, high_j = mesh.rings[5]
    seen: dict[str, tuple[str, np.ndarray, float]] = {}
    for way, _, offset, year in _METRO:
        if way == "h":
            nodes = [(i, axis_j + offset) for i in range(low_i, high_i + 1, 2)]
        elif way == "v":
            nodes = [(axis_i + offset, j) for j in range(low_j, high_j + 1, 2)]
        else:
            west, east, south, north = mesh.rings[offset]
            nodes = [(i, j) for j in (south, north) for i in range(west, east + 1, 2)] + [(i, j) for i in (west, east) for j in range(south + 2, north - 1, 2)]
        for i, j in nodes:
            if way == "v":
                name = streets.along_h(min(i, len(mesh.x) - 2), j)
            else:
                name = streets.along_v(i, min(j, len(mesh.y) - 2))
            stop = name.rstrip("路街大") + "站"
            near = any(np.hypot(*(mesh.nodes[i, j] - point)) < 400 for _, point, _ in seen.values())
            if stop not in seen and not near:
                seen[stop] = (stop, mesh.nodes[i, j] + (22.0, -22.0), year)
    return list(seen.values())


def facility_table(frame: Frame, mesh: Mesh, plots: Plots, titles: Titles, b: Buildings, a: Addresses, streets: Streets, admin: Admin, fids: Fids,
                   seed: int) -> pd.DataFrame:
    """Return the layer `facility`."""
    rng = np.random.default_rng([seed, 20])
    rows: list[tuple[str, str, str | None, np.ndarray, float, float, int, tuple[int, int]]] = []
    first: dict[int, int] = {}
    for k in np.lexsort((b.role != "main", b.development)).tolist():
        first.setdefault(int(b.development[k]), k)
    for dev, d in enumerate(plots.developments):
        kind = _KINDS.get(d.kind)
        if kind and dev in first and titles.name[dev]:
            k = first[dev]
            rows.append((titles.name[dev], kind, a.full[k], b.middle[k], float(b.done[k]), float(b.end[k]), int(b.fid[k]), d.cell))
    for k in np.flatnonzero(np.isin(b.kind, HOUSING) & (b.role == "service")).tolist():
        if titles.name[b.development[k]]:
            rows.append((f"{titles.name[b.development[k]]}幼儿园", "kindergarten", a.full[k], b.middle[k], float(b.done[k]), float(b.end[k]), int(b.fid[k]), tuple(b.cell[k].tolist())))
    for number, region in enumerate(mesh.regions):
        i0, i1, j0, j1 = mesh.boxes[number]
        middle, cell = mesh.nodes[i0:i1 + 1, j0:j1 + 1].mean(axis=(0, 1)), ((i0 + i1) // 2, (j0 + j1) // 2)
        if region.kind == "university":
            rows.append((region.name, "university", None, middle, float(region.year), NAN, 0, cell))
        elif region.kind in ("park", "forest_park"):
            rows.append((region.name + "应急避难场所", "shelter", None, middle, max(2004.0, float(region.year) + 1), NAN, 0, cell))
    shop = np.flatnonzero(np.isin(b.role, ("shop",)) & b.standing & np.isnan(b.end))
    community = admin.community[b.cell[shop, 0], b.cell[shop, 1]].astype(str)
    for code in np.unique(community):
        chosen = shop[community == code]
        for kind, ending, k in zip(("clinic", "police"), ("社区卫生服务站", "派出所"), chosen[:: max(1, len(chosen) // 2)][:2].tolist(), strict=False):
            if kind == "clinic" or code.endswith("001"):
                name = admin.names[code if kind == "clinic" else code[:9]].removesuffix("社区").removesuffix("街道")
                rows.append((name + ending, kind, a.full[k], b.middle[k], float(b.done[k]), NAN, int(b.fid[k]), tuple(b.cell[k].tolist())))
    rows += [(name, "metro_station", None, point, year, NAN, 0, (int(np.searchsorted(mesh.x, point[0]) - 1), int(np.searchsorted(mesh.y, point[1]) - 1)))
             for name, point, year in _metro(mesh, streets)]
    n = len(rows)
    name, kind, address, points, begin, end, building, cell = (list(c) for c in zip(*rows, strict=True))
    cells = np.array(cell).clip(0, np.array(admin.district.shape) - 1)
    start = np.array(begin)
    capacity = [int(rng.integers(*_CAPACITY[x])) // 10 * 10 if x in _CAPACITY else None for x in kind]
    fields = {"facility_no": np.array([f"F{k:05d}" for k in range(1, n + 1)], dtype=object), "name": np.array(name, dtype=object),
              "kind": np.array(kind, dtype=object), "address": np.array(address, dtype=object), "capacity": np.array(capacity, dtype=object),
              "opened_year": np.floor(start).astype(int), "building_fid": np.array([k or None for k in building], dtype=object),
              "district_code": admin.district[cells[:, 0], cells[:, 1]]}
    return versions(frame, fids.take(n), start, np.array(end), fields, shapely.points(np.array(points)))
