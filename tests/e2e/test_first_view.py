"""The first view: how much it takes, what it shows before its program is there, and what is fetched once it is done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Request, Route, expect

from tests.e2e.conftest import VIEW, Desk

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]
# The default view of the demo city takes 815 kB, 410 of them program; the neighbourhood has smaller tiles.
MOST_BYTES, MOST_PROGRAM_BYTES = 850_000, 440_000


def test_the_first_view_is_small_asks_for_everything_once_and_nobody_else(desk: NewDesk) -> None:
    own = desk()
    asked: list[Request] = []
    own.page.on("requestfinished", lambda request: asked.append(request))
    own.open()
    sizes: dict[str, float] = {}
    # Of the script of a worker only the page's own clock knows how large it was.
    clocked = own.page.evaluate("() => performance.getEntriesByType('resource').map((each) => [each.name, each.transferSize])")
    for name, size in [*((each.url, sum(each.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))) for each in asked), *clocked]:
        sizes[name] = max(sizes.get(name, 0), size)
    program = {name: size for name, size in sizes.items() if "/assets/" in name or "/?test" in name}
    assert any("map-worker" in name for name in program)
    assert 300_000 < sum(program.values()) <= MOST_PROGRAM_BYTES, program
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    # A style that is laid twice asks for tiles twice.
    tiles = [each.url for each in asked if "/tiles/" in each.url]
    assert len(tiles) == len(set(tiles)) > 10
    assert own.foreign == []


def release(own: Desk, held: list[Route]) -> None:
    """Let go on what was held back, once it is there."""
    own.until(lambda: held, "it is asked for")
    while held:
        held.pop().continue_()


def test_what_is_on_its_way_says_so_and_keeps_nobody_waiting(desk: NewDesk) -> None:
    own = desk()
    page = own.page
    held: list[Route] = []
    page.route("**/assets/shell-*.js", lambda route: held.append(route))
    page.goto(f"{own.url}/?test#{VIEW}")
    expect(page.get_by_role("status")).to_contain_text("正在打开地图")
    # The map does not wait for the desk.
    expect(page.locator("body > .map-first canvas")).to_be_visible()
    release(own, held)
    own.drawn()
    assert page.locator("body > .map-first").count() == 0
    assert page.locator("canvas.maplibregl-canvas").count() == 1
    page.route("**/assets/ViewsDialog-*.js", lambda route: held.append(route))
    page.get_by_role("button", name="视图与书签").click()
    expect(page.locator(".opening")).to_be_visible()
    expect(page.locator(".opening")).to_have_text("正在加载…")
    release(own, held)
    expect(page.get_by_role("dialog", name="视图与书签")).to_be_visible()
    expect(page.locator(".opening")).to_have_count(0)


def test_what_a_click_may_ask_for_is_there_before_it(desk: NewDesk) -> None:
    own = desk().open()
    page = own.page
    own.until(lambda: page.evaluate("() => performance.getEntriesByType('resource').some((each) => /SignInForm-.*js/.test(each.name) && each.responseEnd > 0)"),
              "the form has been fetched")
    # From here on nothing comes any more.
    page.route("**/assets/**", lambda route: None)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_label("账户名")).to_be_visible()


def test_a_style_that_does_not_come_is_told_and_asked_for_again(desk: NewDesk) -> None:
    own = desk().expects(500)
    page = own.page
    page.route("**/ogc/styles/city?**", lambda route: route.fulfill(status=500, content_type="application/problem+json", body="{}"))
    page.goto(f"{own.url}/?test#{VIEW}")
    told = page.get_by_role("alert").filter(has_text="未能读取图层的样式")
    expect(told).to_contain_text("服务器出错")
    # The desk is there, and so is the ground of the map.
    expect(page.get_by_role("button", name="放大")).to_be_visible()
    page.unroute("**/ogc/styles/city?**")
    told.get_by_role("button", name="重试").click()
    own.drawn()
    expect(told).to_have_count(0)


def test_a_panel_that_could_not_be_fetched_is_fetched_when_it_is_tried_again(desk: NewDesk) -> None:
    own = desk()
    page = own.page
    page.route("**/assets/BigScreen-*.js", lambda route: route.abort())
    own.open()
    page.get_by_role("button", name="大屏显示").click()
    told = page.locator(".broken")
    expect(told).to_contain_text("页面的这一部分出错")
    page.unroute("**/assets/BigScreen-*.js")
    told.get_by_role("button", name="重试").click()
    expect(page.locator(".big-cards")).to_be_visible()
    expect(told).to_have_count(0)
    assert any("BigScreen" in error for error in own.errors)
    own.errors.clear()
