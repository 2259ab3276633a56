"""A handler as an ASGI endpoint: plain functions run in threads, one hop a request."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gisserver.compress import compress
from gisserver.request import Request

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["MAX_BODY_BYTES", "Endpoint", "Handler", "route"]

Handler = Callable[[Request], Response]
MAX_BODY_BYTES = 32 * 1024 * 1024


class Endpoint:
    """Run `handler(request)` in a thread and send the response it returns.

    The driver is synchronous (one code path, no second async copy), so the thread is where the whole request is answered.
    The context of the task goes along, for what finds the reader through it.
    """

    def __init__(self, handler: Handler, context: Context, threads: ThreadPoolExecutor) -> None:
        self.handler, self.context, self.threads = handler, context, threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive) if scope["method"] in ("POST", "PUT", "PATCH") else b""
        request = Request(scope, self.context, body)
        run = contextvars.copy_context().run
        response = await asyncio.get_running_loop().run_in_executor(self.threads_for(request), run, self._answer, request)
        await response(scope, receive, send)

    def threads_for(self, request: Request) -> ThreadPoolExecutor:
        """Return the threads that answer a request."""
        return self.threads

    def _answer(self, request: Request) -> Response:
        return compress(self.handler(request), request.header("accept-encoding"))


def route(context: Context, path: str, handler: Handler, methods: tuple[str, ...] = ("GET",),
          threads: ThreadPoolExecutor | None = None) -> Route:
    """Return the route of a handler; HEAD goes with GET."""
    endpoint = Endpoint(handler, context, threads or context.threads)
    return Route(path, endpoint, methods=list(methods), name=handler.__name__, max_body_size=(
        MAX_BODY_BYTES if set(methods) - {"GET"} else None))


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(parts)
