"""How fast tiles are: kept ones beside a server of bytes and nginx, new ones beside the bare statement, days, playback, seeding, memory.

    PYTHONPATH=. python -m benchmarks.tiles "host=… dbname=…"        a database that `benchmarks.reading.fill` has filled
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from math import asinh, pi, radians, tan
from pathlib import Path
from random import Random
from statistics import median

import psycopg

from benchmarks.processes import bytes_server, mapserver_tiles, memory_mb, nginx, our_server
from benchmarks.reading import HEIGHT, SOUTH, WEST, WIDTH, Row, bench_layer
from benchmarks.serving import bench_key, compare
from config.settings import ROOT
from layers.access import Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.cells import fold_cells
from layers.crs import box_around
from layers.filters import parse_filter
from layers.layer import Layer
from layers.plan import register
from layers.query import ItemQuery
from layers.store import Store
from tiles.grid import TileAddress
from tiles.vector_tiles import MEDIA_TYPE, render, tile_fields

__all__ = ["HOUR_OF_A_TEAM", "SEEDED", "get", "hang_up", "pan", "places_in", "requests_a_second", "run", "seeding_rate", "tile_at"]

TILES = "/ogc/collections/bench_building/tiles/WebMercatorQuad"
PAST = datetime(2012, 5, 17, tzinfo=UTC)
PLAYED = (datetime(1985, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
# Ten people who look at another view every minute, of which ten tiles are new to the server.
HOUR_OF_A_TEAM = 6_000
SEEDED = "116.36,39.90,116.44,39.96"


def run(store: Store, rounds: int = 30, seed: int = 13, panned_s: float = 30) -> list[Row]:
    """Measure tiles on a store that `benchmarks.reading.fill` has filled. Rows are as those of `benchmarks.reading.run`; where the name
    says so they count per second or per minute, and more is better."""
    # Made from all that is there; the reading of features does without.
    register(store, bench_layer(has_cells=True))
    fold_cells(store, "bench_building")
    key = bench_key(store)
    found = [*_fresh(store, rounds, seed)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        found += _seeded(store, folder)
        with our_server(store.dsn, folder) as (url, pid):
            found += [*_kept(url, key, folder), *_peer(store, url, key, folder, rounds, seed)]
            pan(url, key, seed, panned_s)
            held = memory_mb(pid)
            found.append(Row(f"memory of the server process after {panned_s:.0f} s of panning, MB (limit 500)", held, 500, held / 500))
    return found


def tile_at(x: float, y: float, z: int) -> TileAddress:
    """Return the tile of a place in degrees."""
    n = 2**z
    return TileAddress(z, int((x + 180) / 360 * n), int((1 - asinh(tan(radians(y))) / pi) / 2 * n))


def places_in(random: Random, z: int, count: int) -> list[TileAddress]:
    """Return tiles of the measured city."""
    return [tile_at(WEST + random.random() * WIDTH, SOUTH + random.random() * HEIGHT, z) for _ in range(count)]


def _fresh(store: Store, rounds: int, seed: int) -> list[Row]:
    """Tiles that are made: beside the bare statement over stored geometry, of a day beside now, of forty years beside their statement."""
    catalogue = Catalogue(store)
    layer = catalogue.layer("bench_building")
    audience = ensure_audience(store, catalogue.layers, [LayerGrant(layer.id)])
    names = ", ".join(f'"{f.name}"' for f in tile_fields(layer, audience))
    head = ("SELECT ST_AsMVT(t, 'bench_building', 4096, 'geom', 'fid') FROM (SELECT fid, ST_AsMVTGeom(geom_tile, $1::box2d, 4096, 64, true) AS geom, "
            f"{names}{{}} FROM city.bench_building WHERE geom_tile && $2::geometry AND ")
    now = head.format("") + "valid @> now()) t"
    played = (head.format(", extract(epoch FROM lower(valid))::bigint AS valid_from, extract(epoch FROM upper(valid))::bigint AS valid_to")
              + "valid && tstzrange('1985-01-01Z', '2025-01-01Z')) t")
    random, found = Random(seed), list[Row]()
    with store.connect() as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        cursor = psycopg.RawCursor(connection)

        def bare(sql: str, tile: TileAddress) -> object:
            minx, miny, maxx, maxy = tile.envelope
            margin = (maxx - minx) / 64
            return cursor.execute(sql, (f"BOX({minx} {miny},{maxx} {maxy})",
                                        box_around(minx - margin, miny - margin, maxx + margin, maxy + margin, 3857)), prepare=True, binary=True).fetchone()

        def ours(tile: TileAddress, at: datetime | None = None, span: tuple[datetime, datetime] | None = None) -> bytes:
            return render(store, ItemQuery(layer, audience, at=at, interval=span), tile).body

        for z in range(8, 17):
            # On the first levels one tile holds the whole city: a few rounds tell it.
            count = rounds if z > 12 else max(3, rounds // 6)
            places = places_in(random, z, count)
            largest = max(len(ours(tile)) for tile in places[:3]) / 1000
            found.append(compare(f"tile of level {z} ({largest:,.0f} kB) / the bare statement", lambda n, p=places: ours(p[n % len(p)]),
                                 lambda n, p=places: bare(now, p[n % len(p)]), count))
            found.append(compare(f"tile of level {z}, as of 2012 / now", lambda n, p=places: ours(p[n % len(p)], PAST),
                                 lambda n, p=places: ours(p[n % len(p)]), count))
            if z < 13:
                found.append(_alone(f"tile of level {z}, playback of 40 years", 150, lambda n, p=places: ours(p[n % len(p)], None, PLAYED), count))
            else:
                played_kb = max(len(ours(tile, None, PLAYED)) for tile in places[:3]) / 1000
                found.append(compare(f"tile of level {z}, playback of 40 years ({played_kb:,.0f} kB) / its bare statement",
                                     lambda n, p=places: ours(p[n % len(p)], None, PLAYED),
                                     lambda n, p=places: bare(played, p[n % len(p)]), max(3, count // 2)))
    return found + _counted(store, layer, audience, random)


def _counted(store: Store, layer: Layer, audience: Audience, random: Random) -> list[Row]:
    """Tiles from afar that are not kept as they are: filtered by a class, by what leaves little, by what leaves most; and as known earlier."""
    places, found = places_in(random, 10, 3), list[Row]()
    for what, limit, asked in (("filtered by its class", 150, {"filter": parse_filter("use = 'office'")}),
                               ("filtered to one feature in 200", 150, {"filter": parse_filter("height_m > 99.5")}),
                               ("filtered to four features in five", 500, {"filter": parse_filter("height_m > 20")}),
                               ("known before the last 5 of 900 changesets", 150, {"known_at": 895}), ("known at half of all changesets", 500, {"known_at": 450})):
        query = ItemQuery(layer, audience, **asked)
        found.append(_alone(f"tile of level 10, {what}", limit, lambda n, q=query: render(store, q, places[n % len(places)]).body, 3))
    return found


def _alone(name: str, limit_ms: float, ours: Callable[[int], bytes], count: int) -> Row:
    """Measure what has nothing beside it: milliseconds against a limit, and the size of the largest tile."""
    times, largest = list[float](), 0
    ours(0)
    for n in range(count):
        began = time.perf_counter()
        largest = max(largest, len(ours(n)))
        times.append((time.perf_counter() - began) * 1e3)
    return Row(f"{name} ({largest / 1000:,.0f} kB), ms (limit {limit_ms:,.0f})", median(times), limit_ms, median(times) / limit_ms)


def _seeded(store: Store, folder: Path) -> list[Row]:
    rate = seeding_rate(store, folder)
    return [Row("seeding, levels 12 to 16, one thread, tiles a minute (at least 2,000)", rate, 2_000, rate / 2_000)]


def seeding_rate(store: Store, folder: Path, kind: str = "vector") -> float:
    """Return how many tiles a minute one thread of `gis seed` makes, with the database on the same machine."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GIS_", "LC_", "LANG"))} | {
        "GIS_DATABASE_URL": store.dsn, "GIS_VAR": str(folder / f"seed-{kind}"), "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    said = subprocess.run([sys.executable, "-m", "gisserver.cli", "seed", "--layers", "bench_building", "--role", "planner", "--zoom", "12-16",
                           "--bbox", SEEDED, "--threads", "1", "--kind", kind], env=environment, capture_output=True, text=True, check=True).stdout
    found = re.search(r"\(([\d,]+) a minute\)", said)
    if found is None:
        raise RuntimeError(said)
    return float(found[1].replace(",", ""))


