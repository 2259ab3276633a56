"""The legend of a sheet: what the colours of its layers mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from layers.access import Audience
from layers.layer import Class, Layer
from tiles.symbology import legend as tiles_legend

__all__ = ["Entry", "legend_of"]

Shape = Literal["area", "line", "point"]


@dataclass(frozen=True)
class Entry:
    """One line of a legend; without a shape it is a heading."""

    text: str
    color: str = "#888888"
    outline: str | None = None
    shape: Shape | None = None
    opacity: float = 1
    size_px: float | None = None


def legend_of(layers: Iterable[Layer], audience: Audience, language: str) -> list[Entry]:
    """Return the legend of layers, the topmost first: a line each, or a heading and a line for every class."""
    return [entry for layer in layers for entry in _of_layer(layer, audience, language)]


def _of_layer(layer: Layer, audience: Audience, language: str) -> list[Entry]:
    s = layer.symbology
    title = getattr(layer.title, language)
    kind: Shape = "point" if (layer.geometry or "").endswith("Point") else "line" if (layer.geometry or "").endswith("LineString") else "area"
    if s is None:
        return [Entry(title, shape=kind)]
    color, outline = s.color or "#888888", s.outline
    if layer.drawn_as is not None:
        told = tiles_legend(layer, audience)
        items = told["items"]
        measured = [Entry(told["field"]["title"][language])] if told["field"] else []
        return [Entry(f"{title} · {getattr(layer.drawn_as.title, language)}"), *measured, *(
            Entry(item["title"][language], item["color"], outline, kind, s.opacity, item.get("radius_px") if kind == "point" else None) for item in items)]
    visible = {f.name: f for f in audience.fields(layer)}
    if not s.classes or s.field not in visible:
        return [Entry(title, color, outline, kind, s.opacity)]
    codes = visible[s.field].codes or {}

    def text_of(number: int, each: Class) -> str:
        if each.title is not None:
            return str(getattr(each.title, language))
        if each.below is not None:
            low = s.classes[number - 1].below if number else None
            return f"< {each.below:g}" if low is None else f"{low:g} – {each.below:g}"
        code = codes.get(str(each.value))
        return str(getattr(code, language)) if code is not None else str(each.value)

    return [Entry(title), *(Entry(text_of(n, c), c.color, outline, kind, s.opacity) for n, c in enumerate(s.classes))]
