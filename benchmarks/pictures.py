"""How fast pictures are: GetMap beside MapServer on the same tables, kept tiles beside a server of bytes and nginx, MapProxy over MapServer, seeding.

    PYTHONPATH=. python -m benchmarks.pictures "host=… dbname=…" [PYTHON]      a database that `benchmarks.reading.fill` has filled;
                                                                               PYTHON is one that has tipg, where that is to be measured
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, cycle
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from benchmarks.processes import bytes_server, mapserver_maps, nginx, our_server, python_server
from benchmarks.reading import HEIGHT, SOUTH, TITLE, WEST, WIDTH, Row, bench_layer
from benchmarks.serving import bench_key, compare
from benchmarks.tiles import get, places_in, requests_a_second, seeding_rate, tile_at
from layers.catalogue import Catalogue
from layers.cells import fold_cells
from layers.layer import Layer, parse_layer
from layers.plan import register
from layers.store import Store
from tiles.grid import TileAddress
from tiles.mapnik_source import font_files

__all__ = ["run"]

NAMES = ("bench_building", "bench_street", "bench_stop")
COLORS = {"residential": "#dfcfb6", "office": "#b7c3d6", "commercial": "#e3b09b", "education": "#cbb9d8", "industrial": "#c4b7a8"}
LEVELS = (14, 16, 18)
VECTOR = "/ogc/collections/bench_building/tiles/WebMercatorQuad"


def run(store: Store, rounds: int = 40, seed: int = 17, tipg: str | None = None) -> list[Row]:
    """Measure pictures on a store that `benchmarks.reading.fill` has filled; rows are as those of `benchmarks.tiles.run`.

    `tipg` is a Python that has tipg: vector tiles of the same table are measured beside it then.
    """
    _lay_out(store)
    key = bench_key(store)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = [_seeded(store, folder)]
        with our_server(store.dsn, folder) as (url, _):
            found += [*_maps(store, url, key, folder, rounds, seed), *_kept(url, key, folder), *_proxied(store, url, key, folder, rounds, seed)]
            found += _tipg(store, url, key, folder, rounds, seed, tipg)
    return found


def _lay_out(store: Store) -> None:
    """Register the layers as they are drawn here; make streets and stops where they are not yet."""
    building = bench_layer(has_cells=True)
    assert building.symbology is not None
    classes = tuple(c.model_copy(update={"color": COLORS[str(c.value)]}) for c in building.symbology.classes)
    register(store, building.model_copy(update={"symbology": building.symbology.model_copy(update={
        "classes": classes, "outline": "#9a8f80", "width_px": 0.6, "order": 20})}))
    fold_cells(store, building.id)
    for layer, statement in ((_street(), _STREETS), (_stop(), _STOPS)):
        is_new = layer.id not in Catalogue(store).layers
        register(store, layer)
        if is_new:
            with store.connect() as connection:
                connection.execute(statement)
                connection.execute(f"VACUUM ANALYZE city.{layer.id}")


def _layer(name: str, geometry: str, **symbology: Any) -> Layer:
    return parse_layer({"id": name, "title": TITLE, "geometry": geometry, "born": "runtime", "symbology": symbology, "fields": [
        {"name": "name", "type": "string", "title": TITLE, "tile": True},
        {"name": "class", "type": "code", "title": TITLE, "tile": True, "codes": dict.fromkeys(("main", "side"), TITLE)}]})


def _street() -> Layer:
    return _layer("bench_street", "LineString", color="#ffffff", outline="#c9c0b0", width_px=3, field="class", order=40, min_zoom=9,
                  classes=[{"value": "main", "color": "#f5d98b", "width_px": 5}, {"value": "side", "color": "#ffffff"}],
                  label={"field": "name", "min_zoom": 15})


def _stop() -> Layer:
    return _layer("bench_stop", "Point", color="#3a6ea5", radius_px=3, order=60, min_zoom=13)


_MADE = """
INSERT INTO city.{} (version_id, fid, valid, begin_precision, end_precision, seq_from, geom, name, class)
SELECT g, g + {}, tstzrange('1990-01-01Z', NULL), 'd', 'd', 1, ST_SetSRID({}, 4490), format('{} %s', g), CASE WHEN g %% 8 = 0 THEN 'main' ELSE 'side' END
FROM (SELECT g, {} + {} * ((hashint8(g + 5)::bigint + 2147483648) / 4294967296.0) AS x, {} + {} * ((hashint8(g + 70000000)::bigint + 2147483648) / 4294967296.0) AS y
      FROM generate_series(1, {}) g) p
