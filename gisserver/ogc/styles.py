"""Map styles (OGC API Styles): one of the whole city, and one of each layer, made from the symbologies."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from gisserver.ogc.links import alternates, link
from gisserver.reply import dump, page, reply_document
from gisserver.request import Request
from layers.errors import NotFound
from layers.layer import Layer
from tiles.symbology import city_style, style_of

__all__ = ["style", "styles"]

FORMATS = ("json", "html")
STYLE = "application/vnd.mapbox.style+json"


def styles(request: Request) -> Response:
    """Answer the styles."""
    form = request.format(FORMATS)
    request.parameters.finish()
    root, city = f"{request.base}/ogc/styles", request.context.catalogue.city
    language = request.page_language if form == "html" else request.language
    listed = [("city", getattr(city.title, language)),
              *((layer.id, getattr(layer.title, language)) for layer in _drawn(request))]
    document = {"default": "city", "links": alternates(root, FORMATS, form), "styles": [
        {"id": name, "title": title, "links": [link(f"{root}/{name}", "stylesheet", STYLE)]} for name, title in listed]}
    if form == "html":
        return page(request, "document.html", document=document, heading="styles")
    return reply_document(request, document)


def style(request: Request) -> Response:
    """Answer a MapLibre style: `city`, or that of a layer."""
    name, drawn = request.path["style"], _drawn(request)
    form = request.parameters.take_choice("f", ("mapbox", "json", "html"))
    if form is None:
        form = "html" if (request.header("accept") or "").startswith("text/html") else "mapbox"
    request.parameters.finish()
    language = request.page_language
    layer = next((each for each in drawn if each.id == name), None)
    if layer is None and name != "city":
        raise NotFound(f"There is no style '{name}'.")
    context, base, audience = request.context, request.base, request.audience
    city = context.catalogue.city

    def address(of: Layer) -> str:
        return f"{base}/ogc/collections/{of.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"

    def make() -> bytes:
        if layer is not None:
            return dump(style_of(layer, audience, address, bounds=city.extent, language=language))
        return dump(city_style(drawn, audience, address, name=getattr(city.title, language), center=city.center, zoom=city.zoom,
                               bounds=city.extent, language=language))

    body = context.document(audience, ("style", name, base, language), make)
    if form == "html":
        links = alternates(f"{base}/ogc/styles/{name}", ("json", "html"), "html")
        return page(request, "document.html", document=orjson.loads(body) | {"links": links}, heading="styles")
    return reply_document(request, body, STYLE, {"Content-Language": language})


def _drawn(request: Request) -> list[Layer]:
    return [layer for layer in request.context.readable(request.audience) if layer.kind == "spatial"]
