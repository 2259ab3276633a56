"""The process `viewshed`: its inputs, how far it may go, and what it tells."""

from __future__ import annotations

import math

import numpy as np
import shapely

from layers.crs import transformer
from spatial_models.faults import wrong
from spatial_models.process import Output, Process, Task, Value, given
from spatial_models.shown import ShownInputs, shown
from spatial_models.solids import read_solids
from spatial_models.viewpoint import Position, curvature_input, place, places, sighting
from spatial_models.viewshed import MOST_CELLS, Surface, surface, surfaces_of, viewshed
from spatial_models.words import Words

__all__ = ["VIEWSHED", "ViewshedInputs"]

CRS84 = 4326
FARTHEST_M = 10_000
# Cells from the eye to the edge: as many while somebody waits; and as many where nobody says how large a cell is.
CELLS_AT_ONCE, USUAL_CELLS = 300, 150
MOST_TOLD = 1_000


class ViewshedInputs(ShownInputs):
    """A viewpoint, how far and where one looks, and the grid."""

    observer: Position = given(Words("Viewpoint", "观察点"), Words(
        "Longitude, latitude; on the ground or on the roof there. A third number is an elevation over the city's vertical datum, in metres",
        "经度、纬度，立于该处地面或屋面；第三个数为城市高程基准下的高程（米）"), min_length=2, max_length=3)
    radius_m: float = given(Words("Radius", "半径"), Words("How far one looks, in metres", "观察半径（米）"), 500, ge=10, le=FARTHEST_M, allow_inf_nan=False)
    eye_height_m: float = given(Words("Eye height", "视点高度"), Words("Metres above what the viewpoint is on", "高出立足面的米数"), 1.6,
                                ge=0, le=1000, allow_inf_nan=False)
    target_height_m: float = given(Words("Target height", "目标高度"), Words("Metres above ground and roofs that shall be seen", "目标高出地面或屋面的米数"), 0,
                                   ge=0, le=1000, allow_inf_nan=False)
    azimuth_deg: float = given(Words("Direction", "方位角"), Words("Middle of the horizontal field, degrees clockwise from grid north", "水平视场中心，自坐标北顺时针的度数"),
                               0, ge=0, le=360, allow_inf_nan=False)
    field_deg: float = given(Words("Horizontal field", "水平视场角"), Words("Its width in degrees; 360 is all around", "宽度（度）；360 为环视"), 360,
                             ge=1, le=360, allow_inf_nan=False)
    lowest_deg: float = given(Words("Down to", "俯角下限"), Words("Lower edge of the vertical field, degrees over the level", "垂直视场下限（相对水平面的度数）"),
                              -90, ge=-90, le=90, allow_inf_nan=False)
    highest_deg: float = given(Words("Up to", "仰角上限"), Words("Upper edge of the vertical field, degrees over the level", "垂直视场上限（相对水平面的度数）"),
                               90, ge=-90, le=90, allow_inf_nan=False)
    cell_m: float | None = given(Words("Cell size", "格网大小"), Words(
        f"Metres; without it a {USUAL_CELLS}th of the radius, at least 1 m. The radius is at most {MOST_CELLS} cells, {CELLS_AT_ONCE} without a job",
        f"米；不给则为半径的 {USUAL_CELLS} 分之一且不小于 1 米。半径不超过 {MOST_CELLS} 格，超过 {CELLS_AT_ONCE} 格须提交任务"), None,
        ge=0.25, le=1000, allow_inf_nan=False)
    curvature: bool = curvature_input()


def _cell(inputs: ViewshedInputs) -> float:
    return inputs.cell_m or max(1.0, inputs.radius_m / USUAL_CELLS)


def _check(task: Task, inputs: ViewshedInputs) -> None:
    if inputs.lowest_deg >= inputs.highest_deg:
        raise wrong("lowest_deg", "must be less than 'highest_deg'.", "应小于 highest_deg。")
    cells = inputs.radius_m / _cell(inputs)
    if cells > MOST_CELLS:
        raise wrong("cell_m", f"makes {cells:.0f} cells to the edge; at most {MOST_CELLS}: take cells of {inputs.radius_m / MOST_CELLS:g} m or more.",
                    f"使半径达到 {cells:.0f} 格，最多 {MOST_CELLS} 格：格网应不小于 {inputs.radius_m / MOST_CELLS:g} 米。")
    if cells < 2:
        raise wrong("cell_m", "is larger than half the radius.", "大于半径的一半。")
    places("observer", [inputs.observer], task.projected_srid)
    shown(task, inputs)


