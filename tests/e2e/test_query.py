"""Finding the right layers and features: legends that count, the order of layers, search, queries both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyogrio
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Desk
from tests.e2e.neighbourhood import BUILDINGS_NOW, Neighbourhood
from tests.e2e.test_statistics import ask, choose, pick

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]


def test_layers_count_what_is_in_view_and_lie_as_they_are_put(desk: NewDesk) -> None:
    own = desk(height=900).open("c=116.387,39.92,16.5")
    page = own.page
    page.get_by_role("button", name="展开“建筑”的图例").click()
    legend = page.locator('[data-layer="building"] .legend')
    counted = ask(own, {"bbox": page.evaluate("() => window.__state.getState().bounds"), "layers": [{"layer": "building", "by": "use"}]})["layers"][0]
    for each in counted["classes"]:
        expect(legend.locator("li").filter(has_text=each["title"]["zh"]).first.locator(".legend-count")).to_have_text(str(each["count"]))
    assert 0 < counted["count"] < 60

    # the number beside the slider is the opacity on the map
    page.get_by_role("spinbutton", name="“建筑”的不透明度百分比").fill("40")
    own.until(lambda: page.evaluate("() => window.__state.getState().layers.opacity.building") == 0.4, "the opacity is set")

    # by the arrow keys green spaces come to lie above water
    def order() -> list[str]:
        drawn: list[str] = page.evaluate("() => window.__map.getStyle().layers.filter((l) => l.type === 'fill').map((l) => l.source)")
        return [name for name in dict.fromkeys(drawn) if name in ("water_area", "green_space")]
    before = order()
    lower, upper = before
    titles = {"water_area": "水系", "green_space": "绿地"}
    grip = page.get_by_role("button", name=f"调整“{titles[lower]}”的顺序")
    grip.focus()
    grip.press("ArrowUp")
    own.until(lambda: order() == [upper, lower], "the order is turned")
    expect(grip).to_be_focused()
    own.until(lambda: "order" in page.evaluate("() => decodeURIComponent(location.hash)"), "the order is in the link")
    page.get_by_role("button", name="恢复默认图层").click()
    own.until(lambda: order() == before, "the order is as it was")

    # a field leads to its layer
    search = page.get_by_role("searchbox", name="搜索图层、字段或关键词")
    search.fill("基底面积")
    expect(page.locator(".layer-row")).to_have_count(1)
    expect(page.locator(".layer-row")).to_contain_text("建筑")
    search.fill("没有这样的图层")
    expect(page.locator(".state-empty")).to_contain_text("没有与“没有这样的图层”相符的图层")


TALL_OR_SHOP = {"op": "or", "args": [{"op": "in", "args": [{"property": "use"}, ["commercial"]]}, {"op": ">", "args": [{"property": "height_m"}, 60]}]}


def test_a_nested_query_is_counted_applied_saved_and_taken_away(desk: NewDesk, tmp_path: Path) -> None:
    own = desk(height=1000).open().sign_in("wang")
    page = own.page
    page.get_by_role("tab", name="查询").click()
    choose(page, "图层", "建筑")
    choose(page, "字段", "用途")
    choose(page, "属于 值", "商业")
    page.keyboard.press("Escape")
    choose(page, "组合方式", "任一满足")
    page.get_by_role("button", name="条件", exact=True).click()
    line = page.locator(".query-line").nth(1)
    pick(page, line.get_by_role("combobox", name="字段"), "建筑高度")
    pick(page, line.get_by_role("combobox", name="比较"), "大于")
    line.get_by_role("spinbutton").fill("60")
    counted = ask(own, {"layers": [{"layer": "building", "filter": TALL_OR_SHOP}]})["layers"][0]["count"]
    assert 0 < counted < BUILDINGS_NOW
    expect(page.locator(".query-count")).to_have_text(f"符合条件 {counted} 条")
    expect(page.locator(".query-text")).to_have_text("(use IN ('commercial') OR height_m > 60)")
    page.get_by_role("button", name="应用", exact=True).click()
    own.until(lambda: len(own.drawn().rendered("building")) == counted, "the map is filtered")
    page.get_by_role("button", name="属性表", exact=True).click()
    expect(page.locator(".table-count")).to_have_text(f"{counted} 条")
    expect(page.get_by_role("switch", name="仅当前视野")).to_have_attribute("aria-checked", "false")

    # exactly that is taken away
    page.locator(".dock").get_by_role("button", name="导出").click()
    with page.expect_download() as file:
        page.get_by_role("menuitem", name="GeoPackage").click()
    file.value.save_as(tmp_path / "building.gpkg")
    assert pyogrio.read_info(tmp_path / "building.gpkg")["features"] == counted
    page.get_by_role("button", name="关闭属性表").click()

    # kept on the server, and there again after signing in elsewhere
    page.get_by_placeholder("查询名称").fill("高层或商业")
    page.locator(".keep").get_by_role("button", name="保存").click()
    expect(page.locator(".kept")).to_contain_text("高层或商业")
    other = desk(height=1000).open().sign_in("wang")
    other.page.get_by_role("tab", name="查询").click()
    choose(other.page, "图层", "建筑")
    other.page.locator(".kept").get_by_role("button", name="高层或商业", exact=True).click()
    other.until(lambda: len(other.drawn().rendered("building")) == counted, "the kept query is applied")


def test_what_lies_in_an_area_is_selected_and_filtered(desk: NewDesk) -> None:
    own = desk(height=1000).open()
    page = own.page
    page.get_by_role("tab", name="查询").click()
    choose(page, "图层", "建筑")
    choose(page, "范围", "绘制的范围")
    page.get_by_role("spinbutton", name="半径（米）").fill("300")
    page.get_by_role("button", name="以地图中心画圆").click()
    circle = {"layer": "building", "area": {"type": "Point", "coordinates": [116.393, 39.926]}, "buffer_m": 300, "limit": 1000}
    for rule, title in (("within", "完全在内"), ("intersects", "相交即计入")):
        choose(page, "计入规则", title)
        found = ask(own, circle | {"rule": rule}, "selection")
        page.get_by_role("button", name="选择要素").click()
        own.until(lambda fids=found["fids"]: sorted(ref["fid"] for ref in own.selected()) == fids, f"what is {rule} is selected")
        expect(page.locator(".select-by .place-hint").last).to_contain_text(f"选中 {found['count']} 个")
    # the map marks them, the table shows them chosen, and the same area filters both
    own.until(lambda: set(own.drawn().rendered("selected-building")) == set(found["fids"]), "the selection is marked")
    page.get_by_role("button", name="按此范围筛选").click()
    own.until(lambda: set(own.drawn().rendered("building")) == set(found["fids"]), "the map is filtered by the area")
    page.get_by_role("button", name="属性表", exact=True).click()
    expect(page.locator(".table-count")).to_have_text(f"{found['count']} 条")
    expect(page.locator(".table-selected")).to_have_text(f"已选 {found['count']}")


def test_what_is_in_view_is_a_list_and_the_browser_s_language_is_spoken(desk: NewDesk) -> None:
    own = desk(height=900).open("c=116.387,39.92,17.5")
    page = own.page
    page.get_by_role("button", name="视野内的要素列表").click()
    names = page.get_by_role("list", name="视野内的要素列表")
    first = names.get_by_role("button").filter(has_text="号楼").first
    name = first.inner_text()
    bounds = page.evaluate("() => window.__state.getState().bounds")
    found = ask(own, {"layer": "building", "bbox": bounds, "filter": f"name = '{name}'"}, "selection")
    first.press("Enter")
    own.until(lambda: [ref["fid"] for ref in own.selected()] == found["fids"], "the feature of the list is selected")
    assert page.context.browser
    english = page.context.browser.new_context(locale="en-GB")
    visitor = english.new_page()
    visitor.goto(own.url)
    expect(visitor.get_by_role("tab", name="Layers")).to_be_visible()
    assert visitor.evaluate("document.documentElement.lang") == "en"
    english.close()


def test_an_interval_lists_its_versions_and_a_large_selection_goes_by_its_name(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(height=900).open("c=116.393,39.926,14.5&l=building,-facility,-street,-district&t=1980-01-01/2100-01-01&x=building")
    page = own.page
    page.locator(".table-switch").get_by_role("switch").set_checked(False)
    known = page.request.get(f"{own.url}/ogc/collections/building/items", params={"datetime": "1980-01-01/2100-01-01", "resulttype": "hits", "f": "json"}).json()
    expect(page.locator(".table-count")).to_have_text(f"{known['numberMatched']} 个版本")
    assert known["numberMatched"] > BUILDINGS_NOW, "who changed or went is there with each of its versions"
    assert page.locator(".grid-row [data-span]").first.inner_text() in ("出现", "出现又消失")
    # what stands in the address at the moment a page is left is what was seen last
    assert page.evaluate("() => { const view = window.__state.getState(); view.setUntil(null); view.setDay(null);"
                         " window.dispatchEvent(new Event('pagehide')); return location.hash.includes('t='); }") is False
    kept = ask(own, {"layer": "building", "bbox": [116, 39.5, 117, 40.5], "rule": "centroid", "keep": True, "limit": 1}, "selection")
    assert kept["count"] == kept["kept"] == BUILDINGS_NOW
    part = ask(own, {"layer": "building", "bbox": [116, 39.5, 116.393, 40.5], "rule": "centroid", "keep": True, "limit": 1}, "selection")
    page.evaluate("(chosen) => window.__state.getState().setWork({chosen})", {"layer": "building", "selection": part["selection"], "count": part["kept"]})
    own.until(lambda: len(page.evaluate("() => [...new Set(window.__map.getLayer('chosen') ?"
                                        " window.__map.queryRenderedFeatures({layers: ['chosen']}).map((f) => f.id) : [])]")) == part["count"], "marked by tiles")
    page.get_by_role("group", name="大批量选择").get_by_role("button", name="只看所选").click()
    expect(page.locator(".table-count")).to_have_text(f"{part['count']} 条")
    own.until(lambda: len(own.drawn().rendered("building")) == part["count"], "the map shows the selected alone")
    assert "selected" in own.until(lambda: page.url if part["selection"] in page.url else None, "a link holds it")
