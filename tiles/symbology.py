"""How a layer is drawn: MapLibre style, TileJSON and legend from the one symbology of its definition.

Sources bear the names of their layers. Addresses are given by the caller; there is no glyphs URL and no sprite, so a map
asks nobody but this server for anything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from layers.access import Audience
from layers.layer import Class, Label, Layer, LayerField, Symbology
from tiles.aggregates import AGGREGATED, COUNT, COVER, PLAYED, cell_layer_id, is_aggregated
from tiles.measured import CountedField, areas_of, counted_field, is_known, measured_by
from tiles.vector_tiles import MAX_ZOOM, OUTSIDE, label_points, min_zoom, tile_fields

__all__ = ["city_style", "legend", "style_layers", "style_of", "tilejson"]

BACKGROUND = "#f4f1ea"
HALO = "#ffffff"
RELIEF_ZOOM = 14
# Height of what has none written, in metres: one storey.
STOREY_M = 3
_TILE_TYPES = {"integer": "Number", "reference": "Number", "number": "Number", "datetime": "Number", "boolean": "Boolean"}
_GEOMETRIES = {"Point": "circle", "MultiPoint": "circle", "LineString": "line", "MultiLineString": "line"}

Style = dict[str, Any]
Address = Callable[[Layer], str]


def city_style(layers: Iterable[Layer], audience: Audience, tiles_of: Address, *, name: str = "", center: tuple[float, float] | None = None,
               zoom: float | None = None, bounds: tuple[float, float, float, float] | None = None, language: str = "zh",
               numbers: Mapping[int, float] | None = None) -> Style:
    """Return the MapLibre style (version 8) of all layers that the audience may read, from the ground up, letters above all.

    Parameters
    ----------
    tiles_of
        Gives the tile address of a layer, with {z}, {y} and {x} to be filled in.
    name, center, zoom, bounds
        Of the city; degrees of longitude and latitude.
    language
        'zh' or 'en': of names and of the titles of codes in labels.
    numbers
        By feature, where a layer is drawn by what lies in its features.
    """
    drawn = sorted((x for x in layers if x.geometry is not None and audience.may_read(x.id)), key=lambda x: (_symbology(x).order, x.id))
    parts = [part for layer in drawn for part in style_layers(layer, audience, language, numbers)]
    style: Style = {
        "version": 8, "name": name,
        "sources": {x.id: _source(x, tiles_of(x), bounds) for x in drawn},
        "layers": [{"id": "background", "type": "background", "paint": {"background-color": BACKGROUND}},
                   *(p for p in parts if p["type"] != "symbol"), *(p for p in parts if p["type"] == "symbol")]}
    return style | ({"center": list(center)} if center else {}) | ({"zoom": zoom} if zoom is not None else {})


def style_of(layer: Layer, audience: Audience, tiles_of: Address, *, bounds: tuple[float, float, float, float] | None = None,
             language: str = "zh", numbers: Mapping[int, float] | None = None) -> Style:
    """Return the MapLibre style of one layer, shown even if it waits to be switched on in the city's.

    `numbers` are those of the features by which a layer is drawn that counts what lies in them (`counted_numbers`).
    """
    shown = layer.model_copy(update={"symbology": _symbology(layer).model_copy(update={"visible": True})})
    return city_style([shown], audience, tiles_of, name=getattr(layer.title, language), bounds=bounds, language=language, numbers=numbers)


def _source(layer: Layer, tiles: str, bounds: tuple[float, float, float, float] | None) -> Style:
    source: Style = {"type": "vector", "tiles": [tiles], "minzoom": min(min_zoom(layer), MAX_ZOOM), "maxzoom": MAX_ZOOM}
    return source | {"bounds": list(bounds)} if bounds and layer.inside_extent else source


def tilejson(layer: Layer, audience: Audience, tiles: str, *, bounds: tuple[float, float, float, float] | None = None,
             center: tuple[float, float, float] | None = None, language: str = "zh",
             fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return the TileJSON (3.0) of a layer's tiles, with the fields that this audience's tiles hold, or some of them."""
    low = min(min_zoom(layer), MAX_ZOOM)
    held = [f for f in tile_fields(layer, audience) if fields is None or f.name in fields]
    vector_layers = [{"id": layer.id, "description": getattr(layer.title, language), "minzoom": low, "maxzoom": MAX_ZOOM,
                      "fields": {f.name: _TILE_TYPES.get(f.type, "String") for f in held}}]
    if is_aggregated(layer):
        drawn = next((f for f in held if f.name == _symbology(layer).field), None)
        vector_layers.append({"id": cell_layer_id(layer), "minzoom": 0, "maxzoom": PLAYED, "fields": {
            COUNT: "Number", **({COVER: "Number"} if _GEOMETRIES.get(layer.geometry or "") != "circle" else {}),
            **({drawn.name: _TILE_TYPES.get(drawn.type, "String")} if drawn else {})}})
    label = _symbology(layer).label
    if label and label_points(layer, audience) and label.field in [f.name for f in held]:
        field = layer.field(label.field)
        vector_layers.append({"id": f"{layer.id}.label", "minzoom": min(max(low, int(label.min_zoom)), MAX_ZOOM), "maxzoom": MAX_ZOOM,
                              "fields": {field.name: _TILE_TYPES.get(field.type, "String")}})
    if fields is None:
        vector_layers[0]["fields"] |= dict.fromkeys(areas_of(layer, audience), "Number")
    document: dict[str, Any] = {
        "tilejson": "3.0.0", "name": getattr(layer.title, language), "scheme": "xyz", "tiles": [tiles],
        "minzoom": low, "maxzoom": MAX_ZOOM, "vector_layers": vector_layers}
    if layer.description:
        document["description"] = getattr(layer.description, language)
    if bounds and layer.inside_extent:
        document["bounds"] = list(bounds)
    if center:
        document["center"] = list(center)
    return document


