"""Maps drawn by Mapnik: several layers in one pass, for one audience, at any moment.

Features come through the one door, in the role of the audience (`rows_near`), and are handed to Mapnik in memory. Measured
against Mapnik's own PostGIS plugin this costs nothing (a tile is 95 % drawing), and no second door to the data is opened. A map object
holds styles only; it is used by one thread at a time and goes back to the pool without data.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from layers.errors import InvalidParameter, Unavailable
from layers.history import current_seq
from layers.query import ItemQuery
from layers.store import Store
from tiles.aggregates import Counting
from tiles.map_cells import Cell, cells_near, how_counted
from tiles.map_rows import MOST_FEATURES, Row, TooMuch, rows_near
from tiles.map_view import MapView
from tiles.mapnik_style import Drawing, drawing, stylesheet
from tiles.measured import counted_numbers

if TYPE_CHECKING:
    import mapnik

__all__ = ["FORMATS", "MAX_PIXELS", "Picture", "draw", "font_face", "font_files", "laid_out"]

LOGGER = logging.getLogger(__name__)
# media type: how Mapnik writes it. A palette of 256 colours is enough for a flat map, and a third of the bytes.
FORMATS = {"image/png": "png8:m=h:z=1", "image/jpeg": "jpeg85", "image/webp": "webp:quality=85"}
MAX_PIXELS = 4096
FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
FILES = ("NotoSansCJK-Regular*", "NotoSansCJKsc-Regular*", "NotoSansSC-Regular*", "SourceHanSans*Regular*", "wqy-zenhei*", "DejaVuSans.ttf")
FACES = ("Noto Sans CJK SC Regular", "Noto Sans SC Regular", "Source Han Sans SC Regular", "WenQuanYi Zen Hei Regular", "DejaVu Sans Book")
# How far a label or a broad line may reach into the picture from outside.
LABEL_REACH_PX, LINE_REACH_PX = 72, 12
KEPT_MAPS = 48
# Drawing takes a processor; more at once would only take memory.
_drawing_now = threading.BoundedSemaphore(max(2, min(os.cpu_count() or 2, 4)))
_pool: OrderedDict[tuple[str, int], list[Any]] = OrderedDict()
_pool_lock = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A drawn map: its bytes, its media type and the number of the snapshot that it shows at least."""

    body: bytes
    media_type: str
    seq: int


def draw(store: Store, queries: Sequence[ItemQuery], view: MapView, *, language: str = "zh", background: str | None = None,
         media_type: str = "image/png", seq: int | None = None, opacities: Mapping[str, float] | None = None) -> Picture:
    """Draw layers, the first one lowest, in one pass.

    Of each question layer, audience, moment or interval, known_at and filter count. Without `background` (a colour #rrggbb) the
    ground is transparent; JPEG is always on white then. `seq` is a number that the store has reached already; without it the store is asked.
    `opacities` (0 to 1, by layer) make whole layers half seen through, over what their styles say.

    Raises InvalidParameter for a view or a format that cannot be drawn, TooMuch for too many features, Unavailable where
    Mapnik fails.
    """
    if media_type not in FORMATS:
        raise InvalidParameter("format", f"'{media_type[:60]}' is not offered; choose one of {', '.join(FORMATS)}.")
    if not (0 < view.width <= MAX_PIXELS and 0 < view.height <= MAX_PIXELS):
        raise InvalidParameter("width" if not 0 < view.width <= MAX_PIXELS else "height",
                               f"a map is 1 to {MAX_PIXELS} pixels wide and high.")
    import mapnik

    # Known first: what is read later is at least as new.
    seq = current_seq(store) if seq is None else seq
    ground = background or ("#ffffff" if media_type == "image/jpeg" else None)
    with laid_out(store, queries, view, language, ground, opacities=opacities) as drawn:
        image = mapnik.Image(view.width, view.height)
        mapnik.render(drawn, image, view.ratio)
        return Picture(image.to_string(FORMATS[media_type]), media_type, seq)


@contextmanager
def laid_out(store: Store, queries: Sequence[ItemQuery], view: MapView, language: str, background: str | None,
             most: int = MOST_FEATURES, opacities: Mapping[str, float] | None = None) -> Iterator[mapnik.Map]:
    """Give a map object that holds the features of a view, ready to be drawn.

    Raises TooMuch above `most` features in all, Unavailable where Mapnik fails.
    """
    zoom = view.zoom
    found: list[_Found] = []
    left = most
    # Who is named twice is drawn once, at the upper place.
    once = list({query.layer.id: query for query in reversed(queries)}.values())[::-1]
    faint = opacities or {}
    drawings = [(query, d) for query in once if (d := drawing(query.layer, query.audience, zoom, language, faint.get(query.layer.id, 1))).is_drawn]
    # Counting may take the database a while, and a processor of this machine not at all: nobody waits for it who draws something else.
    counted = [_counted(store, query, d, view, zoom) for query, d in drawings]
    numbers = [counted_numbers(store, query) if d.field is not None and query.layer.counts_others else None for query, d in drawings]
    with _drawing_now:
        for (query, d), (how, cells), known in zip(drawings, counted, numbers, strict=True):
            reach = LABEL_REACH_PX if d.label else LINE_REACH_PX
            rows = rows_near(store, query, view.mercator(reach), zoom, view.pixel, d.field.name if d.field else None,
                             d.label.name if d.label else None, left, how)
            if known is not None:
                rows = [row._replace(value=None if (number := known.get(int(row.value or 0))) is None else repr(number)) for row in rows]
            left -= len(rows)
            if left <= 0:
                raise TooMuch
            found.append(_Found(d, rows, cells))
        try:
            with _filled(found, view, background) as drawn:
                yield drawn
        except (RuntimeError, MemoryError, UnicodeError) as error:
            LOGGER.exception("Mapnik could not draw %s", view)
            raise Unavailable("The map could not be drawn; try another part of it or fewer layers.") from error


