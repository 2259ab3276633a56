"""Rows that are counted from the south, as TMS and KML have them: of any grid, and for the same tiles."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil, gcd, lcm

from tiles.grid import Grid, UnknownTile

__all__ = ["southern_edge", "southern_rows"]

# An edge that lies further off than so many times the grid's own depth is of no use to anybody.
FURTHEST = 1_000


@lru_cache(maxsize=64)
def southern_rows(grid: Grid) -> tuple[int, ...]:
    """Return how many rows each level has from the northern edge down to the one from which all of them are counted.

    Where the levels of a grid end at different places that is the nearest edge below them which is one of tiles on every level;
    rows between are numbered, and have no tiles. Raises UnknownTile where there is none, since the levels do not fit each other.
    """
    depths = [grid.size(z) * level.rows for z, level in enumerate(grid.levels)]
    if max(depths) - min(depths) <= 1e-9 * max(depths):
        return tuple([level.rows for level in grid.levels])
    # As they were written: 0.14 is 7/50 here.
    sides = [Fraction(repr(level.cell)) * grid.tile_px for level in grid.levels]
    common = Fraction(lcm(*(side.numerator for side in sides)), gcd(*(side.denominator for side in sides)))
    depth = common * ceil(Fraction(repr(max(depths))) / common - Fraction(1, 10**9))
    if depth > FURTHEST * Fraction(repr(max(depths))):
        raise UnknownTile(f"The levels of the grid {grid.id} have no common southern edge, which TMS counts from; use WMTS.",
                          f"格网 {grid.id} 各级没有公共的南边界，TMS 无法计行号，请使用 WMTS。")
    return tuple([int(depth / side) for side in sides])


def southern_edge(grid: Grid) -> float:
    """Return where rows are counted from: a northing of the grid's CRS. Raises UnknownTile as `southern_rows` does."""
    return grid.origin[1] - southern_rows(grid)[0] * grid.size(0)
