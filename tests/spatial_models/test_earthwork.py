"""Sections and earthwork against shapes whose numbers are known: planes, boxes, pits with slopes, a hill of revolution."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_models.earthwork import cells_of, pit_floor, volumes
from spatial_models.section import Line, crossings, ground_line, intervals
from spatial_models.surroundings import Ground
from tests.spatial_models.test_sight import PLANE, SRID, Shape

TILTED = Ground(Shape(lambda x, y: 10 + 0.1 * x + 0.05 * y), SRID)
L = shapely.Polygon([(0, 0), (40.3, 0), (40.3, 20), (20, 20), (20, 35.7), (0, 35.7)])


def test_a_plane_is_added_up_exactly():
    for cell_m in (0.7, 3.0):
        earth = cells_of(L, cell_m, TILTED)
        middle = L.centroid
        assert earth.area_m2.sum() == pytest.approx(L.area, rel=1e-9)
        assert earth.mean_m == pytest.approx(10 + 0.1 * middle.x + 0.05 * middle.y, rel=1e-9)
        assert volumes(earth, 0).cut_m3 == pytest.approx(L.area * earth.mean_m, rel=1e-9)
        assert (earth.area_m2 * earth.steepness).sum() == pytest.approx(L.area * math.sqrt(1 + 0.1**2 + 0.05**2), rel=1e-9)
    # A wedge cut by a level plane in its middle: half a · b · (rise / 2) / 2 on either side.
    wedge = Ground(Shape(lambda x, y: 0.2 * x + 0 * y), SRID)
    made = volumes(cells_of(shapely.box(-10, 0, 10, 30), 0.5, wedge), 0.0)
    assert (made.cut_m3, made.fill_m3) == pytest.approx((10 * 30 * 1.0, 10 * 30 * 1.0), rel=1e-3)


def test_a_hill_of_revolution():
    # z = 12 (1 - r² / 30²): π r² h / 2 over the plane; over a level of 6 m half the square of that share.
    hill = Ground(Shape(lambda x, y: 12 * (1 - (x**2 + y**2) / 900)), SRID)
    earth = cells_of(shapely.Point(0, 0).buffer(30, quad_segs=256), 0.5, hill)
    assert volumes(earth, 0).cut_m3 == pytest.approx(math.pi * 900 * 12 / 2, rel=1e-3)
    assert volumes(earth, 6).cut_m3 == pytest.approx(math.pi * 450 * 6 / 2, rel=1e-3)
    assert volumes(earth, 6).cut_m3 - volumes(earth, 6).fill_m3 == pytest.approx(volumes(earth, 0).cut_m3 - 6 * earth.area_m2.sum(), rel=1e-9)


def test_a_pit_with_slopes():
    # 20 × 20 m, 5 m deep, slopes of 1 in 0.8: a² d + 4 a · m d² / 2 + π m² d³ / 3, its corners being quarters of a cone.
    a, d, m = 20.0, 5.0, 0.8
    square = shapely.box(0, 0, a, a)
    sides = cells_of(square.buffer(8, quad_segs=32) - square, 0.25, PLANE)
    cut = volumes(cells_of(square, 0.25, PLANE), -d).cut_m3 + volumes(sides, pit_floor(square, sides.x, sides.y, -d, m)).cut_m3
    assert cut == pytest.approx(a * a * d + 4 * a * m * d**2 / 2 + math.pi * m**2 * d**3 / 3, rel=2e-3)
    # Upright sides take nothing from beyond.
    assert volumes(sides, pit_floor(square, sides.x, sides.y, -d, 0.0)).cut_m3 == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-5, 20), st.floats(0, 10))
def test_deeper_is_more_and_nothing_is_lost(seed, level, deeper):
    rough = np.random.default_rng(seed)
    a, b, c = rough.normal(0, 3, 3)
    earth = cells_of(L, 2.0, Ground(Shape(lambda x, y: 8 + a * np.sin(x / 7) + b * np.cos(y / 5) + c * np.sin((x + y) / 9)), SRID))
    high, low = volumes(earth, level), volumes(earth, level - deeper)
    assert low.cut_m3 >= high.cut_m3 - 1e-9 and low.fill_m3 <= high.fill_m3 + 1e-9
    assert high.cut_m3 - high.fill_m3 == pytest.approx((earth.mean_m - level) * L.area, abs=1e-6)


def test_a_section_through_boxes_and_pipes():
    # East for 100 m, then north for 50: a box across the bend is cut once, one with a court twice.
    line = Line.of(np.array([[0.0, 0], [100, 0], [100, 0], [100, 50]]))
    court = shapely.box(20, -10, 50, 10) - shapely.box(30, -5, 40, 5)
    cuts = intervals(line, np.array([shapely.box(90, -5, 110, 10), court, shapely.box(0, 0, 10, 10), shapely.box(60, 5, 70, 9)], dtype=object))
    assert cuts == [(0, 90.0, 110.0), (1, 20.0, 30.0), (1, 40.0, 50.0), (2, 0.0, 10.0)]
    pipes = np.array([shapely.LineString([(70, -10), (70, 30)]), shapely.LineString([(90, 10), (110, 30)]), shapely.LineString([(30, 0), (45, 0), (45, 20)]),
                      shapely.LineString([(0, 40), (90, 40)])], dtype=object)
    first, second, third = crossings(line, pipes)
    assert (first.row, first.distance_m, first.end_m, first.angle_deg) == (2, 30, 45, 0)
    assert (second.row, second.distance_m, second.share, second.angle_deg) == pytest.approx((0, 70, 0.25, 90))
    assert (third.row, third.distance_m, third.share, third.angle_deg) == pytest.approx((1, 120, 0.5, 45))
    s, z = ground_line(line, TILTED, 7)
    assert {0.0, 100.0, 150.0} <= set(s) and np.diff(s).max() <= 7
    assert z == pytest.approx(10 + 0.1 * np.minimum(s, 100) + 0.05 * np.maximum(s - 100, 0))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=6, unique=True), st.integers(0, 2**32 - 1))
def test_cuts_are_as_long_as_what_lies_inside(points, seed):
    line = Line.of(np.array(points))
    middles = np.random.default_rng(seed).uniform(-40, 40, (5, 2))
    shapes = np.array([shapely.Point(m).buffer(9, quad_segs=3) for m in middles], dtype=object)
    pieces = [piece for _, piece in line.pieces()]
    for row, shape in enumerate(shapes):
        inside = sum(piece.intersection(shape).length for piece in pieces)
        assert sum(end - begin for r, begin, end in intervals(line, shapes) if r == row) == pytest.approx(inside, abs=1e-6)
