"""Numbers on the screen are the server's: overview, charts that filter map and table, drawn areas and their rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.neighbourhood import BUILDINGS_NOW, SOUTH, STEP, WEST

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of the select of a name."""
    pick(page, page.get_by_role("combobox", name=label, exact=True), option)


def pick(page: Page, box: Locator, option: str) -> None:
    """Choose an option of a select; where in the list it stands does not matter."""
    box.click()
    if box.is_editable():
        # of a long list only what is in sight is there
        box.fill(option)
    page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option").filter(has_text=option).first.dispatch_event("click")


def ask(own: Desk, body: dict[str, Any], path: str = "statistics") -> Any:
    """Ask the server itself."""
    answer = httpx.post(f"{own.url}/api/{path}", json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()


def row(page: Page, layer: str) -> list[str]:
    return page.locator(f'.overview tr[data-layer="{layer}"] td').all_inner_texts()


def click_map(own: Desk, *at: float) -> None:
    x, y = own.page.evaluate("""(at) => {
        const point = window.__map.project(at), frame = window.__map.getContainer().getBoundingClientRect();
        return [frame.left + point.x, frame.top + point.y];
    }""", at)
    own.page.mouse.move(x, y)
    own.page.mouse.click(x, y)


def test_a_chart_counts_what_is_in_view_and_filters_map_and_table(desk: NewDesk) -> None:
    own = desk(height=900).open()
    page = own.page
    page.get_by_role("tab", name="统计").click()
    bounds = page.evaluate("() => window.__state.getState().bounds")
    counted = ask(own, {"bbox": bounds, "layers": [{"layer": "building", "by": "use"}]})["layers"][0]
    assert counted["count"] == BUILDINGS_NOW
    own.until(lambda: row(page, "building")[:1] == [str(counted["count"])], "the overview counts")

    page.get_by_role("button", name="添加图表").click()
    choose(page, "图层", "建筑")
    choose(page, "分类字段", "用途")
    page.get_by_role("button", name="添加", exact=True).click()
    card = page.locator(".card")
    expect(card.locator(".card-measure strong")).to_have_text(str(BUILDINGS_NOW))
    expect(card.locator(".chart svg path").first).to_be_attached()
    card.get_by_role("button", name="数据表").click()
    by_use = {each["title"]["zh"]: each["count"] for each in counted["classes"]}
    assert by_use == {"住宅": BUILDINGS_NOW - 15, "商业": 15}
    assert dict(zip(card.locator(".numbers button").all_inner_texts(), card.locator(".numbers span").all_inner_texts(), strict=True)) == {
        name: str(count) for name, count in by_use.items()}

    # a class of the chart filters the map, the overview and the table; the chart keeps its other bars
    card.get_by_role("button", name="按“商业”筛选").click()
    own.until(lambda: len(own.drawn().rendered("building")) == by_use["商业"], "the map is filtered")
    own.until(lambda: row(page, "building")[:1] == ["15"], "the overview is filtered")
    expect(card.locator(".numbers li")).to_have_count(2)
    expect(card.locator('.numbers li[data-kept="true"]')).to_have_text(["商业15"])
    # the table's filter is the chart's, and charts are in the link
    own.until(lambda: all(part in page.evaluate("() => location.hash") for part in ("w=", "&f=")), "chart and filter are in the address")
    page.reload()
    own.drawn()
    page.get_by_role("tab", name="统计").click()
    expect(page.locator(".card .card-measure strong")).to_have_text(str(BUILDINGS_NOW))
    page.locator(".card").get_by_role("button", name="取消筛选").click()
    own.until(lambda: len(own.drawn().rendered("building")) == BUILDINGS_NOW, "the map is whole again")


def test_a_drawn_area_counts_by_the_rule_that_is_chosen(desk: NewDesk) -> None:
    own = desk(height=900).open()
    page = own.page
    page.get_by_role("tab", name="统计").click()
    choose(page, "范围", "绘制的范围")
    # the first block, its east column cut in the middle of its buildings
    west, south, east, north = WEST + 1e-4, SOUTH + 1e-4, WEST + 5e-4 + 1.6e-3 + 5e-4, SOUTH + STEP - 1e-4
    own.until(lambda: page.evaluate("() => Boolean(window.__map.getSource('drawn-area'))"), "the tool is loaded")
    click_map(own, west, south)
    click_map(own, east, north)
    own.until(lambda: page.evaluate("() => window.__state.getState().work.place.geometry"), "the area is drawn")
    area = page.evaluate("() => window.__state.getState().work.place.geometry")
    for rule, title in (("intersects", "相交即计入"), ("centroid", "质心在内"), ("area_weighted", "按面积比例")):
        choose(page, "计入规则", title)
        found = ask(own, {"area": area, "rule": rule, "measure": True, "layers": [{"layer": "building"}]})
        count, area_m2 = round(found["layers"][0]["count"], 1), found["layers"][0]["area_m2"]
        own.until(lambda c=count, a=area_m2: row(page, "building") == [f"{c:g}", f"{a:,.0f} m²"], f"the overview by {rule}")
        expect(page.locator(".overview .card-note")).to_contain_text(found["rule_means"]["zh"])
    assert (count, len(own.rendered("building"))) != (0, 0)
    # a circle without a mouse: around the middle of the map
    page.get_by_role("spinbutton", name="半径（米）").fill("400")
    page.get_by_role("button", name="以地图中心画圆").click()
    around = ask(own, {"area": {"type": "Point", "coordinates": [116.393, 39.926]}, "buffer_m": 400, "rule": "area_weighted",
                       "layers": [{"layer": "building"}], "measure": True})
    own.until(lambda: row(page, "building")[:1] == [f'{round(around["layers"][0]["count"], 1):g}'], "the circle is counted")
    expect(page.locator(".overview .card-note")).to_contain_text("范围面积")


def test_what_the_day_says_is_counted_as_of_the_day(desk: NewDesk) -> None:
    own = desk(height=900).open("c=116.393,39.926,14.5&t=1990-01-01")
    page = own.page
    page.get_by_role("tab", name="统计").click()
    counted = ask(own, {"datetime": "1990-01-01", "layers": [{"layer": "building"}]})["layers"][0]["count"]
    own.until(lambda: row(page, "building")[:1] == [str(counted)], "the overview of 1990")
