"""The analyses of the scene: set by mouse, keys and links, with the numbers that geometry says; taken away as files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from pyproj import Geod

from tests.e2e.conftest import Desk
from tests.e2e.test_desk import violations
from tests.e2e.test_scene import MIDDLE, scene

pytestmark = pytest.mark.browser

VIEW = "c=116.3909,39.9234,16.5,0,40&g=1"
# West and east of two slabs of a block, one 36 m and one 45 m high.
WEST, EAST = [116.3890, 39.9234], [116.3928, 39.9234]
GEOD = Geod(ellps="GRS80")
# Pits and planes of the globe: how many, and whether they are in force.
CUTS = """() => { const {clippingPolygons: pits, clippingPlanes: planes} = window.__scene.widget.scene.globe;
    return [pits?.length ?? 0, pits?.enabled ?? false, planes?.length ?? 0, planes?.enabled ?? false]; }"""
# Is ground drawn where a building is not: in the middle of a street, as far as the picture has it?
GROUND = """() => { const {scene, canvas} = window.__scene.widget; scene.render();
    const picture = Object.assign(document.createElement('canvas'), {width: 64, height: 64}), pen = picture.getContext('2d');
    pen.drawImage(canvas, 0, 0, 64, 64);
    const lower = pen.getImageData(0, 40, 64, 20).data;
    let drawn = 0;
    for (let i = 0; i < lower.length; i += 4) drawn += lower[i] + lower[i + 1] + lower[i + 2] > 60 ? 1 : 0;
    return drawn > 1200; }"""


def number(here: Desk, name: str) -> float:
    """Return a number of the card by its name."""
    text = here.page.locator(".analysis-result dl > div", has_text=name).first.locator("dd").inner_text()
    return float(re.sub(r"[^\d.\-]", "", text.split(" ")[0]))


def opened(here: Desk, analysis: list[Any], more: str = "") -> None:
    here.page.evaluate("(h) => { location.hash = h }", f"{VIEW}&a={quote(json.dumps(analysis))}{more}")
    here.page.locator(f".analysis-result[data-tool={analysis[0]}]").wait_for()


def download(here: Desk, name: str, folder: Path) -> str:
    with here.page.expect_download() as taken:
        here.page.locator(".analysis-result").get_by_role("button", name=name).click()
    taken.value.save_as(folder / name)
    return (folder / name).read_text("utf-8-sig")


def test_analyses_of_the_scene(desk: Callable[..., Desk], neighbourhood: Any, tmp_path: Path) -> None:
    here = desk()
    page = here.page
    page.goto(f"{here.url}/?test#{VIEW}")
    scene(here)
    slab, tall = neighbourhood.fids["building5.2"], neighbourhood.fids["building5.3"]

    # By mouse: from the middle of a roof at 81 m to that of one at 72 m, which the first roof itself hides.
    page.get_by_role("button", name="分析").click()
    card = page.get_by_role("region", name="三维分析")
    card.get_by_text("点击观察点").wait_for()
    for lon, height in ((116.39175, 81), (116.39015, 72)):
        page.mouse.click(*page.evaluate(MIDDLE, [lon, 39.9249, height - 9.5]))
    card.get_by_text("不可见").wait_for()
    eye, end = page.evaluate("() => window.__state.getState().analysis.points")
    assert (eye["elevation"], end["elevation"]) == pytest.approx((81, 72), abs=0.2) and here.selected() == []
    away = GEOD.inv(eye["lon"], eye["lat"], end["lon"], end["lat"])[2]
    # The line falls below the roof that it starts from; a click may lie some centimetres over it.
    high, low = max(81, eye["elevation"]) + 1.6, max(72, end["elevation"])
    told = card.locator(".analysis-found li").inner_text()
    assert "柳芳南里8号楼" in told and float(re.search(r"([\d.]+) 米处", told)[1]) == pytest.approx(away * (high - 81) / (high - low), abs=0.1)
    # The link holds the tool and its places; nothing of the card is closed to anybody.
    here.until(lambda: "a=%5B%22sightline" in page.url, "the link tells of the analysis")
    assert violations(here, ".analysis-card") == []
    rows = list(csv.DictReader(download(here, "导出 CSV", tmp_path).splitlines()))
    assert (rows[0]["visible"], rows[0]["obstruction_fid"]) == ("false", str(neighbourhood.fids["building5.7"]))

    # By keys: the middle of the view, and back again.
    card.get_by_role("button", name="可视域").click()
    page.evaluate("() => window.__scene.widget.canvas.focus()")
    page.keyboard.press("Enter")
    page.locator(".analysis-result[data-tool=viewshed]").wait_for()
    assert number(here, "可见面积") + number(here, "不可见面积") == pytest.approx(3.14159 * 300**2, rel=0.01)
    assert number(here, "可见建筑") >= 1
    shapes = json.loads(download(here, "导出 GeoJSON", tmp_path))["features"]
    assert [f["properties"]["visible"] for f in shapes] == [True, False]
    page.evaluate("() => window.__scene.widget.canvas.focus()")
    page.keyboard.press("Backspace")
    page.locator(".analysis-result").wait_for(state="detached")

    # By link: a section through both slabs, its drawing, and the scene cut open.
    opened(here, ["section", [WEST, EAST]])
    assert number(here, "长度") == pytest.approx(GEOD.inv(*WEST, *EAST)[2], rel=1e-3)
    assert card.locator(".chart-building text").all_text_contents() == ["36.0", "45.0"]
    drawn = download(here, "导出图表 SVG", tmp_path)
    assert drawn.startswith("<svg") and drawn.count("chart-building") == 2
    card.get_by_text("切去右侧").click()
    planes = "() => window.__scene.standing().map((s) => s.tileset.clippingPlanes?.length ?? 0)"
    here.until(lambda: set(page.evaluate(planes)) == {1}, "the buildings are cut")
    card.get_by_text("不剖切").click()
    here.until(lambda: set(page.evaluate(planes)) == {0}, "they are whole again")

    opened(here, ["skyline", [WEST], {"radius_m": 500}])
    # Due east stands the wall of 36 m, its foot as far away as before.
    _, _, near = GEOD.inv(*WEST, 116.3895, WEST[1])
    sky = {row["azimuth_deg"]: row for row in csv.DictReader(download(here, "导出 CSV", tmp_path).splitlines())}
    assert sky["90"]["fid"] == str(tall if float(sky["90"]["distance_m"]) > 100 else slab)
    assert float(sky["90"]["distance_m"]) == pytest.approx(near, abs=0.5)

    around = [[116.3890, 39.9236], [116.3900, 39.9236], [116.3900, 39.9239], [116.3890, 39.9239]]
    opened(here, ["earthwork", around, {"depth_m": 5}])
    area, _ = GEOD.polygon_area_perimeter([p[0] for p in around], [p[1] for p in around])
    assert (number(here, "投影面积"), number(here, "挖方")) == pytest.approx((abs(area), 5 * abs(area)), rel=1e-3)
    assert page.evaluate("() => window.__scene.widget.scene.globe.clippingPolygons.length") == 1

    # A pit of the tools beside that of the analysis: each goes alone; with a plane and a ground that one sees through, all hold together.
    page.evaluate("() => { window.__faults = []; window.__scene.widget.scene.renderError.addEventListener((_, error) => window.__faults.push(String(error))); }")
    tools = page.get_by_role("toolbar", name="三维工具")
    tools.get_by_role("button", name="开挖").click()
    here.until(lambda: page.evaluate(CUTS) == [2, True, 0, False], "two pits")
    opened(here, ["section", [WEST, EAST]])
    card.get_by_text("切去右侧").click()
    tools.get_by_role("button", name="地下").click()
    here.until(lambda: page.evaluate(CUTS) == [1, True, 1, True], "a pit and a plane, over a ground that one sees through")
    page.wait_for_timeout(800)
    tools.get_by_role("button", name="地下").click()
    tools.get_by_role("button", name="开挖").click()
    here.until(lambda: page.evaluate(CUTS) == [0, False, 1, True], "the plane is left")
    page.wait_for_timeout(400)
    card.get_by_text("不剖切").click()
    here.until(lambda: page.evaluate(CUTS) == [0, False, 0, False], "nothing is cut")
    page.wait_for_timeout(800)
    assert page.evaluate("() => window.__faults") == [] and page.evaluate(GROUND) is True

    # What the view hides, filters or has not yet stands nowhere, and it is said so.
    expect(card.locator("[data-shapes]")).to_have_attribute("data-shapes", "0/2")
    assert here.page.locator(".analysis-note[data-shown]").count() == 0
    page.evaluate("() => window.__state.getState().setFilter('building', [{field: 'height_m', op: '>', value: 40}])")
    expect(card.locator(".chart-building text")).to_have_text(["45.0"], timeout=20_000)
    expect(card.locator("[data-shown]")).to_contain_text("过滤条件者：建筑")
    page.evaluate("() => { window.__state.getState().setFilter('building', []); window.__state.getState().setDay('1970-01-01') }")
    expect(card.locator(".chart-building")).to_have_count(0, timeout=20_000)
    expect(card.locator("[data-shown]")).to_contain_text("以 1970-01-01 为准")
    page.evaluate("() => { window.__state.getState().setDay(null); window.__state.getState().show(['building'], false) }")
    expect(card.locator("[data-shown]")).to_contain_text("隐藏的图层：建筑", timeout=20_000)
    expect(card.locator(".chart-building")).to_have_count(0)
    page.evaluate("() => window.__state.getState().show(['building'], true)")
    expect(card.locator(".chart-building")).to_have_count(2, timeout=20_000)

    opened(here, ["volume", []], f"&s=building.{slab}")
    wide, _ = GEOD.polygon_area_perimeter([116.3895, 116.3908, 116.3908, 116.3895], [39.92325, 39.92325, 39.92355, 39.92355])
    assert number(here, "体积") == pytest.approx(36 * abs(wide), rel=1e-3)
    card.get_by_role("button", name="关闭").click()
    assert page.evaluate("() => [window.__state.getState().analysis, window.__scene.widget.scene.globe.clippingPolygons.length]") == [None, 0]
