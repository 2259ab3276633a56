"""A small town worked out by hand, people who ask, and real worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from config.settings import ROOT
from layers.access import Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.crs import transformer
from layers.staging import Batch
from layers.store import Store
from layers.values import encode_geometry
from spatial_models.jobs import Asker, Job, find_job, submit

# South-western corner of the town in the projected system, metres
EAST, NORTH = 448_000.0, 4_420_000.0
PROJECTED, STORED = 4548, 4490

Put = Callable[..., list[int]]
Workers = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]


def at(x: float, y: float, width: float = 10, height: float = 10) -> BaseGeometry:
    """Return a rectangle of the town, metres from its corner, in the projected system."""
    return shapely.box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + height)


def moved(geometry: BaseGeometry, source: int, target: int) -> BaseGeometry:
    return shapely.transform(geometry, transformer(source, target).transform, interleaved=False)


def lonlat(geometry: BaseGeometry) -> dict[str, Any]:
    """Return a geometry of the town as GeoJSON in CRS84."""
    found: dict[str, Any] = orjson.loads(shapely.to_geojson(moved(geometry, PROJECTED, 4326)))
    return found


def put_features(store: Store, layer_id: str, rows: list[dict[str, Any]]) -> list[int]:
    """Write features; each row has 'geometry' (projected), 'span' (a tstzrange as text), maybe 'fid', and fields."""
    layer = Catalogue(store).layer(layer_id)
    names = [f.name for f in layer.fields if any(f.name in row for row in rows)]
    with Batch(store) as batch:
        first = batch.reserve_fids(len(rows))
        fids = [row.get("fid", first + n) for n, row in enumerate(rows)]
        spatial = ["geom"] if layer.geometry else []
        batch.copy(layer, [*spatial, *names], (
            (n, "n", fids[n], row.get("span", "[2000-01-01T00:00Z,)"), "d", "d", None,
             *([encode_geometry(layer, moved(row["geometry"], PROJECTED, STORED), None, STORED)] if spatial else []),
             *(row.get(name) for name in names)) for n, row in enumerate(rows)))
        batch.apply("town", "a town worked out by hand", "import")
    return fids


def building(geometry: BaseGeometry, **fields: Any) -> dict[str, Any]:
    return {"geometry": geometry, "status": "in_use", "use": "residential", "district_code": "110101", **fields}


def make_account(store: Store, username: str) -> int:
    with store.write() as connection:
        row = connection.execute("INSERT INTO gis.account (username, display_name, password_hash, roles) "
                                 "VALUES (%s, %s, '-', '{planner}') RETURNING account_id", (username, username)).fetchone()
    assert row is not None
    return row[0]


def make_asker(store: Store, username: str, capabilities: tuple[str, ...] = ("run_jobs",), grants: list[LayerGrant] | None = None) -> Asker:
    layers = Catalogue(store).layers
    given = grants if grants is not None else [LayerGrant(i) for i in layers]
    return Asker(make_account(store, username), username, ensure_audience(store, layers, given, capabilities))


@pytest.fixture(scope="module")
def put(store: Store) -> Put:
    return lambda layer_id, rows: put_features(store, layer_id, rows)


@pytest.fixture(scope="module")
def asker(store: Store) -> Asker:
    """Somebody who may read all and run processes."""
    return make_asker(store, "planner")


@pytest.fixture(scope="module")
def audience(asker: Asker) -> Audience:
    return asker.audience


@contextmanager
def worker_process(store: Store, folder: Path, *arguments: str, program: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker over a store, ended at the end: `gis work`, or a program in the folder that is given the store's address."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("GIS_")}
    settings = {"GIS_DATABASE_URL": store.dsn, "GIS_VAR": str(folder), "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTHONSAFEPATH": "1"}
    command = ["-m", "gisserver.cli", "work", *arguments] if program is None else [program, store.dsn]
    with (folder / "worker.log").open("ab") as out:
        process = subprocess.Popen([sys.executable, *command], env=given | settings, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def workers(store: Store, tmp_path: Path) -> Workers:
    """`with workers(…)`: a real worker over the module's store."""
    return lambda *arguments, **more: worker_process(store, tmp_path, *arguments, **more)


def echo(store: Store, catalogue: Catalogue, asker: Asker, message: str = "a", pause: float = 0) -> Job:
    """Ask for an echo later."""
    return submit(store, catalogue, asker, "echo", {"message": message, "pause": pause})


def children_of(pid: int) -> set[int]:
    """Return the processes that a process started, by their parents, all the way down."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return found - {pid}


def is_alive(pid: int) -> bool:
    """Is there a process of this number that has not ended?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(store: Store, asker: Asker, job: Job, until: Callable[[Job], bool], timeout_s: float = 90) -> Job:
    """Return the job as soon as it is as it shall be."""
    deadline = time.monotonic() + timeout_s
    while not until(found := find_job(store, asker, job.job_id)):
        if time.monotonic() > deadline:
            pytest.fail(f"the job did not get there: {found}")
        time.sleep(0.05)
    return found


def ended(job: Job) -> bool:
    return not job.is_open


def running(job: Job) -> bool:
    return job.status == "running"
