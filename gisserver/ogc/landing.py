"""The landing page, the conformance declaration and the API definition."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from gisserver.ogc.conformance import CONFORMANCE
from gisserver.ogc.links import REL, alternates, link
from gisserver.ogc.openapi import ogc_document, openapi_document
from gisserver.reply import dump, page, reply_document
from gisserver.request import Request

__all__ = ["api_definition", "conformance", "landing_page"]


def landing_page(request: Request) -> Response:
    """Answer the landing page: where everything is."""
    form = request.format(("json", "html"))
    request.parameters.finish()
    root = f"{request.base}/ogc"
    city = request.context.catalogue.city
    title = getattr(city.title, request.page_language if form == "html" else request.language)
    document: dict[str, Any] = {"title": title, "description": _description(request.language, title), "links": [
        *alternates(root, ("json", "html"), form),
        link(f"{root}/api", "service-desc", "openapi", "API definition"),
        link(f"{root}/api?f=html", "service-doc", "html", "API documentation"),
        link(f"{root}/conformance", "conformance", "json", "Conformance classes"),
        link(f"{root}/collections", "data", "json", "Layers"),
        link(f"{root}/tileMatrixSets", f"{REL}tiling-schemes", "json", "Tile matrix sets"),
        link(f"{root}/tiles", f"{REL}tilesets-vector", "json", "Vector tiles of all layers"),
        link(f"{root}/map/tiles", f"{REL}tilesets-map", "json", "Map tiles of the city"),
        link(f"{root}/map", f"{REL}map", "image/png", "Map of the city"),
        link(f"{root}/styles", f"{REL}styles", "json", "Map styles"),
        link(f"{root}/processes", f"{REL}processes", "json", "Processes"),
        link(f"{root}/jobs", f"{REL}job-list", "json", "Jobs"),
        link(f"{root}/collections/catalogue", f"{REL}ogc-catalog", "json", "Catalogue of the layers"),
        link(f"{request.base}/", "about", "html", "Map"),
    ]}
    if form == "html":
        return page(request, "landing.html", document=document, layers=request.context.readable(request.audience))
    return reply_document(request, document)


def _description(language: str, title: str) -> str:
    if language == "zh":
        return f"{title}的图层：要素及其历史、矢量瓦片、样式、目录与处理。"
    return f"Layers of {title}: features with their history, vector tiles, styles, catalogue and processes."


def conformance(request: Request) -> Response:
    """Answer the conformance classes."""
    form = request.format(("json", "html"))
    request.parameters.finish()
    address = f"{request.base}/ogc/conformance"
    document = {"conformsTo": list(CONFORMANCE), "links": alternates(address, ("json", "html"), form)}
    if form == "html":
        return page(request, "conformance.html", document=document)
    return reply_document(request, document)


def api_definition(request: Request) -> Response:
    """Answer the OpenAPI 3.0 document of the OGC API, as far as this reader may use it."""
    return _definition(request, True)


def service_definition(request: Request) -> Response:
    """Answer the OpenAPI 3.0 document of everything that this reader may use, workflows and operation included."""
    return _definition(request, False)


def _definition(request: Request, is_ogc: bool) -> Response:
    form = request.format(("openapi", "html", "json"))
    request.parameters.finish()
    context, audience, base = request.context, request.audience, request.base

    def make() -> bytes:
        document = openapi_document(context.catalogue, audience, base)
        return dump(ogc_document(document) if is_ogc else document)

    body = context.document(audience, ("openapi", is_ogc, base), make)
    if form == "html":
        return page(request, "openapi.html", document=orjson.loads(body))
    return reply_document(request, body, form)
