"""Printing: a ruler on the paper, a page for each feature of an atlas, and nothing of what the reader may not see."""

from __future__ import annotations

import io
import time
from typing import Any

import httpx
import numpy
import pypdfium2
import pytest
from PIL import Image
from pypdf import PdfReader
from pyproj import Transformer

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.layer import parse_layer
from layers.plan import register
from layers.store import Store
from tests.gisserver.conftest import As, Town

# A field of exactly 1000 m by 1000 m in the city's grid, in a colour that nothing else on a sheet has.
RULER = {"id": "zz_ruler", "title": {"zh": "标尺", "en": "Ruler"}, "born": "runtime", "group": "place", "geometry": "Polygon",
         "fields": [{"name": "name", "type": "string", "title": {"zh": "名称", "en": "Name"}}],
         "symbology": {"color": "#ff00ff", "opacity": 1, "min_zoom": 0}}
SIDE_M = 1000.0
TO_DEGREES = Transformer.from_crs(4548, 4490, always_xy=True)
TO_GRID = Transformer.from_crs(4326, 4548, always_xy=True)


@pytest.fixture(scope="module")
def middle(store: Store, town: Town, as_role: As) -> list[float]:
    """The middle of the ruler, in degrees."""
    layer = parse_layer(RULER)
    register(store, layer)
    x, y = (round(v, -2) for v in TO_GRID.transform(116.35, 39.95))
    ring = [TO_DEGREES.transform(x + dx, y + dy) for dx, dy in ((0, 0), (SIDE_M, 0), (SIDE_M, SIDE_M), (0, SIDE_M), (0, 0))]
    apply_changeset(store, Catalogue(store), OWNER, Changeset([Edit(
        "zz_ruler", "create", properties={"name": "标尺"}, geometry={"type": "Polygon", "coordinates": [ring]}, valid_from="2000")], "surveyor", "ruler"))
    # A running server looks for new layers every other second.
    end = time.monotonic() + 15
    while as_role("bureau").get("/ogc/collections/zz_ruler").status_code != 200:
        assert time.monotonic() < end, "the server never saw the new layer"
        time.sleep(0.2)
    return list(TO_DEGREES.transform(x + SIDE_M / 2, y + SIDE_M / 2))


def printed(client: httpx.Client, middle: list[float], **more: Any) -> bytes:
    wish = {"layers": [{"layer": "zz_ruler"}], "scale": 10_000, "center": middle, "paper": "A4", "orientation": "portrait", "grid": False}
    answer = client.post("/api/print", json=wish | more, headers={"Accept-Language": "zh"})
    assert answer.status_code == 200, answer.text
    return answer.content


def extent_mm(picture: Image.Image, dpi: float) -> tuple[float, float, float, float]:
    """Where on the paper the ruler's colour is: left, top, width, height in mm."""
    pixels = numpy.asarray(picture.convert("RGB")).astype(int)
    # under the watermark it is a little darker
    rows, columns = numpy.nonzero((pixels[..., 0] > 180) & (pixels[..., 1] < 60) & (pixels[..., 2] > 180))
    # A legend shows the colour too; the ruler is what is large.
    big_rows = numpy.nonzero(numpy.bincount(rows) > 300)[0]
    big_columns = numpy.nonzero(numpy.bincount(columns) > 300)[0]
    mm = 25.4 / dpi
    return (big_columns[0] * mm, big_rows[0] * mm, (big_columns[-1] + 1 - big_columns[0]) * mm, (big_rows[-1] + 1 - big_rows[0]) * mm)


def text_of(pdf: bytes, page: int = 0) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text: str = document[page].get_textpage().get_text_range()
    document.close()
    return text


def rendered(pdf: bytes, dpi: int = 600, page: int = 0) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    image = document[page].render(scale=dpi / 72).to_pil()
    document.close()
    return image


@pytest.mark.parametrize(("paper", "orientation", "scale", "dpi"), [
    ("A4", "portrait", 10_000, 300), ("A4", "landscape", 10_000, 300), ("A2", "landscape", 5_000, 200)])
def test_a_kilometre_is_as_long_as_the_scale_says(as_role: As, middle: list[float], paper: str, orientation: str, scale: int, dpi: int) -> None:
    pdf = printed(as_role("bureau"), middle, paper=paper, orientation=orientation, scale=scale)
    left, top, width, height = extent_mm(rendered(pdf, dpi), dpi)
    wanted = SIDE_M / scale * 1000
    assert width == pytest.approx(wanted, abs=0.2), "mm across"
    assert height == pytest.approx(wanted, abs=0.2), "mm down"
    sheets = {(p["paper"], p["orientation"]): p for p in as_role("bureau").get("/api/print").json()["papers"]}
    sheet = sheets[paper, orientation]
    box = PdfReader(io.BytesIO(pdf)).pages[0].mediabox
    assert [float(v) * 25.4 / 72 for v in (box.width, box.height)] == pytest.approx([sheet["width_mm"], sheet["height_mm"]], abs=0.01)
    # the middle asked for is the middle of the frame
    assert left + width / 2 == pytest.approx(sheet["width_mm"] / 2, abs=0.2)