def _kept(url: str, key: str, folder: Path) -> list[Row]:
    """Requests per second of one kept tile by wrk, 50 connections, in turns with bytes from memory and nginx: more is better."""
    if shutil.which("wrk") is None:
        return []
    tile = tile_at(WEST + WIDTH / 2, SOUTH + HEIGHT / 2, 16)
    path = f"{TILES}/16/{tile.y}/{tile.x}"
    body = get(url + path, key)
    rates: dict[str, list[tuple[float, float]]] = {"ours": [], "bytes": [], "nginx": []}
    with bytes_server(body, MEDIA_TYPE, folder) as bare, nginx(body, folder) as file:
        for _ in range(3):
            rates["ours"].append(requests_a_second(url + path, key))
            rates["bytes"].append(requests_a_second(bare))
            if file is not None:
                rates["nginx"].append(requests_a_second(file))
    mine, last = max(rates["ours"]), f"cached tile of {len(body) / 1000:.0f} kB by key, requests a second"
    found = [Row(f"{last} / bytes from memory (at least 0.7)", mine[0], max(rates["bytes"])[0], mine[0] / max(rates["bytes"])[0])]
    if rates["nginx"]:
        found.append(Row(f"{last} / nginx with a file (at least 0.35)", mine[0], max(rates["nginx"])[0], mine[0] / max(rates["nginx"])[0]))
    slowest = min(p99 for _, p99 in rates["ours"])
    found.append(Row("cached tile at 50 connections, 99th percentile, ms (limit 10)", slowest, 10, slowest / 10))
    return found


