"""Content of a 3D tile: the features of a cell as a mesh with a property table, in binary glTF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.building_surfaces import ROOF as ROOF_SURFACE
from layers.cql2 import both
from layers.features import rows
from layers.history import current_seq
from layers.layer import Layer, Symbology
from layers.store import Store
from tiles.extrusion import FLOOR, ROOF, Floats, Solid
from tiles.gltf import FeatureIds, write_glb
from tiles.gltf_properties import Column, ColumnType, PropertyTable
from tiles.grid import TileAddress
from tiles.tileset3d_buildings import UNKNOWN_M, buildings
from tiles.tileset3d_form import Band
from tiles.tileset3d_place import from_mercator
from tiles.tileset3d_scene import Part, Plane, Scene
from tiles.tileset3d_surfaces import BEGINNING, END, span_of
from tiles.tubes import tubes
from tiles.vector_tiles import tile_fields

__all__ = ["BEGINNING", "END", "MEDIA_TYPE", "UNKNOWN_M", "Content", "Scene", "content"]

MEDIA_TYPE = "model/gltf-binary"
# A pipe of unknown size is drawn as thick as a wrist.
UNKNOWN_MM = 80.0
_DARKER = {ROOF: 1.0, FLOOR: 0.62}
_WALL = 0.86
# Roofs that were measured are told from walls by a share of the colour of tiles.
_TILES, _TILED = np.array([92.0, 96, 102]), 0.6


@dataclass(frozen=True)
class Content:
    """A content tile: GLB bytes (none where the cell is empty), how many features it holds, the snapshot's number."""

    body: bytes
    features: int
    seq: int


def content(store: Store, scene: Scene, address: TileAddress, band: Band) -> Content:
    """Make the content of a cell of the quadtree: the features of a band whose middle lies in it."""
    seq = current_seq(store)
    found = _rows(store, scene, address, band)
    if not found:
        return Content(b"", 0, seq)
    shapes = np.array([shapely.from_wkb(row["geometry"]) for row in found], object)
    boxes, side, (left, top) = shapely.bounds(shapes), address.grid.size(address.z), address.grid.origin
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    here = (np.floor((x - left) / side) == address.x) & (np.floor((top - y) / side) == address.y)
    found = [row for row, is_here in zip(found, here, strict=True) if is_here]
    if not found:
        return Content(b"", 0, seq)
    plane = Plane(address)
    shapes = plane.flattened(shapes[here])
    lon, lat = from_mercator(x[here], y[here])
    if scene.form.kind == "prism":
        parts, solid = buildings(store, scene, plane, found, shapes, boxes[here], scene.ground.heights(lon, lat))
    else:
        parts, solid = _tubes(scene, found, shapes)
    if not len(solid.triangles):
        return Content(b"", 0, seq)
    return Content(_written(scene, plane, parts, solid), len(found), seq)


def _rows(store: Store, scene: Scene, address: TileAddress, band: Band) -> list[dict[str, Any]]:
    layer, audience = scene.query.layer, scene.query.audience
    drawn = {f.name for f in tile_fields(layer, audience)} | {scene.form.size, *_MEASURES}
    names = tuple(f.name for f in audience.fields(layer) if f.name in drawn)
    asked = replace(scene.query, bbox=address.envelope, bbox_srid=3857, filter=both(scene.query.filter, band.filter(scene.form.size)),
                    fields=names, limit=None, srid=3857, sortby=())
    return [row for row in rows(store, asked, "wkb") if row["geometry"] is not None]


# What shapes are made from beside geometry; what the reader may not see is left out of the question.
_MEASURES = ("ground_elevation_m", "start_elevation_m", "end_elevation_m", "section_mm", "depth_to")


def _tubes(scene: Scene, found: list[dict[str, Any]], shapes: NDArray[Any]) -> tuple[list[Part], Solid]:
    known = [(row, shape) for row, shape in zip(found, shapes, strict=True)
             if row["start_elevation_m"] is not None and row["end_elevation_m"] is not None]
    sections = [_section(row) for row, _ in known]
    width, height = (np.array([s[i] for s in sections]) for i in (0, 1))
    # Elevations are of what depths are measured to: the tube's axis lies above its bottom or below its top.
    shift = np.array([{"top": -0.5, "invert": 0.5}.get(row.get("depth_to") or "", 0.0) for row, _ in known]) * height
    start, end = (np.array([row[name] for row, _ in known], float) + shift + scene.city.geoid_offset_m
                  for name in ("start_elevation_m", "end_elevation_m"))
    round_ = np.array([s[2] for s in sections], bool)
    lines = np.array([shape for _, shape in known], object)
    return [Part(row, span_of(row)) for row, _ in known], tubes(lines, start, end, width, height, round_)


