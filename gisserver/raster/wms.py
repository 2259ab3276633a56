"""WMS 1.1.1 and 1.3.0: parameters are read and the city's layers are drawn here; capabilities, and maps with layers of others, come from MapProxy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus
from xml.sax.saxutils import escape

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gisserver.endpoint import Endpoint
from gisserver.parameters import integer, number
from gisserver.raster.asking import DEFAULT, Moment, find_layers, known_number, language_of, questions_of, read_moment
from gisserver.raster.exceptions import service_exception
from gisserver.raster.features_at import told
from gisserver.raster.map_service import MapService
from gisserver.raster.wmts import insert_after
from gisserver.reply import digest, dump, reply
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.crs import make_crs
from layers.errors import InvalidParameter, StoreError
from layers.query import ItemQuery
from tiles.legend_image import legend_png
from tiles.map_view import MapView
from tiles.mapnik_source import MAX_PIXELS, draw
from tiles.mapproxy_config import FORMATS, offered_srids
from tiles.symbology import legend
from tiles.themes import themes

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["WmsService", "wms"]

VERSIONS = {"1.3.0": "1.3.0", "1.1.1": "1.1.1", "1.1.0": "1.1.1", "1.0.0": "1.1.1", "": "1.3.0"}
INFO = ("text/plain", "text/html", "application/json")
MAX_FEATURES = 50
# MapProxy writes a dimension of 1.3.0 in both; in 1.1.1 what there is of it stands in an element of its own.
_DIMENSION = re.compile(rb'<Dimension name="time" default="([^"]*)" nearestValue="0" units="ISO8601" *>([^<]*)</Dimension>')
_COLOR = re.compile(r"(?:0x|#)([0-9a-fA-F]{6})\Z")


class _Asked(dict[str, str]):
    """The parameters of a request in lower case; names that nobody knows are a client's own affair, as WMS has it."""

    @property
    def version(self) -> str:
        return VERSIONS.get(self.get("version", ""), "1.3.0")

    @property
    def crs_name(self) -> str:
        return "crs" if self.version == "1.3.0" else "srs"

    def need(self, name: str) -> str:
        text = self.get(name, "")
        if not text.strip():
            raise WrongParameter(name, "missing")
        return text


class WmsService:
    """`/wms`: maps with layers of other services wait for these in threads of their own, so that a service that hangs holds up nobody else's map."""

    def __init__(self, context: Context, handler: Callable[[Request], Response]) -> None:
        self.context, self.handler = context, handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = unquote_plus(scope.get("query_string", b"").decode("latin-1"))
        is_theirs = any(each.id in asked for each in self.context.upstreams)
        threads = self.context.upstream_threads if is_theirs else self.context.delegate_threads
        await Endpoint(self.handler, self.context, threads)(scope, receive, send)


def wms(service: MapService) -> Callable[[Request], Response]:
    """Return the handler of /wms."""
    operations: dict[str, Callable[[Request, _Asked], Response]] = {
        "getcapabilities": lambda request, given: _capabilities(service, request, given),
        "getmap": lambda request, given: request.context.by_standing(lambda version: _standing(request, _map(service, request, given), version)),
        "getfeatureinfo": lambda request, given: _info(service, request, given),
        "getlegendgraphic": lambda request, given: _legend(request, given)}

    def handle(request: Request) -> Response:
        version = "1.3.0"
        try:
            given = _Asked({name.lower(): value for name, value in request.parameters.items()})
            version = given.version
            if given.get("service", "WMS").upper() != "WMS":
                raise InvalidParameter("service", f"'{given['service'][:60]}' is not WMS.", f"“{given['service'][:60]}”不是 WMS。")
            operation = operations.get(given.need("request").lower())
            if operation is None:
                raise WrongParameter("request", "choice", value=given["request"][:60],
                                     choices="GetCapabilities, GetMap, GetFeatureInfo, GetLegendGraphic")
            return operation(request, given)
        except StoreError as error:
            return service_exception(request, error, version)

    return handle


