"""Buffer: what lies within a distance of features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.crs import to_srid
from spatial_models.faults import wrong
from spatial_models.frames import Frame
from spatial_models.inputs import Area, Filter, drawn_area, filter_input, layer_input, moment_input
from spatial_models.process import Features, Inputs, Output, Process, Question, ResultField, Task, given
from spatial_models.words import Words

__all__ = ["BUFFER", "BufferInputs", "buffer", "dissolve"]

CRS84 = 4326
FARTHEST_M = 20_000
# A quarter circle in 16 parts lies at most 0.5 % of the distance inside the true one.
QUARTER_PARTS = 16
_CHUNK = 2_000
RESULTS = {"geojson": Words("As GeoJSON", "GeoJSON 数据"), "layer": Words("As a new layer", "新图层")}


class BufferInputs(Inputs):
    """The features, the distance, and what becomes of it."""

    layer: str = layer_input(Words("The layer whose features are buffered", "要做缓冲区的图层"))
    distance_m: float = given(Words("Distance", "距离"), Words("In metres; below zero shrinks surfaces (a setback)", "单位为米；负值使面内缩（退线）"),
                              ge=-FARTHEST_M, le=FARTHEST_M, allow_inf_nan=False)
    dissolve: bool = given(Words("Dissolve", "合并"), Words("Join what overlaps or touches", "合并相互重叠或相接的缓冲区"), False)
    filter: Filter | None = filter_input()
    area: Area | None = given(Words("Area", "范围"), Words("Only features that meet this polygon (CRS84)", "仅处理与该多边形（CRS84）相交的要素"), None)
    datetime: str | None = moment_input()
    result: Literal["geojson", "layer"] = given(Words("Result", "结果形式"), Words("What the result shall be", "结果的形式"), "geojson", choices=RESULTS)
    title: str | None = given(Words("Title", "标题"), Words("Name of the new layer", "新图层的名称"), None, min_length=1, max_length=60)


def buffer(frame: Frame, distance_m: float, told: Callable[[float], None] = lambda share: None) -> Frame:
    """Return the surface within a distance of each feature.

    Method: planar offset in the frame's CRS, round caps and joins, a quarter circle in QUARTER_PARTS parts.

    Parameters
    ----------
    frame
        Features in a projected CRS.
    distance_m
        Metres. Below zero surfaces shrink, and points and lines vanish.
    told
        Is told the share that is done, 0 to 1.

    Returns a frame of multi-polygons with the columns `source_fid` and `area_m2`; what vanished is left out.
    Raises NotProjected.

    >>> len(buffer(Frame(4548, np.array([], "int64"), np.array([], object)), 10))
    0
    """
    frame.require_metric()
    made: list[NDArray[Any]] = []
    for begin in range(0, len(frame), _CHUNK):
        made.append(shapely.buffer(frame.geometry[begin:begin + _CHUNK], distance_m, quad_segs=QUARTER_PARTS))
        told(min(1.0, (begin + _CHUNK) / len(frame)))
    surfaces = np.concatenate(made) if made else np.array([], dtype=object)
    there = ~(shapely.is_empty(surfaces) | shapely.is_missing(surfaces))
    surfaces, fids = surfaces[there], frame.fids[there]
    return Frame(frame.srid, fids, surfaces, {"source_fid": fids, "area_m2": shapely.area(surfaces)})


def dissolve(frame: Frame) -> Frame:
    """Join the surfaces of a frame that overlap or touch.

    Returns a frame of one feature for each connected piece, numbered from 1 from west to east, with the columns `sources`
    (how many features it came from) and `area_m2`. Raises NotProjected.
    """
    frame.require_metric()
    joined = shapely.union_all(frame.geometry)
    pieces = shapely.get_parts(joined) if len(frame) else np.array([], dtype=object)
    pieces = pieces[np.lexsort(shapely.bounds(pieces).T[1::-1])]
    # Each source lies in one piece whole; a point of it tells in which.
    sources = np.zeros(len(pieces), dtype=np.int64)
    if len(pieces):
        inside, piece = shapely.STRtree(pieces).query(shapely.point_on_surface(frame.geometry), predicate="intersects")
        _, first = np.unique(inside, return_index=True)
        np.add.at(sources, piece[first], 1)
    return Frame(frame.srid, np.arange(1, len(pieces) + 1), pieces, {"sources": sources, "area_m2": shapely.area(pieces)})


def _question(task: Task, inputs: BufferInputs) -> Question:
    layer = task.layer(inputs.layer)
    if layer.geometry is None:
        raise wrong("layer", f"layer '{layer.id}' has no geometry.", f"图层“{layer.id}”没有几何。")
    if inputs.distance_m == 0:
        raise wrong("distance_m", "must not be 0.", "不能为 0。")
    if inputs.distance_m < 0 and "Polygon" not in layer.geometry:
        raise wrong("distance_m", f"only surfaces shrink; layer '{layer.id}' has geometries of type {layer.geometry}.",
                    f"只有面可以内缩；图层“{layer.id}”的几何类型为 {layer.geometry}。")
    if inputs.title is not None and inputs.result != "layer":
        raise wrong("title", "goes with 'result': 'layer'.", "仅在 result 为 layer 时可用。")
    return Question(layer.id, at=inputs.datetime, filter=inputs.filter, area=drawn_area(inputs.area) if inputs.area else None)


def _check(task: Task, inputs: BufferInputs) -> None:
    task.check(_question(task, inputs))


def _run(task: Task, inputs: BufferInputs) -> Features:
    layer = task.layer(inputs.layer)
    frame = task.read(_question(task, inputs))
    if inputs.area is not None:
        frame = frame.some(shapely.intersects(to_srid(drawn_area(inputs.area), CRS84, task.projected_srid), frame.geometry))
    task.progress(0.4, Words(f"Buffering {len(frame)} features", f"正在计算 {len(frame)} 个要素的缓冲区"))
    found = buffer(frame, inputs.distance_m, lambda share: task.progress(0.4 + 0.3 * share))
    first = ResultField("source_fid", "integer", Words("Source feature", "来源要素"))
    if inputs.dissolve:
        task.progress(0.7, Words("Joining what overlaps", "正在合并"))
        found, first = dissolve(found), ResultField("sources", "integer", Words("Number of source features", "来源要素数"))
    named = inputs.title or ""
    return Features(
        Words(named or f"{layer.title.en}, {inputs.distance_m:g} m around", named or f"{layer.title.zh} {inputs.distance_m:g} 米缓冲区"), "MultiPolygon", found,
        (first, ResultField("area_m2", "number", Words("Area", "面积"), "m2")), (layer.id,), as_layer=inputs.result == "layer")


BUFFER = Process(
    id="buffer",
    title=Words("Buffer", "缓冲区"),
    description=Words("Surfaces within a distance of the features of a layer, joined where they overlap if asked; as GeoJSON or as a new layer. "
                      "The distance is measured in the city's projected system.",
                      "计算图层要素指定距离内的范围，可合并重叠部分；结果为 GeoJSON 或新图层。距离按城市投影坐标系计算。"),
    inputs=BufferInputs,
    output=Output("result", Words("Result", "结果"), Words("The surfaces, or a link to the layer that holds them", "缓冲区面，或结果图层的链接"),
                  {"type": "object", "format": "geojson-feature-collection"}, "application/geo+json"),
    run=_run,
    check=_check,
    needs_job=lambda inputs: Words("A layer is made by a job", "图层由任务生成") if inputs.result == "layer" else None,
    example={"layer": "road", "distance_m": 50, "dissolve": True, "filter": "class = 'expressway'"},
    keywords=("buffer", "distance"),
    most_features=200_000,
    most_features_at_once=5_000,
)
