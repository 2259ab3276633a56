"""Tile sets of a layer, tile matrix sets, TileJSON (OGC API Tiles)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from gisserver.ogc.links import REL, alternates, link
from gisserver.ogc.questions import asked_tile
from gisserver.reply import page, reply_document
from gisserver.request import Request
from layers.errors import NotFound
from layers.layer import Layer
from tiles.grid import GRIDS, Grid, find_grid
from tiles.symbology import tilejson as made_tilejson

__all__ = ["spatial_layer", "tile_matrix_set", "tile_matrix_sets", "tilejson", "tileset", "tilesets"]

FORMATS = ("json", "html")


def spatial_layer(request: Request) -> Layer:
    """Return the layer of the address, which must have geometry. Raises NotFound."""
    layer = request.layer()
    if layer.kind != "spatial":
        raise NotFound(f"Layer '{layer.id}' has no geometry, and so no tiles.")
    return layer


def tilesets(request: Request) -> Response:
    """Answer the tile sets of a layer, or of all of them."""
    layers, root = _subject(request)
    form = request.format(FORMATS)
    request.parameters.finish()
    document = {"tilesets": [_described(request, layers, root, grid) for grid in GRIDS.values()],
                "links": alternates(f"{root}/tiles", FORMATS, form)}
    if form == "html":
        return page(request, "document.html", document=document, heading="tilesets")
    return reply_document(request, document)


def tileset(request: Request) -> Response:
    """Answer the metadata of a tile set."""
    layers, root = _subject(request)
    form, grid = request.format(FORMATS), find_grid(request.path["tms"])
    request.parameters.finish()
    document = _described(request, layers, root, grid)
    if form == "html":
        return page(request, "document.html", document=document, heading="tilesets")
    return reply_document(request, document)


def _subject(request: Request) -> tuple[list[Layer], str]:
    """Return the layers whose tiles the address means, and the address that they are under."""
    if "collection" in request.path:
        layer = spatial_layer(request)
        return [layer], f"{request.base}/ogc/collections/{layer.id}"
    return [each for each in request.context.readable(request.audience) if each.kind == "spatial"], f"{request.base}/ogc"


def _described(request: Request, layers: list[Layer], root: str, grid: Grid) -> dict[str, Any]:
    address, language = f"{root}/tiles/{grid.id}", request.language
    city = request.context.catalogue.city
    minx, miny, maxx, maxy = city.extent
    return {
        "title": getattr(layers[0].title if len(layers) == 1 else city.title, language), "dataType": "vector",
        "tileMatrixSetURI": grid.uri, "tileMatrixSetId": grid.id, "crs": f"http://www.opengis.net/def/crs/EPSG/0/{grid.srid}",
        "boundingBox": {"lowerLeft": [minx, miny], "upperRight": [maxx, maxy],
                        "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
        "layers": [{"id": layer.id, "title": getattr(layer.title, language), "dataType": "vector",
                    "geometryDimension": _dimension(layer)} for layer in layers],
        "links": [link(address, "self"),
                  link(f"{request.base}/ogc/tileMatrixSets/{grid.id}", f"{REL}tiling-scheme", "json", grid.title),
                  link(f"{address}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", "mvt", templated=True),
                  *(link(f"{request.base}/ogc/collections/{layer.id}", f"{REL}geodata") for layer in layers)]}


def _dimension(layer: Layer) -> int:
    kind = str(layer.geometry).removeprefix("Multi")
    return {"Point": 0, "LineString": 1}.get(kind, 2)


def tilejson(request: Request) -> Response:
    """Answer TileJSON 3.0 of a layer; `datetime` and `known-at` go along into the tiles' address."""
    layer, p = spatial_layer(request), request.parameters
    request.format(("json",))
    asked_tile(request, layer)
    p.finish()
    asked = urlencode({name: p[name] for name in ("datetime", "known-at") if name in p})
    address = f"{request.base}/ogc/collections/{layer.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"
    city = request.context.catalogue.city
    return reply_document(request, made_tilejson(
        layer, request.audience, f"{address}?{asked}" if asked else address, bounds=city.extent,
        center=(*city.center, city.zoom), language=request.language))


def tile_matrix_sets(request: Request) -> Response:
    """Answer the tile matrix sets."""
    form = request.format(FORMATS)
    request.parameters.finish()
    root = f"{request.base}/ogc/tileMatrixSets"
    document = {"tileMatrixSets": [{"id": grid.id, "title": grid.title, "uri": grid.uri,
                                    "links": [link(f"{root}/{grid.id}", f"{REL}tiling-scheme")]} for grid in GRIDS.values()],
                "links": alternates(root, FORMATS, form)}
    if form == "html":
        return page(request, "document.html", document=document, heading="schemes")
    return reply_document(request, document)


def tile_matrix_set(request: Request) -> Response:
    """Answer the definition of a tile matrix set."""
    form, grid = request.format(FORMATS), find_grid(request.path["tms"])
    request.parameters.finish()
    address = f"{request.base}/ogc/tileMatrixSets/{grid.id}"
    if form == "html":
        document = grid.definition() | {"links": alternates(address, FORMATS, form)}
        return page(request, "document.html", document=document, heading="schemes")
    return reply_document(request, grid.definition())
