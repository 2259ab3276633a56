"""The real thing for every test: a PostGIS cluster, a database per test module, a served city, a browser."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from psycopg import sql
from psycopg.conninfo import make_conninfo
from xdist.scheduler import LoadScopeScheduling

from config.settings import ROOT
from gisserver.ops.city_cluster import make_cluster, read_cluster
from gisserver.ops.preparation import prepare_store
from layers.access import OWNER, Audience
from layers.catalogue import Catalogue
from layers.store import Store

CITY = ROOT / "config" / "city.yaml"
SHARED_DATA = ROOT.parent / "shared" / "data"
# Debian's own; Ubuntu's chromium is a stub that needs snapd, which tells on its path
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic",
                  "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]

NewStore = Callable[[], AbstractContextManager[Store]]
Serve = Callable[..., AbstractContextManager["LiveServer"]]


class FileScheduling(LoadScopeScheduling):
    """A process takes whole files, since stores are made by the module; and one process takes all that draw in a browser.

    Two browsers that draw in software would share the cores with two databases, and walks would miss their time.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/e2e/") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    """Share tests among the processes of `pytest -n` in our own way."""
    return FileScheduling(config, log)


@dataclass(frozen=True)
class DatabaseServer:
    """A PostgreSQL server where databases may be made."""

    dsn: str

    def database(self, name: str) -> str:
        """Return the connection string of one of its databases."""
        return make_conninfo(self.dsn, dbname=name)

    def create(self, name: str, template: str) -> str:
        """Make a database as a copy of another, which nobody may be using. Returns its connection string."""
        # copying files beats writing 20 MB through the log
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
            sql.Identifier(name), sql.Identifier(template)))
        return self.database(name)

    def drop(self, name: str) -> None:
        """Drop a database, ending whoever is still connected."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.database("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def server() -> Iterator[DatabaseServer]:
    """The server of GIS_TEST_SERVER (a connection string of a superuser), else a throwaway cluster under var/."""
    if given := os.environ.get("GIS_TEST_SERVER"):
        yield DatabaseServer(given)
        return
    folder = Path(os.environ.get("GIS_VAR", ROOT / "var")).absolute()
    _remove_killed(folder)
    var = folder / f"test-{os.getpid()}"
    cluster = make_cluster(var, throwaway=True)
    try:
        cluster.start()
        yield DatabaseServer(cluster.dsn("postgres"))
    finally:
        cluster.remove()
        var.rmdir()


def _remove_killed(folder: Path) -> None:
    """Remove the clusters of test runs that were killed before they could."""
    for left in folder.glob("test-*"):
        if not Path("/proc", left.name.removeprefix("test-")).exists():
            if cluster := read_cluster(left):
                cluster.remove()
            shutil.rmtree(left, ignore_errors=True)


@pytest.fixture(scope="session")
def server_dsn(server: DatabaseServer) -> str:
    """Connection string of the test server's `postgres` database."""
    return server.database("postgres")


@pytest.fixture(scope="session")
def template(server: DatabaseServer) -> Iterator[str]:
    """Name of a prepared database (schema, city, all layers of config/layers, no features) to copy from."""
    name = f"gis_test_{secrets.token_hex(4)}"
    store = Store(server.create(name, "template0"))
    try:
        prepare_store(store, CITY)
        store.close()
        yield name
    finally:
        store.close()
        server.drop(name)


@pytest.fixture(scope="session")
def new_store(server: DatabaseServer, template: str) -> NewStore:
    """A context manager that gives a store of its own: `with new_store() as store`. A copy takes 0.3 s."""

    @contextmanager
    def made() -> Iterator[Store]:
        name = f"gis_test_{secrets.token_hex(4)}"
        store = Store(server.create(name, template))
        try:
            yield store
        finally:
            store.close()
            server.drop(name)

    return made


@pytest.fixture(scope="module")
def store(new_store: NewStore) -> Iterator[Store]:
    """A prepared store without features, shared by the tests of one module and by no other."""
    with new_store() as made:
        yield made


@pytest.fixture
def empty_store(new_store: NewStore) -> Iterator[Store]:
    """A prepared store without features for one test alone, where sequence numbers must begin at 1."""
    with new_store() as made:
        yield made


@pytest.fixture(scope="module")
def catalogue(store: Store) -> Catalogue:
    """The definitions in `store`."""
    return Catalogue(store)


@pytest.fixture(scope="session")
def owner() -> Audience:
    """The audience that sees and may edit all."""
    return OWNER


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real cities beside the project. Tests that need it are marked `data`."""
    if not SHARED_DATA.is_dir():
        pytest.skip("there is no ../shared/data beside the project")
    return SHARED_DATA


@dataclass
class LiveServer:
    """A real server process: its address, and the process for drills."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """A context manager that serves a store by a real process: `with serve(store) as live`."""

    @contextmanager
    def served(store: Store, **environment: str) -> Iterator[LiveServer]:
        folder = tmp_path_factory.mktemp("served")
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(128)
            port = listening.getsockname()[1]
            log = folder / "server.log"
            settings = {"GIS_DATABASE_URL": store.dsn, "GIS_VAR": str(folder), "GIS_PORT": str(port),
                        "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", **environment}
            given = {name: value for name, value in os.environ.items() if not name.startswith("GIS_")}
            with log.open("wb") as out:
                process = subprocess.Popen(
                    [sys.executable, "-m", "gisserver.cli", "serve", "--fd", str(listening.fileno())],
                    env=given | settings, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                    pass_fds=[listening.fileno()])
        live = LiveServer(f"http://127.0.0.1:{port}", process, log)
        try:
            _wait_ready(live)
            yield live
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    return served


@pytest.fixture(scope="module")
def live_server(store: Store, serve: Serve) -> Iterator[LiveServer]:
    """The module's store behind a real server process."""
    with serve(store) as live:
        yield live


def _wait_ready(live: LiveServer, timeout_s: float = 40) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and live.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{live.url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"the server did not become ready:\n{live.log.read_text(errors='replace')[-4000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that draws WebGL in software. Tests that use it are marked `browser`."""
    if not CHROMIUM.exists() or "/snap/" in CHROMIUM.read_bytes()[:4096].decode("latin-1"):
        pytest.skip("there is no Chromium of Debian's on this machine (Ubuntu's is a snap stub)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page in a browser profile of its own, 1280 by 800 pixels, in Chinese."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()
