"""The catalogue of the layers as records (OGC API Records), carried from pygeoapi."""

from __future__ import annotations

import pygeoapi.api.itemtypes as carried
from starlette.responses import Response

from gisserver.ogc.delegate import carry
from gisserver.ogc.links import alternates, link
from gisserver.parameters import box_of_degrees
from gisserver.reply import page, reply_document
from gisserver.request import Request

__all__ = ["record", "records"]

FORMATS = ("geojson", "html")


def _format(request: Request) -> str:
    form = request.format((*FORMATS, "json"))
    return "geojson" if form == "json" else form


def records(request: Request) -> Response:
    """Answer the records that match `q`, `bbox`, `group` or `type`."""
    form, p = _format(request), request.parameters
    limit, offset = p.take_integer("limit", 10, 1, 1000), p.take_integer("offset", 0, 0, 2**31)
    p.take_as("bbox", box_of_degrees)
    for name in ("q", "group", "type"):
        p.take(name)
    p.finish()
    answer = carry(request, carried.get_collection_items, "catalogue").document
    address = f"{request.base}/ogc/collections/catalogue/items"
    asked = dict(p)
    links = alternates(address, FORMATS, form, asked)
    if offset + answer["numberReturned"] < answer["numberMatched"]:
        following = asked | {"offset": str(offset + limit), "limit": str(limit)}
        links.append(alternates(address, (form,), form, following)[0] | {"rel": "next"})
    document = {"type": "FeatureCollection", "features": answer["features"], "numberMatched": answer["numberMatched"],
                "numberReturned": answer["numberReturned"], "timeStamp": answer["timeStamp"], "links": links}
    if form == "html":
        return page(request, "document.html", document=_shown(answer["features"]) | {"links": links}, heading="records")
    return reply_document(request, document, "geojson")


def record(request: Request) -> Response:
    """Answer the record of a layer."""
    form, name = _format(request), request.path["record"]
    request.parameters.finish()
    answer = carry(request, carried.get_collection_item, "catalogue", name).document
    address = f"{request.base}/ogc/collections/catalogue/items/{answer['id']}"
    links = [*alternates(address, FORMATS, form),
             link(f"{request.base}/ogc/collections/catalogue", "collection"),
             *(each for each in answer["links"] if each["rel"] in ("item", "items"))]
    if form == "html":
        return page(request, "document.html", document=_shown([answer]) | {"links": links}, heading="records")
    kept = {k: answer[k] for k in ("id", "type", "time", "conformsTo", "geometry", "properties")}
    return reply_document(request, kept | {"links": links}, "geojson")


def _shown(features: list[dict]) -> dict:
    return {each["id"]: each["properties"] for each in features}
