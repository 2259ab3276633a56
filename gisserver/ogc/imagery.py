"""Map tiles of coverages (OGC API Maps and Tiles): imagery in any bands and stretch, elevation as the shade of its hills."""

from __future__ import annotations

from gisserver.errors import NotAcceptable
from gisserver.ogc.coverage_tiles import Drawing, height_field
from gisserver.parameters import integer, number
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.layer import Layer
from tiles.coverages import Rasters
from tiles.grid import TileAddress
from tiles.imagery import MEDIA_TYPES, Look, encode, picture
from tiles.terrain import TILE_PX, hillshade

__all__ = ["FORMATS", "asked_format", "map_tile"]

FORMATS = tuple(MEDIA_TYPES)
MOST_BANDS = 32
LARGEST = 1e12


def map_tile(request: Request, layer: Layer) -> Drawing:
    """Read how a map tile is to be drawn: `bands` and `rescale` of imagery, `azimuth` and `altitude` of the light on elevation."""
    form, by_accept = asked_format(request)
    if (layer.coverage or {}).get("kind") == "elevation":
        p = request.parameters
        azimuth, altitude = p.take_integer("azimuth", 315, 0, 360), p.take_integer("altitude", 45, 1, 90)

        def shade(rasters: Rasters, tile: TileAddress) -> tuple[bytes, str]:
            drawn = hillshade(height_field(layer, rasters), tile.envelope, tile.grid.srid, TILE_PX, azimuth, altitude)
            return (b"", "image/png") if drawn is None else encode(drawn, form)

        return Drawing(f"shade {form} {azimuth} {altitude}", shade, by_accept)
    look = _look(request, layer)

    def draw(rasters: Rasters, tile: TileAddress) -> tuple[bytes, str]:
        drawn = picture(rasters, tile.envelope, tile.grid.srid, TILE_PX, TILE_PX, look)
        return (b"", "image/png") if drawn is None else encode(drawn, form)

    return Drawing(f"picture {form} {look.bands} {look.rescale}", draw, by_accept)


def asked_format(request: Request) -> tuple[str | None, bool]:
    """Return the format that `f`, or else the header Accept, asks for (None: JPEG where all is opaque, else PNG), and whether Accept decides.

    Raises NotAcceptable where Accept takes no picture.
    """
    form = request.parameters.take_choice("f", FORMATS)
    accept = (request.header("accept") or "").lower()
    if form is not None or not accept or accept == "*/*":
        return form, form is None
    kinds = {part.partition(";")[0].strip() for part in accept.split(",") if not part.replace(" ", "").endswith((";q=0", ";q=0.0"))}
    # Of what a browser takes, WebP is the smallest and knows opacity.
    chosen = next((name for name in ("webp", "png", "jpeg") if MEDIA_TYPES[name] in kinds), None)
    if chosen is None and not kinds & {"*/*", "image/*"}:
        raise NotAcceptable(f"Offered are: {', '.join(MEDIA_TYPES.values())}.")
    return (None if {"image/png", "image/jpeg"} <= kinds and chosen != "webp" else chosen), True


def _look(request: Request, layer: Layer) -> Look:
    p = request.parameters
    own = tuple(int(n) for n in (layer.coverage or {}).get("bands") or ())
    bands = p.take_as("bands", _bands) or own
    return Look(bands, p.take_as("rescale", lambda text: _rescale(text, len(bands))) or ())


def _bands(text: str) -> tuple[int, ...]:
    numbers = tuple(integer("bands", part.strip()) for part in text.split(","))
    if len(numbers) not in (1, 3):
        raise WrongParameter("bands", "kind", value="1 or 3 numbers: red, green and blue, or one for grey")
    for n in numbers:
        if not 1 <= n <= MOST_BANDS:
            raise WrongParameter("bands", "range", value=n, low=1, high=MOST_BANDS)
    return numbers


def _rescale(text: str, bands: int) -> tuple[tuple[float, float], ...]:
    numbers = [number("rescale", part.strip()) for part in text.split(",")]
    if len(numbers) not in (2, 2 * bands):
        raise WrongParameter("rescale", "kind", value="min,max, or such a pair for each band")
    for value in numbers:
        if abs(value) > LARGEST:
            raise WrongParameter("rescale", "range", value=value, low=-LARGEST, high=LARGEST)
    pairs = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    if any(low >= high for low, high in pairs):
        raise WrongParameter("rescale", "bbox_order")
    return pairs
