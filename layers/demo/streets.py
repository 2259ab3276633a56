"""Names of roads: each line of the mesh by stretches, ring roads by sides, local streets and lanes by neighbourhoods."""

from __future__ import annotations

import numpy as np

from layers.demo.blocks import Blocks
from layers.demo.mesh import Mesh
from layers.demo.names import Names, numeral

__all__ = ["Streets"]

_RINGS = {2: "二环", 3: "三环", 4: "四环", 5: "五环"}


class Streets:
    """Gives every edge of the mesh, every local street and every lane its name."""

    def __init__(self, mesh: Mesh, blocks: Blocks, names: Names) -> None:
        self.mesh, self.blocks, self.names = mesh, blocks, names
        nx, ny = len(mesh.x), len(mesh.y)
        self.axis_i, self.axis_j = int(np.argmin(abs(mesh.x))), int(np.argmin(abs(mesh.y + 250)))
        self._h = [names.take(3) for _ in range(ny)]
        self._v = [names.take(3) for _ in range(nx)]
        self._locals: dict[tuple[str, int, int, int], str] = {}
        self._lanes: dict[int, str] = {}

    def along_h(self, i: int, j: int) -> str:
        """Return the name of the east-west edge from node (i, j) to (i+1, j)."""
        for ring, (west, east, south, north) in self.mesh.rings.items():
            if j in (south, north) and west <= i < east:
                third = (i - west) * 3 // (east - west)
                return ("南" if j == south else "北") + _RINGS[ring] + ("西路", "中路", "东路")[third]
        return self._stretch(self._h[j], i, self.mesh.rings[3][0], self.mesh.rings[3][1], self.axis_i, "西东", self.mesh.h_class[i, j] == 2,
                             "长庆" if j == self.axis_j else None)

    def along_v(self, i: int, j: int) -> str:
        """Return the name of the north-south edge from node (i, j) to (i, j+1)."""
        for ring, (west, east, south, north) in self.mesh.rings.items():
            if i in (west, east) and south <= j < north:
                third = (j - south) * 3 // (north - south)
                return ("西" if i == west else "东") + _RINGS[ring] + ("南路", "中路", "北路")[third]
        return self._stretch(self._v[i], j, self.mesh.rings[3][2], self.mesh.rings[3][3], self.axis_j, "南北", self.mesh.v_class[i, j] == 2,
                             "中轴" if i == self.axis_i else None)

    @staticmethod
    def _stretch(stems: list[str], k: int, low: int, high: int, axis: int, sides: str, is_main: bool, fixed: str | None) -> str:
        """Name a stretch of a line: its inner part by the side of the axis, its outer parts with stems of their own."""
        if low <= k < high:
            return (fixed or stems[1]) + sides[int(k >= axis)] + ("大街" if is_main else "街")
        if fixed:
            return fixed + sides[int(k >= axis)] + "路"
        return stems[0 if k < low else 2] + ("路" if is_main else "街")

    def local(self, way: str, line: int, k: int, along: int, is_old: bool) -> str:
        """Return the name of the k-th local street of a column ("v") or row ("h") of cells, near cell `along`."""
        key = (way, line, k, along // 3)
        if key not in self._locals:
            self._locals[key] = self.names.one()
        return self._locals[key] + ("胡同" if is_old else "街" if way == "v" else "路")

    def lane(self, block: int, row: int) -> str:
        """Return the name of a lane of a hutong block: a series such as 头条, 二条, 三条."""
        if block not in self._lanes:
            self._lanes[block] = self.names.one()
        return self._lanes[block] + ("头" if row == 1 else numeral(row)) + "条胡同"

    def around(self, b: int, is_old: bool) -> list[str | None]:
        """Return the roads around a block: south, east, north, west; None where there is none."""
        i, j = (int(c) for c in self.blocks.cell[b])
        u0, u1, v0, v1 = self.blocks.box[b]
        us, vs = self.blocks.u[i], self.blocks.v[j]
        mesh = self.mesh
        south = (self.along_h(i, j) if mesh.h_class[i, j] else None) if v0 == 0 else self.local("h", j, int(np.argmin(abs(vs - v0))), i, is_old)
        north = (self.along_h(i, j + 1) if mesh.h_class[i, j + 1] else None) if v1 == 1 else self.local("h", j, int(np.argmin(abs(vs - v1))), i, is_old)
        west = (self.along_v(i, j) if mesh.v_class[i, j] else None) if u0 == 0 else self.local("v", i, int(np.argmin(abs(us - u0))), j, is_old)
        east = (self.along_v(i + 1, j) if mesh.v_class[i + 1, j] else None) if u1 == 1 else self.local("v", i, int(np.argmin(abs(us - u1))), j, is_old)
        return [south, east, north, west]
