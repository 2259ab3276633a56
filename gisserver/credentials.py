"""What a request shows to say whose it is: a session's cookie, or a key in one of three places."""

from __future__ import annotations

import base64
import binascii
import logging
import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

from starlette.types import Scope

from gisserver.wording import WrongParameter
from layers.errors import NotAuthenticated
from layers.sessions import token_hash

__all__ = ["COOKIE", "Presented", "RedactKeys", "clear_cookie", "present", "session_cookie", "take_key"]

COOKIE = "gis_session"
# A cookie of this name is only taken by a browser over https, from this host alone, for all paths.
SECURE_COOKIE = f"__Host-{COOKIE}"
_KEY = re.compile(r"((?:^|[?&\s\"'])key=)[^&\s\"'#]+", re.IGNORECASE)
_BEARER = re.compile(r"(gisk_[A-Za-z0-9_-]{6}_)[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as it came: its kind, its hash, and for a session the token (the CSRF token is made from it)."""

    kind: str
    hashed: bytes
    token: str = ""


def present(scope: Scope) -> Presented | None:
    """Return what a request shows, None if nothing. A key counts before a cookie.

    The parameter `key` is taken out of the address: it comes into no link, no cache and no log.
    Raises NotAuthenticated for an Authorization that is no key, WrongParameter for two keys.
    """
    key = take_key(scope) if b"key" in scope.get("query_string", b"") or b"%" in scope.get("query_string", b"") else None
    cookie = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            key = _authorization(value)
        elif name == b"cookie" and cookie is None:
            cookie = _session(value)
    if key is not None:
        return Presented("key", token_hash(key))
    return None if cookie is None else Presented("session", token_hash(cookie), cookie)


def take_key(scope: Scope) -> str | None:
    """Take the parameter `key` out of a request's address and return it. The scope itself is changed, which the server logs."""
    kept, keys = [], set()
    for part in scope["query_string"].split(b"&"):
        name, _, value = part.partition(b"=")
        if unquote_plus(name.decode("latin-1")) == "key":
            keys.add(unquote_plus(value.decode("latin-1")))
        else:
            kept.append(part)
    if not keys:
        return None
    scope["query_string"] = b"&".join(kept)
    if len(keys) > 1:
        raise WrongParameter("key", "twice")
    return keys.pop()


def _authorization(header: bytes) -> str:
    scheme, _, value = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            # The user name is whatever the client wants to send: the key alone says whose it is.
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            pass
    raise NotAuthenticated("Authorization must be 'Bearer <key>', or 'Basic' with a key as its password.",
                           "Authorization 须为 Bearer 加密钥，或以密钥为密码的 Basic。")


def _session(header: bytes) -> str | None:
    for part in header.split(b";"):
        name, _, value = part.strip().partition(b"=")
        if name.decode("latin-1") in (COOKIE, SECURE_COOKIE) and value:
            return value.decode("latin-1")
    return None


def session_cookie(token: str, is_secure: bool) -> str:
    """Return the Set-Cookie of a session. It ends with the browser; the server ends it earlier."""
    if is_secure:
        return f"{SECURE_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Secure"
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax"


def clear_cookie(is_secure: bool) -> str:
    """Return the Set-Cookie that makes a browser forget its session."""
    return f"{session_cookie('', is_secure)}; Max-Age=0"


class RedactKeys(logging.Filter):
    """Take keys out of log lines, wherever in them they stand."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        clean = _BEARER.sub(r"\1…", _KEY.sub(r"\1…", text))
        if clean != text:
            record.msg, record.args = clean, None
        return True
