"""What the client needs to begin: the city and the reader's layers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from gisserver.ogc.systems import systems
from gisserver.page_words import GROUPS
from gisserver.reply import dump, reply_document
from gisserver.request import Request
from layers.access import Audience
from layers.layer import Layer, area_srid
from layers.ownership import ALL
from layers.roles import Roles
from tiles.symbology import legend
from tiles.themes import themed, themes

__all__ = ["config", "layer_view"]


def config(request: Request) -> Response:
    """Answer the city and the layers that this reader may read, with what may be done to each."""
    request.format(("json",))
    request.parameters.finish()
    context, audience, base = request.context, request.audience, request.base
    city = context.catalogue.city

    def make() -> bytes:
        layers = context.readable(audience)
        return dump({
            "city": city.model_dump(mode="json"), "layers": [
                layer_view(layer, audience, base, context.identity.roles) for layer in layers],
            "groups": {group: GROUPS.get(group, {"zh": group, "en": group}) for group in
                       dict.fromkeys(layer.group for layer in layers)},
            "systems": [{"uri": s.uri, "srid": s.srid, "flip": s.flip} for s in systems(city)],
            "languages": list(city.languages), "capabilities": sorted(audience.capabilities),
            "catalogue_version": context.catalogue.version, "audience": audience.fingerprint})

    body = context.document(audience, ("config", base), make)
    return reply_document(request, body[:-1] + b"," + dump({
        "seq": context.seq, "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": None if request.is_public else request.reader.actor, "personal": _personal(request)})[1:])


def _personal(request: Request) -> dict[str, list[dict[str, Any]]]:
    """Return the fields, layer by layer, that open to this reader for a reason (header `Gis-Reason`)."""
    opened = request.context.identity.personal(request.reader)
    if opened is None:
        return {}
    found = {layer.id: [f.model_dump(mode="json", exclude_defaults=True) for f in opened.fields(layer) if f.personal]
             for layer in request.context.readable(opened)}
    return {layer_id: fields for layer_id, fields in found.items() if fields}


def layer_view(layer: Layer, audience: Audience, base: str, roles: Roles) -> dict[str, Any]:
    """Return the definition of a layer as an audience knows it: without the fields it may not read, also where the
    definition names them, and with its grant."""
    grant, visible = audience.grant(layer.id), {f.name for f in audience.fields(layer)}
    view = layer.dump()
    view |= {"kind": layer.kind, "group": layer.group,
             "fields": [f.model_dump(mode="json", exclude_defaults=True) for f in audience.fields(layer)]}
    for name in ("key", "label", "district"):
        if view.get(name) not in visible:
            view.pop(name, None)
    if layer.owned and not visible.issuperset(view["owned"].values()):
        view.pop("owned")
    elif layer.owned:
        # Circles are a list of codes to the client: those that the reader is in.
        view["fields"] = [f | {"type": "code", "codes": {c: _circle(c, roles) for c in (grant.districts if grant else None) or (ALL,)}}
                          if f["name"] == layer.owned.seen_by else f for f in view["fields"]]
    view["rules"] = [rule for rule in view.get("rules", ()) if rule.get("via") is None or rule["via"] in visible]
    if layer.symbology:
        view["symbology"] = _symbology(view["symbology"], visible)
    if layer.kind == "spatial" and (others := themes(layer, audience)):
        view["styles"] = [{"name": name, "title": each.title.model_dump(), "symbology": _as(layer, name, audience), **_value_of(layer, name, audience)}
                          for name, each in others.items()]
    address = f"{base}/ogc/collections/{layer.id}"
    view |= {"edit": audience.may_edit(layer.id),
             "districts": None if grant is None or grant.districts is None else list(grant.districts),
             "links": {"collection": address, "items": f"{address}/items", "style": f"{base}/ogc/styles/{layer.id}"}}
    return view


def _as(layer: Layer, name: str, audience: Audience) -> dict[str, Any]:
    """Return how one of its other styles draws a layer, as far as that differs between them."""
    made = themed(layer, name, audience)
    assert made is not None and made.symbology is not None
    return made.symbology.model_dump(mode="json", exclude_defaults=True, include={"field", "per", "classes", "color", "opacity"})


def _value_of(layer: Layer, name: str, audience: Audience) -> dict[str, Any]:
    """Return what a published style is of, in words, where that is more than a field; and whether it counts another layer."""
    made = themed(layer, name, audience)
    variant = None if made is None else made.drawn_as
    if made is None or variant is None or (variant.of is None and area_srid(variant.per) is None):
        return {}
    told = legend(made, audience)["field"]
    return {"value": {"title": told["title"], "unit": told["unit"]}, "counts": None if variant.of is None else variant.of.layer}


def _circle(circle: str, roles: Roles) -> dict[str, str]:
    if circle == ALL:
        return {"zh": "所有可查看者", "en": "All who may read the layer"}
    if circle.startswith("person:"):
        return {"zh": "仅自己", "en": "Only me"}
    role = roles.roles[circle.removeprefix("role:")].title
    return {"zh": f"岗位：{role.zh}", "en": f"Role: {role.en}"}


def _symbology(symbology: dict[str, Any], visible: set[str]) -> dict[str, Any]:
    kept = dict(symbology)
    if kept.get("field") not in visible or kept.get("per", kept.get("field")) not in visible:
        kept.pop("field", None)
        kept.pop("per", None)
        kept.pop("classes", None)
    if kept.get("extrude") not in visible:
        kept.pop("extrude", None)
    if kept.get("label", {}).get("field") not in visible:
        kept.pop("label", None)
    return kept
