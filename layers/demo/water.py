"""Water of the demo city: a river out of the hills, canals, the moat of the old town, the lakes of the parks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from layers.demo.mesh import Mesh
from layers.demo.terrain import gorge

__all__ = ["Water", "extent_polygon", "make_water", "region_polygon"]


@dataclass(frozen=True)
class Water:
    """One water area: local polygon, name, kind, and the year it came to be."""

    name: str
    kind: str
    shape: shapely.Geometry
    year: int


def _smooth(points: list[tuple[float, float]], rounds: int = 4) -> shapely.Geometry:
    p = np.array(points, dtype=float)
    for _ in range(rounds):        # Chaikin's corner cutting
        q, r = 0.75 * p[:-1] + 0.25 * p[1:], 0.25 * p[:-1] + 0.75 * p[1:]
        p = np.concatenate([p[:1], np.stack([q, r], axis=1).reshape(-1, 2), p[-1:]])
    return shapely.linestrings(p)


def _ribbon(line: shapely.Geometry, width: float, swing: float = 0.0) -> shapely.Geometry:
    """Return a strip along a line, its width swinging by a share of itself."""
    steps = np.arange(0, line.length, 60.0)
    points = shapely.get_coordinates(shapely.line_interpolate_point(line, [*steps, line.length]))
    along = np.gradient(points, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    half = width / 2 * (1 + swing * np.sin(np.arange(len(points)) / 7.0) * np.sin(np.arange(len(points)) / 19.0 + 1))[:, None]
    return shapely.make_valid(shapely.polygons(np.concatenate([points + normal * half, (points - normal * half)[::-1]])))


def _blob(box: tuple[float, float, float, float], share: float, rng: np.random.Generator) -> shapely.Geometry:
    """Return a lake inside a box, covering about `share` of it."""
    west, south, east, north = box
    w, h = east - west, north - south
    theta = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    phase = rng.uniform(0, 2 * np.pi, 4)
    r = 1 + 0.14 * np.sin(2 * theta + phase[0]) + 0.12 * np.sin(3 * theta + phase[1]) + 0.05 * np.sin(5 * theta + phase[2]) \
        + 0.03 * np.sin(8 * theta + phase[3])
    unit = np.stack([r * np.cos(theta) * w / 2, r * np.sin(theta) * h / 2], axis=1)
    unit *= np.sqrt(share * w * h / shapely.area(shapely.polygons(unit)))
    fit = min(1.0, 0.94 * w / np.ptp(unit[:, 0]), 0.94 * h / np.ptp(unit[:, 1]))
    unit = unit * fit
    middle = np.array([(west + east) / 2, (south + north) / 2]) - (unit.max(axis=0) + unit.min(axis=0)) / 2
    return shapely.polygons(unit + middle)


def region_polygon(mesh: Mesh, number: int, offset_m: float = 32.0) -> shapely.Geometry:
    """Return the land of a region, drawn in from the roads around it."""
    i0, i1, j0, j1 = mesh.boxes[number]
    p = mesh.nodes
    ring = np.concatenate([p[i0:i1 + 1, j0], p[i1, j0 + 1:j1 + 1], p[i0:i1, j1][::-1], p[i0, j0 + 1:j1][::-1]])
    return shapely.buffer(shapely.polygons(ring), -offset_m, join_style="mitre")


def extent_polygon(mesh: Mesh) -> shapely.Geometry:
    """Return the land of the city: all within the outer nodes of the mesh."""
    p = mesh.nodes
    return shapely.polygons(np.concatenate([p[:, 0], p[-1, 1:], p[:-1, -1][::-1], p[0, 1:-1][::-1]]))


def make_water(mesh: Mesh, seed: int) -> list[Water]:
    """Return all water areas; they do not overlap each other."""
    rng = np.random.default_rng([seed, 3])
    xs = np.arange(-17_950, -13_400, 300.0)
    river = _smooth([*zip(xs, gorge(xs), strict=True), (-13050, 3900), (-12750, 1600), (-13000, -1500), (-12300, -4600), (-11500, -7600),
                     (-10500, -10600), (-9500, -13000), (-9450, -15700)], 3)
    i0, i1, j0, j1 = mesh.rings[2]
    (west, south), (east, north) = mesh.nodes[i0, j0], mesh.nodes[i1, j1]
    off = 68.0
    moat_line = shapely.buffer(shapely.box(west, south, east, north), off, join_style="round", quad_segs=8).exterior
    waters = [
        Water("永济河", "river", _ribbon(river, 150, 0.45), 1000),
        Water("护城河", "canal", shapely.buffer(moat_line, 15), 1420),
        Water("清漪渠", "canal", _ribbon(_smooth([(-9400, 6900), (-8700, 6050), (-7950, 4800), (-6650, 4380), (-5300, 3950), (-4000, 3300), (-2690, 3060)]), 30), 1293),
        Water("惠通河", "canal", _ribbon(_smooth([(2680, -2760), (3900, -3080), (5600, -2960), (7900, -3800), (10400, -3500), (13500, -4700), (17950, -4300)]), 44, 0.1), 1293),
        Water("亮玉河", "canal", _ribbon(_smooth([(2680, 3060), (4200, 3350), (5900, 3500), (7900, 4500), (10600, 5300), (13700, 6600), (17950, 6900)]), 32, 0.1), 1400),
        Water("清溪河", "river", _ribbon(_smooth([(-9700, 8200), (-7600, 9300), (-5200, 10350), (-2600, 10450), (200, 10650), (3400, 10500), (7000, 10950),
                                              (9700, 10600), (13200, 11700), (17950, 10900)]), 46, 0.2), 1000),
        Water("凉水河", "river", _ribbon(_smooth([(-8400, -4700), (-6600, -6300), (-3500, -7350), (-200, -8250), (2600, -9000), (4700, -10500), (8000, -11300),
                                              (11600, -13200), (14200, -14200), (15600, -15700)]), 38, 0.2), 1000),
    ]
    for number, region in enumerate(mesh.regions):
        if region.lake:
            land = region_polygon(mesh, number, 60.0)
            lake = shapely.intersection(_blob(shapely.bounds(land), region.lake, rng), land)
            if region.lake > 0.3:
                x, y = shapely.get_coordinates(shapely.point_on_surface(lake))[0]
                reach = np.sqrt(shapely.area(lake))
                lake = shapely.difference(lake, shapely.transform(
                    shapely.buffer(shapely.Point(0, 0), reach * 0.075), lambda q, x=x, y=y, r=reach: q * (1.5, 1.0) + (x + 0.12 * r, y + 0.1 * r)))
            waters.append(Water(region.lake_name, "lake", lake, region.year))
    extent = extent_polygon(mesh)
    kept: list[Water] = []
    # Lakes first: a river ends at the lake it meets.
    for w in sorted(waters, key=lambda w: w.kind != "lake"):
        shape = shapely.intersection(w.shape, extent)
        for other in kept:
            if other.year > w.year + 800:        # dug out of a river that was there before
                continue
            shape = shapely.difference(shape, other.shape)
        shape = shapely.union_all([g for g in shapely.get_parts(shape) if g.geom_type == "Polygon" and g.area > 200])
        kept.append(Water(w.name, w.kind, shapely.simplify(shape, 0.4), w.year))
    return kept