def _section(row: dict[str, Any]) -> tuple[float, float, bool]:
    """Return width and height in metres, and whether the section is round."""
    if row["size_mm"]:
        return row["size_mm"] / 1000, row["size_mm"] / 1000, True
    width, cross, height = (row.get("section_mm") or "").partition("×")
    if cross and int(width) and int(height):
        return int(width) / 1000, int(height) / 1000, False
    return UNKNOWN_MM / 1000, UNKNOWN_MM / 1000, True


def _written(scene: Scene, plane: Plane, parts: list[Part], solid: Solid) -> bytes:
    layer = scene.query.layer
    xyz, normal = plane.placed(solid)
    shades = np.array([_WALL, _DARKER[ROOF], _DARKER[FLOOR]])[solid.face]
    base = _colors(layer, scene, parts)
    is_tiled = np.array([part.surface == ROOF_SURFACE for part in parts])[:, None]
    base = np.where(is_tiled, base * (1 - _TILED) + _TILES * _TILED, base)[solid.source]
    color = np.column_stack([np.rint(base * shades[:, None]).astype(np.uint8), np.full(len(base), 255, np.uint8)])
    table = PropertyTable(layer.id, len(parts), _columns(scene, parts))
    return write_glb(xyz, normal, color, solid.triangles, [FeatureIds(layer.id, solid.source.astype(np.uint32), table)], plane.frame.pose)


def _colors(layer: Layer, scene: Scene, parts: list[Part]) -> Floats:
    s = layer.symbology or Symbology()
    visible = {f.name for f in scene.query.audience.fields(layer)}
    if s.field not in visible:
        return np.tile(_rgb(s.color), (len(parts), 1)).astype(float)
    return np.array([_rgb(_class_color(s, part.row[s.field])) for part in parts], float)


def _class_color(s: Symbology, value: Any) -> str:
    for each in s.classes:
        if each.value is not None and each.value == value:
            return each.color
    steps = sorted((c for c in s.classes if c.below is not None), key=lambda c: c.below or 0)
    if isinstance(value, int | float):
        for step in steps:
            if value < (step.below or 0):
                return step.color
    return next((c.color for c in s.classes if c.value is None and c.below is None), s.color)


def _rgb(color: str) -> list[int]:
    return [int(color[i:i + 2], 16) for i in (1, 3, 5)]


_COLUMN_TYPES: dict[str, ColumnType] = {"integer": "number", "number": "number", "reference": "number", "boolean": "integer",
                                        "datetime": "number"}


def _columns(scene: Scene, parts: Sequence[Part]) -> list[Column]:
    """Return the columns of the property table: only fields that this audience may read."""
    layer = scene.query.layer
    columns = [Column("fid", "number", [p.row["id"] for p in parts]), Column("valid_from", "number", [p.span[0] for p in parts]),
               Column("valid_to", "number", [p.span[1] for p in parts])]
    if scene.surface is not None:
        columns.append(Column("surface", "string", [p.surface for p in parts], scene.surface.title.zh))
    if scene.level is not None and scene.form.kind == "prism":
        storeys = [p.storey for p in parts]
        columns += [Column("level_fid", "number", [s.fid if s else None for s in storeys], scene.level.title.zh),
                    Column("level_label", "string", [s.label if s else None for s in storeys]),
                    Column("unit_fids", "numbers", [s.unit_fids if s else () for s in storeys]),
                    Column("unit_labels", "strings", [s.unit_labels if s else () for s in storeys])]
    taken = {column.name for column in columns}
    for each in tile_fields(layer, scene.query.audience):
        if each.name in taken:
            continue
        kind = _COLUMN_TYPES.get(each.type, "string")
        values = [_value(p.row[each.name], kind) for p in parts]
        columns.append(Column(each.name, kind, values, each.title.zh))
    return columns


def _value(value: Any, kind: ColumnType) -> Any:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.timestamp()
    if kind == "string":
        return str(value)
    return int(value) if kind == "integer" else value
