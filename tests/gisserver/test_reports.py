"""A report stands alone: it asks no host for anything, runs nothing that the data say, and holds what its reader may see and no more."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from gisserver.reports.wish import MOST_FEATURES
from layers.access import OWNER
from layers.audit import entries
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.store import Store
from tests.gisserver.conftest import As, Town, building

EVIL = "</script><img src=x onerror=\"document.title='broken'\">{{ 7*7 }}{% raw %}'\\u2028"
WISH: dict[str, Any] = {"title": f"报告 {EVIL}", "author": EVIL, "layers": [{"layer": "building", "fields": ["name", "use", "height_m"]}], "bbox": [116.3, 39.8, 116.5, 40.0],
                        "tables": [{"layer": "building", "by": "use", "fields": ["height_m"]}]}


class Addresses(HTMLParser):
    """Every address that elements of a page name, outside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data", "poster") or name.startswith("on")]


def reported(client: httpx.Client, **more: Any) -> httpx.Response:
    answer = client.post("/api/reports", json=WISH | more, headers={"Accept-Language": "zh"})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture(scope="module")
def evil(store: Store, catalogue: Catalogue, town: Town) -> int:
    """A building whose name would like to be a script."""
    feature = building(EVIL[:80], 116.46, 39.95, "office", 50.0)
    feature["properties"]["source_id"] = "evil"
    made = apply_changeset(store, catalogue, OWNER, Changeset([Edit("building", "create", properties=feature["properties"], geometry=feature["geometry"], valid_from="2000")],
                                                              "mallory", "test"))
    return made.fids[0]


@pytest.mark.browser
def test_it_asks_nobody_and_runs_nothing_of_the_data(as_role: As, evil: int, browser: Browser, tmp_path: Path, store: Store) -> None:
    answer = reported(as_role("editor"), base="map")
    assert answer.headers["content-disposition"] == 'attachment; filename="report.html"' and "sandbox" in answer.headers["content-security-policy"]
    page = Addresses()
    page.feed(answer.text)
    assert page.found == [] and "img" not in page.tags and page.tags.count("script") == 4 and "link" not in page.tags
    assert not re.search(r"https?://(?!leafletjs\.com|www\.w3\.org|mathiasbynens)", re.sub(r"/\*.*?\*/", "", answer.text, flags=re.S))
    path = tmp_path / "report.html"
    path.write_bytes(answer.content)
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    errors: list[str] = []
    shown = context.new_page()
    context.route("**/*", lambda route: (asked.append(route.request.url), route.continue_()) if route.request.url.startswith("file:") else (
        asked.append(route.request.url), route.abort()))
    shown.on("pageerror", lambda e: errors.append(str(e)))
    shown.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    shown.goto(path.as_uri())
    shown.locator(".leaflet-control-layers-overlays label").wait_for()
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [path.as_uri()] and errors == []
    assert shown.title() == f"报告 {EVIL}" and shown.locator("h1").inner_text() == f"报告 {EVIL}"
    # thirteen buildings stand: twelve less one that ended, and two that came since; the planned one does not stand yet
    counted = shown.locator(".report-side table tbody tr")
    assert [row.split("\t")[:2] for row in counted.all_inner_texts()] == [["办公", "6"], ["住宅", "6"], ["合计", "12"]]
    assert shown.locator("svg.chart rect").count() == 2
    # the base is inside, and its features stand on it
    assert shown.locator(".leaflet-overlay-pane img.leaflet-image-layer").get_attribute("src").startswith("data:image/")  # type: ignore[union-attr]
    shown.evaluate("() => { const map = Object.values(window).find((v) => v instanceof L.Map); map.setView([39.9505, 116.4605], 17, {animate: false}); }")
    box = shown.locator(".folium-map").bounding_box()
    assert box is not None
    shown.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    card = shown.locator(".leaflet-popup .card, .leaflet-popup-content")
    card.first.wait_for()
    text = card.first.inner_text()
    assert EVIL[:40] in text and "建筑高度 (m)" in text and "50" in text and "办公" in text
    assert shown.locator(".leaflet-popup img").count() == 0 and shown.title() != "broken"
    shown.screenshot(path=tmp_path / "report.png")
    context.close()
    assert [e["detail"]["kind"] for e in entries(store, {"event": "export"}) if e["actor"] == "editor_1"][:1] == ["report"]


