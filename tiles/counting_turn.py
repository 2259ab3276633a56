"""Turns at counting from the features: it looks at very many of them, and everybody else has a database too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from layers.errors import Unavailable

__all__ = ["COUNTING_S", "counting_turn"]

# So long may it take, and so many at once in a process.
COUNTING_S, AT_ONCE = 20, 2
_turns = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def counting_turn() -> Iterator[None]:
    """Wait for a turn and hold it. Raises Unavailable where none comes."""
    if not _turns.acquire(timeout=COUNTING_S):
        raise Unavailable("Other filtered maps are being counted; try again, or come closer.")
    try:
        yield
    finally:
        _turns.release()
