"""Volumes of solids: what the chosen features of a layer enclose above the ground."""

from __future__ import annotations

import numpy as np
import shapely

from spatial_models.faults import wrong
from spatial_models.inputs import moment_input
from spatial_models.process import Inputs, Output, Process, Question, Task, Value, given
from spatial_models.sightline import LayerName
from spatial_models.words import Words

__all__ = ["SOLID_VOLUME", "SolidVolumeInputs"]

MOST_FEATURES = 1_000


class SolidVolumeInputs(Inputs):
    """Which features of which layer."""

    layer: LayerName = given(Words("Layer", "图层"), Words("A layer of areas with a height", "带高度的面图层"))
    fids: tuple[int, ...] = given(Words("Features", "要素"), Words(f"Numbers of 1 to {MOST_FEATURES} features", f"1 至 {MOST_FEATURES} 个要素的编号"),
                                  min_length=1, max_length=MOST_FEATURES)
    datetime: str | None = moment_input()


def _question(task: Task, inputs: SolidVolumeInputs) -> Question:
    layer = task.layer(inputs.layer)
    if layer.geometry not in ("Polygon", "MultiPolygon") or layer.height is None:
        raise wrong("layer", f"layer '{layer.id}' has no areas with a height.", f"图层“{layer.id}”没有带高度的面。")
    if min(inputs.fids) < 0 or max(inputs.fids) >= 2**53:
        raise wrong("fids", "are numbers from 0 to below 2^53.", "应为 0 至 2^53 之间的整数。")
    names = (layer.height, *([layer.label] if layer.label else []))
    chosen = {"op": "in", "args": [{"property": "id"}, sorted(set(inputs.fids))]}
    return Question(layer.id, tuple(dict.fromkeys(names)), at=inputs.datetime, filter=chosen)


def _check(task: Task, inputs: SolidVolumeInputs) -> None:
    task.check(_question(task, inputs))


def _run(task: Task, inputs: SolidVolumeInputs) -> Value:
    question, layer = _question(task, inputs), task.layer(inputs.layer)
    frame = task.read(question)
    frame = frame.some(~shapely.is_missing(frame.geometry))
    height = frame.columns[str(layer.height)].astype(float)
    known = np.isfinite(height) & (height > 0)
    area = shapely.area(frame.geometry)
    volume = area * np.where(known, height, 0.0)
    labels = frame.columns[layer.label] if layer.label else np.full(len(frame), None, dtype=object)
    found = [{"fid": int(fid), "label": label, "footprint_m2": round(float(a), 3), "height_m": float(h) if k else None,
              "volume_m3": round(float(v), 3) if k else None}
             for fid, label, a, h, k, v in zip(frame.fids, labels, area, height, known, volume, strict=True)]
    return Value({"layer": layer.id, "datetime": inputs.datetime, "count": len(frame), "footprint_m2": round(float(area.sum()), 3),
                  "volume_m3": round(float(volume.sum()), 3), "unknown_heights": int((~known).sum()),
                  "not_found": sorted(set(inputs.fids) - set(frame.fids.tolist())), "features": found})


SOLID_VOLUME = Process(
    id="solid-volume",
    title=Words("Volume of buildings", "建筑体积"),
    description=Words("What chosen features enclose above the ground as of a day: footprint in the city's projected system times height. Where no height is "
                      "recorded none is assumed, and it is said so.",
                      "计算所选要素在某一时点的地上体积：投影坐标系下的基底面积乘以高度；未记录高度者不作假定，并予注明。"),
    inputs=SolidVolumeInputs,
    output=Output("volume", Words("Volume", "体积"), Words("The sum, and each feature", "合计与各要素"),
                  {"type": "object", "required": ["count", "volume_m3", "footprint_m2"], "properties": {
                      "count": {"type": "integer"}, "volume_m3": {"type": "number"}, "footprint_m2": {"type": "number"},
                      "features": {"type": "array", "items": {"type": "object"}}}}),
    run=_run,
    check=_check,
    example={"layer": "building", "fids": [1, 2]},
    keywords=("volume", "building", "3D"),
    is_open=True,
)
