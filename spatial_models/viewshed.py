"""Viewshed: what of a place's surroundings an eye sees, on a grid over ground and solids."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize, shapes
from rasterio.transform import Affine
from shapely.geometry import shape

from spatial_models.solids import Solids
from spatial_models.surroundings import Ground

__all__ = ["MOST_CELLS", "Surface", "Viewshed", "surface", "surfaces_of", "viewshed"]

Floats = NDArray[np.float64]
# Cells from the eye to the edge.
MOST_CELLS = 1_000
# Rays lie at most half a cell apart at the edge, and are looked along in half cells.
PARTS = 2
_RAYS = 512
# Slopes that differ by less are the same.
_SAME = 1e-9


@dataclass(frozen=True)
class Surface:
    """A square grid of cells around an eye, the first row in the north; `solid` is the row of the solid in a cell, -1 without.

    `ground` and `top` are elevations at the middles of cells in metres, NaN where the ground is not known; the top is the roof
    where a solid stands.
    """

    x: float
    y: float
    cell_m: float
    ground: Floats
    top: Floats
    solid: NDArray[np.int64]

    @property
    def reach(self) -> int:
        """Return how many cells lie between the middle one and the edge."""
        return len(self.top) // 2

    @property
    def transform(self) -> Affine:
        """Return the affine transformation from cells to the projected CRS."""
        half = (self.reach + 0.5) * self.cell_m
        return Affine(self.cell_m, 0, self.x - half, 0, -self.cell_m, self.y + half)

    def offsets(self) -> tuple[Floats, Floats]:
        """Return metres east and north from the eye to the middles of cells."""
        steps = np.arange(-self.reach, self.reach + 1) * self.cell_m
        return steps[None, :], -steps[:, None]


@dataclass(frozen=True)
class Viewshed:
    """Masks of a surface's cells: which were looked at, and which of these are seen; and the rows of the solids of which
    something is seen."""

    looked: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    solids: NDArray[np.int64]


def surface(x: float, y: float, radius_m: float, cell_m: float, solids: Solids, ground: Ground) -> Surface:
    """Make the surface around a place: ground and roofs at the middles of cells.

    A solid takes the cells whose middle it holds, and at least the one that a point of it is in; of two the higher. A roof is as high in a
    cell as over its middle.
    """
    reach = math.ceil(radius_m / cell_m)
    steps = np.arange(-reach, reach + 1) * cell_m
    heights = ground.heights(x + steps[None, :], y - steps[:, None])
    empty = Surface(x, y, cell_m, heights, heights, np.full(heights.shape, -1))
    if not len(solids):
        return empty
    prisms = solids.prisms
    order = prisms[np.argsort(solids.top[prisms], kind="stable")]
    # Burnt in the order of their tops, so that the highest stays; numbers begin at 1 since 0 is no solid.
    burnt = np.zeros(heights.shape, dtype=np.int32)
    if len(order):
        rasterize([(solids.shapes[row], n + 1) for n, row in enumerate(order)], out=burnt, transform=empty.transform)
    row, col, n = _cells_in(empty, solids.shapes[order])
    np.maximum.at(burnt, (row, col), n + 1)
    solid = np.where(burnt > 0, order[burnt - 1], -1) if len(order) else np.full(heights.shape, -1)
    roof = np.where(solid >= 0, solids.top[solid], -np.inf)
    _burn_roofs(empty, solids, roof, solid)
    return Surface(x, y, cell_m, heights, np.where(roof > -np.inf, np.fmax(heights, roof), heights), solid)


def _cells_in(over: Surface, shapes: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the cells of a surface that a point of each shape is in: rows, columns, and the numbers of the shapes."""
    inner = shapely.get_coordinates(shapely.point_on_surface(shapes)).reshape(-1, 2)
    col = np.floor((inner[:, 0] - over.transform.c) / over.cell_m).astype(int)
    row = np.floor((over.transform.f - inner[:, 1]) / over.cell_m).astype(int)
    (there,) = np.nonzero((col >= 0) & (row >= 0) & (col < over.top.shape[1]) & (row < over.top.shape[0]))
    return row[there], col[there], there


