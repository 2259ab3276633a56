"""Districts, streets and communities: whole cells of the mesh, so that borders follow roads and rivers of the plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from layers.demo.mesh import Mesh
from layers.demo.names import Names
from layers.demo.quads import polygons
from layers.demo.terrain import hilliness
from layers.demo.zones import Zones

__all__ = ["DISTRICTS", "Admin", "make_admin"]

# Name, English name, number of streets; the code is 1199 and the number: no such prefecture exists.
DISTRICTS = (("永安区", "Yong'an District", 7), ("定西区", "Dingxi District", 7), ("朝晖区", "Zhaohui District", 11),
             ("云丰区", "Yunfeng District", 9), ("海岳区", "Haiyue District", 9), ("石屏区", "Shiping District", 4),
             ("丰乐区", "Fengle District", 7), ("通惠区", "Tonghui District", 6))
_COMMUNITIES = 5


@dataclass
class Admin:
    """Codes of each cell (nx-1, ny-1), and the areas: code, name, polygon, and for streets whether it is a town."""

    district: np.ndarray
    street: np.ndarray
    community: np.ndarray
    shapes: dict[str, shapely.Geometry]
    names: dict[str, str]
    is_town: dict[str, bool]


def _parts(points: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """Part points into `count` near ones of about the same weight (Lloyd); return the part of each."""
    chosen = [int(np.argmax(weight))]
    for _ in range(count - 1):
        far = np.min(np.linalg.norm(points[:, None] - points[chosen], axis=2), axis=1) * np.sqrt(weight)
        chosen.append(int(np.argmax(far)))
    middles = points[chosen]
    part = np.zeros(len(points), int)
    for _ in range(12):
        part = np.linalg.norm(points[:, None] - middles, axis=2).argmin(axis=1)
        for k in range(count):
            if (part == k).any():
                middles[k] = np.average(points[part == k], axis=0, weights=weight[part == k])
    for k in range(count):      # nobody goes empty
        if not (part == k).any():
            crowded = np.bincount(part, minlength=count).argmax()
            part[np.flatnonzero(part == crowded)[0]] = k
    return part


def make_admin(mesh: Mesh, zones: Zones, names: Names) -> Admin:
    """Part the city into districts, streets and communities."""
    middle, ring = zones.middle, zones.ring
    x, y = middle[..., 0], middle[..., 1]
    angle = np.degrees(np.arctan2(y - 150, x)) % 360
    district = np.select(
        [(ring == 2) & (x > 0), ring == 2, hilliness(x, y) > -1900, (angle < 35) | (angle >= 330), angle < 100, angle < 170, angle < 262],
        [0, 1, 5, 2, 3, 4, 6], 7)
    built = np.where(zones.is_zone("farmland", "forest", "green", "reserve"), 0.25, np.where(zones.is_zone("village"), 0.5, 1.0))
    street, community = np.empty(x.shape, dtype=object), np.empty(x.shape, dtype=object)
    shapes: dict[str, shapely.Geometry] = {}
    titles: dict[str, str] = {}
    towns: dict[str, bool] = {}
    cells = polygons(mesh.cells.reshape(-1, 4, 2)).reshape(x.shape)
    codes = np.array([f"1199{k + 1:02d}" for k in range(len(DISTRICTS))], dtype=object)
    for k, (name, _, count) in enumerate(DISTRICTS):
        inside = district == k
        shapes[codes[k]] = shapely.union_all(cells[inside])
        titles[codes[k]] = name
        where = np.argwhere(inside)
        part = _parts(middle[inside], built[inside], count)
        for s in range(count):
            chosen = where[part == s]
            rural = bool((built[tuple(chosen.T)] < 0.9).mean() > 0.55)
            code = f"{codes[k]}{(100 if rural else 0) + s + 1:03d}"
            shapes[code] = shapely.union_all(cells[tuple(chosen.T)])
            titles[code] = names.one() + ("镇" if rural else "街道")
            towns[code] = rural
            street[tuple(chosen.T)] = code
            own = _parts(middle[tuple(chosen.T)], built[tuple(chosen.T)], min(_COMMUNITIES + (len(chosen) > 26), len(chosen)))
            for c in range(own.max() + 1):
                members = chosen[own == c]
                inner = f"{code}{(200 if rural and c else 0) + c + 1:03d}"
                shapes[inner] = shapely.union_all(cells[tuple(members.T)])
                titles[inner] = names.one() + ("村" if rural and c else "社区")
                community[tuple(members.T)] = inner
    return Admin(codes[district], street, community, shapes, titles, towns)
