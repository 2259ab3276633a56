"""The process `earthwork`: area, surface, cut and fill of a drawn area, and what a pit in it meets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers.crs import to_srid
from spatial_models.earthwork import MOST_CELLS, cells_of, pit_floor, volumes
from spatial_models.faults import wrong
from spatial_models.inputs import Area, drawn_area
from spatial_models.pipes import Pipes, buried_layers, read_pipes
from spatial_models.process import Output, Process, Task, Value, given
from spatial_models.shown import ShownInputs, shown
from spatial_models.solids import Solids, read_solids
from spatial_models.surroundings import Ground
from spatial_models.words import Words

__all__ = ["EARTHWORK", "EarthworkInputs"]

CRS84 = 4326
LARGEST_M2 = 4_000_000
DEEPEST_M = 200
USUAL_CELLS = 40_000
MOST_TOLD = 500
# Places along a pipe where it is held against the pit.
PLACES = 65


class EarthworkInputs(ShownInputs):
    """An area, and how deep it is dug or to which level it is made up."""

    area: Area = given(Words("Area", "范围"), Words(f"A polygon in CRS84 of at most {LARGEST_M2 / 1e6:g} sq km", f"CRS84 多边形，不超过 {LARGEST_M2 / 1e6:g} 平方千米"))
    depth_m: float | None = given(Words("Depth", "开挖深度"), Words("Metres from the mean elevation of the area down to a level floor",
                                                               "自范围内平均地面高程向下至水平坑底的米数"), None, ge=0.01, le=DEEPEST_M, allow_inf_nan=False)
    level_m: float | None = given(Words("Level", "设计标高"), Words("Instead of a depth: the elevation of the plane, metres over the city's vertical datum",
                                                               "代替深度：平面的高程（城市高程基准，米）"), None, ge=-500, le=10_000, allow_inf_nan=False)
    batter: float = given(Words("Batter", "放坡系数"), Words("Metres that the sides of a pit go out for each metre up; 0 is upright",
                                                         "坑壁每升高 1 米的水平外放米数；0 为直壁"), 0, ge=0, le=5, allow_inf_nan=False)
    cell_m: float | None = given(Words("Cell size", "格网大小"), Words(
        f"Metres; without it so that about {USUAL_CELLS} cells take part, at least 0.25 m. At most {MOST_CELLS} cells",
        f"米；不给则约 {USUAL_CELLS} 格且不小于 0.25 米，最多 {MOST_CELLS} 格"), None, ge=0.1, le=100, allow_inf_nan=False)


def _area(srid: int, inputs: EarthworkInputs) -> BaseGeometry:
    try:
        area = to_srid(drawn_area(inputs.area), CRS84, srid)
    except ValueError:
        raise wrong("area", "lies where the city's projected system cannot say.", "超出城市投影坐标系的适用范围。") from None
    if area.area > LARGEST_M2:
        raise wrong("area", f"is {area.area / 1e6:.2f} km² large; at most {LARGEST_M2 / 1e6:g} km².",
                    f"面积为 {area.area / 1e6:.2f} 平方千米，最多 {LARGEST_M2 / 1e6:g} 平方千米。")
    if area.area < 0.01:
        raise wrong("area", "has no area.", "面积为零。")
    return area


def _cell(area: BaseGeometry, inputs: EarthworkInputs) -> float:
    minx, miny, maxx, maxy = area.bounds
    cell = inputs.cell_m or max(0.25, math.sqrt((maxx - minx) * (maxy - miny) / USUAL_CELLS), max(maxx - minx, maxy - miny) / USUAL_CELLS)
    count = math.ceil((maxx - minx) / cell) * math.ceil((maxy - miny) / cell)
    if count > MOST_CELLS:
        raise wrong("cell_m", f"makes {count} cells; at most {MOST_CELLS}.", f"将有 {count} 格，最多 {MOST_CELLS} 格。")
    return cell


def _check(task: Task, inputs: EarthworkInputs) -> None:
    if inputs.depth_m is not None and inputs.level_m is not None:
        raise wrong("level_m", "and 'depth_m' say the same in two ways; give one.", "与 depth_m 只能给出其一。")
    if inputs.batter and inputs.depth_m is None and inputs.level_m is None:
        raise wrong("batter", "goes with 'depth_m' or 'level_m'.", "须与 depth_m 或 level_m 一同给出。")
    _cell(_area(task.projected_srid, inputs), inputs)
    shown(task, inputs, buried_layers(task))


def _run(task: Task, inputs: EarthworkInputs) -> Value:
    city, area = shown(task, inputs, buried_layers(task)), _area(task.projected_srid, inputs)
    cell_m = _cell(area, inputs)
    solids, ground = read_solids(task, city, area, ("floors_below",), roofs=False)
    earth = cells_of(area, cell_m, ground)
    known = earth.is_known
    if not known.any():
        raise wrong("area", "lies beyond the elevation model.", "超出高程模型范围。")
    if ground.terrain is None and inputs.level_m is not None:
        raise wrong("level_m", "needs an elevation model that you may read; give a depth.", "需要您可查看的高程模型；请改为给出深度。")
    # Of a plane that stands for a ground that is not known no elevation is told.
    heights = {"lowest_m": float(earth.z[known].min()), "highest_m": float(earth.z[known].max()), "mean_m": earth.mean_m}
    told: dict[str, Any] = {
        **city.told, "area_m2": round(float(area.area), 3), "perimeter_m": round(float(area.length), 3),
        "surface_m2": round(float((earth.area_m2 * earth.steepness).sum()), 3),
        **{name: round(z, 3) if ground.terrain else None for name, z in heights.items()}, "unknown_m2": round(float(earth.area_m2[~known].sum()), 3),
        "cell_m": round(cell_m, 4), "terrain": ground.told, "solids": {"layers": [layer.id for layer in city.layers], "count": len(solids)}, "pipe_layers": [layer.id for layer in city.others]}
    if inputs.depth_m is None and inputs.level_m is None:
        return Value(told)
    level = inputs.level_m if inputs.level_m is not None else earth.mean_m - (inputs.depth_m or 0.0)
    if earth.mean_m - level > DEEPEST_M:
        raise wrong("level_m", f"lies {earth.mean_m - level:.0f} m below the mean of the ground; at most {DEEPEST_M} m.",
                    f"低于平均地面 {earth.mean_m - level:.0f} 米，最多 {DEEPEST_M} 米。")
    made = volumes(earth, level)
    cut, top = made.cut_m3, area
    if inputs.batter:
        task.progress(0.5, Words("Adding the slopes", "正在计算边坡"))
        reach = inputs.batter * max(0.0, float(earth.z[known].max()) - level) * 1.5 + cell_m
        ring = shapely.difference(shapely.buffer(area, reach, quad_segs=16), area)
        sides = cells_of(ring, max(cell_m, math.sqrt(ring.envelope.area / MOST_CELLS)), ground)
        cut += volumes(sides, pit_floor(area, sides.x, sides.y, level, inputs.batter)).cut_m3
        top = shapely.buffer(area, inputs.batter * max(0.0, earth.mean_m - level), quad_segs=16)
    pipes = read_pipes(task, city, top)
    met = [_pipe(pipes, row, area, top, level, inputs.batter, ground) for row in range(len(pipes))]
    met.sort(key=lambda p: (p["is_met"] is False, -(p["over_floor_m"] if p["over_floor_m"] is not None else math.inf)))
    return Value({
        **told, "level_m": round(level, 3) if ground.terrain else None, "mean_depth_m": round(earth.mean_m - level, 3), "batter": inputs.batter, "cut_m3": round(cut, 3),
        "fill_m3": round(made.fill_m3, 3), "net_m3": round(cut - made.fill_m3, 3), "pipes": met[:MOST_TOLD], "pipe_count": len(met),
        "pipes_met": sum(p["is_met"] is True for p in met), "pipes_unknown": sum(p["is_met"] is None for p in met),
        "features": [_solid(solids, row, area) for row in range(min(len(solids), MOST_TOLD))], "feature_count": len(solids)})


def _solid(solids: Solids, row: int, area: BaseGeometry) -> dict[str, Any]:
    below = solids.columns["floors_below"][row]
    return {**solids.named(row), "overlap_m2": round(float(shapely.intersection(solids.shapes[row], area).area), 3),
            "base_elevation_m": round(float(solids.base[row]), 3), "floors_below": int(below) if below is not None and math.isfinite(below) else None}


def _pipe(pipes: Pipes, row: int, area: BaseGeometry, top: BaseGeometry, level: float, batter: float, ground: Ground) -> dict[str, Any]:
    """Return how a pipe meets a pit: how far its top lies over the pit's surface at most, and below the ground at least."""
    inside = shapely.intersection(pipes.lines[row], top)
    shares = np.linspace(0, 1, PLACES)
    points = np.concatenate([shapely.line_interpolate_point(part, shares, normalized=True) for part in shapely.get_parts(inside)
                             if part.geom_type == "LineString"] or [np.atleast_1d(shapely.centroid(inside))])
    x, y = shapely.get_coordinates(points).T
    crown = pipes.axis_at(row, shapely.line_locate_point(pipes.lines[row], points, normalized=True)) + pipes.half(row)
    over = crown - pit_floor(area, x, y, level, batter)
    depth = ground.heights(x, y) - crown
    known = bool(np.isfinite(crown).all())
    return {**pipes.named(row), "length_m": round(float(inside.length), 3), "is_met": bool(over.max() > 0) if known else None,
            "over_floor_m": round(float(over.max()), 3) if known else None,
            "least_depth_m": round(float(np.nanmin(depth)), 3) if known and np.isfinite(depth).any() else None,
            "top_elevation_m": round(float(crown.max()), 3) if known else None}


