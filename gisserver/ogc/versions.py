"""The versions of a feature on both axes of time, and where it came from."""

from __future__ import annotations

from starlette.responses import Response

from gisserver.ogc.links import link
from gisserver.ogc.questions import known_at
from gisserver.ogc.systems import asked_crs
from gisserver.personal import audience_for
from gisserver.reply import reply_document
from gisserver.request import Request
from layers.features import versions
from layers.history import lineage
from layers.query import ItemQuery

__all__ = ["item_lineage", "item_versions"]


def item_versions(request: Request) -> Response:
    """Answer all versions of a feature: what holds when, and what was believed until when.

    `known-at` asks for the versions that were known then.
    """
    layer, fid, p = request.layer(), request.fid(), request.parameters
    request.format(("json",))
    crs = asked_crs(request.context.catalogue.city, "crs", p.take("crs"))
    audience = audience_for(request, layer, fid)
    query = ItemQuery(layer, audience, known_at=known_at(request), srid=crs.srid, flip=crs.flip,
                      geometry=not p.take_flag("skipGeometry"))
    p.finish()
    address = f"{request.base}/ogc/collections/{layer.id}/items/{fid}"
    document = {"versions": versions(request.context.store, query, fid), "links": [
        link(f"{address}/versions", "self"), link(address, "latest-version", "geojson"),
        link(f"{address}/lineage", "related")]}
    return reply_document(request, document, headers=None if audience is request.audience else {"Cache-Control": "no-store"})


def item_lineage(request: Request) -> Response:
    """Answer the graph of a feature's predecessors and successors."""
    layer, fid, p = request.layer(), request.fid(), request.parameters
    request.format(("json",))
    depth = p.take_integer("depth", 10, 1, 50)
    p.finish()
    context = request.context
    graph = lineage(context.store, context.catalogue, request.audience, layer, fid, depth)
    address = f"{request.base}/ogc/collections/{layer.id}/items/{fid}"
    return reply_document(request, graph | {"links": [link(f"{address}/lineage", "self"),
                                                      link(address, "item", "geojson")]})
