"""Themes of a layer: beside its own symbology, one map by each of its code fields that tiles hold."""

from __future__ import annotations

from functools import lru_cache

from layers.access import Audience
from layers.layer import Class, Layer, LayerField, Symbology
from layers.statement import SameLayer

__all__ = ["PREFIX", "themed", "themes"]

PREFIX = "by_"
# Twelve colours that stay apart from each other also for eyes that see fewer (after Paul Tol's muted and light schemes).
COLORS = ("#88ccee", "#cc6677", "#ddcc77", "#44aa99", "#aa4499", "#999933", "#6699cc", "#ee8866", "#bbcc33", "#997700", "#ffaabb", "#77aadd")
NOTHING = "#c8c8c8"


def themes(layer: Layer, audience: Audience) -> dict[str, LayerField]:
    """Return the names of a layer's themes and the fields they are by, as far as the audience may read them."""
    own = layer.symbology.field if layer.symbology else None
    return {f"{PREFIX}{f.name}": f for f in audience.fields(layer) if f.codes and f.tile and f.name != own and len(f.codes) <= len(COLORS)}


def themed(layer: Layer, name: str, audience: Audience) -> Layer | None:
    """Return the layer as one of its themes draws it; None where the audience has no such theme. The same one each time."""
    field = themes(layer, audience).get(name)
    return None if field is None else _made(SameLayer(layer), field.name)


@lru_cache(maxsize=200)
def _made(same: SameLayer, name: str) -> Layer:
    layer, s = same.layer, same.layer.symbology or Symbology()
    classes = tuple(Class(value=code, color=color) for code, color in zip(layer.field(name).codes or {}, COLORS, strict=False))
    # An area that is drawn as an outline alone has to be filled to show anything.
    opacity = 0.8 if s.opacity <= 0.05 else s.opacity
    return layer.model_copy(update={"symbology": s.model_copy(update={
        "field": name, "classes": (*classes, Class(color=NOTHING)), "color": NOTHING, "opacity": opacity})})
