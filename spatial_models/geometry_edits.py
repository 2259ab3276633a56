"""What an editor does to a geometry: split, merge, reshape, holes, moving and turning; and what is wrong with it.

Edges are straight in the CRS that the geometry is given in, which is the one that it is stored in: a cut lies on the line that
was drawn, and both sides of it have the same vertices to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import affinity, ops

from layers.crs import to_srid
from spatial_models.words import Words

__all__ = ["CannotEdit", "GeometryFault", "cut_hole", "faults_of", "fill_holes", "merge", "move", "reshape", "rotate", "split"]

Geometry = shapely.Geometry


class CannotEdit(ValueError):
    """The operation has no result; `words` say why, and what to do."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.words = Words(english, chinese)


@dataclass(frozen=True)
class GeometryFault:
    """What is wrong with a geometry, and where (x east, y north, in its own CRS)."""

    code: str
    words: Words
    place: tuple[float, float] | None


_REASONS = {
    "Self-intersection": ("self_intersection", Words("The boundary crosses itself", "边界自相交")),
    "Ring Self-intersection": ("ring_self_intersection", Words("The boundary touches itself", "边界自接触")),
    "Hole lies outside shell": ("hole_outside", Words("A hole lies outside of the area", "空洞位于面外")),
    "Holes are nested": ("holes_nested", Words("A hole lies in another hole", "空洞相互嵌套")),
    "Nested shells": ("parts_nested", Words("A part lies in another part", "部件相互嵌套")),
    "Interior is disconnected": ("interior_cut", Words("Holes cut the area apart", "空洞将面切断")),
    "Duplicate Rings": ("rings_twice", Words("The same ring is there twice", "存在重复的环")),
    "Too few points in geometry component": ("too_few_points", Words("There are too few vertices", "顶点数不足")),
}


def faults_of(geometry: Geometry) -> list[GeometryFault]:
    """Return what is wrong with a geometry; an empty list where it is simple and valid.

    >>> [fault.code for fault in faults_of(shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"))]
    ['self_intersection']
    """
    if geometry.is_empty:
        return [GeometryFault("empty", Words("There is no geometry", "图形为空"), None)]
    found = []
    for part in shapely.get_parts(geometry):
        if not part.is_valid:
            found.append(_fault(part))
    if not found and not geometry.is_valid:
        found.append(_fault(geometry))
    return found


def _fault(geometry: Geometry) -> GeometryFault:
    reason = shapely.is_valid_reason(geometry)
    text, _, place = reason.partition("[")
    code, words = _REASONS.get(text.strip(), ("invalid", Words(f"The geometry is not valid: {text.strip()}", "图形无效")))
    numbers = place.rstrip("]").split()
    return GeometryFault(code, words, (float(numbers[0]), float(numbers[1])) if len(numbers) >= 2 else None)


def split(geometry: Geometry, line: Geometry) -> list[Geometry]:
    """Cut an area or a line by a line.

    Returns the pieces from the largest to the smallest, each of one part. What the line does not touch stays with the piece
    that lies nearest to it. Raises CannotEdit where nothing is cut.

    >>> [piece.area for piece in split(shapely.box(0, 0, 4, 1), shapely.LineString([(1, -1), (1, 2)]))]
    [3.0, 1.0]
    """
    if geometry.geom_type.endswith("Point"):
        raise CannotEdit("A point cannot be split.", "点不能分割。")
    pieces: list[Geometry] = []
    whole: list[Geometry] = []
    for part in shapely.get_parts(geometry):
        cut = _cut_area(part, line) if part.geom_type == "Polygon" else _cut_line(part, line)
        (pieces if len(cut) > 1 else whole).extend(cut)
    if not pieces:
        raise CannotEdit("The line does not cut it: it must begin and end outside and cross it.", "分割线没有切开图形：应从图形外画起，穿过图形，在图形外结束。")
    joined: list[list[Geometry]] = [[piece] for piece in pieces]
    for part in whole:
        nearest = int(np.argmin(shapely.distance(np.array(pieces, dtype=object), part)))
        joined[nearest].append(part)
    made = [some[0] if len(some) == 1 else _collected(some) for some in joined]
    return sorted(made, key=lambda piece: piece.area or piece.length, reverse=True)


