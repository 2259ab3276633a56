"""Thematic maps: classes, circles, two values, clusters and pies are drawn from what the server counts; styles are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Desk
from tests.e2e.neighbourhood import BUILDINGS_NOW, DISTRICT, Neighbourhood
from tests.e2e.test_statistics import ask, choose, pick
from tests.e2e.test_time_access import passes

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]
HEIGHT: dict[str, Any] = {"layer": "building", "value": {"field": "height_m", "per": "none"}}


def legend(page: Page) -> list[int]:
    return [int(text) for text in page.locator(".theme-legend .legend .legend-count").all_inner_texts()]


def colors(own: Desk) -> dict[str, int]:
    """Count the buildings of each colour that the theme gives them."""
    found: dict[str, int] = own.page.evaluate("""() => {
        const style = window.__map.getLayer('theme-building') && window.__map.getPaintProperty('theme-building', 'fill-color');
        if (!style || style[0] !== 'match') return {};
        const counts = {};
        for (let i = 2; i < style.length - 1; i += 2) counts[style[i + 1]] = style[i].length;
        return counts;
    }""")
    return found


def test_classes_are_the_server_s_and_a_style_is_shared(desk: NewDesk) -> None:
    own = desk(height=1000).open().sign_in("wang")
    page = own.page
    page.get_by_role("tab", name="专题").click()
    choose(page, "图层", "建筑")
    page.get_by_role("button", name="分级设色").click()
    choose(page, "指标 字段", "建筑高度")
    for method, title in (("quantile", "分位数"), ("equal", "等间距"), ("deviation", "标准差"), ("jenks", "自然间断（Jenks）")):
        choose(page, "分级方法", title)
        found = ask(own, HEIGHT | {"method": method, "classes": 5}, "classification")
        assert sum(found["counts"]) == BUILDINGS_NOW
        own.until(lambda counts=found["counts"]: legend(page) == counts, f"the legend by {method}")
        own.until(lambda counts=found["counts"]: sorted(colors(own).values()) == sorted(c for c in counts if c), f"the map by {method}")
    choose(page, "分级方法", "手工")
    page.get_by_role("textbox", name="分界值").fill("40, 70")
    page.keyboard.press("Enter")
    by_hand = ask(own, HEIGHT | {"method": "manual", "breaks": [40, 70]}, "classification")["counts"]
    own.until(lambda: legend(page) == by_hand, "the legend by hand")

    page.get_by_placeholder("样式名称").fill("楼高三级")
    page.get_by_role("checkbox", name="共享").check()
    page.locator(".keep").get_by_role("button", name="保存").click()
    expect(page.get_by_role("region", name="已保存的样式")).to_contain_text("楼高三级")
    public = desk(height=1000).open()
    public.page.get_by_role("tab", name="专题").click()
    choose(public.page, "图层", "建筑")
    public.page.get_by_role("region", name="已保存的样式").get_by_role("button", name="楼高三级").click()
    public.until(lambda: legend(public.page) == by_hand, "another reader uses the style")
    # on the other pages the legend stands on the map
    public.page.get_by_role("tab", name="图层").click()
    expect(public.page.locator(".theme-card")).to_contain_text("建筑 · 分级设色")


def test_clusters_and_pies_add_up_to_all_that_is_in_view(desk: NewDesk) -> None:
    own = desk(height=1000).open("c=116.393,39.926,13")
    page = own.page
    page.get_by_role("tab", name="专题").click()
    choose(page, "图层", "建筑")
    for kind, title in (("cluster", "聚合"), ("charts", "统计图")):
        page.get_by_role("button", name=title).click()
        expect(page.locator(".theme-total")).to_have_text(f"视野内共 {BUILDINGS_NOW} 个")
        counts = own.until(lambda: page.evaluate("""async () => {
            const source = window.__map.getSource('theme-building');
            return source ? (await source.getData()).features.map((f) => f.properties.count) : [];
        }"""), f"the {kind} are drawn")
        assert sum(counts) == BUILDINGS_NOW
    drawn = page.evaluate("() => window.__map.getLayer('theme-building').type")
    assert drawn == "symbol"


def test_zones_are_coloured_by_what_lies_in_them(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(height=1000).open("c=116.393,39.926,12").sign_in("wang")
    page = own.page
    page.get_by_role("tab", name="专题").click()
    choose(page, "图层", "街道")
    page.get_by_role("button", name="分级设色").click()
    choose(page, "指标 来源", "范围内的建筑")
    found = ask(own, {"layer": "street", "value": {"of": {"layer": "building"}, "per": "area"}, "shapes": True}, "classification")
    assert found["fids"] == [neighbourhood.fids["street"]] and DISTRICT
    density = f"{found['values'][0]:.2f}".rstrip("0").rstrip(".")
    expect(page.locator(".theme-legend .legend")).to_contain_text(f"{density} – {density}")
    own.until(lambda: page.evaluate("() => window.__map.getLayer('theme-street') && window.__map.queryRenderedFeatures({layers: ['theme-street']}).length"), "the zone is filled")
    choose(page, "指标 归一化", "不归一化")
    own.until(lambda: f"{BUILDINGS_NOW} – {BUILDINGS_NOW}" in page.locator(".theme-legend .legend").inner_text(), "the whole count")

    # One street makes one class, which is no style yet; with classes of its own the same count draws the streets for whoever chooses it.
    styles = page.get_by_role("region", name="图层样式")
    styles.get_by_placeholder("发布名称").fill("建筑数")
    expect(styles.get_by_role("button", name="发布为图层样式")).to_be_disabled()
    made = page.evaluate("""async (breaks) => {
        const {csrf} = await (await fetch('auth/me')).json();
        const answer = await fetch('api/styles', {method: 'POST', headers: {'Content-Type': 'application/json', 'X-CSRF-Token': csrf}, body: JSON.stringify({
            layer: 'street', title: '建筑数', value: {of: {layer: 'building'}}, breaks, colors: ['#eeeeee', '#ffcc00', '#aa0011']})});
        return [answer.status, await answer.json()];
    }""", [BUILDINGS_NOW, BUILDINGS_NOW + 1])
    assert made[0] == 201, made
    public = desk(height=1000).open("c=116.393,39.926,13")
    public.page.get_by_role("tab", name="专题").click()
    choose(public.page, "图层", "街道")
    public.page.get_by_role("region", name="图层样式").get_by_role("button", name="建筑数").click()
    colour = public.until(lambda: public.page.evaluate("""() => {
        const paint = window.__map?.getLayer('street') && window.__map.getPaintProperty('street', 'fill-color');
        return paint && paint[0] === 'match' ? paint : null;
    }"""), "the map draws the count")
    assert colour == ["match", ["id"], [neighbourhood.fids["street"]], "#ffcc00", "#b9bfc5"]
    public.drawn()
    public.page.get_by_role("tab", name="图层").click()
    row = public.page.locator("[data-layer=street]")
    row.get_by_role("button", name="“街道”的图例").click()
    expect(row.locator(".legend-by")).to_have_text("建筑 数量")
    expect(row.locator(".legend li")).to_have_count(3)
    passes(public, ".panel.layers")


def test_a_map_is_published_as_a_style_of_its_layer(desk: NewDesk) -> None:
    own = desk(height=1000).open().sign_in("wang")
    page = own.page
    page.get_by_role("tab", name="专题").click()
    choose(page, "图层", "建筑")
    page.get_by_role("button", name="分级设色").click()
    choose(page, "指标 字段", "建筑高度")
    choose(page, "指标 归一化", "不归一化")
    choose(page, "分级方法", "手工")
    page.get_by_role("textbox", name="分界值").fill("40, 70")
    page.keyboard.press("Enter")
    own.until(lambda: len(legend(page)) == 3, "three classes")
    styles = page.get_by_role("region", name="图层样式")
    expect(styles.get_by_role("button", name="发布为图层样式")).to_be_disabled()
    passes(own, ".panel.layers")
    styles.get_by_placeholder("发布名称").fill("楼高分级")
    styles.get_by_role("button", name="发布为图层样式").click()
    expect(styles.locator(".kept")).to_contain_text("楼高分级")

    # whoever may read the layer chooses the style in its row; the map draws it in the published classes
    public = desk(height=1000).open()
    row = public.page.locator("[data-layer=building]")
    row.get_by_role("button", name="“建筑”的图例").click()
    pick(public.page, row.get_by_role("combobox", name="“建筑”的样式"), "楼高分级")
    colour = public.until(lambda: public.page.evaluate("""() => {
        const paint = window.__map?.getLayer('building') && window.__map.getPaintProperty('building', 'fill-color');
        return paint && paint[0] === 'case' ? paint : null;
    }"""), "the map takes the style")
    assert colour[2][3::2] == [40, 70] and colour[1] == ["has", "height_m"]
    public.drawn()
    counts = [int(text) for text in row.locator(".legend .legend-count").all_inner_texts() if text.isdecimal()]
    assert len(counts) == 3, "the legend is that of the style"
    shown = public.page.evaluate("() => [...new Set(window.__map.queryRenderedFeatures({layers: ['building']}).map((f) => 'height_m' in f.properties))]")
    assert shown == [True], "tiles hold what the style shows"
    assert "styles" in public.page.evaluate("() => decodeURIComponent(location.hash)"), "the link holds the choice"

    styles.get_by_role("button", name="撤回样式“楼高分级”").click()
    expect(styles).to_contain_text("此图层还没有发布的样式。")
    public.page.reload()
    public.drawn()
    own_colour = public.page.evaluate("() => window.__map.getPaintProperty('building', 'fill-color')[0]")
    assert own_colour == "match", "a style that was withdrawn gives way to the layer's own"
