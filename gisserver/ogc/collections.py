"""Collections: the layers that a reader may read, and their schemas."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from gisserver.ogc import schemas
from gisserver.ogc.coverage_links import coverage_links
from gisserver.ogc.edr import FORMATS as EDR_FORMATS
from gisserver.ogc.edr import data_queries, parameter_names
from gisserver.ogc.links import REL, alternates, link
from gisserver.ogc.systems import crs_list, storage_crs, systems
from gisserver.reply import dump, page, reply_document
from gisserver.request import Request
from layers.access import Audience
from layers.catalogue import Catalogue
from layers.layer import Layer
from tiles.tileset3d_form import form_of

__all__ = ["collection", "collections", "describe", "queryables", "schema", "sortables"]


def describe(catalogue: Catalogue, layer: Layer, base: str, language: str, audience: Audience) -> dict[str, Any]:
    """Return the collection document of a layer as an audience sees it, without its self links."""
    address, city = f"{base}/ogc/collections/{layer.id}", catalogue.city
    document: dict[str, Any] = {
        "id": layer.id, "title": getattr(layer.title, language), "keywords": [layer.group],
        "extent": {"spatial": {"bbox": [list(city.extent)], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
                   "temporal": {"interval": [[None, None]],
                                "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"}},
        "x-kind": layer.kind, "x-titles": layer.title.model_dump()}
    if layer.description:
        document["description"] = getattr(layer.description, language)
    if layer.kind == "coverage":
        # GDAL takes whatever is listed for features unless this says otherwise.
        document["layerDataType"] = "Coverage"
        document["links"] = [link(f"{address}/coverage", f"{REL}coverage", "application/prs.coverage+json", "Coverage"),
                             *coverage_links(layer, address)]
        if (layer.coverage or {}).get("kind") == "elevation":
            document |= {"crs": [crs.uri for crs in systems(city)], "output_formats": list(EDR_FORMATS),
                         "data_queries": data_queries(address), "parameter_names": parameter_names()}
        return document
    document |= {"itemType": "feature", "timeAxis": "validity-time", "crs": crs_list(city, layer),
                 "storageCrs": storage_crs(city)}
    document["links"] = [
        link(f"{address}/items", "items", "geojson", "Features"),
        link(f"{address}/items?f=html", "items", "html", "Features"),
        link(f"{address}/items?f=csv", "items", "csv", "Features"),
        link(f"{address}/queryables", f"{REL}queryables", "schema", "Queryables"),
        link(f"{address}/sortables", f"{REL}sortables", "schema", "Sortables"),
        link(f"{address}/schema", f"{REL}schema", "schema", "Schema"),
        link(f"{address}/schema", "describedby", "schema", "Schema"),
    ]
    if layer.kind == "spatial":
        document["links"] += [
            link(f"{address}/tiles", f"{REL}tilesets-vector", "json", "Vector tiles"),
            link(f"{address}/map/tiles", f"{REL}tilesets-map", "json", "Map tiles"),
            link(f"{address}/map", f"{REL}map", "image/png", "Map"),
            link(f"{address}/tilejson", f"{REL}tilejson", "json", "TileJSON"),
            link(f"{base}/ogc/styles/{layer.id}", f"{REL}style", "application/vnd.mapbox.style+json", "Map style"),
            link(f"{address}/styles", f"{REL}styles", "json", "Map styles")]
        if form_of(layer, audience) is not None:
            document["links"].append(link(f"{address}/3dtiles/tileset.json", f"{REL}3dtiles", "json", "3D Tiles"))
    return document


def collections(request: Request) -> Response:
    """Answer the collections of this reader."""
    form = request.format(("json", "html"))
    request.parameters.finish()
    context, base = request.context, request.base
    language = request.page_language if form == "html" else request.language
    layers = context.readable(request.audience)

    def make() -> bytes:
        made = []
        for layer in layers:
            document = describe(context.catalogue, layer, base, language, request.audience)
            document["links"] = alternates(f"{base}/ogc/collections/{layer.id}", ("json", "html"), "json") + document["links"]
            made.append(document)
        made.append(catalogue_collection(request, language))
        return dump({"collections": made, "links": alternates(f"{base}/ogc/collections", ("json", "html"), form)})

    body = context.document(request.audience, ("collections", base, language, form), make)
    if form == "html":
        return page(request, "collections.html", document=orjson.loads(body))
    return reply_document(request, body)


def catalogue_collection(request: Request, language: str) -> dict[str, Any]:
    """Return the collection document of the catalogue: its items are records of the layers."""
    address = f"{request.base}/ogc/collections/catalogue"
    return {"id": "catalogue", "title": "图层目录" if language == "zh" else "Catalogue of the layers", "itemType": "record",
            "extent": {"spatial": {"bbox": [list(request.context.catalogue.city.extent)]}},
            "links": [*alternates(address, ("json", "html"), "json"),
                      link(f"{address}/items", "items", "geojson", "Records"),
                      link(f"{address}/items?f=html", "items", "html", "Records")]}


def collection(request: Request) -> Response:
    """Answer one collection."""
    form = request.format(("json", "html"))
    request.parameters.finish()
    language = request.page_language if form == "html" else request.language
    address = f"{request.base}/ogc/collections/{request.path['collection']}"
    if request.path["collection"] == "catalogue":
        layer, document = None, catalogue_collection(request, language)
    else:
        layer = request.layer()
        document = describe(request.context.catalogue, layer, request.base, language, request.audience)
        document["links"] = alternates(address, ("json", "html"), form) + document["links"]
    if form == "html":
        return page(request, "collection.html", document=document, layer=layer,
                    fields=request.audience.fields(layer) if layer else ())
    return reply_document(request, document)


def schema(request: Request) -> Response:
    """Answer the schema of a layer's features."""
    return _schema(request, "schema", schemas.layer_schema)


def queryables(request: Request) -> Response:
    """Answer what a filter may name."""
    return _schema(request, "queryables", schemas.queryables)


def sortables(request: Request) -> Response:
    """Answer what `sortby` may name."""
    return _schema(request, "sortables", schemas.sortables)


def _schema(request: Request, name: str, make: Any) -> Response:
    layer = request.layer()
    form = request.format(("schema", "html"))
    request.parameters.finish()
    language = request.page_language if form == "html" else request.language
    address = f"{request.base}/ogc/collections/{layer.id}/{name}"
    document = make(layer, request.audience, address, language)
    if form == "html":
        return page(request, "schema.html", document=document, layer=layer, kind=name)
    return reply_document(request, document, "schema")
