"""Sheets put together: imagery, the map as vectors and thematic shapes lie under the furniture, as PDF or as a picture."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, sqrt

import pypdfium2
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject, StreamObject

from gisserver.sheets.furniture import Furniture, Overlay, add_page, begin, written
from gisserver.sheets.marks import Mark
from gisserver.sheets.page import SheetPage
from tiles.mapnik_page import POINT_MM, Page

__all__ = ["MOST_PIXELS", "Photo", "Stratum", "Sheet", "as_picture", "make_sheets"]

BEST_DPI, MOST_PIXELS = 300, 36_000_000
# PDFium may be in one thread at a time only.
_pdfium = threading.Lock()


@dataclass(frozen=True)
class Photo:
    """A picture that fills the frame of the map: JPEG of its colours, and one byte of opacity a pixel where not all of it is opaque."""

    jpeg: bytes
    width: int
    height: int
    opacity: bytes | None = None


Stratum = Page | Photo


@dataclass(frozen=True)
class Sheet:
    """What lies on one page: strata from the ground up, what is drawn over them, marks upon that, and notes of its own."""

    page: SheetPage
    strata: Sequence[Stratum]
    marks: Sequence[Mark] = ()
    notes: Sequence[str] = ()
    over: Sequence[Overlay] = ()


def make_sheets(pages: Sequence[SheetPage], draw: Callable[[SheetPage], Sheet], furniture: Furniture) -> bytes:
    """Return a PDF with a sheet for every page, each as `draw` gives it; on each, a metre of the projected CRS is 1000/scale mm long."""
    pdf = begin(pages[0].title)
    under: list[Sequence[Stratum]] = []
    for page in pages:
        sheet = draw(page)
        add_page(pdf, page, furniture, sheet.marks, sheet.notes, sheet.over)
        under.append(sheet.strata)
    writer = PdfWriter(clone_from=io.BytesIO(written(pdf)))
    for number, (page, strata) in enumerate(zip(pages, under, strict=True)):
        _underlay(writer, number, strata, page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _underlay(writer: PdfWriter, number: int, strata: Sequence[Stratum], page: SheetPage) -> None:
    """Lay strata under a page, cut off at the frame; the middle of each lies on the middle of the frame."""
    target = writer.pages[number]
    p = page.paper
    left, width, height = p.left / POINT_MM, p.width / POINT_MM, p.height / POINT_MM
    bottom = (p.height_mm - p.top - p.height) / POINT_MM
    drawing = [f"q {left:.4f} {bottom:.4f} {width:.4f} {height:.4f} re W n"]
    for n, stratum in enumerate(strata):
        name = f"/Map{n}"
        if isinstance(stratum, Photo):
            _keep(writer, target, name, _image(writer, stratum))
            drawing.append(f"q {width:.4f} 0 0 {height:.4f} {left:.4f} {bottom:.4f} cm {name} Do Q")
        else:
            _keep(writer, target, name, _form(writer, stratum))
            x, y = left + (width - stratum.width_pt) / 2, bottom + (height - stratum.height_pt) / 2
            drawing.append(f"q 1 0 0 1 {x:.4f} {y:.4f} cm {name} Do Q")
    under = StreamObject()
    under.set_data("\n".join([*drawing, "Q\n"]).encode())
    target[NameObject("/Contents")] = ArrayObject([writer._add_object(under), target.raw_get("/Contents")])


def _keep(writer: PdfWriter, target: PageObject, name: str, made: StreamObject) -> None:
    resources = target.setdefault(NameObject("/Resources"), DictionaryObject()).get_object()
    objects = resources.setdefault(NameObject("/XObject"), DictionaryObject()).get_object()
    objects[NameObject(name)] = writer._add_object(made)


def _form(writer: PdfWriter, drawn: Page) -> StreamObject:
    source = PdfReader(io.BytesIO(drawn.body)).pages[0]
    form = StreamObject()
    form.set_data(source.get_contents().get_data())                                   # type: ignore[union-attr]
    form.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form"),
                 NameObject("/BBox"): ArrayObject(map(FloatObject, (0, 0, drawn.width_pt, drawn.height_pt))),
                 NameObject("/Resources"): source["/Resources"].clone(writer)})
    if "/Group" in source:
        form[NameObject("/Group")] = source["/Group"].clone(writer)
    return form.flate_encode()


def _image(writer: PdfWriter, photo: Photo) -> StreamObject:
    image = _raster(photo, "/DeviceRGB")
    image.set_data(photo.jpeg)
    image[NameObject("/Filter")] = NameObject("/DCTDecode")
    if photo.opacity is not None:
        mask = _raster(photo, "/DeviceGray")
        mask.set_data(photo.opacity)
        image[NameObject("/SMask")] = writer._add_object(mask.flate_encode())
    return image


def _raster(photo: Photo, colors: str) -> StreamObject:
    made = StreamObject()
    made.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Image"), NameObject("/ColorSpace"): NameObject(colors),
                 NameObject("/Width"): NumberObject(photo.width), NameObject("/Height"): NumberObject(photo.height),
                 NameObject("/BitsPerComponent"): NumberObject(8)})
    return made


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
