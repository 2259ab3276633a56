"""Vector tiles, read back by GDAL's own reader: what is in them, where, for whom and when."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from layers.access import OWNER, LayerGrant, ensure_audience
from layers.crs import transformer
from layers.errors import InvalidFilter, UnknownLayer
from layers.features import collection
from layers.filters import parse_filter
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import changesets, field, make, put
from tiles.grid import TileAddress
from tiles.vector_tiles import OUTSIDE, label_points, min_zoom, render, render_all, tile_fields

AT = (116.40, 39.93)


def tile_at(z: int, lon: float = AT[0], lat: float = AT[1]) -> TileAddress:
    x, y = transformer(4326, 3857).transform(lon, lat)
    side = 2 * 20037508.342789244 / 2**z
    return TileAddress(z, int((x + 20037508.342789244) / side), int((20037508.342789244 - y) / side))


@pytest.fixture
def decode(tmp_path: Path):
    """Read a tile as GDAL reads it: {layer: [(properties with `mvt_id`, geometry in Web Mercator)]}."""
    numbers = itertools.count()

    def read(body: bytes, tile: TileAddress) -> dict[str, list[tuple[dict[str, Any], shapely.Geometry]]]:
        if not body:
            return {}
        path = tmp_path / f"{next(numbers)}.pbf"
        path.write_bytes(body)
        place = {"X": str(tile.x), "Y": str(tile.y), "Z": str(tile.z), "CLIP": "NO"}
        found = {}
        for name, _ in pyogrio.list_layers(path):
            frame = pyogrio.read_dataframe(path, layer=name, **place)
            found[name] = [({k: v for k, v in row.items() if k != "geometry" and v is not None and v == v}, row["geometry"])
                           for row in frame.to_dict("records")]
        return found

    return read


def square(lon: float, lat: float, side_m: float) -> str:
    dx, dy = side_m / 85_400, side_m / 111_000
    return shapely.box(lon, lat, lon + dx, lat + dy).wkt


@pytest.fixture(scope="module")
def layer(store: Store) -> Layer:
    layer = make(store, "tiled")
    changesets(store, 9)
    put(store, layer, [
        {"fid": 1, "wkt": square(*AT, 60), "name": "楼 1", "kind": "a", "storeys": 6, "height_m": 18.5, "is_listed": True, "district": "d1",
         "built": "1985-06-01", "seen": datetime(2020, 1, 1, tzinfo=UTC), "note": "not in tiles", "codes": [{"scheme": "s", "value": "v"}]},
        {"fid": 2, "wkt": f"POINT({AT[0]} {AT[1]})", "name": "point", "valid": "[1990-01-01Z,2010-01-01Z)", "district": "d2"},
        {"fid": 3, "wkt": f"LINESTRING({AT[0]} {AT[1]},{AT[0] + 0.001} {AT[1] + 0.001})", "name": "line", "district": "d2"},
        {"fid": 4, "wkt": None, "name": "nowhere"},
        {"fid": 5, "wkt": "POLYGON((116.401 39.93,116.402 39.931,116.402 39.93,116.401 39.931,116.401 39.93))", "name": "bow tie"},
        {"fid": 6, "wkt": square(*AT, 60), "name": "wrong", "valid": "[1985-01-01Z,)", "seq_from": 1, "seq_to": 5},
        {"fid": 7, "wkt": "POINT EMPTY", "name": "empty"}])
    return layer


@pytest.mark.parametrize("z", [14, 16, 18])
def test_a_tile_holds_what_is_there_now(store, layer, decode, z):
    tile = tile_at(z)
    made = render(store, ItemQuery(layer, OWNER), tile)
    found = {p["mvt_id"]: (p, shape) for p, shape in decode(made.body, tile)["tiled"]}
    assert made.seq == 9 and {1, 3} <= found.keys() and not found.keys() & {2, 4, 6, 7}
    properties, shape = found[1]
    assert properties == {"mvt_id": 1, "name": "楼 1", "kind": "a", "storeys": 6, "height_m": 18.5, "is_listed": True,
                          "built": "1985-06-01", "seen": 1577836800}
    unit = (tile.envelope[2] - tile.envelope[0]) / 4096
    expected = shapely.transform(shapely.from_wkt(square(*AT, 60)), lambda xy: np.column_stack(transformer(4326, 3857).transform(xy[:, 0], xy[:, 1])))
    inside = shapely.intersection(expected, shapely.buffer(shapely.box(*tile.envelope), 64 * unit, join_style="mitre"))
    assert shapely.hausdorff_distance(shape, inside) < 2 * unit


def test_past_future_and_what_was_known(store, layer, decode):
    tile = tile_at(14)

    def names(**parts: Any) -> set[str]:
        return {p["name"] for p, _ in decode(render(store, ItemQuery(layer, OWNER, **parts), tile).body, tile).get("tiled", [])}

    assert names(at=datetime(2000, 1, 2, tzinfo=UTC)) == {"楼 1", "point", "line", "bow tie"}
    assert names(at=datetime(1991, 1, 1, tzinfo=UTC)) == {"point"}
    assert names(known_at=4) == {"楼 1", "line", "bow tie", "wrong"}
    assert names(filter=parse_filter("storeys > 3")) == {"楼 1"}
    assert names(fids=(3,)) == {"line"}


def test_an_interval_carries_its_times_as_numbers(store, layer, decode):
    tile = tile_at(14)
    made = render(store, ItemQuery(layer, OWNER, interval=(None, None)), tile)
    found = {p["mvt_id"]: p for p, _ in decode(made.body, tile)["tiled"]}
    assert (found[2]["valid_from"], found[2]["valid_to"]) == (631152000, 1262304000)
    assert found[1]["valid_from"] == 946684800 and "valid_to" not in found[1]
    assert "valid_from" not in decode(render(store, ItemQuery(layer, OWNER), tile).body, tile)["tiled"][0][0]


def test_a_chosen_field_alone(store, layer, decode):
    tile = tile_at(16)
    made = decode(render(store, ItemQuery(layer, OWNER, fields=("kind", "note")), tile).body, tile)["tiled"]
    assert {"mvt_id": 1, "kind": "a"} in [p for p, _ in made]


def test_an_empty_tile_has_no_bytes(store, layer):
    made = render(store, ItemQuery(layer, OWNER), tile_at(14, 10, 10))
    assert (made.body, made.seq) == (b"", 9)


def test_tiles_at_the_edges_of_the_world(store, layer, decode):
    edge = make(store, "edge")
    put(store, edge, [{"fid": 1, "wkt": "POINT(180 0)"}, {"fid": 2, "wkt": "POINT(-180 85)"}, {"fid": 3, "wkt": "LINESTRING(179 -85,180 85)"}])
    for tile, expected in ((TileAddress(3, 7, 3), {1, 3}), (TileAddress(3, 7, 4), {1, 3}), (TileAddress(3, 0, 0), {2}), (TileAddress(0, 0, 0), {1, 2, 3})):
        assert {p["mvt_id"] for p, _ in decode(render(store, ItemQuery(edge, OWNER), tile).body, tile)["edge"]} == expected


def test_neighbours_share_what_lies_on_their_border(store, decode):
    border = make(store, "border", "Polygon")
    tile, beside = tile_at(16), tile_at(16)
    beside = TileAddress(16, tile.x + 1, tile.y)
    lon, lat = transformer(3857, 4326).transform(tile.envelope[2], (tile.envelope[1] + tile.envelope[3]) / 2)
    put(store, border, [{"fid": 1, "wkt": square(lon - 20 / 85_400, lat, 40)}])
    parts = [decode(render(store, ItemQuery(border, OWNER), t).body, t)["border"][0][1] for t in (tile, beside)]
    whole = shapely.union_all(parts)
    assert len(parts) == 2 and shapely.area(whole) == pytest.approx((40 * 111319.49 / 85_400) * (40 * 111319.49 / 111_000 / np.cos(np.radians(lat))), rel=0.02)


def test_what_is_smaller_than_a_pixel_is_thinned_below_level_14(store, decode):
    layer = make(store, "dense", "Polygon")
    put(store, layer, [{"fid": n, "version_id": n, "wkt": square(AT[0] + n % 60 * 0.0002, AT[1] + n // 60 * 0.0002, 6)} for n in range(1, 3601)])
    counts = {}
    for z in (12, 14):
        tiles = {tile_at(z, AT[0] + n % 60 * 0.0002, AT[1] + n // 60 * 0.0002) for n in range(0, 3601, 7)}
        counts[z] = len({p["mvt_id"] for t in tiles for p, _ in decode(render(store, ItemQuery(layer, OWNER), t).body, t).get("dense", [])})
    assert counts[14] == 3600
    assert counts[12] == 3600 // 16             # one in 4^(14 - 12), always the same ones


def test_of_very_many_the_largest_are_kept_below_level_14(store, decode, monkeypatch):
    layer = make(store, "crowded", "Polygon")
    put(store, layer, [{"fid": n, "version_id": n, "wkt": square(AT[0] + n % 10 * 0.0005, AT[1] + n // 10 * 0.0005, 20 + n)} for n in range(1, 41)])
    monkeypatch.setattr("tiles.vector_tiles.MOST_COARSE", 10)
    tile = tile_at(13, AT[0] + 0.002, AT[1] + 0.001)
    found = {p["mvt_id"] for p, _ in decode(render(store, ItemQuery(layer, OWNER), tile).body, tile)["crowded"]}
    assert found == set(range(31, 41))
    detailed = {p["mvt_id"] for x in (0, 1) for y in (0, 1) for p, _ in decode(render(store, ItemQuery(layer, OWNER), TileAddress(
        14, 2 * tile.x + x, 2 * tile.y + y)).body, TileAddress(14, 2 * tile.x + x, 2 * tile.y + y)).get("crowded", [])}
    assert detailed == set(range(1, 41))


def test_points_are_all_there_on_every_level(store, decode):
    layer = make(store, "points", "Point")
    put(store, layer, [{"fid": n, "version_id": n, "wkt": f"POINT({AT[0] + n * 1e-4} {AT[1]})"} for n in range(1, 50)])
    assert len(decode(render(store, ItemQuery(layer, OWNER), tile_at(8)).body, tile_at(8))["points"]) == 49


class TestSymbology:
    @pytest.fixture
    def drawn(self, store: Store) -> Layer:
        symbology = {"min_zoom": 12.5, "field": "kind", "classes": [{"value": "a", "color": "#112233"}, {"value": "b", "color": "#112234", "min_zoom": 15}],
                     "extrude": "height_m", "label": {"field": "note", "min_zoom": 13}}
        layer = make(store, "drawn", "MultiPolygon", symbology=symbology)
        if not collection(store, ItemQuery(layer, OWNER)).returned:
            put(store, layer, [
                {"fid": 1, "version_id": 1, "wkt": f"MULTIPOLYGON(({square(*AT, 3_000)[9:-1]}))", "kind": "a", "note": "wide"},
                {"fid": 2, "version_id": 2, "wkt": f"MULTIPOLYGON(({square(*AT, 500)[9:-1]}))", "kind": "b", "note": "late"},
                {"fid": 3, "version_id": 3, "wkt": f"MULTIPOLYGON(({square(*AT, 500)[9:-1]}))", "note": "neither"}])
        return layer

    def test_no_tile_below_the_first_level(self, store, drawn, decode):
        assert min_zoom(drawn) == 12
        assert render(store, ItemQuery(drawn, OWNER), tile_at(11)).body == b""
        assert render(store, ItemQuery(drawn, OWNER), tile_at(12)).body != b""

    def test_a_class_comes_when_it_is_drawn(self, store, drawn, decode):
        def ids(z: int) -> set[int]:
            return {p["mvt_id"] for p, _ in decode(render(store, ItemQuery(drawn, OWNER), tile_at(z)).body, tile_at(z))["drawn"]}
        assert ids(13) == {1, 3} and ids(14) == {1, 3} and ids(15) == {1, 2, 3}

    def test_what_a_layer_is_drawn_by_is_in_its_tiles(self, drawn):
        assert {f.name for f in tile_fields(drawn, OWNER)} >= {"kind", "height_m", "note"} and label_points(drawn, OWNER) == "all"

    def test_a_wide_area_is_labelled_once(self, store, drawn, decode):
        corner = tile_at(15)
        labels = []
        for x, y in itertools.product(range(corner.x - 1, corner.x + 5), range(corner.y - 6, corner.y + 2)):
            tile = TileAddress(15, x, y)
            minx, miny, maxx, maxy = tile.envelope
            found = decode(render(store, ItemQuery(drawn, OWNER), tile).body, tile)
            labels += [p["mvt_id"] for p, point in found.get("drawn.label", []) if minx <= point.x < maxx and miny < point.y <= maxy]
            assert all(set(p) <= {"mvt_id", "note"} for p, _ in found.get("drawn.label", []))
        assert sorted(labels) == [1, 2, 3]
        assert "drawn.label" not in decode(render(store, ItemQuery(drawn, OWNER), tile_at(12)).body, tile_at(12))


    def test_an_area_over_a_border_is_labelled_in_one_of_its_tiles(self, store, decode):
        layer = make(store, "crossing", "Polygon", symbology={"label": {"field": "name", "min_zoom": 17}})
        tile = tile_at(16)
        beside = TileAddress(16, tile.x + 1, tile.y)
        lon, lat = transformer(3857, 4326).transform(tile.envelope[2], (tile.envelope[1] + tile.envelope[3]) / 2)
        put(store, layer, [{"fid": 1, "version_id": 1, "wkt": square(lon - 30 / 85_400, lat, 40), "name": "over"},
                           {"fid": 2, "version_id": 2, "wkt": square(lon - 200 / 85_400, lat, 40), "name": "within"}])
        found = {t: decode(render(store, ItemQuery(layer, OWNER), t).body, t) for t in (tile, beside)}
        assert label_points(layer, OWNER) == "crossing"
        assert [sorted((p["name"], bool(p.get(OUTSIDE))) for p, _ in f["crossing"]) for f in found.values()] == [
            [("over", True), ("within", False)], [("over", True)]]
        assert [[p["name"] for p, _ in f.get("crossing.label", [])] for f in found.values()] == [["over"], []]
        assert "crossing.label" not in decode(render(store, ItemQuery(layer, OWNER), tile_at(15)).body, tile_at(15))


class TestGrants:
    def test_rows_and_fields_of_others_are_not_in_the_tile(self, store, layer, decode):
        limited = ensure_audience(store, {layer.id: layer}, [LayerGrant(layer.id, districts=("d1",), fields=("name", "district"))])
        tile = tile_at(14)
        found = decode(render(store, ItemQuery(layer, limited), tile).body, tile)["tiled"]
        assert [p for p, _ in found] == [{"mvt_id": 1, "name": "楼 1"}]
        with pytest.raises(InvalidFilter):
            render(store, ItemQuery(layer, limited, filter=parse_filter("storeys > 3")), tile)

    def test_a_layer_without_a_grant_and_a_table_have_no_tiles(self, store, layer):
        nobody = ensure_audience(store, {}, [])
        with pytest.raises(UnknownLayer):
            render(store, ItemQuery(layer, nobody), tile_at(14))
        with pytest.raises(UnknownLayer):
            render(store, ItemQuery(make(store, "no_place", None), OWNER), tile_at(14))


def test_layers_in_one_tile(store, layer, decode):
    other = make(store, "other", "Point")
    put(store, other, [{"fid": 900, "version_id": 900, "wkt": f"POINT({AT[0]} {AT[1]})"}])
    tile = tile_at(16)
    made = render_all(store, [ItemQuery(layer, OWNER), ItemQuery(other, OWNER)], tile)
    assert set(decode(made.body, tile)) == {"tiled", "other"} and made.seq == 9


def test_another_storage_system(server, template, tmp_path, decode):
    """A city whose geometries are kept in metres: boxes, filters, answers and tiles are where they belong."""
    from config.settings import ROOT
    from gisserver.ops.preparation import prepare_store
    city = (ROOT / "config" / "city.yaml").read_text("utf-8").replace("storage_srid: 4490", "storage_srid: 4548")
    (tmp_path / "city.yaml").write_text(city, "utf-8")
    (tmp_path / "layers").mkdir()
    name = f"{template}_metres"
    metres = Store(server.create(name, "template0"))
    try:
        prepare_store(metres, tmp_path / "city.yaml", tmp_path / "layers")
        layer = make(metres, "metric", "Polygon")
        changesets(metres, 1)
        east, north = transformer(4490, 4548).transform(*AT)
        put(metres, layer, [{"fid": 1, "wkt": shapely.box(east, north, east + 50, north + 50).wkt, "storeys": 3}], srid=4548)
        for parts in ({}, {"bbox": (116.3, 39.9, 116.5, 40)}, {"bbox": (-180, -90, 180, 90)}, {"bbox": (east - 1, north - 1, east + 1, north + 1), "bbox_srid": 4548},
                      {"filter": parse_filter("s_intersects(geometry, BBOX(116.39, 39.92, 116.41, 39.94)) AND storeys = 3")}):
            page = json.loads(collection(metres, ItemQuery(layer, OWNER, **parts)).body)
            assert AT == pytest.approx(page[0]["geometry"]["coordinates"][0][-2], abs=1e-6), parts
        for parts in ({"bbox": (116.5, 39.9, 116.6, 40)}, {"bbox": (-75, 40, -70, 45)}, {"filter": parse_filter("s_intersects(geometry, POINT(116.5 39.9))")}):
            assert collection(metres, ItemQuery(layer, OWNER, **parts)).returned == 0
        kept = json.loads(collection(metres, ItemQuery(layer, OWNER, srid=4548, flip=True)).body)[0]["geometry"]["coordinates"][0][-2]
        assert kept == pytest.approx([north, east], abs=1e-3)
        tile = tile_at(14)
        (_, shape), = decode(render(metres, ItemQuery(layer, OWNER), tile).body, tile)["metric"]
        assert shapely.area(shape) == pytest.approx(2500 / np.cos(np.radians(39.93))**2, rel=0.04)
    finally:
        metres.close()
        server.drop(name)


def test_fields_that_tiles_cannot_hold(store):
    layer = make(store, "unfit", symbology={"label": {"field": "codes"}}, fields=[field("codes", "codes", tile=True), field("extra", "json", tile=True), field("name", tile=True),
                                                                                   field("district")])
    assert [f.name for f in tile_fields(layer, OWNER)] == ["name"]
