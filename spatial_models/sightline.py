"""Sightline: is a target seen from a viewpoint, and what stands in the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from layers.crs import transformer
from spatial_models.faults import wrong
from spatial_models.lines_of_sight import Obstruction, look
from spatial_models.process import Output, Process, Task, Value, given
from spatial_models.shown import ShownInputs, shown
from spatial_models.solids import Solids, read_solids
from spatial_models.surroundings import Ground
from spatial_models.viewpoint import Position, Viewpoint, curvature_input, place, places, sighting
from spatial_models.words import Words

__all__ = ["SIGHTLINE", "SightlineInputs"]

CRS84 = 4326
FARTHEST_M = 20_000
MOST_TARGETS, MOST_TOLD = 100, 20
# Solids beside the line count by what of them is on it; the margin is for what a clicked wall is moved by.
MARGIN_M = 1.0


class SightlineInputs(ShownInputs):
    """A viewpoint, what is looked at, and how."""

    observer: Position = given(Words("Viewpoint", "观察点"), Words(
        "Longitude, latitude; on the ground or on the roof there. A third number is an elevation over the city's vertical datum, in metres",
        "经度、纬度，立于该处地面或屋面；第三个数为城市高程基准下的高程（米）"), min_length=2, max_length=3)
    targets: list[Position] = given(Words("Targets", "目标点"), Words(f"1 to {MOST_TARGETS} positions, each like the viewpoint, at most {FARTHEST_M} m away",
                                                                   f"1 至 {MOST_TARGETS} 个位置，形式同观察点，距离不超过 {FARTHEST_M} 米"),
                                    min_length=1, max_length=MOST_TARGETS)
    eye_height_m: float = given(Words("Eye height", "视点高度"), Words("Metres above what the viewpoint is on", "高出立足面的米数"), 1.6,
                                ge=0, le=1000, allow_inf_nan=False)
    target_height_m: float = given(Words("Target height", "目标高度"), Words("Metres above what a target is on", "目标高出其立足面的米数"), 0,
                                   ge=0, le=1000, allow_inf_nan=False)
    curvature: bool = curvature_input()


def _plan(srid: int, inputs: SightlineInputs) -> shapely.Geometry:
    eye, ends = places("observer", [inputs.observer], srid)[0], places("targets", inputs.targets, srid)
    far = np.hypot(*(ends - eye).T)
    if far.max() > FARTHEST_M:
        raise wrong("targets", f"lie at most {FARTHEST_M} m from the viewpoint; one is {far.max():.0f} m away.",
                    f"距观察点不得超过 {FARTHEST_M} 米，其中一个为 {far.max():.0f} 米。")
    return shapely.buffer(shapely.MultiLineString([[eye, end] for end in ends]), MARGIN_M, quad_segs=1)


def _check(task: Task, inputs: SightlineInputs) -> None:
    _plan(task.projected_srid, inputs)
    shown(task, inputs)


def _run(task: Task, inputs: SightlineInputs) -> Value:
    city = shown(task, inputs)
    solids, ground = read_solids(task, city, _plan(task.projected_srid, inputs))
    light = sighting(ground, inputs.curvature)
    observer = place("observer", inputs.observer, ground, solids)
    eye = (observer.x, observer.y, observer.z + inputs.eye_height_m)
    seen = []
    for target in inputs.targets:
        end = place("targets", target, ground, solids)
        seen.append(_told(end, eye, inputs.target_height_m, solids, ground, light.drop))
    return Value({**city.told, "observer": observer.told(task.projected_srid, solids, inputs.eye_height_m), "targets": seen,
                  "visible": sum(each["visible"] for each in seen), "terrain": ground.told, "solids": solids.told(city), **light.told})


def _told(end: Viewpoint, eye: tuple[float, float, float], raised_m: float, solids: Solids, ground: Ground, drop: float) -> dict[str, Any]:
    sight = look(eye, (end.x, end.y, end.z + raised_m), solids, ground, drop)
    rise = end.z + raised_m - eye[2]
    obstructions = [_named(each, solids, ground.srid) for each in sight.obstructions[:MOST_TOLD]]
    return {**end.told(ground.srid, solids, raised_m), "visible": sight.is_visible, "level_m": round(sight.distance_m, 3),
            "slant_m": round(float(np.hypot(sight.distance_m, rise)), 3), "obstruction": obstructions[0] if obstructions else None,
            "obstructions": obstructions, "obstruction_count": len(sight.obstructions),
            "seen_from_elevation_m": None if sight.is_visible else round(sight.seen_from_m, 3),
            "raise_m": None if sight.is_visible else round(max(0.0, sight.seen_from_m - end.z - raised_m), 3)}


def _named(each: Obstruction, solids: Solids, srid: int) -> dict[str, Any]:
    lon, lat = transformer(srid, CRS84).transform(each.x, each.y)
    what = {"kind": "ground"} if each.solid is None else {"kind": "feature", **solids.named(each.solid), "top_elevation_m": round(float(solids.top[each.solid]), 3)}
    return {**what, "lon": round(lon, 7), "lat": round(lat, 7), "elevation_m": round(each.line_m, 3), "distance_m": round(each.begin_m, 3),
            "above_line_m": round(each.above_m, 3)}


SIGHTLINE = Process(
    id="sightline",
    title=Words("Sightline", "通视分析"),
    description=Words("Whether targets are seen from a viewpoint over ground and buildings (by surveyed roofs, else as prisms) as of a day, what stands in the way first, where, and by how "
                      "many metres it is too high. What the reader may not see stands nowhere.",
                      "按某一时点的地形与建筑（有实测屋顶者按屋顶，其余按拉伸体），判断从观察点能否看到目标；不通视时给出首个遮挡物、位置及高出视线的米数。读者无权查看的要素不参与计算。"),
    inputs=SightlineInputs,
    output=Output("sightline", Words("Sightlines", "通视结果"), Words("Each target: seen or not, and its obstructions", "各目标是否可见及其遮挡"),
                  {"type": "object", "required": ["observer", "targets", "visible"], "properties": {
                      "observer": {"type": "object"}, "targets": {"type": "array", "items": {"type": "object"}}, "visible": {"type": "integer"}}}),
    run=_run,
    check=_check,
    example={"observer": [116.3975, 39.9087], "targets": [[116.4010, 39.9150]], "eye_height_m": 1.6},
    keywords=("sightline", "visibility", "3D"),
    is_open=True,
)
