"""How fast features and tiles are read, beside the bare statement that gives the same text.

The data is made here, seeded: one million buildings of seven vertices, 2.5 versions each on average, one in ten with seven,
one in twenty with a correction in the closed past. Ours and bare take turns in every round; what is told is the median of
each and the median of the rounds' ratios.

    python -m benchmarks.reading "host=… dbname=…"        an empty database of its own, in which the city is prepared
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from random import Random
from typing import Any, NamedTuple

import psycopg

from layers.access import Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.crs import box_around
from layers.feature_text import feature_text
from layers.features import collection, feature
from layers.filters import parse_filter
from layers.layer import Layer, parse_layer
from layers.plan import register
from layers.query import ItemQuery
from layers.store import Store
from tiles.grid import TileAddress
from tiles.vector_tiles import render, tile_fields

__all__ = ["Row", "bench_layer", "fill", "run"]

WEST, SOUTH, WIDTH, HEIGHT = 116.25, 39.84, 0.30, 0.20
DISTRICTS = tuple(f"1101{n:02d}" for n in range(1, 17))
TITLE = {"zh": "测量", "en": "Measured"}


class Row(NamedTuple):
    """One measurement: median milliseconds of ours and of what it is compared with, median of the rounds' ratios."""

    name: str
    ours_ms: float
    bare_ms: float
    ratio: float


def bench_layer(has_cells: bool = False) -> Layer:
    """Return the layer that is measured: a building with the usual fields; counted in cells where coarse levels are measured."""
    def field(name: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "type": kind, "title": TITLE, **more}

    uses = dict.fromkeys(("residential", "office", "commercial", "education", "industrial"), TITLE)
    return parse_layer({
        "id": "bench_building", "title": TITLE, "geometry": "MultiPolygon", "district": "district_code", "label": "name",
        "born": "runtime", "fields": [
            field("name", "string", tile=True), field("use", "code", codes=uses, tile=True, index=True),
            field("height_m", "number", unit="m", tile=True, index=True), field("floors", "integer", tile=True),
            field("completed", "date"), field("is_listed", "boolean"), field("codes", "codes"),
            field("district_code", "string", index=True)],
        "symbology": {"field": "use", "classes": [{"value": u, "color": "#c6cedb"} for u in uses], "extrude": "height_m", "min_zoom": 13, "cells": has_cells,
                      "label": {"field": "name", "min_zoom": 16.5}}})


def fill(store: Store, buildings: int = 1_000_000) -> None:
    """Make the layer and its features, straight in its tables: this measures reading."""
    layer = bench_layer()
    register(store, layer)
    with store.connect() as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute(
            "INSERT INTO gis.changeset (seq, recorded_at, actor, reason, kind) SELECT n, now() - (1000 - n) * interval '1 hour', 'bench', "
            "'measuring', 'job' FROM generate_series((SELECT coalesce(max(seq), 0) + 1 FROM gis.changeset), 1000) n")
        for part in batched(range(1, buildings + 1), 100_000):
            connection.execute(_FILL, {"first": part[0], "last": part[-1]})
        connection.execute("SELECT setval('gis.fid', %s)", (buildings,))
        connection.execute("VACUUM ANALYZE city.bench_building")
        connection.execute("VACUUM ANALYZE city.bench_building_past")


