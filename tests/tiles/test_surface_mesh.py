"""Polygons in space as meshes: their areas by Shapely in the plane, volumes by formula, cuts that open no crack."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from tests.data.houses import House
from tests.tiles.test_extrusion import faces, is_closed, volume
from tiles.extrusion import Solid
from tiles.surface_mesh import cut_at, meshed, volumes

HOLED = shapely.Polygon([(0, 0), (20, 0), (20, 10), (12, 10), (12, 4), (8, 4), (8, 10), (0, 10)],
                        [[(1, 1), (1, 3), (3, 3), (3, 1)], [(14, 2), (14, 8), (18, 8)]])


def rings_of(polygon: shapely.Polygon) -> list[np.ndarray]:
    return [np.column_stack([np.array(ring.coords)[:-1], np.zeros(len(ring.coords) - 1)]) for ring in (polygon.exterior, *polygon.interiors)]


def turned(seed: int) -> np.ndarray:
    """A rotation: none, about an axis by a right angle, or any."""
    c, s = round(np.cos(seed * np.pi / 2)), round(np.sin(seed * np.pi / 2))
    if seed < 3:
        return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def area(solid: Solid) -> float:
    a, b, c = (solid.xyz[solid.triangles[:, i]] for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def polygons(shape: House) -> Solid:
    return meshed([[np.array(ring) for ring in rings] for _, rings in shape.polygons], np.zeros(len(shape.polygons), np.uint8))


def as_one(solid: Solid) -> Solid:
    return Solid(solid.xyz, solid.normal, np.zeros_like(solid.source), solid.face, solid.triangles)


@pytest.mark.parametrize("seed", range(12))
def test_tilted_polygons_keep_their_areas_and_look_where_they_did(seed):
    """Turned any way and anywhere, upright and upside down: the holes stay open."""
    turn = turned(seed)
    shape = shapely.orient_polygons(HOLED, exterior_cw=bool(seed % 2))
    rings = [ring @ turn.T + [5_000, -3_000, 40] for ring in rings_of(shape)]
    solid = meshed([rings, [ring[::-1] for ring in rings]], np.array([0, 1], np.uint8))
    assert area(solid) == pytest.approx(2 * HOLED.area, rel=1e-9)
    assert faces(solid).min() > 1 - 1e-9
    up = turn @ [0, 0, -1.0 if seed % 2 else 1.0]
    assert np.abs(solid.normal[solid.source == 0] - up).max() < 1e-9 and np.abs(solid.normal[solid.source == 1] + up).max() < 1e-9
    assert set(solid.face[solid.source == 1]) == {1}


def test_a_bent_polygon_keeps_its_corners_and_a_crossed_one_is_mended():
    bent = np.array([(0, 0, 0), (10, 0, 0.2), (10, 10, 0), (0, 10, 0.2)])
    crossed = np.array([(0, 0, 0), (4, 4, 4), (4, 0, 4), (0, 4, 0), (-2, 2, -2)], float)
    nothing = np.array([(0, 0, 0), (1, 1, 1), (2, 2, 2)], float)
    solid = meshed([[bent], [nothing], [crossed], [nothing]], np.zeros(4, np.uint8))
    assert set(solid.source) == {0, 2}
    assert {tuple(p) for p in solid.xyz[solid.source == 0]} == {tuple(p) for p in bent}
    mended = solid.xyz[solid.source == 2]
    assert np.abs(mended[:, 2] - mended[:, 0]).max() < 1e-9 and len(mended) > 3       # all in its plane, z = x
    assert len(meshed([], np.zeros(0, np.uint8)).xyz) == len(meshed([[nothing]], np.zeros(1, np.uint8)).triangles) == 0


def test_a_house_is_closed_and_has_its_volume():
    solid = as_one(polygons(House(100, 200, 30)))
    assert is_closed(solid) and volume(solid, 0) == pytest.approx(House().volume)
    inwards = Solid(solid.xyz, -solid.normal, solid.source, solid.face, solid.triangles[:, ::-1])
    of = np.zeros(len(solid.triangles), np.int64)
    assert volumes(solid, of, 2) == pytest.approx([House().volume, 0]) and volumes(inwards, of, 1) == pytest.approx([-House().volume])


def test_storeys_are_cut_without_cracks():
    """The pieces lie between their planes, together they are what was cut, and their surface is still closed."""
    solid = polygons(House(100, 200, 30))
    heights = np.tile([33.0, 35.0, 36.7, np.nan], (len(solid.triangles), 1))
    cut, below = cut_at(solid, heights)
    z = cut.xyz[cut.triangles][:, :, 2]
    for step, (low, high) in enumerate(((30, 33), (33, 35), (35, 36.7), (36.7, 38))):
        assert (z[below == step].min(), z[below == step].max()) == pytest.approx((low, high))
    assert set(below) == {0, 1, 2, 3} and area(cut) == pytest.approx(area(solid)) and volume(as_one(cut), 0) == pytest.approx(House().volume)
    assert faces(cut).min() > 1 - 1e-9 and is_closed(cut)
    whole, none = cut_at(solid, np.full((len(solid.triangles), 1), np.nan))
    assert len(whole.triangles) == len(solid.triangles) and set(none) == {0}
