"""Who redraws the city: split, merge, reshape, holes, moving, steps back and forth, coordinates, rows of tables, many at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from layers.store import Store
from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import SOUTH, STEP, WEST, Neighbourhood

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]


def _number(store: Store, question: str, *values: object) -> float:
    with store.read() as connection:
        row = connection.execute(question, values).fetchone()
    assert row is not None
    return row[0]


def _area(store: Store, layer: str, fid: int) -> float:
    """The area that PostGIS measures in the city's grid."""
    return _number(store, f"SELECT ST_Area(ST_Transform(geom, 4548)) FROM city.{layer} WHERE fid = %s AND valid @> now()", fid)


def _begin(own: Desk, layer: str, fid: int, view: str = VIEW) -> None:
    own.choose(layer, fid, view)
    own.page.get_by_role("button", name="编辑", exact=True).click()


def _pixel(own: Desk, lon: float, lat: float) -> tuple[float, float]:
    x, y = own.page.evaluate("""([lon, lat]) => {
        const at = window.__map.project([lon, lat]), frame = window.__map.getContainer().getBoundingClientRect();
        return [frame.left + at.x, frame.top + at.y];
    }""", [lon, lat])
    return x, y


def _draw(own: Desk, button: str, source: str, *places: tuple[float, float]) -> None:
    """Choose a tool and click along some places; Enter ends."""
    own.page.get_by_role("button", name=button, exact=True).click()
    own.until(lambda: own.page.evaluate(f"() => Boolean(window.__map.getSource('{source}'))"), "the drawing tool")
    own.page.wait_for_timeout(250)
    for place in places:
        own.page.mouse.move(*_pixel(own, *place))
        own.page.wait_for_timeout(60)
        own.page.mouse.click(*_pixel(own, *place))
    own.page.wait_for_timeout(60)
    if len(places) > 1:
        own.page.keyboard.press("Enter")


def _save(own: Desk, reason: str) -> None:
    own.page.locator("#edit-reason").fill(reason)
    own.page.get_by_role("button", name="保存", exact=True).click()


def _choose(own: Desk, field: str, option: str) -> None:
    own.page.locator(f"#edit-{field}").fill(option)
    own.page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option", has_text=option).first.click()


def _corner(block: int) -> tuple[float, float]:
    return WEST + block % 4 * STEP, SOUTH + block // 4 * STEP


