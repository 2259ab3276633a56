"""Service pipes: from the mains in the road to the buildings beside it, and the customers they serve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from layers.demo.building_facts import HOUSING, Facts
from layers.demo.buildings import Buildings
from layers.demo.pipes import Network
from layers.demo.terrain import ground_m

__all__ = ["Service", "connect"]

_REACH_M, _SHARE = 78.0, 0.5
_SERVED = (*HOUSING, "offices", "cbd", "hotel", "mall", "gov", "primary", "middle", "hospital", "elder", "shops", "culture", "campus", "techpark", "firestation")
_SIZE = {"JS": 100.0, "PS": 300.0, "RQ": 80.0, "RL": 150.0, "DL": 150.0, "TX": 110.0}
_END = {"JS": "meter", "PS": "manhole", "RQ": "meter", "RL": "exchanger", "DL": "box", "TX": "cabinet"}


@dataclass
class Service:
    """One service: network number, node at the main, node at the building, building (row), year."""

    network: int
    main: int
    end: int
    building: int
    begin: float


def connect(networks: list[Network], b: Buildings, facts: Facts, seed: int) -> list[Service]:
    """Lay service pipes to buildings that stand now; none crosses another building, and each joint serves one."""
    rng = np.random.default_rng([seed, 25])
    lasting = np.isnan(b.end) & (b.done < 2026.5)
    served = np.flatnonzero(lasting & np.isin(b.kind, _SERVED) & np.isin(b.role, ("main", "tower", "shop")))
    all_standing = shapely.STRtree(b.shape[lasting])
    standing = np.flatnonzero(lasting)
    tree = shapely.STRtree(b.shape[served])
    out: list[Service] = []
    for number, net in enumerate(networks):
        if net.kind.sub == "201":       # storm water is taken from the road
            continue
        joints = np.array([n for e in net.edges for n in e.nodes[1:-1] if net.feature[n] in ("straight", "hydrant", "manhole", "handhole")])
        points = shapely.points(np.array(net.x)[joints], np.array(net.y)[joints])
        a, k = tree.query_nearest(points, max_distance=_REACH_M, all_matches=False)
        joint, building = joints[a], served[k]
        _, first = np.unique(building, return_index=True)
        joint, building, points = joint[first], building[first], points[a][first]
        lines = shapely.shortest_line(points, b.shape[building])
        x, y = all_standing.query(lines, predicate="intersects")
        crossed = np.zeros(len(lines), bool)
        crossed[x[standing[y] != building[x]]] = True
        length = shapely.length(lines)
        chosen = np.flatnonzero(~crossed & (length > 4) & (rng.random(len(lines)) < _SHARE))
        ends = shapely.get_coordinates(shapely.get_point(lines, -1))
        ground, main_ground = ground_m(ends[:, 0], ends[:, 1]), ground_m(np.array(net.x)[joint], np.array(net.y)[joint])
        for k in chosen.tolist():
            main, row = int(joint[k]), int(building[k])
            begin = max(net.begin[main], float(b.done[row]))
            depth = net.kind.depth_m - 0.2
            if net.kind.falls:
                main_level = float(main_ground[k]) - net.depth[main]
                depth = min(1.4, float(ground[k]) - main_level - 0.012 * float(length[k]))
                if depth < 0.7:
                    continue
            end = net.node(*ends[k], _END[net.kind.letter], depth, begin)
            out.append(Service(number, main, end, row, begin))
    return out


def service_size(letter: str) -> float:
    """Return the diameter of a service pipe, in millimetres."""
    return _SIZE[letter]