def _run(task: Task, inputs: ViewshedInputs) -> Value:
    city, srid = shown(task, inputs), task.projected_srid
    x, y = places("observer", [inputs.observer], srid)[0]
    reach = shapely.buffer(shapely.Point(x, y), inputs.radius_m + 2 * _cell(inputs), quad_segs=32)
    solids, ground = read_solids(task, city, reach)
    light = sighting(ground, inputs.curvature)
    observer = place("observer", inputs.observer, ground, solids)
    eye_m = observer.z + inputs.eye_height_m
    task.progress(0.4, Words("Making the surface", "正在生成表面"))
    over = surface(observer.x, observer.y, inputs.radius_m, _cell(inputs), solids, ground)
    found = viewshed(over, eye_m, inputs.radius_m, light.drop, inputs.azimuth_deg, inputs.field_deg, inputs.lowest_deg, inputs.highest_deg,
                     inputs.target_height_m, lambda share: task.progress(0.45 + 0.4 * share, Words("Looking around", "正在计算可视域")))
    task.progress(0.9, Words("Drawing the outlines", "正在生成边界"))
    cell_m2, on_ground = over.cell_m**2, over.solid < 0
    looked, seen = int(found.looked.sum()), int(found.seen.sum())
    distance = shapely.distance(solids.shapes[found.solids], shapely.Point(observer.x, observer.y)) if len(found.solids) else np.array([])
    nearest = found.solids[np.argsort(distance, kind="stable")][:MOST_TOLD]
    return Value({
        **city.told, "observer": observer.told(srid, solids, inputs.eye_height_m), "radius_m": inputs.radius_m, "cell_m": round(over.cell_m, 4),
        "looked_m2": looked * cell_m2, "visible_m2": seen * cell_m2, "hidden_m2": (looked - seen) * cell_m2,
        "visible_share": seen / looked if looked else None,
        "visible_ground_m2": int((found.seen & on_ground).sum()) * cell_m2, "looked_ground_m2": int((found.looked & on_ground).sum()) * cell_m2,
        "visible_solids": len(found.solids),
        "features": [{**solids.named(row), "distance_m": round(d, 2)} for row, d in zip(nearest.tolist(), sorted(distance.tolist()), strict=False)],
        "visible": _outline(over, found.seen, srid), "hidden": _outline(over, found.looked & ~found.seen, srid),
        "terrain": ground.told, "solids": solids.told(city), **light.told})


def _outline(over: Surface, mask: np.ndarray, srid: int) -> dict[str, object]:
    outline = surfaces_of(over, mask)
    if outline.is_empty:
        return {"type": "MultiPolygon", "coordinates": []}
    # Edges are a few cells long: their ends alone are transformed.
    move = transformer(srid, CRS84).transform
    moved = shapely.transform(outline, lambda xy: np.round(np.column_stack(move(xy[:, 0], xy[:, 1])), 7))
    return dict(shapely.geometry.mapping(shapely.orient_polygons(moved)))


VIEWSHED = Process(
    id="viewshed",
    title=Words("Viewshed", "可视域分析"),
    description=Words("What of a viewpoint's surroundings is seen, on a grid over ground and buildings (by surveyed roofs, else as prisms) as of a day: areas, shares, outlines and the buildings "
                      "of which something is seen. What the reader may not see stands nowhere.",
                      "按某一时点的地形与建筑（有实测屋顶者按屋顶，其余按拉伸体），在格网上计算观察点周围的可视范围：面积、占比、轮廓及可见建筑。读者无权查看的要素不参与计算。"),
    inputs=ViewshedInputs,
    output=Output("viewshed", Words("Viewshed", "可视域"), Words("Areas, shares, outlines, and what is seen", "面积、占比、轮廓与可见建筑"),
                  {"type": "object", "required": ["visible_m2", "hidden_m2", "visible", "hidden"], "properties": {
                      **{name: {"type": "number"} for name in ("radius_m", "cell_m", "looked_m2", "visible_m2", "hidden_m2")},
                      "visible_solids": {"type": "integer"}, "visible": {"type": "object"}, "hidden": {"type": "object"}}}),
    run=_run,
    check=_check,
    needs_job=lambda inputs: Words(f"A viewshed of more than {CELLS_AT_ONCE} cells to its edge takes its time", f"半径超过 {CELLS_AT_ONCE} 格的可视域由任务计算")
    if math.ceil(inputs.radius_m / _cell(inputs)) > CELLS_AT_ONCE else None,
    example={"observer": [116.3975, 39.9087], "radius_m": 300, "cell_m": 4},
    keywords=("viewshed", "visibility", "3D"),
    is_open=True,
    most_features_at_once=20_000,
)
