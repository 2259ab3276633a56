"""Tiles of the map of the city: the one that everybody shares, or a look of one's own.

A look is kept in the room that the cache has for passing things, so that the looks of a few never push out the tiles of all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from gisserver.raster.asking import CITY, Moment, known_number, language_of, shown_layers
from gisserver.raster.look import Look, asks_for_a_look, read_look
from gisserver.raster.picture_tile import PictureTile, Wanted, tile_address
from gisserver.request import Request
from gisserver.tile_lane import fill, in_thread, made_tile, send_tile
from layers.moments import parse_datetime
from tiles.aggregates import PLAYED
from tiles.cache import PASSING, CachedTile, TileKey
from tiles.grid import TileAddress
from tiles.map_view import MapView
from tiles.mapnik_source import draw
from tiles.mapnik_style import BACKGROUND

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["CityTile"]

# With these a map from afar may hold cells that nobody keeps.
COUNTED_BY = {"filters", "styles", "known-at"}


class CityTile:
    """`/ogc/map/tiles/{tms}/{z}/{row}/{col}`: 200 with a picture; with `collections` and the rest, of a look of one's own."""

    def __init__(self, context: Context, shared: PictureTile) -> None:
        self.context, self.shared = context, shared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, self.context)
        if not asks_for_a_look(request):
            await self.shared(scope, receive, send)
            return
        tile = await in_thread(request, lambda: self._made(request), self._may_be_counted(request))
        # Addresses of looks are long and many: the hot lane remembers those that many ask for.
        await send_tile(request, tile, send, is_hot=False)

    def _may_be_counted(self, request: Request) -> bool:
        """May the tile have to be counted from the features: from afar by what the look says; at any level what lies in zones."""
        z, styles = request.path["z"], request.parameters.get("styles", "").split(",")
        # Of a grid of its own the numbers of levels say little; nothing depends on it but who waits.
        if z.isascii() and z.isdecimal() and len(z) < 3 and int(z) <= PLAYED and not COUNTED_BY.isdisjoint(request.parameters):
            return True
        return any(each.of is not None and each.name in map(str.strip, styles) for layer in self.context.catalogue.layers.values() for each in layer.variants)

    def _made(self, request: Request) -> CachedTile:
        p, path = request.parameters, request.path
        at, interval = parse_datetime(p["datetime"]) if p.take("datetime") is not None else (None, None)
        moment = Moment(at, interval, p.take("known-at"))
        p.take_choice("f", ("png",))
        ratio = 2 if p.take_choice("scale", ("1", "2")) == "2" else 1
        address = tile_address(request, path["tms"], path["z"], path["col"], path["row"])
        known = known_number(request, moment)

        def made(version: int) -> CachedTile:
            look = read_look(request)
            p.finish()
            if look.is_plain(shown_layers(request)):
                return self.shared.made(request, Wanted((CITY,), address, moment, ratio))
            return self._drawn(request, look, address, moment, known, ratio, version)

        return self.context.by_standing(made)

    def _drawn(self, request: Request, look: Look, address: TileAddress, moment: Moment, known: int | None, ratio: int, version: int) -> CachedTile:
        queries = look.questions(request, moment, known)

        def make() -> CachedTile:
            # What this process has heard of was there before.
            begun, seq = datetime.now(UTC), self.context.tiles.seq
            side = address.grid.tile_px * ratio
            view = MapView(address.envelope, address.grid.srid, side, side, ratio)
            picture = draw(self.context.store, queries, view, language=language_of(request), background=None if look.is_transparent else BACKGROUND,
                           seq=seq, opacities=look.opacities)
            self.context.catalogue.require(version)
            return made_tile(picture.body, picture.seq, picture.media_type, begun)

        if not look.is_to_keep:
            return make()
        view = "/".join(request.audience.layer_key(query.layer.id) for query in queries)
        variant = f"png{'@2x' if ratio == 2 else ''}:{PASSING}{look.name}"
        return fill(request, TileKey(tuple(query.layer.id for query in queries), address, view, moment.span, known, variant), make)
