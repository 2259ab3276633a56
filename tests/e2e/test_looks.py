"""Layers of other services and chosen styles in every view: in a pane by its own choice, on paper, and in the scene."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from urllib.parse import parse_qs, quote, urlsplit

import pypdfium2
import pytest
from playwright.sync_api import expect

from layers.audit import Actor
from layers.outside import allow_host
from layers.store import Store
from tests.e2e.conftest import Desk
from tests.e2e.neighbourhood import BUILDINGS_NOW, Neighbourhood
from tests.e2e.test_compare import on_side
from tests.e2e.test_desk import violations

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]
CAMERA = "c=116.391,39.924,16.2"
# Of what stands in the scene: how many features are shown in which colour.
PAINTED = """() => {
    const found = {};
    const visit = (tile) => {
        for (let i = 0; i < (tile.content?.featuresLength ?? 0); i += 1) {
            const feature = tile.content.getFeature(i);
            if (feature.show) found[Number(feature.getProperty('fid'))] = feature.color.toCssHexString().slice(0, 7);
        }
        tile.children.forEach(visit);
    };
    window.__scene?.standing().filter(({layer}) => layer.id === 'building').forEach(({tileset}) => tileset.root && visit(tileset.root));
    return found;
}"""
GROUND = """() => { const all = window.__scene.widget.scene.imageryLayers;
    return Array.from({length: all.length}, (_, i) => [all.get(i).imageryProvider.url, all.get(i).alpha]); }"""


@pytest.mark.slow
def test_others_and_styles_in_panes_on_paper_and_in_the_scene(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    own = desk(width=1500).open(CAMERA).sign_in("wang")
    page = own.page
    # Allowed on the machine; this very server is as good as any that speaks WMS.
    allow_host(store, Actor("setup"), own.url, "邻局地图服务", True, True)
    page.wait_for_timeout(2100)
    layer = page.evaluate("""async () => {
        const {csrf} = await (await fetch('auth/me')).json();
        const answer = await fetch('api/outside/layers', {method: 'POST', headers: {'Content-Type': 'application/json', 'X-CSRF-Token': csrf},
            body: JSON.stringify({url: location.origin + '/wms', layer: 'parcel'})});
        return (await answer.json()).id; }""")
    assert layer.startswith("out_")
    served = page.evaluate("""async () => {
        const filter = encodeURIComponent("status = 'in_use'");
        const style = (await (await fetch('api/config')).json()).layers.find(({id}) => id === 'building').styles.find(({name}) => name === 'by_status');
        const hits = await (await fetch(`ogc/collections/building/items?filter=${filter}&resulttype=hits`)).json();
        return {count: hits.numberMatched, color: style.symbology.classes.find(({value}) => value === 'in_use').color}; }""")
    assert served["count"] == BUILDINGS_NOW

    # A pane has its own choice of others, and of styles.
    work = quote(json.dumps({"outside": [layer, "city"], "styles": {"building": "by_status"}}))
    page.evaluate("(hash) => { location.hash = hash }", f"{CAMERA}&w={work}")
    own.drawn()
    page.get_by_role("button", name="对比", exact=True).click()
    page.get_by_text("分屏", exact=True).click()
    on_side(own, "B")
    seen = "([n, id]) => { const map = n === 'A' ? window.__map : window.__panes[n]; return map.getLayer(id) ? map.getLayoutProperty(id, 'visibility') : null }"
    own.until(lambda: page.evaluate(seen, ["B", layer]) == "visible", "as the main map")
    page.get_by_label("B 侧外部图层").click(force=True)
    page.locator(".ant-select-dropdown:visible .ant-select-item-option").first.click()
    page.keyboard.press("Escape")
    own.until(lambda: page.evaluate(seen, ["B", layer]) == "none", "not in the pane")
    assert page.evaluate(seen, ["A", layer]) == "visible"
    paint = "(n) => JSON.stringify((n === 'A' ? window.__map : window.__panes[n]).getStyle().layers.find(({id}) => id === 'building').paint)"
    own.until(lambda: served["color"] in page.evaluate(paint, "B"), "the pane follows the main map's style")
    page.get_by_label("B 侧样式").click(force=True)
    page.locator(".ant-select-dropdown:visible .ant-select-item-option", has_text="建筑 · 默认样式").click()
    page.keyboard.press("Escape")
    own.until(lambda: page.evaluate("() => window.__panes.B?.loaded()") and served["color"] not in page.evaluate(paint, "B"), "a style of its own")
    assert served["color"] in page.evaluate(paint, "A")
    assert violations(own, ".compare-bar") == []
    page.locator(".compare-bar").get_by_role("button", name="结束对比").click()

    # The sheet has the layer, and says whose it is.
    page.get_by_role("button", name="打印", exact=True).click()
    with page.expect_download() as download:
        page.locator(".print-foot button[type=submit]").click()
    document = pypdfium2.PdfDocument(BytesIO(download.value.path().read_bytes()))
    text = document[0].get_textpage().get_text_range()
    document.close()
    assert "外部图层" in text and "未绘出" not in text and "©" in text

    # In the scene: as many buildings in the colour of the class as the server counts, the ground as the map has it, others over it.
    with page.expect_response(lambda answer: f"{layer}/tiles/" in answer.url and answer.ok, timeout=60_000), \
            page.expect_response(lambda answer: "/ogc/map/tiles/" in answer.url and answer.ok, timeout=60_000) as ground:
        page.evaluate("(hash) => { location.hash = hash }", f"{CAMERA},0,30&g=1&w={work}&l=-street,green_space.40")
    asked = {name: value for name, [value] in parse_qs(urlsplit(ground.value.url).query, keep_blank_values=True).items()}
    names = asked["collections"].split(",")
    assert "street" not in names and asked["opacity"].split(",")[names.index("green_space")] == "40" and asked["styles"].split(",")[names.index("building")] == "by_status"
    own.until(lambda: list(page.evaluate(PAINTED).values()) == [served["color"]] * served["count"], "all buildings in the colour of their class")
    (city, _), (others, alpha) = page.evaluate(GROUND)
    assert "/ogc/map/tiles/" in city and layer in others and alpha == 1
    expect(page.locator(".scene .outside-note")).to_contain_text("©")
    # Hidden, it is off the ground as well.
    page.evaluate("(id) => window.__state.getState().show([id], false)", layer)
    own.until(lambda: len(page.evaluate(GROUND)) == 1, "off the ground")
