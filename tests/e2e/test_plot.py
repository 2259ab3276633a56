"""Who plots: symbols, arrows and areas drawn on the map become features of a layer, and are drawn again when they are edited."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import pytest
from playwright.sync_api import expect

from layers.store import Store
from tests.e2e.conftest import Desk
from tests.e2e.neighbourhood import Neighbourhood
from tests.e2e.test_desk import violations

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]
VIEW = "c=116.393,39.926,15.5"


def _tool(own: Desk, name: str) -> None:
    own.page.locator(".plot-tools").get_by_role("button", name=name, exact=True).click()


def _open(own: Desk) -> None:
    own.page.get_by_role("button", name="标绘：符号、箭头、范围与文字").click()
    own.page.get_by_role("complementary", name="标绘").wait_for()
    own.until(lambda: own.page.evaluate("() => Boolean(window.__map.getSource('plot'))"), "the plotting tool")


def test_marks_are_drawn_measured_saved_and_drawn_again(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    own = desk().expects(410).open(VIEW).sign_in("wang")
    page = own.page
    _open(own)
    _tool(own, "圆")
    page.mouse.click(560, 400)
    page.mouse.click(640, 400)
    page.get_by_label("半径（米）").fill("200")
    page.get_by_label("半径（米）").press("Enter")
    measured = page.locator(".mark-measured")
    expect(measured).to_contain_text("面积 125,", timeout=20_000)
    _tool(own, "行动方向")
    for place in ((460, 620), (520, 560), (560, 470)):
        page.mouse.click(*place)
    page.keyboard.press("Enter")
    _tool(own, "指挥部")
    page.mouse.click(430, 300)
    # by keyboard: the space bar places it under the cross
    _tool(own, "火点")
    page.locator(".maplibregl-canvas").focus()
    page.keyboard.press("Space")
    expect(page.locator(".plot-marks li")).to_have_count(4)
    page.get_by_role("button", name="撤销一步").click()
    expect(page.locator(".plot-marks li")).to_have_count(3)
    page.get_by_role("button", name="重做一步").click()
    expect(page.locator(".plot-marks li")).to_have_count(4)
    page.get_by_role("button", name="保存 4 项").click()
    expect(page.locator(".plot-foot .form-fault")).to_have_text("请填写专题与事由")
    page.locator("#plot-topic").fill("防汛演练")
    page.locator("#plot-reason").fill("应急演练标绘")
    page.get_by_role("button", name="保存 4 项").click()
    expect(page.locator(".notice")).to_contain_text("已保存 4 项标绘", timeout=20_000)
    with store.read() as connection:
        rows = connection.execute("SELECT kind, symbol, topic, drawn_by, ST_Area(ST_Transform(geom, 4548)), fid FROM city.annotation ORDER BY kind, symbol").fetchall()
    assert [(row[0], row[1]) for row in rows] == [("attack", None), ("circle", None), ("symbol", "command"), ("symbol", "fire")]
    assert {(row[2], row[3]) for row in rows} == {("防汛演练", "王编辑")}
    # 72 sides hold 99.87 % of the circle
    assert rows[1][4] == pytest.approx(pi * 200**2 * 0.9987, rel=2e-3)
    circle = rows[1][5]
    own.until(lambda: len(own.drawn().rendered("annotation")) == 2, "both areas are on the map, from the tiles")
    own.until(lambda: len(own.rendered("annotation-symbol")) == 2, "and both symbols")

    page.get_by_role("complementary", name="标绘").get_by_role("button", name="关闭", exact=True).click()
    own.choose("annotation", circle, VIEW)
    page.get_by_role("button", name="编辑", exact=True).click()
    page.get_by_label("半径（米）").fill("100")
    page.get_by_label("半径（米）").press("Enter")
    page.locator("#plot-reason").fill("缩小警戒范围")
    page.get_by_role("button", name="保存 1 项").click()
    expect(page.locator(".notice").filter(has_text="已保存 1 项标绘")).to_be_visible(timeout=20_000)
    with store.read() as connection:
        row = connection.execute("SELECT ST_Area(ST_Transform(geom, 4548)), (SELECT count(*) FROM city.annotation_past WHERE fid = %s) FROM city.annotation "
                                 "WHERE fid = %s AND valid @> now()", (circle, circle)).fetchone()
    assert row is not None and row[0] == pytest.approx(pi * 100**2 * 0.9987, rel=2e-3)
    assert row[1] >= 1, "the larger circle stays in the history"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_sheet_of_plotting_passes_axe(desk: NewDesk, neighbourhood: Neighbourhood, theme: str) -> None:
    own = desk(390 if theme == "dark" else 1280, 800, color_scheme=theme).open(VIEW).sign_in("wang")
    own.page.evaluate("() => window.__state.getState().setTool('plot')")
    own.page.get_by_role("complementary", name="标绘").wait_for()
    _tool(own, "圆")
    assert violations(own, ".plot") == []
    box = own.page.get_by_role("complementary", name="标绘").bounding_box()
    assert box is not None and box["width"] <= own.page.viewport_size["width"], "it fits a phone"


def test_the_public_neither_sees_nor_draws_marks(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open(VIEW)
    expect(own.page.get_by_role("button", name="标绘：符号、箭头、范围与文字")).to_have_count(0)
    expect(own.page.get_by_role("checkbox", name="显示“标绘”")).to_have_count(0)
