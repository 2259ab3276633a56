"""Take docs/images/map.png from a running city: a browser opens the map in relief, not signed in, and takes a picture.

    .venv/bin/python -m docs.scripts.screenshot [ADDRESS [FILE]]      (from the project's folder)

ADDRESS is http://127.0.0.1:8000 unless told otherwise. The picture has 1440 by 900 pixels and a palette of its own, so that it
stays below 600 kB.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from config.settings import ROOT

VIEW = "#c=116.3885,39.9235,15.3,-18,48&d=3"
SIZE = {"width": 1440, "height": 900}
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic"]
LARGEST_BYTES = 600_000
# A browser that draws in software takes its time for a city in relief.
PATIENCE_MS = 180_000
DRAWN = ("() => Boolean(window.__map && document.querySelector('.map-frame[data-ready=true]') && window.__map.loaded()"
         " && window.__map.areTilesLoaded() && !window.__map.isMoving())")


def photograph(address: str, view: str = VIEW, locale: str = "zh-CN") -> bytes:
    """Return a PNG of the map at an address, as soon as all tiles in view are drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(viewport=SIZE, locale=locale).new_page()
        page.goto(f"{address}/?test{view}")
        waited = 0
        # The page's own rules forbid eval, so it is asked again and again from here.
        while not page.evaluate(DRAWN):
            page.wait_for_timeout(500)
            waited += 500
            if waited > PATIENCE_MS:
                raise SystemExit(f"the map at {address} was not drawn within {PATIENCE_MS // 1000} s")
        page.wait_for_timeout(1_500)
        picture = page.screenshot()
        browser.close()
    return picture


def smaller(picture: bytes) -> bytes:
    """Return the PNG with a palette of 256 colours; refuse it where it still is too large for a page."""
    made = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    if len(made.getvalue()) > LARGEST_BYTES:
        raise SystemExit(f"the picture has {len(made.getvalue())} bytes; at most {LARGEST_BYTES} are wanted")
    return made.getvalue()


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "images" / "map.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(smaller(photograph(address.rstrip("/"))))
