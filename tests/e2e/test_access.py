"""What is not the canvas is open to everybody: WCAG 2.2 A and AA as axe checks them, in each state of the desk and both themes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config.settings import ROOT
from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import Neighbourhood

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NewDesk = Callable[..., Desk]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def _violations(own: Desk) -> list[str]:
    own.page.wait_for_timeout(500)          # what fades in has no contrast yet
    own.page.evaluate(f"{AXE.read_text('utf-8')}; 0")
    found = own.page.evaluate("(tags) => axe.run(document, {runOnly: tags})", STANDARDS)["violations"]
    return [f"{v['id']}: {node['target']} {node['failureSummary']}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_of_the_desk_passes_axe(desk: NewDesk, neighbourhood: Neighbourhood, theme: str) -> None:
    fid = neighbourhood.fids["building5.3"]
    own = desk(color_scheme=theme).open().sign_in("wang")
    page = own.page
    assert page.locator("html").get_attribute("data-theme") == theme
    assert _violations(own) == []
    own.choose("building", fid, f"{VIEW}&x=building&t=2010-01-01")
    assert _violations(own) == []
    own.choose("building", fid)
    page.get_by_role("tab", name="历史").click()
    page.locator(".version").first.wait_for()
    assert _violations(own) == []
    page.get_by_role("button", name="编辑", exact=True).click()
    page.locator("#edit-reason").wait_for()
    assert _violations(own) == []
