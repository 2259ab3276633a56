"""Summary of changes: how many features came to be, ended and stood, year by year or month by month."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial_models.faults import wrong
from spatial_models.frames import Frame
from spatial_models.inputs import Filter, filter_input, layer_input
from spatial_models.process import Inputs, Output, Process, Question, Task, Value, given
from spatial_models.words import Words

__all__ = ["CHANGE_SUMMARY", "ChangeSummaryInputs", "change_summary", "periods"]

MOST_PERIODS = 1_200
_YEAR, _MONTH = re.compile(r"[0-9]{4}\Z"), re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])\Z")
STEPS = {"year": Words("Year by year", "按年"), "month": Words("Month by month", "按月")}


class ChangeSummaryInputs(Inputs):
    """The layer, the time, and which of its features."""

    layer: str = layer_input(Words("The layer whose changes are summed up", "要汇总变化的图层"))
    begin: str = given(Words("From", "起始"), Words("First year (1985) or month (1985-06)", "起始年（1985）或月（1985-06）"), max_length=7)
    end: str = given(Words("To", "截止"), Words("Last year or month, itself included", "截止年或月（含）"), max_length=7)
    step: Literal["year", "month"] = given(Words("Step", "步长"), Words("Length of a period; periods are of UTC", "时段长度（UTC 日历）"), "year", choices=STEPS)
    district: str | None = given(Words("District", "区"), Words("Only features in the district of this code", "仅统计该区代码的要素"), None, max_length=20)
    filter: Filter | None = filter_input()


def periods(begin: str, end: str, step: str) -> NDArray[np.datetime64]:
    """Return the bounds of the periods from `begin` to `end`, both included: one more than there are periods, datetime64[us].

    >>> [str(b)[:10] for b in periods("1999", "2000", "year")]
    ['1999-01-01', '2000-01-01', '2001-01-01']
    """
    unit, length = ("Y", 4) if step == "year" else ("M", 7)
    last = end if step == "year" or len(end) == length else f"{end}-12"
    beyond = np.datetime64(last[:length], unit) + np.timedelta64(2, unit)
    return np.arange(np.datetime64(begin[:length], unit), beyond).astype("datetime64[us]")


def change_summary(frame: Frame, bounds: NDArray[np.datetime64], is_in: NDArray[np.bool_] | None = None) -> dict[str, list[int]]:
    """Count what came to be, ended and stood in each period.

    Method: versions of one feature that follow each other without a gap are one existence. It is built in the period where it
    begins and ended in the period where it ends; it stands as the period ends, at its last instant. Where only some
    versions are in question (`is_in`: those in a district), a feature that comes from elsewhere has entered and one that goes
    elsewhere has left, so that always

        standing = standing before + built - ended + entered - left.

    Parameters
    ----------
    frame
        Versions with `fids`, `valid_from`, `valid_to` (half-open; NaT is open).
    bounds
        Bounds of the periods, ascending, one more than periods.
    is_in
        Which versions are in question; None is all.

    Returns lists with a number for each period: {"built", "ended", "entered", "left", "standing"}, and "standing_before":
    a list of one, what stood as the first period began.

    >>> nothing = Frame(4548, np.array([], "int64"), np.array([], object), {}, np.array([], "M8[us]"), np.array([], "M8[us]"))
    >>> change_summary(nothing, periods("2000", "2001", "year"))["standing"]
    [0, 0]
    """
    assert frame.valid_from is not None and frame.valid_to is not None
    first, last = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us")
    begin = np.where(np.isnat(frame.valid_from), first, frame.valid_from)
    end = np.where(np.isnat(frame.valid_to), last, frame.valid_to)
    order = np.lexsort((begin, frame.fids))
    fids, begin, end = frame.fids[order], begin[order], end[order]
    inside = np.ones(len(fids), dtype=bool) if is_in is None else is_in[order]
    follows = np.zeros(len(fids), dtype=bool)
    follows[1:] = (fids[1:] == fids[:-1]) & (begin[1:] == end[:-1])
    is_followed = np.append(follows[1:], False)[:len(fids)]
    was_inside, stays_inside = np.roll(inside, 1), np.roll(inside, -1)

    def per_period(moments: NDArray[np.datetime64]) -> list[int]:
        return np.histogram(moments.astype("int64"), bounds.astype("int64"))[0].tolist()

    def up_to(moments: NDArray[np.datetime64]) -> NDArray[np.int64]:
        return np.searchsorted(np.sort(moments), bounds, side="left")

    standing = up_to(begin[inside]) - up_to(end[inside])
    # A histogram's last bin is closed on both sides; what happens at the last bound belongs to the next period.
    begin_in, end_in = begin < bounds[-1], end < bounds[-1]
    return {
        "built": per_period(begin[inside & ~follows & begin_in]),
        "ended": per_period(end[inside & ~is_followed & end_in]),
        "entered": per_period(begin[inside & follows & ~was_inside & begin_in]),
        "left": per_period(end[inside & is_followed & ~stays_inside & end_in]),
        "standing": standing[1:].tolist(), "standing_before": [int(standing[0])],
    }


def _bounds(inputs: ChangeSummaryInputs) -> NDArray[np.datetime64]:
    for name in ("begin", "end"):
        text = getattr(inputs, name)
        if not (_YEAR.match(text) or _MONTH.match(text)) or text[:4] == "0000":
            raise wrong(name, f"'{text}' is no year (1985) or month (1985-06).", f"“{text}”不是年（1985）或月（1985-06）。")
        if inputs.step == "year" and len(text) != 4:
            raise wrong(name, "is a year such as 1985 where the step is a year.", "按年汇总时应为年份，如 1985。")
    bounds = periods(inputs.begin, inputs.end, inputs.step)
    if len(bounds) < 2:
        raise wrong("end", "is before the beginning.", "早于起始时间。")
    if len(bounds) > MOST_PERIODS + 1:
        raise wrong("end", f"gives {len(bounds) - 1} periods; at most {MOST_PERIODS} are counted.", f"共 {len(bounds) - 1} 个时段，最多 {MOST_PERIODS} 个。")
    return bounds


def _question(task: Task, inputs: ChangeSummaryInputs) -> Question:
    bounds = _bounds(inputs)
    layer = task.layer(inputs.layer)
    if inputs.district is not None and layer.district is None:
        raise wrong("district", f"layer '{layer.id}' is not told apart by district.", f"图层“{layer.id}”没有区字段。")
    names = () if inputs.district is None or layer.district is None else (layer.district,)
    # A version that only touches the beginning tells whether what follows is new.
    before, after = bounds[0] - np.timedelta64(1, "us"), bounds[-1]
    return Question(layer.id, names, period=(f"{before}Z", f"{after}Z"), filter=inputs.filter, geometry=False)


def _check(task: Task, inputs: ChangeSummaryInputs) -> None:
    task.check(_question(task, inputs))


def _run(task: Task, inputs: ChangeSummaryInputs) -> Value:
    bounds = _bounds(inputs)
    frame = task.read(_question(task, inputs))
    task.progress(0.8, Words(f"Counting {len(frame)} versions", f"正在统计 {len(frame)} 个版本"))
    district = task.layer(inputs.layer).district
    is_in = None if inputs.district is None or district is None else frame.columns[district] == inputs.district
    found = change_summary(frame, bounds, is_in)
    length = 4 if inputs.step == "year" else 7
    rows: list[dict[str, Any]] = [{"period": str(bounds[i])[:length], **{k: found[k][i] for k in ("built", "ended", "entered", "left", "standing")}}
                                  for i in range(len(bounds) - 1)]
    return Value({"layer": inputs.layer, "step": inputs.step, "district": inputs.district, "standing_before": found["standing_before"][0],
                  "totals": {k: sum(found[k]) for k in ("built", "ended", "entered", "left")}, "periods": rows})


_COUNT = {"type": "integer"}

CHANGE_SUMMARY = Process(
    id="change-summary",
    title=Words("Summary of changes", "变化汇总"),
    description=Words("Counts, year by year or month by month, what of a layer came to be, ended and stood, from the times at which it was so in the "
                      "city. In a district, features that change their district are told apart from what is built and ended.",
                      "按年或按月统计图层要素的新增、消失与存续数量，依据现实有效时间；按区统计时，区划调整引起的进出单独列出。"),
    inputs=ChangeSummaryInputs,
    output=Output("summary", Words("Summary", "汇总"), Words("A row for each period", "每个时段一行"), {
        "type": "object", "required": ["layer", "step", "standing_before", "totals", "periods"], "properties": {
            "layer": {"type": "string"}, "step": {"type": "string", "enum": list(STEPS)}, "standing_before": _COUNT,
            "periods": {"type": "array", "items": {"type": "object", "properties": {
                "period": {"type": "string"}, "built": _COUNT, "ended": _COUNT, "entered": _COUNT, "left": _COUNT, "standing": _COUNT}}}}}),
    run=_run,
    check=_check,
    example={"layer": "building", "begin": "1985", "end": "2024", "step": "year"},
    keywords=("history", "change", "count"),
    most_features=3_000_000,
    most_features_at_once=100_000,
)
