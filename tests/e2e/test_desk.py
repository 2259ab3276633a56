"""The desk itself: measuring, one's keys, a first password, accounts, the audit, what was known then, and forms in English."""

from __future__ import annotations

from collections.abc import Callable

import httpx
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
from tests.e2e.neighbourhood import BUILDINGS_NOW, Neighbourhood
from tests.e2e.test_access import AXE, STANDARDS

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]
VIEW = "c=116.393,39.926,15"
SLOW_MS = 20_000
# Four corners on the screen, as fractions of the map; the ring through them is measured.
LINE = [(116.388, 39.922), (116.392, 39.922), (116.392, 39.925), (116.388, 39.925)]


@pytest.fixture(scope="module")
def people(neighbourhood: Neighbourhood, store: Store) -> None:
    """Who keeps accounts, who reads the audit, and who has just been given a first password."""
    roles = read_roles(ROLES, read_layers(ROOT / "config" / "layers"))
    for username, role, must_change in (("sun", "security_admin", False), ("audrey", "auditor", False), ("newcomer", "inspector", True)):
        create_account(store, roles, Actor("setup"), username, PASSWORD, (role,), None, username, must_change=must_change)


def _pixel(own: Desk, place: tuple[float, float]) -> tuple[float, float]:
    x, y = own.page.evaluate("""([lon, lat]) => {
        const at = window.__map.project([lon, lat]), frame = window.__map.getContainer().getBoundingClientRect();
        return [frame.left + at.x, frame.top + at.y];
    }""", list(place))
    return x, y


def violations(own: Desk, part: str) -> list[str]:
    """What axe finds in a part of the page."""
    own.page.wait_for_timeout(500)          # what fades in has no contrast yet
    own.page.evaluate(f"{AXE.read_text('utf-8')}; 0")
    found = own.page.evaluate("([part, tags]) => axe.run(part, {runOnly: tags})", [part, STANDARDS])["violations"]
    return [f"{v['id']}: {node['target']} {node['failureSummary']}" for v in found for node in v["nodes"]]


def _menu(own: Desk, item: str) -> None:
    own.page.get_by_role("button", name="账户").click()
    own.page.get_by_role("menuitem", name=item).click()


