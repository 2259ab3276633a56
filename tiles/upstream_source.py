"""Upstream services as sources of MapProxy: its own, with our client, and levels that begin where theirs do."""

from __future__ import annotations

from typing import Any

from mapproxy.client.tile import TileClient, TileURLTemplate
from mapproxy.config.configuration.source import (
    TileSourceConfiguration,
    WMSSourceConfiguration,
    file_ext,
    register_source_configuration,
)
from mapproxy.source.tile import TiledSource

from tiles.upstream_client import UpstreamClient
from tiles.upstreams import UPSTREAM_TILES, UPSTREAM_WMS

__all__ = ["register"]


class _Template(TileURLTemplate):
    def __init__(self, template: str, image_format: str, first_level: int) -> None:
        super().__init__(template, format=image_format)
        self.first_level = first_level

    def substitute(self, tile_coord: tuple[int, int, int], *more: Any) -> str:
        x, y, z = tile_coord
        return str(super().substitute((x, y, z + self.first_level), *more))


class UpstreamTiles(TileSourceConfiguration):
    """Tiles of a WMTS."""

    source_type = (UPSTREAM_TILES,)

    def source(self, params: Any = None) -> TiledSource:
        template = _Template(self.conf["url"], file_ext((params or {}).get("format", "image/png")), int(self.conf["first_level"]))
        grid = self.context.grids[self.conf["grid"]].tile_grid()
        return TiledSource(grid, TileClient(template, http_client=_client(self.conf), grid=grid), coverage=self.coverage(), image_opts=self.image_opts())


class UpstreamWms(WMSSourceConfiguration):
    """Maps of a WMS."""

    source_type = (UPSTREAM_WMS,)

    def http_client(self, url: str) -> tuple[UpstreamClient, str]:
        return _client(self.conf), url

    def fi_source(self, params: Any = None) -> None:
        return None

    def lg_source(self, params: Any = None) -> None:
        return None


def _client(conf: dict[str, Any]) -> UpstreamClient:
    return UpstreamClient(conf["host"], conf["secret"], conf["is_private"])


def register() -> None:
    """Make the sources known to MapProxy."""
    register_source_configuration(UPSTREAM_TILES, UpstreamTiles)
    register_source_configuration(UPSTREAM_WMS, UpstreamWms)
