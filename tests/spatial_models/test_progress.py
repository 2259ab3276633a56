"""Progress of construction against numbers worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from spatial_models.progress import Comparison, Record, Step, Works, compare, curve_of, mean_of, programme

FIRST = date(2024, 1, 1)


def day(number: int) -> date:
    """The day so many days after the first of 2024."""
    return FIRST + timedelta(days=number)


# The plan: 100 % in 100 days. Done: nothing until day 10, 20 % on day 50; then no more was reported.
PLAN = curve_of([(day(0), 0.0), (day(100), 100.0)])
DONE = curve_of([(day(10), 0.0), (day(50), 20.0)])
LATER = day(1000)
Told = tuple[float | None, float | None, float | None, int | None, str]


def told(found: Comparison) -> Told:
    return found.planned, found.actual, found.points, found.days, found.state


@pytest.mark.parametrize(("number", "expected"), [
    # Before anything should have begun there is nothing to be late with.
    (-30, (0.0, 0.0, 0.0, 0, "on_time")),
    # 10 % planned; works begin that day: the plan had that 10 days ago.
    (10, (10.0, 0.0, -10.0, -10, "late")),
    # Half way between the records: 10 %. The plan had that on day 10.
    (30, (30.0, 10.0, -20.0, -20, "late")),
    (50, (50.0, 20.0, -30.0, -30, "late")),
    # After the last record none is invented, and it gets later every day; after the plan's end as well.
    (80, (80.0, 20.0, -60.0, -60, "late")),
    (150, (100.0, 20.0, -80.0, -130, "late"))])
def test_plan_and_fact_of_a_day(number: int, expected: Told) -> None:
    assert told(compare(PLAN, DONE, day(number), LATER)) == expected


def test_ahead_is_told_by_the_day_that_the_plan_had_for_it() -> None:
    fast = curve_of([(day(0), 0.0), (day(20), 50.0)])
    assert told(compare(PLAN, fast, day(20), LATER)) == (20.0, 50.0, 30.0, 30, "ahead")
    assert compare(PLAN, fast, day(49), LATER).state == "on_time", "a point apart"
    assert told(compare(PLAN, fast, day(53), LATER)) == (53.0, 50.0, -3.0, -3, "late")


def test_what_is_done_is_compared_by_the_day_it_was_done() -> None:
    slow = curve_of([(day(0), 0.0), (day(130), 100.0)])
    assert told(compare(PLAN, slow, day(130), LATER)) == told(compare(PLAN, slow, day(700), LATER)) == (100.0, 100.0, 0.0, -30, "late")
    quick = curve_of([(day(0), 0.0), (day(95), 100.0)])
    assert told(compare(PLAN, quick, day(96), LATER)) == (96.0, 100.0, 4.0, 5, "on_time")


def test_the_last_percent_is_late_when_all_is_due() -> None:
    assert told(compare(PLAN, curve_of([(day(0), 0.0), (day(90), 99.0)]), day(105), LATER)) == (100.0, 99.0, -1.0, -6, "on_time")
    assert told(compare(PLAN, curve_of([(day(0), 0.0), (day(90), 99.0)]), day(130), LATER)) == (100.0, 99.0, -1.0, -31, "late")


def test_a_record_is_held_against_the_plan_of_its_own_day_until_the_next_is_due() -> None:
    """On day 50 20 % were done where 50 % were planned; that stays so until day 150, a hundred days later."""
    for number, planned in ((50, 50.0), (60, 60.0), (150, 100.0)):
        assert compare(PLAN, DONE, day(number), LATER, day(50)) == Comparison(planned, 20.0, day(50), -30.0, -30, "late")
    assert compare(PLAN, DONE, day(151), LATER, day(50)) == Comparison(100.0, 20.0, day(151), -80.0, -131, "late")
    assert compare(PLAN, DONE, day(30), LATER, day(50)).on == day(30)


def test_of_days_to_come_only_the_plan_is_known() -> None:
    assert told(compare(PLAN, DONE, day(60), day(59))) == (60.0, None, None, None, "unknown")
    assert compare(PLAN, DONE, day(59), day(59)).state == "late"
    assert told(compare(curve_of(()), DONE, day(50), LATER)) == (None, 20.0, None, None, "unknown")


def test_floors_stand_from_the_day_the_line_passes_them() -> None:
    """Ten floors; four after 40 days, then eight after 50: one in ten days, then one in two and a half."""
    records = (Record(day(40), 50.0, 30.0, 5, 4), Record(day(50), 60.0, 50.0, 10, 8), Record(day(90), planned_percent=100.0))
    (works,) = programme([Works(10, 1.0, records)], [Step(1, "s12_construction", day(0), day(0))]).works
    assert works.actual_days == (day(10), day(20), day(30), day(40), day(43), day(45), day(48), day(50), None, None)
    # Planned floors begin with the first row: there is no earlier one.
    assert works.planned_days == (day(40),) * 5 + (day(42), day(44), day(46), day(48), day(50))


def test_buildings_weigh_by_their_area() -> None:
    """One of 3,000 m² is done to 40 %, one of 1,000 m² has not been reported."""
    whole = programme([Works(10, 3000.0, (Record(day(10), 50.0, 40.0),)), Works(5, 1000.0)])
    assert whole.actual.at(day(10)) == pytest.approx(30.0) and whole.planned.at(day(10)) == 50.0, "only what has a plan weighs in it"
    assert (whole.actual_basis, whole.planned_basis, whole.recorded_until) == ("records", "records", day(10))
    assert mean_of([PLAN, DONE], [1, 1]).at(day(50)) == 35.0


def test_milestones_stand_for_records_by_their_share() -> None:
    """Two phases: the first began on day 0 and was half done on day 100, the second began on day 50."""
    steps = [Step(1, "s03_land_permit", day(-200), day(-190)), Step(1, "s12_construction", day(0), day(0)), Step(1, "s13_presale", day(80), day(100)),
             Step(1, "s14_acceptance", day(200)), Step(2, "s12_construction", day(40), day(50)), Step(2, "s14_acceptance", day(240))]
    found = programme([Works(4)], steps, begin=day(0), end=day(10))
    assert (found.planned_basis, found.actual_basis, found.recorded_until) == ("milestones", "milestones", day(100))
    assert found.actual.at(day(50)) == 12.5 and found.actual.at(day(100)) == 25.0 == found.actual.at(day(500))
    # Phase one is 50 % on day 80 and 75 % on day 140; phase two 50 % on day 140.
    assert found.planned.at(day(140)) == 62.5
    assert found.works[0].actual_days == (day(100), None, None, None)


def test_acceptance_of_all_phases_is_the_last_record() -> None:
    steps = [Step(1, "s14_acceptance", day(90), day(95)), Step(2, "s14_acceptance", day(90), day(100))]
    records = (Record(day(50), 60.0, 60.0, 3, 3),)
    assert programme([Works(3, 1.0, records)], steps).actual.at(day(100)) == 100.0
    assert programme([Works(3, 1.0, records)], [*steps, Step(3, "s14_acceptance", day(90))]).actual.at(day(100)) == 60.0


def test_nothing_known_is_said_to_be_nothing() -> None:
    found = programme([Works(3)])
    assert not found.planned and not found.actual and found.works[0].actual_days == (None, None, None)
    assert (found.planned_basis, found.actual_basis, found.recorded_until) == ("none", "none", None)
    planned = programme([], begin=day(0), end=day(100))
    assert planned.planned.at(day(25)) == 25.0 and planned.works == () and planned.planned_basis == "project"


def test_what_was_reached_stays_reached() -> None:
    fallen = curve_of([(day(10), 40.0), (day(0), 0.0), (day(20), 30.0), (day(20), 35.0), (day(30), 50.0)])
    assert fallen.points() == [(day(0), 0.0), (day(10), 40.0), (day(20), 40.0), (day(30), 50.0)]
