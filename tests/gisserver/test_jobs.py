"""Processes and jobs on the wire, as OGC API - Processes has them, with a real worker behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from layers.store import Store
from spatial_models.registry import PROCESSES
from tests.gisserver.conftest import As, Town, square
from tests.spatial_models.conftest import worker_process

EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
ECHO, BUFFER, STATISTICS = (f"/ogc/processes/{name}/execution" for name in ("echo", "buffer", "area-statistics"))
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def worker(store: Store, town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("worker")
    (folder / "coverages").mkdir()
    with rasterio.open(folder / "coverages" / "dem.tif", "w", driver="GTiff", width=40, height=40, count=1, dtype="float32", crs="EPSG:4326",
                       transform=from_origin(116.30, 39.91, 5e-4, 5e-4)) as dem:
        dem.write(np.full((40, 40), 45.0, dtype="float32"), 1)
    with worker_process(store, folder):
        yield


@pytest.fixture(scope="module")
def planner(as_role: As) -> httpx.Client:
    return as_role("planner")


def path_of(answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    assert answer.headers["preference-applied"] == "respond-async"
    return urlsplit(answer.headers["location"]).path


def follow(client: httpx.Client, answer: httpx.Response, timeout_s: float = 40) -> dict[str, Any]:
    """Ask for the state of a job until it has ended."""
    deadline = time.monotonic() + timeout_s
    while (state := client.get(path_of(answer)).json())["status"] in ("accepted", "running"):
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def results_link(state: dict[str, Any]) -> str:
    (link,) = [each["href"] for each in state["links"] if each["rel"].endswith("/rel/ogc/1.0/results")]
    return urlsplit(link).path


def test_processes_are_listed_and_described(http: httpx.Client):
    listed = http.get("/ogc/processes").json()
    assert [p["id"] for p in listed["processes"]] == sorted(PROCESSES)
    assert all("inputs" not in p and p["links"] for p in listed["processes"])
    assert len(http.get("/ogc/processes", params={"limit": 2}).json()["processes"]) == 2
    described = http.get("/ogc/processes/echo", params={"lang": "zh"}).json()
    assert described["title"] == "回声" and described["inputs"]["message"]["schema"] == {"type": "string", "maxLength": 10_000}
    assert {"sync-execute", "async-execute", "dismiss"} == set(described["jobControlOptions"])
    assert next(each["href"] for each in described["links"] if each["rel"].endswith("/execute")).endswith(ECHO)
    page = http.get("/ogc/processes/echo", params={"f": "html"})
    assert page.headers["content-type"].startswith("text/html") and "message" in page.text


def test_without_a_preference_the_answer_comes_at_once(http: httpx.Client, planner: httpx.Client):
    assert http.post(ECHO, json={"inputs": {"message": "你好"}}).json() == "你好"
    document = planner.post(ECHO, json={"inputs": {"message": "a", "pause": 0.01}, "outputs": {"echo": {"transmissionMode": "value"}}, "response": "document"})
    assert (document.status_code, document.json()) == (200, {"echo": "a"})
    assert document.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("body", "parameter"), [
    ({}, "message"), ({"inputs": {"message": 5}}, "message"), ({"inputs": {"message": "a", "pause": 1e9}}, "pause"), ({"inputs": []}, "inputs"),
    ({"invalid-execute-request": "true"}, "invalid-execute-request"), ({"inputs": {"message": "a", "b": 1}}, "b"), ([], "body"),
    ({"inputs": {"message": "a"}, "subscriber": {"successUri": "http://127.0.0.1:9/"}}, "subscriber"),
    ({"inputs": {"message": "a"}, "outputs": {"nix": {}}}, "outputs"), ({"inputs": {"message": "a"}, "response": "xml"}, "response"),
    ({"inputs": {"message": "a"}, "outputs": {"echo": {"transmissionMode": "reference"}}}, "transmissionMode")])
def test_what_is_wrong_is_named(planner: httpx.Client, body: Any, parameter: str):
    for headers in ({}, ASYNC):
        answer = planner.post(ECHO, json=body, headers=headers)
        assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)
        assert answer.headers["content-type"] == "application/problem+json"


def test_what_is_wrong_is_said_in_chinese_and_all_of_it(planner: httpx.Client):
    problem = planner.post(BUFFER, json={"inputs": {"distance_m": "far", "colour": 1}}, params={"lang": "zh"}).json()
    assert problem["detail"] == "参数“layer”：为必填项。（另有 2 处错误）"
    assert [fault["parameter"] for fault in problem["faults"]] == ["layer", "distance_m", "colour"]


def test_standard_problems(planner: httpx.Client):
    nowhere = "00000000-0000-0000-0000-000000000000"
    for path, kind in (("/ogc/processes/nix", "no-such-process"), ("/ogc/jobs/nix", "no-such-job"), (f"/ogc/jobs/{nowhere}", "no-such-job"),
                       (f"/ogc/jobs/{nowhere}/results", "no-such-job")):
        answer = planner.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, EXCEPTIONS + kind)
    missing = planner.post("/ogc/processes/nix/execution", json={"inputs": {}})
    assert (missing.status_code, missing.json()["type"]) == (404, f"{EXCEPTIONS}no-such-process")
    assert planner.delete(f"/ogc/jobs/{nowhere}").status_code == 404


def test_a_job(planner: httpx.Client, worker: None):
    made = planner.post(ECHO, json={"inputs": {"message": "later", "pause": 2}, "response": "document"}, headers=ASYNC)
    assert made.json()["status"] == "accepted" and made.json()["type"] == "process"
    early = planner.get(f"{path_of(made)}/results")
    assert (early.status_code, early.json()["type"]) == (404, f"{EXCEPTIONS}result-not-ready")
    state = follow(planner, made)
    assert (state["status"], state["progress"], state["processID"], state["inputs"]) == ("successful", 100, "echo", {"message": "later", "pause": 2})
    assert state["created"] <= state["started"] <= state["finished"] < state["expires"]
    assert planner.get(results_link(state)).json() == {"echo": "later"}
    page = planner.get(path_of(made), params={"f": "html"})
    assert page.headers["content-type"].startswith("text/html") and state["jobID"] in page.text


def test_what_takes_long_becomes_a_job_by_itself(planner: httpx.Client, worker: None):
    slow = {"inputs": {"message": "slow", "pause": 1.5}}
    assert follow(planner, planner.post(ECHO, json=slow))["status"] == "successful"
    refused = planner.post(ECHO, json=slow, headers={"Prefer": "wait=10"})
    assert refused.status_code == 400 and "respond-async" in refused.json()["detail"]


def test_jobs_are_their_owner_s(http: httpx.Client, planner: httpx.Client, as_role: As, signed_in: As):
    editor, operator = as_role("editor"), signed_in("system_admin")
    path = path_of(planner.post(ECHO, json={"inputs": {"message": "mine"}}, headers=ASYNC))
    number = path.rpartition("/")[2]
    for stranger in (http, editor):
        assert stranger.get(path).status_code == stranger.get(f"{path}/results").status_code == stranger.delete(path).status_code == 404
        assert number not in stranger.get("/ogc/jobs", params={"limit": 1000}).text
    assert operator.get(path).json()["askedBy"] == planner.get(path).json()["askedBy"]
    assert number in [job["jobID"] for job in operator.get("/ogc/jobs").json()["jobs"]]


def test_a_dismissed_job(planner: httpx.Client, worker: None):
    made = planner.post(ECHO, json={"inputs": {"message": "never", "pause": 20}}, headers=ASYNC)
    gone = planner.delete(path_of(made))
    assert (gone.status_code, gone.json()["status"]) == (200, "dismissed")
    assert planner.get(path_of(made)).json()["status"] == "dismissed"
    assert planner.get(f"{path_of(made)}/results").status_code == 404


def test_the_list_of_jobs(planner: httpx.Client):
    for n in range(3):
        planner.post(ECHO, json={"inputs": {"message": str(n)}}, headers=ASYNC)
    seen, address = [], "/ogc/jobs?limit=1"
    for _ in range(3):
        listed = planner.get(address).json()
        seen += [job["jobID"] for job in listed["jobs"]]
        address = next(link["href"] for link in listed["links"] if link["rel"] == "next")
    assert len(set(seen)) == 3 and seen == [job["jobID"] for job in planner.get("/ogc/jobs", params={"limit": 3}).json()["jobs"]]
    assert {job["processID"] for job in planner.get("/ogc/jobs", params={"processID": "echo,buffer", "type": "process"}).json()["jobs"]} == {"echo"}
    assert planner.get("/ogc/jobs", params={"datetime": "../2001"}).json()["jobs"] == []
    assert planner.get("/ogc/jobs", params={"minDuration": 1e300}).json()["jobs"] == []
    for name, value in (("status", "lost"), ("limit", "0"), ("datetime", "then"), ("minDuration", "x"), ("type", "x"), ("nix", "1")):
        answer = planner.get("/ogc/jobs", params={name: value})
        assert (answer.status_code, answer.json()["parameter"]) == (400, name)


def test_who_may_run(http: httpx.Client, as_role: As):
    body = {"inputs": {"layer": "building", "distance_m": 5}}
    assert http.post(BUFFER, json=body).status_code == 401
    assert as_role("inspector").post(BUFFER, json=body).status_code == 403


def test_statistics_of_an_area(planner: httpx.Client, town: Town):
    found = planner.post(STATISTICS, json={"inputs": {"layer": "building", "area": square(116.305, 39.89, 0.05), "by": "use", "fields": ["height_m"]}}).json()
    assert found["count"] == 4 and found["fields"]["height_m"]["unit"] == "m"
    assert {c["value"]: c["count"] for c in found["classes"]} == {"residential": 3, "office": 1}


def test_a_layer_as_a_result(planner: httpx.Client, worker: None):
    made = planner.post(BUFFER, json={"inputs": {"layer": "building", "distance_m": 20, "dissolve": True, "result": "layer", "title": "楼周 20 米"}})
    state = follow(planner, made)
    assert state["status"] == "successful", state
    result = planner.get(results_link(state)).json()
    assert result["layer"] == state["layer"] and result["href"].endswith(f"/ogc/collections/{result['layer']}")
    deadline = time.monotonic() + 10
    while (items := planner.get(urlsplit(result["links"][1]["href"]).path, params={"limit": 100})).status_code == 404:
        assert time.monotonic() < deadline   # the server hears of a new layer within seconds
        time.sleep(0.2)
    assert items.json()["numberReturned"] == 11
    assert planner.get(f"/ogc/collections/{result['layer']}", params={"lang": "zh"}).json()["title"] == "楼周 20 米"


def test_a_large_viewshed_is_a_job_over_the_elevation_model(planner: httpx.Client, http: httpx.Client, worker: None, town: Town):
    def ask(client: httpx.Client, **inputs: Any) -> httpx.Response:
        return client.post("/ogc/processes/viewshed/execution", json={"inputs": {"observer": [116.3095, 39.9005], "radius_m": 310, **inputs}})

    # Where somebody waits, on a coarse grid: the server of the tests has no elevation model, and says so.
    coarse = ask(http, cell_m=5).json()
    assert (coarse["terrain"], [f["fid"] for f in coarse["features"]]) == ({"layer": None, "level_m": 0.0}, [town.fids["1号楼"]])
    made = ask(planner, cell_m=1)
    state = follow(planner, made)
    assert (state["status"], state["progress"]) == ("successful", 100), state
    fine = planner.get(results_link(state)).json()
    assert fine["terrain"]["layer"] == "dem" and fine["observer"]["elevation_m"] == 45
    assert fine["visible_share"] == pytest.approx(coarse["visible_share"], abs=0.02)
    for fault, name in (({"radius_m": 5}, "radius_m"), ({"cell_m": 0.25}, "cell_m"), ({"observer": [116.3]}, "observer"), ({"eye": 2}, "eye")):
        refused = ask(http, **fault)
        assert (refused.status_code, refused.json()["parameter"]) == (400, name) and refused.headers["content-type"] == "application/problem+json"
