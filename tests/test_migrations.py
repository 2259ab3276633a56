"""A store of every release becomes the store of this version, with all that was in it."""

from __future__ import annotations

import gzip
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from gisserver.ops.postgres_programs import find_programs
from gisserver.ops.preparation import prepare_store
from layers.migrate import SQL, is_migrated, migrate
from layers.store import Store

RELEASES = sorted((ROOT / "tests" / "data" / "releases").glob("*.sql.gz"))
CITY = ROOT / "config" / "city.yaml"
PARTS = {
    "columns": "SELECT c.relnamespace::regnamespace::text, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated::text, "
               "pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = "
               "(a.attrelid, a.attnum) WHERE c.relnamespace::regnamespace::text IN ('gis', 'city', 'city_stage') AND c.relkind IN ('r', 'v') AND a.attnum > 0 "
               "AND NOT a.attisdropped ORDER BY 1, 2, 3",
    "indexes": "SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname IN ('gis', 'city', 'city_stage') ORDER BY 1, 2",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
                   "WHERE connamespace::regnamespace::text IN ('gis', 'city') AND contype <> 't' ORDER BY 1, 2",
    "functions": "SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) FROM pg_proc p WHERE pronamespace = 'gis'::regnamespace ORDER BY 1",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
}
CONTENT = ("SELECT (SELECT count(*) FROM gis.changeset), (SELECT array_agg((valid, name, seq_from)::text ORDER BY valid) FROM city.building), "
           "(SELECT array_agg((valid, name, seq_from, seq_to)::text ORDER BY valid, seq_to) FROM city.building_past), "
           "(SELECT array_agg((kind, at, side, layer, fid)::text ORDER BY fid) FROM gis.lineage_event JOIN gis.lineage_edge USING (event_id))")


def shape_of(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.read() as connection:
        # A dump writes nested conditions with other brackets than the statement had.
        return {name: [tuple(re.sub(r"[()\s]+", " ", v) if isinstance(v, str) and name == "triggers" else v for v in row)
                       for row in connection.execute(statement)] for name, statement in PARTS.items()}


@pytest.fixture
def released(server: Any, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store as a release left it, filled."""
    path: Path = request.param
    name = f"gis_release_{secrets.token_hex(4)}"
    dsn = server.create(name, "template0")
    try:
        subprocess.run([find_programs().program("psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname", dsn], check=True,
                       input=gzip.decompress(path.read_bytes()), stdout=subprocess.DEVNULL)
        store = Store(dsn)
        yield store
        store.close()
    finally:
        server.drop(name)


@pytest.mark.parametrize("released", RELEASES, ids=[p.name.removesuffix(".sql.gz") for p in RELEASES], indirect=True)
def test_a_populated_store_of_a_release_becomes_this_one(released: Store, empty_store: Store) -> None:
    with released.read() as connection:
        before = connection.execute(CONTENT).fetchone()
    assert before is not None and len(before[1]) == 4 and before[2]
    prepare_store(released, CITY)
    assert is_migrated(released)
    fresh, upgraded = shape_of(empty_store), shape_of(released)
    for part in PARTS:
        assert upgraded[part] == fresh[part], part
    with released.read() as connection:
        assert connection.execute(CONTENT).fetchone() == before


def test_there_is_a_store_of_a_release_to_take_over() -> None:
    assert RELEASES


def test_migrating_again_changes_nothing(empty_store: Store) -> None:
    before = shape_of(empty_store)
    assert migrate(empty_store) == []
    assert shape_of(empty_store) == before


def test_the_files_are_numbered_once_and_in_order() -> None:
    names = [p.name for p in SQL.glob("*.sql") if p.name != "queries.sql"]
    assert all(re.fullmatch(r"\d{3}_[a-z0-9_]+\.sql", name) for name in names)
    assert len({name[:3] for name in names}) == len(names)
    later = sorted(p.name for p in (SQL / "migrations").glob("*.sql"))
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", name) for name in later)
    assert len({name[:4] for name in later}) == len(later)
