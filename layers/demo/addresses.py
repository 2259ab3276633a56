"""Addresses of buildings: 号院 and 号楼 in compounds, lane numbers in the old town, house numbers in villages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layers.demo.admin import Admin
from layers.demo.blocks import Blocks
from layers.demo.buildings import Buildings
from layers.demo.plots import Plots
from layers.demo.titles import Titles

__all__ = ["Addresses", "make_addresses", "rank_within"]

_NUMBERED = ("danwei", "slabs90", "towers90", "mixed00", "slabs00", "towers10", "villas", "offices", "cbd", "techpark", "gov", "campus", "factory",
             "oldfactory", "logistic", "shops", "mall", "hospital", "elder")


@dataclass
class Addresses:
    """Per building: road, number at the gate, number in the compound (0: none), district name and full address."""

    road: np.ndarray
    gate_no: np.ndarray
    building_no: np.ndarray
    full: np.ndarray


def rank_within(group: np.ndarray, *order: np.ndarray) -> np.ndarray:
    """Return the rank (from 0) of each row within its group, by the given keys."""
    by = np.lexsort((*reversed(order), group))
    sorted_group = group[by]
    starts = np.flatnonzero(np.r_[True, sorted_group[1:] != sorted_group[:-1]])
    rank = np.empty(len(group), int)
    rank[by] = np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))
    return rank


def _in_lanes(b: Buildings, blocks: Blocks, titles: Titles, block: np.ndarray, road: np.ndarray, gate_no: np.ndarray) -> None:
    """Number the courtyards along the lanes they open to."""
    rows = np.flatnonzero((b.kind == "hutong") & (block >= 0))
    quad = blocks.quad[block[rows]]
    south, up = (quad[:, 0] + quad[:, 1]) / 2, (quad[:, 3] + quad[:, 2] - quad[:, 0] - quad[:, 1]) / 2
    height = np.linalg.norm(up, axis=1)
    v = ((b.middle[rows] - south) * up).sum(axis=1) / height**2
    strips = np.maximum(1, np.round(height / 64)).astype(int)
    at = np.clip(v * strips, 0, strips - 1e-6)
    strip, is_north = at.astype(int), (at % 1) > 0.5
    lane = strip + is_north          # the lane it opens to, counted from the street in the south
    rank = rank_within(block[rows] * 64 + lane * 2 + is_north, b.middle[rows, 0])
    gate_no[rows] = 2 * rank + np.where(is_north, 2, 1)
    for k, row in enumerate(rows.tolist()):
        roads, lanes = titles.block_roads[int(block[row])], titles.block_lanes.get(int(block[row]), [])
        n = int(lane[k])
        road[row] = (roads[0] if n == 0 else roads[2] if n > len(lanes) else lanes[n - 1]) or titles.road[b.development[row]]


def make_addresses(b: Buildings, plots: Plots, blocks: Blocks, titles: Titles, admin: Admin) -> Addresses:
    """Give every building its address."""
    block = np.array([d.block for d in plots.developments])[b.development]
    road, gate_no = titles.road[b.development].copy(), titles.number[b.development].copy()
    _in_lanes(b, blocks, titles, block, road, gate_no)
    main = np.isin(b.kind, _NUMBERED) & ~np.isin(b.role, ("shop", "service", "podium", "chimney", "tank"))
    rank = rank_within(np.where(main, b.development, -1), -b.middle[:, 1].round(-1), b.middle[:, 0])
    count = np.bincount(b.development[main], minlength=int(b.development.max()) + 1)[b.development]
    building_no = np.where(main & (count > 1), rank + 1, 0)
    house = b.kind == "village"
    gate_no[house] = rank_within(b.development[house], b.row[house], b.middle[house, 0]) + 1
    road[house] = titles.name[b.development[house]]
    district = np.array([admin.names[c] for c in admin.district[b.cell[:, 0], b.cell[:, 1]]], dtype=object)
    full = [f"{d}{r}{g}号院{n}号楼" if n else f"{d}{r}{g}号" if r and g else d + (r or "")
            for d, r, g, n in zip(district, road, gate_no.tolist(), building_no.tolist(), strict=True)]
    return Addresses(road, gate_no, building_no, np.array(full, dtype=object))
