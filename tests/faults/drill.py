"""A city under work while its parts are killed: who edits, who imports, who kills, and the ledger that they keep."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from config.settings import ROOT
from gisserver.ops.cluster import Cluster

__all__ = ["City", "Ledger", "edit_until", "import_until", "kill_often"]

TREES = 3
"""Features of one changeset: all of them are there, or none."""
ROWS = 1_500
"""Rows of one imported file."""


@dataclass
class Ledger:
    """What the clients know: what they asked for, and what they were told is done. Kept outside of the city."""

    asked: set[str] = field(default_factory=set)
    acknowledged: dict[str, int] = field(default_factory=dict)
    files_asked: set[str] = field(default_factory=set)
    files_acknowledged: set[str] = field(default_factory=set)
    kills: list[str] = field(default_factory=list)


class City:
    """Server, worker and database as processes of their own, each of which may be killed and comes back."""

    def __init__(self, cluster: Cluster, dsn: str, folder: Path) -> None:
        self.cluster, self.dsn, self.folder = cluster, dsn, folder
        with socket.socket() as some:
            some.bind(("127.0.0.1", 0))
            self.port = some.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("GIS_")} | {
            "GIS_DATABASE_URL": dsn, "GIS_VAR": str(folder), "GIS_PORT": str(self.port), "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
        self._parts: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start what does not live, and wait until the city answers."""
        deadline = time.monotonic() + 90
        # A postmaster that is killed leaves backends that end by themselves; until then nobody may start another.
        while True:
            try:
                self.cluster.start()
                break
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
        for name in ("serve", "work"):
            if name not in self._parts or self._parts[name].poll() is not None:
                with (self.folder / f"{name}.log").open("ab") as log:
                    self._parts[name] = subprocess.Popen([sys.executable, "-m", "gisserver.cli", name], env=self.environment,
                                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz", timeout=3).status_code == 200:
                    return
            if self._parts["serve"].poll() is not None:
                raise AssertionError((self.folder / "serve.log").read_text(errors="replace")[-3000:])
            time.sleep(0.1)
        raise AssertionError("the city did not come back")

    def kill(self, part: str, rng: random.Random) -> None:
        """Kill a part as bad luck does: the server, the worker, one backend of the database, or the whole of it."""
        if part in self._parts:
            self._kill_group(self._parts[part])
            return
        pids = self._backends() if part == "backend" else []
        head = int((self.cluster.data / "postmaster.pid").read_text().split()[0])
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(pids) if pids else head, signal.SIGKILL)

    def stop(self) -> None:
        """End server and worker; the database is its owner's to end."""
        for process in self._parts.values():
            self._kill_group(process)

    def _backends(self) -> list[int]:
        try:
            with psycopg.connect(self.dsn, connect_timeout=3) as connection:
                return [pid for (pid,) in connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")]
        except psycopg.Error:
            return []

    @staticmethod
    def _kill_group(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def edit_until(ended: threading.Event, city: City, key: str, ledger: Ledger, number: int) -> None:
    """Post changesets of TREES new features each; what is answered goes into the ledger."""
    rng = random.Random(number)
    with httpx.Client(base_url=city.url, timeout=20, headers={"Authorization": f"Bearer {key}"}) as client:
        for count in range(10**6):
            if ended.is_set():
                return
            name = f"edit {number}-{count}"
            lon, lat = 116.3 + rng.random() / 10, 39.9 + rng.random() / 10
            edits: list[dict[str, Any]] = [
                {"op": "create", "layer": "facility", "properties": {"name": name, "kind": "shelter", "facility_no": f"{name} {i}", "district_code": "119101"},
                 "geometry": {"type": "Point", "coordinates": [lon + i / 1e5, lat]}, "valid_from": "2020"} for i in range(TREES)]
            ledger.asked.add(name)
            try:
                answer = client.post("/api/changesets", json={"edits": edits, "reason": "drill"})
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code in (200, 201):
                ledger.acknowledged[name] = answer.json()["seq"]
            elif answer.status_code < 500:
                raise AssertionError(f"{answer.status_code}: {answer.text[:500]}")
            else:
                time.sleep(0.05)


def import_until(ended: threading.Event, city: City, ledger: Ledger, killed: threading.Event) -> None:
    """Import file after file by the command line; some of the imports are killed too."""
    rng = random.Random(7)
    for count in range(10**6):
        if ended.is_set():
            return
        tag = f"file {count}"
        path = city.folder / f"import-{count}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"name": tag, "kind": "shelter", "facility_no": f"{tag} {n}", "district_code": "119101"},
             "geometry": {"type": "Point", "coordinates": [116.3 + rng.random() / 10, 39.9 + rng.random() / 10]}} for n in range(ROWS)]}))
        ledger.files_asked.add(tag)
        process = subprocess.Popen([sys.executable, "-m", "gisserver.cli", "import", str(path), "--layer", "facility", "--valid-from", "2020"],
                                   env=city.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        while process.poll() is None:
            if killed.is_set():
                killed.clear()
                City._kill_group(process)
                ledger.kills.append("import")
            time.sleep(0.02)
        if process.returncode == 0:
            ledger.files_acknowledged.add(tag)
        path.unlink()


def kill_often(city: City, ledger: Ledger, kills: int, import_killed: threading.Event, seed: int) -> None:
    """Kill parts at random moments until so many died, and bring each back."""
    rng = random.Random(seed)
    parts = ["serve", "work", "backend", "database", "import"]
    while len(ledger.kills) < kills:
        time.sleep(rng.uniform(0.2, 1.5))
        part = rng.choice(parts)
        if part == "import":
            import_killed.set()
            continue
        city.kill(part, rng)
        ledger.kills.append(part)
        city.start()
