"""Operations of an editor on a geometry: against shapes worked by hand, and measures against PostGIS."""

from __future__ import annotations

import pytest
import shapely
from shapely import LineString, Point, box

from layers.store import Store
from spatial_models.geometry_edits import CannotEdit, cut_hole, faults_of, fill_holes, merge, move, reshape, rotate, split
from spatial_models.measures import measure

BLOCK = box(0, 0, 4, 4)


def test_split_gives_pieces_that_fit_together_to_the_last_bit() -> None:
    block = box(116.391, 39.901, 116.3973, 39.9057)
    pieces = split(block, LineString([(116.39, 39.9023), (116.394, 39.9041), (116.3985, 39.9017)]))
    assert len(pieces) == 2
    assert shapely.area(pieces).sum() == pytest.approx(block.area, rel=1e-14)
    shared = set(pieces[0].exterior.coords) & set(pieces[1].exterior.coords)
    assert len(shared) == 3 and (116.394, 39.9041) in shared
    assert pieces[0].area >= pieces[1].area


def test_split_around_a_hole_and_with_parts_apart() -> None:
    ring = BLOCK.difference(box(1, 1, 3, 3))
    assert [piece.area for piece in split(ring, LineString([(2, -1), (2, 5)]))] == [6.0, 6.0]
    apart = shapely.multipolygons([BLOCK, box(5, 0, 6, 1)])
    pieces = split(apart, LineString([(2, -1), (2, 5)]))
    # the part beside stays with the piece next to it
    assert sorted(piece.area for piece in pieces) == [8.0, 9.0]


def test_split_of_a_line() -> None:
    assert sorted(piece.length for piece in split(LineString([(0, 0), (4, 0)]), LineString([(1, -1), (1, 1)]))) == [1.0, 3.0]


@pytest.mark.parametrize("line", [LineString([(-1, 1), (2, 1)]), LineString([(5, 5), (6, 6)])])
def test_a_line_that_does_not_cross_is_refused(line: LineString) -> None:
    with pytest.raises(CannotEdit, match="begin and end outside"):
        split(BLOCK, line)


@pytest.mark.parametrize(("line", "area"), [
    (LineString([(1, 3), (1, 6), (3, 6), (3, 3)]), 20.0),                   # outside: adds 2 by 2
    (LineString([(1, 5), (1, 2), (3, 2), (3, 5)]), 12.0),                   # inside: takes 2 by 2
    (LineString([(3, 5), (3, 2), (1, 2), (1, 5)]), 12.0),                   # the same, drawn the other way
    (LineString([(-1, 1), (5, 1)]), 12.0),                                  # across: the larger side stays
    (LineString([(-1, -1), (1, 1), (1, -1)]), 15.5),                        # over the first vertex
])
def test_reshape(line: LineString, area: float) -> None:
    made = reshape(BLOCK, line)
    assert made.is_valid and made.area == pytest.approx(area)


def test_reshape_of_a_hole_and_of_a_line() -> None:
    ring = BLOCK.difference(box(1, 1, 2, 2))
    assert reshape(ring, LineString([(1.9, 1.2), (2.5, 1.2), (2.5, 1.8), (1.9, 1.8)])).area == pytest.approx(15 - 0.3)
    assert list(reshape(LineString([(0, 0), (4, 0)]), LineString([(1, -1), (1, 2), (3, 2), (3, -1)])).coords) == [
        (0, 0), (1, 0), (1, 2), (3, 2), (3, 0), (4, 0)]
    with pytest.raises(CannotEdit, match="at least twice"):
        reshape(BLOCK, LineString([(1, 1), (2, 2)]))


def test_holes() -> None:
    holed = cut_hole(cut_hole(BLOCK, box(1, 1, 2, 2)), box(2.5, 2.5, 3, 3))
    assert holed.area == 14.75
    assert fill_holes(holed, Point(1.5, 1.5)).area == 15.75
    assert fill_holes(holed).area == 16
    for act in (lambda: fill_holes(BLOCK), lambda: fill_holes(holed, Point(0.5, 0.5)), lambda: cut_hole(BLOCK, box(3, 3, 5, 5))):
        with pytest.raises(CannotEdit):
            act()


def test_merge_joins_areas_and_lines() -> None:
    assert merge([box(0, 0, 1, 1), box(1, 0, 2, 1)]).geom_type == "Polygon"
    assert merge([box(0, 0, 1, 1), box(2, 0, 3, 1)]).geom_type == "MultiPolygon"
    assert merge([LineString([(0, 0), (1, 0)]), LineString([(2, 0), (1, 0)])]).geom_type == "LineString"
    with pytest.raises(CannotEdit, match="one kind"):
        merge([BLOCK, LineString([(0, 0), (1, 0)])])


def test_moving_keeps_vertices_and_size() -> None:
    house = box(116.39, 39.9, 116.391, 39.9005)
    moved = move(house, 4326, 4548, 30, -40)
    turned = rotate(house, 4326, 4548, 90)
    was, now = (measure(g, 4326, 4548) for g in (house, moved))
    assert len(moved.exterior.coords) == len(turned.exterior.coords) == 5
    assert now.grid_area_m2 == pytest.approx(was.grid_area_m2, abs=1e-4)
    assert measure(LineString([house.centroid, moved.centroid]), 4326, 4548).grid_length_m == pytest.approx(50, abs=1e-3)
    west, south, east, north = turned.bounds
    assert (east - west) < (north - south), "a quarter turn stands it upright"


@pytest.mark.parametrize(("text", "code"), [
    ("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))", "self_intersection"),
    ("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (5 5, 6 5, 6 6, 5 5))", "hole_outside"),
    ("MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)), ((1 1, 2 1, 2 2, 1 2, 1 1)))", "parts_nested"),
])
def test_faults_have_a_code_and_a_place(text: str, code: str) -> None:
    fault, = faults_of(shapely.from_wkt(text))
    assert fault.code == code and fault.place is not None
    assert fault.words.zh != fault.words.en


@pytest.mark.parametrize("text", [
    "LINESTRING (116.3 39.9, 116.4 39.95, 116.45 39.85)",
    "POLYGON ((116.3 39.9, 116.4 39.9, 116.4 39.98, 116.3 39.98, 116.3 39.9), (116.33 39.92, 116.36 39.92, 116.36 39.94, 116.33 39.94, 116.33 39.92))",
])
def test_measures_are_those_of_postgis(store: Store, text: str) -> None:
    found = measure(shapely.from_wkt(text), 4326, 4548)
    with store.read() as connection:
        row = connection.execute("SELECT ST_Length(g::geography), ST_Perimeter(g::geography), ST_Area(g::geography), ST_Length(p), ST_Perimeter(p), ST_Area(p) "
                                 "FROM (SELECT g, ST_Transform(g, 4548) p FROM (SELECT ST_GeomFromText(%s, 4490) g) a) b", (text,)).fetchone()
    assert row is not None
    assert found.geodesic_length_m == pytest.approx(row[0] + row[1], rel=1e-6)
    assert found.grid_length_m == pytest.approx(row[3] + row[4], rel=1e-8)
    assert (found.geodesic_area_m2 or 0) == pytest.approx(row[2], rel=1e-6)
    assert (found.grid_area_m2 or 0) == pytest.approx(row[5], rel=1e-8)
