"""How fast the service answers over HTTP, beside the bare statement, a server of bytes and MapServer."""

from __future__ import annotations

import http.client
import statistics
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from random import Random

import psycopg

from benchmarks.processes import bytes_server, mapserver, memory_mb, our_server
from benchmarks.reading import HEIGHT, SOUTH, WEST, WIDTH, Row
from gisserver.identity import ROLES
from layers.accounts import account, create_account
from layers.audit import Actor
from layers.catalogue import Catalogue
from layers.crs import box_around
from layers.errors import UnknownAccount
from layers.feature_text import feature_text
from layers.keys import create_key
from layers.roles import read_roles
from layers.store import Store

__all__ = ["bench_key", "compare", "run"]

ITEMS = "/ogc/collections/bench_building/items"
PASSWORD = "Only for Measuring 9"


def run(store: Store, rounds: int = 60, seed: int = 11) -> list[Row]:
    """Measure the service on a store that `benchmarks.reading.fill` has filled. Returns rows as `benchmarks.reading.run` does."""
    key = bench_key(store)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with our_server(store.dsn, folder) as (url, pid):
            found = [*_one(url, key, rounds * 10, seed, folder), *_pages(store, url, key, rounds, seed, folder)]
            found.append(Row("memory of the server process, MB (limit 300)", memory_mb(pid), 300, memory_mb(pid) / 300))
    return found


def bench_key(store: Store) -> str:
    """Return a key of a reader who sees whole layers."""
    roles = read_roles(ROLES, Catalogue(store).layers)
    try:
        made = account(store, "bench-reader")
    except UnknownAccount:
        made = create_account(store, roles, Actor("bench"), "bench-reader", PASSWORD, ["planner"])
    return create_key(store, Actor(made.username, made.account_id), made.account_id, "bench", None, 1)[0]


class _Client:
    """One keep-alive connection, plain answers."""

    def __init__(self, url: str, key: str = "") -> None:
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self.headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})

    def get(self, path: str) -> bytes:
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return body


def compare(name: str, ours: Callable[[int], object], theirs: Callable[[int], object], rounds: int) -> Row:
    """Run both in every round, in turns of order; each a few times unmeasured first."""
    times: tuple[list[float], list[float]] = ([], [])
    for n in range(5):
        ours(n), theirs(n)
    for n in range(rounds):
        for which in (0, 1) if n % 2 else (1, 0):
            began = time.perf_counter()
            (ours, theirs)[which](n)
            times[which].append((time.perf_counter() - began) * 1e3)
    return Row(name, statistics.median(times[0]), statistics.median(times[1]), statistics.median(a / b for a, b in zip(*times, strict=True)))


def _one(url: str, key: str, rounds: int, seed: int, folder: Path) -> list[Row]:
    rng, client = Random(seed), _Client(url, key)
    fids = [rng.randrange(1, 400_000) for _ in range(rounds)]
    with bytes_server(client.get(f"{ITEMS}/{fids[0]}"), "application/geo+json", folder) as bare:
        other = _Client(bare)
        return [compare("one feature over HTTP / bytes from memory", lambda n: client.get(f"{ITEMS}/{fids[n]}"), lambda n: other.get("/"), rounds)]


def _pages(store: Store, url: str, key: str, rounds: int, seed: int, folder: Path) -> list[Row]:
    rng, client, layer = Random(seed), _Client(url, key), Catalogue(store).layer("bench_building")
    text = feature_text(layer, tuple(f.name for f in layer.fields), 4490, 4326, False, True)
    side = (950 / 1_000_000) ** 0.5
    boxes = [(x, y, x + WIDTH * side, y + HEIGHT * side) for x, y in (
        (WEST + rng.random() * WIDTH * (1 - side), SOUTH + rng.random() * HEIGHT * (1 - side)) for _ in range(rounds))]
    statement = (f"SELECT string_agg({text}, ',') FROM (SELECT * FROM city.bench_building p WHERE p.geom && $1::geometry "
                 "AND ST_Intersects(p.geom, $1::geometry) AND p.valid @> now() LIMIT 1000) p")
    found = []
    with store.connect() as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        cursor = psycopg.RawCursor(connection)

        def ours(n: int) -> bytes:
            return client.get(f"{ITEMS}?limit=1000&bbox={','.join(map(str, boxes[n]))}")

        found.append(compare("1,000 polygons over HTTP / the statement", ours,
                              lambda n: cursor.execute(statement, (box_around(*boxes[n], 4490),), prepare=True).fetchone(), rounds))
        with mapserver(store.dsn, folder) as peer:
            if peer is not None:
                other, path = _Client(peer), peer.split("/", 3)[3]

                def theirs(n: int) -> bytes:
                    return other.get(f"/{path}&BBOX={','.join(map(str, boxes[n]))}")

                counts = [body.count(b'"type": "Feature"') + body.count(b'"type":"Feature"') for body in (ours(0), theirs(0))]
                if not counts[0] or abs(counts[0] - counts[1]) > 5:
                    raise RuntimeError(f"ours and MapServer's answers differ: {counts} features; {theirs(0)[:300]!r}")
                found.append(compare("1,000 polygons over HTTP / MapServer WFS GeoJSON", ours, theirs, rounds // 2))
    return found
