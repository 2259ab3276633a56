"""Cells of dense layers: in every cell, on every day and for every reader as many as a plain statement counts."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql

from gisserver.upkeep import Upkeep
from layers.access import OWNER, Audience, LayerGrant, ensure_audience, regrant_all
from layers.catalogue import Catalogue
from layers.cells import fold_cells, fold_due
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import DefinitionError, Rejected, UnknownFeature
from layers.filters import parse_filter
from layers.layer import Layer, parse_layer
from layers.plan import apply, register
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import ALL_TYPES, TITLE, make
from tiles.aggregates import AGGREGATED, COUNT, COVER, _number, _runs
from tiles.grid import GRIDS, TileAddress
from tiles.vector_tiles import render

LON, LAT, WORLD = 116.40, 39.93, 20037508.342789244
CLASSES = {"cells": True, "field": "kind", "classes": [{"value": "a", "color": "#112233"}, {"value": "b", "color": "#112234"}], "min_zoom": 13}
STEPS = {"cells": True, "field": "height_m", "classes": [{"below": 10, "color": "#112233"}, {"below": 30, "color": "#112234"}, {"color": "#112235"}]}

Cells = dict[tuple[int, int], tuple[int, Any]]


@pytest.fixture
def decode(tmp_path: Path):
    """Read the cells of a tile by GDAL: {(column, row): (count, class)} on the level of its cells."""
    numbers = itertools.count()

    def read(body: bytes, tile: TileAddress, layer: str, kind: str = "kind") -> Cells:
        path = tmp_path / f"{next(numbers)}.pbf"
        path.write_bytes(body)
        if not body or f"{layer}.cells" not in [name for name, _ in pyogrio.list_layers(path)]:
            return {}
        frame = pyogrio.read_dataframe(path, layer=f"{layer}.cells", X=str(tile.x), Y=str(tile.y), Z=str(tile.z), CLIP="NO")
        side = 2 * WORLD / 2 ** level(tile.z)
        found = {}
        for row in frame.to_dict("records"):
            middle = row["geometry"].centroid
            at = math.floor((middle.x + WORLD) / side), math.floor((WORLD - middle.y) / side)
            assert at not in found
            found[at] = row[COUNT], None if row.get(kind) is None or row[kind] != row[kind] else row[kind]
        return found

    return read


def level(z: int) -> int:
    return max(10, min(z + 6, 18))


def counted(store: Store, layer: Layer, audience: Audience, tile: TileAddress, at: datetime, kind: str | None = "kind") -> Cells:
    """Count in Python what the reader's own role selects from the layer's table."""
    side = 2 * WORLD / 2 ** level(tile.z)
    minx, miny, maxx, maxy = tile.envelope
    statement = sql.SQL("SELECT ST_XMin(geom_tile), ST_YMin(geom_tile), ST_XMax(geom_tile), ST_YMax(geom_tile), ST_Area(geom_tile), {} FROM {} "
                        "WHERE valid @> %s AND NOT ST_IsEmpty(geom_tile)").format(sql.Identifier(kind) if kind else sql.NULL, sql.Identifier("city", layer.id))
    count: Counter[tuple[int, int]] = Counter()
    kinds: dict[tuple[int, int], Counter[Any]] = {}
    with store.read(audience.role) as connection:
        for x0, y0, x1, y1, area, value in connection.execute(statement, (at,)):
            middle = (x0 + x1) / 2, (y0 + y1) / 2
            if max(x1 - x0, y1 - y0) >= side or not (minx <= middle[0] < maxx and miny < middle[1] <= maxy):
                continue
            cell = math.floor((middle[0] + WORLD) / side), math.floor((WORLD - middle[1]) / side)
            count[cell] += 1
            kinds.setdefault(cell, Counter())[value] += round(area)
    return {cell: (n, max(sorted(kinds[cell], key=str), key=lambda value, cell=cell: kinds[cell][value]) if kind else None) for cell, n in count.items()}


def tile_at(z: int, lon: float = LON, lat: float = LAT) -> TileAddress:
    n = 2**z
    return TileAddress(z, int((lon + 180) / 360 * n), int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n))


def square(lon: float, lat: float, side: float) -> dict[str, Any]:
    return shapely.geometry.mapping(shapely.box(lon, lat, lon + side, lat + side))


@pytest.fixture(scope="module")
def layer(store: Store) -> Layer:
    return make(store, "celled", "Polygon", symbology=CLASSES)


@pytest.fixture(scope="module")
def audiences(store: Store, layer: Layer) -> list[Audience]:
    return [ensure_audience(store, {layer.id: layer}, [grant]) for grant in (
        LayerGrant(layer.id), LayerGrant(layer.id, districts=("d1",)), LayerGrant(layer.id, fields=("name",)),
        LayerGrant(layer.id, districts=("d2", "d3"), fields=("name", "storeys")))]


class TestAgainstAPlainStatement:
    """Random edits of random features; every cell on random days, for who sees all, some districts, or not the class."""

    OPS = st.lists(st.tuples(st.sampled_from(["create", "create", "put", "correct", "retire", "move"]), st.integers(0, 9), st.integers(0, 7), st.integers(0, 7),
                             st.sampled_from([0.0001, 0.0004, 0.0016, 0.006]), st.sampled_from(["a", "b", None]), st.sampled_from(["d1", "d2", None]),
                             st.integers(1970, 2070), st.integers(1, 30), st.booleans()), min_size=4, max_size=14)

    # Not shrunk: an example takes a second, and says enough as it is.
    @pytest.mark.slow
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate))
    @given(ops=OPS, days=st.lists(st.tuples(st.integers(1960, 2090), st.sampled_from([0, -1, 1])), min_size=2, max_size=3), data=st.data())
    def test_the_same_in_every_cell(self, store, catalogue, layer, audiences, decode, ops, days, data):
        with store.connect() as connection:
            connection.execute("TRUNCATE city.celled, city.celled_past, city.celled_cell, city.celled_cell_new, city.celled_cell_run")
        catalogue.refresh()
        fids: list[int] = []
        for op, which, i, j, side, kind, district, year, years, is_folded in ops:
            place = square(LON + i * 0.0011, LAT + j * 0.0009, side)
            properties = {"kind": kind, "district": district}
            if op == "create" or not fids:
                edit = Edit(layer.id, "create", properties=properties, geometry=place, valid_from=str(year))
            elif op == "retire":
                edit = Edit(layer.id, "retire", fids[which % len(fids)], valid_from=str(year))
            elif op == "move":
                edit = Edit(layer.id, "put", fids[which % len(fids)], properties={}, partial=True, geometry=place, valid_from=str(year))
            else:
                edit = Edit(layer.id, op, fids[which % len(fids)], properties=properties, partial=True, valid_from=str(year),
                            valid_to=str(year + years) if op == "correct" else None)
            try:
                applied = apply_changeset(store, catalogue, OWNER, Changeset((edit,), "tester"))
            except (Rejected, UnknownFeature):
                continue        # it has ended before, or would end before it begins
            fids += [fid for fid in applied.fids if fid not in fids]
            if is_folded:
                fold_cells(store, layer.id)
        z = data.draw(st.integers(0, AGGREGATED))
        tile = tile_at(z)
        for year, microseconds in days:
            at = datetime.fromtimestamp(datetime(year, 1, 1, tzinfo=UTC).timestamp(), UTC)
            at = at if microseconds == 0 else at.replace(microsecond=1) if microseconds > 0 else datetime(year - 1, 12, 31, 23, 59, 59, 999_999, UTC)
            for audience in audiences:
                sees_class = "kind" in [f.name for f in audience.fields(layer)]
                wanted = counted(store, layer, audience, tile, at, "kind" if sees_class else None)
                found = decode(render(store, ItemQuery(layer, audience, at=at), tile).body, tile, layer.id)
                assert {cell: n for cell, (n, _) in found.items()} == {cell: n for cell, (n, _) in wanted.items()}
                # Of equal areas either class may be told.
                assert all(found[cell][1] == kind for cell, (n, kind) in wanted.items() if n == 1)
                assert sees_class or all(kind is None for _, kind in found.values())
        # Counted from the features, where a filter asks for it.
        asked = ItemQuery(layer, audiences[1], at=at, filter=parse_filter("id > 0"))
        assert decode(render(store, asked, tile).body, tile, layer.id) == decode(
            render(store, ItemQuery(layer, audiences[1], at=at), tile).body, tile, layer.id)


@pytest.fixture(scope="module")
def dense(store: Store, catalogue: Catalogue) -> Layer:
    """3,600 small squares, one of 2 km, one planned."""
    layer = make(store, "dense_cells", "Polygon", symbology=CLASSES)
    catalogue.refresh()
    edits = [Edit(layer.id, "create", properties={"kind": "ab"[n % 2], "district": f"d{n % 3}", "name": f"n{n}"}, valid_from="1990" if n % 4 else "2010",
                  geometry=square(LON + n % 60 * 0.0005, LAT + n // 60 * 0.0005, 0.0002)) for n in range(3600)]
    edits.append(Edit(layer.id, "create", properties={"name": "large"}, valid_from="1990", geometry=square(LON, LAT, 0.02)))
    edits.append(Edit(layer.id, "create", properties={"name": "planned"}, valid_from="2090", geometry=square(LON, LAT, 0.0002)))
    apply_changeset(store, catalogue, OWNER, Changeset(tuple(edits), "tester"))
    return layer


class TestTiles:
    def test_every_level_tells_of_all(self, store, dense, decode):
        for z in range(AGGREGATED + 1):
            corner, last = tile_at(z), tile_at(z, LON + 0.03, LAT + 0.03)
            tiles = [TileAddress(z, x, y) for x in range(corner.x, last.x + 1) for y in range(last.y, corner.y + 1)]
            bodies = {t: render(store, ItemQuery(dense, OWNER), t).body for t in tiles}
            whole = [cell for t, body in bodies.items() for cell in decode(body, t, dense.id).values()]
            # The one of 2 km is drawn by itself as long as it is larger than a cell.
            assert sum(n for n, _ in whole) == 3600 + (2 * WORLD / 2 ** level(z) > 0.02 * 111_319.5 / math.cos(math.radians(LAT + 0.01)))
            assert max(map(len, bodies.values())) < 500_000

    def test_before_and_after_being_folded_it_is_the_same(self, store, dense, decode):
        tiles = [tile_at(z) for z in (3, 8, 11, 12)]

        def told() -> list[Any]:
            return [(decode(render(store, ItemQuery(dense, OWNER, at=at), t).body, t, dense.id)) for t in tiles
                    for at in (None, datetime(1989, 12, 31, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), datetime(2091, 1, 1, tzinfo=UTC))]

        before = told()
        assert fold_cells(store, dense.id) > 0 and fold_cells(store, dense.id) == 0
        assert told() == before and any(before)

    def test_what_is_large_is_a_feature_and_no_cell_has_an_id(self, store, dense, tmp_path):
        tile = tile_at(12)
        path = tmp_path / "t.pbf"
        path.write_bytes(render(store, ItemQuery(dense, OWNER), tile).body)
        features = pyogrio.read_dataframe(path, layer=dense.id, X=str(tile.x), Y=str(tile.y), Z="12")
        assert list(features["name"]) == ["large"]
        cells = pyogrio.read_dataframe(path, layer=f"{dense.id}.cells", X=str(tile.x), Y=str(tile.y), Z="12")
        assert set(cells.columns) <= {"mvt_id", COUNT, COVER, "kind", "geometry"} and not cells.get("mvt_id", cells[COUNT] * float("nan")).notna().any()
        # Web Mercator stretches to the north as much as a degree of longitude is shorter there.
        side = 360 / 2**18
        share = {n: math.ceil(100 * n * 0.0002**2 / side**2 / math.cos(math.radians(LAT))) for n in set(cells[COUNT])}
        assert all(abs(row[COVER] - share[row[COUNT]]) <= 1 for row in cells.to_dict("records"))

    def test_the_same_cells_in_other_grids(self, store, dense, tmp_path):
        for name, z in (("WorldCRS84Quad", 11), ("CGCS2000Quad", 10)):
            grid, total = GRIDS[name], 0
            side = grid.size(z)
            columns = range(int((LON + 180) // side), int((LON + 0.03 + 180) // side) + 1)
            rows = range(int((90 - LAT - 0.03) // side), int((90 - LAT) // side) + 1)
            for x, y in itertools.product(columns, rows):
                path = tmp_path / f"{name}{x}{y}.pbf"
                path.write_bytes(render(store, ItemQuery(dense, OWNER), TileAddress(z, x, y, grid)).body)
                if path.stat().st_size and f"{dense.id}.cells" in [n for n, _ in pyogrio.list_layers(path)]:
                    found = pyogrio.read_dataframe(path, layer=f"{dense.id}.cells", X="0", Y="0", Z="0", CLIP="NO")
                    total += found[COUNT].sum()
            assert 3600 <= total <= 3600 * 1.2      # a cell on a border is in both tiles

    def test_an_interval_plays(self, store, dense, tmp_path):
        tile = tile_at(11)
        path = tmp_path / "play.pbf"
        path.write_bytes(render(store, ItemQuery(dense, OWNER, interval=(datetime(1980, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))), tile).body)
        cells = pyogrio.read_dataframe(path, layer=f"{dense.id}.cells", X=str(tile.x), Y=str(tile.y), Z="11")
        cells = cells.fillna({"valid_from": -1e15, "valid_to": 1e15})
        at = {year: cells[(cells.valid_from <= datetime(year, 7, 1, tzinfo=UTC).timestamp()) & (cells.valid_to > datetime(year, 7, 1, tzinfo=UTC).timestamp())]
              for year in (1985, 1995, 2015)}
        assert len(at[1985]) == 0 and 0 < len(at[1995]) <= len(at[2015])
        # One square for each place and moment.
        for found in at.values():
            assert len({(round(g.centroid.x), round(g.centroid.y)) for g in found.geometry}) == len(found)

    def test_only_the_chosen_properties(self, store, dense, tmp_path):
        path = tmp_path / "few.pbf"
        path.write_bytes(render(store, ItemQuery(dense, OWNER, fields=("storeys",)), tile_at(12)).body)
        assert "kind" not in pyogrio.read_dataframe(path, layer=f"{dense.id}.cells", X="0", Y="0", Z="0").columns

    def test_an_audience_has_no_right_to_more(self, store, dense):
        limited = ensure_audience(store, {dense.id: dense}, [LayerGrant(dense.id, districts=("d1",), fields=("name",))])
        with store.read(limited.role) as connection:
            assert connection.execute("SELECT count(*), sum(n) FROM city.dense_cells_cell_new").fetchone() is not None
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT class FROM city.dense_cells_cell")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT district FROM city.dense_cells_cell")
        nobody = ensure_audience(store, {}, [])
        with store.read(nobody.role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT n FROM city.dense_cells_cell")


class TestDefinitions:
    def test_classes_by_number(self, store, catalogue, decode):
        layer = make(store, "stepped_cells", "Point", symbology=STEPS)
        catalogue.refresh()
        heights = [5, 9.99, 10, 29, 30, 300, None]
        apply_changeset(store, catalogue, OWNER, Changeset(tuple(
            Edit(layer.id, "create", properties={"height_m": h}, geometry={"type": "Point", "coordinates": [LON + n * 0.01, LAT]}, valid_from="2000")
            for n, h in enumerate(heights)), "tester"))
        tile, found = tile_at(10), {}
        for x in (tile.x, tile.x + 1):
            at = TileAddress(10, x, tile.y)
            found |= decode(render(store, ItemQuery(layer, OWNER), at).body, at, layer.id, "height_m")
        # What stands for a class falls into it.
        classes = [None if v is None else 0 if v < 10 else 1 if v < 30 else 2 for _, (_, v) in sorted(found.items())]
        assert classes == [0, 0, 1, 1, 2, 2, None]
        counted_so = decode(render(store, ItemQuery(layer, OWNER, filter=parse_filter("id > 0")), tile).body, tile, layer.id, "height_m")
        assert counted_so == {cell: told for cell, told in found.items() if cell in counted_so} and counted_so

    def test_a_layer_gets_and_loses_cells_with_its_definition(self, store, catalogue, decode):
        layer = make(store, "turned", "Polygon", symbology=CLASSES | {"cells": False, "min_zoom": 0})
        catalogue.refresh()
        apply_changeset(store, catalogue, OWNER, Changeset(tuple(Edit(layer.id, "create", properties={"kind": k, "is_listed": k == "a"}, geometry=square(LON, LAT, 0.0002),
                                                                      valid_from="2000") for k in "aab"), "tester"))
        tile = tile_at(12)
        whole = ensure_audience(store, {layer.id: layer}, [LayerGrant(layer.id)])

        def cells(of: Layer, kind: str = "kind") -> list[Any]:
            return list(decode(render(store, ItemQuery(of, whole), tile).body, tile, layer.id, kind).values())

        assert cells(layer) == []
        turned = make(store, "turned", "Polygon", symbology=CLASSES)
        assert cells(turned) == [(3, "a")]
        other = make(store, "turned", "Polygon", symbology=CLASSES | {"field": "is_listed", "classes": [{"value": True, "color": "#112233"}]})
        assert cells(other, "is_listed") == [(3, True)]
        renamed = parse_layer({"id": "turned_over", "was": "turned", "title": TITLE, "born": "runtime", "kind": "spatial", "geometry": "Polygon",
                               "fields": ALL_TYPES, "district": "district", "symbology": CLASSES})
        catalogue.refresh()
        apply(store, {i: x for i, x in catalogue.layers.items() if i != "turned"} | {"turned_over": renamed})
        regrant_all(store)
        owned = decode(render(store, ItemQuery(renamed, OWNER), tile).body, tile, "turned_over")
        assert list(owned.values()) == [(3, "a")]
        plain = parse_layer(renamed.dump() | {"was": None, "symbology": CLASSES | {"cells": False}})
        register(store, plain)
        with store.read() as connection:
            assert connection.execute("SELECT to_regclass('city.turned_over_cell'), to_regclass('city.turned_over_large_idx'), to_regclass('city.turned_cell')").fetchone() == (
                None, None, None)

    @pytest.mark.parametrize(("geometry", "more"), [("LineString", {}), ("Geometry", {}), ("Polygon", {"min_zoom": 14})])
    def test_not_every_layer_can_have_cells(self, geometry, more):
        with pytest.raises(DefinitionError, match=r"symbology\.cells"):
            parse_layer({"id": "wrong", "title": TITLE, "geometry": geometry, "symbology": {"cells": True} | more})

    def test_what_waits_is_folded_when_it_is_much(self, store, catalogue):
        assert fold_due(store, rows=1_000_000) == {}
        layer = make(store, "waiting", "Point", symbology={"cells": True})
        catalogue.refresh()
        apply_changeset(store, catalogue, OWNER, Changeset(tuple(
            Edit(layer.id, "create", geometry={"type": "Point", "coordinates": [LON + n * 0.01, LAT]}, valid_from="2000") for n in range(20)), "tester"))
        assert fold_due(store, rows=10)["waiting"] == 20
        assert "waiting" not in fold_due(store, rows=10)

    def test_a_server_sums_up_by_itself(self, store, catalogue):
        layer = make(store, "upkept", "Point", symbology={"cells": True})
        catalogue.refresh()
        apply_changeset(store, catalogue, OWNER, Changeset(tuple(
            Edit(layer.id, "create", geometry={"type": "Point", "coordinates": [LON + n * 0.01, LAT]}, valid_from="2000") for n in range(5)), "tester"))
        upkeep = Upkeep(store, every_s=0.05, rows=3)
        upkeep.start()
        try:
            with store.connect() as connection:
                for _ in range(200):
                    waiting, kept = connection.execute("SELECT (SELECT count(*) FROM city.upkept_cell_new), (SELECT count(*) FROM city.upkept_cell WHERE level = 18)").fetchone()
                    if not waiting:
                        break
                    time.sleep(0.05)
            assert (waiting, kept) == (0, 5)
        finally:
            upkeep.close()


@given(st.integers(0, 5000), st.integers(0, 300), st.integers(0, 5000), st.integers(0, 6000), st.data())
def test_every_cell_that_a_tile_shows_lies_in_one_of_its_runs(x0, width, y0, height, data):
    low, high = (list(map(int, text.strip("{}").replace('"', "").split(","))) for text in _runs(x0, x0 + width, y0, y0 + height))
    cell = _number(x0 + data.draw(st.integers(0, width)), y0 + data.draw(st.integers(0, height)))
    assert any(first <= cell <= last for first, last in zip(low, high, strict=True)) and len(low) <= 64
