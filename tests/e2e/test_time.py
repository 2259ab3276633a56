"""The time bar: playback on what the server has, its histogram, pinned layers, frames to take away."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import BLOCKS, BUILDINGS_1990, BUILDINGS_NOW, DEMOLISHED, PER_BLOCK, Neighbourhood

pytestmark = pytest.mark.browser
NewDesk = Callable[..., Desk]
BUILDINGS_2005 = BLOCKS * PER_BLOCK


def settled(own: Desk, day: str) -> None:
    own.until(lambda: own.page.locator(".timebar").get_attribute("data-settled") == day, f"the map has come to {day}")


def go_to(page: Page, day: str) -> None:
    page.get_by_label("日期", exact=True).fill(day)
    page.keyboard.press("Enter")


def test_the_bar_steps_through_time_and_says_what_changes(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open(f"{VIEW}&t=2004-01-01&l=building")
    page = own.page
    page.get_by_role("button", name="打开时间轴").click()
    # what the server counted for the layers shown and the view
    shown = page.evaluate("() => window.__state.getState().bounds.map((d) => d.toFixed(3)).join(',')")
    counted = httpx.get(f"{own.url}/api/changes/counts", params={"layers": "building", "bbox": shown, "from": "1985", "to": "2037"}).json()
    assert counted["total"] == {"built": BUILDINGS_2005, "ended": DEMOLISHED, "changed": 0}
    expect(page.locator(".time-histogram")).to_be_visible()
    page.get_by_role("button", name="前进一步").click()
    settled(own, "2005-01-01")
    # the buildings of that year, with the tiles asked once for all years
    assert len(own.rendered("building")) == BUILDINGS_2005
    expect(page.locator(".time-counts")).to_contain_text(f"新增 {BUILDINGS_2005 - BUILDINGS_1990} · 消失 0")
    own.until(lambda: own.rendered("step-fill"), "what is new is marked")
    # and stays so when something else of the view changes
    page.evaluate("() => window.__state.setState((view) => ({ time: { ...view.time, pinned: { road: '1990-01-01' } } }))")
    page.wait_for_timeout(1500)
    expect(own.drawn().page.locator(".time-counts")).to_contain_text(f"新增 {BUILDINGS_2005 - BUILDINGS_1990} · 消失 0")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if "/tiles/" in r.url else None)
    # a longer step keeps the day
    page.get_by_label("步长").click(force=True)
    page.get_by_title("十年", exact=True).click()
    expect(page.locator(".time-thumb b")).to_have_text("2005-01-01")
    page.get_by_role("button", name="前进一步").click()
    settled(own, "2015-01-01")
    page.get_by_role("slider", name="日期滑块").focus()
    page.keyboard.press("ArrowRight")
    settled(own, "2025-01-01")
    assert len(own.rendered("building")) == BUILDINGS_NOW
    expect(page.locator(".time-counts")).to_contain_text(f"消失 {DEMOLISHED}")
    assert asked == [], "no tile is fetched while time goes on"


def test_playback_runs_pauses_and_loops(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open(f"{VIEW}&t=1989-01-01&l=building")
    page = own.page
    page.get_by_role("button", name="打开时间轴").click()
    page.get_by_role("button", name="播放", exact=True).click()
    settled(own, "1991-01-01")
    page.get_by_role("button", name="暂停").click()
    stopped = page.locator(".time-thumb b").inner_text()
    page.wait_for_timeout(900)
    assert page.locator(".time-thumb b").inner_text() == stopped
    settled(own, stopped)
    assert len(own.rendered("building")) == BUILDINGS_1990
    # the last day of the slider leads back to the first
    page.get_by_role("button", name="循环").click()
    page.get_by_role("slider", name="日期滑块").press("End")
    page.get_by_role("button", name="播放", exact=True).click()
    settled(own, "1985-01-01")


def test_an_interval_and_a_pinned_layer(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open(f"{VIEW}&t=2004-01-01/2016-01-01&p=parcel.1990-01-01&l=building,parcel")
    page = own.page
    page.get_by_role("button", name="打开时间轴").click()
    # all that stood at any time within: those demolished in 2015 too
    assert len(own.rendered("building")) == BUILDINGS_2005
    assert len(own.rendered("parcel")) == BLOCKS // 2, "pinned to 1990"
    page.get_by_text("时刻", exact=True).click()
    settled(own, "2004-01-01")
    assert len(own.rendered("building")) == BUILDINGS_1990
    page.get_by_role("button", name="固定图层时间").click()
    page.get_by_role("button", name="解除固定“宗地”").click()
    page.get_by_role("slider", name="日期滑块").press("ArrowRight")
    settled(own, "2005-01-01")
    assert len(own.rendered("parcel")) == BLOCKS


@pytest.mark.slow
def test_frames_are_taken_away_as_pictures_and_as_a_film(desk: NewDesk, neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    own = desk(width=800, height=600).open(f"{VIEW}&t=2006-01-01&l=building,-road,-facility,-district,-street")
    page = own.page
    page.get_by_role("button", name="打开时间轴").click()
    page.get_by_role("button", name="导出动画").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("从").fill("2004-01-01")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("status")).to_have_text("3 帧")
    with page.expect_download(timeout=60_000) as zipped:
        dialog.get_by_role("button", name="导出动画").click()
    zipped.value.save_as(tmp_path / "frames.zip")
    with zipfile.ZipFile(tmp_path / "frames.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["0001-2004-01-01.png", "0002-2005-01-01.png", "0003-2006-01-01.png"]
        pictures = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in archive.namelist()]
    darker = [sum(1 for pixel in picture.resize((200, 150)).getdata() if sum(pixel) < 690) for picture in pictures]
    assert darker[1] > darker[0] * 1.2, f"in 2005 twice as many buildings are in the picture: {darker}"
    page.get_by_role("button", name="导出动画").click()
    dialog.get_by_text("WebM 视频").click()
    with page.expect_download(timeout=60_000) as film:
        dialog.get_by_role("button", name="导出动画").click()
    film.value.save_as(tmp_path / "film.webm")
    assert (tmp_path / "film.webm").read_bytes()[:4] == b"\x1a\x45\xdf\xa3", "the mark of WebM"
    assert (tmp_path / "film.webm").stat().st_size > 5_000