# Random by hash, so that a building is the same however many there are. A version lasts an equal part of 1985 to 2025.
_FILL = """
WITH place AS (
  SELECT g AS fid, {west} + {width} * ((hashint8(g)::bigint + 2147483648) / 4294967296.0) AS x,
         {south} + {height} * ((hashint8(g + 10000000) ::bigint + 2147483648) / 4294967296.0) AS y,
         0.00008 + (g %% 13) * 0.00002 AS w, CASE WHEN g %% 10 = 0 THEN 7 ELSE 1 + g %% 3 END AS versions
  FROM generate_series(%(first)s::bigint, %(last)s) g),
version AS (
  SELECT place.*, n, timestamptz '1985-01-01Z' + ((n - 1) * (14600 / versions) + fid %% 90) * interval '1 day' AS begins,
         timestamptz '1985-01-01Z' + (n * (14600 / versions) + fid %% 90) * interval '1 day' AS ends
  FROM place, generate_series(1, versions) n),
made AS (
  SELECT fid * 10 + n AS version_id, fid, CASE WHEN n = versions THEN tstzrange(begins, NULL) ELSE tstzrange(begins, ends) END AS valid,
         'd'::"char" AS begin_precision, 'd'::"char" AS end_precision, 1 + (fid * 7 + n) %% 900 AS seq_from,
         ST_SetSRID(ST_Multi(ST_MakePolygon(ST_MakeLine(ARRAY[
           ST_MakePoint(x, y), ST_MakePoint(x + w, y), ST_MakePoint(x + w, y + w / 2), ST_MakePoint(x + w * 0.6, y + w / 2),
           ST_MakePoint(x + w * 0.6, y + w * 0.8), ST_MakePoint(x, y + w * 0.8), ST_MakePoint(x, y)]))), 4490) AS geom,
         format('楼栋 %%s 号', fid) AS name, (ARRAY['residential', 'office', 'commercial', 'education', 'industrial'])[1 + fid %% 5] AS use,
         3 + (fid * 31 + n) %% 970 / 10.0 AS height_m, 1 + fid %% 30 AS floors, date '1985-01-01' + (fid %% 12000)::integer AS completed,
         fid %% 50 = 0 AS is_listed,
         CASE WHEN fid %% 4 = 0 THEN jsonb_build_array(jsonb_build_object('scheme', 'house', 'value', fid::text)) END AS codes,
         '1101' || lpad((1 + floor((x - {west}) / {width} * 4) + 4 * floor((y - {south}) / {height} * 4))::text, 2, '0') AS district_code
  FROM version),
corrected AS (
  INSERT INTO city.bench_building_past (version_id, fid, valid, begin_precision, end_precision, seq_from, seq_to, geom, name, use,
                                        height_m, floors, completed, is_listed, codes, district_code)
  SELECT -version_id, fid, valid, begin_precision, end_precision, 1 + seq_from / 2, 1 + seq_from, geom, name, use,
         height_m + 1, floors, completed, is_listed, codes, district_code
  FROM made WHERE fid %% 20 = 0)
INSERT INTO city.bench_building (version_id, fid, valid, begin_precision, end_precision, seq_from, geom, name, use,
                                 height_m, floors, completed, is_listed, codes, district_code)
SELECT version_id, fid, valid, begin_precision, end_precision, CASE WHEN fid %% 20 = 0 THEN seq_from + 1 ELSE seq_from END, geom, name, use,
       height_m, floors, completed, is_listed, codes, district_code FROM made
""".replace("{west}", str(WEST)).replace("{south}", str(SOUTH)).replace("{width}", str(WIDTH)).replace("{height}", str(HEIGHT))


@dataclass(frozen=True)
class _Bare:
    """The statement by itself: the same columns and rows, prepared, on a connection that does nothing else."""

    connection: psycopg.Connection

    def run(self, sql: str, *values: str) -> bytes:
        cursor = psycopg.RawCursor(self.connection)
        cursor.execute(sql, values, prepare=True, binary=True)
        result = cursor.pgresult
        return (result.get_value(0, 0) if result is not None and result.ntuples else None) or b""


def run(store: Store, rounds: int = 40, seed: int = 7) -> list[Row]:
    """Measure everything on a store that `fill` has filled."""
    catalogue = Catalogue(store)
    layer = catalogue.layer("bench_building")
    whole = ensure_audience(store, catalogue.layers, [LayerGrant(layer.id)])
    limited = ensure_audience(store, catalogue.layers, [LayerGrant(layer.id, districts=DISTRICTS)])
    with store.read() as connection:
        (count,) = connection.execute("SELECT count(*) FROM city.bench_building WHERE valid @> now()").fetchone() or (0,)
    with store.connect() as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        measured = _Measured(store, layer, whole, limited, _Bare(connection), rounds, Random(seed), count)
        return [*measured.items(), *measured.one(), *measured.moments(), *measured.tiles()]


