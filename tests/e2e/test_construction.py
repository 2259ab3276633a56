"""Construction in the scene: projects grow by their records, flights are flown and filmed, filters and time hold in three dimensions."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.store import Store
from tests.e2e.conftest import Desk
from tests.e2e.neighbourhood import BUILDINGS_1990, BUILDINGS_NOW, DISTRICT, Neighbourhood
from tests.e2e.test_desk import violations
from tests.e2e.test_scene import STANDING, scene, shown

pytestmark = pytest.mark.browser
NewDesk = Callable[..., Desk]
# Beside the neighbourhood, so that nobody's buildings are in the way.
X, Y = 116.3775, 39.9262
VIEW = f"c={X + 5e-4},{Y + 4e-4},17.4,0,50&g=1"
WIDE = "c=116.393,39.926,15.5,0,40&g=1"
SIZE = {"width": 900, "height": 640}
# How many floors the map draws as bodies and as ghosts; a floor that lies in several tiles counts once.
SLABS = """() => ['growth-body', 'growth-ghost'].map((layer) => window.__map.getLayer(layer)
    ? new Set(window.__map.queryRenderedFeatures({layers: [layer]}).map((f) => `${f.properties.fid}.${f.properties.low}`)).size : -1)"""
COLORS = {"ahead": "#2f7fd1", "on_time": "#3d9a5b", "late": "#d9642a", "unknown": "#8b939b"}
GROWING = "() => window.__living && window.__living.growing()"


def ring(x: float, y: float, width: float, height: float) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": [[[[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]]]}


@pytest.fixture(scope="module")
def towers(store: Store, catalogue: Catalogue, neighbourhood: Neighbourhood) -> dict[str, int]:
    """A project with two towers of ten floors: planned in 100 days from 2024-01-01; one had four floors on day 50, and no more is known of
    it, the other all ten on day 80."""
    def create(layer: str, temp_id: str, geometry: Any = None, since: str = "2024-01-01", **properties: Any) -> Edit:
        return Edit(layer, "create", temp_id=temp_id, properties={"district_code": DISTRICT, **properties}, geometry=geometry, valid_from=since)

    edits = [create("project", "towers", ring(X, Y, 1e-3, 8e-4), name="双塔项目", project_code="2024-110105-47-01-000009", kind="housing", stage="construction")]
    for name, x, records in (("slow", X + 1e-4, ((0, 0, 0), (50, 50, 4))), ("fast", X + 6e-4, ((0, 0, 0), (80, 80, 10)))):
        edits.append(create("building", name, ring(x, Y + 2e-4, 3e-4, 3e-4), name=f"塔{name}", status="construction", use="office", floors_above=10,
                            height_m=30.0, construction_area_m2=5000.0, project_fid="$towers"))
        for day, planned, floors in records:
            edits.append(create("progress", f"{name}{day}", since="2024-01-01", project_fid="$towers", building_fid=f"${name}", recorded_on=date_of(day),
                                planned_percent=planned, planned_floors=planned // 10, floors_done=floors))
        edits.append(create("progress", f"{name}100", since="2024-01-01", project_fid="$towers", building_fid=f"${name}", recorded_on=date_of(100),
                            planned_percent=100, planned_floors=10))
    edits += [create("level", f"level{n}", building_fid="$fast", nominal_no=str(n), actual_no=n, height_m=3.0) for n in range(1, 11)]
    edits.append(create("unit_room", "room", building_fid="$fast", start_level_fid="$level8", room_no="801", area_total_m2=80.0))
    return dict(apply_changeset(store, catalogue, OWNER, Changeset(edits, "survey", "工地")).temp_ids or {})


def date_of(day: int) -> str:
    return (date(2024, 1, 1) + timedelta(day)).isoformat()


def server(own: Desk, fid: int, day: str) -> Any:
    answer = httpx.get(f"{own.url}/api/progress", params={"project": fid, "datetime": day})
    assert answer.status_code == 200, answer.text
    return answer.json()["projects"][0]


def tint(own: Desk, name: str, fid: int) -> str | None:
    """The colour that a loaded part of the tiles has, by the number that a property of it holds."""
    return own.page.evaluate("""([name, fid]) => {
        let found = null;
        const visit = (tile) => {
            for (let i = 0; i < (tile.content?.featuresLength ?? 0); i += 1) {
                const feature = tile.content.getFeature(i);
                if (feature.getProperty(name) === fid) found = feature.color.toCssHexString();
            }
            tile.children.forEach(visit);
        };
        window.__scene.standing().forEach(({tileset}) => visit(tileset.root));
        return found;
    }""", [name, fid])


def told(own: Desk) -> tuple[str, ...]:
    """The numbers of the card, once they are those of the shown day."""
    card = own.page.locator(".grow-card")
    return tuple(card.locator(f"[data-number={name}]").inner_text() for name in ("planned", "actual", "points"))


def set_day(own: Desk, day: str) -> None:
    own.page.evaluate("(day) => window.__state.getState().setDay(day)", day)
    expect(own.page.locator(f".grow-card dl[data-day='{day}']")).to_be_visible()


def test_a_project_grows_by_its_records(desk: NewDesk, towers: dict[str, int]) -> None:
    own = desk(**SIZE).open(f"c={X + 5e-4},{Y + 4e-4},17").sign_in("wang")
    page = own.page
    own.choose("project", towers["towers"], f"c={X + 5e-4},{Y + 4e-4},17")
    page.get_by_role("button", name="看它建起来").click()
    # On the map, tilted, with room for the card of the works; the same floors as in the scene, by the same days.
    card = page.locator(".grow-card")
    expect(card).to_be_visible()
    own.until(lambda: page.evaluate("() => window.__map.getPitch()") == pytest.approx(50), "the map is tilted")
    for day, standing, ghosts in ((40, 8, 1), (90, 14, 5), (30, 5, 1)):
        set_day(own, date_of(day))
        own.until(lambda found=(standing, ghosts): tuple(page.evaluate(SLABS)) == found, f"the floors of day {day} on the map")
        state = server(own, towers["towers"], date_of(day))["state"]
        own.until(lambda color=COLORS[state]: color in page.evaluate("() => window.__map.getPaintProperty('growth-body', 'fill-extrusion-color')"), f"{state} in its colour")
    assert page.evaluate("(id) => window.__map.getFeatureState({source: 'building', sourceLayer: 'building', id}).grown", towers["slow"]) is True
    signs = "() => window.__map.querySourceFeatures('growth-signs').map((f) => f.properties.text)"
    assert {"2/3/10", "3/3/10"} <= set(page.evaluate(signs))
    assert [each.inner_text() for each in card.locator(".grow-legend li").all()] == ["提前", "按期", "滞后", "无可比", "应建未建"]
    card.get_by_role("button", name="平面看").click()
    own.until(lambda: page.evaluate("() => window.__map.getPitch()") == 0, "seen from above")
    # In the hand: the card leaves the map to be seen, and nothing is wider than the screen.
    page.set_viewport_size({"width": 390, "height": 760})
    box = card.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] > 250
    assert violations(own, ".grow-card") == []
    page.set_viewport_size(SIZE)
    card.get_by_role("button", name="在三维中看").click()
    scene(own)
    assert page.evaluate("() => Boolean(window.__map && window.__map.style && window.__map.getLayer('growth-body'))") is False
    own.until(lambda: (page.evaluate(GROWING) or {}).get("standing"), "floors stand")
    # Day 40: 3.2 floors of one and 5 of the other stand; four each were planned. By hand: 3 + 5 bodies, one ghost.
    set_day(own, date_of(40))
    own.until(lambda: page.evaluate(GROWING) == {"standing": 8, "ghosts": 1}, "the floors of day 40")
    found = server(own, towers["towers"], date_of(40))
    assert found["floors"] == {"count": 20, "planned": 8, "standing": 8}
    assert told(own) == ("40.0%", f"{found['actual_percent']:.1f}%", f"+{found['points']:.1f} 个百分点") == ("40.0%", "41.0%", "+1.0 个百分点")
    # Day 90: nothing was reported of the slow one since day 50.
    set_day(own, date_of(90))
    own.until(lambda: page.evaluate(GROWING) == {"standing": 14, "ghosts": 5}, "the floors of day 90")
    expect(page.locator(".grow-card [data-state]")).to_have_text({"late": "滞后", "on_time": "按期", "ahead": "提前"}[server(own, towers["towers"], date_of(90))["state"]])
    # The buildings of the tiles have made room for those that grow.
    assert not {towers["slow"], towers["fast"]} & shown(own)
    page.mouse.move(5, 300)
    assert violations(own, ".grow-card") == []

    # A floor that was clicked is the same thing as its row in the table.
    spot = page.evaluate("""([lon, lat, height]) => {
        const {widget} = window.__scene;
        const at = widget.scene.cartesianToCanvasCoordinates(widget.scene.globe.ellipsoid.cartographicToCartesian(
            {longitude: lon * Math.PI / 180, latitude: lat * Math.PI / 180, height}));
        const box = widget.canvas.getBoundingClientRect();
        return [box.left + at.x, box.top + at.y];
    }""", [X + 7.5e-4, Y + 2e-4, 22.5 - 9.5])
    page.mouse.click(*spot)
    own.until(lambda: own.selected() == [{"layer": "building", "fid": towers["fast"]}], "the building")
    page.wait_for_timeout(400)          # or it is a double click
    page.mouse.click(*spot)
    own.until(lambda: own.selected() == [{"layer": "level", "fid": towers["level8"]}], "the floor that was hit")
    page.locator(".feature").get_by_role("button", name="在属性表中").click()
    expect(page.locator(".dock [aria-selected=true]").first).to_be_visible()
    page.locator(".dock").get_by_role("button", name="关闭属性表").click()
    page.locator(".feature").get_by_role("button", name="关闭", exact=True).click()

    # Time plays by itself, from the plan's first day.
    page.get_by_role("button", name="从头播放").click()
    own.until(lambda: page.locator(".timebar").get_attribute("data-settled") in (date_of(31), date_of(60)), "time goes on in the scene")
    page.get_by_role("button", name="暂停").click()
    page.get_by_role("button", name="结束施工模拟").click()
    own.until(lambda: {towers["slow"], towers["fast"]} <= shown(own), "the buildings of the tiles are back")
    # A housing unit that was chosen in a table is seen by its floor.
    page.evaluate("(fid) => window.__state.getState().select([{layer: 'unit_room', fid}])", towers["room"])
    own.until(lambda: tint(own, "level_fid", towers["level8"]) == "#1e88ff", "the floor of the unit")
    assert tint(own, "level_fid", towers["level7"]) == "#ffffff"


def elements(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Read the elements of EBML (RFC 8794), masters inside out."""
    at, end = start, len(data) if end is None else end
    while at < end:
        width = 9 - data[at].bit_length()
        number = int.from_bytes(data[at:at + width])
        at += width
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at:at + length]) & ((1 << 7 * length) - 1)
        at += length
        yield number, data[at:at + size]
        if number in (0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675):
            yield from elements(data, at, at + size)
        at += size


