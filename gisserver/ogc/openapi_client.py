"""The paths of the OpenAPI document that the map client lives on: saved views, counts of changes, printing."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import content, parameter, problems, ref
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
    return _views()


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
