"""`/auth/keys`: one's own API keys, for programs and GIS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.identity import Reader
from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, done, number, read_body
from layers.errors import UnknownLayer
from layers.keys import LONGEST_DAYS, create_key, keys, revoke_key

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]


class NewKey(Body):
    title: str
    layers: list[str] | None = None
    days: int = Field(default=90, ge=1, le=LONGEST_DAYS)
    can_edit: bool = False


def list_keys(request: Request) -> Response:
    """Answer one's own keys, without the keys themselves."""
    request.parameters.finish()
    return answer({"keys": keys(request.context.store, request.reader.require_person())})


def post_key(request: Request) -> Response:
    """Make a key for some of one's layers. The key is in this answer and nowhere else."""
    request.parameters.finish()
    reader: Reader = request.reader
    account_id = reader.require_person()
    reader.require("make_keys")
    body = read_body(request, NewKey)
    for layer in body.layers or ():
        if not reader.audience.may_read(layer):
            raise UnknownLayer(layer)
    key, described = create_key(request.context.store, reader.acting(request.scope), account_id, body.title, body.layers, body.days,
                                body.can_edit)
    return answer({**described, "key": key}, 201)


def delete_key(request: Request) -> Response:
    """Revoke one of one's own keys."""
    request.parameters.finish()
    reader: Reader = request.reader
    revoke_key(request.context.store, reader.acting(request.scope), number(request), reader.require_person())
    request.context.identity.forget()
    return done()


def routes(context: Context) -> list[Route]:
    """Return the routes of keys."""
    return [route(context, "/auth/keys", list_keys), route(context, "/auth/keys", post_key, ("POST",)),
            route(context, "/auth/keys/{id}", delete_key, ("DELETE",))]
