"""`/api/changes/stream`: the change stream as server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gisserver.events import ChangeFeed, event_text
from gisserver.request import Request
from layers.errors import Unavailable
from layers.history import ChangesetInfo, changes_since

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["ChangeStream"]

HEARTBEAT_S = 15.0
# Then the client connects again and its session is checked again; it misses nothing, since it says where it was.
LONGEST_S = 900.0
MAX_SUBSCRIBERS = 2000
MAX_REPLAYED = 1000


class ChangeStream:
    """The endpoint: `Last-Event-ID` or `since` says from which changeset on; without them, from now on."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.subscribers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, self.context)
        if self.subscribers >= MAX_SUBSCRIBERS:
            raise Unavailable("Too many open maps listen to this process; try again.")
        seq = self.begin(request)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if scope["method"] == "HEAD":
            await Response(None, 200, headers, "text/event-stream")(scope, receive, send)
            return
        response = StreamingResponse(self._events(request, seq), 200, headers, "text/event-stream")
        self.subscribers += 1
        try:
            await response(scope, receive, send)
        finally:
            self.subscribers -= 1

    def begin(self, request: Request) -> int:
        """Return the changeset after which the stream begins."""
        newest = self.context.changes.seq
        since = request.parameters.take_integer("since", newest, 0, 2**53)
        request.parameters.finish()
        last = request.header("last-event-id")
        if last is not None and last.isascii() and last.isdecimal() and len(last) < 17:
            since = int(last)
        return min(since, newest)

    async def _events(self, request: Request, seq: int) -> AsyncIterator[bytes]:
        feed: ChangeFeed = self.context.changes
        audience, ends_at = request.audience, time.monotonic() + LONGEST_S
        yield b"retry: 3000\n: listening after %d\n\n" % seq
        while time.monotonic() < ends_at and not feed.closed:
            found = feed.since(seq)
            if found is None:
                found = await asyncio.get_running_loop().run_in_executor(self.context.threads, self._read, request, seq)
                if not found:
                    found, seq = [], feed.seq
            for info in found:
                seq = info.seq
                text = event_text(info, audience)
                if text is not None:
                    yield text
            if not await feed.wait(seq, HEARTBEAT_S) and not feed.closed:
                yield b": still here\n\n"

    def _read(self, request: Request, seq: int) -> list[ChangesetInfo]:
        return changes_since(self.context.store, self.context.catalogue, request.audience, seq, MAX_REPLAYED)
