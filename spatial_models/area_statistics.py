"""Statistics of a drawn area: how many features of a layer are in it, what they add up to, and by class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.crs import make_crs, to_srid
from spatial_models.faults import wrong
from spatial_models.frames import CrsMismatch, Frame
from spatial_models.inputs import (
    NUMBERS,
    Area,
    Filter,
    drawn_area,
    filter_input,
    layer_input,
    moment_input,
    readable_field,
)
from spatial_models.process import Inputs, Output, Process, Question, Task, Value, given
from spatial_models.words import Words

__all__ = ["AREA_STATISTICS", "RULES", "AreaStatisticsInputs", "area_statistics", "shares_within"]

CRS84 = 4326
MOST_CLASSES = 200
CLASSES = ("code", "string", "integer", "boolean")
RULES: dict[str, Words] = {
    "centroid": Words("A feature counts whole where its centroid is in the area (or on its edge)",
                      "要素的质心在范围内（含边界）时整体计入"),
    "intersects": Words("A feature counts whole where it meets the area, be it in a point", "要素与范围相交（哪怕只有一点）时整体计入"),
    "area_weighted": Words("A feature counts with the share of its area (of its length, of its points) that is in the area",
                           "要素按其落入范围内的面积（长度、点数）比例计入"),
}


class AreaStatisticsInputs(Inputs):
    """A layer, an area, the rule for what is partly in it, and what to add up."""

    layer: str = layer_input(Words("The layer whose features are counted", "要统计的图层"))
    area: Area = given(Words("Area", "范围"), Words("A polygon in CRS84; its edges are straight in longitude and latitude", "CRS84 多边形"))
    rule: Literal["centroid", "intersects", "area_weighted"] = given(
        Words("Rule", "计入规则"), Words("How features count that are only partly in the area", "部分落入范围的要素如何计入"), "centroid", choices=RULES)
    fields: tuple[str, ...] = given(Words("Fields", "字段"), Words("Numeric fields to add up", "要汇总的数值字段"), (), max_length=20)
    by: str | None = given(Words("By", "分类字段"), Words("A field by whose values the statistics are told apart", "按该字段的取值分类统计"), None, max_length=48)
    filter: Filter | None = filter_input()
    datetime: str | None = moment_input()


def shares_within(frame: Frame, area: BaseGeometry, area_srid: int, rule: str) -> NDArray[np.float64]:
    """Return the share (0 to 1) with which each feature counts for an area.

    Parameters
    ----------
    frame
        Features in a projected CRS.
    area, area_srid
        Polygon or multi-polygon, and the EPSG code it is in.
    rule
        'centroid', 'intersects' or 'area_weighted', as RULES says.

    Returns an array as long as the frame; 0 where a feature does not count, also for features without geometry.
    Raises CrsMismatch, NotProjected.
    """
    if frame.srid != area_srid:
        raise CrsMismatch(frame.srid, area_srid)
    frame.require_metric()
    shapely.prepare(area)
    if rule == "centroid":
        return shapely.intersects(area, shapely.centroid(frame.geometry)).astype(float)
    meets = shapely.intersects(area, frame.geometry)
    if rule == "intersects":
        return meets.astype(float)
    shares = shapely.covers(area, frame.geometry).astype(float)
    # Only what lies across the edge is cut.
    (across,) = np.nonzero(meets & (shares == 0))
    whole = frame.geometry[across]
    whole = np.where(shapely.is_valid(whole), whole, shapely.make_valid(whole))
    part = shapely.intersection(area, whole)
    measure, total = _measure(part, whole), _measure(whole, whole)
    shares[across] = np.divide(measure, total, out=np.zeros_like(measure), where=total > 0)
    return shares


def _measure(shapes: NDArray[Any], like: NDArray[Any]) -> NDArray[np.float64]:
    """Measure shapes in what counts for the shapes they are parts of: m² of surfaces, m of lines, number of points."""
    dimension = shapely.get_dimensions(like)
    return np.select([dimension == 2, dimension == 1], [shapely.area(shapes), shapely.length(shapes)],
                     shapely.get_num_coordinates(shapes).astype(float))


def area_statistics(frame: Frame, area: BaseGeometry, area_srid: int, rule: str = "centroid", fields: Sequence[str] = (),
                    by: str | None = None) -> dict[str, Any]:
    """Add up the features of a frame that count for an area.

    Method: each feature counts with its share s by `rule`. count = Σ s; for a field v: sum = Σ s·v and mean = Σ s·v / Σ s
    over the features that have a value; min and max over the features with s > 0.

    Parameters
    ----------
    frame
        Features in a projected CRS, with the columns `fields` (float64) and `by`.
    area, area_srid
        Polygon and its EPSG code.

    Returns
    -------
    {"area_m2", "count", "features", "area_m2_within" and "length_m_within" (what of surfaces and lines counts), "fields":
    {name: {"count", "sum", "mean", "min", "max"}}}, and with `by` "classes": a list of the same for each value, most first.

    Raises CrsMismatch, NotProjected.

    Example
    -------
    >>> nothing = Frame(4548, np.array([], "int64"), np.array([], object))
    >>> area_statistics(nothing, shapely.box(0, 0, 10, 10), 4548)["count"]
    0
    """
    shares = shares_within(frame, area, area_srid, rule)
    found = _totals(frame, shares, rule, fields)
    if by is not None:
        values = [_class(value) for value in frame.columns[by].tolist()]
        order: dict[Any, list[int]] = {}
        for i in np.nonzero(shares)[0].tolist():
            order.setdefault(values[i], []).append(i)
        classes = [{"value": value, **_totals(frame.some(np.array(rows)), shares[rows], rule, fields)} for value, rows in order.items()]
        classes.sort(key=lambda c: (-c["count"], str(c["value"])))
        found["classes"] = classes[:MOST_CLASSES]
        found["classes_left_out"] = max(0, len(classes) - MOST_CLASSES)
    return {"area_m2": float(area.area), **found}


def _class(value: Any) -> Any:
    """Return a value as it is told: missing numbers are one class, whole numbers have no point."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else int(value) if value.is_integer() else value


