"""The road mesh: lines north-south and east-west, bent a little away from the centre, with ring roads and classes.

Everything in the city hangs on its cells: blocks, plots, districts. Cell (i, j) lies between lines i, i+1 and j, j+1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from layers.demo.frame import Frame
from layers.demo.regions import NEW_TOWNS, REGIONS, Region
from layers.demo.terrain import hilliness

__all__ = ["CLASSES", "RESERVE_M", "WIDTH_M", "Mesh", "make_mesh"]

CLASSES = ("none", "expressway", "arterial", "secondary", "local", "lane", "internal")
# Carriageway, and half of the land a road takes (with footways and its green), in metres.
WIDTH_M = {"expressway": 50.0, "arterial": 36.0, "secondary": 24.0, "local": 13.0, "lane": 4.0, "internal": 5.0}
RESERVE_M = np.array([0.0, 38.0, 27.0, 18.0, 10.0, 3.0, 3.0])

_EAST = [640, 1290, 1950, 2620, 3210, 3800, 4390, 5010, 5660, 6310, 6960, 7620, 8450, 9290, 10130, 11000, 12100, 13300, 14600, 16100]
_WEST = [-16200, -14800, -13500, -12250, -11000, -10120, -9300, -8460, -7620, -6960, -6300, -5650, -5010, -4390, -3790, -3200, -2620,
         -1950, -1290, -640]
_NORTH = [350, 960, 1560, 2250, 3000, 3620, 4250, 4900, 5580, 6260, 6930, 7600, 8400, 9200, 10000, 11300, 12600, 13900]
_SOUTH = [-13800, -12500, -11200, -10000, -9250, -8500, -7700, -6950, -6250, -5550, -4850, -4150, -3420, -2700, -2080, -1470, -860, -250]
RING_LINES = {2: (-2620, 2620, -2700, 3000), 3: (-5010, 5010, -4850, 4900), 4: (-7620, 7620, -7700, 7600),
              5: (-11000, 11000, -10000, 10000)}


@dataclass
class Mesh:
    """Lines, nodes (nx, ny, 2) in local metres, class of each edge, region of each cell (-1: none), rings as line indices."""

    x: np.ndarray
    y: np.ndarray
    nodes: np.ndarray
    rings: dict[int, tuple[int, int, int, int]]
    h_class: np.ndarray
    v_class: np.ndarray
    region: np.ndarray
    regions: list[Region]
    boxes: list[tuple[int, int, int, int]] = field(default_factory=list)

    @property
    def cells(self) -> np.ndarray:
        """Return corners of all cells (nx-1, ny-1, 4, 2): south-west, south-east, north-east, north-west."""
        p = self.nodes
        return np.stack([p[:-1, :-1], p[1:, :-1], p[1:, 1:], p[:-1, 1:]], axis=2)

    def ring_of(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Return in which ring a cell lies: 2 inside the second, 3, 4, 5, and 6 outside the fifth."""
        out = np.full(np.shape(i), 6)
        for number in (5, 4, 3, 2):
            i0, i1, j0, j1 = self.rings[number]
            out[(i >= i0) & (i < i1) & (j >= j0) & (j < j1)] = number
        return out


def make_mesh(frame: Frame, seed: int) -> Mesh:
    """Lay the mesh over the extent of the city."""
    rng = np.random.default_rng([seed, 1])
    x = np.array([-17800, *_WEST, 0, *_EAST, 17800], dtype=float)
    y = np.array([-15400, *_SOUTH, *_NORTH, 15400], dtype=float)
    keep_x = {v for w, e, _, _ in RING_LINES.values() for v in (w, e)} | {0, 640, -640, 17800, -17800}
    keep_y = {v for _, _, s, n in RING_LINES.values() for v in (s, n)} | {-250, 15400, -15400}
    x += [0 if v in keep_x else d for v, d in zip(x, rng.uniform(-65, 65, len(x)), strict=True)]
    y += [0 if v in keep_y else d for v, d in zip(y, rng.uniform(-65, 65, len(y)), strict=True)]
    rings = {k: (int(np.argmin(abs(x - w))), int(np.argmin(abs(x - e))), int(np.argmin(abs(y - s))), int(np.argmin(abs(y - n))))
             for k, (w, e, s, n) in RING_LINES.items()}
    nodes = _bend(frame, x, y, rings)
    boxes = [(int(np.argmin(abs(x - r.box[0]))), int(np.argmin(abs(x - r.box[2]))),
              int(np.argmin(abs(y - r.box[1]))), int(np.argmin(abs(y - r.box[3])))) for r in REGIONS]
    region = np.full((len(x) - 1, len(y) - 1), -1)
    for number, (i0, i1, j0, j1) in enumerate(boxes):
        region[i0:i1, j0:j1] = number
    mesh = Mesh(x, y, nodes, rings, np.zeros((len(x) - 1, len(y)), int), np.zeros((len(x), len(y) - 1), int), region,
                list(REGIONS), boxes)
    _classify(mesh, rng)
    return mesh


