"""Progress of construction over HTTP: a project written by hand, whose numbers anybody can work out."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.store import Store
from tests.gisserver.conftest import WEST, As, Town, square

CODE = "2024-110102-47-01-00000{}"


def create(layer: str, temp_id: str, geometry: Any = None, since: str = "2024-01-01", **properties: Any) -> Edit:
    return Edit(layer, "create", temp_id=temp_id, properties={"district_code": WEST, **properties}, geometry=geometry, valid_from=since)


@pytest.fixture(scope="module")
def project(store: Store, catalogue: Catalogue, town: Town) -> dict[str, int]:
    """Two towers of ten floors, planned from day 0 (2024-01-01) to day 100; one has a record on day 50, the other none. And a project that
    has only milestones."""
    edits = [create("project", "project", square(116.31, 39.93, 0.01), name="双塔", project_code=CODE.format(1), stage="construction"),
             create("project", "plain", square(116.33, 39.93, 0.01), name="无记录", project_code=CODE.format(2), stage="completed",
                    planned_start="2024-01-01", planned_end="2024-04-10")]
    for name, x in (("a", 116.312), ("b", 116.316)):
        edits.append(create("building", name, square(x, 39.932), name=f"塔{name}", status="construction", use="residential", floors_above=10, height_m=30.0,
                            ground_elevation_m=50.0, construction_area_m2=1000.0 if name == "a" else 3000.0, project_fid="$project"))
    edits += [create("level", f"level{n}", building_fid="$a", nominal_no=str(n), actual_no=n, height_m=3.0) for n in range(1, 11)]
    for n, (day, planned, actual, floors) in enumerate((("2024-01-01", 0, 0, 0), ("2024-02-20", 50, 40, 4), ("2024-04-10", 100, None, None))):
        more = {} if actual is None else {"actual_percent": actual, "floors_done": floors}
        edits.append(create("progress", f"record{n}", since=day, project_fid="$project", building_fid="$a", recorded_on=day, planned_percent=planned,
                            planned_floors=planned // 10, **more))
    steps = (("project", "s12_construction", 12, "2024-01-01", "2024-01-01"), ("project", "s14_acceptance", 14, "2024-04-10", None),
             ("plain", "s12_construction", 12, "2024-01-01", "2024-01-11"), ("plain", "s14_acceptance", 14, "2024-04-10", "2024-04-20"))
    for n, (of, step, order, planned_date, actual_date) in enumerate(steps):
        more = {"actual_date": actual_date} if actual_date else {}
        edits.append(create("milestone", f"step{n}", project_fid=f"${of}", phase=1, step=step, step_no=order, state="done" if actual_date else "pending",
                            planned_date=planned_date, **more))
    return dict(apply_changeset(store, catalogue, OWNER, Changeset(edits, "clerk", "projects")).temp_ids or {})


def ask(http: httpx.Client, **asked: Any) -> Any:
    answer = http.get("/api/progress", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_day_between_two_records(http: httpx.Client, project: dict[str, int]) -> None:
    """Day 25. Tower a: 20 % of 40. Tower b has no record: it has begun, by its milestone, and no more. A quarter of the floor area is a's."""
    found = ask(http, project=project["project"], datetime="2024-01-26")
    (told,) = found["projects"]
    assert (found["day"], found["matched"], found["complete"]) == ("2024-01-26", 1, True)
    # Both plans (records; milestones) have 25 % on day 25. 5 % were planned for day 5: 20 days late.
    assert (told["planned_percent"], told["actual_percent"], told["points"], told["days"], told["state"]) == (25, 5, -20, -20, "late")
    assert told["floors"] == {"count": 20, "planned": 4, "standing": 2}
    assert told["milestones"] == {"count": 2, "planned": 1, "done": 1}
    assert told["basis"] == {"planned": "records", "actual": "records"} and told["recorded_until"] == "2024-02-20"
    assert told["curves"]["actual"] == [["2024-01-01", 0], ["2024-02-20", 10]]
    assert "buildings" not in told


def test_after_the_last_record_none_is_invented(http: httpx.Client, project: dict[str, int]) -> None:
    (told,) = ask(http, project=project["project"], datetime="2024-03-31")["projects"]
    # Day 90, compared as of day 50: 10 % done, which was planned for day 10.
    assert (told["planned_percent"], told["actual_percent"], told["compared_on"], told["points"], told["days"]) == (90, 10, "2024-02-20", -40, -40)
    (told,) = ask(http, project=project["project"], datetime="2025-01-01")["projects"]
    assert (told["actual_percent"], told["compared_on"], told["days"], told["floors"]["standing"]) == (10, "2025-01-01", -356, 4)
    (told,) = ask(http, project=project["project"], datetime="2100-01-01")["projects"]
    assert (told["planned_percent"], told["actual_percent"], told["days"], told["state"]) == (100, None, None, "unknown")


