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