def test_measurements_are_those_of_postgis_and_stay(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    own = desk(permissions=["clipboard-read", "clipboard-write"]).open(VIEW)
    page = own.page
    page.get_by_role("button", name="量测", exact=True).click()
    page.locator(".measured").wait_for()
    page.wait_for_timeout(300)
    for place in (*LINE, LINE[0]):
        page.mouse.click(*_pixel(own, place))
        page.wait_for_timeout(350)          # two clicks in a hurry are a double click
    first = page.locator(".measured li").first
    area = first.locator("dd[data-area]")
    expect(area).to_have_count(2, timeout=SLOW_MS)
    drawn = page.evaluate("() => window.__map.querySourceFeatures('measure').filter((f) => f.geometry.type === 'Polygon').length")
    assert drawn >= 1
    for place in LINE[:3]:
        page.mouse.click(*_pixel(own, (place[0], place[1] - 0.0012)))
        page.wait_for_timeout(350)
    page.keyboard.press("Enter")
    expect(page.locator(".measured li")).to_have_count(2, timeout=SLOW_MS)
    second = page.locator(".measured li").nth(1)
    expect(second.locator("[data-how=grid] dd[data-length]")).to_have_count(1, timeout=SLOW_MS)
    # Clicks fall on whole pixels; at this zoom one is 1.8 m.
    ring = ", ".join(f"{x} {y}" for x, y in (*LINE, LINE[0]))
    way = ", ".join(f"{x} {y - 0.0012}" for x, y in LINE[:3])
    with store.read() as connection:
        row = connection.execute(
            "SELECT ST_Area(a::geography), ST_Area(ST_Transform(a, 4548)), ST_Length(l::geography), ST_Length(ST_Transform(l, 4548)) "
            "FROM (SELECT ST_GeomFromText(%s, 4490) a, ST_GeomFromText(%s, 4490) l) g", (f"POLYGON(({ring}))", f"LINESTRING({way})")).fetchone()
    assert row is not None
    areas = {how: float(first.locator(f"[data-how={how}] dd[data-area]").get_attribute("data-area") or 0) for how in ("geodesic", "grid")}
    lengths = {how: float(second.locator(f"[data-how={how}] dd[data-length]").get_attribute("data-length") or 0) for how in ("geodesic", "grid")}
    assert areas == {"geodesic": pytest.approx(row[0], rel=0.02), "grid": pytest.approx(row[1], rel=0.02)}
    assert lengths == {"geodesic": pytest.approx(row[2], rel=0.02), "grid": pytest.approx(row[3], rel=0.02)}
    # what is said beside the number is how it was measured, and the two differ as grid and ellipsoid do
    assert areas["grid"] / areas["geodesic"] == pytest.approx(row[1] / row[0], rel=1e-6)
    expect(second.locator("[data-how=grid] dt")).to_contain_text("EPSG:4548")
    page.get_by_role("button", name="复制第 2 项").click()
    assert f"{lengths['grid']:.3f} m" in page.evaluate("() => navigator.clipboard.readText()")
    assert violations(own, ".measured") == []
    page.get_by_role("button", name="删除第 1 项").click()
    expect(page.locator(".measured li")).to_have_count(1)


def test_a_key_is_made_shown_once_used_and_revoked(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open(VIEW).sign_in("wang")
    page = own.page
    _menu(own, "API 密钥")
    expect(page.get_by_text("还没有密钥")).to_be_visible(timeout=SLOW_MS)
    assert violations(own, ".desk-dialog") == []
    page.locator("#key-title").fill("报表程序")
    page.locator("#key-layers").fill("建筑")
    page.locator(".ant-select-item-option[title='建筑']").click()
    page.locator("#key-days").click()         # as a hand does, which closes the list
    expect(page.locator(".ant-select-dropdown:visible")).to_have_count(0)
    page.locator("#key-days").fill("30")
    page.get_by_role("button", name="生成").click()
    secret = page.locator(".secret input")
    expect(secret).to_be_visible(timeout=SLOW_MS)
    key = secret.input_value()
    expect(page.locator(".admin-list li")).to_contain_text("建筑 · 只读")
    headers = {"Authorization": f"Bearer {key}"}
    found = httpx.get(f"{own.url}/ogc/collections/building/items?resulttype=hits&f=json", headers=headers).json()
    assert found["numberMatched"] == BUILDINGS_NOW
    assert httpx.get(f"{own.url}/ogc/collections/parcel/items?f=json", headers=headers).status_code == 404
    page.get_by_role("button", name="吊销“报表程序”").click()
    page.get_by_role("button", name="吊销", exact=True).click()
    expect(page.get_by_text("还没有密钥")).to_be_visible(timeout=SLOW_MS)
    assert httpx.get(f"{own.url}/ogc/collections/building/items?f=json", headers=headers).status_code == 401


def test_a_first_password_is_changed_before_anything_opens(desk: NewDesk, people: None, store: Store) -> None:
    own = desk().expects(400, 401, 403).open(VIEW)
    page = own.page
    page.get_by_role("button", name="登录", exact=True).click()
    page.get_by_label("账户名").fill("newcomer")
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.locator(".ant-modal button[type=submit]").click()
    expect(page.get_by_text("首次登录须先修改密码")).to_be_visible(timeout=SLOW_MS)
    for label, text in (("当前密码", PASSWORD), ("新密码", "Dong-Zhi-Men-2026"), ("再次输入新密码", "Dong-Zhi-Men-2026")):
        page.get_by_label(label, exact=True).fill(text)
    page.locator(".ant-modal button[type=submit]").click()
    expect(page.locator(".ant-modal-wrap:visible")).to_have_count(0, timeout=SLOW_MS)
    # what an inspector sees has come without signing in again
    expect(page.get_by_role("checkbox", name="显示“标绘”")).to_be_visible(timeout=SLOW_MS)
    with store.read() as connection:
        assert connection.execute("SELECT must_change FROM gis.account WHERE username = 'newcomer'").fetchone() == (False,)


def test_the_security_admin_keeps_accounts(desk: NewDesk, people: None, store: Store) -> None:
    own = desk().expects(400, 401).open(VIEW).sign_in("sun")
    page = own.page
    _menu(own, "账号管理")
    page.locator(".admin-table tr[data-username=wang]").wait_for(timeout=SLOW_MS)
    assert violations(own, ".desk-dialog") == []
    expect(page.locator("tr[data-username=audrey]")).to_contain_text("只能在服务器上管理")
    page.get_by_role("button", name="新建账号").click()
    page.locator("#account-username").fill("li")
    page.locator("#account-display").fill("李监督")
    page.locator("#account-roles").fill("监督员")
    page.locator(".ant-select-item-option", has_text="监督员").click()
    page.locator("#account-districts").fill("朝阳")
    page.locator(".ant-select-item-option", has_text="110105").click()
    page.get_by_role("button", name="建立", exact=True).click()
    secret = page.locator(".secret input")
    expect(secret).to_be_visible(timeout=SLOW_MS)
    password = secret.input_value()
    row = page.locator("tr[data-username=li]")
    expect(row).to_contain_text("监督员")
    expect(row).to_contain_text("待改密码")

    def signs_in(given: str) -> int:
        return httpx.post(f"{own.url}/auth/login", json={"username": "li", "password": given}).status_code

    assert signs_in(password) == 200
    page.get_by_role("button", name="重置“li”的密码").click()
    page.get_by_role("dialog", name="重置“li”的密码").get_by_role("button", name="应用").click()
    own.until(lambda: secret.input_value() != password, "another password")
    assert [signs_in(password), signs_in(secret.input_value())] == [401, 200]
    page.get_by_role("button", name="停用“li”").click()
    expect(row).to_contain_text("已停用", timeout=SLOW_MS)
    assert signs_in(secret.input_value()) == 401
    with store.read() as connection:
        assert connection.execute("SELECT districts, disabled_at IS NOT NULL FROM gis.account WHERE username = 'li'").fetchone() == (["110105"], True)


def test_the_auditor_searches_and_verifies_the_chain(desk: NewDesk, people: None, store: Store) -> None:
    own = desk().open(VIEW).sign_in("audrey")
    page = own.page
    _menu(own, "审计记录")
    page.locator(".admin-table tbody tr").first.wait_for(timeout=SLOW_MS)
    assert violations(own, ".desk-dialog") == []
    page.get_by_label("账户", exact=True).fill("sun")
    page.get_by_label("账户", exact=True).press("Enter")
    with store.read() as connection:
        row = connection.execute("SELECT count(*) FROM gis.audit WHERE actor = 'sun'").fetchone()
    assert row is not None
    expect(page.locator(".admin-table tbody tr")).to_have_count(min(row[0], 50), timeout=SLOW_MS)
    page.get_by_role("button", name="校验链条").click()
    whole = page.locator(".audit-whole")
    expect(whole).to_be_visible(timeout=SLOW_MS)
    with store.read() as connection:
        rows = connection.execute("SELECT count(*) FROM gis.audit").fetchone()
    assert rows is not None and abs(int(whole.get_attribute("data-rows") or 0) - rows[0]) <= 1


def test_the_map_shows_what_was_known_then(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fid = neighbourhood.fids["building5.6"]
    mine = desk().open(VIEW).sign_in("zhao")
    page = mine.page
    mine.choose("building", fid, VIEW)
    page.get_by_role("button", name="编辑", exact=True).click()
    page.locator("#edit-floors_above").fill("30")
    page.get_by_text("更正登记").click()
    page.locator("#edit-reason").fill("登记有误")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("已保存", timeout=SLOW_MS)
    page.locator(".day-button").click()
    page.get_by_label("按当时所知（变更号）").fill(str(neighbourhood.seq))
    page.get_by_label("按当时所知（变更号）").press("Enter")
    value = page.locator(".fields > div").filter(has=page.locator("dt", has_text="地上层数")).locator("dd")
    expect(value).to_have_text("24", timeout=SLOW_MS)
    expect(page.get_by_role("button", name="编辑", exact=True)).to_be_disabled()
    mine.until(lambda: mine.drawn().rendered("building")[fid]["floors_above"] == 24, "the map of what was known")


def test_labels_of_a_form_in_english_do_not_overlap(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk(1280, 850).open(VIEW).sign_in("wang")
    page = own.page
    page.get_by_role("button", name="English").click()
    line = page.locator(".layer-row").filter(has_text="Plan red line")
    line.hover()
    line.get_by_role("button", name="New feature · Plan red line").click()
    page.locator("#edit-red_line_no").wait_for(timeout=SLOW_MS)
    overlapping = page.evaluate("""() => [...document.querySelectorAll('.edit-form .ant-form-item')].filter((item) => {
        const label = item.querySelector('.ant-form-item-label label'), control = item.querySelector('.ant-form-item-control-input');
        if (!label || !control) return false;
        const words = document.createRange();
        words.selectNodeContents(label);
        const a = words.getBoundingClientRect(), b = control.getBoundingClientRect(), box = item.getBoundingClientRect();
        return a.right > b.left + 1 || a.bottom > box.bottom + 1;
    }).map((item) => item.textContent)""")
    assert overlapping == []
