"""Where the surfaces of CityJSON are: the vertices of its documents, and those that instances of templates make of a shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.cityjson_geometry import Broken, CityPolygon, lod_of, polygons_of

__all__ = ["FARTHEST", "MOST_CORNERS", "MOST_VERTICES", "Places"]

INSTANCE = "GeometryInstance"
# No unit of a map is so small that the earth is larger.
FARTHEST = 1e9
# Instances make many vertices of few: a small file may ask for more than there is memory for.
MOST_VERTICES, MOST_CORNERS = 20_000_000, 10_000_000


class Places:
    """The vertices of a model as they come together: those of each of its documents, and those of instances behind them.

    `templates` is what the model has under 'geometry-templates'; their vertices are not quantised.
    """

    def __init__(self, templates: Any) -> None:
        given = templates if isinstance(templates, dict) else {}
        self._shapes = given.get("templates") if isinstance(given.get("templates"), list) else []
        self._shape_points = given.get("vertices-templates")
        self._read: dict[int, tuple[str, list[CityPolygon], NDArray[np.float64]]] = {}
        self._parts: list[NDArray[np.float64]] = []
        self._first = self._count = self._own = self._corners = 0
        self._here = np.empty((0, 3))

    def begin(self, points: NDArray[np.float64]) -> None:
        """Go on with a document of its own vertices: (n, 3), in the model's CRS."""
        self._here, self._own = points, len(points)
        self._first = self._add(points)

    @property
    def points(self) -> NDArray[np.float64]:
        """Return all vertices, in the order in which polygons name them."""
        return np.concatenate(self._parts) if self._parts else np.empty((0, 3))

    def polygons(self, geometry: dict[str, Any]) -> tuple[str, list[CityPolygon]] | None:
        """Return the level of detail of a geometry of the present document and its polygons, over `points`; None where it is not of surfaces.

        Raises Broken.
        """
        if geometry.get("type") == INSTANCE:
            return self._instance(geometry)
        lod = lod_of(geometry)
        return None if lod is None else (lod, _moved(polygons_of(geometry, self._own), self._first))

    def _add(self, points: NDArray[np.float64]) -> int:
        first = self._count
        if first + len(points) > MOST_VERTICES:
            raise Broken(f"with it the model has more than {MOST_VERTICES:,} vertices; import it part by part", f"至此模型的顶点超过 {MOST_VERTICES:,} 个；请分批导入")
        self._parts.append(points)
        self._count += len(points)
        return first

    def _instance(self, geometry: dict[str, Any]) -> tuple[str, list[CityPolygon]] | None:
        number, at, matrix = (geometry.get(name) for name in ("template", "boundaries", "transformationMatrix"))
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(self._shapes):
            raise Broken(f"its instance is of template {number!r:.40}, but there are {len(self._shapes)}", f"实例引用模板 {number!r:.40}，而模板只有 {len(self._shapes)} 个")
        if not (isinstance(at, list) and len(at) == 1 and isinstance(at[0], int) and not isinstance(at[0], bool) and 0 <= at[0] < self._own):
            raise Broken(f"its instance stands at {at!r:.40}; it must be a list of one vertex", f"实例的位置为 {at!r:.40}；须为含一个顶点的列表")
        if not (isinstance(matrix, list) and len(matrix) == 16 and all(isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(v) for v in matrix)
                and matrix[12:] == [0, 0, 0, 1]):
            raise Broken("its instance needs a 'transformationMatrix' of sixteen numbers, the last four 0, 0, 0, 1", "实例须有十六个数的“transformationMatrix”，末四个为 0、0、0、1")
        lod, polygons, shape = self._template(number)
        self._corners += sum(len(ring) for polygon in polygons for ring in polygon.rings)
        if self._corners > MOST_CORNERS:
            raise Broken(f"with it instances have more than {MOST_CORNERS:,} corners; import the model part by part", f"至此实例的角点超过 {MOST_CORNERS:,} 个；请分批导入")
        turn = np.array(matrix, np.float64).reshape(4, 4)
        with np.errstate(over="ignore", invalid="ignore"):
            points = shape @ turn[:3, :3].T + turn[:3, 3] + self._here[at[0]]
        if not (np.abs(points) < FARTHEST).all():
            raise Broken("its instance lies beyond all places on the earth", "实例的坐标超出地球上的任何位置")
        return lod, _moved(polygons, self._add(points))

    def _template(self, number: int) -> tuple[str, list[CityPolygon], NDArray[np.float64]]:
        """Return the level of detail of a template, its polygons over the vertices that it uses, and these."""
        if number in self._read:
            return self._read[number]
        shape, given = self._shapes[number], self._shape_points
        try:
            points = np.array(given, np.float64)
        except (TypeError, ValueError, OverflowError):
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
            raise Broken("'vertices-templates' must be a list of points of three numbers", "“vertices-templates”须为三个数的点的列表")
        lod = lod_of(shape) if isinstance(shape, dict) else None
        if lod is None:
            raise Broken(f"template {number} is no geometry of surfaces", f"模板 {number} 不是由表面构成的几何")
        polygons = polygons_of(shape, len(points))
        used = np.unique([at for polygon in polygons for ring in polygon.rings for at in ring]).astype(int)
        place = {int(at): n for n, at in enumerate(used)}
        own = [CityPolygon(tuple(tuple(place[at] for at in ring) for ring in p.rings), p.type) for p in polygons]
        self._read[number] = lod, own, points[used]
        return self._read[number]


def _moved(polygons: list[CityPolygon], first: int) -> list[CityPolygon]:
    """Return polygons whose vertices begin at a number."""
    if first == 0:
        return polygons
    return [CityPolygon(tuple(tuple(at + first for at in ring) for ring in p.rings), p.type) for p in polygons]