def _burn_roofs(over: Surface, solids: Solids, roof: Floats, solid: NDArray[np.int64]) -> None:
    """Put roofs into cells where they are higher than what is there: facets one by one, over the middles of the cells of their boxes."""
    facets, size = solids.roofs.facets, over.top.shape[0]
    if not len(solids.roofs):
        return
    box = shapely.bounds(facets.plan)
    first = np.ceil((np.column_stack([box[:, 0] - over.transform.c, over.transform.f - box[:, 3]])) / over.cell_m - 0.5).astype(int)
    last = np.floor((np.column_stack([box[:, 2] - over.transform.c, over.transform.f - box[:, 1]])) / over.cell_m - 0.5).astype(int)
    first, last = np.maximum(first, 0), np.minimum(last, size - 1)
    shapely.prepare(facets.plan)
    for n in np.flatnonzero((last >= first).all(axis=1)):
        rows, cols = np.arange(first[n, 1], last[n, 1] + 1), np.arange(first[n, 0], last[n, 0] + 1)
        x, y = np.meshgrid(over.transform.c + (cols + 0.5) * over.cell_m, over.transform.f - (rows + 0.5) * over.cell_m)
        z = facets.heights(np.full(x.size, n), x.ravel(), y.ravel()).reshape(x.shape)
        here = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
        higher = (z > roof[here]) & shapely.intersects_xy(facets.plan[n], x, y)
        roof[here][higher], solid[here][higher] = z[higher], solids.roofs.row[n]
    missed = np.setdiff1d(solids.roofs.rows, solid)
    row, col, n = _cells_in(over, np.array([solids.outline(each) for each in missed], dtype=object))
    for one, other, each in zip(row, col, missed[n], strict=True):
        if solids.top[each] > roof[one, other]:
            roof[one, other], solid[one, other] = solids.top[each], each


