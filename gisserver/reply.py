"""Answers with validators: ETag, 304, Cache-Control, Gis-Seq."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response

from gisserver.compress import strip_encoding
from gisserver.pages import CONTENT_SECURITY_POLICY, render
from gisserver.request import MEDIA_TYPES, Request

__all__ = ["cache_control", "digest", "dump", "matches", "page", "reply", "reply_document"]

# Who asks decides what is seen, and who asks is told by one of these.
VARY = "Authorization, Cookie, Accept, Accept-Language"


def cache_control(request: Request, max_age_s: int = 0) -> str:
    """Say who may keep an answer: anybody what the public sees, only the reader's own browser what others see.

    With `max_age_s` 0 it may be kept, and is asked for again each time (304 is cheap).
    """
    whose = "public" if request.is_public else "private"
    return f"{whose}, max-age={max_age_s}" if max_age_s else f"{whose}, no-cache"


def digest(*parts: bytes) -> str:
    """Return a short strong validator of some bytes."""
    # SHA-1 as a fast checksum (hardware instructions, about 2 GB/s), not as a secret.
    total = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        total.update(part)
    return total.hexdigest()[:20]


def matches(request: Request, etag: str) -> bool:
    """Has the client this representation already (If-None-Match)?"""
    header = request.header("if-none-match")
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(strip_encoding(tag.strip().removeprefix("W/")) == etag for tag in header.split(","))


def reply(request: Request, body: bytes | str, kind: str, etag: str | None = None,
          headers: Mapping[str, str] | None = None, status: int = 200, max_age_s: int = 0) -> Response:
    """Make the answer to a GET: with its validator, or 304 without a body where the client has it.

    `kind` is a name of MEDIA_TYPES or a media type.
    """
    all_headers = {"Vary": VARY, "Cache-Control": cache_control(request, max_age_s)}
    if etag:
        all_headers["ETag"] = etag
    if headers:
        all_headers.update(headers)
    if etag and status == 200 and matches(request, etag):
        return Response(b"", 304, all_headers)
    if kind == "html":
        all_headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return Response(body, status, all_headers, MEDIA_TYPES.get(kind, kind))


def dump(document: Any) -> bytes:
    """Write a document as JSON."""
    return orjson.dumps(document, default=str)


def reply_document(request: Request, document: Any, kind: str = "json", headers: Mapping[str, str] | None = None,
                   status: int = 200) -> Response:
    """Answer with a small document, whose validator is the digest of its bytes."""
    body = document if isinstance(document, bytes) else dump(document)
    return reply(request, body, kind, f'"{digest(body)}"' if status == 200 else None, headers, status)


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """Answer with an HTML page."""
    language = request.page_language
    asked = {name: value for name, value in request.parameters.items() if name not in ("f", "lang", "key")}
    other = f"?{urlencode(asked | {'f': 'html', 'lang': 'en' if language == 'zh' else 'zh'})}"
    body = render(template, language, base=request.base, other_language=other, **values).encode()
    return reply(request, body, "html", f'"{digest(body)}"' if status == 200 else None,
                 {"Content-Language": language}, status)
