"""A checked filter: a tree without values, and the values beside it."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["COLUMN_TYPES", "NUMBERS", "ORDERED", "Checked", "Literal", "Node", "array_literal"]

# The type that a field has in filters and in parameters.
COLUMN_TYPES = {"string": "text", "text": "text", "code": "text", "integer": "integer", "reference": "integer",
                "number": "number", "boolean": "boolean", "date": "date", "datetime": "timestamp", "codes": "codes",
                "json": "json"}
ORDERED = ("text", "integer", "number", "date", "timestamp")
NUMBERS = ("integer", "number")


class Node(NamedTuple):
    """A checked expression: what it does, the type of what it gives, and its parts (nodes, names, value slots)."""

    kind: str
    type: str
    args: tuple[Any, ...] = ()


class Checked(NamedTuple):
    """A filter fit for SQL: its tree and, in the order of the slots, its values as text."""

    tree: Node
    values: tuple[str, ...]


class Literal(NamedTuple):
    """A value whose type is not decided before it meets the other side."""

    value: Any


def array_literal(texts: list[str]) -> str:
    """Write texts as PostgreSQL reads an array from a text parameter."""
    quoted = ('"' + t.replace("\\", "\\\\").replace('"', '\\"') + '"' for t in texts)
    return "{" + ",".join(quoted) + "}"
