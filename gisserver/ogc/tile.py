"""One vector tile, of a layer or of several: from the process's cache without leaving the event loop, else made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from gisserver.ogc.questions import asked_tile
from gisserver.ogc.tilesets import spatial_layer
from gisserver.request import Request
from gisserver.tile_lane import fill, fill_day, in_thread, kept, made_tile, send_tile
from layers.errors import DefinitionChanged
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.aggregates import PLAYED
from tiles.cache import CachedTile
from tiles.grid import TileAddress, UnknownTile, find_grid
from tiles.tile_keys import is_to_keep, key_of
from tiles.vector_tiles import MEDIA_TYPE, render_all

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["TileEndpoint"]

# What a tile of cells may be asked with and is answered from what is kept.
PLAIN = {"datetime", "f", "collections", "properties"}


class TileEndpoint:
    """`…/tiles/{tms}/{z}/{row}/{col}` of a collection, or under `/ogc` of all layers or those of `collections`; 204 where there
    is nothing."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, self.context)
        tile = self._kept(request) or await in_thread(request, lambda: self._made(request), _may_be_counted(request))
        await send_tile(request, tile, send)

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
        return kept(request, key_of([ItemQuery(layer, audience) for layer in layers], _address(request)))

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

        def made(version: int) -> CachedTile:
            standing = [replace(query, layer=self.context.layer_for(request.audience, query.layer.id)) for query in queries]
            return self._filled(request, standing, address, version)

        return self.context.by_standing(made)

    def _filled(self, request: Request, queries: list[ItemQuery], address: TileAddress, version: int) -> CachedTile:
        """Return a tile from the cache, or made by the definitions of a version of the catalogue. Raises DefinitionChanged."""
        def make() -> CachedTile:
            begun = datetime.now(UTC)
            tile = render_all(self.context.store, queries, address)
            if tile.definitions > version:
                raise DefinitionChanged
            return made_tile(tile.body, tile.seq, MEDIA_TYPE, begun)

        if not is_to_keep(queries, address):
            return make()
        key = key_of(queries, address)
        if key.moment is None and queries and queries[0].at is not None and key.known_at is None:
            return fill_day(request, key, queries[0].at, make)
        return fill(request, key, make)

    def _spatial(self, request: Request) -> list[Layer]:
        return [layer for layer in self.context.readable(request.audience) if layer.kind == "spatial"]


def _may_be_counted(request: Request) -> bool:
    """May the tile have to be counted from the features: from afar, with a filter or as known at a number?"""
    z = request.path["z"]
    return z.isascii() and z.isdecimal() and len(z) < 3 and int(z) <= PLAYED and not set(request.parameters) <= PLAIN


def _address(request: Request) -> TileAddress:
    grid = find_grid(request.path["tms"], request.context.catalogue.city)
    texts = [request.path[name] for name in ("z", "col", "row")]
    if not all(text.isascii() and text.isdecimal() and len(text) < 9 for text in texts):
        raise UnknownTile(f"There is no tile {'/'.join(request.path[n] for n in ('z', 'row', 'col'))[:60]} in {grid.id}.")
    z, x, y = map(int, texts)
    return TileAddress(z, x, y, grid)
