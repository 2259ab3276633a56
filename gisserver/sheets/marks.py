"""Marks of plotting on paper: each in its own colour, width and symbol, as on the screen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

import shapely
from fpdf import FPDF
from fpdf.enums import TextMode
from fpdf.svg import SVGObject

from gisserver.sheets.page import UNWRITTEN, SheetPage, rgb

__all__ = ["MARKED", "SYMBOLS", "Mark", "draw_marks", "mark_of"]

# The layer of marks, and the fields without which it is drawn like any other.
MARKED = ("annotation", frozenset({"kind", "color", "width_px"}))
COLOR, WIDTH_PX, OPACITY, TEXT_PX = "#d6336c", 3.0, 0.25, 13.0
LARGEST_PX = 96.0
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
MM_PX = 25.4 / 96
# The symbols of the map client: lines on a field of 24 by 24, drawn white on a disc of the mark's colour.
SYMBOLS = {
    "command": "M7 20V4M7 4.500h11l-3 3.750 3 3.750H7",
    "fire": "M12.500 3c.5 4 5 6 5 11a5.500 5.500 0 0 1-11 0c0-3 2.500-4.500 2.500-7.500 2 1 2.800 2.200 3 4 1.200-2 1.400-4.500.5-7.500z",
    "flood": "M3 8c3-3 6 3 9 0s6 3 9 0M3 13c3-3 6 3 9 0s6 3 9 0M3 18c3-3 6 3 9 0s6 3 9 0",
    "closure": "M4 8h16v6H4zM8 8l4 6M14 8l4 6M7 14v6M17 14v6",
    "evacuation": "M12 16V4M7 9l5-5 5 5M4 14v6h16v-6",
    "medical": "M12 5v14M5 12h14",
    "crane": "M8 21V3M8 6h13M8 3 3 7h5M18 6v6M5 21h6",
    "excavation": "M3 20h18M4 20l2-6h6l1 6M11 14l4-8 5 4-2 5",
    "collapse": "M4 20V10l5-5v7l4-4v6l3-3 4 9z",
    "leak": "M3 5h18M3 10h6M15 10h6M12 11c2 3 3.500 4.500 3.500 6.200a3.500 3.500 0 0 1-7 0C8.500 15.500 10 14 12 11z",
    "supplies": "M4 8l8-4 8 4v9l-8 4-8-4zM4 8l8 4 8-4M12 12v9",
    "pin": "M12 21s7-7 7-12a7 7 0 0 0-14 0c0 5 7 12 7 12zM12 8.500v1",
}


@dataclass(frozen=True)
class Mark:
    """A mark: its geometry in the CRS of the sheet (metres, x east), and how it is drawn; `width_px` of symbols and texts is their size."""

    geometry: shapely.Geometry
    kind: str
    color: str = COLOR
    width_px: float = WIDTH_PX
    opacity: float = OPACITY
    is_dashed: bool = False
    symbol: str = "pin"
    title: str = ""


def mark_of(row: dict[str, Any]) -> Mark | None:
    """Return the mark of a row of the layer, whose geometry is WKB; None where it has no place. What cannot be drawn as it says is drawn plainly."""
    geometry = None if row["geometry"] is None else shapely.force_2d(shapely.from_wkb(row["geometry"]))
    if geometry is None or geometry.is_empty:
        return None

    def given(name: str, otherwise: Any) -> Any:
        value = row.get(name)
        return otherwise if value is None else value

    color = given("color", COLOR)
    return Mark(geometry, given("kind", "line"), color if _COLOR.match(color) else COLOR, min(max(float(given("width_px", WIDTH_PX)), 0.5), LARGEST_PX),
                min(max(float(given("opacity", OPACITY)), 0.0), 1.0), bool(given("dashed", False)), given("symbol", "pin"),
                UNWRITTEN.sub(" ", given("title", "")))


def draw_marks(pdf: FPDF, page: SheetPage, marks: Iterable[Mark]) -> None:
    """Draw marks over the map of a page: areas and lines, then symbols, letters last."""
    found = list(marks)
    for mark in found:
        if mark.kind not in ("symbol", "text"):
            for part in shapely.get_parts(mark.geometry):
                _figure(pdf, page, mark, part)
    for mark in found:
        if mark.kind == "symbol":
            _symbol(pdf, mark, *_middle(page, mark))
    for mark in found:
        if mark.title:
            x, y = _middle(page, mark)
            below = mark.width_px / 2 * MM_PX + TEXT_PX * MM_PX * 1.1 if mark.kind == "symbol" else TEXT_PX * MM_PX * 0.35
            _letters(pdf, mark, x, y + below)


def _middle(page: SheetPage, mark: Mark) -> tuple[float, float]:
    point = mark.geometry if mark.geometry.geom_type == "Point" else mark.geometry.point_on_surface()
    return page.on_paper(point.x, point.y)


def _figure(pdf: FPDF, page: SheetPage, mark: Mark, part: shapely.Geometry) -> None:
    if part.geom_type not in ("Polygon", "LineString"):
        return
    color = rgb(mark.color)
    width = mark.width_px * MM_PX
    if part.geom_type == "Polygon" and mark.opacity > 0:
        pdf.set_fill_color(*color)
        with pdf.local_context(fill_opacity=mark.opacity):
            pdf.polygon([page.on_paper(x, y) for x, y in part.exterior.coords], style="F")
    pdf.set_draw_color(*color)
    pdf.set_line_width(width)
    if mark.is_dashed:
        pdf.set_dash_pattern(dash=2 * width, gap=1.8 * width)
    for ring in ([part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]):
        pdf.polyline([page.on_paper(x, y) for x, y in ring.coords])
    pdf.set_dash_pattern()


def _symbol(pdf: FPDF, mark: Mark, x: float, y: float) -> None:
    """Draw a disc of the mark's colour with its symbol in white lines; on the screen the lines take two thirds of the disc."""
    side = mark.width_px * MM_PX
    path = SYMBOLS.get(mark.symbol, SYMBOLS["pin"])
    color = "#{:02x}{:02x}{:02x}".format(*rgb(mark.color))
    picture = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{side:.3f}mm" height="{side:.3f}mm" viewBox="0 0 40 40"><circle cx="20" cy="20" r="18" '
               f'fill="{color}" stroke="#ffffff" stroke-width="1.8"/><g transform="translate(8 8)"><path d={quoteattr(path)} fill="none" stroke="#ffffff" '
               'stroke-width="2.1" stroke-linejoin="round" stroke-linecap="round"/></g></svg>')
    SVGObject(picture).draw_to_page(pdf, x - side / 2, y - side / 2)


def _letters(pdf: FPDF, mark: Mark, x: float, y: float) -> None:
    size = mark.width_px if mark.kind == "text" else TEXT_PX
    pdf.set_font("map", size=size * 72 / 96)
    pdf.set_text_color(*rgb(mark.color))
    left = x - pdf.get_string_width(mark.title) / 2
    # Letters stand on a rim of white, as on the screen.
    with pdf.local_context(text_mode=TextMode.STROKE, draw_color=(255, 255, 255), line_width=0.6):
        pdf.text(left, y, mark.title)
    with pdf.local_context(text_mode=TextMode.FILL):
        pdf.text(left, y, mark.title)