def test_holds_what_its_reader_may_see(http: httpx.Client, as_role: As, town: Town) -> None:
    assert http.post("/api/reports", json=WISH).status_code == 401
    assert as_role("housing_officer").post("/api/reports", json=WISH).status_code == 403
    assert as_role("planner").post("/api/reports", json=WISH | {"layers": [{"layer": "nowhere"}], "tables": []}).status_code == 404
    past = reported(as_role("planner"), datetime="2005-01-01", title="旧")
    # it was renamed in 2010
    assert "2005-01-01" in past.text and "1号楼" in past.text and "老楼" not in past.text
    filtered = reported(as_role("planner"), layers=[{"layer": "building", "filter": {"op": ">", "args": [{"property": "height_m"}, 30]}, "fields": ["name"]}])
    assert "建筑: 建筑高度 &gt; 30 m" in filtered.text
    found = re.search(r'<h3>建筑 <small>(\d+) 个要素', filtered.text)
    assert found is not None and int(found[1]) in (2, 3), "33 m, 36 m, and 50 m where it is there"


@pytest.mark.parametrize(("more", "parameter"), [
    ({"layers": []}, "layers"), ({"layers": [{"layer": "unit_room"}], "tables": []}, "layers.0.layer"), ({"bbox": [1, 1, 0, 0]}, "bbox"), ({"bbox": [0, 0, 1, 89]}, "bbox"),
    ({"base": "imagery"}, "imagery"), ({"imagery": "imagery"}, "imagery"), ({"base": "imagery", "imagery": "building"}, "imagery"),
    ({"tables": [{"layer": "road", "by": "name"}]}, "tables.0.layer"), ({"tables": [{"layer": "building", "by": "nothing"}]}, "tables.0.by"),
    ({"tables": [{"layer": "building", "by": "use", "fields": ["use"]}]}, "tables.0.fields"), ({"layers": [{"layer": "building", "fields": ["nothing"]}]}, "layers.0.fields"),
    ({"layers": [{"layer": "building", "style": "v99"}]}, "layers.0.style"), ({"layers": [{"layer": "building"}, {"layer": "building"}]}, "layers"), ({"datetime": "soon"}, "datetime"),
    ({"layers": [{"layer": "building", "filter": {"op": "?"}}]}, "filter"), ({"more": 1}, "more")])
def test_what_is_wrong_is_named(as_role: As, more: dict[str, Any], parameter: str) -> None:
    answer = as_role("planner").post("/api/reports", json=WISH | more)
    assert (answer.status_code, answer.json().get("parameter")) == (400, parameter), answer.text


def test_too_much_is_refused_with_advice(as_role: As, store: Store, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from gisserver.reports import making
    from gisserver.reports.making import ReportMaker, TooLarge
    from gisserver.reports.wish import ReportWish
    from gisserver.sheets.asking import Asking

    asking = Asking(store, Catalogue(store), OWNER, Path("/nowhere"), "zh", "me")
    wish = ReportWish.model_validate({"layers": [{"layer": "building"}]})
    assert MOST_FEATURES == 10_000
    monkeypatch.setattr(making, "MOST_FEATURES", 5)
    with pytest.raises(TooLarge, match="zoom in, filter the layers"):
        ReportMaker(asking, wish)
    monkeypatch.setattr(making, "MOST_FEATURES", 10_000)
    monkeypatch.setattr(making, "MOST_BYTES", 500)
    with pytest.raises(TooLarge, match="MB of features"):
        ReportMaker(asking, wish).make()
