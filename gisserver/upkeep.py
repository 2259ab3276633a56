"""What the store is better for and nobody waits for: the cells of dense layers are summed up, audiences that nobody uses are forgotten."""

from __future__ import annotations

import logging
import threading
import time

from layers.access import prune_audiences
from layers.cells import DUE_ROWS, fold_due
from layers.errors import StoreError
from layers.store import Store

__all__ = ["Upkeep"]

LOGGER = logging.getLogger("gisserver.upkeep")
LOOK_EVERY_S, FORGET_EVERY_S = 20.0, 3600.0
# A command that makes all tiles of a city may go on for days, and says that its audience is in use when it begins.
UNUSED_HOURS = 7 * 24.0


class Upkeep:
    """A thread of a server process that looks after the store. Of several processes one does the work, the others find it done.

    Parameters
    ----------
    every_s, rows
        How often it looks, and how much must wait in a layer before it is summed up.
    forget_every_s
        How often audiences that nobody used for a week are forgotten.
    """

    def __init__(self, store: Store, every_s: float = LOOK_EVERY_S, rows: int = DUE_ROWS, forget_every_s: float = FORGET_EVERY_S) -> None:
        self.store, self.every_s, self.rows, self.forget_every_s = store, every_s, rows, forget_every_s
        self._closed = threading.Event()

    def start(self) -> None:
        """Begin; the thread ends with the process."""
        threading.Thread(target=self._run, name="upkeep", daemon=True).start()

    def close(self) -> None:
        """End after what is being done."""
        self._closed.set()

    def _run(self) -> None:
        forgotten_at = float("-inf")
        while not self._closed.wait(self.every_s):
            try:
                if time.monotonic() - forgotten_at >= self.forget_every_s:
                    forgotten_at = time.monotonic()
                    if count := prune_audiences(self.store, UNUSED_HOURS):
                        LOGGER.info("%d audiences forgotten that nobody used for a week", count)
                for layer, count in fold_due(self.store, self.rows).items():
                    if count:
                        LOGGER.info("cells of %s: %d changes summed up", layer, count)
            except StoreError as error:
                LOGGER.warning("upkeep: %s; again soon", error)
            except Exception:
                if not self._closed.is_set():
                    LOGGER.exception("upkeep: again soon")
