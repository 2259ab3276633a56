"""Links between the resources of OGC API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from gisserver.request import MEDIA_TYPES

__all__ = ["REL", "alternates", "link", "with_parameters"]

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
TITLES = {"json": "JSON", "geojson": "GeoJSON", "html": "HTML", "csv": "CSV", "schema": "JSON Schema",
          "openapi": "OpenAPI 3.0"}


def link(href: str, rel: str, kind: str = "json", title: str | None = None, **more: Any) -> dict[str, Any]:
    """Return one link object; `kind` is a name of MEDIA_TYPES or a media type."""
    made = {"href": href, "rel": rel, "type": MEDIA_TYPES.get(kind, kind)}
    if title:
        made["title"] = title
    return made | more


def with_parameters(address: str, parameters: dict[str, Any]) -> str:
    """Return an address with query parameters; None values are left out."""
    kept = {name: value for name, value in parameters.items() if value is not None}
    return f"{address}?{urlencode(kept)}" if kept else address


def alternates(address: str, formats: tuple[str, ...], chosen: str,
               parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the `self` and `alternate` links of a resource in its formats, the chosen one first."""
    kept = {name: value for name, value in (parameters or {}).items() if name not in ("f", "key")}
    ordered = (chosen, *(f for f in formats if f != chosen))
    return [link(with_parameters(address, kept | {"f": name}), "self" if name == chosen else "alternate", name,
                 TITLES.get(name)) for name in ordered]
