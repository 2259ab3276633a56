"""Other styles of a layer than its own symbology: one by each of its code fields that tiles hold, and those that people have published."""

from __future__ import annotations

from functools import lru_cache

from layers.access import Audience
from layers.layer import Class, Layer, LayerField, Symbology, Variant
from layers.published_styles import is_shown_to
from layers.statement import SameLayer

__all__ = ["PREFIX", "themed", "themes", "varied"]

PREFIX = "by_"
# Twelve colours that stay apart from each other also for eyes that see fewer (after Paul Tol's muted and light schemes).
COLORS = ("#88ccee", "#cc6677", "#ddcc77", "#44aa99", "#aa4499", "#999933", "#6699cc", "#ee8866", "#bbcc33", "#997700", "#ffaabb", "#77aadd")
NOTHING = "#c8c8c8"


def themes(layer: Layer, audience: Audience) -> dict[str, LayerField | Variant]:
    """Return the names of a layer's other styles, and what each is: a field that it is by, or a published style.

    As far as the audience may read what they show; both have a title in two languages.
    """
    own = layer.symbology.field if layer.symbology else None
    fields = audience.fields(layer)
    found: dict[str, LayerField | Variant] = {
        f"{PREFIX}{f.name}": f for f in fields if f.codes and f.tile and f.name != own and len(f.codes) <= len(COLORS)}
    return found | {v.name: v for v in layer.variants if is_shown_to(layer, v, audience)}


def themed(layer: Layer, name: str, audience: Audience) -> Layer | None:
    """Return the layer as one of its other styles draws it; None where the audience has no such style. The same one each time."""
    found = themes(layer, audience).get(name)
    if found is None:
        return None
    return _published(SameLayer(layer), found.name) if isinstance(found, Variant) else _made(SameLayer(layer), found.name)


@lru_cache(maxsize=200)
def _made(same: SameLayer, name: str) -> Layer:
    layer, s = same.layer, same.layer.symbology or Symbology()
    classes = tuple(Class(value=code, color=color) for code, color in zip(layer.field(name).codes or {}, COLORS, strict=False))
    return layer.model_copy(update={"symbology": s.model_copy(update={
        "field": name, "per": None, "classes": (*classes, Class(color=NOTHING)), "color": NOTHING, "opacity": _seen(s)})})


@lru_cache(maxsize=200)
def _published(same: SameLayer, name: str) -> Layer:
    return varied(same.layer, next(v for v in same.layer.variants if v.name == name))


def varied(layer: Layer, variant: Variant) -> Layer:
    """Return the layer as a published style draws it."""
    s = layer.symbology or Symbology()
    # What is counted is no field of the layer's (`tiles.measured`).
    per = variant.per if variant.of is None else None
    return layer.drawn_in(variant, s.model_copy(update={
        "field": variant.field if variant.of is None else None, "per": per, "classes": variant.classes, "color": variant.no_data, "opacity": _seen(s)}))


def _seen(s: Symbology) -> float:
    # An area that is drawn as an outline alone has to be filled to show anything.
    return 0.8 if s.opacity <= 0.05 else s.opacity
