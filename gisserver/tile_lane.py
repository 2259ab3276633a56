"""The lane of tiles: any tile, vector or picture, from the cache or made once, answered in the same way.

How a route uses it::

    class MapTile:                                  # an ASGI endpoint, so that hits never leave the event loop
        async def __call__(self, scope, receive, send):
            request = Request(scope, self.context)
            key = TileKey(layers, address, view, variant="png")     # view: "/".join(audience.layer_key(layer) …)
            tile = kept(request, key) or await in_thread(request, lambda: fill(request, key, make))
            await send_tile(request, tile, send)

`make()` runs in a thread, once for all who wait, and returns `made_tile(body, seq, media_type, begun)`: `begun` is the time
before the snapshot, `seq` its number (from the same statement, or `current_seq` read before rendering). What raises in
it becomes a problem document. A tile of one day goes by `fill_day` instead of `fill`: all days between two changes share it. A tile that must not be kept (a filter, a personal row rule) is made in the thread without `fill`.

What is answered by `send_tile` may depend on the address, on what the reader sees, on Accept, Accept-Language and Accept-Encoding, and
on nothing else of a request: the hot lane gives it to whoever asks the same way, as long as the cache keeps the tile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from starlette.types import Send

from gisserver.compress import SMALLEST_BYTES, encode, encoding_for
from gisserver.reply import VARY, cache_control, matches
from gisserver.request import Request
from tiles.cache import CachedTile, TileKey, etag_of

__all__ = ["fill", "fill_day", "in_thread", "kept", "made_tile", "send_tile"]

# Browsers of the public may keep a tile so long; one that has seen a later changeset says so (Gis-Seq) and gets a new one.
KEPT_S = 30
# An epoch can be parted while its tile is made; after so many times the tile is kept for its instant alone.
TRIES = 3
EPOCH_WAIT_S = 0.05
# What is compressed already is not compressed again.
PACKED = ("image/png", "image/jpeg", "image/webp")


def kept(request: Request, key: TileKey) -> CachedTile | None:
    """Return a tile that this process keeps, or None; asks nobody and may be called in the event loop."""
    return request.context.tiles.get(key)


def fill(request: Request, key: TileKey, make: Callable[[], CachedTile]) -> CachedTile:
    """Return a tile from the cache, or made by one of the threads that ask for it at once. Blocks: call it in a thread."""
    cache = request.context.tiles
    return cache.get(key) or cache.fill(key, make, datetime.now(UTC), _seen(request))


def fill_day(request: Request, key: TileKey, at: datetime, make: Callable[[], CachedTile]) -> CachedTile:
    """Return the tile of an instant of valid time, shared by all instants between the same two changes. Blocks.

    `key` has no moment yet; `make` makes the tile as it is at `at`.
    """
    expiry, epochs = request.context.expiry, request.context.expiry.epochs

    def make_and_catch_up() -> CachedTile:
        tile = make()
        # Its snapshot may hold a change that this process has not heard of, which parts the epoch. Of several layers the
        # number is that of the oldest snapshot.
        expiry.catch_up(tile.seq if len(key.layers) == 1 else None)
        return tile

    # Where it takes longer to learn how long the day's tile holds, it is made for its instant; those who come later share.
    epochs.read(key.layers, key.address, EPOCH_WAIT_S)
    for _ in range(TRIES):
        span = epochs.span(key.layers, key.address, at)
        if span is None:
            break
        tile = fill(request, replace(key, moment=span, is_epoch=True), make_and_catch_up)
        if epochs.span(key.layers, key.address, at) == span:
            return tile
    return fill(request, replace(key, moment=(at, at)), make)


async def in_thread(request: Request, work: Callable[[], CachedTile], is_counted: bool = False) -> CachedTile:
    """Run what makes a tile in the pool of threads, or in that of what may have to count very many features, and wait for it."""
    pool = request.context.counting_threads if is_counted else request.context.threads
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def made_tile(body: bytes, seq: int, media_type: str, begun: datetime) -> CachedTile:
    """Return a tile in all the codings that it is sent in, with its validator."""
    bodies = {"": body}
    if len(body) >= SMALLEST_BYTES and media_type not in PACKED:
        bodies |= {coding: encode(body, coding) for coding in ("gzip", "zstd")}
    return CachedTile(bodies, etag_of(body), seq, begun, media_type)


async def send_tile(request: Request, tile: CachedTile, send: Send, is_hot: bool = True) -> None:
    """Answer with a tile: 200, 304 where the client has it, 204 where there is nothing in it.

    `is_hot` false keeps the answer from the hot lane: where the tile's key holds what changes without an expiry (the state of a file).
    """
    coding = encoding_for(request.header("accept-encoding") or "") or ""
    body = tile.bodies.get(coding)
    if body is None:
        coding, body = "", tile.bodies[""]
    etag = f'"{tile.etag}"'
    status = 304 if matches(request, etag) else 200 if body else 204
    headers = [(b"vary", f"{VARY}, Accept-Encoding, Gis-Seq".encode()),
               (b"cache-control", cache_control(request, KEPT_S if request.is_public else 0).encode()),
               (b"etag", (f'"{tile.etag}+{coding}"' if coding else etag).encode())]
    if tile.seq:
        headers.append((b"gis-seq", b"%d" % tile.seq))
    if status == 200:
        headers += [(b"content-type", tile.media_type.encode()), (b"content-length", b"%d" % len(body))]
        if coding:
            headers.append((b"content-encoding", coding.encode()))
    if is_hot:
        request.scope["state"]["tile"] = (tile, coding)      # for the hot lane, once all headers are there
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if status == 200 else b""})


def _seen(request: Request) -> int:
    text = request.header("gis-seq") or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else 0
