"""Blocks: what local streets cut the cells of the mesh into, drawn in from the roads around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layers.demo.mesh import RESERVE_M, Mesh
from layers.demo.quads import inset, piece
from layers.demo.zones import ZONES, Zones

__all__ = ["Blocks", "make_blocks"]

# Which zones have local streets: between west and east halves (u), between south and north (v).
_CUT_BOTH = ("hutong", "danwei", "housing90", "housing00", "housing10", "office", "commercial", "cbd", "finance", "tech", "newtown")
_CUT_SOME = ("industry", "logistics", "government", "village")


@dataclass
class Blocks:
    """Blocks as quads, the cell they lie in, and the fractions at which local streets run.

    `u` and `v` hold, for each column and row of cells, the fractions of its lines (0 and 1 included); `cut_u[i, j]` says
    whether the north-south ones are streets in that cell. `box` is (u0, u1, v0, v1) of each block.
    """

    quad: np.ndarray
    cell: np.ndarray
    box: np.ndarray
    u: list[np.ndarray]
    v: list[np.ndarray]
    cut_u: np.ndarray
    cut_v: np.ndarray


def _fractions(lengths: np.ndarray, rng: np.random.Generator, target_m: float) -> list[np.ndarray]:
    out = []
    for length in lengths:
        n = max(1, round(length / target_m))
        inner = np.arange(1, n) / n + rng.uniform(-0.08, 0.08, n - 1) / n
        out.append(np.array([0.0, *inner, 1.0]))
    return out


def make_blocks(mesh: Mesh, zones: Zones, seed: int) -> Blocks:
    """Cut all cells outside the regions into blocks."""
    rng = np.random.default_rng([seed, 4])
    u, v = _fractions(np.diff(mesh.x), rng, 290.0), _fractions(np.diff(mesh.y), rng, 290.0)
    both = zones.is_zone(*_CUT_BOTH)
    some = zones.is_zone(*_CUT_SOME)
    cut_u, cut_v = both | (some & (rng.random(both.shape) < 0.45)), both | (some & (rng.random(both.shape) < 0.35))
    quads, cells, boxes, offsets = [], [], [], []
    all_cells = mesh.cells
    region = ZONES.index("region")
    for i, j in np.argwhere(zones.zone != region):
        fu = u[i] if cut_u[i, j] else np.array([0.0, 1.0])
        fv = v[j] if cut_v[i, j] else np.array([0.0, 1.0])
        south, north = RESERVE_M[mesh.h_class[i, j]], RESERVE_M[mesh.h_class[i, j + 1]]
        west, east = RESERVE_M[mesh.v_class[i, j]], RESERVE_M[mesh.v_class[i + 1, j]]
        local = RESERVE_M[4]
        for a in range(len(fu) - 1):
            for b in range(len(fv) - 1):
                quads.append(all_cells[i, j])
                cells.append((i, j))
                boxes.append((fu[a], fu[a + 1], fv[b], fv[b + 1]))
                offsets.append((south if b == 0 else local, east if a == len(fu) - 2 else local,
                                north if b == len(fv) - 2 else local, west if a == 0 else local))
    box = np.array(boxes)
    quad = piece(np.array(quads), *box.T)
    quad = inset(quad, np.maximum(np.array(offsets), 1.5))
    return Blocks(quad, np.array(cells), box, u, v, cut_u, cut_v)