@pytest.mark.slow
def test_a_flight_is_flown_and_filmed(desk: NewDesk, towers: dict[str, int], tmp_path: Path) -> None:
    own = desk(width=720, height=480)
    page = own.page
    page.goto(f"{own.url}/?test#{VIEW}&t={date_of(90)}&y={towers['towers']}")
    scene(own)
    own.until(lambda: page.evaluate(GROWING) == {"standing": 14, "ghosts": 5}, "the towers stand")
    page.get_by_role("button", name="飞行路线").click()
    card = page.locator(".flight-card")
    card.get_by_role("button", name="加入当前视点").click()
    before = page.evaluate("() => window.__state.getState().camera")
    page.evaluate("() => window.__scene.widget.canvas.focus()")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    own.until(lambda: page.evaluate("() => Math.round(window.__state.getState().camera.bearing)") == 45, "the camera has turned")
    card.get_by_role("button", name="加入当前视点").click()
    card.get_by_label("到视点 2 的秒数").fill("1")
    page.keyboard.press("Tab")
    own.until(lambda: "u=-;" in page.url, "the flight is in the address")
    # Flown: it starts where it was, and ends at the second view.
    card.get_by_role("button", name="飞行", exact=True).click()
    own.until(lambda: "第 1.0 秒" in card.inner_text(), "the flight has ended")
    own.until(lambda: page.evaluate("() => Math.round(window.__state.getState().camera.bearing)") == 45, "at the second view")
    card.get_by_role("button", name="停止飞行").click()
    assert violations(own, ".flight-card") == []
    # Filmed: five frames of a second, each when its tiles are there.
    card.get_by_role("button", name="录制", exact=True).click()
    card.get_by_label("帧率").click(force=True)
    page.get_by_title("每秒 5 帧", exact=True).click()
    expect(card.locator(".film-form [role=status]")).to_have_text("5 帧")
    with page.expect_download(timeout=60_000) as film:
        card.get_by_role("button", name="录制飞行").click()
    film.value.save_as(tmp_path / "flight.webm")
    data = (tmp_path / "flight.webm").read_bytes()
    found = list(elements(data))
    assert [content for number, content in found if number == 0x4489] == [struct.pack(">d", 1000.0)], "it lasts a second"
    blocks = [content for number, content in found if number == 0xA3]
    assert [int.from_bytes(block[1:3], signed=True) for block in blocks] == [0, 200, 400, 600, 800]
    # A browser that knows nothing of ours plays it, and no frame is like the one before.
    other = page.context.new_page()
    other.set_content("<video muted></video>")
    frames = other.evaluate("""async (source) => {
        const video = document.querySelector('video');
        video.src = source;
        await new Promise((done, fail) => { video.onloadeddata = done; video.onerror = () => fail(video.error.message); });
        const canvas = Object.assign(document.createElement('canvas'), {width: 90, height: 60});
        const pen = canvas.getContext('2d', {willReadFrequently: true});
        const frames = [];
        for (let i = 0; i < 5; i += 1) {
            await new Promise((done) => { video.onseeked = done; video.currentTime = i * 0.2 + 0.1; });
            pen.drawImage(video, 0, 0, 90, 60);
            frames.push([...pen.getImageData(0, 0, 90, 60).data]);
        }
        return {size: [video.videoWidth, video.videoHeight], duration: video.duration, frames};
    }""", f"data:video/webm;base64,{b64encode(data).decode()}")
    assert frames["duration"] == pytest.approx(1.0) and frames["size"] == [720, page.evaluate("() => window.__scene.widget.canvas.height & ~1")]
    def apart(one: list[int], other: list[int]) -> int:
        return sum(abs(a - b) > 12 for a, b in zip(one, other, strict=True))

    taken = frames["frames"]
    assert all(apart(one, following) > 50 for one, following in pairwise(taken)), f"a frame differs from the one before: {[apart(*two) for two in pairwise(taken)]} {page.url} {page.evaluate(GROWING)}"
    assert apart(taken[0], taken[-1]) > 500, "the camera has turned"
    other.close()
    assert before["bearing"] == pytest.approx(0, abs=0.5)


