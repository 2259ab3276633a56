"""The built client before a served neighbourhood, with people who can sign in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from config.settings import ROOT
from gisserver.identity import ROLES
from layers.accounts import create_account
from layers.audit import Actor
from layers.catalogue import Catalogue
from layers.layer import read_layers
from layers.roles import read_roles
from layers.store import Store
from tests.e2e.neighbourhood import Neighbourhood, build

PASSWORD = "Guang-An-Men-1985"
PEOPLE = {"wang": ("editor", "王编辑"), "zhao": ("editor", "赵编辑"), "bureau": ("bureau", "局长")}
# Software GL on two busy cores draws slowly; what is late by more than this is broken.
PATIENCE_S = 60
VIEW = "c=116.393,39.926,14.5"
# Five seconds, as Playwright has it, are little beside another test process and a browser that draws in software.
expect.set_options(timeout=20_000)


class Desk:
    """One person's browser: the client's page and what a walk does with it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.refusals: set[int] = set()
        page.on("request", lambda r: None if r.url.startswith((url, "blob:", "data:")) else self.foreign.append(r.url))
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)

    def expects(self, *statuses: int) -> Desk:
        """Say which refusals of the server belong to the walk; the browser complains of each."""
        self.refusals |= set(statuses)
        return self

    def unexpected(self) -> list[str]:
        """Return what went wrong in the page and was not meant to."""
        return [error for error in self.errors if not any(f"status of {status}" in error for status in self.refusals)]

    def open(self, view: str = VIEW) -> Desk:
        """Open the client at a view, and wait until its map is drawn."""
        self.page.goto(f"{self.url}/?test#{view}")
        return self.drawn()

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait until something holds; return it. (The page's own rules forbid waiting inside it: they forbid eval.)"""
        end = time.monotonic() + PATIENCE_S
        while not (found := holds()):
            assert time.monotonic() < end, f"{what}: not after {PATIENCE_S} s"
            self.page.wait_for_timeout(60)
        return found

    def drawn(self) -> Desk:
        """Wait until all tiles in view are there and drawn."""
        self.until(lambda: self.page.evaluate(
            "() => Boolean(window.__map && document.querySelector('.map-frame[data-ready=true]') && window.__map.loaded()"
            " && window.__map.areTilesLoaded() && !window.__map.isMoving())"), "the map is drawn")
        return self

    def rendered(self, layer: str) -> dict[int, dict[str, Any]]:
        """Return what the map shows of a layer: attributes by fid."""
        found = self.page.evaluate(
            "(id) => window.__map.queryRenderedFeatures({layers: [id]}).map((f) => [f.id, f.properties])", layer)
        return dict(found)

    def point_in(self, layer: str, fid: int) -> tuple[float, float]:
        """Return where on the page the middle of a feature is."""
        x, y = self.page.evaluate("""([layer, fid]) => {
            const feature = window.__map.queryRenderedFeatures({layers: [layer]}).find((f) => f.id === fid);
            const ring = feature.geometry.coordinates.flat(Infinity);
            const xs = ring.filter((_, i) => i % 2 === 0), ys = ring.filter((_, i) => i % 2 === 1);
            const middle = (v) => (Math.min(...v) + Math.max(...v)) / 2;
            const at = window.__map.project([middle(xs), middle(ys)]);
            const frame = window.__map.getContainer().getBoundingClientRect();
            return [frame.left + at.x, frame.top + at.y];
        }""", [layer, fid])
        return x, y

    def selected(self) -> list[dict[str, Any]]:
        return self.page.evaluate("() => window.__state.getState().selection")

    def sign_in(self, username: str) -> Desk:
        page = self.page
        page.get_by_role("button", name="登录", exact=True).click()
        page.get_by_label("账户名").fill(username)
        page.get_by_label("密码", exact=True).fill(PASSWORD)
        page.locator(".ant-modal button[type=submit]").click()
        page.get_by_role("button", name="账户").wait_for()
        return self.drawn()

    def choose(self, layer: str, fid: int, view: str = VIEW) -> Desk:
        """Select a feature by its link, as a colleague would send it."""
        self.page.evaluate("(s) => { location.hash = s }", f"{view}&s={layer}.{fid}")
        self.page.locator(".feature .fields").first.wait_for()
        return self.drawn()


@pytest.fixture(scope="module")
def neighbourhood(store: Store, catalogue: Catalogue) -> Neighbourhood:
    """The module's store with a neighbourhood and people in it."""
    roles = read_roles(ROLES, read_layers(ROOT / "config" / "layers"))
    for username, (role, name) in PEOPLE.items():
        create_account(store, roles, Actor("setup"), username, PASSWORD, (role,), None, name)
    return build(store, catalogue)


@pytest.fixture
def desk(neighbourhood: Neighbourhood, live_server: Any, browser: Browser) -> Iterator[Callable[..., Desk]]:
    """Make the desks of a walk; at its end no page may have failed or asked another host."""
    desks: list[Desk] = []

    def made(width: int = 1280, height: int = 800, **more: Any) -> Desk:
        context = browser.new_context(locale="zh-CN", viewport={"width": width, "height": height}, accept_downloads=True, **more)
        desks.append(Desk(context.new_page(), live_server.url))
        return desks[-1]

    yield made
    foreign = [url for each in desks for url in each.foreign]
    errors = [error for each in desks for error in each.unexpected()]
    for each in desks:
        each.page.context.close()
    assert foreign == []
    assert errors == []