def test_milestones_stand_for_records(http: httpx.Client, project: dict[str, int]) -> None:
    (told,) = ask(http, project=project["plain"], datetime="2024-03-01")["projects"]
    # Day 60 of a plan of 100; begun on day 10, accepted on day 110: 50 %, which was planned for day 50.
    assert (told["planned_percent"], told["actual_percent"], told["days"], told["basis"]["actual"]) == (60, 50, -10, "milestones")
    (told,) = ask(http, project=project["plain"])["projects"]
    assert (told["actual_percent"], told["points"], told["days"], told["state"]) == (100, 0, -10, "late")


def test_buildings_have_floors_with_their_days_and_levels(http: httpx.Client, project: dict[str, int]) -> None:
    (told,) = ask(http, project=project["project"], buildings="true")["projects"]
    first, second = told["buildings"]
    assert first["fid"] == project["a"] and first["bounds_m"] == [3.0 * n for n in range(11)]
    # Four floors in 50 days: one each 12.5 days; the first stands on the 13th day after the beginning.
    assert first["actual"] == ["2024-01-14", "2024-01-26", "2024-02-08", "2024-02-20"] + [None] * 6
    assert first["planned"] == [f"2024-{d}" for d in ("01-11", "01-21", "01-31", "02-10", "02-20", "03-01", "03-11", "03-21", "03-31", "04-10")]
    assert first["levels"] is None, "the public does not see levels"
    assert second["actual"] == [None] * 10 and second["geometry"]["type"] == "MultiPolygon"
    # The ground lies 50 m over the city's datum, which lies below the ellipsoid by the geoid's offset.
    assert first["base_m"] == second["base_m"] == pytest.approx(50 - 9.5, abs=0.01)


def test_who_sees_levels_gets_them(as_role: As, project: dict[str, int]) -> None:
    (told,) = ask(as_role("editor"), project=project["project"], buildings="true")["projects"]
    assert told["buildings"][0]["levels"] == [project[f"level{n}"] for n in range(1, 11)]


def test_projects_in_a_box_those_being_built_first(http: httpx.Client, project: dict[str, int]) -> None:
    found = ask(http, bbox="116.3,39.92,116.35,39.95")
    assert [p["label"] for p in found["projects"]] == ["双塔", "无记录"] and found["matched"] == 2
    one = ask(http, bbox="116.3,39.92,116.35,39.95", limit=1)
    assert ([p["label"] for p in one["projects"]], one["matched"], one["complete"]) == (["双塔"], 2, False)
    assert ask(http, bbox="116.3,39.92,116.35,39.95", datetime="2023-12-31")["projects"] == []


def test_what_was_known_then(http: httpx.Client, project: dict[str, int], town: Town) -> None:
    assert ask(http, bbox="116.3,39.92,116.35,39.95", **{"known-at": town.seqs["planned"]})["projects"] == []


@pytest.mark.parametrize(("asked", "parameter"), [
    ("", "project"), ("project=x", "project"), ("project=0", "project"), ("project=1,2&bbox=1,1,2,2", "bbox"), ("bbox=1,2,3", "bbox"), ("bbox=2,2,1,1", "bbox"),
    ("bbox=1,1,2,99", "bbox"), ("project=" + ",".join(["1"] * 51), "project"), ("project=1&limit=51", "limit"), ("project=1&datetime=soon", "datetime"),
    ("project=1&buildings=1", "buildings"), ("project=1&colour=red", "colour")])
def test_bad_parameters_are_named(http: httpx.Client, asked: str, parameter: str) -> None:
    answer = http.get(f"/api/progress?{asked}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_what_is_not_for_this_reader_is_counted_and_nothing_else_is_told_of_it(http: httpx.Client, project: dict[str, int]) -> None:
    """A building's number, one that nobody has and one of a project that is seen: a link with all three shows the project."""
    nobody = 2**52
    found = ask(http, project=f"{project['a']},{project['plain']},{nobody}")
    assert [p["label"] for p in found["projects"]] == ["无记录"]
    assert (found["matched"], found["complete"], found["not_shown"]) == (1, True, 2)
    # What exists and is no project, and what never was, look alike.
    alone = [ask(http, project=number) for number in (project["a"], nobody)]
    assert alone[0] == alone[1] and (alone[0]["projects"], alone[0]["not_shown"]) == ([], 1)
    assert ask(http, project=project["plain"])["not_shown"] == 0
