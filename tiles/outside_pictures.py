"""Pictures that others sent: looked at before they are handed on, put together and brought into Web Mercator where they are in another CRS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_bounds
from rasterio.warp import Resampling, reproject

from tiles.grid import Envelope

__all__ = ["EMPTY", "NoPicture", "Piece", "Seen", "brought_to", "look_at", "warped"]

# What a file begins with says what it is, whatever its sender calls it. SVG, HTML and anything else with a script in it is none of these.
_MAGIC: tuple[tuple[bytes, str], ...] = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF87a", "GIF"), (b"GIF89a", "GIF"), (b"RIFF", "WEBP"))
_KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
MOST_SIDE_PX = 4096
# What is put together here is held unpacked.
MOST_MOSAIC_PX, MOST_PIECE_PX = 4 * 2**20, 2 * 2**20


class NoPicture(Exception):
    """These bytes are no picture that a map can show."""


@dataclass(frozen=True)
class Seen:
    """A picture that was looked at: its media type and size in pixels."""

    kind: str
    width: int
    height: int


@dataclass(frozen=True)
class Piece:
    """A picture and the box it shows, in the CRS of its source, x east first."""

    body: bytes
    box: Envelope


def look_at(body: bytes) -> Seen:
    """Find out what picture some bytes are, by what they hold. Raises NoPicture, also where it has more than MOST_SIDE_PX on a side."""
    form = next((form for magic, form in _MAGIC if body.startswith(magic)), None)
    if form is None or (form == "WEBP" and body[8:12] != b"WEBP"):
        raise NoPicture("it is neither PNG, JPEG, GIF nor WebP")
    try:
        with Image.open(BytesIO(body), formats=(form,)) as picture:
            width, height = picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NoPicture("it cannot be read as a picture") from None
    if not (0 < width <= MOST_SIDE_PX and 0 < height <= MOST_SIDE_PX):
        raise NoPicture(f"it has {width} by {height} pixels")
    return Seen(_KINDS[form], width, height)


def warped(pieces: Sequence[Piece], srid: int, box: Envelope, side_px: int) -> bytes:
    """Put pieces of one raster together and return the picture of a box in EPSG:3857, as PNG with transparency.

    Parameters
    ----------
    pieces
        With cells of one size; none gives an empty picture.
    srid
        CRS of the pieces' boxes.
    box, side_px
        What is wanted: a square of the Web Mercator plane (metres), on so many pixels a side.

    Raises NoPicture where a piece cannot be read, or all together are too many pixels.
    """
    if not pieces:
        return EMPTY
    seen = look_at(pieces[0].body)
    first = pieces[0].box
    cell_x, cell_y = (first[2] - first[0]) / seen.width, (first[3] - first[1]) / seen.height
    west, south = min(p.box[0] for p in pieces), min(p.box[1] for p in pieces)
    east, north = max(p.box[2] for p in pieces), max(p.box[3] for p in pieces)
    width, height = round((east - west) / cell_x), round((north - south) / cell_y)
    if width * height > MOST_MOSAIC_PX:
        raise NoPicture(f"it would take {width} by {height} pixels of the source")
    whole = np.zeros((height, width, 4), np.float32)
    for piece in pieces:
        seen = look_at(piece.body)
        if seen.width * seen.height > MOST_PIECE_PX:
            raise NoPicture(f"a piece has {seen.width} by {seen.height} pixels")
        left, top = round((piece.box[0] - west) / cell_x), round((north - piece.box[3]) / cell_y)
        room = whole[top:top + round((piece.box[3] - piece.box[1]) / cell_y), left:left + round((piece.box[2] - piece.box[0]) / cell_x)]
        room[:] = _pixels(piece.body, room.shape[1], room.shape[0])
    # Colours count as much as they cover: what is transparent has none that could bleed into its neighbours.
    whole[..., :3] *= whole[..., 3:] / 255
    made = np.zeros((4, side_px, side_px), np.float32)
    reproject(np.moveaxis(whole, 2, 0), made, src_transform=from_bounds(west, south, east, north, width, height), src_crs=f"EPSG:{srid}",
              dst_transform=from_bounds(*box, side_px, side_px), dst_crs="EPSG:3857", resampling=Resampling.bilinear)
    cover = np.maximum(made[3:], 1e-6) / 255
    made[:3] = np.where(made[3:] > 0, made[:3] / cover, 0)
    return _png(np.moveaxis(np.clip(np.rint(made), 0, 255).astype(np.uint8), 0, 2))


def brought_to(pixels: NDArray[np.uint8], ground: Envelope, srid: int, box: Envelope, width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture of the Web Mercator plane as it lies in another CRS, as four bands (red, green, blue, cover).

    Parameters
    ----------
    pixels
        Rows from the north, columns from the west, four bytes each; colours count as much as they cover.
    ground
        What they show: minx, miny, maxx, maxy in metres of EPSG:3857.
    srid, box, width, height
        The CRS that is wanted, the rectangle in it (x east), and its size in pixels. Outside of `ground` nothing is covered.
    """
    made = np.zeros((4, height, width), np.uint8)
    reproject(np.moveaxis(pixels, 2, 0), made, src_transform=from_bounds(*ground, pixels.shape[1], pixels.shape[0]), src_crs="EPSG:3857",
              dst_transform=from_bounds(*box, width, height), dst_crs=f"EPSG:{srid}", resampling=Resampling.bilinear)
    return made


def _pixels(body: bytes, width: int, height: int) -> np.ndarray:
    try:
        with Image.open(BytesIO(body)) as picture:
            plain = picture.convert("RGBA")
            return np.asarray(plain if plain.size == (width, height) else plain.resize((width, height)), np.float32)
    except (OSError, SyntaxError, ValueError):
        raise NoPicture("it cannot be read as a picture") from None


def _png(pixels: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=4)
    return out.getvalue()


EMPTY = _png(np.zeros((1, 1, 4), np.uint8))
