"""MapProxy's configuration, made from the layers' definitions: every layer in WMS and WMTS, upstream services beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from layers.city import City
from layers.layer import Layer
from tiles.grid import Grid, grids_of
from tiles.mapnik_source import MAX_PIXELS
from tiles.upstreams import Upstream, upstream_configuration

__all__ = ["CITY", "FORMATS", "INFO_FORMATS", "REST_TEMPLATE", "make_app", "offered_srids", "proxy_configuration"]

CITY = "city"
FORMATS = ("image/png", "image/jpeg")
INFO_FORMATS = ("text", "html", "json")
REST_TEMPLATE = "/{Layer}/default/{Time}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.{Format}"
# Every day; the first value is what a client shows, the second what it may leave out.
DAYS = ("1900-01-01/2100-12-31/P1D", "current")


def offered_srids(city: City) -> tuple[int, ...]:
    """Return the CRSs that maps are drawn in: Web Mercator, storage, projected, WGS 84."""
    return tuple(dict.fromkeys((3857, city.storage_srid, city.projected_srid, 4490, 4326)))


def proxy_configuration(city: City, layers: Iterable[Layer], folder: Path, upstreams: Iterable[Upstream] = ()) -> dict[str, Any]:
    """Return the configuration.

    Parameters
    ----------
    folder
        Where what comes from upstream services is kept.
    upstreams
        The services of others that are shown beside.
    """
    drawn = [layer for layer in layers if layer.kind == "spatial"]
    extent, grids = list(city.extent), list(grids_of(city).values())
    more = upstream_configuration(upstreams, [grid.id for grid in grids], city.extent)
    sources = {name: {"type": "city", "layer": name, "extent": extent} for name in (CITY, *(layer.id for layer in drawn))}
    # Our own tiles are kept by our own lane; MapProxy only describes them.
    caches = {f"{name}_tiles": {"sources": [name], "grids": [grid.id for grid in grids], "disable_storage": True, "format": "image/png",
                                "meta_size": [1, 1], "meta_buffer": 0} for name in sources}
    # Titles stand in MapProxy's documents as they are given.
    description = {"title": escape(f"{city.title.zh} {city.title.en}"), "abstract": escape(f"{city.title.zh}地图服务 · Map services of {city.title.en}")}
    srs = [f"EPSG:{srid}" for srid in offered_srids(city)]
    return {
        "globals": {"cache": {"base_dir": str(folder / "upstream"), "lock_dir": str(folder / "locks"), "tile_lock_dir": str(folder / "locks"),
                              "meta_size": [1, 1]},
                    "tiles": {"expires_hours": 0}, "image": {"paletted": False},
                    "http": {"client_timeout": 20, "hide_error_details": True}},
        "services": {
            "wms": {"srs": [*srs, "CRS:84"], "bbox_srs": srs, "image_formats": list(FORMATS), "versions": ["1.1.1", "1.3.0"], "md": description,
                    "featureinfo_types": list(INFO_FORMATS), "max_output_pixels": [MAX_PIXELS, MAX_PIXELS], "concurrent_layer_renderer": 1,
                    "on_source_errors": "raise", "strict": False},
            "wmts": {"kvp": True, "restful": True, "restful_template": REST_TEMPLATE, "md": description}},
        "grids": {grid.id: _grid(grid) for grid in grids} | more["grids"],
        "sources": sources | more["sources"], "caches": caches | more["caches"],
        "layers": {"name": CITY, "title": description["title"], "sources": [CITY], "tile_sources": [f"{CITY}_tiles"], "dimensions": _dimensions(),
                   "layers": [*({"name": layer.id, "title": escape(f"{layer.title.zh} {layer.title.en}"), "sources": [layer.id],
                                 "tile_sources": [f"{layer.id}_tiles"], "dimensions": _dimensions(), "md": _description(layer)} for layer in drawn),
                              *more["layers"]]}}


def make_app(configuration: dict[str, Any], folder: Path) -> Any:
    """Return the WSGI application of a configuration. MapProxy is loaded here, at the first need."""
    from mapproxy.config.configuration.proxy import ProxyConfiguration
    from mapproxy.wsgiapp import MapProxyApp

    from tiles import mapproxy_source, upstream_source

    mapproxy_source.register()
    upstream_source.register()
    folder.mkdir(parents=True, exist_ok=True)
    made = ProxyConfiguration(configuration, conf_base_dir=str(folder))
    return MapProxyApp(made.configured_services(), made.base_config)


def _grid(grid: Grid) -> dict[str, Any]:
    # MapProxy counts the tiles of each level from the bbox: the smallest of all levels gives the numbers of each.
    west, north = grid.origin
    east = west + min(level.cell * level.columns for level in grid.levels) * grid.tile_px
    south = north - min(level.cell * level.rows for level in grid.levels) * grid.tile_px
    return {"srs": f"EPSG:{grid.srid}", "bbox": [west, south, east, north], "origin": "nw", "tile_size": [grid.tile_px, grid.tile_px],
            "res": [level.cell for level in grid.levels]}


def _dimensions() -> dict[str, Any]:
    return {"time": {"values": list(DAYS), "default": "current"}}


def _description(layer: Layer) -> dict[str, Any]:
    if layer.description is None:
        return {}
    return {"abstract": escape(f"{layer.description.zh} · {layer.description.en}")}
