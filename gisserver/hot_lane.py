"""The hot lane: tiles that were answered before, answered again as the same bytes.

An answer goes through the whole service once; its head, as it was sent, is remembered for its address, its audience and what else Vary
names. Nothing is composed twice, so a hot answer differs from a cold one in its request id and date alone. It holds as long as the cache
keeps the tile: expiry is the cache's. Who asks is found out each time; whoever is not known for certain, shows a number of a
changeset this process has not heard of, or asks in an unusual way goes through the whole service.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

from starlette.exceptions import HTTPException

from gisserver.compress import encoding_for
from gisserver.credentials import Presented, present
from layers.errors import StoreError
from tiles.cache import CachedTile

if TYPE_CHECKING:
    from gisserver.context import Context
    from gisserver.request_ids import RequestIds

__all__ = ["HotLane"]

Headers = list[tuple[bytes, bytes]]
# Path and query, audience, is it the public, content coding, Accept, Accept-Language.
_Key = tuple[bytes, str, bool, str, bytes | None, bytes | None]
# About 1 kB each; the bodies are the cache's.
MOST_ANSWERS = 20_000
MOST_REMEMBERED = 4_096
_TRUSTED_SEQ = re.compile(rb"[0-9]{1,16}\Z")
# What the service looks at in a request for a tile is told by Vary; a request with one of these wants something else of it.
UNUSUAL = (b"range", b"gis-reason", b"transfer-encoding")


@dataclass(slots=True)
class _Answer:
    tile: ref[CachedTile]
    route: str
    coding: str
    etag: bytes
    head: bytes | None = None
    unchanged: bytes | None = None


class HotLane:
    """Remembers the heads of answers with tiles. For the event loop alone."""

    def __init__(self, context: Context, ids: RequestIds) -> None:
        self.context, self.ids = context, ids
        self._answers: dict[_Key, _Answer] = {}
        self._shown: dict[tuple[bytes | None, bytes | None], Presented | None] = {}
        self._codings: dict[bytes, str] = {}

    def remember(self, scope: Any, tile: CachedTile, coding: str, status: int, headers: Headers) -> None:
        """Remember how a tile was answered: the head without the request id."""
        if not tile.is_kept or status not in (200, 204, 304) or scope["method"] != "GET":
            return
        reader, query = scope["state"]["reader"], scope["query_string"]
        given = dict(scope["headers"])
        asked = self._coding(given.get(b"accept-encoding", b""))
        key = (scope["raw_path"] + b"?" + query if query else scope["raw_path"], reader.audience.fingerprint, reader.is_public, asked,
               given.get(b"accept"), given.get(b"accept-language"))
        known = self._answers.get(key)
        if known is None or known.tile() is not tile:
            if len(self._answers) >= MOST_ANSWERS:
                self._answers.pop(next(iter(self._answers)))
            etag = next((value for name, value in headers if name == b"etag"), b"")
            known = self._answers[key] = _Answer(ref(tile), scope["route"].path, coding, etag)
        head = b"".join([name + b": " + value + b"\r\n" for name, value in headers])
        if status == 304:
            known.unchanged = b"HTTP/1.1 304 Not Modified\r\n" + head
        else:
            known.head = (b"HTTP/1.1 200 OK\r\n" if status == 200 else b"HTTP/1.1 204 No Content\r\n") + head

    def answer(self, target: bytes, headers: Headers, common: bytes) -> bytes | None:
        """Return the whole answer to a GET, or None where it must go through the service.

        Parameters
        ----------
        target
            Path and query as they came.
        common
            Headers that the server adds to every answer (the date), as text.
        """
        begun = time.perf_counter()
        given = dict(headers)
        if len(given) != len(headers):
            return None
        get, context = given.get, self.context
        shown = (get(b"authorization"), get(b"cookie"))
        presented = None
        if shown != (None, None):
            try:
                presented = self._shown[shown]
            except KeyError:
                presented = self._present(shown, headers)
        reader = context.identity.known(presented)
        # A credential that is not known may be a wrong one: that is not for this lane to say.
        if reader is None:
            return None
        coding = self._codings.get(get(b"accept-encoding", b""))
        found = None if coding is None else self._answers.get(
            (target, reader.audience.fingerprint, reader.is_public, coding, get(b"accept"), get(b"accept-language")))
        if found is None:
            return None
        tile = found.tile()
        if tile is None or not tile.is_kept:
            return None
        seen = get(b"gis-seq")
        if seen is not None and (not _TRUSTED_SEQ.match(seen) or int(seen) > context.seq):
            return None
        status, head, body = 200, found.head, b""
        has = get(b"if-none-match")
        if has is not None:
            if has != found.etag:
                return None
            status, head = 304, found.unchanged
        if head is None or any(name in given for name in UNUSUAL):
            return None
        if status == 200:
            body = tile.bodies[found.coding]
            if not body:
                status = 204
        tile.was_used = True
        context.tiles.hot_hits += 1
        answer = b"".join((head, common, b"x-request-id: ", self.ids.of(get(b"x-request-id")), b"\r\n\r\n", body))
        context.metrics.count(found.route, "GET", status, time.perf_counter() - begun)
        return answer

    def _present(self, shown: tuple[bytes | None, bytes | None], headers: Headers) -> Presented | None:
        try:
            presented = present({"type": "http", "headers": headers, "query_string": b""})
        except (StoreError, HTTPException):
            # Refused with a reason, by the door.
            presented = Presented("none", b"")
        if len(self._shown) >= MOST_REMEMBERED:
            self._shown.clear()
        self._shown[shown] = presented
        return presented

    def _coding(self, accept: bytes) -> str:
        coding = self._codings.get(accept)
        if coding is None:
            if len(self._codings) >= MOST_REMEMBERED:
                self._codings.clear()
            coding = self._codings[accept] = encoding_for(accept.decode("latin-1")) or ""
        return coding
