"""`/api/queries` and `/api/themes`: queries that a person keeps, and thematic styles, which may be shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import Field
from starlette.responses import Response

from gisserver.endpoint import Handler
from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, done, read_body
from gisserver.wording import WrongParameter
from layers.access import Audience
from layers.filters import parse_filter, question
from layers.kept_work import KeptWork, Kind, UnknownWork, delete_work, keep_work, list_work
from layers.layer import Layer
from layers.query import ItemQuery

__all__ = ["delete_query", "delete_theme", "is_visible", "list_queries", "list_themes", "post_query", "post_theme", "shared_themes"]


class NewQuery(Body):
    """A query: the client's conditions, and the same as CQL2 JSON, which is checked against the layer."""

    layer: str
    title: str
    conditions: list[dict[str, Any]] = Field(max_length=200)
    filter: dict[str, Any]


class NewTheme(Body):
    """A thematic style: the client's theme, whose fields are looked at."""

    layer: str
    title: str
    theme: dict[str, Any]
    shared: bool = False


def _described(work: KeptWork, account_id: int | None) -> dict[str, Any]:
    inner = work.definition if work.kind == "query" else {"theme": work.definition, "shared": work.is_shared}
    return {"id": work.id, "layer": work.layer, "title": work.title, "mine": work.account_id == account_id, "owner": work.owner,
            "changed_at": work.changed_at, **inner}


def _listed(request: Request, kind: Kind, account_id: int | None) -> list[KeptWork]:
    """Return what this reader may know of: a style that names what he may not read does not exist for him."""
    context, audience = request.context, request.audience
    names = [layer.id for layer in context.readable(audience)]
    layers = context.catalogue.layers
    return [work for work in list_work(context.store, kind, account_id, names)
            if kind == "query" or is_visible(work.definition, layers[work.layer], layers, audience)]


def is_visible(theme: dict[str, Any], layer: Layer, layers: Mapping[str, Layer], audience: Audience) -> bool:
    """May an audience know everything that a theme of a layer names?"""
    def reads(name: Any, of: Layer) -> bool:
        return name is None or name in {f.name for f in audience.fields(of)}

    def value_of(value: Any) -> bool:
        if not isinstance(value, dict):
            return value is None
        inner, counted = value.get("of"), layer
        if isinstance(inner, dict):
            name = inner.get("layer")
            if not isinstance(name, str) or name not in layers or not audience.may_read(name):
                return False
            counted = layers[name]
            if not reads(inner.get("field"), counted):
                return False
        per = value.get("per")
        if isinstance(per, str) and per.startswith("own:"):
            per, counted = per[4:], layer
        return reads(value.get("field"), layer) and (per in (None, "none", "area") or reads(per, counted))

    return value_of(theme.get("value")) and value_of(theme.get("second")) and reads(theme.get("by"), layer)


def shared_themes(request: Request) -> list[KeptWork]:
    """Return the styles that this reader may use: the own ones and those that are shared."""
    return _listed(request, "theme", request.reader.account_id)


def _list(kind: Kind, name: str) -> Handler:
    def handle(request: Request) -> Response:
        request.parameters.finish()
        reader = request.reader
        found = [] if kind == "query" and reader.account_id is None else _listed(request, kind, reader.account_id)
        return answer({name: [_described(work, reader.account_id) for work in found]})
    handle.__name__ = f"list_{name}"
    return handle


def _delete(kind: Kind, name: str) -> Handler:
    def handle(request: Request) -> Response:
        request.parameters.finish()
        account_id = request.reader.require_person()
        text = request.path["work"]
        if not (text.isascii() and text.isdecimal() and len(text) < 18):
            raise UnknownWork(text)
        delete_work(request.context.store, kind, int(text), account_id)
        return done()
    handle.__name__ = f"delete_{name}"
    return handle


list_queries, list_themes = _list("query", "queries"), _list("theme", "themes")
delete_query, delete_theme = _delete("query", "query"), _delete("theme", "theme")


def post_query(request: Request) -> Response:
    """Keep a query; one of the same title is replaced."""
    request.parameters.finish()
    account_id = request.reader.require_person()
    body = read_body(request, NewQuery)
    context = request.context
    layer = context.layer_for(request.audience, body.layer)
    # A query that cannot be asked is not kept.
    question(ItemQuery(layer, request.audience, filter=parse_filter(orjson.dumps(body.filter).decode(), "cql2-json")), context.catalogue.city.storage_srid)
    made = keep_work(context.store, account_id, "query", layer.id, body.title, {"conditions": body.conditions, "filter": body.filter})
    return answer(_described(made, account_id), 201)


def post_theme(request: Request) -> Response:
    """Keep a thematic style; one of the same title is replaced."""
    request.parameters.finish()
    account_id = request.reader.require_person()
    body = read_body(request, NewTheme)
    context = request.context
    layer = context.layer_for(request.audience, body.layer)
    if layer.kind != "spatial":
        raise WrongParameter("layer", "geometry_kind", layer=layer.id)
    if not is_visible(body.theme, layer, context.catalogue.layers, request.audience):
        raise WrongParameter("theme", "kind", value="a style of layers and fields that you may read")
    made = keep_work(context.store, account_id, "theme", layer.id, body.title, body.theme, body.shared)
    return answer(_described(made, account_id), 201)
