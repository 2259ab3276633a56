"""Buildings of a CityJSON file as rows: footprint, ground, height, attributes; and beside each row its surfaces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from layers.building_surfaces import GROUND, OUTER_CEILING, ROOF, WALL, Surface
from layers.cityjson import CityBuilding, CityModel
from layers.cityjson_geometry import CityPolygon
from layers.outward import normals, turned_over

__all__ = ["DEGREE_M", "FOOTPRINT", "CityRows"]

FOOTPRINT = "footprint"
# A polygon steeper than this is a wall where nobody says what it is; one that looks down is ground where it lies so low.
WALL_UP, GROUND_WITHIN_M = 0.2, 1.5
# A roof that reaches farther out than eaves do is a part of the footprint: a canopy on a few posts.
EAVES_M = 3.0
DEGREE_M = 111_320.0


@dataclass(frozen=True)
class CityRows:
    """The buildings of a model, in their order in the file."""

    model: CityModel

    @cached_property
    def _metres(self) -> NDArray[np.float64]:
        """Return the vertices in axes of equal length, near enough to tell up from down."""
        points = self.model.points.copy()
        if self.model.crs.is_geographic:
            points[:, 0] *= DEGREE_M * np.cos(np.radians(points[:, 1].mean()))
            points[:, 1] *= DEGREE_M
        # Near the origin, so that nothing is lost where small areas are computed.
        points[:, :2] -= points[:, :2].mean(axis=0)
        return points

    @cached_property
    def faces(self) -> list[list[CityPolygon]]:
        """Return the polygons of each building: all looking outwards, each with a type."""
        return [self._faces(building) for building in self.model.buildings]

    def _faces(self, building: CityBuilding) -> list[CityPolygon]:
        if not building.polygons:
            return []
        used = np.unique([at for polygon in building.polygons for ring in polygon.rings for at in ring])
        place = {int(at): n for n, at in enumerate(used)}
        points = self._metres[used]
        polygons = [_holes_the_other_way([[place[at] for at in ring] for ring in p.rings], points) for p in building.polygons]
        turned = turned_over(polygons, points, [p.type for p in building.polygons])
        normal = normals(polygons, points) * np.where(turned, -1, 1)[:, None]
        size = np.linalg.norm(normal, axis=1)
        up = normal[:, 2] / np.maximum(size, 1e-12)
        lowest = points[:, 2].min()
        found = []
        for n, polygon in enumerate(polygons):
            if size[n] < 1e-6:
                continue
            kind = building.polygons[n].type or _kind(float(up[n]), float(points[list(polygon[0]), 2].max() - lowest))
            rings = tuple(tuple(int(used[at]) for at in (reversed(ring) if turned[n] else ring)) for ring in polygon)
            found.append(CityPolygon(rings, kind))
        return found

    def table(self) -> pa.Table:
        """Return a row for each building: its attributes, `source_id`, `lod`, `ground_elevation_m`, `height_m` (metres) and `footprint` (WKB in the
        model's CRS).

        What the file has as an attribute under one of these names is its own.
        """
        buildings = self.model.buildings
        columns: dict[str, pa.Array] = {"source_id": pa.array([b.id for b in buildings]), "lod": pa.array([b.lod for b in buildings])}
        reach = [self.reach(n) for n in range(len(buildings))]
        columns["ground_elevation_m"] = pa.array([None if r is None else round(r[2], 3) for r in reach], pa.float64())
        columns["height_m"] = pa.array([None if r is None else round(r[1] - r[2], 3) for r in reach], pa.float64())
        names = dict.fromkeys(name for b in buildings for name in b.attributes)
        columns |= {name: _column([b.attributes.get(name) for b in buildings]) for name in names if name != FOOTPRINT}
        columns[FOOTPRINT] = pa.array([self._footprint(n) for n in range(len(buildings))], pa.binary())
        return pa.table(columns)

    def reach(self, number: int) -> tuple[float, float, float] | None:
        """Return the lowest and highest elevation of a building's surfaces, and that of its ground: the lowest of its ground faces."""
        faces = self.faces[number]
        if not faces:
            return None
        heights = self.model.points[:, 2]

        def of(some: Iterable[CityPolygon]) -> NDArray[np.float64]:
            return heights[[at for polygon in some for ring in polygon.rings for at in ring]]

        every = of(faces)
        ground = of(p for p in faces if p.type == GROUND)
        return float(every.min()), float(every.max()), float((ground if len(ground) else every).min())

    def surfaces(self, number: int, points: NDArray[np.float64]) -> list[Surface]:
        """Return a building's surfaces over vertices that were brought into another CRS."""
        return [Surface(str(p.type), tuple(points[list(ring)] for ring in p.rings)) for p in self.faces[number]]

    def _footprint(self, number: int) -> bytes | None:
        """Return a footprint as WKB: that of the ground faces, else level of detail 0, else (and under wide roofs) what all surfaces cover."""
        faces = self.faces[number]
        for some in ([p for p in faces if p.type == GROUND], self.model.buildings[number].footprint, faces):
            area = self._area(some) if some is faces or self._is_covered(faces, some) else None
            if area is not None:
                return shapely.to_wkb(area)
        return None

    def _is_covered(self, faces: Sequence[CityPolygon], some: Sequence[CityPolygon]) -> bool:
        """Do all surfaces lie over some of them, but for eaves?"""
        if not some or not faces:
            return bool(some)
        inner, outer = (self._metres[[at for polygon in each for at in polygon.rings[0]], :2] for each in (some, faces))
        return bool((outer.min(axis=0) > inner.min(axis=0) - EAVES_M).all() and (outer.max(axis=0) < inner.max(axis=0) + EAVES_M).all())

    def _area(self, polygons: Sequence[CityPolygon]) -> shapely.Geometry | None:
        flat = self.model.points[:, :2]
        shapes = shapely.make_valid(np.array([shapely.Polygon(flat[list(p.rings[0])], [flat[list(ring)] for ring in p.rings[1:]])
                                              for p in polygons], object))
        grid = 1e-8 if self.model.crs.is_geographic else 1e-3
        # Seen from the side a wall is a line; what is thinner than a hand is rounding.
        joined = shapely.union_all(_areas(shapes), grid_size=grid) if len(shapes) else None
        parts = [] if joined is None else [part for part in shapely.get_parts(joined) if part.geom_type == "Polygon" and part.area > (30 * grid) ** 2]
        return None if not parts else parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def _areas(shapes: NDArray[Any]) -> NDArray[Any]:
    parts = shapely.get_parts(shapely.get_parts(shapes))
    return parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]


def _holes_the_other_way(rings: list[list[int]], points: NDArray[np.float64]) -> list[list[int]]:
    """Let holes run against their outer ring, also where a file has them otherwise."""
    outer = normals([rings[:1]], points)[0]
    return [rings[0], *(ring[::-1] if float(normals([[ring]], points)[0] @ outer) > 0 else ring for ring in rings[1:])]


def _kind(up: float, above_m: float) -> str:
    if abs(up) < WALL_UP:
        return WALL
    return ROOF if up > 0 else GROUND if above_m <= GROUND_WITHIN_M else OUTER_CEILING


def _column(values: list[Any]) -> pa.Array:
    """Return attributes as a column: of their own type where all have the same, as text otherwise."""
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {bool} or kinds <= {str}:
        return pa.array(values, pa.bool_() if kinds == {bool} else pa.string())
    if kinds <= {int, float} and all(isinstance(v, float) or v is None or abs(v) < 2**53 for v in values):
        return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
    return pa.array([v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values], pa.string())
