"""Houses with gabled roofs, as polygons and as CityJSON files of all kinds, whole and broken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["House", "city_json", "write_city_json"]

Point = tuple[float, float, float]


@dataclass(frozen=True)
class House:
    """A house w by d metres from its south-western corner (x, y), its ground at z; the ridge runs west to east."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    w: float = 12.0
    d: float = 8.0
    eaves: float = 5.0
    ridge: float = 8.0

    @property
    def volume(self) -> float:
        return self.w * self.d * (self.eaves + self.ridge) / 2

    @property
    def polygons(self) -> list[tuple[str, list[list[Point]]]]:
        """Return (type, rings), all looking outwards."""
        x0, x1, y0, y1, z = self.x, self.x + self.w, self.y, self.y + self.d, self.z
        ym, e, r = (y0 + y1) / 2, z + self.eaves, z + self.ridge
        return [("GroundSurface", [[(x0, y0, z), (x0, y1, z), (x1, y1, z), (x1, y0, z)]]),
                ("WallSurface", [[(x0, y0, z), (x1, y0, z), (x1, y0, e), (x0, y0, e)]]),
                ("WallSurface", [[(x1, y1, z), (x0, y1, z), (x0, y1, e), (x1, y1, e)]]),
                ("WallSurface", [[(x1, y0, z), (x1, y1, z), (x1, y1, e), (x1, ym, r), (x1, y0, e)]]),
                ("WallSurface", [[(x0, y1, z), (x0, y0, z), (x0, y0, e), (x0, ym, r), (x0, y1, e)]]),
                ("RoofSurface", [[(x0, y0, e), (x1, y0, e), (x1, ym, r), (x0, ym, r)]]),
                ("RoofSurface", [[(x1, y1, e), (x0, y1, e), (x0, ym, r), (x1, ym, r)]])]


def city_json(houses: dict[str, House], system: str | None = "https://www.opengis.net/def/crs/EPSG/0/4548", version: str = "2.0", kind: str = "Solid",
              semantics: bool = True, lod: Any = "2", turned: Sequence[int] = (), attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return houses as CityJSON; polygons whose number is in `turned` look inwards."""
    vertices: dict[tuple[int, ...], int] = {}
    move = (np.floor(min(h.x for h in houses.values())), np.floor(min(h.y for h in houses.values())), 0.0)

    def at(point: Point) -> int:
        place = tuple(round((value - shift) * 1000) for value, shift in zip(point, move, strict=True))
        return vertices.setdefault(place, len(vertices))

    objects = {}
    for name, house in houses.items():
        surfaces = [[[at(p) for p in ring] for ring in rings] for _, rings in house.polygons]
        surfaces = [[ring[::-1] for ring in rings] if n in turned else rings for n, rings in enumerate(surfaces)]
        types = ["GroundSurface", "WallSurface", "RoofSurface"]
        values = [types.index(kind_) for kind_, _ in house.polygons]
        depth = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}[kind]
        boundaries: Any = surfaces
        for _ in range(depth):
            boundaries, values = [boundaries], [values]
        geometry: dict[str, Any] = {"type": kind, "lod": lod, "boundaries": boundaries}
        if semantics:
            geometry["semantics"] = {"surfaces": [{"type": t} for t in types], "values": values}
        objects[name] = {"type": "Building", "attributes": {"storeys": 2, **(attributes or {})}, "geometry": [geometry]}
    data: dict[str, Any] = {"type": "CityJSON", "version": version, "transform": {"scale": [0.001] * 3, "translate": [float(v) for v in move]},
                            "CityObjects": objects, "vertices": [list(place) for place in vertices]}
    return data | ({"metadata": {"referenceSystem": system}} if system else {})


def write_city_json(path: Path, data: dict[str, Any]) -> Path:
    path.write_text(json.dumps(data), "utf-8")
    return path
