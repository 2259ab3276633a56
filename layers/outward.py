"""Which side of a polygon is outside: the polygons of a building are turned so that all of them look outwards."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from layers.building_surfaces import GROUND, OUTER_CEILING, ROOF

__all__ = ["Polygon", "normals", "turned_over"]

Floats = NDArray[np.float64]
# Rings of one polygon as numbers of points, the outer one first.
Polygon = Sequence[Sequence[int]]
# Points nearer than this are one corner.
WELD_M = 0.001
# A ray that leaves a polygon begins so far from it, and a little aslant, so that it goes through no edge.
START_M, SLANT = 0.001, np.array([0.00713, 0.01129, 0.00507])


def normals(polygons: Sequence[Polygon], points: Floats) -> Floats:
    """Return (n, 3) normals of polygons, as long as their areas are large (square metres); 0 for one without area."""
    found = np.zeros((len(polygons), 3))
    for number, polygon in enumerate(polygons):
        for ring in polygon:
            around = points[list(ring)] - points[ring[0]]
            found[number] += np.cross(around[:-1], around[1:]).sum(axis=0) / 2
    return found


def turned_over(polygons: Sequence[Polygon], points: Floats, types: Sequence[str | None]) -> NDArray[np.bool_]:
    """Return which polygons of one building have to be reversed so that all look outwards.

    Parameters
    ----------
    polygons
        Their holes run the other way round than the outer rings.
    points
        (n, 3) in metres, in axes of which the third points up and which are right-handed.
    types
        What each polygon is, None where nobody says: roofs look up and ground faces down, where nothing better decides.

    Polygons that share an edge must run along it in opposite directions. What hangs together so is turned as a whole: by the
    sign of its volume where it is closed, else by roofs and ground faces, else by how often a ray from it meets the rest.
    """
    fans, of = _fans(polygons)
    corner = _welded(points)
    links, closed = _links(polygons, corner)
    part, reverse = _together(len(polygons), links)
    sign = np.where(reverse, -1.0, 1.0)
    normal = normals(polygons, points) * sign[:, None]
    middle = points[np.unique(fans)].mean(axis=0) if len(fans) else np.zeros(3)
    for number in range(int(part.max(initial=-1)) + 1):
        mine = np.flatnonzero(part == number)
        if not _looks_outwards(mine, polygons, points - middle, fans, of, sign, normal, types, bool(closed[mine].all())):
            reverse[mine] = ~reverse[mine]
    return reverse


def _fans(polygons: Sequence[Polygon]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut rings into fans of triangles: a point lies in a polygon if an odd number of its triangles hold it."""
    fans = [(ring[0], ring[k], ring[k + 1]) for polygon in polygons for ring in polygon for k in range(1, len(ring) - 1)]
    of = [number for number, polygon in enumerate(polygons) for ring in polygon for _ in range(1, len(ring) - 1)]
    return np.array(fans, np.int64).reshape(-1, 3), np.array(of, np.int64)


def _welded(points: Floats) -> NDArray[np.int64]:
    return np.unique(np.rint(points / WELD_M), axis=0, return_inverse=True)[1].reshape(-1)


def _links(polygons: Sequence[Polygon], corner: NDArray[np.int64]) -> tuple[list[tuple[int, int, bool]], NDArray[np.bool_]]:
    """Return (polygon, polygon, do both run the same way along their edge?), and which polygons have a neighbour at every edge."""
    uses: defaultdict[tuple[int, int], list[tuple[int, bool]]] = defaultdict(list)
    for number, polygon in enumerate(polygons):
        for ring in polygon:
            around = corner[list(ring)].tolist()
            for a, b in zip(around, [*around[1:], around[0]], strict=True):
                if a != b:
                    uses[min(a, b), max(a, b)].append((number, a < b))
    closed = np.ones(len(polygons), bool)
    links = []
    for used in uses.values():
        if len(used) == 2 and used[0][0] != used[1][0]:
            links.append((used[0][0], used[1][0], used[0][1] == used[1][1]))
        else:
            closed[[number for number, _ in used]] = False
    return links, closed


def _together(count: int, links: list[tuple[int, int, bool]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return what hangs together by links, and what has to be reversed so that each part is of one mind."""
    near: list[list[tuple[int, bool]]] = [[] for _ in range(count)]
    for a, b, same in links:
        near[a].append((b, same))
        near[b].append((a, same))
    part, reverse, parts = np.full(count, -1), np.zeros(count, bool), 0
    for first in range(count):
        if part[first] >= 0:
            continue
        part[first] = parts
        waiting = deque([first])
        while waiting:
            a = waiting.popleft()
            for b, same in near[a]:
                if part[b] < 0:
                    part[b], reverse[b] = parts, reverse[a] ^ same
                    waiting.append(b)
        parts += 1
    return part, reverse


def _looks_outwards(mine: NDArray[np.int64], polygons: Sequence[Polygon], points: Floats, fans: NDArray[np.int64], of: NDArray[np.int64], sign: Floats,
                    normal: Floats, types: Sequence[str | None], is_closed: bool) -> bool:
    if is_closed:
        inside = np.isin(of, mine)
        a, b, c = (points[fans[inside, k]] for k in range(3))
        return float((np.einsum("ij,ij->i", a, np.cross(b, c)) * sign[of[inside]]).sum()) >= 0
    vote = sum(normal[n, 2] if types[n] == ROOF else -normal[n, 2] for n in mine if types[n] in (ROOF, GROUND, OUTER_CEILING))
    if abs(vote) > 1e-6:
        return bool(vote > 0)
    largest = mine[np.linalg.norm(normal[mine], axis=1).argmax()]
    size = np.linalg.norm(normal[largest])
    if size < 1e-9:
        return True
    start = _inner_point(polygons[largest], points) + normal[largest] / size * START_M
    others = fans[of != largest]
    return _meetings(start, normal[largest] / size + SLANT, points[others]) % 2 == 0


def _inner_point(polygon: Polygon, points: Floats) -> Floats:
    """Return a point in a polygon: the middle of a triangle of its fan that lies in it."""
    fan, _ = _fans([polygon])
    corners = points[fan]
    along = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    order = np.argsort(-np.linalg.norm(along, axis=1))
    up = along.sum(axis=0)
    up /= max(float(np.linalg.norm(up)), 1e-12)
    for triangle in order[:12]:
        middle = corners[triangle].mean(axis=0)
        if _meetings(middle - up, up + SLANT * 1e-6, corners) % 2:
            return middle
    return corners[order[0]].mean(axis=0)


def _meetings(start: Floats, direction: Floats, triangles: Floats) -> int:
    """Count the triangles (n, 3, 3) that a ray goes through (Möller and Trumbore, 1997)."""
    one, two = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    across = np.cross(direction, two)
    det = np.einsum("ij,ij->i", one, across)
    flat = np.abs(det) < 1e-12
    det = np.where(flat, 1.0, det)
    away = start - triangles[:, 0]
    u = np.einsum("ij,ij->i", away, across) / det
    turned = np.cross(away, one)
    v = turned @ direction / det
    t = np.einsum("ij,ij->i", two, turned) / det
    return int((~flat & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)).sum())
