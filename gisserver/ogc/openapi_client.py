"""The paths of the OpenAPI document that the map client lives on: saved views, counts of changes, printing."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import MOMENT, content, parameter, problems, ref
from layers.access import Audience
from layers.layer import Layer

__all__ = ["client_paths"]

_TEXT = {"type": "string"}
_STATE = {"type": "object", "description": "Camera, time, layers, filters, selection, tool; the client's own."}
_SHARING = {"type": "string", "enum": ["private", "role", "public"]}
_TITLE = {"type": "string", "nullable": True, "minLength": 1, "maxLength": 120}
_ROLE = {"type": "string", "nullable": True}
_VIEW = {"type": "object", "required": ["id", "title", "sharing", "role", "mine", "href", "created_at", "changed_at"], "properties": {
    "id": _TEXT, "title": _TITLE, "sharing": _SHARING, "role": _ROLE, "mine": {"type": "boolean"}, "href": _TEXT,
    "owner": {"type": "string", "nullable": True}, "state": _STATE,
    "complete": {"type": "boolean", "description": "False where it names layers or fields that this reader may not see."}}}
_NEW = {"type": "object", "additionalProperties": False, "properties": {"title": _TITLE, "sharing": _SHARING, "role": _ROLE, "state": _STATE}}


def client_paths(layers: list[Layer], audience: Audience) -> dict[str, Any]:
    """Return the paths of the map client, for the layers of an audience."""
    stored = [layer.id for layer in layers if layer.is_stored]
    spatial = [layer.id for layer in layers if layer.is_stored and layer.geometry is not None]
    return _views() | (_changes(stored) if stored else {}) | (_print(spatial) if spatial else {}) | (
        _report(spatial) if spatial and "export" in audience.capabilities else {})


def _operation(name: str, summary: str, statuses: tuple[str, ...], answer: dict[str, Any], parameters: list[dict[str, Any]] | None = None,
               body: dict[str, Any] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": name, "tags": ["service"], "summary": summary,
                            "parameters": [*(parameters or ()), ref("parameters", "lang")],
                            "responses": {**answer, **problems(*statuses)}}
    if body is not None:
        made["requestBody"] = {"required": True, "content": content(body, "application/json")}
    return made


def _given(schema: dict[str, Any], status: str = "200", description: str = "The view.") -> dict[str, Any]:
    return {status: {"description": description, "content": content(schema, "application/json")}}


def _views() -> dict[str, Any]:
    name = [parameter("view", {"type": "string", "pattern": "^[A-Za-z0-9]{10}$"}, "The view's short name.", "path")]
    listed = {"type": "object", "required": ["views"], "properties": {"views": {"type": "array", "items": _VIEW}}}
    made = _given(_VIEW, "201", "Kept.")
    made["201"]["headers"] = {"Location": {"schema": _TEXT}}
    return {
        "/api/views": {
            "get": _operation("views", "One's bookmarks, and those of one's roles", ("400", "401", "403"), _given(listed, description="Views.")),
            "post": _operation("postView", "Keep a view under a short name", ("400", "401", "403", "415"), made,
                               body=_NEW | {"required": ["state"]})},
        "/api/views/{view}": {
            "get": _operation("view", "A saved view", ("400", "404"), _given(_VIEW), name),
            "patch": _operation("patchView", "Rename, share or renew a view", ("400", "401", "403", "404", "415"), _given(_VIEW), name, _NEW),
            "delete": _operation("deleteView", "Forget a view", ("400", "401", "403", "404"), {"204": {"description": "Forgotten."}}, name)},
    }


_COUNTS = {"type": "object", "required": ["built", "ended", "changed"], "properties": {
    kind: {"type": "integer", "minimum": 0} for kind in ("built", "ended", "changed")}}
_BOX = parameter("bbox", {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
                 "Only what meets this box: minx,miny,maxx,maxy in degrees.", style="form", explode=False)


def _changes(stored: list[str]) -> dict[str, Any]:
    form = parameter("f", {"type": "string", "enum": ["json"]}, "Format of the answer.")
    when = [parameter(name, MOMENT, words, required=True) for name, words in (("from", "The earlier moment."), ("to", "The later moment."))]
    periods = {"type": "object", "required": ["total", "periods"], "properties": {
        "total": _COUNTS, "periods": {"type": "array", "items": _COUNTS | {"required": ["from", *_COUNTS["required"]]}}}}
    known = ref("parameters", "known-at")
    layers = parameter("layers", {"type": "array", "items": {"type": "string", "enum": stored}, "minItems": 1}, "Layers.", style="form",
                       explode=False, required=True)
    step = parameter("step", {"type": "string", "enum": ["year", "month", "day"], "default": "year"}, "How long a period is.")
    limit = parameter("limit", {"type": "integer", "minimum": 1, "maximum": 10000, "default": 1000}, "List at most so many; all are counted.")
    kinds = parameter("change", {"type": "array", "items": {"type": "string", "enum": ["built", "ended", "changed"]}, "minItems": 1},
                      "List only these kinds; all are counted.", style="form", explode=False)
    geometry = parameter("geometry", {"type": "boolean"}, "Give the later geometry, as GeoJSON in CRS84.")
    listed = {"type": "object", "required": ["differences", "counts", "complete"], "properties": {
        "counts": _COUNTS, "complete": {"type": "boolean"}, "differences": {"type": "array", "items": {
            "type": "object", "required": ["fid", "change", "before", "after", "place", "moved"]}}}}
    return {
        "/api/changes/counts": {"get": _operation("changeCounts", "How much begins, ends and changes when", ("304", "400", "404", "406"),
                                                  _given(periods, description="Counts; periods without change are absent."),
                                                  [form, layers, *when, step, _BOX, known])},
        "/api/diff": {"get": _operation("diff", "What was built, ended and changed between two moments", ("304", "400", "401", "403", "404", "406"),
                                        _given(listed, description="Differences; as a file (`f` csv, geojson) for who may export."), [
            parameter("f", {"type": "string", "enum": ["json", "csv", "geojson"]}, "Format of the answer."), kinds, parameter("layer", {"type": "string", "enum": stored}, "A layer.", required=True), *when, limit, _BOX, geometry])},
    }


def _report(spatial: list[str]) -> dict[str, Any]:
    layer, texts = {"type": "string", "enum": spatial}, {"type": "array", "items": _TEXT}
    wish = {"type": "object", "additionalProperties": False, "required": ["layers"], "properties": {
        "title": {"type": "string", "maxLength": 120}, "author": {"type": "string", "maxLength": 80},
        "layers": {"type": "array", "minItems": 1, "maxItems": 20, "description": "From the ground up.", "items": {
            "type": "object", "additionalProperties": False, "required": ["layer"], "properties": {
                "layer": layer, "filter": _CONDITION, "datetime": MOMENT, "style": _TEXT, "fields": texts | {"maxItems": 40}}}},
        "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}, "datetime": MOMENT,
        "known_at": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 2**53}, MOMENT]},
        "base": {"type": "string", "enum": ["none", "map", "imagery"], "default": "none"}, "imagery": _TEXT,
        "tables": {"type": "array", "maxItems": 12, "items": {"type": "object", "additionalProperties": False, "required": ["layer", "by"], "properties": {
            "layer": layer, "by": _TEXT, "fields": texts | {"maxItems": 8}, "chart": {"type": "boolean", "default": True}}}}}}
    made = {"200": {"description": "The report.", "content": content(_TEXT, "text/html")},
            "201": {"description": "A job makes it (`Prefer: respond-async`).", "headers": {"Location": {"schema": _TEXT}},
                    "content": content({"type": "object", "required": ["jobID", "status"]}, "application/json")}}
    return {"/api/reports": {"post": _operation("report", "The map as one HTML file that stands alone", ("400", "401", "403", "404", "415"), made, body=wish)}}


_CONDITION = {"type": "object", "nullable": True, "description": "CQL2 JSON."}


def _theme(layer: dict[str, Any]) -> dict[str, Any]:
    numbers, color = {"type": "array", "items": {"type": "number"}}, {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
    of = {"type": "object", "additionalProperties": False, "required": ["layer"], "properties": {
        "layer": layer, "measure": {"type": "string", "enum": ["count", "sum", "mean"]}, "field": _TEXT, "filter": _CONDITION}}
    value = {"type": "object", "additionalProperties": False, "properties": {"field": _TEXT, "of": of, "per": _TEXT}}
    return {"type": "object", "additionalProperties": False, "required": ["layer", "kind"], "properties": {
        "layer": layer, "kind": {"type": "string", "enum": ["choropleth", "graduated", "bivariate", "heat", "cluster", "charts"]}, "value": value,
        "second": value, "breaks": numbers | {"maxItems": 11}, "second_breaks": numbers | {"maxItems": 2}, "colors": {"type": "array", "items": color, "maxItems": 12},
        "sizes": numbers | {"maxItems": 12}, "no_data": color, "filter": _CONDITION, "datetime": MOMENT}}


def _print(spatial: list[str]) -> dict[str, Any]:
    form = parameter("f", {"type": "string", "enum": ["json"]}, "Format of the answer.")
    layer = {"type": "string", "enum": spatial}
    wish = {"type": "object", "additionalProperties": False, "required": ["layers", "scale"], "properties": {
        "layers": {"type": "array", "maxItems": 60, "description": "The first one lowest.", "items": {
            "type": "object", "additionalProperties": False, "required": ["layer"], "properties": {
                "layer": layer, "filter": _CONDITION, "datetime": MOMENT, "style": _TEXT | {"description": "One of the layer's styles."}}}},
        "scale": {"type": "number", "minimum": 200, "maximum": 2_000_000, "description": "The N of 1:N."},
        "center": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2, "description": "Longitude, latitude; or `atlas`."},
        "paper": {"type": "string", "enum": ["A4", "A3", "A2", "A1", "A0"], "default": "A4"},
        "orientation": {"type": "string", "enum": ["portrait", "landscape"], "default": "landscape"},
        "title": {"type": "string", "maxLength": 120}, "format": {"type": "string", "enum": ["pdf", "png"], "default": "pdf"},
        "datetime": MOMENT, "known_at": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 2**53}, MOMENT]},
        **{name: {"type": "boolean", "default": True} for name in ("grid", "legend", "seal")},
        "atlas": {"type": "object", "additionalProperties": False, "required": ["layer", "fids"], "properties": {
            "layer": layer, "fids": {"type": "array", "minItems": 1, "maxItems": 30, "items": {"type": "integer"}}}},
        "imagery": {"type": "object", "additionalProperties": False, "required": ["layer"], "properties": {"layer": _TEXT, "datetime": MOMENT}},
        "themes": {"type": "array", "maxItems": 12, "items": _theme(layer)},
        "outside": {"type": "array", "maxItems": 12, "description": "Layers of services of others, the first one lowest.", "items": {
            "type": "object", "additionalProperties": False, "required": ["layer"], "properties": {
                "layer": {"type": "string", "pattern": "^out_[0-9a-f]{20}$"}, "opacity": {"type": "number", "minimum": 0, "maximum": 1, "default": 1},
                "over": {"type": "boolean", "default": True, "description": "Over the city's own layers, or under them."}}}}}}
    sheet = {"200": {"description": "The sheets.", "headers": {"Content-Disposition": {"schema": _TEXT}}, "content": content(
        {"type": "string", "format": "binary"}, "application/pdf", "image/png")}}
    sheet["201"] = {"description": "A job makes it (`Prefer: respond-async`).", "headers": {"Location": {"schema": _TEXT}},
                    "content": content({"type": "object", "required": ["jobID", "status"]}, "application/json")}
    return {"/api/print": {
        "get": _operation("papers", "The sheets there are, and how large the map is on each", ("304", "400", "406"),
                          _given({"type": "object", "required": ["papers"]}, description="Sheets."), [form]),
        "post": _operation("print", "A map on paper at true scale, in the city's projected grid", ("400", "401", "404", "415"), sheet, body=wish)}}
