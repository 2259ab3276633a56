"""The queue as who asks sees it: taken, listed, limited, seen by whom, expired."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.errors import Forbidden, NotAuthenticated
from layers.store import Store
from spatial_models.faults import InvalidInputs
from spatial_models.jobs import (
    Asker,
    Job,
    ResultNotReady,
    TooManyJobs,
    UnknownJob,
    UnknownProcess,
    dismiss,
    find_job,
    list_jobs,
    result_of,
    run_now,
    submit,
)
from tests.spatial_models.conftest import make_asker


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.fixture
def calm(store: Store) -> None:
    """No jobs from other tests."""
    with store.write() as connection:
        connection.execute("DELETE FROM gis.job")


def test_takes_a_job(store: Store, catalogue: Catalogue, asker: Asker):
    job = submit(store, catalogue, asker, "echo", {"message": "你好"}, {"response": "document"})
    found = find_job(store, asker, job.job_id)
    assert (found.status, found.progress, found.actor, found.inputs, found.options) == (
        "accepted", 0, "planner", {"message": "你好"}, {"response": "document"})
    with pytest.raises(ResultNotReady):
        result_of(store, asker, job.job_id)


def test_runs_now(store: Store, catalogue: Catalogue, asker: Asker):
    assert run_now(store, catalogue, asker, "echo", {"message": "hello"}).body == b'"hello"'
    assert run_now(store, catalogue, asker, "echo", {"message": {"value": "hello"}}).body == b'"hello"'


@pytest.mark.parametrize(("inputs", "named"), [
    ({}, "message"), ({"message": 5}, "message"), ({"message": "a", "pause": "5"}, "pause"), ({"message": "a", "pause": 99}, "pause"),
    ({"message": "a", "more": 1}, "more"), ({"message": {"href": "http://localhost/"}}, "message"), ("a", "inputs"), ({"message": "\0"}, "inputs"), ({"message": nested(400)}, "inputs")])
def test_wrong_inputs_are_named_and_not_taken(store: Store, catalogue: Catalogue, asker: Asker, inputs, named):
    for ask in (submit, run_now):
        with pytest.raises(InvalidInputs) as refused:
            ask(store, catalogue, asker, "echo", inputs)
        assert refused.value.parameter == named
        assert refused.value.chinese.startswith(f"参数“{named}”：")


def test_unknown_process(store: Store, catalogue: Catalogue, asker: Asker):
    with pytest.raises(UnknownProcess) as refused:
        submit(store, catalogue, asker, "teleport", {})
    assert refused.value.details()["type"].endswith("/no-such-process")


def test_who_may_run(store: Store, catalogue: Catalogue, asker: Asker):
    public = Asker(None, "public", make_asker(store, "nobody", capabilities=()).audience)
    powerless = make_asker(store, "powerless", capabilities=())
    inputs = {"layer": "road", "distance_m": 5}
    with pytest.raises(NotAuthenticated):
        submit(store, catalogue, public, "buffer", inputs)
    with pytest.raises(Forbidden):
        run_now(store, catalogue, powerless, "buffer", inputs)
    assert run_now(store, catalogue, public, "echo", {"message": "a"}).body == b'"a"'
    with pytest.raises(Forbidden, match="never with those of the store's owner"):
        submit(store, catalogue, Asker(asker.account_id, "planner", OWNER), "echo", {"message": "a"})


def test_a_job_is_seen_by_its_owner_and_who_operates(store: Store, catalogue: Catalogue, asker: Asker, calm):
    other = make_asker(store, "other")
    operator = make_asker(store, "operator", capabilities=("run_jobs", "operate"))
    public = Asker(None, "public", other.audience)
    job = submit(store, catalogue, asker, "echo", {"message": "mine"})
    open_job = submit(store, catalogue, public, "echo", {"message": "anybody's"})
    for stranger in (other, public):
        assert job.job_id not in [j.job_id for j in list_jobs(store, stranger)]
        for act in (find_job, dismiss, result_of):
            with pytest.raises(UnknownJob):
                act(store, stranger, job.job_id)
    assert find_job(store, asker, job.job_id).status == "accepted"
    assert [j.job_id for j in list_jobs(store, asker)] == [job.job_id]
    assert [j.job_id for j in list_jobs(store, operator)] == [open_job.job_id, job.job_id]
    assert dismiss(store, operator, job.job_id).status == "dismissed"
    for wrong in ("", "1", "not-a-job", "0" * 500):
        with pytest.raises(UnknownJob):
            find_job(store, asker, wrong)


def test_the_list_is_filtered_and_paged(store: Store, catalogue: Catalogue, asker: Asker, calm):
    jobs = [submit(store, catalogue, asker, "echo", {"message": str(n)}) for n in range(5)]
    dismiss(store, asker, jobs[0].job_id)
    newest = [j.job_id for j in reversed(jobs)]
    first = list_jobs(store, asker, limit=2)
    second = list_jobs(store, asker, limit=2, after=first[-1])
    third = list_jobs(store, asker, limit=2, after=second[-1])
    assert [j.job_id for j in (*first, *second, *third)] == newest
    assert [j.job_id for j in list_jobs(store, asker, statuses=["dismissed"])] == [jobs[0].job_id]
    assert list_jobs(store, asker, processes=["buffer"]) == []
    assert [j.job_id for j in list_jobs(store, asker, created=(jobs[3].created_at, None))] == newest[:2]
    assert [j.job_id for j in list_jobs(store, asker, created=(None, jobs[3].created_at))] == newest[2:]
    assert list_jobs(store, asker, duration_s=(0, None)) == []   # none has begun


def test_open_jobs_of_an_account_are_limited(store: Store, catalogue: Catalogue, asker: Asker, calm):
    for _ in range(3):
        last = submit(store, catalogue, asker, "echo", {"message": "a"}, most_open=3)
    with pytest.raises(TooManyJobs, match="3 jobs"):
        submit(store, catalogue, asker, "echo", {"message": "a"}, most_open=3)
    submit(store, catalogue, make_asker(store, "limited"), "echo", {"message": "a"}, most_open=3)
    dismiss(store, asker, last.job_id)
    submit(store, catalogue, asker, "echo", {"message": "a"}, most_open=3)


class Taker:
    """A worker as the database sees it."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name

    def ask(self, statement: str, *values: object) -> object:
        with self.store.write() as connection:
            row = connection.execute(statement, values).fetchone()
        assert row is not None
        return row[0]

    def take(self, per_owner: int = 9) -> Job | None:
        row = self.ask("SELECT gis.claim_job(%s, %s)", self.name, per_owner)
        return None if row is None else Job.of(row)

    def beat(self, job: Job) -> object:
        return self.ask("SELECT gis.beat_job(%s, %s, %s, 5, NULL)", job.job_id, self.name, job.attempt)

    def finish(self, job: Job, body: bytes) -> object:
        return self.ask("SELECT gis.finish_job(%s, %s, %s, 'application/json', %s, NULL, NULL, 60)", job.job_id, self.name, job.attempt, body)

    def lose(self, job: Job) -> None:
        """Let the job's heart stand still."""
        self.ask("WITH u AS (UPDATE gis.job SET heartbeat_at = now() - interval '1 minute' WHERE job_id = %s RETURNING 1) SELECT count(*) FROM u", job.job_id)

    def sweep(self) -> object:
        return self.ask("SELECT gis.sweep_jobs(15)")

    def hurry(self) -> None:
        """Let no job wait for its next attempt."""
        self.ask("WITH u AS (UPDATE gis.job SET not_before = now() RETURNING 1) SELECT count(*) FROM u")


