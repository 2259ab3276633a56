"""Tile grids: where a tile lies. A grid is a tile matrix set of the OGC (17-083r4): rows from the top, any sizes of cells.

The grids of the world are here; a city adds its own by configuration (`grids` of its city.yaml).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil, cos, floor, log2, radians
from typing import Any, NamedTuple

from pyproj import CRS

from layers.city import City, LocalGrid
from layers.crs import box_to_srid, is_same_place, make_crs, transformer
from layers.errors import NotFound

__all__ = ["CGCS2000_QUAD", "EVERYWHERE", "GRIDS", "WEB_MERCATOR_QUAD", "WORLD_CRS84_QUAD", "Envelope", "Grid", "Level", "Limits", "TileAddress", "UnknownTile",
           "find_grid", "grids_of"]

Envelope = tuple[float, float, float, float]
# Side of the world in Web Mercator, and metres of a degree, both on the equator of WGS 84.
_WORLD_M = 40075016.685578488
_DEGREE_M = _WORLD_M / 360
# A screen pixel of the standard, in metres: scales are told for it.
_PIXEL_M = 0.00028
# Web Mercator has no pole.
_LAST_DEGREE = 89.99
EVERYWHERE: Envelope = (-1e9, -1e9, 1e9, 1e9)


class UnknownTile(NotFound):
    """There is no such tile, or no such grid of tiles."""


class Level(NamedTuple):
    """One tile matrix: the side of a cell in units of the CRS, and how many tiles it is wide and high."""

    cell: float
    columns: int
    rows: int


class Limits(NamedTuple):
    """The tiles of a level that something reaches into, the ends included."""

    first_column: int
    last_column: int
    first_row: int
    last_row: int


@dataclass(frozen=True, eq=False)
class Grid:
    """A tile matrix set.

    `origin` is its north-western corner, x (east) first, in the CRS `srid`; `crs` the URI that names the CRS on the wire, `uri`
    that of the set where the OGC registers it. Two grids are equal where all of it is.
    """

    id: str
    srid: int
    origin: tuple[float, float]
    levels: tuple[Level, ...]
    title: str = ""
    uri: str = ""
    crs: str = ""
    scale_set: str = ""
    tile_px: int = 256

    def __hash__(self) -> int:
        # Addresses are keys of the cache: their hash is taken at every request.
        return hash(self.id)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Grid) and (self.id, self.srid, self.origin, self.levels, self.tile_px) == (
            other.id, other.srid, other.origin, other.levels, other.tile_px))

    @property
    def max_zoom(self) -> int:
        return len(self.levels) - 1

    @property
    def extent(self) -> Envelope:
        """Return (minx, miny, maxx, maxy) of level 0, in the grid's CRS."""
        side, (x, y) = self.size(0), self.origin
        return x, y - side * self.levels[0].rows, x + side * self.levels[0].columns, y

    @property
    def named_crs(self) -> str:
        """Return the URI of the CRS."""
        return self.crs or make_crs(self.srid).uri

    def size(self, z: int) -> float:
        """Return the side of a tile of level z, in units of the CRS."""
        return self.levels[z].cell * self.tile_px

    def detail(self, z: int) -> int:
        """Return the level of WebMercatorQuad whose tiles cover about as much ground as those of level z: how much is drawn."""
        return _detail(self, z)

    def cover(self, envelope: Envelope, srid: int = 4326) -> Envelope | None:
        """Return an envelope that surely holds another one, as it lies in this grid's CRS; None where it has no place there.

        What cannot be said in this CRS is everywhere.
        """
        try:
            return _moved(envelope, srid, self.srid)
        except ValueError:
            return EVERYWHERE

    def limits(self, z: int, envelope: Envelope, srid: int = 4326) -> Limits | None:
        """Return which tiles of a level an envelope reaches into; None where it lies outside of the grid."""
        found = self.cover(envelope, srid)
        if found is None:
            return None
        level, side = self.levels[z], self.size(z)
        left, right = (floor((x - self.origin[0]) / side) for x in (found[0], found[2]))
        top, bottom = (floor((self.origin[1] - y) / side) for y in (found[3], found[1]))
        if right < 0 or bottom < 0 or left >= level.columns or top >= level.rows:
            return None
        return Limits(max(left, 0), min(right, level.columns - 1), max(top, 0), min(bottom, level.rows - 1))

    def definition(self) -> dict[str, Any]:
        """Return the definition as OGC Two Dimensional Tile Matrix Set 2.0 has it; positions in the order of the CRS's axes."""
        crs, named = make_crs(self.srid), self.named_crs
        flip = crs.flip and not named.endswith("CRS84")
        minx, miny, maxx, maxy = self.extent

        def at(x: float, y: float) -> list[float]:
            return [y, x] if flip else [x, y]

        axes = [axis.abbrev for axis in CRS.from_epsg(self.srid).axis_info]
        if crs.flip and not flip:
            axes.reverse()
        metres = _DEGREE_M if crs.is_geographic else 1.0
        found: dict[str, Any] = {"id": self.id, "title": self.title, "orderedAxes": axes, "crs": named}
        if self.uri:
            found["uri"] = self.uri
        if self.scale_set:
            found["wellKnownScaleSet"] = self.scale_set
        return found | {
            "boundingBox": {"lowerLeft": at(minx, miny), "upperRight": at(maxx, maxy), "crs": named, "orderedAxes": axes},
            "tileMatrices": [{
                "id": str(z), "cellSize": level.cell, "scaleDenominator": level.cell * metres / _PIXEL_M, "cornerOfOrigin": "topLeft",
                "pointOfOrigin": at(*self.origin), "tileWidth": self.tile_px, "tileHeight": self.tile_px,
                "matrixWidth": level.columns, "matrixHeight": level.rows} for z, level in enumerate(self.levels)]}


