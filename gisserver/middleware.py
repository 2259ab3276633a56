"""What every request passes: who asks, whether it may come from there, how large it is, and what every answer carries."""

from __future__ import annotations

import asyncio
import hmac
import re
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gisserver.credentials import present
from gisserver.errors import answer_error
from gisserver.identity import Reader
from layers.errors import Forbidden, StoreError

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["CsrfRefused", "wrap"]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# There is no session yet whose token could be sent; the handler looks where the request comes from instead.
WITHOUT_CSRF = frozenset({"/auth/login"})
# Bytes a body may have, by the beginning of the path; the rest below. Routes may ask for less.
LARGEST_BODY = (("/auth/", 64 * 1024), ("/api/accounts", 64 * 1024))
LARGEST_BODY_ELSE = 64 * 1024 * 1024
# The client (MapLibre, Cesium) makes workers from blobs and compiles WebAssembly; nothing comes from another host.
PAGE_POLICY = (b"default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
               b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
               b"object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'")
CORS = [(b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"ETag, Link, Location, Content-Crs, Content-Disposition, Gis-Seq, Retry-After, X-Request-Id")]
PREFLIGHT = [(b"access-control-allow-origin", b"*"), (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
             (b"access-control-allow-headers", b"Authorization, Accept, Accept-Language, Content-Type, Content-Crs, If-Match, "
                                               b"If-None-Match, Gis-Seq, Gis-Reason, X-Request-Id"),
             (b"access-control-max-age", b"86400"), (b"content-length", b"0")]
# Signing in and keeping accounts is for the service's own pages alone.
OWN_PAGES_ONLY = ("/auth/", "/api/accounts", "/api/audit")
_SEQ = re.compile(rb"[0-9]{1,16}\Z")


class CsrfRefused(Forbidden):
    """A request with a session's cookie changes something and lacks the session's token."""

    def __init__(self) -> None:
        super().__init__("The header X-CSRF-Token is missing, or is not the one that /auth/me gives for this session.")


def wrap(app: ASGIApp, context: Context) -> ASGIApp:
    """Return the application behind the door: handlers find who asks in `scope["state"]["reader"]`.

    What the door refuses (a key that does not hold, a missing CSRF token, a body too large) it answers itself.
    """
    return _Door(app, context)


class _Door:
    def __init__(self, app: ASGIApp, context: Context) -> None:
        self.app, self.context = app, context
        is_secure = context.settings.public_url.startswith("https://")
        self.common = [(b"cross-origin-opener-policy", b"same-origin"),
                       (b"permissions-policy", b"geolocation=(self), camera=(), microphone=(), payment=(), usb=()")]
        if is_secure:
            self.common.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        shared = not scope["path"].startswith(OWN_PAGES_ONLY)
        if scope["method"] == "OPTIONS" and shared and _has(scope, b"access-control-request-method"):
            await send({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT)})
            await send({"type": "http.response.body", "body": b""})
            return
        try:
            # First, since what this process has not heard of yet may be a layer that the reader sees.
            await self._catch_up(scope)
            reader = await self._reader(scope)
            scope["state"]["reader"] = reader
            if reader.kind == "session" and scope["method"] not in SAFE and scope["path"] not in WITHOUT_CSRF:
                _check_csrf(scope, reader)
            receive = _limited(scope, receive)
        except (StoreError, HTTPException) as refused:
            # Dressed like any answer, so that also a page of another host can read why it was refused.
            await answer_error(scope, refused)(scope, receive, self._dressed(send, True, shared))
            return
        await self.app(scope, receive, self._dressed(send, reader.is_public, shared))

    async def _reader(self, scope: Scope) -> Reader:
        scope.setdefault("state", {})
        presented = present(scope)
        reader = self.context.identity.known(presented)
        if reader is None:
            reader = await asyncio.get_running_loop().run_in_executor(self.context.threads, self.context.identity.find, presented)
        scope["state"]["presented"] = presented
        return reader

    async def _catch_up(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"gis-seq" and _SEQ.match(value) and int(value) > self.context.seq:
                await asyncio.get_running_loop().run_in_executor(self.context.threads, self.context.catch_up, int(value))

    def _dressed(self, send: Send, is_public: bool, shared: bool) -> Send:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._headers(message["headers"], is_public, shared)}
            await send(message)

        return dressed

    def _headers(self, given: list[tuple[bytes, bytes]], is_public: bool, shared: bool) -> list[tuple[bytes, bytes]]:
        headers, is_page, has_policy, has_vary, has_cache = [], False, False, False, False
        for name, value in given:
            match name.lower():
                case b"content-type":
                    is_page = value.startswith((b"text/html", b"image/svg"))
                case b"content-security-policy":
                    has_policy = True
                case b"vary":
                    has_vary = True
                case b"cache-control":
                    has_cache = True
                    if not is_public and b"public" in value:
                        # What is made for one reader is for no shared cache, whatever the handler thought.
                        value = value.replace(b"public", b"private")
            headers.append((name, value))
        if is_page and not has_policy:
            headers.append((b"content-security-policy", PAGE_POLICY))
        if not has_vary:
            headers.append((b"vary", b"Authorization, Cookie"))
        if not has_cache and not is_public:
            headers.append((b"cache-control", b"private, no-cache"))
        return headers + self.common + CORS if shared else headers + self.common


def _check_csrf(scope: Scope, reader: Reader) -> None:
    given = next((v for k, v in scope["headers"] if k == b"x-csrf-token"), b"")
    if not hmac.compare_digest(given, (reader.csrf or "").encode()):
        raise CsrfRefused


def _has(scope: Scope, header: bytes) -> bool:
    return any(name == header for name, _ in scope["headers"])


def _limited(scope: Scope, receive: Receive) -> Receive:
    if scope["method"] in ("GET", "HEAD"):
        return receive
    largest = next((size for prefix, size in LARGEST_BODY if scope["path"].startswith(prefix)), LARGEST_BODY_ELSE)
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > largest:
            raise HTTPException(413)
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > largest:
            raise HTTPException(413)
        return message

    return counted
