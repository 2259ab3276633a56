"""Buildings of a cell: raised from their footprints, or as their surfaces have them; cut into their storeys."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.building_surfaces import GROUND, OUTER_CEILING, ROOF, TYPES
from layers.store import Store
from tiles.extrusion import FLOOR, WALL, Floats, Solid, extrude, joined
from tiles.extrusion import ROOF as ROOF_FACE
from tiles.surface_mesh import cut_at, meshed, volumes
from tiles.tileset3d_scene import Part, Plane, Scene
from tiles.tileset3d_storeys import Storey, storeys_of
from tiles.tileset3d_surfaces import Shell, Span, shells_of, span_of, stretches

__all__ = ["UNKNOWN_M", "buildings"]

# Unknown height is one storey.
UNKNOWN_M = 3.0
_FACES = {ROOF: ROOF_FACE, GROUND: FLOOR, OUTER_CEILING: FLOOR}


@dataclass(frozen=True)
class _Hull:
    """A building that stands as its surfaces have it, from its ground (ellipsoidal height) up, and its storeys above the ground."""

    row: dict[str, Any]
    span: Span
    shell: Shell
    base: float
    storeys: list[Storey]


def buildings(store: Store, scene: Scene, plane: Plane, found: list[dict[str, Any]], shapes: NDArray[Any], boxes: Floats,
              ground: Floats) -> tuple[list[Part], Solid]:
    """Make the meshes of buildings.

    Parameters
    ----------
    found, shapes, boxes
        Versions of buildings, their footprints in the plane, and the boxes of these in Web Mercator.
    ground
        The elevation of the ground at each, for those that do not say theirs.

    Returns the parts and a mesh whose `source` counts them. Prisms are closed, storey by storey; surfaces are closed as a whole where they were
    given so.
    """
    storeys = storeys_of(store, scene.query, scene.level, scene.unit, found)
    shells = shells_of(store, scene.query, scene.surface, (row["id"] for row in found), scene.city.storage_srid)
    parts, which, bottom, top = list[Part](), list[int](), list[float](), list[float]()
    hulls: list[_Hull] = []

    def raise_(part: Part, number: int, low: float, high: float) -> None:
        parts.append(part)
        which.append(number)
        bottom.append(low)
        top.append(high)

    for number, row in enumerate(found):
        base = row.get("ground_elevation_m")
        base = (float(ground[number]) if base is None else base) + scene.city.geoid_offset_m
        height = row[scene.form.size]
        height = UNKNOWN_M if height is None or not 0 < height < inf else height
        stack = storeys.get((row["id"], row["version"]), [])
        for stretch in stretches(span_of(row), boxes[number], shells.get(row["id"], ()), scene.query):
            if stretch.shell is not None:
                hulls.append(_Hull(row, stretch.span, stretch.shell, base, [s for s in stack if s.top_m > 0]))
            for storey in stack:
                low, high = max(storey.bottom_m, -scene.form.below_m), min(storey.top_m, height)
                # Surfaces show what is above the ground.
                if high > low and (stretch.shell is None or high <= 0):
                    raise_(Part(row, stretch.span, storey), number, base + low, base + high)
            begun = min(height, max((s.top_m for s in stack), default=0.0))
            if begun < height - 0.01 and stretch.shell is None:
                raise_(Part(row, stretch.span), number, base + begun, base + height)
    raised = extrude(shapes[which], np.array(bottom), np.array(top))
    if not hulls:
        return parts, raised
    more, standing = _hulls(scene, plane, hulls, len(parts))
    return parts + more, joined([raised, standing])


def _hulls(scene: Scene, plane: Plane, hulls: list[_Hull], first: int) -> tuple[list[Part], Solid]:
    """Return the parts of buildings that have surfaces, one for each type of surface and storey, and their mesh; parts count from `first`."""
    surfaces = [(number, surface) for number, hull in enumerate(hulls) for surface in hull.shell.surfaces]
    owner = np.array([number for number, _ in surfaces])
    kind = np.array([TYPES.index(surface.type) for _, surface in surfaces])
    face = np.array([_FACES.get(kind, WALL) for kind in TYPES], np.uint8)[kind]
    solid = meshed([[plane.standing(ring, scene.city.geoid_offset_m) for ring in surface.rings] for _, surface in surfaces], face)
    solid = _outwards(solid, owner, len(hulls))
    of_triangle = owner[solid.source[solid.triangles[:, 0]]]
    planes = _planes(hulls)
    is_cut = ~np.isnan(planes[:, :1]).all(axis=1)[of_triangle]
    whole = Solid(solid.xyz, solid.normal, solid.source, solid.face, solid.triangles[~is_cut])
    cut, below = cut_at(Solid(solid.xyz, solid.normal, solid.source, solid.face, solid.triangles[is_cut]), planes[of_triangle[is_cut]])
    # A corner is of one polygon and lies in one storey.
    level = np.zeros(len(cut.xyz), np.int64)
    level[cut.triangles.ravel()] = np.repeat(below, 3)
    parts, sources = list[Part](), dict[tuple[int, int, int], int]()

    def part_of(hull: int, storey: int, kind: int) -> int:
        key = hull, storey, kind
        if key not in sources:
            sources[key] = first + len(parts)
            stack = hulls[hull].storeys
            parts.append(Part(hulls[hull].row, hulls[hull].span, stack[storey] if 0 <= storey < len(stack) else None, TYPES[kind]))
        return sources[key]

    made = []
    for some, of_storey in ((whole, np.full(len(whole.xyz), -1)), (cut, level)):
        keys = np.column_stack([owner[some.source], of_storey, kind[some.source]]).reshape(-1, 3)
        used = np.unique(some.triangles)
        unique, inverse = np.unique(keys[used], axis=0, return_inverse=True)
        numbers = np.array([part_of(*map(int, key)) for key in unique], np.int64)
        source = np.full(len(keys), first, np.int64)
        source[used] = numbers[inverse.reshape(-1)] if len(used) else source[used]
        made.append(Solid(some.xyz, some.normal, source, some.face, some.triangles))
    return parts, joined(made)


def _outwards(solid: Solid, owner: NDArray[np.int64], count: int) -> Solid:
    """Turn buildings over whose surfaces look inwards as a whole."""
    of_triangle = owner[solid.source[solid.triangles[:, 0]]]
    is_inside_out = volumes(solid, of_triangle, count) < 0
    if not is_inside_out.any():
        return solid
    triangles = np.where(is_inside_out[of_triangle][:, None], solid.triangles[:, ::-1], solid.triangles)
    normal = np.where(is_inside_out[owner[solid.source]][:, None], -solid.normal, solid.normal)
    return Solid(solid.xyz, normal, solid.source, solid.face, triangles)


def _planes(hulls: list[_Hull]) -> Floats:
    """Return the tops of the storeys of each building, as ellipsoidal heights; NaN where it has fewer than others."""
    most = max(1, *(len(hull.storeys) for hull in hulls))
    planes = np.full((len(hulls), most), np.nan)
    for number, hull in enumerate(hulls):
        planes[number, :len(hull.storeys)] = [hull.base + storey.top_m for storey in hull.storeys]
    return planes
