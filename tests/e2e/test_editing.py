"""Who changes the city: sign in, edit with a reason, conflict, undo, draw, retire, history, personal data."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from layers.store import Store
from tests.e2e.conftest import PASSWORD, VIEW, Desk
from tests.e2e.neighbourhood import COMPOUNDS, Neighbourhood

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]


def _edit(own: Desk, fid: int, **fields: str) -> None:
    own.choose("building", fid)
    own.page.get_by_role("button", name="编辑", exact=True).click()
    for name, value in fields.items():
        own.page.locator(f"#edit-{name}").fill(value)


def _save(own: Desk, reason: str) -> None:
    own.page.locator("#edit-reason").fill(reason)
    own.page.get_by_role("button", name="保存", exact=True).click()


def _current(store: Store, fid: int) -> dict[str, object]:
    with store.read() as connection:
        row = connection.execute("SELECT name, floors_above, pm_company, ST_NPoints(geom), ST_Area(geom) FROM city.building "
                                 "WHERE fid = %s AND valid @> now()", (fid,)).fetchone()
    return dict(zip(("name", "floors_above", "pm_company", "points", "area"), row, strict=True)) if row else {}


def _value(own: Desk, field: str) -> str:
    return own.page.locator(".fields > div").filter(has=own.page.locator("dt", has_text=field)).locator("dd").inner_text()


def test_a_wrong_password_is_said_and_a_right_one_shows_the_role(desk: NewDesk) -> None:
    own = desk().expects(401).open()
    page = own.page
    expect(page.get_by_role("button", name="编辑", exact=True)).to_have_count(0)
    page.get_by_role("button", name="登录", exact=True).click()
    page.get_by_label("账户名").fill("wang")
    page.get_by_label("密码", exact=True).fill("not the password")
    page.locator(".ant-modal button[type=submit]").click()
    expect(page.locator(".form-fault")).to_have_text("账户名或密码不正确。")
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.locator(".ant-modal button[type=submit]").click()
    account = page.get_by_role("button", name="账户")
    expect(account).to_contain_text("王编辑")
    expect(account).to_contain_text("数据编辑")
    # what only the signed-in see has come
    expect(page.get_by_role("checkbox", name="显示“管线段”")).to_be_visible()
    account.click()
    page.get_by_role("menuitem", name="退出登录").click()
    expect(page.get_by_role("button", name="登录", exact=True)).to_be_visible()
    expect(page.get_by_role("checkbox", name="显示“管线段”")).to_have_count(0)


def test_an_edit_with_its_reason_appears_in_another_browser_and_is_undone(
        desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fid = neighbourhood.fids["building5.5"]
    mine, other = desk().open().sign_in("wang"), desk().open()
    other.choose("building", fid)
    assert _value(other, "地上层数") == "21"

    _edit(mine, fid, floors_above="23")
    expect(mine.page.locator(".edit-changes")).to_have_text("1 处改动")
    mine.page.get_by_role("button", name="保存", exact=True).click()
    expect(mine.page.locator(".grounds").get_by_text("必填")).to_be_visible()
    assert _current(store, fid)["floors_above"] == 21
    _save(mine, "加建两层")
    expect(mine.page.locator(".notice")).to_contain_text("已保存，变更")
    assert _current(store, fid)["floors_above"] == 23

    # nobody touched the other browser: its panel and its map have the news
    other.until(lambda: _value(other, "地上层数") == "23", "the panel of the other browser")
    other.until(lambda: other.rendered("building")[fid]["floors_above"] == 23, "the map of the other browser")

    mine.page.get_by_role("tab", name="历史").click()
    versions = mine.page.locator(".version")
    expect(versions).to_have_count(2)
    expect(versions.first).to_contain_text("21")
    expect(versions.first.locator("ins")).to_have_text("23")
    expect(versions.first).to_contain_text("wang")
    expect(versions.first).to_contain_text("加建两层")

    mine.page.locator(".notice").get_by_role("button", name="撤销").click()
    dialog = mine.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="撤销")).to_be_disabled()
    dialog.get_by_label("事由").fill("登记错误")
    dialog.get_by_role("button", name="撤销").click()
    expect(mine.page.locator(".notice").filter(has_text="已撤销变更")).to_be_visible()
    assert _current(store, fid)["floors_above"] == 21
    other.until(lambda: _value(other, "地上层数") == "21", "the undo in the other browser")


def test_two_editors_meet_on_the_conflict_screen(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fid = neighbourhood.fids["building6.3"]
    wang, zhao = desk().expects(412).open().sign_in("wang"), desk().open().sign_in("zhao")
    _edit(wang, fid, floors_above="17", pm_company="安居物业")
    _edit(zhao, fid, floors_above="16", name="新楼名")
    _save(zhao, "现场核对")
    expect(zhao.page.locator(".notice")).to_contain_text("已保存")

    _save(wang, "档案核对")
    screen = wang.page.get_by_role("dialog", name="他人已先行修改")
    row = {name: screen.locator(f'tr[data-field="{name}"]') for name in ("floors_above", "name", "pm_company")}
    expect(row["floors_above"]).to_contain_text("双方都改了")
    expect(row["floors_above"].locator("td").first).to_have_text("15")
    expect(row["name"]).to_contain_text("仅一方改动")
    assert row["name"].get_by_role("radio").first.is_checked()
    assert row["pm_company"].get_by_role("radio").nth(1).is_checked()
    row["floors_above"].get_by_role("radio", name="对方的").check()
    screen.get_by_role("button", name="按所选内容保存").click()
    expect(wang.page.locator(".notice")).to_contain_text("已保存")
    found = _current(store, fid)
    assert (found["name"], found["floors_above"], found["pm_company"]) == ("新楼名", 16, "安居物业")


def test_a_vertex_is_dragged_and_steps_are_undone(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fid = neighbourhood.fids["building6.4"]
    own = desk().open().sign_in("wang")
    page = own.page
    before = _current(store, fid)
    own.choose("building", fid)
    page.get_by_role("button", name="缩放到要素").click()
    own.drawn()
    page.get_by_role("button", name="编辑", exact=True).click()
    page.get_by_role("button", name="修改图形").click()
    own.until(lambda: page.evaluate("() => Boolean(window.__map.getSource('td-polygon'))"), "the drawing tool")
    own.drawn().page.wait_for_timeout(300)
    corner = """() => {
        const feature = window.__map.querySourceFeatures('td-polygon')[0] ?? null;
        const b = [116.385 + 2 * 0.004 + 5e-4 + 1.3e-3, 39.918 + 0.004 + 5e-4 + 2 * 7.5e-4 + 3e-4];
        const at = window.__map.project(b), frame = window.__map.getContainer().getBoundingClientRect();
        return [frame.left + at.x, frame.top + at.y, Boolean(feature)];
    }"""
    x, y, _ = page.evaluate(corner)

    def drag(dx: float, dy: float) -> None:
        page.mouse.move(x, y)
        page.wait_for_timeout(200)
        page.mouse.down()
        for step in (0.3, 0.6, 1):
            page.mouse.move(x + dx * step, y + dy * step)
        page.mouse.up()

    drag(24, -18)
    expect(page.locator(".geometry-tools em")).to_have_text("图形已修改")
    page.get_by_role("button", name="撤销一步").click()
    expect(page.locator(".geometry-tools em")).to_have_count(0)
    page.wait_for_timeout(300)
    drag(24, -18)
    expect(page.locator(".edit-changes")).to_have_text("1 处改动")
    _save(own, "重新测绘")
    expect(page.locator(".notice")).to_contain_text("已保存")
    after = _current(store, fid)
    assert after["points"] == before["points"] == 5
    assert after["area"] > before["area"]


def test_a_facility_is_placed_checked_and_retired(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    own = desk().expects(404, 410).open("c=116.393,39.926,16").sign_in("wang")
    page = own.page
    line = page.locator(".layer-row").filter(has_text="公共设施")
    line.hover()
    line.get_by_role("button", name="新建要素 · 公共设施").click()
    own.until(lambda: page.evaluate("() => Boolean(window.__map.getSource('td-point'))"), "the drawing tool")
    page.wait_for_timeout(300)
    page.mouse.click(600, 420)
    page.get_by_role("button", name="坐标", exact=True).click()
    expect(page.get_by_role("textbox", name="坐标")).to_have_value(re.compile(r"^116\.39\d+, 39\.92\d+$"))

    page.locator("#edit-facility_no").fill("F-0001")
    page.locator("#edit-name").fill("望京社区医院")
    page.locator("#edit-district_code").fill("11010")
    _save(own, "新建")
    expect(page.locator('[data-field="district_code"]')).to_contain_text("格式不符")
    expect(page.locator('[data-field="kind"]')).to_contain_text("必填")
    page.locator("#edit-district_code").fill("110105")
    page.locator("#edit-kind").click()
    page.locator(".ant-select-item-option").first.click()
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("已新建")
    expect(page.locator(".feature h2")).to_have_text("望京社区医院")
    own.until(lambda: len(own.drawn().rendered("facility")) == 1, "the facility is on the map")

    page.get_by_role("button", name="注销", exact=True).click()
    page.locator("#edit-reason").fill("登记有误")
    page.locator(".edit").get_by_role("button", name="注销", exact=True).click()
    expect(page.locator(".notice").filter(has_text="已注销")).to_be_visible()
    with store.read() as connection:
        row = connection.execute("SELECT count(*) FILTER (WHERE valid @> now()), count(*) FROM city.facility").fetchone()
    assert row is not None and row[0] == 0


def test_faults_of_the_server_stand_at_their_places(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().expects(422).open().sign_in("wang")
    page = own.page
    own.choose("parcel", neighbourhood.fids["parcel5"])
    page.get_by_role("button", name="编辑", exact=True).click()
    # onto its neighbour: parcels may not overlap
    page.evaluate("""() => {
        const west = 116.385 + 0.004 + 3e-4, south = 39.918 + 0.004 + 3e-4, east = west + 0.005, north = south + 0.0034;
        window.__draft.getState().setGeometry({type: "MultiPolygon",
            coordinates: [[[[west, south], [east, south], [east, north], [west, north], [west, south]]]]});
    }""")
    _save(own, "调整")
    faults = page.locator(".faults li")
    expect(faults).to_have_count(1)
    faults.get_by_role("button", name="在地图上显示").click()
    own.drawn()
    own.until(lambda: page.evaluate("() => window.__map.queryRenderedFeatures({layers: ['faults-point']}).length") == 1, "the place")


def test_the_past_is_not_edited(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open(f"{VIEW}&t=1990-01-01&s=building.{neighbourhood.fids['building2.2']}").sign_in("wang")
    expect(own.page.get_by_role("button", name="编辑", exact=True)).to_be_disabled()


def test_a_session_that_ends_keeps_the_draft(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fid = neighbourhood.fids["building9.1"]
    own = desk().expects(401).open().sign_in("wang")
    _edit(own, fid, floors_above="13")
    own.page.context.clear_cookies()
    _save(own, "复核")
    expect(own.page.locator(".form-note").filter(has_text="登录已过期")).to_be_visible()
    own.page.get_by_label("账户名").fill("wang")
    own.page.get_by_label("密码", exact=True).fill(PASSWORD)
    own.page.locator(".ant-modal button[type=submit]").click()
    own.page.locator(".ant-modal").wait_for(state="detached")
    expect(own.page.locator("#edit-floors_above")).to_have_value("13")
    own.page.get_by_role("button", name="保存", exact=True).click()
    expect(own.page.locator(".notice")).to_contain_text("已保存")
    assert _current(store, fid)["floors_above"] == 13


def test_personal_data_open_for_a_reason_that_the_audit_keeps(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    own = desk().open().sign_in("bureau")
    own.choose("building", neighbourhood.fids["building2.1"])
    personal = own.page.get_by_role("region", name="个人信息")
    personal.get_by_role("button", name="说明事由后查看").click()
    personal.get_by_label("查看事由（将记入审计）").fill("核实产权登记")
    personal.get_by_role("button", name="查看", exact=True).click()
    expect(personal.locator("dt")).to_have_text("产权人")
    with store.read() as connection:
        rows = connection.execute("SELECT reason FROM gis.audit WHERE event = 'personal_opened'").fetchall()
    assert rows == [("核实产权登记",)]


def test_an_unsaved_draft_is_not_lost_by_accident(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    own = desk().open().sign_in("wang")
    _edit(own, neighbourhood.fids["building9.2"], name="别名")
    own.page.get_by_role("button", name="取消", exact=True).click()
    own.page.get_by_role("button", name="继续编辑").click()
    expect(own.page.locator("#edit-name")).to_have_value("别名")
    own.page.get_by_role("button", name="取消", exact=True).click()
    own.page.get_by_role("button", name="放弃", exact=True).click()
    expect(own.page.locator(".feature h2")).to_have_text(f"{COMPOUNDS[9]}3号楼")