class _Measured:
    def __init__(self, store: Store, layer: Layer, whole: Audience, limited: Audience, bare: _Bare, rounds: int, random: Random,
                 count: int) -> None:
        self.store, self.layer, self.whole, self.limited, self.bare = store, layer, whole, limited, bare
        self.rounds, self.random, self.count = rounds, random, count
        self.text = feature_text(layer, tuple(f.name for f in layer.fields), 4490, 4326, False, True)

    def places(self, features: int) -> list[tuple[float, float, float, float]]:
        """Return boxes that hold about so many features."""
        side = (features / self.count) ** 0.5
        return [(x, y, x + WIDTH * side, y + HEIGHT * side) for x, y in (
            (WEST + self.random.random() * WIDTH * (1 - side), SOUTH + self.random.random() * HEIGHT * (1 - side)) for _ in range(self.rounds))]

    def compare(self, name: str, ours: Callable[[Any], Any], theirs: Callable[[Any], Any], asked: Sequence[Any]) -> Row:
        """Run both on the same question in every round, in turns of order; each a few times unmeasured first."""
        for question in asked[:6]:
            ours(question), theirs(question)
        times: tuple[list[float], list[float]] = ([], [])
        for n, question in enumerate(asked):
            for which in (0, 1) if n % 2 else (1, 0):
                began = time.perf_counter()
                (ours, theirs)[which](question)
                times[which].append((time.perf_counter() - began) * 1e3)
        return Row(name, statistics.median(times[0]), statistics.median(times[1]),
                   statistics.median(a / b for a, b in zip(*times, strict=True)))

    def ask(self, **parts: Any) -> ItemQuery:
        return ItemQuery(self.layer, parts.pop("audience", self.whole), **parts)

    def items(self) -> list[Row]:
        box = ("SELECT string_agg({0}, ',') FROM (SELECT * FROM city.bench_building p WHERE p.geom && $1::geometry "
               "AND ST_Intersects(p.geom, $1::geometry) AND p.valid @> now(){1} LIMIT 1000) p")
        plain, filtered = box.format(self.text, ""), box.format(self.text, " AND p.use = $2 AND p.height_m > $3::float8")
        wish = parse_filter("use = 'office' AND height_m > 50")
        found = [self.compare("1,000 polygons in a bbox", lambda b: collection(self.store, self.ask(bbox=b, limit=1000)),
                              lambda b: self.bare.run(plain, box_around(*b, 4490)), self.places(950))]
        found.append(self.compare("filter with bbox", lambda b: collection(self.store, self.ask(bbox=b, limit=1000, filter=wish)),
                                  lambda b: self.bare.run(filtered, box_around(*b, 4490), "office", "50"), self.places(9_000)))
        found.append(self.compare("1,000 polygons, row-limited / whole reader",
                                  lambda b: collection(self.store, self.ask(bbox=b, limit=1000, audience=self.limited)),
                                  lambda b: collection(self.store, self.ask(bbox=b, limit=1000)), self.places(950)))
        deep = [self._cursor_at(self.count * 9 // 10 + n) for n in range(self.rounds)]
        found.append(self.compare("page of 100 at 90 % depth / the first", lambda c: collection(self.store, self.ask(limit=100, after=c)),
                                  lambda _: collection(self.store, self.ask(limit=100)), deep))
        return found

    def _cursor_at(self, fid: int) -> str:
        page = collection(self.store, self.ask(limit=1, filter={"op": ">=", "args": [{"property": "id"}, fid]}))
        return page.next or ""

    def one(self) -> list[Row]:
        sql = f"SELECT {self.text} FROM city.bench_building p WHERE p.fid = $1::bigint AND p.valid @> now()"
        fids = [self.random.randrange(1, self.count) for _ in range(self.rounds * 10)]
        return [self.compare("one feature", lambda fid: feature(self.store, self.ask(), fid), lambda fid: self.bare.run(sql, str(fid)), fids)]

    def moments(self) -> list[Row]:
        past = datetime(2012, 5, 17, tzinfo=UTC)
        now = lambda b: collection(self.store, self.ask(bbox=b, limit=1000))  # noqa: E731 (one line says it)
        return [self.compare("as of 2012 / current", lambda b: collection(self.store, self.ask(bbox=b, limit=1000, at=past)), now, self.places(950)),
                self.compare("known at 950 / current", lambda b: collection(self.store, self.ask(bbox=b, limit=1000, known_at=950)), now,
                             self.places(950))]

    def tiles(self) -> list[Row]:
        names = ", ".join(f'"{f.name}"' for f in tile_fields(self.layer, self.whole))
        bare = ("SELECT ST_AsMVT(t, 'bench_building', 4096, 'geom', 'fid') FROM (SELECT fid, ST_AsMVTGeom(geom_tile, $1::box2d, 4096, 64, true) "
                f"AS geom, {names} FROM city.bench_building WHERE geom_tile && $2::geometry AND valid @> now()) t")

        def theirs(tile: TileAddress) -> bytes:
            minx, miny, maxx, maxy = tile.envelope
            margin = (maxx - minx) / 64
            return self.bare.run(bare, f"BOX({minx} {miny},{maxx} {maxy})",
                                 box_around(minx - margin, miny - margin, maxx + margin, maxy + margin, 3857))

        found = []
        for z in (14, 16):
            side = 40075016.685578488 / 2**z
            places = [TileAddress(z, int(((x + 180) / 360) * 2**z), int((20037508.34 - y) / side)) for x, y in (
                (WEST + self.random.random() * WIDTH, 4_844_000 + self.random.random() * 20_000) for _ in range(self.rounds))]
            found.append(self.compare(f"tile on level {z}", lambda t: render(self.store, self.ask(), t), theirs, places))
            found.append(self.compare(f"tile on level {z}, as of 2012 / current",
                                      lambda t: render(self.store, self.ask(at=datetime(2012, 5, 17, tzinfo=UTC)), t),
                                      lambda t: render(self.store, self.ask(), t), places))
        return found


if __name__ == "__main__":
    from config.settings import ROOT
    from gisserver.ops.preparation import prepare_store

    measured = Store(sys.argv[1])
    prepare_store(measured, ROOT / "config" / "city.yaml")
    if "bench_building" in Catalogue(measured).layers:
        register(measured, bench_layer())
    else:
        fill(measured, int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
    for row in run(measured):
        print(f"{row.name:48} {row.ours_ms:9.3f} ms {row.bare_ms:9.3f} ms {row.ratio:6.2f}")
    measured.close()
