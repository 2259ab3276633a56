"""Tiles that are made of rasters: what they share, from the address to the answer.

A kind of tile (a picture, terrain, contours) is a function that reads its own parameters and returns a `Drawing`; layer, grid,
moment, access, cache and expiry are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from gisserver.ogc.questions import asked_tile
from gisserver.request import Request
from gisserver.tile_lane import fill, in_thread, kept, made_tile, send_tile
from layers.errors import NotFound
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.cache import CachedTile, TileKey
from tiles.coverages import Rasters, base_file, rasters_of
from tiles.grid import TileAddress, UnknownTile, find_grid
from tiles.heights import HeightField

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["CoverageTileEndpoint", "Drawing", "coverage_layer", "elevation_layer", "height_field", "rasters_for", "tile_address", "whole_number"]


@dataclass(frozen=True)
class Drawing:
    """How a tile is drawn: `draw` returns its bytes (none where it is empty) and their media type.

    `variant` tells it from other tiles of the same place; `by_accept` says that the header Accept has a part in it.
    """

    variant: str
    draw: Callable[[Rasters, TileAddress], tuple[bytes, str]]
    by_accept: bool = False


@dataclass(frozen=True)
class _Asked:
    query: ItemQuery
    address: TileAddress
    drawing: Drawing
    key: TileKey
    has_file: bool


class CoverageTileEndpoint:
    """`…/{tms}/{z}/{row}/{col}` of a coverage; 204 where there is nothing, and from the cache without leaving the event loop."""

    def __init__(self, context: Context, look: Callable[[Request, Layer], Drawing]) -> None:
        self.context, self.look = context, look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, self.context)
        name, known = request.path["collection"], self.context.catalogue.layers
        # A moment of recording has to be looked up; whoever asks for what is not there is answered from a thread too.
        asked = (self._asked(request, known[name]) if name in known and request.audience.may_read(name)
                 and "known-at" not in request.parameters else None)
        tile = kept(request, asked.key) if asked else None
        if tile is None:
            tile = await in_thread(request, lambda: self._made(request, asked))
        # A file that may be replaced on disk has to be looked at each time.
        await send_tile(request, tile, send, is_hot=asked is not None and not asked.has_file)

    def _asked(self, request: Request, layer: Layer) -> _Asked:
        coverage_layer(layer)
        drawing = self.look(request, layer)
        query, address = asked_tile(request, layer, False), tile_address(request)
        request.parameters.finish()
        # A file that nobody registered may be replaced on disk; its state is a part of what the tile is of.
        base = base_file(self.context.settings.var, layer)
        state = base.stat() if base else None
        variant = f"{drawing.variant}|{state.st_mtime_ns:x}-{state.st_size:x}" if state else drawing.variant
        moment = query.interval if query.at is None else (query.at, query.at)
        return _Asked(query, address, drawing,
                      TileKey((layer.id,), address, query.audience.layer_key(layer.id), moment, query.known_at, variant), state is not None)

    def _made(self, request: Request, asked: _Asked | None) -> CachedTile:
        wanted = asked or self._asked(request, request.layer())

        def make() -> CachedTile:
            begun = datetime.now(UTC)
            rasters = rasters_for(request, wanted.query)
            body, media_type = wanted.drawing.draw(rasters, wanted.address) if rasters.files else (b"", "application/octet-stream")
            return made_tile(body, rasters.seq, media_type, begun)

        return fill(request, wanted.key, make)


def coverage_layer(layer: Layer) -> Layer:
    """Return a layer that is a coverage. Raises NotFound."""
    if layer.kind != "coverage":
        raise NotFound(f"Layer '{layer.id}' is no coverage; its features are under /items.", f"图层“{layer.id}”不是栅格图层；要素见 /items。")
    return layer


def elevation_layer(layer: Layer) -> Layer:
    """Return a layer that is an elevation model. Raises NotFound."""
    if (coverage_layer(layer).coverage or {}).get("kind") != "elevation":
        raise NotFound(f"Layer '{layer.id}' is no elevation model.", f"图层“{layer.id}”不是高程模型。")
    return layer


def rasters_for(request: Request, query: ItemQuery) -> Rasters:
    """Return the rasters that show a coverage as it was asked for."""
    context = request.context
    return rasters_of(context.store, context.settings.var, query.layer, query.at, query.interval, query.known_at)


def height_field(layer: Layer, rasters: Rasters) -> HeightField:
    """Return the heights of an elevation model. Raises NotFound where no file shows it at the asked moment."""
    if not rasters.files:
        raise NotFound(f"Layer '{layer.id}' has no coverage file at that moment.", f"图层“{layer.id}”在该时刻没有栅格文件。")
    return HeightField(rasters, int((layer.coverage or {}).get("band", 1)))


def tile_address(request: Request) -> TileAddress:
    """Return the tile that the address names. Raises UnknownTile."""
    grid = find_grid(request.path["tms"], request.context.catalogue.city)
    numbers = [whole_number(request.path[name]) for name in ("z", "col", "row")]
    if None in numbers:
        raise UnknownTile(f"There is no tile {'/'.join(request.path[n] for n in ('z', 'row', 'col'))[:60]} in {grid.id}.")
    z, x, y = (n for n in numbers if n is not None)
    return TileAddress(z, x, y, grid)


def whole_number(text: str) -> int | None:
    """Return a whole number of an address, None where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
