"""Lengths and areas of a geometry: on the ellipsoid, and in the city's projected grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import Geod

from layers.crs import to_srid

__all__ = ["Measures", "measure"]

# Of CGCS2000. It and that of WGS 84 differ by a tenth of a millimetre in the smaller axis.
ELLIPSOID = Geod(ellps="GRS80")


@dataclass(frozen=True)
class Measures:
    """What was measured. Lengths of areas are their perimeters with their holes; areas of lines are None."""

    geodesic_length_m: float
    geodesic_area_m2: float | None
    grid_length_m: float
    grid_area_m2: float | None


def measure(geometry: shapely.Geometry, srid: int, projected_srid: int) -> Measures:
    """Measure a geometry given in degrees (x east).

    Method: geodesic lines between the vertices on the GRS 80 ellipsoid, as PostGIS measures geography; and straight lines
    between the transformed vertices in the projected CRS, as registers state them. The grid's scale is not taken out.

    >>> round(measure(shapely.LineString([(116.4, 39.9), (116.4, 39.91)]), 4326, 4548).geodesic_length_m, 1)
    1110.3
    """
    is_area = shapely.get_dimensions(geometry) == 2
    plane = shapely.transform(geometry, lambda xy: shapely.get_coordinates(to_srid(shapely.multipoints(xy), srid, projected_srid)))
    if not is_area:
        return Measures(ELLIPSOID.geometry_length(geometry), None, float(plane.length), None)
    area = length = 0.0
    for part in shapely.get_parts(geometry):
        for number, ring in enumerate([part.exterior, *part.interiors]):
            x, y = np.array(ring.coords)[:, :2].T
            surface, around = ELLIPSOID.polygon_area_perimeter(x, y)
            area, length = area + (abs(surface) if number == 0 else -abs(surface)), length + around
    return Measures(length, area, float(plane.length), float(plane.area))