def _collected(parts: Sequence[Geometry]) -> Geometry:
    return shapely.multipolygons(parts) if parts[0].geom_type == "Polygon" else shapely.multilinestrings(parts)


def _cut_area(area: Geometry, line: Geometry) -> list[Geometry]:
    noded = shapely.union_all([area.boundary, line])
    return [piece for piece in ops.polygonize(noded) if area.contains(piece.representative_point())]


def _cut_line(own: Geometry, line: Geometry) -> list[Geometry]:
    if own.crosses(line) or own.touches(line):
        return [part for part in ops.split(own, line).geoms if part.length > 0]
    return [own]


def merge(geometries: Sequence[Geometry]) -> Geometry:
    """Join geometries of one kind to one. Raises CannotEdit for fewer than two, or for areas mixed with lines.

    >>> merge([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]).area
    2.0
    """
    if len(geometries) < 2:
        raise CannotEdit("It takes at least two features to merge.", "合并至少需要两个要素。")
    if len({shapely.get_dimensions(one) for one in geometries}) > 1:
        raise CannotEdit("Only features of one kind of geometry are merged.", "只能合并同一种几何类型的要素。")
    joined = shapely.union_all(geometries)
    return ops.linemerge(joined) if joined.geom_type == "MultiLineString" else joined


def reshape(geometry: Geometry, line: Geometry) -> Geometry:
    """Let a line replace the part of a boundary, or of a line, between the first and the last place where it meets it.

    An area takes what makes it larger: a line that leads outside adds, one that leads inside cuts off the smaller side.
    Raises CannotEdit where the line meets the boundary less than twice.

    >>> reshape(shapely.box(0, 0, 4, 4), shapely.LineString([(1, 3), (1, 6), (3, 6), (3, 3)])).area
    20.0
    """
    parts = list(shapely.get_parts(geometry))
    for number, part in enumerate(parts):
        changed = _reshaped_area(part, line) if part.geom_type == "Polygon" else _reshaped_line(part, line)
        if changed is not None:
            others = [*parts[:number], changed, *parts[number + 1:]]
            return changed if len(parts) == 1 else _collected(others)
    raise CannotEdit("The line must cross the boundary at least twice.", "整形线应至少与边界相交两次。")


def _met(boundary: Geometry, line: Geometry) -> tuple[float, float] | None:
    """Return how far along the line it meets a boundary first and last."""
    places = shapely.get_coordinates(shapely.intersection(boundary, line))
    if len(places) < 2:
        return None
    along = shapely.line_locate_point(line, shapely.points(places))
    first, last = float(along.min()), float(along.max())
    return (first, last) if last > first else None


def _reshaped_area(area: Geometry, line: Geometry) -> Geometry | None:
    for number, ring in enumerate([area.exterior, *area.interiors]):
        met = _met(ring, line)
        if met is None:
            continue
        path = ops.substring(line, *met)
        begin, end = (shapely.line_locate_point(ring, shapely.Point(path.coords[i])) for i in (0, -1))
        low, high = sorted((float(begin), float(end)))
        between = ops.substring(ring, low, high)
        around = [*ops.substring(ring, high, ring.length).coords, *ops.substring(ring, 0, low).coords[1:]]
        choices = []
        for arc in (list(between.coords), around):
            way = list(path.coords)
            if _apart(arc[-1], way[0]) > _apart(arc[-1], way[-1]):
                way.reverse()
            # The ends of the way are those of the arc; a difference in the last bit would be a crossing.
            made = shapely.Polygon(_without_repeats([*arc, *way[1:-1]]))
            if made.is_valid and made.area > 0:
                choices.append(made)
        if not choices:
            raise CannotEdit("The reshaped boundary would cross itself.", "整形后的边界会自相交。")
        new = max(choices, key=lambda made: made.area)
        rings = [shapely.LinearRing(r) for r in (area.exterior, *area.interiors)]
        rings[number] = new.exterior
        made = shapely.Polygon(rings[0], rings[1:])
        if not made.is_valid:
            raise CannotEdit("The reshaped boundary would cross a hole.", "整形后的边界会与空洞相交。")
        return made
    return None


