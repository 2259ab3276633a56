"""3D Tiles 1.1 of a layer: its tileset, the tilesets of its cells, and their contents as binary glTF."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gisserver.endpoint import route
from gisserver.ogc.questions import asked_tile
from gisserver.reply import dump, reply_document
from gisserver.request import Request
from gisserver.tile_lane import fill, in_thread, kept, made_tile, send_tile
from layers.access import Audience
from layers.building_surfaces import surface_layer
from layers.errors import NotFound
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.cache import CachedTile, TileKey
from tiles.coverages import rasters_of
from tiles.grid import TileAddress, UnknownTile
from tiles.heights import HeightField
from tiles.tileset3d import band_of, cell_tileset, city_tileset
from tiles.tileset3d_content import MEDIA_TYPE, Scene, content
from tiles.tileset3d_form import ROOT_ZOOM, form_of
from tiles.tileset3d_ground import Ground
from tiles.tileset3d_storeys import level_and_unit

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["Tile3dEndpoint", "scene_of", "tiles3d_routes", "tileset"]

ROOT = "/ogc/collections/{collection}/3dtiles"


def tiles3d_routes(context: Context) -> list[BaseRoute]:
    """Return the routes of 3D tiles."""
    return [*(Route(f"{ROOT}/{{z}}/{{row}}/{{col}}.{form}", Tile3dEndpoint(context, form), methods=["GET"]) for form in ("glb", "json")),
            route(context, f"{ROOT}/tileset.json", tileset)]


def scene_of(context: Context, query: ItemQuery) -> Scene:
    """Return what the 3D tiles of a layer are made of for the query's audience. Raises NotFound where it has no 3D form."""
    layer, audience = query.layer, query.audience
    form = form_of(layer, audience)
    if form is None:
        raise NotFound(f"Layer '{layer.id}' has no form in three dimensions: it needs areas with a height, or lines with elevations.")
    readable = context.readable(audience)
    level, unit, surface = _parts(layer, readable, audience)
    return Scene(query, form, context.catalogue.city, _ground(context, query, readable), level, unit, surface)


def _parts(layer: Layer, readable: list[Layer], audience: Audience) -> tuple[Layer | None, Layer | None, Layer | None]:
    """Return the layers of levels, units and surfaces that are parts of a layer, where an audience may read what they are known by."""
    def visible(each: Layer) -> set[str]:
        return {f.name for f in audience.fields(each)}

    return *level_and_unit(layer, readable, visible), surface_layer(layer, readable, visible)


def _ground(context: Context, query: ItemQuery, readable: list[Layer]) -> Ground:
    dem = _elevation(readable)
    rasters = rasters_of(context.store, context.settings.var, dem, query.at, known_at=query.known_at) if dem else None
    return Ground(HeightField(rasters, int((dem.coverage or {}).get("band", 1))) if dem and rasters and rasters.files else None)


def _elevation(readable: list[Layer]) -> Layer | None:
    return next((each for each in readable if each.kind == "coverage" and (each.coverage or {}).get("kind") == "elevation"), None)


def tileset(request: Request) -> Response:
    """Answer a layer's tileset: it leads to the tilesets of its cells."""
    layer = request.layer()
    request.format(("json",))
    query = asked_tile(request, layer, alone=False)
    asked = _asked(request)
    request.parameters.finish()
    scene_of(request.context, query)

    def link(address: TileAddress, form: str) -> str:
        return f"{address.z}/{address.y}/{address.x}.{form}{asked}"

    return reply_document(request, city_tileset(request.context.catalogue.city, link))


def _asked(request: Request) -> str:
    p = request.parameters
    given = {name: p[name] for name in ("datetime", "known-at") if name in p}
    return f"?{urlencode(given)}" if given else ""


class Tile3dEndpoint:
    """`…/3dtiles/{z}/{row}/{col}.json`, the tileset of a cell, or `.glb`, what is in one; 204 where there is nothing."""

    def __init__(self, context: Context, form: str) -> None:
        self.context, self.form = context, form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, self.context)
        tile = self._kept(request) or await in_thread(request, lambda: self._made(request))
        await send_tile(request, tile, send)

    def _kept(self, request: Request) -> CachedTile | None:
        """Return what is kept of the plain question (now); it asks nobody."""
        layer, audience = self.context.catalogue.layers.get(request.path["collection"]), request.audience
        if request.parameters or layer is None or not audience.may_read(layer.id):
            return None
        return kept(request, self._key(ItemQuery(layer, audience), _address(request)))

    def _made(self, request: Request) -> CachedTile:
        layer, address = request.layer(), _address(request)
        p = request.parameters
        p.take_choice("f", (self.form,))
        query = asked_tile(request, layer, alone=False)
        asked = _asked(request)
        p.finish()

        def made(version: int) -> CachedTile:
            standing = replace(query, layer=self.context.layer_for(request.audience, layer.id))
            scene = scene_of(self.context, standing)
            band = band_of(scene, address)
            if band is None if self.form == "glb" else address.z != ROOT_ZOOM:
                raise UnknownTile(f"There is no 3D tile {address.z}/{address.y}/{address.x}.{self.form} (level, row, column).")

            def make() -> CachedTile:
                begun = datetime.now(UTC)
                if self.form == "glb" and band is not None:
                    found = content(self.context.store, scene, address, band)
                    self.context.catalogue.require(version)
                    return made_tile(found.body, found.seq, MEDIA_TYPE, begun)
                document, seq, _ = cell_tileset(self.context.store, scene, address, lambda a, form: f"../../{a.z}/{a.y}/{a.x}.{form}{asked}")
                self.context.catalogue.require(version)
                return made_tile(dump(document), seq, "application/json", begun)

            return fill(request, self._key(standing, address), make)

        return self.context.by_standing(made)

    def _key(self, query: ItemQuery, address: TileAddress) -> TileKey:
        """Return the key: all layers that the tile is made from, and what the reader may see of each of them."""
        layer, audience = query.layer, query.audience
        readable = self.context.readable(audience)
        parts = tuple(each.id for each in (layer, *_parts(layer, readable, audience), _elevation(readable)) if each is not None)
        moment = query.interval if query.at is None else (query.at, query.at)
        return TileKey(parts, address, "/".join(map(audience.layer_key, parts)), moment, query.known_at, f"3d.{self.form}")


def _address(request: Request) -> TileAddress:
    texts = [request.path[name] for name in ("z", "col", "row")]
    if not all(text.isascii() and text.isdecimal() and len(text) < 9 for text in texts):
        raise UnknownTile(f"There is no 3D tile {'/'.join(request.path[n] for n in ('z', 'row', 'col'))[:60]}.")
    z, x, y = map(int, texts)
    return TileAddress(z, x, y)
