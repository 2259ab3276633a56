"""A map as a page of vectors: lines and letters stay sharp at any size, and a metre is as long as the scale says."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

from layers.query import ItemQuery
from layers.store import Store
from tiles.map_view import MapView
from tiles.mapnik_source import laid_out

__all__ = ["MOST_ON_A_PAGE", "POINT_MM", "Page", "draw_page", "view_of"]

POINT_MM = 25.4 / 72
# The style's pixels are those of a screen of 96 to the inch; a page has 72 points.
_RATIO = 72 / 96
MOST_ON_A_PAGE = 400_000


class Page(NamedTuple):
    """A drawn page (PDF, one page) and its size in points; at the scale asked for, it is at least as large as was asked for."""

    body: bytes
    width_pt: int
    height_pt: int


def view_of(center: tuple[float, float], srid: int, scale: float, width_mm: float, height_mm: float) -> MapView:
    """Return the view that holds a piece of paper at a scale, in whole points.

    Parameters
    ----------
    center
        In the projected CRS `srid`, x east first, metres.
    scale
        The N of 1:N.
    """
    width, height = (ceil(mm / POINT_MM) for mm in (width_mm, height_mm))
    dx, dy = (points * POINT_MM / 1000 * scale / 2 for points in (width, height))
    x, y = center
    return MapView((x - dx, y - dy, x + dx, y + dy), srid, width, height, _RATIO)


def draw_page(store: Store, queries: Sequence[ItemQuery], view: MapView, language: str = "zh", background: str | None = "#ffffff") -> Page:
    """Draw layers, the first one lowest, as vectors; `view` as `view_of` gives it. Raises what drawing a picture raises.

    Without `background` (a colour #rrggbb) what lies under the page shows through.
    """
    import mapnik

    with laid_out(store, queries, view, language, background, MOST_ON_A_PAGE) as drawn, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.pdf"
        mapnik.render_to_file(drawn, str(path), "pdf", view.ratio)
        return Page(path.read_bytes(), view.width, view.height)
