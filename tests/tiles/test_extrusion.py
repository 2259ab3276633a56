"""Prisms and tubes: volume by the divergence theorem, faces that look outwards."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon

from tiles.extrusion import Solid, extrude
from tiles.tubes import SIDES, tubes

COURT = Polygon([(0, 0), (20, 0), (20, 10), (0, 10)], [[(5, 3), (8, 3), (8, 6), (5, 6)], [(12, 2), (12, 8), (16, 8)]])
ELL = Polygon([(100, 0), (100, 30), (110, 30), (110, 10), (140, 10), (140, 0)])
TWO = MultiPolygon([Polygon([(200, 0), (210, 0), (210, 10)]), Polygon([(220, 0), (230, 0), (230, 5), (225, 9), (220, 5)])])


def volume(solid: Solid, shape: int) -> float:
    triangles = solid.triangles[solid.source[solid.triangles[:, 0]] == shape]
    a, b, c = (solid.xyz[triangles[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def is_closed(solid: Solid) -> bool:
    """Is each edge between two places run through once in each direction?"""
    ids = np.unique(solid.xyz.round(9), axis=0, return_inverse=True)[1][solid.triangles]
    edges = np.concatenate([ids[:, [0, 1]], ids[:, [1, 2]], ids[:, [2, 0]]])
    forth = {}
    for a, b in edges.tolist():
        forth[a, b] = forth.get((a, b), 0) + 1
    return all(forth.get((b, a)) == n for (a, b), n in forth.items())


def faces(solid: Solid) -> np.ndarray:
    """The direction that each triangle's order of corners says, against the normal that its corners carry."""
    a, b, c = (solid.xyz[solid.triangles[:, i]] for i in range(3))
    wound = np.cross(b - a, c - a)
    wound /= np.linalg.norm(wound, axis=1)[:, None]
    return np.einsum("ij,ij->i", wound, solid.normal[solid.triangles[:, 0]])


@pytest.mark.parametrize("area", [COURT, COURT.reverse(), ELL, TWO, Polygon([(0, 0), (1, 0), (1, 0), (1, 1), (0, 0)])])
def test_volume_is_area_times_height(area):
    solid = extrude(np.array([area]), np.array([3.0]), np.array([21.5]))
    assert volume(solid, 0) == pytest.approx(area.area * 18.5, rel=1e-12)
    assert is_closed(solid)


def test_many_at_once_keep_their_numbers():
    areas = np.array([ELL, Polygon(), COURT, None, TWO, ELL])
    solid = extrude(areas, np.zeros(6), np.array([1.0, 5, 2, 3, 4, 0]))
    assert set(solid.source.tolist()) == {0, 2, 4}      # nothing for the empty, the missing and the flat
    assert [volume(solid, i) for i in (0, 2, 4)] == pytest.approx([ELL.area, COURT.area * 2, TWO.area * 4])


def test_normals_look_outwards():
    solid = extrude(np.array([COURT, ELL, TWO]), np.zeros(3), np.full(3, 9.0))
    assert faces(solid) == pytest.approx(1)
    middle = solid.xyz[solid.triangles].mean(axis=1)
    normal = solid.normal[solid.triangles[:, 0]]
    shapes = np.array([COURT, ELL, TWO])[solid.source[solid.triangles[:, 0]]]
    for sign, inside in ((1e-6, False), (-1e-6, True)):
        moved = middle + sign * normal
        within = shapely.contains_xy(shapes, moved[:, :2]) & (moved[:, 2] > 0) & (moved[:, 2] < 9)
        assert (within == inside).all()


@pytest.mark.parametrize(("wkt", "area"), [
    ("POLYGON((0 0,10 10,10 0,0 10,0 0))", 50), ("POLYGON((0 0,10 0,10 10,20 10,10 10,0 10,0 0))", 100), ("POLYGON((0 0,10 0,0 0,0 0))", 0),
    ("MULTIPOLYGON(((0 0,10 0,10 10,0 10,0 0)),((5 5,15 5,15 15,5 15,5 5)))", 150)])
def test_an_area_that_crosses_itself_breaks_nothing(wkt, area):
    solid = extrude(np.array([shapely.from_wkt(wkt), ELL]), np.zeros(2), np.full(2, 2.0))
    assert volume(solid, 0) == pytest.approx(area * 2) and volume(solid, 1) == pytest.approx(ELL.area * 2)


def test_nothing_gives_nothing():
    solid = extrude(np.array([], object), np.empty(0), np.empty(0))
    assert solid.xyz.shape == (0, 3) and solid.triangles.shape == (0, 3)


def test_a_pipe_is_a_closed_octagon_that_falls():
    lines = np.array([LineString([(0, 0), (30, 40)])])
    solid = tubes(lines, np.array([-2.0]), np.array([-3.0]), np.array([0.6]), np.array([0.6]), np.array([True]))
    octagon = SIDES / 2 * 0.3**2 * np.sin(2 * np.pi / SIDES)
    assert volume(solid, 0) == pytest.approx(octagon * np.hypot(50, 1), rel=1e-9)
    assert is_closed(solid) and faces(solid) == pytest.approx(1)
    start = solid.xyz[np.hypot(solid.xyz[:, 0], solid.xyz[:, 1]) < 1]
    assert start[:, 2].mean() == pytest.approx(-2) and np.ptp(start[:, 2]) < 0.6


def test_a_duct_keeps_its_section_around_a_bend():
    lines = np.array([LineString([(0, 0), (10, 0), (10, 0), (10, 10)]), LineString([(5, 5), (5, 5)]), LineString()])
    solid = tubes(lines, np.zeros(3), np.zeros(3), np.full(3, 2.0), np.full(3, 1.0), np.zeros(3, bool))
    assert set(solid.source.tolist()) == {0}            # a line without length is none
    # An L of width 2 around the axis, mitred: both arms are as long outside as inside is short.
    assert volume(solid, 0) == pytest.approx(20 * 2 * 1, rel=1e-9)
    assert is_closed(solid) and faces(solid) == pytest.approx(1)


def test_a_riser_goes_straight_up():
    solid = tubes(np.array([LineString([(0, 0), (1e-4, 0)])]), np.array([-5.0]), np.array([0.0]), np.array([0.2]), np.array([0.2]),
                  np.array([True]))
    assert faces(solid) == pytest.approx(1, abs=1e-6) and is_closed(solid)
