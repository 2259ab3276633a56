"""Where the tiles of a coverage are: as links of its collection, and as what a map client needs to draw them."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.links import REL, link
from layers.layer import Layer
from layers.moments import format_moment
from tiles.contours import MIN_ZOOM
from tiles.coverages import Raster

__all__ = ["GRID", "coverage_links", "imagery_source", "terrain_source"]

GRID = "WebMercatorQuad"
TEMPLATE = "{tileMatrix}/{tileRow}/{tileCol}"
Text = dict[str, str]


def coverage_links(layer: Layer, address: str) -> list[dict[str, Any]]:
    """Return the links of a coverage's collection to its tiles and heights."""
    map_tiles = [link(f"{address}/map/tiles", f"{REL}tilesets-map", "json", "Map tiles"),
                 link(f"{address}/map/tiles/{GRID}/{TEMPLATE}", "item", "image/png", "Map tiles", templated=True)]
    if (layer.coverage or {}).get("kind") != "elevation":
        return map_tiles
    return [*map_tiles,
            link(f"{address}/terrain/terrarium/{GRID}/{TEMPLATE}", "item", "image/png", "Terrain (Terrarium)", templated=True),
            link(f"{address}/terrain/mapbox/{GRID}/{TEMPLATE}", "item", "image/png", "Terrain (Mapbox)", templated=True),
            link(f"{address}/contours/{GRID}/{TEMPLATE}", "item", "mvt", "Contour lines", templated=True),
            link(f"{address}/terrain/mesh/layer.json", f"{REL}tileset", "json", "Terrain meshes (quantized-mesh)"),
            link(f"{address}/position", "data", "CoverageJSON", "Heights at points"),
            link(f"{address}/trajectory", "data", "CoverageJSON", "Heights along a line")]


def _span(raster: Raster) -> dict[str, Any]:
    return {"valid_from": format_moment(raster.valid[0]), "valid_to": format_moment(raster.valid[1]), "bounds": raster.envelope, "attribution": raster.attribution}


def _source(layer: Layer, rasters: tuple[Raster, ...]) -> dict[str, Any]:
    boxes = [raster.envelope for raster in rasters]
    return {"layer": layer.id, "title": layer.title.model_dump(), "tile_size": 256, "max_zoom": max(raster.native_zoom for raster in rasters),
            "bounds": [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)],
            "attribution": "; ".join(dict.fromkeys(r.attribution for r in rasters if r.attribution)), "spans": [_span(r) for r in rasters]}


def imagery_source(layer: Layer, rasters: tuple[Raster, ...], address: str) -> dict[str, Any]:
    """Return what a client needs to draw imagery; it adds `datetime` for another day than now."""
    return _source(layer, rasters) | {"tiles": f"{address}/map/tiles/{GRID}/{{z}}/{{y}}/{{x}}?f=webp"}


def terrain_source(layer: Layer, rasters: tuple[Raster, ...], address: str) -> dict[str, Any]:
    """Return what a client needs to draw the ground: heights, shade and contours for maps, meshes for globes."""
    tiles = f"{GRID}/{{z}}/{{y}}/{{x}}"
    return _source(layer, rasters) | {
        "tiles": f"{address}/terrain/terrarium/{tiles}?f=webp", "encoding": "terrarium", "hillshade": f"{address}/map/tiles/{tiles}?f=webp",
        "contours": f"{address}/contours/{tiles}", "contours_from_zoom": MIN_ZOOM, "mesh": f"{address}/terrain/mesh"}
