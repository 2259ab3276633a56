"""A small town to import into: houses with a key and fields of every type, doors that refer to them, plots that may not overlap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from layers.catalogue import Catalogue
from layers.import_report import ImportReport
from layers.ingest import ImportPlan, ingest
from layers.mapping import ImportMapping
from layers.sources import open_source
from tests.data.odd_files import frame, square

TITLE = {"zh": "层", "en": "Layer"}
HOUSE = {"id": "house", "geometry": "MultiPolygon", "title": TITLE, "born": "runtime", "key": "no", "label": "note", "fields": [
    {"name": "no", "type": "string", "title": TITLE, "index": True, "max_length": 20},
    {"name": "storeys", "type": "integer", "title": {"zh": "层数", "en": "Storeys"}, "minimum": 0, "maximum": 100},
    {"name": "note", "type": "text", "title": TITLE}, {"name": "height_m", "type": "number", "title": TITLE},
    {"name": "built", "type": "date", "title": TITLE}, {"name": "listed", "type": "boolean", "title": TITLE},
    {"name": "seen_at", "type": "datetime", "title": TITLE}, {"name": "codes", "type": "codes", "title": TITLE},
    {"name": "use", "type": "code", "title": TITLE, "codes": {"home": TITLE, "work": TITLE}},
    {"name": "more", "type": "json", "title": TITLE}]}
DOOR = {"id": "door", "kind": "table", "title": TITLE, "born": "runtime", "key": "door_no", "fields": [
    {"name": "door_no", "type": "string", "title": TITLE},
    {"name": "house_fid", "type": "reference", "references": "house", "title": TITLE}]}
PLOT = {"id": "plot", "geometry": "MultiPolygon", "title": TITLE, "born": "runtime", "key": "no", "rules": [{"kind": "no_overlap", "tolerance_m2": 1}],
        "fields": [{"name": "no", "type": "string", "title": TITLE}]}


def load(city: Catalogue, path: Path, layer: str = "house", source: dict[str, Any] | None = None, **given: Any) -> ImportReport:
    """Import a file; `given` are parts of the mapping and of the plan."""
    mapping = ImportMapping(**{name: given.pop(name) for name in list(given) if name in ImportMapping.__dataclass_fields__})
    return ingest(city.store, city, open_source(path, **source or {}), city.layer(layer), ImportPlan(mapping, "tester", **given))


def told(city: Catalogue, columns: str, layer: str = "house", order: str = "no, lower(valid)") -> list[tuple[Any, ...]]:
    with city.store.read() as connection:
        return connection.execute(f"SELECT {columns} FROM city.{layer} ORDER BY {order}").fetchall()


def staged(city: Catalogue) -> int:
    with city.store.read() as connection:
        return sum(connection.execute(f"SELECT count(*) FROM city_stage.{name}").fetchone()[0] for name in ("house", "door", "plot"))


def houses(tmp_path: Path, *rows: dict[str, Any], name: str = "h.gpkg") -> Path:
    path = tmp_path / name
    path.unlink(missing_ok=True)
    frame(rows, [square(i) for i in range(len(rows))]).to_file(path)
    return path
