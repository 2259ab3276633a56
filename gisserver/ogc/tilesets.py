"""Tile sets of a layer, tile matrix sets, TileJSON (OGC API Tiles)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from gisserver.ogc.links import REL, alternates, link
from gisserver.ogc.questions import asked_tile
from gisserver.reply import page, reply_document
from gisserver.request import Request
from layers.crs import CRS84_URI
from layers.errors import NotFound
from layers.layer import Layer
from tiles.grid import Grid, find_grid, grids_of
from tiles.symbology import tilejson as made_tilejson
from tiles.vector_tiles import MAX_ZOOM, MEDIA_TYPE, min_zoom

__all__ = ["answer_tileset", "answer_tilesets", "spatial_layer", "tile_matrix_set", "tile_matrix_sets", "tilejson", "tileset", "tilesets"]

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
    return answer_tilesets(request, f"{root}/tiles", lambda grid: _described(request, layers, root, grid), _grids(request).values())


def tileset(request: Request) -> Response:
    """Answer the metadata of a tile set."""
    layers, root = _subject(request)
    return answer_tileset(request, lambda grid: _described(request, layers, root, grid))


def answer_tilesets(request: Request, address: str, described: Callable[[Grid], dict[str, Any]], grids: Iterable[Grid]) -> Response:
    """Answer a list of tile sets, as JSON or as a page; `described` gives the metadata of the set in one grid."""
    form = request.format(FORMATS)
    request.parameters.finish()
    document = {"tilesets": [described(grid) for grid in grids], "links": alternates(address, FORMATS, form)}
    return _answered(request, document, form)


def answer_tileset(request: Request, described: Callable[[Grid], dict[str, Any]]) -> Response:
    """Answer the metadata of the tile set in the grid of the address. Raises UnknownTile."""
    form, grid = request.format(FORMATS), find_grid(request.path["tms"], request.context.catalogue.city)
    request.parameters.finish()
    return _answered(request, described(grid), form)


def _answered(request: Request, document: dict[str, Any], form: str) -> Response:
    if form == "html":
        return page(request, "document.html", document=document, heading="tilesets")
    return reply_document(request, document)


def _subject(request: Request) -> tuple[list[Layer], str]:
    """Return the layers whose tiles the address means, and the address that they are under."""
    if "collection" in request.path:
        layer = spatial_layer(request)
        return [layer], f"{request.base}/ogc/collections/{layer.id}"
    return [each for each in request.context.readable(request.audience) if each.kind == "spatial"], f"{request.base}/ogc"


def _grids(request: Request) -> dict[str, Grid]:
    return grids_of(request.context.catalogue.city)


def _described(request: Request, layers: list[Layer], root: str, grid: Grid) -> dict[str, Any]:
    address, language = f"{root}/tiles/{grid.id}", request.language
    city = request.context.catalogue.city
    minx, miny, maxx, maxy = city.extent
    inside = all(layer.inside_extent for layer in layers)
    document = {
        "title": getattr(layers[0].title if "collection" in request.path else city.title, language), "dataType": "vector",
        # What is registered nowhere is named by where its definition is: GDAL asks for a name.
        "tileMatrixSetURI": grid.uri or f"{request.base}/ogc/tileMatrixSets/{grid.id}", "tileMatrixSetId": grid.id, "crs": grid.named_crs,
        "layers": [{"id": layer.id, "title": getattr(layer.title, language), "dataType": "vector", "geometryDimension": _dimension(layer),
                    **_levels(layer, grid)} for layer in layers],
        "mediaTypes": [MEDIA_TYPE],
        "links": [link(address, "self"),
                  link(f"{request.base}/ogc/tileMatrixSets/{grid.id}", f"{REL}tiling-scheme", "json", grid.title),
                  link(f"{address}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", "mvt", templated=True),
                  *(link(f"{request.base}/ogc/collections/{layer.id}", f"{REL}geodata") for layer in layers)]}
    if inside:
        document["boundingBox"] = {"lowerLeft": [minx, miny], "upperRight": [maxx, maxy], "crs": CRS84_URI}
        document["tileMatrixSetLimits"] = [
            {"tileMatrix": str(z), "minTileRow": found.first_row, "maxTileRow": found.last_row, "minTileCol": found.first_column,
             "maxTileCol": found.last_column}
            for z in range(grid.max_zoom + 1) if (found := grid.limits(z, city.extent)) is not None]
    return document


def _levels(layer: Layer, grid: Grid) -> dict[str, str]:
    """Return between which levels of a grid a layer has tiles of its own making; deeper ones are the same, drawn larger."""
    drawn = [z for z in range(grid.max_zoom + 1) if min_zoom(layer) <= grid.detail(z) <= MAX_ZOOM]
    return {"minTileMatrix": str(drawn[0]), "maxTileMatrix": str(drawn[-1])} if drawn else {}


def _dimension(layer: Layer) -> int:
    kind = str(layer.geometry).removeprefix("Multi")
    return {"Point": 0, "LineString": 1}.get(kind, 2)


def tilejson(request: Request) -> Response:
    """Answer TileJSON 3.0 of a layer; what is asked of the tiles (`datetime`, `filter`, `properties` …) goes along into their address."""
    layer, p = spatial_layer(request), request.parameters
    request.format(("json",))
    query = asked_tile(request, layer)
    p.finish()
    asked = urlencode({name: p[name] for name in p if name not in ("f", "lang", "key")})
    address = f"{request.base}/ogc/collections/{layer.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"
    city = request.context.catalogue.city
    return reply_document(request, made_tilejson(
        layer, request.audience, f"{address}?{asked}" if asked else address, bounds=city.extent,
        center=(*city.center, city.zoom), language=request.language, fields=query.fields))


def tile_matrix_sets(request: Request) -> Response:
    """Answer the tile matrix sets."""
    form = request.format(FORMATS)
    request.parameters.finish()
    root = f"{request.base}/ogc/tileMatrixSets"
    document = {"tileMatrixSets": [{"id": grid.id, "title": grid.title, "crs": grid.named_crs, **({"uri": grid.uri} if grid.uri else {}),
                                    "links": [link(f"{root}/{grid.id}", f"{REL}tiling-scheme")]} for grid in _grids(request).values()],
                "links": alternates(root, FORMATS, form)}
    if form == "html":
        return page(request, "document.html", document=document, heading="schemes")
    return reply_document(request, document)


def tile_matrix_set(request: Request) -> Response:
    """Answer the definition of a tile matrix set."""
    form, grid = request.format(FORMATS), find_grid(request.path["tms"], request.context.catalogue.city)
    request.parameters.finish()
    address = f"{request.base}/ogc/tileMatrixSets/{grid.id}"
    if form == "html":
        document = grid.definition() | {"links": alternates(address, FORMATS, form)}
        return page(request, "document.html", document=document, heading="schemes")
    return reply_document(request, grid.definition())
