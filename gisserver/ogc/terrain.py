"""Terrain: heights in colours for maps, contour lines as vector tiles, meshes for globes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gisserver.ogc.coverage_tiles import Drawing, elevation_layer, height_field, rasters_for, whole_number
from gisserver.ogc.questions import asked_tile
from gisserver.reply import reply_document
from gisserver.request import Request
from gisserver.tile_lane import fill, in_thread, made_tile, send_tile
from gisserver.wording import WrongParameter
from layers.crs import transformer
from layers.errors import NotFound
from layers.layer import Layer
from tiles.cache import CachedTile, TileKey
from tiles.contours import contour_tile
from tiles.coverages import Rasters, base_file
from tiles.grid import TileAddress, find_grid
from tiles.quantized_mesh import MEDIA_TYPE as MESH
from tiles.quantized_mesh import layer_json, mesh, mesh_box
from tiles.terrain import ENCODINGS, encode_heights, tile_heights
from tiles.vector_tiles import MEDIA_TYPE as MVT

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["FORMATS", "MeshEndpoint", "contours", "mesh_layer", "terrain_tile"]

FORMATS = {"png": "image/png", "webp": "image/webp"}


def terrain_tile(request: Request, layer: Layer) -> Drawing:
    """Read how a terrain tile is to be written: the encoding of the address, and `f`.

    The formats know no place without height: voids have the heights around them, and beyond the model lies its mean height.
    """
    elevation_layer(layer)
    encoding = request.path["encoding"]
    if encoding not in ENCODINGS:
        raise NotFound(f"There is no encoding '{encoding[:60]}' of terrain; there are: {', '.join(ENCODINGS)}.")
    form = request.parameters.take_choice("f", tuple(FORMATS)) or "png"

    def draw(rasters: Rasters, tile: TileAddress) -> tuple[bytes, str]:
        around = transformer(tile.grid.srid, 4326).transform_bounds(*tile.envelope)
        if not any(raster.meets(around) for raster in rasters.files):
            return b"", FORMATS[form]
        heights = tile_heights(height_field(layer, rasters), tile.envelope, tile.grid.srid, filled=True)
        return encode_heights(heights, encoding, form), FORMATS[form]

    return Drawing(f"{encoding} {form}", draw)


def contours(request: Request, layer: Layer) -> Drawing:
    """Read how contours are to be drawn: as vector tiles, whose layer is `contour`."""
    elevation_layer(layer)
    request.parameters.take_choice("f", ("mvt", "pbf"))
    return Drawing("contours", lambda rasters, tile: (
        contour_tile(height_field(layer, rasters), tile.envelope, tile.grid.srid, tile.z), MVT))


def mesh_layer(request: Request) -> Response:
    """Answer `layer.json`: what a globe reads before it asks for meshes."""
    layer, context = elevation_layer(request.layer()), request.context
    query = asked_tile(request, layer, False)
    request.parameters.take_choice("f", ("json",))
    request.parameters.finish()
    rasters = rasters_for(request, query)
    told = "; ".join(dict.fromkeys(r.attribution for r in rasters.files if r.attribution))
    # A globe keeps tiles by their address: another moment is another address.
    asked = "?" + request.scope.get("query_string", b"").decode("latin-1") if {"datetime", "known-at"} & set(request.parameters) else ""
    return reply_document(request, layer_json(height_field(layer, rasters), getattr(layer.title, request.language), "{z}/{x}/{y}.terrain" + asked,
                                              f"1.{rasters.seq}.0", told or getattr(context.catalogue.city.title, request.language)))


class MeshEndpoint:
    """`…/terrain/mesh/{z}/{x}/{y}.terrain` of an elevation model, rows from the south."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, self.context)
        # A file that may be replaced on disk has to be looked at each time.
        await send_tile(request, await in_thread(request, lambda: self._made(request)), send, is_hot=False)

    def _made(self, request: Request) -> CachedTile:
        layer = elevation_layer(request.layer())
        query = asked_tile(request, layer, False)
        if query.interval is not None:
            raise WrongParameter("datetime", "moment", value=request.parameters["datetime"])
        request.parameters.finish()
        numbers = [whole_number(request.path[name]) for name in ("z", "x", "y")]
        if None in numbers:
            raise NotFound("There is no such terrain tile.", "没有这个地形瓦片。")
        z, x, y = (n for n in numbers if n is not None)
        offset = self.context.catalogue.city.geoid_offset_m
        base = base_file(self.context.settings.var, layer)
        variant = f"mesh {offset}|{base.stat().st_mtime_ns if base else 0:x}"
        moment = None if query.at is None else (query.at, query.at)
        mesh_box(z, x, y)
        # The same grid as the world's in degrees, only that rows are counted from the south.
        key = TileKey((layer.id,), TileAddress(z, x, 2**z - 1 - y, find_grid("WorldCRS84Quad")), query.audience.layer_key(layer.id),
                      moment, query.known_at, variant)

        def make() -> CachedTile:
            begun = datetime.now(UTC)
            rasters = rasters_for(request, query)
            return made_tile(mesh(height_field(layer, rasters), z, x, y, offset), rasters.seq, MESH, begun)

        return fill(request, key, make)
