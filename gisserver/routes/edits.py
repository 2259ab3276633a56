"""Changesets: written together, listed, looked at and undone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from gisserver.ogc.transactions import checked, write
from gisserver.reply import dump, reply_document
from gisserver.request import Request
from gisserver.routes.changeset_body import read_changeset
from gisserver.wording import WrongParameter
from layers import history
from layers.errors import Forbidden, NotAuthenticated, UnknownChangeset

__all__ = ["changeset", "changesets", "post_changeset", "undo"]

MAX_LISTED = 1000


def post_changeset(request: Request) -> Response:
    """Write a changeset: all its edits, or none. With `check=true` only say what it would be refused for."""
    if not any(request.audience.may_edit(layer.id) for layer in request.context.readable(request.audience)):
        if request.is_public:
            raise NotAuthenticated("Sign in first.")
        raise Forbidden("You may not edit any layer.")
    check = request.parameters.take_flag("check")
    request.parameters.finish()
    body = request.json()
    made = read_changeset(body, request.reader.actor)
    if check:
        return checked(request, made)
    applied = write(request, made, body)
    return _applied(applied, 201, f"{request.base}/api/changesets/{applied.seq}")


def _applied(applied: Any, status: int, location: str) -> Response:
    document = {"seq": applied.seq, "recorded_at": applied.recorded_at, "fids": applied.fids,
                "versions": applied.versions, "temp_ids": dict(applied.temp_ids or {})}
    return Response(dump(document), status, {"Gis-Seq": str(applied.seq), "Location": location,
                                             "Cache-Control": "no-store"}, "application/json")


def changesets(request: Request) -> Response:
    """Answer the changesets after a number, oldest first."""
    p, context = request.parameters, request.context
    request.format(("json",))
    since = p.take_integer("since", 0, 0, 2**53)
    limit = p.take_integer("limit", 100, 1, MAX_LISTED)
    p.finish()
    found = history.changes_since(context.store, context.catalogue, request.audience, since, limit)
    return reply_document(request, {"changesets": [describe(request, info) for info in found],
                                    "seq": history.current_seq(context.store)})


def describe(request: Request, info: history.ChangesetInfo) -> dict[str, Any]:
    """Return a changeset as this reader may know it.

    Who edited, why and from which document is told only to who has the permission, and may read something of what was
    edited.
    """
    document = asdict(info)
    if not (request.reader.may("read_changesets") and info.layers):
        document |= {"actor": None, "reason": None, "source": None}
    for touched in document["layers"]:
        # The envelope of rows that the reader does not see would tell where they are.
        if not request.audience.sees_whole(touched["layer"]):
            touched["envelope"] = None
    return document


def changeset(request: Request) -> Response:
    """Answer one changeset with the features it touched, layer by layer."""
    context, seq = request.context, _seq(request)
    request.format(("json",))
    limit = request.parameters.take_integer("limit", MAX_LISTED, 1, 10_000)
    request.parameters.finish()
    document = describe(request, history.changeset(context.store, context.catalogue, request.audience, seq))
    for touched in document["layers"]:
        layer = context.catalogue.layer(touched["layer"])
        touched["features"] = history.touched_features(context.store, layer, request.audience, seq, limit)
    return reply_document(request, document)


def undo(request: Request) -> Response:
    """Undo a changeset by its inverse; refused with the list where later edits depend on it."""
    context, seq = request.context, _seq(request)
    request.parameters.finish()
    request.reader.require("undo")
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        raise WrongParameter("body", "object")
    for name in body.keys() - {"reason"}:
        raise WrongParameter(name, "member", value=name, known="reason")
    reason = body.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise WrongParameter("reason", "kind", value="text")
    applied = history.undo(context.store, context.catalogue, request.audience, seq, request.reader.actor, reason)
    context.catch_up(applied.seq)
    return _applied(applied, 201, f"{request.base}/api/changesets/{applied.seq}")


def _seq(request: Request) -> int:
    text = request.path["seq"]
    if not (text.isascii() and text.isdecimal() and len(text) < 17):
        raise UnknownChangeset(text)
    return int(text)
