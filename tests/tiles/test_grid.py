"""Tile addresses: where they lie, and that none outside the grid can be made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.crs import transformer
from tiles.grid import GRIDS, WEB_MERCATOR_QUAD, TileAddress, UnknownTile, find_grid


def test_the_whole_world_is_one_tile():
    assert TileAddress(0, 0, 0).envelope == pytest.approx((-20037508.3428, -20037508.3428, 20037508.3428, 20037508.3428))


def test_a_known_tile():
    # The tile of 116.4° E, 39.93° N on level 14 by the formula of the slippy map: 13489.5 columns east, 6206.4 rows down.
    tile = TileAddress(14, 13489, 6206)
    minx, miny, maxx, maxy = tile.envelope
    west, south = transformer(3857, 4326).transform(minx, miny)
    east, north = transformer(3857, 4326).transform(maxx, maxy)
    assert west == pytest.approx(13489 / 2**14 * 360 - 180) and east - west == pytest.approx(360 / 2**14)
    assert west < 116.4 < east and south < 39.93 < north and tile.pixel == pytest.approx((maxx - minx) / 512)


@pytest.mark.parametrize(("z", "x", "y"), [(-1, 0, 0), (25, 0, 0), (3, 8, 0), (3, 0, 8), (3, -1, 0), (3, 0, -1), (0, 1, 0)])
def test_no_tile_is_outside_the_grid(z, x, y):
    with pytest.raises(UnknownTile):
        TileAddress(z, x, y)


@given(st.integers(0, 23).flatmap(lambda z: st.tuples(st.just(z), st.integers(0, 2**z - 1), st.integers(0, 2**z - 1))))
def test_four_tiles_make_the_one_above(address):
    z, x, y = address
    minx, miny, maxx, maxy = TileAddress(z, x, y).envelope
    first, last = TileAddress(z + 1, 2 * x, 2 * y).envelope, TileAddress(z + 1, 2 * x + 1, 2 * y + 1).envelope
    assert (first[0], last[1], last[2], first[3]) == pytest.approx((minx, miny, maxx, maxy), abs=1e-6)


def test_the_definition_is_that_of_the_ogc():
    definition = WEB_MERCATOR_QUAD.definition()
    assert definition["uri"] == "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
    first, deep = definition["tileMatrices"][0], definition["tileMatrices"][18]
    # The scale denominators of the standard, Annex D.
    assert first["scaleDenominator"] == pytest.approx(559082264.028717, rel=1e-9)
    assert deep["scaleDenominator"] == pytest.approx(2132.72958384978, rel=1e-9) and deep["matrixWidth"] == 2**18
    assert first["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892])


def test_grids_are_found_by_name():
    assert find_grid("WebMercatorQuad") is GRIDS["WebMercatorQuad"]
    with pytest.raises(UnknownTile, match="WebMercatorQuad, WorldCRS84Quad, CGCS2000Quad"):
        find_grid("GoogleCRS84Quad")
