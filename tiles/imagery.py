"""Imagery: a rectangle of a coverage as a picture, in any grid, of any bands, with what has no value left transparent."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.io import DatasetReader
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT

from layers.crs import transformer
from layers.errors import InvalidParameter
from tiles.coverages import Raster, Rasters, open_for

__all__ = ["MEDIA_TYPES", "Look", "encode", "picture"]

Box = tuple[float, float, float, float]
MEDIA_TYPES = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}
# Quality of what loses something; at 85 roofs keep their edges.
QUALITY = 85


@dataclass(frozen=True)
class Look:
    """How a picture is made: which bands (counted from 1; one is grey, three are red, green and blue) and between which
    values it is stretched: one pair for all bands or one for each. Without bands those of the layer, else the first three
    (or the only one); without pairs bytes as they are, other numbers between the percentiles of their file."""

    bands: tuple[int, ...] = ()
    rescale: tuple[tuple[float, float], ...] = ()


def picture(rasters: Rasters, box: Box, srid: int, width: int, height: int, look: Look) -> np.ndarray | None:
    """Draw a rectangle, in EPSG `srid`, as an array of (height, width, 4) bytes: red, green, blue, opacity.

    Rasters lie one upon the other, the topmost first. None where nothing is shown. Raises InvalidParameter for a band that no
    raster has.
    """
    shown: np.ndarray | None = None
    pixel = (box[2] - box[0]) / width
    around = transformer(srid, 4326).transform_bounds(*box)
    for raster in rasters.files:
        if max(look.bands, default=1) > len(raster.bands):
            raise InvalidParameter("bands", f"there are bands 1 to {len(raster.bands)}", f"波段为 1 至 {len(raster.bands)}")
        if not raster.meets(around):
            continue
        with open_for(raster, srid, pixel) as source:
            drawn = _drawn(source, raster, box, srid, (width, height), look)
        if shown is None:
            shown = drawn
        else:
            below = shown[..., 3] == 0
            shown[below] = drawn[below]
        if shown[..., 3].all():
            break
    return shown if shown is not None and shown[..., 3].any() else None


def _drawn(source: DatasetReader, raster: Raster, box: Box, srid: int, size: tuple[int, int], look: Look) -> np.ndarray:
    colours = [n for n, kind in zip(source.indexes, source.colorinterp, strict=True) if kind != ColorInterp.alpha]
    bands = look.bands or tuple(colours[:3] if len(colours) >= 3 else colours[:1])
    has_alpha = MaskFlags.alpha in source.mask_flag_enums[0] or len(colours) < source.count
    # A cell is empty only where all its bands are: black water is not.
    extra = {"UNIFIED_SRC_NODATA": "YES"} if source.nodata is not None else {}
    with WarpedVRT(source, crs=rasterio.crs.CRS.from_epsg(srid), transform=from_bounds(*box, *size), width=size[0], height=size[1],
                   resampling=Resampling.bilinear, add_alpha=not has_alpha, src_nodata=source.nodata, **extra) as warped:
        cells = warped.read(list(bands))
        opaque = warped.dataset_mask() if has_alpha else warped.read(warped.count)
    if opaque.dtype != np.uint8:
        opaque = np.where(opaque > 0, 255, 0).astype("uint8")
    bad = ~np.isfinite(cells).all(axis=0) if cells.dtype.kind == "f" else None
    out = np.empty((size[1], size[0], 4), dtype="uint8")
    for n, band in enumerate(bands):
        out[..., n] = _stretched(cells[n], raster, band, look.rescale[n if len(look.rescale) > 1 else 0] if look.rescale else None)
    for n in range(len(bands), 3):
        out[..., n] = out[..., 0]
    out[..., 3] = np.where(opaque >= 128, 255, 0)
    if bad is not None:
        out[bad, 3] = 0
    out[out[..., 3] == 0, :3] = 0
    return out


def _stretched(cells: np.ndarray, raster: Raster, band: int, between: tuple[float, float] | None) -> np.ndarray:
    if between is None:
        if cells.dtype == np.uint8:
            return cells
        facts = raster.bands[band - 1]
        between = facts.low, facts.high
    low, high = between
    scale = 255 / (high - low) if high > low else 0.0
    return np.clip(np.nan_to_num((cells.astype("float64") - low) * scale), 0, 255).round().astype("uint8")


def encode(pixels: np.ndarray, form: str | None = None) -> tuple[bytes, str]:
    """Write a picture as `png`, `webp` or `jpeg`; without a form JPEG where all of it is opaque, else PNG. Returns (bytes, media type).

    JPEG knows no opacity: what is transparent becomes white.
    """
    opaque = bool((pixels[..., 3] == 255).all())
    form = form or ("jpeg" if opaque else "png")
    to = io.BytesIO()
    if form == "jpeg":
        solid = pixels[..., :3] if opaque else np.where(pixels[..., 3:] == 0, 255, pixels[..., :3]).astype("uint8")
        Image.fromarray(np.ascontiguousarray(solid)).save(to, "JPEG", quality=QUALITY)
    elif form == "webp":
        Image.fromarray(np.ascontiguousarray(pixels[..., :3]) if opaque else pixels).save(to, "WEBP", quality=QUALITY, method=2)
    else:
        Image.fromarray(np.ascontiguousarray(pixels[..., :3]) if opaque else pixels).save(to, "PNG", compress_level=3)
    return to.getvalue(), MEDIA_TYPES[form]
