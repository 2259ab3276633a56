"""Towns that are written for the tests of 3D tiles, and how these read them back: placed on the earth by the tests' own reader."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.settings import ROOT
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.query import ItemQuery
from layers.store import Store
from tests.tiles.glb import attribute, column, read_glb, triangles
from tiles.grid import TileAddress
from tiles.tileset3d import band_of, cell_tileset, roots_of
from tiles.tileset3d_content import Scene, content
from tiles.tileset3d_form import form_of

WEST, EAST = "110102", "110101"
# Fields that a feature is called by, the first that it has.
NAMES = ("source_id", "name", "unit_code", "nominal_no", "segment_no", "node_no")


@dataclass
class Town:
    """A town on its way into the store: `fids` has the number of each feature by what it is called."""

    store: Store
    catalogue: Catalogue
    fids: dict[str, int] = field(default_factory=dict)

    def write(self, *edits: Edit) -> None:
        """Write features as one changeset."""
        applied = apply_changeset(self.store, self.catalogue, OWNER, Changeset(edits, "town clerk", "town"))
        for edit, fid in zip(edits, applied.fids, strict=True):
            properties = edit.properties or {}
            self.fids[next((str(properties[name]) for name in NAMES if name in properties), "")] = fid

    @staticmethod
    def create(layer: str, geometry: Any = None, since: str = "2000", to: str | None = None, **properties: Any) -> Edit:
        return Edit(layer, "create", properties=properties, geometry=geometry, valid_from=since, valid_to=to)


def scene(catalogue: Catalogue, layer: str = "building", audience: Any = OWNER, **query: Any) -> Scene:
    found = catalogue.layer(layer)
    form = form_of(found, audience)
    assert form is not None
    parts = (catalogue.layer("level"), catalogue.layer("unit_room")) if layer == "building" else (None, None)
    return Scene(ItemQuery(found, audience, **query), form, catalogue.city, level=parts[0], unit=parts[1])


class Read:
    """All contents of a scene: by building, corners on the earth, normals, properties."""

    def __init__(self, store: Store, made: Scene) -> None:
        self.rows: list[dict[str, Any]] = []
        self.glbs: dict[TileAddress, bytes] = {}
        self.cells, self.documents = [], []
        for root in roots_of(made.city):
            document, _, cells = cell_tileset(store, made, root, lambda a, form: f"../../{a.z}/{a.y}/{a.x}.{form}")
            self.documents.append((root, document))
            for cell in cells:
                band = band_of(made, cell.address)
                assert band is not None
                got = content(store, made, cell.address, band)
                assert got.features == cell.features
                self.cells.append(cell)
                self.glbs[cell.address] = got.body
                self._add(got.body, cell.address)

    def _add(self, body: bytes, address: TileAddress) -> None:
        document, binary = read_glb(body)
        pose, node = document["nodes"]
        places = attribute(document, binary, "POSITION") * node["scale"][0] + node["translation"]
        x, y, z, w = pose["rotation"]
        turn = np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                         [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                         [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]])
        upright = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])        # what clients do to glTF: y becomes z
        earth = (places @ turn.T + pose["translation"]) @ upright.T
        normal = attribute(document, binary, "NORMAL") / 127 @ turn.T @ upright.T
        ids, faces = attribute(document, binary, "_FEATURE_ID_0").ravel(), triangles(document, binary)
        names = document["extensions"]["EXT_structural_metadata"]["propertyTables"][0]["properties"]
        columns = {name: column(document, binary, name) for name in names}
        colors = attribute(document, binary, "COLOR_0")
        for row in range(len(columns["fid"])):
            mine = faces[ids[faces[:, 0]] == row]
            self.rows.append({name: values[row] for name, values in columns.items()} | {
                "earth": earth, "normal": normal, "triangles": mine, "address": address, "color": colors[mine[0, 0]]})

    def of(self, fid: int) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["fid"] == fid]


def volume(row: dict[str, Any], origin: Any = None) -> float:
    origin = row["earth"].mean(axis=0) if origin is None else origin
    a, b, c = (row["earth"][row["triangles"][:, i]] - origin for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def faults_by_khronos(read: Read, folder: Path) -> list[dict[str, Any]]:
    """What the validator of glTF says of each content."""
    paths = []
    for n, body in enumerate(read.glbs.values()):
        paths.append(folder / f"{n}.glb")
        paths[-1].write_bytes(body)
    program = ("const v = require(process.argv[1]), fs = require('fs');"
               "Promise.all(process.argv.slice(2).map(p => v.validateBytes(new Uint8Array(fs.readFileSync(p)))))"
               ".then(found => console.log(JSON.stringify(found.map(r => r.issues))))")
    done = subprocess.run(["node", "-e", program, str(ROOT / "web" / "node_modules" / "gltf-validator"), *map(str, paths)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def no_faults_by_khronos(read: Read, folder: Path) -> None:
    """The validator of glTF finds nothing wrong with any content."""
    if shutil.which("node") is None or not (ROOT / "web" / "node_modules" / "gltf-validator").is_dir():
        pytest.skip("node and web/node_modules/gltf-validator are not there")
    for issues in faults_by_khronos(read, folder):
        assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]
