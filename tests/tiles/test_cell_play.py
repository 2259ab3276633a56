"""Cells over time: what plays, what was known and what is filtered is, in every cell, what a count of the versions says."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyogrio
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from layers.access import OWNER, Audience, LayerGrant, ensure_audience
from layers.cells import fold_cells
from layers.filters import parse_filter, question
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import changesets, make, put
from tests.tiles.test_aggregates import CLASSES, LAT, LON, WORLD, square, tile_at
from tiles import vector_tiles
from tiles.aggregates import COUNT, COVER, counting, side_m, wanted_classes
from tiles.cell_play import STEPS
from tiles.grid import TileAddress
from tiles.vector_tiles import render

FAR = 1e15
SPAN = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC))
STEP_S = (SPAN[1] - SPAN[0]).total_seconds() / STEPS


class Version(NamedTuple):
    """A version as a plain statement finds it: edges and ground in Web Mercator, seconds since 1970."""

    x0: float
    x1: float
    y0: float
    y1: float
    area: float
    kind: str | None
    district: str | None
    begins: float
    ends: float
    seq_from: int
    seq_to: float


class Square(NamedTuple):
    count: int
    cover: int
    kind: str | None


def versions(store: Store, layer: Layer) -> list[Version]:
    text = ("SELECT ST_XMin(geom_tile), ST_XMax(geom_tile), ST_YMin(geom_tile), ST_YMax(geom_tile), ST_Area(geom_tile), kind, district, "
            "coalesce(extract(epoch FROM lower(valid))::float8, -1e15), coalesce(extract(epoch FROM upper(valid))::float8, 1e15), seq_from, {} FROM city.{}")
    with store.read() as connection:
        return [Version(*row) for part in ((text.format("1e15", layer.id)), (text.format("seq_to", f"{layer.id}_past")))
                for row in connection.execute(part).fetchall()]


def cells_at(found: Iterable[Version], at: float, level: int, seq: int = 10**9, tile: TileAddress | None = None) -> dict[tuple[int, int], Square]:
    """Count in Python what there is at a moment, as known at a number."""
    side = side_m(level)
    number: Counter[tuple[int, int]] = Counter()
    ground: dict[tuple[int, int], Counter[str | None]] = {}
    for v in found:
        if not (v.begins <= at < v.ends and v.seq_from <= seq < v.seq_to) or max(v.x1 - v.x0, v.y1 - v.y0) >= side:
            continue
        cell = math.floor(((v.x0 + v.x1) / 2 + WORLD) / side), math.floor((WORLD - (v.y0 + v.y1) / 2) / side)
        number[cell] += 1
        ground.setdefault(cell, Counter())[v.kind] += round(v.area)
    inside = number if tile is None else {cell: n for cell, n in number.items() if (cell[0] >> (level - tile.z), cell[1] >> (level - tile.z)) == (tile.x, tile.y)}
    return {cell: Square(number[cell], min(100, math.ceil(10 * sum(ground[cell].values()) / side**2) * 10),
                         max(sorted(ground[cell], key=str), key=lambda kind, cell=cell: ground[cell][kind])) for cell in inside}


@pytest.fixture
def decode(tmp_path: Path):
    """Read the cells of a tile by GDAL: [((column, row), Square, from, to)] on a level."""
    numbers = itertools.count()

    def read(body: bytes, tile: TileAddress, layer: str, level: int) -> list[tuple[tuple[int, int], Square, float, float]]:
        path = tmp_path / f"{next(numbers)}.pbf"
        path.write_bytes(body)
        if not body or f"{layer}.cells" not in [name for name, _ in pyogrio.list_layers(path)]:
            return []
        frame = pyogrio.read_dataframe(path, layer=f"{layer}.cells", X=str(tile.x), Y=str(tile.y), Z=str(tile.z), CLIP="NO")
        side, found = side_m(level), []
        for row in frame.to_dict("records"):
            middle, kind = row["geometry"].centroid, row.get("kind")
            at = math.floor((middle.x + WORLD) / side), math.floor((WORLD - middle.y) / side)
            begin, end = (row.get(name, math.nan) for name in ("valid_from", "valid_to"))
            found.append((at, Square(row[COUNT], row[COVER], kind if isinstance(kind, str) else None), -FAR if math.isnan(begin) else begin,
                          FAR if math.isnan(end) else end))
        return found

    return read


def shown(found: list[tuple[tuple[int, int], Square, float, float]], at: float) -> dict[tuple[int, int], Square]:
    """Return what a map shows of a tile at a moment; no cell is shown twice."""
    now = [(cell, square) for cell, square, begin, end in found if begin <= at < end]
    assert len({cell for cell, _ in now}) == len(now)
    return dict(now)


@pytest.fixture(scope="module")
def layer(store: Store) -> Layer:
    changesets(store, 9)
    return make(store, "played", "Polygon", symbology=CLASSES)


@pytest.fixture(scope="module")
def audiences(store: Store, layer: Layer) -> list[Audience]:
    return [OWNER, *(ensure_audience(store, {layer.id: layer}, [grant]) for grant in (
        LayerGrant(layer.id), LayerGrant(layer.id, districts=("d1",)), LayerGrant(layer.id, districts=("d1", "d2"), fields=("name", "kind")),
        LayerGrant(layer.id, fields=("name",))))]


def fill(store: Store, layer: Layer, rows: list[dict[str, Any]]) -> None:
    """Put rows into the empty layer, past changesets, and count them."""
    with store.connect() as connection:
        connection.execute(", ".join(f"city.played{s}" for s in ("", "_past", "_cell", "_cell_new", "_cell_run")).join(("TRUNCATE ", "")))
    put(store, layer, rows)
    with store.connect() as connection:
        connection.execute("SELECT gis.count_in_cells('played', 'city.played WHERE true', NULL, NULL)")


def row(fid: int, i: int, j: int, side: float, kind: str | None, district: str | None, begin: str, end: str = "", **more: Any) -> dict[str, Any]:
    lon, lat = LON + i * 0.0021, LAT + j * 0.0017
    ring = square(lon, lat, side)["coordinates"][0]
    return {"fid": fid, "wkt": f"POLYGON(({', '.join(f'{x} {y}' for x, y in ring)}))", "kind": kind, "district": district,
            "valid": f"[{begin and begin + 'Z'},{end and end + 'Z'})", **more}


YEARS = st.integers(1980, 2024)
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([0.0003, 0.0008, 0.0014]), st.sampled_from(["a", "b", None]),
                          st.sampled_from(["d1", "d2"]), YEARS, st.integers(1, 12), st.one_of(st.none(), st.integers(1, 30))), min_size=3, max_size=25)


class TestRuns:
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate))
    @given(given_rows=ROWS, z=st.sampled_from([9, 11, 12]), is_folded=st.booleans(), more=ROWS.map(lambda rows: rows[:2]))
    def test_at_any_moment_what_is_shown_is_what_there_was(self, store, layer, audiences, decode, given_rows, z, is_folded, more):
        rows = [row(n, i, j, side, kind, district, f"{year}-{month:02}-01", f"{year + years}-03-07" if years else "")
                for n, (i, j, side, kind, district, year, month, years) in enumerate([*given_rows, *more])]
        fill(store, layer, rows)
        if is_folded:
            fold_cells(store, layer.id)
        level, there = max(10, z + 5), versions(store, layer)
        # Runs are exact on any day; what waits to be summed up, or lies in several of a reader's districts, is looked at in steps.
        moments = [SPAN[0].timestamp() + n * STEP_S for n in range(STEPS)]
        for audience in audiences:
            grant = audience.grant(layer.id)
            mine = [v for v in there if grant.districts is None or v.district in grant.districts]
            exact = [v.begins for v in there if SPAN[0].timestamp() < v.begins < SPAN[1].timestamp()] if is_folded and grant.districts != ("d1", "d2") else []
            for tile in {tile_at(z), tile_at(z, LON + 0.0075, LAT + 0.006)}:
                found = decode(render(store, ItemQuery(layer, audience, interval=SPAN), tile).body, tile, layer.id, level)
                for at in (*moments, *exact, *(t - 1 for t in exact)):
                    wanted, now = cells_at(mine, at, level, tile=tile), shown(found, at)
                    assert now.keys() == wanted.keys()
                    for cell, seen in now.items():
                        assert (seen.cover, seen.count >= wanted[cell].count) == (wanted[cell].cover, True)
                        kinds = {v.kind for v in mine} if wanted[cell].count > 1 else {wanted[cell].kind}
                        assert seen.kind in (kinds if grant.fields is None or "kind" in grant.fields else {None})

    def test_the_class_is_that_which_covers_most(self, store, layer, decode):
        fill(store, layer, [row(1, 0, 0, 0.0004, "a", "d1", "1980-01-01"), row(2, 0, 0, 0.0008, "b", "d2", "1995-06-01", "2005-06-01"),
                            row(3, 0, 0, 0.0005, None, "d2", "2010-01-01")])
        fold_cells(store, layer.id)
        tile = tile_at(11)
        found = decode(render(store, ItemQuery(layer, OWNER, interval=SPAN), tile).body, tile, layer.id, 16)
        kinds = {year: [s.kind for s in shown(found, datetime(year, 1, 1, tzinfo=UTC).timestamp()).values()] for year in (1994, 1996, 2006, 2012)}
        assert kinds == {1994: ["a"], 1996: ["b"], 2006: ["a"], 2012: [None]}
        # To the day, whatever the interval: a run begins when it began.
        assert {datetime.fromtimestamp(begin, UTC).date().isoformat() for _, s, begin, _ in found if s.kind == "b"} == {"1995-06-01"}

    def test_an_edit_is_in_the_next_tile(self, store, layer, decode):
        fill(store, layer, [row(1, 0, 0, 0.0004, "a", "d1", "1980-01-01")])
        fold_cells(store, layer.id)
        put(store, layer, [row(2, 2, 2, 0.0004, "b", "d1", "1985-01-01", version_id=2)])
        with store.connect() as connection:
            connection.execute("SELECT gis.count_in_cells('played', 'city.played WHERE fid = 2', NULL, NULL)")
        tile = tile_at(12)
        squares = [decode(render(store, ItemQuery(layer, OWNER, interval=SPAN), tile).body, tile, layer.id, 17)]
        fold_cells(store, layer.id)
        squares.append(decode(render(store, ItemQuery(layer, OWNER, interval=SPAN), tile).body, tile, layer.id, 17))
        at = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
        assert shown(squares[0], at) == shown(squares[1], at) and len(shown(squares[1], at)) == 2

    def test_an_end_that_is_open_is_absent_and_all_time_can_be_asked(self, store, layer, decode):
        fill(store, layer, [row(1, 0, 0, 0.0004, "a", "d1", ""), row(2, 2, 2, 0.0004, "b", "d1", "2000-01-01", "2001-01-01")])
        fold_cells(store, layer.id)
        tile = tile_at(12)
        found = decode(render(store, ItemQuery(layer, OWNER, interval=(None, None)), tile).body, tile, layer.id, 17)
        assert sorted((begin, end) for *_, begin, end in found) == [(-FAR, FAR), (946684800, 978307200)]

    def test_of_too_many_runs_each_cell_is_looked_at_in_steps(self, store, layer, decode, monkeypatch):
        rows = [row(n, n % 4, n // 4 % 4, 0.0014, "ab"[n % 2], "d1", f"{1985 + n % 29}-0{1 + n % 9}-01", f"{1986 + n % 29}-0{1 + n % 9}-01") for n in range(160)]
        fill(store, layer, rows)
        fold_cells(store, layer.id)
        tile, there = tile_at(11), versions(store, layer)
        monkeypatch.setattr("tiles.cell_play.MOST_RUNS_A_TILE", 20)
        found = decode(render(store, ItemQuery(layer, OWNER, interval=SPAN), tile).body, tile, layer.id, 16)
        for n in range(STEPS):
            at = SPAN[0].timestamp() + n * STEP_S
            assert {c: s.cover for c, s in shown(found, at).items()} == {c: s.cover for c, s in cells_at(there, at, 16, tile=tile).items()}
        assert {begin for *_, begin, _ in found} <= {round(SPAN[0].timestamp() + n * STEP_S) for n in range(STEPS)}


@pytest.fixture(scope="class")
def history(store: Store, layer: Layer) -> list[Version]:
    """Every feature was changed at some number; some were known for a while only."""
    rows = [row(n, n % 5, n // 5 % 5, 0.0004, "ab"[n % 2], f"d{n % 3}", "2000-01-01", seq_from=1 + n % 7, version_id=n) for n in range(80)]
    rows += [row(n, (n + 1) % 5, n // 5 % 5, 0.0008, "ba"[n % 2], f"d{n % 3}", "1999-01-01", seq_from=1 + n % 3, seq_to=1 + n % 7, version_id=1000 + n)
             for n in range(80) if n % 3 < n % 7]
    fill(store, layer, rows)
    fold_cells(store, layer.id)
    return versions(store, layer)


class TestKnown:
    @pytest.mark.parametrize("seq", [0, 1, 3, 6, 7, 9])
    @pytest.mark.parametrize("year", [1999, 2005])
    def test_what_was_known_at_a_number(self, store, layer, history, decode, audiences, seq, year):
        at, tile = datetime(year, 7, 1, tzinfo=UTC), tile_at(12)
        for audience in (audiences[1], audiences[2]):
            districts = audience.grant(layer.id).districts
            wanted = cells_at([v for v in history if districts is None or v.district in districts], at.timestamp(), 18, seq, tile)
            found = decode(render(store, ItemQuery(layer, audience, at=at, known_at=seq), tile).body, tile, layer.id, 18)
            assert {cell: (s.count, s.kind) for cell, s, *_ in found} == {cell: (s.count, s.kind) for cell, s in wanted.items()}

    def test_a_filter_on_what_was_known(self, store, layer, history, decode):
        at, tile = datetime(2005, 7, 1, tzinfo=UTC), tile_at(12)
        found = decode(render(store, ItemQuery(layer, OWNER, at=at, known_at=4, filter=parse_filter("kind = 'a'")), tile).body, tile, layer.id, 18)
        wanted = cells_at([v for v in history if v.kind == "a"], at.timestamp(), 18, 4, tile)
        assert {cell: s.count for cell, s, *_ in found} == {cell: s.count for cell, s in wanted.items()} and found


@pytest.fixture(scope="class")
def city(store: Store, layer: Layer) -> list[Version]:
    rows = [row(n, n % 7, n // 7 % 7, 0.0003, ("a", "b", None)[n % 3], f"d{n % 2}", f"{1980 + n % 40}-01-01", f"{2020 + n % 40}-01-01", height_m=n) for n in range(200)]
    fill(store, layer, rows)
    fold_cells(store, layer.id)
    return versions(store, layer)


class TestFilters:
    @pytest.mark.parametrize("text", ["kind = 'a'", "kind IN ('a', 'b')", "kind = 'a' OR kind = 'b'"])
    def test_classes_are_counted_already(self, store, layer, city, decode, audiences, text):
        tile, asked = tile_at(11), ItemQuery(layer, audiences[2], filter=parse_filter(text))
        shape, values = question(asked, 4490)
        assert wanted_classes(layer, shape, values) is not None
        # The same filter in a form that is counted from the features.
        other = replace(asked, filter=parse_filter(f"({text}) AND id >= 0"))
        assert wanted_classes(layer, *question(other, 4490)) is None
        kept, counted = (sorted(decode(render(store, q, tile).body, tile, layer.id, 17)) for q in (asked, other))
        assert kept == counted and kept

    @pytest.mark.parametrize("text", ["kind = 'elsewhere'", "kind <> 'a'", "NOT kind = 'a'", "name = 'a'", "kind = 'a' AND kind = 'b'"])
    def test_what_classes_do_not_tell_is_counted(self, layer, text):
        assert wanted_classes(layer, *question(ItemQuery(layer, OWNER, filter=parse_filter(text)), 4490)) is None

    def test_whichever_index_is_used_the_count_is_the_same(self, store, layer, city, decode, monkeypatch):
        tile, asked = tile_at(11), ItemQuery(layer, OWNER, filter=parse_filter("height_m < 50"))
        found = []
        for few in (0, 10**9):
            monkeypatch.setattr("tiles.vector_statement.FEW_ROWS", few)
            found.append(sorted(decode(render(store, asked, tile).body, tile, layer.id, 17)))
        assert found[0] == found[1] and sum(s.count for _, s, *_ in found[0]) == len([n for n in range(50) if n % 40 + 2020 > datetime.now(UTC).year])

    def test_a_filtered_interval_plays(self, store, layer, city, decode):
        tile = tile_at(11)
        found = decode(render(store, ItemQuery(layer, OWNER, interval=SPAN, filter=parse_filter("kind = 'b'")), tile).body, tile, layer.id, 16)
        for n in range(STEPS):
            at = SPAN[0].timestamp() + n * STEP_S
            assert {c: s.cover for c, s in shown(found, at).items()} == {c: s.cover for c, s in cells_at((v for v in city if v.kind == "b"), at, 16, tile=tile).items()}

    def test_an_interval_of_what_was_known_has_cells(self, layer):
        shape, _ = question(ItemQuery(layer, OWNER, interval=SPAN, known_at=3), 4490)
        assert counting(layer, shape, 10) == "counted_steps" and counting(layer, shape, 13) is None


@pytest.fixture(scope="class")
def crowd(store: Store, layer: Layer) -> None:
    # Ten versions of each, which look the same but for a name; every fourth changes its class once.
    rows = [row(fid, fid % 20, 0, 0.0001 + fid % 20 * 0.00001, "b" if fid % 4 == 0 and n >= 5 else "a", "d1", f"{1990 + n * 2}-01-01", f"{1992 + n * 2}-01-01", version_id=fid * 10 + n,
                name=f"number {fid} in {n}", height_m=n) for fid in range(60) for n in range(10)]
    fill(store, layer, rows)
    fold_cells(store, layer.id)


class TestSize:
    """However much there is in a place, a tile has its bounds; what it then holds is told by its form."""

    @staticmethod
    def features(body: bytes, tile: TileAddress, tmp_path: Path, layer: Layer) -> Any:
        path = tmp_path / "t.pbf"
        path.write_bytes(body)
        assert layer.id in [name for name, _ in pyogrio.list_layers(path)]
        return pyogrio.read_dataframe(path, layer=layer.id, X=str(tile.x), Y=str(tile.y), Z=str(tile.z))

    def test_an_interval_has_each_look_once(self, store, layer, crowd, tmp_path, monkeypatch):
        tile, asked = tile_at(14), ItemQuery(layer, OWNER, interval=(datetime(1980, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)))
        whole = self.features(render(store, asked, tile).body, tile, tmp_path, layer)
        here = set(whole["mvt_id"].astype(int))
        assert len(whole) == 10 * len(here) and "name" in whole
        monkeypatch.setattr(vector_tiles, "MOST_BYTES", 3_000)
        body = render(store, asked, tile).body
        lean = self.features(body, tile, tmp_path, layer)
        assert len(body) <= 3_000 and "name" not in lean
        years = {int(fid): sorted((datetime.fromtimestamp(r.valid_from, UTC).year, datetime.fromtimestamp(r.valid_to, UTC).year, r.kind) for r in some.itertuples())
                 for fid, some in lean.groupby("mvt_id")}
        assert years == {fid: [(1990, 2000, "a"), (2000, 2010, "b")] if fid % 4 == 0 else [(1990, 2010, "a")] for fid in here}

    def test_where_that_is_too_much_the_largest_are_shown(self, store, layer, crowd, tmp_path, monkeypatch):
        tile = tile_at(14)
        for asked in (ItemQuery(layer, OWNER, interval=SPAN), ItemQuery(layer, OWNER, at=datetime(1999, 1, 1, tzinfo=UTC))):
            with monkeypatch.context() as bounds:
                whole = self.features(render(store, asked, tile).body, tile, tmp_path, layer)
                bounds.setattr(vector_tiles, "MOST_BYTES", 400)
                body = render(store, asked, tile).body
            # The broader the farther to the east.
            breadth = {int(fid): int(fid) % 20 for fid in whole["mvt_id"]}
            found = {int(fid) for fid in self.features(body, tile, tmp_path, layer)["mvt_id"]}
            assert len(body) <= 400 and 0 < len(found) < len(breadth)
            assert min(breadth[fid] for fid in found) >= max(breadth[fid] for fid in breadth.keys() - found)

    def test_on_the_first_level_of_features_an_interval_falls_back_to_cells(self, store, layer, crowd, decode, monkeypatch):
        monkeypatch.setattr(vector_tiles, "MOST_BYTES", 3_000)
        tile = tile_at(13)
        body = render(store, ItemQuery(layer, OWNER, interval=SPAN), tile).body
        found = decode(body, tile, layer.id, 18)
        at = datetime(1999, 1, 1, tzinfo=UTC).timestamp()
        assert len(body) <= 3_000 and shown(found, at).keys() == cells_at(versions(store, layer), at, 18, tile=tile).keys() != set()

    def test_a_place_known_to_be_dense_is_not_tried(self, store, layer, crowd, decode, monkeypatch):
        monkeypatch.setattr(vector_tiles, "MOST_PLAYED", 10)
        tile = tile_at(13)
        assert decode(render(store, ItemQuery(layer, OWNER, interval=SPAN), tile).body, tile, layer.id, 18)
        assert not decode(render(store, ItemQuery(layer, OWNER), tile).body, tile, layer.id, 18)
