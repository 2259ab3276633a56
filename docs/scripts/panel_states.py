"""Every panel that asks the server for something, and how it looks while it waits, with nothing, with a fault and without permission.

    .venv/bin/python -m docs.scripts.panel_states [ADDRESS]      (from the project's folder; renews docs/panels.md and its pictures)

The same table is walked by the tests, so that a panel without one of its states fails there.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from PIL import Image, ImageOps
from playwright.sync_api import Page, Route

from config.settings import ROOT
from docs.scripts.visitor import browser, smaller, visit

__all__ = ["PANELS", "STATES", "Panel", "states"]

STATES = {"loading": "waiting 等待", "failure": "a fault 出错", "denied": "not permitted 无权", "empty": "nothing there 没有内容"}
# Nothing is drawn there, so that the map is ready at once.
VIEW = "c=116.05,39.6,12"
WIDTH, HEIGHT = 1280, 800
NOTHING: dict[str, Any] = {"type": "FeatureCollection", "features": [], "links": [], "numberReturned": 0, "numberMatched": 0}


class Opened(Protocol):
    """Whoever can open the client at a view: a visitor of the documents, or a desk of the tests."""

    page: Page

    def open(self, view: str) -> Any: ...


@dataclass(frozen=True)
class Panel:
    """A panel: its titles, the questions that fill it, how it is opened, and what the server says where there is nothing.

    `asks` is a pattern of addresses, `part` the selector of what is looked at. `empty` None is a panel that cannot be empty;
    `says_empty` is the selector of what it then shows.
    """

    name: str
    zh: str
    en: str
    asks: str
    part: str
    opens: Callable[[Page], object]
    empty: Any = None
    role: str = "editor"
    view: str = VIEW
    says_empty: str = ".state-empty"


def _tab(name: str) -> Callable[[Page], object]:
    return lambda page: page.get_by_role("tab", name=name).click()


def _button(name: str) -> Callable[[Page], object]:
    return lambda page: page.get_by_role("button", name=name, exact=True).first.click()


def _account(item: str) -> Callable[[Page], object]:
    def opens(page: Page) -> None:
        page.get_by_role("button", name="账户").click()
        page.get_by_role("menuitem", name=item).click()
    return opens


def _compared(page: Page) -> None:
    page.get_by_role("button", name="对比", exact=True).click()
    page.get_by_label("B 侧日期").fill("1990-01-01")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="变化清单").click()


def _themed(page: Page) -> None:
    page.get_by_role("tab", name="专题").click()
    page.get_by_role("button", name="分级设色").click()


PANELS = (
    Panel("table", "属性表", "Attribute table", r"/ogc/collections/building/items\?", ".panel.dock", lambda page: None, NOTHING,
          view=f"{VIEW}&x=building"),
    Panel("feature", "要素", "Feature", r"/ogc/collections/building/items/\d+\?", ".panel.feature", lambda page: None, view=f"{VIEW}&s=building.{{building}}"),
    Panel("history", "历史", "History", r"/items/\d+/versions", ".panel.feature", _tab("历史"), {"versions": []}, view=f"{VIEW}&s=building.{{building}}"),
    Panel("related", "关联", "Related", r"/ogc/collections/entrance/items\?", ".panel.feature", _tab("关联"), view=f"{VIEW}&s=building.{{building}}"),
    Panel("objects", "视野内的要素列表", "Objects in view", r"/ogc/collections/district/items\?", ".panel.layers .objects, .panel.layers",
          _button("视野内的要素列表")),
    Panel("query", "已保存的查询", "Saved queries", r"/api/queries", ".panel.layers", _tab("查询"), {"queries": []}, says_empty="text=没有保存的查询"),
    Panel("statistics", "统计", "Statistics", r"/api/statistics", ".panel.layers", _tab("统计"), {"layers": [], "rule_means": {"zh": "", "en": ""}}),
    Panel("classes", "专题分级", "Classes of a theme", r"/api/classification", ".panel.layers", _themed),
    Panel("themes", "已保存的样式", "Saved styles", r"/api/themes", ".panel.layers", _tab("专题"), {"themes": []}, says_empty="text=没有保存的样式"),
    Panel("styles", "图层样式", "Styles of a layer", r"/api/styles", ".panel.layers", _tab("专题"), {"styles": []}, says_empty="text=没有发布的样式"),
    Panel("outside", "从其他服务添加", "Layers of other services", r"/api/outside/hosts", ".outside-dialog", _button("从其他服务添加…"), {"hosts": []}),
    Panel("changes", "变化清单", "Change list", r"/api/diff", ".panel.changes", _compared,
          {"differences": [], "counts": {"built": 0, "ended": 0, "changed": 0}, "complete": True}),
    Panel("construction", "施工模拟", "Construction", r"/api/progress", ".grow-card", lambda page: None,
          {"day": "2026-01-01", "today": "2026-01-01", "rule": {"zh": "", "en": ""}, "matched": 0, "complete": True, "projects": []}, view=f"{VIEW}&y=1"),
    Panel("views", "视图与书签", "Views and bookmarks", r"/api/views", ".ant-modal", _button("视图与书签"), {"views": []}),
    Panel("print", "打印", "Print", r"/api/print", ".panel.print", _button("打印")),
    Panel("keys", "API 密钥", "API keys", r"/auth/keys", ".desk-dialog", _account("API 密钥"), {"keys": []}),
    Panel("accounts", "账号管理", "Accounts", r"/api/accounts", ".desk-dialog", _account("账号管理"), {"accounts": []}, role="security_admin"),
    Panel("audit", "审计记录", "Audit", r"/api/audit\?", ".desk-dialog", _account("审计记录"), {"entries": [], "next": None}, role="auditor"),
    Panel("hosts", "外部服务主机", "Hosts of other services", r"/api/outside/hosts", ".desk-dialog", _account("外部服务主机"), {"hosts": []}, role="system_admin"),
)


def _problem(status: int, title: str) -> dict[str, Any]:
    body = {"type": "about:blank", "title": title, "status": status, "code": title.lower().replace(" ", "_")}
    return {"status": status, "content_type": "application/problem+json", "body": json.dumps(body)}


def states(opened: Opened, panel: Panel) -> Iterator[str]:
    """Bring a panel into its states, one after the other; yield the name of each (of STATES) while the page shows it.

    The server is played: it keeps the panel waiting, then fails, then refuses, then has nothing.
    """
    page, held, answer = opened.page, list[Route](), dict[str, Any]()

    def reply(route: Route) -> None:
        if answer:
            route.fulfill(**answer)
        else:
            held.append(route)

    def opens() -> None:
        page.goto("about:blank")        # else nothing but the part behind # changes, and what was read is kept
        opened.open(panel.view)
        panel.opens(page)

    def shows(selector: str) -> None:
        page.locator(panel.part).locator(selector).first.wait_for()

    asked = re.compile(panel.asks)
    page.route(asked, reply)
    opens()
    shows(".state-loading")
    yield "loading"
    answer |= _problem(500, "Internal error")
    while held:
        held.pop().fulfill(**answer)
    shows(".state-failure[data-status='500']")
    yield "failure"
    answer |= _problem(403, "Forbidden")
    # two parts of a panel may ask the same: where the other has asked again by itself, there is no button any more
    page.locator(panel.part).first.evaluate("(part) => part.querySelector('.state-failure button')?.click()")
    shows(".state-failure[data-status='403']")
    yield "denied"
    if panel.empty is not None:
        answer |= {"status": 200, "content_type": "application/json", "body": json.dumps(panel.empty)}
        opens()
        shows(panel.says_empty)
        yield "empty"
    page.unroute(asked)


def _strip(pictures: list[bytes]) -> bytes:
    """Return pictures beside each other, each in a frame, as one PNG."""
    parts = [ImageOps.expand(Image.open(io.BytesIO(each)).convert("RGB"), 1, "#c8c8c8") for each in pictures]
    made = Image.new("RGB", (sum(p.width for p in parts) + 12 * (len(parts) - 1), max(p.height for p in parts)), "white")
    left = 0
    for part in parts:
        made.paste(part, (left, 0))
        left += part.width + 12
    kept = io.BytesIO()
    made.save(kept, "PNG")
    return kept.getvalue()


def _building(page: Page) -> int:
    """Return the fid of a building that has parts to show."""
    found = page.request.get(f"{page.url.partition('?')[0]}ogc/collections/entrance/items?limit=1&f=json").json().get("features")
    return int(found[0]["properties"]["building_fid"]) if found else 0


def _page(photographed: dict[str, list[str]]) -> str:
    lines = ["# The panels and their states", "",
             "Made by `docs/scripts/panel_states.py` in front of a running demo city; `tests/e2e/test_panel_states.py` walks the same table. Each picture shows, from left to",
             f"right: {', '.join(STATES.values())}. A panel without the last picture always has something to show.", ""]
    for panel in PANELS:
        lines += [f"## {panel.en} {panel.zh}", "", f"![{', '.join(STATES[state] for state in photographed[panel.name])}](images/panels/{panel.name}.png)", ""]
    return "\n".join(lines)


def main(address: str) -> None:
    """Photograph every panel in its states, and write the page that shows them."""
    folder = ROOT / "docs" / "images" / "panels"
    folder.mkdir(parents=True, exist_ok=True)
    photographed: dict[str, list[str]] = {}
    with browser() as opened:
        for role in sorted({panel.role for panel in PANELS}):
            with visit(opened, address, role, WIDTH, HEIGHT, VIEW) as visitor:
                building = _building(visitor.page)
                for panel in (each for each in PANELS if each.role == role):
                    pictures, photographed[panel.name] = [], []
                    for state in states(visitor, replace(panel, view=panel.view.format(building=building))):
                        visitor.page.wait_for_timeout(400)          # what fades in
                        pictures.append(visitor.page.locator(panel.part).first.screenshot())
                        photographed[panel.name].append(state)
                    (folder / f"{panel.name}.png").write_bytes(smaller(_strip(pictures)))
    (ROOT / "docs" / "panels.md").write_text(_page(photographed), "utf-8")


if __name__ == "__main__":
    main((sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000").rstrip("/"))
