"""WMTS, by parameters and by address: tiles from our own lane, descriptions from MapProxy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gisserver.endpoint import Endpoint
from gisserver.raster.asking import DEFAULT, read_moment
from gisserver.raster.exceptions import ows_exception
from gisserver.raster.map_service import MapService
from gisserver.raster.picture_tile import PictureTile, Wanted, tile_address, tile_number
from gisserver.reply import digest, reply
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.errors import NotFound, StoreError
from tiles.themes import themes

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["KvpService", "insert_after", "rest_tile", "wmts_capabilities"]

FORMATS = ("image/png", "png")
STYLED = (b"/default/{Time}", b"/{Style}/{Time}")
LEVELS = re.compile(rb"(<TileMatrix>\s*<ows:Identifier>)0(\d)<")
# MapProxy's document for REST is good for both ways of asking; it only has to say so.
ENCODINGS = (b"<ows:Value>RESTful</ows:Value>", b"<ows:Value>KVP</ows:Value><ows:Value>RESTful</ows:Value>")


def insert_after(body: bytes, name: str, mark: str, text: str) -> bytes:
    """Put a text behind the first mark that follows a name."""
    at = body.find(name.encode())
    at = body.find(mark.encode(), at) if at >= 0 else -1
    return body if at < 0 else body[:at + len(mark)] + text.encode() + body[at + len(mark):]


class KvpService:
    """`/wmts?SERVICE=WMTS&REQUEST=…`: GetTile goes the way of all tiles, GetCapabilities to MapProxy."""

    def __init__(self, context: Context, service: MapService) -> None:
        self.tile = PictureTile(context, _kvp_tile, ows_exception, UpstreamTiles(service))
        self.rest: ASGIApp = Endpoint(lambda request: _kvp_other(service, request), context, context.delegate_threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_tile = b"gettile" in scope.get("query_string", b"").lower()
        await (self.tile if is_tile else self.rest)(scope, receive, send)


class UpstreamTiles:
    """Tiles of upstream services: MapProxy keeps what they sent, and reprojects it."""

    def __init__(self, service: MapService) -> None:
        self.service = service

    def names(self, request: Request) -> list[str]:
        return self.service.upstream_names(request)

    def tile(self, request: Request, wanted: Wanted) -> Response:
        if wanted.ratio != 1:
            raise NotFound("Tiles of this layer are offered in one size.", "该图层瓦片仅提供一种分辨率。")
        address = wanted.address
        path = f"/wmts/{wanted.names[0]}/default/current/{address.grid.id}/{address.z}/{address.y}/{address.x}.png"
        status, kind, body = self.service.call(request, path, {})
        return reply(request, body, kind, f'"{digest(body)}"' if status == 200 else None, status=status)


def _given(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.parameters.items()}


def _need(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise WrongParameter(name, "missing")
    return given[name]


def _kvp_tile(request: Request) -> Wanted:
    given = _given(request)
    if given.get("service", "WMTS").upper() != "WMTS":
        raise WrongParameter("service", "choice", value=given["service"][:60], choices="WMTS")
    if given.get("request", "").lower() != "gettile":
        raise WrongParameter("request", "choice", value=given.get("request", "")[:60], choices="GetCapabilities, GetTile")
    layer, grid, z, row, col = (_need(given, name) for name in ("layer", "tilematrixset", "tilematrix", "tilerow", "tilecol"))
    if given.get("format", FORMATS[0]).lower() not in FORMATS:
        raise WrongParameter("format", "choice", value=given["format"][:60], choices=FORMATS[0])
    return Wanted((layer,), tile_address(request, grid, z.rpartition(":")[2], col, row), read_moment(given, "time"), style=given.get("style", DEFAULT))


def _kvp_other(service: MapService, request: Request) -> Response:
    try:
        given = _given(request)
        if _need(given, "request").lower() != "getcapabilities":
            raise WrongParameter("request", "choice", value=given["request"][:60], choices="GetCapabilities, GetTile")
        if given.get("service", "WMTS").upper() != "WMTS":
            raise WrongParameter("service", "choice", value=given["service"][:60], choices="WMTS")
        return _described(service, request, "/wmts/1.0.0/WMTSCapabilities.xml")
    except StoreError as error:
        return ows_exception(request, error)


def wmts_capabilities(service: MapService) -> Callable[[Request], Response]:
    """Return the handler of `/wmts/1.0.0/WMTSCapabilities.xml`."""
    return lambda request: _described(service, request, "/wmts/1.0.0/WMTSCapabilities.xml")


def _described(service: MapService, request: Request, path: str) -> Response:
    status, kind, body = service.call(request, path, {})
    # Levels are named as the registry of the OGC names them: '0', not '00'.
    body = LEVELS.sub(rb"\1\2<", body.replace(*ENCODINGS).replace(*STYLED))
    for layer in request.context.readable(request.audience):
        if layer.kind == "spatial" and (more := themes(layer, request.audience)):
            added = "".join(f"<Style><ows:Title>{escape(f'{f.title.zh} {f.title.en}')}</ows:Title><ows:Identifier>{name}</ows:Identifier></Style>"
                            for name, f in more.items())
            body = insert_after(body, f"<ows:Identifier>{layer.id}</ows:Identifier>", "</Style>", added)
    return reply(request, body, kind, f'"{digest(body)}"' if status == 200 else None, status=status)


def rest_tile(context: Context, service: MapService) -> PictureTile:
    """Return the endpoint of `/wmts/{layer}/{style}/{time}/{tms}/{z}/{row}/{col}`, where `col` ends in .png or @2x.png."""
    def read(request: Request) -> Wanted:
        path = request.path
        col, ratio = tile_number(path["col"], ".png")
        moment = read_moment({"time": path["time"].replace("--", "/")}, "time")
        return Wanted((path["layer"],), tile_address(request, path["tms"], path["z"], col, path["row"]), moment, ratio, path["style"])

    return PictureTile(context, read, ows_exception, UpstreamTiles(service))
