"""The fabric: every footprint of every development, in its time, free of water, roads and each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from layers.demo import dwellings
from layers.demo.landmarks import draw_landmarks
from layers.demo.mesh import Mesh
from layers.demo.packing import Footprints
from layers.demo.plots import Plots
from layers.demo.water import region_polygon
from layers.demo.works import FILLERS, Fields

__all__ = ["Fabric", "make_fabric"]


@dataclass
class Fabric:
    """Footprints as arrays of the same length, in local metres; `fields` are sports grounds as (development, polygon)."""

    development: np.ndarray
    shape: np.ndarray
    floors: np.ndarray
    storey: np.ndarray
    role: np.ndarray
    entrances: np.ndarray
    row: np.ndarray
    fields: list[tuple[int, shapely.Geometry]]


def _housing(out: Footprints, kind: str, dev: np.ndarray, quads: np.ndarray, rng: np.random.Generator) -> bool:
    match kind:
        case "hutong":
            dwellings.courtyards(out, dev, quads, rng)
        case "village":
            dwellings.village(out, dev, quads, rng)
        case "danwei":
            dwellings.work_unit(out, dev, quads, rng)
        case "slabs90":
            dwellings.estate(out, dev, quads, rng, 5, 7, False, .35)
        case "slabs00":
            dwellings.estate(out, dev, quads, rng, 6, 9, False, .45)
        case "mixed00":
            dwellings.estate(out, dev, quads, rng, 8, 14, True, .5)
        case "towers90":
            dwellings.towers(out, dev, quads, rng, 14, 24, .25, .4)
        case "towers10":
            dwellings.towers(out, dev, quads, rng, 16, 32, .75, .55)
        case "villas":
            dwellings.villas(out, dev, quads, rng)
        case _:
            return False
    return True


def make_fabric(plots: Plots, mesh: Mesh, by_hand: dict[int, int], obstacles: list[shapely.Geometry], seed: int) -> Fabric:
    """Fill all developments.

    Parameters
    ----------
    obstacles
        Local polygons nothing may touch (water with its banks, roads that cut across the mesh).
    """
    out, fields = Footprints(), Fields()
    kinds = np.array([d.kind for d in plots.developments])
    drawn = np.isin(np.arange(len(kinds)), list(by_hand))
    for number, kind in enumerate(sorted(set(kinds[~drawn]))):
        dev = np.flatnonzero((kinds == kind) & ~drawn)
        quads = np.array([plots.developments[d].quad for d in dev])
        rng = np.random.default_rng([seed, 8, number])
        if not _housing(out, kind, dev, quads, rng) and kind in FILLERS:
            FILLERS[kind](out, dev, quads, rng, fields)
    draw_landmarks(out, plots, mesh, by_hand, seed)
    all_of = out.joined()
    keep = _free(all_of["shape"], all_of["development"], plots, obstacles)
    # A region is bent with the mesh; what was drawn on its box may lie outside.
    for dev, number in by_hand.items():
        mine = np.flatnonzero(all_of["development"] == dev)
        keep[mine] &= shapely.within(all_of["shape"][mine], region_polygon(mesh, number))
    grounds = shapely.polygons([shapely.linearrings(r) for _, r in fields])
    dry = np.ones(len(grounds), bool)
    dry[shapely.STRtree(grounds).query(np.array(obstacles, dtype=object), predicate="intersects")[1]] = False
    order = np.flatnonzero(keep)
    order = order[np.argsort(all_of["development"][order], kind="stable")]
    return Fabric(**{k: v[order] for k, v in all_of.items()},
                  fields=[(fields[k][0], grounds[k]) for k in np.flatnonzero(dry)])


def _free(shapes: np.ndarray, development: np.ndarray, plots: Plots, obstacles: list[shapely.Geometry]) -> np.ndarray:
    """Return which footprints touch no obstacle and no earlier footprint that stands at the same time."""
    keep = shapely.is_valid(shapes) & (shapely.area(shapes) > 12)
    tree = shapely.STRtree(shapes)
    keep[tree.query(np.array(obstacles, dtype=object), predicate="intersects")[1]] = False
    a, b = tree.query(shapes, predicate="intersects")
    pair = a < b
    a, b = a[pair], b[pair]
    begin = np.nan_to_num(np.array([d.start for d in plots.developments]), nan=-1e9)[development]
    end = np.nan_to_num(np.array([d.end for d in plots.developments]), nan=1e9)[development]
    together = (begin[a] < end[b]) & (begin[b] < end[a]) & keep[a] & keep[b]
    for first, second in zip(a[together], b[together], strict=True):
        if keep[first]:
            keep[second] = False
    return keep
