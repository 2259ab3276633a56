"""A process's tiles follow the store: by changeset, by the clock, and never an old one after a newer number was seen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.layer import parse_layer
from layers.plan import register
from layers.query import ItemQuery
from layers.store import Store
from tiles.cache import CachedTile, TileCache, TileKey, etag_of
from tiles.expiry import Expiry
from tiles.grid import TileAddress
from tiles.shared_store import SharedStore
from tiles.vector_tiles import render

TITLE = {"zh": "树", "en": "Tree"}
HERE = TileAddress(14, 13488, 6201)


@pytest.fixture
def city(empty_store: Store) -> Catalogue:
    register(empty_store, parse_layer({"id": "tree", "geometry": "Point", "title": TITLE, "born": "runtime", "fields": [
        {"name": "kind", "type": "string", "title": TITLE, "tile": True}]}))
    return Catalogue(empty_store)


def middle() -> dict[str, Any]:
    minx, miny, maxx, maxy = HERE.envelope
    return {"type": "Point", "coordinates": [(minx + maxx) / 2, (miny + maxy) / 2]}


class Process:
    """One server process: its own cache, its own clock, its own watermark."""

    def __init__(self, store: Store, city: Catalogue, folder: Path | None = None, time: datetime | None = None) -> None:
        self.store, self.city, self.time = store, city, time or datetime.now(UTC)
        self.cache = TileCache()
        self.disk = None if folder is None else SharedStore(folder / "tiles.sqlite", 2**24)
        self.expiry = Expiry(store, city, self.cache, lambda: self.time, self.disk)
        # What is made from now on is newer than the store on disk.
        self.time = time or datetime.now(UTC)

    def close(self) -> None:
        if self.disk is not None:
            self.disk.close()

    def tile(self, at: datetime | None = None) -> CachedTile:
        key = TileKey(("tree",), HERE, "all", None if at is None else (at, at))
        return self.cache.get(key) or self.cache.fill(key, lambda: self._made(at), self.time)

    def _made(self, at: datetime | None) -> CachedTile:
        made = render(self.store, ItemQuery(self.city.layer("tree"), OWNER, at=at or self.time), HERE)
        return CachedTile({"": made.body}, etag_of(made.body), made.seq, self.time)


def plant(store: Store, city: Catalogue, **times: str) -> int:
    edit = Edit("tree", "create", properties={"kind": "pine"}, geometry=middle(), srid=3857, **times)
    return apply_changeset(store, city, OWNER, Changeset((edit,), "tester")).seq


def test_an_edit_in_one_process_reaches_the_other(empty_store: Store, city: Catalogue) -> None:
    ours, theirs = Process(empty_store, city), Process(empty_store, city)
    assert ours.tile().bodies[""] == theirs.tile().bodies[""] == b""
    old = theirs.tile(datetime(1980, 1, 1, tzinfo=UTC))
    seq = plant(empty_store, city, valid_from="2000")
    assert theirs.tile().bodies[""] == b"", "not told yet"
    assert theirs.expiry.catch_up(seq) == seq
    assert b"pine" in theirs.tile().bodies[""]
    assert theirs.tile(datetime(1980, 1, 1, tzinfo=UTC)) is old, "1980 is as it was"
    assert theirs.expiry.catch_up(seq) == seq


def test_a_plan_comes_true_without_an_edit(empty_store: Store, city: Catalogue) -> None:
    process = Process(empty_store, city)
    assert process.expiry.come_true() == []
    process.expiry.catch_up(plant(empty_store, city, valid_from="2031", valid_to="2033"))
    assert process.tile().bodies[""] == b""
    assert process.expiry.next_instant == datetime(2031, 1, 1, tzinfo=UTC)
    process.time = datetime(2031, 1, 2, tzinfo=UTC)
    assert process.tile().bodies[""] == b"", "nobody looked at the clock yet"
    assert process.expiry.come_true() == ["tree"]
    assert b"pine" in process.tile().bodies[""]
    process.time = datetime(2033, 1, 1, tzinfo=UTC)
    assert process.expiry.come_true() == ["tree"]
    assert process.tile().bodies[""] == b""
    assert process.expiry.next_instant is None


def test_a_store_on_disk_is_caught_up_before_it_serves(empty_store: Store, city: Catalogue, tmp_path: Path) -> None:
    """Edits were made and a plan came true while no process was there to tell the store."""
    first = Process(empty_store, city, tmp_path)
    past = datetime(1990, 1, 1, tzinfo=UTC)
    assert first.tile().bodies[""] == first.tile(past).bodies[""] == b""
    assert first.disk is not None and first.disk.stats()["tiles"] == 2
    first.expiry.catch_up(plant(empty_store, city, valid_from="2031"))
    first.close()
    planted = plant(empty_store, city, valid_from="2000")

    second = Process(empty_store, city, tmp_path)
    assert second.disk is not None and second.disk.reached() is not None and second.disk.reached().seq == planted
    assert second.tile().bodies[""].count(b"pine") == 1 and second.disk.hits == 0, "the tile of before was dropped"
    assert second.tile(past).bodies[""] == b"" and second.disk.hits == 1, "1990 is as it was"
    second.close()

    third = Process(empty_store, city, tmp_path)
    assert third.tile().bodies[""].count(b"pine") == 1 and third.disk is not None and third.disk.hits == 1
    third.close()

    # The day of the plan has come before the next process begins.
    later = Process(empty_store, city, tmp_path, datetime(2031, 1, 2, tzinfo=UTC))
    assert later.disk is not None and later.tile().bodies[""] and later.disk.hits == 0
    later.close()


def test_two_processes_on_one_disk_and_one_that_is_late(empty_store: Store, city: Catalogue, tmp_path: Path) -> None:
    ours, theirs = Process(empty_store, city, tmp_path), Process(empty_store, city, tmp_path)
    assert ours.tile().bodies[""] == b"" and theirs.disk is not None and ours.disk is not None
    old = CachedTile({"": b""}, etag_of(b""), ours.cache.seq, ours.time)
    ours.expiry.catch_up(plant(empty_store, city, valid_from="2000"))
    assert theirs.disk.get(TileKey(("tree",), HERE, "all")) is None
    assert not theirs.disk.put(TileKey(("tree",), HERE, "all"), old, theirs.cache.seq), "a late fill"
    assert b"pine" in ours.tile().bodies[""]
    # The other has not heard of it, and may be told the newer tile by the disk.
    assert b"pine" in theirs.tile().bodies[""] and theirs.disk.hits == 1
    ours.close(), theirs.close()
