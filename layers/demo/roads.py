"""Roads of the demo city, before they are broken at their junctions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from layers.demo.blocks import Blocks
from layers.demo.fabric import Fabric
from layers.demo.mesh import CLASSES, RESERVE_M, WIDTH_M, Mesh
from layers.demo.plots import Plots
from layers.demo.quads import inset, sizes
from layers.demo.regions import DIAGONALS
from layers.demo.streets import Streets
from layers.demo.zones import Zones

__all__ = ["COMPOUNDS", "Line", "diagonal_obstacles", "make_lines"]

NAN = float("nan")
COMPOUNDS = ("slabs90", "towers90", "mixed00", "slabs00", "towers10", "villas", "danwei")


@dataclass
class Line:
    """A road: points (n, 2), class, name, cell, years; `was` is (year, class): until then it was of another class."""

    points: np.ndarray
    kind: str
    name: str
    cell: tuple[int, int]
    born: float = NAN
    gone: float = NAN
    was: tuple[float, str] | None = None


def _diagonal(points: tuple[tuple[float, float], ...]) -> np.ndarray:
    p = np.array(points, dtype=float)
    for _ in range(3):
        p = np.concatenate([p[:1], np.stack([.75 * p[:-1] + .25 * p[1:], .25 * p[:-1] + .75 * p[1:]], axis=1).reshape(-1, 2), p[-1:]])
    return p


def diagonal_obstacles() -> list[shapely.Geometry]:
    """Return the land that the expressways across the mesh take."""
    return [shapely.buffer(shapely.linestrings(_diagonal(points)), RESERVE_M[1]) for _, _, points in DIAGONALS]


def _years(middle: np.ndarray, kind: int, ring: int | None, rng: np.random.Generator) -> tuple[float, tuple[float, str] | None]:
    """Return when an edge was built, and until when it was of a lower class."""
    if ring is not None:
        opened = {2: 1992.7, 3: 1994.7, 4: 2001.4, 5: 2003.8}[ring]
        return (NAN, (opened, "arterial")) if ring < 4 else (opened, None)
    r = max(abs(middle[0]), abs(middle[1]))
    if r < 5200 or r > 11500 or kind == 2:
        return NAN, None
    return 1978 + (r - 5200) / 6300 * 22 + rng.uniform(-3, 3), None


def _mesh_lines(mesh: Mesh, streets: Streets, rng: np.random.Generator) -> list[Line]:
    ring_at: dict[tuple[str, int, int], int] = {}
    for ring, (west, east, south, north) in mesh.rings.items():
        ring_at |= {("h", i, j): ring for i in range(west, east) for j in (south, north)}
        ring_at |= {("v", i, j): ring for i in (west, east) for j in range(south, north)}
    last_i, last_j = len(mesh.x) - 2, len(mesh.y) - 2
    lines = []
    for way, grid, di, dj in (("h", mesh.h_class, 1, 0), ("v", mesh.v_class, 0, 1)):
        for i, j in np.argwhere(grid > 0).tolist():
            ends = np.array([mesh.nodes[i, j], mesh.nodes[i + di, j + dj]])
            born, was = _years(ends.mean(axis=0), int(grid[i, j]), ring_at.get((way, i, j)), rng)
            name = streets.along_h(i, j) if way == "h" else streets.along_v(i, j)
            lines.append(Line(ends, CLASSES[grid[i, j]], name, (min(i, last_i), min(j, last_j)), born, NAN, was))
    for name, year, points in DIAGONALS:
        lines.append(Line(_diagonal(points), "expressway", name, (-1, -1), float(year)))
    return lines


def _local_lines(mesh: Mesh, zones: Zones, blocks: Blocks, plots: Plots, streets: Streets) -> list[Line]:
    first: dict[tuple[int, int], float] = {}
    for d in plots.developments:
        if d.block >= 0 and not (d.kind in ("village", "oldfactory") and not np.isnan(d.end)):     # streets come with what stays
            year = 1950.0 if d.done < 1985 else d.start
            first[d.cell] = min(first.get(d.cell, 2100.0), year)
    old = zones.is_zone("hutong")
    p = mesh.nodes
    lines = []
    for i, j in np.argwhere((blocks.cut_u | blocks.cut_v) & (mesh.region < 0)).tolist():
        born = first.get((i, j), 2100.0)
        if born > 2095:
            continue
        born = NAN if born <= 1950 else born
        south, north, west, east = (p[i, j], p[i + 1, j]), (p[i, j + 1], p[i + 1, j + 1]), (p[i, j], p[i, j + 1]), (p[i + 1, j], p[i + 1, j + 1])
        for cut, fractions, low, high, way, line, along in ((blocks.cut_u, blocks.u[i], south, north, "v", i, j),
                                                            (blocks.cut_v, blocks.v[j], west, east, "h", j, i)):
            if cut[i, j]:
                for k in range(1, len(fractions) - 1):
                    f = fractions[k]
                    ends = np.array([low[0] * (1 - f) + low[1] * f, high[0] * (1 - f) + high[1] * f])
                    lines.append(Line(ends, "local", streets.local(way, line, k, along, bool(old[i, j])), (i, j), born))
    return lines


def _lanes(blocks: Blocks, plots: Plots, streets: Streets) -> list[Line]:
    lines = []
    for a, b, block, row, born, gone in plots.lanes:
        along = (b - a) / np.linalg.norm(b - a)
        # From centre line to centre line: the block ends at the land of the streets beside it.
        lines.append(Line(np.array([a - along * 40, b + along * 40]), "lane", streets.lane(block, row), tuple(blocks.cell[block].tolist()), born, gone))
    return lines


def _compound_lines(plots: Plots, blocks: Blocks) -> list[Line]:
    """Roads inside housing compounds: a loop along the wall, in two halves, and the way through the gate to the street."""
    chosen = [d for d in plots.developments if d.kind in COMPOUNDS and d.block >= 0]
    quads = np.array([d.quad for d in chosen])
    # The gate is on the first side that is a side of the block too: the others are walls to the neighbours.
    block = blocks.quad[[d.block for d in chosen]]
    along = np.roll(block, -1, axis=1) - block
    along /= np.linalg.norm(along, axis=2, keepdims=True)
    away = (quads + np.roll(quads, -1, axis=1)) / 2 - block
    sides = np.argmax(np.abs(away[..., 0] * along[..., 1] - away[..., 1] * along[..., 0]) < 0.5, axis=1)
    loops = inset(quads, np.full((len(quads), 4), 3.2))
    width, height = sizes(loops)
    lines = []
    for d, loop, w, h, s in zip(chosen, loops, width, height, sides.tolist(), strict=True):
        if min(w, h) < 45:
            continue
        corner = np.roll(loop, -s, axis=0)
        near, far = (corner[0] + corner[1]) / 2, (corner[2] + corner[3]) / 2
        out = near - far
        gate = near + out / np.linalg.norm(out) * 34
        born = NAN if d.done < 1985 else d.done - 0.3
        for points in ([near, corner[1], corner[2], far], [far, corner[3], corner[0], near], [near, gate]):
            lines.append(Line(np.array(points), "internal", "", d.cell, born, d.end))
    return lines


def make_lines(mesh: Mesh, zones: Zones, blocks: Blocks, plots: Plots, streets: Streets, fabric: Fabric, obstacles: list[shapely.Geometry],
               seed: int) -> list[Line]:
    """Return all roads. Lanes and compound roads that would touch water or a building are left out."""
    main = _mesh_lines(mesh, streets, np.random.default_rng([seed, 11])) + _local_lines(mesh, zones, blocks, plots, streets)
    small = _lanes(blocks, plots, streets) + _compound_lines(plots, blocks)
    surface = shapely.buffer(np.array([shapely.linestrings(line.points) for line in small], dtype=object), WIDTH_M["internal"] / 2 + 0.05,
                             cap_style="flat")
    touched = np.zeros(len(small), bool)
    touched[shapely.STRtree(np.array(obstacles, dtype=object)).query(surface, predicate="intersects")[0]] = True
    begin = np.nan_to_num(np.array([d.start for d in plots.developments]), nan=-1e9)[fabric.development]
    end = np.nan_to_num(np.array([d.end for d in plots.developments]), nan=1e9)[fabric.development]
    a, b = shapely.STRtree(fabric.shape).query(surface, predicate="intersects")
    born = np.nan_to_num(np.array([line.born for line in small]), nan=-1e9)
    gone = np.nan_to_num(np.array([line.gone for line in small]), nan=1e9)
    together = (born[a] < end[b]) & (begin[b] < gone[a])
    touched[a[together]] = True
    return main + [line for line, bad in zip(small, touched, strict=True) if not bad]