@lru_cache(maxsize=1_000)
def _detail(grid: Grid, z: int) -> int:
    if make_crs(grid.srid).is_geographic:
        return round(log2(360 / grid.size(z)))
    if grid.srid == 3857:
        return round(log2(_WORLD_M / grid.size(z)))
    minx, miny, maxx, maxy = grid.extent
    _, lat = transformer(grid.srid, 4326).transform((minx + maxx) / 2, (miny + maxy) / 2)
    return round(log2(_WORLD_M * cos(radians(lat)) / grid.size(z)))


def _halving(first: float, columns: int, rows: int, levels: int) -> tuple[Level, ...]:
    return tuple(Level(first / 2**z, columns * 2**z, rows * 2**z) for z in range(levels))


_OGC = "http://www.opengis.net/def/"
WEB_MERCATOR_QUAD = Grid(
    "WebMercatorQuad", 3857, (-_WORLD_M / 2, _WORLD_M / 2), _halving(_WORLD_M / 256, 1, 1, 25), "Google Maps Compatible for the World",
    f"{_OGC}tilematrixset/OGC/1.0/WebMercatorQuad", f"{_OGC}crs/EPSG/0/3857", f"{_OGC}wkss/OGC/1.0/GoogleMapsCompatible")
WORLD_CRS84_QUAD = Grid(
    "WorldCRS84Quad", 4326, (-180, 90), _halving(180 / 256, 2, 1, 24), "CRS84 for the World",
    f"{_OGC}tilematrixset/OGC/1.0/WorldCRS84Quad", f"{_OGC}crs/OGC/1.3/CRS84", f"{_OGC}wkss/OGC/1.0/GoogleCRS84Quad")
# The grid of the national platform (its level 1 is level 0 here): latitude and longitude of CGCS2000, two tiles on top.
CGCS2000_QUAD = Grid("CGCS2000Quad", 4490, (-180, 90), _halving(180 / 256, 2, 1, 24), "CGCS2000, latitude and longitude (EPSG:4490)")

GRIDS: dict[str, Grid] = {grid.id: grid for grid in (WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD, CGCS2000_QUAD)}


