"""Real worker processes: they finish, tell how far they are, let go, die, come back, and never do a job twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import psycopg
import pytest

from layers.catalogue import Catalogue
from layers.store import Store
from spatial_models.jobs import Asker, Job, JobFailed, ResultNotReady, dismiss, find_job, result_of, submit
from tests.spatial_models.conftest import Workers, ended, make_asker, running, wait_for


@pytest.fixture(autouse=True)
def calm(store: Store) -> Iterator[None]:
    """No jobs from other tests."""
    yield
    with store.write() as connection:
        connection.execute("DELETE FROM gis.job")


def echo(store: Store, catalogue: Catalogue, asker: Asker, message: str = "a", pause: float = 0) -> Job:
    return submit(store, catalogue, asker, "echo", {"message": message, "pause": pause})


def children_of(pid: int) -> set[int]:
    """Return the processes that a worker started, by their parents, all the way down."""
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
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_job_is_done_and_tells_how_far_it_is(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    job = echo(store, catalogue, asker, "你好", pause=3)
    with workers(), psycopg.connect(store.dsn, autocommit=True) as listening:
        listening.execute("LISTEN gis_job")
        seen: list[tuple[float, int]] = []
        begun = wait_for(store, asker, job, running)
        assert begun.started_at is not None and begun.attempt == 1
        while not ended(found := find_job(store, asker, job.job_id)):
            if not seen or found.progress != seen[-1][1]:
                seen.append((time.monotonic(), found.progress))
            if found.message:
                assert found.message["en"].startswith("Waiting") and found.message["zh"].startswith("等待")
            time.sleep(0.05)
        told = [n.payload for n in listening.notifies(timeout=0.2)]
    percents = [percent for _, percent in seen]
    assert len(percents) >= 3 and percents == sorted(percents)
    # told at most each second
    assert all(later[0] - earlier[0] > 0.7 for earlier, later in zip(seen[1:], seen[2:], strict=False))
    assert (found.status, found.progress) == ("successful", 100)
    assert found.finished_at is not None and found.expires_at is not None and 6 < (found.expires_at - found.finished_at).days < 8
    assert orjson.loads(result_of(store, asker, job.job_id).body) == "你好"
    assert told[-1] == f"{job.job_id} successful" and f"{job.job_id} running" in told


def test_a_failed_job_keeps_its_problem_in_both_languages(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    # The layer is there when the job is taken, and the right to read it is gone when it runs.
    job = submit(store, catalogue, asker, "change-summary", {"layer": "road", "begin": "2000", "end": "2001"})
    with store.write() as connection:
        connection.execute("UPDATE gis.job SET audience = jsonb_set(audience, '{grants}', '[]') WHERE job_id = %s", (job.job_id,))
    with workers():
        found = wait_for(store, asker, job, ended)
    assert found.status == "failed"
    with pytest.raises(JobFailed) as failed:
        result_of(store, asker, job.job_id)
    problem = failed.value.problem
    assert problem["status"] == 400 and problem["parameter"] == "layer"
    assert "there is no layer 'road'" in problem["detail"]["en"] and "没有图层“road”" in problem["detail"]["zh"]


def test_a_running_job_is_cancelled_within_two_seconds(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    job = echo(store, catalogue, asker, pause=20)
    with workers() as worker:
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


def test_a_waiting_job_that_is_dismissed_never_runs(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    first, second = echo(store, catalogue, asker), echo(store, catalogue, asker)
    dismiss(store, asker, first.job_id)
    with workers():
        wait_for(store, asker, second, ended)
    found = find_job(store, asker, first.job_id)
    assert (found.status, found.attempt) == ("dismissed", 0)


def test_a_finished_job_that_is_dismissed_loses_its_result(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    job = echo(store, catalogue, asker)
    with workers():
        wait_for(store, asker, job, ended)
    dismiss(store, asker, job.job_id)
    with pytest.raises(ResultNotReady):
        result_of(store, asker, job.job_id)


def test_a_job_survives_the_kill_of_its_worker(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    job = echo(store, catalogue, asker, "again", pause=4)
    with workers() as first:
        wait_for(store, asker, job, lambda j: j.progress > 0)
        left = children_of(first.pid)
        first.send_signal(signal.SIGKILL)
        first.wait()
        deadline = time.monotonic() + 5
        while any(map(is_alive, left)):
            assert time.monotonic() < deadline, "the job's process outlived its worker"
            time.sleep(0.05)
    assert find_job(store, asker, job.job_id).status == "running"   # nobody knows yet
    with workers():
        found = wait_for(store, asker, job, ended, 40)
    assert (found.status, found.attempt) == ("successful", 2)
    assert result_of(store, asker, job.job_id).body == b'"again"'


def test_a_job_whose_worker_dies_each_time_fails_with_a_reason(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    job = echo(store, catalogue, asker, pause=20)
    with store.write() as connection:
        connection.execute("UPDATE gis.job SET max_attempts = 1 WHERE job_id = %s", (job.job_id,))
    with workers() as first:
        wait_for(store, asker, job, running)
        first.kill()
        first.wait()
    with workers():
        assert wait_for(store, asker, job, ended).status == "failed"
    with pytest.raises(JobFailed, match="worker was lost while the job ran, at each of 1 attempts") as failed:
        result_of(store, asker, job.job_id)
    assert failed.value.problem["type"] == "urn:gis:problem:worker-lost" and "1 次" in failed.value.chinese


def test_a_job_whose_own_process_dies_is_begun_again_and_then_fails(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    job = echo(store, catalogue, asker, pause=20)
    with store.write() as connection:
        connection.execute("UPDATE gis.job SET max_attempts = 2 WHERE job_id = %s", (job.job_id,))
    with workers() as worker:
        for attempt in (1, 2):
            wait_for(store, asker, job, lambda j, attempt=attempt: j.status == "running" and j.attempt == attempt and j.progress > 0)
            # the youngest is the job's own process
            os.kill(max(children_of(worker.pid)), signal.SIGKILL)
        found = wait_for(store, asker, job, ended)
        assert found.status == "failed" and worker.poll() is None
    with pytest.raises(JobFailed, match="SIGKILL"):
        result_of(store, asker, job.job_id)


def test_two_workers_never_take_one_job_twice(store: Store, catalogue: Catalogue, workers: Workers):
    askers = [make_asker(store, f"crowd{n}") for n in range(4)]
    jobs = [(asker, echo(store, catalogue, asker, f"{n}")) for n in range(10) for asker in askers]
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(workers("--slots", "2"))
        done = [wait_for(store, asker, job, ended, 60) for asker, job in jobs]
    assert {(j.status, j.attempt) for j in done} == {("successful", 1)}
    with store.read() as connection:
        (results, takers) = connection.execute("SELECT (SELECT count(*) FROM gis.job_result), count(DISTINCT worker) FROM gis.job").fetchone()
    assert results == len(jobs) and takers > 1


def test_one_owner_leaves_a_slot_for_others(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    other = make_asker(store, "patient")
    long = [echo(store, catalogue, asker, pause=6) for _ in range(3)]
    with workers("--slots", "2"):
        wait_for(store, asker, long[0], running)
        small = echo(store, catalogue, other)
        assert wait_for(store, other, small, ended).status == "successful"
        assert [find_job(store, asker, j.job_id).status for j in long] == ["running", "accepted", "accepted"]


def test_a_worker_told_to_end_finishes_what_is_short_and_gives_back_what_is_long(
        store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    other = make_asker(store, "hasty")
    with workers("--slots", "3") as worker:
        short, long = echo(store, catalogue, asker, "short", 2), echo(store, catalogue, other, "long", 20)
        wait_for(store, asker, short, running)
        wait_for(store, other, long, running)
        worker.send_signal(signal.SIGTERM)
        waiting = echo(store, catalogue, asker)
        assert worker.wait(9) == 0
    assert find_job(store, asker, short.job_id).status == "successful"
    given_back = find_job(store, other, long.job_id)
    assert (given_back.status, given_back.attempt) == ("accepted", 0)
    assert find_job(store, asker, waiting.job_id).status == "accepted"


def test_the_jobs_of_a_disabled_account_end(store: Store, catalogue: Catalogue, workers: Workers):
    leaver = make_asker(store, "leaver")
    with workers("--slots", "2"):
        at_work = echo(store, catalogue, leaver, pause=20)
        wait_for(store, leaver, at_work, running)
        waiting = echo(store, catalogue, leaver)
        with store.write() as connection:
            connection.execute("UPDATE gis.account SET disabled_at = now() WHERE account_id = %s", (leaver.account_id,))
        for job in (at_work, waiting):
            assert wait_for(store, leaver, job, ended).error["type"] == "urn:gis:problem:forbidden"


def test_results_expire(store: Store, catalogue: Catalogue, asker: Asker, workers: Workers):
    job = echo(store, catalogue, asker)
    with workers():
        wait_for(store, asker, job, ended)
        with store.write() as connection:
            connection.execute("UPDATE gis.job SET expires_at = now() - interval '1 second' WHERE job_id = %s", (job.job_id,))
        deadline = time.monotonic() + 15
        while True:
            with store.read() as connection:
                if connection.execute("SELECT count(*) FROM gis.job").fetchone() == (0,):
                    break
            assert time.monotonic() < deadline
            time.sleep(0.1)
