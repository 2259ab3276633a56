"""CQL2 as it arrives: text, JSON, or a value of one property."""

from __future__ import annotations

import math
import re
from typing import Any

import cql2
import orjson

from layers.cql2.tree import COLUMN_TYPES, NUMBERS
from layers.errors import InvalidFilter, InvalidParameter
from layers.layer import LayerField
from layers.moments import format_moment, parse_moment

__all__ = ["both", "equals", "parse"]

MAX_TEXT = 64_000
# The parser of the package is recursive and ends the process when its stack does; these bounds are far below that.
_MAX_BRACKETS = 60
_MAX_WORDS = 2_000
_WORDS = re.compile(r"[^\W\d]\w*|[+*/%^]|(?<=[\w)\s])-")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")


def parse(text: str, language: str = "cql2-text", parameter: str = "filter") -> dict[str, Any] | bool:
    """Parse a CQL2 filter in 'cql2-text' or 'cql2-json' to CQL2 JSON.

    Names and types are not looked at yet. Raises InvalidFilter if it is too long, too deep or cannot be read.
    """
    if len(text) > MAX_TEXT:
        raise InvalidFilter(f"the filter has more than {MAX_TEXT} characters.", parameter)
    if language == "cql2-json":
        try:
            found = orjson.loads(text)
        except ValueError as error:
            raise InvalidFilter(f"this is no JSON: {error}.", parameter) from None
    elif language == "cql2-text":
        bare = _QUOTED.sub("''", text)
        depth = deepest = 0
        for bracket in re.findall(r"[()\[\]]", bare):
            depth += 1 if bracket in "([" else -1
            deepest = max(deepest, depth)
        if deepest > _MAX_BRACKETS or len(_WORDS.findall(bare)) > _MAX_WORDS:
            raise InvalidFilter("the filter is nested too deeply or has too many parts; make it simpler.", parameter)
        try:
            found = cql2.parse_text(text).to_json()
        except (cql2.ParseError, cql2.ValidationError, ValueError) as error:
            lines = " ".join(str(error).split())
            raise InvalidFilter(f"this is no CQL2 text: {lines[:300]}", parameter) from None
    else:
        raise InvalidParameter("filter-lang", f"'{language[:40]}' is not known; choose cql2-text or cql2-json.")
    if not isinstance(found, dict | bool):
        raise InvalidFilter("a filter is an expression that is true or false.", parameter)
    return found


def equals(field: LayerField, text: str) -> dict[str, Any]:
    """Return the filter 'field is this value' for a value written in a URL.

    Raises InvalidParameter that names the field if the text is no value of its type.
    """
    kind = COLUMN_TYPES[field.type]
    value: Any = text
    if kind in NUMBERS:
        try:
            value = int(text) if kind == "integer" else float(text)
        except ValueError:
            raise InvalidParameter(field.name, f"'{text[:60]}' is no number.") from None
        if not math.isfinite(value):
            raise InvalidParameter(field.name, f"'{text[:60]}' is no finite number.")
    elif kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise InvalidParameter(field.name, "write true or false.")
        value = text.lower() == "true"
    elif kind in ("date", "timestamp"):
        moment = parse_moment(text, field.name)
        if kind == "date" and moment.precision != "d":
            raise InvalidParameter(field.name, "write a day, such as 1985-06-01.")
        value = {kind: format_moment(moment.at, "d" if kind == "date" else "s")}
    elif kind == "json":
        raise InvalidParameter(field.name, "this property cannot be asked for by value.")
    return {"op": "=", "args": [{"property": field.name}, value]}


def both(*filters: dict[str, Any] | bool | None) -> dict[str, Any] | bool | None:
    """Join filters with 'and'; None stands for no filter."""
    given = [f for f in filters if f is not None]
    return {"op": "and", "args": given} if len(given) > 1 else given[0] if given else None
