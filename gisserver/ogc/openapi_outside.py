"""The paths of the OpenAPI document for layers of services of others."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import content, parameter, problems, ref
from layers.access import Audience

__all__ = ["outside_paths"]

_TEXT, _FLAG, _COUNT = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "minimum": 0}
_EXTENT = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4, "nullable": True}
_HOST = {"type": "object", "required": ["id", "origin", "title"], "properties": {
    "id": _COUNT, "origin": _TEXT, "title": {"type": "string", "nullable": True}, "private": _FLAG, "everyone": _FLAG, "allowed_by": _TEXT, "allowed_at": _TEXT}}
_LAYER = {"type": "object", "required": ["id", "title", "service", "origin", "attribution", "extent", "form", "tile_size", "max_zoom", "legend", "asks", "allowed"], "properties": {
    "id": _TEXT, "title": _TEXT, "service": _TEXT, "origin": _TEXT, "attribution": _TEXT, "extent": _EXTENT, "form": {"type": "string", "enum": ["pictures", "features"]},
    "tile_size": _COUNT, "max_zoom": _COUNT, "legend": _FLAG, "asks": _FLAG, "opaque": _FLAG, "style": _TEXT, "time": _TEXT, "warped": _FLAG, "allowed": _FLAG}}
_SERVICE = {"type": "object", "required": ["kind", "title", "attribution", "layers"], "properties": {
    "kind": _TEXT, "title": _TEXT, "abstract": _TEXT, "attribution": _TEXT, "layers": {"type": "array", "items": {
        "type": "object", "required": ["name", "title", "extent", "crs", "formats", "times", "drawable", "why"], "properties": {
            "name": _TEXT, "title": _TEXT, "extent": _EXTENT, "drawable": _FLAG, "why": {"type": "string", "nullable": True}}}}}}
_WISH = {"url": {"type": "string", "maxLength": 2000, "description": "Any http or https address of the service."},
         "kind": {"type": "string", "enum": ["auto", "wms", "wmts", "ogc-api", "xyz", "geojson"], "default": "auto"}}
_PICTURE = {"200": {"description": "A picture.", "content": content({"type": "string", "format": "binary"}, "image/png", "image/jpeg", "image/webp", "image/gif")}}


def _operation(name: str, summary: str, answer: dict[str, Any], statuses: tuple[str, ...], parameters: list[dict[str, Any]] | None = None,
               body: dict[str, Any] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": name, "tags": ["service"], "summary": summary, "parameters": [*(parameters or ()), ref("parameters", "lang")],
                            "responses": {**answer, **problems(*statuses)}}
    if body is not None:
        made["requestBody"] = {"required": True, "content": content(body, "application/json")}
    return made


def _given(schema: dict[str, Any], status: str = "200") -> dict[str, Any]:
    found: dict[str, Any] = {"description": "The answer.", "content": content(schema, "application/json")}
    return {status: found}


def outside_paths(audience: Audience) -> dict[str, Any]:
    """Return the paths of other services' layers; those that keep the list of hosts for who may."""
    one = [parameter("outside", {"type": "string", "pattern": "^out_[0-9a-f]{20}$"}, "Name of the layer.", "path")]
    tile = [parameter(name, {"type": "integer", "minimum": 0, "maximum": 99_999_999}, "Level, column or row of WebMercatorQuad.", "path") for name in ("z", "x", "y")]
    box = parameter("bbox", {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}, "minx,miny,maxx,maxy in degrees.", style="form",
                    explode=False, required=True)
    at = [parameter(name, {"type": "number", "minimum": low, "maximum": high}, words, required=True)
          for name, low, high, words in (("lon", -180, 180, "Longitude."), ("lat", -85, 85, "Latitude."), ("zoom", 0, 24, "Zoom of the map."))]
    closed = ("400", "401", "403", "404")
    layer = "/api/outside/layers/{outside}"
    paths: dict[str, Any] = {
        "/api/outside/hosts": {"get": _operation("outsideHosts", "The hosts of others that this server may ask", _given(
            {"type": "object", "required": ["hosts", "may_change"], "properties": {"hosts": {"type": "array", "items": _HOST}, "may_change": _FLAG}}), closed[:3])},
        "/api/outside/reading": {"post": _operation("readOutside", "What a service of others offers", _given(_SERVICE), ("400", "401", "403", "415"),
                                                    body={"type": "object", "additionalProperties": False, "required": ["url"], "properties": _WISH})},
        "/api/outside/layers": {
            "get": _operation("outsideLayers", "The layers of others that one keeps", _given(
                {"type": "object", "required": ["layers"], "properties": {"layers": {"type": "array", "items": _LAYER}}}), closed[:3]),
            "post": _operation("addOutside", "Make a layer of one that a service offers, and keep it", {"201": _given(_LAYER)["200"] | {
                "headers": {"Location": {"schema": _TEXT}}}}, ("400", "401", "403", "415"), body={
                    "type": "object", "additionalProperties": False, "required": ["url", "layer"], "properties": {
                        **_WISH, "layer": {"type": "string", "maxLength": 500}, "style": {"type": "string", "maxLength": 200}, "time": {"type": "string", "maxLength": 60}}})},
        layer: {"get": _operation("outsideLayer", "A layer of another service", _given(_LAYER), closed, one),
                "delete": _operation("forgetOutside", "Keep a layer no more", {"204": {"description": "Forgotten."}}, closed, one)},
        f"{layer}/tiles/{{z}}/{{x}}/{{y}}": {"get": _operation("outsideTile", "A tile, fetched by this server", _PICTURE, ("304", *closed), [*one, *tile])},
        f"{layer}/legend": {"get": _operation("outsideLegend", "The legend, fetched by this server", _PICTURE, ("304", *closed), one)},
        f"{layer}/features": {"get": _operation("outsideFeatures", "Features, fetched by this server", _given(
            {"type": "object", "required": ["type", "features", "complete"], "properties": {"type": _TEXT, "complete": _FLAG}}), closed, [*one, box])},
        f"{layer}/at": {"get": _operation("outsideAt", "What the service tells of a point", _given(
            {"type": "object", "required": ["features", "text"], "properties": {"features": {"type": "array", "items": {"type": "object"}}, "text": _TEXT}}), closed, [*one, *at])},
    }
    if "manage_layers" in audience.capabilities:
        host = {"type": "object", "additionalProperties": False, "required": ["origin"], "properties": {
            "origin": {"type": "string", "maxLength": 300}, "title": {"type": "string", "nullable": True, "maxLength": 120}, "private": _FLAG, "everyone": _FLAG}}
        paths["/api/outside/hosts"]["post"] = _operation("allowHost", "Allow a host", _given(_HOST, "201"), ("400", "401", "403", "415"), body=host)
        paths["/api/outside/hosts/{host}"] = {"delete": _operation("forbidHost", "Forbid a host", {"204": {"description": "Forbidden."}}, closed, [
            parameter("host", _COUNT | {"maximum": 2**53}, "Its number.", "path")])}
    return paths
