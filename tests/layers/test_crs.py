"""Coordinate reference systems: names, axes, transformations against known points."""

from __future__ import annotations

import pytest
import shapely

from layers.crs import (
    CRS84,
    CRS84_URI,
    box_around,
    box_to_srid,
    boxes_of,
    ewkb_hex,
    find_crs,
    is_same_place,
    make_crs,
    offered,
    to_srid,
    transformer,
)
from layers.errors import InvalidParameter

OFFERED = offered(4490, 4548)
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def test_offers_each_system_once_and_the_default_first():
    assert [c.uri for c in OFFERED] == [CRS84_URI, EPSG + "4490", EPSG + "4548", EPSG + "4326", EPSG + "3857"]
    assert [c.uri for c in offered(4326, 3857)] == [CRS84_URI, EPSG + "4326", EPSG + "3857", EPSG + "4490"]


@pytest.mark.parametrize(("srid", "flip", "decimals"), [(4326, True, 7), (4490, True, 7), (4548, True, 3), (3857, False, 3), (27700, False, 3),
                                                        (2326, True, 3)])
def test_knows_whose_north_comes_first(srid, flip, decimals):
    crs = make_crs(srid)
    assert (crs.flip, crs.decimals) == (flip, decimals)
    assert not CRS84.flip and CRS84.srid == 4326


@pytest.mark.parametrize(("name", "uri"), [
    (CRS84_URI, CRS84_URI), (EPSG + "4490", EPSG + "4490"), ("https://www.opengis.net/def/crs/EPSG/9.9.1/4548", EPSG + "4548"),
    ("[EPSG:4490]", EPSG + "4490"), ("EPSG:3857", EPSG + "3857"), ("[OGC:CRS84]", CRS84_URI), ("urn:ogc:def:crs:EPSG::4548", EPSG + "4548")])
def test_finds_a_system_by_every_spelling(name, uri):
    assert find_crs(name, OFFERED).uri == uri


@pytest.mark.parametrize("name", ["", "4490", "EPSG:27700", "http://example.org/def/crs/EPSG/0/4490", "[EPSG:4490", "EPSG:4490; DROP", "EPSG:٤٤٩٠"])
def test_refuses_others_and_names_the_parameter(name):
    with pytest.raises(InvalidParameter) as caught:
        find_crs(name, OFFERED, "bbox-crs")
    assert caught.value.parameter == "bbox-crs" and EPSG + "4490" in str(caught.value)


def test_refuses_a_number_that_is_no_system():
    with pytest.raises(InvalidParameter):
        make_crs(999_999)


def test_knows_where_a_transformation_does_nothing():
    assert is_same_place(4490, 4326) and is_same_place(4326, 4490) and is_same_place(4548, 4548)
    assert not is_same_place(4548, 4490)
    assert not is_same_place(4214, 4326)        # Beijing 1954 lies elsewhere


def test_a_known_point_in_gauss_krueger():
    # On the central meridian, 117° E, the false easting is 500 km and the northing the length of the meridian arc:
    # 4,429,529.03 m to 40° N on GRS 80 (which is that of CGCS2000 to the millimetre).
    east, north = transformer(4490, 4548).transform(117, 40)
    assert east == pytest.approx(500_000, abs=1e-3)
    assert north == pytest.approx(4_429_529.03, abs=0.1)


def test_long_edges_stay_where_they_were():
    box = shapely.box(116, 39.5, 117.5, 40.5)
    moved = to_srid(box, 4490, 4548)
    back = to_srid(moved, 4548, 4490)
    # A straight edge between two corners alone would be off by some hundred metres in the middle.
    assert shapely.hausdorff_distance(back, box) < 1e-5
    assert to_srid(box, 4490, 4326) is box


def test_what_cannot_be_expressed_is_refused():
    with pytest.raises(ValueError, match="outside"):
        to_srid(shapely.Point(0, 91), 4326, 3857)


def test_a_box_around_the_world_can_be_asked_in_a_local_system():
    moved = box_to_srid((-180, -90, 180, 90), 4326, 4548)
    assert moved.contains(shapely.Point(transformer(4490, 4548).transform(116.4, 39.9)))
    assert box_to_srid((-75, 40, -70, 45), 4326, 4548).is_empty


def test_a_rectangle_is_written_as_shapely_writes_it():
    assert box_around(1, 2, 3.5, 4, 4490).upper() == ewkb_hex(shapely.Polygon([(1, 2), (1, 4), (3.5, 4), (3.5, 2)]), 4490)


def test_boxes_over_the_antimeridian():
    assert boxes_of((170, -1, -170, 1), True) == ((170, -1, 180.0, 1), (-180.0, -1, -170, 1))
    assert boxes_of((170, -1, 175, 1), True) == ((170, -1, 175, 1),)
