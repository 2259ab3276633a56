"""Images of the demo city on some days of its life, painted from its own layers: ground, woods, water, roads, roofs and their shadows."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
import shapely
from rasterio.features import rasterize
from rasterio.transform import from_bounds

from layers.demo import DemoCity
from layers.demo.calendar import REFERENCE_DAY

__all__ = ["FLIGHTS", "Flight", "write_imagery"]


class Flight(NamedTuple):
    """A flight over the city: the day it shows, the first and the last year it stands for (None: until the next), metres a pixel."""

    day: np.datetime64
    first: int | None
    last: int | None
    metres: float

    @property
    def name(self) -> str:
        return f"imagery_{self.day.astype('datetime64[Y]')}.tif"


# The last one is the picture of the city as it stands.
FLIGHTS = (Flight(np.datetime64("1990-07-01"), None, 1997, 10.0), Flight(np.datetime64("2004-07-01"), 1998, 2009, 10.0),
           Flight(np.datetime64("2014-07-01"), 2010, 2019, 10.0), Flight(REFERENCE_DAY, 2020, None, 6.0))

_GREEN = {"park": (104, 128, 78), "community_park": (112, 134, 86), "protective": (112, 134, 84), "sports": (96, 142, 92), "forest": (74, 100, 62),
          "farmland": (150, 152, 104), "square": (176, 170, 158)}
_ROOF = {"courtyard": (116, 112, 108), "heritage": (158, 122, 74), "industrial": (150, 160, 172), "warehouse": (170, 176, 182), "commercial": (186, 176, 166),
         "office": (168, 172, 178), "education": (184, 150, 130), "residential": (178, 160, 142)}
_SHADOW_PER_M = 0.55          # metres of shadow to the north-north-west per metre of height, in a summer forenoon


def write_imagery(demo: DemoCity, path: Path, metres: float = 6.0, day: np.datetime64 = REFERENCE_DAY) -> Path:
    """Write an RGB GeoTIFF of a day over the extent, about `metres` a pixel, with overviews. Returns the path."""
    minx, miny, maxx, maxy = demo.frame.city.extent
    reach = demo.frame.from_lonlat(np.array([[minx, miny], [maxx, maxy]]))
    width, height = (int(v / metres) for v in reach[1] - reach[0])
    transform = from_bounds(minx, miny, maxx, maxy, width, height)
    rng = np.random.default_rng(6)
    shape = (height, width)

    def now(name: str) -> object:
        table = demo.tables[name]
        there = (table["valid_from"].to_numpy(dtype="datetime64[s]") <= day) & ~(table["valid_to"].to_numpy(dtype="datetime64[s]") <= day)
        return table[there]

    palette: list[tuple[int, int, int]] = [(166, 158, 142)]
    shapes: list[tuple[shapely.Geometry, int]] = []

    def paint(geometries: np.ndarray, colour: tuple[int, int, int]) -> None:
        palette.append(colour)
        shapes.extend((g, len(palette) - 1) for g in geometries)

    use = now("land_use")
    for code, colour in (("0103", (152, 154, 106)), ("0101", (128, 146, 100)), ("1600", (164, 150, 124)), ("0301", (84, 108, 70)), ("1402", (112, 134, 84))):
        paint(use.geometry[use["use"] == code].to_numpy(), colour)      # type: ignore[attr-defined]
    green = now("green_space")
    for kind, colour in _GREEN.items():
        paint(green.geometry[green["kind"] == kind].to_numpy(), colour)     # type: ignore[attr-defined]
    paint(now("water_area").geometry.to_numpy(), (70, 92, 98))      # type: ignore[attr-defined]
    road = now("road")
    degree = 1 / 111_320
    for width_m in np.unique(road["width_m"]):      # type: ignore[index]
        if width_m > 6:
            lines = road.geometry[road["width_m"] == width_m].to_numpy()       # type: ignore[attr-defined,index]
            paint(shapely.buffer(lines, width_m / 2 * degree, quad_segs=1), (132, 132, 134))
    building = now("building")
    built = building[building["status"] != "construction"]       # type: ignore[index]
    footprint, high = built.geometry.to_numpy(), built["height_m"].to_numpy(dtype=float)
    count = shapely.get_num_coordinates(footprint)
    shift = np.repeat(np.stack([-0.45 * high, 0.9 * high], axis=1) * _SHADOW_PER_M * degree, count, axis=0)
    thrown = shapely.set_coordinates(footprint.copy(), shapely.get_coordinates(footprint) + shift)
    paint(thrown[high > 8], (92, 90, 88))
    for n, tint in enumerate((0.9, 1.0, 1.1)):
        chosen = np.arange(len(built)) % 3 == n
        for name, colour in _ROOF.items():
            mine = chosen & (built["use"] == name).to_numpy()
            paint(footprint[mine], tuple(min(255, int(c * tint)) for c in colour))     # type: ignore[arg-type]
        other = chosen & ~built["use"].isin(list(_ROOF)).to_numpy()
        paint(footprint[other], tuple(int(c * tint) for c in (172, 164, 156)))     # type: ignore[arg-type]
    paint(building.geometry[building["status"] == "construction"].to_numpy(), (190, 170, 130))      # type: ignore[attr-defined,index]
    index = rasterize(shapes, out_shape=shape, transform=transform, dtype="uint16", fill=0)
    grain = rng.integers(-9, 10, shape, dtype="int8")
    path.parent.mkdir(parents=True, exist_ok=True)
    lookup = np.array(palette, dtype="int16")
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=3, dtype="uint8",
                       crs=rasterio.crs.CRS.from_epsg(demo.frame.city.storage_srid if demo.frame.city.storage_srid in (4326, 4490) else 4326),
                       transform=transform, tiled=True, blockxsize=512, blockysize=512, compress="jpeg", photometric="ycbcr") as out:
        for band in range(3):
            out.write(np.clip(lookup[:, band][index] + grain, 0, 255).astype("uint8"), band + 1)
        out.build_overviews([2, 4, 8, 16], rasterio.enums.Resampling.average)
    return path
