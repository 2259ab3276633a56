"""Tiles that were made, kept in the process: weighted by bytes, made once for all who wait, dropped exactly where an edit touched.

An entry carries the number of the snapshot that made it. A fill that began before an expiry and ends after it would bring
the old tile back; so each expiry is remembered for a while, and a fill that is older than one that touches it is not kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from math import floor
from typing import Any, Protocol

from tiles.aggregates import PLAYED
from tiles.grid import Envelope, Grid, TileAddress

__all__ = ["PASSING", "Behind", "CachedTile", "Span", "TileCache", "TileKey", "etag_of", "margin_of", "margins", "met"]

Span = tuple[datetime | None, datetime | None]
# Python's own cost of an entry beside its bytes: key, address, entry, places in the indexes.
ENTRY_BYTES = 900
# In the variant of what is one reader's alone (the look of a map): there are as many as people can think of, so that all of them together have
# a small part of the room, and none of the store on disk.
PASSING, PASSING_SHARE = "look=", 8
# What is drawn around a tile, as a share of its side: features just outside reach into it; cells of a coarse level from a little farther
# (all that is counted in a cell that lies across the border), the labels of a picture from still farther away.
MARGIN, CELL_MARGIN, PICTURE_MARGIN = 1 / 64, 1 / 16, 0.3
# More than a fill can take, at any rate of editing that people reach.
REMEMBERED = 4_000


@dataclass(frozen=True)
class TileKey:
    """What a cached tile is of.

    `view` is the fingerprint of what its readers may see of these layers; `moment` None is now, a pair of the same is an instant
    of valid time, another pair a half-open interval of it; with `is_epoch` the tile is that of any one instant in the
    interval. Only changes of that time touch it. `known_at` fixes what was known: such tiles never change. `variant` tells
    apart what else was asked (format, fields, style): '' is a vector tile, 'png' a picture.
    """

    layers: tuple[str, ...]
    address: TileAddress
    view: str
    moment: Span | None = None
    known_at: int | None = None
    variant: str = ""
    is_epoch: bool = False

    @property
    def is_passing(self) -> bool:
        """Is it kept for a while only, in the room for what one reader alone has asked for?"""
        return PASSING in self.variant


@dataclass(eq=False, slots=True, weakref_slot=True)
class CachedTile:
    """A tile's bytes as they are sent, by content coding ('' is identity), its strong ETag, its snapshot's number and moment.

    The cache alone sets `is_kept` (nothing has expired it, nor pushed it out) and clears `was_used`.
    """

    bodies: dict[str, bytes]
    etag: str
    seq: int
    made_at: datetime
    media_type: str = "application/vnd.mapbox-vector-tile"
    is_kept: bool = field(default=False, init=False)
    was_used: bool = field(default=False, init=False)

    @property
    def weight(self) -> int:
        return ENTRY_BYTES + sum(map(len, self.bodies.values()))


@dataclass(frozen=True)
class _Expiry:
    seq: int
    layer: str
    envelope: Envelope | None
    span: Span | None
    # Set where not a changeset but the clock changed the present.
    at: datetime | None = None
    # Set where the layer itself is another one now.
    is_whole: bool = False
    # What its envelope is in grids of other systems, as far as it was asked.
    places: dict[Grid, Envelope | None] = field(default_factory=dict, compare=False, repr=False)

    def is_newer(self, tile: CachedTile) -> bool:
        return self.seq > tile.seq if self.at is None else self.at > tile.made_at

    def touches(self, key: TileKey, now: datetime) -> bool:
        if self.is_whole:
            return self.layer in key.layers
        # The clock moves only the present; what was asked of a fixed day stays as it is.
        in_time = _is_touched(key, self.span, now) if self.at is None else key.moment is None and key.known_at is None
        return self.layer in key.layers and in_time and (self.envelope is None or _meets(key, self.over(key.address.grid)))

    def over(self, grid: Grid) -> Envelope | None:
        """Return the envelope in a grid's CRS; None where it has no place there."""
        if self.envelope is None or grid.srid == 3857:
            return self.envelope
        if grid not in self.places:
            self.places[grid] = grid.cover(self.envelope, 3857)
        return self.places[grid]


def _is_touched(key: TileKey, span: Span | None, now: datetime) -> bool:
    """May a change over a span of valid time alter this tile?"""
    if key.known_at is not None:
        return False
    if span is None:
        return True
    begin, end = key.moment if key.moment is not None else (now, now)
    if span[1] is not None and begin is not None and begin >= span[1]:
        return False
    return span[0] is None or end is None or span[0] < end or (begin == end and span[0] == end)


