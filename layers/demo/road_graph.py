"""The road graph: roads broken at their junctions, as a table of versions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from layers.demo.admin import Admin
from layers.demo.frame import Frame
from layers.demo.mesh import WIDTH_M, Mesh
from layers.demo.roads import Line
from layers.demo.table import BEFORE, Fids, versions

__all__ = ["road_table"]

_LANES = {"expressway": 8, "arterial": 6, "secondary": 4, "local": 2, "lane": 1, "internal": 1}
_SPEED = {"expressway": 80, "arterial": 60, "secondary": 50, "local": 40, "lane": 15, "internal": 15}
_SNAP_M = 45.0


def _snap(lines: list[Line]) -> tuple[np.ndarray, dict[int, list[float]]]:
    """Join lanes and gates to the roads they lead to.

    Returns the lines as geometries, and where (metres along) each is met by others.
    """
    main = [n for n, line in enumerate(lines) if line.kind not in ("lane", "internal")]
    tree = shapely.STRtree(np.array([shapely.linestrings(lines[n].points) for n in main], dtype=object))
    breaks: dict[int, list[float]] = {}
    ends, owners = [], []
    for n, line in enumerate(lines):
        if line.kind == "lane":
            ends += [(n, 0), (n, -1)]
        elif line.kind == "internal" and len(line.points) == 2:
            ends.append((n, -1))
    ends += [(n, k) for n in main if lines[n].kind == "local" for k in (0, -1)]
    points = shapely.points(np.array([lines[n].points[k] for n, k in ends]))
    found, distance = tree.query_nearest(points, max_distance=_SNAP_M, return_distance=True, all_matches=True)
    owners = np.array([n for n, _ in ends])[found[0]]
    target = np.array(main)[found[1]]
    order = np.lexsort((distance, found[0]))
    seen: set[int] = set()
    for k in order.tolist():
        end, other = int(found[0][k]), int(target[k])
        if other == owners[k] or end in seen:
            continue
        n, side = ends[end]
        if lines[n].kind == lines[other].kind == "local":
            continue
        seen.add(end)
        road = shapely.linestrings(lines[other].points)
        at = float(shapely.line_locate_point(road, points[end]))
        breaks.setdefault(other, []).append(at)
        if lines[n].kind != "local":
            changed = lines[n].points.copy()
            changed[side] = shapely.get_coordinates(shapely.line_interpolate_point(road, at))[0]
            lines[n].points = changed
    return np.array([shapely.linestrings(line.points) for line in lines], dtype=object), breaks


def _crossings(lines: list[Line], shapes: np.ndarray, breaks: dict[int, list[float]]) -> None:
    """Break local streets where they cross, and expressways where they meet main roads."""
    local = np.array([n for n, line in enumerate(lines) if line.kind == "local"])
    across = np.array([n for n, line in enumerate(lines) if len(line.points) > 2 and line.kind == "expressway"])
    main = np.array([n for n, line in enumerate(lines) if line.kind in ("expressway", "arterial")])
    for first, second in ((local, local), (across, main)):
        a, b = shapely.STRtree(shapes[second]).query(shapes[first], predicate="intersects")
        a, b = first[a], second[b]
        keep = a < b if first is second else a != b
        a, b = a[keep], b[keep]
        at = shapely.intersection(shapes[a], shapes[b])
        for n, other, point in zip(a.tolist(), b.tolist(), at, strict=True):
            for part in shapely.get_parts(point):
                if part.geom_type == "Point":
                    breaks.setdefault(n, []).append(float(shapely.line_locate_point(shapes[n], part)))
                    breaks.setdefault(other, []).append(float(shapely.line_locate_point(shapes[other], part)))


def _broken(shapes: np.ndarray, breaks: dict[int, list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return pieces of the lines and the line each belongs to; meeting points closer than 2 m are one."""
    owner: list[int] = []
    pieces: list[shapely.Geometry] = []
    for n, shape in enumerate(shapes):
        length = shape.length
        cuts = [0.0]
        for at in sorted(breaks.get(n, ())):
            if at - cuts[-1] > 2 and length - at > 2:
                cuts.append(at)
        cuts.append(length)
        if len(cuts) == 2:
            pieces.append(shape)
        else:
            pieces += [_part(shape, a, b) for a, b in zip(cuts, cuts[1:], strict=False)]
        owner += [n] * (len(cuts) - 1)
    return np.array(pieces, dtype=object), np.array(owner)


def _part(shape: shapely.Geometry, start: float, end: float) -> shapely.Geometry:
    coordinates = shapely.get_coordinates(shape)
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(coordinates, axis=0), axis=1))])
    inner = coordinates[(at > start + 1e-6) & (at < end - 1e-6)]
    ends = shapely.get_coordinates(shapely.line_interpolate_point(shape, [start, end]))
    return shapely.linestrings(np.concatenate([ends[:1], inner, ends[1:]]))


def road_table(frame: Frame, mesh: Mesh, admin: Admin, lines: list[Line], fids: Fids) -> pd.DataFrame:
    """Return the layer `road`."""
    shapes, breaks = _snap(lines)
    _crossings(lines, shapes, breaks)
    pieces, owner = _broken(shapes, breaks)
    fid = fids.take(len(pieces))
    kind = np.array([line.kind for line in lines], dtype=object)[owner]
    name = np.array([line.name or None for line in lines], dtype=object)[owner]
    born, gone = np.array([line.born for line in lines])[owner], np.array([line.gone for line in lines])[owner]
    middles = shapely.get_coordinates(shapely.line_interpolate_point(pieces, 0.5, normalized=True))
    cells = np.array([line.cell for line in lines])[owner]
    loose = cells[:, 0] < 0
    cells[loose] = np.stack([np.searchsorted(mesh.x, middles[loose, 0]) - 1, np.searchsorted(mesh.y, middles[loose, 1]) - 1], axis=1)
    cells = cells.clip(0, np.array(admin.district.shape) - 1)
    until = np.array([line.was[0] if line.was else np.nan for line in lines])[owner]
    earlier = np.array([line.was[1] if line.was else None for line in lines], dtype=object)[owner]
    changed = np.flatnonzero(~np.isnan(until))
    row = np.concatenate([np.arange(len(pieces)), changed])
    kinds = np.concatenate([kind, earlier[changed]])
    begin = np.concatenate([np.where(np.isnan(until), born, until), born[changed]])
    end = np.concatenate([gone, until[changed]])
    built = np.where(np.isnan(begin), None, np.floor(np.nan_to_num(begin, nan=BEFORE)).astype(int))
    fields = {
        "road_no": np.array([f"R{n:06d}" for n in range(1, len(pieces) + 1)], dtype=object)[row], "name": name[row], "class": kinds,
        "width_m": np.array([WIDTH_M[k] for k in kinds]), "lanes": np.array([_LANES[k] for k in kinds]), "oneway": False,
        "speed_kmh": np.array([_SPEED[k] for k in kinds]), "built_year": built,
        "district_code": admin.district[cells[row, 0], cells[row, 1]],
    }
    return versions(frame, fid[row], begin, end, fields, pieces[row])
