"""A backup is the whole city, and comes back as it was; a broken one changes nothing."""

from __future__ import annotations

import stat

import psycopg
import pytest

from gisserver.ops.backup import check, restore, save
from gisserver.ops.city_cluster import make_cluster
from gisserver.ops.preparation import prepare_store
from layers.access import LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import Unavailable
from layers.store import Store
from tests.conftest import CITY

SQUARE = {"type": "MultiPolygon", "coordinates": [[[[116.4, 39.9], [116.41, 39.9], [116.41, 39.91], [116.4, 39.91], [116.4, 39.9]]]]}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A city of its own cluster with one edited feature and one audience."""
    cluster = make_cluster(tmp_path_factory.mktemp("backup"), throwaway=True)
    cluster.start()
    cluster.ensure_database()
    prepare(cluster.dsn())
    yield cluster
    cluster.remove()


def prepare(dsn: str) -> None:
    store = Store(dsn)
    try:
        prepare_store(store, CITY)
    finally:
        store.close()


@pytest.fixture
def store(city):
    store = Store(city.dsn())
    yield store
    store.close()


def park(store: Store, owner, op: str, name: str, fid: int | None = None) -> int:
    catalogue = Catalogue(store)
    edit = Edit("green_space", op, fid=fid, geometry=SQUARE, properties={"name": name, "kind": "park"})
    changeset = Changeset([edit], reason="probe", actor="test")
    return apply_changeset(store, catalogue, owner, changeset).fids[0]


def contents(dsn: str) -> dict[str, list]:
    """All rows of all tables that are the city's, as text, read beside the store."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('gis', 'city') "
                                    "AND tablename NOT IN ('audience', 'audience_layer', 'layer_grant', 'profile', 'profile_grant', 'reader_circle', 'capability') ORDER BY 1")
        return {table: sorted(map(repr, connection.execute(f"SELECT t::text FROM {table} t"))) for (table,) in tables.fetchall()}


def test_a_city_comes_back_as_it_was(city, store, owner, tmp_path):
    fid = park(store, owner, "create", "第一公园")
    park(store, owner, "correct", "第一儿童公园", fid)
    before = contents(city.dsn())
    made = save(city.dsn(), tmp_path / "city.dump")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["city.dump"]

    park(store, owner, "correct", "改错了", fid)
    assert contents(city.dsn()) != before
    store.close()
    restore(city, made.path, prepare)
    assert contents(city.dsn()) == before


def test_readers_come_back_in_a_cluster_that_never_met_them(city, store, owner, tmp_path):
    park(store, owner, "create", "第二公园")
    grants = [LayerGrant("green_space", fields=("name",))]
    audience = ensure_audience(store, Catalogue(store).layers, grants)
    made = save(city.dsn(), tmp_path / "city.dump")
    other = make_cluster(tmp_path / "other", throwaway=True)
    try:
        other.start()
        restore(other, made.path, prepare)
        fresh = Store(other.dsn())
        try:
            again = ensure_audience(fresh, Catalogue(fresh).layers, grants)
            assert again.role == audience.role
            with fresh.read(again.role) as connection:
                assert ("第二公园",) in connection.execute("SELECT name FROM city.green_space").fetchall()
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute("SELECT fid FROM city.building")
        finally:
            fresh.close()
    finally:
        other.remove()


def test_a_cut_backup_is_refused_and_nothing_changes(city, store, tmp_path):
    made = save(city.dsn(), tmp_path / "city.dump")
    whole = made.path.read_bytes()
    broken = tmp_path / "broken.dump"
    broken.write_bytes(whole[: len(whole) * 2 // 3])
    before = contents(city.dsn())
    with pytest.raises(Unavailable):
        restore(city, broken, prepare)
    assert contents(city.dsn()) == before


@pytest.mark.parametrize("content", [b"", b"not a backup", b"PGDMP"])
def test_what_is_no_backup_is_refused(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(Unavailable):
        check(path)


def test_a_dump_of_another_database_is_refused(city, tmp_path):
    made = tmp_path / "other.dump"
    with pytest.raises(Unavailable, match="holds no city"):
        save(city.dsn("template1"), made)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_preparation_leaves_the_present_city(city, store, tmp_path):
    made = save(city.dsn(), tmp_path / "city.dump")
    before = contents(city.dsn())

    def fail(dsn: str) -> None:
        raise Unavailable("the disk is full")

    with pytest.raises(Unavailable, match="disk is full"):
        restore(city, made.path, fail)
    assert contents(city.dsn()) == before
    with psycopg.connect(city.dsn("postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'gis\\_%'").fetchone() == (0,)
