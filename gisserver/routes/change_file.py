"""The list of what changed as a file: a table for spreadsheets, or GeoJSON."""

from __future__ import annotations

import csv
import io

import orjson
from starlette.responses import Response

from gisserver.request import Request
from gisserver.routes.export import cell, head
from layers.access import Audience
from layers.audit import record
from layers.change_list import ChangeList
from layers.errors import InvalidParameter
from layers.layer import Layer

__all__ = ["MOST_IN_FILE", "change_file"]

MOST_IN_FILE = 50_000
KINDS = {"csv": "text/csv; charset=utf-8", "geojson": "application/geo+json"}
_HEADS = {"zh": ("要素编号", "变化", "变更前"), "en": ("feature", "change", "before")}
_CHANGES = {"built": {"zh": "新建", "en": "built"}, "ended": {"zh": "拆除", "en": "ended"}, "changed": {"zh": "变更", "en": "changed"}}


def change_file(request: Request, layer: Layer, found: ChangeList, form: str, wanted: int) -> Response:
    """Answer a list of changes as a file, and tell the audit.

    `wanted` is how many differences the question means; raises InvalidParameter where a file does not hold them all.
    """
    if wanted > len(found.differences):
        raise InvalidParameter("bbox", f"holds {wanted} differences; a file holds at most {MOST_IN_FILE}. Take a smaller box or fewer kinds.",
                               f"共 {wanted} 条变化，一个文件最多 {MOST_IN_FILE} 条；请缩小范围或减少变化类型")
    record(request.context.store, request.reader.acting(request.scope), "export", layer=layer.id,
           detail={"format": form, "query": request.scope["query_string"].decode("latin-1")[:2000]})
    body = _table(layer, request.audience, found, request.language) if form == "csv" else _features(found)
    return Response(body, 200, {"Content-Disposition": f'attachment; filename="{layer.id}-changes.{form}"',
                                "OGC-NumberReturned": str(len(found.differences)), "Cache-Control": "no-store"}, KINDS[form])


def _table(layer: Layer, audience: Audience, found: ChangeList, language: str) -> bytes:
    """Write each field as it is afterwards, and before where it is another: UTF-8 with a byte order mark, for spreadsheets."""
    number, change, before = _HEADS[language]
    fields = [field for field in audience.fields(layer) if field.type != "json"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([number, change, *(name for field in fields for name in (head(field, language), f"{head(field, language)}（{before}）"))])
    for each in found.differences:
        old, new = each["before"] or {}, each["after"] or {}
        writer.writerow([each["fid"], _CHANGES[each["change"]][language], *(
            value for field in fields for value in (
                cell(field, new.get(field.name), language),
                cell(field, old.get(field.name), language) if old.get(field.name) != new.get(field.name) else ""))])
    return text.getvalue().encode("utf-8-sig")


def _features(found: ChangeList) -> bytes:
    return orjson.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "id": each["fid"], "geometry": each["geometry"],
         "properties": {"change": each["change"], "moved": each["moved"], "before": each["before"], "after": each["after"]}}
        for each in found.differences]})
