"""Tile grids: where a tile lies. One grid is one entry here; today it is WebMercatorQuad of the OGC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from layers.errors import NotFound

__all__ = ["GRIDS", "WEB_MERCATOR_QUAD", "Grid", "TileAddress", "UnknownTile", "find_grid"]


class UnknownTile(NotFound):
    """There is no such tile, or no such grid of tiles."""


@dataclass(frozen=True)
class Grid:
    """A tile matrix set whose levels halve: `extent` is (minx, miny, maxx, maxy) of tile 0/0/0 in `srid`, rows from the top."""

    id: str
    uri: str
    srid: int
    extent: tuple[float, float, float, float]
    max_zoom: int
    tile_px: int = 256
    title: str = ""

    def size(self, z: int) -> float:
        """Return the side of a tile of level z, in units of the CRS."""
        return (self.extent[2] - self.extent[0]) / 2**z

    def definition(self) -> dict[str, Any]:
        """Return the definition as OGC Two Dimensional Tile Matrix Set 2.0 has it."""
        minx, _, _, maxy = self.extent
        return {
            "id": self.id, "title": self.title, "uri": self.uri, "orderedAxes": ["X", "Y"],
            "crs": f"http://www.opengis.net/def/crs/EPSG/0/{self.srid}",
            "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
            "tileMatrices": [{
                "id": str(z), "cellSize": self.size(z) / self.tile_px, "scaleDenominator": self.size(z) / self.tile_px / 0.00028,
                "cornerOfOrigin": "topLeft", "pointOfOrigin": [minx, maxy], "tileWidth": self.tile_px,
                "tileHeight": self.tile_px, "matrixWidth": 2**z, "matrixHeight": 2**z} for z in range(self.max_zoom + 1)]}


_HALF = 20037508.342789244
WEB_MERCATOR_QUAD = Grid("WebMercatorQuad", "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad", 3857,
                         (-_HALF, -_HALF, _HALF, _HALF), max_zoom=24, title="Google Maps Compatible for the World")

GRIDS: dict[str, Grid] = {grid.id: grid for grid in (WEB_MERCATOR_QUAD,)}


def find_grid(name: str) -> Grid:
    """Return a grid by its id. Raises UnknownTile."""
    try:
        return GRIDS[name]
    except KeyError:
        raise UnknownTile(f"There is no tile matrix set '{name[:60]}'; there are: {', '.join(GRIDS)}.") from None


@dataclass(frozen=True)
class TileAddress:
    """A tile: level, column from the west, row from the north. It is checked when it is made and never again.

    Raises UnknownTile outside of the grid.
    """

    z: int
    x: int
    y: int
    grid: Grid = field(default=WEB_MERCATOR_QUAD, repr=False)

    def __post_init__(self) -> None:
        if not (0 <= self.z <= self.grid.max_zoom and 0 <= self.x < 2**self.z and 0 <= self.y < 2**self.z):
            raise UnknownTile(f"There is no tile {self.z}/{self.x}/{self.y} (level, column, row) in {self.grid.id}.")

    @property
    def envelope(self) -> tuple[float, float, float, float]:
        """Return (minx, miny, maxx, maxy) in the grid's CRS."""
        size = self.grid.size(self.z)
        minx, maxy = self.grid.extent[0] + self.x * size, self.grid.extent[3] - self.y * size
        return minx, maxy - size, minx + size, maxy

    @property
    def pixel(self) -> float:
        """Return the side of a screen pixel, in units of the CRS: vector tiles are drawn 512 pixels wide."""
        return self.grid.size(self.z) / 512
