"""One tile of pictures: WMTS, TMS and OGC API map tiles ask in different words for the same; it is kept and answered by the lane.

What says no parameters beyond the tile is found in the cache without leaving the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gisserver.raster.asking import CITY, DEFAULT, Moment, find_layers, known_number, language_of, plain, questions_of
from gisserver.raster.southern_rows import southern_rows
from gisserver.request import Request
from gisserver.tile_lane import fill, in_thread, kept, made_tile, send_tile
from layers.errors import NotFound, StoreError
from layers.layer import Layer
from tiles.aggregates import PLAYED
from tiles.cache import CachedTile, TileKey
from tiles.grid import TileAddress, UnknownTile, find_grid
from tiles.map_view import MapView
from tiles.mapnik_source import draw
from tiles.mapnik_style import BACKGROUND

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["PictureTile", "Wanted", "tile_address", "tile_number"]

RETINA = "@2x"
NOW = Moment()


@dataclass(frozen=True)
class Wanted:
    """A tile as somebody asked for it: `names` of layers (one, CITY, or some of a list), address, moment, pixels per pixel of style."""

    names: tuple[str, ...]
    address: TileAddress
    moment: Moment = NOW
    ratio: int = 1
    style: str = DEFAULT

    @property
    def has_ground(self) -> bool:
        return self.names == (CITY,)

    @property
    def variant(self) -> str:
        style = "" if self.style in ("", DEFAULT) else f":{self.style}"
        return f"png{RETINA if self.ratio == 2 else ''}{':city' if self.has_ground else ''}{style}"


class Upstream(Protocol):
    """What answers with tiles of services of others."""

    def names(self, request: Request) -> list[str]:
        """Return the layers that a reader may see. Asks nobody."""

    def tile(self, request: Request, wanted: Wanted) -> Response:
        """Answer with a tile of one of them. Blocks."""


Read = Callable[[Request], Wanted]
Refuse = Callable[[Request, StoreError], Response]


class PictureTile:
    """An endpoint for tiles that `read` finds in a request; `refuse` says what is wrong with one in the words of its protocol, and
    `upstream` has those of other services."""

    def __init__(self, context: Context, read: Read, refuse: Refuse | None = None, upstream: Upstream | None = None) -> None:
        self.context, self.read, self.refuse, self.upstream = context, read, refuse, upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, self.context)
        try:
            wanted = self.read(request)
            if self.upstream is not None and wanted.names[0] in self.upstream.names(request):
                response = await asyncio.get_running_loop().run_in_executor(self.context.upstream_threads, self.upstream.tile, request, wanted)
                await response(scope, receive, send)
                return
            tile = self._kept(request, wanted) or await in_thread(request, lambda: self.made(request, wanted), _may_be_counted(request, wanted))
        except StoreError as error:
            if self.refuse is None:
                raise
            await self.refuse(request, error)(scope, receive, send)
            return
        await send_tile(request, tile, send)

    def _kept(self, request: Request, wanted: Wanted) -> CachedTile | None:
        known = wanted.moment.known
        if known is not None and not (known.isascii() and known.isdecimal() and len(known) < 18):
            return None
        found = [plain(request, name, wanted.style) for name in wanted.names]
        if any(layers is None or any(layer.counts_others for layer in layers) for layers in found):
            return None
        return kept(request, _key(request, wanted, [layer for layers in found for layer in layers or ()], None if known is None else int(known)))

    def made(self, request: Request, wanted: Wanted) -> CachedTile:
        """Return a tile from the cache, or made. Blocks: call it in a thread."""
        known = known_number(request, wanted.moment)

        def made(version: int) -> CachedTile:
            layers = [layer for name in wanted.names for layer in find_layers(request, name, wanted.style)]
            queries = questions_of(request, layers, wanted.moment, known)

            def make() -> CachedTile:
                # What this process has heard of was there before.
                begun, seq, address = datetime.now(UTC), self.context.tiles.seq, wanted.address
                side = address.grid.tile_px * wanted.ratio
                view = MapView(address.envelope, address.grid.srid, side, side, wanted.ratio)
                picture = draw(self.context.store, queries, view, language=language_of(request), background=BACKGROUND if wanted.has_ground else None, seq=seq)
                self.context.catalogue.require(version)
                return made_tile(picture.body, picture.seq, picture.media_type, begun)

            # What is counted changes with another layer, also far from the tile: it is counted once and kept, the picture is not.
            return make() if any(layer.counts_others for layer in layers) else fill(request, _key(request, wanted, layers, known), make)

        return self.context.by_standing(made)


def _may_be_counted(request: Request, wanted: Wanted) -> bool:
    """May the tile have to be counted from the features: from afar in another style or as known at a number; at any level what lies in zones."""
    is_other = wanted.style not in ("", DEFAULT)
    if wanted.address.detail <= PLAYED:
        return is_other or wanted.moment.known is not None
    return is_other and any(layer.counts_others for name in wanted.names for layer in plain(request, name, wanted.style) or ())


def _key(request: Request, wanted: Wanted, layers: list[Layer], known: int | None) -> TileKey:
    # Row rules are in the key of a grant: readers who see other rows have other tiles.
    view = "/".join(request.audience.layer_key(layer.id) for layer in layers)
    return TileKey(tuple([layer.id for layer in layers]), wanted.address, view, wanted.moment.span, known, wanted.variant)


def tile_address(request: Request, grid: str, z: str, x: str, y: str, from_south: bool = False) -> TileAddress:
    """Read the address of a tile; `from_south` counts rows as TMS does. Raises UnknownTile."""
    found = find_grid(grid, request.context.catalogue.city)
    if not all(text.isascii() and text.isdecimal() and len(text) < 9 for text in (z, x, y)):
        raise UnknownTile(f"There is no tile {z[:20]}/{x[:20]}/{y[:20]} (level, column, row) in {found.id}.")
    level, column, row = int(z), int(x), int(y)
    if from_south and level < len(found.levels):
        row = southern_rows(found)[level] - 1 - row
    return TileAddress(level, column, row, found)


def tile_number(text: str, suffix: str) -> tuple[str, int]:
    """Take the format, which may be left out, from the last part of an address; returns the number and how many pixels make one of the style."""
    if "." in text and not text.endswith(suffix):
        raise NotFound(f"Tiles are offered as {suffix.removeprefix('.')}, not as '{text[:40]}'.", f"瓦片仅提供 {suffix.removeprefix('.')} 格式。")
    plain = text.removesuffix(suffix)
    return (plain.removesuffix(RETINA), 2) if plain.endswith(RETINA) else (plain, 1)
