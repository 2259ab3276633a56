"""Create, replace, update and delete: each is a changeset of one (OGC API Features Part 4)."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from starlette.responses import Response

from gisserver.ogc.bodies import read_feature
from gisserver.ogc.items import etag_of
from gisserver.personal import audience_to_edit
from gisserver.reply import dump
from gisserver.request import Request
from gisserver.wording import WrongParameter, fault_message
from layers.edits import KEEP, Changeset, Edit, apply_changeset, check_changeset
from layers.errors import Conflict, Forbidden, NotAuthenticated, NotFound, PreconditionRequired, Rejected, UnknownFeature
from layers.features import versions
from layers.layer import Layer
from layers.query import ItemQuery
from layers.staging import Applied

__all__ = ["EditConflict", "checked", "create_item", "delete_item", "replace_item", "update_item", "write"]

# The version is what is compared; the representation and the coding behind it do not matter for writing.
_ETAG = re.compile(r'"(\d{1,18})\.[0-9a-z]+(?:\+(?:gzip|zstd))?"\Z')
MAX_REASON_CHARACTERS = 2000


class EditConflict(Conflict):
    """A conflict with all three sides: the version that was edited, what stands now, and what was sent."""

    def __init__(self, conflict: Conflict, base: Any, yours: Any) -> None:
        super().__init__(conflict.layer, conflict.fid, conflict.expected, conflict.current, conflict.theirs)
        self.base, self.yours = base, yours

    def details(self) -> dict[str, Any]:
        return super().details() | {"base": self.base, "yours": self.yours}


@dataclass(frozen=True)
class _Manner:
    """How an edit is meant: its time and reason, and whether it is only tried."""

    valid_from: str | None
    valid_to: str | None
    correct: bool
    reason: str | None
    check: bool


def _manner(request: Request, *without: str) -> _Manner:
    p = request.parameters

    def take(name: str) -> str | None:
        return None if name in without else p.take(name)

    manner = _Manner(take("valid-from"), take("valid-to"), "correct" not in without and p.take_flag("correct"),
                     take("reason"), p.take_flag("check"))
    if manner.reason and len(manner.reason) > MAX_REASON_CHARACTERS:
        raise WrongParameter("reason", "text", value=f"{manner.reason[:40]}…", high=MAX_REASON_CHARACTERS)
    p.finish()
    return manner


def create_item(request: Request) -> Response:
    """Create a feature; 201 with its address and validator."""
    layer, manner = _editable(request), _manner(request, "correct")
    body = read_feature(request, layer, partial=False)
    edit = Edit(layer.id, "create", properties=body.properties, geometry=body.geometry, srid=body.srid,
                valid_from=manner.valid_from, valid_to=manner.valid_to)
    return _write_one(request, layer, edit, manner, 201)


def replace_item(request: Request) -> Response:
    """Replace a feature: from `valid-from` on (now) it is what the body says."""
    return _change(request, partial=False)


def update_item(request: Request) -> Response:
    """Update a feature with a JSON merge patch (RFC 7396)."""
    return _change(request, partial=True)


def _change(request: Request, partial: bool) -> Response:
    layer, fid, manner = _editable(request), request.fid(), _manner(request)
    expected = _expected(request)
    body = read_feature(request, layer, partial, fid)
    edit = Edit(layer.id, "correct" if manner.correct else "put", fid=fid, properties=body.properties, partial=partial,
                geometry=body.geometry, srid=body.srid, valid_from=manner.valid_from, valid_to=manner.valid_to,
                expected_version=expected)
    return _write_one(request, layer, edit, manner, 200)


def delete_item(request: Request) -> Response:
    """End a feature at `valid-from` (now); its past stays readable."""
    layer, fid, manner = _editable(request), request.fid(), _manner(request, "valid-to", "correct")
    edit = Edit(layer.id, "retire", fid=fid, valid_from=manner.valid_from, expected_version=_expected(request))
    return _write_one(request, layer, edit, manner, 204)


def _editable(request: Request) -> Layer:
    """Return the layer of the address if this reader may edit it."""
    layer = request.layer()
    if not request.audience.may_edit(layer.id):
        if request.is_public:
            raise NotAuthenticated("Sign in first.")
        raise Forbidden(f"You may read layer '{layer.id}', but not edit it.")
    return layer


def _expected(request: Request) -> int:
    header = request.header("if-match")
    if header is None or header.strip() == "*":
        raise PreconditionRequired("Send the ETag of the feature you read in If-Match; '*' is not enough to know what "
                                   "you saw.")
    found = _ETAG.match(header.strip().removeprefix("W/"))
    if not found:
        raise WrongParameter("If-Match", "etag", value=header[:80])
    return int(found[1])


def _write_one(request: Request, layer: Layer, edit: Edit, manner: _Manner, status: int) -> Response:
    changeset = Changeset([edit], request.reader.actor, manner.reason)
    yours = {"properties": edit.properties} | ({} if edit.geometry is KEEP else {"geometry": edit.geometry})
    if manner.check:
        return checked(request, changeset)
    applied = write(request, changeset, yours)
    fid, version = applied.fids[0], applied.versions[0]
    headers = {"Gis-Seq": str(applied.seq), "Cache-Control": "no-store"}
    if status == 204 or version is None:
        return Response(b"", 204, headers)
    headers["ETag"] = etag_of(version, ItemQuery(layer, request.audience))
    if status == 201:
        headers["Location"] = f"{request.base}/ogc/collections/{layer.id}/items/{fid}"
    receipt = {"id": fid, "version": version, "seq": applied.seq, "recorded_at": applied.recorded_at}
    return Response(dump(receipt), status, headers, "application/json")


def checked(request: Request, changeset: Changeset) -> Response:
    """Answer what a changeset would be refused for, without writing it."""
    context = request.context
    faults = check_changeset(context.store, context.catalogue, audience_to_edit(request, changeset), changeset)
    # Said as a refusal says it: in the reader's language, and beside it in English for programs.
    told = [{**asdict(fault), "message": fault_message(asdict(fault), request.language), "message_en": fault.message} for fault in faults]
    return Response(dump({"faults": told}), 200, {"Cache-Control": "no-store"},
                    "application/json")


def write(request: Request, changeset: Changeset, yours: Any) -> Applied:
    """Apply a changeset for this reader. Raises EditConflict with what the edit started from beside what stands now."""
    context = request.context
    try:
        applied = apply_changeset(context.store, context.catalogue, audience_to_edit(request, changeset), changeset)
    except Conflict as conflict:
        raise EditConflict(conflict, _edited_version(request, conflict), yours) from None
    except Rejected as rejected:
        if len(changeset.edits) == 1 and [fault.code for fault in rejected.faults] == ["unknown"]:
            raise UnknownFeature(changeset.edits[0].layer, changeset.edits[0].fid) from None
        raise
    context.catch_up(applied.seq)
    return applied


def _edited_version(request: Request, conflict: Conflict) -> Any:
    """Return the version the edit started from, as far as this reader may still see it."""
    layer = request.context.catalogue.layer(conflict.layer)
    try:
        known = versions(request.context.store, ItemQuery(layer, request.audience), conflict.fid)
    except NotFound:
        return None
    return next((v for v in known if v.get("version_id") == conflict.expected), None)
