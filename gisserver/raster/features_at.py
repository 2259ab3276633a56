"""What is at a place of the map, for GetFeatureInfo: as text, as a page, as GeoJSON. From afar, where a map shows cells, that is the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any, NamedTuple

import orjson

from gisserver.request import Request
from layers.crs import transformer
from layers.errors import InvalidParameter
from layers.features import collection
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.aggregates import COUNT, COVER, cell_layer_id
from tiles.cell_at import cell_at, large_at
from tiles.map_cells import is_from_afar
from tiles.map_view import MapView
from tiles.symbology import legend

__all__ = ["told"]

# How far beside it one may point, in pixels.
REACH_PX = 4
_WORDS = {"zh": {"cell": "网格", "count": "要素数", "cover": "覆盖率", "bounds": "范围（经纬度：西、南、东、北）", "time": "时间", "current": "当前"},
          "en": {"cell": "cell", "count": "Features", "cover": "Covered", "bounds": "Bounds (degrees: west, south, east, north)", "time": "Time",
                 "current": "current"}}
_OTHER = {"zh": "其他", "en": "Other"}


class _Told(NamedTuple):
    """Something at a place: its number on the wire, its title, itself as GeoJSON, and as lines for people."""

    id: str
    title: str
    feature: dict[str, Any]
    lines: list[tuple[str, str]]


def told(request: Request, queries: Sequence[ItemQuery], view: MapView, place: tuple[int, int], kind: str, most: int) -> str | None:
    """Return what the layers of some questions have at a pixel, the uppermost layer first; None where there is nothing.

    Only what is drawn at the view's scale is told, and only the fields that the reader may see. Of a layer that is shown in cells these are
    the features as large as a cell, and then the cell under the pixel: how many features, of which classes, its bounds.
    """
    x, y = place
    minx, miny, maxx, maxy = view.bbox
    dx, dy = (maxx - minx) / view.width, (maxy - miny) / view.height
    at_x, at_y = minx + (x + 0.5) * dx, maxy - (y + 0.5) * dy
    bbox = (at_x - REACH_PX * dx, at_y - REACH_PX * dy, at_x + REACH_PX * dx, at_y + REACH_PX * dy)
    store, found = request.context.store, list[_Told]()
    for query in reversed(queries):
        symbology, left = query.layer.symbology, most - len(found)
        is_afar = is_from_afar(query.layer, view.zoom)
        if left <= 0 or (symbology and view.zoom < symbology.min_zoom and not is_afar):
            continue
        asked = replace(query, bbox=bbox, bbox_srid=view.srid, limit=left)
        if is_afar:
            asked = replace(asked, fids=tuple(large_at(store, query, near, view.zoom)) if (near := _near(bbox, view.srid)) else ())
        features = [] if asked.fids == () else orjson.loads(collection(store, asked).body)
        found += [_Told(f"{query.layer.id}.{each['id']}", f"{getattr(query.layer.title, request.page_language)} {each['id']}", each,
                        _lines(query.layer, each, request.page_language)) for each in features]
        if is_afar and len(features) < left and (cell := _cell(request, query, view, (at_x, at_y))):
            found.append(cell)
    if not found:
        return None
    if kind == "application/json":
        return orjson.dumps({"type": "FeatureCollection", "features": [each.feature | {"id": each.id} for each in found]}).decode()
    if kind == "text/html":
        tables = "".join(f"<table><caption>{escape(each.title)}</caption>"
                         f"{''.join(f'<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in each.lines)}</table>" for each in found)
        language = request.page_language
        return f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>GetFeatureInfo</title></head><body>{tables}</body></html>'
    return "\n".join(f"{each.title}\n{''.join(f'  {k}: {v}{chr(10)}' for k, v in each.lines)}" for each in found)


def _near(bbox: tuple[float, float, float, float], srid: int) -> tuple[float, float, float, float] | None:
    """Return an envelope in EPSG:3857; None where there is none of it, as beside the poles."""
    try:
        return MapView(bbox, srid, 1, 1).mercator()
    except InvalidParameter:
        return None


def _cell(request: Request, query: ItemQuery, view: MapView, at: tuple[float, float]) -> _Told | None:
    """Tell the cell at a place of the view's CRS."""
    x, y = at if view.srid == 3857 else transformer(view.srid, 3857).transform(*at)
    cell = cell_at(request.context.store, query, (float(x), float(y)), view.zoom)
    if cell is None:
        return None
    layer, language = query.layer, request.page_language
    bounds = [round(each, 7) for each in cell.bounds]
    w, s, e, n = bounds
    items = legend(layer, query.audience)["items"]
    classes = [_class(items, number) | {"count": count} for number, count in (cell.classes or {}).items()]
    moment = "current" if cell.at is None else cell.at.isoformat().replace("+00:00", "Z")
    feature = {"type": "Feature", "bbox": bounds, "geometry": {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]}, "properties": {
        COUNT: cell.count, **({} if cell.cover is None else {COVER: cell.cover}), "cell:time": moment,
        **({} if cell.classes is None else {"cell:classes": classes})}}
    words = _WORDS[language]
    lines = [(words["count"], str(cell.count)), *([] if cell.cover is None else [(words["cover"], f"{cell.cover} %")]),
             (words["bounds"], ", ".join(f"{each:.7f}" for each in bounds)), (words["time"], words["current"] if cell.at is None else moment),
             *((each["title"][language], str(each["count"])) for each in classes)]
    return _Told(f"{cell_layer_id(layer)}.{w:.7f},{s:.7f}", f"{getattr(layer.title, language)} · {words['cell']}", feature, lines)


def _class(items: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """Return a class as the legend has it; -1 is what no class takes."""
    item = items[number] if number >= 0 else next((each for each in items if each.get("no_data")), {"title": _OTHER})
    return {name: item[name] for name in ("title", "value", "from", "below", "no_data") if name in item}


def _lines(layer: Layer, feature: dict[str, Any], language: str) -> list[tuple[str, str]]:
    lines = []
    for field in layer.fields:
        value = feature["properties"].get(field.name)
        if value is None:
            continue
        title = (field.codes or {}).get(str(value))
        text = getattr(title, language) if title else value if isinstance(value, str) else orjson.dumps(value).decode()
        unit = f" {field.unit}" if field.unit and not title else ""
        lines.append((getattr(field.title, language), f"{text}{unit}"))
    return lines
