"""KML super-overlays: a layer cut into pictures, each part leading to the finer ones in it, for Google Earth and its like.

KML knows latitude and longitude alone. Pictures of a grid of degrees lie where they belong; those of Web Mercator are stretched from
edge to edge, which from level 10 on is less than a pixel.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gisserver.context import Context
from gisserver.endpoint import Endpoint
from gisserver.raster.asking import CITY, find_layers, read_moment
from gisserver.raster.picture_tile import tile_address, tile_number
from gisserver.raster.southern_rows import southern_rows
from gisserver.raster.tms import tms_tile
from gisserver.reply import digest, reply
from gisserver.request import Request
from layers.crs import make_crs
from layers.errors import NotFound
from layers.layer import Text
from tiles.grid import Envelope, Grid, TileAddress, find_grid

__all__ = ["KML", "KmlService", "kml_document"]

KML = "application/vnd.google-earth.kml+xml"
# A picture is shown from half its size on the screen to three times of it, by then finer ones lie over it.
SMALLEST_PX, LARGEST_PX = 128, 768
# The document of a layer begins where its city is in so few pictures; nobody looks closer than the last level.
FIRST, DEEPEST = 4, 20


class KmlService:
    """`/kml/{layer}/{tms}/{z}/{col}/{row}`: a document where `row` ends in .kml, a picture in .png. Rows are counted as TMS does."""

    def __init__(self, context: Context) -> None:
        self.tile = tms_tile(context)
        self.document: ASGIApp = Endpoint(kml_document, context, context.threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_tile = scope["path_params"]["row"].endswith(".png")
        await (self.tile if is_tile else self.document)(scope, receive, send)


def kml_document(request: Request) -> Response:
    """Answer the document of a layer, or of one of its parts; `time` chooses the day."""
    path, city = request.path, request.context.catalogue.city
    layers = find_layers(request, path["layer"])
    title = city.title if path["layer"] == CITY else layers[0].title
    given = {name.lower(): value for name, value in request.parameters.items()}
    read_moment(given, "time")
    grid = _grid(request)
    day = f"?{urlencode({'time': given['time']})}" if given.get("time") else ""
    if "row" not in path:
        return _answer(request, title, city.extent, "", _first(grid, city.extent), day)
    row, _ = tile_number(path["row"], ".kml")
    address = tile_address(request, grid.id, path["z"], path["col"], row, from_south=True)
    box = _box(address)
    return _answer(request, title, box, _overlay(request, address, box, day), _finer(address, city.extent), day)


def _grid(request: Request) -> Grid:
    grid = find_grid(request.path["tms"], request.context.catalogue.city)
    if not (grid.srid == 3857 or make_crs(grid.srid).is_geographic):
        raise NotFound(f"KML knows latitude and longitude alone; the grid {grid.id} has others. Take WorldCRS84Quad.",
                       f"KML 只支持经纬度，格网 {grid.id} 不适用，请使用 WorldCRS84Quad。")
    return grid


def _first(grid: Grid, extent: Envelope) -> list[TileAddress]:
    """Return the pictures that a layer's document begins with: of the deepest level that shows the city in a few."""
    for z in range(min(grid.max_zoom, DEEPEST), -1, -1):
        found = grid.limits(z, extent)
        if found is None:
            return []
        columns, rows = (range(found.first_column, found.last_column + 1), range(found.first_row, found.last_row + 1))
        if len(columns) * len(rows) <= FIRST:
            return [TileAddress(z, x, y, grid) for y in rows for x in columns]
    return []


def _finer(address: TileAddress, extent: Envelope) -> list[TileAddress]:
    """Return the four parts of a tile, as far as the city reaches into them."""
    grid, z = address.grid, address.z + 1
    if _is_last(address):
        return []
    found = grid.limits(z, extent)
    return [] if found is None else [
        TileAddress(z, x, y, grid) for y in (2 * address.y, 2 * address.y + 1) for x in (2 * address.x, 2 * address.x + 1)
        if found.first_column <= x <= found.last_column and found.first_row <= y <= found.last_row]


def _is_last(address: TileAddress) -> bool:
    return address.z >= min(address.grid.max_zoom, DEEPEST)


def _box(address: TileAddress) -> Envelope:
    return address.reach(4326, 0) or (0, 0, 0, 0)


def _href(request: Request, address: TileAddress, suffix: str, day: str) -> str:
    grid = address.grid
    row = southern_rows(grid)[address.z] - 1 - address.y
    return escape(f"{request.base}/kml/{request.path['layer']}/{grid.id}/{address.z}/{address.x}/{row}.{suffix}{day}")


def _edges(box: Envelope) -> str:
    west, south, east, north = box
    return f"<north>{north:.10f}</north><south>{south:.10f}</south><east>{east:.10f}</east><west>{west:.10f}</west>"


def _region(box: Envelope, largest: int = -1) -> str:
    return (f"<Region><LatLonAltBox>{_edges(box)}</LatLonAltBox><Lod><minLodPixels>{SMALLEST_PX}</minLodPixels>"
            f"<maxLodPixels>{largest}</maxLodPixels></Lod></Region>")


def _overlay(request: Request, address: TileAddress, box: Envelope, day: str) -> str:
    return (f"<GroundOverlay><name>{address.z}/{address.x}/{address.y}</name>{_region(box, -1 if _is_last(address) else LARGEST_PX)}"
            f"<drawOrder>{address.z}</drawOrder><Icon><href>{_href(request, address, 'png', day)}</href></Icon>"
            f"<LatLonBox>{_edges(box)}</LatLonBox></GroundOverlay>")


def _answer(request: Request, title: Text, box: Envelope, overlay: str, parts: Iterable[TileAddress], day: str) -> Response:
    west, south, east, north = box
    links = "".join(
        f"<NetworkLink><name>{part.z}/{part.x}/{part.y}</name>{_region(_box(part))}<Link><href>{_href(request, part, 'kml', day)}</href>"
        "<viewRefreshMode>onRegion</viewRefreshMode></Link></NetworkLink>" for part in parts)
    look = "" if overlay else (f"<LookAt><longitude>{(west + east) / 2:.6f}</longitude><latitude>{(south + north) / 2:.6f}</latitude><altitude>0</altitude>"
                               f"<heading>0</heading><tilt>0</tilt><range>{(north - south) * 150_000:.0f}</range></LookAt>")
    body = ('<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
            f"<name>{escape(f'{title.zh} {title.en}')}</name>{look}{overlay}{links}</Document></kml>").encode()
    return reply(request, body, KML, f'"{digest(body)}"')
