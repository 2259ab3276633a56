"""Pipe networks as tables: nodes, segments and customers, with codes and kinds of CJJ 61."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from layers.demo.addresses import Addresses
from layers.demo.admin import Admin
from layers.demo.building_facts import HOUSING, Facts
from layers.demo.buildings import Buildings
from layers.demo.frame import Frame
from layers.demo.mesh import Mesh
from layers.demo.pipes import Edge, Network
from layers.demo.places import cell_of
from layers.demo.services import Service, service_size
from layers.demo.table import Fids, versions
from layers.demo.terrain import ground_m

__all__ = ["pipe_tables"]

NAN = float("nan")
# Serial of each feature in its feature code: point type (1 feature point, 2 facility) and number.
_SERIAL = {"bend": "101", "tee": "102", "cross": "103", "many": "104", "straight": "105", "end": "106", "reducer": "107", "manhole": "201", "hydrant": "202",
           "meter": "203", "valve": "204", "gully": "205", "outfall": "206", "source": "207", "pump": "208", "regulator": "209", "exchanger": "210",
           "substation": "211", "switch": "212", "box": "213", "handhole": "214", "cabinet": "215", "service": "216"}
_TITLE = {"ductile_iron": "球墨铸铁", "cast_iron": "铸铁", "steel": "钢", "insulated_steel": "保温钢", "pe": "PE", "hdpe": "HDPE", "reinforced_concrete": "钢筋混凝土",
          "copper": "铜", "fibre": "光纤", "concrete": "混凝土"}
_PRIORITY = {"hospital": "critical", "firestation": "critical", "elder": "sensitive", "primary": "sensitive", "middle": "sensitive", "gov": "sensitive"}


def _material(letter: str, year: float, size: float) -> str:
    match letter:
        case "JS":
            return "pe" if size <= 100 and year > 2000 else "cast_iron" if year < 1988 else "ductile_iron"
        case "PS":
            return "hdpe" if year > 2002 and size <= 800 else "concrete" if size <= 500 else "reinforced_concrete"
        case "RQ":
            return "pe" if year > 2000 and size <= 300 else "steel"
        case "RL":
            return "insulated_steel" if year > 1992 else "steel"
        case "DL":
            return "copper"
    return "fibre"


def _segments(net: Network, services: list[Service]) -> tuple[list[Edge], np.ndarray]:
    """Return the run of each segment and its nodes (n, 2); services of sewers run to the main."""
    runs, pairs = [], []
    for e in net.edges:
        runs += [e] * (len(e.nodes) - 1)
        pairs += list(zip(e.nodes, e.nodes[1:], strict=False))
    road_of = {n: e for e in net.edges for n in e.nodes[1:-1]}
    for s in services:
        main = road_of[s.main]
        runs.append(Edge([], s.begin, service_size(net.kind.letter), main.road, 4))
        pairs.append((s.end, s.main) if net.kind.falls else (s.main, s.end))
    return runs, np.array(pairs)


def pipe_tables(frame: Frame, mesh: Mesh, admin: Admin, networks: list[Network], services: list[Service], b: Buildings, facts: Facts, a: Addresses,
                fids: Fids, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the layers pipe_node, pipe_segment and customer."""
    rng = np.random.default_rng([seed, 26])
    node_tables, segment_tables = [], []
    own: list[np.ndarray] = []
    for number, net in enumerate(networks):
        kind, mine = net.kind, [s for s in services if s.network == number]
        runs, pairs = _segments(net, mine)
        xy = np.stack([net.x, net.y], axis=1)
        ground, depth = ground_m(xy[:, 0], xy[:, 1]).round(3), np.array(net.depth).round(3)
        level = (ground - depth).round(3)
        degree = np.bincount(pairs.ravel(), minlength=len(xy))
        feature = np.array(net.feature, dtype=object)
        plain = np.isin(feature, ("", "straight"))
        feature[plain] = np.select([degree == 1, degree == 3, degree == 4, degree > 4], ["end", "tee", "cross", "many"], "straight")[plain]
        n = len(xy)
        fid = fids.take(n)
        own.append(fid)
        names = np.array([f"{'YS' if kind.sub == '201' else 'WS' if kind.sub == '202' else kind.letter}{k:05d}" for k in range(1, n + 1)], dtype=object)
        i, j = cell_of(mesh, xy)
        district = admin.district[i, j]
        road = np.full(n, None, dtype=object)
        for run, (x, y) in zip(runs, pairs.tolist(), strict=True):
            road[x] = road[x] or run.road
            road[y] = road[y] or run.road
        begin = np.array(net.begin)
        year = np.floor(begin).astype(int)
        valve, chamber = feature == "valve", np.isin(feature, ("manhole", "handhole"))
        state = rng.random(n)
        node_tables.append(versions(frame, fid, begin, np.full(n, NAN), {
            "node_no": names, "kind": kind.letter, "sub_kind": kind.sub, "feature_code": np.array([f"5{kind.sub}2{_SERIAL[f]}" for f in feature], dtype=object),
            "feature": feature, "ground_elevation_m": ground, "bottom_elevation_m": np.where(chamber, (level - 0.2).round(3), np.nan),
            "diameter_mm": np.where(valve, 200.0, np.nan), "valve_state": np.where(valve, np.where(state < .015, "closed", "open"), None),
            "operable": np.where(valve, state < .96, None), "cover": np.where(chamber, np.where(year < 2005, "iron", "composite"), None), "built_year": year,
            "status": "in_use", "accuracy_class": np.where(year > 2010, "I", "II").astype(object), "owner": kind.owner, "road_name": road, "district_code": district},
            shapely.points(xy)))
        # Segments; a replaced run has a second version
        first = np.array([r.begin for r in runs])
        changed_at = np.array([r.replaced for r in runs])
        size = np.array([r.size_mm for r in runs])
        grade = np.array([r.grade for r in runs])
        m = len(runs)
        changed = np.flatnonzero(~np.isnan(changed_at))
        row = np.concatenate([np.arange(m), changed])
        start = np.concatenate([first, changed_at[changed]])
        end = np.concatenate([changed_at, np.full(len(changed), NAN)])
        material = np.array([_material(kind.letter, y, s) for y, s in zip(start, size[row], strict=True)], dtype=object)
        cable = kind.letter in ("DL", "TX")
        ducts = np.where(cable, np.select([grade[row] == 1, grade[row] == 2, grade[row] == 3], [24, 16, 12], 4), 0)
        used = (ducts * rng.uniform(.3, .95, len(row))).astype(int)
        label = np.array([f"{names[x][:2]} {d}孔 {_TITLE[t]}" if cable else f"{names[x][:2]} DN{s:.0f} {_TITLE[t]}"
                          for x, d, s, t in zip(pairs[row, 0], ducts, size[row], material, strict=True)], dtype=object)
        pressure = {"JS": "low", "PS": "gravity", "RL": "primary"}.get(kind.letter)
        gas = np.select([grade == 1, grade == 2, grade == 3], ["sub_high_b", "medium_a", "medium_b"], "low").astype(object)[row]
        length = np.linalg.norm(xy[pairs[:, 0]] - xy[pairs[:, 1]], axis=1)
        segment_fid = fids.take(m)
        built = np.floor(start).astype(int)
        segment_tables.append(versions(frame, segment_fid[row], start, end, {
            "segment_no": np.array([f"{x}-{y}" for x, y in zip(names[pairs[row, 0]], names[pairs[row, 1]], strict=True)], dtype=object),
            "kind": kind.letter, "sub_kind": kind.sub, "feature_code": f"5{kind.sub}1001", "label": label,
            "start_node_fid": fid[pairs[row, 0]], "end_node_fid": fid[pairs[row, 1]], "start_depth_m": depth[pairs[row, 0]], "end_depth_m": depth[pairs[row, 1]],
            "start_elevation_m": level[pairs[row, 0]], "end_elevation_m": level[pairs[row, 1]], "depth_to": kind.depth_to, "material": material,
            "size_mm": np.where(cable, np.nan, size[row]), "section_mm": np.where(cable, np.array([f"{d * 50:.0f}×300" for d in ducts], dtype=object), None),
            "pressure": gas if kind.letter == "RQ" else pressure, "voltage_kv": np.where(grade[row] == 1, 110.0, 10.0) if kind.letter == "DL" else np.nan,
            "cable_count": used if cable else None, "duct_count": ducts if cable else None, "used_ducts": used if cable else None,
            "embedding": "duct_block" if cable else "direct", "flow": "forward" if kind.falls else "both", "length_m": length[row].round(2),
            "built_year": built, "status": "in_use", "accuracy_class": np.where(built > 2010, "I", "II").astype(object), "owner": kind.owner,
            "road_name": np.array([r.road for r in runs], dtype=object)[row], "district_code": district[pairs[row, 0]]},
            shapely.linestrings(np.stack([xy[pairs[row, 0]], xy[pairs[row, 1]]], axis=1))))
    rows = np.array([s.building for s in services])
    letter = np.array([networks[s.network].kind.letter for s in services], dtype=object)
    use = facts.columns["use"][rows]
    n = len(services)
    counter = dict.fromkeys(set(letter), 0)
    numbers = []
    for x in letter:
        counter[x] += 1
        numbers.append(f"{x}{9_000_000 + counter[x]}")
    customers = versions(frame, fids.take(n), np.array([s.begin for s in services]), b.end[rows], {
        "customer_no": np.array(numbers, dtype=object), "kind": letter, "name": facts.columns["name"][rows], "address": a.full[rows],
        "category": np.select([np.isin(b.kind[rows], HOUSING), np.isin(use, ("commercial", "office", "hotel", "research")), use == "industrial"],
                              ["residential", "commercial", "industrial"], "public").astype(object),
        "priority": np.array([_PRIORITY.get(k, "normal") for k in b.kind[rows]], dtype=object), "households": facts.columns["dwellings"][rows],
        "node_fid": np.array([own[s.network][s.end] for s in services]), "building_fid": b.fid[rows], "district_code": facts.columns["district_code"][rows]},
        shapely.points(b.middle[rows]))
    return pd.concat(node_tables, ignore_index=True), pd.concat(segment_tables, ignore_index=True), customers
