"""3D Tiles 1.1: an explicit quadtree over the cells of WebMercatorQuad, the same that vector tiles are cut by.

The city's tileset names the cells of one upper level; each has a tileset of its own, which names only cells with content. The
tallest and thickest features are in the upper cells, and each feature is in one cell only: children add to their parents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import radians
from typing import Any

import numpy as np

from layers.city import City
from layers.errors import InvalidParameter
from layers.store import Store
from tiles.grid import WEB_MERCATOR_QUAD, TileAddress
from tiles.tileset3d_cells import Cell, cells_of
from tiles.tileset3d_content import Scene
from tiles.tileset3d_form import ROOT_ZOOM, Band
from tiles.tileset3d_place import from_mercator

__all__ = ["band_of", "cell_tileset", "city_tileset", "roots_of"]

# A cell's own tileset is opened from so far that nobody sees it happen.
CITY_ERROR_M, CELL_ERROR_M = 20_000, 900
# Heights that no feature of a city lies outside of, before its cells are opened.
LOWEST_M, HIGHEST_M = -600.0, 9_500.0
# How far a feature whose middle is in a cell may reach beyond it, as a share of the cell's side.
MARGIN = 1 / 16

Link = Callable[[TileAddress, str], str]


def roots_of(city: City) -> list[TileAddress]:
    """Return the cells of the upper level that the city's extent reaches into."""
    limits = WEB_MERCATOR_QUAD.limits(ROOT_ZOOM, city.extent)
    if limits is None:
        return []
    return [TileAddress(ROOT_ZOOM, x, y) for y in range(limits.first_row, limits.last_row + 1)
            for x in range(limits.first_column, limits.last_column + 1)]


def band_of(scene: Scene, address: TileAddress) -> Band | None:
    """Return the band whose features are in the cells of an address's level; None where there is none."""
    return next((band for band in scene.form.bands if band.zoom == address.z), None)


def city_tileset(city: City, link: Link) -> dict[str, Any]:
    """Return the city's tileset: a tile for each upper cell, which leads to the cell's own tileset.

    `link` makes the address of a cell's 'json' or 'glb'.
    """
    cells = [{"boundingVolume": {"region": _cell_region(root)}, "geometricError": CELL_ERROR_M, "refine": "ADD",
              "content": {"uri": link(root, "json")}} for root in roots_of(city)]
    regions = [cell["boundingVolume"]["region"] for cell in cells]
    return _tileset(CITY_ERROR_M, {"boundingVolume": {"region": _around(regions)}, "geometricError": CITY_ERROR_M, "refine": "ADD",
                                   "children": cells})


def cell_tileset(store: Store, scene: Scene, root: TileAddress, link: Link) -> tuple[dict[str, Any], int, list[Cell]]:
    """Return the tileset of an upper cell, the number of the snapshot it was made from, and its cells with content.

    Raises InvalidParameter for a cell of another level.
    """
    if root.z != ROOT_ZOOM:
        raise InvalidParameter("z", f"cells with a tileset of their own are those of level {ROOT_ZOOM}.")
    cells, seq = cells_of(store, scene, root)
    by_address = {cell.address: cell for cell in cells}
    return _tileset(CELL_ERROR_M, _tile(scene, root, by_address, _occupied(cells), link) or {
        "boundingVolume": {"region": _cell_region(root)}, "geometricError": 0, "refine": "ADD"}), seq, cells


def _tileset(error: float, root: dict[str, Any]) -> dict[str, Any]:
    return {"asset": {"version": "1.1"}, "geometricError": error, "root": root}


def _occupied(cells: Iterable[Cell]) -> set[TileAddress]:
    """Return all addresses that have content or lie above some."""
    found = set()
    for cell in cells:
        address = cell.address
        while address.z >= ROOT_ZOOM and address not in found:
            found.add(address)
            address = TileAddress(address.z - 1, address.x >> 1, address.y >> 1)
    return found


def _tile(scene: Scene, address: TileAddress, cells: dict[TileAddress, Cell], occupied: set[TileAddress], link: Link) -> dict[str, Any] | None:
    if address not in occupied:
        return None
    children = [tile for dy in (0, 1) for dx in (0, 1)
                if (tile := _tile(scene, TileAddress(address.z + 1, 2 * address.x + dx, 2 * address.y + dy), cells, occupied, link))]
    own = cells.get(address)
    regions = [child["boundingVolume"]["region"] for child in children]
    tile: dict[str, Any] = {}
    if own is not None:
        region = _region(scene, own)
        regions.append(region)
        tile["content"] = {"uri": link(address, "glb"), "boundingVolume": {"region": region}}
    band = band_of(scene, address)
    error = 0 if not children else CELL_ERROR_M if address.z == ROOT_ZOOM else band.error_m if band else max(
        (b.error_m for b in scene.form.bands if b.zoom > address.z), default=0) * 1.5
    tile = {"boundingVolume": {"region": _around(regions)}, "geometricError": error, "refine": "ADD"} | tile
    return tile | ({"children": children} if children else {})


def _region(scene: Scene, cell: Cell) -> list[float]:
    """Return west, south, east, north (radians) and the lowest and highest ellipsoidal height of a cell's content."""
    low, high = cell.low, cell.high
    if scene.form.kind == "prism" and (low is None or high is None):
        x, y = np.meshgrid(np.linspace(cell.envelope[0], cell.envelope[2], 17), np.linspace(cell.envelope[1], cell.envelope[3], 17))
        ground = scene.ground.heights(*from_mercator(x.ravel(), y.ravel()))
        low, high = float(ground.min()) - 30, float(ground.max()) + 30 + (high or 0)
    if cell.surfaces is not None:
        low, high = min(low or 0, cell.surfaces[0]), max(high or 0, cell.surfaces[1])
    geoid, form = scene.city.geoid_offset_m, scene.form
    return [*_degrees(cell.envelope), (low or 0) + geoid - form.below_m, (high or 0) + geoid + form.above_m]


def _cell_region(address: TileAddress) -> list[float]:
    minx, miny, maxx, maxy = address.envelope
    margin = (maxx - minx) * MARGIN
    return [*_degrees((minx - margin, miny - margin, maxx + margin, maxy + margin)), LOWEST_M, HIGHEST_M]


def _degrees(envelope: tuple[float, float, float, float]) -> list[float]:
    # A little around it, since corners are kept in steps and pipes are thicker than their lines.
    west, south = from_mercator(envelope[0] - 8, envelope[1] - 8)
    east, north = from_mercator(envelope[2] + 8, envelope[3] + 8)
    return [radians(float(v)) for v in (west, south, east, north)]


def _around(regions: list[list[float]]) -> list[float]:
    low, high = np.min(regions, axis=0), np.max(regions, axis=0)
    return [*map(float, (low[0], low[1], high[2], high[3], low[4], high[5]))]