"""
_EXTENT = (WEST, WIDTH, SOUTH, HEIGHT)
_STREETS = _MADE.replace("%%", "%").format("bench_street", 20_000_000, "ST_MakeLine(ARRAY[ST_MakePoint(x, y), ST_MakePoint(x + CASE g % 2 WHEN 0 THEN 0.003 ELSE 0.0002 END, "
                                           "y + CASE g % 2 WHEN 0 THEN 0.0002 ELSE 0.002 END)])", "测量路", *_EXTENT, 40_000)
_STOPS = _MADE.replace("%%", "%").format("bench_stop", 30_000_000, "ST_MakePoint(x, y)", "站", *_EXTENT, 60_000)


# The same map by MapServer: the copy in Web Mercator, the same classes, widths and letters, all classes told apart by MapServer itself.

def _map_file(store: Store, folder: Path) -> str:
    where = " ".join(f"{k}={v}" for k, v in conninfo_to_dict(store.dsn).items() if k in ("host", "port", "user", "dbname", "password"))
    (folder / "fonts.txt").write_text(f"noto {font_files()[0]}\n")

    def label(most: int, angle: str = "") -> str:
        return (f'LABEL MAXSCALEDENOM {most} TYPE TRUETYPE FONT "noto" SIZE 9 COLOR "#333333" OUTLINECOLOR "#ffffff" OUTLINEWIDTH 2 BUFFER 4 {angle} END')

    def layer(name: str, kind: str, fields: str, classes: str, item: str) -> str:
        return (f'LAYER NAME {name} TYPE {kind} STATUS ON CONNECTIONTYPE POSTGIS CONNECTION "{where}" PROCESSING "CLOSE_CONNECTION=DEFER" '
                f'DATA "geom_tile FROM (SELECT geom_tile, fid, {fields} FROM city.{name} WHERE valid @> now()) AS t USING UNIQUE fid USING SRID=3857" '
                f'PROJECTION "init=epsg:3857" END METADATA "ows_title" "{name}" END {item} LABELITEM "name" {classes} END\n')

    fills = "".join(f'CLASS EXPRESSION "{use}" STYLE COLOR "{color}" OUTLINECOLOR "#9a8f80" WIDTH 0.6 END {label(2500)} END ' for use, color in COLORS.items())
    roads = "".join(f'CLASS EXPRESSION "{name}" STYLE COLOR "#c9c0b0" WIDTH {width + 1.5} END STYLE COLOR "{color}" WIDTH {width} END {label(7500, "ANGLE FOLLOW")} END '
                    for name, color, width in (("main", "#f5d98b", 5), ("side", "#ffffff", 3)))
    dots = 'CLASS STYLE SYMBOL "dot" SIZE 6 COLOR "#3a6ea5" END END '
    return (f'MAP NAME bench EXTENT -20037508 -20037508 20037508 20037508 SIZE 256 256 FONTSET "{folder / "fonts.txt"}" PROJECTION "init=epsg:3857" END\n'
            'IMAGETYPE png WEB METADATA "ows_enable_request" "*" "ows_title" "bench" "ows_srs" "EPSG:3857" "wms_onlineresource" "http://localhost/" END END\n'
            'SYMBOL NAME "dot" TYPE ELLIPSE FILLED TRUE POINTS 1 1 END END\n'
            + layer("bench_building", "POLYGON", "name, use", fills, 'CLASSITEM "use"') + layer("bench_street", "LINE", 'name, \\"class\\"', roads, 'CLASSITEM "class"')
            + layer("bench_stop", "POINT", "name", dots, "") + "END\n")


def _question(names: tuple[str, ...], tile: TileAddress) -> str:
    return ("SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&STYLES=&SRS=EPSG:3857&WIDTH=256&HEIGHT=256&FORMAT=image/png&TRANSPARENT=FALSE"
            f"&LAYERS={','.join(names)}&BBOX={','.join(map(repr, tile.envelope))}")


@contextmanager
def _mapserver(store: Store, folder: Path) -> Iterator[str | None]:
    example = _question(NAMES, tile_at(WEST + WIDTH / 2, SOUTH + HEIGHT / 2, 16))
    with mapserver_maps(folder, _map_file(store, folder), f"&{example}") as url:
        yield url


def _maps(store: Store, url: str, key: str, folder: Path, rounds: int, seed: int) -> list[Row]:
    """Maps that are drawn, over HTTP, beside MapServer in FastCGI behind nginx."""
    with _mapserver(store, folder) as peer:
        if peer is None:
            return []
        random, found = Random(seed), list[Row]()
        for names in (NAMES[:1], NAMES):
            for z in LEVELS:
                places = places_in(random, z, rounds)
                for body in (get(f"{url}/wms?{_question(names, places[0])}", key), get(f"{peer}&{_question(names, places[0])}")):
                    if not body.startswith(b"\x89PNG"):
                        raise RuntimeError(body[:500])
                found.append(compare(f"GetMap of level {z}, {'one layer' if len(names) == 1 else 'three layers'}, new / MapServer (limit 1.5)",
                                     lambda n, p=places, s=names: get(f"{url}/wms?{_question(s, p[n % len(p)])}", key),
                                     lambda n, p=places, s=names: get(f"{peer}&{_question(s, p[n % len(p)])}"), rounds))
        return found


def _address(tile: TileAddress) -> str:
    return f"/wmts/bench_building/default/current/WebMercatorQuad/{tile.z}/{tile.y}/{tile.x}.png"


def _kept(url: str, key: str, folder: Path) -> list[Row]:
    """Requests per second of one kept picture by wrk, 50 connections, in turns with bytes from memory and nginx: more is better."""
    if shutil.which("wrk") is None:
        return []
    path = _address(tile_at(WEST + WIDTH / 2, SOUTH + HEIGHT / 2, 16))
    body = get(url + path, key)
    rates: dict[str, list[tuple[float, float]]] = {"ours": [], "bytes": [], "nginx": []}
    with bytes_server(body, "image/png", folder) as bare, nginx(body, folder) as file:
        for _ in range(3):
            rates["ours"].append(requests_a_second(url + path, key))
            rates["bytes"].append(requests_a_second(bare))
            if file is not None:
                rates["nginx"].append(requests_a_second(file))
    mine, last = max(rates["ours"])[0], f"cached picture of {len(body) / 1000:.0f} kB by key, requests a second"
    found = [Row(f"{last} / {name} (at least {least})", mine, max(rates[which])[0], mine / max(rates[which])[0])
             for which, name, least in (("bytes", "bytes from memory", 0.7), ("nginx", "nginx with a file", 0.35)) if rates[which]]
    slowest = min(p99 for _, p99 in rates["ours"])
    return [*found, Row("cached picture at 50 connections, 99th percentile, ms (limit 10)", slowest, 10, slowest / 10)]


_PROXY = '''
from mapproxy.wsgiapp import make_wsgi_app
app = make_wsgi_app("{path}")
'''
_PROXY_CONFIGURATION = '''
services: {{wmts: {{restful: true}}}}
layers: [{{name: building, title: building, sources: [kept]}}]
caches: {{kept: {{grids: [GLOBAL_WEBMERCATOR], sources: [peer], format: image/png, meta_size: [1, 1], meta_buffer: 0, cache: {{type: file, directory: {folder}/proxied}}}}}}
sources: {{peer: {{type: wms, req: {{url: "{peer}", layers: bench_building}}, supported_srs: ["EPSG:3857"]}}}}
globals: {{cache: {{lock_dir: {folder}/locks, tile_lock_dir: {folder}/locks}}}}
'''


def _proxied(store: Store, url: str, key: str, folder: Path, rounds: int, seed: int) -> list[Row]:
    """Tiles that are not there yet, and one that is, beside MapProxy over MapServer under the same server as ours."""
    with _mapserver(store, folder) as peer:
        if peer is None:
            return []
        (folder / "proxy.yaml").write_text(_PROXY_CONFIGURATION.format(folder=folder, peer=f"{peer}&"))
        (folder / "proxy_app.py").write_text(_PROXY.format(path=folder / "proxy.yaml"))
        with python_server("proxy_app:app", "/wmts/1.0.0/WMTSCapabilities.xml", folder, interface="wsgi") as proxy:
            def theirs(tile: TileAddress) -> str:
                return f"{proxy}/wmts/building/GLOBAL_WEBMERCATOR/{tile.z:02}/{tile.x}/{tile.y}.png"

            random, found = Random(seed + 1), list[Row]()
            for z in (14, 16):
                places = _once(random, z, rounds)
                ours, other = iter(places), iter(places)
                times = min(rounds, len(places) - 5)      # compare() runs five of each first
                found.append(compare(f"new picture of level {z} / MapProxy over MapServer", lambda _, o=ours: get(url + _address(next(o)), key),
                                     lambda _, o=other: get(theirs(next(o))), times))
            if shutil.which("wrk"):
                tile = tile_at(WEST + WIDTH / 2, SOUTH + HEIGHT / 2, 16)
                get(theirs(tile))
                mine, other_rate = (max(requests_a_second(*each) for _ in range(2))[0] for each in ((url + _address(tile), key), (theirs(tile),)))
                found.append(Row("cached picture, requests a second / MapProxy", mine, other_rate, mine / other_rate))
            return found


def _seeded(store: Store, folder: Path) -> Row:
    rate = seeding_rate(store, folder, "picture")
    return Row("seeding pictures, levels 12 to 16, one thread, tiles a minute (at least 2,000)", rate, 2_000, rate / 2_000)


def _tipg(store: Store, url: str, key: str, folder: Path, rounds: int, seed: int, python: str | None) -> list[Row]:
    """New vector tiles beside tipg's of the same rows; says so where it is not there."""
    if python is None:
        print("tipg: not measured (--tipg PYTHON names a Python that has it)", file=sys.stderr)
        return []
    part = conninfo_to_dict(store.dsn)
    who = quote(str(part.get("user") or "postgres")) + (f":{quote(str(part['password']), safe='')}" if part.get("password") else "")
    # A folder of sockets is a host too, as long as nobody takes its slashes for the path's.
    address = f"postgresql://{who}@{quote(str(part.get('host') or 'localhost'), safe='')}:{part.get('port') or 5432}/{quote(str(part['dbname']))}"
    with store.connect() as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
        connection.execute("CREATE OR REPLACE VIEW bench.current_building AS SELECT fid, name, use, height_m, floors, geom_tile AS geom "
                           "FROM city.bench_building WHERE valid @> now()")
    with python_server("tipg.main:app", "/healthz", folder, python, DATABASE_URL=address, TIPG_DB_SCHEMAS='["bench"]', TIPG_MAX_FEATURES_PER_TILE="1000000",
                       TIPG_DEFAULT_MINZOOM="0") as peer:
        random, found = Random(seed + 2), list[Row]()
        for z in (10, 12, 13, 14, 15, 16):
            # On levels up to 12 there are few: the same ones on other days.
            places = _once(random, z, rounds)
            asked = [f"{url}{VECTOR}/{t.z}/{t.y}/{t.x}{f'?datetime={day}' if z < 13 else ''}" for t, day in zip(
                places if z > 12 else places * rounds, (f"{1990 + n % 34}-{1 + n % 12:02}-{1 + n % 28:02}" for n in count()), strict=False)]
            # Each place is asked for once by both, in turns of order: who comes second finds the database's pages at hand.
            ours, other, times = iter(asked), cycle(places), min(rounds, len(asked) - 5) if z > 12 else max(3, rounds // (4 if z > 10 else 12))
            found.append(compare(f"new vector tile of level {z} over HTTP / tipg", lambda _, o=ours: get(next(o), key), lambda _, o=other: get(
                f"{peer}/collections/bench.current_building/tiles/WebMercatorQuad/{(t := next(o)).z}/{t.x}/{t.y}?limit=1000000"), times))
        return found


def _once(random: Random, z: int, rounds: int) -> list[TileAddress]:
    """Return tiles, none of them twice: what was made once is kept."""
    return list({(t.x, t.y): t for t in places_in(random, z, 4 * rounds)}.values())


if __name__ == "__main__":
    measured = Store(sys.argv[1])
    for each in run(measured, tipg=sys.argv[2] if len(sys.argv) > 2 else None):
        print(f"{each.name:80} {each.ours_ms:11,.3f} {each.bare_ms:11,.3f} {each.ratio:7.2f}", flush=True)
    measured.close()
