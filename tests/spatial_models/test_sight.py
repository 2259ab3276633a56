"""Lines of sight, viewsheds and skylines against cases worked out by hand, and against rays that are marched step by step."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_models.lines_of_sight import Sight, look
from spatial_models.skyline import openness_deg, sky_share, sky_view_factor, skyline
from spatial_models.solids import Solids
from spatial_models.surroundings import Ground
from spatial_models.viewshed import Surface, surface, surfaces_of, viewshed

SRID = 4548
PLANE = Ground(None, SRID)
# (1 - 0.13) / (2 · 6371008.8 m)
DROP = 0.87 / (2 * 6_371_008.8)


class Shape:
    """A terrain that is a function."""

    layer, cell_m = "made_up", 4.0

    def __init__(self, height: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        self.height = height

    def heights(self, x: np.ndarray, y: np.ndarray, srid: int) -> np.ndarray:
        return self.height(x, y)


def solids(*boxes: tuple[float, float, float, float, float]) -> Solids:
    """Return prisms on the plane: (minx, miny, maxx, maxy, top)."""
    shapes = np.array([shapely.box(*box[:4]) for box in boxes], dtype=object)
    return of_shapes(shapes, [box[4] for box in boxes])


def of_shapes(shapes: np.ndarray, tops: list[float]) -> Solids:
    count = len(shapes)
    return Solids(np.full(count, "building", dtype=object), np.arange(1, count + 1), np.full(count, None, dtype=object), shapes, np.zeros(count),
                  np.array(tops, dtype=float), np.ones(count, dtype=bool))


ONE = solids((50, -10, 60, 10, 20))


def test_a_box_between_two_places():
    # A level line at 10 m meets the box of 20 m at its wall, 10 m below its roof.
    (level,) = look((0, 0, 10), (100, 0, 10), ONE, PLANE).obstructions
    assert (level.begin_m, level.end_m, level.above_m, level.x, level.y) == pytest.approx((50, 60, 10, 50, 0))
    # From 40 m down to 4 m at 100 m the line is at 22 m over the near wall, at 18.4 m over the far one: the roof is met on the way.
    (roof,) = look((0, 0, 40), (100, 0, 4), ONE, PLANE).obstructions
    assert (roof.begin_m, roof.above_m, roof.line_m) == pytest.approx((20 / 0.36, 1.6, 20), abs=0.01)
    # What is seen from there begins on the line over the far wall: 40 - 20 / 60 · 100.
    assert look((0, 0, 40), (100, 0, 4), ONE, PLANE).seen_from_m == pytest.approx(40 - 100 / 3)
    assert look((0, 0, 40), (100, 0, 7), ONE, PLANE).is_visible
    # Past a corner, and along a wall, nothing is in the way.
    assert look((0, 10, 10), (100, 10, 10), ONE, PLANE).is_visible
    assert look((0, 11, 10), (100, 11, 10), ONE, PLANE).is_visible


def test_the_earth_is_round_where_that_is_asked_for():
    # The horizon of an eye at 2 m is at √(2 R h / (1 - k)); behind it (D - d)² · drop is hidden.
    horizon = math.sqrt(2 / DROP)
    assert horizon == pytest.approx(5412.2, abs=0.1)
    seen = look((0, 0, 2), (10_000, 0, 0), Solids.none(), PLANE, DROP)
    assert not seen.is_visible and seen.seen_from_m == pytest.approx((10_000 - horizon) ** 2 * DROP, abs=0.01)
    assert look((0, 0, 2), (10_000, 0, seen.seen_from_m + 0.01), Solids.none(), PLANE, DROP).is_visible
    assert look((0, 0, 2), (10_000, 0, 0), Solids.none(), PLANE).is_visible


def test_a_hill_is_met_where_its_slope_is():
    # A cone of 50 m and 100 m radius at x = 300; a level line at 20 m meets it where 50 (1 - r / 100) = 20: r = 60.
    cone = Ground(Shape(lambda x, y: np.maximum(0.0, 50 * (1 - np.hypot(x - 300, y) / 100))), SRID)
    (hill,) = look((0, 0, 20), (600, 0, 20), Solids.none(), cone).obstructions
    assert (hill.begin_m, hill.above_m, hill.solid) == (pytest.approx(240, abs=0.01), pytest.approx(30, abs=0.5), None)


PLACE = st.tuples(st.floats(-200, 200), st.floats(-200, 200), st.floats(0.5, 60))
BOX = st.tuples(st.floats(-150, 150), st.floats(-150, 150), st.floats(2, 60), st.floats(2, 60), st.floats(1, 50)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3], b[4]))
BOXES = st.lists(BOX, min_size=1, max_size=6)


def marched(eye: tuple[float, float, float], target: tuple[float, float, float], boxes: list[tuple[float, ...]], margin: float) -> tuple[bool, float]:
    """Walk along a line in steps of 2 cm: does it enter a box that is `margin` larger on all sides, and where first?"""
    length = math.dist(eye[:2], target[:2])
    share = np.linspace(0, 1, int(length / 0.02) + 2)
    x, y, z = (eye[i] + share * (target[i] - eye[i]) for i in range(3))
    inside = np.zeros(len(share), dtype=bool)
    for minx, miny, maxx, maxy, top in boxes:
        inside |= (x > minx - margin) & (x < maxx + margin) & (y > miny - margin) & (y < maxy + margin) & (z < top + margin)
    return bool(inside.any()), float(share[inside.argmax()] * length)


@settings(max_examples=60, deadline=None)
@given(PLACE, PLACE, BOXES)
def test_agrees_with_a_ray_that_is_marched(eye, target, boxes):
    sight = look(eye, target, solids(*boxes), PLANE)
    if marched(eye, target, boxes, -0.05)[0]:
        assert not sight.is_visible
        assert sight.obstructions[0].begin_m <= marched(eye, target, boxes, -0.05)[1] + 0.02
    if not marched(eye, target, boxes, 0.05)[0]:
        assert sight.is_visible


@settings(max_examples=60, deadline=None)
@given(PLACE, PLACE, BOXES, st.floats(0, 50))
def test_whoever_climbs_sees_no_less_and_who_is_seen_sees(eye, target, boxes, up):
    there = solids(*boxes)

    def seen(a: tuple[float, float, float], b: tuple[float, float, float]) -> Sight:
        return look(a, b, there, PLANE)

    if seen(eye, target).is_visible:
        assert seen((*eye[:2], eye[2] + up), target).is_visible
        assert seen(eye, (*target[:2], target[2] + up)).is_visible
    assert seen(eye, target).is_visible == seen(target, eye).is_visible


def test_the_shadow_of_a_box_is_a_wedge():
    # The eye is below the roof: all behind the box within the angle of its near wall is hidden, out to the circle.
    over = surface(0, 0, 300, 1.0, ONE, PLANE)
    found = viewshed(over, 10, 300)
    wedge = shapely.Polygon([(50, -10), (50, 10), (400, 80), (400, -80)]).intersection(shapely.Point(0, 0).buffer(300, quad_segs=256))
    hidden = surfaces_of(over, found.looked & ~found.seen)
    assert hidden.area == pytest.approx(wedge.area, rel=0.04)
    assert hidden.symmetric_difference(wedge).area < 0.05 * wedge.area
    assert found.solids.tolist() == [0]
    # Behind a higher box in front of it the second is not seen at all; above both it is.
    two = solids((50, -10, 60, 10, 20), (100, -5, 110, 5, 15))
    assert viewshed(surface(0, 0, 200, 1.0, two, PLANE), 10, 200).solids.tolist() == [0]
    assert viewshed(surface(0, 0, 200, 1.0, two, PLANE), 60, 200).solids.tolist() == [0, 1]
    # A field to the north does not hold what is in the east; one to the east does.
    assert viewshed(over, 10, 300, azimuth_deg=0, field_deg=90).solids.tolist() == []
    east = viewshed(over, 10, 300, azimuth_deg=90, field_deg=90)
    assert east.solids.tolist() == [0] and east.looked.sum() == pytest.approx(math.pi * 300**2 / 4, rel=0.01)


def test_a_hill_hides_what_a_marched_ray_says():
    cone = Ground(Shape(lambda x, y: np.maximum(0.0, 30 * (1 - np.hypot(x - 120, y - 40) / 60))), SRID)
    over = surface(0, 0, 250, 4.0, Solids.none(), cone)
    found = viewshed(over, 5, 250)
    east, north = np.broadcast_arrays(*over.offsets())
    cells = np.argwhere(found.looked & (np.hypot(east, north) > 8))[::7]
    right = 0
    for row, col in cells:
        x, y = east[row, col], north[row, col]
        share = np.linspace(0, 1, 400)[1:-1]
        # Up to where the cell itself begins.
        share = share[share * math.hypot(x, y) < math.hypot(x, y) - 2]
        line = 5 + share * (over.top[row, col] - 5)
        right += bool((cone.heights(share * x, share * y) <= line + 1e-9).all()) == found.seen[row, col]
    assert right / len(cells) > 0.985 and 0.05 < 1 - found.seen.sum() / found.looked.sum() < 0.4


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 30), st.floats(0, 30))
def test_raising_the_eye_hides_nothing(seed, eye_m, up):
    heights = np.random.default_rng(seed).gamma(1.0, 6.0, (41, 41))
    over = Surface(0, 0, 5.0, heights, heights, np.full(heights.shape, -1))
    low, high = viewshed(over, heights[20, 20] + eye_m, 100), viewshed(over, heights[20, 20] + eye_m + up, 100)
    assert not (low.seen & ~high.seen).any()


def test_the_horizon_of_a_box_and_of_a_well():
    found = skyline((0, 0, 1.6), 500, 1, ONE, PLANE)
    # Due east the wall is 50 m away and 18.4 m over the eye; its corners are at atan(10 / 50) = 11.3° to both sides.
    assert found.angle_deg[90] == pytest.approx(math.degrees(math.atan(18.4 / 50)))
    assert found.distance_m[90] == pytest.approx(50)
    assert np.flatnonzero(found.solid == 0).tolist() == list(range(79, 102))
    # At the bottom of a round well 10 m deep and 10 m to its wall the horizon is at 45° all around.
    ring = shapely.Point(0, 0).buffer(20, quad_segs=180) - shapely.Point(0, 0).buffer(10, quad_segs=180)
    well = skyline((0, 0, 0), 100, 1, of_shapes(np.array([ring], dtype=object), [10.0]), PLANE)
    assert sky_view_factor(well.angle_deg) == pytest.approx(0.5, abs=1e-4)
    assert sky_share(well.angle_deg) == pytest.approx(1 - math.sqrt(0.5), abs=1e-4)
    assert openness_deg(well.angle_deg) == pytest.approx(45, abs=1e-2)
    # From its rim nothing rises.
    assert skyline((0, 0, 11), 100, 1, of_shapes(np.array([ring], dtype=object), [10.0]), PLANE).angle_deg.max() < 0


@settings(max_examples=30, deadline=None)
@given(BOXES, st.floats(0, 40))
def test_agrees_with_rays_cut_one_by_one(boxes, eye_m):
    there = solids(*boxes)
    inside = shapely.intersects(there.shapes, shapely.Point(0, 0).buffer(0.5))
    there = there.some(~inside)
    found = skyline((0, 0, eye_m), 300, 5, there, PLANE)
    for azimuth, angle in zip(found.azimuth_deg, found.angle_deg, strict=True):
        end = 300 * math.sin(math.radians(azimuth)), 300 * math.cos(math.radians(azimuth))
        ray = shapely.LineString([(0, 0), end])
        best = math.degrees(math.atan(-eye_m / 300))
        for shape, top in zip(there.shapes, there.top, strict=True):
            cut = shapely.get_coordinates(shapely.intersection(ray, shape))
            if len(cut):
                far = np.hypot(*cut.T)
                best = max(best, *np.degrees(np.arctan((top - eye_m) / far)))
        # A ray that only touches a corner may be taken for a miss.
        near = min(abs((math.degrees(math.atan2(x, y)) - azimuth + 180) % 360 - 180) for x, y in shapely.get_coordinates(there.shapes)) if len(there) else 9
        assert angle == pytest.approx(best, abs=1e-6) or near < 1e-6
