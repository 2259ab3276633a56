"""Progress of construction: how far works should be, and how far they are, on any day.

The rule: between two records progress is linear; before works begin it is nothing; after the last record it stays what was
recorded, so that none is invented; of days to come only the plan is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRACE_DAYS", "SHARES", "TOLERANCE_DAYS", "TOLERANCE_POINTS", "Comparison", "Curve", "Programme", "Record", "State", "Step", "Works", "WorksProgramme",
           "compare", "curve_of", "mean_of", "programme"]

State = Literal["ahead", "on_time", "late", "unknown"]
Basis = Literal["records", "milestones", "project", "none"]
# How much of the works (%) a step of the permit frame stands for, where nobody recorded the works themselves.
SHARES = {"s12_construction": 0.0, "s13_presale": 50.0, "s14_acceptance": 100.0}
START, ACCEPTANCE = "s12_construction", "s14_acceptance"
# So much apart is on time: points of percent while works go on, days once they are done.
TOLERANCE_POINTS, TOLERANCE_DAYS = 2.0, 7
# Works are reported by months or quarters: so long the last record may be held against the plan of its own day.
GRACE_DAYS = 100
_NEAR = 1e-9


@dataclass(frozen=True)
class Curve:
    """A quantity over days, linear between its points: `days` ascending (proleptic ordinals), `values` never falling."""

    days: NDArray[np.int64]
    values: NDArray[np.float64]

    def __bool__(self) -> bool:
        return len(self.days) > 0

    def at(self, day: date | int) -> float:
        """Return the value on a day: 0 before the first point, the last value after the last."""
        number = day if isinstance(day, int) else day.toordinal()
        return float(np.interp(number, self.days, self.values, left=0.0)) if self else 0.0

    def first_at_least(self, value: float) -> float | None:
        """Return the day (fraction of a day included) on which a value is reached; None if it never is."""
        found = np.flatnonzero(self.values >= value - _NEAR)
        if not len(found):
            return None
        k = int(found[0])
        if k == 0:
            return float(self.days[0])
        (a, b), (low, high) = self.days[k - 1:k + 1], self.values[k - 1:k + 1]
        return float(a + (value - low) / (high - low) * (b - a))

    def last_at_most(self, value: float) -> float:
        """Return the last day on which no more than a value is reached; the last point's where that is never passed."""
        found = np.flatnonzero(self.values > value + _NEAR)
        if not len(found):
            return float(self.days[-1])
        k = int(found[0])
        if k == 0:
            return float(self.days[0])
        (a, b), (low, high) = self.days[k - 1:k + 1], self.values[k - 1:k + 1]
        return float(a + max(value - low, 0.0) / (high - low) * (b - a))

    def points(self) -> list[tuple[date, float]]:
        """Return its points as (day, value)."""
        return [(date.fromordinal(int(d)), float(v)) for d, v in zip(self.days, self.values, strict=True)]


@dataclass(frozen=True)
class Step:
    """A milestone of one phase: planned and actual day, where they are known."""

    phase: int
    step: str
    planned: date | None = None
    actual: date | None = None


@dataclass(frozen=True)
class Record:
    """What was reported for a day, in percent of the works and in floors above ground; None is not reported."""

    day: date
    planned_percent: float | None = None
    actual_percent: float | None = None
    planned_floors: float | None = None
    floors_done: float | None = None


@dataclass(frozen=True)
class Works:
    """A building of a project: floors above ground, its share in the project (any unit), its own records."""

    floors: int
    weight: float = 1.0
    records: tuple[Record, ...] = ()


@dataclass(frozen=True)
class WorksProgramme:
    """A building's percent and floors over time; `planned_days` and `actual_days` say since when each floor stands, from below."""

    planned: Curve
    actual: Curve
    planned_floors: Curve
    actual_floors: Curve
    planned_days: tuple[date | None, ...]
    actual_days: tuple[date | None, ...]


@dataclass(frozen=True)
class Programme:
    """A project's percent over time, on what that stands, the day of the last record, and its buildings in the given order."""

    planned: Curve
    actual: Curve
    planned_basis: Basis
    actual_basis: Basis
    recorded_until: date | None
    works: tuple[WorksProgramme, ...]


