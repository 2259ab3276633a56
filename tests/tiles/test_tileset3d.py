"""3D tiles of a small town, read back by the tests' own reader and placed on the earth by PROJ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from pyproj import Geod, Transformer
from shapely.geometry import shape

from layers.access import OWNER, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.store import Store
from tests.tiles.built_town import EAST, WEST, Read, Town, no_faults_by_khronos, scene, volume
from tiles.cache import CachedTile, TileCache, TileKey
from tiles.expiry import Expiry
from tiles.grid import TileAddress
from tiles.tileset3d import city_tileset
from tiles.tileset3d_content import BEGINNING, END, Scene
from tiles.tileset3d_form import form_of
from tiles.tileset3d_place import Frame, geocentric

PROJ = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
GEOD = Geod(ellps="WGS84")
GROUND_M = 46.5
COURT = {"type": "Polygon", "coordinates": [[[116.31, 39.9], [116.3106, 39.9], [116.3106, 39.9004], [116.31, 39.9004], [116.31, 39.9]],
                                            [[116.3102, 39.9001], [116.3102, 39.9003], [116.3104, 39.9003], [116.3104, 39.9001], [116.3102, 39.9001]]]}


def square(x: float, y: float, side: float = 0.0004) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]]}


@pytest.fixture(scope="module")
def town(store: Store, catalogue: Catalogue) -> dict[str, int]:
    """Buildings of all sizes in two districts, one with floors and units, one that ended; two pipes."""
    made = Town(store, catalogue)
    write, create, fids = made.write, made.create, made.fids

    def building(name: str, geometry: Any, height: float | None, since: str = "2000", to: str | None = None, use: str = "residential") -> Edit:
        return create("building", geometry, since, to, source_id=name, name=name, status="in_use", use=use, height_m=height,
                      ground_elevation_m=GROUND_M)

    write(*(create("district", {"type": "Polygon", "coordinates": [[[a, 39.8], [b, 39.8], [b, 40.08], [a, 40.08], [a, 39.8]]]}, "1980",
                   name=name, district_code=code) for name, code, a, b in (("西区", WEST, 116.2, 116.395), ("东区", EAST, 116.395, 116.62))))
    write(building("court", COURT, 9.0), building("tower", square(116.312, 39.901), 130.0, use="office"),
          building("flats", square(116.313, 39.9), 12.0), building("unknown", square(116.314, 39.9), None),
          building("gone", square(116.315, 39.9), 15.0, "1990", "2010-01-01"), building("east", square(116.45, 39.9), 60.0))
    write(*(create("level", building_fid=fids["flats"], nominal_no=n, actual_no=a, height_m=h, is_underground=a < 0)
            for n, a, h in (("B1", -1, 3.5), ("1", 1, 3.5), ("2", 2, 3.0), ("3", 3, 3.0))))
    write(*(create("unit_room", building_fid=fids["flats"], start_level_fid=fids[start], end_level_fid=fids[end], room_no=room,
                   unit_code=code) for room, code, start, end in (
        ("101", "110102001001GB00001F00010001", "1", "1"), ("201", "110102001001GB00001F00010002", "2", "3"),
        ("301", "110102001001GB00001F00010003", "3", "3"))))
    write(*(create("pipe_node", {"type": "Point", "coordinates": [x, 39.9]}, node_no=name, kind="JS", sub_kind="104", feature="straight", status="in_use",
                   district_code=WEST) for name, x in (("a", 116.31), ("b", 116.311))))
    write(create("pipe_segment", {"type": "LineString", "coordinates": [[116.31, 39.9], [116.311, 39.9]]}, segment_no="main", kind="JS",
                 sub_kind="104", start_node_fid=fids["a"], end_node_fid=fids["b"], start_elevation_m=44.0, end_elevation_m=43.0,
                 depth_to="top", size_mm=600, status="in_use", district_code=WEST))
    return fids


def ground_area(geometry: dict[str, Any]) -> float:
    return abs(GEOD.geometry_area_perimeter(shape(geometry))[0])


@pytest.fixture(scope="module")
def read(store: Store, catalogue: Catalogue, town: dict[str, int]) -> Read:
    return Read(store, scene(catalogue))


def test_geocentric_is_what_proj_says():
    random = np.random.default_rng(5)
    lon, lat, height = random.uniform(-180, 180, 500), random.uniform(-89, 89, 500), random.uniform(-500, 9000, 500)
    assert np.abs(geocentric(lon, lat, height) - np.column_stack(PROJ.transform(lon, lat, height))).max() < 1e-6
    frame = Frame(116.4, 39.9, 40)
    assert frame.local(116.4, 39.9, 52) == pytest.approx([0, 0, 12], abs=1e-8)
    assert frame.turned(np.array([116.4]), np.array([39.9]), np.array([[0.6, 0.8, 0]]))[0] == pytest.approx([0.6, 0.8, 0])


@pytest.mark.parametrize("place", [(0, 0), (116.4, 39.9), (-70, -33), (179.9, 70), (-120, 88), (90, 0)])
def test_the_pose_turns_no_frame_over(place):
    x, y, z, w = Frame(*place).pose["rotation"]
    assert x * x + y * y + z * z + w * w == pytest.approx(1)


def test_corners_stand_where_proj_puts_them(read, town, catalogue):
    (row,) = read.of(town["tower"])
    bottom = GROUND_M + catalogue.city.geoid_offset_m
    expected = np.array([PROJ.transform(lon, lat, h) for lon, lat in square(116.312, 39.901)["coordinates"][0][:4] for h in (bottom, bottom + 130)])
    corners = row["earth"][np.unique(row["triangles"])]
    distance = np.linalg.norm(corners[:, None] - expected, axis=2)
    step = 7500 * 1.2 / 65535
    assert distance.min(axis=0).max() < step and distance.min(axis=1).max() < step


@pytest.mark.parametrize(("name", "geometry", "height"), [("court", COURT, 9.0), ("tower", square(116.312, 39.901), 130.0), ("unknown", square(116.314, 39.9), 3.0)])
def test_volume_is_footprint_times_height(read, town, name, geometry, height):
    (row,) = read.of(town[name])
    assert volume(row) == pytest.approx(ground_area(geometry) * height, rel=4e-3)
    a, b, c = (row["earth"][row["triangles"][:, i]] for i in range(3))
    wound = np.cross(b - a, c - a)
    wound /= np.linalg.norm(wound, axis=1)[:, None]
    assert np.einsum("ij,ij->i", wound, row["normal"][row["triangles"][:, 0]]).min() > 0.99


def test_each_building_is_in_one_cell_by_its_height(read, town):
    seen = [(row["fid"], row["address"].z) for row in read.rows if row.get("level_fid") is None]
    assert sorted(seen) == sorted([(town["court"], 15), (town["tower"], 12), (town["flats"], 15), (town["unknown"], 15), (town["east"], 13)])


def test_floors_and_their_units_are_parts(read, town, catalogue):
    rows = {row["level_label"]: row for row in read.of(town["flats"])}
    assert set(rows) == {"B1", "1", "2", "3", None}     # what is above the floors is the building's alone
    assert {label: row["level_fid"] for label, row in rows.items()} == {label: town[label] for label in ("B1", "1", "2", "3")} | {None: None}
    assert rows["2"]["unit_labels"] == ["201"] and rows["3"]["unit_labels"] == ["201", "301"] and rows["B1"]["unit_fids"] == []
    assert rows["1"]["unit_fids"] == [town["110102001001GB00001F00010001"]]
    area = ground_area(square(116.313, 39.9))
    assert {label: volume(row) / area for label, row in rows.items()} == pytest.approx({"B1": 3.5, "1": 3.5, "2": 3.0, "3": 3.0, None: 2.5}, rel=0.01)
    heights = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True).transform(*rows["B1"]["earth"][np.unique(rows["B1"]["triangles"])].T)[2]
    ground = GROUND_M + catalogue.city.geoid_offset_m
    assert (heights.min(), heights.max()) == pytest.approx((ground - 3.5, ground), abs=0.05)


def test_history_is_told_in_numbers(store, catalogue, town):
    all_time = Read(store, scene(catalogue, interval=(None, None)))
    (gone,) = all_time.of(town["gone"])
    assert gone["valid_from"] == datetime(1990, 1, 1, tzinfo=UTC).timestamp() and gone["valid_to"] == datetime(2010, 1, 1, tzinfo=UTC).timestamp()
    (court,) = all_time.of(town["court"])
    assert (court["valid_from"], court["valid_to"]) == (datetime(2000, 1, 1, tzinfo=UTC).timestamp(), END) and BEGINNING < -8e12
    then = Read(store, scene(catalogue, at=datetime(1995, 1, 1, tzinfo=UTC)))
    assert {row["fid"] for row in then.rows} == {town["gone"]}


def test_a_pipe_hangs_below_what_its_elevation_is_of(store, catalogue, town):
    (row,) = Read(store, scene(catalogue, "pipe_segment")).of(town["main"])
    back = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    corners = row["earth"][np.unique(row["triangles"])]
    lon, _, height = back.transform(*corners.T)
    geoid = catalogue.city.geoid_offset_m
    begin, end = height[lon < 116.3105], height[lon > 116.3105]
    # the octagon is drawn in the circle: its highest corner lies at 92 % of the radius
    assert begin.mean() == pytest.approx(44.0 - 0.3 + geoid, abs=0.06) and end.mean() == pytest.approx(43.0 - 0.3 + geoid, abs=0.06)
    assert np.ptp(begin) == pytest.approx(0.6 * np.cos(np.pi / 8), abs=0.15)
    red, green, blue, _ = row["color"].tolist()
    assert red == 0 and green == blue > 100      # water is cyan


def test_tiles_enclose_what_they_hold(read, catalogue):
    back = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    corners = {}
    for row in read.rows:
        lon, lat, height = back.transform(*row["earth"][np.unique(row["triangles"])].T)
        corners.setdefault(row["address"], []).append((np.radians(lon), np.radians(lat), height))

    def check(tile: dict[str, Any], above: list[list[float]], error: float) -> int:
        regions = [*above, tile["boundingVolume"]["region"]]
        assert tile["geometricError"] <= error
        count = 0
        if "content" in tile:
            z, y, x = tile["content"]["uri"].removeprefix("../../").removesuffix(".glb").split("/")
            for lon, lat, height in corners[TileAddress(int(z), int(x), int(y))]:
                for west, south, east, north, low, high in [*regions, tile["content"]["boundingVolume"]["region"]]:
                    assert west <= lon.min() and lon.max() <= east and south <= lat.min() and lat.max() <= north
                    assert low <= height.min() and height.max() <= high
            count += 1
        return count + sum(check(child, regions, tile["geometricError"]) for child in tile.get("children", ()))

    assert sum(check(document["root"], [], document["geometricError"]) for _, document in read.documents) == len(read.glbs)
    for root, document in read.documents:
        (outer,) = [t for t in city_tileset(catalogue.city, lambda a, form: f"{a.z}/{a.y}/{a.x}.{form}")["root"]["children"]
                    if t["content"]["uri"] == f"{root.z}/{root.y}/{root.x}.json"]
        a, b = outer["boundingVolume"]["region"], document["root"]["boundingVolume"]["region"]
        assert a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3] and a[4] <= b[4] and a[5] >= b[5]


def test_a_reader_gets_only_what_he_may_see(store, catalogue, town):
    visible = tuple(f.name for f in catalogue.layer("building").fields if f.name not in ("use", "name", "owner_name"))
    some = ensure_audience(store, catalogue.layers, [LayerGrant("building", districts=(WEST,), fields=visible)])
    made = scene(catalogue, audience=some)
    read = Read(store, Scene(made.query, made.form, made.city))
    assert {row["fid"] for row in read.rows} == {town["court"], town["tower"], town["flats"], town["unknown"]}
    assert not any({"use", "name", "level_fid", "unit_fids"} & row.keys() for row in read.rows)
    assert len({tuple(row["color"]) for row in read.rows if row["address"].z == 15}) <= 3      # one colour in three shades
    for glb in read.glbs.values():
        assert b"office" not in glb and b"tower" not in glb
    flat = ensure_audience(store, catalogue.layers, [LayerGrant("building", fields=tuple(n for n in visible if n != "height_m"))])
    assert form_of(catalogue.layer("building"), flat) is None


def test_edits_of_floors_renew_the_tiles_that_hold_them(store, catalogue, read, town):
    """What has no place of its own is where its building stands: near tiles are dropped, far ones stay, when it moves to another building both are."""
    cache = TileCache()
    expiry = Expiry(store, catalogue, cache)
    near, far = (read.of(town[name])[0]["address"] for name in ("flats", "east"))
    held, alone = ("building", "level", "unit_room"), ("building",)
    keys = [TileKey(held, near, "all", variant="3d.glb"), TileKey(held, far, "all", variant="3d.glb"), TileKey(alone, near, "all")]

    def dropped_by(layer: str, name: str, **properties: Any) -> list[bool]:
        for key in keys:
            cache.put(key, CachedTile({"": b"x"}, "x", cache.seq, datetime.now(UTC)), datetime.now(UTC))
        apply_changeset(store, catalogue, OWNER, Changeset((Edit(layer, "put", fid=town[name], properties=properties, partial=True,
                                                                 valid_from="2005"),), "clerk", "kind"))
        expiry.catch_up()
        return [cache.get(key) is None for key in keys]

    assert dropped_by("level", "3", kind="rooms") == [True, False, False]
    assert dropped_by("unit_room", "110102001001GB00001F00010003", room_no="302") == [True, False, False]
    assert dropped_by("level", "3", building_fid=town["east"]) == [True, True, False]
    assert dropped_by("level", "3", building_fid=town["flats"]) == [True, True, False]


def test_khronos_finds_nothing_wrong(read, tmp_path):
    no_faults_by_khronos(read, tmp_path)
