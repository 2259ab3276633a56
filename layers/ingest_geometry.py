"""Geometries of a file on their way into a layer: a chunk at a time, all at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Transformer

from layers.crs import is_same_place
from layers.errors import Fault
from layers.layer import Layer

__all__ = ["GeometryReader"]

POINT, LINE, POLYGON = "Point", "LineString", "Polygon"
NAMES = {shapely.GeometryType[name.upper()].value: name for name in
         (POINT, LINE, "LinearRing", POLYGON, "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")}
SINGLE = {"MultiPoint": POINT, "MultiLineString": LINE, "MultiPolygon": POLYGON}
MAKE_MULTI: dict[str, Any] = {"MultiPoint": shapely.multipoints, "MultiLineString": shapely.multilinestrings,
                              "MultiPolygon": shapely.multipolygons}


@dataclass
class GeometryReader:
    """Reads WKB into EWKB of a layer: its type, its dimension, the storage CRS.

    Attributes
    ----------
    repair
        Make invalid geometries valid, and count them; without it they stay as they are, and the checks refuse them.
    promoted, flattened, raised, repaired
        How many became multi-part, lost heights the layer does not have, got height zero, were made valid.
    """

    layer: Layer
    crs: CRS
    storage_srid: int
    repair: bool = False
    promoted: int = 0
    flattened: int = 0
    raised: int = 0
    repaired: int = 0
    _to_storage: Transformer | None = field(init=False, default=None)
    _to_degrees: Transformer = field(init=False)

    def __post_init__(self) -> None:
        known = self.crs.to_epsg()
        if known is None or not is_same_place(known, self.storage_srid):
            self._to_storage = Transformer.from_crs(self.crs, CRS.from_epsg(self.storage_srid), always_xy=True)
        self._to_degrees = Transformer.from_crs(self.crs, CRS.from_epsg(4326), always_xy=True)

    def read(self, column: Any, first_row: int) -> tuple[list[str | None], dict[int, Fault]]:
        """Return EWKB in hexadecimal for an Arrow column of WKB, and {index: Fault} of what cannot be taken.

        `first_row` is the number in the file of the chunk's first row.
        """
        wkb = column.to_numpy(zero_copy_only=False)
        made = shapely.from_wkb(wkb, on_invalid="ignore")
        faults: dict[int, Fault] = {}

        def refuse(which: np.ndarray, code: str, message: Any) -> None:
            for i in np.flatnonzero(which):
                if int(i) not in faults:
                    text = message(made[i]) if callable(message) else message
                    faults[int(i)] = Fault(code, text, first_row + int(i), self.layer.id, None, "geometry", self._place(made[i]))
            made[which] = None

        missing = np.array([value is None for value in wkb])
        refuse(missing, "geometry_missing", "there is no geometry")
        refuse(shapely.is_missing(made) & ~missing, "geometry_unreadable", "the geometry cannot be read (of a kind such as a TIN, or damaged)")
        refuse(shapely.is_empty(made), "geometry_empty", "the geometry is empty")
        refuse(self._not_finite(made), "geometry_coordinates", "the geometry has coordinates that are no finite numbers")
        if self.repair:
            made = self._repaired(made)
            refuse(shapely.is_empty(made), "geometry_empty", "nothing is left of the geometry when it is made valid")
        made, misfits = self._of_type(made)
        refuse(misfits, "geometry_type", lambda g: f"the geometry is a {NAMES.get(shapely.get_type_id(g), 'curve or surface')}; "
                                                   f"layer '{self.layer.id}' takes {self.layer.geometry}")
        made = self._of_dimension(made)
        if self._to_storage is not None:
            before = made
            made = shapely.transform(made, self._moved, include_z=self.layer.has_z)
            lost = self._not_finite(made)
            for i in np.flatnonzero(lost):
                faults[int(i)] = Fault("geometry_coordinates", "the geometry lies where its coordinate reference system is not defined",
                                       first_row + int(i), self.layer.id, None, "geometry", self._place(before[i]))
            made[lost] = None
        texts = shapely.to_wkb(shapely.set_srid(made, self.storage_srid), hex=True, include_srid=True)
        return texts.tolist(), faults

    def _of_type(self, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wanted = self.layer.geometry
        there = ~shapely.is_missing(made)
        if wanted == "Geometry":
            return made, ~there & False
        kinds = shapely.get_type_id(made)
        code = {name: number for number, name in NAMES.items()}
        if wanted in SINGLE:
            single = kinds == code[SINGLE[wanted]]
            if count := int(single.sum()):
                self.promoted += count
                made[single] = MAKE_MULTI[wanted](made[single], indices=np.arange(count))
                kinds = shapely.get_type_id(made)
        return made, there & (kinds != code[str(wanted)])

    def _of_dimension(self, made: np.ndarray) -> np.ndarray:
        has_z = shapely.has_z(made)
        if self.layer.has_z:
            flat = ~has_z & ~shapely.is_missing(made)
            self.raised += int(flat.sum())
            return shapely.force_3d(made)
        self.flattened += int(has_z.sum())
        return shapely.force_2d(made)

    def _repaired(self, made: np.ndarray) -> np.ndarray:
        broken = ~shapely.is_valid(made) & ~shapely.is_missing(made)
        for i in np.flatnonzero(broken):
            dimension = shapely.get_dimensions(made[i])
            valid = shapely.make_valid(made[i])
            # What collapsed to lines and points is no part of an area.
            parts = [p for p in shapely.get_parts(shapely.get_parts(valid)) if shapely.get_dimensions(p) == dimension]
            made[i] = shapely.union_all(parts) if parts else type(valid)()
            self.repaired += 1
        return made

    def _moved(self, points: np.ndarray) -> np.ndarray:
        assert self._to_storage is not None
        moved = points.copy()
        # Heights keep their numbers: a vertical datum is not a matter of the horizontal CRS.
        moved[:, 0], moved[:, 1] = self._to_storage.transform(points[:, 0], points[:, 1])
        return moved

    @staticmethod
    def _not_finite(made: np.ndarray) -> np.ndarray:
        bounds = shapely.bounds(made)
        return ~shapely.is_missing(made) & ~shapely.is_empty(made) & ~np.isfinite(bounds).all(axis=1)

    def _place(self, geometry: Any) -> tuple[float, float] | None:
        """Return a point of a geometry of the file in CRS84, for a fault; None where there is none."""
        if geometry is None or geometry.is_empty:
            return None
        minx, miny, maxx, maxy = geometry.bounds
        lon, lat = self._to_degrees.transform((minx + maxx) / 2, (miny + maxy) / 2)
        return (round(lon, 7), round(lat, 7)) if np.isfinite([lon, lat]).all() else None
