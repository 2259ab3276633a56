"""The change stream: open maps hear which envelopes a changeset touched (server-sent events).

One connection of each process listens to the database; every subscriber of the process is served from what it heard.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from layers.access import OWNER, Audience
from layers.errors import StoreError
from layers.history import ChangesetInfo, changes_since, current_seq

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["ChangeFeed", "event_text"]

LOGGER = logging.getLogger(__name__)
CHANNEL = "gis_changeset"
# Tells that a layer was defined anew.
DEFINITIONS = "gis_catalogue"
# Also the longest a notice can stay unheard (a pooler that drops notices, a catalogue that changed).
LOOK_EVERY_S = 5.0
KEPT_CHANGESETS = 1000
_LOST_CONNECTION_WAIT_S = 2.0


class ChangeFeed:
    """What one process hears from the database, and who wants to know.

    `start` begins to listen in a thread of its own; `wait` lets a subscriber sleep until there is something newer than
    what it has.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.closed = False
        # Not the context's number, which also moves when this process writes: what was written is still to be heard.
        self.seq = 0
        self._recent: deque[ChangesetInfo] = deque(maxlen=KEPT_CHANGESETS)
        self._heard = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen; called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self.seq = self.context.seq = current_seq(self.context.store)
        self._listener = threading.Thread(target=self._listen, name="change-feed", daemon=True)
        self._listener.start()

    def close(self) -> None:
        """Wake all subscribers for the last time; called in the event loop."""
        self.closed = True
        self._wake()

    async def wait(self, seq: int, timeout_s: float) -> bool:
        """Wait until there is a changeset after `seq`; False if the time passes first or the feed ends."""
        if self.seq > seq or self.closed:
            return not self.closed
        try:
            await asyncio.wait_for(self._heard.wait(), timeout_s)
        except TimeoutError:
            return False
        return not self.closed

    def since(self, seq: int) -> list[ChangesetInfo] | None:
        """Return the changesets after a number, if all of them are still remembered; else None."""
        recent = list(self._recent)
        if seq >= self.seq:
            return []
        if recent and recent[0].seq <= seq + 1:
            return [info for info in recent if info.seq > seq]
        return None

    def _wake(self) -> None:
        heard, self._heard = self._heard, asyncio.Event()
        heard.set()

    def _listen(self) -> None:
        while not self.closed:
            try:
                self._listen_once()
            except (StoreError, OSError) as error:
                LOGGER.warning("change feed: %s; listening again soon", error)
            except Exception:
                LOGGER.exception("change feed: listening again soon")
            time.sleep(_LOST_CONNECTION_WAIT_S if not self.closed else 0)

    def _listen_once(self) -> None:
        connection = self.context.store.connect()
        try:
            connection.execute(f"LISTEN {CHANNEL}; LISTEN {DEFINITIONS}")
            while not self.closed:
                self._catch_up()
                for _ in connection.notifies(timeout=self._pause_s(), stop_after=1):
                    pass
        finally:
            connection.close()

    def _pause_s(self) -> float:
        """Return how long to listen before looking: something planned may come true earlier."""
        due = self.context.expiry.next_instant
        if due is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.05, (due - datetime.now(UTC)).total_seconds()))

    def _catch_up(self) -> None:
        context = self.context
        context.refresh(at_once=True)
        context.expiry.catch_up()
        context.expiry.come_true()
        while new := changes_since(context.store, context.catalogue, OWNER, self.seq, KEPT_CHANGESETS):
            # What was written since the look above: nobody may be told of it while its tiles are still kept.
            context.expiry.catch_up(new[-1].seq)
            self._recent.extend(new)
            self.seq = new[-1].seq
            context.seq = max(context.seq, self.seq)
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._wake)


def event_text(info: ChangesetInfo, audience: Audience) -> bytes | None:
    """Write a changeset as an event for an audience; None if it touched nothing that the audience may read.

    The envelope and the time are told only to who sees the touched layers whole: they are made of every touched row, and
    would tell where rows are that the reader does not see. None means: anywhere, any time.
    """
    mine = [touched for touched in info.layers if audience.may_read(touched.layer)]
    if not mine:
        return None
    whole = all(audience.sees_whole(touched.layer) for touched in mine)
    boxes = [touched.envelope for touched in mine if touched.envelope]
    data = {"seq": info.seq, "layers": [touched.layer for touched in mine],
            "envelope": _around(boxes) if whole and boxes else None,
            "valid": [_outermost([t.valid_from for t in mine], min), _outermost([t.valid_to for t in mine], max)]
            if whole else None}
    return b"id: %d\nevent: change\ndata: %s\n\n" % (info.seq, orjson.dumps(data))


def _around(boxes: list[tuple[float, float, float, float]]) -> list[float]:
    return [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)]


def _outermost(times: list[Any], pick: Callable[[list[Any]], Any]) -> Any:
    return None if None in times else pick(times)
