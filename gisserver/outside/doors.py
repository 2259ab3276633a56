"""Who asks services of others through this server, how much at once: threads of their own, a few for each reader, a rate."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from gisserver.endpoint import Endpoint, Handler
from gisserver.outside.faults import OutsideBusy
from layers.errors import Forbidden
from tiles.guarded_fetch import AGENT

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["Doors", "OutsideEndpoint"]

# A slow service holds these threads and none of those that answer everybody else.
THREADS = 16
AT_ONCE, WAITING = 6, 96
# Requests that one reader may make: so many in a burst, and so many a second after that.
BURST, PER_SECOND = 600.0, 60.0
MOST_READERS = 5000


class _Door:
    def __init__(self, at_once: int) -> None:
        self.free, self.inside = asyncio.Semaphore(at_once), 0


class Doors:
    """The doors of one server process, one for each reader; used in its event loop."""

    def __init__(self, at_once: int = AT_ONCE, burst: float = BURST, per_second: float = PER_SECOND) -> None:
        self.at_once, self.burst, self.per_second = at_once, burst, per_second
        self.threads = ThreadPoolExecutor(THREADS, "outside")
        self._doors: dict[str, _Door] = {}
        self._left: dict[str, tuple[float, float]] = {}

    def enter(self, who: str) -> _Door:
        """Let a reader's request in. Raises OutsideBusy where too many of them wait, or came lately."""
        now = time.monotonic()
        left, since = self._left.get(who, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.per_second)
        door = self._doors.setdefault(who, _Door(self.at_once))
        if left < 1 or door.inside >= self.at_once + WAITING:
            if not door.inside:
                self._doors.pop(who, None)
            raise OutsideBusy
        if len(self._left) >= MOST_READERS:
            self._left.clear()
        self._left[who] = left - 1, now
        door.inside += 1
        return door

    def leave(self, who: str, door: _Door) -> None:
        """Let the next one in."""
        door.inside -= 1
        if not door.inside:
            self._doors.pop(who, None)


class OutsideEndpoint(Endpoint):
    """An endpoint whose handler asks services of others."""

    def __init__(self, handler: Handler, context: Context, doors: Doors) -> None:
        super().__init__(handler, context, doors.threads)
        self.doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"via" and AGENT.encode() in value for name, value in scope["headers"]):
            raise Forbidden("This server does not show its layers of other services to itself.", "本平台不向自身转发外部图层。")
        reader = scope["state"]["reader"]
        client = scope.get("client")
        who = f"account {reader.account_id}" if reader.account_id is not None else f"address {client[0] if client else ''}"
        door = self.doors.enter(who)
        try:
            async with door.free:
                await super().__call__(scope, receive, send)
        finally:
            self.doors.leave(who, door)
