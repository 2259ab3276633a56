"""Coloured shapes as a page of vectors: what a thematic map lays over its layer, class by class."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from layers.errors import Unavailable
from tiles.map_view import MapView
from tiles.mapnik_page import Page

__all__ = ["ColoredClass", "Shape", "draw_colored"]

Kind = Literal["area", "line", "point"]
Shape = tuple[bytes, int]
_EDGE = "#ffffff"


@dataclass(frozen=True)
class ColoredClass:
    """How a class is drawn: its colour, opacity, and in pixels of the screen the width of its lines or the radius of its points."""

    color: str
    opacity: float = 1
    size_px: float = 3


def draw_colored(shapes: Iterable[Shape], kind: Kind, classes: Sequence[ColoredClass], view: MapView) -> Page:
    """Draw shapes (WKB in the view's CRS, number of the class) on a transparent page of the view's size.

    Raises Unavailable where Mapnik fails.
    """
    import mapnik

    made, context = mapnik.MemoryDatasource(), mapnik.Context()
    context.push("c")
    for number, (wkb, of) in enumerate(shapes):
        feature = mapnik.Feature(context, number)
        feature.geometry = mapnik.Geometry.from_wkb(wkb)
        feature["c"] = of
        made.add_feature(feature)
    try:
        drawn = mapnik.Map(view.width, view.height)
        mapnik.load_map_from_string(drawn, _sheet(kind, classes, view.srid), True)
        drawn.aspect_fix_mode = mapnik.aspect_fix_mode.RESPECT
        layer = drawn.layers[0]
        layer.datasource = made
        # By value: a layer that is taken from the list is a copy until it is put back.
        drawn.layers[0] = layer
        drawn.zoom_to_box(mapnik.Box2d(*view.bbox))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "shapes.pdf"
            mapnik.render_to_file(drawn, str(path), "pdf", view.ratio)
            return Page(path.read_bytes(), view.width, view.height)
    except (RuntimeError, MemoryError) as error:
        raise Unavailable("The thematic map could not be drawn; try fewer features.") from error


def _sheet(kind: Kind, classes: Sequence[ColoredClass], srid: int) -> str:
    rules = "".join(f"<Rule><Filter>[c] = {n}</Filter>{_symbol(kind, each)}</Rule>" for n, each in enumerate(classes))
    return (f'<Map srs="epsg:{srid}"><Style name="s" filter-mode="first">{rules}</Style>'
            f'<Layer name="l" srs="epsg:{srid}"><StyleName>s</StyleName></Layer></Map>')


def _symbol(kind: Kind, c: ColoredClass) -> str:
    if kind == "area":
        return (f'<PolygonSymbolizer fill="{c.color}" fill-opacity="{c.opacity:g}"/>'
                f'<LineSymbolizer stroke="{_EDGE}" stroke-width="0.6" stroke-opacity="{c.opacity:g}"/>')
    if kind == "line":
        return f'<LineSymbolizer stroke="{c.color}" stroke-width="{c.size_px:g}" stroke-opacity="{c.opacity:g}" stroke-linejoin="round" stroke-linecap="round"/>'
    return (f'<MarkersSymbolizer marker-type="ellipse" fill="{c.color}" fill-opacity="{c.opacity:g}" width="{c.size_px * 2:g}" height="{c.size_px * 2:g}" '
            f'stroke="{_EDGE}" stroke-width="1" allow-overlap="true" ignore-placement="true"/>')
