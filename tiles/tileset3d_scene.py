"""What 3D tiles are made of and for whom; the plane that a cell's shapes are made in; the rows of its property table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.city import City
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.extrusion import Floats, Solid
from tiles.grid import TileAddress
from tiles.tileset3d_form import Form
from tiles.tileset3d_ground import Ground
from tiles.tileset3d_place import Frame, from_mercator, y_up
from tiles.tileset3d_storeys import Storey
from tiles.tileset3d_surfaces import Span

__all__ = ["Part", "Plane", "Scene"]


@dataclass(frozen=True)
class Scene:
    """What a tileset is made of: a question to a layer (for whom, which time), its form, and what heights stand on.

    `level`, `unit` and `surface` are the layers of storeys, of housing units and of surfaces where this audience may read them.
    """

    query: ItemQuery
    form: Form
    city: City
    ground: Ground = field(default_factory=Ground)
    level: Layer | None = None
    unit: Layer | None = None
    surface: Layer | None = None

    @property
    def shown(self) -> list[Layer]:
        """Return the layers whose features the tiles show, that of the question first."""
        return [each for each in (self.query.layer, self.level, self.unit, self.surface) if each is not None]


@dataclass(frozen=True)
class Part:
    """A row of the property table: a feature, one storey of it, or its surfaces of one type; and from when to when (seconds) it is so."""

    row: dict[str, Any]
    span: Span
    storey: Storey | None = None
    surface: str | None = None


class Plane:
    """Metres east and north of a cell's middle, near enough for shapes; heights come in when corners become places."""

    def __init__(self, address: TileAddress) -> None:
        minx, miny, maxx, maxy = address.envelope
        self.x, self.y = (minx + maxx) / 2, (miny + maxy) / 2
        lon, lat = from_mercator(self.x, self.y)
        self.frame = Frame(float(lon), float(lat))
        self.scale = float(np.cos(np.radians(lat)))

    def flattened(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Return shapes in Web Mercator in the plane."""
        return shapely.transform(shapely.force_2d(shapes), lambda c: (c - [self.x, self.y]) * self.scale)

    def standing(self, points: Floats, lift_m: float) -> Floats:
        """Return points (n, 3) in Web Mercator with elevations in the plane, lifted."""
        return np.column_stack([(points[:, :2] - [self.x, self.y]) * self.scale, points[:, 2] + lift_m])

    def placed(self, solid: Solid) -> tuple[Floats, Floats]:
        """Return corners and normals of a mesh in the frame, y up."""
        lon, lat = from_mercator(solid.xyz[:, 0] / self.scale + self.x, solid.xyz[:, 1] / self.scale + self.y)
        return y_up(self.frame.local(lon, lat, solid.xyz[:, 2])), y_up(self.frame.turned(lon, lat, solid.normal))
