"""Base maps: which imagery and which terrain a reader may lay under the map, and for which days."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gisserver.ogc.coverage_links import imagery_source, terrain_source
from gisserver.reply import reply_document
from gisserver.request import Request
from tiles.coverages import rasters_of

__all__ = ["basemaps"]


def basemaps(request: Request) -> Response:
    """Answer the imagery and the terrain of all days: addresses of tiles, spans of valid time, attribution, encoding."""
    request.format(("json",))
    request.parameters.finish()
    context = request.context
    found: dict[str, list[dict[str, Any]]] = {"imagery": [], "terrain": []}
    for layer in context.readable(request.audience):
        if layer.kind != "coverage":
            continue
        rasters = rasters_of(context.store, context.settings.var, layer, interval=(None, None)).files
        if not rasters:
            continue
        address = f"{request.base}/ogc/collections/{layer.id}"
        if (layer.coverage or {}).get("kind") == "elevation":
            found["terrain"].append(terrain_source(layer, rasters, address))
        else:
            found["imagery"].append(imagery_source(layer, rasters, address))
    return reply_document(request, found)
