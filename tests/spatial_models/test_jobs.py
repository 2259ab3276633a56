"""The queue as who asks sees it: taken, listed, limited, seen by whom, expired."""

from __future__ import annotations

import pytest

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.errors import Forbidden, NotAuthenticated
from layers.store import Store
from spatial_models.faults import InvalidInputs
from spatial_models.jobs import (
    Asker,
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
    ({"message": "a", "more": 1}, "more"), ({"message": {"href": "http://localhost/"}}, "message"), ("a", "inputs"), ({"message": "\0"}, "inputs")])
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
