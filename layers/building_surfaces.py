"""Surfaces of a building: roofs, walls and ground faces as polygons in space, and how the store keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from layers.layer import Layer, SurfaceType
from layers.values import WrongValue

__all__ = ["FIELDS", "GROUND", "OUTER_CEILING", "ROOF", "TYPES", "WALL", "Surface", "parse_surfaces", "reach_of", "surface_layer", "without_slivers", "write_surfaces"]

ROOF, WALL, GROUND, OUTER_CEILING = "RoofSurface", "WallSurface", "GroundSurface", "OuterCeilingSurface"
TYPES = get_args(SurfaceType)
# What a layer of surfaces is known by, beside being a part of the building's layer.
FIELDS = ("lod", "surfaces", "lowest_m", "highest_m")
# How far surfaces may lie beside their building where no rule of their layer says.
REACH_M = 5.0
# A polygon smaller than this is none; the checks of the store (gis.surfaces_faults) go by a tenth of it.
SMALLEST_M2 = 1e-6


class Surface(NamedTuple):
    """A polygon in space: its type, and its rings (k, 3) without the closing point, the outer one first.

    The outer ring runs counter-clockwise as seen from outside the building, holes the other way round.
    """

    type: str
    rings: tuple[NDArray[np.float64], ...]


def surface_layer(layer: Layer, among: Iterable[Layer], visible: Callable[[Layer], set[str]] | None = None) -> Layer | None:
    """Return the layer of surfaces that are parts of a layer's features, None where there is none.

    `visible` gives the names of the fields that a reader may read; one of them missing, he has no such layer.
    """
    for each in among:
        owner = each.parent
        names = visible(each) if visible else set(each.by_name)
        if each.kind == "table" and owner is not None and owner.references == layer.id and names.issuperset((*FIELDS, owner.name)):
            return each
    return None


def reach_of(layer: Layer) -> float:
    """Return how far (metres on the ground) surfaces may lie beside their building: what its rule says."""
    return next((rule.reach_m for rule in layer.rules if rule.kind == "surfaces" and rule.reach_m), REACH_M)


def parse_surfaces(value: Any) -> list[Surface]:
    """Read surfaces as the store keeps them: [{"type": …, "rings": [[[x, y, z], …], …]}, …].

    Rings may or may not repeat their first point. Raises WrongValue that names the surface.
    """
    if not isinstance(value, list) or not value:
        raise WrongValue("surfaces are a list of objects with 'type' and 'rings', at least one")
    found = []
    for number, each in enumerate(value):
        rings = each.get("rings") if isinstance(each, dict) else None
        kind = each.get("type") if isinstance(each, dict) else None
        if kind not in TYPES:
            raise WrongValue(f"surface {number}: 'type' must be one of {', '.join(TYPES)}")
        if not isinstance(rings, list) or not rings:
            raise WrongValue(f"surface {number}: 'rings' must be a list of rings, the outer one first")
        found.append(Surface(kind, tuple(_ring(ring, number) for ring in rings)))
    return found


def _ring(ring: Any, number: int) -> NDArray[np.float64]:
    try:
        points = np.array(ring, np.float64)
    except (TypeError, ValueError, OverflowError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise WrongValue(f"surface {number}: a ring is a list of points [x, y, z] of finite numbers")
    if (points[0] == points[-1]).all():
        points = points[:-1]
    if len(points) < 3:
        raise WrongValue(f"surface {number}: a ring needs three points")
    return points


def without_slivers(surfaces: Iterable[Surface], metres: Sequence[float]) -> list[Surface]:
    """Return surfaces without the polygons and holes to which rounding has left no area; `metres` is how long a unit is in each direction.

    All of them where nothing would be left: then the checks say what is wrong.
    """
    found = list(surfaces)
    kept = []
    for each in found:
        areas = [float(np.linalg.norm(np.cross(p[:-1], p[1:]).sum(axis=0))) / 2 for p in ((ring - ring[0]) * metres for ring in each.rings)]
        if areas[0] >= SMALLEST_M2:
            kept.append(Surface(each.type, tuple(ring for ring, area in zip(each.rings, areas, strict=True) if area >= SMALLEST_M2)))
    return kept or found


def write_surfaces(surfaces: Sequence[Surface]) -> list[dict[str, Any]]:
    """Return surfaces as the store keeps them, rings closed as GeoJSON has them."""
    return [{"type": each.type, "rings": [[*ring.tolist(), ring[0].tolist()] for ring in each.rings]} for each in surfaces]
