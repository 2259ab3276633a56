"""The cache of tiles: exact expiry, late fills, one maker, weight."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tiles.cache import CachedTile, TileCache, TileKey, etag_of
from tiles.grid import TileAddress

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def key(z: int = 12, x: int = 3372, y: int = 1552, layer: str = "building", **more: object) -> TileKey:
    return replace(TileKey((layer,), TileAddress(z, x, y), "everybody"), **more)


def tile(seq: int, size: int = 10) -> CachedTile:
    body = b"x" * size
    return CachedTile({"": body}, etag_of(body), seq, NOW)


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


def test_an_edit_drops_what_it_touches_and_nothing_else() -> None:
    cache = TileCache(seq=5)
    here, beside, coarse, other_layer = key(), key(x=3380), key(z=8, x=210, y=97), key(layer="road")
    for k in (here, beside, coarse, other_layer):
        assert cache.put(k, tile(5), NOW)
    minx, miny, maxx, maxy = here.address.envelope
    middle = ((minx + maxx) / 2, (miny + maxy) / 2)
    assert cache.expire(6, "building", (*middle, *middle), (year(2000), None), NOW) == 2
    assert cache.get(here) is None and cache.get(coarse) is None
    assert cache.get(beside) is not None and cache.get(other_layer) is not None


def test_only_tiles_of_the_touched_time_are_dropped() -> None:
    cache = TileCache(seq=5)
    keys = {"now": key(), "1990": key(moment=(year(1990), year(1990))), "2010": key(moment=(year(2010), year(2010))),
            "playback": key(moment=(year(1985), year(2005))), "as known": key(known_at=3)}
    for k in keys.values():
        cache.put(k, tile(5), NOW)
    cache.expire(6, "building", None, (year(2000), year(2020)), NOW)
    assert {name for name, k in keys.items() if cache.get(k)} == {"now", "1990", "as known"}
    # A plan touches the present only when it comes true.
    cache.expire(7, "building", None, (year(2030), None), NOW)
    assert cache.get(keys["now"]) is not None
    cache.expire(7, "building", None, None, year(2030), by_clock=True)
    assert cache.get(keys["now"]) is None


def test_a_fill_older_than_an_expiry_is_not_kept_and_a_newer_one_is() -> None:
    cache = TileCache(seq=5)
    cache.expire(7, "building", key().address.envelope, None, NOW)
    assert not cache.put(key(), tile(6), NOW)
    assert cache.put(key(x=3390), tile(6), NOW), "elsewhere an older snapshot is as good"
    assert cache.put(key(), tile(7), NOW)


def test_after_the_clock_changed_the_present_new_fills_of_the_same_changeset_are_kept() -> None:
    cache = TileCache(seq=5)
    later = datetime(2026, 6, 2, tzinfo=UTC)
    cache.expire(5, "building", None, None, later, by_clock=True)
    assert not cache.put(key(), tile(5), later)
    assert cache.put(key(), replace(tile(5), made_at=later), later)


def test_many_who_ask_at_once_wait_for_one_maker() -> None:
    cache, made = TileCache(), []

    def make() -> CachedTile:
        made.append(1)
        time.sleep(0.05)
        return tile(1)

    threads = [threading.Thread(target=cache.fill, args=(key(), make, NOW)) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(made) == 1
    assert cache.fill(key(x=1), lambda: tile(3), NOW).seq == 3


def test_who_has_seen_more_does_not_take_what_an_earlier_fill_is_making() -> None:
    cache, entered, leave = TileCache(), threading.Event(), threading.Event()

    def slow() -> CachedTile:
        entered.set()
        leave.wait(5)
        return tile(1)

    first = threading.Thread(target=cache.fill, args=(key(), slow, NOW))
    first.start()
    entered.wait(5)
    threading.Timer(0.05, leave.set).start()
    assert cache.fill(key(), lambda: tile(2), NOW, at_least=2).seq == 2
    first.join()


def test_a_maker_that_fails_leaves_nothing_behind() -> None:
    cache = TileCache()

    def fail() -> CachedTile:
        raise OSError("disk")

    for _ in range(2):
        try:
            cache.fill(key(), fail, NOW)
        except OSError as error:
            assert str(error) == "disk"
        else:
            raise AssertionError("the error must reach who asked")
    assert cache.fill(key(), lambda: tile(1), NOW).seq == 1


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 4000), st.booleans()), max_size=80))
def test_weight_is_kept_exactly_and_bounded(steps: list[tuple[int, int, bool]]) -> None:
    cache = TileCache(max_bytes=20_000)
    for x, size, drops in steps:
        if drops:
            cache.expire(0, "building", key(x=x).address.envelope, None, NOW)
        else:
            cache.put(key(x=x), tile(10, size), NOW)
        kept = list(cache._tiles.values())
        assert cache.bytes == sum(t.weight for t in kept) <= 20_000
        assert sum(len(keys) for level in cache._places.values() for keys in level.values()) == len(kept)


def test_what_reaches_over_the_border_is_dropped_by_its_reach_and_no_more() -> None:
    """Just outside: a coarse tile counts what lies in a cell across its border, a picture has its label, a vector tile nothing."""
    cases = {"vector": key(z=14, x=13488, y=6201), "coarse": key(z=11, x=1686, y=775), "picture": key(z=14, x=13488, y=6201, variant="png")}
    for share, dropped in ((1 / 80, {"vector", "coarse", "picture"}), (1 / 20, {"coarse", "picture"}), (0.2, {"picture"}), (0.4, set())):
        for name, k in cases.items():
            cache = TileCache(seq=5)
            assert cache.put(k, tile(5), NOW)
            minx, miny, maxx, _ = k.address.envelope
            x, y = minx - (maxx - minx) * share, (miny + maxx - minx + miny) / 2
            assert cache.expire(6, "building", (x, y, x, y), None, NOW) == (name in dropped), (name, share)


def test_under_pressure_what_is_asked_for_stays() -> None:
    cache = TileCache(max_bytes=20_000)
    wanted = key(x=0)
    cache.put(wanted, tile(5, 1000), NOW)
    for x in range(1, 200):
        assert cache.get(wanted) is not None
        cache.put(key(x=x), tile(5, 1000), NOW)
    assert cache.get(key(x=1)) is None


def test_a_layer_that_was_defined_anew_loses_its_tiles_and_others_keep_theirs() -> None:
    cache = TileCache(seq=5)
    keys = [key(), key(moment=(year(1990), year(1990))), key(known_at=3), replace(key(), layers=("building", "road")), key(layer="road")]
    for k in keys:
        cache.put(k, tile(5), NOW)
    later = datetime(2026, 6, 2, tzinfo=UTC)
    assert cache.forget("building", later) == 4
    assert [cache.get(k) is not None for k in keys] == [False] * 4 + [True]
    assert not cache.put(keys[1], tile(5), later), "made of the old definition"
    assert cache.put(keys[1], replace(tile(5), made_at=later), later)


def test_what_passes_has_a_small_room_of_its_own() -> None:
    """Looks of single readers push out each other, never what all share; and nothing of them reaches the store on disk."""
    class Disk:
        put_there = 0

        def get(self, key: TileKey, at_least: int) -> CachedTile | None:
            return None

        def put(self, key: TileKey, tile: CachedTile, seq: int) -> bool:
            self.put_there += 1
            return True

    disk = Disk()
    cache = TileCache(max_bytes=400_000, behind=disk)
    shared = [key(x=x) for x in range(100)]
    for k in shared:
        cache.fill(k, lambda: tile(0, 1_000), NOW)
    looks = [key(variant=f"png:look={n}") for n in range(500)]
    for k in looks:
        cache.fill(k, lambda: tile(0, 1_000), NOW)
    assert all(cache.get(k) is not None for k in shared) and disk.put_there == len(shared)
    kept = [k for k in looks if cache.get(k) is not None]
    assert 0 < len(kept) * tile(0, 1_000).weight <= 400_000 // 8 and kept[-1] == looks[-1]
    # They expire like all others, and their room is free again.
    cache.expire(1, "building", None, None, NOW)
    assert len(cache) == 0 and cache.bytes == 0
    cache.fill(looks[0], lambda: tile(1, 1_000), NOW)
    assert cache.get(looks[0]) is not None
