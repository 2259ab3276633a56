"""The form that a layer's features take in 3D, and from how far away each is seen."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from layers.access import Audience
from layers.layer import Layer

__all__ = ["ROOT_ZOOM", "Band", "Form", "form_of"]

# The level of cells that have a tileset of their own.
ROOT_ZOOM = 11
# What CJJ 61 records of a line at its two ends, and of its section.
TUBE_FIELDS = ("start_elevation_m", "end_elevation_m")


@dataclass(frozen=True)
class Band:
    """The features of one size: on which level of cells they are, sizes [low, high), and the error of leaving smaller ones out.

    The error (metres) is what clients hold against the distance: they go on to the next level where it would be seen.
    """

    zoom: int
    low: float
    high: float
    error_m: float

    def filter(self, field: str) -> dict[str, Any]:
        """Return the CQL2 condition of the band. What has no size is with the smallest."""
        size = {"property": field}
        above = [{"op": ">=", "args": [size, self.low]}] if self.low > -inf else []
        below = [{"op": "<", "args": [size, self.high]}] if self.high < inf else []
        both = above + below
        found = both[0] if len(both) == 1 else {"op": "and", "args": both}
        return found if above else {"op": "or", "args": [found, {"op": "isNull", "args": [size]}]}


@dataclass(frozen=True)
class Form:
    """Prisms raised by a field of height, or tubes along lines; `size` is the field that bands are cut by."""

    kind: Literal["prism", "tube"]
    size: str
    bands: tuple[Band, ...]
    # How far features may reach above and below what the layer's own fields say (basements; the pipe's radius).
    above_m: float
    below_m: float


_PRISM = (Band(12, 100, inf, 220), Band(13, 55, 100, 130), Band(14, 18, 55, 60), Band(15, -inf, 18, 0))
_TUBE = (Band(13, 600, inf, 40), Band(14, 300, 600, 20), Band(15, -inf, 300, 0))


def form_of(layer: Layer, audience: Audience) -> Form | None:
    """Return the form of a layer as an audience sees it: areas whose symbology is extruded by a field that it may read, lines
    with an elevation at both ends; None for all others."""
    visible = {f.name for f in audience.fields(layer)}
    extrude = layer.symbology.extrude if layer.symbology else None
    if layer.geometry in ("Polygon", "MultiPolygon") and extrude in visible and extrude is not None:
        return Form("prism", extrude, _PRISM, above_m=1, below_m=40 if "floors_below" in layer.by_name else 1)
    if layer.geometry == "LineString" and visible.issuperset(TUBE_FIELDS) and "size_mm" in visible:
        return Form("tube", "size_mm", _TUBE, above_m=8, below_m=8)
    return None