@dataclass(frozen=True)
class Comparison:
    """Plan and fact (percent) on a day, and how they compare on the day `on`: `points` is actual less planned percent, `days` how long
    before (-: after) its planned day it was reached."""

    planned: float | None
    actual: float | None
    on: date
    points: float | None
    days: int | None
    state: State


def curve_of(points: Iterable[tuple[date, float]]) -> Curve:
    """Make a curve of (day, value): of two values of a day the later one counts, and what was reached stays reached.

    A curve that begins above nothing rises to its first value within the day before.
    """
    found = dict(sorted(points, key=lambda point: point[0]))
    days = [day.toordinal() for day in found]
    values = list(np.maximum.accumulate(list(found.values()))) if found else []
    if values and values[0] > 0:
        days, values = [days[0] - 1, *days], [0.0, *values]
    return Curve(np.array(days, np.int64), np.array(values, float))


def mean_of(curves: Sequence[Curve], weights: Sequence[float]) -> Curve:
    """Return the weighted mean of curves; where weights add up to nothing, all weigh the same."""
    if not curves:
        return curve_of(())
    shares = np.array(weights, float)
    shares = shares / shares.sum() if shares.sum() > 0 else np.full(len(curves), 1 / len(curves))
    days = np.unique(np.concatenate([curve.days for curve in curves]))
    total = sum((share * np.array([curve.at(int(day)) for day in days]) for share, curve in zip(shares, curves, strict=True)), np.zeros(len(days)))
    return Curve(days, total)


def programme(works: Sequence[Works], steps: Sequence[Step] = (), own: Sequence[Record] = (), begin: date | None = None,
              end: date | None = None) -> Programme:
    """Return how a project was to go on and how it did.

    A building's own records count; without them those of the project as a whole (`own`); without them the project's milestones
    by their share of the works (SHARES); the plan at last by the project's planned days (`begin`, `end`). The day when works
    began and the day of joint acceptance of all phases are records as well. A project is the mean of its buildings by weight.
    """
    by_steps = {kind: _of_steps(steps, kind) for kind in ("planned", "actual")}
    started = min((s.actual for s in steps if s.step == START and s.actual), default=None)
    accepted = _all_of(steps, ACCEPTANCE)
    made, bases = [], {"planned": set[Basis](), "actual": set[Basis]()}
    for each in works or (Works(0),):
        planned, basis = _planned(each.records, own, by_steps["planned"], begin, end)
        bases["planned"].add(basis)
        actual, basis = _actual(each, own, by_steps["actual"], started, accepted)
        bases["actual"].add(basis)
        made.append(_works(each, own, planned, actual, started, accepted))
    weights = [each.weight for each in works] or [1.0]
    # A building without a plan does not weigh in the plan; one without a record has not begun.
    plans = [(w.planned, weight) for w, weight in zip(made, weights, strict=True) if w.planned]
    days = [r.day for r in (*own, *(r for w in works for r in w.records)) if r.actual_percent is not None or r.floors_done is not None]
    days += [s.actual for s in steps if s.step in SHARES and s.actual]
    return Programme(mean_of([c for c, _ in plans], [w for _, w in plans]), mean_of([w.actual for w in made], weights), _best(bases["planned"]), _best(bases["actual"]),
                     max(days, default=None), tuple(made) if works else ())


def _best(found: set[Basis]) -> Basis:
    order: tuple[Basis, ...] = ("records", "milestones", "project", "none")
    return next(basis for basis in order if basis in found)


def _of_steps(steps: Sequence[Step], kind: str) -> Curve:
    curves = []
    for phase in sorted({s.phase for s in steps}):
        points = [(day, SHARES[s.step]) for s in steps if s.phase == phase and s.step in SHARES and (day := getattr(s, kind))]
        curves.append(curve_of(points))
    return mean_of(curves, [1.0] * len(curves)) if any(curves) else curve_of(())


def _all_of(steps: Sequence[Step], step: str) -> date | None:
    days = [s.actual for s in steps if s.step == step]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


