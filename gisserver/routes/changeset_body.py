"""A changeset as it comes in a request body."""

from __future__ import annotations

from typing import Any

from gisserver.wording import WrongParameter
from layers.edits import KEEP, Changeset, Edit, LineageClaim
from layers.errors import PreconditionRequired

__all__ = ["MAX_EDITS", "read_changeset"]

MAX_EDITS = 10_000
_MEMBERS = {"edits": list, "reason": str, "source": object, "lineage": list}
# Member of an edit -> its JSON type; properties and geometry are checked with their layer.
_EDIT = {"layer": str, "op": str, "fid": int, "temp_id": str, "properties": dict, "partial": bool, "geometry": dict,
         "valid_from": str, "valid_to": str, "expected_version": int}
_CLAIM = {"kind": str, "predecessors": list, "successors": list, "at": str}
_OPS = ("create", "put", "correct", "retire")
_WORD = {list: "list", str: "text", dict: "object", int: "whole number", bool: "boolean", object: "value"}


def read_changeset(body: Any, actor: str) -> Changeset:
    """Read `{"edits": […], "reason", "source", "lineage"}`.

    Geometries are GeoJSON in CRS84. Raises WrongParameter that names the place (`edits[3].op`), PreconditionRequired for
    a change of a feature without the version it started from.
    """
    _check(body, "body", _MEMBERS, ("edits",))
    edits = body["edits"]
    if not 1 <= len(edits) <= MAX_EDITS:
        raise WrongParameter("edits", "edits", high=MAX_EDITS)
    claims, source = body.get("lineage") or [], body.get("source")
    if isinstance(source, str):
        source = {"document": source}
    elif source is not None and not isinstance(source, dict):
        raise WrongParameter("source", "kind", value="text or object")
    return Changeset([_edit(edit, f"edits[{i}]") for i, edit in enumerate(edits)], actor, body.get("reason"),
                     source, [_claim(claim, f"lineage[{i}]") for i, claim in enumerate(claims)])


def _check(value: Any, place: str, members: dict[str, type], required: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise WrongParameter(place, "object")
    prefix = "" if place == "body" else f"{place}."
    for name, given in value.items():
        wanted = members.get(name)
        if wanted is None:
            raise WrongParameter(f"{prefix}{name}", "member", value=name, known=", ".join(members))
        if given is not None and (not isinstance(given, wanted) or (wanted is int and isinstance(given, bool))):
            raise WrongParameter(f"{prefix}{name}", "kind", value=_WORD[wanted])
    for name in required:
        if value.get(name) is None:
            raise WrongParameter(f"{prefix}{name}", "missing")


def _edit(value: Any, place: str) -> Edit:
    _check(value, place, _EDIT, ("layer", "op"))
    if value["op"] not in _OPS:
        raise WrongParameter(f"{place}.op", "choice", value=value["op"], choices=", ".join(_OPS))
    if value["op"] != "create":
        if value.get("fid") is None:
            raise WrongParameter(f"{place}.fid", "missing")
        if value.get("expected_version") is None:
            raise PreconditionRequired(f"{place}.expected_version: say which version of the feature the edit started from.")
    return Edit(value["layer"], value["op"], value.get("fid"), value.get("temp_id"), value.get("properties"),
                bool(value.get("partial", False)), value.get("geometry", KEEP), valid_from=value.get("valid_from"),
                valid_to=value.get("valid_to"), expected_version=value.get("expected_version"))


def _claim(value: Any, place: str) -> LineageClaim:
    _check(value, place, _CLAIM, ("kind",))
    return LineageClaim(value["kind"], _features(value.get("predecessors"), f"{place}.predecessors"),
                        _features(value.get("successors"), f"{place}.successors"), value.get("at"))


def _features(value: Any, place: str) -> tuple[tuple[str, int | str], ...]:
    made = []
    for i, entry in enumerate(value or ()):
        _check(entry, f"{place}[{i}]", {"layer": str, "fid": object}, ("layer", "fid"))
        fid = entry["fid"]
        if isinstance(fid, bool) or not isinstance(fid, int | str):
            raise WrongParameter(f"{place}[{i}].fid", "kind", value="whole number or '$temp_id'")
        made.append((entry["layer"], fid))
    return tuple(made)