def _capabilities(service: MapService, request: Request, given: _Asked) -> Response:
    status, kind, body = service.call(request, "/wms", {"SERVICE": "WMS", "REQUEST": "GetCapabilities", "VERSION": given.version})
    if given.version == "1.1.1":
        body = _DIMENSION.sub(rb'<Dimension name="time" units="ISO8601"/><Extent name="time" default="\1" nearestValue="0">\2</Extent>', body)
    for layer in request.context.readable(request.audience):
        if layer.kind == "spatial" and (more := themes(layer, request.audience)):
            added = "".join(f"<Style><Name>{name}</Name><Title>{escape(f'{f.title.zh} {f.title.en}')}</Title></Style>" for name, f in more.items())
            body = insert_after(body, f"<Name>{layer.id}</Name>", "</Style>", added)
    return reply(request, body, kind, f'"{digest(body)}"', status=status)


def _map(service: MapService, request: Request, given: _Asked) -> Response:
    names, view, kind = _names(given, "layers"), _view(request, given), _format(given, "format", FORMATS)
    styles = _styles(given, names)
    moment = read_moment(given, "time")
    is_transparent = given.get("transparent", "false").lower() == "true" and kind != "image/jpeg"
    background = None if is_transparent else f"#{_background(given)}"
    if not set(names) & set(service.upstream_names(request)):
        # Layers of our own alone: one pass, and no second hand that would decode and encode what is drawn.
        known = known_number(request, moment)
        queries = [query for name in names for query in questions_of(request, find_layers(request, name, styles[name]), moment, known)]
        picture = draw(request.context.store, queries, view, language=language_of(request), background=background, media_type=kind,
                       seq=request.context.seq)
        return reply(request, picture.body, kind, f'"{digest(picture.body)}"', {"Gis-Seq": str(picture.seq)})
    asked = _asking(service, request, names, moment, background, styles)
    status, kind, body = service.call(request, "/wms", _common(given, "GetMap", names, view) | {
        "FORMAT": kind, "TRANSPARENT": str(is_transparent).upper(), "BGCOLOR": f"0x{_background(given)}"}, asked)
    return reply(request, body, kind, f'"{digest(body)}"' if status == 200 else None, status=status)


def _standing(request: Request, drawn: Response, version: int) -> Response:
    """Return what was drawn by the definitions of a version. Raises DefinitionChanged where others stand."""
    request.context.catalogue.require(version)
    return drawn


def _info(service: MapService, request: Request, given: _Asked) -> Response:
    names, view, kind = _names(given, "query_layers"), _view(request, given), _format(given, "info_format", INFO, "text/plain")
    if mute := next((name for name in names if name in service.upstream_names(request)), None):
        raise InvalidParameter("query_layers", f"the layer '{mute}' of another service cannot be asked.", f"外部服务图层“{mute}”不支持查询。")
    across, down = ("i", "j") if given.version == "1.3.0" else ("x", "y")
    place = []
    for name, size in ((across, view.width), (down, view.height)):
        at = integer(name, given.need(name))
        if not 0 <= at < size:
            raise WrongParameter(name, "range", value=at, low=0, high=size - 1)
        place.append(at)
    most = integer("feature_count", given["feature_count"]) if given.get("feature_count") else 1
    if not 1 <= most <= MAX_FEATURES:
        raise WrongParameter("feature_count", "range", value=most, low=1, high=MAX_FEATURES)
    # From afar the classes of a style are counted: styles go with the layers that are drawn.
    drawn = _names(given, "layers") if given.get("layers") else names
    asked = _asking(service, request, names, read_moment(given, "time"), None, _styles(given, drawn))
    status, _, body = service.call(request, "/wms", _common(given, "GetFeatureInfo", names, view) | {
        "QUERY_LAYERS": ",".join(names), "INFO_FORMAT": kind, "FEATURE_COUNT": most, across.upper(): place[0], down.upper(): place[1],
        "FORMAT": "image/png"}, asked)
    if not body and kind == "application/json":
        body = b'{"type":"FeatureCollection","features":[]}'
    return reply(request, body, f"{kind}; charset=utf-8" if kind.startswith("text/") else kind, status=status)


def _legend(request: Request, given: _Asked) -> Response:
    name, kind = given.need("layer"), _format(given, "format", ("image/png", "application/json"), "image/png")
    legends = [legend(layer, request.audience) for layer in find_layers(request, name, given.get("style", DEFAULT))]
    if kind == "application/json":
        body = dump({"Legend": legends})
    else:
        body = legend_png(legends, given.get("language", request.page_language))
    return reply(request, body, kind, f'"{digest(body)}"')