def style_layers(layer: Layer, audience: Audience, language: str = "zh", numbers: Mapping[int, float] | None = None) -> list[Style]:
    """Return the style layers of a layer: ground, outline, cells (from afar), relief (hidden until wanted), label.

    A symbology by a field that the audience may not read falls back to its plain colour.
    """
    s, readable = _symbology(layer), {f.name: f for f in tile_fields(layer, audience)}
    field = counted_field(layer, audience, numbers) or (readable.get(s.field) if s.field and is_known(s.per, readable) else None)
    draw = {"circle": _circles, "line": _lines}.get(_GEOMETRIES.get(layer.geometry or "", ""), _areas)
    parts = draw(layer, s, field)
    if is_aggregated(layer):
        parts.append(_cells(layer, s, field))
    if s.extrude in readable and layer.geometry in ("Polygon", "MultiPolygon"):
        parts.append(_relief(layer, s, field))
    if s.label and s.label.field in readable:
        parts += _labels(layer, s.label, readable[s.label.field], label_points(layer, audience), language)
    return parts


def _symbology(layer: Layer) -> Symbology:
    return layer.symbology or Symbology()


def _part(layer: Layer, s: Symbology, kind: str, suffix: str, paint: Style, layout: Style | None = None) -> Style:
    part: Style = {"id": layer.id + suffix, "type": kind, "source": layer.id, "source-layer": layer.id}
    # From afar, tiles of cells hold what is large enough to be seen.
    if s.min_zoom and not s.cells:
        part["minzoom"] = s.min_zoom
    layout = {**(layout or {}), **({} if s.visible else {"visibility": "none"})}
    return part | ({"layout": layout} if layout else {}) | {"paint": paint}


def _areas(layer: Layer, s: Symbology, field: LayerField | None) -> list[Style]:
    ground = _part(layer, s, "fill", "", {"fill-color": _color(s, field), "fill-opacity": s.opacity})
    if layer.geometry == "Geometry":
        ground["filter"] = ["==", ["geometry-type"], "Polygon"]
        rest = [_only(part, kind) for kind, parts in (("LineString", _lines(layer, s, field)), ("Point", _circles(layer, s, field)))
                for part in parts]
    else:
        rest = []
    if s.outline is None:
        return [ground, *rest]
    # An area that is only outlined carries its classes in the outline.
    color = _color(s, field) if field and s.opacity <= 0.05 else s.outline
    line = _part(layer, s, "line", "-outline", {"line-color": color, "line-width": _line_width(s, None)} | _dash(s), {"line-join": "round"})
    return [ground, *([_only(line, "Polygon"), *rest] if rest else [line])]


