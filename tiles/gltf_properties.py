"""Property tables of glTF (EXT_structural_metadata): what is known of each feature, a column for each property."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

__all__ = ["NO_INTEGER", "NO_NUMBER", "Column", "PropertyTable", "schema_of"]

ColumnType = Literal["string", "integer", "number", "numbers", "strings"]
# What stands for nothing in a column. JSON has no infinity, and no whole number of ours is that small.
NO_INTEGER, NO_NUMBER = -(2**31), -1.7976931348623157e308
_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "STRING", "noData": ""},
    "integer": {"type": "SCALAR", "componentType": "INT32", "noData": NO_INTEGER},
    "number": {"type": "SCALAR", "componentType": "FLOAT64", "noData": NO_NUMBER},
    "numbers": {"type": "SCALAR", "componentType": "FLOAT64", "array": True},
    "strings": {"type": "STRING", "array": True}}


@dataclass(frozen=True)
class Column:
    """One property: its name, its type, a title for people, and its values in the order of the rows; None is nothing.

    Values of `numbers` and `strings` are lists of any length. Identifiers are `number`: a float of 64 bits holds those
    below 2^53 exactly, and needs no big integers in a browser.
    """

    name: str
    type: ColumnType
    values: Sequence[Any]
    title: str = ""


@dataclass(frozen=True)
class PropertyTable:
    """A class of features, how many they are, and their columns."""

    name: str
    count: int
    columns: Sequence[Column] = field(default_factory=tuple)

    def written(self, add: Callable[[bytes], int]) -> dict[str, Any]:
        """Return the table's description, after its values were added as views of the binary part."""
        return {"class": self.name, "count": self.count, "properties": {column.name: _written(column, add) for column in self.told}}

    @property
    def told(self) -> list[Column]:
        """Return the columns that say something in some row. The others are in no file: a view holds at least one byte."""
        return [column for column in self.columns if _is_told(column)]


def schema_of(tables: Sequence[PropertyTable]) -> dict[str, Any]:
    """Return the schema of the tables, a class for each."""
    return {"id": "city", "classes": {table.name: {"properties": {
        column.name: ({"name": column.title} if column.title else {}) | _TYPES[column.type] for column in table.told}} for table in tables}}


def _is_told(column: Column) -> bool:
    if column.type in ("string", "numbers"):
        return any(column.values)
    return any(any(values) for values in column.values) if column.type == "strings" else column.values.count(None) < len(column.values)


def _written(column: Column, add: Callable[[bytes], int]) -> dict[str, int]:
    match column.type:
        case "string":
            return _texts(column.values, add)
        case "integer":
            return {"values": add(np.array([NO_INTEGER if v is None else v for v in column.values], "<i4").tobytes())}
        case "number":
            return {"values": add(np.array([NO_NUMBER if v is None else v for v in column.values], "<f8").tobytes())}
        case "numbers":
            flat = [v for values in column.values for v in values]
            return {"values": add(np.array(flat, "<f8").tobytes()), "arrayOffsets": add(_offsets(map(len, column.values)))}
        case "strings":
            return _texts([v for values in column.values for v in values], add) | {"arrayOffsets": add(_offsets(map(len, column.values)))}


def _texts(values: Sequence[str | None], add: Callable[[bytes], int]) -> dict[str, int]:
    encoded = [(value or "").encode() for value in values]
    return {"values": add(b"".join(encoded)), "stringOffsets": add(_offsets(map(len, encoded)))}


def _offsets(lengths: Any) -> bytes:
    return np.concatenate([[0], np.cumsum(np.fromiter(lengths, np.uint32))]).astype("<u4").tobytes()
