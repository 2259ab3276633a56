"""Surfaces of buildings on their way in: staged beside the buildings they are of, written in the same changeset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np
import orjson
import psycopg
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from layers.building_surfaces import surface_layer, without_slivers, write_surfaces
from layers.catalogue import Catalogue
from layers.city_source import DEGREE_M, CityRows
from layers.crs import is_same_place
from layers.errors import Fault, InvalidParameter
from layers.import_report import ImportReport
from layers.layer import Layer
from layers.moments import Moment
from layers.sources import Source
from layers.staging import Batch

__all__ = ["SurfaceStaging"]

# Decimals that coordinates are kept with: a tenth of a millimetre; heights in millimetres.
DEGREES, METRES, HEIGHT = 9, 4, 3


class SurfaceStaging:
    """The surfaces of one import. A building has one row of them, under its own key; with another level of detail it gets a new version."""

    def __init__(self, layer: Layer, owner: Layer, city: CityRows, storage_srid: int) -> None:
        self.layer, self.owner, self.city, self.storage_srid = layer, owner, city, storage_srid
        self.report = ImportReport(layer.id, "")

    @classmethod
    def of(cls, catalogue: Catalogue, source: Source, layer: Layer) -> SurfaceStaging | None:
        """Return the staging for a file's surfaces; None where it has none, or no layer takes them."""
        found = surface_layer(layer, catalogue.layers.values()) if source.city else None
        if found is None or source.city is None or found.key is None:
            return None
        return cls(found, layer, source.city, catalogue.city.storage_srid)

    def stage(self, connection: psycopg.Connection, batch: Batch, key: str, keyed: Mapping[int, tuple[str, Moment]], gone: Moment | None, refused: Set[str],
              report: ImportReport) -> ImportReport:
        """Stage the surfaces of rows, compare them with what is there, and put aside what breaks a check.

        Parameters
        ----------
        keyed
            {row of the file: (the building's key, since when)}.
        gone
            Since when surfaces of this layer end that the file does not have (None: they stay); `refused` are keys of rows that were refused, which
            it has.
        """
        self.connection, self.batch = connection, batch
        self.report = ImportReport(self.layer.id, report.source, dry_run=report.dry_run, examples=report.examples)
        model = self.city.model
        self.report.notes |= {note: count for note, count in (("textures_dropped", model.textures), ("materials_dropped", model.materials)) if count}
        rows = {row: held for row, held in keyed.items() if self.city.faces[row - 1]}
        owners = self._owners(key, rows)
        staged = {row: held for row, held in rows.items() if held[0] in owners}
        first = batch.reserve_fids(len(staged))
        fields = [self._parent, str(self.layer.key), "lod", "surfaces", "lowest_m", "highest_m"]
        batch.copy(self.layer, fields, self._rows(staged, owners, first))
        self.report.read = len(staged)
        if len(staged) > 5000:
            batch.analyze()
        self._ask("import_match", self.layer.key)
        if gone:
            self._ask("import_missing", self.layer.key, gone.at, gone.precision, sorted(refused))
        self.report.unchanged = self._ask("import_compare", fields, 0.0)
        self.report.refuse_summed(self._ask("import_check", "owner", self.report.examples))
        return self.report

    @property
    def _parent(self) -> str:
        parent = self.layer.parent
        assert parent is not None
        return parent.name

    def _ask(self, function: str, *arguments: Any) -> Any:
        places = ", ".join(["%s"] * (len(arguments) + 2))
        row = self.connection.execute(f"SELECT gis.{function}({places})".encode(), (self.layer.id, self.batch.number, *arguments)).fetchone()
        assert row is not None
        return row[0]

    def _owners(self, key: str, rows: Mapping[int, tuple[str, Moment]]) -> dict[str, tuple[int, str | None, str]]:
        """Return {key: (building, end of its time, precision of that)} of buildings that are staged or stand."""
        keys, begins = [held[0] for held in rows.values()], [held[1].at for held in rows.values()]
        row = self.connection.execute("SELECT gis.import_owners(%s, %s, %s, %s, %s)", (
            self.owner.id, self.batch.number, key, keys, begins)).fetchone()
        return {name: tuple(found) for name, found in (row[0] if row else {}).items()}

    def _rows(self, staged: Mapping[int, tuple[str, Moment]], owners: Mapping[str, tuple[int, str | None, str]], fid: int) -> Iterator[Sequence[Any]]:
        points = self._stored()
        metres = DEGREE_M * np.array([np.cos(np.radians(points[:, 1].mean())), 1, 1 / DEGREE_M]) if CRS.from_epsg(self.storage_srid).is_geographic else np.ones(3)
        for number, (row, (key, begin)) in enumerate(staged.items()):
            owner, until, precision = owners[key]
            surfaces = without_slivers(self.city.surfaces(row - 1, points), metres)
            heights = np.concatenate([ring[:, 2] for each in surfaces for ring in each.rings])
            yield (row, "n", fid + number, f"[{begin.at.isoformat()},{until or ''})", begin.precision, precision, None, owner, key,
                   self.city.model.buildings[row - 1].lod, orjson.dumps(write_surfaces(surfaces)).decode(), float(heights.min()), float(heights.max()))

    def _stored(self) -> NDArray[np.float64]:
        """Return the file's vertices in the storage CRS; heights keep their numbers, rounded."""
        model, storage = self.city.model, CRS.from_epsg(self.storage_srid)
        points = model.points.copy()
        known = model.crs.to_epsg()
        if known is None or not is_same_place(known, self.storage_srid):
            move = Transformer.from_crs(model.crs, storage, always_xy=True)
            points[:, 0], points[:, 1] = move.transform(points[:, 0], points[:, 1])
        if not np.isfinite(points).all():
            raise InvalidParameter("crs", f"some vertices lie where {model.crs.name} or the city's system is not defined; is --crs right?",
                                   f"部分顶点位于 {model.crs.name} 或城市坐标系的定义范围之外；--crs 是否正确？")
        points[:, :2] = points[:, :2].round(DEGREES if storage.is_geographic else METRES)
        points[:, 2] = points[:, 2].round(HEIGHT)
        return points

    def settle(self) -> int:
        """Leave out surfaces whose building was put aside meanwhile; return how many features are to be written."""
        row = self.connection.execute("SELECT gis.import_orphans(%s, %s, %s, %s)", (
            self.layer.id, self.batch.number, self._parent, self.owner.id)).fetchone()
        self.report.read -= row[0] if row else 0
        counts = self._ask("import_count")
        self.report.new, self.report.changed, self.report.retired = (counts.get(op, 0) for op in "npr")
        return self.report.written

    def put_aside(self, faults: Sequence[Fault]) -> int:
        """Put aside rows that broke a rule when they were to be written; return how many."""
        mine = [f for f in faults if f.layer == self.layer.id]
        dropped: int = self._ask("import_drop", sorted({f.row for f in mine if f.row is not None}))
        self.report.refuse(f for f in mine if f.row is not None)
        return dropped
