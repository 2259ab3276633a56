"""Upstream services: a WMTS or WMS of somebody else as a layer of ours, kept, and reprojected where another system is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape

__all__ = ["UPSTREAM_TILES", "UPSTREAM_WMS", "Upstream", "upstream_configuration"]

UPSTREAM_TILES, UPSTREAM_WMS = "upstream_tiles", "upstream_wms"
_MERCATOR, _DEGREES = 20037508.342789244, 360.0


@dataclass(frozen=True)
class Upstream:
    """One layer of an upstream service.

    `origin` (north-western corner, x east first) and `cell_sizes` (the coarsest first) describe its grid; `first_level` is the
    name of the first. `secret` are parameters with a key. `everyone` says that readers without an account may see it.
    """

    id: str
    zh: str
    en: str
    kind: str
    url: str
    layer: str
    srid: int
    origin: tuple[float, float]
    cell_sizes: tuple[float, ...]
    first_level: int = 0
    tile_matrix_set: str = ""
    style: str = "default"
    format: str = "image/png"
    tile_px: int = 256
    kept_days: int = 30
    is_private: bool = False
    everyone: bool = True
    is_transparent: bool = True
    secret: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


def upstream_configuration(upstreams: Iterable[Upstream], grids: list[str], extent: tuple[float, float, float, float]) -> dict[str, Any]:
    """Return sources, caches, grids and layers for MapProxy; `grids` are the ids of our own, `extent` what is asked for, in degrees."""
    made: dict[str, Any] = {"sources": {}, "caches": {}, "grids": {}, "layers": []}
    for each in upstreams:
        grid, kept = f"{each.id}_grid", f"{each.id}_kept"
        coverage = {"bbox": list(extent), "srs": "EPSG:4326"}
        guarded = {"host": each.host, "secret": each.secret, "is_private": each.is_private}
        side = each.tile_px * each.cell_sizes[0]
        west, north = each.origin
        # As wide as the world at the coarsest level; MapProxy counts tiles from the corner.
        width, height = (_MERCATOR * 2, _MERCATOR * 2) if each.srid == 3857 else (_DEGREES, _DEGREES / 2) if each.srid in (4326, 4490) else (side * 64, side * 64)
        made["grids"][grid] = {"srs": f"EPSG:{each.srid}", "bbox": [west, north - height, west + width, north], "origin": "nw",
                               "tile_size": [each.tile_px, each.tile_px], "res": list(each.cell_sizes)}
        if each.kind == "wmts":
            source = {"type": UPSTREAM_TILES, "url": _tile_address(each), "grid": grid, "first_level": each.first_level}
        else:
            source = {"type": UPSTREAM_WMS, "req": {"url": each.url, "layers": each.layer, "format": each.format, "transparent": each.is_transparent},
                      "supported_srs": [f"EPSG:{each.srid}"]}
        made["sources"][f"{each.id}_source"] = source | guarded | {"coverage": coverage, "transparent": each.is_transparent}
        made["caches"][kept] = {"sources": [f"{each.id}_source"], "grids": [grid], "format": each.format, "request_format": each.format,
                                "cache": {"type": "file", "use_grid_names": True}, "meta_size": [1, 1], "meta_buffer": 0,
                                "refresh_before": {"days": each.kept_days}}
        made["caches"][f"{each.id}_tiles"] = {"sources": [kept], "grids": grids, "disable_storage": True, "format": "image/png", "meta_size": [1, 1],
                                              "meta_buffer": 0}
        made["layers"].append({"name": each.id, "title": escape(f"{each.zh} {each.en}"), "sources": [kept], "tile_sources": [f"{each.id}_tiles"],
                               "dimensions": {"time": {"values": ["current", "default"], "default": "current"}}})
    return made


def _tile_address(each: Upstream) -> str:
    fixed = {"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": each.layer, "STYLE": each.style,
             "TILEMATRIXSET": each.tile_matrix_set, "FORMAT": each.format}
    text = urlencode(fixed, safe="/").replace("%", "%%")
    return f"{each.url}{'&' if '?' in each.url else '?'}{text}&TILEMATRIX=%(z)s&TILEROW=%(y)s&TILECOL=%(x)s"
