"""Frames: features as columns, with the coordinate system they are in. What a model takes and gives.

A frame is arrays, not a table of objects, so that a server process can describe and run small models without the weight of a
data frame library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from layers.crs import is_same_place, transformer
from layers.errors import DefinitionError

__all__ = ["CrsMismatch", "Frame", "NotProjected", "feature_collection", "require_metric"]

_CHUNK = 5_000
# Straight in one CRS is not straight in another; parts of this length stay within two centimetres of where they were.
_LONGEST_EDGE_M = 1_000.0
WEB_MERCATOR = 3857


class CrsMismatch(DefinitionError):
    """Two things that are to be compared are in different coordinate systems; transform one of them first."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__([f"One is in EPSG:{one}, the other in EPSG:{other}; transform one of them first."])
        self.chinese = f"坐标系不一致：EPSG:{one} 与 EPSG:{other}，请先转换。"


class NotProjected(DefinitionError):
    """Lengths and areas were asked of coordinates that are no metres on a plane."""

    def __init__(self, srid: int) -> None:
        super().__init__([f"EPSG:{srid} is not a projected system in metres; lengths and areas in it mean nothing."])
        self.chinese = f"EPSG:{srid} 不是以米为单位的投影坐标系，其中的长度和面积没有意义。"


@dataclass(frozen=True)
class Frame:
    """Features as columns of equal length.

    Parameters
    ----------
    srid
        EPSG code of the CRS of `geometry`, x (east) first.
    fids
        Feature numbers, int64.
    geometry
        Shapely geometries; None for features without.
    columns
        Fields by name: float64 with NaN for missing numbers, else objects with None.
    valid_from, valid_to
        The valid time of each version, datetime64[us] in UTC; NaT is open.
    """

    srid: int
    fids: NDArray[np.int64]
    geometry: NDArray[Any]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    valid_from: NDArray[np.datetime64] | None = None
    valid_to: NDArray[np.datetime64] | None = None

    def __len__(self) -> int:
        return len(self.fids)

    def some(self, rows: NDArray[Any]) -> Frame:
        """Return the features that a mask or a list of positions names."""
        return replace(self, fids=self.fids[rows], geometry=self.geometry[rows], columns={n: c[rows] for n, c in self.columns.items()},
                       valid_from=None if self.valid_from is None else self.valid_from[rows],
                       valid_to=None if self.valid_to is None else self.valid_to[rows])

    def require(self, srid: int) -> None:
        """Raise CrsMismatch if the frame is in another CRS."""
        if self.srid != srid:
            raise CrsMismatch(self.srid, srid)

    def require_metric(self) -> None:
        """Raise NotProjected if lengths in the frame's CRS are not metres."""
        require_metric(self.srid)

    def to(self, srid: int) -> Frame:
        """Return the frame in another CRS. Long edges are split first where the frame is in metres, so that they stay in place.

        Raises ValueError if a coordinate cannot be expressed there.
        """
        if is_same_place(self.srid, srid):
            return replace(self, srid=srid)
        shapes = shapely.segmentize(self.geometry, _LONGEST_EDGE_M) if _is_metric(self.srid) else self.geometry
        move = transformer(self.srid, srid).transform
        moved = shapely.transform(shapes, lambda xy: np.column_stack(move(xy[:, 0], xy[:, 1])))
        if not np.isfinite(shapely.get_coordinates(moved)).all():
            raise ValueError("a coordinate lies outside the area of the coordinate reference system")
        return replace(self, srid=srid, geometry=moved)


@lru_cache(maxsize=64)
def _is_metric(srid: int) -> bool:
    crs = CRS.from_epsg(srid)
    return crs.is_projected and all(axis.unit_conversion_factor == 1 for axis in crs.axis_info)


def require_metric(srid: int) -> None:
    """Raise NotProjected if an EPSG code is no projected CRS in metres. Web Mercator's metres are none: they grow with latitude."""
    if srid == WEB_MERCATOR or not _is_metric(srid):
        raise NotProjected(srid)


def feature_collection(frame: Frame, names: Sequence[str]) -> bytes:
    """Write a frame in CRS84 as a GeoJSON FeatureCollection (RFC 7946: 7 decimals, rings counter-clockwise).

    Raises CrsMismatch for a frame in another CRS.

    >>> feature_collection(Frame(4326, np.array([], "int64"), np.array([], object)), [])
    b'{"type":"FeatureCollection","features":[],"numberReturned":0}'
    """
    frame.require(4326)
    parts = []
    for begin in range(0, len(frame), _CHUNK):
        some = slice(begin, begin + _CHUNK)
        shapes = shapely.transform(shapely.orient_polygons(frame.geometry[some]), lambda xy: np.round(xy, 7))
        texts = shapely.to_geojson(shapes)
        columns = {name: _plain(frame.columns[name][some]) for name in names}
        features = [{"type": "Feature", "id": fid, "geometry": None if text is None else orjson.Fragment(text),
                     "properties": {name: values[i] for name, values in columns.items()}}
                    for i, (fid, text) in enumerate(zip(frame.fids[some].tolist(), texts, strict=True))]
        parts.append(orjson.dumps(features)[1:-1])
    return b'{"type":"FeatureCollection","features":[%s],"numberReturned":%d}' % (b",".join(parts), len(frame))


def _plain(values: NDArray[Any]) -> list[Any]:
    # JSON has no NaN; orjson writes null for it
    return values.tolist()