def _only(part: Style, geometry: str) -> Style:
    wanted = ["==", ["geometry-type"], geometry]
    found = {**part, "filter": ["all", wanted, part["filter"]] if "filter" in part else wanted}
    return found if found["id"].endswith("-outline") else found | {"id": f"{part['id']}-{geometry.lower()}"}


def _lines(layer: Layer, s: Symbology, field: LayerField | None) -> list[Style]:
    layout = {"line-cap": "butt" if s.dash else "round", "line-join": "round"}
    line = _part(layer, s, "line", "", {"line-color": _color(s, field), "line-opacity": s.opacity, "line-width": _line_width(s, field)} | _dash(s),
                 layout)
    parts = [line]
    if s.outline and layer.geometry != "Geometry":
        parts.insert(0, _part(layer, s, "line", "-casing", {"line-color": s.outline, "line-opacity": s.opacity,
                                                            "line-width": _line_width(s, field, 1.5)}, layout))
    if field and (late := [c for c in s.classes if c.min_zoom is not None and c.value is not None]):
        # Classes that come later: each is let through from its own zoom on.
        limits = [x for c in late for x in (_literal(c.value, field), c.min_zoom)]
        for part in parts:
            part["filter"] = [">=", ["zoom"], ["match", ["get", field.name], *limits, 0]]
    return parts


def _circles(layer: Layer, s: Symbology, field: LayerField | None) -> list[Style]:
    sizes = [(zoom, _by_class(s, field, lambda c, part=part: _radius(s, c, part))) for zoom, part in ((12, 0.6), (17, 1), (20, 1.8))]
    radius = ["interpolate", ["linear"], ["zoom"], *(x for stop in sizes for x in stop)]
    paint: Style = {"circle-color": _color(s, field), "circle-opacity": s.opacity, "circle-radius": radius}
    if s.outline:
        paint |= {"circle-stroke-color": s.outline, "circle-stroke-width": s.width_px, "circle-stroke-opacity": s.opacity}
    return [_part(layer, s, "circle", "", paint)]


def _cells(layer: Layer, s: Symbology, field: LayerField | None) -> Style:
    """Draw how much of the ground is covered, or how many points there are, in the colour of what there is most of.

    A square has the strength that its features have together, so that the map does not change when they come.
    """
    common: Style = {"id": f"{layer.id}-cells", "source": layer.id, "source-layer": cell_layer_id(layer), "maxzoom": PLAYED + 1,
                     **({} if s.visible else {"layout": {"visibility": "none"}})}
    if _GEOMETRIES.get(layer.geometry or "") == "circle":
        radius = ["interpolate", ["linear"], ["get", COUNT], *(x for stop in cell_radius(s) for x in stop)]
        return common | {"type": "circle", "paint": {"circle-color": _color(s, field), "circle-opacity": s.opacity, "circle-radius": radius}}
    strength = ["interpolate", ["linear"], ["get", COVER], *(x for stop in cell_strength(s) for x in stop)]
    return common | {"type": "fill", "paint": {"fill-color": _color(s, field), "fill-opacity": strength, "fill-antialias": False}}


def cell_strength(s: Symbology) -> tuple[tuple[int, float], ...]:
    """Return how strongly a cell of areas is drawn: stops (percent covered, opacity)."""
    # An outline makes small areas darker than their ground alone.
    return (0, 0.12), (60, s.opacity)


def cell_radius(s: Symbology) -> tuple[tuple[int, float], ...]:
    """Return how large a cell of points is drawn: stops (count, radius in pixels)."""
    return (1, round(s.radius_px * 0.5, 2)), (100, round(s.radius_px * 1.5, 2))


def _relief(layer: Layer, s: Symbology, field: LayerField | None) -> Style:
    part = _part(layer, s, "fill-extrusion", "-relief", {
        "fill-extrusion-color": _color(s, field), "fill-extrusion-opacity": 0.92, "fill-extrusion-vertical-gradient": True,
        "fill-extrusion-height": ["coalesce", ["to-number", ["get", s.extrude]], STOREY_M]}, {"visibility": "none"})
    return part | {"minzoom": max(RELIEF_ZOOM, s.min_zoom)}


