"""Imports that are disturbed, killed, large or mostly wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import geopandas
import pytest
import shapely

from layers.access import Audience
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import Conflict
from layers.ingest import ImportPlan, ingest
from layers.layer import parse_layer
from layers.mapping import ImportMapping
from layers.plan import register
from layers.sources import open_source
from layers.staging import Batch
from tests.data.import_town import HOUSE, TITLE, houses, load, staged, told


@pytest.fixture
def city(town: Catalogue) -> Catalogue:
    return town


def test_somebody_elses_edit_meanwhile_is_a_conflict(city: Catalogue, tmp_path: Path, owner: Audience) -> None:
    load(city, houses(tmp_path, {"no": "a", "storeys": 1}), valid_from="2013")
    fid = told(city, "fid")[0][0]
    done: list[str] = []

    def meanwhile(step: str, count: int, of: int | None) -> None:
        if step == "write" and not done:
            done.append(step)
            apply_changeset(city.store, city, owner, Changeset([Edit("house", "put", fid, properties={"note": "mine"}, partial=True, valid_from="2013")], "x"))

    path = houses(tmp_path, {"no": "a", "storeys": 2})
    with pytest.raises(Conflict):
        ingest(city.store, city, open_source(path), city.layer("house"), ImportPlan(ImportMapping(valid_from="2014"), "tester"), meanwhile)
    assert told(city, "storeys, note") == [(1, "mine")] and staged(city) == 0


def test_a_definition_that_changes_meanwhile_is_read_again(city: Catalogue, tmp_path: Path) -> None:
    """The file has a column that the definition gets while it is read: it is not left out, as by the definition that was read before."""
    path, seen = houses(tmp_path, {"no": "a", "storeys": 1, "owner": "the city"}), list[str]()

    def meanwhile(step: str, count: int, of: int | None) -> None:
        if step == "write" and "write" not in seen:
            fields = [*HOUSE["fields"], {"name": "owner", "type": "string", "title": TITLE}]
            register(city.store, parse_layer({**HOUSE, "fields": fields}))
        seen.append(step)

    layer = city.layer("house")
    report = ingest(city.store, city, open_source(path), layer, ImportPlan(ImportMapping(valid_from="2014"), "tester"), meanwhile)
    assert seen.count("write") == 2 and "owner" not in layer.by_name
    assert report.new == 1 and told(city, "no, storeys, owner") == [("a", 1, "the city")] and staged(city) == 0


def test_the_report_gives_the_first_faults_and_counts_the_rest(city: Catalogue, tmp_path: Path) -> None:
    path = houses(tmp_path, *({"no": f"{i:03d}", "storeys": 500} for i in range(50)))
    report = load(city, path, examples=5)
    assert report.reasons["maximum", "storeys"] == 50 and report.rejected == 50 and [f.row for f in report.faults] == [1, 2, 3, 4, 5]
    report.write_faults(tmp_path / "faults.csv")
    assert (tmp_path / "faults.csv").read_text("utf-8-sig").splitlines()[1].startswith("1,storeys,maximum,'storeys' must be at most 100")


def test_many_rows_stay_within_memory_and_one_changeset(city: Catalogue, tmp_path: Path) -> None:
    count = 45_000
    places = geopandas.GeoDataFrame({"no": [f"n{i}" for i in range(count)], "storeys": [i % 90 for i in range(count)]},
                                    geometry=[shapely.box(x := 116.21 + (i % 300) * 0.001, y := 39.81 + (i // 300) * 0.001, x + 0.0005, y + 0.0005)
                                              for i in range(count)], crs=4326)
    path = tmp_path / "many.parquet"
    places.to_parquet(path)
    seen: list[int] = []
    source = open_source(path)
    report = ingest(city.store, city, source, city.layer("house"), ImportPlan(ImportMapping(), "tester"),
                    lambda step, done, of: seen.append(done) if step == "read" else None)
    assert (report.new, report.seq) == (count, 1) and seen == [20_000, 40_000, count] and source.count == count
    with city.store.read() as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT fid), count(DISTINCT seq_from) FROM city.house").fetchone() == (count, count, 1)


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from layers.catalogue import Catalogue
    from layers.ingest import ImportPlan, ingest
    from layers.mapping import ImportMapping
    from layers.sources import open_source
    from layers.store import Store
    store = Store(sys.argv[1])
    city = Catalogue(store)
    def progress(step, done, of):
        if step == sys.argv[3]:
            print("now", flush=True)
            if step != "write":
                os.kill(os.getpid(), signal.SIGKILL)
    ingest(store, city, open_source(Path(sys.argv[2])), city.layer("house"), ImportPlan(ImportMapping(), "killed"), progress)
    print("done", flush=True)
"""


@pytest.mark.parametrize("step", ["read", "compare", "check", "write"])
def test_a_killed_import_leaves_nothing(city: Catalogue, tmp_path: Path, step: str) -> None:
    path = houses(tmp_path, *({"no": f"n{i}"} for i in range(40)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIS_")}
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), city.store.dsn, str(path), step], stdout=subprocess.PIPE, text=True,
                          cwd=Path(__file__).parents[2], env=environment | {"PYTHONPATH": "."}) as process:
        assert process.stdout is not None and process.stdout.readline() == "now\n"
        if step == "write":
            process.send_signal(signal.SIGKILL)
        process.wait(30)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        # The server needs a moment to notice; then either all is there, or nothing.
        with city.store.read() as connection:
            (busy,) = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                                         "AND backend_type = 'client backend' AND state <> 'idle'").fetchone()
        if not busy:
            break
        time.sleep(0.05)
    with city.store.read() as connection:
        seqs, rows = connection.execute("SELECT (SELECT count(*) FROM gis.changeset), (SELECT count(*) FROM city.house)").fetchone()
    assert (seqs, rows) in ([(0, 0), (1, 40)] if step == "write" else [(0, 0)])
    assert Batch.sweep(city.store) == (40 if seqs == 0 else 0)
    assert staged(city) == 0
    assert load(city, path).seq == (1 if seqs == 0 else None)
