"""Binary glTF 2.0 with features: one mesh, its property tables, quantised and compressed.

Written by hand on numpy, since no writer known to us takes feature ids and property tables: EXT_mesh_features and
EXT_structural_metadata as Cesium and the validator read them, KHR_mesh_quantization, EXT_meshopt_compression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tiles.gltf_compression import pack_attributes, pack_indices
from tiles.gltf_properties import PropertyTable, schema_of

__all__ = ["NO_FEATURE", "FeatureIds", "write_glb"]

NO_FEATURE = 0xFFFFFFFF
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
BYTE, UNSIGNED_BYTE, UNSIGNED_SHORT, UNSIGNED_INT, FLOAT = 5120, 5121, 5123, 5125, 5126


@dataclass(frozen=True)
class FeatureIds:
    """Which feature each corner belongs to: numbers of rows of a property table, NO_FEATURE where it belongs to none."""

    label: str
    rows: NDArray[np.uint32]
    table: PropertyTable


class _Buffers:
    """The binary part, and what describes it."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = self.fallback = 0
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, data: bytes) -> int:
        """Add bytes as a view of their own; return its number."""
        self.views.append({"buffer": 0, "byteOffset": self._append(data), "byteLength": len(data)})
        return len(self.views) - 1

    def _append(self, data: bytes) -> int:
        offset = self.size
        padding = -len(data) % 8
        self.chunks.append(data + b"\0" * padding)
        self.size += len(data) + padding
        return offset

    def add_compressed(self, packed: bytes, length: int, count: int, stride: int, mode: str) -> int:
        """Add a view whose bytes lie compressed; its own place is in a buffer that no file has."""
        view: dict[str, Any] = {"buffer": 1, "byteOffset": self.fallback, "byteLength": length,
                                "target": ARRAY_BUFFER if mode == "ATTRIBUTES" else ELEMENT_ARRAY_BUFFER}
        if mode == "ATTRIBUTES":
            view["byteStride"] = stride
        view["extensions"] = {"EXT_meshopt_compression": {
            "buffer": 0, "byteOffset": self._append(packed), "byteLength": len(packed), "byteStride": stride, "count": count, "mode": mode}}
        self.fallback += length + -length % 8
        self.views.append(view)
        return len(self.views) - 1

    def attribute(self, values: NDArray[Any], component: int, kind: str, **more: Any) -> int:
        """Add a vertex attribute, padded to four bytes a corner; return its accessor."""
        width = values.shape[1] * values.itemsize
        padded = np.zeros((len(values), width + -width % 4), np.uint8)
        padded[:, :width] = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), width)
        view = self.add_compressed(pack_attributes(padded), padded.size, len(values), padded.shape[1], "ATTRIBUTES")
        self.accessors.append({"bufferView": view, "componentType": component, "count": len(values), "type": kind, **more})
        return len(self.accessors) - 1

    def indices(self, triangles: NDArray[np.uint32], corners: int) -> int:
        flat = triangles.ravel()
        small = corners <= 65535
        view = self.add_compressed(pack_indices(flat), len(flat) * (2 if small else 4), len(flat), 2 if small else 4, "INDICES")
        self.accessors.append({"bufferView": view, "componentType": UNSIGNED_SHORT if small else UNSIGNED_INT, "count": len(flat),
                               "type": "SCALAR"})
        return len(self.accessors) - 1


