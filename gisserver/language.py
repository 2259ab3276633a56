"""The language of an answer: Chinese or English."""

from __future__ import annotations

import re
from functools import lru_cache

from starlette.types import Scope

__all__ = ["LANGUAGES", "preferred_language"]

LANGUAGES = ("en", "zh")
_LANG = re.compile(rb"(?:^|&)lang=(en|zh)(?:&|$)")


def preferred_language(scope: Scope, default: str = "en") -> str:
    """Return 'zh' or 'en': the `lang` parameter, else the best of Accept-Language, else the default."""
    chosen = _LANG.search(scope.get("query_string", b""))
    if chosen:
        return chosen[1].decode()
    for name, value in scope.get("headers", ()):
        if name == b"accept-language":
            return _best(value, default)
    return default


@lru_cache(maxsize=256)
def _best(header: bytes, default: str) -> str:
    best, weight = default, 0.0
    for part in header.decode("latin-1").lower().split(","):
        tag, _, quality = part.strip().partition(";q=")
        language = tag.strip().partition("-")[0]
        try:
            q = float(quality) if quality else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and q > weight:
            best, weight = language, q
    return best
