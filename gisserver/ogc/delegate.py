"""What pygeoapi answers: records, coverages. We carry its handlers, and ask first who may.

Its handlers are plain functions of (api, request, names). They always make JSON; pages are ours, since its own load from
other hosts. Its features, its tiles and its writing are not carried at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from pygeoapi.api import API, APIRequest
from starlette.requests import Request as StarletteRequest

from gisserver.context import Context
from gisserver.errors import CarriedProblem
from gisserver.ogc.providers import ASKING
from gisserver.ogc.pygeoapi_config import pygeoapi_config
from gisserver.request import Request
from layers.errors import NotFound
from tiles.coverages import rasters_of

__all__ = ["Carried", "carry"]

_apis: dict[tuple[int, int, str, tuple[tuple[str, str], ...]], API] = {}
_making = threading.Lock()


class Carried:
    """An answer of pygeoapi's: status, headers and body; `document` is the body as JSON values."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def document(self) -> Any:
        return orjson.loads(self.body)


def carry(request: Request, handler: Callable[..., Any], *names: str, form: str = "json") -> Carried:
    """Call a handler of pygeoapi for this reader.

    Raises CarriedProblem (or NotFound) for what it refuses.
    """
    ASKING.set(request.audience)
    api = _api(request.context, request.base)
    # Some of its handlers read the format from the address again, so it is said there.
    query = urlencode({name: value for name, value in request.parameters.items() if name not in ("f", "lang")} | {"f": form})
    # The language is said below; of Accept-Language it knows no 'zh' without a country.
    headers = [pair for pair in request.scope["headers"] if pair[0] != b"accept-language"]
    asked = APIRequest(StarletteRequest(request.scope | {"query_string": query.encode(), "headers": headers}), api.locales)
    asked._data = request.body
    asked._locale = next(locale for locale in api.locales if str(locale).startswith(request.language))
    headers, status, content = handler(api, asked, *names)
    body = content if isinstance(content, bytes) else str(content).encode()
    if int(status) >= 400:
        raise _problem(int(status), body)
    return Carried(int(status), headers, body)


def _api(context: Context, base: str) -> API:
    """Return the API object of this catalogue; made again when the catalogue has changed."""
    # Of a coverage it serves one file: what lies on top now.
    files = {layer.id: shown[0].path for layer in context.catalogue.layers.values() if layer.kind == "coverage"
             and (shown := rasters_of(context.store, context.settings.var, layer).files)}
    key = (id(context), context.catalogue.version, base, tuple(files.items()))
    api = _apis.get(key)
    if api is None:
        # The constructor changes globals of its module: one at a time, and always to the same values.
        with _making:
            api = _apis.get(key)
            if api is None:
                if len(_apis) > 16:
                    _apis.clear()
                api = _apis[key] = API(pygeoapi_config(context.catalogue, base, files), {})
    return api


def _problem(status: int, body: bytes) -> Exception:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = {}
    code, message = told.get("code", ""), told.get("description", "") or "The request is wrong."
    if code == "InvalidParameterValue" and status >= 500:
        status = 400                    # its coverages say 500 for a bbox that cannot be read
    if status == 404:
        return NotFound(message)
    return CarriedProblem(status, message)
