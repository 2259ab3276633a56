"""`/api/views`: short links and bookmarks. What a view names that its reader may not see is left out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.identity import Reader
from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, done, read_body
from gisserver.wording import WrongParameter
from layers.access import Audience
from layers.saved_views import SavedView, Sharing, change_view, delete_view, find_view, list_views, save_view

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes", "visible_state"]

# What a filter may name beside the fields of its layer.
_OWN = {"id", "version", "valid", "valid_from", "valid_to", "geometry"}


class NewView(Body):
    state: dict[str, Any]
    title: str | None = None
    sharing: Sharing = "private"
    role: str | None = None


class ChangedView(Body):
    state: dict[str, Any] | None = None
    title: str | None = None
    sharing: Sharing | None = None
    role: str | None = None


def visible_state(context: Context, audience: Audience, state: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the part of a state that a reader may know of, and whether that is all of it.

    Out go members and list entries that name a layer the reader may not read, and whatever a layer is asked by a field the
    reader may not read.
    """
    layers = context.catalogue.layers
    hidden = {name for name in layers if not audience.may_read(name)}
    fields = {name: _OWN | {f.name for f in audience.fields(layer)} for name, layer in layers.items() if name not in hidden}
    kept = _kept(state, hidden, fields)
    return kept, kept == state


def _names(value: Any) -> set[str]:
    """Return the fields that a filter or an order names, wherever they stand in it."""
    if isinstance(value, dict):
        own = {value[key] for key in ("field", "property") if isinstance(value.get(key), str)}
        return own.union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if isinstance(value, list) else set()


def _layer_of(text: Any) -> str:
    """Return the layer that a text may name: itself, or before a dot as in a feature's name."""
    return text.partition(".")[0] if isinstance(text, str) else ""


def _kept(value: Any, hidden: set[str], fields: dict[str, set[str]]) -> Any:
    if isinstance(value, dict):
        return {key: _kept(part, hidden, fields) for key, part in value.items()
                if key not in hidden and _layer_of(part) not in hidden and not (isinstance(part, dict) and _layer_of(part.get("layer")) in hidden)
                and not (key in fields and _names(part) - fields[key])}
    if isinstance(value, list):
        return [_kept(part, hidden, fields) for part in value
                if _layer_of(part) not in hidden and not (isinstance(part, dict) and _layer_of(part.get("layer")) in hidden)]
    return value


def _describe(request: Request, view: SavedView, with_state: bool = True) -> dict[str, Any]:
    reader: Reader = request.reader
    told = {"id": view.id, "title": view.title, "sharing": view.sharing, "role": view.role, "mine": view.account_id == reader.account_id,
            "owner": view.owner if not reader.is_public else None, "created_at": view.created_at, "changed_at": view.changed_at,
            "href": f"{request.base}/#v={view.id}"}
    if with_state:
        told["state"], told["complete"] = visible_state(request.context, request.audience, view.state)
    return told


def list_own(request: Request) -> Response:
    """Answer one's own bookmarks and those of one's roles."""
    request.parameters.finish()
    account_id = request.reader.require_person()
    found = list_views(request.context.store, account_id, request.reader.roles)
    return answer({"views": [_describe(request, view, False) for view in found]})


def post_view(request: Request) -> Response:
    """Keep a view."""
    request.parameters.finish()
    account_id = request.reader.require_person()
    body = read_body(request, NewView)
    view = save_view(request.context.store, account_id, request.reader.roles, body.state, body.title, body.sharing, body.role)
    return answer(_describe(request, view), 201, {"Location": f"{request.base}/api/views/{view.id}"})


def get_view(request: Request) -> Response:
    """Answer a view that is one's own, one's role's or everybody's."""
    request.parameters.finish()
    reader: Reader = request.reader
    return answer(_describe(request, find_view(request.context.store, request.path["view"], reader.account_id, reader.roles)))


def patch_view(request: Request) -> Response:
    """Rename a view, share it otherwise, or keep another state under its name."""
    request.parameters.finish()
    account_id = request.reader.require_person()
    body = read_body(request, ChangedView)
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    for name in ("state", "sharing"):
        if name in changes and changes[name] is None:
            raise WrongParameter(name, "missing")
    view = change_view(request.context.store, request.path["view"], account_id, request.reader.roles, changes)
    return answer(_describe(request, view))


def remove_view(request: Request) -> Response:
    """Forget a view."""
    request.parameters.finish()
    account_id = request.reader.require_person()
    delete_view(request.context.store, request.path["view"], account_id, request.reader.roles)
    return done()


def routes(context: Context) -> list[Route]:
    """Return the routes of saved views."""
    return [route(context, "/api/views", list_own), route(context, "/api/views", post_view, ("POST",)),
            route(context, "/api/views/{view}", get_view), route(context, "/api/views/{view}", patch_view, ("PATCH",)),
            route(context, "/api/views/{view}", remove_view, ("DELETE",))]
