"""Tiles on disk: the same expiry as in memory, and nothing that goes wrong with the file reaches who asks."""

from __future__ import annotations

import logging
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tiles.cache import CachedTile, TileCache, TileKey, etag_of
from tiles.grid import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD, TileAddress
from tiles.shared_store import Mark, SharedStore, Touched

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MANY = 64 * 2**20


def mark(seq: int, clock: datetime = NOW) -> Mark:
    return Mark(seq, f"stamp {seq}", clock)


def stamp(seq: int) -> str:
    return f"stamp {seq}"


STORES: list[SharedStore] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while STORES:
        STORES.pop().close()


def made(path: Path, edition: str = "", max_bytes: int = MANY, pages: int | None = None) -> SharedStore:
    STORES.append(SharedStore(path / "tiles.sqlite", max_bytes, edition, pages))
    STORES[-1].know(GRIDS.values(), {"building": 1, "road": 1})
    return STORES[-1]


def opened(path: Path, seq: int = 5, max_bytes: int = MANY, edition: str = "", pages: int | None = None) -> SharedStore:
    store = made(path, edition, max_bytes, pages)
    assert store.open(mark(seq), stamp) is not None
    return store


def key(x: int = 3372, y: int = 1552, z: int = 12, layer: str = "building", **more: object) -> TileKey:
    return replace(TileKey((layer,), TileAddress(z, x, y), "everybody"), **more)


def tile(seq: int = 5, text: str = "tile", size: int = 10, made_at: datetime = NOW + timedelta(days=3650)) -> CachedTile:
    body = (text * size).encode()
    return CachedTile({"": body}, etag_of(body), seq, made_at)


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