def _meets(key: TileKey, envelope: Envelope | None) -> bool:
    """Does an envelope (in the grid's CRS) meet a tile or the margin that is drawn around it?"""
    if envelope is None:
        return False
    minx, miny, maxx, maxy = key.address.envelope
    margin = (maxx - minx) * margin_of(key)
    return envelope[0] <= maxx + margin and envelope[2] >= minx - margin and envelope[1] <= maxy + margin and envelope[3] >= miny - margin


def margins(grid: Grid, z: int) -> tuple[float, float]:
    """Return how far around a tile of a level features reach into it, as a share of its side: a vector tile, a picture."""
    return CELL_MARGIN if grid.detail(z) <= PLAYED else MARGIN, PICTURE_MARGIN


def margin_of(key: TileKey) -> float:
    """Return how far around a tile features reach into it, as a share of its side."""
    return margins(key.address.grid, key.address.z)[key.variant.startswith("png")]


def met(grid: Grid, z: int, envelope: Envelope, share: float = PICTURE_MARGIN) -> tuple[int, int, int, int]:
    """Return first and last column, first and last row of what an envelope (in the grid's CRS) touches on a level, with a margin."""
    size, (west, north) = grid.size(z), grid.origin
    margin = size * share
    x0, x1 = (floor((v - west) / size) for v in (envelope[0] - margin, envelope[2] + margin))
    y0, y1 = (floor((north - v) / size) for v in (envelope[3] + margin, envelope[1] - margin))
    return x0, x1, y0, y1


class Behind(Protocol):
    """What a cache asks before a tile is made. Neither method raises."""

    def get(self, key: TileKey, at_least: int) -> CachedTile | None:
        """Return a tile that holds as of changeset `at_least` or a later one, whose number is its own."""

    def put(self, key: TileKey, tile: CachedTile, seq: int) -> bool:
        """Keep a tile that no changeset up to `seq` expired; tell whether it is kept."""


