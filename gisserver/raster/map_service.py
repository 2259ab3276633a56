"""MapProxy inside this service: one application per version of the catalogue, called in the thread of a request.

What is protected is decided before MapProxy is asked and again by its `authorize` callback; its OGC API service, which
has no such callback, stays off. MapProxy hears only parameters that were read and written again by us.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import unescape

from gisserver.request import Request
from layers.errors import Unavailable
from layers.layer import Layer
from tiles.mapproxy_config import CITY, make_app, proxy_configuration

if TYPE_CHECKING:
    from gisserver.context import Context
    from tiles.mapproxy_source import Asked

__all__ = ["MapService"]

LOGGER = logging.getLogger(__name__)
_SAID = re.compile(r"<(?:ows:)?(?:ServiceException|ExceptionText)(?:\s[^>]*)?>([^<]{1,300})<")


class MapService:
    """The MapProxy of a process. It is loaded at the first request that needs it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._lock = threading.Lock()
        self._made: tuple[int, Any] | None = None

    def call(self, request: Request, path: str, parameters: dict[str, Any], asked: Asked | None = None) -> tuple[int, str, bytes]:
        """Ask MapProxy; return status, media type and body.

        `asked` says for whom maps are drawn; its fault, where one occurred, is raised. Raises Unavailable where MapProxy fails.
        """
        from tiles.mapproxy_source import ASKED

        base = urlsplit(request.base)
        environ = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": base.path.rstrip("/"), "PATH_INFO": path, "QUERY_STRING": urlencode(parameters),
            "HTTP_HOST": base.netloc, "SERVER_NAME": base.hostname or "localhost", "SERVER_PORT": str(base.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": base.scheme, "wsgi.errors": _Log(), "wsgi.input": None,
            "mapproxy.authorize": lambda service, layers=(), **_: self._permitted(request, layers)}
        status, kind = 500, "text/plain"

        def begin(line: str, headers: list[tuple[str, str]], problem: Any = None) -> None:
            nonlocal status, kind
            status, kind = int(line.partition(" ")[0]), next((v for k, v in headers if k.lower() == "content-type"), kind)

        token = ASKED.set(asked) if asked is not None else None
        try:
            body = b"".join(self._app()(environ, begin))
        finally:
            if token is not None:
                ASKED.reset(token)
        if asked is not None and asked.fault is not None:
            raise asked.fault
        if status >= 500:
            # Parameters were checked before; what fails now is a source.
            said = _SAID.search(body.decode("utf-8", "replace"))
            reason = unescape(said[1]).strip() if said else "try again"
            raise Unavailable(f"The map could not be made: {reason}.", f"地图无法生成：{reason}。")
        return status, kind, body

    def upstream_names(self, request: Request) -> list[str]:
        """Return the names of the layers of upstream services that a reader may see."""
        return [each.id for each in self.context.upstreams if each.everyone or not request.is_public]

    def _permitted(self, request: Request, names: Iterable[str]) -> dict[str, Any]:
        known, upstream = self.context.catalogue.layers, set(self.upstream_names(request))

        def may(name: str) -> bool:
            layer: Layer | None = known.get(name)
            return name == CITY or name in upstream or (layer is not None and request.audience.may_read(name))

        allowed = {"map": True, "tile": True, "featureinfo": True}
        return {"authorized": "partial", "layers": {name: allowed for name in names if may(name)}}

    def _app(self) -> Any:
        catalogue = self.context.catalogue
        made = self._made
        if made is not None and made[0] == catalogue.version:
            return made[1]
        with self._lock:
            if self._made is None or self._made[0] != catalogue.version:
                version, folder = catalogue.version, self.context.settings.var / "mapproxy"
                self._made = version, make_app(proxy_configuration(catalogue.city, list(catalogue.layers.values()), folder, self.context.upstreams), folder)
            return self._made[1]


class _Log:
    """Where MapProxy writes what went wrong."""

    def write(self, text: str) -> int:
        with suppress(ValueError):
            if text.strip():
                LOGGER.error("MapProxy: %s", text.rstrip())
        return len(text)

    def flush(self) -> None:
        return None
