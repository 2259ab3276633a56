"""`/api/outside`: hosts that the server may ask, and layers of services of others, fetched from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field
from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import Handler, route
from gisserver.identity import Reader
from gisserver.outside.asking import Outside, Picture
from gisserver.outside.doors import Doors, OutsideEndpoint
from gisserver.outside.drawing import LAST_LEVEL, described, features, legend, tile, told_at
from gisserver.outside.faults import HostNotAllowed
from gisserver.outside.offered import Offered, Service
from gisserver.outside.services import KINDS, definition_of, read_service
from gisserver.parameters import box_of_degrees, number
from gisserver.reply import cache_control, digest, matches
from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, done, read_body
from gisserver.wording import WrongParameter
from layers.errors import Forbidden, NotAuthenticated
from layers.outside import (
    OutsideHost,
    OutsideLayer,
    UnknownHost,
    UnknownOutsideLayer,
    allow_host,
    forbid_host,
    forget_outside_layer,
    keep_outside_layer,
    kept_outside_layers,
    outside_hosts,
    read_origin,
)
from tiles.grid import UnknownTile

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]

# Who decides which layers there are decides where layers may come from.
CAPABILITY = "manage_layers"
KEPT_S = 60
MOST_LISTED = 3000
# What comes from others is shown, and never runs.
AS_PICTURE = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin"}


class NewHost(Body):
    origin: str = Field(max_length=300)
    title: str | None = Field(default=None, max_length=120)
    private: bool = False
    everyone: bool = False


class Wish(Body):
    """An address of a service, and what kind it is."""

    url: str = Field(max_length=2000)
    kind: str = "auto"


class NewLayer(Wish):
    """A layer of a service, in a style and for a time of those that it offers."""

    layer: str = Field(max_length=500)
    style: str = Field(default="", max_length=200)
    time: str = Field(default="", max_length=60)


def _host(host: OutsideHost, is_admin: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"id": host.id, "origin": host.origin, "title": host.title}
    if is_admin:
        told |= {"private": host.is_private, "everyone": host.for_everyone, "allowed_by": host.allowed_by, "allowed_at": host.allowed_at}
    return told


def _offered(layer: Offered, language: str) -> dict[str, Any]:
    return {"name": layer.name, "title": layer.title, "abstract": layer.abstract, "path": layer.path, "extent": layer.extent, "crs": layer.crs[:40],
            "formats": layer.formats[:20], "styles": [{"name": name, "title": title} for name, title in layer.styles], "times": layer.times,
            "default_time": layer.default_time, "asks": layer.is_queryable, "drawable": layer.why is None,
            "why": None if layer.why is None else layer.why[language == "zh"],
            "warped": bool(layer.definition and layer.definition["kind"] in ("wms", "tiles") and layer.definition["srid"] != 3857)}


def _service(service: Service, language: str) -> dict[str, Any]:
    return {"kind": service.kind, "title": service.title, "abstract": service.abstract, "attribution": service.attribution,
            "layers": [_offered(each, language) for each in service.layers[:MOST_LISTED]]}


class _Handlers:
    """The handlers, with what they share: the outside as the server process sees it."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    def list_hosts(self, request: Request) -> Response:
        """Answer the hosts that may be asked; with how, for who keeps the list."""
        request.parameters.finish()
        reader: Reader = request.reader
        if _is_nobody(reader):
            raise NotAuthenticated("Sign in first.")
        return answer({"hosts": [_host(each, reader.may(CAPABILITY)) for each in outside_hosts(request.context.store)], "may_change": reader.may(CAPABILITY)})

    def post_host(self, request: Request) -> Response:
        """Allow a host, or change how it is allowed."""
        reader = _keeper(request)
        body = read_body(request, NewHost)
        made = allow_host(request.context.store, reader.acting(request.scope), body.origin, body.title, body.private, body.everyone)
        self.outside.forget()
        return answer(_host(made, True), 201)

    def delete_host(self, request: Request) -> Response:
        """Forbid a host."""
        reader = _keeper(request)
        text = request.path["host"]
        if not (text.isascii() and text.isdecimal() and len(text) < 18):
            raise UnknownHost(text)
        forbid_host(request.context.store, reader.acting(request.scope), int(text))
        self.outside.forget()
        return done()

    def post_reading(self, request: Request) -> Response:
        """Answer what a service offers."""
        _person(request)
        body = read_body(request, Wish)
        return answer(_service(read_service(self.outside, body.url, _kind(body)), request.language))

    def list_layers(self, request: Request) -> Response:
        """Answer the layers that one keeps."""
        account_id = _person(request)
        return answer({"layers": [described(each) | {"allowed": self.outside.may(each.origin)} for each in kept_outside_layers(request.context.store, account_id)]})

    def post_layer(self, request: Request) -> Response:
        """Make a layer of ours of one that a service offers, and keep it."""
        account_id = _person(request)
        body = read_body(request, NewLayer)
        service = read_service(self.outside, body.url, _kind(body))
        _, definition = definition_of(self.outside, service, body.layer, body.style, body.time)
        address = definition.get("address") or definition["template"].partition("{")[0]
        made = keep_outside_layer(request.context.store, account_id, read_origin(address, "layer"), definition)
        return answer(described(made) | {"allowed": True}, 201, {"Location": f"{request.base}/api/outside/layers/{made.id}"})

    def get_layer(self, request: Request) -> Response:
        """Answer what a layer is, to whoever has a link to it."""
        request.parameters.finish()
        layer = self._layer(request, refuse=False)
        return answer(described(layer) | {"allowed": self.outside.may(layer.origin)})

    def delete_layer(self, request: Request) -> Response:
        """Keep a layer no more."""
        forget_outside_layer(request.context.store, _person(request), request.path["outside"])
        return done()

    def get_tile(self, request: Request) -> Response:
        """Answer a tile."""
        request.parameters.finish()
        z, x, y = (_small(request.path[name]) for name in ("z", "x", "y"))
        if z > LAST_LEVEL or x >= 2**z or y >= 2**z:
            raise UnknownTile(f"There is no tile {z}/{x}/{y}.")
        return _picture(request, tile(self.outside, self._layer(request), z, x, y))

    def get_legend(self, request: Request) -> Response:
        """Answer the legend."""
        request.parameters.finish()
        return _picture(request, legend(self.outside, self._layer(request)))

    def get_features(self, request: Request) -> Response:
        """Answer the features in a box."""
        box = request.parameters.take_as("bbox", box_of_degrees)
        request.parameters.finish()
        if box is None:
            raise WrongParameter("bbox", "missing")
        return answer(features(self.outside, self._layer(request), (box[0], box[1], box[2], box[3])))

    def get_told(self, request: Request) -> Response:
        """Answer what the service tells of a point."""
        p = request.parameters
        lon, lat, zoom = (_between(request, name, low, high) for name, low, high in (("lon", -180.0, 180.0), ("lat", -85.0, 85.0), ("zoom", 0.0, 24.0)))
        p.finish()
        return answer(told_at(self.outside, self._layer(request), lon, lat, zoom))

    def _layer(self, request: Request, refuse: bool = True) -> OutsideLayer:
        """Return the layer that the address names, for a reader who may see it."""
        layer = self.outside.layer(request.path["outside"])
        host = self.outside.hosts().get(layer.origin)
        if _is_nobody(request.reader) and not (host and host.for_everyone):
            raise UnknownOutsideLayer
        if host is None and refuse:
            raise HostNotAllowed(layer.origin)
        return layer


