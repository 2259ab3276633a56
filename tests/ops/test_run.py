"""The whole city as processes: started, killed in every part, started again, stopped without a trace."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from config.settings import ROOT
from gisserver.exit_codes import ExitCode
from gisserver.ops.city_cluster import read_cluster
from gisserver.ops.processes import processes_in, processes_of_run
from gisserver.ops.readiness import is_ready, wait_ready

pytestmark = pytest.mark.slow
START_S = 60


@dataclass
class City:
    """A folder and a port where `gis up` runs."""

    var: Path
    port: int
    process: subprocess.Popen[str] | None = None

    def environment(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith("GIS_")}
        return given | {"GIS_VAR": str(self.var), "GIS_PORT": str(self.port), "GIS_PROCESSES": "2", "LC_ALL": "C.UTF-8",
                        "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}

    def start(self) -> None:
        self.forget()
        # Tests that a script runs in its background are told to ignore Ctrl-C, and would hand that down.
        self.process = subprocess.Popen([sys.executable, "-m", "gisserver.cli", "up", "--empty"], env=self.environment(), text=True,
                                        cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def forget(self) -> None:
        if self.process:
            self.process.stdout.close()

    def until_told_ready(self) -> str:
        """Read what the command says until it says that the city is ready."""
        told = ""
        for line in self.process.stdout:
            told += line
            if "Ctrl-C" in line:
                return told
        raise AssertionError(f"the city did not start:\n{told}")

    def run_id(self) -> str:
        return json.loads((self.var / "run.json").read_text())["run_id"]

    def servers(self) -> list[int]:
        return [pid for pid in processes_of_run(self.run_id()) if b"\0serve\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        told = self.process.communicate(timeout=40)[0]
        return self.process.returncode, told


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    city = City(tmp_path_factory.mktemp("run") / "a city", port)
    yield city
    if city.process and city.process.poll() is None:
        city.end()
    city.forget()
    if cluster := read_cluster(city.var):
        cluster.remove()


@pytest.fixture
def running(city):
    if city.process is None or city.process.poll() is not None:
        city.start()
        city.until_told_ready()
    return city


@pytest.fixture
def stopped(city):
    if city.process and city.process.poll() is None:
        city.end()
    return city


def eventually(holds, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_the_first_start_prints_passwords_and_the_second_does_not(stopped):
    stopped.start()
    first = stopped.until_told_ready()
    assert is_ready("127.0.0.1", stopped.port)
    assert f"http://127.0.0.1:{stopped.port}/" in first
    assert re.search(r"^\s+admin\s+\S{12,}", first, re.M)
    assert stopped.end(signal.SIGINT)[0] == ExitCode.OK

    started = time.monotonic()
    stopped.start()
    again = stopped.until_told_ready()
    # on a machine that has nothing else to do; a busy one gets the time its load takes
    assert time.monotonic() - started < 15 * max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert "passwords are shown" not in again
    assert "admin" in again


def test_a_second_run_says_so(running):
    second = subprocess.run([sys.executable, "-m", "gisserver.cli", "up"], env=running.environment(), text=True, capture_output=True,
                            check=False, timeout=30)
    assert second.returncode == ExitCode.ALREADY_RUNNING
    assert str(running.port) in second.stderr
    assert is_ready("127.0.0.1", running.port)


@pytest.mark.parametrize("which", range(2))
def test_a_killed_server_comes_back_and_others_go_on(running, which):
    servers = sorted(running.servers())
    assert len(servers) == 2
    os.kill(servers[which], signal.SIGKILL)
    answers = [is_ready("127.0.0.1", running.port) for _ in range(20)]
    assert all(answers)
    assert eventually(lambda: len(running.servers()) == 2)
    assert servers[which] not in running.servers()


def test_a_killed_database_comes_back(running):
    cluster = read_cluster(running.var)
    os.kill(int((cluster.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    assert eventually(cluster.answers)
    assert eventually(lambda: is_ready("127.0.0.1", running.port))


def test_a_killed_backend_is_survived(running):
    cluster = read_cluster(running.var)
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert eventually(cluster.answers)
    assert eventually(lambda: is_ready("127.0.0.1", running.port))


def test_what_a_killed_supervisor_left_is_cleaned_up(running):
    old_run, old_servers = running.run_id(), running.servers()
    cluster = read_cluster(running.var)
    old_postmaster = (cluster.data / "postmaster.pid").read_text().split()[0]
    running.process.kill()
    running.process.communicate()
    assert is_ready("127.0.0.1", running.port), "the orphans still serve, so the next run has something to clean up"

    running.start()
    told = running.until_told_ready()
    assert "killed" in told
    assert processes_of_run(old_run) == []
    assert not set(old_servers) & set(running.servers())
    assert (cluster.data / "postmaster.pid").read_text().split()[0] != old_postmaster


def test_all_parts_killed_at_once(running):
    cluster = read_cluster(running.var)
    for pid in [running.process.pid, *processes_of_run(running.run_id()), *processes_in(cluster.data, "postgres")]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    running.process.communicate()
    running.start()
    running.until_told_ready()
    assert wait_ready("127.0.0.1", running.port, START_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopping_leaves_nothing(running, number):
    cluster, run_id = read_cluster(running.var), running.run_id()
    sleeper = psycopg.connect(cluster.dsn())
    code, told = running.end(number)
    sleeper.close()
    assert code == ExitCode.OK
    assert "Stopped." in told
    assert processes_of_run(run_id) == []
    assert processes_in(cluster.data, "postgres") == []
    assert not (running.var / "run.json").exists()


def test_a_taken_port_is_told_and_nothing_is_left(stopped):
    cluster = read_cluster(stopped.var)
    with socket.create_server(("127.0.0.1", stopped.port)):
        stopped.start()
        told = stopped.process.communicate(timeout=40)[0]
    assert stopped.process.returncode == ExitCode.UNAVAILABLE
    assert "GIS_PORT" in told
    assert processes_in(cluster.data, "postgres") == []


def test_an_interrupted_demo_city_is_made_anew(stopped):
    """Nobody was served before the demo city was whole, so all that is in the database is its torso."""
    cluster = read_cluster(stopped.var)
    cluster.start()
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE public.torso ()")
    cluster.stop()
    (stopped.var / "city.json").write_text('{"demo": "loading"}')
    stopped.start()
    told = stopped.until_told_ready()
    assert "made anew" in told
    assert "passwords are shown" in told
    with psycopg.connect(cluster.dsn()) as connection:
        assert connection.execute("SELECT to_regclass('public.torso')").fetchone() == (None,)
    assert json.loads((stopped.var / "city.json").read_text())["demo"] == "none"


def test_the_database_alone_may_run_before_and_stays(stopped):
    cluster = read_cluster(stopped.var)
    cluster.start()
    stopped.start()
    stopped.until_told_ready()
    stopped.end()
    assert cluster.answers()
    assert cluster.stop()
