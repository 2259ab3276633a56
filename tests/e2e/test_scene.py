"""The scene in three dimensions: the server's buildings stand on the globe, are picked, follow the day, and the map comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Desk
from tests.e2e.neighbourhood import BUILDINGS_1990, BUILDINGS_NOW

pytestmark = pytest.mark.browser

# South-west of the first block, tilted: near enough that all buildings of the neighbourhood are loaded.
VIEW = "c=116.393,39.926,15.5,0,40&g=1"
STANDING = "() => Boolean(window.__scene && window.__scene.standing().length && window.__scene.standing().every((s) => s.tileset.tilesLoaded))"
# fid and the times of every feature that was loaded
LOADED = """() => {
    const found = [];
    const visit = (tile) => {
        const content = tile.content;
        for (let i = 0; i < (content?.featuresLength ?? 0); i += 1) {
            const feature = content.getFeature(i);
            found.push([feature.getProperty('fid'), feature.show]);
        }
        tile.children.forEach(visit);
    };
    window.__scene.standing().forEach(({tileset}) => visit(tileset.root));
    return found;
}"""
# where on the page the middle of a building's roof is
MIDDLE = """([lon, lat, height]) => {
    const {widget} = window.__scene;
    const carto = widget.scene.globe.ellipsoid.cartographicToCartesian(
        {longitude: lon * Math.PI / 180, latitude: lat * Math.PI / 180, height});
    const at = widget.scene.cartesianToCanvasCoordinates(carto);
    const box = widget.canvas.getBoundingClientRect();
    return [box.left + at.x, box.top + at.y];
}"""

# Azimuth and elevation of the light over a place.
SUN = """([lon, lat]) => {
    const {scene, clock} = window.__scene.widget;
    scene.render(clock.currentTime);
    const sun = scene.context.uniformState.sunDirectionWC, [a, b] = [lon * Math.PI / 180, lat * Math.PI / 180];
    const along = ([x, y, z]) => x * sun.x + y * sun.y + z * sun.z;
    const east = along([-Math.sin(a), Math.cos(a), 0]), north = along([-Math.sin(b) * Math.cos(a), -Math.sin(b) * Math.sin(a), Math.cos(b)]);
    const up = along([Math.cos(b) * Math.cos(a), Math.cos(b) * Math.sin(a), Math.sin(b)]);
    return [(Math.atan2(east, north) * 180 / Math.PI + 360) % 360, Math.asin(up) * 180 / Math.PI];
}"""


def scene(desk: Desk) -> Desk:
    desk.until(lambda: desk.page.evaluate(STANDING), "the scene stands")
    desk.page.wait_for_timeout(300)
    desk.until(lambda: desk.page.evaluate(STANDING), "the scene stands")
    return desk


def shown(desk: Desk) -> set[int]:
    return {int(fid) for fid, is_shown in desk.page.evaluate(LOADED) if is_shown}


def test_the_scene_from_the_map_and_back(desk: Callable[..., Desk], neighbourhood: Any) -> None:
    here = desk()
    page = here.page
    page.goto(f"{here.url}/?test#{VIEW}")
    scene(here)
    # What the server has now, and not what was demolished, stands on the globe.
    here.until(lambda: len(shown(here)) == BUILDINGS_NOW, "all buildings of today")
    blank = page.evaluate("() => { const c = window.__scene.widget.canvas, x = document.createElement('canvas'); x.width = x.height = 64;"
                          " const g = x.getContext('2d'); g.drawImage(c, 0, 0, 64, 64); return new Set(g.getImageData(0, 0, 64, 64).data).size }")
    assert blank > 20

    # The day hides what was not built yet, without asking the server for other tiles.
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if ".glb" in r.url else None)
    page.evaluate("() => window.__state.getState().setDay('1990-01-01')")
    here.until(lambda: len(shown(here)) == BUILDINGS_1990, "the buildings of 1990")
    page.evaluate("() => window.__state.getState().setDay(null)")
    here.until(lambda: len(shown(here)) == BUILDINGS_NOW, "those of today again")
    assert asked == []

    # The roof of the highest slab of a block in view: no ground is known here, so that it stands on the datum.
    fid = neighbourhood.fids["building5.7"]
    x, y = page.evaluate(MIDDLE, [116.389 + 5e-4 + 1.6e-3 + 6.5e-4, 39.922 + 5e-4 + 3 * 7.5e-4 + 1.5e-4, 81 - 9.5])
    page.mouse.click(x, y)
    here.until(lambda: here.selected() == [{"layer": "building", "fid": fid}], "the clicked building is selected")
    page.locator(".feature h2", has_text="8号楼").wait_for()

    # Light falls from where the sun is: azimuth and elevation (degrees) over the middle of the city's neighbourhood by pvlib 0.16.1 (SPA).
    page.get_by_role("button", name="日照").click()
    hand = page.get_by_role("slider", name="时刻")
    for day, clock, azimuth, elevation in (("2025-12-21", "12:00", 176.806, 26.570), ("2026-03-20", "12:30", 183.117, 49.864), ("2026-06-21", "11:30", 145.966, 70.848)):
        page.evaluate("(day) => window.__state.getState().setDay(day)", day)
        # Each step is waited for: keys that come faster than the hand is drawn would be lost.
        while (now := hand.get_attribute("aria-valuetext") or "") != clock:
            hand.press("ArrowRight" if now < clock else "ArrowLeft")
            here.until(lambda before=now: hand.get_attribute("aria-valuetext") != before, "the hand moves")
        here.until(lambda at=[azimuth, elevation]: page.evaluate(SUN, [116.3909, 39.9234]) == pytest.approx(at, abs=0.02), f"the sun of {day}, {clock}")
    page.get_by_label("阴影").check()
    here.until(lambda: page.evaluate("() => window.__scene.widget.scene.shadowMap.enabled"), "shadows fall")
    page.get_by_role("button", name="日照").click()
    page.evaluate("() => window.__state.getState().setDay(null)")
    # Tools say what they are to those who do not see them.
    page.get_by_role("button", name="地下透视").click()
    assert page.evaluate("() => window.__scene.widget.scene.globe.translucency.enabled")
    page.get_by_role("button", name="地下透视").click()

    # Keys move the camera, and the map comes back where it went.
    before = page.evaluate("() => window.__state.getState().camera")
    page.evaluate("() => window.__scene.widget.canvas.focus()")
    page.keyboard.press("ArrowUp")
    here.until(lambda: page.evaluate("() => window.__state.getState().camera.lat") > before["lat"], "the camera moved north")
    moved = page.evaluate("() => window.__state.getState().camera")
    page.get_by_role("toolbar").get_by_role("button", name="返回二维地图").click()
    here.drawn()
    back = page.evaluate("() => window.__map.getCenter()")
    assert (back["lng"], back["lat"]) == pytest.approx((moved["lon"], moved["lat"]), abs=1e-4)
    assert here.selected() == [{"layer": "building", "fid": fid}] and "g=1" not in page.url
