"""The process `skyline`: the horizon around a viewpoint, of one day or of two, and how open the sky is."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import shapely

from layers.crs import transformer
from spatial_models.faults import wrong
from spatial_models.process import Output, Process, Task, Value, given
from spatial_models.shown import ShownInputs, shown
from spatial_models.skyline import Skyline, openness_deg, sky_share, sky_view_factor, skyline
from spatial_models.solids import Solids, read_solids
from spatial_models.viewpoint import Position, curvature_input, place, places, sighting
from spatial_models.words import Words

__all__ = ["SKYLINE", "SkylineInputs"]

CRS84 = 4326
FARTHEST_M = 10_000
# Horizons that differ by less are the same.
SAME_DEG = 0.01


class SkylineInputs(ShownInputs):
    """A viewpoint, how far its horizon may be, and a day to compare with."""

    observer: Position = given(Words("Viewpoint", "观察点"), Words(
        "Longitude, latitude; on the ground or on the roof there. A third number is an elevation over the city's vertical datum, in metres",
        "经度、纬度，立于该处地面或屋面；第三个数为城市高程基准下的高程（米）"), min_length=2, max_length=3)
    radius_m: float = given(Words("Radius", "半径"), Words("What is further away makes no horizon, metres", "更远处不计入天际线（米）"), 2000,
                            ge=50, le=FARTHEST_M, allow_inf_nan=False)
    step_deg: Literal[0.25, 0.5, 1, 2, 5] = given(Words("Step", "方位间隔"), Words("Degrees between two azimuths", "相邻方位的度数"), 1)
    eye_height_m: float = given(Words("Eye height", "视点高度"), Words("Metres above what the viewpoint is on", "高出立足面的米数"), 1.6,
                                ge=0, le=1000, allow_inf_nan=False)
    curvature: bool = curvature_input()
    compare: str | None = given(Words("Compare with", "对比时点"), Words("Another moment, for the same eye: such as a day when what is planned stands",
                                                                   "同一视点的另一时点，如规划建筑建成之日"), None, max_length=40)


def _check(task: Task, inputs: SkylineInputs) -> None:
    places("observer", [inputs.observer], task.projected_srid)
    shown(task, inputs)
    task.moment(inputs.compare, name="compare")


def _run(task: Task, inputs: SkylineInputs) -> Value:
    city, srid = shown(task, inputs), task.projected_srid
    reach = shapely.buffer(shapely.Point(places("observer", [inputs.observer], srid)[0]), inputs.radius_m, quad_segs=32)
    solids, ground = read_solids(task, city, reach)
    light = sighting(ground, inputs.curvature)
    observer = place("observer", inputs.observer, ground, solids)
    eye = (observer.x, observer.y, observer.z + inputs.eye_height_m)
    task.progress(0.5, Words("Following the horizon", "正在计算天际线"))
    found = skyline(eye, inputs.radius_m, inputs.step_deg, solids, ground, light.drop)
    told: dict[str, Any] = {
        **city.told, "observer": observer.told(srid, solids, inputs.eye_height_m), "radius_m": inputs.radius_m, "step_deg": inputs.step_deg,
        **_openness(found), "profile": _profile(found, eye, solids, srid), "terrain": ground.told, "solids": solids.told(city), **light.told}
    if inputs.compare is not None:
        others, ground = read_solids(task, city.on(inputs.compare), reach)
        inside = [row for row, top in others.tops_at(*eye[:2]).items() if top > eye[2]]
        if inside:
            label = others.labels[inside[0]] or others.fids[inside[0]]
            raise wrong("compare", f"the viewpoint lies inside '{label}' then.", f"届时观察点位于“{label}”内部。")
        other = skyline(eye, inputs.radius_m, inputs.step_deg, others, ground, light.drop)
        rise = other.angle_deg - found.angle_deg
        most = int(np.argmax(np.abs(rise)))
        told["compared"] = {"datetime": inputs.compare, **_openness(other), "profile": _profile(other, eye, others, srid),
                            "changed_share": float(np.mean(np.abs(rise) > SAME_DEG)), "largest_change_deg": round(float(rise[most]), 3),
                            "largest_change_azimuth_deg": float(found.azimuth_deg[most]), "solids": others.told(city)}
    return Value(told)


def _openness(found: Skyline) -> dict[str, Any]:
    highest = int(np.argmax(found.angle_deg))
    return {"sky_view_factor": round(sky_view_factor(found.angle_deg), 4), "sky_share": round(sky_share(found.angle_deg), 4),
            "openness_deg": round(openness_deg(found.angle_deg), 2), "highest_deg": round(float(found.angle_deg[highest]), 3),
            "highest_azimuth_deg": float(found.azimuth_deg[highest])}


def _profile(found: Skyline, eye: tuple[float, float, float], solids: Solids, srid: int) -> list[dict[str, Any]]:
    turn = np.radians(found.azimuth_deg)
    lon, lat = transformer(srid, CRS84).transform(eye[0] + np.sin(turn) * found.distance_m, eye[1] + np.cos(turn) * found.distance_m)
    told = []
    for n, row in enumerate(found.solid.tolist()):
        one: dict[str, Any] = {"azimuth_deg": round(float(found.azimuth_deg[n]), 2), "angle_deg": round(float(found.angle_deg[n]), 3)}
        if np.isfinite(found.distance_m[n]):
            one |= {"distance_m": round(float(found.distance_m[n]), 2), "elevation_m": round(float(found.elevation_m[n]), 2),
                    "lon": round(float(lon[n]), 7), "lat": round(float(lat[n]), 7)}
        told.append(one | (solids.named(row) if row >= 0 else {}))
    return told


SKYLINE = Process(
    id="skyline",
    title=Words("Skyline", "天际线分析"),
    description=Words("The horizon around a viewpoint by azimuth: its angle, and which building (by its surveyed roof, else as a prism) or ground makes it, as of a day; how open the sky is; and what "
                      "changes by another day. What the reader may not see stands nowhere.",
                      "按方位给出观察点周围的天际线：仰角及形成它的建筑（有实测屋顶者按屋顶）或地形，并给出天空开阔度，可与另一时点对比。读者无权查看的要素不参与计算。"),
    inputs=SkylineInputs,
    output=Output("skyline", Words("Skyline", "天际线"), Words("The horizon by azimuth, and how open the sky is", "各方位仰角与天空开阔度"),
                  {"type": "object", "required": ["profile", "sky_view_factor", "openness_deg"], "properties": {
                      "profile": {"type": "array", "items": {"type": "object"}}, "sky_view_factor": {"type": "number"}, "sky_share": {"type": "number"},
                      "openness_deg": {"type": "number"}, "compared": {"type": "object"}}}),
    run=_run,
    check=_check,
    example={"observer": [116.3975, 39.9087], "radius_m": 1000, "step_deg": 2},
    keywords=("skyline", "horizon", "sky view factor", "3D"),
    is_open=True,
)
