"""Programs that end are started again, ever more slowly; stopping takes all of them, in order."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from gisserver.ops.processes import processes_of_run
from gisserver.ops.run_record import AlreadyRunning, Run
from gisserver.ops.saying import Teller
from gisserver.ops.supervisor import Program, Supervisor

SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def run(tmp_path):
    with Run(tmp_path, "http://127.0.0.1:1") as run:
        run.begin()
        yield run


@pytest.fixture
def told():
    return io.StringIO()


@pytest.fixture
def supervisor(run, told):
    supervisor = Supervisor(run, Teller(Console(file=told, width=300), chinese=False))
    yield supervisor
    supervisor.stop()


def spawner(code: str, run: Run):
    return lambda: subprocess.Popen([sys.executable, "-c", code], start_new_session=True, env=run.environment())


def watch_for(supervisor: Supervisor, seconds: float) -> None:
    until = time.monotonic() + seconds
    supervisor.watch(lambda: time.monotonic() < until)


def test_a_killed_program_comes_back(supervisor, run, told):
    first = supervisor.start(Program("The server", "服务", spawner(SLEEP, run)))
    first.kill()
    watch_for(supervisor, 1.5)
    assert [pid for pid in processes_of_run(run.record.run_id) if pid != first.pid]
    assert "The server was killed by SIGKILL" in told.getvalue()


def test_a_program_that_cannot_live_is_tried_ever_more_slowly(supervisor, run, told, tmp_path):
    notes = tmp_path / "starts"
    code = f"open({str(notes)!r}, 'a').write('x'); raise SystemExit(3)"
    supervisor.start(Program("The server", "服务", spawner(code, run)))
    watch_for(supervisor, 4.5)
    starts = len(notes.read_text())
    # at once, then after 0.5, 1, 2 and 4 seconds
    assert 3 <= starts <= 5
    assert "ended with code 3" in told.getvalue()


def test_a_program_that_cannot_be_started_is_told(supervisor, run, told):
    supervisor.start(Program("The server", "服务", spawner(SLEEP, run)))
    missing = Program("The worker", "后台任务", lambda: subprocess.Popen(["/no/such/program"]))
    with pytest.raises(FileNotFoundError):
        supervisor.start(missing)
    watch_for(supervisor, 0.7)
    assert "The worker could not be started" in told.getvalue()


def test_stopping_ends_all_and_the_database_last(run):
    order = []
    supervisor = Supervisor(run, Teller(Console(file=io.StringIO()), chinese=False))

    database = supervisor.start(Program("The database", "数据库", spawner(SLEEP, run),
                                        stop=lambda: (order.append(server.poll() is not None), database.terminate())))
    server = supervisor.start(Program("The server", "服务", spawner(SLEEP, run)))
    supervisor.stop()
    assert order == [True]
    assert database.poll() is not None


def test_end_lets_watch_return(supervisor, run):
    supervisor.start(Program("The server", "服务", spawner(SLEEP, run)))
    watcher = threading.Thread(target=supervisor.watch)
    watcher.start()
    supervisor.end()
    watcher.join(5)
    assert not watcher.is_alive()


def test_one_run_at_a_time(run, tmp_path):
    with pytest.raises(AlreadyRunning, match=r"http://127\.0\.0\.1:1"), Run(tmp_path, "http://127.0.0.1:2"):
        pass
    assert (tmp_path / "run.json").exists()


def test_a_finished_run_leaves_no_record(tmp_path):
    with Run(tmp_path, "") as run:
        run.begin()
    assert not (tmp_path / "run.json").exists()
    with Run(tmp_path, "") as run:
        assert run.left is None


def test_leftovers_of_a_killed_run_are_ended_and_nobody_else(tmp_path):
    program = ("import subprocess, sys, time, os; from pathlib import Path; from gisserver.ops.run_record import Run\n"
               f"run = Run(Path({str(tmp_path)!r}), ''); run.__enter__(); run.begin()\n"
               "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True, stdout=-3, env=run.environment())\n"
               "run.note(p.pid); print(p.pid, flush=True); time.sleep(60)")
    root = Path(__file__).resolve().parents[2]
    killed = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root)
    orphan = int(killed.stdout.readline())
    killed.kill()
    killed.communicate()
    stranger = subprocess.Popen([sys.executable, "-c", SLEEP])
    try:
        with Run(tmp_path, "") as run:
            assert [mark.pid for mark in run.left.processes] == [orphan]
            assert run.end_leftovers() == 1
        assert not Path(f"/proc/{orphan}/cmdline").exists() or not Path(f"/proc/{orphan}/cmdline").read_bytes()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
