"""The parts of the OpenAPI document that do not depend on the layers: parameters, answers, shapes."""

from __future__ import annotations

from typing import Any

__all__ = ["MOMENT", "PARAMETERS", "RESPONSES", "SCHEMAS", "SECURITY", "content", "parameter", "problem", "problems", "ref"]

_TEXT, _FLAG = {"type": "string"}, {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_YEAR = r"(000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-8]\d{3}|9[0-8]\d\d)"
_DAY = _YEAR + r"(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])"
_WHEN = _DAY + r"([Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d))?)?)?"
MOMENT = {"type": "string", "pattern": f"^{_WHEN}$", "example": "2020-06-01"}
_STAMP = {"type": "string", "format": "date-time"}
_INTERVAL = {"type": "string", "pattern": rf"^({_WHEN}|(\.\.)?/{_WHEN}|{_WHEN}/(\.\.)?|\.\./\.\.)$", "example": "2010-01-01"}


def ref(kind: str, name: str) -> dict[str, str]:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def parameter(name: str, schema: dict[str, Any], description: str, where: str = "query", **more: Any) -> dict[str, Any]:
    """Return a parameter object."""
    return {"name": name, "in": where, "description": description, "schema": schema, "required": where == "path"} | more


def content(schema: dict[str, Any], *kinds: str) -> dict[str, Any]:
    """Return a `content` map of one schema in some media types."""
    return {kind: {"schema": schema} for kind in kinds}


def problem(description: str) -> dict[str, Any]:
    """Return the response object of a kind of problem."""
    return {"description": description, "content": content(ref("schemas", "Problem"), "application/problem+json")
            | content(_TEXT, "text/html")}


def problems(*statuses: str) -> dict[str, Any]:
    """Return the responses of some failures, and of any other."""
    return {status: ref("responses", _PROBLEMS[status]) for status in statuses} | {"default": ref("responses", "Problem")}


_PROBLEMS = {"304": "NotModified", "400": "BadRequest", "401": "NotAuthenticated", "403": "Forbidden", "404": "NotFound",
             "406": "NotAcceptable", "409": "UndoRefused", "410": "Gone", "412": "Conflict", "415": "UnsupportedMediaType",
             "422": "Rejected", "428": "PreconditionRequired"}

PARAMETERS: dict[str, dict[str, Any]] = {
    "lang": parameter("lang", {"type": "string", "enum": ["zh", "en"]}, "Language of titles and errors."),
    "bbox": parameter("bbox", {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
                      "Features that meet this box: minx,miny,maxx,maxy (or 6 numbers with heights, which do not count).",
                      style="form", explode=False),
    "record-bbox": parameter("bbox", {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
                             "What meets this box: minx,miny,maxx,maxy in degrees.", style="form", explode=False),
    "moment": parameter("datetime", MOMENT, "A moment of valid time; now without it."),
    "datetime": parameter("datetime", _INTERVAL,
                          "Valid time: an instant, or an interval with '..' for an open end. Without it: now."),
    "known-at": parameter("known-at", {"anyOf": [{"type": "integer", "minimum": 0}, MOMENT], "example": "120"},
                          "What was known then: the number of a changeset, or the moment of its recording."),
    "limit": parameter("limit", {"type": "integer", "minimum": 1, "maximum": 10000, "default": 10}, "Features a page.",
                       style="form", explode=False),
    "cursor": parameter("cursor", _TEXT, "The page after another one; taken from its `next` link."),
    "filter": parameter("filter", _TEXT, "A CQL2 filter."),
    "filter-lang": parameter("filter-lang", {"type": "string", "enum": ["cql2-text", "cql2-json"]},
                             "Language of the filter; it is recognised without."),
    "skipGeometry": parameter("skipGeometry", _FLAG, "Leave geometries out."),
    "resultType": parameter("resultType", {"type": "string", "enum": ["results", "hits"]},
                            "`hits`: only the number of matches."),
    "count": parameter("count", _FLAG, "Give the number of matches with the page."),
    "ids": parameter("ids", {"type": "array", "items": {"type": "integer"}}, "Only these features.", style="form",
                     explode=False),
    "bom": parameter("bom", _FLAG, "CSV: begin with a byte order mark, by which Excel knows UTF-8."),
    "guard": parameter("guard", {"type": "boolean", "default": True},
                       "CSV: put an apostrophe before texts that a spreadsheet would run as a formula."),
    "valid-from": parameter("valid-from", MOMENT, "Since when it is so: 1985, 1985-06, 1985-06-01 or a time; now without."),
    "valid-to": parameter("valid-to", MOMENT, "Until when it is so; open without."),
    "correct": parameter("correct", _FLAG, "It was always so: correct the version that was read, over its own time."),
    "reason": parameter("reason", {"type": "string", "maxLength": 2000}, "Why; kept with the changeset."),
    "check": parameter("check", _FLAG, "Only say what the edit would be refused for; write nothing."),
    "fid": parameter("fid", {"type": "integer", "minimum": 1}, "Number of the feature.", "path"),
    "seq": parameter("seq", {"type": "integer", "minimum": 1}, "Number of the changeset.", "path"),
    "If-Match": parameter("If-Match", {"type": "string", "pattern": r'^"[1-9]\d{0,15}\.[0-9a-f]{1,8}"$', "example": '"1.0"'},
                          "The ETag of the feature as it was read.", "header", required=True),
}

RESPONSES: dict[str, dict[str, Any]] = {
    "NotModified": {"description": "The client's copy is still right."},
    "BadRequest": problem("A parameter or the body is wrong; `parameter` names it."),
    "NotFound": problem("There is no such thing, or not for this reader."),
    "Gone": problem("It existed, and does not at the asked moment."),
    "NotAcceptable": problem("None of the accepted formats is offered."),
    "Forbidden": problem("This account may not do that."),
    "NotAuthenticated": problem("Sign in first."),
    "Conflict": problem("Somebody else changed it: `theirs` stands, `base` was edited, `yours` was sent."),
    "UndoRefused": problem("Later edits depend on it; `dependents` lists them."),
    "UnsupportedMediaType": problem("The body is in a format that is not taken here."),
    "Rejected": problem("The edit breaks checks; `faults` has all of them. Nothing was written."),
    "PreconditionRequired": problem("Say which version was edited."),
    "Problem": problem("Any other problem."),
    "Receipt": {"description": "Written.", "headers": {
        "Gis-Seq": {"description": "Number of the changeset.", "schema": _COUNT},
        "ETag": {"description": "The new version.", "schema": _TEXT},
        "Location": {"description": "Address of a created feature.", "schema": _TEXT}},
        "content": content(ref("schemas", "Receipt"), "application/json")},
}

_LINK = {"type": "object", "required": ["href", "rel"], "properties": {
    "href": _TEXT, "rel": _TEXT, "type": _TEXT, "title": _TEXT, "templated": _FLAG}}
_FAULT = {"type": "object", "required": ["code", "message"], "properties": {
    "code": _TEXT, "message": _TEXT, "row": {"type": "integer", "nullable": True},
    "layer": {"type": "string", "nullable": True}, "fid": {"type": "integer", "nullable": True},
    "field": {"type": "string", "nullable": True},
    "place": {"type": "array", "items": {"type": "number"}, "nullable": True}}}
_EDIT = {"type": "object", "required": ["layer", "op"], "additionalProperties": False, "properties": {
    "layer": _TEXT, "op": {"type": "string", "enum": ["create", "put", "correct", "retire"]},
    "fid": {"type": "integer"}, "temp_id": _TEXT, "properties": {"type": "object"}, "partial": _FLAG,
    "geometry": {"type": "object", "nullable": True}, "valid_from": _TEXT, "valid_to": _TEXT,
    "expected_version": {"type": "integer"}}}
_END = {"type": "object", "required": ["layer", "fid"], "properties": {"layer": _TEXT, "fid": {}}}

SCHEMAS: dict[str, dict[str, Any]] = {
    "Link": _LINK,
    "Links": {"type": "object", "required": ["links"], "properties": {"links": {"type": "array", "items": _LINK}}},
    "Problem": {"type": "object", "required": ["type", "title", "status", "detail"], "properties": {
        "type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "instance": _TEXT,
        "request_id": _TEXT, "parameter": _TEXT, "faults": {"type": "array", "items": {}},
        "theirs": {"type": "object", "nullable": True}}},
    "Fault": _FAULT,
    "Faults": {"type": "object", "required": ["faults"], "properties": {"faults": {"type": "array", "items": _FAULT}}},
    "Receipt": {"type": "object", "properties": {
        "id": {"type": "integer"}, "version": {"type": "integer"}, "seq": _COUNT, "recorded_at": _STAMP,
        "faults": {"type": "array", "items": _FAULT}}},
    "Conformance": {"type": "object", "required": ["conformsTo"], "properties": {
        "conformsTo": {"type": "array", "items": _TEXT}}},
    "Collection": {"type": "object", "required": ["id", "links"], "properties": {
        "id": _TEXT, "title": _TEXT, "description": _TEXT, "itemType": _TEXT, "crs": {"type": "array", "items": _TEXT},
        "storageCrs": _TEXT, "extent": {"type": "object"}, "links": {"type": "array", "items": _LINK}}},
    "Collections": {"type": "object", "required": ["collections", "links"], "properties": {
        "collections": {"type": "array", "items": {"$ref": "#/components/schemas/Collection"}},
        "links": {"type": "array", "items": _LINK}}},
    "Geometry": {"type": "object", "nullable": True, "required": ["type"], "properties": {"type": _TEXT}},
    "Changeset": {"type": "object", "required": ["seq", "recorded_at", "kind", "layers"], "properties": {
        "seq": _COUNT, "recorded_at": _STAMP, "actor": {"type": "string", "nullable": True},
        "reason": {"type": "string", "nullable": True}, "kind": _TEXT, "source": {"type": "object", "nullable": True},
        "undoes": {"type": "integer", "nullable": True}, "undone_by": {"type": "integer", "nullable": True},
        "layers": {"type": "array", "items": {"type": "object", "required": ["layer", "added", "closed"]}}}},
    "Changesets": {"type": "object", "required": ["changesets", "seq"], "properties": {
        "changesets": {"type": "array", "items": {"$ref": "#/components/schemas/Changeset"}}, "seq": _COUNT}},
    "NewChangeset": {"type": "object", "required": ["edits"], "additionalProperties": False, "properties": {
        "edits": {"type": "array", "minItems": 1, "maxItems": 10000, "items": _EDIT}, "reason": _TEXT,
        "source": {"anyOf": [_TEXT, {"type": "object"}]}, "lineage": {"type": "array", "items": {
            "type": "object", "required": ["kind"], "additionalProperties": False, "properties": {
                "kind": _TEXT, "at": _TEXT, "predecessors": {"type": "array", "items": _END},
                "successors": {"type": "array", "items": _END}}}}}},
    "Applied": {"type": "object", "properties": {
        "seq": _COUNT, "recorded_at": _STAMP, "fids": {"type": "array", "items": {"type": "integer"}},
        "versions": {"type": "array", "items": {"type": "integer", "nullable": True}}, "temp_ids": {"type": "object"},
        "faults": {"type": "array", "items": _FAULT}}},
    "Search": {"type": "object", "required": ["results"], "properties": {"results": {"type": "array", "items": {
        "type": "object", "required": ["layer", "fid", "label"]}}}},
}

SECURITY: dict[str, dict[str, Any]] = {
    "session": {"type": "apiKey", "in": "cookie", "name": "gis_session"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "key": {"type": "apiKey", "in": "query", "name": "key"},
}
