"""Imagery on paper: what lies in the frame, in the city's projected grid, as fine as paper and memory allow."""

from __future__ import annotations

import io
from math import floor, sqrt

import numpy as np
from PIL import Image

from gisserver.sheets.page import SheetPage
from gisserver.sheets.sheet import Photo
from tiles.coverages import Rasters
from tiles.imagery import Look, picture

__all__ = ["photo_of", "years_of"]

BEST_DPI, MOST_PIXELS = 200, 16_000_000
QUALITY = 88


def photo_of(rasters: Rasters, look: Look, page: SheetPage, srid: int) -> Photo | None:
    """Return the picture of a page's frame; None where no imagery is there."""
    width_in, height_in = page.paper.width / 25.4, page.paper.height / 25.4
    dpi = min(BEST_DPI, sqrt(MOST_PIXELS / (width_in * height_in)))
    width, height = floor(width_in * dpi), floor(height_in * dpi)
    shown = picture(rasters, page.box, srid, width, height, look)
    if shown is None:
        return None
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown[..., :3])).save(out, "JPEG", quality=QUALITY, subsampling=0)
    is_opaque = bool((shown[..., 3] == 255).all())
    return Photo(out.getvalue(), width, height, None if is_opaque else shown[..., 3].tobytes())


def years_of(rasters: Rasters, page: SheetPage, around: tuple[float, float, float, float]) -> str:
    """Return from when the pictures are that meet a page (`around` in CRS84), and whose they are: the years in which they stand for the city."""
    found = []
    for raster in rasters.files:
        if not raster.meets(around):
            continue
        begin, end = raster.valid
        years = "" if begin is None and end is None else f"{begin.year if begin else '…'}–{end.year if end else '…'}"
        found.append(" ".join(part for part in (years, raster.attribution or "") if part))
    return "、".join(dict.fromkeys(part for part in found if part))