class TileCache:
    """A cache of tiles for one process. Every method may be called from any thread.

    Parameters
    ----------
    max_bytes
        The weight of all entries; the oldest that nobody asks for go first.
    seq
        The changeset the process has expired up to: its watermark.
    behind
        A store that other processes share: it is asked before a tile is made, and gets what was made.
    """

    def __init__(self, max_bytes: int = 128 * 2**20, seq: int = 0, behind: Behind | None = None) -> None:
        self.max_bytes, self.seq, self.behind = max_bytes, seq, behind
        self.bytes = self.hits = self.misses = self.expired = 0
        # Written by the event loop alone, which answers them without asking here.
        self.hot_hits = 0
        self._tiles: OrderedDict[TileKey, CachedTile] = OrderedDict()
        # (layer, grid, level) -> {(x, y): keys}: what an edit's envelope is looked up in.
        self._places: dict[tuple[str, Grid, int], dict[tuple[int, int], set[TileKey]]] = {}
        self._filling: dict[TileKey, Future[CachedTile]] = {}
        # The keys of what is passing, the oldest first, and what they weigh.
        self._passing: OrderedDict[TileKey, int] = OrderedDict()
        self._passing_bytes = 0
        self._recent: deque[_Expiry] = deque(maxlen=REMEMBERED)
        self._forgotten_to = seq
        self._lock = threading.Lock()

    def get(self, key: TileKey) -> CachedTile | None:
        """Return a tile that is kept, or None. Costs a microsecond; never waits for a fill."""
        with self._lock:
            found = self._tiles.get(key)
            if found is None:
                self.misses += 1
            else:
                self.hits += 1
                found.was_used = True
            return found

    def fill(self, key: TileKey, make: Callable[[], CachedTile], now: datetime, at_least: int = 0) -> CachedTile:
        """Return a tile, made by one of all the threads that ask for it at once.

        `at_least` is the highest changeset the asker has seen: a tile that an earlier fill is making may be older, and then
        is made anew.
        """
        with self._lock:
            waiting = self._filling.get(key)
            if waiting is None:
                waiting = self._filling[key] = Future()
                is_mine = True
            else:
                is_mine = False
        if not is_mine:
            made = waiting.result()
            if made.seq >= at_least:
                return made
            made = make()
            self.put(key, made, now)
            return made
        is_new = True
        try:
            behind = None if key.is_passing else self.behind
            found = None if behind is None else behind.get(key, max(self.seq, at_least))
            is_new, made = found is None, found if found is not None else make()
        except BaseException as error:
            with self._lock:
                self._filling.pop(key, None)
            waiting.set_exception(error)
            # Whoever waits sees it too; nobody waiting is no fault.
            waiting.exception()
            raise
        seq = self.seq
        is_kept = self.put(key, made, now)
        with self._lock:
            self._filling.pop(key, None)
        waiting.set_result(made)
        if is_kept and is_new and behind is not None:
            behind.put(key, made, seq)
        return made

    def put(self, key: TileKey, tile: CachedTile, now: datetime) -> bool:
        """Keep a tile unless an expiry since its snapshot touches it; tell whether it is kept."""
        with self._lock:
            if tile.seq < self._forgotten_to or any(e.is_newer(tile) and e.touches(key, now) for e in reversed(self._recent)):
                return False
            self._drop(key)
            self._tiles[key] = tile
            tile.is_kept = True
            self.bytes += tile.weight
            for place in self._places_of(key):
                self._places.setdefault(place, {}).setdefault((key.address.x, key.address.y), set()).add(key)
            if key.is_passing:
                self._passing[key] = tile.weight
                self._passing_bytes += tile.weight
                while self._passing_bytes > self.max_bytes // PASSING_SHARE:
                    self._drop(next(iter(self._passing)))
            while self.bytes > self.max_bytes and self._tiles:
                self._push_out()
            return tile.is_kept

    def expire(self, seq: int, layer: str, envelope: Envelope | None, span: Span | None, now: datetime, by_clock: bool = False) -> int:
        """Drop the tiles of a layer that a changeset touched, or the clock; return how many.

        Parameters
        ----------
        envelope
            What it touched, in Web Mercator whatever the grids; None is everywhere.
        span
            The valid time it touched; None is all of it.
        """
        expiry = _Expiry(seq, layer, envelope, span, now if by_clock else None)
        with self._lock:
            if len(self._recent) == self._recent.maxlen:
                # What is no longer remembered cannot vouch for older fills.
                self._forgotten_to = max(self._forgotten_to, self._recent[0].seq)
            self._recent.append(expiry)
            dropped = {key for key in self._candidates(expiry) if expiry.touches(key, now)}
            for key in dropped:
                self._drop(key)
            self.expired += len(dropped)
            return len(dropped)

    def reach(self, seq: int) -> None:
        """Say that every changeset up to this one was expired."""
        with self._lock:
            self.seq = max(self.seq, seq)

    def forget(self, layer: str, now: datetime) -> int:
        """Drop all tiles of a layer, and what is being made of it: its definition changed. Return how many."""
        with self._lock:
            self._recent.append(_Expiry(self.seq, layer, None, None, now, True))
            dropped = [key for key in self._tiles if layer in key.layers]
            for key in dropped:
                self._drop(key)
            return len(dropped)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            for tile in self._tiles.values():
                tile.is_kept = False
            self._tiles.clear()
            self._places.clear()
            self._passing.clear()
            self.bytes = self._passing_bytes = 0

    def __len__(self) -> int:
        return len(self._tiles)

    def _candidates(self, expiry: _Expiry) -> Iterable[TileKey]:
        for (of, grid, z), places in list(self._places.items()):
            if of != expiry.layer:
                continue
            place = expiry.over(grid)
            if expiry.envelope is None:
                found = list(places.values())
            elif place is None:
                continue
            else:
                x0, x1, y0, y1 = met(grid, z, place)
                if (x1 - x0 + 1) * (y1 - y0 + 1) <= len(places):
                    found = [places[x, y] for x in range(x0, x1 + 1) for y in range(y0, y1 + 1) if (x, y) in places]
                else:
                    found = [keys for (x, y), keys in places.items() if x0 <= x <= x1 and y0 <= y <= y1]
            yield from [key for keys in found for key in keys]

    @staticmethod
    def _places_of(key: TileKey) -> list[tuple[str, Grid, int]]:
        return [(layer, key.address.grid, key.address.z) for layer in key.layers]

    def _push_out(self) -> None:
        """Drop the oldest tile that nobody asked for since it was last spared."""
        key, tile = next(iter(self._tiles.items()))
        if tile.was_used:
            tile.was_used = False
            self._tiles.move_to_end(key)
        else:
            self._drop(key)

    def _drop(self, key: TileKey) -> None:
        tile = self._tiles.pop(key, None)
        if tile is None:
            return
        tile.is_kept = False
        self.bytes -= tile.weight
        self._passing_bytes -= self._passing.pop(key, 0)
        for place in self._places_of(key):
            level = self._places[place]
            keys = level[key.address.x, key.address.y]
            keys.discard(key)
            if not keys:
                del level[key.address.x, key.address.y]
                if not level:
                    del self._places[place]

    def stats(self) -> dict[str, Any]:
        """Return tiles, bytes, hits (all, and those of the hot lane), misses, how many were expired, and the watermark."""
        with self._lock:
            return {"tiles": len(self._tiles), "bytes": self.bytes, "hits": self.hits + self.hot_hits, "hot_hits": self.hot_hits,
                    "misses": self.misses, "expired": self.expired, "seq": self.seq}


def etag_of(body: bytes) -> str:
    """Return a strong ETag's text (without quotes) for a body."""
    return blake2b(body, digest_size=9).hexdigest()
