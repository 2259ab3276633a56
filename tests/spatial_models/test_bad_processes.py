"""Processes that take all memory, crash, never end or have a bug: each harms itself alone, and its asker is told why."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from layers.catalogue import Catalogue
from layers.store import Store
from spatial_models.jobs import Asker, Job, JobFailed, dismiss, find_job, result_of, submit
from spatial_models.registry import PROCESSES
from tests.spatial_models.conftest import ended, running, wait_for, worker_process

PROCESS = '''
"""A process that behaves badly in the way it is asked to."""
import os, re, signal, time
from typing import Literal
from spatial_models.process import Inputs, Output, Process, Value, given
from spatial_models.registry import PROCESSES
from spatial_models.words import Words

NAME = Words("Bad", "坏")

class BadInputs(Inputs):
    way: Literal["memory", "crash", "bug", "spin", "sleep"] = given(NAME, NAME)

def run(task, inputs):
    if inputs.way == "memory":
        return Value(len(b"x" * 2**31))
    if inputs.way == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if inputs.way == "bug":
        return Value(1 / 0)
    if inputs.way == "spin":
        re.match("(a+)+$", "a" * 60 + "b")   # for years, and never lets another thread of the process run
    time.sleep(600)

PROCESSES["bad"] = Process(id="bad", title=NAME, description=NAME, inputs=BadInputs, output=Output("bad", NAME, NAME, {}), run=run, time_limit_s=4, attempts=2)
'''
PROGRAM = '''
import sys
import bad
from gisserver.ogc.job_problems import problem_of
from layers.store import Store
from spatial_models.worker import Worker
if __name__ == "__main__":
    Worker(Store(sys.argv[1]), slots=3, problem_of=problem_of, preload=("bad",), memory_mb=1000).run()
'''


@pytest.fixture(scope="module")
def worker(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "bad.py").write_text(PROCESS, "utf-8")
    (folder / "program.py").write_text(PROGRAM, "utf-8")
    spec = importlib.util.spec_from_file_location("bad", folder / "bad.py")
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    with worker_process(store, folder, program=str(folder / "program.py")) as process:
        yield folder
        assert process.poll() is None, "the worker itself ended"
    PROCESSES.pop("bad")


def ask(store: Store, catalogue: Catalogue, asker: Asker, way: str) -> Job:
    return submit(store, catalogue, asker, "bad", {"way": way})


@pytest.mark.parametrize(("way", "kind", "says", "attempts"), [
    ("memory", "invalid-parameter", "more than 1000 MB of memory", 1), ("crash", "process-died", "SIGSEGV", 2),
    ("bug", "internal", "made a mistake", 1), ("sleep", "time-limit", "longer than 4 s", 1)])
def test_the_asker_is_told(store: Store, catalogue: Catalogue, asker: Asker, worker: Path, way, kind, says, attempts):
    job = ask(store, catalogue, asker, way)
    found = wait_for(store, asker, job, ended, 60)
    assert (found.status, found.attempt) == ("failed", attempts)
    with pytest.raises(JobFailed, match=says) as failed:
        result_of(store, asker, job.job_id)
    problem = failed.value.problem
    assert problem["type"].rpartition(":")[2] == kind and problem["detail"]["zh"] and problem["title"]["zh"]
    assert "ZeroDivision" not in str(problem) and ("ZeroDivisionError" in (worker / "worker.log").read_text() or way != "bug")


def test_what_never_listens_is_cancelled_all_the_same(store: Store, catalogue: Catalogue, asker: Asker, worker: Path):
    job = ask(store, catalogue, asker, "spin")
    wait_for(store, asker, job, running)
    time.sleep(1)
    dismiss(store, asker, job.job_id)
    begun, log = time.monotonic(), worker / "worker.log"
    after = submit(store, catalogue, asker, "echo", {"message": "after"})
    assert wait_for(store, asker, after, ended).status == "successful"
    assert time.monotonic() - begun < 10
    assert find_job(store, asker, job.job_id).status == "dismissed"
    assert "Traceback" not in log.read_text().replace("Traceback (most recent call last):", "", 1)


def test_a_lost_connection_is_made_again(store: Store, catalogue: Catalogue, asker: Asker, worker: Path):
    job = submit(store, catalogue, asker, "echo", {"message": "through", "pause": 3})
    wait_for(store, asker, job, running)
    with store.write() as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    store = Store(store.dsn)   # the connections of the other one were ended as well
    found = wait_for(store, asker, job, ended, 40)
    assert found.status == "successful" and result_of(store, asker, job.job_id).body == b'"through"'
    store.close()
