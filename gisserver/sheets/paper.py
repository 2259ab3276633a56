"""Sizes of sheets, and where on a sheet the map is."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

__all__ = ["PAPERS", "Orientation", "Paper", "paper_of"]

Orientation = Literal["portrait", "landscape"]
PAPERS: dict[str, tuple[float, float]] = {"A4": (210, 297), "A3": (297, 420), "A2": (420, 594), "A1": (594, 841), "A0": (841, 1189)}
_MARGIN_MM, _EDGE_MM, _TITLE_MM, _BAND_MM = 8.0, 5.0, 13.0, 40.0


@dataclass(frozen=True)
class Paper:
    """A sheet in mm, y down from its upper edge. `factor` is how much larger its letters are than those of A4.

    The frame of the map is (`left`, `top`, `width`, `height`); below it is the band of legend, scale and seal.
    """

    name: str
    orientation: Orientation
    width_mm: float
    height_mm: float

    @property
    def factor(self) -> float:
        # A large sheet is read from further away, but not as far as it is large.
        return sqrt(sqrt(self.width_mm * self.height_mm / (210 * 297)))

    @property
    def left(self) -> float:
        return (_MARGIN_MM + _EDGE_MM) * self.factor

    @property
    def top(self) -> float:
        return (_MARGIN_MM + _TITLE_MM + _EDGE_MM) * self.factor

    @property
    def band(self) -> float:
        """Return where the band below the map begins."""
        return self.height_mm - (_MARGIN_MM + _BAND_MM) * self.factor

    @property
    def width(self) -> float:
        return self.width_mm - 2 * self.left

    @property
    def height(self) -> float:
        return self.band - _EDGE_MM * self.factor - self.top

    @property
    def margin(self) -> float:
        return _MARGIN_MM * self.factor

    @property
    def edge(self) -> float:
        """Return the width of the strip around the map in which coordinates are written."""
        return _EDGE_MM * self.factor


def paper_of(name: str, orientation: Orientation) -> Paper:
    """Return a sheet by its name, one of PAPERS."""
    short, long = PAPERS[name]
    return Paper(name, orientation, *((long, short) if orientation == "landscape" else (short, long)))
