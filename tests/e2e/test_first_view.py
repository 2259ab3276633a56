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
