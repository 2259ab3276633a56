"""Take the pictures of the pages for each kind of user from a running demo city, signed in as each of them.

    .venv/bin/python -m docs.scripts.guides [ADDRESS [NAME ...]]      (from the project's folder; all of them unless named)

Each goes to docs/images/guides/NAME.png.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from config.settings import ROOT
from docs.scripts.visitor import Visit, browser, smaller, visit

__all__ = ["FOLDER", "GUIDES", "Guide"]

FOLDER = ROOT / "docs" / "images" / "guides"
PLACE = "c=116.3885,39.9235"
NEAR = "(116.375, 39.915, 116.402, 39.932)"


@dataclass(frozen=True)
class Guide:
    """A picture: who stands before the map, where, and what they do. `role` None is not signed in."""

    name: str
    role: str | None
    view: str
    does: Callable[[Visit], object]
    width: int = 1280
    height: int = 800


def _first(page: Page, layer: str, condition: str = "") -> dict[str, Any]:
    """Return a feature of a layer, the first that a condition in CQL2 names."""
    asked = {"limit": "1", "f": "json", **({"filter": condition} if condition else {})}
    base = page.url.partition("?")[0]
    found: list[dict[str, Any]] = page.request.get(f"{base}ogc/collections/{layer}/items", params=asked).json()["features"]
    return found[0]


def _choose(visitor: Visit, layer: str, fid: int, view: str) -> None:
    visitor.open(f"{view}&s={layer}.{fid}")
    visitor.page.locator(".feature .fields").first.wait_for()
    visitor.page.get_by_role("button", name="缩放到要素").click()
    visitor.drawn()


def _units(visitor: Visit) -> None:
    _choose(visitor, "building", _first(visitor.page, "unit_room")["properties"]["building_fid"], f"{PLACE},16.5")
    visitor.page.get_by_role("tab", name="关联").click()
    visitor.page.locator(".related li").nth(3).wait_for()


def _projects(visitor: Visit) -> None:
    visitor.page.locator(".grid-body [role=row]").first.wait_for()


def _in_the_field(visitor: Visit) -> None:
    _choose(visitor, "project", _first(visitor.page, "project", "stage = 'construction'")["id"], f"{PLACE},15.6")


def _edit(visitor: Visit) -> None:
    _choose(visitor, "building", _first(visitor.page, "building", f"floors_above > 15 AND S_INTERSECTS(geometry, BBOX{NEAR})")["id"], f"{PLACE},17")
    visitor.page.get_by_role("button", name="编辑", exact=True).click()
    visitor.page.locator("#edit-reason").wait_for()


def _swipe(visitor: Visit) -> None:
    page = visitor.page
    page.get_by_role("button", name="对比", exact=True).click()
    page.get_by_label("B 侧日期").fill("1990-01-01")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="变化清单").click()
    page.locator(".changes-table tr").nth(3).wait_for()


def _theme(visitor: Visit) -> None:
    visitor.page.get_by_role("tab", name="专题").click()
    visitor.page.get_by_role("button", name="分级设色").click()
    visitor.page.locator(".theme-legend li, .theme-classes li").first.wait_for()


def _playback(visitor: Visit) -> None:
    visitor.page.get_by_role("button", name="打开时间轴").click()
    visitor.page.locator(".timebar").wait_for()


def _accounts(visitor: Visit) -> None:
    visitor.page.get_by_role("button", name="账户").click()
    visitor.page.get_by_role("menuitem", name="账号管理").click()
    visitor.page.locator(".desk-dialog table tbody tr").first.wait_for()


def _services(visitor: Visit) -> None:
    visitor.page.goto(f"{visitor.address}/ogc?f=html")


GUIDES = (
    Guide("officer-units", "housing_officer", f"{PLACE},16.5", _units),
    Guide("inspector-projects", "inspector", f"{PLACE},14.5&l=project&x=project&f=%5B%5B%22project%22%2C%5B%22stage%22%2C%22in%22%2C%5B%22construction%22%5D%5D%5D%5D", _projects),
    Guide("inspector-phone", "inspector", f"{PLACE},15.6", _in_the_field, 390, 844),
    Guide("planner-compare", "planner", f"{PLACE},14.6", _swipe),
    Guide("planner-theme", "planner", f"{PLACE},11.6", _theme),
    Guide("planner-time", None, f"{PLACE},14.2&t=2004-01-01", _playback),
    Guide("editor-edit", "editor", f"{PLACE},17", _edit),
    Guide("bureau-services", None, f"{PLACE},15", _services),
    Guide("administrator-accounts", "security_admin", f"{PLACE},15", _accounts),
)


def main(address: str, names: list[str]) -> None:
    """Take the pictures that are named, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with browser() as opened:
        for guide in (each for each in GUIDES if not names or each.name in names):
            with visit(opened, address, guide.role, guide.width, guide.height, guide.view) as visitor:
                guide.does(visitor)
                if "?test" in visitor.page.url:
                    visitor.drawn()
                visitor.page.wait_for_timeout(800)
                (FOLDER / f"{guide.name}.png").write_bytes(smaller(visitor.page.screenshot()))


if __name__ == "__main__":
    main((sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000").rstrip("/"), sys.argv[2:])