def viewshed(over: Surface, eye_m: float, radius_m: float, drop: float = 0.0, azimuth_deg: float = 0.0, field_deg: float = 360.0,
             lowest_deg: float = -90.0, highest_deg: float = 90.0, target_m: float = 0.0,
             told: Callable[[float], None] = lambda share: None) -> Viewshed:
    """Tell which cells of a surface an eye in its middle sees.

    Method: rays around the eye, at most half a cell apart at the edge, each looked along in steps of half a cell. The steepest slope
    from the eye up to a step is its horizon. A cell is seen where the slope to its top (raised by `target_m`) is no less than the
    horizon of the ray nearest to its middle, before the cell begins. A solid is seen where a step on it is as steep as the horizon
    before. Places at a level distance s are lowered by drop·s². The ground is mixed between middles of cells; roofs are level over
    their cells.

    Parameters
    ----------
    eye_m
        Elevation of the eye, metres.
    azimuth_deg, field_deg
        Middle and width of the horizontal field, degrees clockwise from the grid's north.
    lowest_deg, highest_deg
        Vertical field, degrees over the level.
    told
        Is told the share that is done.
    """
    east, north = over.offsets()
    distance = np.hypot(east, north)
    bearing = np.degrees(np.arctan2(east, north)) % 360
    slope = np.divide(over.top + target_m - eye_m - drop * distance**2, distance, out=np.full(distance.shape, -np.inf), where=distance > 0)
    height = np.degrees(np.arctan(slope))
    looked = (distance <= radius_m) & np.isfinite(over.top)
    if field_deg < 360:
        looked &= np.abs((bearing - azimuth_deg + 180) % 360 - 180) <= field_deg / 2
    own = distance == 0
    looked &= own | ((height >= lowest_deg) & (height <= highest_deg))
    seen = looked & own
    count = max(8, math.ceil(2 * math.pi * over.reach * PARTS))
    step = over.cell_m / PARTS
    steps = np.arange(1, math.ceil(radius_m / step) + 1) * step
    # Each cell asks one ray, at the last step before the cell begins.
    ray = np.round(bearing / 360 * count).astype(int) % count
    way = np.maximum(np.abs(east), np.abs(north)) / np.where(own, 1, distance)
    before = np.floor((distance - over.cell_m / 2 / np.where(own, 1, way)) / step + 1e-9).astype(int) - 1
    steepest, flattest = (math.tan(math.radians(limit)) if abs(limit) < 90 else math.copysign(math.inf, limit) for limit in (highest_deg, lowest_deg))
    rows: set[int] = set()
    cells = np.flatnonzero(looked & ~own)
    cells = cells[np.argsort(ray.ravel()[cells], kind="stable")]
    rays = ray.ravel()[cells]
    for begin in range(0, count, _RAYS):
        some = cells[np.searchsorted(rays, begin):np.searchsorted(rays, begin + _RAYS)]
        if len(some):
            chosen, at = np.unique(ray.ravel()[some], return_inverse=True)
            slopes, on = _along(over, chosen * (2 * math.pi / count), steps, eye_m, drop)
            horizon = np.maximum.accumulate(slopes, axis=1)
            earlier = np.concatenate([np.full((len(slopes), 1), -np.inf), horizon[:, :-1]], axis=1)
            met = (on >= 0) & (slopes >= earlier - _SAME) & (slopes >= flattest) & (earlier <= steepest) & (steps <= radius_m)
            rows.update(np.unique(on[met]).tolist())
            back = before.ravel()[some]
            highest = np.where(back >= 0, horizon[at, np.maximum(back, 0)], -np.inf)
            seen.ravel()[some] = slope.ravel()[some] >= highest - _SAME
        told(min(1.0, (begin + _RAYS) / count))
    return Viewshed(looked, seen, np.array(sorted(rows), dtype=np.int64))


def _along(over: Surface, turn: Floats, steps: Floats, eye_m: float, drop: float) -> tuple[Floats, NDArray[np.int64]]:
    """Return the slope from the eye to each step (columns) of each ray (rows), and the solid there."""
    col = over.reach + np.sin(turn)[:, None] * (steps / over.cell_m)
    row = over.reach - np.cos(turn)[:, None] * (steps / over.cell_m)
    heights = _mixed(over.ground, col, row)
    last = len(over.top) - 1
    cell = np.clip(np.rint(row), 0, last).astype(int), np.clip(np.rint(col), 0, last).astype(int)
    on = over.solid[cell]
    heights = np.where(on >= 0, over.top[cell], heights)
    slopes = (heights - eye_m - drop * steps**2) / steps
    return np.nan_to_num(slopes, nan=-np.inf, neginf=-np.inf), on


def _mixed(grid: Floats, col: Floats, row: Floats) -> Floats:
    last = len(grid) - 1
    c0, r0 = (np.clip(np.floor(v), 0, max(last - 1, 0)).astype(int) for v in (col, row))
    u, v = np.clip(col - c0, 0, 1), np.clip(row - r0, 0, 1)
    c1, r1 = np.minimum(c0 + 1, last), np.minimum(r0 + 1, last)
    found: Floats = (grid[r0, c0] * (1 - u) + grid[r0, c1] * u) * (1 - v) + (grid[r1, c0] * (1 - u) + grid[r1, c1] * u) * v
    return found


def surfaces_of(over: Surface, mask: NDArray[np.bool_]) -> shapely.MultiPolygon:
    """Return the surface of the cells of a mask, in the projected CRS."""
    found = [shape(geometry) for geometry, value in shapes(mask.astype(np.uint8), mask=mask, transform=over.transform) if value]
    return shapely.MultiPolygon(found)
