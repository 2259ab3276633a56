"""`/api/audit`: what the auditor reads."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.identity import Reader
from gisserver.request import Request
from gisserver.routes.bodies import answer
from layers.audit import EVENTS, entries, record, verify
from layers.moments import parse_moment

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]

MOST = 1000
_BIGGEST = 2**53


def _auditor(request: Request) -> Reader:
    reader: Reader = request.reader
    reader.require("read_audit")
    reader.require_person()
    return reader


def list_entries(request: Request) -> Response:
    """Answer entries of the audit, newest first; `before` asks for the page after, null on the last."""
    reader, p = _auditor(request), request.parameters
    filters: dict[str, Any] = {"event": p.take_choice("event", EVENTS), "actor": p.take("actor"), "layer": p.take("layer")}
    for name in ("account_id", "fid", "seq", "before"):
        filters[name] = p.take_integer(name, 0, 1, _BIGGEST) or None
    filters["succeeded"] = None if "succeeded" not in p else p.take_flag("succeeded")
    for name in ("from", "to"):
        filters[name] = p.take_as(name, lambda text, name=name: parse_moment(text, name).at)
    limit = p.take_integer("limit", 100, 1, MOST, clamp=True)
    p.finish()
    found = entries(request.context.store, filters, limit)
    if filters["before"] is None:
        # Once for a reading, not for each page of it.
        record(request.context.store, reader.acting(request.scope), "audit_read",
               detail={k: str(v) for k, v in filters.items() if v is not None})
    return answer({"entries": found, "before": found[-1]["id"] if len(found) == limit else None})


def list_events(request: Request) -> Response:
    """Answer the kinds of entries, with their titles."""
    _auditor(request)
    request.parameters.finish()
    return answer({"events": {name: title.model_dump() for name, title in EVENTS.items()}})


def get_verdict(request: Request) -> Response:
    """Walk the chain and answer whether it is whole, with its head, which an auditor may note down elsewhere."""
    _auditor(request)
    request.parameters.finish()
    return answer(asdict(verify(request.context.store)))


def routes(context: Context) -> list[Route]:
    """Return the routes of the audit."""
    return [route(context, "/api/audit", list_entries), route(context, "/api/audit/events", list_events),
            route(context, "/api/audit/verify", get_verdict)]
