"""What came from services of others, kept for a while: bounded in bytes, the longest unused goes first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["Kept"]


class Kept:
    """Values by key, each with a size in bytes and a time until when it holds.

    Parameters
    ----------
    most_bytes
        What all of them may weigh together; a value of more than a quarter of it is not kept.
    """

    def __init__(self, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most_bytes, self.clock, self.bytes = most_bytes, clock, 0
        self._values: OrderedDict[Any, tuple[float, int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """Return a value that still holds, None where there is none."""
        with self._lock:
            found = self._values.get(key)
            if found is None or found[0] <= self.clock():
                return None
            self._values.move_to_end(key)
            return found[2]

    def put(self, key: Any, value: Any, size: int, holds_s: float) -> None:
        """Keep a value."""
        if size > self.most_bytes // 4:
            return
        with self._lock:
            if (old := self._values.pop(key, None)) is not None:
                self.bytes -= old[1]
            self._values[key] = self.clock() + holds_s, size, value
            self.bytes += size
            while self.bytes > self.most_bytes:
                _, (_, gone, _) = self._values.popitem(last=False)
                self.bytes -= gone

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self.bytes = 0
