"""Buildings with surfaces in 3D tiles: their shape and place, in time, by storeys, for whom, and renewed by edits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from psycopg.types.json import Jsonb
from pyproj import Transformer

from layers.access import OWNER, LayerGrant, ensure_audience
from layers.building_surfaces import surface_layer
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.store import Store
from tests.data.houses import House
from tests.tiles.built_town import WEST, Read, Town, no_faults_by_khronos, scene, volume
from tiles.cache import CachedTile, TileCache, TileKey
from tiles.expiry import Expiry
from tiles.tileset3d_scene import Scene

TO_METRES, TO_DEGREES = (Transformer.from_crs(a, b, always_xy=True) for a, b in ((4490, 4548), (4548, 4490)))
EARTH = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
X, Y = TO_METRES.transform(116.31, 39.9)


def house(x: float, **shape: Any) -> House:
    return House(X + x, Y, 46.5, **shape)


def stored(shape: House, turned: bool = False) -> dict[str, Any]:
    surfaces = []
    for kind, rings in shape.polygons:
        moved = [[[*TO_DEGREES.transform(px, py), pz] for px, py, pz in (*ring, ring[0])] for ring in rings]
        surfaces.append({"type": kind, "rings": [ring[::-1] for ring in moved] if turned else moved})
    return {"surfaces": surfaces, "lowest_m": shape.z, "highest_m": shape.z + shape.ridge}


def footprint(shape: House) -> dict[str, Any]:
    corners = [(shape.x, shape.y), (shape.x + shape.w, shape.y), (shape.x + shape.w, shape.y + shape.d), (shape.x, shape.y + shape.d)]
    return {"type": "Polygon", "coordinates": [[list(TO_DEGREES.transform(*p)) for p in (*corners, corners[0])]]}


HOUSES = {"plain": house(0), "inside out": house(40), "storeys": house(80, w=14, d=10, eaves=6, ridge=9), "later": house(120), "two": house(160),
          "far off": house(200), "nonsense": house(240), "holed": house(280), "tall": house(3_000, w=20, d=20, eaves=50, ridge=60), "east": house(400)}


@pytest.fixture(scope="module")
def town(store: Store, catalogue: Catalogue) -> dict[str, int]:
    made = Town(store, catalogue)
    write, fids = made.write, made.fids

    def create(layer: str, geometry: Any = None, since: str = "2000", to: str | None = None, **properties: Any) -> Edit:
        return made.create(layer, geometry, since, to, **{"district_code": WEST} | properties)

    write(*(create("building", footprint(shape), source_id=name, name=name, status="in_use", use="residential", height_m=shape.ridge, ground_elevation_m=46.5)
            for name, shape in HOUSES.items()))

    def surfaces(name: str, key: str, since: str = "2000", to: str | None = None, lod: str = "2", **values: Any) -> Edit:
        return create("building_surface", None, since, to, building_fid=fids[name], source_id=key, lod=lod, **values)

    write(surfaces("plain", "S plain", **stored(HOUSES["plain"])), surfaces("inside out", "S inside out", **stored(HOUSES["inside out"], turned=True)),
          surfaces("storeys", "S storeys", **stored(HOUSES["storeys"])), surfaces("tall", "S tall", **stored(HOUSES["tall"])),
          surfaces("later", "S later", "2010", "2020-01-01", **stored(HOUSES["later"])),
          surfaces("two", "S coarse", lod="1", **stored(replace(HOUSES["two"], eaves=7.999))), surfaces("two", "S fine", "2015", lod="2.2", **stored(HOUSES["two"])),
          surfaces("far off", "S far off", **stored(HOUSES["far off"])), surfaces("nonsense", "S nonsense", **stored(HOUSES["nonsense"])))
    with store.write() as connection:
        # Written by somebody past the checks, or before there were any.
        for name, value in (("S far off", stored(house(9_000))["surfaces"]), ("S nonsense", [{"type": "Roof", "rings": 3}])):
            connection.execute("UPDATE city.building_surface SET surfaces = %s WHERE fid = %s", (Jsonb(value), fids[name]))
    write(*(create("level", building_fid=fids["storeys"], nominal_no=n, actual_no=a, height_m=h) for n, a, h in (("B1", -1, 3.5), ("1", 1, 3.5), ("2", 2, 2.0))))
    return fids


def with_surfaces(catalogue: Catalogue, audience: Any = OWNER, **query: Any) -> Scene:
    made = scene(catalogue, audience=audience, **query)
    readable = [each for each in catalogue.layers.values() if audience.may_read(each.id)]
    return replace(made, surface=surface_layer(made.query.layer, readable, lambda each: {f.name for f in audience.fields(each)}))


@pytest.fixture(scope="module")
def read(store: Store, catalogue: Catalogue, town: dict[str, int]) -> Read:
    return Read(store, with_surfaces(catalogue))


def whole(rows: list[dict[str, Any]]) -> float:
    """The volume of what some parts close in together, about one and the same place."""
    return sum(volume(row, rows[0]["earth"].mean(axis=0)) for row in rows)


def heights(rows: list[dict[str, Any]]) -> tuple[float, float]:
    found = np.concatenate([EARTH.transform(*row["earth"][np.unique(row["triangles"])].T)[2] for row in rows])
    return found.min(), found.max()


@pytest.mark.parametrize("name", ["plain", "inside out", "tall"])
def test_a_building_has_the_shape_of_its_surfaces(read, town, catalogue, name):
    """Volume by the formula of a gabled house, corners by PROJ, faces outwards; roofs, walls and ground are parts."""
    rows, shape = read.of(town[name]), HOUSES[name]
    assert sorted(row["surface"] for row in rows) == ["GroundSurface", "RoofSurface", "WallSurface"]
    assert whole(rows) == pytest.approx(shape.volume, rel=4e-3)
    ground = 46.5 + catalogue.city.geoid_offset_m
    step = 7500 * 1.2 / 65535
    assert heights(rows) == pytest.approx((ground, ground + shape.ridge), abs=step)
    to_earth = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    roof = next(row for row in rows if row["surface"] == "RoofSurface")
    ridge = to_earth.transform(*TO_DEGREES.transform(shape.x, shape.y + shape.d / 2), ground + shape.ridge)
    assert np.linalg.norm(roof["earth"][np.unique(roof["triangles"])] - ridge, axis=1).min() < step
    middle = np.array(to_earth.transform(*TO_DEGREES.transform(shape.x + shape.w / 2, shape.y + shape.d / 2), ground + 1))
    for row in rows:
        a, b, c = (row["earth"][row["triangles"][:, i]] for i in range(3))
        wound = np.cross(b - a, c - a)
        wound /= np.linalg.norm(wound, axis=1)[:, None]
        assert np.einsum("ij,ij->i", wound, row["normal"][row["triangles"][:, 0]]).min() > 0.99
        assert np.einsum("ij,ij->i", wound, (a + b + c) / 3 - middle).min() > 0
    colors = {row["surface"]: tuple(row["color"]) for row in rows}
    assert len(set(colors.values())) == 3


def test_holes_of_surfaces_are_open_in_the_tiles(store, catalogue, town):
    """A square of 2 m is cut out of a wall of 12 by 5 m: so much less wall is in the content, and nothing is drawn over the opening."""
    shape, made = HOUSES["holed"], stored(HOUSES["holed"])
    hole = [[*TO_DEGREES.transform(shape.x + x, shape.y), 46.5 + z] for x, z in ((5, 1), (5, 3), (7, 3), (7, 1), (5, 1))]
    made["surfaces"][1]["rings"].append(hole)
    apply_changeset(store, catalogue, OWNER, Changeset((Edit("building_surface", "create", properties={
        "building_fid": town["holed"], "source_id": "S holed", "lod": "3", "district_code": WEST, **made}, valid_from="2001"),), "clerk", "window"))
    wall = next(row for row in Read(store, with_surfaces(catalogue)).of(town["holed"]) if row["surface"] == "WallSurface")
    a, b, c = (wall["earth"][wall["triangles"][:, i]] for i in range(3))
    whole_m2 = 2 * 12 * 5 + 2 * 8 * (5 + 8) / 2
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 == pytest.approx(whole_m2 - 4, rel=4e-3)
    middle = np.array(Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(
        *TO_DEGREES.transform(shape.x + 6, shape.y), 46.5 + 2 + catalogue.city.geoid_offset_m))
    assert np.linalg.norm((a + b + c) / 3 - middle, axis=1).min() > 0.6


def test_what_is_no_surface_of_the_building_leaves_its_prism(read, town):
    for name in ("far off", "nonsense", "later", "east"):
        (row,) = read.of(town[name])
        shape = HOUSES[name]
        assert row.get("surface") is None and whole([row]) == pytest.approx(shape.w * shape.d * shape.ridge, rel=4e-3)


def test_storeys_are_bands_of_the_surfaces(read, town, catalogue):
    rows = read.of(town["storeys"])
    ground = 46.5 + catalogue.city.geoid_offset_m
    by_level = {label: [row for row in rows if row["level_label"] == label] for label in ("B1", "1", "2", None)}
    assert {label: {row["surface"] for row in some} for label, some in by_level.items()} == {
        "B1": {None}, "1": {"GroundSurface", "WallSurface"}, "2": {"WallSurface"}, None: {"WallSurface", "RoofSurface"}}
    for label, (low, high) in {"B1": (-3.5, 0), "1": (0, 3.5), "2": (3.5, 5.5), None: (5.5, 9)}.items():
        assert heights(by_level[label]) == pytest.approx((ground + low, ground + high), abs=0.05)
    above = [row for row in rows if row["level_label"] != "B1"]
    assert whole(above) == pytest.approx(HOUSES["storeys"].volume, rel=4e-3)


def test_surfaces_have_times_of_their_own(store, catalogue, town):
    """In a tile of all history each shape says from when to when; of several levels of detail the highest shows."""
    day = {year: datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2005, 2010, 2012, 2015, 2020)}
    ever = Read(store, with_surfaces(catalogue, interval=(None, None)))

    def spans(name: str) -> list[tuple[float, float, bool]]:
        return sorted({(row["valid_from"], row["valid_to"], row["surface"] is not None) for row in ever.of(town[name])})

    at = {year: moment.timestamp() for year, moment in day.items()}
    end = spans("plain")[0][1]
    assert spans("later") == [(at[2000], at[2010], False), (at[2010], at[2020], True), (at[2020], end, False)]
    assert spans("two") == [(at[2000], at[2015], True), (at[2015], end, True)]
    fine = [row for row in ever.of(town["two"]) if row["valid_from"] == at[2015]]
    coarse = [row for row in ever.of(town["two"]) if row["valid_from"] == at[2000]]
    assert whole(fine) == pytest.approx(HOUSES["two"].volume, rel=4e-3) and whole(coarse) == pytest.approx(12 * 8 * 8, rel=4e-3)
    for year, has_surfaces in ((2005, False), (2012, True), (2020, False)):
        then = Read(store, with_surfaces(catalogue, at=day[year]))
        assert {row["surface"] is not None for row in then.of(town["later"])} == {has_surfaces}
    some = Read(store, with_surfaces(catalogue, interval=(day[2012], day[2015])))
    assert {(row["valid_from"], row["surface"] is not None) for row in some.of(town["later"])} == {(at[2010], True)}


def test_cells_reach_as_far_as_surfaces(store, catalogue, read, town):
    """Regions enclose what is in them also where the building itself says less of its height."""
    apply_changeset(store, catalogue, OWNER, Changeset((Edit("building", "put", fid=town["east"], properties={"height_m": 2.0, "ground_elevation_m": None},
                                                             partial=True, valid_from="2001"),), "clerk", "low"))
    apply_changeset(store, catalogue, OWNER, Changeset((Edit("building_surface", "create", properties={
        "building_fid": town["east"], "source_id": "S east", "lod": "2", "district_code": WEST, **stored(replace(HOUSES["east"], ridge=90.0))}, valid_from="2001"),), "clerk", "high"))
    again = Read(store, with_surfaces(catalogue))
    count = 0
    for _, document in again.documents:
        waiting = [document["root"]]
        while waiting:
            tile = waiting.pop()
            waiting += tile.get("children", ())
            if "content" not in tile:
                continue
            z, y, x = map(int, tile["content"]["uri"].removeprefix("../../").removesuffix(".glb").split("/"))
            rows = [row for row in again.rows if (row["address"].z, row["address"].y, row["address"].x) == (z, y, x)]
            west, south, east, north, low, high = tile["content"]["boundingVolume"]["region"]
            for row in rows:
                lon, lat, height = EARTH.transform(*row["earth"][np.unique(row["triangles"])].T)
                assert west <= np.radians(lon).min() and np.radians(lon).max() <= east and south <= np.radians(lat).min() and np.radians(lat).max() <= north
                assert low <= height.min() and height.max() <= high
                count += row["fid"] == town["east"]
    assert count == 3


def test_a_reader_without_the_layer_sees_prisms(store, catalogue, town):
    alone = ensure_audience(store, catalogue.layers, [LayerGrant("building")])
    made = with_surfaces(catalogue, alone)
    assert made.surface is None
    rows = Read(store, replace(made, level=None, unit=None)).of(town["plain"])
    assert len(rows) == 1 and "surface" not in rows[0] and whole(rows) == pytest.approx(12 * 8 * 8, rel=4e-3)
    fields = tuple(f.name for f in catalogue.layer("building_surface").fields if f.name != "surfaces")
    masked = ensure_audience(store, catalogue.layers, [LayerGrant("building"), LayerGrant("building_surface", fields=fields)])
    assert with_surfaces(catalogue, masked).surface is None
    elsewhere = ensure_audience(store, catalogue.layers, [LayerGrant("building"), LayerGrant("building_surface", districts=("110101",))])
    made = replace(with_surfaces(catalogue, elsewhere), level=None, unit=None)
    read = Read(store, made)
    assert made.surface is not None and {row.get("surface") for row in read.rows} == {None}
    assert all(cell.surfaces is None for cell in read.cells)


def test_edits_of_surfaces_renew_their_cells_also_by_the_clock(store, catalogue, read, town):
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    cache = TileCache()
    expiry = Expiry(store, catalogue, cache, clock=lambda: now[0])
    expiry.come_true()
    near, far = read.of(town["plain"])[0]["address"], read.of(town["tall"])[0]["address"]
    keys = [TileKey(("building", "building_surface"), address, "all", variant="3d.glb") for address in (near, far)]

    def keep() -> None:
        for key in keys:
            cache.put(key, CachedTile({"": b"x"}, "x", cache.seq, now[0]), now[0])

    def write(edit: Edit) -> None:
        apply_changeset(store, catalogue, OWNER, Changeset((edit,), "clerk", "surfaces"))
        expiry.catch_up()

    keep()
    write(Edit("building_surface", "put", fid=town["S plain"], properties=stored(replace(HOUSES["plain"], ridge=7.5)), partial=True, valid_from="2005"))
    assert [cache.get(key) is None for key in keys] == [True, False]
    keep()
    write(Edit("building_surface", "retire", fid=town["S plain"], valid_from="2031-01-01"))
    keep()
    now[0] = datetime(2030, 12, 31, tzinfo=UTC)
    assert expiry.come_true() == [] and all(map(cache.get, keys))
    now[0] = datetime(2031, 1, 1, 0, 1, tzinfo=UTC)
    assert expiry.come_true() == ["building_surface"]
    assert [cache.get(key) is None for key in keys] == [True, False]


def test_khronos_finds_nothing_wrong_with_surfaces(read, tmp_path):
    no_faults_by_khronos(read, tmp_path)
