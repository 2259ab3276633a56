"""Tiles of every grid, read back by GDAL and held against PROJ and GEOS, which know nothing of tiles."""

from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import CRS, Transformer

from config.settings import ROOT
from layers.access import OWNER
from layers.city import read_city
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import changesets, make, put
from tiles.cache import CachedTile, TileCache, TileKey
from tiles.grid import GRIDS, Grid, TileAddress, grids_of
from tiles.vector_tiles import BUFFER, render

CITY = read_city(ROOT / "config" / "city.yaml")
ALL = grids_of(CITY)
LON, LAT = 116.40, 39.93
WORLD = 20037508.342789244
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def units(tmp_path: Path):
    """Read a tile in its own units, 0 to 4096 from its upper left corner: {layer: {fid: geometry}}."""
    numbers = itertools.count()

    def read(body: bytes) -> dict[str, dict[int, shapely.Geometry]]:
        if not body:
            return {}
        path = tmp_path / f"{next(numbers)}.pbf"
        path.write_bytes(body)
        found = {}
        for name, _ in pyogrio.list_layers(path):
            # As the one tile of level 0 its units are shares of the world.
            frame = pyogrio.read_dataframe(path, layer=name, X="0", Y="0", Z="0", CLIP="NO")
            shapes = shapely.transform(frame.geometry.values, lambda xy: np.column_stack((
                (xy[:, 0] + WORLD) / (2 * WORLD) * 4096, (WORLD - xy[:, 1]) / (2 * WORLD) * 4096)))
            found[name] = dict(zip(frame["mvt_id"], shapes, strict=True))
        return found

    return read


