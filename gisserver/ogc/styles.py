"""Map styles (OGC API Styles): one of the whole city, those of each layer: its own, one of each of its themes, and those people published."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from gisserver.ogc.links import REL, alternates, link
from gisserver.ogc.questions import asked_moment
from gisserver.ogc.tilesets import spatial_layer
from gisserver.reply import digest, dump, page, reply, reply_document
from gisserver.request import Request
from layers.errors import NotFound
from layers.layer import Layer, LayerField, Variant, area_srid
from layers.query import ItemQuery
from tiles import sld
from tiles.legend_image import legend_png
from tiles.measured import counted_numbers
from tiles.symbology import city_style, legend, style_of
from tiles.themes import themed, themes

__all__ = ["DEFAULT", "collection_styles", "style", "style_legend", "styled_layer", "styles"]

FORMATS = ("json", "html")
STYLE = "application/vnd.mapbox.style+json"
CITY, DEFAULT = "city", "default"


def styles(request: Request) -> Response:
    """Answer the styles."""
    form = request.format(FORMATS)
    request.parameters.finish()
    root, city = f"{request.base}/ogc/styles", request.context.catalogue.city
    language = request.page_language if form == "html" else request.language
    listed = [(CITY, getattr(city.title, language), False)]
    for layer in _drawn(request):
        title = getattr(layer.title, language)
        listed += [(layer.id, title, True), *((f"{layer.id}.{name}", f"{title} · {getattr(each.title, language)}", _has_sld(each))
                                              for name, each in themes(layer, request.audience).items())]
    document = {"default": CITY, "links": alternates(root, FORMATS, form), "styles": [
        {"id": name, "title": title, "links": _links(root, name, has_sld)} for name, title, has_sld in listed]}
    if form == "html":
        return page(request, "document.html", document=document, heading="styles")
    return reply_document(request, document)


def collection_styles(request: Request) -> Response:
    """Answer the styles of a layer, with the map that each of them draws."""
    form = request.format(FORMATS)
    request.parameters.finish()
    layer, root = spatial_layer(request), f"{request.base}/ogc/styles"
    language = request.page_language if form == "html" else request.language
    address = f"{request.base}/ogc/collections/{layer.id}/styles"
    listed = [(DEFAULT, layer.id, getattr(layer.title, language), True), *(
        (name, f"{layer.id}.{name}", getattr(each.title, language), _has_sld(each)) for name, each in themes(layer, request.audience).items())]
    document = {"default": DEFAULT, "links": alternates(address, FORMATS, form), "styles": [
        {"id": name, "title": title, "links": [*_links(root, style, has_sld), link(f"{address}/{name}/map", f"{REL}map", "image/png")]}
        for name, style, title, has_sld in listed]}
    if form == "html":
        return page(request, "document.html", document=document, heading="styles")
    return reply_document(request, document)


def styled_layer(request: Request) -> Layer:
    """Return the layer that the address names, as the style that it may name draws it. Raises UnknownLayer, NotFound."""
    layer, name = spatial_layer(request), request.path.get("style", DEFAULT)
    found = layer if name == DEFAULT else themed(layer, name, request.audience)
    if found is None:
        raise NotFound(f"Layer '{layer.id}' has no style '{name[:60]}'.", f"图层“{layer.id}”没有样式“{name[:60]}”。")
    return found


def style(request: Request) -> Response:
    """Answer a style: `city`, that of a layer, that of a theme (`<layer>.by_<field>`) or one that was published (`<layer>.v<number>`);
    as MapLibre JSON, or of a layer as SLD. One that counts what lies in the features of its layer carries their numbers, as this reader counts them
    at `datetime` and `known-at`."""
    form = request.parameters.take_choice("f", ("mapbox", "json", "html", "sld"))
    if form is None:
        accept = request.header("accept") or ""
        form = "html" if accept.startswith("text/html") else "sld" if accept.startswith("application/vnd.ogc.sld") else "mapbox"
    at, interval, known = asked_moment(request)
    request.parameters.finish()
    name, layers = request.path["style"], _meant(request)
    language, context, base, audience = request.page_language, request.context, request.base, request.audience
    city = context.catalogue.city
    if form == "sld":
        if name == CITY:
            raise NotFound("SLD is offered of one layer at a time.", "SLD 仅按单个图层提供。")
        if layers[0].drawn_as is not None and not _has_sld(layers[0].drawn_as):
            raise NotFound("SLD has no words for this style: its numbers are divided by areas, or counted of another layer. Use it as MapLibre JSON, or as pictures (WMS, WMTS, OGC API Maps).",
                           "SLD 无法表达该样式：其数值按面积归一或统计自其他图层。请使用 MapLibre JSON 或图片服务（WMS、WMTS、OGC API Maps）。")
        body = context.document(audience, ("sld", name, language), lambda: sld.sld(layers[0], audience, language).encode())
        return reply(request, body, sld.MEDIA_TYPE, f'"{digest(body)}"', {"Content-Language": language})

    def address(of: Layer) -> str:
        return f"{base}/ogc/collections/{of.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"

    query = ItemQuery(layers[0], audience, at=at, interval=interval, known_at=known) if name != CITY and layers[0].counts_others else None
    numbers = None if query is None else counted_numbers(context.store, query)

    def make() -> bytes:
        if name != CITY:
            return dump(style_of(layers[0], audience, address, bounds=city.extent, language=language, numbers=numbers))
        return dump(city_style(layers, audience, address, name=getattr(city.title, language), center=city.center, zoom=city.zoom,
                               bounds=city.extent, language=language))

    body = make() if query is not None else context.document(audience, ("style", name, base, language), make)
    if form == "html":
        links = alternates(f"{base}/ogc/styles/{name}", ("json", "html"), "html")
        return page(request, "document.html", document=orjson.loads(body) | {"links": links}, heading="styles")
    return reply_document(request, body, STYLE, {"Content-Language": language})


def style_legend(request: Request) -> Response:
    """Answer the legend of a style, as JSON or as a picture."""
    form = request.parameters.take_choice("f", ("json", "png"))
    if form is None:
        form = "png" if (request.header("accept") or "").startswith("image/") else "json"
    request.parameters.finish()
    name, layers = request.path["style"], _meant(request)
    if name == CITY:
        layers = [layer for layer in layers if layer.symbology is not None and layer.symbology.visible]
    legends = [legend(layer, request.audience) for layer in layers]
    if form == "json":
        return reply_document(request, {"style": name, "legends": legends})
    body = request.context.document(request.audience, ("legend", name, request.page_language), lambda: legend_png(legends, request.page_language))
    return reply(request, body, "image/png", f'"{digest(body)}"', {"Content-Language": request.page_language})


def _has_sld(style: LayerField | Variant) -> bool:
    """Can SLD say what a style draws?"""
    return isinstance(style, LayerField) or (style.of is None and area_srid(style.per) is None)


def _links(root: str, name: str, has_sld: bool) -> list[dict[str, str]]:
    made = [link(f"{root}/{name}", "stylesheet", STYLE), link(f"{root}/{name}/legend?f=png", "legend", "image/png")]
    return made if not has_sld else [*made, link(f"{root}/{name}?f=sld", "stylesheet", sld.MEDIA_TYPE)]


def _meant(request: Request) -> list[Layer]:
    """Return what the address means: all layers, or one of them, as a theme draws it where it names one. Raises NotFound."""
    name, drawn = request.path["style"], _drawn(request)
    if name == CITY:
        return drawn
    layer_id, dot, theme = name.partition(".")
    layer = next((each for each in drawn if each.id == layer_id), None)
    if layer is not None and dot:
        layer = themed(layer, theme, request.audience)
    if layer is None:
        raise NotFound(f"There is no style '{name}'.")
    return [layer]


def _drawn(request: Request) -> list[Layer]:
    return [layer for layer in request.context.readable(request.audience) if layer.kind == "spatial"]
