"""How soon the client shows a useful map, beside a bare MapLibre page on the same tiles; what the first view transfers and how soon it is answered.

    PYTHONPATH=. python -m benchmarks.first_view http://127.0.0.1:8000        a city that runs, with `web/dist` built

Rounds take turns in fresh browser contexts, so nothing is kept from one to the next. A map is useful when all tiles of its view are there
and drawn. The browser draws without a graphics card, so the milliseconds are those of the machine; the ratio is what counts.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Request, sync_playwright

from benchmarks.reading import Row
from config.settings import ROOT

__all__ = ["Visit", "run", "visit"]

ROUNDS = 5
MOST_RATIO, MOST_BYTES, MOST_ANSWER_MS = 1.5, 1_000_000, 500
BROWSER = ("/usr/bin/chromium", ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic"))
MAPLIBRE = ROOT / "web" / "node_modules" / "maplibre-gl" / "dist"
# The same style from the same server, the layers that the client shows at first, and nothing else.
BARE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/bare/maplibre-gl.css"><style>html,body,#map{margin:0;height:100%}</style>
<div id="map"></div><script type="module">
import { Map, setWorkerUrl } from "/bare/maplibre-gl.mjs";
setWorkerUrl("/bare/maplibre-gl-worker.mjs");
const [config, style] = await Promise.all([fetch("/api/config").then((a) => a.json()), fetch("/ogc/styles/city?f=mapbox").then((a) => a.json())]);
const off = new Set(config.layers.filter((l) => l.symbology?.visible === false).map((l) => l.id));
style.layers = style.layers.filter((l) => !off.has(l.source) && l.type !== "fill-extrusion");
window.__map = new Map({ container: "map", style, center: config.city.center, zoom: config.city.zoom, fadeDuration: 0, attributionControl: false,
  canvasContextAttributes: { antialias: true, preserveDrawingBuffer: true },
  localIdeographFontFamily: "sans-serif" });
</script>"""
# Looks at every frame; says when the map was useful, counted from the beginning of the navigation.
WATCH = """(() => { const look = () => {
  const map = window.__map;
  if (map?.isStyleLoaded?.() && map.getSource("building") && map.areTilesLoaded() && map.queryRenderedFeatures().length > 50)
    window.__useful = performance.now();
  else requestAnimationFrame(look);
}; requestAnimationFrame(look); })()"""


@dataclass(frozen=True)
class Visit:
    """One first view: when the map was useful (ms), how much was transferred (bytes), and every request with how long its answer took (ms)."""

    useful_ms: float
    transferred: int
    answers: dict[str, float]
    sizes: dict[str, int]


def visit(browser: Browser, url: str, bare: bool, size: tuple[int, int] = (1280, 800)) -> Visit:
    """Open the client, or the bare page, in a fresh context and wait for the useful map. Raises TimeoutError of Playwright after a minute."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
    page = context.new_page()
    page.add_init_script(WATCH)
    asked: list[Request] = []
    # Of workers too: tiles are fetched by them.
    page.on("requestfinished", lambda request: asked.append(request))
    if bare:
        page.route("**/bare/**", lambda route: _serve(route, urlsplit(route.request.url).path))
    page.goto(f"{url}/bare/index.html" if bare else f"{url}/?test", wait_until="commit")
    page.wait_for_function("() => window.__useful !== undefined", timeout=60_000)
    useful = float(page.evaluate("() => window.__useful"))
    asked = [request for request in asked if "/bare/" not in request.url]
    # What a page and its worker both load is fetched once and then comes from the browser's memory; of the script of a worker only the
    # page's own clock knows how large it was.
    heard = [(request.url, request.sizes()["responseBodySize"] + request.sizes()["responseHeadersSize"]) for request in asked]
    clocked = page.evaluate("() => performance.getEntriesByType('resource').map((each) => [each.name, each.transferSize])")
    sizes: dict[str, int] = {}
    for name, size in [*heard, *((name, int(size)) for name, size in clocked if "/bare/" not in name)]:
        sizes[name] = max(sizes.get(name, 0), size)
    answers = {request.url: request.timing["responseStart"] - request.timing["requestStart"] for request in asked if request.timing["responseStart"] >= 0}
    context.close()
    return Visit(useful, sum(sizes.values()), answers, sizes)


def _serve(route: Any, path: str) -> None:
    name = Path(path).name
    if name == "index.html":
        route.fulfill(body=BARE, content_type="text/html")
    else:
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        route.fulfill(body=(MAPLIBRE / name).read_bytes(), content_type=kind)


def run(url: str, rounds: int = ROUNDS) -> tuple[list[Row], Visit]:
    """Measure a running city; return rows as those of `benchmarks.reading.run`, and the last visit to the client."""
    program, options = BROWSER
    ours: list[Visit] = []
    bares: list[Visit] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(options))
        # What the server makes once, it has made before anybody counts.
        for bare in (False, True):
            visit(browser, url, bare)
        for _ in range(rounds):
            ours.append(visit(browser, url, False))
            bares.append(visit(browser, url, True))
        browser.close()
    ratio = statistics.median(a.useful_ms / b.useful_ms for a, b in zip(ours, bares, strict=True))
    kb = statistics.median(each.transferred for each in ours) / 1000
    slowest = statistics.median(max(each.answers.values()) for each in ours)
    return [
        Row("first useful map, beside a bare MapLibre page (at most 1.5)", statistics.median(v.useful_ms for v in ours),
            statistics.median(v.useful_ms for v in bares), ratio),
        Row("transferred for the first view, kB (at most 1,000)", kb, MOST_BYTES / 1000, kb * 1000 / MOST_BYTES),
        Row("slowest answer of the first view (at most 500)", slowest, MOST_ANSWER_MS, slowest / MOST_ANSWER_MS),
    ], ours[-1]


if __name__ == "__main__":
    found, last = run(sys.argv[1].rstrip("/"), int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)
    print("| what | ours | compared with | ratio |\n| --- | ---: | ---: | ---: |")
    for row in found:
        print(f"| {row.name} | {row.ours_ms:,.1f} | {row.bare_ms:,.1f} | {row.ratio:.2f} |")
    print("\nlargest parts, kB:")
    for address, count in sorted(last.sizes.items(), key=lambda item: -item[1])[:14]:
        print(f"  {count / 1000:8.1f}  {urlsplit(address).path}")
    print("slowest answers, ms:")
    for address, took in sorted(last.answers.items(), key=lambda item: -item[1])[:8]:
        print(f"  {took:8.1f}  {urlsplit(address).path}")
