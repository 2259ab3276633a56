"""One request as the handlers see it: who asks, what, in which language and format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.types import Scope

from gisserver.errors import NotAcceptable, UnsupportedMediaType
from gisserver.language import preferred_language
from gisserver.parameters import Parameters
from gisserver.wording import WrongParameter
from layers.errors import NotFound, UnknownLayer

if TYPE_CHECKING:
    from gisserver.context import Context
    from layers.access import Audience
    from layers.layer import Layer

__all__ = ["MEDIA_TYPES", "Request"]

MEDIA_TYPES = {
    "json": "application/json",
    "geojson": "application/geo+json",
    "html": "text/html",
    "csv": "text/csv",
    "schema": "application/schema+json",
    "openapi": "application/vnd.oai.openapi+json;version=3.0",
    "mvt": "application/vnd.mapbox-vector-tile",
    "CoverageJSON": "application/prs.coverage+json",
}


class Request:
    """A request, with its body already read."""

    __slots__ = ("_headers", "_parameters", "body", "context", "path", "scope")

    def __init__(self, scope: Scope, context: Context, body: bytes = b"") -> None:
        self.scope, self.context, self.body = scope, context, body
        self.path: dict[str, str] = scope.get("path_params", {})
        self._parameters: Parameters | None = None
        self._headers: dict[bytes, bytes] | None = None

    @property
    def method(self) -> str:
        return self.scope["method"]

    @property
    def reader(self) -> Any:
        """Return who is asking, as the identity middleware found out."""
        return self.scope["state"]["reader"]

    @property
    def audience(self) -> Audience:
        return self.scope["state"]["reader"].audience

    @property
    def parameters(self) -> Parameters:
        if self._parameters is None:
            self._parameters = Parameters(self.scope.get("query_string", b""))
        return self._parameters

    @property
    def language(self) -> str:
        return preferred_language(self.scope)

    @property
    def page_language(self) -> str:
        """Return the language of a page: the client's, else the city's first."""
        return preferred_language(self.scope, self.context.catalogue.city.languages[0])

    @property
    def base(self) -> str:
        """Return the base of all links, without a closing slash."""
        return self.context.base_url(self.scope)

    @property
    def is_public(self) -> bool:
        """Does the reader see what everybody sees?"""
        return self.reader.is_public

    def header(self, name: str) -> str | None:
        """Return a request header (name in lower case)."""
        if self._headers is None:
            self._headers = dict(self.scope["headers"])
        value = self._headers.get(name.encode())
        return None if value is None else value.decode("latin-1")

    def layer(self, name: str = "collection") -> Layer:
        """Return the layer that the address names.

        Raises UnknownLayer also where this reader may not know of it.
        """
        return self.layer_called(self.path[name])

    def layer_called(self, layer_id: str) -> Layer:
        """Return a layer by its id, as `layer` does."""
        try:
            return self.context.layer_for(self.audience, layer_id)
        except UnknownLayer:
            # Looking for it may have brought a newer catalogue; then the reader's grants are made from that one.
            reader = self.context.identity.find(self.scope["state"]["presented"])
            if reader is self.reader:
                raise
            self.scope["state"]["reader"] = reader
            return self.context.layer_for(reader.audience, layer_id)

    def fid(self) -> int:
        """Return the feature number of the address; NotFound where it cannot be one."""
        text = self.path["fid"]
        if not (text.isascii() and text.isdecimal() and len(text) < 17):
            raise NotFound(f"There is no feature '{text}'.")
        return int(text)

    def format(self, offered: tuple[str, ...]) -> str:
        """Choose the format of the answer: the parameter `f`, else the best of Accept, else the first offered.

        Raises WrongParameter for an unknown `f`, NotAcceptable where Accept excludes all that is offered.
        """
        chosen = self.parameters.take_choice("f", offered)
        if chosen is not None:
            return chosen
        accept = self.header("accept")
        if accept is None or accept == "*/*":
            return offered[0]
        return _best_format(accept, offered)

    def json(self, *kinds: str) -> Any:
        """Return the body as JSON values.

        Raises UnsupportedMediaType if Content-Type is none of `kinds` (or application/json), WrongParameter if the body
        is no JSON.
        """
        kind = (self.header("content-type") or "").partition(";")[0].strip().lower()
        if kind not in ("application/json", *kinds):
            raise UnsupportedMediaType(f"Content-Type '{kind}' is not taken here; send one of: "
                                       f"{', '.join(('application/json', *kinds))}.")
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise WrongParameter("body", "json", value=str(error)) from None


def _best_format(accept: str, offered: tuple[str, ...]) -> str:
    best, weight = None, 0.0
    for part in accept.split(","):
        kind, *options = (piece.strip() for piece in part.lower().split(";"))
        quality = next((o[2:] for o in options if o.startswith("q=")), "1")
        try:
            q = float(quality)
        except ValueError:
            continue
        if q <= weight:
            continue
        for name in offered:
            if _accepts(kind, name):
                best, weight = name, q
                break
    if best is None:
        raise NotAcceptable(f"Offered are: {', '.join(MEDIA_TYPES[name] for name in offered)}.")
    return best


def _accepts(kind: str, name: str) -> bool:
    media = MEDIA_TYPES[name].partition(";")[0]
    if kind in ("*/*", media) or (kind.endswith("/*") and media.startswith(kind[:-1])):
        return True
    # GeoJSON and JSON Schema are JSON; clients that know only the general name are served.
    return kind == "application/json" and name in ("geojson", "schema", "openapi")
