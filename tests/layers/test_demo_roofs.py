"""Roofs of the demo city's landmarks: closed, looking outwards, within their footprints, as tall as they say."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from layers.building_surfaces import ROOF, TYPES, Surface
from layers.demo.roofs import shape_of
from layers.demo.shapes import bar, cross, ellipse, moved
from layers.outward import turned_over


def footprint(ring: np.ndarray) -> shapely.Polygon:
    return shapely.Polygon(moved(ring, np.array([[1200.0, -700.0]]), np.array([0.3]))[0])


def one(shape: object, *sizes: float) -> shapely.Polygon:
    return footprint(shape(*(np.array([size]) for size in sizes)))        # type: ignore[operator]


def volume(surfaces: list[Surface]) -> float:
    origin = surfaces[0].rings[0][0]
    return sum(float(np.dot(s.rings[0][0] - origin, np.cross(a - origin, b - origin))) for s in surfaces
               for a, b in zip(s.rings[0][1:], s.rings[0][2:], strict=False)) / 6


CASES = [("palace", "main", one(bar, 80, 46), 35), ("palace", "main", one(bar, 28, 28), 22), ("palace", "wing", one(bar, 13, 52), 11),
         ("temple", "main", one(ellipse, 36, 36), 38), ("temple", "main", one(ellipse, 20, 20), 19), ("temple", "wing", one(ellipse, 58, 58), 5.5),
         ("pavilions", "main", one(cross, 17, 17, 4), 7), ("pavilions", "main", one(ellipse, 12, 12), 7.5), ("works", "chimney", one(ellipse, 58, 58), 72.5),
         ("works", "tank", one(ellipse, 26, 26), 78.5), ("works", "hall", one(bar, 30, 200), 16.5), ("expo", "main", one(ellipse, 110, 70), 24)]


@pytest.mark.parametrize(("kind", "role", "area", "height"), CASES)
def test_landmarks_have_whole_shapes(kind, role, area, height):
    surfaces = shape_of(kind, role, area, height)
    assert surfaces is not None and {s.type for s in surfaces} <= set(TYPES) and ROOF in {s.type for s in surfaces}
    points = np.concatenate([s.rings[0] for s in surfaces])
    assert (points[:, 2].min(), points[:, 2].max()) == pytest.approx((0, height))
    assert shapely.contains(shapely.buffer(area, 1e-6), shapely.multipoints(points[:, :2]))
    ends = np.cumsum([0, *(len(s.rings[0]) for s in surfaces)])
    polygons = [[list(range(a, b))] for a, b in zip(ends, ends[1:], strict=False)]
    assert not turned_over(polygons, points, [None] * len(surfaces)).any()
    # Each edge is run through once in each direction: nothing is open.
    corner = np.unique(points.round(6), axis=0, return_inverse=True)[1]
    edges: dict[tuple[int, int], int] = {}
    for (ring,) in polygons:
        around = corner[ring].tolist()
        for edge in zip(around, [*around[1:], around[0]], strict=True):
            edges[edge] = edges.get(edge, 0) + 1
    assert set(edges.values()) == {1} and all(edge[::-1] in edges for edge in edges)
    for s in surfaces:
        ring = s.rings[0]
        normal = np.cross(ring[:-1] - ring[0], ring[1:] - ring[0]).sum(axis=0)
        assert np.abs((ring - ring[0]) @ normal / np.linalg.norm(normal)).max() < 1e-9       # level in its own plane
    assert 0.2 * area.area * height < volume(surfaces) < area.area * height


def test_a_shed_has_the_volume_of_its_formula():
    surfaces = shape_of("works", "hall", one(bar, 30, 200), 16.0)
    assert surfaces is not None and volume(surfaces) == pytest.approx(30 * 200 * 16 * (.72 + 1) / 2)


def test_what_is_no_landmark_keeps_its_prism():
    hole = shapely.Polygon(shapely.get_coordinates(one(bar, 40, 30)), [shapely.get_coordinates(one(bar, 20, 10))])
    assert shape_of("palace", "wing", hole, 10) is None and shape_of("slabs90", "main", one(bar, 40, 12), 18) is None
    assert shape_of("works", "office", one(bar, 60, 22), 24) is None
