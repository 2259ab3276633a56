"""`/api/search`: names, addresses, codes and pinyin initials."""

from __future__ import annotations

from starlette.responses import Response

from gisserver.parameters import number
from gisserver.reply import reply_document
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.moments import parse_moment
from layers.search import search

__all__ = ["search_city"]


def search_city(request: Request) -> Response:
    """Answer what is called so, best first."""
    p, context, audience = request.parameters, request.context, request.audience
    request.format(("json",))
    text = p.take("q")
    limit = p.take_integer("limit", 20, 1, 200)
    moment = p.take_as("datetime", lambda value: parse_moment(value, "datetime").at)
    near = p.take_as("near", _near)
    layers = p.take_names("layers", "*", (layer.id for layer in context.readable(audience)))
    p.finish()
    if text is None:
        raise WrongParameter("q", "missing")
    found = search(context.store, audience, context.catalogue, text, limit, moment, near, layers)
    return reply_document(request, {"results": found})


def _near(text: str) -> tuple[float, float]:
    parts = [number("near", part.strip()) for part in text.split(",")]
    if len(parts) != 2:
        raise WrongParameter("near", "pair")
    return parts[0], parts[1]
