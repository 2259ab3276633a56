"""Personal fields: absent, until a reader who may see them says why; then the audit keeps who, what and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from gisserver.request import Request
from layers.access import Audience
from layers.audit import record
from layers.edits import Changeset
from layers.errors import InvalidParameter
from layers.layer import Layer

__all__ = ["audience_for", "audience_to_edit"]

SHORTEST, LONGEST = 4, 500


def audience_for(request: Request, layer: Layer, fid: int | None = None, **detail: Any) -> Audience:
    """Return the audience to read a layer with: the one with personal fields where a reason was given, else the plain one.

    The reason comes as the parameter `reason` or the header `Gis-Reason` (percent-encoded UTF-8). It is in the audit before
    anything is read; `detail` says what was asked for beside the feature. A reason from who may not open personal fields, or
    on a layer that has none for them, opens nothing and is not noted.

    Raises InvalidParameter for a reason that says nothing.
    """
    given = request.parameters.take("reason")
    if given is None:
        header = request.header("gis-reason")
        given = None if header is None else unquote(header)
    plain = request.audience
    if given is None:
        return plain
    opened = request.context.identity.personal(request.reader)
    if opened is None or not any(f.personal for f in opened.fields(layer)):
        return plain
    reason = " ".join(given.split())
    if not SHORTEST <= len(reason) <= LONGEST:
        raise InvalidParameter("reason", f"has {SHORTEST} to {LONGEST} characters", f"须为 {SHORTEST} 至 {LONGEST} 个字符")
    query = request.scope.get("query_string", b"").decode("latin-1")
    record(request.context.store, request.reader.acting(request.scope), "personal_opened", layer=layer.id, fid=fid, reason=reason,
           detail={"fields": [f.name for f in opened.fields(layer) if f.personal], **({"query": query[:2000]} if fid is None else {}), **detail})
    return opened


def audience_to_edit(request: Request, changeset: Changeset) -> Audience:
    """Return the audience to write a changeset with: the one with personal fields where an edit names one of them.

    The changeset needs a reason then, which the audit keeps with the edit. Raises InvalidParameter where it has none.
    """
    layers = request.context.catalogue.layers
    if not any(f.personal and f.name in (edit.properties or {}) for edit in changeset.edits if edit.layer in layers
               for f in layers[edit.layer].fields):
        return request.audience
    opened = request.context.identity.personal(request.reader)
    if opened is None:
        return request.audience
    if not SHORTEST <= len((changeset.reason or "").strip()) <= LONGEST:
        raise InvalidParameter("reason", f"has {SHORTEST} to {LONGEST} characters where personal fields are edited",
                               f"编辑个人信息须说明理由（{SHORTEST} 至 {LONGEST} 个字符）")
    return opened
