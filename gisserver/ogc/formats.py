"""CSV of a page of features."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import orjson
import shapely

from layers.layer import Layer
from layers.query import ItemQuery

__all__ = ["csv_page"]

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_page(layer: Layer, query: ItemQuery, features: Iterable[dict[str, Any]], bom: bool, guard: bool) -> bytes:
    """Write GeoJSON features as CSV (RFC 4180, UTF-8): id, the fields, the validity, the version, the geometry as WKT.

    `bom` begins with a byte order mark, by which Excel knows UTF-8. `guard` puts an apostrophe before texts that a
    spreadsheet would run as a formula.
    """
    names = [*(f.name for f in query.chosen), "valid_from", "valid_to", "version"]
    has_geometry = layer.kind == "spatial" and query.geometry
    text = io.StringIO(newline="")
    if bom:
        text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["id", *names, *(["geometry"] if has_geometry else [])])
    for feature in features:
        properties = feature["properties"]
        row = [feature["id"], *(_cell(properties.get(name), guard) for name in names)]
        if has_geometry:
            row.append(_wkt(feature["geometry"]))
        writer.writerow(row)
    return text.getvalue().encode()


def _cell(value: Any, guard: bool) -> Any:
    if isinstance(value, str):
        return f"'{value}" if guard and value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return value


def _wkt(geometry: dict[str, Any] | None) -> str:
    if geometry is None:
        return ""
    return shapely.to_wkt(shapely.from_geojson(orjson.dumps(geometry)), rounding_precision=7, trim=True)
