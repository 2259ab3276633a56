"""Exports: the answer to a question as a file, written as it is read: GeoPackage, GeoParquet, GeoJSON or CSV."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from itertools import batched
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS

from layers.crs import make_crs
from layers.errors import InvalidParameter
from layers.features import rows
from layers.query import ItemQuery
from layers.store import Store

__all__ = ["FORMATS", "export"]

CHUNK = 10_000
TYPES: dict[str, pa.DataType] = {"integer": pa.int64(), "reference": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(),
                                 "date": pa.date32(), "datetime": pa.timestamp("us", "UTC")}


def export(store: Store, query: ItemQuery, path: Path, file_format: str | None = None) -> int:
    """Write the features of a question to a file; return how many.

    Parameters
    ----------
    query
        Its reader, filter, fields, moment and CRS hold; a limit of None gives all. Axes stand x (east) first.
    path
        Where to; a file that is there is replaced only when the new one is complete.
    file_format
        A key of FORMATS; None takes the ending of `path`.

    Columns are `id`, `version`, `valid_from`, `valid_to`, the fields the reader may read, and the geometry. Lists of codes and
    JSON are written as JSON text. Raises InvalidParameter for a format or a CRS that is not known, or that do not go together.
    """
    chosen = file_format or next((name for name, (ending, _) in FORMATS.items() if path.suffix.lower() == ending), None)
    if chosen not in FORMATS:
        raise InvalidParameter("format", f"'{file_format or path.suffix}' is not written; known are "
                                         + ", ".join(f"{name} ({ending})" for name, (ending, _) in FORMATS.items()))
    make_crs(query.srid)
    # GDAL goes by the ending, so the unfinished file keeps it.
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}{FORMATS[chosen][0]}")
    try:
        count = FORMATS[chosen][1](store, query, unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _has_geometry(query: ItemQuery) -> bool:
    return query.geometry and query.layer.geometry is not None


def _schema(query: ItemQuery) -> pa.Schema:
    fields = [pa.field("id", pa.int64()), pa.field("version", pa.int64()), pa.field("valid_from", pa.string()), pa.field("valid_to", pa.string()),
              *(pa.field(f.name, TYPES.get(f.type, pa.string())) for f in query.chosen if f.name != "version")]
    if _has_geometry(query):
        fields.append(pa.field("geometry", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}))
    return pa.schema(fields)


def _batches(store: Store, query: ItemQuery, schema: pa.Schema, counted: list[int]) -> Iterator[pa.RecordBatch]:
    texts = [f.name for f in query.chosen if f.type in ("codes", "json")]
    for chunk in batched(rows(store, query, "wkb"), CHUNK):
        for row in chunk:
            for name in texts:
                row[name] = _json(row[name])
        counted[0] += len(chunk)
        yield pa.RecordBatch.from_arrays([pa.array([row[f.name] for row in chunk], f.type) for f in schema], schema=schema)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _ogr(driver: str, **options: str) -> Callable[[Store, ItemQuery, Path], int]:
    """Return a writer by one of GDAL's drivers."""
    def write(store: Store, query: ItemQuery, path: Path) -> int:
        schema, counted = _schema(query), [0]
        kind = "Unknown" if query.layer.geometry == "Geometry" else f"{query.layer.geometry}{' Z' if query.layer.has_z else ''}"
        place = {"geometry_name": "geometry", "geometry_type": kind, "crs": f"EPSG:{query.srid}"} if _has_geometry(query) else {"geometry_name": None}
        reader = pa.RecordBatchReader.from_batches(schema, _batches(store, query, schema, counted))
        # with it come geopandas and pandas, 90 MB that a server without exports does without
        import pyogrio

        pyogrio.write_arrow(reader, path, layer=query.layer.id, driver=driver, **place, **options)
        return counted[0]
    return write


def _geojson(store: Store, query: ItemQuery, path: Path) -> int:
    if query.srid != 4326:
        raise InvalidParameter("crs", "GeoJSON is in longitude and latitude (RFC 7946); leave --crs out")
    return _ogr("GeoJSON", RFC7946="YES", WRITE_BBOX="NO", ID_FIELD="id")(store, query, path)


def _parquet(store: Store, query: ItemQuery, path: Path) -> int:
    """Write GeoParquet 1.1."""
    schema, counted = _schema(query), [0]
    if _has_geometry(query):
        kind = [] if query.layer.geometry == "Geometry" else [f"{query.layer.geometry}{' Z' if query.layer.has_z else ''}"]
        column = {"encoding": "WKB", "geometry_types": kind, "crs": CRS.from_epsg(query.srid).to_json_dict()}
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        schema = pa.schema([f.remove_metadata() for f in schema], metadata={"geo": json.dumps(geo)})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(store, query, schema, counted):
            writer.write_batch(batch)
    return counted[0]


def _csv(store: Store, query: ItemQuery, path: Path) -> int:
    """Write CSV in UTF-8 with BOM, by which spreadsheets know Chinese; geometries as WKT."""
    count, names = 0, [f.name for f in _schema(query)]
    structured = {f.name for f in query.chosen if f.type in ("codes", "json")}
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows(store, query, "wkt"):
            writer.writerow([_cell(_json(row[n]) if n in structured else row[n]) for n in names])
            count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else value


FORMATS: dict[str, tuple[str, Callable[[Store, ItemQuery, Path], int]]] = {
    "gpkg": (".gpkg", _ogr("GPKG")), "parquet": (".parquet", _parquet), "geojson": (".geojson", _geojson), "csv": (".csv", _csv)}