EARTHWORK = Process(
    id="earthwork",
    title=Words("Earthwork", "开挖与土方"),
    description=Words("Area, perimeter and surface of a drawn area on the ground; with a depth or a level also cut and fill, and the pipes and buildings that a "
                      "pit meets, as of a day. What the reader may not see is not in it.",
                      "计算绘制范围的面积、周长与地表面积；给出深度或设计标高时，另计算挖方、填方及基坑所遇管线与建筑。读者无权查看的要素不在其中。"),
    inputs=EarthworkInputs,
    output=Output("earthwork", Words("Earthwork", "土方"), Words("Areas, volumes, and what a pit meets", "面积、方量与所遇管线、建筑"),
                  {"type": "object", "required": ["area_m2", "perimeter_m", "surface_m2"], "properties": {
                      **{name: {"type": "number"} for name in ("area_m2", "perimeter_m", "surface_m2", "cut_m3", "fill_m3")},
                      **{name: {"type": "array", "items": {"type": "object"}} for name in ("pipes", "features")}}}),
    run=_run,
    check=_check,
    example={"depth_m": 6, "area": {"type": "Polygon", "coordinates": [[[116.3975, 39.9087], [116.3985, 39.9087], [116.3985, 39.9092], [116.3975, 39.9092],
                                                                        [116.3975, 39.9087]]]}},
    keywords=("earthwork", "excavation", "volume", "pipes", "3D"),
    is_open=True,
)