def requests_a_second(url: str, key: str = "") -> tuple[float, float]:
    """Return requests a second and the 99th percentile of latency in milliseconds."""
    command = ["wrk", "-t1", "-c50", "-d3s", "--latency", url] + (["-H", f"Authorization: Bearer {key}"] if key else [])
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    rate, slow = re.search(r"Requests/sec:\s*([0-9.]+)", said), re.search(r"99%\s+([0-9.]+)(us|ms|s)", said)
    if rate is None or slow is None or "Non-2xx" in said:
        raise RuntimeError(said)
    return float(rate[1]), float(slow[1]) * {"us": 1e-3, "ms": 1, "s": 1e3}[slow[2]]


def _peer(store: Store, url: str, key: str, folder: Path, rounds: int, seed: int) -> list[Row]:
    """New tiles over HTTP beside MapServer's vector tiles of the same table, in FastCGI behind nginx."""
    with mapserver_tiles(store.dsn, folder) as peer:
        if peer is None:
            return []
        catalogue = Catalogue(store)
        layer = catalogue.layer("bench_building")
        query = ItemQuery(layer, ensure_audience(store, catalogue.layers, [LayerGrant(layer.id)]))

        def ours(n: int, z: int, tile: TileAddress) -> object:
            # With a filter that all meet it is another tile each time, and nothing of it is kept; what is made of cells is made without.
            return (render(store, query, tile) if z < 13 else
                    get(f"{url}{TILES}/{z}/{tile.y}/{tile.x}?filter=id%20%3E%20-{n + 1}", key))

        random, found = Random(seed + 1), []
        for z in (12, 14, 16):
            places = places_in(random, z, rounds)
            found.append(compare(f"new tile of level {z}{' over HTTP' if z > 12 else ''} / MapServer MVT",
                                 lambda n, p=places, z=z: ours(n, z, p[n % len(p)]),
                                 lambda n, p=places, z=z: get(f"{peer}&tile={p[n % len(p)].x}+{p[n % len(p)].y}+{z}"), rounds // 2))
        return found


def pan(url: str, key: str, seed: int, seconds: float = 3600, requests: int = HOUR_OF_A_TEAM) -> int:
    """Ask for tiles all over the city, on all levels, of now, of many days and of intervals, by four clients at once; return how many.

    It ends after so many seconds or requests, whichever comes first.
    """
    end, left, lock = time.monotonic() + seconds, requests, threading.Lock()

    def walk(number: int) -> None:
        try:
            roam(Random(seed * 100 + number))
        finally:
            hang_up()

    def roam(random: Random) -> None:
        nonlocal left
        while time.monotonic() < end:
            with lock:
                if left == 0:
                    return
                left -= 1
            z, kind = random.randint(10, 16), random.random()
            (tile,) = places_in(random, z, 1)
            day = (f"?datetime={random.randint(1985, 2025)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}" if kind < 0.4 else
                   f"?datetime={random.randint(1980, 1989)}/{random.randint(2000, 2030)}" if kind < 0.5 else "")
            get(f"{url}{TILES}/{z}/{tile.y}/{tile.x}{day}", key)

    threads = [threading.Thread(target=walk, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return requests - left


_local = threading.local()


def hang_up() -> None:
    """Close the connections that `get` keeps for this thread."""
    kept: dict[str, http.client.HTTPConnection] = _local.__dict__.pop("kept", {})
    for connection in kept.values():
        connection.close()


def get(url: str, key: str = "") -> bytes:
    """Return what an address answers, over a connection that is kept; raises RuntimeError for anything but 200 and 204."""
    parts = urllib.parse.urlsplit(url)
    kept: dict[str, http.client.HTTPConnection] = _local.__dict__.setdefault("kept", {})
    connection = kept.setdefault(parts.netloc, http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120))
    path, headers = f"{parts.path}?{parts.query}" if parts.query else parts.path, {"Accept-Encoding": "identity"} | (
        {"Authorization": f"Bearer {key}"} if key else {})
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
    except http.client.RemoteDisconnected:
        # A connection that was idle for long was closed; another is made.
        connection.close()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
    body = answer.read()
    if answer.status not in (200, 204):
        raise RuntimeError(f"{url}: {answer.status} {body[:300]!r}")
    return body


if __name__ == "__main__":
    measured = Store(sys.argv[1])
    for each in run(measured):
        print(f"{each.name:80} {each.ours_ms:11,.3f} {each.bare_ms:11,.3f} {each.ratio:7.2f}")
    measured.close()
