"""A browser before a running demo city, with accounts for the time of the visit: what the pictures of the documents are taken with."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from config.settings import ROOT, read_settings
from gisserver.identity import ROLES
from gisserver.ops.database import city_store
from layers.accounts import change_account, create_account
from layers.audit import Actor
from layers.layer import read_layers
from layers.roles import read_roles

__all__ = ["Visit", "browser", "smaller", "visit"]

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic"]
# A browser that draws in software takes its time for a city in relief.
PATIENCE_MS = 180_000
DRAWN = ("() => Boolean(window.__map && document.querySelector('.map-frame[data-ready=true]') && window.__map.loaded()"
         " && window.__map.areTilesLoaded() && !window.__map.isMoving())")


class Visit:
    """One visitor's page of the client."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address

    def open(self, view: str) -> Visit:
        """Open the client at a view (the part of a link behind `#`), and wait until it is drawn."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}/?test#{view}")
        return self.drawn()

    def drawn(self) -> Visit:
        """Wait until all tiles in view are drawn. Raises SystemExit where that takes too long."""
        # The page's own rules forbid eval, so it is asked again and again from here.
        for _ in range(PATIENCE_MS // 250):
            if self.page.evaluate(DRAWN):
                self.page.wait_for_timeout(800)
                return self
            self.page.wait_for_timeout(250)
        raise SystemExit(f"the map at {self.page.url} was not drawn within {PATIENCE_MS // 1000} s")

    def sign_in(self, username: str, password: str) -> Visit:
        """Sign in through the form."""
        self.page.get_by_role("button", name="登录", exact=True).click()
        self.page.get_by_label("账户名").fill(username)
        self.page.get_by_label("密码", exact=True).fill(password)
        self.page.locator(".ant-modal button[type=submit]").click()
        self.page.get_by_role("button", name="账户").wait_for()
        return self.drawn()


@contextmanager
def browser() -> Iterator[Browser]:
    """Give a headless Chromium that draws WebGL in software."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def visit(opened: Browser, address: str, role: str | None = None, width: int = 1280, height: int = 800, view: str = "") -> Iterator[Visit]:
    """Give a page of the client at a view, signed in as an account of a role that is disabled afterwards; None is not signed in.

    The account is made in the database of the settings (`GIS_DATABASE_URL`), which must be the served city's.
    """
    context = opened.new_context(viewport={"width": width, "height": height}, locale="zh-CN", accept_downloads=True)
    made = Visit(context.new_page(), address.rstrip("/")).open(view)
    if role is None:
        yield made
        context.close()
        return
    name, password, actor = f"guide-{secrets.token_hex(3)}", secrets.token_urlsafe(18), Actor("setup")
    roles = read_roles(ROLES, read_layers(ROOT / "config" / "layers"))
    with city_store(read_settings(os.environ)[0]) as store:
        account = create_account(store, roles, actor, name, password, (role,), None, roles.roles[role].title.zh)
        try:
            yield made.sign_in(name, password)
        finally:
            context.close()
            change_account(store, roles, actor, account.account_id, is_disabled=True)


def smaller(picture: bytes, largest_bytes: int = 600_000) -> bytes:
    """Return a PNG with a palette of 256 colours. Raises SystemExit where it still is too large for a page."""
    made = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    if len(made.getvalue()) > largest_bytes:
        raise SystemExit(f"the picture has {len(made.getvalue())} bytes; at most {largest_bytes} are wanted")
    return made.getvalue()
