"""A map as a page of vectors: lines and letters stay sharp at any size, and a metre is as long as the scale says."""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from layers.query import ItemQuery
from layers.store import Store
from tiles.map_view import MapView
from tiles.mapnik_source import laid_out

if TYPE_CHECKING:
    import mapnik

__all__ = ["MOST_ON_A_PAGE", "POINT_MM", "Page", "draw_page", "draw_strata", "view_of"]

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


def draw_strata(store: Store, queries: Sequence[ItemQuery], view: MapView, language: str, after: Sequence[str]) -> list[Page]:
    """Draw layers as several pages that lie one upon the other, so that something can be laid between: grounds, parted after each of the
    layers named, and the letters of all of them last. The pages are transparent; everything is read once.

    Raises what drawing a picture raises.
    """
    import mapnik

    ranks = {query.layer.id: n for n, query in enumerate(queries)}
    cuts = sorted({ranks[layer_id] for layer_id in after})
    pages: list[Page] = []
    with laid_out(store, queries, view, language, None, MOST_ON_A_PAGE) as drawn, tempfile.TemporaryDirectory() as folder:
        names = [drawn.layers[n].name for n in range(len(drawn.layers))]
        strata = [len(cuts) + 1 if name.endswith(".label") else bisect_left(cuts, ranks[name.removesuffix(".cells")]) for name in names]
        try:
            for number in range(len(cuts) + 2):
                _show(drawn, [stratum == number for stratum in strata])
                path = Path(folder) / f"{number}.pdf"
                mapnik.render_to_file(drawn, str(path), "pdf", view.ratio)
                pages.append(Page(path.read_bytes(), view.width, view.height))
        finally:
            # The map is used again.
            _show(drawn, [True] * len(names))
    return pages


def _show(drawn: mapnik.Map, wanted: Sequence[bool]) -> None:
    for n, is_shown in enumerate(wanted):
        # By value: a layer that is taken from the list is a copy until it is put back.
        layer = drawn.layers[n]
        layer.active = is_shown
        drawn.layers[n] = layer
