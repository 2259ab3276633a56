"""A reader of quantized-mesh 1.0, written from its specification: what a globe would make of a tile."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson


@dataclass
class Mesh:
    centre: np.ndarray
    low: float
    high: float
    sphere: np.ndarray
    horizon: np.ndarray
    u: np.ndarray
    v: np.ndarray
    heights: np.ndarray
    triangles: np.ndarray
    edges: dict[str, np.ndarray] = field(default_factory=dict)
    normals: np.ndarray | None = None
    metadata: dict[str, Any] | None = None


def read_mesh(body: bytes) -> Mesh:
    head = struct.unpack_from("<3d2f4d3d", body, 0)
    at = struct.calcsize("<3d2f4d3d")
    (count,) = struct.unpack_from("<I", body, at)
    at += 4
    assert count <= 65536

    def unsigned(n: int) -> np.ndarray:
        nonlocal at
        values = np.frombuffer(body, "<u2", n, at).astype(int)
        at += 2 * n
        return values

    def vertices() -> np.ndarray:
        total, found = 0, []
        for code in unsigned(count):
            total += (code >> 1) ^ -(code & 1)
            found.append(total)
        return np.array(found)

    u, v, h = vertices(), vertices(), vertices()
    (triangles,) = struct.unpack_from("<I", body, at)
    at += 4
    highest, indices = 0, []
    for code in unsigned(3 * triangles):
        indices.append(highest - code)
        if code == 0:
            highest += 1
    mesh = Mesh(np.array(head[:3]), head[3], head[4], np.array(head[5:9]), np.array(head[9:]), u, v,
                head[3] + h / 32767 * (head[4] - head[3]), np.array(indices).reshape(-1, 3))
    for side in ("west", "south", "east", "north"):
        (n,) = struct.unpack_from("<I", body, at)
        at += 4
        mesh.edges[side] = unsigned(n)
    while at < len(body):
        kind, length = struct.unpack_from("<BI", body, at)
        part = body[at + 5:at + 5 + length]
        at += 5 + length
        if kind == 1:
            mesh.normals = _normals(np.frombuffer(part, "u1").reshape(-1, 2))
        elif kind == 4:
            (size,) = struct.unpack_from("<I", part, 0)
            mesh.metadata = orjson.loads(part[4:4 + size])
    assert at == len(body)
    return mesh


def _normals(pairs: np.ndarray) -> np.ndarray:
    found = []
    for a, b in pairs / 255 * 2 - 1:
        x, y, z = a, b, 1 - abs(a) - abs(b)
        if z < 0:
            x, y = (1 - abs(y)) * (1 if x >= 0 else -1), (1 - abs(x)) * (1 if y >= 0 else -1)
        found.append(np.array([x, y, z]) / np.linalg.norm([x, y, z]))
    return np.array(found)
