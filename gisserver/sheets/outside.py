"""Layers of services of others on paper: fetched through the same guard as for the screen, brought into the city's grid at true scale.

What did not come is said on the sheet; a sheet never waits longer for others than LONGEST_S for each layer and page.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from math import floor, isfinite, log2, sqrt
from time import monotonic

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image
from shapely import ops

from gisserver.outside.asking import Outside
from gisserver.outside.drawing import LAST_LEVEL, NothingToAsk, features, is_pictured, tile
from gisserver.outside.faults import HostNotAllowed, OutsideBusy, OutsideFailed, explained
from gisserver.outside.offered import MERCATOR_M
from gisserver.sheets.page import UNWRITTEN, SheetPage
from gisserver.sheets.sheet import Photo, Stratum
from layers.crs import transformer
from layers.errors import StoreError
from layers.outside import OutsideLayer
from tiles.colored_page import ColoredClass, Kind, Shape, draw_colored
from tiles.map_view import MapView
from tiles.outside_pictures import brought_to

__all__ = ["OUTSIDE_WORDS", "Brought", "OutsideSheet"]

OUTSIDE_WORDS = {
    "zh": {"whole": "外部图层 {title} © {owner}", "partly": "外部图层 {title} © {owner}：缺 {missing} / {count} 块，{reason}", "none": "外部图层 {title} 未绘出：{reason}",
           "few": "外部图层 {title} © {owner}：只含前 {count} 个要素", "shown": "外部图层 {title} © {owner}：图幅范围内没有内容"},
    "en": {"whole": "Layer of others: {title} © {owner}", "partly": "Layer of others: {title} © {owner}; {missing} of {count} pieces are missing: {reason}",
           "none": "Layer of others not drawn: {title}: {reason}", "few": "Layer of others: {title} © {owner}; the first {count} features only",
           "shown": "Layer of others: {title} © {owner}; nothing of it in the frame"}}
BEST_DPI, MOST_PIXELS = 150, 6_000_000
# Pieces of one page: so many of 512 pixels, or four times as many of 256.
MOST_LARGE = 36
# A piece may be finer than asked for; many larger ones at once would take too much room unpacked.
MOST_SIDE_PX = 1024
# Two sheets at once leave room at a host for those who look at the map.
LONGEST_S, AT_ONCE = 30.0, 3
QUALITY, LINE = 90, 76
# As the screen draws features of others.
INK, FILL = "#8a3ffc", 0.25
_FAULTS = (OutsideFailed, OutsideBusy, HostNotAllowed)


@dataclass(frozen=True)
class Brought:
    """What came of a layer for one page: strata from the ground up, and what the sheet says of it."""

    strata: Sequence[Stratum]
    notes: tuple[str, ...]


class OutsideSheet:
    """One layer of a service of others, to be drawn on pages.

    Parameters
    ----------
    outside
        The way out: the list of hosts is asked for every piece.
    opacity
        0 to 1, over what the service draws.

    Raises UnknownOutsideLayer for a name that no layer has.
    """

    def __init__(self, outside: Outside, layer_id: str, opacity: float, language: str) -> None:
        self.outside, self.opacity = outside, opacity
        self.layer: OutsideLayer = outside.layer(layer_id)
        self.language, self.words = language, OUTSIDE_WORDS[language]

    def bring(self, page: SheetPage, view: MapView, srid: int, ends: float) -> Brought:
        """Fetch what lies in the frame of a page and bring it into the page's CRS; `ends` (monotonic, s) is when it has to be there.

        Does not raise where the service fails: what the sheet says of it is in the notes.
        """
        try:
            self.outside.allowed(self.layer.origin)
            if monotonic() >= ends:
                raise explained(self.layer.origin, "slow")
            return self._pictures(page, srid, min(ends, monotonic() + LONGEST_S)) if is_pictured(self.layer) else self._features(page, view, srid)
        except (*_FAULTS, NothingToAsk) as fault:
            return Brought((), self._said("none", reason=self._reason(fault)))

    def _said(self, key: str, **more: object) -> tuple[str, ...]:
        d = self.layer.definition
        owner = d["attribution"] or d["service"] or self.layer.origin
        return _lines(UNWRITTEN.sub(" ", self.words[key].format(title=d["title"], owner=owner, **more)))

    def _reason(self, fault: StoreError) -> str:
        return (fault.chinese or str(fault)) if self.language == "zh" else str(fault)

    # Pictures

    def _pictures(self, page: SheetPage, srid: int, ends: float) -> Brought:
        box = _mercator(page, srid)
        if box is None:
            return Brought((), self._said("shown"))
        zoom, side = _level(page, box, 512 if self.layer.definition["kind"] in ("wms", "map") else 256)
        size = MERCATOR_M * 2 / 2**zoom
        columns = range(floor((box[0] + MERCATOR_M) / size), floor((box[2] + MERCATOR_M) / size) + 1)
        rows = range(floor((MERCATOR_M - box[3]) / size), floor((MERCATOR_M - box[1]) / size) + 1)
        whole = np.zeros((len(rows) * side, len(columns) * side, 4), np.uint8)
        places = [(x, y) for y in rows for x in columns]
        missing, fault = self._fetched(whole, places, zoom, side, ends)
        if missing == len(places):
            return Brought((), self._said("none", reason=self._reason(fault or explained(self.layer.origin, "slow"))))
        notes = self._said("partly", missing=missing, count=len(places), reason=self._reason(fault or explained(self.layer.origin, "slow"))) if missing else self._said("whole")
        if not whole[..., 3].any():
            return Brought((), notes if missing else self._said("shown"))
        ground = (columns[0] * size - MERCATOR_M, MERCATOR_M - (rows[-1] + 1) * size, (columns[-1] + 1) * size - MERCATOR_M, MERCATOR_M - rows[0] * size)
        return Brought([_photo(whole, ground, page, srid, self.opacity)], notes)

    def _fetched(self, whole: NDArray[np.uint8], places: Sequence[tuple[int, int]], zoom: int, side: int, ends: float) -> tuple[int, StoreError | None]:
        """Fill the whole with its pieces; return how many are missing, and what was wrong with the first of these."""
        west, north = places[0]

        def one(place: tuple[int, int]) -> None:
            x, y = place
            body = self._piece(zoom, x, y, ends)
            room = whole[(y - north) * side:(y - north + 1) * side, (x - west) * side:(x - west + 1) * side]
            room[:] = _pixels(body, side, self.layer.origin)

        pool = ThreadPoolExecutor(AT_ONCE, "printed-outside")
        try:
            asked = [pool.submit(one, place) for place in places]
            done, late = wait(asked, max(0.0, ends - monotonic()))
        finally:
            # Who is late is not waited for: his own deadline ends him, and his piece is dropped.
            pool.shutdown(wait=False, cancel_futures=True)
        faults = [error for each in done if not each.cancelled() and (error := each.exception()) is not None]
        if strange := next((error for error in faults if not isinstance(error, _FAULTS)), None):
            raise strange
        return len(faults) + len(late), next((error for error in faults if isinstance(error, StoreError)), None)

    def _piece(self, zoom: int, x: int, y: int, ends: float) -> bytes:
        while monotonic() <= ends:
            try:
                return tile(self.outside, self.layer, zoom, x, y)[0]
            except OutsideBusy:
                # Others wait at the door of this host as well; who is let in was waited for there.
                continue
        raise explained(self.layer.origin, "slow")

    # Features

    def _features(self, page: SheetPage, view: MapView, srid: int) -> Brought:
        west, south, east, north = transformer(srid, 4326).transform_bounds(*page.box)
        if not all(isfinite(each) for each in (west, south, east, north)):
            return Brought((), self._said("shown"))
        found = features(self.outside, self.layer, (west, south, east, north))
        step = transformer(4326, srid).transform
        shapes: dict[Kind, list[Shape]] = {"area": [], "line": [], "point": []}
        for feature in found["features"]:
            for part in shapely.get_parts(_shape(feature)):
                kind: Kind = {0: "point", 1: "line", 2: "area"}[shapely.get_dimensions(part)]
                moved = ops.transform(lambda x, y, z=None: step(x, y), part)
                if np.isfinite(shapely.get_coordinates(moved)).all():
                    shapes[kind].append((shapely.to_wkb(moved), 0))
                    if kind == "area":
                        shapes["line"].append((shapely.to_wkb(moved.boundary), 0))
        if not any(shapes.values()):
            return Brought((), self._said("shown"))
        looks: dict[Kind, ColoredClass] = {"area": ColoredClass(INK, FILL * self.opacity), "line": ColoredClass(INK, self.opacity, 1.6), "point": ColoredClass(INK, self.opacity, 5)}
        strata = [draw_colored(shapes[kind], kind, [looks[kind]], view) for kind in looks if shapes[kind]]
        return Brought(strata, self._said("whole") if found["complete"] else self._said("few", count=len(found["features"])))


def _lines(text: str) -> tuple[str, ...]:
    """Part a sentence into lines that the band of a sheet has room for; a character of Chinese is as wide as two others."""
    lines, wide = [""], 0
    for character in text:
        wide += 2 if ord(character) > 0x2e7f else 1
        if wide > LINE:
            lines, wide = [*lines, "  "], 2
        lines[-1] += character
    return tuple(lines)


def _shape(feature: dict[str, object]) -> shapely.Geometry | None:
    geometry = feature.get("geometry")
    try:
        made = shapely.force_2d(shapely.geometry.shape(geometry)) if isinstance(geometry, dict) else None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        return None
    if made is not None and made.geom_type == "GeometryCollection":
        return shapely.geometrycollections([part for part in shapely.get_parts(made) if part.geom_type != "GeometryCollection"])
    return made


def _mercator(page: SheetPage, srid: int) -> tuple[float, float, float, float] | None:
    """Return what of a page lies in the square that the web shows; None where nothing does, as near a pole."""
    found = transformer(srid, 3857).transform_bounds(*page.box)
    if not all(isfinite(each) for each in found):
        return None
    west, south, east, north = found
    limit = MERCATOR_M * (1 - 1e-12)
    box = max(west, -limit), max(south, -limit), min(east, limit), min(north, limit)
    return box if box[0] < box[2] and box[1] < box[3] else None


def _level(page: SheetPage, box: tuple[float, float, float, float], side: int) -> tuple[int, int]:
    """Return the level whose cells are as fine as the paper shows, or the finest of which not too many pieces are needed, and the side of a piece."""
    width_px = page.paper.width / 25.4 * BEST_DPI
    wanted = (box[2] - box[0]) / width_px
    zoom = max(0, min(LAST_LEVEL, round(log2(MERCATOR_M * 2 / side / wanted))))
    most = MOST_LARGE * (512 // side) ** 2
    while zoom > 0:
        size = MERCATOR_M * 2 / 2**zoom
        if (floor(box[2] / size) - floor(box[0] / size) + 1) * (floor(box[3] / size) - floor(box[1] / size) + 1) <= most:
            break
        zoom -= 1
    return zoom, side


def _pixels(body: bytes, side: int, origin: str) -> NDArray[np.uint8]:
    """Return a piece as colours that count as much as they cover. Its kind and size were looked at when it came."""
    try:
        with Image.open(io.BytesIO(body)) as picture:
            if max(picture.size) > MOST_SIDE_PX:
                raise OutsideFailed(origin, f"a piece has {picture.width} by {picture.height} pixels", f"单块图片过大（{picture.width}×{picture.height} 像素）", "no-picture")
            plain = picture.convert("RGBA")
            found = np.asarray(plain if plain.size == (side, side) else plain.resize((side, side)), np.uint16)
    except (OSError, SyntaxError, ValueError):
        raise OutsideFailed(origin, "its picture cannot be read", "对方的图片无法读取", "no-picture") from None
    return np.concatenate([found[..., :3] * found[..., 3:] // 255, found[..., 3:]], axis=2).astype(np.uint8)


def _photo(whole: NDArray[np.uint8], ground: tuple[float, float, float, float], page: SheetPage, srid: int, opacity: float) -> Photo:
    """Bring a picture of the Web Mercator plane into the frame of a page, in the page's CRS."""
    width_in, height_in = page.paper.width / 25.4, page.paper.height / 25.4
    dpi = min(BEST_DPI, sqrt(MOST_PIXELS / (width_in * height_in)))
    width, height = floor(width_in * dpi), floor(height_in * dpi)
    made = brought_to(whole, ground, srid, page.box, width, height)
    cover = made[3]
    # What is transparent is white beneath: paper, where a viewer knows no masks.
    colors = np.where(cover > 0, np.minimum(made[:3].astype(np.float32) * 255 / np.maximum(cover, 1), 255), 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.moveaxis(colors, 0, 2))).save(out, "JPEG", quality=QUALITY, subsampling=0)
    is_opaque = opacity >= 1 and bool((cover == 255).all())
    return Photo(out.getvalue(), width, height, None if is_opaque else (cover * opacity).astype(np.uint8).tobytes())
