"""Maps of OGC API: a map of a layer or of the city, and its tiles (OGC API - Maps, OGC API - Tiles)."""

from __future__ import annotations

import re
from math import sqrt
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from gisserver.ogc.links import REL, link
from gisserver.ogc.questions import asked_tile
from gisserver.ogc.styles import DEFAULT, styled_layer
from gisserver.ogc.systems import asked_crs
from gisserver.ogc.tilesets import answer_tileset, answer_tilesets, spatial_layer
from gisserver.parameters import number
from gisserver.raster.asking import CITY, Moment, language_of, shown_layers
from gisserver.raster.picture_tile import PictureTile, Wanted, tile_address
from gisserver.reply import digest, reply
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.crs import CRS84, Crs, box_to_srid, find_crs, make_crs
from layers.errors import InvalidParameter
from layers.layer import Layer
from layers.moments import parse_datetime
from tiles.grid import Grid, grids_of
from tiles.map_view import MapView
from tiles.mapnik_source import MAX_PIXELS, draw
from tiles.mapnik_style import BACKGROUND
from tiles.mapproxy_config import offered_srids

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["map_of", "map_tile", "map_tileset", "map_tilesets"]

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
DEFAULT_SIDE = 1024
_COLOR = re.compile(r"(?:0x|#)?([0-9a-fA-F]{6})\Z")


def map_of(request: Request) -> Response:
    """Answer a map of a layer, or of the city (`collections` chooses layers)."""
    return request.context.by_standing(lambda version: _map(request, version))


def _map(request: Request, version: int) -> Response:
    p, city = request.parameters, request.context.catalogue.city
    layers, is_city = _layers(request)
    kind = FORMATS[p.take_choice("f", FORMATS, _accepted(request)) or "png"]
    crs = _crs(request, "crs") or make_crs(3857)
    box = _box(request, crs, city.extent)
    width, height = _size(request, box)
    color = p.take("bgcolor")
    if color is not None and not _COLOR.match(color):
        raise WrongParameter("bgcolor", "choice", value=color[:60], choices="0xRRGGBB")
    is_transparent = p.take_flag("transparent", not is_city and kind != "image/jpeg" and color is None)
    given = _COLOR.match(color) if color else None
    ground = None if is_transparent else f"#{given[1].lower()}" if given else BACKGROUND if is_city else "#ffffff"
    queries = [asked_tile(request, layer, len(layers) == 1) for layer in layers]
    p.finish()
    view = MapView(box, crs.srid, width, height)
    picture = draw(request.context.store, queries, view, language=language_of(request), background=ground, media_type=kind)
    request.context.catalogue.require(version)
    minx, miny, maxx, maxy = (box[1], box[0], box[3], box[2]) if crs.flip else box
    return reply(request, picture.body, kind, f'"{digest(picture.body)}"', {
        "Content-Crs": f"<{crs.uri}>", "Content-Bbox": f"{minx!r},{miny!r},{maxx!r},{maxy!r}", "Gis-Seq": str(picture.seq)})


def map_tile(context: Context) -> PictureTile:
    """Return the endpoint of `…/map/tiles/{tms}/{z}/{row}/{col}` of a layer, or of the city."""
    def read(request: Request) -> Wanted:
        p, path = request.parameters, request.path
        at, interval = parse_datetime(p["datetime"]) if p.take("datetime") is not None else (None, None)
        known, form = p.take("known-at"), p.take_choice("f", ("png",))
        del form
        ratio = 2 if p.take_choice("scale", ("1", "2")) == "2" else 1
        names: tuple[str, ...] = (path["collection"],) if "collection" in path else (CITY,)
        p.finish()
        if "style" in path and path["collection"] in context.catalogue.layers and request.audience.may_read(path["collection"]):
            # Both are known in this process: nobody is asked here, in the event loop.
            styled_layer(request)
        address = tile_address(request, path["tms"], path["z"], path["col"], path["row"])
        return Wanted(names, address, Moment(at, interval, known), ratio, path.get("style", DEFAULT))

    return PictureTile(context, read)


def map_tilesets(request: Request) -> Response:
    """Answer the sets of map tiles of a layer, or of the city."""
    layers, root = _subject(request)
    grids = grids_of(request.context.catalogue.city).values()
    return answer_tilesets(request, f"{root}/map/tiles", lambda grid: _described(request, layers, root, grid), grids)


def map_tileset(request: Request) -> Response:
    """Answer the metadata of a set of map tiles."""
    layers, root = _subject(request)
    return answer_tileset(request, lambda grid: _described(request, layers, root, grid))


