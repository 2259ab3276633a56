"""CityJSON 1.0, 1.1 and 2.0, also as a text sequence and packed: the buildings of a file, each with its surfaces at the highest level of detail."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.building_surfaces import TYPES
from layers.cityjson_geometry import Broken, CityPolygon
from layers.cityjson_places import FARTHEST, Places
from layers.errors import InvalidParameter
from layers.packed import ends_of, inner_name, text_of

__all__ = ["CityBuilding", "CityModel", "is_cityjson", "read_cityjson"]

VERSION = re.compile(r"(1\.[01]|2\.0)(\.\d+)?")
SYSTEM = re.compile(r"(?:https?://www\.opengis\.net/def/crs/|urn:ogc:def:crs:|)(EPSG)(?:/[\d.]+/|:[\d.]*:|:)(\d{4,6})", re.IGNORECASE)
HEAD = 1 << 16
NAMES = (".city.json", ".cityjson", ".city.jsonl")
# What a zip file may hold CityJSON under.
ENDINGS = (".json", ".jsonl", ".cityjson")
# Parts of a building that belong to its outside, and what is inside of it and nobody sees.
PARTS = ("BuildingPart", "BuildingInstallation", "BuildingConstructiveElement")
INSIDE = ("InteriorWallSurface", "CeilingSurface", "FloorSurface")
# Objects that are told of before the rest is only counted.
TOLD = 5


@dataclass(frozen=True)
class CityBuilding:
    """A building: its identifier, attributes, the highest level of detail it has surfaces of, and these; `footprint` is its level 0."""

    id: str
    attributes: dict[str, Any]
    lod: str | None
    polygons: list[CityPolygon]
    footprint: list[CityPolygon]


@dataclass(frozen=True)
class CityModel:
    """The buildings of a file and the vertices they name: (n, 3), east, north, metres of height, in `crs`.

    `textures` and `materials` count what the file has of these; they are not read.
    """

    buildings: list[CityBuilding]
    points: NDArray[np.float64]
    crs: CRS
    textures: int = 0
    materials: int = 0


def is_cityjson(path: Path) -> bool:
    """Is a file CityJSON, also within .gz or .zip? Told from its name, or from what it says of itself at its beginning or its end.

    Raises InvalidParameter `file` for what is packed and damaged.
    """
    member = inner_name(path, ENDINGS, NAMES)
    if member is None or not member.lower().endswith(ENDINGS):
        return False
    return member.lower().endswith(NAMES) or re.search(rb'"type"\s*:\s*"CityJSON"|"CityObjects"\s*:', ends_of(path, member, HEAD)) is not None


def read_cityjson(path: Path, crs: str | None = None) -> CityModel:
    """Read a CityJSON file whole: one document, or a text sequence (CityJSONSeq), also packed.

    Parameters
    ----------
    crs
        'EPSG:28992' or another name PROJ knows. Needed where the file does not say; replaces what it says.

    Raises InvalidParameter that names `file` or `crs`, the object that is broken, and what to do.
    """
    data, features = _documents(path)
    if not isinstance(data, dict) or data.get("type") != "CityJSON":
        raise _wrong(path, "is no CityJSON: its 'type' must be \"CityJSON\"", "不是 CityJSON：“type”应为“CityJSON”")
    version = data.get("version")
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        raise _wrong(path, f"is of CityJSON version {version!r:.20}; known are 1.0, 1.1 and 2.0. Bring it to 2.0 by 'cjio FILE upgrade save OUT'",
                     f"的 CityJSON 版本为 {version!r:.20}；可读 1.0、1.1 与 2.0。请用“cjio FILE upgrade save OUT”升级")
    system = _system(data, crs, path)
    flat, metre = _flat(system, path)
    places, objects, buildings = Places(data.get("geometry-templates")), dict[str, Any](), list[CityBuilding]()
    for number, part in enumerate((data, *features)):
        some = part.get("CityObjects")
        if not isinstance(some, dict):
            raise _wrong(path, "has no 'CityObjects'" + _line(number)[0], "没有“CityObjects”" + _line(number)[1])
        if some or not features:
            # Of a text sequence the first line may be without places.
            try:
                places.begin(_points(part.get("vertices"), data.get("transform"), version, path, number))
            except Broken as broken:
                raise _wrong(path, f"is too large: {broken}", f"过大：{broken.chinese}") from None
            buildings += _buildings(some, places, path, number)
        objects |= some
    if not buildings:
        kinds = Counter(str(each.get("type")) for each in objects.values() if isinstance(each, dict))
        there = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(6)) or "nothing"
        raise _wrong(path, f"has no Building; there is {there}", f"没有 Building；其中有 {there}")
    points = places.points
    points[:, 2] *= metre
    return CityModel(buildings, points, flat, *(_looks((data, *features), name) for name in ("textures", "materials")))


def _documents(path: Path) -> tuple[Any, list[dict[str, Any]]]:
    """Return the document of a file, and the features that follow it where it is a text sequence."""
    text = text_of(path, inner_name(path, ENDINGS, NAMES))
    try:
        return orjson.loads(text), []
    except orjson.JSONDecodeError as error:
        wrong = error
    lines = [line for each in text.split(b"\n") if (line := each.strip(b"\x1e \t\r"))]
    try:
        first = orjson.loads(lines[0]) if len(lines) > 1 else None
    except orjson.JSONDecodeError:
        first = None
    if not isinstance(first, dict) or first.get("type") != "CityJSON":
        raise _wrong(path, f"is no JSON ({wrong})", f"不是 JSON（{wrong}）")
    features = []
    for number, line in enumerate(lines[1:], 1):
        try:
            feature = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise _wrong(path, f"is no JSON{_line(number)[0]} ({error})", f"不是 JSON{_line(number)[1]}（{error}）") from None
        if not isinstance(feature, dict) or feature.get("type") != "CityJSONFeature":
            raise _wrong(path, f"has no CityJSONFeature{_line(number)[0]}", f"缺少 CityJSONFeature{_line(number)[1]}")
        features.append(feature)
    return first, features


def _line(number: int) -> tuple[str, str]:
    """Say in which line of a text sequence something is; nothing of a document that is alone."""
    return (f" in line {number + 1}", f"（第 {number + 1} 行）") if number else ("", "")


def _looks(parts: Iterable[dict[str, Any]], name: str) -> int:
    """Count the textures or materials of a file."""
    found = [each.get(name) for part in parts if isinstance(each := part.get("appearance"), dict)]
    return sum(len(each) for each in found if isinstance(each, list))


def _wrong(path: Path, english: str, chinese: str) -> InvalidParameter:
    return InvalidParameter("file", f"{path.name} {english}", f"{path.name} {chinese}")


def _system(data: dict[str, Any], given: str | None, path: Path) -> CRS:
    metadata = data.get("metadata") if isinstance(data.get("metadata"), dict) else {}
    declared = (metadata or {}).get("referenceSystem")
    if given is None and declared is None:
        raise InvalidParameter("crs", f"{path.name} does not say in which coordinate reference system it is (metadata.referenceSystem); pass --crs, "
                                      "for instance --crs EPSG:7415",
                               f"{path.name} 没有说明坐标参照系（metadata.referenceSystem）；请用 --crs 指定，例如 --crs EPSG:7415")
    try:
        if given is not None:
            return CRS.from_user_input(given)
        named = SYSTEM.fullmatch(declared) if isinstance(declared, str) else None
        if named:
            return CRS.from_epsg(int(named[2]))
    except CRSError:
        pass
    raise InvalidParameter("crs", f"{str(given or declared)[:80]!r} is no known coordinate reference system; pass --crs, for instance --crs EPSG:7415",
                           f"“{str(given or declared)[:80]}”不是已知的坐标参照系；请用 --crs 指定，例如 --crs EPSG:7415")


def _flat(crs: CRS, path: Path) -> tuple[CRS, float]:
    """Return the system of east and north, and how many metres a unit of height is."""
    if crs.is_geocentric or (crs.is_geographic and not crs.is_compound and len(crs.axis_info) == 3):
        raise InvalidParameter("crs", f"{path.name}: heights of {crs.name} are over the ellipsoid, those of the city over its datum; bring it to a "
                                      "projected system with elevations first, or pass --crs with the horizontal system if they are elevations",
                               f"{path.name}：{crs.name} 的高度为椭球高，而城市使用高程；请先转换到带高程的投影坐标系，若其实是高程则用 --crs 指定平面坐标系")
    heights = [axis for axis in crs.axis_info if axis.direction.lower() == "up"]
    flat = crs.sub_crs_list[0] if crs.is_compound else crs.to_2d()
    if not (flat.is_geographic or flat.is_projected):
        raise InvalidParameter("crs", f"{crs.name} does not place anything on the earth; pass --crs", f"{crs.name} 无法确定地面位置；请用 --crs 指定")
    factor = heights[0].unit_conversion_factor if heights else flat.axis_info[0].unit_conversion_factor if flat.is_projected else 1.0
    return flat, factor


def _points(vertices: Any, transform: Any, version: str, path: Path, number: int) -> NDArray[np.float64]:
    english, chinese = _line(number)
    if not isinstance(vertices, list) or not vertices:
        raise _wrong(path, f"has no 'vertices'{english}: there is no place in it", f"没有“vertices”{chinese}：文件中没有任何位置")
    if transform is None and not version.startswith("1.0"):
        raise _wrong(path, f"has no 'transform', which CityJSON {version} needs: its vertices are whole numbers that mean nothing without it. Write it "
                           "again with the program it comes from, or by 'cjio'",
                     f"没有“transform”，而 CityJSON {version} 必须有：缺少它顶点只是没有意义的整数。请用原程序或“cjio”重新写出")
    try:
        points = np.array(vertices, np.float64)
    except (TypeError, ValueError, OverflowError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        bad = next((n for n, each in enumerate(vertices) if not _is_point(each)), 0)
        raise _wrong(path, f"has a broken vertex{english}, number {bad}: {vertices[bad]!r:.60}; it must be three numbers",
                     f"的第 {bad} 个顶点有误{chinese}：{vertices[bad]!r:.60}；应为三个数")
    if transform is None:
        return _on_earth(points, path)
    scale, move = ((transform.get(name) if isinstance(transform, dict) else None) for name in ("scale", "translate"))
    if not _is_point(scale) or not _is_point(move) or 0 in scale:
        raise _wrong(path, "has a broken 'transform': it needs 'scale' and 'translate', three numbers each, no scale being 0",
                     "的“transform”有误：须有“scale”与“translate”，各三个数，且比例不为 0")
    with np.errstate(over="ignore"):
        return _on_earth(points * np.array(scale, float) + np.array(move, float), path)


def _on_earth(points: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    if not (np.abs(points) < FARTHEST).all():
        raise _wrong(path, "has vertices beyond all places on the earth; is its 'transform' right?", "的顶点超出地球上的任何位置；“transform”是否正确？")
    return points


def _is_point(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(
        isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(v) for v in value)


def _buildings(objects: dict[str, Any], places: Places, path: Path, number: int) -> list[CityBuilding]:
    found, faults = [], list[tuple[str, Broken]]()
    for name, each in objects.items():
        try:
            if not isinstance(each, dict):
                raise Broken("it is no object", "不是对象")
            if each.get("type") == "BuildingPart" and not _known_parent(each, objects):
                raise Broken("it is a part of no building in the file ('parents')", "它不属于文件中的任何建筑（“parents”）")
            if each.get("type") == "Building":
                found.append(_building(name, each, objects, places))
        except Broken as broken:
            faults.append((name, broken))
    if faults:
        more = len(faults) - TOLD
        english, chinese = _line(number)
        raise _wrong(path, f"is broken{english}; mend it (cjval says more) or leave these objects out: "
                     + "; ".join(f"object '{n}': {b}" for n, b in faults[:TOLD]) + (f"; and {more} more" if more > 0 else ""),
                     f"有误{chinese}；请修复（cjval 可详细检查）或去掉这些对象：" + "；".join(f"对象“{n}”：{b.chinese}" for n, b in faults[:TOLD])
                     + (f"；另有 {more} 个" if more > 0 else ""))
    return found


def _known_parent(part: dict[str, Any], objects: dict[str, Any]) -> bool:
    parents = part.get("parents")
    return isinstance(parents, list) and any(isinstance(objects.get(p), dict) for p in parents if isinstance(p, str))


def _building(name: str, building: dict[str, Any], objects: dict[str, Any], places: Places) -> CityBuilding:
    attributes = building.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise Broken("its 'attributes' are no object", "“attributes”不是对象")
    # By object: {level: polygons}.
    levels = [_levels(each, places) for each in _with_parts(name, building, objects)]
    highest = max((lod for each in levels for lod in each if lod[0] != "0"), key=float, default=None)
    polygons: list[CityPolygon] = []
    for each in levels:
        if highest in each:
            polygons += each[highest]
        elif highest not in levels[0]:
            # Each part brings the best it has, as long as the building has no surfaces of that level itself.
            own = max((lod for lod in each if lod[0] != "0"), key=float, default=None)
            polygons += each[own] if own is not None and each is not levels[0] else []
    outside = [CityPolygon(p.rings, p.type if p.type in TYPES else None) for p in polygons if p.type not in INSIDE]
    return CityBuilding(name, attributes, highest, outside, [p for each in levels for lod, some in each.items() if lod[0] == "0" for p in some])


def _with_parts(name: str, building: dict[str, Any], objects: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a building and its parts, whatever stands above or below what."""
    waiting, seen = [(name, building)], {name}
    while waiting:
        _, each = waiting.pop()
        yield each
        children = each.get("children") or []
        if not isinstance(children, list):
            raise Broken("its 'children' are no list", "“children”不是列表")
        for child in children:
            part = objects.get(child) if isinstance(child, str) else None
            if not isinstance(part, dict):
                raise Broken(f"its child {child!r:.60} is not in the file", f"其子对象 {child!r:.60} 不在文件中")
            if part.get("type") in PARTS and child not in seen:
                seen.add(child)
                waiting.append((child, part))


def _levels(each: dict[str, Any], places: Places) -> dict[str, list[CityPolygon]]:
    geometries = each.get("geometry") or []
    if not isinstance(geometries, list) or not all(isinstance(g, dict) for g in geometries):
        raise Broken("its 'geometry' is no list of geometries", "“geometry”不是几何列表")
    found: dict[str, list[CityPolygon]] = {}
    for geometry in geometries:
        if (read := places.polygons(geometry)) is not None:
            found.setdefault(read[0], []).extend(read[1])
    return found