def write_glb(xyz: NDArray[np.float64], normal: NDArray[np.float64], color: NDArray[np.uint8], triangles: NDArray[np.uint32],
              features: Sequence[FeatureIds], pose: Mapping[str, list[float]]) -> bytes:
    """Write a mesh as a GLB file.

    Parameters
    ----------
    xyz, normal
        (n, 3) corners in metres in the frame of `pose`, y up, and their unit normals.
    color
        (n, 4) red, green, blue, alpha as sRGB bytes.
    triangles
        (m, 3) counter-clockwise as seen from outside; at least one.
    features
        The feature ids of the corners, in the order of their numbers; each has its property table.
    pose
        `translation` and `rotation` of the frame, as a glTF node has them.

    Positions are kept in steps of 1/65535 of the mesh's longest side.
    """
    triangles, order = _in_order(triangles, len(xyz))
    low = xyz.min(axis=0)
    step = max(float(np.ptp(xyz, axis=0).max()), 1e-3) / 65535
    places = np.rint((xyz[order] - low) / step).astype(np.uint16)
    buffers = _Buffers()
    attributes = {
        "POSITION": buffers.attribute(places, UNSIGNED_SHORT, "VEC3", min=places.min(axis=0).tolist(), max=places.max(axis=0).tolist()),
        "NORMAL": buffers.attribute(_octets(normal[order]), BYTE, "VEC3", normalized=True),
        "COLOR_0": buffers.attribute(_linear(color[order]), UNSIGNED_BYTE, "VEC4", normalized=True)}
    ids = []
    for number, of in enumerate(features):
        rows = of.rows[order]
        # As floats they are exact up to 2^24 rows, and the one type of attribute that holds more than 65535.
        has_none = bool((rows == NO_FEATURE).any())
        count = of.table.count
        values = np.where(rows == NO_FEATURE, count, rows)
        small = count < 65535
        attributes[f"_FEATURE_ID_{number}"] = buffers.attribute(
            values.astype(np.uint16 if small else np.float32)[:, None], UNSIGNED_SHORT if small else FLOAT, "SCALAR")
        ids.append({"featureCount": count, "attribute": number, "propertyTable": number, "label": of.label}
                   | ({"nullFeatureId": count} if has_none else {}))
    primitive: dict[str, Any] = {"attributes": attributes, "indices": buffers.indices(triangles, len(order)), "material": 0, "mode": 4}
    document: dict[str, Any] = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
        "nodes": [{"children": [1], **pose}, {"mesh": 0, "translation": low.tolist(), "scale": [step] * 3}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0, "roughnessFactor": 1}}]}
    used = ["EXT_meshopt_compression", "KHR_mesh_quantization"]
    if features:
        primitive["extensions"] = {"EXT_mesh_features": {"featureIds": ids}}
        tables = [of.table.written(buffers.add) for of in features]
        document["extensions"] = {"EXT_structural_metadata": {"schema": schema_of([of.table for of in features]), "propertyTables": tables}}
        used += ["EXT_mesh_features", "EXT_structural_metadata"]
    document |= {"extensionsUsed": used, "extensionsRequired": used[:2], "accessors": buffers.accessors, "bufferViews": buffers.views,
                 "buffers": [{"byteLength": buffers.size},
                             {"byteLength": buffers.fallback, "extensions": {"EXT_meshopt_compression": {"fallback": True}}}]}
    return _container(document, b"".join(buffers.chunks))


def _in_order(triangles: NDArray[np.uint32], corners: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Number corners in the order in which triangles use them, which is what compresses best; leave out unused ones."""
    used, first, inverse = np.unique(triangles.ravel(), return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    order = np.empty(len(used), np.int64)
    order[rank] = used
    return rank[inverse].reshape(-1, 3).astype(np.uint32), order


def _octets(normal: NDArray[np.float64]) -> NDArray[np.int8]:
    return np.rint(normal * 127).astype(np.int8)


def _linear(color: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return colours as glTF wants those of corners: linear."""
    share = color[:, :3] / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.column_stack([np.rint(linear * 255).astype(np.uint8), color[:, 3]])


def _container(document: dict[str, Any], binary: bytes) -> bytes:
    text = orjson.dumps(document)
    # 20 bytes of headers come before it and 8 after it: so the binary part lies on a multiple of 8.
    text += b" " * ((4 - len(text)) % 8)
    total = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join([b"glTF", np.array([2, total, len(text)], "<u4").tobytes(), b"JSON", text,
                     np.array([len(binary)], "<u4").tobytes(), b"BIN\0", binary])
