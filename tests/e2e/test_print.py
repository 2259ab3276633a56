"""A sheet is set up on the map and taken away; what it holds and measures is what the server says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pypdfium2
import pytest
from playwright.sync_api import expect

from layers.store import Store
from tests.conftest import LiveServer
from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import COMPOUNDS, Neighbourhood
from tests.e2e.test_statistics import pick
from tests.e2e.test_time_access import passes
from tests.spatial_models.conftest import worker_process

pytestmark = pytest.mark.browser
NewDesk = Callable[..., Desk]


def pages_of(path: Path) -> list[tuple[tuple[float, float], str]]:
    """Size in mm and text of every page."""
    document = pypdfium2.PdfDocument(path)
    found = [(tuple(round(v * 25.4 / 72, 1) for v in page.get_size()), page.get_textpage().get_text_range()) for page in document]
    document.close()
    return found  # type: ignore[return-value]


def test_a_sheet_is_framed_printed_and_taken_away(desk: NewDesk, neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    own = desk(height=900).open(f"{VIEW}&t=1990-01-01").sign_in("bureau")
    page = own.page
    page.get_by_role("button", name="打印", exact=True).click()
    panel = page.locator(".panel.print")
    panel.get_by_label("图名").fill("望京现状图")
    panel.get_by_role("spinbutton", name="比例尺").fill("5000")
    page.keyboard.press("Tab")
    # the frame on the map is as wide as the server says that the sheet's map is
    sheet = next(p for p in httpx.get(f"{own.url}/api/print").json()["papers"] if (p["paper"], p["orientation"]) == ("A4", "landscape"))
    expected = sheet["map_width_mm"] * 5
    expect(panel.locator(".print-note")).to_contain_text(f"{expected:,.0f} ×")
    frame = page.locator(".sheet-frame")
    box = frame.bounding_box()
    assert box and box["width"] * float(frame.get_attribute("data-pixel") or 0) == pytest.approx(expected, rel=0.01)
    # thematic maps are printed in the classes that the screen shows, and what is counted by the scale of the sheet
    page.evaluate("""() => {
        const theme = (kind) => ({kind, value: {field: 'height_m', per: 'none'}, method: 'manual', classes: 3, breaks: [40, 70], palette: 'blue'});
        window.__state.getState().setWork({themes: {building: theme('choropleth'), facility: theme('heat')}});
    }""")
    own.until(lambda: page.evaluate("() => Boolean(window.__map.getLayer('theme-building'))"), "the theme is on the map")
    with page.expect_download(timeout=60_000) as made:
        panel.get_by_role("button", name="出图").click()
    assert made.value.suggested_filename == "map-A4-5000.pdf"
    made.value.save_as(tmp_path / "sheet.pdf")
    ((size, text),) = pages_of(tmp_path / "sheet.pdf")
    assert size == (297.0, 210.0)
    for words in ("望京现状图", "1:5,000", "1990-01-01", "局长", "EPSG:4548", "建筑 · 建筑高度 (m)", "40 – 70", "公共设施 · 热力图"):
        assert words in text, words
    assert "未绘出" not in text


def test_an_atlas_of_what_is_selected(desk: NewDesk, neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    refs = ",".join(f"building.{neighbourhood.fids[f'building{n}.1']}" for n in (1, 3, 5))
    own = desk(height=900).open(f"{VIEW}&s={refs}").sign_in("bureau")
    page = own.page
    page.get_by_role("button", name="打印", exact=True).click()
    page.get_by_role("checkbox", name="按所选要素出图册（3 页）").check()
    with page.expect_download(timeout=60_000) as made:
        page.locator(".panel.print").get_by_role("button", name="出图").click()
    made.value.save_as(tmp_path / "atlas.pdf")
    texts = [text for _, text in pages_of(tmp_path / "atlas.pdf")]
    assert [f"{COMPOUNDS[n]}2号楼" in text for n, text in zip((1, 3, 5), texts, strict=True)] == [True] * 3


def test_the_public_is_asked_to_sign_in(desk: NewDesk) -> None:
    own = desk().open()
    own.page.get_by_role("button", name="打印", exact=True).click()
    expect(own.page.locator(".panel.print .state-empty")).to_contain_text("登录后可以出图")


def test_a_report_is_made_by_a_job_with_progress_and_can_be_stopped(desk: NewDesk, store: Store, live_server: LiveServer, neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    own = desk(height=900).open().sign_in("bureau")
    page = own.page
    page.get_by_role("button", name="打印", exact=True).click()
    panel = page.locator(".panel.print")
    # a large sheet waits in the queue as long as no worker is there, and is called off
    pick(page, panel.get_by_role("combobox", name="纸张"), "A1")
    panel.get_by_role("button", name="出图").click()
    expect(panel.locator(".print-progress")).to_contain_text("排队中")
    panel.get_by_role("button", name="停止").click()
    expect(panel.locator(".print-progress")).to_have_count(0)
    panel.get_by_text("报告", exact=True).click()
    panel.get_by_label("报告标题").fill("望京住房报告")
    passes(own, ".panel.print")
    page.screenshot(path=tmp_path / "report-form.png")
    with worker_process(store, live_server.log.parent), page.expect_download(timeout=60_000) as made:
        panel.get_by_role("button", name="生成报告").click()
        expect(panel.locator(".print-progress")).to_be_visible()
        made.value.save_as(tmp_path / "report.html")
    assert made.value.suggested_filename == "望京住房报告.html"
    report = (tmp_path / "report.html").read_text("utf-8")
    (count,) = re.findall(r"<h3>建筑 <small>(\d+) 个要素", report)
    asked = httpx.post(f"{own.url}/api/statistics", json={"layers": [{"layer": "building"}], "bbox": page.evaluate("() => window.__state.getState().bounds")}).json()
    assert int(count) == asked["layers"][0]["count"] > 0
    assert "望京住房报告" in report and "局长" in report and "合计" in report