def _labels(layer: Layer, label: Label, field: LayerField, points: str | None, language: str) -> list[Style]:
    text: Any = ["to-string", ["get", field.name]]
    if field.codes:
        titles = [x for code, title in field.codes.items() for x in (code, getattr(title, language))]
        text = ["match", ["get", field.name], *titles, text]
    layout: Style = {"text-field": text, "text-size": label.size, "text-padding": 4}
    if layer.geometry in ("LineString", "MultiLineString"):
        layout |= {"symbol-placement": "line", "symbol-spacing": 320}
    elif layer.geometry in ("Point", "MultiPoint"):
        layout |= {"text-anchor": "top", "text-offset": [0, 0.7], "text-optional": True}
    else:
        layout["text-max-width"] = 8
    if not _symbology(layer).visible:
        layout["visibility"] = "none"
    in_place: Style = {"id": f"{layer.id}-label", "type": "symbol", "source": layer.id, "source-layer": layer.id,
                       "minzoom": max(label.min_zoom, _symbology(layer).min_zoom), "filter": ["has", field.name], "layout": layout,
                       "paint": {"text-color": label.color, "text-halo-color": HALO, "text-halo-width": 1.2}}
    if points is None:
        return [in_place]
    at_points = in_place | {"source-layer": f"{layer.id}.label"}
    if points == "all":
        return [at_points]
    # What reaches into another tile is labelled at its point, the rest where it stands.
    return [in_place | {"filter": ["all", in_place["filter"], ["!", ["has", OUTSIDE]]]}, at_points | {"id": f"{layer.id}-label-apart"}]


# Values

def _dash(s: Symbology) -> Style:
    return {"line-dasharray": list(s.dash)} if s.dash else {}


def _radius(s: Symbology, c: Class | None, part: float) -> float:
    return round((s.radius_px if c is None or c.radius_px is None else c.radius_px) * part, 2)


def _width(width: Callable[[float, float], Any], more: float = 0) -> list[Any]:
    """A width in pixels holds at zoom 16; a map seen from afar has finer lines, a close one broader."""
    return ["interpolate", ["exponential", 1.4], ["zoom"], 9, width(0.4, more * 0.5), 16, width(1, more), 20, width(2.6, more * 1.5)]


def _line_width(s: Symbology, field: LayerField | None, more: float = 0) -> list[Any]:
    def one(c: Class | None, factor: float, more: float) -> float:
        return round((s.width_px if c is None or c.width_px is None else c.width_px) * factor + more, 2)

    return _width(lambda factor, more: _by_class(s, field, lambda c: one(c, factor, more)), more)