def _totals(frame: Frame, shares: NDArray[np.float64], rule: str, fields: Sequence[str]) -> dict[str, Any]:
    counts = shares > 0
    count = float(shares.sum())
    dimension = shapely.get_dimensions(frame.geometry)
    totals: dict[str, Any] = {"count": count if rule == "area_weighted" else int(count), "features": int(counts.sum())}
    for name, wanted, measure in (("area_m2_within", 2, shapely.area), ("length_m_within", 1, shapely.length)):
        if (chosen := dimension == wanted).any():
            totals[name] = float((measure(frame.geometry[chosen]) * shares[chosen]).sum())
    totals["fields"] = {name: _field(frame.columns[name], shares, counts) for name in fields}
    return totals


def _field(values: NDArray[np.float64], shares: NDArray[np.float64], counts: NDArray[np.bool_]) -> dict[str, Any]:
    there = counts & ~np.isnan(values)
    if not there.any():
        return {"count": 0, "sum": 0.0, "mean": None, "min": None, "max": None}
    weights, chosen = shares[there], values[there]
    total = float((weights * chosen).sum())
    return {"count": int(there.sum()), "sum": total, "mean": total / float(weights.sum()), "min": float(chosen.min()), "max": float(chosen.max())}


def _question(task: Task, inputs: AreaStatisticsInputs) -> Question:
    layer = task.layer(inputs.layer)
    if layer.geometry is None:
        raise wrong("layer", f"layer '{layer.id}' has no geometry.", f"图层“{layer.id}”没有几何。")
    for name in inputs.fields:
        readable_field(layer, name, "fields", NUMBERS)
    if inputs.by is not None:
        readable_field(layer, inputs.by, "by", CLASSES)
    names = dict.fromkeys((*inputs.fields, *([inputs.by] if inputs.by else [])))
    return Question(layer.id, tuple(names), at=inputs.datetime, filter=inputs.filter, area=drawn_area(inputs.area))


def _check(task: Task, inputs: AreaStatisticsInputs) -> None:
    task.check(_question(task, inputs))


def _run(task: Task, inputs: AreaStatisticsInputs) -> Value:
    question = _question(task, inputs)
    layer = task.layer(inputs.layer)
    frame = task.read(question)
    task.progress(0.8, Words(f"Adding up {len(frame)} features", f"正在统计 {len(frame)} 个要素"))
    area = to_srid(drawn_area(inputs.area), CRS84, task.projected_srid)
    found = area_statistics(frame, area, task.projected_srid, inputs.rule, inputs.fields, inputs.by)
    for name, statistics in found["fields"].items():
        statistics["unit"] = layer.fields[name].unit
    return Value({"layer": layer.id, "datetime": inputs.datetime, "rule": inputs.rule, "rule_means": RULES[inputs.rule]._asdict(),
                  "measured_in": make_crs(task.projected_srid).uri, "by": inputs.by, **found,
                  **({"classes": _titled(found["classes"], layer.fields[inputs.by].codes)} if inputs.by else {})})


def _titled(classes: list[dict[str, Any]], codes: Mapping[str, Words] | None) -> list[dict[str, Any]]:
    return [{**c, "title": codes[c["value"]]._asdict()} if codes and c["value"] in codes else c for c in classes]


_TOTALS = {"count": {"type": "number"}, "features": {"type": "integer"}, "area_m2_within": {"type": "number"},
           "length_m_within": {"type": "number"}, "fields": {"type": "object"}}

AREA_STATISTICS = Process(
    id="area-statistics",
    title=Words("Statistics of an area", "范围统计"),
    description=Words("Counts the features of a layer in a drawn area as of a day, adds up their fields, and tells them apart by class. "
                      "Measured in the city's projected system.",
                      "统计某一时点绘制范围内某图层的要素数量，汇总数值字段，并可按类别分列；面积与长度按城市投影坐标系计算。"),
    inputs=AreaStatisticsInputs,
    output=Output("statistics", Words("Statistics", "统计结果"), Words("Counts, sums and classes, with the rule they were made by", "数量、合计与分类，并注明计入规则"),
                  {"type": "object", "required": ["layer", "rule", "count", "features", "fields"],
                   "properties": {"layer": {"type": "string"}, "rule": {"type": "string", "enum": list(RULES)}, "area_m2": {"type": "number"},
                                  **_TOTALS, "classes": {"type": "array", "items": {"type": "object", "properties": _TOTALS}}}}),
    run=_run,
    check=_check,
    example={"layer": "building", "rule": "centroid", "fields": ["built_area_m2"], "by": "use", "area": {
        "type": "Polygon", "coordinates": [[[116.38, 39.90], [116.42, 39.90], [116.42, 39.93], [116.38, 39.93], [116.38, 39.90]]]}},
    keywords=("statistics", "area", "count"),
)
