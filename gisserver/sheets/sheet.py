"""Sheets put together: the map as vectors under the furniture, as PDF or as a picture."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from math import floor, sqrt

import pypdfium2
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, StreamObject

from gisserver.sheets.furniture import Furniture, SheetPage, add_page, begin, written
from layers.query import ItemQuery
from layers.store import Store
from tiles.mapnik_page import POINT_MM, Page, draw_page, view_of

__all__ = ["MOST_PIXELS", "as_picture", "make_sheets"]

BEST_DPI, MOST_PIXELS = 300, 36_000_000
# PDFium may be in one thread at a time only.
_pdfium = threading.Lock()


def make_sheets(store: Store, queries: Sequence[ItemQuery], pages: Sequence[SheetPage], srid: int, furniture: Furniture, language: str) -> bytes:
    """Return a PDF with a sheet for every page; on each, a metre of the CRS `srid` is 1000/scale mm long."""
    pdf = begin(pages[0].title)
    for page in pages:
        add_page(pdf, page, furniture)
    writer = PdfWriter(clone_from=io.BytesIO(written(pdf)))
    for number, page in enumerate(pages):
        view = view_of(page.center, srid, page.scale, page.paper.width, page.paper.height)
        _underlay(writer, number, draw_page(store, queries, view, language), page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _underlay(writer: PdfWriter, number: int, drawn: Page, page: SheetPage) -> None:
    """Lay the map under a page as one object, cut off at the frame: its middle lies on the middle of the frame."""
    source = PdfReader(io.BytesIO(drawn.body)).pages[0]
    form = StreamObject()
    form.set_data(source.get_contents().get_data())                                   # type: ignore[union-attr]
    form.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form"),
                 NameObject("/BBox"): ArrayObject(map(FloatObject, (0, 0, drawn.width_pt, drawn.height_pt))),
                 NameObject("/Resources"): source["/Resources"].clone(writer)})
    if "/Group" in source:
        form[NameObject("/Group")] = source["/Group"].clone(writer)
    target = writer.pages[number]
    resources = target.setdefault(NameObject("/Resources"), DictionaryObject()).get_object()
    objects = resources.setdefault(NameObject("/XObject"), DictionaryObject()).get_object()
    objects[NameObject("/CityMap")] = writer._add_object(form.flate_encode())
    p = page.paper
    left, width, height = p.left / POINT_MM, p.width / POINT_MM, p.height / POINT_MM
    bottom = (p.height_mm - p.top - p.height) / POINT_MM
    x, y = left + (width - drawn.width_pt) / 2, bottom + (height - drawn.height_pt) / 2
    under = StreamObject()
    under.set_data(f"q {left:.4f} {bottom:.4f} {width:.4f} {height:.4f} re W n 1 0 0 1 {x:.4f} {y:.4f} cm /CityMap Do Q\n".encode())
    target[NameObject("/Contents")] = ArrayObject([writer._add_object(under), target.raw_get("/Contents")])


def as_picture(pdf: bytes) -> bytes:
    """Return the first page of a PDF as PNG, at 300 dpi or as finely as MOST_PIXELS allow; the file says how fine it is."""
    with _pdfium:
        document = pypdfium2.PdfDocument(pdf)
        try:
            page = document[0]
            width, height = page.get_size()
            dpi = min(BEST_DPI, floor(72 * sqrt(MOST_PIXELS / (width * height))))
            image = page.render(scale=dpi / 72).to_pil()
            page.close()
        finally:
            document.close()
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(dpi, dpi), compress_level=3)
    return out.getvalue()
