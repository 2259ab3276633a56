"""Four server processes on one database and one disk, random edits, and a ledger of what everybody must see.

The editor never sees the old tile, on any process; everybody sees the new one within a second; no other tile is dropped.
"""

from __future__ import annotations

import math
import random
import re
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from layers.store import Store
from tests.conftest import LiveServer, Serve
from tests.gisserver.conftest import As, Town, building

ITEMS = "/ogc/collections/building/items"
TILE = "/ogc/collections/building/tiles/WebMercatorQuad/{}"
# Column and row at level 15; far enough apart that a building in the middle of one touches no other.
PLACES = {f"15/{12408 + 2 * r}/{26970 + 2 * c}": (r, c) for r in range(4) for c in range(6)}
PLAIN = {"Accept-Encoding": "identity"}


def middle(place: str) -> tuple[float, float]:
    """Return the middle of a tile in degrees, by the formula of the grid."""
    z, row, column = map(int, place.split("/"))
    n = 2**z
    return (column + 0.5) / n * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (row + 0.5) / n))))


@dataclass
class Ledger:
    """What was acknowledged: by place the names of its buildings, and when they were."""

    names: dict[str, list[str]] = field(default_factory=lambda: {place: [] for place in PLACES})
    delays_s: list[float] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


@pytest.fixture
def processes(store: Store, serve: Serve, live_server: LiveServer, town: Town, tmp_path: Path) -> Iterator[list[str]]:
    """Four server processes with one folder, so with one store of tiles on disk; the module's own, for signing in, is a fifth."""
    with ExitStack() as stack:
        yield [stack.enter_context(serve(store, GIS_VAR=str(tmp_path))).url for _ in range(4)]


def drill(processes: list[str], editor: httpx.Client, edits: int, steps: random.Random) -> Ledger:
    ledger = Ledger()
    clients = [httpx.Client(base_url=url, timeout=30, headers=PLAIN) for url in processes]
    watchers: list[threading.Thread] = []
    # Everything is kept everywhere before the first edit.
    for client in clients:
        for place in PLACES:
            assert client.get(TILE.format(place)).status_code in (200, 204)
    for number in range(edits):
        place = steps.choice(list(PLACES))
        x, y = middle(place)
        name = f"第{number:04}楼"
        made = editor.post(f"{steps.choice(processes)}{ITEMS}", json=building(name, x + steps.uniform(-2e-3, 2e-3), y + steps.uniform(-2e-3, 2e-3)),
                           headers={"Content-Type": "application/geo+json"})
        acknowledged = time.monotonic()
        assert made.status_code == 201, made.text
        ledger.names[place].append(name)
        # Everybody: without a word about what they have seen.
        for url in processes:
            watcher = threading.Thread(target=watch, args=(url, place, name, acknowledged, ledger))
            watcher.start()
            watchers.append(watcher)
        # The editor: on every process, at once.
        for client in steps.sample(clients, len(clients)):
            body = client.get(TILE.format(place), headers={"Gis-Seq": made.headers["gis-seq"]}).content
            missing = [n for n in ledger.names[place] if n.encode() not in body]
            ledger.stale += [f"{place}: {n} after changeset {made.headers['gis-seq']} on {client.base_url}" for n in missing]
    for watcher in watchers:
        watcher.join()
    for client in clients:
        for place, names in ledger.names.items():
            body = client.get(TILE.format(place)).content
            ledger.stale += [f"{place}: {n} in the end" for n in names if n.encode() not in body]
        client.close()
    return ledger


def watch(url: str, place: str, name: str, acknowledged: float, ledger: Ledger) -> None:
    with httpx.Client(base_url=url, timeout=30, headers=PLAIN) as client:
        while name.encode() not in client.get(TILE.format(place)).content:
            if time.monotonic() - acknowledged > 10:
                ledger.stale.append(f"{place}: {name} after ten seconds on {url}")
                return
            time.sleep(0.01)
    ledger.delays_s.append(time.monotonic() - acknowledged)


def expired(operator: httpx.Client, url: str) -> int:
    found = re.search(r"^gis_tiles_expired (\d+)", operator.get(f"{url}/metrics").text, re.M)
    assert found
    return int(found[1])


def check(processes: list[str], editor: httpx.Client, operator: httpx.Client, edits: int, limit_s: float) -> None:
    ledger = drill(processes, editor, edits, random.Random(4))
    assert ledger.stale == []
    delays = sorted(ledger.delays_s)
    assert len(delays) == 4 * edits
    assert delays[int(len(delays) * 0.99)] <= limit_s, statistics.quantiles(delays, n=20)
    # An edit touches one tile: no process drops more than that.
    assert all(0 < expired(operator, url) <= edits for url in processes)


@pytest.mark.slow
def test_nobody_is_shown_an_old_tile(processes: list[str], signed_in: As, as_role: As) -> None:
    check(processes, as_role("editor"), signed_in("system_admin"), 12, 3.0)


@pytest.mark.load
def test_nobody_is_shown_an_old_tile_for_long(processes: list[str], signed_in: As, as_role: As) -> None:
    check(processes, as_role("editor"), signed_in("system_admin"), 100, 1.0)
