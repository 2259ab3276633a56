"""A small drawing of features for their HTML page: SVG made here, without a map library or any request."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Preview", "preview"]

WIDTH, HEIGHT, MARGIN = 640.0, 360.0, 12.0
MOST_POSITIONS = 60_000


@dataclass(frozen=True)
class Preview:
    """Paths of areas and lines, and points, in a drawing of WIDTH by HEIGHT."""

    areas: tuple[tuple[Any, str], ...]
    lines: tuple[tuple[Any, str], ...]
    points: tuple[tuple[Any, float, float], ...]
    bbox: tuple[float, float, float, float]
    width: float = WIDTH
    height: float = HEIGHT


def preview(features: Iterable[dict[str, Any]]) -> Preview | None:
    """Draw GeoJSON features in CRS84 (or any system with x first); None if none has a geometry."""
    parts = [(f.get("id"), kind, positions) for f in features if f.get("geometry")
             for kind, positions in _parts(f["geometry"])]
    everything = [p for _, _, positions in parts for p in positions]
    if not everything or len(everything) > MOST_POSITIONS:
        return None
    xs, ys = [p[0] for p in everything], [p[1] for p in everything]
    minx, maxx, miny, maxy = min(xs), max(xs), min(ys), max(ys)
    # Degrees of longitude are shorter away from the equator; metres are not.
    squeeze = math.cos(math.radians((miny + maxy) / 2)) if max(map(abs, (minx, maxx, miny, maxy))) <= 180 else 1.0
    wide, high = max((maxx - minx) * squeeze, 1e-9), max(maxy - miny, 1e-9)
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high)
    left, top = (WIDTH - wide * scale) / 2, (HEIGHT - high * scale) / 2

    def place(position: list[float]) -> tuple[float, float]:
        return (round(left + (position[0] - minx) * squeeze * scale, 1), round(top + (maxy - position[1]) * scale, 1))

    def path(positions: list[list[float]], close: bool) -> str:
        return "M" + "L".join(f"{x} {y}" for x, y in map(place, positions)) + ("Z" if close else "")

    areas = tuple((fid, path(p, True)) for fid, kind, p in parts if kind == "area")
    lines = tuple((fid, path(p, False)) for fid, kind, p in parts if kind == "line")
    points = tuple((fid, *place(p[0])) for fid, kind, p in parts if kind == "point")
    return Preview(areas, lines, points, (minx, miny, maxx, maxy))


def _parts(geometry: dict[str, Any]) -> Iterator[tuple[str, list[list[float]]]]:
    kind, coordinates = geometry["type"], geometry.get("coordinates")
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _parts(part)
    elif kind == "Point":
        yield "point", [coordinates]
    elif kind == "MultiPoint":
        yield from (("point", [p]) for p in coordinates)
    elif kind == "LineString":
        yield "line", coordinates
    elif kind == "MultiLineString":
        yield from (("line", line) for line in coordinates)
    elif kind == "Polygon":
        yield from (("area", ring) for ring in coordinates)
    elif kind == "MultiPolygon":
        yield from (("area", ring) for polygon in coordinates for ring in polygon)
