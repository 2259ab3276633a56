"""A process's tiles follow the store: by changeset, by the clock, and never an old one after a newer number was seen."""

from __future__ import annotations

from datetime import UTC, datetime
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

    def __init__(self, store: Store, city: Catalogue) -> None:
        self.store, self.city, self.time = store, city, datetime.now(UTC)
        self.cache = TileCache()
        self.expiry = Expiry(store, city, self.cache, lambda: self.time)

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