def _common(given: _Asked, operation: str, names: list[str], view: MapView) -> dict[str, Any]:
    flip = given.version == "1.3.0" and make_crs(view.srid).flip and given[given.crs_name].upper() != "CRS:84"
    minx, miny, maxx, maxy = view.bbox
    bbox = (miny, minx, maxy, maxx) if flip else view.bbox
    crs = given[given.crs_name].upper()
    return {"SERVICE": "WMS", "VERSION": given.version, "REQUEST": operation, "LAYERS": ",".join(names), "STYLES": "", given.crs_name.upper(): crs,
            "BBOX": ",".join(map(repr, bbox)), "WIDTH": view.width, "HEIGHT": view.height}


def _names(given: _Asked, parameter: str) -> list[str]:
    names = [name.strip() for name in given.need(parameter).split(",")]
    if len(names) > 60:
        raise WrongParameter(parameter, "range", value=len(names), low=1, high=60)
    return names


def _view(request: Request, given: _Asked) -> MapView:
    name = given.crs_name
    crs = given.need(name).upper()
    choices = {f"EPSG:{srid}": srid for srid in offered_srids(request.context.catalogue.city)} | ({"CRS:84": 4326} if name == "crs" else {})
    if crs not in choices:
        raise WrongParameter(name, "choice", value=given[name][:60], choices=", ".join(choices))
    parts = given.need("bbox").split(",")
    if len(parts) != 4:
        raise WrongParameter("bbox", "bbox_count", count=len(parts))
    a, b, c, d = (number("bbox", part.strip()) for part in parts)
    # WMS 1.3.0 takes the order of the authority: north first for EPSG:4490 and EPSG:4548.
    if name == "crs" and crs != "CRS:84" and make_crs(choices[crs]).flip:
        a, b, c, d = b, a, d, c
    sizes = []
    for side in ("width", "height"):
        size = integer(side, given.need(side))
        if not 1 <= size <= MAX_PIXELS:
            raise WrongParameter(side, "range", value=size, low=1, high=MAX_PIXELS)
        sizes.append(size)
    if not (a < c and b < d):
        raise WrongParameter("bbox", "bbox_order")
    return MapView((a, b, c, d), choices[crs], *sizes)


def _format(given: _Asked, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
    text = (given.get(name) or default) if default else given.need(name)
    kind = (text or "").partition(";")[0].strip().lower()
    if kind not in choices:
        raise WrongParameter(name, "choice", value=(text or "")[:60], choices=", ".join(choices))
    return kind


def _styles(given: _Asked, names: list[str]) -> dict[str, str]:
    """Return the style of each layer; one for all, or one for each of them."""
    styles = [style.strip() or DEFAULT for style in given.get("styles", "").split(",")]
    if len(styles) not in (1, len(names)):
        raise WrongParameter("styles", "range", value=len(styles), low=1, high=len(names))
    return dict(zip(names, styles if len(styles) == len(names) else styles * len(names), strict=True))


def _background(given: _Asked) -> str:
    found = _COLOR.match(given.get("bgcolor", "0xFFFFFF"))
    if found is None:
        raise WrongParameter("bgcolor", "choice", value=given["bgcolor"][:60], choices="0xRRGGBB")
    return found[1].lower()


def _asking(service: MapService, request: Request, names: list[str], moment: Moment, background: str | None,
            styles: dict[str, str] | None = None) -> Any:
    from tiles.mapproxy_source import Asked

    known, upstream = known_number(request, moment), service.upstream_names(request)
    questions: dict[str, list[ItemQuery]] = {
        name: [] if name in upstream else questions_of(request, find_layers(request, name, (styles or {}).get(name, DEFAULT)), moment, known)
        for name in names}
    # Under what others draw nothing may be painted over.
    ground = background if not any(name in upstream for name in names) else None
    return Asked(request.context.store, lambda name: questions.get(name, ()),
                 lambda name, view, place, kind, most: told(request, questions.get(name, []), view, place, kind, most),
                 lambda name: legend_png([legend(layer, request.audience) for layer in find_layers(request, name)], request.page_language),
                 language_of(request), ground)


