"""What is on a sheet beside the map: frame, grid with coordinates, title, legend, north, scale bar, seal, watermark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil, floor, log10, sqrt
from pathlib import Path

import shapely
from fpdf import FPDF

from gisserver.sheets.legend import Entry
from gisserver.sheets.marks import Mark, draw_marks
from gisserver.sheets.page import SheetPage, rgb
from gisserver.sheets.paper import Paper
from layers.errors import Unavailable
from tiles.mapnik_source import font_files

__all__ = ["Furniture", "Overlay", "Words", "add_page", "begin", "written"]

_INK, _FAINT, _GRID, _MARK = (29, 38, 46), (97, 108, 118), (23, 96, 158), (201, 42, 42)
Words = dict[str, str]
# Draws something over the map of a page.
Overlay = Callable[[FPDF, SheetPage], None]
# The largest of graduated circles on the screen.
LARGEST_PX = 34
# The simplified Chinese face of the collection that Noto Sans CJK is installed as.
_SIMPLIFIED = 2


@dataclass(frozen=True)
class Furniture:
    """What all pages share. `words` holds the sentences of the sheet in the reader's language."""

    words: Words
    legend: list[Entry] = field(default_factory=list)
    grid: bool = True
    seal: bool = True
    watermark: str = ""
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def _font() -> tuple[Path, int]:
    found = next(iter(font_files()), None)
    if found is None:
        raise Unavailable("There is no font to print with; install fonts-noto-cjk on the server.", "服务器没有可用字体，请安装 fonts-noto-cjk。")
    return found, _SIMPLIFIED if found.suffix == ".ttc" and "CJK" in found.name else 0


def begin(title: str) -> FPDF:
    """Return an empty document with the fonts of the machine."""
    pdf = FPDF(unit="mm")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    path, number = _font()
    pdf.add_font("map", fname=path, collection_font_number=number)
    pdf.set_title(title)
    pdf.set_creator("GIS")
    return pdf


def add_page(pdf: FPDF, page: SheetPage, f: Furniture, marks: Sequence[Mark] = (), notes: Sequence[str] = (), over: Sequence[Overlay] = ()) -> None:
    """Draw everything of a page but the map itself, which lies under it; `notes` are this page's own."""
    p = page.paper
    pdf.add_page(format=(p.width_mm, p.height_mm) if p.orientation == "portrait" else (p.height_mm, p.width_mm),
                 orientation="P" if p.orientation == "portrait" else "L")
    with pdf.rect_clip(p.left, p.top, p.width, p.height):
        for draw in over:
            draw(pdf, page)
        draw_marks(pdf, page, marks)
        if f.grid:
            _grid_lines(pdf, page)
        _marked(pdf, page)
        if f.watermark:
            _watermark(pdf, p, f.watermark)
    _ink(pdf, _INK, 0.35 * p.factor)
    pdf.rect(p.left, p.top, p.width, p.height)
    pdf.set_line_width(0.6 * p.factor)
    pdf.rect(p.left - p.edge, p.top - p.edge, p.width + 2 * p.edge, p.height + 2 * p.edge)
    if f.grid:
        _grid_labels(pdf, page)
    _write(pdf, p.width_mm / 2, p.margin + 6.5 * p.factor, page.title, 17 * p.factor, "C", width=p.width)
    if page.number[1] > 1:
        text = f.words["page"].format(number=page.number[0], count=page.number[1])
        _write(pdf, p.width_mm - p.margin, p.margin + 5 * p.factor, text, 8 * p.factor, "R", _FAINT)
    _band(pdf, page, f, (*f.notes, *notes))


def _ink(pdf: FPDF, color: tuple[int, int, int], width: float) -> None:
    pdf.set_draw_color(*color)
    pdf.set_line_width(width)