def _literal(value: str | float | bool | None, field: LayerField) -> Any:
    """Return a class's value as the tiles have it: a whole number where the field has whole numbers."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if _TILE_TYPES.get(field.type) is None and not isinstance(value, str) else value


def _color(s: Symbology, field: LayerField | None) -> Any:
    """Return the colour of a feature."""
    return _by_class(s, field, lambda c: s.color if c is None else c.color)


def _by_class(s: Symbology, field: LayerField | None, of: Callable[[Class | None], Any]) -> Any:
    """Return what `of` says of a feature's class: one, by class of a value (match), or by class of a number (step).

    `of(None)` is what the symbology itself says: of what no class takes, and in classes of a number of what has none.
    """
    plain = of(None)
    if field is None or all(of(c) == plain for c in s.classes):
        return plain
    other = next((of(c) for c in s.classes if c.value is None and c.below is None), plain)
    values = {_literal(c.value, field): of(c) for c in s.classes if c.value is not None}
    if values:
        values = {v: found for v, found in values.items() if found != other}
        if not values:
            return other
        if any(isinstance(v, bool | float) for v in values):
            return ["case", *(x for v, found in values.items() for x in (["==", ["get", field.name], v], found)), other]
        return ["match", ["get", field.name], *(x for pair in values.items() for x in pair), other]
    steps = sorted((c for c in s.classes if c.below is not None), key=lambda c: c.below or 0)
    if not steps:
        return plain
    if isinstance(field, CountedField):
        # Tiles hold the features, the style their numbers, as this reader counts them.
        groups: dict[Any, list[int]] = {}
        for fid, value in field.numbers.items():
            number = bisect_right([c.below or 0 for c in steps], value)
            groups.setdefault(of(steps[number]) if number < len(steps) else other, []).append(fid)
        groups.pop(plain, None)
        return ["match", ["id"], *(x for found, fids in groups.items() for x in (fids, found)), plain] if groups else plain
    above = [of(c) for c in steps[1:]] + [other]
    number: list[Any] = ["to-number", ["get", field.name]]
    known: list[Any] = ["has", field.name]
    if s.per:
        number, known = ["/", number, ["to-number", ["get", s.per]]], ["all", known, ["has", s.per], ["!=", ["get", s.per], 0]]
    return ["case", known, ["step", number, of(steps[0]), *(x for c, found in zip(steps, above, strict=True) for x in (c.below, found))], plain]


def legend(layer: Layer, audience: Audience) -> dict[str, Any]:
    """Return the legend of a layer: {"layer", "title", "kind" (fill, line or circle), "field", "items"}.

    An item has a title in both languages, its value (or the bounds `from` and `below` of its class) and how it is drawn; one of a number
    that features may lack is followed by an item with `no_data`. `cells` says of a dense layer from which zoom on its features are
    shown one by one, and how squares (or dots) tell what there is before.
    """
    s = _symbology(layer)
    readable = {f.name: f for f in tile_fields(layer, audience)}
    field = counted_field(layer, audience) or (readable.get(s.field) if s.field and is_known(s.per, readable) else None)
    if field is not None and layer.drawn_as is not None:
        field = measured_by(layer, field)
    drawn: dict[str, Any] = {"outline": s.outline, "width_px": s.width_px, "opacity": s.opacity,
                             "dash": list(s.dash) if s.dash else None}
    kind = _GEOMETRIES.get(layer.geometry or "", "fill")
    if kind == "circle":
        drawn["radius_px"] = s.radius_px
    items: list[dict[str, Any]] = []
    if field is None or not s.classes:
        items.append({"title": _both(layer.title), "color": s.color} | drawn)
    else:
        low: float | None = None
        for c in s.classes:
            bounds = {"value": c.value} if c.value is not None else {"from": low, "below": c.below}
            wide = {name: size for name, size in (("width_px", c.width_px), ("radius_px", c.radius_px)) if size is not None and name in drawn}
            items.append({"title": _class_title(c, field, low), "color": c.color} | bounds | drawn | wide)
            low = c.below if c.below is not None else low
        if low is not None and not field.required:
            items.append({"title": {"zh": "无数据", "en": "No data"}, "color": s.color, "no_data": True} | drawn)
    return {"layer": layer.id, "title": _both(layer.title), "kind": kind, "min_zoom": 0 if s.cells else s.min_zoom,
            "field": None if field is None else {"name": s.field, "title": _both(field.title), "unit": field.unit}, "items": items,
            "cells": _cells_told(s, kind) if is_aggregated(layer) else None}


def _cells_told(s: Symbology, kind: str) -> dict[str, Any]:
    if kind == "circle":
        stops = [{"count": at, "radius_px": size} for at, size in cell_radius(s)]
        title = {"zh": f"缩放 {AGGREGATED + 1} 级以下：圆点大小表示要素数量", "en": f"Below zoom {AGGREGATED + 1}: the larger a dot, the more there are"}
    else:
        stops = [{"cover": at, "opacity": strength} for at, strength in cell_strength(s)]
        title = {"zh": f"缩放 {AGGREGATED + 1} 级以下：方格深浅表示覆盖率", "en": f"Below zoom {AGGREGATED + 1}: the stronger a square, the more is covered"}
    return {"below_zoom": AGGREGATED + 1, "title": title, "color": s.classes[0].color if s.classes else s.color, "stops": stops}


def _both(title: Any) -> Mapping[str, str]:
    return {"zh": title.zh, "en": title.en}


def _class_title(c: Class, field: LayerField, low: float | None) -> Mapping[str, str]:
    if c.title:
        return _both(c.title)
    if c.value is not None:
        code = (field.codes or {}).get(str(c.value))
        return _both(code) if code else dict.fromkeys(("zh", "en"), str(_literal(c.value, field)))
    unit = f" {field.unit}" if field.unit else ""
    if c.below is None:
        return {"zh": "其他", "en": "Other"} if low is None else {"zh": f"{low:g}{unit} 及以上", "en": f"{low:g}{unit} and more"}
    if low is None:
        return {"zh": f"小于 {c.below:g}{unit}", "en": f"below {c.below:g}{unit}"}
    return dict.fromkeys(("zh", "en"), f"{low:g}–{c.below:g}{unit}")
