"""The process `section`: a vertical cut through the city along a line, in numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely

from layers.crs import transformer
from spatial_models.faults import wrong
from spatial_models.inputs import moment_input
from spatial_models.pipes import Pipes, buried_layers, read_pipes
from spatial_models.process import Inputs, Output, Process, Task, Value, given
from spatial_models.section import Crossing, Line, crossings, ground_line, intervals
from spatial_models.sightline import LayerName
from spatial_models.solids import Solids, layers_input, read_solids, standing_layers
from spatial_models.surroundings import Ground
from spatial_models.viewpoint import Position, places
from spatial_models.words import Words

__all__ = ["SECTION", "SectionInputs"]

CRS84 = 4326
LONGEST_M = 10_000
MOST_STEPS, USUAL_STEPS = 5_000, 400
FLOORS = ("floors_above", "floors_below")
MARGIN_M = 0.5


class SectionInputs(Inputs):
    """The line of the cut, and how far apart the ground is asked."""

    line: list[Position] = given(Words("Line", "剖切线"), Words(f"2 to 50 positions (longitude, latitude), at most {LONGEST_M} m long",
                                                           f"2 至 50 个位置（经度、纬度），总长不超过 {LONGEST_M} 米"), min_length=2, max_length=50)
    step_m: float | None = given(Words("Step", "采样间隔"), Words(
        f"Metres between two places of the ground; without it a {USUAL_STEPS}th of the line, at least 0.5 m. At most {MOST_STEPS} places",
        f"地面采样点间隔（米）；不给则为全长的 {USUAL_STEPS} 分之一且不小于 0.5 米，最多 {MOST_STEPS} 点"), None, ge=0.1, le=1000, allow_inf_nan=False)
    layers: tuple[LayerName, ...] | None = layers_input()
    datetime: str | None = moment_input()


def _line(srid: int, inputs: SectionInputs) -> Line:
    line = Line.of(places("line", [p[:2] for p in inputs.line], srid))
    if line.length_m < 0.01:
        raise wrong("line", "has no length.", "长度为零。")
    if line.length_m > LONGEST_M:
        raise wrong("line", f"is {line.length_m:.0f} m long; at most {LONGEST_M} m.", f"长 {line.length_m:.0f} 米，最多 {LONGEST_M} 米。")
    if line.length_m / _step(line, inputs) > MOST_STEPS:
        raise wrong("step_m", f"makes {line.length_m / _step(line, inputs):.0f} places; at most {MOST_STEPS}.",
                    f"将有 {line.length_m / _step(line, inputs):.0f} 个采样点，最多 {MOST_STEPS} 个。")
    return line


def _step(line: Line, inputs: SectionInputs) -> float:
    return inputs.step_m or max(0.5, line.length_m / USUAL_STEPS)


def _check(task: Task, inputs: SectionInputs) -> None:
    _line(task.projected_srid, inputs)
    standing_layers(task, inputs.layers, buried_layers(task))


def _run(task: Task, inputs: SectionInputs) -> Value:
    buried, srid = buried_layers(task), task.projected_srid
    layers = standing_layers(task, inputs.layers, buried)
    line = _line(srid, inputs)
    around = shapely.buffer(shapely.LineString(line.points), MARGIN_M, quad_segs=1)
    solids, ground = read_solids(task, layers, inputs.datetime, around, FLOORS)
    pipes = read_pipes(task, buried, inputs.datetime, around)
    s, heights = ground_line(line, ground, _step(line, inputs))
    known = heights[np.isfinite(heights)]
    cuts = [_cut(solids, *each) for each in intervals(line, solids.shapes)]
    met = [_met(pipes, ground, each) for each in crossings(line, pipes.lines)]
    lon, lat = transformer(srid, CRS84).transform(*line.points.T)
    return Value({
        "datetime": inputs.datetime, "length_m": round(line.length_m, 3), "step_m": round(_step(line, inputs), 3),
        "line": [[round(x, 7), round(y, 7), round(d, 3)] for x, y, d in zip(lon.tolist(), lat.tolist(), line.distance_m.tolist(), strict=True)],
        "ground": [[round(d, 3), None if math.isnan(z) else round(z, 3)] for d, z in zip(s.tolist(), heights.tolist(), strict=True)],
        "lowest_m": round(float(known.min()), 3) if known.size else None, "highest_m": round(float(known.max()), 3) if known.size else None,
        "cuts": sorted(cuts, key=lambda c: c["from_m"]), "pipes": met,
        "terrain": ground.told, "solids": solids.told(layers), "pipe_layers": [layer.id for layer in buried]})


def _cut(solids: Solids, row: int, begin: float, end: float) -> dict[str, Any]:
    floors = {name: _whole(solids.columns[name][row]) for name in FLOORS}
    return {**solids.named(row), "from_m": round(begin, 3), "to_m": round(end, 3), "base_elevation_m": round(float(solids.base[row]), 3),
            "top_elevation_m": round(float(solids.top[row]), 3), "height_m": round(float(solids.top[row] - solids.base[row]), 3),
            "is_height_known": bool(solids.is_known[row]), **floors}


def _whole(value: Any) -> int | None:
    return None if value is None or not math.isfinite(value) else int(value)


def _met(pipes: Pipes, ground: Ground, each: Crossing) -> dict[str, Any]:
    """Return a crossing; the depth is that of the top below the ground, and unknown where the elevation is."""
    axis, half = float(pipes.axis_at(each.row, each.share)), pipes.half(each.row)
    floor = float(ground.heights(np.array([each.x]), np.array([each.y]))[0])
    lon, lat = transformer(ground.srid, CRS84).transform(each.x, each.y)
    told = {"elevation_m": axis, "top_elevation_m": axis + half, "bottom_elevation_m": axis - half, "ground_elevation_m": floor, "depth_m": floor - axis - half}
    return {**pipes.named(each.row), "distance_m": round(each.distance_m, 3), "to_m": round(each.end_m, 3), "angle_deg": round(each.angle_deg, 1),
            "lon": round(lon, 7), "lat": round(lat, 7), **{name: None if math.isnan(v) else round(v, 3) for name, v in told.items()}}


SECTION = Process(
    id="section",
    title=Words("Section", "剖面分析"),
    description=Words("A vertical cut along a line as of a day: the ground, the buildings it goes through with heights and floors, and the pipes it crosses with "
                      "their depth. What the reader may not see is not in it.",
                      "沿线竖直剖切某一时点的城市：地面线、所穿过的建筑（高度、层数）及所跨越的管线（埋深）。读者无权查看的要素不在其中。"),
    inputs=SectionInputs,
    output=Output("section", Words("Section", "剖面"), Words("Ground, cuts and crossings by distance along the line", "按里程的地面、建筑与管线"),
                  {"type": "object", "required": ["length_m", "ground", "cuts", "pipes"], "properties": {
                      "length_m": {"type": "number"}, **{name: {"type": "array", "items": {}} for name in ("line", "ground", "cuts", "pipes")}}}),
    run=_run,
    check=_check,
    example={"line": [[116.3950, 39.9100], [116.4000, 39.9100]]},
    keywords=("section", "profile", "pipes", "3D"),
    is_open=True,
)
