"""Geometries of CityJSON: boundaries of any kind become polygons, each with what its semantics call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Broken", "CityPolygon", "lod_of", "polygons_of"]

# How deep boundaries are nested: surfaces, the shells of a solid, the solids of several.
DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}


class Broken(ValueError):
    """An object cannot be read: what is wrong with it, in English and in Chinese."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.chinese = chinese


class CityPolygon(NamedTuple):
    """A polygon as rings of numbers of vertices, the outer one first, and its semantic type where it has one."""

    rings: tuple[tuple[int, ...], ...]
    type: str | None


def lod_of(geometry: dict[str, Any]) -> str | None:
    """Return the level of detail of a geometry as text ('2', '2.2'); None where it is not of surfaces.

    Raises Broken where it has none, or one that CityJSON does not know.
    """
    if geometry.get("type") not in DEPTHS:
        return None
    lod = geometry.get("lod")
    text = f"{lod:g}" if isinstance(lod, int | float) and not isinstance(lod, bool) else lod
    if not isinstance(text, str) or not (len(text) in (1, 3) and text[0] in "01234" and (len(text) == 1 or (text[1] == "." and text[2].isascii() and text[2].isdecimal()))):
        raise Broken(f"'lod' is {lod!r:.40}; it must be a level such as \"2\" or \"2.2\"", f"“lod”为 {lod!r:.40}；应为“2”或“2.2”这样的细节层次")
    return text


def polygons_of(geometry: dict[str, Any], vertices: int) -> list[CityPolygon]:
    """Return the polygons of a geometry of surfaces or solids; of a solid those of its outer shell.

    Rings of fewer than three corners are left out, with their polygon where it is the outer one. Raises Broken for boundaries that are
    nested otherwise than their type says, for a vertex that is not there, and for semantics that do not fit.
    """
    kind = str(geometry["type"])
    boundaries = geometry.get("boundaries")
    semantics = geometry.get("semantics")
    types: list[str | None] = []
    values: Any = None
    if semantics is not None:
        if not isinstance(semantics, dict) or not isinstance(semantics.get("surfaces"), list):
            raise Broken("'semantics' has no list 'surfaces'", "“semantics”缺少列表“surfaces”")
        types = [each.get("type") if isinstance(each, dict) else None for each in semantics["surfaces"]]
        values = semantics.get("values")
    found = []
    for polygon, value in _outer(boundaries, values, DEPTHS[kind], kind):
        rings = _rings(polygon, vertices, kind)
        if rings:
            found.append(CityPolygon(rings, _type(value, types)))
    return found


def _outer(boundaries: Any, values: Any, depth: int, kind: str) -> Iterator[tuple[Any, Any]]:
    """Give the surfaces of a geometry with their semantic values: of solids only the first shell."""
    for each, value in _paired(boundaries, values, kind):
        if depth == 0:
            yield each, value
        elif depth == 1:
            yield from _outer(each, value, 0, kind)
            return
        else:
            yield from _outer(each, value, 1, kind)


def _paired(boundaries: Any, values: Any, kind: str) -> Iterator[tuple[Any, Any]]:
    if not isinstance(boundaries, list):
        raise _nested(kind)
    if values is None:
        values = [None] * len(boundaries)
    if not isinstance(values, list) or len(values) != len(boundaries):
        raise Broken(f"the 'values' of its semantics do not fit its boundaries: {len(boundaries)} here",
                     f"语义“values”与边界不符：此处有 {len(boundaries)} 项")
    return iter(list(zip(boundaries, values, strict=True)))


def _nested(kind: str) -> Broken:
    return Broken(f"the boundaries are not nested as those of a {kind} are", f"边界的嵌套层数不符合 {kind}")


def _rings(polygon: Any, vertices: int, kind: str) -> tuple[tuple[int, ...], ...]:
    if not isinstance(polygon, list) or not all(isinstance(ring, list) for ring in polygon):
        raise _nested(kind)
    rings = []
    for number, ring in enumerate(polygon):
        corners = []
        for at in ring:
            if isinstance(at, list):
                raise _nested(kind)
            if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < vertices:
                raise Broken(f"it names vertex {at!r:.40}, but there are {vertices} (0 to {vertices - 1})",
                             f"引用了顶点 {at!r:.40}，而文件只有 {vertices} 个（0 至 {vertices - 1}）")
            if not corners or at != corners[-1]:
                corners.append(at)
        if len(corners) > 1 and corners[0] == corners[-1]:
            corners.pop()
        if len(set(corners)) >= 3:
            rings.append(tuple(corners))
        elif number == 0:
            return ()
    return tuple(rings)


def _type(value: Any, types: list[str | None]) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(types):
        raise Broken(f"its semantics name surface {value!r:.40}, but there are {len(types)}", f"语义引用了表面 {value!r:.40}，而只有 {len(types)} 个")
    return types[value]
