"""Ids of requests: what an answer, the log and the audit tell the same request by."""

from __future__ import annotations

import itertools
import re
import secrets

__all__ = ["RequestIds", "is_id"]

_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}\Z")


def is_id(value: bytes) -> bool:
    """May a client's X-Request-Id be taken over?"""
    return _ID.match(value) is not None


class RequestIds:
    """Ids of requests: the client's own where it is one, else the next of this process."""

    def __init__(self) -> None:
        self._run, self._numbers = secrets.token_hex(4).encode() + b"-", itertools.count(1)

    def of(self, given: bytes | None) -> bytes:
        """Return the id of a request that carried the header X-Request-Id `given`."""
        return given if given is not None and is_id(given) else self._run + b"%d" % next(self._numbers)
