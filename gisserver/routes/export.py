"""`/api/export/{layer}`: exactly what a question means, as one file."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import orjson
from starlette.responses import Response, StreamingResponse

from gisserver.ogc.questions import asked_items
from gisserver.request import Request
from layers.audit import record
from layers.features import rows
from layers.layer import LayerField
from layers.query import ItemQuery

__all__ = ["cell", "export_layer", "head"]

KINDS = {"gpkg": "application/geopackage+sqlite3", "geojson": "application/geo+json", "csv": "text/csv; charset=utf-8",
         "parquet": "application/vnd.apache.parquet"}
CHUNK_BYTES = 256 * 1024
HEADS = {"zh": ("要素编号", "起始", "终止"), "en": ("feature", "valid from", "valid to")}
TRUTH = {"zh": ("否", "是"), "en": ("no", "yes")}
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_layer(request: Request) -> Response:
    """Answer a file of all features of a question; only for who may export, and told to the audit.

    A CSV has titles and codes in the reader's language, for a spreadsheet; the others have the names of the fields.
    """
    request.reader.require("export")
    layer = request.layer()
    form = request.parameters.take_choice("f", tuple(KINDS), "gpkg") or "gpkg"
    asked = asked_items(request, layer)
    request.parameters.finish()
    query = replace(asked.query, limit=None, after=None, geometry=layer.geometry is not None and form != "csv")
    record(request.context.store, request.reader.acting(request.scope), "export", layer=layer.id,
           detail={"format": form, "query": request.scope["query_string"].decode("latin-1")[:2000]})
    # pyarrow comes with it: 50 MB that a server of which nobody exports does without
    from layers.export import export

    with tempfile.TemporaryDirectory(prefix="gis-export-") as folder:
        path = Path(folder, f"{layer.id}.{form}")
        count = _csv(request, query, path) if form == "csv" else export(request.context.store, query, path, form)
        # The folder goes at once; the file lives on until it has been sent.
        size, file = path.stat().st_size, path.open("rb")
    return StreamingResponse(_chunks(file), 200, {
        "Content-Disposition": f'attachment; filename="{layer.id}.{form}"', "Content-Length": str(size), "OGC-NumberReturned": str(count),
        "Cache-Control": "no-store"}, KINDS[form])


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _csv(request: Request, query: ItemQuery, path: Path) -> int:
    """Write a table for spreadsheets: UTF-8 with a byte order mark, without which they read the local code page."""
    language, fields = request.language, query.chosen
    number, begin, end = HEADS[language]
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([number, *(head(field, language) for field in fields), begin, end])
        for row in rows(request.context.store, query):
            writer.writerow([row["id"], *(cell(field, row[field.name], language) for field in fields), row["valid_from"], row["valid_to"]])
            count += 1
    return count


def head(field: LayerField, language: str) -> str:
    """Return the title of a column, with its unit."""
    title: str = getattr(field.title, language)
    return f"{title} ({field.unit})" if field.unit and field.unit != "1" else title


def cell(field: LayerField, value: Any, language: str) -> Any:
    """Return a value as a spreadsheet shows it: codes by their titles, nothing that is taken for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return TRUTH[language][value]
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    if field.codes is not None and value in field.codes:
        return getattr(field.codes[value], language)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return value.isoformat() if hasattr(value, "isoformat") else value


