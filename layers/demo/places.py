"""Water and green of the demo city, as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from layers.demo.admin import Admin
from layers.demo.fabric import Fabric
from layers.demo.frame import Frame
from layers.demo.land import Land
from layers.demo.mesh import RESERVE_M, Mesh
from layers.demo.names import Names
from layers.demo.plots import Plots
from layers.demo.quads import areas_of, inset, polygons
from layers.demo.table import Fids, versions
from layers.demo.terrain import foot_of_hills, ground_m, hilliness
from layers.demo.titles import Titles
from layers.demo.water import Water, extent_polygon, region_polygon
from layers.demo.zones import Zones

__all__ = ["cell_of", "green_space_table", "water_table"]

NAN = float("nan")


def cell_of(mesh: Mesh, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell (i, j) of local points; the bend of the mesh is followed to the nearest middle."""
    middles = mesh.cells.mean(axis=2)
    i = np.searchsorted(mesh.x, points[:, 0]) - 1
    j = np.searchsorted(mesh.y, points[:, 1]) - 1
    best, out_i, out_j = np.full(len(points), np.inf), i.copy(), j.copy()
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            a, b = (i + di).clip(0, middles.shape[0] - 1), (j + dj).clip(0, middles.shape[1] - 1)
            distance = np.abs(middles[a, b] - points).sum(axis=1)
            nearer = distance < best
            best, out_i, out_j = np.where(nearer, distance, best), np.where(nearer, a, out_i), np.where(nearer, b, out_j)
    return out_i, out_j


def _districts(mesh: Mesh, admin: Admin, shapes: np.ndarray) -> np.ndarray:
    return admin.district[cell_of(mesh, shapely.get_coordinates(shapely.point_on_surface(shapes)))]


def water_table(frame: Frame, mesh: Mesh, admin: Admin, waters: list[Water], fids: Fids) -> pd.DataFrame:
    """Return the layer `water_area`; a lake may reach over a border and belongs where most of it lies."""
    shape = np.array([w.shape for w in waters], dtype=object)
    middle = shapely.get_coordinates(shapely.point_on_surface(shape))
    n = len(waters)
    fields = {"source_id": [f"W{k:04d}" for k in range(1, n + 1)], "name": [w.name for w in waters], "kind": [w.kind for w in waters],
              "area_m2": shapely.area(shape).round(0), "water_level_m": (ground_m(middle[:, 0], middle[:, 1]) - 1.8).round(1),
              "district_code": _districts(mesh, admin, shape)}
    return versions(frame, fids.take(n), np.array([float(w.year) for w in waters]), np.full(n, NAN), fields, shape)


def _hills(mesh: Mesh, waters: list[Water], names: Names) -> list[tuple[str, shapely.Geometry]]:
    """Return the woods of the hills, from north to south."""
    cuts = np.linspace(-15_600, 15_600, 6)
    water = shapely.union_all([shapely.buffer(w.shape, 12) for w in waters])
    land = extent_polygon(mesh)
    out = []
    for low, high in zip(cuts, cuts[1:], strict=False):
        y = np.arange(low, high + 1, 120)
        y[-1] = high
        edge = np.stack([foot_of_hills(y) + 60 * np.sin(y / 260) - 120, y], axis=1)
        wood = shapely.polygons(np.concatenate([edge, [[-19_000, high], [-19_000, low]]]))
        out.append((names.one() + "山林场", shapely.difference(shapely.intersection(wood, land), water)))
    return out


def green_space_table(frame: Frame, mesh: Mesh, zones: Zones, admin: Admin, plots: Plots, land: Land, titles: Titles, fabric: Fabric,
                      waters: list[Water], names: Names, fids: Fids, seed: int) -> pd.DataFrame:
    """Return the layer `green_space`: parks, gardens, sports grounds, belts along the water, woods and fields."""
    rng = np.random.default_rng([seed, 18])
    rows: list[tuple[str | None, str, shapely.Geometry, float, float]] = []
    for number, region in enumerate(mesh.regions):
        kind = {"park": "park", "forest_park": "park", "temple": "park", "sports": "sports", "works": "square", "palace": "square", "station": "square"}.get(region.kind)
        if kind:
            rows.append((region.name, kind, region_polygon(mesh, number), float(region.year), NAN))
    for k, d in enumerate(plots.developments):
        if d.kind == "smallpark" and land.shape[d.parcel] is not None:
            rows.append((titles.name[k], "community_park", land.shape[d.parcel], d.done, d.end))
    for dev, ground in fabric.fields:
        d = plots.developments[dev]
        rows.append((None, "sports", ground, d.done, d.end))
    water, land_of_city = shapely.union_all([w.shape for w in waters]), extent_polygon(mesh)
    for w in waters:
        if w.kind != "lake":
            bank = shapely.intersection(shapely.difference(shapely.buffer(w.shape, 13), water), land_of_city)
            rows.append((w.name + "滨河绿带", "protective", areas_of(shapely.simplify(bank, 0.5), 50), 1990.0, NAN))
    rows += [(name, "forest", shape, NAN, NAN) for name, shape in _hills(mesh, waters, names)]
    wood = shapely.union_all([r[2] for r in rows[-5:]])
    cells = np.argwhere(zones.is_zone("green", "forest", "farmland", "village"))
    i, j = cells.T
    offsets = np.maximum(RESERVE_M[np.stack([mesh.h_class[i, j], mesh.v_class[i + 1, j], mesh.h_class[i, j + 1], mesh.v_class[i, j]], axis=1)] * 0.7, 1.0)
    patches = shapely.difference(polygons(inset(mesh.cells[i, j], offsets)), shapely.union_all([shapely.buffer(water, 13), wood]))
    # Beside the hills the wood ends at its own edge; what is left of the cell is fields.
    hill = hilliness(zones.middle[i, j, 0], zones.middle[i, j, 1]) > -900
    green, forest = zones.is_zone("green")[i, j], zones.is_zone("forest")[i, j] & ~hill
    for k, patch in enumerate(patches):
        shape = areas_of(patch, 900)
        if shape is None:
            continue
        if green[k]:
            rows.append((names.one() + "郊野公园", "park", shape, float(rng.uniform(1994, 2022)), NAN))
        else:
            rows.append((names.one() + "林地" if forest[k] else None, "forest" if forest[k] else "farmland", shape, NAN, NAN))
    # Fields that the city has grown over since.
    for number, p in enumerate(plots.parcels):
        if p.uses[0][1] in ("0103", "0101") and land.shape[number] is not None and (len(p.uses) > 1 or not np.isnan(p.gone)):
            rows.append((None, "farmland", land.shape[number], NAN, p.uses[1][0] if len(p.uses) > 1 else p.gone))
    name, kind, shapes, begin, end = (list(c) for c in zip(*rows, strict=True))
    shape = np.array(shapes, dtype=object)
    start = np.array(begin, float)
    n = len(rows)
    fields = {"source_id": [f"G{k:05d}" for k in range(1, n + 1)], "name": np.array(name, dtype=object), "kind": np.array(kind, dtype=object),
              "area_m2": shapely.area(shape).round(0), "opened_year": np.where(np.isnan(start), None, np.floor(np.nan_to_num(start, nan=0)).astype(int)),
              "district_code": _districts(mesh, admin, shape)}
    return versions(frame, fids.take(n), start, np.array(end, float), fields, shape)
