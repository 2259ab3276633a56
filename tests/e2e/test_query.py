"""Finding the right layers and features: legends that count, the order of layers, search, queries both ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Desk
from tests.e2e.test_statistics import ask

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
