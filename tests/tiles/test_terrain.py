"""Heights held against formulas, against rasterio's own sampling, and against each other where tiles meet."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from PIL import Image

from layers.crs import transformer
from layers.errors import InvalidParameter, NotFound
from tests.tiles.mesh_reader import Mesh, read_mesh
from tests.tiles.rasters import EAST, NORTH, plane, read, tile_at, write
from tiles.contours import INDEX_EVERY, contour_tile, interval_m
from tiles.grid import TileAddress, find_grid
from tiles.heights import HeightField
from tiles.profiles import MOST_PLACES, profile, slopes
from tiles.quantized_mesh import NODES, deepest_level, layer_json, mesh, mesh_box
from tiles.terrain import decode_heights, encode_heights, hillshade, tile_heights

A, B, C = 0.03, -0.012, 51.25
RNG = np.random.default_rng(11)


def tilted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return A * (x - EAST) + B * (y - NORTH) + C


def hilly(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 120 + 60 * np.sin((x - EAST) / 700) * np.cos((y - NORTH) / 500) + tilted(x, y) * 0.1


@pytest.fixture(scope="module")
def tilt(tmp_path_factory: pytest.TempPathFactory) -> HeightField:
    return HeightField(read(plane(tmp_path_factory.mktemp("dem") / "tilt.tif", tilted)))


@pytest.fixture(scope="module")
def hills(tmp_path_factory: pytest.TempPathFactory) -> HeightField:
    return HeightField(read(plane(tmp_path_factory.mktemp("dem") / "hills.tif", hilly, dtype="float32")))


def lonlat(x: float, y: float) -> tuple[float, float]:
    found: tuple[float, float] = transformer(4548, 4326).transform(x, y)
    return found


MIDDLE = lonlat(EAST, NORTH)


class TestHeights:
    def test_a_plane_is_exact_between_cells(self, tilt: HeightField) -> None:
        x, y = EAST + RNG.uniform(-3990, 3990, 3000), NORTH + RNG.uniform(-3990, 3990, 3000)
        assert np.abs(tilt.at(x, y, 4548) - tilted(x, y)).max() < 1e-9
        lon, lat = transformer(4548, 4326).transform(x, y)
        assert np.abs(tilt.at(np.array(lon), np.array(lat), 4326) - tilted(x, y)).max() < 1e-5

    def test_slope_and_aspect_of_a_plane(self, tilt: HeightField) -> None:
        x, y = EAST + RNG.uniform(-3900, 3900, 200), NORTH + RNG.uniform(-3900, 3900, 200)
        slope, aspect = slopes(tilt, x, y, 4548, 4548)
        assert slope == pytest.approx(np.full(200, np.degrees(np.arctan(np.hypot(A, B)))), abs=1e-8)
        assert aspect == pytest.approx(np.full(200, np.degrees(np.arctan2(-A, -B)) % 360), abs=1e-5)

    def test_outside_there_is_none_and_the_outer_half_cell_belongs_to_the_edge(self, tilt: HeightField) -> None:
        heights = tilt.at(np.array([EAST - 4001, EAST + 9e5, EAST - 3999, np.inf]), np.array([NORTH, NORTH, NORTH, NORTH]), 4548)
        assert np.isnan(heights[[0, 1, 3]]).all() and heights[2] == pytest.approx(tilted(np.array(EAST - 3995), np.array(NORTH)), abs=1e-9)

    def test_a_void_is_none_and_beside_it_the_others_count(self, tmp_path: Path) -> None:
        def holed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            return np.where((np.abs(x - EAST) < 100) & (np.abs(y - NORTH) < 100), -9999.0, 40.0)

        field = HeightField(read(plane(tmp_path / "void.tif", holed, nodata=-9999)))
        heights = field.at(EAST + np.array([0, 94, 104, 106, 200]), np.full(5, NORTH), 4548)
        assert np.isnan(heights[:2]).all() and heights[2:] == pytest.approx([40, 40, 40])
        box = tile_at(15, *MIDDLE).envelope
        assert np.isnan(tile_heights(field, box, 3857)).any() and not np.isnan(tile_heights(field, box, 3857, filled=True)).any()
        shade = hillshade(field, box, 3857)
        assert shade is not None and set(np.unique(shade[..., 3])) == {0, 255}

    def test_a_second_file_fills_what_the_first_has_not(self, tmp_path: Path, tilt: HeightField) -> None:
        small = plane(tmp_path / "small.tif", lambda x, y: x * 0 + y * 0 + 7, count=20)
        field = HeightField(read(small, Path(tilt.rasters.files[0].path)))
        heights = field.at(np.array([EAST, EAST + 1000]), np.array([NORTH, NORTH]), 4548)
        assert heights == pytest.approx([7, float(tilted(np.array(EAST + 1000), np.array(NORTH)))])

    def test_points_far_apart_in_a_large_file(self, tmp_path: Path) -> None:
        path = write(tmp_path / "large.tif", np.arange(3000 * 3000, dtype="float32").reshape(1, 3000, 3000), "EPSG:4326", 116.0, 40.0, 0.0001, tiled=True)
        cols, rows = RNG.integers(0, 3000, 400), RNG.integers(0, 3000, 400)
        heights = HeightField(read(path)).at(116.0 + (cols + 0.5) * 0.0001, 40.0 - (rows + 0.5) * 0.0001, 4326)
        assert heights == pytest.approx((rows * 3000 + cols).astype("float32"), abs=1)

    @pytest.mark.data
    @pytest.mark.parametrize("name", ["N43E007.hgt.zip", "N42E001.hgt.zip", "alexandria_va_dtm.tif", "alexandria_va_dsm.tif"])
    def test_real_models_agree_with_rasterio(self, shared_data: Path, name: str) -> None:
        field = HeightField(read(shared_data / "terrain" / name))
        with rasterio.open(field.rasters.files[0].path) as source:
            rows, cols = RNG.integers(0, source.height, 500), RNG.integers(0, source.width, 500)
            xs, ys = rasterio.transform.xy(source.transform, rows, cols)
            wanted = [np.nan if v[0] is np.ma.masked else float(v[0]) for v in source.sample(zip(xs, ys, strict=True), masked=True)]
        assert field.at(np.array(xs), np.array(ys), field.rasters.files[0].srid) == pytest.approx(np.array(wanted), abs=1e-6, nan_ok=True)
        assert np.isfinite(wanted).sum() > 100


class TestTiles:
    def test_colours_of_known_heights(self) -> None:
        heights = np.array([[0.0, 8848.86, -430.5, 100.25]])
        terrarium = np.asarray(Image.open(io.BytesIO(encode_heights(heights, "terrarium"))))
        mapbox = np.asarray(Image.open(io.BytesIO(encode_heights(heights, "mapbox"))))
        assert terrarium[0, 0].tolist() == [128, 0, 0] and terrarium[0, 3].tolist() == [128, 100, 64]
        assert mapbox[0, 0].tolist() == [1, 134, 160]       # 100000 = 0x0186a0
        for form in ("png", "webp"):
            assert np.abs(decode_heights(encode_heights(heights, "terrarium", form), "terrarium") - heights).max() <= 1 / 512
            assert np.abs(decode_heights(encode_heights(heights, "mapbox", form), "mapbox") - heights).max() <= 0.05 + 1e-9

    @pytest.mark.parametrize("grid", ["WebMercatorQuad", "WorldCRS84Quad"])
    @pytest.mark.parametrize("z", [10, 13, 15])
    def test_neighbours_agree_on_the_pixels_between_them(self, hills: HeightField, grid: str, z: int) -> None:
        found = find_grid(grid)
        at = tile_at(z, *MIDDLE) if grid == "WebMercatorQuad" else TileAddress(z, int((MIDDLE[0] + 180) / (180 / 2**z)), int((90 - MIDDLE[1]) / (180 / 2**z)), found)
        here = tile_heights(hills, at.envelope, found.srid, border=1)
        east = tile_heights(hills, TileAddress(z, at.x + 1, at.y, found).envelope, found.srid)
        south = tile_heights(hills, TileAddress(z, at.x, at.y + 1, found).envelope, found.srid)
        for border, own in ((here[1:-1, -1], east[:, 0]), (here[-1, 1:-1], south[0])):
            assert (np.isnan(border) == np.isnan(own)).all()
            assert np.nanmax(np.abs(border - own), initial=0) < 1e-6
        if z > 10:
            assert np.isfinite(here).all()

    def test_the_shade_of_a_plane(self, tilt: HeightField, tmp_path: Path) -> None:
        box = tile_at(15, *MIDDLE).envelope
        shade = hillshade(tilt, box, 3857, azimuth_deg=300, altitude_deg=40)
        azimuth, altitude = np.radians(300), np.radians(40)
        # The angle between the light and the upright, by the scalar product. Grid north is a degree off true north here.
        upright = np.array([-A, -B, 1]) / np.linalg.norm([A, B, 1])
        wanted = 255 * (upright @ [np.sin(azimuth) * np.cos(altitude), np.cos(azimuth) * np.cos(altitude), np.sin(altitude)])
        assert shade is not None and np.abs(shade[..., 0].astype(float) - wanted).max() <= 1
        level = HeightField(read(plane(tmp_path / "level.tif", lambda x, y: x * 0 + y * 0 + 9)))
        flat = hillshade(level, box, 3857)
        assert flat is not None and np.unique(flat[..., 0]).tolist() == [180]        # 255 * sin 45°
        assert hillshade(tilt, tile_at(15, 100, 20).envelope, 3857) is None


class TestProfiles:
    def test_the_way_over_a_plane(self, tilt: HeightField) -> None:
        line = shapely.LineString([(EAST - 1000, NORTH), (EAST + 500, NORTH), (EAST + 500, NORTH + 700)])
        found = profile(tilt, line, 4548, 4548, 100)
        assert found.distance_m[-1] == pytest.approx(2200) and found.step_m == pytest.approx(100) and len(found.x) == 15 + 7 + 1
        assert np.abs(found.height_m - tilted(found.x, found.y)).max() < 1e-9
        assert found.climb_m == pytest.approx(1500 * A) and found.fall_m == pytest.approx(-700 * B)
        assert np.diff(found.distance_m) == pytest.approx(np.full(22, 100))

    def test_steps_between_vertices_are_equal_and_no_longer_than_asked(self, tilt: HeightField) -> None:
        found = profile(tilt, shapely.LineString([(EAST, NORTH), (EAST + 250, NORTH)]), 4548, 4548, 100)
        assert found.x == pytest.approx(EAST + np.arange(4) * 250 / 3) and found.step_m == pytest.approx(250 / 3)

    def test_in_degrees_and_partly_outside(self, tilt: HeightField) -> None:
        ends = [lonlat(EAST, NORTH), lonlat(EAST + 8000, NORTH)]
        found = profile(tilt, shapely.LineString(ends), 4326, 4548)
        assert found.distance_m[-1] == pytest.approx(8000, abs=0.5) and found.step_m <= 10.01
        assert 0.49 < np.isnan(found.height_m).mean() < 0.51

    def test_too_many_places(self, tilt: HeightField) -> None:
        with pytest.raises(InvalidParameter, match=str(MOST_PLACES)):
            profile(tilt, shapely.LineString([(EAST, NORTH), (EAST + 2000, NORTH)]), 4548, 4548, 0.1)


def contours(body: bytes, path: Path) -> list[tuple[float, bool, shapely.Geometry]]:
    path.write_bytes(body)
    frame = pyogrio.read_dataframe(path, layer="contour", X="0", Y="0", Z="0", CLIP="NO")
    # Without a place in the world the tile is a square of its own units, upwards.
    return [(row["elevation"], bool(row["index"]), row["geometry"]) for row in frame.to_dict("records")]


class TestContours:
    def test_of_a_plane_they_are_straight_and_where_the_height_is(self, tmp_path: Path) -> None:
        # Along meridians of Web Mercator: heights that grow with longitude alone.
        cells = np.broadcast_to(np.arange(2000, dtype="float64") * 0.1, (1, 2000, 2000)).copy()
        field = HeightField(read(write(tmp_path / "ramp.tif", cells, "EPSG:4326", 116.3, 40.05, 0.0001)))
        tile = tile_at(14, 116.4, 39.95)
        found = contours(contour_tile(field, tile.envelope, 3857, 14), tmp_path / "t.pbf")
        assert len(found) >= 3
        side = 2 * 20037508.342789244
        west, wide = tile.envelope[0], tile.envelope[2] - tile.envelope[0]
        for level, is_index, line in found:
            assert level % 5 == 0 and is_index == (level % (5 * INDEX_EVERY) == 0)
            lon = 116.3 + (level / 0.1 + 0.5) * 0.0001
            column = (transformer(4326, 3857).transform(lon, 40)[0] - west) / wide
            drawn = (np.array(shapely.get_coordinates(line))[:, 0] + side / 2) / side
            assert np.abs(drawn - column).max() < 2 / 4096
            assert shapely.get_num_geometries(line) == 1

    def test_they_go_on_in_the_next_tile(self, hills: HeightField, tmp_path: Path) -> None:
        tile = tile_at(14, *MIDDLE)
        world = 2 * 20037508.342789244

        def crossings(x: int, column: float) -> list[tuple[float, int]]:
            body = contour_tile(hills, TileAddress(14, x, tile.y).envelope, 3857, 14)
            edge = shapely.LineString([(column * world - world / 2, -world / 2), (column * world - world / 2, world / 2)])
            met = []
            for level, _, line in contours(body, tmp_path / f"{x}.pbf"):
                for part in shapely.get_parts(shapely.intersection(line, edge)):
                    if part.is_empty:
                        continue
                    met.append((level, round((world / 2 - part.centroid.y) / world * 4096)))
            return sorted(met)

        here, there = crossings(tile.x, 1.0), crossings(tile.x + 1, 0.0)
        assert len(here) >= 5 and len(here) == len(there)
        assert all(a[0] == b[0] and abs(a[1] - b[1]) <= 1 for a, b in zip(here, there, strict=True))

    def test_how_far_apart_they_are(self, hills: HeightField) -> None:
        assert [interval_m(z) for z in (8, 9, 12, 15, 18)] == [None, 100, 20, 5, 1]
        assert contour_tile(hills, tile_at(8, *MIDDLE).envelope, 3857, 8) == b""
        assert contour_tile(hills, tile_at(14, 100, 20).envelope, 3857, 14) == b""


class TestMeshes:
    OFFSET = -9.5

    def place(self, field: HeightField, z: int) -> tuple[int, int]:
        side = 180 / 2**z
        return int((MIDDLE[0] + 180) / side), int((MIDDLE[1] + 90) / side)

    def test_heights_over_the_ellipsoid_at_every_node(self, hills: HeightField) -> None:
        z = deepest_level(hills)
        x, y = self.place(hills, z)
        found = read_mesh(mesh(hills, z, x, y, self.OFFSET))
        west, south, east, north = mesh_box(z, x, y)
        assert west <= MIDDLE[0] <= east and south <= MIDDLE[1] <= north
        lon, lat = west + found.u / 32767 * (east - west), south + found.v / 32767 * (north - south)
        wanted = hills.at(lon, lat, 4326, (east - west) / (NODES - 1)) + self.OFFSET
        # The coordinates of a node are rounded to 1/32767 of the tile, and so is the height.
        assert np.abs(found.heights - wanted).max() < 0.05
        px, py = transformer(4326, 4548).transform(lon, lat)
        assert np.abs(found.heights - self.OFFSET - hilly(np.array(px), np.array(py))).max() < 1.0
        assert len(found.u) == NODES**2

    def test_triangles_cover_the_tile_once_and_face_up(self, hills: HeightField) -> None:
        x, y = self.place(hills, 12)
        found = read_mesh(mesh(hills, 12, x, y, 0))
        corners = np.stack([found.u, found.v], axis=1)[found.triangles].astype(float)
        a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        areas = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
        assert (areas > 0).all() and areas.sum() == pytest.approx(32767**2)
        assert (found.u[found.edges["west"]] == 0).all() and (found.u[found.edges["east"]] == 32767).all()
        assert (found.v[found.edges["south"]] == 0).all() and (found.v[found.edges["north"]] == 32767).all()
        assert all(len(edge) == NODES for edge in found.edges.values())

    @staticmethod
    def edge(found: Mesh, side: str, along: str) -> tuple[np.ndarray, np.ndarray]:
        """Heights and normals along an edge, in the order of the edge."""
        order = found.edges[side][np.argsort(getattr(found, along)[found.edges[side]])]
        assert found.normals is not None
        return found.heights[order], found.normals[order]

    @pytest.mark.parametrize("z", [8, 12, 13])
    def test_edges_meet_those_of_the_neighbours(self, hills: HeightField, z: int) -> None:
        x, y = self.place(hills, z)
        here = read_mesh(mesh(hills, z, x, y, self.OFFSET))
        for dx, dy, mine, theirs, along in ((1, 0, "east", "west", "v"), (0, 1, "north", "south", "u"), (-1, 0, "west", "east", "v")):
            try:
                there = read_mesh(mesh(hills, z, x + dx, y + dy, self.OFFSET))
            except NotFound:
                continue

            own, other = self.edge(here, mine, along), self.edge(there, theirs, along)
            assert np.abs(own[0] - other[0]).max() <= ((here.high - here.low) + (there.high - there.low)) / 32767
            assert np.abs(own[1] - other[1]).max() < 0.02

    def test_normals_are_those_of_the_ground(self, tilt: HeightField) -> None:
        x, y = self.place(tilt, 13)
        found = read_mesh(mesh(tilt, 13, x, y, 0))
        assert found.normals is not None
        lon, lat = np.radians(MIDDLE)
        east = np.array([-np.sin(lon), np.cos(lon), 0])
        north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
        up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        wanted = -A * east - B * north + up
        wanted /= np.linalg.norm(wanted)
        inside = found.normals[np.abs(found.u - 16383) + np.abs(found.v - 16383) < 8000]
        # A byte for each of two coordinates leaves about half a degree; grid north is off by less than one.
        assert np.degrees(np.arccos(np.clip(inside @ wanted, -1, 1))).max() < 1.5

    def test_the_bounding_sphere_holds_every_node(self, hills: HeightField) -> None:
        x, y = self.place(hills, 11)
        found, box = read_mesh(mesh(hills, 11, x, y, 0)), mesh_box(11, x, y)
        lon, lat = box[0] + found.u / 32767 * (box[2] - box[0]), box[1] + found.v / 32767 * (box[3] - box[1])
        places = np.stack(transformer(4979, 4978).transform(lon, lat, found.heights), axis=1)
        assert np.linalg.norm(places - found.sphere[:3], axis=1).max() <= found.sphere[3] + 1
        assert found.low == pytest.approx(found.heights.min(), abs=0.01) and found.high == pytest.approx(found.heights.max(), abs=0.01)
        # Seen from beyond the horizon point the whole tile is below the horizon: it lies outside of the ellipsoid.
        assert np.linalg.norm(found.horizon / [6378137, 6378137, 6356752.314245]) >= 1

    def test_a_globe_has_no_holes_and_knows_what_there_is(self, hills: HeightField) -> None:
        told = layer_json(hills, "x", "{z}/{x}/{y}.terrain", "1", "city")
        assert told["available"][0] == [{"startX": 0, "startY": 0, "endX": 1, "endY": 0}] and len(told["available"]) == told["maxzoom"] + 1
        assert (told["scheme"], told["projection"], told["format"]) == ("tms", "EPSG:4326", "quantized-mesh-1.0")
        far = read_mesh(mesh(hills, 0, 0, 0, self.OFFSET))
        assert far.heights == pytest.approx(np.full(NODES**2, hills.mean_m + self.OFFSET), abs=0.01)
        z = 3
        while z <= told["maxzoom"]:
            x, y = self.place(hills, z)
            assert any(r["startX"] <= x <= r["endX"] and r["startY"] <= y <= r["endY"] for r in told["available"][z])
            assert len(read_mesh(mesh(hills, z, x, y, 0)).heights) == NODES**2
            z += 3
        for wrong in ((z, 0, 0), (19, 0, 0), (3, 0, 0), (2, 99, 0), (0, 0, 1)):
            with pytest.raises(NotFound):
                mesh(hills, *wrong, 0)