def _write(pdf: FPDF, x: float, y: float, text: str, points: float, align: str = "L", color: tuple[int, int, int] = _INK,
           width: float | None = None) -> None:
    """Write a line with its base at y; letters shrink, down to a half, where there is no room."""
    pdf.set_text_color(*color)
    pdf.set_font("map", size=points)
    long = pdf.get_string_width(text)
    if width is not None and long > width:
        pdf.set_font("map", size=max(points / 2, points * width / long))
        # What was made to fit exactly is not cut for a rounding.
        while len(text) > 1 and pdf.get_string_width(text) > width * 1.001:
            text = text[:-2] + "…"
        long = pdf.get_string_width(text)
    pdf.text(x - {"L": 0, "C": long / 2, "R": long}[align], y, text)


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, … that is not below a number."""
    power = 10 ** floor(log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def _lines(page: SheetPage) -> tuple[float, list[float], list[float]]:
    p = page.paper
    step = round_step(40 * p.factor / 1000 * page.scale)
    (x, y), dx, dy = page.center, p.width / 2000 * page.scale, p.height / 2000 * page.scale
    return step, *([n * step for n in range(ceil((c - d) / step), floor((c + d) / step) + 1)] for c, d in ((x, dx), (y, dy)))  # type: ignore[return-value]


def _grid_lines(pdf: FPDF, page: SheetPage) -> None:
    p = page.paper
    _, eastings, northings = _lines(page)
    with pdf.local_context(stroke_opacity=0.55):
        _ink(pdf, _GRID, 0.12 * p.factor)
        for east in eastings:
            x, _ = page.on_paper(east, 0)
            pdf.line(x, p.top, x, p.top + p.height)
        for north in northings:
            _, y = page.on_paper(0, north)
            pdf.line(p.left, y, p.left + p.width, y)


def _grid_labels(pdf: FPDF, page: SheetPage) -> None:
    p, size = page.paper, 6.5 * page.paper.factor
    _, eastings, northings = _lines(page)
    for east in eastings:
        x, _ = page.on_paper(east, 0)
        for y in (p.top - p.edge * 0.28, p.top + p.height + p.edge * 0.72):
            _write(pdf, x, y, f"{east:.0f}", size, "C", _FAINT)
    for north in northings:
        _, y = page.on_paper(0, north)
        for x in (p.left - p.edge * 0.28, p.left + p.width + p.edge * 0.72):
            with pdf.rotation(90, x, y):
                _write(pdf, x, y, f"{north:.0f}", size, "C", _FAINT)


def _marked(pdf: FPDF, page: SheetPage) -> None:
    _ink(pdf, _MARK, 0.7 * page.paper.factor)
    for geometry in page.marked:
        for part in shapely.get_parts(geometry):
            rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
            for ring in rings:
                points = [page.on_paper(x, y) for x, y, *_ in ring.coords]
                if len(points) == 1:
                    pdf.circle(*points[0], radius=2 * page.paper.factor)
                else:
                    pdf.polyline(points)


def _watermark(pdf: FPDF, p: Paper, text: str) -> None:
    step = 75 * p.factor
    with pdf.local_context(fill_opacity=0.13):
        for row in range(ceil(p.height / step) + 1):
            for column in range(ceil(p.width / step) + 1):
                x, y = p.left + (column + 0.5 * (row % 2)) * step, p.top + (row + 0.4) * step
                with pdf.rotation(30, x, y):
                    _write(pdf, x, y, text, 11 * p.factor, "C", _INK)


def _band(pdf: FPDF, page: SheetPage, f: Furniture, notes: Sequence[str]) -> None:
    p, k = page.paper, page.paper.factor
    right, top = p.width_mm - p.margin, p.band
    bottom = p.height_mm - p.margin
    seal = 32 * k if f.seal else 0.0
    if f.seal:
        _ink(pdf, _FAINT, 0.2 * k)
        pdf.set_dash_pattern(dash=1.2 * k, gap=1.2 * k)
        pdf.rect(right - seal, top + 3 * k, seal, bottom - top - 3 * k)
        pdf.set_dash_pattern()
        _write(pdf, right - seal / 2, top + 7 * k, f.words["seal"], 7 * k, "C", _FAINT)
    middle = right - seal - (4 * k if f.seal else 0) - 58 * k
    _scale(pdf, page, f, middle, top + 6 * k)
    # Below scale and north there is room for so many; more are written smaller.
    step, size = (3.2, 6.0) if len(notes) <= 4 else (16 / len(notes), 30 / len(notes))
    for number, note in enumerate(notes):
        _write(pdf, middle, bottom - (len(notes) - 1 - number) * step * k - 0.6 * k, note, size * k, "L", _FAINT, width=58 * k)
    if f.legend:
        _legend(pdf, f, p.margin, top + 2 * k, middle - 5 * k - p.margin, bottom - top - 2 * k, k)


def _scale(pdf: FPDF, page: SheetPage, f: Furniture, x: float, y: float) -> None:
    k, mm = page.paper.factor, 1000 / page.scale
    _write(pdf, x, y, f"1:{page.scale:,.0f}", 12 * k)
    # An arrow to the north of the grid.
    nx, ny = x + 52 * k, y - 3 * k
    pdf.set_fill_color(*_INK)
    _ink(pdf, _INK, 0.25 * k)
    pdf.polygon([(nx, ny), (nx + 3 * k, ny + 10 * k), (nx, ny + 7.6 * k)], style="FD")
    pdf.polygon([(nx, ny), (nx - 3 * k, ny + 10 * k), (nx, ny + 7.6 * k)], style="D")
    _write(pdf, nx, ny + 13.5 * k, f.words["north"], 7.5 * k, "C")
    step = round_step(8 * k / mm)
    # Four steps, or as many as there is room for.
    count = next(n for n in (4, 3, 2, 1) if n * step * mm <= 46 * k or n == 1)
    top = y + 4 * k
    for n in range(count):
        left = x + n * step * mm
        pdf.set_fill_color(*(_INK if n % 2 == 0 else (255, 255, 255)))
        pdf.rect(left, top, step * mm, 1.5 * k, style="FD")
    unit, divisor = ("km", 1000) if step >= 1000 else ("m", 1)
    for n in range(count + 1):
        text = f"{n * step / divisor:g}" + (f" {unit}" if n == count else "")
        _write(pdf, x + n * step * mm, top + 4.6 * k, text, 6.5 * k, "C" if 0 < n < count else "L" if n == 0 else "C", _FAINT)


def _legend(pdf: FPDF, f: Furniture, x: float, y: float, width: float, height: float, k: float) -> None:
    entries, size = list(f.legend), 1.0
    while size > 0.55:
        rows = max(1, floor(height / (3.7 * k * size)))
        columns = max(1, floor(width / (26 * k * size)))
        if rows * columns >= len(entries):
            break
        size -= 0.05
    if len(entries) > rows * columns:
        entries = [*entries[:rows * columns - 1], Entry("…")]
    line, column = 3.7 * k * size, width / columns
    for number, entry in enumerate(entries):
        left, base = x + (number // rows) * column, y + (number % rows + 1) * line - 0.9 * k * size
        if entry.shape is None:
            _write(pdf, left, base, entry.text, 7 * k * size, "L", _INK, width=column - 1.5 * k)
            continue
        _swatch(pdf, entry, left + 0.5 * k, base - 2.2 * k * size, 4.6 * k * size, 2.5 * k * size, k)
        _write(pdf, left + 6.4 * k * size, base, entry.text, 6.6 * k * size, "L", _FAINT, width=column - 7.6 * k * size)


def _swatch(pdf: FPDF, entry: Entry, x: float, y: float, width: float, height: float, k: float) -> None:
    fill = rgb(entry.color)
    _ink(pdf, rgb(entry.outline) if entry.outline else fill, 0.2 * k)
    pdf.set_fill_color(*fill)
    if entry.shape == "line":
        # A light road is seen on paper by its edges.
        for color, wide in (((190, 190, 190), 0.9), (fill, 0.6)):
            _ink(pdf, color, wide * k)
            pdf.line(x, y + height / 2, x + width, y + height / 2)
    elif entry.shape == "point":
        # Graduated circles are told apart by size, as far as a line has room for it.
        share = 1 if entry.size_px is None else min(1.0, 1.2 * sqrt(entry.size_px / LARGEST_PX))
        pdf.circle(x + width / 2, y + height / 2, radius=height / 2 * share, style="FD")
    else:
        pdf.rect(x, y, width, height, style="FD" if entry.opacity >= 0.1 else "D")


def written(pdf: FPDF) -> bytes:
    """Return the finished document."""
    return bytes(pdf.output())