def test_a_picture_says_how_fine_it_is_and_measures_the_same(as_role: As, middle: list[float]) -> None:
    picture = Image.open(io.BytesIO(printed(as_role("bureau"), middle, format="png")))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert extent_mm(picture, 300)[2] == pytest.approx(100, abs=0.2)


def test_the_sheet_has_its_words(as_role: As, middle: list[float]) -> None:
    client = as_role("bureau")
    text = text_of(printed(client, middle, title="望京\x00地区 现状图", grid=True, datetime="2010-01-01"))
    for words in ("望京 地区 现状图", "1:10,000", "标尺", "盖章区", "北", "CGCS2000", "EPSG:4548", "2010-01-01", "bureau_1"):
        assert words in text, words
    # coordinates of the grid, in metres
    easting = round(TO_GRID.transform(*middle)[0], -2)
    assert any(str(int(easting + n * 100)) in text for n in range(-10, 11))
    english = client.post("/api/print", headers={"Accept-Language": "en"}, json={
        "layers": [{"layer": "zz_ruler"}], "scale": 10_000, "center": middle, "seal": False, "legend": False})
    text = text_of(english.content)
    assert "Printed by" in text and "Ruler" not in text and "seal" not in text


def test_lines_and_letters_are_vectors(as_role: As, middle: list[float]) -> None:
    page = PdfReader(io.BytesIO(printed(as_role("bureau"), middle, layers=[{"layer": "zz_ruler"}, {"layer": "building"}]))).pages[0]
    assert len(list(page.images)) == 0


def test_an_atlas_has_a_page_for_each_feature(as_role: As, town: Town) -> None:
    fids = [town.fids[name] for name in ("3号楼", "5号楼", "7号楼")]
    wish = {"layers": [{"layer": "building"}], "scale": 1_000, "atlas": {"layer": "building", "fids": fids}, "title": "图册"}
    answer = as_role("bureau").post("/api/print", json=wish)
    assert answer.headers["content-disposition"] == 'attachment; filename="map-A4-1000.pdf"'
    texts = [text_of(answer.content, page) for page in range(len(PdfReader(io.BytesIO(answer.content)).pages))]
    assert [name in text for name, text in zip(("3号楼", "5号楼", "7号楼"), texts, strict=True)] == [True] * 3
    assert as_role("bureau").post("/api/print", json=wish | {"atlas": {"layer": "building", "fids": [1]}}).status_code == 404


@pytest.mark.parametrize(("more", "status", "parameter"), [
    ({"center": None}, 400, "center"), ({"scale": 10}, 400, "scale"), ({"paper": "B5"}, 400, "paper"), ({"center": [1.0]}, 400, "center"),
    ({"center": [500.0, 95.0]}, 400, "center"), ({"layers": [{"layer": "nowhere"}]}, 404, None), ({"datetime": "soon"}, 400, "datetime"),
    ({"layers": [{"layer": "unit_room"}]}, 400, "layers.0.layer"), ({"layers": [{"layer": "building", "filter": {"op": "?"}}]}, 400, "filter"),
    ({"format": "gif"}, 400, "format"), ({"more": 1}, 400, "more"), ({"atlas": {"layer": "building", "fids": []}, "center": None}, 400, "atlas.fids")])
def test_what_is_wrong_is_named(as_role: As, middle: list[float], more: dict[str, Any], status: int, parameter: str | None) -> None:
    wish = {"layers": [{"layer": "building"}], "scale": 10_000, "center": middle}
    answer = as_role("bureau").post("/api/print", json=wish | more)
    assert (answer.status_code, answer.json().get("parameter")) == (status, parameter), answer.text


def test_nobody_prints_what_he_may_not_see(http: httpx.Client, as_role: As, middle: list[float]) -> None:
    wish = {"layers": [{"layer": "pipe_segment"}], "scale": 10_000, "center": middle}
    assert http.post("/api/print", json=wish).status_code == 401
    assert as_role("housing_officer").post("/api/print", json=wish).status_code == 404
    assert as_role("bureau").post("/api/print", json=wish).status_code == 200
