"""A phone and a wall: plotting, measuring and choosing by finger; the display for many to see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import Neighbourhood
from tests.e2e.test_desk import violations

pytestmark = pytest.mark.browser
NewDesk = Callable[..., Desk]


def test_a_finger_measures_plots_and_adds_to_what_is_chosen(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(390, 844, has_touch=True, is_mobile=True).open(f"{VIEW}&l=building,-facility,-street,-district")
    page = own.page
    page.get_by_role("button", name="量测").tap()
    own.until(lambda: page.evaluate("() => Boolean(window.__map.getSource('measure'))"), "the ruler")
    for at in ((120, 300), (220, 300), (220, 380)):
        page.touchscreen.tap(*at)
        page.wait_for_timeout(350)
    bar = page.get_by_role("toolbar", name="正在绘制")
    bar.get_by_role("button", name="撤销一点").tap()
    bar.get_by_role("button", name="完成").tap()
    own.until(lambda: page.evaluate("() => window.__map.getSource('measure').serialize().data.features.filter((f) => f.geometry.type === 'LineString')"
                                    ".map((f) => f.geometry.coordinates.length)") == [2], "one line of two points")
    page.evaluate("() => window.__state.getState().setTool('identify')")
    # two buildings: a tap chooses one, a long press adds the other
    fids = sorted(own.drawn().rendered("building"))
    inside = [f for f in fids if 80 < own.point_in("building", f)[0] < 300 and 200 < own.point_in("building", f)[1] < 420][:2]
    assert len(inside) == 2
    page.touchscreen.tap(*own.point_in("building", inside[0]))
    chosen = "() => window.__state.getState().selection.map((ref) => ref.fid)"
    own.until(lambda: page.evaluate(chosen) == [inside[0]], "a tap chooses")
    x, y = own.point_in("building", inside[1])
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    own.until(lambda: page.evaluate(chosen) == inside, "a long press adds")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(300)
    assert page.evaluate(chosen) == inside, "lifting the finger changes nothing"


def test_the_big_screen_shows_numbers_that_renew_and_is_left_by_a_key(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(1600, 900).open(VIEW)
    page = own.page
    page.keyboard.press("b")
    big = page.get_by_role("region", name="大屏")
    expect(big.locator(".card").first).to_be_visible()
    expect(page.get_by_role("banner").get_by_role("searchbox")).to_have_count(0)
    own.until(lambda: big.locator(".card").count() >= 2, "figures and a chart")
    assert violations(own, ".big") == []
    assert page.evaluate("() => document.querySelector('.map').getBoundingClientRect().height") > 850
    page.keyboard.press("Escape")
    expect(big).to_have_count(0)
    expect(page.locator(".topbar")).to_be_visible()


def test_a_phone_has_every_button_flies_above_its_sheet_and_says_what_is_gone(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(390, 844, has_touch=True, is_mobile=True).expects(404).open()
    page = own.page
    page.locator("#search").fill("德外大院3号楼")
    page.locator(".search-list li[role=option]").first.click()
    sheet = page.locator(".panel.feature")
    expect(sheet.locator("h2")).to_have_text("德外大院3号楼")
    fid = own.selected()[0]["fid"]

    def above() -> bool:
        return fid in own.drawn().rendered("building") and own.point_in("building", fid)[1] < sheet.bounding_box()["y"]

    own.until(above, "the building is seen above what is told of it")
    # the other buttons of the bar are behind one
    page.get_by_role("button", name="更多").tap()
    page.get_by_role("menuitem", name="快捷键").tap()
    expect(page.get_by_role("dialog").locator(".keys > div").first).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="关闭").or_(page.get_by_role("button", name="Close")).first.tap()
    page.get_by_role("button", name="更多").tap()
    page.get_by_role("menuitem", name="大屏显示").tap()
    expect(page.get_by_role("region", name="大屏")).to_be_visible()
    page.get_by_role("button", name="退出大屏").tap()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    # what is gone, or of a layer that the reader does not have, offers ways on and never the same question again
    for link in (f"{VIEW}&s=building.999999999", f"{VIEW}&s=annotation.5"):
        own.open(link)
        expect(sheet.locator(".state-empty strong")).to_have_text("未找到，或当前账户无权查看。")
        expect(sheet.get_by_role("button", name="重试")).to_have_count(0)
        expect(sheet.get_by_role("button", name="登录")).to_be_visible()
        assert violations(own, ".panel.feature") == []
    sheet.locator(".state-ways").get_by_role("button", name="关闭").tap()
    expect(sheet).to_have_count(0)