def _counted(store: Store, query: ItemQuery, d: Drawing, view: MapView, zoom: float) -> tuple[Counting | None, list[Cell]]:
    how = how_counted(store, query, zoom)
    if how is None:
        return None, []
    return how, cells_near(store, query, view.mercator(LINE_REACH_PX), zoom, how, d.has_cell_classes)


class _Found(NamedTuple):
    drawing: Drawing
    rows: list[Row]
    cells: list[Cell]


@contextmanager
def _filled(found: list[_Found], view: MapView, background: str | None) -> Iterator[mapnik.Map]:
    import mapnik

    with _map_of(stylesheet([each.drawing for each in found], font_face(), background), view) as drawn:
        features = {each.drawing.layer.id: _features(each.drawing, each.rows) for each in found}
        features |= {f"{each.drawing.layer.id}.cells": _squares(each.drawing, each.cells) for each in found if each.drawing.is_from_afar}
        drawn.buffer_size = int(LABEL_REACH_PX * view.ratio)
        # By value: a layer that is taken from the list is a copy until it is put back.
        for n in range(len(drawn.layers)):
            layer = drawn.layers[n]
            layer.datasource = features[layer.name.removesuffix(".label")]
            drawn.layers[n] = layer
        drawn.zoom_to_box(mapnik.Box2d(*view.bbox))
        yield drawn


def _features(d: Drawing, rows: Iterable[Row]) -> mapnik.MemoryDatasource:
    import mapnik

    made, context = mapnik.MemoryDatasource(), mapnik.Context()
    context.push("c")
    context.push("t")
    feature, geometry = mapnik.Feature, mapnik.Geometry.from_wkb
    classes: dict[str | None, int] = {}
    for number, row in enumerate(rows):
        each = feature(context, number)
        each.geometry = geometry(row.wkb)
        found = classes.get(row.value)
        if found is None:
            found = classes[row.value] = d.class_of(row.value) if d.field else -1
        each["c"] = found
        if row.label:
            each["t"] = d.text_of(row.label)
        made.add_feature(each)
    return made


def _squares(d: Drawing, cells: Iterable[Cell]) -> mapnik.MemoryDatasource:
    import mapnik

    made, context = mapnik.MemoryDatasource(), mapnik.Context()
    context.push("c")
    context.push("s")
    is_point = d.layer.geometry in ("Point", "MultiPoint")
    classes: dict[str | None, int] = {}
    for number, cell in enumerate(cells):
        each = mapnik.Feature(context, number)
        each.geometry = mapnik.Geometry.from_wkb(cell.wkb)
        found = classes.get(cell.value)
        if found is None:
            found = classes[cell.value] = d.class_of(cell.value) if d.field else -1
        each["c"] = found
        each["s"] = 2 * d.cell_radius_of(cell.count) if is_point else d.strength_of(cell.cover)
        made.add_feature(each)
    return made


@contextmanager
def _map_of(text: str, view: MapView) -> Iterator[mapnik.Map]:
    """Give a map object of a style to this thread alone."""
    import mapnik

    key = (text, view.srid)
    with _pool_lock:
        idle = _pool.get(key)
        found = idle.pop() if idle else None
    if found is None:
        found = mapnik.Map(view.width, view.height)
        mapnik.load_map_from_string(found, text, True)
        found.srs = f"epsg:{view.srid}"
        found.aspect_fix_mode = mapnik.aspect_fix_mode.RESPECT
    found.resize(view.width, view.height)
    # One that failed while it drew is not used again.
    yield found
    empty = mapnik.MemoryDatasource()
    for n in range(len(found.layers)):
        layer = found.layers[n]
        layer.datasource = empty
        found.layers[n] = layer
    with _pool_lock:
        _pool.setdefault(key, []).append(found)
        _pool.move_to_end(key)
        while sum(map(len, _pool.values())) > KEPT_MAPS:
            _pool.popitem(last=False)


@lru_cache(maxsize=1)
def font_files() -> tuple[Path, ...]:
    """Return the machine's font files that labels can be written with, the best first."""
    folders = [folder for folder in FONTS if folder.is_dir()]
    return tuple(path for pattern in FILES for folder in folders for path in sorted(folder.rglob(pattern)))


@lru_cache(maxsize=1)
def font_face() -> str | None:
    """Return the font face of labels: one with Chinese characters where the machine has one; None where it has none at all."""
    import mapnik

    for path in font_files():
        mapnik.FontEngine.register_font(str(path))
    known = set(mapnik.FontEngine.face_names())
    face = next((name for name in FACES if name in known), None)
    if face is None or face == FACES[-1]:
        LOGGER.warning("No font with Chinese characters was found; labels of raster maps lack them. Install fonts-noto-cjk.")
    return face