def test_what_one_process_puts_another_gets(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    picture = replace(tile(), media_type="image/png")
    for k, t in ((key(), tile()), (key(variant="png"), picture), (key(moment=(year(1990), year(1990))), tile(text="past"))):
        assert one.put(k, t, 5)
        found = other.get(k, 5)
        assert found is not None and (found.bodies, found.etag, found.media_type, found.seq) == (t.bodies, t.etag, t.media_type, 5)
    assert other.get(key(x=1)) is None and other.get(key(), 6) is None, "nothing vouches for changeset 6 yet"


def test_late_fills_are_not_taken_in(tmp_path: Path) -> None:
    one, late = opened(tmp_path), opened(tmp_path)
    minx, miny, maxx, maxy = key().address.envelope
    assert one.apply(mark(6), [Touched(6, "building", (minx, miny, maxx, maxy), None)], 5, NOW)
    assert not late.put(key(), tile(5), 5), "its process has not heard of changeset 6"
    assert late.apply(mark(6), [Touched(6, "building", (minx, miny, maxx, maxy), None)], 5, NOW)
    assert late.put(key(), tile(6), 6)
    fired = NOW + timedelta(hours=1)
    assert one.apply(mark(6, fired), [Touched(6, "building", None, None, fired)], 6, NOW)
    assert one.get(key()) is not None, "made after that"
    assert not late.put(key(x=9), tile(6, made_at=fired - timedelta(seconds=1)), 6)
    assert late.put(key(x=9, moment=(year(1990), year(1990))), tile(6, made_at=fired - timedelta(seconds=1)), 6)


def test_a_store_that_is_behind_gives_nothing(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    assert one.put(key(), tile(), 5)
    # The other hears of 7 without 6: the store was not told.
    assert other.apply(mark(7), [], 6, NOW)
    assert other.get(key()) is None and other.reached() == mark(5)
    assert other.apply(mark(7), [Touched(6, "road", None, None)], 5, NOW)
    assert other.get(key()) is not None and other.reached() == mark(7)


def test_a_store_of_another_past_or_program_is_begun_anew(tmp_path: Path) -> None:
    assert opened(tmp_path).put(key(), tile(), 5)
    assert opened(tmp_path).get(key()) is not None
    for store, here, stamps in ((made(tmp_path), mark(5), lambda seq: "restored"),
                                (made(tmp_path, "newer"), mark(5), stamp)):
        assert store.put(key(), tile(), 5) is False
        assert store.open(here, stamps) is not None
        assert store.get(key()) is None
        assert store.put(key(), tile(), 5)
        store.close()


def test_tiles_of_another_definition_are_not_found(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    both = replace(key(), layers=("building", "road"))
    for k in (key(), key(layer="road"), both):
        assert one.put(k, tile(), 5)
    one.know(GRIDS.values(), {"building": 2, "road": 1})
    assert one.get(key()) is None and one.get(both) is None and one.get(key(layer="road")) is not None
    assert one.put(key(), tile(text="new"), 5)
    found = other.get(key())
    assert found is not None and found.bodies[""].startswith(b"tile"), "that process has not heard of it"
    other.know(GRIDS.values(), {"building": 2, "road": 1})
    found = other.get(key())
    assert found is not None and found.bodies[""].startswith(b"new")


def test_tiles_of_a_grid_that_a_process_does_not_know_are_not_kept_beyond_an_edit(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    other.know([WEB_MERCATOR_QUAD], {"building": 1})
    here = replace(key(), address=TileAddress(12, 6744, 1139, CGCS2000_QUAD))
    assert one.put(here, tile(), 5) and one.put(key(), tile(), 5) and not other.put(here, tile(), 5)
    assert other.apply(mark(6), [Touched(6, "building", (0, 0, 1, 1), None)], 5, NOW)
    assert one.get(here) is None and one.get(key()) is not None


def test_it_expires_exactly_what_memory_does(tmp_path: Path) -> None:
    steps = random.Random(7)
    memory, disk = TileCache(seq=5), opened(tmp_path)
    keys = []
    for grid in GRIDS.values():
        for z in (3, 9, 12):
            for _ in range(12):
                x = min(int((116.3 + steps.random() * 0.3 + 180) / 360 * grid.levels[z].columns), grid.levels[z].columns - 1)
                y = grid.levels[z].rows // (2 if grid is CGCS2000_QUAD else 3)
                moment = steps.choice([None, None, (year(1990), year(1990)), (year(1985), year(2005)), (None, year(2000)), (year(2000), None)])
                layers = steps.choice([("building",), ("road",), ("building", "road")])
                keys.append(TileKey(layers, TileAddress(z, x, y, grid), "all", moment, steps.choice([None, None, None, 3]),
                                    steps.choice(["", "png"])))
    for seq in range(6, 60):
        for k in keys:
            t = tile(seq - 1)
            if memory.get(k) is None and memory.put(k, t, NOW):
                assert disk.put(k, replace(t), seq - 1)
        minx, miny, maxx, maxy = steps.choice(keys).address.reach(3857, 0) or (0, 0, 0, 0)
        envelope = steps.choice([(minx, miny, maxx, maxy), (minx, miny, minx, miny), (maxx, maxy, maxx + 1, maxy + 1), None])
        span = steps.choice([None, (year(1990), None), (year(2000), year(2001)), (year(2005), None), (None, year(1985)), (year(2027), None)])
        by_clock = seq % 9 == 0
        at = NOW + timedelta(days=3650 + seq) if by_clock else None
        memory.expire(seq, "building", envelope, span, at or NOW, by_clock=by_clock)
        memory.reach(seq)
        assert disk.apply(mark(seq, NOW if at is None else at), [Touched(seq, "building", envelope, span, at)], seq - 1, at or NOW)
        assert {k for k in keys if memory.get(k)} == {k for k in keys if disk.get(k, seq)}
        if at is not None:
            memory, disk = TileCache(seq=seq), opened(tmp_path, seq, edition=f"at {seq}")
    assert disk.expired


def test_an_entry_that_was_damaged_is_dropped_and_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = opened(tmp_path)
    assert disk.put(key(), tile(), 5)
    with closing(sqlite3.connect(disk.path)) as other, other:
        other.execute("UPDATE tile SET body = zeroblob(length(body))")
    cache = TileCache(seq=5, behind=disk)
    with caplog.at_level(logging.WARNING):
        assert cache.fill(key(), tile, NOW).bodies == tile().bodies
    assert "is not what was written" in caplog.text
    found = disk.get(key())
    assert found is not None and found.bodies == tile().bodies


def test_a_file_that_is_no_database_any_more_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = opened(tmp_path)
    for x in range(200):
        disk.put(key(x=x), tile(size=500), 5)
    disk.close()
    Path(f"{disk.path}-wal").unlink(missing_ok=True)
    disk.path.write_bytes(b"This was a database once. " * 4000)
    with caplog.at_level(logging.WARNING):
        assert disk.get(key(x=1)) is None
    assert "begun anew" in caplog.text
    assert disk.put(key(), tile(), 5) and disk.get(key()) is not None


def test_damage_in_the_middle_of_the_file_is_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = opened(tmp_path)
    for x in range(400):
        disk.put(key(x=x), tile(text=f"tile {x} ", size=400), 5)
    disk.close()
    with disk.path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 200_000)
    cache = TileCache(seq=5, behind=disk)
    with caplog.at_level(logging.WARNING):
        for x in range(400):
            assert cache.fill(key(x=x), lambda x=x: tile(text=f"tile {x} ", size=400), NOW).bodies[""].startswith(f"tile {x} ".encode())
    assert caplog.text
    assert disk.put(key(), tile(), 5) and disk.get(key()) is not None


def test_a_full_disk_turns_the_store_off_and_not_the_service(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = opened(tmp_path, pages=64)
    cache = TileCache(seq=5, behind=disk)
    with caplog.at_level(logging.WARNING):
        for x in range(100):
            assert cache.fill(key(x=x), lambda x=x: tile(text=f"{x}", size=4000), NOW).bodies[""]
    assert caplog.text.count("tiles are kept in memory alone") == 1
    assert disk.trouble and "full" in disk.trouble and disk.stats()["trouble"] == disk.trouble
    assert disk.get(key(x=1)) is None and not disk.put(key(), tile(), 5)
    # An edit while it is away; later there is room again.
    assert disk.apply(mark(6), [Touched(6, "building", None, None)], 5, NOW)
    monkeypatch.setattr(disk, "_away_until", 0.0)
    assert disk.get(key(x=1)) is None, "what was there before the edit is not"
    assert disk.put(key(), tile(6), 6) and disk.get(key(), 6) is not None and disk.stats()["trouble"] is None


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    disk = made(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        assert disk.open(mark(5), stamp) is None
    assert disk.trouble and disk.get(key()) is None and not disk.put(key(), tile(), 5)


def test_the_least_used_go_first(tmp_path: Path) -> None:
    disk = opened(tmp_path, max_bytes=200_000)
    for x in range(300):
        assert disk.put(key(x=x), tile(text=f"{x:04}", size=500), 5)
        stats = disk.stats()
        assert stats["bytes"] <= 200_000
    assert disk.get(key(x=299)) is not None and disk.get(key(x=0)) is None
    assert stats["tiles"] == sum(disk.has(key(x=x)) for x in range(300)) > 10
