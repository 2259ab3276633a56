"""Looks over machine, cluster and database, and says what is amiss and what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.settings import ROOT, Settings
from gisserver.ops.city_cluster import read_cluster
from gisserver.ops.database import city_dsn, city_store
from gisserver.ops.machine import missing_packages
from gisserver.ops.readiness import is_ready
from gisserver.tile_disk import tile_disk
from layers.errors import StoreError
from layers.migrate import is_migrated

__all__ = ["Finding", "examine"]

SQL = Path(__file__).parent / "sql"
LEAST_FREE = 2 * 1024**3
STRAY_CLUSTERS = Path("/var/lib")


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `detail` says what was seen, or what to do."""

    what: str
    is_well: bool
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield findings, from the ground up: machine, folder, cluster, database, service. Changes nothing."""
    yield from _machine()
    yield from _strays()
    yield from _folder(settings)
    yield from _database(settings)
    yield from _tiles(settings)
    yield from _service(settings)


def _machine() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 12), version)
    for missing in missing_packages():
        yield Finding("package", not missing.required, f"{missing.package} is missing ({missing.purpose}): apt-get install {missing.package}")
    yield Finding("web client", (ROOT / "web" / "dist" / "index.html").exists(), "web/dist; ./run builds it")


def _folder(settings: Settings) -> Iterator[Finding]:
    var = settings.var
    if not var.is_dir():
        yield Finding("folder", True, f"{var} is not made yet; ./run makes it")
        return
    yield Finding("folder", os.access(var, os.W_OK), str(var) if os.access(var, os.W_OK) else f"{var} belongs to another account")
    free = shutil.disk_usage(var).free
    yield Finding("disk", free > LEAST_FREE, f"{free / 1024**3:.1f} GiB free")


def _strays() -> Iterator[Finding]:
    for home in sorted(STRAY_CLUSTERS.glob("gis-*/city-folder")):
        owner = Path(home.read_text().strip())
        try:
            cluster = read_cluster(owner)
        except StoreError:
            continue  # it has an owner, if not this account
        if cluster is None or Path(cluster.place.home) != home.parent:
            yield Finding("stray cluster", False, f"{home.parent} belonged to {owner}, which is gone; delete it if it is not needed")


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None:
        cluster = read_cluster(settings.var)
        if cluster is None:
            yield Finding("cluster", True, "not made yet; ./run makes it")
            return
        if not cluster.answers():
            yield Finding("cluster", not cluster.running(), f"{cluster.data} is down; ./run or 'gis cluster start' starts it")
            return
        yield Finding("cluster", True, cluster.dsn())
    try:
        with city_store(settings, max_connections=1) as store:
            migrated = is_migrated(store)
            yield Finding("schema", migrated, "up to date" if migrated else "run 'gis migrate'")
            with store.read() as connection:
                texts = ["health.sql", *(["capabilities.sql"] if migrated else [])]
                for text in texts:
                    for what, is_well, detail in connection.execute((SQL / text).read_bytes()):
                        yield Finding(what, is_well, detail or "")
    except StoreError as error:
        yield Finding("database", False, str(error))


def _tiles(settings: Settings) -> Iterator[Finding]:
    try:
        disk = tile_disk(settings, city_dsn(settings))
    except StoreError:
        return
    if disk is None:
        yield Finding("tiles on disk", True, "turned off (GIS_TILE_CACHE_MB=0)")
        return
    found = disk.look()
    if found is None:
        yield Finding("tiles on disk", True, f"none yet; up to {settings.tile_cache_mb:,} MB under {disk.path.parent}")
    elif found["trouble"]:
        yield Finding("tiles on disk", False, f"{disk.path} cannot be read ({found['trouble']}); the service begins it anew, or delete it")
    else:
        yield Finding("tiles on disk", True, f"{found['tiles']:,} tiles, {found['bytes'] / 2**20:,.0f} of {settings.tile_cache_mb:,} MB, "
                                             f"as of changeset {found['seq']}")


def _service(settings: Settings) -> Iterator[Finding]:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.bind, settings.bind)
    ready = is_ready(host, settings.port)
    yield Finding("service", True, f"{settings.public_url} {'is ready' if ready else 'is not running'}")