def grids_of(city: City) -> dict[str, Grid]:
    """Return the grids of a city's tiles by id: those of the world, then its own."""
    return _with_local(city.grids)


@lru_cache(maxsize=16)
def _with_local(local: tuple[LocalGrid, ...]) -> dict[str, Grid]:
    return GRIDS | {grid.id: _local(grid) for grid in local}


def _local(given: LocalGrid) -> Grid:
    (west, north), (_, south, east, _) = given.origin, given.extent

    def tiles(length: float, cell: float) -> int:
        # A length that is a whole number of tiles does not get one more by what a division leaves.
        return max(1, ceil(length / (cell * given.tile_px) - 1e-9))

    levels = tuple(Level(cell, tiles(east - west, cell), tiles(north - south, cell)) for cell in given.cell_sizes)
    return Grid(given.id, given.srid, given.origin, levels, given.title.en, tile_px=given.tile_px)


def find_grid(name: str, city: City | None = None) -> Grid:
    """Return a grid by its id, one of the world's or a city's own. Raises UnknownTile."""
    found = GRIDS.get(name)
    if found is None and city is not None:
        found = grids_of(city).get(name)
    if found is None:
        raise UnknownTile(f"There is no tile matrix set '{name[:60]}'; there are: {', '.join(GRIDS if city is None else grids_of(city))}.")
    return found


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
        z, levels = self.z, self.grid.levels
        if not (0 <= z < len(levels) and 0 <= self.x < levels[z].columns and 0 <= self.y < levels[z].rows):
            raise UnknownTile(f"There is no tile {self.z}/{self.x}/{self.y} (level, column, row) in {self.grid.id}.")

    @property
    def envelope(self) -> Envelope:
        """Return (minx, miny, maxx, maxy) in the grid's CRS."""
        size = self.grid.size(self.z)
        minx, maxy = self.grid.origin[0] + self.x * size, self.grid.origin[1] - self.y * size
        return minx, maxy - size, minx + size, maxy

    @property
    def detail(self) -> int:
        """Return the level of WebMercatorQuad that shows about as much: what is drawn, and how finely, follows from it."""
        return self.grid.detail(self.z)

    @property
    def pixel(self) -> float:
        """Return the side of a screen pixel, in units of the CRS: vector tiles are drawn 512 pixels wide."""
        return self.grid.size(self.z) / 512

    def reach(self, srid: int, margin: float) -> Envelope | None:
        """Return the envelope, in another CRS, of the tile with a margin (a share of its side) around it; None where there is none.

        What cannot be said in that CRS is everywhere.
        """
        minx, miny, maxx, maxy = self.envelope
        more = (maxx - minx) * margin
        around = (minx - more, miny - more, maxx + more, maxy + more)
        if is_same_place(self.grid.srid, srid):
            return around
        if make_crs(self.grid.srid).is_geographic:
            around = (around[0], max(around[1], -90), around[2], min(around[3], 90))
        try:
            return _moved(around, self.grid.srid, srid)
        except ValueError:
            return EVERYWHERE


def _moved(box: Envelope, source: int, target: int) -> Envelope | None:
    """Return what surely holds a rectangle in another CRS; None where nothing of it lies there. Raises ValueError."""
    if is_same_place(source, target):
        return box
    upright = {make_crs(srid).is_geographic or srid == 3857 for srid in (source, target)} == {True}
    if upright and target == 3857:
        box = (box[0], max(box[1], -_LAST_DEGREE), box[2], min(box[3], _LAST_DEGREE))
    shape = box_to_srid(box, source, target)
    if shape.is_empty:
        return None
    minx, miny, maxx, maxy = shape.bounds
    # A side that is bent is looked at in many points; between them it may reach a little further.
    dx, dy = (0.0, 0.0) if upright else ((maxx - minx) / 100, (maxy - miny) / 100)
    return minx - dx, miny - dy, maxx + dx, maxy + dy
