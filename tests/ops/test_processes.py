"""Processes are known by more than their number, and ended with all their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from gisserver.ops.processes import end_processes, mark_of, processes_in, processes_of_run

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = ("import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], "
          "start_new_session=True); print(p.pid, flush=True); time.sleep(60)")


@pytest.fixture
def spawn():
    started = []

    def start(code: str, **arguments) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **arguments)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_mark_is_one_process_and_no_other(spawn):
    process = spawn("import time; time.sleep(60)")
    mark = mark_of(process.pid)
    assert mark.lives()
    assert not replace(mark, born=mark.born - 1).lives()
    assert not replace(mark, boot="another").lives()
    process.kill()
    process.wait()
    assert not mark.lives()
    assert mark_of(process.pid) is None


def test_a_zombie_does_not_live(spawn):
    process = spawn("pass")
    deadline = time.monotonic() + 10
    while mark_of(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert mark_of(process.pid) is None


def test_what_ignores_a_request_is_killed(spawn):
    process = spawn(STUBBORN)
    process.stdout.readline()
    assert end_processes(lambda: [process.pid] if process.poll() is None else [], grace_s=0.2) == 1
    assert process.wait() == -signal.SIGKILL


def test_grandchildren_in_other_sessions_belong_to_the_run(spawn):
    parent = spawn(PARENT, env=os.environ | {"GIS_RUN_ID": "run-a"})
    stranger = spawn("import time; time.sleep(60)", env=os.environ | {"GIS_RUN_ID": "run-ab"})
    grandchild = int(parent.stdout.readline())
    assert set(processes_of_run("run-a")) == {parent.pid, grandchild}
    end_processes(lambda: [pid for pid in processes_of_run("run-a") if mark_of(pid)], grace_s=2)
    assert mark_of(grandchild) is None
    assert stranger.poll() is None


def test_programs_are_known_by_folder_and_name(spawn, tmp_path):
    process = spawn("import time; print('up', flush=True); time.sleep(60)", cwd=tmp_path)
    process.stdout.readline()
    name = os.path.basename(os.path.realpath(f"/proc/{process.pid}/exe"))
    assert processes_in(tmp_path, name) == [process.pid]
    assert processes_in(tmp_path, "postgres") == []
    assert processes_in(tmp_path.parent, name) == []
