"""What is counted from the features: alike by one process of the database and by several; what is too much is not begun."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyogrio
import pytest

from layers import statement
from layers.access import OWNER, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import Unavailable
from layers.filters import parse_filter
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import make
from tests.tiles.test_aggregates import CLASSES, LAT, LON, counted, decode, square, tile_at  # the fixture `decode` too
from tiles import vector_tiles
from tiles.grid import TileAddress
from tiles.vector_statement import tile_statement
from tiles.vector_tiles import render

__all__ = ["decode"]

# So that the planner takes several processes for a small table too, and lets each of them count: rows are dear to hand on, and to work on.
FORCED = ("SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 5; SET min_parallel_table_scan_size = 0; "
          "SET min_parallel_index_scan_size = 0; SET cpu_operator_cost = 5")


@pytest.fixture(scope="module")
def moved(store: Store, catalogue: Catalogue) -> tuple[Layer, int]:
    """1,200 squares; then a third of them is somewhere else and of another kind. The number before that."""
    layer = make(store, "moved_cells", "Polygon", symbology=CLASSES)
    catalogue.refresh()

    def place(n: int) -> dict[str, Any]:
        return square(LON + n % 60 * 0.0005, LAT + n // 60 * 0.0005, 0.0002)

    before = apply_changeset(store, catalogue, OWNER, Changeset(tuple(
        Edit(layer.id, "create", properties={"kind": "ab"[n % 2], "district": f"d{n % 3}", "storeys": n % 5}, valid_from="1990" if n % 4 else "2010", geometry=place(n))
        for n in range(1200)), "tester"))
    apply_changeset(store, catalogue, OWNER, Changeset(tuple(
        Edit(layer.id, "correct", fid, properties={"kind": "b", "storeys": 9}, partial=True, geometry=place(n + 1300), valid_from="2010")
        for n, fid in enumerate(before.fids) if n % 3 == 0), "tester"))
    with store.connect() as connection:
        connection.execute("ANALYZE city.moved_cells; ANALYZE city.moved_cells_past")
    return layer, before.seq


class TestProcessesOfTheDatabase:
    """What is counted from the features is the same by one process of the database and by several, and by a plain statement."""

    def test_they_count_alike(self, store, moved, decode, monkeypatch, tmp_path):
        layer, before = moved
        tile, plans = tile_at(11), list[str]()
        audiences = [ensure_audience(store, {layer.id: layer}, [grant]) for grant in (
            LayerGrant(layer.id), LayerGrant(layer.id, districts=("d0", "d1")), LayerGrant(layer.id, fields=("name", "storeys")))]

        def explained(store, role, asked, values, **more):
            if "limit_s" in more:
                plans.extend(str(line[0]) for line in statement.run(store, role, statement.Statement(f"EXPLAIN {asked.sql}", asked.names), values, **more | {"binary": False}))
            return statement.run(store, role, asked, values, **more)

        monkeypatch.setattr(vector_tiles, "run", explained)
        at, span = datetime(2015, 1, 1, tzinfo=UTC), (datetime(1980, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
        for audience in audiences:
            kind = "kind" if "kind" in [f.name for f in audience.fields(layer)] else None
            asked = [ItemQuery(layer, audience, at=at, filter=parse_filter("id > 0")), ItemQuery(layer, audience, at=at, known_at=before),
                     ItemQuery(layer, audience, at=at, filter=parse_filter("storeys < 4")), ItemQuery(layer, audience, interval=span, filter=parse_filter("storeys < 4"))]
            found = {}
            for how in (statement.WIDE, FORCED):
                monkeypatch.setattr(statement, "WIDE", how)
                monkeypatch.setattr(statement, "NARROW", "SET max_parallel_workers_per_gather = 0; RESET parallel_setup_cost; RESET parallel_tuple_cost; "
                                                         "RESET min_parallel_table_scan_size; RESET min_parallel_index_scan_size; RESET cpu_operator_cost")
                plans.clear()
                bodies = [render(store, query, tile).body for query in asked]
                # Not only the rows are read by several: cells are found in each of them.
                assert any("Workers Planned" in line and "Subquery Scan on edges" in after for line, after in itertools.pairwise(plans)) is (how == FORCED)
                found[how] = [decode(body, tile, layer.id) for body in bodies[:3]]
                # Of an interval a cell has several squares: all of them, in whatever order.
                found[how].append(sorted(squares(bodies[3], tile, layer.id, tmp_path / "played.pbf")))
                monkeypatch.undo()
                monkeypatch.setattr(vector_tiles, "run", explained)
            one, several = found.values()
            assert one == several and one[3]
            assert {cell: n for cell, (n, _) in one[0].items()} == {cell: n for cell, (n, _) in counted(store, layer, audience, tile, at, kind).items()}
            assert one[1] != one[0] and sum(n for n, _ in one[1].values()) == sum(n for n, _ in one[0].values())

    def test_what_is_given_for_it_is_taken_back(self, store):
        names = ("max_parallel_workers_per_gather", "parallel_setup_cost", "work_mem", "statement_timeout")

        def settings_of(**more: Any) -> list[Any]:
            asked = statement.Statement("SELECT " + ", ".join(f"current_setting('{name}')" for name in names), ())
            ((*found,),) = statement.run(store, None, asked, {}, prepare=False, **more)
            return [each.decode() for each in found]

        usual = settings_of()
        assert usual[0] == "0" and settings_of(limit_s=7)[2:] == ["64MB", "7s"] and int(settings_of(limit_s=7)[0]) > 0
        assert settings_of() == usual
        with pytest.raises(Unavailable):
            statement.run(store, None, statement.Statement("SELECT pg_sleep(5)", ()), {}, prepare=False, limit_s=1)
        assert settings_of() == usual


def squares(body: bytes, tile: TileAddress, layer: str, path: Path) -> list[tuple[Any, ...]]:
    """Read the cells of a tile that plays, with all that they say."""
    path.write_bytes(body)
    frame = pyogrio.read_dataframe(path, layer=f"{layer}.cells", X=str(tile.x), Y=str(tile.y), Z=str(tile.z), CLIP="NO")
    return [(shape.wkt, *map(str, rest)) for shape, *rest in zip(frame.geometry, *(frame[n] for n in frame.columns if n not in ("geometry", "mvt_id")), strict=True)]


def test_a_dense_tile_is_not_begun(store, catalogue, monkeypatch):
    """Where a tile of the first level of features had too many, the next such one is made of less at once, and is the same."""
    layer = make(store, "crowded", "Polygon", symbology=CLASSES)
    catalogue.refresh()
    apply_changeset(store, catalogue, OWNER, Changeset(tuple(
        Edit(layer.id, "create", properties={"kind": "ab"[n % 2], "name": f"number {n}"}, valid_from="1990", geometry=square(LON + n % 30 * 0.0001, LAT + n // 30 * 0.0001, 0.00002 + n * 1e-8))
        for n in range(900)), "tester"))
    monkeypatch.setattr(vector_tiles, "most_rows", lambda layer: 500)
    made: list[Any] = []

    def watched(same, shape, form):
        made.append(form)
        return tile_statement(same, shape, form)

    monkeypatch.setattr(vector_tiles, "tile_statement", watched)
    tile, seldom = tile_at(14, LON + 0.001, LAT + 0.001), ensure_audience(store, {layer.id: layer}, [LayerGrant(layer.id, districts=("d9",))])
    first = render(store, ItemQuery(layer, OWNER), tile).body
    tried = made.copy()
    made.clear()
    assert tried[0].names != ("kind",) and tried[1].names == ("kind",)
    assert render(store, ItemQuery(layer, OWNER), tile).body == first and made == tried[1:]
    # Elsewhere, and for who sees little of it, all is tried first.
    made.clear()
    assert render(store, ItemQuery(layer, seldom), tile).body == b"" and made[0] == tried[0]._replace(names=made[0].names)