def _planned(records: Sequence[Record], own: Sequence[Record], by_steps: Curve, begin: date | None, end: date | None) -> tuple[Curve, Basis]:
    for given in (records, own):
        if points := [(r.day, r.planned_percent) for r in given if r.planned_percent is not None]:
            return curve_of(points), "records"
    if by_steps and by_steps.values[-1] > 0:
        return by_steps, "milestones"
    if begin and end and begin < end:
        return curve_of([(begin, 0.0), (end, 100.0)]), "project"
    return curve_of(()), "none"


def _actual(works: Works, own: Sequence[Record], by_steps: Curve, started: date | None, accepted: date | None) -> tuple[Curve, Basis]:
    for given in (works.records, own):
        points = [(r.day, r.actual_percent) for r in given if r.actual_percent is not None]
        if not points and works.floors:
            # Floors alone: the structure is taken for the whole.
            points = [(r.day, min(100.0, 100.0 * r.floors_done / works.floors)) for r in given if r.floors_done is not None]
        if points:
            return curve_of(_bounded(points, started, accepted, 100.0)), "records"
    return by_steps, "milestones" if by_steps else "none"


def _bounded(points: list[tuple[date, float]], started: date | None, accepted: date | None, whole: float) -> list[tuple[date, float]]:
    """Add the day when works began, and the day when all was accepted."""
    first, last = min(day for day, _ in points), max(day for day, _ in points)
    return [*([(started, 0.0)] if started and started < first else []), *points, *([(accepted, whole)] if accepted and accepted > last else [])]


def _works(works: Works, own: Sequence[Record], planned: Curve, actual: Curve, started: date | None, accepted: date | None) -> WorksProgramme:
    share = works.floors / 100.0
    floors = {"planned": Curve(planned.days, planned.values * share), "actual": Curve(actual.days, actual.values * share)}
    for kind, name in (("planned", "planned_floors"), ("actual", "floors_done")):
        points = [(r.day, min(float(works.floors), value)) for r in works.records if (value := getattr(r, name)) is not None]
        if points:
            floors[kind] = curve_of(_bounded(points, started, accepted, float(works.floors)) if kind == "actual" else points)
    return WorksProgramme(planned, actual, floors["planned"], floors["actual"], _days(floors["planned"], works.floors), _days(floors["actual"], works.floors))


def _days(floors: Curve, count: int) -> tuple[date | None, ...]:
    found = (floors.first_at_least(k) for k in range(1, count + 1))
    return tuple(None if day is None else date.fromordinal(ceil(day - _NEAR)) for day in found)


def compare(planned: Curve, actual: Curve, day: date, today: date, recorded_until: date | None = None) -> Comparison:
    """Compare plan and fact on a day; for GRACE_DAYS after the last record (`recorded_until`) on the day of that record.

    Late are works by the days since the plan had them where they are; ahead by the days until it has them there. What is
    done is compared by the day when it was done; what should be done and is not is late, however little is missing.
    """
    on = recorded_until if recorded_until and recorded_until < day <= recorded_until + timedelta(GRACE_DAYS) else day
    told = planned.at(day) if planned else None, actual.at(day) if actual and day <= today else None
    if None in told:
        return Comparison(*told, day, None, None, "unknown")
    p, a, number = planned.at(on), actual.at(on), on.toordinal()
    done = actual.first_at_least(100.0)
    if done is not None and done <= number:
        days = _apart(planned, planned.first_at_least(100.0), done)
        return Comparison(*told, on, a - p, days, _state(days, TOLERANCE_DAYS))
    if abs(a - p) <= _NEAR:
        return Comparison(*told, on, 0.0, 0, "on_time")
    days = _apart(planned, planned.first_at_least(a) if a > p else planned.last_at_most(a), number)
    is_due = p >= 100.0 - _NEAR
    return Comparison(*told, on, a - p, days, _state(days, TOLERANCE_DAYS) if is_due else _state(a - p, TOLERANCE_POINTS))


def _apart(planned: Curve, goal: float | None, day: float) -> int:
    return round(float(planned.days[-1] if goal is None else goal) - day)


def _state(difference: float, tolerance: float) -> State:
    return "ahead" if difference > tolerance else "late" if difference < -tolerance else "on_time"
