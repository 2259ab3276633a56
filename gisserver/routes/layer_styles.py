"""`/api/styles`: a thematic map becomes a style of its layer, for all who may read what it shows, and is withdrawn again."""

from __future__ import annotations

import math
import re
from typing import Any

from pydantic import Field, ValidationError
from starlette.responses import Response

from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, done, read_body
from gisserver.routes.thematic import ValueBody
from gisserver.wording import WrongParameter
from layers.audit import record
from layers.errors import Forbidden, InvalidParameter
from layers.layer import Class, Layer, Text, Variant
from layers.published_styles import (
    MEASURED,
    PublishedStyle,
    UnknownStyle,
    fault_of,
    find_style,
    list_styles,
    publish_style,
    withdraw_style,
)
from layers.query import ItemQuery
from layers.statistics import chosen_field

__all__ = ["list_layer_styles", "post_layer_style", "withdraw_layer_style"]

CAPABILITY, OVER_OTHERS = "publish_styles", "manage_layers"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
LARGEST_PX = 96.0


class NewStyle(Body):
    """A fixed classification: class n holds values below `breaks[n]`, the last one all others; one colour each, and for lines and points a size."""

    layer: str
    title: str
    value: ValueBody
    breaks: list[float] = Field(min_length=1, max_length=11)
    colors: list[str] = Field(min_length=2, max_length=12)
    sizes: list[float] | None = Field(default=None, min_length=2, max_length=12)
    no_data: str = "#b9bfc5"


def list_layer_styles(request: Request) -> Response:
    """Answer the published styles of the layers that the reader may read, with what is wrong with those that can no longer be drawn."""
    request.parameters.finish()
    context, audience = request.context, request.audience
    layers = {layer.id: layer for layer in context.readable(audience) if layer.kind == "spatial"}
    may_see_faults = CAPABILITY in audience.capabilities
    told = []
    for each in list_styles(context.store, list(layers)):
        layer = layers[each.layer]
        shown = _described(request, each, layer)
        if shown is not None and (shown["fault"] is None or may_see_faults):
            told.append(shown)
    return answer({"styles": told})


def _described(request: Request, each: PublishedStyle, layer: Layer) -> dict[str, Any] | None:
    """Return a style as its readers see it; None where it shows what the reader may not know of."""
    audience, reader = request.audience, request.reader
    try:
        variant = each.variant()
    except ValidationError:
        return None
    named = [name for name in (variant.field, variant.per) if name is not None]
    readable = {f.name for f in audience.fields(layer)}
    # Of a field that is gone nothing can be learned but its name, and that only by who could have published it.
    if any(name in layer.by_name and name not in readable for name in named):
        return None
    fault = fault_of(layer, variant)
    return {"id": each.id, "name": each.name, "style": f"{layer.id}.{each.name}", "layer": layer.id, "title": each.title, "version": each.version,
            "owner": None if request.is_public else each.owner, "mine": each.account_id is not None and each.account_id == reader.account_id, "changed_at": each.changed_at,
            "field": variant.field, "per": variant.per, "classes": [c.model_dump(mode="json", exclude_defaults=True) for c in variant.classes],
            "no_data": variant.no_data, "fault": None if fault is None else {"en": fault[0], "zh": fault[1]},
            "may_withdraw": _may_withdraw(request, each)}


def _may_withdraw(request: Request, each: PublishedStyle) -> bool:
    able = request.audience.capabilities
    return CAPABILITY in able and (each.account_id in (None, request.reader.account_id) or OVER_OTHERS in able)


def post_layer_style(request: Request) -> Response:
    """Publish a style of a layer; one of the same title that the reader has published becomes its next version."""
    request.parameters.finish()
    account_id = request.reader.require_person()
    request.reader.require(CAPABILITY)
    body, context = read_body(request, NewStyle), request.context
    layer = request.layer_called(body.layer)
    if layer.kind != "spatial":
        raise WrongParameter("layer", "geometry_kind", layer=layer.id)
    variant = _variant(request, layer, body)
    made = publish_style(context.store, layer, account_id, body.title, variant, OVER_OTHERS in request.audience.capabilities)
    _renew(request)
    _note(request, made, "published")
    return answer(_described(request, made, layer), 201)