def _apart(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return math.dist(one[:2], other[:2])


def _without_repeats(positions: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    made: list[tuple[float, ...]] = []
    for position in positions:
        if not made or _apart(position, made[-1]) > 1e-12:
            made.append(position)
    return made


def _reshaped_line(own: Geometry, line: Geometry) -> Geometry | None:
    met = _met(own, line)
    if met is None:
        return None
    path = list(ops.substring(line, *met).coords)
    begin, end = (float(shapely.line_locate_point(own, shapely.Point(path[i]))) for i in (0, -1))
    if begin > end:
        begin, end, path = end, begin, path[::-1]
    head, tail = list(ops.substring(own, 0, begin).coords), list(ops.substring(own, end, own.length).coords)
    return shapely.LineString(_without_repeats([*head, *path[1:-1], *tail]))


def cut_hole(geometry: Geometry, area: Geometry) -> Geometry:
    """Take an area out of another. Raises CannotEdit where it does not lie inside.

    >>> cut_hole(shapely.box(0, 0, 4, 4), shapely.box(1, 1, 2, 2)).area
    15.0
    """
    if not geometry.geom_type.endswith("Polygon"):
        raise CannotEdit("Only areas have holes.", "只有面可以挖洞。")
    if not geometry.contains_properly(area):
        raise CannotEdit("The hole must lie inside the area, off its boundary.", "空洞应完全位于面内，且不接触边界。")
    return shapely.difference(geometry, area)


def fill_holes(geometry: Geometry, place: Geometry | None = None) -> Geometry:
    """Fill the hole that a place lies in; without a place all of them. Raises CannotEdit where there is none.

    >>> fill_holes(cut_hole(shapely.box(0, 0, 4, 4), shapely.box(1, 1, 2, 2))).area
    16.0
    """
    parts = list(shapely.get_parts(geometry))
    filled = 0
    for number, part in enumerate(parts):
        if part.geom_type != "Polygon":
            continue
        kept = [ring for ring in part.interiors if place is not None and not shapely.Polygon(ring).intersects(place)]
        filled += len(part.interiors) - len(kept)
        parts[number] = shapely.Polygon(part.exterior, kept)
    if filled == 0:
        raise CannotEdit("There is no hole here.", "此处没有空洞。")
    return parts[0] if len(parts) == 1 else _collected(parts)


def move(geometry: Geometry, srid: int, projected_srid: int, east_m: float, north_m: float) -> Geometry:
    """Move a geometry by metres of the projected CRS; angles and lengths there stay as they are."""
    return _in_plane(geometry, srid, projected_srid, lambda plane: affinity.translate(plane, east_m, north_m))


def rotate(geometry: Geometry, srid: int, projected_srid: int, angle_deg: float) -> Geometry:
    """Turn a geometry about its centroid, clockwise, in the projected CRS."""
    return _in_plane(geometry, srid, projected_srid, lambda plane: affinity.rotate(plane, -angle_deg, plane.centroid))


def _in_plane(geometry: Geometry, srid: int, projected_srid: int, change: Callable[[Geometry], Geometry]) -> Geometry:
    # Vertex by vertex: edges are not split on the way, or a rectangle would come back with dozens of vertices.
    from_xy = shapely.get_coordinates(geometry)
    plane = shapely.transform(geometry, lambda xy: _moved(xy, srid, projected_srid))
    changed = shapely.transform(change(plane), lambda xy: _moved(xy, projected_srid, srid))
    if not np.isfinite(shapely.get_coordinates(changed)).all() or len(from_xy) != len(shapely.get_coordinates(changed)):
        raise CannotEdit("It would leave the area of the city's coordinate system.", "结果超出城市坐标系的范围。")
    return changed


def _moved(xy: np.ndarray, source: int, target: int) -> np.ndarray:
    return shapely.get_coordinates(to_srid(shapely.multipoints(xy), source, target)) if len(xy) else xy