def _is_nobody(reader: Reader) -> bool:
    # With a first password one is nobody yet.
    return reader.is_public or reader.must_change


def _person(request: Request) -> int:
    """Return the account of who asks, after a look at the parameters: there are none."""
    request.parameters.finish()
    reader: Reader = request.reader
    if reader.must_change:
        raise Forbidden("Change the first password before anything else.", "请先修改首次登录密码。")
    return reader.require_person()


def _keeper(request: Request) -> Reader:
    request.parameters.finish()
    reader: Reader = request.reader
    reader.require(CAPABILITY)
    reader.require_person()
    return reader


def _kind(body: Wish) -> str:
    if body.kind not in KINDS:
        raise WrongParameter("kind", "choice", value=body.kind[:60], choices=", ".join(KINDS))
    return body.kind


def _small(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise UnknownTile(f"There is no tile '{text[:20]}'.")
    return int(text)


def _between(request: Request, name: str, low: float, high: float) -> float:
    value = request.parameters.take_as(name, lambda text: number(name, text))
    if value is None:
        raise WrongParameter(name, "missing")
    if not low <= value <= high:
        raise WrongParameter(name, "range", value=value, low=low, high=high)
    return value


def _picture(request: Request, picture: Picture) -> Response:
    body, kind = picture
    etag = f'"{digest(body)}"'
    headers = {"Cache-Control": cache_control(request, KEPT_S).replace("public", "private"), "Vary": "Authorization, Cookie", "ETag": etag, **AS_PICTURE}
    return Response(b"", 304, headers) if matches(request, etag) else Response(body, 200, headers, kind)


def routes(context: Context) -> list[Route]:
    """Return the routes of layers of services of others."""
    doors = Doors()
    handlers = _Handlers(context.outside)

    def out(path: str, handler: Handler, method: str = "GET") -> Route:
        return Route(path, OutsideEndpoint(handler, context, doors), methods=[method], name=handler.__name__)

    layer = "/api/outside/layers/{outside}"
    return [route(context, "/api/outside/hosts", handlers.list_hosts), route(context, "/api/outside/hosts", handlers.post_host, ("POST",)),
            route(context, "/api/outside/hosts/{host}", handlers.delete_host, ("DELETE",)),
            out("/api/outside/reading", handlers.post_reading, "POST"),
            route(context, "/api/outside/layers", handlers.list_layers), out("/api/outside/layers", handlers.post_layer, "POST"),
            route(context, layer, handlers.get_layer), route(context, layer, handlers.delete_layer, ("DELETE",)),
            out(f"{layer}/tiles/{{z}}/{{x}}/{{y}}", handlers.get_tile), out(f"{layer}/legend", handlers.get_legend),
            out(f"{layer}/features", handlers.get_features), out(f"{layer}/at", handlers.get_told)]
