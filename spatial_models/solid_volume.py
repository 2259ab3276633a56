"""Volumes of solids: what the chosen features of a layer enclose above the ground."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from spatial_models.faults import wrong
from spatial_models.inputs import Known, known_input, moment_input
from spatial_models.process import Inputs, Output, Process, Question, Shell, Task, Value, given
from spatial_models.shown import LayerName, stands
from spatial_models.solids import MOST_CORNERS, facets_of_shell
from spatial_models.words import Words

__all__ = ["SOLID_VOLUME", "SolidVolumeInputs"]

MOST_FEATURES = 1_000
# A closed surface encloses no more than the box around it; rounding of corners aside.
_FULL = 1.001


class SolidVolumeInputs(Inputs):
    """Which features of which layer."""

    layer: LayerName = given(Words("Layer", "图层"), Words("A layer of areas with a height", "带高度的面图层"))
    fids: tuple[int, ...] = given(Words("Features", "要素"), Words(f"Numbers of 1 to {MOST_FEATURES} features", f"1 至 {MOST_FEATURES} 个要素的编号"),
                                  min_length=1, max_length=MOST_FEATURES)
    datetime: str | None = moment_input()
    known_at: Known | None = known_input()


def _question(task: Task, inputs: SolidVolumeInputs) -> Question:
    layer = task.layer(inputs.layer)
    if not stands(layer):
        raise wrong("layer", f"layer '{layer.id}' has no areas with a height.", f"图层“{layer.id}”没有带高度的面。")
    if min(inputs.fids) < 0 or max(inputs.fids) >= 2**53:
        raise wrong("fids", "are numbers from 0 to below 2^53.", "应为 0 至 2^53 之间的整数。")
    names = (str(layer.height), *([layer.label] if layer.label else []))
    chosen = {"op": "in", "args": [{"property": "id"}, sorted(set(inputs.fids))]}
    return Question(layer.id, tuple(dict.fromkeys(names)), at=inputs.datetime, known_at=inputs.known_at, filter=chosen)


def _check(task: Task, inputs: SolidVolumeInputs) -> None:
    task.moment(inputs.datetime, inputs.known_at)
    task.check(_question(task, inputs))


def _run(task: Task, inputs: SolidVolumeInputs) -> Value:
    task.moment(inputs.datetime, inputs.known_at)
    question, layer = _question(task, inputs), task.layer(inputs.layer)
    frame = task.read(question)
    frame = frame.some(~shapely.is_missing(frame.geometry))
    height = frame.columns[str(layer.height)].astype(float)
    known = np.isfinite(height) & (height > 0)
    area = shapely.area(frame.geometry)
    labels = frame.columns[layer.label] if layer.label else np.full(len(frame), None, dtype=object)
    shells, left_out = task.shells(layer.id, frame.fids.tolist(), inputs.datetime, inputs.known_at, MOST_CORNERS)
    found: list[dict[str, Any]] = []
    for n, fid in enumerate(frame.fids.tolist()):
        volume = _enclosed(shells.get(fid), frame.geometry[n])
        shape = None if volume is None and not known[n] else "prism" if volume is None else "surfaces"
        volume = float(area[n] * height[n]) if shape == "prism" else volume
        found.append({"fid": fid, "label": labels[n], "footprint_m2": round(float(area[n]), 3), "height_m": float(height[n]) if known[n] else None,
                      "volume_m3": None if volume is None else round(volume, 3), "shape": shape})
    counts = {name: sum(each["shape"] == shape for each in found) for name, shape in (("surfaces", "surfaces"), ("prisms", "prism"), ("unknown_heights", None))}
    return Value({"layer": layer.id, "datetime": inputs.datetime, "known_at": inputs.known_at, "count": len(frame), "footprint_m2": round(float(area.sum()), 3),
                  "volume_m3": round(sum(each["volume_m3"] or 0.0 for each in found), 3), **counts, "surfaces_left_out": left_out,
                  "not_found": sorted(set(inputs.fids) - set(frame.fids.tolist())), "features": found})


def _enclosed(shell: Shell | None, shape: shapely.Geometry) -> float | None:
    """Return what surfaces enclose, m³; None where there are none, or they are no more than pieces of an outside."""
    facets = None if shell is None else facets_of_shell(shell, shape)
    if shell is None or facets is None:
        return None
    points = np.concatenate([ring for rings in shell.polygons for ring in rings])
    volume, box = facets.volume_m3(float(points[:, 2].min())), float(np.prod(np.ptp(points, axis=0)))
    # What is roofed twice as much as it has ground, or not at all, cannot be an outside.
    return volume if 0 < volume <= box * _FULL else None


SOLID_VOLUME = Process(
    id="solid-volume",
    title=Words("Volume of buildings", "建筑体积"),
    description=Words("What chosen features enclose above the ground as of a day: by their surveyed surfaces where there are some, else footprint in the city's "
                      "projected system times height. Where neither is recorded nothing is assumed. It is said how many were reckoned in which way.",
                      "计算所选要素在某一时点的体积：有实测表面者按表面所围，其余为投影坐标系下的基底面积乘以高度；两者皆无者不作假定。结果注明各按何种方式计算。"),
    inputs=SolidVolumeInputs,
    output=Output("volume", Words("Volume", "体积"), Words("The sum, and each feature", "合计与各要素"),
                  {"type": "object", "required": ["count", "volume_m3", "footprint_m2"], "properties": {
                      "count": {"type": "integer"}, "volume_m3": {"type": "number"}, "footprint_m2": {"type": "number"},
                      "surfaces": {"type": "integer"}, "prisms": {"type": "integer"}, "features": {"type": "array", "items": {"type": "object"}}}}),
    run=_run,
    check=_check,
    example={"layer": "building", "fids": [1, 2]},
    keywords=("volume", "building", "3D"),
    is_open=True,
)
