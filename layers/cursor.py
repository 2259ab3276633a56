"""The cursor of a page: where the next one goes on.

It is opaque to clients: the sort it belongs to and the sort keys of the last feature that was given, as text. A cursor
names no row number, so a page deep in a layer costs what the first one costs.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from layers.errors import InvalidParameter

__all__ = ["Cursor", "read_cursor"]


@dataclass(frozen=True)
class Cursor:
    """`sort` is the order as text; `keys` are the last values, None for null; `is_wide` that the bbox holds very much."""

    sort: str
    keys: tuple[str | None, ...]
    is_wide: bool = False

    def __str__(self) -> str:
        text = json.dumps([self.sort, *self.keys, int(self.is_wide)], ensure_ascii=False, separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, sort: str, size: int) -> Cursor:
    """Read a cursor of `size` keys for the order `sort`.

    Raises InvalidParameter if it is no cursor of ours or belongs to another order.
    """
    try:
        found_sort, *keys, wide = json.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise InvalidParameter("cursor", "this is no cursor of ours; take it from the link 'next' as it is.") from None
    if found_sort != sort or len(keys) != size or not all(k is None or isinstance(k, str) and "\0" not in k for k in keys):
        raise InvalidParameter("cursor", "this cursor belongs to another order; begin again without it.")
    return Cursor(sort, tuple(keys), wide == 1)
