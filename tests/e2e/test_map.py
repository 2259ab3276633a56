"""Who looks at the city: map, identify, search, day, table, links, languages. Numbers are those of the neighbourhood."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import BUILDINGS_1990, BUILDINGS_NOW, COMPOUNDS, Neighbourhood

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]


def test_the_map_shows_every_building_of_the_neighbourhood(desk: NewDesk) -> None:
    own = desk().open()
    assert len(own.rendered("building")) == BUILDINGS_NOW
    canvas = own.page.evaluate("""() => {
        const gl = window.__map.getCanvas().getContext('webgl2'), pixels = new Uint8Array(4 * 400);
        gl.readPixels(gl.drawingBufferWidth / 2, gl.drawingBufferHeight / 2, 20, 20, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
        return [gl.isContextLost(), Math.max(...pixels)];
    }""")
    assert canvas == [False, 255]


def test_a_click_identifies_the_building_and_what_lies_under_it(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open()
    fid = neighbourhood.fids["building5.2"]
    own.page.mouse.click(*own.point_in("building", fid))
    panel = own.page.locator(".feature")
    expect(panel.get_by_role("heading", level=2)).to_have_text(f"{COMPOUNDS[5]}3号楼")
    expect(panel.locator(".here button")).to_have_text([f"建筑{COMPOUNDS[5]}3号楼", "街道望京街道", "区朝阳区"])
    fields = panel.locator(".fields > div")
    expect(fields.filter(has_text="用途")).to_contain_text("住宅")
    expect(fields.filter(has_text="建筑高度")).to_contain_text("36 m")
    expect(fields.filter(has_text="建成年份")).to_contain_text("2005")
    expect(panel.locator(".validity")).to_contain_text("2005-01-01 起")


def test_units_of_a_building_and_milestones_of_a_project_are_linked(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open().sign_in("bureau")
    own.choose("building", neighbourhood.fids["building0.2"])
    own.page.get_by_role("tab", name="关联").click()
    units = own.page.locator(".related").filter(has_text="户室")
    expect(units.locator("h3 span")).to_have_text("12")
    units.get_by_role("button", name="101", exact=True).click()
    expect(own.page.locator(".feature-layer")).to_have_text("户室")
    own.page.locator(".fields").get_by_role("button", name=f"{COMPOUNDS[0]}3号楼").click()
    expect(own.page.locator(".feature h2")).to_have_text(f"{COMPOUNDS[0]}3号楼")
    own.choose("project", neighbourhood.fids["project"])
    own.page.get_by_role("tab", name="关联").click()
    expect(own.page.locator(".related").filter(has_text="项目里程碑").locator("h3 span")).to_have_text("3")


@pytest.mark.parametrize(("typed", "label", "level"), [
    ("牡丹", "牡丹园", "前缀匹配"), ("pjh", None, None), ("mdy", "牡丹园", "拼音首字母"), ("2024-110105", "积水潭家园二期", "编码"),
])
def test_search_finds_by_two_characters_initials_and_code(desk: NewDesk, typed: str, label: str | None, level: str | None) -> None:
    own = desk().open()
    own.page.keyboard.press("/")
    expect(own.page.locator("#search")).to_be_focused()
    own.page.keyboard.type(typed)
    if label is None:
        expect(own.page.locator(".search-note")).to_contain_text(f"没有找到“{typed}”")
        return
    options = own.page.get_by_role("option")
    own.until(lambda: options.count() > 0, f"results for {typed}")
    expect(options.first).to_contain_text(label)
    expect(options.first.locator(".search-match")).to_have_text(level or "")
    name = options.first.locator(".search-label").inner_text()
    own.page.keyboard.press("Enter")
    expect(own.page.locator(".feature h2")).to_have_text(name)
    own.drawn()
    assert own.page.evaluate("() => window.__map.getZoom()") >= 16


def test_another_day_is_shown_by_map_table_and_search_alike(desk: NewDesk) -> None:
    own = desk().open()
    page = own.page
    page.locator(".day-button").click()
    page.get_by_role("button", name="1990", exact=True).click()
    expect(page.locator(".banner")).to_contain_text("正在查看过去：地图、属性表与搜索均为 1990-01-01 的状态。")
    own.until(lambda: len(own.drawn().rendered("building")) == BUILDINGS_1990, "buildings of 1990")
    page.keyboard.press("Escape")
    page.locator(".map canvas").focus()
    page.keyboard.press("t")
    expect(page.locator(".table-count")).to_have_text(f"{BUILDINGS_1990} 条")
    page.locator("#search").fill(COMPOUNDS[1])
    expect(page.locator(".search-note")).to_contain_text("没有找到")
    page.locator("#search").fill(f"{COMPOUNDS[0]}1号楼")
    expect(page.get_by_role("option").first).to_contain_text(f"{COMPOUNDS[0]}1号楼")
    page.locator(".banner").get_by_role("button", name="回到今天").click()
    expect(page.locator(".table-count")).to_have_text(f"{BUILDINGS_NOW} 条")
    own.until(lambda: len(own.drawn().rendered("building")) == BUILDINGS_NOW, "buildings of today")


def test_table_and_map_are_one(desk: NewDesk, neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    own = desk(height=900).open().sign_in("wang")
    page = own.page
    page.get_by_role("button", name="打开“建筑”的属性表").click()
    rows = page.locator(".grid-body .grid-row")
    expect(page.locator(".table-count")).to_have_text(f"{BUILDINGS_NOW} 条")

    # sorted on the server: the tallest first
    page.get_by_title("按“建筑高度”排序").click()
    page.get_by_title("按“建筑高度”排序").click()
    expect(rows.first).to_contain_text("81 m")
    # filtered on the server, and the map with it
    page.get_by_role("button", name="筛选“地上层数”").click(force=True)
    page.locator(".filter-form").get_by_label("不小于").fill("24")
    page.locator(".filter-form").get_by_role("button", name="应用").last.click()
    expect(page.locator(".table-count")).to_have_text("32 条")
    own.until(lambda: len(own.drawn().rendered("building")) == 32, "the map is filtered")
    # by a field that no tile has, the server filters the tiles
    page.get_by_role("button", name="筛选“地址”").click(force=True)
    page.locator(".filter-form").get_by_label("包含 值").fill(COMPOUNDS[5])
    page.locator(".filter-form").get_by_role("button", name="应用").last.click()
    expect(page.locator(".table-count")).to_have_text("2 条")
    own.until(lambda: len(own.drawn().rendered("building")) == 2, "the map is filtered by the server")

    # table to map
    rows.first.click()
    rows.nth(1).click(modifiers=["Control"])
    assert {ref["fid"] for ref in own.selected()} == {neighbourhood.fids["building5.6"], neighbourhood.fids["building5.7"]}
    own.until(lambda: set(own.rendered("selected-building")) == {ref["fid"] for ref in own.selected()}, "the map marks the rows")
    page.get_by_role("button", name="缩放到所选").click()
    own.until(lambda: own.page.evaluate("() => window.__map.getZoom()") > 16, "zoomed to the rows")

    # only what is filtered is taken away
    page.get_by_role("switch", name="仅当前视野").click()
    page.get_by_role("button", name="导出").click()
    with page.expect_download() as csv_file:
        page.get_by_role("menuitem", name="CSV 表格").click()
    csv_file.value.save_as(tmp_path / "buildings.csv")
    lines = list(csv.reader((tmp_path / "buildings.csv").read_text("utf-8-sig").splitlines()))
    assert len(lines) == 3 and lines[0][0] == "要素编号" and "地址" in lines[0]
    page.get_by_role("button", name="导出").click()
    with page.expect_download() as geojson_file:
        page.get_by_role("menuitem", name="GeoJSON").click()
    geojson_file.value.save_as(tmp_path / "buildings.geojson")
    features = json.loads((tmp_path / "buildings.geojson").read_text("utf-8"))["features"]
    assert {f["id"] for f in features} == {ref["fid"] for ref in own.selected()}
    assert all(f["geometry"]["type"] == "MultiPolygon" for f in features)

    # map to table
    page.get_by_role("button", name="清除全部筛选").click()
    own.choose("building", neighbourhood.fids["building9.3"], f"{VIEW}&x=building")
    expect(page.locator(f'.grid-row[data-fid="{neighbourhood.fids["building9.3"]}"]').first).to_have_attribute("aria-selected", "true")


def test_only_what_is_in_view_is_in_the_table(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open("c=116.387,39.92,17&x=building")
    count = own.page.locator(".table-count")
    # of so few rows all are shown at first
    expect(count).to_have_text(f"{BUILDINGS_NOW} 条")
    own.page.get_by_role("switch", name="仅当前视野").click()
    expect(count).not_to_have_text(f"{BUILDINGS_NOW} 条")
    shown = own.until(lambda: own.page.locator(".grid-body .grid-row").count() or None, "rows")
    assert 0 < shown < 40
    own.page.get_by_role("switch", name="仅当前视野").click()
    expect(count).to_have_text(f"{BUILDINGS_NOW} 条")


def test_a_table_without_geometry_opens_from_the_layers(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open().sign_in("bureau")
    own.page.get_by_role("button", name="打开“户室”的属性表").click()
    expect(own.page.locator(".table-count")).to_have_text("12 条")
    expect(own.page.locator(".grid-body .grid-row")).to_have_count(12)
    # the building of a unit by its name, a link of the active row in the order of the keyboard
    own.page.get_by_role("grid").press("ArrowDown")
    link = own.page.locator(".grid-row[data-active=true]").get_by_role("button", name=f"{COMPOUNDS[0]}3号楼", exact=True)
    expect(link).to_have_attribute("tabindex", "0")
    link.press("Enter")
    own.until(lambda: own.selected() == [{"layer": "building", "fid": neighbourhood.fids["building0.2"]}], "the link selects the building")


def test_layers_are_switched_and_the_link_tells(desk: NewDesk) -> None:
    own = desk().open()
    page = own.page
    page.get_by_role("checkbox", name="显示“建筑”").click()
    own.until(lambda: own.rendered("building") == {}, "buildings are gone")
    page.get_by_role("checkbox", name="显示“宗地”").click()
    own.until(lambda: len(own.drawn().rendered("parcel")) == len(COMPOUNDS), "parcels are there")
    page.get_by_role("button", name="展开“道路”的图例").click()
    expect(page.locator(".legend li").first).to_be_visible()
    link = own.until(lambda: page.url if "l=-building%2Cparcel" in page.url or "l=-building,parcel" in page.url else None, "the link")
    other = desk().open(link.partition("#")[2])
    own.until(lambda: len(other.rendered("parcel")) == len(COMPOUNDS), "the same layers")
    assert other.rendered("building") == {}


def test_a_link_restores_the_whole_view(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    fid = neighbourhood.fids["building2.4"]
    own = desk().open(f"c=116.394,39.92,16,30,40&t=1990-01-01&s=building.{fid}&x=building&d=3")
    page = own.page
    expect(page.locator(".feature h2")).to_have_text(f"{COMPOUNDS[2]}5号楼")
    expect(page.locator(".banner")).to_contain_text("1990-01-01")
    expect(page.locator(".dock")).to_be_visible()
    camera = page.evaluate("() => [window.__map.getZoom(), window.__map.getBearing(), window.__map.getPitch()]")
    assert [round(x) for x in camera] == [16, 30, 40]
    assert own.rendered("building-relief")


def test_what_is_not_there_on_a_day_says_so_and_shows_its_history(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().expects(410).open(f"{VIEW}&s=building.{neighbourhood.fids['building0.0']}")
    expect(own.page.get_by_role("tab", name="历史")).to_have_attribute("aria-selected", "true")
    expect(own.page.locator(".version h3").first).to_contain_text("1985-01-01 起 至 2015-06-01")
    own.page.get_by_role("tab", name="属性").click()
    expect(own.page.locator(".feature .state-empty")).to_contain_text("该要素在此日期不存在")


def test_english_is_complete_on_the_screen(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(height=900).open(f"{VIEW}&s=building.{neighbourhood.fids['building4.4']}&x=building")
    page = own.page
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("columnheader").nth(5)).to_contain_text("Status")
    own.drawn()
    chinese = page.evaluate("""() => {
        const found = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const text = walker.currentNode.textContent, parent = walker.currentNode.parentElement;
            const isData = parent.closest('.grid-cell, .fields dd, .feature h2, .here, .language, noscript, script');
            if (/[\\u4e00-\\u9fff]/.test(text) && !isData) found.push(text);
        }
        for (const each of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
            const text = each.ariaLabel || each.title || each.placeholder;
            if (/[\\u4e00-\\u9fff]/.test(text) && !each.closest('.grid-cell, .map-frame, .language')) found.push(text);
        }
        return found;
    }""")
    assert chinese == []


def test_the_phone_has_sheets_and_no_sideways_scrolling(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(width=390, height=844, has_touch=True, is_mobile=True).open("c=116.3862,39.9207,16.5")
    page = own.page
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    x, y = own.point_in("building", neighbourhood.fids["building0.2"])
    page.touchscreen.tap(x, y)
    sheet = page.locator(".feature")
    expect(sheet.get_by_role("heading", level=2)).to_have_text(f"{COMPOUNDS[0]}3号楼")
    box = sheet.bounding_box()
    assert box and box["width"] == 390 and box["y"] > 844 * 0.4 and round(box["y"] + box["height"]) == 844
    sheet.get_by_role("button", name="关闭").click()
    page.get_by_role("button", name="显示图层面板").tap()
    expect(page.get_by_role("tree", name="图层")).to_be_visible()


def test_everything_is_reached_by_keyboard(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open("c=116.38615,39.9194,17.5")
    page = own.page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator(".map canvas").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".feature h2")).to_have_text(f"{COMPOUNDS[0]}3号楼")
    assert own.selected() == [{"layer": "building", "fid": neighbourhood.fids["building0.2"]}]
    page.keyboard.press("Escape")
    expect(page.locator(".feature")).to_have_count(0)
    page.keyboard.press("l")
    expect(page.get_by_role("tree", name="图层")).to_have_count(0)
