"""The life of workers: several share the queue, one is killed, one is told to end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from layers.catalogue import Catalogue
from layers.store import Store
from spatial_models.jobs import Asker, JobFailed, find_job, result_of
from tests.spatial_models.conftest import Workers, children_of, echo, ended, is_alive, make_asker, running, wait_for

IMPATIENT = """
import sys
from gisserver.ogc.job_problems import problem_of
from layers.store import Store
from spatial_models.worker import Worker
if __name__ == "__main__":
    Worker(Store(sys.argv[1]), problem_of=problem_of, lost_s=4).run()
"""


@pytest.fixture(autouse=True)
def calm(store: Store) -> Iterator[None]:
    """No jobs from other tests."""
    yield
    with store.write() as connection:
        connection.execute("DELETE FROM gis.job")


def test_a_job_survives_the_kill_of_its_worker(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers, tmp_path: Path):
    other = make_asker(store, "unlucky")
    with workers() as first:
        again, last = echo(store, catalogue, asker, "again", 4), echo(store, catalogue, other, "last", 20)
        with store.write() as connection:
            connection.execute("UPDATE gis.job SET max_attempts = 1 WHERE job_id = %s", (last.job_id,))
        for who, job in ((asker, again), (other, last)):
            wait_for(store, who, job, lambda j: j.progress > 0)
        left = children_of(first.pid)
        first.send_signal(signal.SIGKILL)
        first.wait()
        deadline = time.monotonic() + 10
        while any(map(is_alive, left)):
            assert time.monotonic() < deadline, "a job's process outlived its worker"
            time.sleep(0.05)
    assert find_job(store, asker, again.job_id).status == "running"   # nobody knows yet
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    with workers(program=str(tmp_path / "impatient.py")):
        found = wait_for(store, asker, again, ended)
        assert (found.status, found.attempt, result_of(store, asker, again.job_id).body) == ("successful", 2, b'"again"')
        assert wait_for(store, other, last, ended).status == "failed"
    with pytest.raises(JobFailed, match="worker was lost while the job ran, at each of 1 attempts") as failed:
        result_of(store, other, last.job_id)
    assert failed.value.problem["type"] == "urn:gis:problem:worker-lost" and "1 次" in failed.value.chinese


def test_two_workers_never_take_one_job_twice(store: Store, catalogue: Catalogue, workers: Workers):
    askers = [make_asker(store, f"crowd{n}") for n in range(4)]
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(workers("--slots", "2"))
        jobs = [(asker, echo(store, catalogue, asker, f"{n}", 0.3)) for n in range(6) for asker in askers]
        done = [wait_for(store, asker, job, ended) for asker, job in jobs]
    assert {(j.status, j.attempt) for j in done} == {("successful", 1)}
    with store.read() as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM gis.job_result), count(*) FROM gis.job").fetchone()
    assert row == (len(jobs), len(jobs))


def test_slots_are_shared_and_a_worker_told_to_end_leaves_nothing_undone(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    other = make_asker(store, "patient")
    with workers("--slots", "2") as worker:
        long, waiting = echo(store, catalogue, asker, "long", 20), echo(store, catalogue, asker, "waiting", 20)
        wait_for(store, asker, long, running)
        # One owner never has all slots, so whoever comes later does not wait for the long one.
        assert wait_for(store, other, echo(store, catalogue, other), ended).status == "successful"
        assert find_job(store, asker, waiting.job_id).status == "accepted"
        short = echo(store, catalogue, other, "short", 2)
        wait_for(store, other, short, running)
        worker.send_signal(signal.SIGTERM)
        after = echo(store, catalogue, other)
        assert worker.wait(9) == 0
    assert find_job(store, other, short.job_id).status == "successful"      # it had time to finish
    given_back = find_job(store, asker, long.job_id)
    assert (given_back.status, given_back.attempt) == ("accepted", 0)       # as if it had not begun
    assert find_job(store, other, after.job_id).status == "accepted"        # nothing new was begun