def test_who_lost_a_job_can_no_longer_write_to_it(store: Store, catalogue: Catalogue, asker: Asker, calm):
    one, two = Taker(store, "one"), Taker(store, "two")
    submit(store, catalogue, asker, "echo", {"message": "a"})
    first = one.take()
    assert first is not None and one.beat(first) is True and two.take() is None
    one.lose(first)
    assert two.sweep() == {"lost": 1, "closed": 0, "expired": 0}
    assert two.take() is None                    # after a loss there is a pause
    two.hurry()
    second = two.take()
    assert second is not None and (second.job_id, second.attempt) == (first.job_id, 2)
    assert one.beat(first) is False and one.finish(first, b"1") is False
    assert two.beat(second) is True and two.finish(second, b"2") is True and two.finish(second, b"3") is False
    assert result_of(store, asker, first.job_id).body == b"2"


def test_a_stale_taker_of_the_same_name_is_told_apart_by_its_attempt(store: Store, catalogue: Catalogue, asker: Asker, calm):
    taker = Taker(store, "one")
    submit(store, catalogue, asker, "echo", {"message": "a"})
    first = taker.take()
    assert first is not None
    taker.lose(first)
    taker.sweep()
    taker.hurry()
    second = taker.take()
    assert second is not None and taker.finish(first, b"1") is False and taker.finish(second, b"2") is True


def test_turns_are_taken_between_owners(store: Store, catalogue: Catalogue, asker: Asker, calm):
    other, taker = make_asker(store, "turns"), Taker(store, "one")
    for _ in range(3):
        submit(store, catalogue, asker, "echo", {"message": "a"})
    for _ in range(2):
        submit(store, catalogue, other, "echo", {"message": "b"})
    taken = [taker.take(per_owner=2) for _ in range(6)]
    assert [job and job.inputs["message"] for job in taken] == ["a", "b", "a", "b", None, None]


def test_a_taken_job_is_not_taken_by_anybody_else_at_the_same_time(store: Store, catalogue: Catalogue, asker: Asker, calm):
    for n in range(12):
        submit(store, catalogue, asker, "echo", {"message": str(n)})
    takers = [Taker(store, f"t{n}") for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        taken = [job.job_id for job in threads.map(lambda n: takers[n % 6].take(per_owner=99), range(18)) if job is not None]
    assert len(taken) == len(set(taken)) == 12


def test_a_dismissed_job_is_never_taken(store: Store, catalogue: Catalogue, asker: Asker, calm):
    job = submit(store, catalogue, asker, "echo", {"message": "a"})
    assert dismiss(store, asker, job.job_id).status == dismiss(store, asker, job.job_id).status == "dismissed"
    assert Taker(store, "one").take() is None
