"""The panels of time, comparison, views and printing are open to everybody: axe in both themes, English complete, a phone's width."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from config.settings import ROOT
from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import Neighbourhood

pytestmark = pytest.mark.browser
NewDesk = Callable[..., Desk]
AXE = (ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def passes(own: Desk, part: str) -> None:
    own.page.wait_for_timeout(500)          # what fades in has no contrast yet
    own.page.evaluate(f"{AXE}; 0")
    found = own.page.evaluate("([part, tags]) => axe.run(part, {runOnly: tags})", [part, STANDARDS])["violations"]
    assert [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found] == [], part


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panels_pass_axe(desk: NewDesk, neighbourhood: Neighbourhood, theme: str) -> None:
    own = desk(width=1400, height=900, color_scheme=theme).open(f"{VIEW}&t=2010-01-01&p=parcel.1990-01-01").sign_in("wang")
    page = own.page
    page.get_by_role("button", name="打开时间轴").click()
    page.get_by_role("button", name="固定图层时间").click()
    expect(page.locator(".time-pin")).to_be_visible()
    passes(own, ".timebar")
    page.locator(".timebar").get_by_role("button", name="关闭时间轴").click()
    page.get_by_role("button", name="对比", exact=True).click()
    page.get_by_role("button", name="变化清单").click()
    expect(page.locator(".changes-table")).to_be_visible()
    passes(own, ".comparison")
    page.get_by_role("button", name="结束对比").first.click()
    page.get_by_role("button", name="打印", exact=True).click()
    expect(page.locator(".print-form")).to_be_visible()
    passes(own, ".panel.print")
    page.get_by_role("button", name="视图与书签").click()
    expect(page.locator(".ant-modal .state-empty")).to_be_visible()
    passes(own, ".ant-modal")


def test_english_and_a_phone(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(width=390, height=844, has_touch=True, is_mobile=True).open(f"{VIEW}&t=2004-01-01")
    page = own.page
    page.get_by_role("button", name="更多").tap()
    page.get_by_role("menuitem", name="English").tap()
    page.get_by_role("button", name="Open the time bar").click()
    expect(page.locator(".timebar")).to_be_visible()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".compare-bar")).to_be_visible()
    chinese = page.evaluate("""() => [...document.querySelectorAll('.timebar *, .compare-bar *')].flatMap((each) =>
        [each.ariaLabel, each.title, each.placeholder, ...[...each.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent)])
        .filter((text) => /[\\u4e00-\\u9fff]/.test(text ?? ''))""")
    assert chinese == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    for part in (".timebar", ".compare-bar"):
        box = page.locator(part).bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390, part
