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
from layers.access import Audience
from layers.audit import record
from layers.errors import Forbidden, InvalidParameter
from layers.features import count
from layers.layer import Class, Counted, Layer, Text, Variant
from layers.published_styles import (
    AREAS,
    MEASURED,
    OWN,
    PublishedStyle,
    UnknownStyle,
    fault_of,
    find_style,
    is_shown_to,
    list_styles,
    named_fields,
    publish_style,
    withdraw_style,
)
from layers.query import ItemQuery
from layers.statistics import chosen_field

__all__ = ["list_layer_styles", "post_layer_style", "withdraw_layer_style"]

CAPABILITY, OVER_OTHERS = "publish_styles", "manage_layers"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
LARGEST_PX = 96.0
# A style that counts carries a number for each feature.
MOST_ZONES = 5_000


class NewStyle(Body):
    """A fixed classification: class n holds values below `breaks[n]`, the last one all others; one colour each, and for lines and points a size.

    What is counted in zones (`value.of`) is counted anew for each reader, without a filter.
    """

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
    audience, reader, layers = request.audience, request.reader, request.context.catalogue.layers
    try:
        variant = each.variant()
    except ValidationError:
        return None
    if variant.of is not None:
        variant = variant.counting(layers.get(variant.of.layer))
    fault = fault_of(layer, variant, layers)
    # Of what is gone nothing can be learned but its name, and that only by who could have published it.
    if not is_shown_to(layer, variant, audience) and (fault is None or not _names_no_secret(audience, layers, layer, variant)):
        return None
    return {"id": each.id, "name": each.name, "style": f"{layer.id}.{each.name}", "layer": layer.id, "title": each.title, "version": each.version,
            "owner": None if request.is_public else each.owner, "mine": each.account_id is not None and each.account_id == reader.account_id, "changed_at": each.changed_at,
            "field": variant.field, "per": variant.per, "of": None if variant.of is None else variant.of.model_dump(mode="json", exclude_none=True), "classes": [c.model_dump(mode="json", exclude_defaults=True) for c in variant.classes],
            "no_data": variant.no_data, "fault": None if fault is None else {"en": fault[0], "zh": fault[1]},
            "may_withdraw": _may_withdraw(request, each)}


def _names_no_secret(audience: Audience, layers: dict[str, Layer], layer: Layer, variant: Variant) -> bool:
    """Does a style name nothing that is there and that a reader may not see?"""
    if variant.of is not None and variant.of.layer in layers and not audience.may_read(variant.of.layer):
        return False
    return all(layer_id not in layers or name not in layers[layer_id].by_name or name in {f.name for f in audience.fields(layers[layer_id])}
               for layer_id, name in named_fields(layer, variant))


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
    field, per, of, counted = _value(request, layer, body.value)
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
    return Variant(name="new", title=Text(zh=body.title, en=body.title), field=field, of=of, per=per, classes=classes, no_data=body.no_data.lower()).counting(counted)


def _value(request: Request, layer: Layer, value: ValueBody) -> tuple[str | None, str | None, Counted | None, Layer | None]:
    """Return what a style is of: a field of the layer, what it is divided by, what is counted, and the layer of that."""
    query, context = ItemQuery(layer, request.audience), request.context
    inner, of, counted = query, None, None
    if (value.of is not None or value.per == "area") and layer.geometry not in AREAS:
        raise InvalidParameter("value", f"the features of '{layer.id}' are no areas, in which something lies or over which something is spread.",
                               f"图层“{layer.id}”不是面图层，不能统计其中的要素，也不能按面积归一")
    if value.of is not None:
        if value.field is not None:
            raise InvalidParameter("value.field", "is given of what is counted: 'value.of.field'.", "应在 value.of.field 中给出")
        if value.of.filter is not None:
            raise InvalidParameter("value.of.filter", "is not a part of a style: it counts all that its reader may see.", "样式不含筛选：统计读者可见的全部要素")
        counted = request.layer_called(value.of.layer)
        if counted.kind != "spatial":
            raise WrongParameter("value.of.layer", "geometry_kind", layer=counted.id)
        inner = ItemQuery(counted, request.audience)
        if value.of.measure != "count" and value.of.field is None:
            raise WrongParameter("value.of.field", "missing")
        named = None if value.of.field is None else chosen_field(inner, value.of.field, "value.of.field", MEASURED).name
        of = Counted(layer=counted.id, measure=value.of.measure, field=named if value.of.measure != "count" else None)
        if count(context.store, query, MOST_ZONES + 1) > MOST_ZONES:
            raise InvalidParameter("layer", f"has more than {MOST_ZONES} features: too many zones for a style to count in.", f"要素超过 {MOST_ZONES} 个，不能作为统计分区的样式")
    elif value.field is None:
        raise WrongParameter("value.field", "missing")
    field = None if of is not None else chosen_field(query, value.field or "", "value.field", MEASURED).name
    if value.per == "none":
        return field, None, of, counted
    if value.per == "area":
        return field, f"area:{context.catalogue.city.projected_srid}", of, counted
    is_own = value.per.startswith(OWN) or of is None
    name = chosen_field(query if is_own else inner, value.per.removeprefix(OWN), "value.per", MEASURED).name
    return field, f"{OWN}{name}" if is_own and of is not None else name, of, counted


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
