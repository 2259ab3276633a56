"""What is at a place of the map, for GetFeatureInfo: as text, as a page, as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

import orjson

from gisserver.request import Request
from layers.features import collection
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.map_view import MapView

__all__ = ["told"]

# How far beside it one may point, in pixels.
REACH_PX = 4


def told(request: Request, queries: Sequence[ItemQuery], view: MapView, place: tuple[int, int], kind: str, most: int) -> str | None:
    """Return what the layers of some questions have at a pixel, the uppermost layer first; None where there is nothing.

    Only what is drawn at the view's scale is told, and only the fields that the reader may see.
    """
    x, y = place
    minx, miny, maxx, maxy = view.bbox
    dx, dy = (maxx - minx) / view.width, (maxy - miny) / view.height
    at_x, at_y = minx + (x + 0.5) * dx, maxy - (y + 0.5) * dy
    bbox = (at_x - REACH_PX * dx, at_y - REACH_PX * dy, at_x + REACH_PX * dx, at_y + REACH_PX * dy)
    found: list[tuple[Layer, dict[str, Any]]] = []
    for query in reversed(queries):
        symbology = query.layer.symbology
        if len(found) >= most or (symbology and view.zoom < symbology.min_zoom):
            continue
        page = collection(request.context.store, replace(query, bbox=bbox, bbox_srid=view.srid, limit=most - len(found)))
        found += [(query.layer, feature) for feature in orjson.loads(page.body)]
    if not found:
        return None
    if kind == "application/json":
        features = [feature | {"id": f"{layer.id}.{feature['id']}"} for layer, feature in found]
        return orjson.dumps({"type": "FeatureCollection", "features": features}).decode()
    language = request.page_language
    parts = [(f"{getattr(layer.title, language)} {feature['id']}", _lines(layer, feature, language)) for layer, feature in found]
    if kind == "text/html":
        tables = "".join(f"<table><caption>{escape(title)}</caption>{''.join(f'<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in lines)}"
                         "</table>" for title, lines in parts)
        return f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>GetFeatureInfo</title></head><body>{tables}</body></html>'
    return "\n".join(f"{title}\n{''.join(f'  {k}: {v}{chr(10)}' for k, v in lines)}" for title, lines in parts)


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
