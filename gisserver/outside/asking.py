"""Asking services of others: only hosts on the list, looked up each time; pictures only where they are pictures."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from gisserver.outside.documents import Unreadable, plain, read_json, read_xml
from gisserver.outside.faults import HostNotAllowed, OutsideBusy, OutsideFailed, explained
from gisserver.outside.kept import Kept
from layers.errors import InvalidParameter
from layers.outside import OutsideHost, OutsideLayer, find_outside_layer, outside_hosts, read_origin
from layers.store import Store
from tiles.guarded_fetch import Fetched, FetchFailed, Limits, fetch
from tiles.outside_pictures import NoPicture, Seen, look_at

__all__ = ["DOCUMENT", "Outside", "PICTURE", "Picture"]

LOGGER = logging.getLogger("gisserver.outside")
DOCUMENT = Limits(total_s=25, most_bytes=16 * 2**20)
PICTURE = Limits(total_s=15, most_bytes=8 * 2**20)
# Who was taken from the list is asked no more after so long, in every process.
HOSTS_KEPT_S = 2.0
PICTURES_KEPT_S, DOCUMENTS_KEPT_S = 600.0, 300.0
PICTURES_BYTES, DOCUMENTS_BYTES = 96 * 2**20, 96 * 2**20
MOST_REDIRECTS = 3
MOST_AT_ONCE, WAIT_S = 8, 3.0
# Documents take much more room while they are read than on the way.
READERS, READING_WAIT_S = 2, 20.0
# After so many failures in a row a host is left in peace.
FAILURES, PEACE_S = 4, 30.0
# A failure of the service itself, as against one of the question.
_OF_HOST = frozenset({"lookup", "slow", "tls", "refused"})

Picture = tuple[bytes, str]


class Outside:
    """The services of others, as one server process sees them. Made once; safe for threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.pictures, self.documents = Kept(PICTURES_BYTES), Kept(DOCUMENTS_BYTES)
        self._layers = Kept(8 * 2**20)
        self._hosts: dict[str, OutsideHost] = {}
        self._read_at = float("-inf")
        self._failures: dict[str, tuple[int, float]] = {}
        self._doors: dict[str, threading.BoundedSemaphore] = {}
        self._reading = threading.BoundedSemaphore(READERS)
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Read the list of hosts again, after it was changed here."""
        self._read_at = float("-inf")

    def hosts(self) -> dict[str, OutsideHost]:
        """Return the allowed hosts by origin."""
        now = time.monotonic()
        if now - self._read_at >= HOSTS_KEPT_S:
            found = {host.origin: host for host in outside_hosts(self.store)}
            if found.keys() != self._hosts.keys():
                # Which of a service's addresses are used depends on the list.
                self.documents.clear()
            self._hosts, self._read_at = found, now
        return self._hosts

    def may(self, origin: str) -> bool:
        """May this origin be asked?"""
        return origin in self.hosts()

    def allowed(self, origin: str) -> OutsideHost:
        """Return an allowed host. Raises HostNotAllowed."""
        found = self.hosts().get(origin)
        if found is None:
            raise HostNotAllowed(origin)
        return found

    def layer(self, layer_id: str) -> OutsideLayer:
        """Return a layer by its name; what it is never changes. Raises UnknownOutsideLayer."""
        found: OutsideLayer | None = self._layers.get(layer_id)
        if found is None:
            found = find_outside_layer(self.store, layer_id)
            self._layers.put(layer_id, found, len(str(found.definition)), 3600)
        return found

    def get(self, address: str, accept: str, limits: Limits = DOCUMENT) -> Fetched:
        """Get what is at an address of an allowed host; a redirect is followed where it stays at that host.

        Raises HostNotAllowed, OutsideFailed (also for any status but 200), OutsideBusy, InvalidParameter for what is no address.
        """
        origin = read_origin(address)
        with self._at(origin):
            for _ in range(MOST_REDIRECTS + 1):
                answer = self._fetched(self.allowed(origin), urldefrag(address).url, accept, limits)
                if answer.status == 200:
                    return answer
                if answer.status not in (301, 302, 303, 307, 308):
                    raise OutsideFailed(origin, f"it answers with status {answer.status}", f"对方返回状态码 {answer.status}", f"status-{answer.status}")
                address = urljoin(address, answer.headers.get("location", ""))
                self._stays(origin, address)
        raise OutsideFailed(origin, "it leads from one address to the next without end", "对方不断重定向", "redirect")

    def _stays(self, origin: str, address: str) -> None:
        try:
            target = read_origin(address)
        except InvalidParameter:
            target = ""
        if target != origin:
            raise OutsideFailed(origin, f"it leads elsewhere ({target or 'no web address'}), and redirects to other hosts are not followed; give the address there, "
                                "which an administrator has to allow", f"对方要求转到其他地址（{target or '非网址'}），本平台不跟随；请直接填写新地址，并请管理员允许该主机", "redirect")

    def _fetched(self, host: OutsideHost, address: str, accept: str, limits: Limits) -> Fetched:
        failures, since = self._failures.get(host.origin, (0, 0.0))
        if failures >= FAILURES and time.monotonic() - since < PEACE_S:
            raise explained(host.origin, "down")
        try:
            # The host as the list writes it: what is looked up and asked is what was compared.
            parts = urlsplit(address)
            answer = fetch(f"{host.origin}{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", host.is_private, limits, accept)
        except FetchFailed as failed:
            if failed.reason in _OF_HOST:
                self._failures[host.origin] = failures + 1, time.monotonic()
            LOGGER.info("%s: %s", host.origin, failed)
            raise explained(host.origin, failed.reason) from None
        self._failures.pop(host.origin, None)
        return answer

    @contextmanager
    def _at(self, origin: str) -> Iterator[None]:
        self.allowed(origin)
        with self._lock:
            door = self._doors.setdefault(origin, threading.BoundedSemaphore(MOST_AT_ONCE))
        if not door.acquire(timeout=WAIT_S):
            raise OutsideBusy
        try:
            yield
        finally:
            door.release()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let only a few large documents be read at once. Raises OutsideBusy."""
        if not self._reading.acquire(timeout=READING_WAIT_S):
            raise OutsideBusy
        try:
            yield
        finally:
            self._reading.release()

    def picture(self, address: str, may_miss: bool = False) -> Picture | None:
        """Get a picture and its media type, which is what its bytes are, not what it is called.

        `may_miss` gives None where the service has nothing there (404, 204). Raises as `get`, and OutsideFailed for what is no picture.
        """
        origin = read_origin(address)
        self.allowed(origin)
        kept = self.pictures.get(address)
        if kept is None:
            kept = self._new_picture(origin, address, may_miss)
            self.pictures.put(address, kept, len(kept[0]) + len(address) + 200, PICTURES_KEPT_S)
        return kept if kept[1] else None

    def _new_picture(self, origin: str, address: str, may_miss: bool) -> Picture:
        try:
            answer = self.get(address, "image/png,image/webp,image/jpeg,image/gif;q=0.8", PICTURE)
        except OutsideFailed as failed:
            if may_miss and failed.reason in ("status-404", "status-204", "status-410"):
                return b"", ""
            raise
        if not answer.kind.startswith("image/") or answer.kind == "image/svg+xml":
            raise OutsideFailed(origin, f"it sent no picture but {plain(answer.kind, 60) or 'something unnamed'}{_complaint(answer.body)}",
                                f"对方返回的不是图片，而是 {plain(answer.kind, 60) or '未标明的内容'}{_complaint(answer.body)}", "no-picture")
        try:
            seen: Seen = look_at(answer.body)
        except NoPicture as no:
            raise OutsideFailed(origin, f"what it calls a picture cannot be shown: {no}", "对方返回的内容并非可显示的图片", "no-picture") from None
        return answer.body, seen.kind

    def json(self, address: str, limits: Limits = DOCUMENT) -> Any:
        """Get a document of JSON. Raises as `get`, and OutsideFailed where it is none."""
        origin = read_origin(address)
        answer = self.get(address, "application/geo+json,application/json", limits)
        try:
            with self.reading():
                return read_json(answer.body)
        except Unreadable as no:
            raise OutsideFailed(origin, str(no), "对方返回的不是可读取的 JSON", "broken") from None


def _complaint(body: bytes) -> str:
    """Return what a service complains of in XML, as plain text behind a colon."""
    if not body.lstrip()[:1] == b"<" or len(body) > 100_000:
        return ""
    try:
        texts = [plain(each.text, 200) for each in read_xml(body).iter() if isinstance(each.tag, str)
                 and each.tag.rpartition("}")[2] in ("ServiceException", "ExceptionText") and each.text]
    except Unreadable:
        return ""
    return f" ({texts[0]})" if texts and texts[0] else ""
