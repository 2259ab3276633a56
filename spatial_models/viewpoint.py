"""Viewpoints: positions that people name, put where an eye can be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from layers.crs import transformer
from spatial_models.faults import wrong
from spatial_models.process import given
from spatial_models.solids import Solids
from spatial_models.surroundings import Ground, Standard
from spatial_models.words import Words

__all__ = ["Position", "Sighting", "Viewpoint", "curvature_input", "place", "places", "sighting"]

CRS84 = 4326
# Clicked positions lie in the wall or roof they were clicked on, as far as drawings are rounded.
IN_WALL_M, OFF_WALL_M = 0.3, 0.05
# Roofs that are drawn with their slopes lie below the top of the prism that stands for the solid, where its surfaces are not read.
IN_ROOF_M = 6.0
# Eaves reach out so far over the wall that was clicked.
EAVES_M = 2.0
UNDER_GROUND_M = 0.5


def _is_position(value: list[float]) -> list[float]:
    if not all(math.isfinite(v) for v in value):
        raise PydanticCustomError("position", "must be finite numbers.", {"zh": "应为有限的数。"})
    if not (-180 <= value[0] <= 180 and -90 <= value[1] <= 90):
        raise PydanticCustomError("position", "must begin with degrees of longitude and latitude (CRS84).", {"zh": "前两个数应为经纬度（CRS84）。"})
    if len(value) == 3 and not -500 <= value[2] <= 10_000:
        raise PydanticCustomError("position", "has an elevation from -500 to 10000 m.", {"zh": "高程应在 -500 至 10000 米之间。"})
    return value


Position = Annotated[list[float], AfterValidator(_is_position), WithJsonSchema(
    {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3})]


@dataclass(frozen=True)
class Viewpoint:
    """A place in the projected CRS with the elevation `z` of what it is on; `solid` is the row of the solid it stands on."""

    x: float
    y: float
    z: float
    stands_on: str
    solid: int | None = None

    def told(self, srid: int, solids: Solids, raised_m: float = 0.0) -> dict[str, Any]:
        """Return it as results tell it: degrees, elevations, and what it stands on."""
        lon, lat = transformer(srid, CRS84).transform(self.x, self.y)
        return {"lon": round(lon, 7), "lat": round(lat, 7), "elevation_m": round(self.z, 3), "eye_elevation_m": round(self.z + raised_m, 3),
                "stands_on": self.stands_on, **({} if self.solid is None else {"feature": solids.named(self.solid)})}


@dataclass(frozen=True)
class Sighting:
    """How light goes: `drop` (1/m) times the square of a distance is how far a place sinks below the level of the eye."""

    drop: float
    refraction: Standard | None = None
    radius: Standard | None = None

    @property
    def told(self) -> dict[str, Any]:
        """Return it as results tell it."""
        return {"curvature": self.drop > 0, **({"refraction": self.refraction.told, "earth_radius": self.radius.told}
                                               if self.refraction and self.radius else {})}


def curvature_input() -> Any:
    """Describe the input 'curvature'."""
    return given(Words("Curvature", "地球曲率"), Words("Reckon with the curvature of the earth and refraction by its standard coefficient",
                                                   "计入地球曲率和标准折光系数"), True)


def sighting(ground: Ground, curvature: bool) -> Sighting:
    """Return how light goes over a ground. Formula: drop = (1 - k) / (2 R), with k the coefficient of refraction, R the radius.

    Raises InvalidInputs where no standard says k and R.
    """
    if not curvature:
        return Sighting(0.0)
    refraction, radius = ground.standards.get("refraction_coefficient"), ground.standards.get("earth_radius")
    if refraction is None or radius is None:
        raise wrong("curvature", "cannot be reckoned with: the city has no standard of refraction; give false.", "无法计入：未配置折光系数标准，请设为 false。")
    return Sighting((1 - refraction.value) / (2 * radius.value), refraction, radius)


def places(name: str, positions: list[list[float]], srid: int) -> NDArray[np.float64]:
    """Return positions in the projected CRS as rows (x, y). Raises InvalidInputs for what cannot be expressed there."""
    lon, lat = np.array([p[0] for p in positions]), np.array([p[1] for p in positions])
    found = np.column_stack(transformer(CRS84, srid).transform(lon, lat))
    if not np.isfinite(found).all():
        raise wrong(name, "lies where the city's projected system cannot say.", "超出城市投影坐标系的适用范围。")
    return found


def place(name: str, position: list[float], ground: Ground, solids: Solids) -> Viewpoint:
    """Put a position where an eye can be.

    Of two numbers it stands on the ground, or on the roof where a solid stands; the third is an elevation and taken as it is. What
    lies at most IN_WALL_M inside a wall is put before it, what lies at most IN_ROOF_M under the top of a solid on it.

    Parameters
    ----------
    name
        The input that faults are told of.
    position
        Longitude, latitude, and maybe elevation in metres over the city's vertical datum.

    Raises InvalidInputs for places under the ground, inside a solid, and beyond the elevation model.
    """
    x, y = places(name, [position], ground.srid)[0]
    floor = float(ground.heights(np.array([x]), np.array([y]))[0])
    point = shapely.Point(x, y)
    tops = solids.tops_at(x, y)
    highest = max(tops, key=lambda row: tops[row], default=None)
    roof = tops[highest] if highest is not None else -math.inf
    if math.isnan(floor):
        if highest is None and len(position) == 2:
            raise wrong(name, "lies beyond the elevation model; give an elevation as the third number.", "超出高程模型范围；请以第三个数给出高程。")
        floor = float(solids.base[highest]) if highest is not None else -math.inf
    if len(position) == 2:
        on_roof = highest is not None and roof >= floor
        return Viewpoint(x, y, max(floor, roof), "feature" if on_roof else "ground", highest if on_roof else None)
    z = position[2]
    if z < floor - UNDER_GROUND_M:
        raise wrong(name, f"lies {floor - z:.1f} m below the ground.", f"位于地面以下 {floor - z:.1f} 米。")
    z = max(z, floor)
    if highest is None or z >= roof:
        stands = highest is not None and z <= roof + IN_WALL_M
        return Viewpoint(x, y, z, "feature" if stands else "ground" if z <= floor + IN_WALL_M else "air", highest if stands else None)
    if roof - z <= IN_WALL_M:
        return Viewpoint(x, y, roof, "feature", highest)
    has_roof, outline = bool((solids.roofs.row == highest).any()), solids.outline(highest)
    edge = shapely.boundary(outline)
    if shapely.distance(edge, point) > IN_WALL_M and not (has_roof and _is_below_eaves(solids.shapes[highest], edge, point)):
        if roof - z <= IN_ROOF_M and not has_roof:
            return Viewpoint(x, y, roof, "feature", highest)
        label = solids.labels[highest] or solids.fids[highest]
        raise wrong(name, f"lies inside '{label}', {roof - z:.1f} m below its roof.", f"位于“{label}”内部，低于屋面 {roof - z:.1f} 米。")
    nearest = shapely.get_coordinates(shapely.shortest_line(edge, point))[0]
    outside = np.asarray(_outwards(outline, nearest))
    return Viewpoint(float(outside[0]), float(outside[1]), z, "wall", highest)


def _is_below_eaves(footprint: Any, edge: Any, point: shapely.Point) -> bool:
    """Is a place on or before a wall, under a roof that reaches out over it?"""
    wall = shapely.distance(shapely.boundary(footprint), point)
    return bool(shapely.distance(edge, point) <= EAVES_M and (wall <= IN_WALL_M or not shapely.intersects(footprint, point)))


def _outwards(shape: Any, nearest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a place OFF_WALL_M before the wall that a point of the boundary belongs to."""
    turns = np.radians(np.arange(0, 360, 15))
    around = nearest + OFF_WALL_M * np.column_stack([np.cos(turns), np.sin(turns)])
    points = shapely.points(around)
    distance = np.where(shapely.intersects(shape, points), -1.0, shapely.distance(shape, points))
    best: NDArray[np.float64] = around[int(np.argmax(distance))]
    return best