def _bend(frame: Frame, x: np.ndarray, y: np.ndarray, rings: dict[int, tuple[int, int, int, int]]) -> np.ndarray:
    """Return the nodes: straight in the old town, softly bent outside, ring corners drawn in, borders on the extent."""
    gx, gy = np.meshgrid(x, y, indexing="ij")
    reach = np.clip((np.hypot(gx, gy) - 3800) / 9000, 0, 1)
    amount = 260 * reach * reach * (3 - 2 * reach)
    dx = np.sin(gy / 3100 + 0.6) + 0.6 * np.sin(gx / 2300 + gy / 4100 + 2)
    dy = np.sin(gx / 3500 + 1.4) + 0.6 * np.sin(gy / 2700 - gx / 3900 + 1)
    nodes = np.stack([gx + amount * dx, gy + amount * dy], axis=-1)
    for ring, depth in ((3, 110.0), (4, 190.0), (5, 300.0)):
        i0, i1, j0, j1 = rings[ring]
        for i, sx in ((i0, 1), (i1, -1)):
            for j, sy in ((j0, 1), (j1, -1)):
                nodes[i, j] += (sx * depth, sy * depth)
                nodes[i + sx, j, 1] += sy * depth * 0.35
                nodes[i, j + sy, 0] += sx * depth * 0.35
    minx, miny, maxx, maxy = frame.city.extent
    for line, axis, value in (((0, slice(None)), 0, minx), ((-1, slice(None)), 0, maxx),
                              ((slice(None), 0), 1, miny), ((slice(None), -1), 1, maxy)):
        border = frame.to_lonlat(nodes[line])
        border[:, axis] = value
        border[:, 0], border[:, 1] = border[:, 0].clip(minx, maxx), border[:, 1].clip(miny, maxy)
        nodes[line] = frame.from_lonlat(border)
    return nodes


def _classify(mesh: Mesh, rng: np.random.Generator) -> None:
    """Give every edge its class: rings first, then main lines, thinned out in the country, none in hills and regions."""
    nx, ny = len(mesh.x), len(mesh.y)
    axis_i, axis_j = int(np.argmin(abs(mesh.x))), int(np.argmin(abs(mesh.y + 250)))
    mesh.h_class[:] = np.where((np.arange(ny) - axis_j) % 2 == 0, 2, 3)[None, :]
    mesh.v_class[:] = np.where((np.arange(nx) - axis_i) % 2 == 0, 2, 3)[:, None]
    mesh.h_class[:, axis_j] = 2
    hi, hj = np.meshgrid(np.arange(nx - 1), np.arange(ny), indexing="ij")
    vi, vj = np.meshgrid(np.arange(nx), np.arange(ny - 1), indexing="ij")
    i0, i1, j0, j1 = mesh.rings[5]
    middle_h, middle_v = (mesh.nodes[:-1] + mesh.nodes[1:]) / 2, (mesh.nodes[:, :-1] + mesh.nodes[:, 1:]) / 2
    for grid, middle, line, along, low, high in ((mesh.h_class, middle_h, hj, hi, i0, i1), (mesh.v_class, middle_v, vi, vj, j0, j1)):
        outside = (hi < i0) | (hi >= i1) | (hj < j0) | (hj > j1) if grid is mesh.h_class else \
            (vi < i0) | (vi > i1) | (vj < j0) | (vj >= j1)
        urban = np.zeros(grid.shape, bool)
        for x, y, radius, _ in NEW_TOWNS:
            urban |= np.hypot(middle[..., 0] - x, middle[..., 1] - y) < radius * 1.04
        # In the country a line goes on, or it does not: one draw for each of its three stretches.
        draw = rng.random((int(line.max()) + 1, 3))[line, np.digitize(along, (low, high))]
        kept = np.where(grid == 3, draw < 0.22, (draw < 0.55) | (line % 4 == axis_j % 4))
        grid[outside & ~urban & ~kept] = 0
    for west, east, south, north in mesh.rings.values():
        mesh.h_class[west:east, [south, north]] = 1
        mesh.v_class[[west, east], south:north] = 1
    for a0, a1, b0, b1 in mesh.boxes:
        mesh.h_class[a0:a1, b0 + 1:b1] = 0
        mesh.v_class[a0 + 1:a1, b0:b1] = 0
    # No road climbs the hills but two that cross them.
    mesh.h_class[(hilliness(middle_h[..., 0], middle_h[..., 1]) > -150) & ~np.isin(hj, (axis_j, axis_j + 8))] = 0
    mesh.v_class[hilliness(middle_v[..., 0], middle_v[..., 1]) > -100] = 0
    mesh.h_class[:, [0, -1]] = 0
    mesh.v_class[[0, -1], :] = 0
