"""Two days side by side: swipe, split, spyglass, and the list of what changed, counted by the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import BUILDINGS_1990, BUILDINGS_NOW, COMPOUNDS, DEMOLISHED, Neighbourhood

pytestmark = pytest.mark.browser
NewDesk = Callable[..., Desk]
LAYERS = "l=building,-facility,-street,-district"


def on_side(own: Desk, name: str, layer: str = "building") -> dict[int, Any]:
    """What a side's map shows, once it is drawn."""
    own.until(lambda: own.page.evaluate(
        "(n) => Boolean(window.__panes?.[n]?.loaded() && window.__panes[n].areTilesLoaded()"
        " && document.querySelector(`.pane[data-name='${n}'][data-ready=true]`))", name), f"side {name} is drawn")
    return dict(own.page.evaluate(
        "([n, id]) => window.__panes[n].queryRenderedFeatures({layers: [id]}).map((f) => [f.id, f.properties])", [name, layer]))


def test_swipe_shows_another_day_and_the_list_of_what_changed(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(width=1500).open(f"{VIEW}&{LAYERS}")
    page = own.page
    page.get_by_role("button", name="对比", exact=True).click()
    page.get_by_label("B 侧日期").fill("1990-01-01")
    page.keyboard.press("Enter")
    own.until(lambda: len(on_side(own, "B")) == BUILDINGS_1990, "the other side shows 1990")
    assert len(own.rendered("building")) == BUILDINGS_NOW
    divider = page.get_by_role("slider", name="卷帘位置")
    divider.focus()
    page.keyboard.press("ArrowLeft")
    expect(divider).to_have_attribute("aria-valuenow", "48")
    # the list, its counts, and its marks on the map
    page.get_by_role("button", name="变化清单").click()
    counts = page.locator(".changes-counts b")
    built = BUILDINGS_NOW + DEMOLISHED - BUILDINGS_1990
    expect(counts).to_have_text([str(built), str(DEMOLISHED), "0"])
    expect(page.locator(".changes-table tbody tr")).to_have_count(built + DEMOLISHED)
    own.until(lambda: len(own.page.evaluate(
        "() => [...new Set(window.__map.queryRenderedFeatures({layers: ['changes-line']}).map((f) => f.id))]")) == built + DEMOLISHED, "marked")
    # one kind alone, in the table and on the map; the counts stay those of all
    page.locator(".changes-counts").get_by_role("button", name="新建").click()
    page.locator(".changes-counts").get_by_role("button", name="变更").click()
    expect(page.locator(".changes-table tbody tr")).to_have_count(DEMOLISHED)
    expect(counts).to_have_text([str(built), str(DEMOLISHED), "0"])
    row = page.locator(".changes-table tr[data-change=ended]").first
    expect(row).to_contain_text(f"{COMPOUNDS[0]}1号楼")
    row.get_by_role("button").press("Enter")
    own.until(lambda: page.evaluate("() => window.__map.getZoom()") > 16.5, "zoomed to it")
    # a link brings the comparison back
    link = own.until(lambda: page.url if "m=" in page.url else None, "the link").partition("#")[2]
    other = desk(width=1500).open(link)
    assert other.page.evaluate("() => window.__state.getState().compare.sides[0].day") == "1990-01-01"


def click_on(own: Desk, name: str, fid: int) -> None:
    """Click on a building where a side's map shows it."""
    place = own.page.evaluate(
        "([n, fid]) => { const map = window.__panes[n]; const f = map.queryRenderedFeatures({layers: ['building']}).find((f) => f.id === fid);"
        " const ring = f.geometry.type === 'Polygon' ? f.geometry.coordinates[0] : f.geometry.coordinates[0][0];"
        " const at = map.project([0, 1].map((k) => ring.slice(1).reduce((sum, p) => sum + p[k], 0) / (ring.length - 1)));"
        " const box = map.getCanvas().getBoundingClientRect(); return [box.x + at.x, box.y + at.y]; }", [name, fid])
    own.page.mouse.move(*place)
    own.page.mouse.click(*place)


@pytest.mark.slow
def test_split_has_panes_with_their_own_day_layers_and_filters_linked_or_not(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    filtered = "f=%5B%5B%22building%22%2C%5B%22floors_above%22%2C%22%3E%3D%22%2C24%5D%5D%5D"
    own = desk(width=1400).open(f"c=116.393,39.926,13.6&{LAYERS}&{filtered}")
    page = own.page
    page.get_by_role("button", name="对比", exact=True).click()
    page.get_by_text("分屏", exact=True).click()
    on_side(own, "B")
    page.get_by_label("2 屏").click(force=True)
    page.get_by_title("3 屏").click()
    page.get_by_label("C 侧日期").fill("1990-01-01")
    page.keyboard.press("Enter")
    own.until(lambda: len(on_side(own, "C")) == BUILDINGS_1990, "the third pane shows 1990, unfiltered")
    # a click in a pane is answered as of that pane's day
    fid = min(on_side(own, "C"))
    click_on(own, "C", fid)
    panel = page.get_by_role("complementary", name="要素", exact=True)
    expect(panel).to_contain_text("截至 1990-01-01")
    assert page.evaluate("() => window.__state.getState().selection") == [{"layer": "building", "fid": fid}]
    expect(panel.get_by_role("button", name="编辑", exact=True)).to_have_count(0)
    panel.get_by_role("button", name="关闭", exact=True).click()
    page.get_by_role("group", name="C 侧").get_by_role("button", name="带上主图筛选").click()
    own.until(lambda: len(on_side(own, "C")) == BUILDINGS_1990 // 4, "filtered as the main map")
    # layers of its own
    page.get_by_label("B 侧图层").click(force=True)
    page.locator(".ant-select-item-option[title='绿地']").click()
    page.keyboard.press("Escape")
    own.until(lambda: len(on_side(own, "B", "green_space")) == 1, "the park on one side alone")
    assert on_side(own, "B") == {}
    zooms = "() => [window.__map.getZoom(), window.__panes.B.getZoom()].map((z) => Number(z.toFixed(3)))"
    page.evaluate("() => window.__map.jumpTo({zoom: 13.2})")
    assert page.evaluate(zooms) == [13.2, 13.2]
    page.get_by_role("switch", name="联动视野").click()
    page.evaluate("() => window.__panes.B.jumpTo({zoom: 15})")
    assert page.evaluate(zooms) == [13.2, 15.0]


def test_the_glass_follows_the_pointer(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open(f"{VIEW}&{LAYERS}&m=%7B%22mode%22%3A%22spyglass%22%2C%22sides%22%3A%5B%7B%22day%22%3A%221990-01-01%22%7D%5D%7D")
    page = own.page
    own.until(lambda: len(on_side(own, "B")) == BUILDINGS_1990, "the glass shows 1990")
    page.mouse.move(700, 400)
    expect(page.locator(".glass")).to_have_attribute("style", "left: 700px; top: 348px;")
    assert "700px 348px" in (page.locator(".pane").get_attribute("style") or "")
    # what the glass shows is what a click tells: a building that has gone since
    gone = (set(on_side(own, "B")) - set(own.rendered("building"))).pop()
    click_on(own, "B", gone)
    expect(page.get_by_role("complementary", name="要素", exact=True)).to_contain_text("截至 1990-01-01")
    own.until(lambda: page.evaluate("() => window.__state.getState().selection.map((ref) => ref.fid)") == [gone], "the vanished building")