def _variant(request: Request, layer: Layer, body: NewStyle) -> Variant:
    """Read the classes of a body. Raises InvalidParameter that names the member."""
    value = body.value
    if value.of is not None or value.per == "area":
        raise InvalidParameter("value", "is worked out feature by feature; what tiles hold can be a style of the layer: a number of its own, or that "
                               "over another one. Keep this map as a shared theme instead.",
                               "是逐要素计算得出的；图层样式只能用图层自身的数值字段或两个字段之比。请改为共享专题。")
    if value.field is None:
        raise WrongParameter("value.field", "missing")
    query = ItemQuery(layer, request.audience)
    field = chosen_field(query, value.field, "value.field", MEASURED).name
    per = None if value.per == "none" else chosen_field(query, value.per.removeprefix("own:"), "value.per", MEASURED).name
    if not all(map(math.isfinite, body.breaks)) or sorted(set(body.breaks)) != body.breaks:
        raise InvalidParameter("breaks", "ascend, and all of them are numbers.", "应为递增的数值")
    for name, given in (("colors", body.colors), ("sizes", body.sizes)):
        if given is not None and len(given) != len(body.breaks) + 1:
            raise InvalidParameter(name, f"there are {len(body.breaks) + 1} classes, and {len(given)} were given.", f"共 {len(body.breaks) + 1} 级，却给出 {len(given)} 个")
    if wrong := [color for color in (*body.colors, body.no_data) if not _COLOR.match(color)]:
        raise WrongParameter("colors", "choice", value=wrong[0][:60], choices="#rrggbb")
    sized = ""
    if body.sizes is not None:
        sized = {"Point": "radius_px", "LineString": "width_px"}.get((layer.geometry or "").removeprefix("Multi"), "")
        if not sized:
            raise InvalidParameter("sizes", f"the features of '{layer.id}' are neither points nor lines.", f"图层“{layer.id}”不是点或线图层")
        if not all(0 < size <= LARGEST_PX for size in body.sizes):
            raise WrongParameter("sizes", "range", value=max(body.sizes, key=abs), low=0, high=LARGEST_PX)
    classes = tuple(Class(below=below, color=color.lower(), **({sized: size} if sized else {}))  # type: ignore[arg-type]
                    for below, color, size in zip((*body.breaks, None), body.colors, body.sizes or body.colors, strict=True))
    return Variant(name="new", title=Text(zh=body.title, en=body.title), field=field, per=per, classes=classes, no_data=body.no_data.lower())


def withdraw_layer_style(request: Request) -> Response:
    """Withdraw a published style."""
    request.parameters.finish()
    request.reader.require_person()
    request.reader.require(CAPABILITY)
    text = request.path["work"]
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise UnknownStyle(text)
    found = find_style(request.context.store, int(text), request.audience)
    layer = request.context.catalogue.layers.get(found.layer)
    if layer is None or _described(request, found, layer) is None:
        raise UnknownStyle(text)
    if not _may_withdraw(request, found):
        raise Forbidden("Somebody else has published this style; who manages layers may withdraw it.", "该样式由他人发布，仅发布者或图层管理员可撤回。")
    withdraw_style(request.context.store, found.id)
    _renew(request)
    _note(request, found, "withdrawn")
    return done()


def _renew(request: Request) -> None:
    """Let this process draw by the new styles at once; others hear of it within seconds."""
    context = request.context
    context.catalogue.refresh()
    context.expiry.forget()


def _note(request: Request, style: PublishedStyle, what: str) -> None:
    record(request.context.store, request.reader.acting(request.scope), "layer_defined", layer=style.layer, detail={"style": style.name, "title": style.title, "was": what})
