"""A reader of GLB files for the tests: plain loops after the texts of glTF and its extensions, nothing of the writer."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

TYPES = {5120: "i1", 5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTH = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
COMPONENTS = {"INT32": "<i4", "FLOAT64": "<f8"}


def read_glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the document and the binary part."""
    (length,) = struct.unpack_from("<I", data, 12)
    assert data[16:20] == b"JSON"
    after = 20 + length
    assert data[after + 4:after + 8] == b"BIN\0"
    return json.loads(data[20:after]), data[after + 8:after + 8 + struct.unpack_from("<I", data, after)[0]]


def unpack_attributes(data: bytes, count: int, stride: int) -> np.ndarray:
    """Decode mode ATTRIBUTES, version 0."""
    assert data[0] == 0xA0
    last = list(data[len(data) - stride:])
    size, at, done = min((8192 // stride) & ~15, 256), 1, 0
    out = np.zeros((count, stride), np.uint8)
    while done < count:
        here = min(size, count - done)
        groups = -(-here // 16)
        for k in range(stride):
            header, at = data[at:at + -(-groups // 4)], at + -(-groups // 4)
            changes: list[int] = []
            for g in range(groups):
                mode = header[g // 4] >> (g % 4 * 2) & 3
                if mode == 0:
                    changes += [0] * 16
                elif mode == 3:
                    changes += data[at:at + 16]
                    at += 16
                else:
                    bits = 2 * mode
                    packed, at = data[at:at + 2 * bits], at + 2 * bits
                    for i in range(16):
                        value = packed[i * bits // 8] >> (8 - bits - i * bits % 8) & (1 << bits) - 1
                        if value == (1 << bits) - 1:
                            value, at = data[at], at + 1
                        changes.append(value)
            for i in range(here):
                last[k] = (last[k] + ((changes[i] >> 1) ^ -(changes[i] & 1))) & 255
                out[done + i, k] = last[k]
        done += here
    assert len(data) - at == max(32, stride)
    return out


def unpack_indices(data: bytes, count: int) -> np.ndarray:
    """Decode mode INDICES, version 1."""
    assert data[0] == 0xD1
    last, at, out = [0, 0], 1, []
    for _ in range(count):
        value = shift = 0
        while True:
            byte, at = data[at], at + 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        which, value = value & 1, value >> 1
        last[which] = (last[which] + ((value >> 1) ^ -(value & 1))) & 0xFFFFFFFF
        out.append(last[which])
    assert len(data) - at == 4
    return np.array(out, np.uint32)


def _view(document: dict[str, Any], binary: bytes, number: int) -> bytes:
    view = document["bufferViews"][number]
    return binary[view["byteOffset"]:view["byteOffset"] + view["byteLength"]]


def _accessor(document: dict[str, Any], binary: bytes, number: int) -> np.ndarray:
    accessor = document["accessors"][number]
    packed = document["bufferViews"][accessor["bufferView"]]["extensions"]["EXT_meshopt_compression"]
    data = binary[packed["byteOffset"]:packed["byteOffset"] + packed["byteLength"]]
    if packed["mode"] == "INDICES":
        return unpack_indices(data, packed["count"])
    rows = unpack_attributes(data, packed["count"], packed["byteStride"])
    kind, width = np.dtype(TYPES[accessor["componentType"]]), WIDTH[accessor["type"]]
    return np.ascontiguousarray(rows[:, :kind.itemsize * width]).view(kind)


def attribute(document: dict[str, Any], binary: bytes, name: str) -> np.ndarray:
    """Return an attribute's values as they lie, a row for each corner."""
    return _accessor(document, binary, document["meshes"][0]["primitives"][0]["attributes"][name])


def triangles(document: dict[str, Any], binary: bytes) -> np.ndarray:
    return _accessor(document, binary, document["meshes"][0]["primitives"][0]["indices"]).reshape(-1, 3)


def column(document: dict[str, Any], binary: bytes, name: str) -> list[Any]:
    """Return a property of all features, None where a value stands for nothing."""
    metadata = document["extensions"]["EXT_structural_metadata"]
    (table,) = metadata["propertyTables"]
    told, place = metadata["schema"]["classes"][table["class"]]["properties"][name], table["properties"][name]

    def offsets(key: str, count: int) -> list[int]:
        return np.frombuffer(_view(document, binary, place[key]), "<u4", count + 1).tolist()

    count, values = table["count"], _view(document, binary, place["values"])
    ends = offsets("arrayOffsets", count) if told.get("array") else list(range(count + 1))
    if told["type"] == "STRING":
        cuts = offsets("stringOffsets", ends[-1])
        flat: list[Any] = [values[a:b].decode() for a, b in zip(cuts, cuts[1:], strict=False)]
    else:
        flat = np.frombuffer(values, COMPONENTS[told["componentType"]], ends[-1]).tolist()
    if told.get("array"):
        return [flat[a:b] for a, b in zip(ends, ends[1:], strict=False)]
    return [None if value == told.get("noData") else value for value in flat]