def test_filters_and_time_hold_in_the_scene(desk: NewDesk, towers: dict[str, int], neighbourhood: Neighbourhood) -> None:
    own = desk(**SIZE)
    page = own.page
    page.goto(f"{own.url}/?test#{WIDE}&l=building,-project")
    scene(own)
    own.until(lambda: len(shown(own)) == BUILDINGS_NOW + 2, "all buildings")
    note = page.locator(".scene-filters li[data-layer=building]")
    boxes: list[list[float]] = []
    page.on("request", lambda r: boxes.append(r.post_data_json["bbox"]) if r.url.endswith("/api/selection") else None)

    def numbered(cql2: str, **more: str) -> int:
        return httpx.get(f"{own.url}/ogc/collections/building/items", params={"filter": cql2, "resulttype": "hits", **more}).json()["numberMatched"]

    def filtered(conditions: list[dict[str, Any]], cql2: str, in_view: bool) -> None:
        """The server's number of what passes is that of what is shown: of all that was loaded, or of what is in view."""
        boxes.clear()
        page.evaluate("(c) => window.__state.getState().setFilter('building', c)", conditions)
        own.until(lambda: boxes, "the server is asked")
        here = numbered(cql2, bbox=",".join(map(str, boxes[-1])))
        count = here if in_view else numbered(cql2)
        assert 0 < here <= count < BUILDINGS_NOW
        own.until(lambda: len(shown(own)) == count, f"{count} buildings")
        expect(note).to_have_attribute("data-count", str(here), timeout=20_000)

    # By a field that tiles hold; by one that they do not, so that the server names them; by both.
    filtered([{"field": "height_m", "op": ">=", "value": 54}], "height_m >= 54", False)
    filtered([{"field": "built_area_m2", "op": ">", "value": 3000}], "built_area_m2 > 3000", True)
    filtered([{"field": "use", "op": "in", "value": ["commercial"]}, {"field": "address", "op": "like", "value": "望京街7号"}],
             "use = 'commercial' AND address LIKE '%望京街7号%'", True)
    page.evaluate("() => window.__state.getState().setFilter('building', [])")
    own.until(lambda: len(shown(own)) == BUILDINGS_NOW + 2, "all again")

    page.evaluate("() => window.__state.getState().setDay('2004-01-01')")
    own.until(lambda: len(shown(own)) == BUILDINGS_1990, "the buildings of 2004")
    page.get_by_role("button", name="打开时间轴").click()
    page.get_by_role("button", name="前进一步").click()
    own.until(lambda: page.locator(".timebar").get_attribute("data-settled") == "2005-01-01", "the scene has come to 2005")
    expect(page.locator(".time-counts")).to_contain_text(f"新增 {BUILDINGS_1990} · 消失 0")
    fid = neighbourhood.fids["building1.0"]
    assert tint(own, "fid", fid) == "#2f9e44", "what is new is green"
    assert own.page.evaluate(STANDING)