def _subject(request: Request) -> tuple[list[Layer], str]:
    if "collection" in request.path:
        # Pictures and shaded hills have map tiles too; `gisserver.ogc.imagery` draws them.
        layer = request.layer()
        if layer.kind != "coverage":
            spatial_layer(request)
        return [layer], f"{request.base}/ogc/collections/{layer.id}"
    return shown_layers(request), f"{request.base}/ogc"


def _described(request: Request, layers: list[Layer], root: str, grid: Grid) -> dict[str, Any]:
    address, language, city = f"{root}/map/tiles/{grid.id}", request.language, request.context.catalogue.city
    minx, miny, maxx, maxy = city.extent
    title = layers[0].title if len(layers) == 1 else city.title
    found: dict[str, Any] = {"title": getattr(title, language), "dataType": "map", "tileMatrixSetId": grid.id, "crs": grid.named_crs,
             "boundingBox": {"lowerLeft": [minx, miny], "upperRight": [maxx, maxy], "crs": CRS84.uri},
             "layers": [{"id": layer.id, "title": getattr(layer.title, language), "dataType": "map"} for layer in layers],
             "links": [link(address, "self"), link(f"{request.base}/ogc/tileMatrixSets/{grid.id}", f"{REL}tiling-scheme", "json", grid.title),
                       link(f"{address}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", "image/png", templated=True)]}
    return found | ({"tileMatrixSetURI": grid.uri} if grid.uri else {})


def _layers(request: Request) -> tuple[list[Layer], bool]:
    if "collection" in request.path:
        return [styled_layer(request)], False
    readable = [layer for layer in request.context.readable(request.audience) if layer.kind == "spatial"]
    chosen = request.parameters.take_names("collections", "*", (layer.id for layer in readable))
    if chosen is None:
        return shown_layers(request), True
    # The first one is drawn first, under all others.
    by_id = {layer.id: layer for layer in readable}
    return [by_id[name] for name in dict.fromkeys(chosen)], True


def _accepted(request: Request) -> str:
    accept = request.header("accept") or ""
    return next((name for name, kind in FORMATS.items() if accept.startswith(kind)), "png")


def _crs(request: Request, name: str) -> Crs | None:
    text = request.parameters.take(name)
    if text is None:
        return None
    city = request.context.catalogue.city
    return find_crs(text, (CRS84, *map(make_crs, offered_srids(city))), name)


def _box(request: Request, crs: Crs, extent: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Read `bbox` (in `bbox-crs`, else in degrees) as a rectangle of the map's CRS; the whole city without it."""
    p, city = request.parameters, request.context.catalogue.city
    given = asked_crs(city, "bbox-crs", p.take("bbox-crs"))
    text = p.take("bbox")
    box, srid = extent, 4326
    if text is not None:
        parts = text.split(",")
        if len(parts) != 4:
            raise WrongParameter("bbox", "bbox_count", count=len(parts))
        a, b, c, d = (number("bbox", part.strip()) for part in parts)
        box, srid = ((b, a, d, c) if given.flip else (a, b, c, d)), given.srid
        if not (box[0] < box[2] and box[1] < box[3]):
            raise WrongParameter("bbox", "bbox_order")
    if srid == crs.srid:
        return box
    try:
        moved = box_to_srid(box, srid, crs.srid)
    except ValueError as error:
        raise InvalidParameter("bbox", f"{error}.") from None
    if moved.is_empty:
        raise InvalidParameter("bbox", "lies outside of what the map's CRS can show.", "超出地图坐标系可表达的范围。")
    minx, miny, maxx, maxy = (float(v) for v in moved.bounds)
    return minx, miny, maxx, maxy


def _size(request: Request, box: tuple[float, float, float, float]) -> tuple[int, int]:
    """Read `width` and `height`; what is not given follows from the other and the shape of the box."""
    p = request.parameters
    shape = (box[2] - box[0]) / (box[3] - box[1])
    width = p.take_integer("width", 0, 1, MAX_PIXELS) if "width" in p else 0
    height = p.take_integer("height", 0, 1, MAX_PIXELS) if "height" in p else 0
    p.take("width"), p.take("height")
    if not width and not height:
        longer = DEFAULT_SIDE / max(sqrt(shape), sqrt(1 / shape))
        width, height = round(longer * sqrt(shape)), round(longer / sqrt(shape))
    width = width or round(height * shape)
    height = height or round(width / shape)
    return max(1, min(width, MAX_PIXELS)), max(1, min(height, MAX_PIXELS))
