"""The outermost layer of the service: request ids, counts, common headers, and an answer to every failure."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gisserver.errors import answer_error
from gisserver.hot_lane import HotLane
from gisserver.metrics import Metrics
from gisserver.request_ids import RequestIds, is_id

__all__ = ["Answering", "Observed"]

_COMMON = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]


class Answering:
    """Turn what the handlers raise, and addresses and methods that are not there, into problem documents.

    It lies inside the door, so that failures carry the same headers as successes.
    """

    def __init__(self, router: Router, base_of: Callable[[Scope], str]) -> None:
        self.router, self.base_of = router, base_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.router(scope, receive, send)
            return
        begun = False

        async def noting_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        # Routes look for it to raise what is missing instead of answering in plain text.
        scope["app"] = self
        try:
            await self.router(scope, receive, noting_send)
        except Exception as error:
            if begun:
                raise
            if isinstance(error, HTTPException) and error.status_code == 405:
                error = HTTPException(405, headers={"Allow": ", ".join(sorted(self._allowed(scope["path"])))})
            await answer_error(scope, error, self.base_of(scope))(scope, receive, send)


    def _allowed(self, path: str) -> set[str]:
        """Return the methods of an address: reading and writing it are routes of their own."""
        found = [route for route in self.router.routes if isinstance(route, Route) and route.path_regex.match(path)]
        # The client's own routes take any address; they count where nothing else does.
        named = [route for route in found if route.path != "/{path:path}"] or found
        return {"OPTIONS"}.union(*(route.methods or () for route in named))


class Observed:
    """Give each request an id, count it, and answer also what the door itself refuses.

    `lane` remembers what was answered with tiles; the server asks it before it asks the application.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, ids: RequestIds, lane: HotLane) -> None:
        self.app, self.metrics, self.ids, self.lane = app, metrics, ids, lane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = self.ids.of(next((value for name, value in scope["headers"] if name == b"x-request-id" and is_id(value)), None))
        state = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        status, is_head = 0, scope["method"] == "HEAD"

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], *_COMMON]
                if "tile" in state:
                    self.lane.remember(scope, *state["tile"], status, headers)
                message["headers"] = [*headers, (b"x-request-id", request_id)]
            elif is_head and message.get("body"):
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, observed_send)
        except Exception as error:
            if status:
                raise                   # too late for another answer; the server closes the connection
            await answer_error(scope, error)(scope, receive, observed_send)
        finally:
            route = scope.get("route")
            self.metrics.count(getattr(route, "path", "-"), scope["method"], status, time.perf_counter() - begun)
