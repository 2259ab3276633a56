"""Legends as pictures: what `tiles.symbology.legend` tells, drawn with the font of the maps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image, ImageColor, ImageDraw, ImageFont

from tiles.mapnik_source import font_files

__all__ = ["legend_png"]

# Everything is drawn twice as large and made smaller, for smooth edges.
SCALE = 2
ROW_PX, SIGN_PX, MARGIN_PX, TEXT_PX, TITLE_PX = 20, 26, 8, 12, 13
INK, PAPER = "#333333", "#ffffff"
MOST_ROWS = 400


class _Row(NamedTuple):
    """A line of the picture: its words, what stands before them (nothing: a title), and how high it is in pixels."""

    words: str
    item: dict[str, Any] | None = None
    kind: str = ""
    height: float = ROW_PX


def legend_png(legends: Sequence[dict[str, Any]], language: str = "zh") -> bytes:
    """Return the legends of some layers, one under another, as PNG; `language` is 'zh' or 'en'."""
    language = "en" if language == "en" else "zh"
    rows = [row for each in legends for row in _rows(each, language)][:MOST_ROWS]
    sign = max([SIGN_PX, *(2 * _radius(row) + 2 for row in rows)])
    text, title = _font(TEXT_PX * SCALE), _font(TITLE_PX * SCALE)
    widest = max((title.getlength(row.words) if row.item is None else text.getlength(row.words) + (sign + MARGIN_PX) * SCALE for row in rows), default=0)
    width = int(widest / SCALE) + 2 * MARGIN_PX
    image = Image.new("RGBA", (width * SCALE, int(sum(row.height for row in rows) + MARGIN_PX) * SCALE), PAPER)
    pen = ImageDraw.Draw(image, "RGBA")
    top = MARGIN_PX / 2
    for row in rows:
        middle = (top + row.height / 2) * SCALE
        top += row.height
        if row.item is None:
            pen.text((MARGIN_PX * SCALE, middle), row.words, INK, title, "lm")
            continue
        _sign(image, row.item, row.kind, MARGIN_PX * SCALE, middle, sign)
        pen.text(((2 * MARGIN_PX + sign) * SCALE, middle), row.words, INK, text, "lm")
    written = BytesIO()
    image.convert("RGB").resize((image.width // SCALE, image.height // SCALE), Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _rows(legend: dict[str, Any], language: str) -> list[_Row]:
    kind, rows = legend["kind"], list[_Row]()
    if len(legend["items"]) > 1 or legend["field"] is not None:
        rows.append(_Row(legend["title"][language] + (f" · {legend['field']['title'][language]}" if legend["field"] else "")))
    for item in legend["items"]:
        row = _Row(item["title"][language], item, kind)
        rows.append(row._replace(height=max(ROW_PX, 2 * _radius(row) + 4)))
    if cells := legend["cells"]:
        rows.append(_Row(cells["title"][language], cells, "cells"))
    return rows


def _radius(row: _Row) -> float:
    return (row.item.get("radius_px") or 0) if row.item and row.kind == "circle" else 0


def _sign(image: Image.Image, item: dict[str, Any], kind: str, left: float, middle: float, sign: float) -> None:
    """Draw the sign of one class: an area, a line, a point, or cells from the weakest to the strongest."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    right, half = left + sign * SCALE, 7 * SCALE
    if kind == "cells":
        _cells(pen, item, left, right, middle)
        image.alpha_composite(layer)
        return
    color = _with(item["color"], item["opacity"])
    width = max(1, round((item["width_px"] or 1) * SCALE))
    if kind == "line":
        if item["outline"]:
            pen.line([(left, middle), (right, middle)], _with(item["outline"], item["opacity"]), width + 3 * SCALE)
        _dashed(pen, [(left, middle), (right, middle)], color, width, item["dash"])
    elif kind == "circle":
        radius, center = (item.get("radius_px") or 4) * SCALE, (left + right) / 2
        box = (center - radius, middle - radius, center + radius, middle + radius)
        pen.ellipse(box, color, _with(item["outline"], item["opacity"]) if item["outline"] else None, width)
    else:
        pen.rectangle((left, middle - half, right, middle + half), color)
        if item["outline"]:
            # An area that is only outlined shows its class in the outline.
            edge = _with(item["color"] if item["opacity"] <= 0.05 else item["outline"], 1)
            corners = [(left, middle - half), (right, middle - half), (right, middle + half), (left, middle + half), (left, middle - half)]
            for start, end in zip(corners, corners[1:], strict=False):
                _dashed(pen, [start, end], edge, width, item["dash"])
    image.alpha_composite(layer)


def _cells(pen: ImageDraw.ImageDraw, cells: dict[str, Any], left: float, right: float, middle: float) -> None:
    (_, low), (_, high) = (tuple(stop.values()) for stop in cells["stops"])
    side = (right - left) / 3
    for n in range(3):
        value, x = low + (high - low) * n / 2, left + n * side
        if "opacity" in cells["stops"][0]:
            pen.rectangle((x, middle - side / 2, x + side - 1, middle + side / 2), _with(cells["color"], value))
        else:
            radius, center = min(value * SCALE, side / 2), x + side / 2
            pen.ellipse((center - radius, middle - radius, center + radius, middle + radius), _with(cells["color"], 1))


def _dashed(pen: ImageDraw.ImageDraw, line: list[tuple[float, float]], color: tuple[int, ...], width: int, dash: Sequence[float] | None) -> None:
    (x0, y0), (x1, y1) = line
    length = max(abs(x1 - x0), abs(y1 - y0))
    if not dash or length == 0:
        pen.line(line, color, width)
        return
    at, n = 0.0, 0
    while at < length:
        step = max(dash[n % len(dash)] * width, 1)
        if n % 2 == 0:
            a, b = at / length, min(at + step, length) / length
            pen.line([(x0 + (x1 - x0) * a, y0 + (y1 - y0) * a), (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)], color, width)
        at, n = at + step, n + 1


def _with(color: str, opacity: float) -> tuple[int, ...]:
    return (*ImageColor.getrgb(color)[:3], round(255 * opacity))


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for path in font_files():
        # Of the faces of a collection: the Chinese of the mainland.
        for index in range(12):
            try:
                found = ImageFont.truetype(str(path), size, index)
            except OSError:
                break
            if path.suffix != ".ttc" or " SC" in (found.getname()[0] or ""):
                return found
    return ImageFont.load_default(size)
