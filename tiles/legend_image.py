"""Legends as pictures: what `tiles.symbology.legend` tells, drawn with the font of the maps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageColor, ImageDraw, ImageFont

from tiles.mapnik_source import font_files

__all__ = ["legend_png"]

# Everything is drawn twice as large and made smaller, for smooth edges.
SCALE = 2
ROW_PX, SIGN_PX, MARGIN_PX, TEXT_PX, TITLE_PX = 20, 26, 8, 12, 13
INK, PAPER = "#333333", "#ffffff"
MOST_ROWS = 400


def legend_png(legends: Sequence[dict[str, Any]], language: str = "zh") -> bytes:
    """Return the legends of some layers, one under another, as PNG; `language` is 'zh' or 'en'."""
    language = "en" if language == "en" else "zh"
    rows: list[tuple[str, dict[str, Any] | None, str]] = []
    for each in legends:
        is_single = len(each["items"]) == 1 and each["field"] is None
        if not is_single:
            field = f" · {each['field']['title'][language]}" if each["field"] else ""
            rows.append((f"{each['title'][language]}{field}", None, each["kind"]))
        rows += [(item["title"][language], item, each["kind"]) for item in each["items"]]
    rows = rows[:MOST_ROWS]
    text, title = _font(TEXT_PX * SCALE), _font(TITLE_PX * SCALE)
    widest = max((title.getlength(words) if item is None else text.getlength(words) + (SIGN_PX + MARGIN_PX) * SCALE for words, item, _ in rows), default=0)
    width = int(widest / SCALE) + 2 * MARGIN_PX
    image = Image.new("RGBA", (width * SCALE, (len(rows) * ROW_PX + MARGIN_PX) * SCALE), PAPER)
    pen = ImageDraw.Draw(image, "RGBA")
    for n, (words, item, kind) in enumerate(rows):
        middle = (MARGIN_PX / 2 + n * ROW_PX + ROW_PX / 2) * SCALE
        if item is None:
            pen.text((MARGIN_PX * SCALE, middle), words, INK, title, "lm")
            continue
        _sign(image, item, kind, MARGIN_PX * SCALE, middle)
        pen.text(((2 * MARGIN_PX + SIGN_PX) * SCALE, middle), words, INK, text, "lm")
    written = BytesIO()
    image.convert("RGB").resize((image.width // SCALE, image.height // SCALE), Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _sign(image: Image.Image, item: dict[str, Any], kind: str, left: float, middle: float) -> None:
    """Draw the sign of one class: an area, a line or a point."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    right, half = left + SIGN_PX * SCALE, 7 * SCALE
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
