"""Columns of a file become values of a field: what fits as it is, what can be read, and what is a fault."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from layers.errors import InvalidParameter
from layers.layer import LayerField
from layers.moments import parse_moment
from layers.values import WrongValue, store_value

__all__ = ["Column", "convert"]

TRUE = frozenset({"1", "true", "t", "yes", "y", "是", "有"})
FALSE = frozenset({"0", "false", "f", "no", "n", "否", "无"})
_DAY = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T ].*)?")


class Column:
    """Values of one field for the rows of a chunk; `faults` is {index in the chunk: what is wrong}."""

    __slots__ = ("faults", "values")

    def __init__(self, values: list[Any], faults: dict[int, str] | None = None) -> None:
        self.values, self.faults = values, faults or {}


def convert(field: LayerField, array: pa.Array, translation: Mapping[str, str] | None = None, zone: ZoneInfo | None = None,
            scheme: str | None = None) -> Column:
    """Return the values of a column of a file as a field takes them.

    Parameters
    ----------
    translation
        {value of the file as text: value of the field}, applied before anything else.
    zone
        What a time without offset means; None is UTC.
    scheme
        For a field of type `codes`: the scheme that plain texts of the file are codes of.

    Empty texts and NaN are no value. Nothing is rounded, cut or guessed: what cannot be read is a fault that says what was
    there.
    """
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    if translation:
        return _each(field, [translation.get(_text(v), v) if v is not None else None for v in array.to_pylist()], zone, scheme)
    kind = array.type
    if field.type in ("string", "text", "code"):
        if pa.types.is_integer(kind):
            return Column(array.cast(pa.string()).to_pylist())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            texts = pc.utf8_trim_whitespace(array)
            if not pc.any(pc.match_substring(texts, "\x00")).as_py():
                return Column(pc.if_else(pc.equal(texts, ""), None, texts).to_pylist())
    elif field.type == "number" and (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        numbers = array.cast(pa.float64())
        if not pc.any(pc.is_inf(numbers)).as_py():
            return Column(pc.if_else(pc.is_nan(numbers), None, numbers).to_pylist())
    elif field.type in ("integer", "reference") and pa.types.is_signed_integer(kind):
        return Column(array.to_pylist())
    return _each(field, array.to_pylist(), zone, scheme)


def _each(field: LayerField, values: list[Any], zone: ZoneInfo | None, scheme: str | None) -> Column:
    read: Callable[[Any], Any] = _READERS.get(field.type, lambda value: value)
    column = Column([None] * len(values))
    for i, value in enumerate(values):
        if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
            continue
        try:
            if field.type == "datetime":
                value = _moment(value, zone)
            elif field.type == "codes":
                value = _codes(value, scheme)
            else:
                value = read(value)
            column.values[i] = None if value is None else store_value(field, value)
        except (WrongValue, ValueError) as error:
            shown = str(values[i])
            column.faults[i] = f"{error}; the file has '{shown[:60]}{'…' if len(shown) > 60 else ''}'"
    return column


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _words(value: Any) -> str | None:
    return _text(value) or None


def _integer(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip()
        return int(text) if re.fullmatch(r"[-+]?\d+", text, re.ASCII) else float(text) if re.fullmatch(r"[-+]?\d+\.0+", text) else value
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", value, re.ASCII):
        return float(value)
    return value


def _boolean(value: Any) -> Any:
    text = _text(value).lower()
    return True if text in TRUE else False if text in FALSE else value


def _date(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    found = _DAY.fullmatch(_text(value))
    # Month and day without a leading year ('3/4/2014') can be read in two ways, so they are not read.
    return date(*map(int, found.groups())) if found else value


def _moment(value: Any, zone: ZoneInfo | None) -> Any:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone or UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone or UTC)
    try:
        return parse_moment(_text(value)).at
    except InvalidParameter:
        try:
            read = datetime.fromisoformat(_text(value).replace("/", "-"))
        except ValueError:
            return value
        return read if read.tzinfo else read.replace(tzinfo=zone or UTC)


def _codes(value: Any, scheme: str | None) -> Any:
    if scheme is not None:
        return [{"scheme": scheme, "value": _text(value)}]
    return _json(value)


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise WrongValue("it must be JSON") from None


_READERS: dict[str, Callable[[Any], Any]] = {
    "string": _words, "text": _words, "code": _words, "integer": _integer, "reference": _integer, "number": _number,
    "boolean": _boolean, "date": _date, "json": _json}