@cache
def mover(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def tile_of(grid: Grid, z: int, lon: float = LON, lat: float = LAT) -> TileAddress:
    """Find a tile by PROJ and the definition that is published, as a client does."""
    matrix = grid.definition()["tileMatrices"][z]
    x, y = mover(4326, grid.srid).transform(lon, lat)
    corner = matrix["pointOfOrigin"]
    west, north = corner if abs(corner[0] - grid.origin[0]) < 1e-6 else corner[::-1]
    side = matrix["cellSize"] * matrix["tileWidth"]
    return TileAddress(z, math.floor((x - west) / side), math.floor((north - y) / side), grid)


def expected(tile: TileAddress, shape: shapely.Geometry, srid: int = 4490) -> shapely.Geometry:
    """Move a geometry, finely split, into the units of a tile, and cut it at the margin."""
    move = Transformer.from_crs(srid, tile.grid.srid, always_xy=True)
    minx, _, maxx, maxy = tile.envelope
    unit = (maxx - minx) / 4096
    fine = shapely.segmentize(shape, 5e-5)
    moved = shapely.transform(fine, lambda xy: np.column_stack(move.transform(xy[:, 0], xy[:, 1])))
    inside = shapely.transform(moved, lambda xy: np.column_stack(((xy[:, 0] - minx) / unit, (maxy - xy[:, 1]) / unit)))
    return shapely.clip_by_rect(inside, -BUFFER, -BUFFER, 4096 + BUFFER, 4096 + BUFFER)


SHAPES = {1: shapely.box(LON, LAT, LON + 0.0007, LAT + 0.0005), 2: shapely.LineString([(LON - 0.2, LAT - 0.13), (LON + 0.2, LAT + 0.1301)]),
          3: shapely.box(LON - 0.15, LAT - 0.1, LON + 0.15, LAT + 0.0002), 4: shapely.Point(LON + 0.00001, LAT + 0.00001)}


@pytest.fixture(scope="module")
def layer(store: Store) -> Layer:
    layer = make(store, "gridded")
    changesets(store, 9)
    put(store, layer, [*({"fid": fid, "wkt": shape.wkt, "name": f"n{fid}"} for fid, shape in SHAPES.items()),
                       {"fid": 5, "wkt": None}, {"fid": 6, "wkt": "POLYGON EMPTY"}])
    return layer


@pytest.mark.parametrize(("name", "z"), [("WebMercatorQuad", 14), ("WebMercatorQuad", 17), ("WorldCRS84Quad", 13), ("WorldCRS84Quad", 16),
                                         ("CGCS2000Quad", 13), ("CGCS2000Quad", 17), ("DemoCity4548", 4), ("DemoCity4548", 6), ("DemoCity4548", 9)])
def test_everything_lies_where_it_is_to_less_than_a_unit(store, layer, units, name, z):
    tile = tile_of(ALL[name], z)
    found = units(render(store, ItemQuery(layer, OWNER), tile).body)["gridded"]
    for fid, shape in SHAPES.items():
        wanted = expected(tile, shape)
        assert not wanted.is_empty and fid in found, fid
        if name == "WebMercatorQuad" and fid in (2, 3):
            continue        # the stored geometry of this grid has straight lines between the corners
        # Coordinates are whole units: half of one to each side, and half of one that a line may stray from its curve.
        assert shapely.hausdorff_distance(shapely.normalize(found[fid]), wanted) < 1.5, fid
    assert not found.keys() & {5, 6}


@pytest.mark.parametrize("name", sorted(ALL))
def test_neighbours_share_what_lies_on_their_border(store, layer, units, name):
    grid = ALL[name]
    z = next(z for z in range(grid.max_zoom + 1) if grid.detail(z) >= 15)
    tile = tile_of(grid, z)
    ids = set()
    for dx, dy in itertools.product((-1, 0, 1), repeat=2):
        found = units(render(store, ItemQuery(layer, OWNER), TileAddress(z, tile.x + dx, tile.y + dy, grid)).body)
        ids |= found.get("gridded", {}).keys()
        assert (2 in found.get("gridded", {})) == expected(TileAddress(z, tile.x + dx, tile.y + dy, grid), SHAPES[2]).intersects(
            shapely.box(-BUFFER, -BUFFER, 4096 + BUFFER, 4096 + BUFFER))
    assert ids == {1, 2, 3, 4}


@pytest.mark.parametrize("name", sorted(ALL))
def test_coarse_levels_have_what_is_worth_drawing(store, layer, units, name):
    # A square of 60 m is less than a pixel from afar; what is long is seen.
    found = units(render(store, ItemQuery(layer, OWNER), tile_of(ALL[name], 0)).body)["gridded"]
    assert ({2, 3} if ALL[name].detail(0) > 8 else {4}) <= found.keys()


def test_a_tile_where_nothing_is(store, layer):
    for name, (lon, lat) in {"WorldCRS84Quad": (-60, -30), "CGCS2000Quad": (-60, -30), "DemoCity4548": (115.9, 40.4)}.items():
        assert render(store, ItemQuery(layer, OWNER), tile_of(ALL[name], 6, lon, lat)).body == b""


def test_the_edges_of_the_world(store, units):
    edge = make(store, "far_edge")
    put(store, edge, [{"fid": 1, "wkt": "POINT(180 0.5)"}, {"fid": 2, "wkt": "POINT(-180 -0.5)"}, {"fid": 3, "wkt": "POINT(10 88.9)"},
                      {"fid": 4, "wkt": "LINESTRING(170 -10,-170 10)"}])
    grid = GRIDS["WorldCRS84Quad"]

    def ids(z: int, x: int, y: int, at: Grid = grid) -> set[int]:
        return set(units(render(store, ItemQuery(edge, OWNER), TileAddress(z, x, y, at)).body).get("far_edge", {}))

    # Both sides of the antimeridian keep their own: 180 is in the last column, -180 in the first.
    assert ids(4, 31, 7) == {1} and ids(4, 0, 8) == {2}
    assert ids(0, 1, 0) == {1, 3, 4} and ids(0, 0, 0) == {2, 4}
    # Beyond 85.06 degrees there is no Web Mercator, but latitude goes on.
    assert ids(5, 33, 0) == {3} and 3 in ids(5, 33, 0, GRIDS["CGCS2000Quad"])
    mercator = GRIDS["WebMercatorQuad"]
    assert not any(3 in ids(3, x, 0, mercator) for x in range(8))
    # Of a line that goes the long way round the tiles on its way hold a part.
    assert ids(4, 16, 7) == {4} and ids(4, 30, 4) == set()


def test_a_city_in_metres_in_every_grid(server, template, tmp_path, units):
    from gisserver.ops.preparation import prepare_store
    (tmp_path / "city.yaml").write_text((ROOT / "config" / "city.yaml").read_text("utf-8").replace("storage_srid: 4490", "storage_srid: 4548"), "utf-8")
    (tmp_path / "layers").mkdir()
    name = f"{template}_grids"
    metres = Store(server.create(name, "template0"))
    try:
        prepare_store(metres, tmp_path / "city.yaml", tmp_path / "layers")
        layer = make(metres, "metric", "Polygon")
        changesets(metres, 1)
        east, north = Transformer.from_crs(4490, 4548, always_xy=True).transform(LON, LAT)
        # Straight in metres, 30 km long: curved in degrees.
        shape = shapely.box(east - 15_000, north - 8_000, east + 15_000, north + 3)
        put(metres, layer, [{"fid": 1, "wkt": shape.wkt}], srid=4548)
        for grid, z in ((ALL["WorldCRS84Quad"], 14), (ALL["CGCS2000Quad"], 16), (ALL["DemoCity4548"], 6)):
            tile = tile_of(grid, z)
            move = Transformer.from_crs(4548, grid.srid, always_xy=True)
            fine = shapely.transform(shapely.segmentize(shape, 5), lambda xy, move=move: np.column_stack(move.transform(xy[:, 0], xy[:, 1])))
            minx, _, maxx, maxy = tile.envelope
            unit = (maxx - minx) / 4096
            inside = shapely.transform(fine, lambda xy, at=(minx, maxy, unit): np.column_stack(((xy[:, 0] - at[0]) / at[2], (at[1] - xy[:, 1]) / at[2])))
            wanted = shapely.clip_by_rect(inside, -BUFFER, -BUFFER, 4096 + BUFFER, 4096 + BUFFER)
            assert shapely.hausdorff_distance(units(render(metres, ItemQuery(layer, OWNER), tile).body)["metric"][1], wanted) < 1.5, grid.id
        # The whole world asked of a city in metres: what is there is found.
        assert units(render(metres, ItemQuery(layer, OWNER), TileAddress(0, 1, 0, ALL["WorldCRS84Quad"])).body).get("metric", {}).keys() <= {1}
        assert 1 in units(render(metres, ItemQuery(layer, OWNER), tile_of(ALL["WorldCRS84Quad"], 8)).body)["metric"]
    finally:
        metres.close()
        server.drop(name)


class TestExpiry:
    """An edit drops exactly the tiles of every grid that its envelope meets."""

    @pytest.mark.parametrize("name", sorted(ALL))
    def test_the_tiles_around_an_edit_and_no_others(self, name):
        grid = ALL[name]
        z = next(z for z in range(grid.max_zoom + 1) if grid.detail(z) >= 15)
        middle = tile_of(grid, z)
        kept = TileCache()
        addresses = [TileAddress(z, middle.x + dx, middle.y + dy, grid) for dx, dy in itertools.product(range(-3, 4), repeat=2)]
        for address in addresses:
            kept.put(TileKey(("gridded",), address, "all"), CachedTile({"": b"t"}, "e", 5, NOW), NOW)
        edited = shapely.box(LON, LAT, LON + 0.0003, LAT + 0.0003)
        to_mercator = Transformer.from_crs(4490, 3857, always_xy=True)
        kept.expire(6, "gridded", to_mercator.transform_bounds(*edited.bounds), None, NOW)
        gone = {a for a in addresses if kept.get(TileKey(("gridded",), a, "all")) is None}
        around = shapely.box(-BUFFER, -BUFFER, 4096 + BUFFER, 4096 + BUFFER)
        assert gone == {a for a in addresses if expected(a, edited).intersects(around)} and 1 <= len(gone) < 10
        # What is filled from before the edit is not kept, in any grid.
        assert not kept.put(TileKey(("gridded",), middle, "all"), CachedTile({"": b"old"}, "e", 5, NOW), NOW)

    def test_far_away_from_a_local_grid_nothing_is_dropped(self):
        kept = TileCache()
        key = TileKey(("gridded",), tile_of(ALL["DemoCity4548"], 5), "all")
        kept.put(key, CachedTile({"": b"t"}, "e", 5, NOW), NOW)
        to_mercator = Transformer.from_crs(4326, 3857, always_xy=True)
        kept.expire(6, "gridded", to_mercator.transform_bounds(-60.1, -30.1, -60, -30), None, NOW)
        assert kept.get(key) is not None


@pytest.mark.parametrize("name", sorted(ALL))
def test_definitions_say_where_tiles_lie_in_the_order_of_the_axes(name):
    definition = json.loads(json.dumps(ALL[name].definition()))
    grid, crs = ALL[name], CRS.from_user_input(definition["crs"].replace("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84"))
    first = crs.axis_info[0].direction
    assert definition["orderedAxes"] == [axis.abbrev for axis in crs.axis_info]
    for z, matrix in enumerate(definition["tileMatrices"]):
        x, y = matrix["pointOfOrigin"] if first == "east" else matrix["pointOfOrigin"][::-1]
        side = matrix["cellSize"] * matrix["tileWidth"]
        last = TileAddress(z, matrix["matrixWidth"] - 1, matrix["matrixHeight"] - 1, grid)
        assert last.envelope == pytest.approx((x + side * (matrix["matrixWidth"] - 1), y - side * matrix["matrixHeight"],
                                               x + side * matrix["matrixWidth"], y - side * (matrix["matrixHeight"] - 1)))
        metres = crs.ellipsoid.semi_major_metre * math.pi / 180 if crs.is_geographic else 1
        assert matrix["scaleDenominator"] == pytest.approx(matrix["cellSize"] * metres / 0.00028)


def test_limits_are_the_tiles_that_the_city_reaches_into():
    for grid in ALL.values():
        z = next(z for z in range(grid.max_zoom + 1) if grid.detail(z) >= 12)
        found = grid.limits(z, CITY.extent)
        assert found is not None
        corners = [tile_of(grid, z, lon, lat) for lon in np.linspace(*CITY.extent[::2], 9) for lat in np.linspace(*CITY.extent[1::2], 9)]
        wanted: Any = (min(t.x for t in corners), max(t.x for t in corners), min(t.y for t in corners), max(t.y for t in corners))
        assert all(a <= b <= a + 1 if n % 2 else a - 1 <= b <= a for n, (a, b) in enumerate(zip(wanted, found, strict=True))), grid.id
        assert grid.limits(z, (-60, -30, -59, -29)) is None or not grid.id.startswith("Demo")
