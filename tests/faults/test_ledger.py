"""Parts of a working city are killed at random: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from gisserver.identity import ROLES
from gisserver.ops.city_cluster import make_cluster
from gisserver.ops.preparation import prepare_store
from layers.accounts import create_account
from layers.audit import Actor, verify
from layers.catalogue import Catalogue
from layers.keys import create_key
from layers.roles import read_roles
from layers.staging import Batch
from layers.store import Store
from tests.faults.drill import ROWS, TREES, City, Ledger, edit_until, import_until, kill_often

PASSWORD = "Many Kills, no Loss 9"


@pytest.fixture
def drilled(tmp_path: Path) -> Iterator[tuple[City, Store, str]]:
    """A city on a durable cluster of its own, and the key of an editor."""
    var = Path(os.environ.get("GIS_VAR", ROOT / "var")).absolute() / f"drill-{os.getpid()}"
    cluster = make_cluster(var)
    cluster.start()
    cluster.ensure_database()
    store = Store(cluster.dsn())
    city = City(cluster, cluster.dsn(), tmp_path)
    try:
        prepare_store(store, ROOT / "config" / "city.yaml")
        roles = read_roles(ROLES, Catalogue(store).layers)
        account = create_account(store, roles, Actor("test"), "drill", PASSWORD, ["editor"])
        key, _ = create_key(store, Actor(account.username, account.account_id), account.account_id, "drill", None, 30, True)
        city.start()
        yield city, store, key
    finally:
        city.stop()
        store.close()
        cluster.remove()
        var.rmdir()


def drill(city: City, key: str, kills: int, seed: int) -> Ledger:
    ledger, ended, import_killed = Ledger(), threading.Event(), threading.Event()
    with ThreadPoolExecutor(4) as threads:
        work = [threads.submit(edit_until, ended, city, key, ledger, n) for n in (1, 2)]
        work.append(threads.submit(import_until, ended, city, ledger, import_killed))
        try:
            kill_often(city, ledger, kills, import_killed, seed)
        finally:
            ended.set()
        for done in work:
            done.result()
    city.start()
    return ledger


def check(store: Store, ledger: Ledger) -> None:
    def one(statement: str, *values: Any) -> Any:
        with store.connect() as connection:
            return connection.execute(statement, values or None).fetchall()

    present = dict(one("SELECT name, count(*) FROM city.facility GROUP BY name"))
    assert ledger.acknowledged, "the drill must have done something"
    lost = [name for name in ledger.acknowledged if present.get(name) != TREES]
    assert not lost, f"acknowledged and lost: {lost[:5]}"
    lost_files = [tag for tag in ledger.files_acknowledged if present.get(tag) != ROWS]
    assert not lost_files, f"imported and lost: {lost_files}"
    half = {name: n for name, n in present.items() if n not in (TREES if name.startswith("edit") else ROWS,)}
    assert not half, f"half there: {half}"
    assert set(present) <= ledger.asked | ledger.files_asked
    # The number an answer gave is the number the feature carries.
    assert dict(one("SELECT DISTINCT name, seq_from FROM city.facility WHERE name LIKE 'edit %%'")).items() >= ledger.acknowledged.items()
    count, newest = one("SELECT count(*), max(seq) FROM gis.changeset")[0]
    assert count == newest, "numbers have gaps"
    assert one("SELECT c.seq FROM gis.changeset c LEFT JOIN gis.changeset_layer l USING (seq) WHERE l.seq IS NULL") == []
    assert one("SELECT name FROM city.facility EXCEPT SELECT label FROM gis.search_entry WHERE layer = 'facility'") == []
    assert one("SELECT fid FROM city.facility GROUP BY fid HAVING count(*) > 1") == []
    Batch.sweep(store)
    assert one("SELECT count(*) FROM city_stage.facility") == [(0,)]
    verify(store)


@pytest.mark.slow
def test_what_was_acknowledged_survives_eight_kills(drilled: tuple[City, Store, str]) -> None:
    city, store, key = drilled
    check(store, drill(city, key, kills=8, seed=20261122))


@pytest.mark.load
@pytest.mark.timeout(1800)
def test_what_was_acknowledged_survives_fifty_kills(drilled: tuple[City, Store, str]) -> None:
    city, store, key = drilled
    ledger = drill(city, key, kills=50, seed=50)
    check(store, ledger)
    sys.stdout.write(f"{len(ledger.kills)} kills; {len(ledger.acknowledged)} of {len(ledger.asked)} changesets and "
                     f"{len(ledger.files_acknowledged)} of {len(ledger.files_asked)} imports were acknowledged, and are there\n")
