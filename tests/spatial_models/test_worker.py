"""A worker at work: it finishes, tells how far it is, lets go at once, tries again, and clears up."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import orjson
import psycopg
import pytest

from layers.catalogue import Catalogue
from layers.store import Store
from spatial_models.jobs import Asker, JobFailed, ResultNotReady, dismiss, find_job, result_of, submit
from tests.spatial_models.conftest import (
    Put,
    at,
    building,
    children_of,
    echo,
    ended,
    is_alive,
    lonlat,
    make_asker,
    running,
    wait_for,
    worker_process,
)

Process = subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def worker(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with worker_process(store, tmp_path_factory.mktemp("worker"), "--slots", "3") as process:
        yield process


@pytest.fixture(autouse=True)
def calm(store: Store) -> Iterator[None]:
    """No jobs from other tests."""
    yield
    with store.write() as connection:
        connection.execute("DELETE FROM gis.job")



def test_a_job_is_done_and_tells_how_far_it_is(store: Store, catalogue: Catalogue, asker: Asker, worker: Process):
    job = echo(store, catalogue, asker, "你好", pause=3)
    with psycopg.connect(store.dsn, autocommit=True) as listening:
        listening.execute("LISTEN gis_job")
        percents: list[int] = []
        begun = wait_for(store, asker, job, running)
        assert begun.started_at is not None and begun.attempt == 1
        while not ended(found := find_job(store, asker, job.job_id)):
            if found.progress not in percents:
                percents.append(found.progress)
            if found.message:
                assert found.message["en"].startswith("Waiting") and found.message["zh"].startswith("等待")
            time.sleep(0.05)
        told = [n.payload for n in listening.notifies(timeout=0.2)]
    assert len(percents) >= 3 and percents == sorted(percents)
    # told at most each second, however often the process tells
    assert found.finished_at is not None and len(percents) <= (found.finished_at - begun.started_at).total_seconds() + 2
    assert (found.status, found.progress) == ("successful", 100)
    assert found.expires_at is not None and 6 < (found.expires_at - found.finished_at).days < 8
    assert orjson.loads(result_of(store, asker, job.job_id).body) == "你好"
    assert told[-1] == f"{job.job_id} successful" and f"{job.job_id} running" in told


def test_a_failed_job_keeps_its_problem_in_both_languages(store: Store, catalogue: Catalogue, asker: Asker, worker: Process, put: Put):
    put("building", [building(at(0, 0), floors_above=9)])
    job = submit(store, catalogue, asker, "area-statistics", {"layer": "building", "area": lonlat(at(-5, -5, 20, 20)), "filter": "floors_above ^ 999 > 1"})
    found = wait_for(store, asker, job, ended)
    assert found.status == "failed" and found.expires_at is not None
    with pytest.raises(JobFailed, match="cannot be computed") as failed:
        result_of(store, asker, job.job_id)
    problem = failed.value.problem
    assert (problem["type"], problem["status"], problem["parameter"]) == ("urn:gis:problem:invalid-filter", 400, "filter")
    assert problem["title"] == {"en": "The filter is wrong", "zh": "过滤条件有误"} and problem["detail"]["zh"].startswith("参数“filter”")


def test_a_running_job_is_cancelled_within_two_seconds(store: Store, catalogue: Catalogue, asker: Asker, worker: Process):
    job = echo(store, catalogue, asker, pause=20)
    wait_for(store, asker, job, running)
    wait_for(store, asker, job, lambda j: j.progress > 0)
    at_work = children_of(worker.pid)
    begun = time.monotonic()
    assert dismiss(store, asker, job.job_id).status == "dismissed"
    # The forkserver and the resource tracker stay; the job's own process ends.
    while len([pid for pid in at_work if is_alive(pid)]) > len(at_work) - 1:
        assert time.monotonic() - begun < 2
        time.sleep(0.02)
    assert find_job(store, asker, job.job_id).status == "dismissed"
    after = echo(store, catalogue, asker, "next")
    assert wait_for(store, asker, after, ended).status == "successful"
    with pytest.raises(ResultNotReady):
        result_of(store, asker, job.job_id)


def test_a_finished_job_that_is_dismissed_loses_its_result(store: Store, catalogue: Catalogue, asker: Asker, worker: Process):
    job = echo(store, catalogue, asker)
    wait_for(store, asker, job, ended)
    dismiss(store, asker, job.job_id)
    with pytest.raises(ResultNotReady):
        result_of(store, asker, job.job_id)


def test_a_job_whose_own_process_dies_is_begun_again_and_then_fails(store: Store, catalogue: Catalogue, asker: Asker, worker: Process):
    job = echo(store, catalogue, asker, pause=20)
    with store.write() as connection:
        connection.execute("UPDATE gis.job SET max_attempts = 2 WHERE job_id = %s", (job.job_id,))
    for attempt in (1, 2):
        wait_for(store, asker, job, lambda j, attempt=attempt: j.status == "running" and j.attempt == attempt and j.progress > 0)
        # the youngest is the job's own process
        os.kill(max(children_of(worker.pid)), signal.SIGKILL)
    found = wait_for(store, asker, job, ended)
    assert found.status == "failed" and worker.poll() is None
    with pytest.raises(JobFailed, match="SIGKILL"):
        result_of(store, asker, job.job_id)


def test_the_jobs_of_a_disabled_account_end(store: Store, catalogue: Catalogue, worker: Process):
    leaver = make_asker(store, "leaver")
    at_work = echo(store, catalogue, leaver, pause=20)
    wait_for(store, leaver, at_work, running)
    waiting = echo(store, catalogue, leaver, pause=20)
    with store.write() as connection:
        connection.execute("UPDATE gis.account SET disabled_at = now() WHERE account_id = %s", (leaver.account_id,))
    for job in (at_work, waiting):
        assert wait_for(store, leaver, job, ended).error["type"] == "urn:gis:problem:forbidden"


def test_results_expire(store: Store, catalogue: Catalogue, asker: Asker, worker: Process):
    job = echo(store, catalogue, asker)
    wait_for(store, asker, job, ended)
    with store.write() as connection:
        connection.execute("UPDATE gis.job SET expires_at = now() - interval '1 second' WHERE job_id = %s", (job.job_id,))
    deadline = time.monotonic() + 30
    while True:
        with store.read() as connection:
            if connection.execute("SELECT count(*) FROM gis.job").fetchone() == (0,):
                break
        assert time.monotonic() < deadline
        time.sleep(0.1)
