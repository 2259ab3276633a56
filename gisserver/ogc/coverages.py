"""Coverages (elevation, imagery) by file, carried from pygeoapi."""

from __future__ import annotations

import pygeoapi.api.coverages as carried
from starlette.responses import Response

from gisserver.ogc.delegate import carry
from gisserver.parameters import box_of_degrees
from gisserver.reply import VARY, cache_control
from gisserver.request import Request
from layers.errors import NotFound
from tiles.coverages import rasters_of

__all__ = ["coverage"]


def coverage(request: Request) -> Response:
    """Answer a part of a coverage, as CoverageJSON or GeoTIFF."""
    layer, p = request.layer(), request.parameters
    if layer.kind != "coverage" or not rasters_of(request.context.store, request.context.settings.var, layer).files:
        raise NotFound(f"Layer '{layer.id}' has no coverage file." if layer.kind == "coverage" else
                       f"Layer '{layer.id}' is no coverage; its features are under /items.")
    form = p.take_choice("f", ("json", "GTiff"), "json") or "json"
    p.take_as("bbox", box_of_degrees)
    p.take("properties")
    p.finish()
    answer = carry(request, carried.get_collection_coverage, layer.id, form=form)
    headers = {"Cache-Control": cache_control(request), "Vary": VARY}
    if form == "GTiff":
        headers["Content-Disposition"] = f'attachment; filename="{layer.id}.tif"'
        return Response(answer.body, 200, headers, "image/tiff; application=geotiff")
    return Response(answer.body, 200, headers, "application/prs.coverage+json")
