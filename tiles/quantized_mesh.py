"""Terrain meshes for globes: quantized-mesh 1.0 in the geodetic grid (EPSG:4326, rows from the south, two tiles at level 0).

Heights are metres over the ellipsoid: those of the model and the city's geoid offset. Each tile is a grid of nodes at whose
edges it meets its neighbours; an extension carries the normals of the ground (octvertexnormals).
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from layers.errors import NotFound
from tiles.coverages import Rasters
from tiles.heights import HeightField

__all__ = ["DEEPEST", "MEDIA_TYPE", "available", "deepest_level", "is_available", "layer_json", "mesh", "mesh_box"]

Array = np.ndarray
Box = tuple[float, float, float, float]
MEDIA_TYPE = "application/vnd.quantized-mesh"
DEEPEST = 18
# Nodes along a side. The grid is dense enough that a level's cells are those of the model before the next level begins.
NODES = 65
LARGEST = 32767
# Axes of the WGS 84 ellipsoid in metres.
A, B = 6_378_137.0, 6_356_752.314245179
E2 = 1 - (B / A) ** 2
OCT_NORMALS = 1


def mesh_box(z: int, x: int, y: int) -> Box:
    """Return (west, south, east, north) of a tile in degrees. Raises NotFound outside of the grid."""
    if not (0 <= z <= DEEPEST and 0 <= x < 2 ** (z + 1) and 0 <= y < 2**z):
        raise NotFound(f"There is no terrain tile {z}/{x}/{y}.")
    side = 180 / 2**z
    return x * side - 180, y * side - 90, (x + 1) * side - 180, (y + 1) * side - 90


def deepest_level(field: HeightField) -> int:
    """Return the level whose nodes lie as close as the cells of the model; deeper ones would tell nothing new."""
    cell_deg = field.cell_m / 111_320
    return min(DEEPEST, max(0, math.ceil(math.log2(180 / (NODES - 1) / cell_deg))))


def available(rasters: Rasters, z: int) -> list[dict[str, int]]:
    """Return the ranges of tiles of a level that hold ground of the model; at level 0 both, since a globe has no holes."""
    if z == 0:
        return [{"startX": 0, "startY": 0, "endX": 1, "endY": 0}]
    side, ranges = 180 / 2**z, []
    for raster in rasters.files:
        west, south, east, north = raster.envelope
        made = {"startX": math.floor((west + 180) / side), "startY": math.floor((south + 90) / side),
                "endX": min(math.ceil((east + 180) / side), 2 ** (z + 1)) - 1, "endY": min(math.ceil((north + 90) / side), 2**z) - 1}
        if made not in ranges:
            ranges.append(made)
    return ranges


def is_available(rasters: Rasters, z: int, x: int, y: int) -> bool:
    """Does a level have this tile?"""
    return any(r["startX"] <= x <= r["endX"] and r["startY"] <= y <= r["endY"] for r in available(rasters, z))


def layer_json(field: HeightField, name: str, template: str, version: str, attribution: str) -> dict[str, Any]:
    """Return the description that a globe reads first: grid, extensions, and which tiles there are on each level."""
    deepest, boxes = deepest_level(field), [r.envelope for r in field.rasters.files]
    bounds = [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)]
    return {"tilejson": "2.1.0", "name": name, "version": version, "format": "quantized-mesh-1.0", "scheme": "tms", "projection": "EPSG:4326",
            "tiles": [template], "attribution": attribution, "bounds": bounds, "minzoom": 0, "maxzoom": deepest,
            # What there is stands here as a whole; a globe that finds it in the tiles too does not know which to believe.
            "extensions": ["octvertexnormals"],
            "available": [available(field.rasters, z) for z in range(deepest + 1)]}


def mesh(field: HeightField, z: int, x: int, y: int, geoid_offset_m: float) -> bytes:
    """Return a tile's mesh. Raises NotFound where the model has none there.

    Parameters
    ----------
    geoid_offset_m
        The ellipsoidal height of height zero of the vertical datum.
    """
    west, south, east, north = mesh_box(z, x, y)
    if z > deepest_level(field) or not is_available(field.rasters, z, x, y):
        raise NotFound(f"There is no terrain tile {z}/{x}/{y}.")
    # One node more at each side, for the normals of the edge: neighbours find the same there.
    steps = np.arange(-1, NODES + 1) / (NODES - 1)
    lon, lat = west + steps * (east - west), np.clip(south + steps * (north - south), -90, 90)
    heights = field.filled(lon, lat, 4326, (east - west) / (NODES - 1)) + geoid_offset_m
    places = _ecef(lon[None, :], lat[:, None], heights)
    normals = _normals(places)[1:-1, 1:-1]
    heights, places = heights[1:-1, 1:-1], places[1:-1, 1:-1]
    low, high = float(heights.min()), float(heights.max())
    u, v = np.meshgrid(np.round(np.linspace(0, LARGEST, NODES)).astype(int), np.round(np.linspace(0, LARGEST, NODES)).astype(int))
    h = np.zeros(heights.shape, dtype=int) if high <= low else np.round((heights - low) / (high - low) * LARGEST).astype(int)

    index = np.arange(NODES * NODES).reshape(NODES, NODES)
    sw, se, nw, ne = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.stack([sw, se, nw, nw, se, ne], axis=-1).reshape(-1)
    # The encoding wants vertices in the order in which triangles first name them.
    _, first = np.unique(triangles, return_index=True)
    order = triangles[np.sort(first)]
    new = np.empty(NODES * NODES, dtype=int)
    new[order] = np.arange(NODES * NODES)
    body = _header(places, heights, low, high) + struct.pack("<I", len(order))
    body += b"".join(_deltas(part.ravel()[order]) for part in (u, v, h))
    body += struct.pack("<I", len(triangles) // 3) + _high_water(new[triangles])
    for edge in (index[:, 0], index[0, :], index[:, -1], index[-1, :]):         # west, south, east, north
        body += struct.pack("<I", len(edge)) + new[edge].astype("<u2").tobytes()
    return body + _extension(OCT_NORMALS, _octahedral(normals.reshape(-1, 3)[order]))


def _ecef(lon_deg: Array, lat_deg: Array, height_m: Array) -> Array:
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    n = A / np.sqrt(1 - E2 * np.sin(lat) ** 2)
    return np.stack(np.broadcast_arrays((n + height_m) * np.cos(lat) * np.cos(lon), (n + height_m) * np.cos(lat) * np.sin(lon),
                                        (n * (1 - E2) + height_m) * np.sin(lat)), axis=-1)


def _normals(places: Array) -> Array:
    """Return the upright of the ground at each node, from the nodes around it."""
    east, north = np.gradient(places, axis=1), np.gradient(places, axis=0)
    upright = np.cross(east, north)
    length = np.linalg.norm(upright, axis=-1, keepdims=True)
    # At a pole all nodes of a row are one place: there the way out from the middle of the earth is upright.
    outward = places / np.linalg.norm(places, axis=-1, keepdims=True)
    return np.where(length > 1e-6, upright / np.where(length > 1e-6, length, 1), outward)


def _header(places: Array, heights: Array, low: float, high: float) -> bytes:
    """Write centre, extremes, bounding sphere and the point behind whose horizon the tile is hidden."""
    points = places.reshape(-1, 3)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    scaled = points / np.array([A, A, B])
    direction = centre / np.array([A, A, B])
    direction = direction / max(np.linalg.norm(direction), 1e-12)
    # Cesium's EllipsoidalOccluder: the farthest that any point pushes the horizon along the direction of the centre.
    length2 = (scaled**2).sum(axis=1)
    length = np.sqrt(np.maximum(length2, 1.0))
    cos_alpha = np.clip(scaled @ direction / np.sqrt(length2), -1, 1)
    sin_alpha = np.linalg.norm(np.cross(scaled / np.sqrt(length2)[:, None], direction), axis=1)
    cos_beta, sin_beta = 1 / length, np.sqrt(np.maximum(length**2 - 1, 0)) / length
    below = cos_alpha * cos_beta - sin_alpha * sin_beta
    reach = float((1 / np.where(below > 1e-6, below, 1e-6)).max())
    horizon = direction * reach * np.array([A, A, B])
    return struct.pack("<3d2f3dd3d", *centre, low, high, *centre, radius, *horizon)


def _deltas(values: Array) -> bytes:
    steps = np.diff(values, prepend=0)
    return ((steps << 1) ^ (steps >> 31)).astype("<u2").tobytes()


def _high_water(indices: Array) -> bytes:
    """Write indices as their distance below the highest so far, of which none is passed over."""
    highest = np.concatenate([[0], np.maximum.accumulate(indices + 1)[:-1]])
    return (highest - indices).astype("<u2").tobytes()


def _octahedral(normals: Array) -> bytes:
    """Write unit vectors as two bytes each: unfolded from an octahedron."""
    n = normals / np.abs(normals).sum(axis=1, keepdims=True)
    x, y = n[:, 0], n[:, 1]
    folded = n[:, 2] < 0
    fx = np.where(folded, (1 - np.abs(y)) * np.where(x >= 0, 1, -1), x)
    fy = np.where(folded, (1 - np.abs(x)) * np.where(y >= 0, 1, -1), y)
    return np.round((np.stack([fx, fy], axis=1) * 0.5 + 0.5) * 255).astype("u1").tobytes()


def _extension(number: int, body: bytes) -> bytes:
    return struct.pack("<BI", number, len(body)) + body
