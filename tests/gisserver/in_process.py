"""The whole application in this process: its lifespan, and a client that speaks to it without a socket."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any

import httpx
from starlette.types import ASGIApp, Message

__all__ = ["InProcess"]


class InProcess:
    """A running application and a client with cookies.

    Use as a context manager. `cookies` and `headers` go with every request, as in httpx. Answers that never end (the change
    stream) are not for it.
    """

    def __init__(self, app: ASGIApp, base_url: str = "http://testserver", address: str = "192.0.2.7") -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 4711))
        self._client = httpx.AsyncClient(transport=transport, base_url=base_url, timeout=60)
        self.cookies, self.headers = self._client.cookies, self._client.headers
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()

    def __enter__(self) -> InProcess:
        self._thread.start()
        self._running = self._submit(self.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}},
                                              self._to_app.get, self._from_app.put))
        self._lifespan("startup")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._wait(self._client.aclose())
        self._lifespan("shutdown")
        self._running.result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request and wait for the whole answer."""
        answer: httpx.Response = self._wait(self._client.request(method, path, **options))
        return answer

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def patch(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Any) -> httpx.Response:
        return self.request("OPTIONS", path, **options)

    def _submit(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _wait(self, work: Any) -> Any:
        return self._submit(work).result(60)

    def _lifespan(self, what: str) -> None:
        self._wait(self._to_app.put({"type": f"lifespan.{what}"}))
        answer = self._wait(self._from_app.get())
        if answer["type"] != f"lifespan.{what}.complete":
            raise RuntimeError(answer.get("message", answer["type"]))
