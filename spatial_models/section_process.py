"""The process `section`: a vertical cut through the city along a line, in numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from layers.crs import transformer
from spatial_models.faults import wrong
from spatial_models.pipes import Pipes, buried_layers, read_pipes
from spatial_models.process import Output, Process, Task, Value, given
from spatial_models.profiles import profiles
from spatial_models.section import Crossing, Line, crossings, ground_line, intervals
from spatial_models.shown import ShownInputs, shown
from spatial_models.solids import Solids, read_solids
from spatial_models.storeys import Level, basis_of, levels_of, stack
from spatial_models.surroundings import Ground
from spatial_models.viewpoint import Position, places
from spatial_models.words import Words

__all__ = ["SECTION", "SectionInputs"]

CRS84 = 4326
LONGEST_M = 10_000
MOST_STEPS, USUAL_STEPS = 5_000, 400
FLOORS = ("floors_above", "floors_below")
MARGIN_M = 0.5


class SectionInputs(ShownInputs):
    """The line of the cut, and how far apart the ground is asked."""

    line: list[Position] = given(Words("Line", "剖切线"), Words(f"2 to 50 positions (longitude, latitude), at most {LONGEST_M} m long",
                                                           f"2 至 50 个位置（经度、纬度），总长不超过 {LONGEST_M} 米"), min_length=2, max_length=50)
    step_m: float | None = given(Words("Step", "采样间隔"), Words(
        f"Metres between two places of the ground; without it a {USUAL_STEPS}th of the line, at least 0.5 m. At most {MOST_STEPS} places",
        f"地面采样点间隔（米）；不给则为全长的 {USUAL_STEPS} 分之一且不小于 0.5 米，最多 {MOST_STEPS} 点"), None, ge=0.1, le=1000, allow_inf_nan=False)


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
    shown(task, inputs, buried_layers(task))


def _run(task: Task, inputs: SectionInputs) -> Value:
    city, srid = shown(task, inputs, buried_layers(task)), task.projected_srid
    line = _line(srid, inputs)
    around = shapely.buffer(shapely.LineString(line.points), MARGIN_M, quad_segs=1)
    solids, ground = read_solids(task, city, around, FLOORS)
    pipes = read_pipes(task, city, around)
    s, heights = ground_line(line, ground, _step(line, inputs))
    known = heights[np.isfinite(heights)]
    levels: dict[tuple[str, int], list[Level]] = {}
    for layer in city.layers:
        fids = solids.fids[solids.layers == layer.id].tolist()
        levels |= {(layer.id, fid): found for fid, found in levels_of(task, city, layer, fids).items()} if fids else {}
    prisms = solids.prisms
    cuts = [_cut(solids, int(prisms[n]), [(begin, float(solids.top[prisms[n]])), (end, float(solids.top[prisms[n]]))], "prism", levels)
            for n, begin, end in intervals(line, solids.shapes[prisms])]
    cuts += [_cut(solids, row, points, "surfaces", levels) for row, points in profiles(line, solids.roofs)]
    met = [_met(pipes, ground, each) for each in crossings(line, pipes.lines)]
    lon, lat = transformer(srid, CRS84).transform(*line.points.T)
    return Value({
        **city.told, "length_m": round(line.length_m, 3), "step_m": round(_step(line, inputs), 3),
        "line": [[round(x, 7), round(y, 7), round(d, 3)] for x, y, d in zip(lon.tolist(), lat.tolist(), line.distance_m.tolist(), strict=True)],
        "ground": [[round(d, 3), None if math.isnan(z) else round(z, 3)] for d, z in zip(s.tolist(), heights.tolist(), strict=True)],
        "lowest_m": round(float(known.min()), 3) if known.size else None, "highest_m": round(float(known.max()), 3) if known.size else None,
        "cuts": sorted(cuts, key=lambda c: c["from_m"]), "pipes": met,
        "terrain": ground.told, "solids": solids.told(city), "pipe_layers": [layer.id for layer in city.others]})


def _cut(solids: Solids, row: int, points: Sequence[tuple[float, float]], shape: str, levels: Mapping[tuple[str, int], list[Level]]) -> dict[str, Any]:
    """Return a cut; its top is the highest place of the roof over the line."""
    floors = {name: _whole(solids.columns[name][row]) for name in FLOORS}
    base, top = float(solids.base[row]), max(z for _, z in points)
    storeys = stack(base, float(solids.top[row]), floors["floors_above"], levels.get((str(solids.layers[row]), int(solids.fids[row])), []))
    return {**solids.named(row), "from_m": round(points[0][0], 3), "to_m": round(points[-1][0], 3), "base_elevation_m": round(base, 3),
            "top_elevation_m": round(top, 3), "height_m": round(top - base, 3), "is_height_known": bool(solids.is_known[row]), **floors,
            "shape": shape, "roof": [[round(s, 3), round(z, 3)] for s, z in points], "storeys": [each.told for each in storeys],
            "storey_basis": basis_of(storeys)}


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
    description=Words("A vertical cut along a line as of a day: the ground, the buildings it goes through with the outline of their surveyed roofs, heights and "
                      "floors (by recorded heights of levels where there are some, and it is said where they are assumed), and the pipes it crosses with "
                      "their depth. What the reader may not see is not in it.",
                      "沿线竖直剖切某一时点的城市：地面线、所穿过的建筑（实测屋顶轮廓、高度，楼层按已登记的层高，未登记者为推算并予注明）及所跨越的管线（埋深）。读者无权查看的要素不在其中。"),
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