def test_a_parcel_is_split_with_new_identities_and_its_lineage(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fid = neighbourhood.fids["parcel6"]
    x, y = _corner(6)
    whole = _area(store, "parcel", fid)
    own = desk().expects(410).open().sign_in("wang")
    page = own.page
    view = f"c={x + 0.002},{y + 0.002},16"
    _begin(own, "parcel", fid, view)
    _draw(own, "分割", "td-linestring", (x + 0.0013, y - 0.0001), (x + 0.0013, y + 0.0042))
    pieces = page.locator(".pieces li")
    expect(pieces).to_have_count(2)
    areas = [float(each.get_attribute("data-area") or 0) for each in pieces.locator("small").all()]
    assert sum(areas) == pytest.approx(whole, rel=1e-6)
    # ten of the 34 parts of the width lie west of the cut
    assert min(areas) == pytest.approx(whole * 10 / 34, rel=0.02)
    expect(pieces.nth(0).get_by_role("textbox")).to_have_value("P006-1")
    pieces.nth(1).get_by_role("textbox").fill("P006-西")
    page.get_by_role("button", name="检查", exact=True).click()
    expect(page.locator(".edit-passed")).to_be_visible()
    _save(own, "土地分割登记")
    expect(page.locator(".notice")).to_contain_text("已分割")
    with store.read() as connection:
        rows = connection.execute("SELECT source_id, ST_Area(ST_Transform(geom, 4548)), area_m2 FROM city.parcel WHERE source_id LIKE 'P006%%' "
                                  "AND valid @> now() ORDER BY 2 DESC").fetchall()
        edges = connection.execute("SELECT v.kind, e.side, e.fid FROM gis.lineage_event v JOIN gis.lineage_edge e USING (event_id)").fetchall()
    assert [row[0] for row in rows] == ["P006-1", "P006-西"]
    assert [row[1] for row in rows] == pytest.approx(areas, abs=0.01)
    assert {(kind, side) for kind, side, _ in edges} == {("split", "predecessor"), ("split", "successor")}
    assert fid in {one for _, side, one in edges if side == "predecessor"}
    assert _number(store, "SELECT count(*) FROM city.parcel WHERE fid = %s AND valid @> now()", fid) == 0


def test_two_buildings_are_merged_into_one(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fids = [neighbourhood.fids[f"building10.{slab}"] for slab in (2, 4)]
    total = sum(_area(store, "building", fid) for fid in fids)
    own = desk().expects(410).open().sign_in("wang")
    page = own.page
    own.choose("building", fids[0])
    page.evaluate("(fids) => window.__state.getState().select(fids.map((fid) => ({layer: 'building', fid})))", fids)
    page.get_by_role("button", name="合并", exact=True).click()
    expect(page.locator(".edit h2")).to_have_text("合并 2 个要素 · 建筑")
    expect(page.locator("#edit-source_id")).to_have_value("B0102")
    _save(own, "连体改建")
    expect(page.locator(".notice")).to_contain_text("已合并")
    made = own.selected()[0]["fid"]
    assert made not in fids
    assert _area(store, "building", made) == pytest.approx(total, rel=1e-6)
    with store.read() as connection:
        sides = connection.execute("SELECT e.side, count(*) FROM gis.lineage_event v JOIN gis.lineage_edge e USING (event_id) WHERE v.kind = 'merge' "
                                   "GROUP BY 1 ORDER BY 1").fetchall()
    assert sides == [("predecessor", 2), ("successor", 1)]


def test_steps_are_taken_back_and_done_again(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fid = neighbourhood.fids["parcel9"]
    x, y = _corner(9)
    before = _area(store, "parcel", fid)
    own = desk().open().sign_in("wang")
    page = own.page

    def rings() -> list[int]:
        return page.evaluate("() => window.__draft.getState().draft.geometry.coordinates.map((rings) => rings.length)")

    def points() -> int:
        return page.evaluate("() => window.__draft.getState().draft.geometry.coordinates.flat(2).length")

    _begin(own, "parcel", fid, f"c={x + 0.002},{y + 0.002},16")
    # a notch of 8 by 10 of the parcel's 34 parts a side
    _draw(own, "整形", "td-linestring", (x + 0.0013, y + 0.0040), (x + 0.0013, y + 0.0027), (x + 0.0021, y + 0.0027), (x + 0.0021, y + 0.0040))
    own.until(lambda: points() == 9, "the notch")
    page.keyboard.press("Control+z")
    assert points() == 5
    page.keyboard.press("Control+Shift+z")
    assert points() == 9
    _draw(own, "挖洞", "td-polygon", (x + 0.001, y + 0.001), (x + 0.0015, y + 0.001), (x + 0.0015, y + 0.0015), (x + 0.001, y + 0.0015))
    own.until(lambda: rings() == [2], "the hole")
    # while a shape is not finished, a step back is a vertex
    _draw(own, "填洞", "td-point", (x + 0.00125, y + 0.00125))
    own.until(lambda: rings() == [1], "the hole is filled")
    page.get_by_role("button", name="撤销一步").click()
    assert rings() == [2]
    page.get_by_role("button", name="重做一步").click()
    assert rings() == [1]
    page.get_by_role("button", name="平移与旋转").click()
    page.get_by_label("向东（米）").fill("2")
    page.get_by_role("button", name="移动", exact=True).click()
    own.until(lambda: page.evaluate("() => window.__draft.getState().draft.past.length") == 4, "the move")
    _save(own, "现场复测")
    expect(page.locator(".notice")).to_contain_text("已保存")
    assert _area(store, "parcel", fid) == pytest.approx(before * (1 - 80 / 34**2), rel=0.01)
    moved = _number(store, "SELECT ST_XMin(ST_Transform(geom, 4548)) - ST_XMin(ST_Transform(ST_GeomFromText(%s, 4490), 4548)) FROM city.parcel "
                           "WHERE fid = %s AND valid @> now()", f"LINESTRING({x + 3e-4} {y + 3e-4}, {x + 3e-4} {y + STEP - 3e-4})", fid)
    assert moved == pytest.approx(2, abs=0.01)


def test_coordinates_are_typed_in_the_city_grid(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    own = desk().open().sign_in("wang")
    page = own.page
    line = page.locator(".layer-row").filter(has_text="规划红线")
    line.hover()
    line.get_by_role("button", name="新建要素 · 规划红线").click()
    page.get_by_role("button", name="坐标", exact=True).click()
    page.get_by_label("坐标系").click()
    page.locator(".ant-select-item-option", has_text="4548").click()
    page.get_by_role("textbox", name="坐标").fill("447000 4420000\n447100，4420000\n447100,四\n447000,4420050")
    page.get_by_role("button", name="采用坐标").click()
    expect(page.locator(".coordinate-list .form-fault")).to_have_text("第 3 行不是两个数")
    page.get_by_role("textbox", name="坐标").fill("447000 4420000\n447100，4420000\n447100,4420050\n447000,4420050")
    page.get_by_role("button", name="采用坐标").click()
    own.until(lambda: page.evaluate("() => window.__draft.getState().draft.geometry !== null"), "the geometry")
    page.locator("#edit-red_line_no").fill("R-1")
    page.locator("#edit-district_code").fill("110105")
    _save(own, "核发用地许可")
    expect(page.locator(".notice")).to_contain_text("已新建")
    assert _area(store, "red_line", own.selected()[0]["fid"]) == pytest.approx(5000, abs=0.1)


def test_a_milestone_is_added_to_its_project_and_retired(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    project = neighbourhood.fids["project"]
    own = desk().expects(404, 410).open().sign_in("wang")
    page = own.page
    own.choose("project", project)
    page.get_by_role("tab", name="关联").click()
    page.get_by_role("button", name="新增项目里程碑").click()
    for field, option in (("step", "施工许可"), ("state", "在办")):
        _choose(own, field, option)
    page.locator("#edit-phase").fill("1")
    page.locator("#edit-step_no").fill("11")
    expect(page.locator("#edit-district_code")).to_have_value("110105")
    _save(own, "办理施工许可")
    expect(page.locator(".notice")).to_contain_text("已新建")
    # back at the project, where the row now stands
    page.get_by_role("tab", name="关联").click()
    section = page.locator(".related").filter(has_text="项目里程碑")
    expect(section.locator("h3 span")).to_have_text("4")
    assert _number(store, "SELECT count(*) FROM city.milestone WHERE project_fid = %s AND valid @> now()", project) == 4
    section.get_by_role("button", name="注销 施工许可").click()
    page.locator("#edit-reason").fill("误录")
    page.locator(".edit").get_by_role("button", name="注销", exact=True).click()
    expect(page.locator(".notice").filter(has_text="已注销")).to_be_visible()
    assert _number(store, "SELECT count(*) FROM city.milestone WHERE project_fid = %s AND valid @> now()", project) == 3


def test_many_features_change_in_one_changeset(desk: NewDesk, neighbourhood: Neighbourhood, store: Store) -> None:
    fids = [neighbourhood.fids[f"building14.{slab}"] for slab in range(8)]
    own = desk().open().sign_in("wang")
    page = own.page
    page.evaluate("(fids) => window.__state.getState().select(fids.map((fid) => ({layer: 'building', fid})))", fids)
    page.get_by_role("button", name="批量修改").click()
    expect(page.get_by_role("button", name="保存", exact=True)).to_be_disabled()
    _choose(own, "status", "腾空待拆")
    expect(page.locator(".edit-changes")).to_have_text("1 处改动")
    _save(own, "征收公告")
    expect(page.locator(".notice")).to_contain_text("已修改 8 个要素")
    with store.read() as connection:
        rows = connection.execute("SELECT count(DISTINCT seq_from), count(*), count(DISTINCT status), min(name) IS NOT NULL FROM city.building WHERE fid = ANY(%s) "
                                  "AND valid @> now() AND status = 'vacant'", (fids,)).fetchone()
    assert rows == (1, 8, 1, True)


def test_the_server_shows_an_overlap_before_anything_is_saved(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    x, y = _corner(5)
    own = desk().open().sign_in("wang")
    page = own.page
    _begin(own, "parcel", neighbourhood.fids["parcel5"], f"c={x + 0.003},{y + 0.002},16")
    page.get_by_role("button", name="平移与旋转").click()
    page.get_by_label("向东（米）").fill("120")
    page.get_by_role("button", name="移动", exact=True).click()
    faults = page.locator(".faults li")
    expect(faults).to_have_count(1)
    own.until(lambda: page.evaluate("() => window.__map.queryRenderedFeatures({layers: ['faults-point']}).length") == 1, "the place on the map")
    page.keyboard.press("Control+z")
    expect(faults).to_have_count(0)
