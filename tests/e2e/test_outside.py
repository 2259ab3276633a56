"""Layers of other services: an administrator allows a host, somebody adds a WMS from it, a colleague opens the link, the host is forbidden again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from config.settings import ROOT
from gisserver.identity import ROLES
from layers.accounts import create_account
from layers.audit import Actor
from layers.layer import read_layers
from layers.roles import read_roles
from layers.store import Store
from tests.e2e.conftest import PASSWORD, Desk
from tests.e2e.neighbourhood import Neighbourhood
from tests.e2e.test_desk import _menu, violations

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]
SLOW_MS = 30_000
VIEW = "c=116.393,39.926,16.2"


@pytest.fixture(scope="module")
def keeper(neighbourhood: Neighbourhood, store: Store) -> str:
    roles = read_roles(ROLES, read_layers(ROOT / "config" / "layers"))
    create_account(store, roles, Actor("setup"), "keeper", PASSWORD, ("system_admin",), None, "管理员")
    return "keeper"


def outside(own: Desk) -> dict[str, Any]:
    """What the view holds of other services: the order, and which style layers the map has of them, the lowest first."""
    found: dict[str, Any] = own.page.evaluate("""() => ({order: window.__state.getState().work.outside,
        laid: window.__map.getLayersOrder().filter((id) => id.startsWith('out_') || id === 'building')})""")
    return found


@pytest.mark.slow
def test_a_wms_of_another_service(desk: NewDesk, neighbourhood: Neighbourhood, store: Store, keeper: str) -> None:
    fid = neighbourhood.fids["building5.6"]
    with store.read() as connection:
        row = connection.execute("SELECT floors_above, built_area_m2 FROM city.building WHERE fid = %s AND valid @> now()", (fid,)).fetchone()
    assert row is not None

    # An administrator allows this very server as a host of others: it is as good as any that speaks WMS.
    admin = desk().expects(403).open(VIEW).sign_in(keeper)
    _menu(admin, "外部服务主机")
    expect(admin.page.get_by_text("名单为空")).to_be_visible(timeout=SLOW_MS)
    admin.page.locator("#host-origin").fill(admin.url)
    admin.page.locator("#host-title").fill("邻局地图服务")
    admin.page.get_by_label("允许其地址位于内部网络或本机").check()
    admin.page.get_by_role("button", name="允许", exact=True).click()
    expect(admin.page.locator(f"li[data-origin='{admin.url}']")).to_contain_text("内部网络", timeout=SLOW_MS)
    assert violations(admin, ".desk-dialog") == []

    # Somebody pastes its address, finds a layer, adds it.
    own = desk().expects(403).open(VIEW).sign_in("wang")
    page = own.page
    page.get_by_role("button", name="从其他服务添加").click()
    page.locator(".outside-hosts button").wait_for(timeout=SLOW_MS)
    page.locator("#outside-url").fill("https://maps.example.org/wms")
    page.get_by_role("button", name="读取").click()
    refusal = page.locator(".outside-dialog .form-fault")
    expect(refusal).to_contain_text("https://maps.example.org", timeout=SLOW_MS)
    expect(refusal).to_contain_text("请联系系统管理员")
    page.get_by_role("button", name="邻局地图服务").click()
    page.locator("#outside-url").fill(f"{own.url}/wms")
    page.get_by_role("button", name="读取").click()
    offered = page.locator(".offered-list li[data-name=building]")
    offered.wait_for(timeout=SLOW_MS)
    page.get_by_label("按名称、摘要或单位筛选").fill("building")
    offered.get_by_role("checkbox").check()
    assert violations(own, ".outside-dialog") == []
    page.get_by_role("button", name="添加 1 个图层").click()
    expect(page.locator(".outside-list [data-outside]")).to_have_count(1, timeout=SLOW_MS)
    [layer] = [name for name in outside(own)["order"] if name != "city"]
    own.until(lambda: outside(own) == {"order": [layer, "city"], "laid": ["building", layer]}, "the layer lies over the city's")
    own.drawn()
    expect(page.locator(".outside-note")).to_contain_text("©")

    # A click tells what the other service knows: the number that the store has.
    with page.expect_response(lambda answer: f"{layer}/at" in answer.url and answer.ok, timeout=SLOW_MS):
        page.mouse.click(*own.point_in("building", fid))
    told = page.locator(".outside-answers dl > div")
    expect(told.filter(has=page.locator("dt", has_text="floors_above")).locator("dd")).to_have_text(str(row[0]), timeout=SLOW_MS)
    area = told.filter(has=page.locator("dt", has_text="built_area_m2")).locator("dd")
    assert float(area.inner_text()) == row[1]
    assert violations(own, ".outside-answers") == [] and violations(own, ".outside-group") == []

    # It goes under the city, is half seen through, and has a legend that came through the server.
    page.locator(".outside-list").get_by_role("button", name="下移").click()
    own.until(lambda: outside(own) == {"order": ["city", layer], "laid": [layer, "building"]}, "the layer lies under the city's")
    page.locator(".outside-list").get_by_role("button", name="详细信息").click()
    page.locator(".outside-list input[type=number]").fill("50")
    own.until(lambda: page.evaluate("(id) => window.__map.getPaintProperty(id, 'raster-opacity')", layer) == 0.5, "half seen through")
    own.until(lambda: page.evaluate("() => document.querySelector('.outside-legend')?.naturalWidth > 10"), "the legend")

    # Somebody else opens the link and sees it: the server holds the policy.
    own.until(lambda: layer in page.url, "the link names the layer")
    admin.page.goto("about:blank")
    admin.page.goto(page.url)
    admin.drawn()
    expect(admin.page.locator(f".outside-list [data-outside={layer}]")).to_be_visible(timeout=SLOW_MS)
    admin.until(lambda: outside(admin)["laid"] == [layer, "building"], "the other's map has the layer")
    assert admin.page.evaluate("(id) => window.__map.getPaintProperty(id, 'raster-opacity')", layer) == 0.5

    # Forbidden again, it is gone for everybody, and the row says why.
    _menu(admin, "外部服务主机")
    admin.page.get_by_role("button", name=f"禁止“{admin.url}”").click()
    admin.page.get_by_role("button", name="禁止", exact=True).click()
    expect(admin.page.get_by_text("名单为空")).to_be_visible(timeout=SLOW_MS)
    page.evaluate("() => window.__map.jumpTo({center: [116.41, 39.94], zoom: 15.1})")
    expect(page.locator(".outside-list .outside-fault")).to_contain_text(own.url, timeout=SLOW_MS)
    page.locator(".outside-list").get_by_role("button", name="移除").click()
    own.until(lambda: outside(own) == {"order": [], "laid": ["building"]}, "the layer is taken away")
    with store.read() as connection:
        events = connection.execute("SELECT event, actor, detail FROM gis.audit WHERE event LIKE 'host_%' ORDER BY id").fetchall()
    assert [(event, actor) for event, actor, _ in events] == [("host_allowed", keeper), ("host_forbidden", keeper)], json.dumps([d for *_, d in events])


def test_the_catalogue_is_searched_by_words_and_by_what_is_in_view(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open(VIEW)
    page = own.page

    def listed() -> set[str]:
        return set(page.evaluate("() => [...document.querySelectorAll('.layer-tree .layer-row[data-table=false]')].map((row) => row.dataset.layer)"))

    page.get_by_label("搜索图层、字段或关键词").fill("钢筋混凝土")      # a word of a code list, which only the catalogue knows
    own.until(lambda: listed() == {"building"}, "the catalogue finds buildings by a code of theirs")
    page.get_by_label("搜索图层、字段或关键词").fill("")
    page.get_by_role("button", name="仅当前视野有要素的图层").click()

    own.until(lambda: {"building", "parcel", "road"} <= listed() and not {"water_area", "pipe_segment"} & listed(), "layers with something in view")
    page.evaluate("() => window.__map.jumpTo({center: [116.404, 39.9215], zoom: 16.5})")
    own.until(lambda: "water_area" in listed() and "building" not in listed(), "the lake is in view, no building")
