"""HTTP as uvicorn speaks it, with the hot lane in front of the application."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HotProtocol"]


class _Heard:
    def set(self) -> None:
        """Nobody waits for an answer that was complete when it began."""


class _Answered:
    """Stands where uvicorn keeps the request in work, when an answer is complete."""

    response_complete = True
    disconnected = False
    message_event = _Heard()


_ANSWERED: Any = _Answered()


class HotProtocol(HttpToolsProtocol):
    """A connection whose hot tiles are answered while the request is read: no task, no application.

    Whatever the lane does not answer goes on as always.
    """

    _defaults: Any = None
    _common = b""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lane = getattr(self.app, "lane", None)

    def on_headers_complete(self) -> None:
        """Answer at once where nothing else is in work on this connection; else hand on."""
        cycle, parser = self.cycle, self.parser
        if (self.lane is not None and (cycle is None or cycle.response_complete) and parser.get_method() == b"GET"
                and parser.get_http_version() == "1.1" and parser.should_keep_alive() and not self.expect_100_continue
                and not parser.should_upgrade() and not self.flow.write_paused and self.limit_concurrency is None):
            answer = self.lane.answer(self.url, self.headers, self._common_headers())
            if answer is not None:
                self.cycle = _ANSWERED
                self.transport.write(answer)
                self.on_response_complete()
                return
        super().on_headers_complete()

    def _common_headers(self) -> bytes:
        defaults = self.server_state.default_headers
        # Made anew each second.
        if defaults is not self._defaults:
            self._defaults = defaults
            self._common = b"".join([name + b": " + value + b"\r\n" for name, value in defaults])
        return self._common
