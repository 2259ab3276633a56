"""Days between the same two changes share a tile, and every day's tile is the one that is made for that day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import StoreError
from layers.history import undo
from layers.layer import parse_layer
from layers.plan import register
from layers.query import ItemQuery
from layers.store import Store
from tiles.cache import CachedTile, TileCache, TileKey, etag_of
from tiles.epochs import Epochs
from tiles.expiry import Expiry
from tiles.grid import CGCS2000_QUAD, WEB_MERCATOR_QUAD, TileAddress
from tiles.vector_tiles import render

TITLE = {"zh": "树", "en": "Tree"}
HERE = TileAddress(14, 13488, 6201)
PLACES = [HERE, TileAddress(14, 13489, 6201), TileAddress(11, 1686, 775), TileAddress(6, 52, 24), TileAddress(13, 13488, 2282, CGCS2000_QUAD)]


@pytest.fixture
def city(empty_store: Store) -> Catalogue:
    register(empty_store, parse_layer({"id": "tree", "geometry": "Point", "title": TITLE, "born": "runtime", "fields": [
        {"name": "kind", "type": "string", "title": TITLE, "tile": True}]}))
    return Catalogue(empty_store)


def plant(store: Store, city: Catalogue, x: float, y: float, valid_from: str, valid_to: str | None = None) -> tuple[int, int]:
    edit = Edit("tree", "create", properties={"kind": valid_from}, geometry={"type": "Point", "coordinates": [x, y]}, srid=3857,
                valid_from=valid_from, valid_to=valid_to)
    applied = apply_changeset(store, city, OWNER, Changeset((edit,), "tester"))
    return applied.seq, applied.fids[0]


def inside(address: TileAddress, share: float = 0.5) -> tuple[float, float]:
    minx, miny, maxx, maxy = address.envelope
    return minx + (maxx - minx) * share, miny + (maxy - miny) * share


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_epoch_reaches_from_one_change_to_the_next(empty_store: Store, city: Catalogue) -> None:
    plant(empty_store, city, *inside(HERE), "2001", "2005-03")
    plant(empty_store, city, *inside(TileAddress(14, 13497, 6203)), "2003")
    epochs = Epochs(empty_store)
    assert epochs.span(["tree"], HERE, day("2002-01-01")) is None, "nothing was read yet"
    epochs.read(["tree"], HERE)
    assert epochs.span(["tree"], HERE, day("2002-01-01")) == (day("2001-01-01"), day("2005-03-01"))
    assert epochs.span(["tree"], HERE, day("2005-03-01")) == (day("2005-03-01"), None)
    assert epochs.span(["tree"], HERE, day("1970-01-01")) == (None, day("2001-01-01"))
    wide = TileAddress(6, 52, 24)
    epochs.read(["tree"], wide)
    assert epochs.span(["tree"], wide, day("2004-01-01")) == (day("2003-01-01"), day("2005-03-01"))


def test_a_change_that_is_heard_of_parts_an_epoch(empty_store: Store, city: Catalogue) -> None:
    plant(empty_store, city, *inside(HERE), "2001")
    epochs = Epochs(empty_store)
    epochs.read(["tree"], HERE)
    seq, _ = plant(empty_store, city, *inside(HERE, 0.7), "2010")
    # Its row is closed before anybody hears of it: its days were told apart by who saw it.
    undo(empty_store, city, OWNER, seq, "tester", "never was there")
    x, y = inside(HERE, 0.7)
    epochs.hear(seq, "tree", (x, y, x, y))
    assert epochs.span(["tree"], HERE, day("2005-01-01")) == (day("2001-01-01"), day("2010-01-01"))
    far = WEB_MERCATOR_QUAD.extent[0] + 1
    seq, _ = plant(empty_store, city, *inside(TileAddress(14, 13497, 6201)), "2005-06")
    epochs.hear(seq, "tree", (far, far, far, far))
    assert epochs.span(["tree"], HERE, day("2005-01-01")) == (day("2001-01-01"), day("2010-01-01")), "elsewhere"


class Days:
    """A process that answers days from epochs, as the service does."""

    def __init__(self, store: Store, city: Catalogue) -> None:
        self.store, self.city, self.cache = store, city, TileCache()
        self.expiry = Expiry(store, city, self.cache)
        self.made = 0

    def fresh(self, address: TileAddress, at: datetime) -> CachedTile:
        made = render(self.store, ItemQuery(self.city.layer("tree"), OWNER, at=at), address)
        return CachedTile({"": made.body}, etag_of(made.body), made.seq, at)

    def kept(self, address: TileAddress, at: datetime) -> CachedTile:
        epochs = self.expiry.epochs
        epochs.read(["tree"], address)
        span = epochs.span(["tree"], address, at)
        assert span is not None

        def make() -> CachedTile:
            self.made += 1
            tile = self.fresh(address, at)
            self.expiry.catch_up(tile.seq)
            return tile

        key = TileKey(("tree",), address, "all", span, is_epoch=True)
        return self.cache.get(key) or self.cache.fill(key, make, at)


@pytest.fixture
def steps() -> Iterator[random.Random]:
    yield random.Random(20_260)


def test_every_day_is_as_it_is_made_whatever_is_edited_in_between(empty_store: Store, city: Catalogue, steps: random.Random) -> None:
    process, seqs, asked = Days(empty_store, city), dict[int, int](), 0
    for _ in range(25):
        begin = day("1990-01-01") + timedelta(days=steps.randrange(12_000))
        action = steps.choice(["create", "create", "retire", "undo"]) if seqs else "create"
        if action == "create":
            seq, fid = plant(empty_store, city, *inside(steps.choice(PLACES[:2]), steps.random()), begin.date().isoformat(),
                             None if steps.random() < 0.5 else (begin + timedelta(days=steps.randrange(1, 4000))).date().isoformat())
            seqs[seq] = fid
        else:
            of = steps.choice(list(seqs))
            fid = seqs.pop(of)
            try:
                if action == "undo":
                    seq = undo(empty_store, city, OWNER, of, "tester", "a mistake").seq
                else:
                    ended = Edit("tree", "retire", fid=fid, valid_from=f"{begin.year + 3}")
                    seq = apply_changeset(empty_store, city, OWNER, Changeset((ended,), "tester")).seq
            except StoreError:
                continue        # what has ended before, or not begun, cannot be ended
        process.expiry.catch_up(seq)
        for address in PLACES:
            for at in (begin, begin - timedelta(microseconds=1), begin + timedelta(days=steps.randrange(-3000, 3000))):
                asked += 1
                assert process.kept(address, at).bodies == process.fresh(address, at).bodies, (address, at)
    assert process.made < asked * 0.8, "days share tiles"
