"""One vector tile, of a layer or of several: from the process's cache without leaving the event loop, else made."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from gisserver.compress import SMALLEST_BYTES, encode, encoding_for
from gisserver.ogc.questions import asked_tile
from gisserver.ogc.tilesets import spatial_layer
from gisserver.reply import VARY, cache_control, matches
from gisserver.request import Request
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.cache import CachedTile, TileKey, etag_of
from tiles.grid import TileAddress, UnknownTile, find_grid
from tiles.vector_tiles import MEDIA_TYPE, render_all

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["TileEndpoint"]

# Browsers of the public may keep a tile so long; one that has seen a later changeset says so (Gis-Seq) and gets a new one.
KEPT_S = 30


class TileEndpoint:
    """`…/tiles/{tms}/{z}/{row}/{col}` of a collection, or under `/ogc` of all layers or those of `collections`; 204 where there
    is nothing."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, self.context)
        kept = self._kept(request)
        if kept is None:
            kept = await asyncio.get_running_loop().run_in_executor(self.context.threads, self._made, request)
        await _send(request, kept, send)

    def _kept(self, request: Request) -> CachedTile | None:
        """Return a tile that is kept, for the plain question (now, unfiltered); it asks nobody."""
        if request.parameters:
            return None
        audience, known = request.audience, self.context.catalogue.layers
        name = request.path.get("collection")
        if name is None:
            layers = self._spatial(request)
        elif name in known and audience.may_read(name):
            layers = [known[name]]
        else:
            return None
        return self.context.tiles.get(_key([ItemQuery(layer, audience) for layer in layers], _address(request)))

    def _made(self, request: Request) -> CachedTile:
        p = request.parameters
        if "collection" in request.path:
            layers = [spatial_layer(request)]
        else:
            layers = self._spatial(request)
            chosen = p.take_names("collections", "*", (layer.id for layer in layers))
            layers = layers if chosen is None else [layer for layer in layers if layer.id in chosen]
        address = _address(request)
        p.take_choice("f", ("mvt", "pbf"))
        queries = [asked_tile(request, layer, len(layers) == 1) for layer in layers]
        p.finish()

        def make() -> CachedTile:
            begun = datetime.now(UTC)
            tile = render_all(self.context.store, queries, address)
            bodies = {"": tile.body}
            if len(tile.body) >= SMALLEST_BYTES:
                bodies |= {encoding: encode(tile.body, encoding) for encoding in ("gzip", "zstd")}
            return CachedTile(bodies, etag_of(tile.body), tile.seq, begun)

        if any(query.filter is not None for query in queries):
            return make()               # there are as many filters as people; they would push everything else out
        key, cache = _key(queries, address), self.context.tiles
        return cache.get(key) or cache.fill(key, make, datetime.now(UTC), _seen(request))

    def _spatial(self, request: Request) -> list[Layer]:
        return [layer for layer in self.context.readable(request.audience) if layer.kind == "spatial"]


def _key(queries: list[ItemQuery], address: TileAddress) -> TileKey:
    view = "/".join(query.audience.layer_key(query.layer.id) for query in queries)
    layers = tuple(query.layer.id for query in queries)
    if not queries:
        return TileKey(layers, address, view)
    first = queries[0]
    return TileKey(layers, address, view, first.interval if first.at is None else (first.at, first.at), first.known_at)


def _address(request: Request) -> TileAddress:
    grid = find_grid(request.path["tms"])
    texts = [request.path[name] for name in ("z", "col", "row")]
    if not all(text.isascii() and text.isdecimal() and len(text) < 9 for text in texts):
        raise UnknownTile(f"There is no tile {'/'.join(request.path[n] for n in ('z', 'row', 'col'))[:60]} in {grid.id}.")
    z, x, y = map(int, texts)
    return TileAddress(z, x, y, grid)


def _seen(request: Request) -> int:
    text = request.header("gis-seq") or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else 0


async def _send(request: Request, tile: CachedTile, send: Send) -> None:
    encoding = encoding_for(request.header("accept-encoding") or "") or ""
    body = tile.bodies.get(encoding)
    if body is None:
        encoding, body = "", tile.bodies[""]
    etag = f'"{tile.etag}"'
    status = 304 if matches(request, etag) else 200 if body else 204
    headers = [(b"vary", f"{VARY}, Accept-Encoding, Gis-Seq".encode()),
               (b"cache-control", cache_control(request, KEPT_S if request.is_public else 0).encode()),
               (b"etag", (f'"{tile.etag}+{encoding}"' if encoding else etag).encode())]
    if tile.seq:
        headers.append((b"gis-seq", b"%d" % tile.seq))
    if status == 200:
        headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        if encoding:
            headers.append((b"content-encoding", encoding.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if status == 200 else b""})
