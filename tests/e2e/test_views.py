"""Short links, bookmarks and the way back: a view opens exactly as it was, counted by what the server has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import VIEW, Desk
from tests.e2e.neighbourhood import BUILDINGS_1990, COMPOUNDS, PER_BLOCK, Neighbourhood

pytestmark = pytest.mark.browser
NewDesk = Callable[..., Desk]


def test_a_short_link_opens_the_same_view_for_a_colleague(desk: NewDesk, neighbourhood: Neighbourhood) -> None:
    fid = neighbourhood.fids["building2.4"]
    own = desk().open(f"{VIEW}&t=1990-01-01&l=parcel&f=%5B%5B%22building%22%2C%5B%22floors_above%22%2C%22%3E%3D%22%2C24%5D%5D%5D&s=building.{fid}")
    own.sign_in("wang")
    page = own.page
    # Two of the eight slabs of a block have 24 floors and more; half the blocks stood in 1990.
    expected = BUILDINGS_1990 // PER_BLOCK * 2
    own.until(lambda: len(own.drawn().rendered("building")) == expected, "the filtered buildings of 1990")
    page.get_by_role("button", name="视图与书签").click()
    page.get_by_text("同角色", exact=True).click()
    page.get_by_role("button", name="生成并复制").click()
    link = own.until(lambda: page.get_by_label("短链接").input_value(), "the link")
    assert "/#v=" in link and len(link) < 60
    # the public has no such view; a colleague of the same role sees the same
    other = desk().expects(404)
    other.page.goto(f"{own.url}/?test#{link.partition('#')[2]}")
    expect(other.page.locator(".notice")).to_contain_text("没有这个视图")
    other.sign_in("zhao")
    expect(other.page.locator(".feature h2")).to_have_text(f"{COMPOUNDS[2]}5号楼")
    expect(other.page.locator(".banner")).to_contain_text("1990-01-01")
    other.until(lambda: len(other.drawn().rendered("building")) == expected, "the same buildings")
    assert len(other.rendered("parcel")) == len(own.rendered("parcel")) == len(COMPOUNDS) // 2
    cameras = [each.page.evaluate("() => { const c = window.__state.getState().camera; return [c.lon, c.lat, c.zoom].map((n) => n.toFixed(4)) }")
               for each in (own, other)]
    assert cameras[0] == cameras[1]


def test_bookmarks_are_saved_opened_renamed_and_deleted(desk: NewDesk) -> None:
    own = desk().open(f"{VIEW}&t=1990-01-01").sign_in("wang")
    page = own.page
    page.get_by_role("button", name="视图与书签").click()
    expect(page.locator(".views .state-empty")).to_contain_text("还没有书签")
    page.get_by_label("书签名称").fill("老城 1990")
    page.keyboard.press("Enter")
    expect(page.locator(".bookmark strong")).to_have_text("老城 1990")
    page.get_by_role("button", name="重命名“老城 1990”").click()
    page.get_by_role("textbox", name="重命名“老城 1990”").fill("望京 1990")
    page.keyboard.press("Enter")
    expect(page.locator(".bookmark strong")).to_have_text("望京 1990")
    page.locator(".ant-modal-close").click()
    page.locator(".banner").get_by_role("button", name="回到今天").click()
    own.until(lambda: len(own.drawn().rendered("building")) > BUILDINGS_1990, "the buildings of today")
    page.get_by_role("button", name="视图与书签").click()
    page.get_by_role("button", name="打开“望京 1990”").click()
    own.until(lambda: len(own.drawn().rendered("building")) == BUILDINGS_1990, "the buildings of the bookmark")
    page.get_by_role("button", name="视图与书签").click()
    page.get_by_role("button", name="删除“望京 1990”").click()
    expect(page.locator(".bookmark")).to_have_count(0)


def test_changes_of_the_view_are_undone_and_redone_by_keys(desk: NewDesk) -> None:
    own = desk().open()
    page = own.page
    whole = len(own.rendered("building"))
    page.get_by_role("checkbox", name="显示“建筑”").click()
    own.until(lambda: own.rendered("building") == {}, "buildings are gone")
    page.wait_for_timeout(600)
    page.locator(".day-button").click()
    page.get_by_role("button", name="1990", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.locator(".banner")).to_contain_text("1990-01-01")
    page.wait_for_timeout(600)
    page.locator(".map canvas").focus()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator(".banner")).to_have_count(0)
    page.keyboard.press("Alt+ArrowLeft")
    own.until(lambda: len(own.drawn().rendered("building")) == whole, "buildings are back")
    page.keyboard.press("Alt+ArrowRight")
    own.until(lambda: own.rendered("building") == {}, "and gone again")
    page.get_by_role("button", name="后退到上一视图").click()
    own.until(lambda: len(own.drawn().rendered("building")) == whole, "by the button too")
