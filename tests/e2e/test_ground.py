"""What lies under the map: imagery of the day, the shape of the ground, and who is offered which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from gisserver.commands.coverage import add_raster
from layers.catalogue import Catalogue
from layers.moments import parse_interval
from layers.store import Store
from tests.conftest import LiveServer
from tests.e2e.conftest import VIEW, Desk
from tests.tiles.rasters import write

pytestmark = pytest.mark.browser

NewDesk = Callable[..., Desk]
RED, GREEN = (220, 20, 20), (20, 190, 20)


@pytest.fixture(scope="module")
def coverages(live_server: LiveServer, store: Store, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red pictures of the years to 2009, green ones since, and ground that rises to the east."""
    var, folder = live_server.log.parent, tmp_path_factory.mktemp("rasters")

    def add(layer: str, cells: np.ndarray, valid: str | None = None) -> None:
        file = write(folder / "given.tif", cells, "EPSG:4490", 116.35, 39.96, 0.0002)
        add_raster(store, catalogue, catalogue.layer(layer), var, file, parse_interval(valid) if valid else (None, None), attribution="测绘院")

    for colour, valid in ((RED, "1985/2009"), (GREEN, "2010/..")):
        add("imagery", np.broadcast_to(np.array(colour, dtype="uint8")[:, None, None], (3, 400, 500)).copy(), valid)
    add("dem", np.broadcast_to(np.arange(500, dtype="float32")[None, None, :], (1, 400, 500)).copy())
    return var


def colour_between(own: Desk) -> tuple[float, float]:
    """Mean red and green of the map."""
    red, green = own.page.evaluate("""() => {
        const gl = window.__map.getCanvas().getContext('webgl2'), w = gl.drawingBufferWidth, h = gl.drawingBufferHeight;
        const pixels = new Uint8Array(4 * w * h);
        gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
        let red = 0, green = 0;
        for (let i = 0; i < pixels.length; i += 4) { red += pixels[i]; green += pixels[i + 1]; }
        return [red / (w * h), green / (w * h)];
    }""")
    return red, green


def test_imagery_follows_the_day(desk: NewDesk, coverages: Path) -> None:
    own = desk().open()
    button = own.page.get_by_role("button", name="影像", exact=True)
    button.focus()
    own.page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(own.page.locator(".ground-note")).to_have_text("影像 · 2010– · 测绘院")
    own.until(lambda: own.drawn() and (found := colour_between(own))[1] > found[0] + 25, "the picture of today is green")
    own.page.evaluate("() => window.__state.getState().setDay('2005-06-01')")
    expect(own.page.locator(".ground-note")).to_have_text("影像 · 1985–2009 · 测绘院")
    own.until(lambda: own.drawn() and (found := colour_between(own))[0] > found[1] + 25, "the picture of 2005 is red")
    own.page.evaluate("() => window.__state.getState().setDay('1980-01-01')")
    expect(own.page.locator(".ground-note")).to_have_text("该日没有影像")
    own.until(lambda: "b=imagery" in own.page.url, "the ground is in the address")
    own.page.get_by_role("button", name="地图", exact=True).click()
    expect(own.page.locator(".ground-note")).to_be_empty()
    own.until(lambda: not own.page.evaluate("() => Boolean(window.__map.getSource('ground-imagery'))"), "the picture is gone")


def test_terrain_is_offered_to_who_may_read_it(desk: NewDesk, coverages: Path) -> None:
    own = desk().open(f"{VIEW}&b=terrain")
    expect(own.page.get_by_role("button", name="影像", exact=True)).to_be_visible()
    expect(own.page.get_by_role("button", name="地形", exact=True)).to_have_count(0)
    assert not own.page.evaluate("() => Boolean(window.__map.getSource('ground-heights'))")
    own.sign_in("bureau")
    button = own.page.get_by_role("button", name="地形", exact=True)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    own.until(lambda: own.drawn() and own.page.evaluate(
        "() => window.__map.getLayer('ground-shade') && window.__map.queryRenderedFeatures({layers: ['ground-contours-line']}).length > 2"), "contours are drawn")
    heights = own.page.evaluate("() => window.__map.queryRenderedFeatures({layers: ['ground-contours-line']}).map((f) => f.properties.elevation)")
    assert all(h % 5 == 0 for h in heights) and max(heights) > min(heights)
