"""One page of a sheet: its paper, where the middle of its map is, and where on it a place lies."""

from __future__ import annotations

import re
from dataclasses import dataclass

import shapely

from gisserver.sheets.paper import Paper

__all__ = ["UNWRITTEN", "SheetPage", "rgb"]

# What a font cannot write has no place on paper.
UNWRITTEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True)
class SheetPage:
    """One page: where the middle of its map is (metres of the projected CRS, x east) and how long a metre is.

    `marked` is drawn in red over the map, in the same CRS. `number` is which page of how many it is.
    """

    paper: Paper
    center: tuple[float, float]
    scale: float
    title: str
    marked: tuple[shapely.Geometry, ...] = ()
    number: tuple[int, int] = (1, 1)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return what of the ground is on the map: minx, miny, maxx, maxy in metres of the projected CRS."""
        (x, y), dx, dy = self.center, self.paper.width / 2000 * self.scale, self.paper.height / 2000 * self.scale
        return x - dx, y - dy, x + dx, y + dy

    def on_paper(self, x: float, y: float) -> tuple[float, float]:
        """Return where on the sheet a place is, in mm from the upper left corner."""
        p, mm = self.paper, 1000 / self.scale
        return (p.left + p.width / 2 + (x - self.center[0]) * mm, p.top + p.height / 2 - (y - self.center[1]) * mm)


def rgb(color: str) -> tuple[int, int, int]:
    """Return the three numbers of a colour #rgb or #rrggbb."""
    text = color.lstrip("#")
    text = "".join(c * 2 for c in text) if len(text) == 3 else text
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)
