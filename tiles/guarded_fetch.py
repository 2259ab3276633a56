"""Fetching from servers of others: one look at the name, an address that is allowed, a deadline for all of it, and no more than so many bytes.

Nothing of the reader goes along (no cookie, no credentials, no referrer). The connection goes to the address that was looked
at, so that a second look-up cannot lead elsewhere; redirects come back to the caller, who knows which hosts are allowed.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

__all__ = ["Fetched", "FetchFailed", "Limits", "fetch", "is_allowed_address"]

AGENT = "city-gis"
_SAFE = "/?&=:;,+%@!$'()*~[]{}|-._"
# The translation prefix of IPv6 networks that reach IPv4 (RFC 6052), and local ones (RFC 8215): what counts is the address inside.
_NAT64 = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48"))
_SHARED = ipaddress.ip_network("100.64.0.0/10")
# Looking a name up cannot be broken off; these threads wait instead of those that answer readers.
_LOOKING_UP = ThreadPoolExecutor(4, "look-up")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchFailed(Exception):
    """A server of others did not answer as it should; `reason` is one word for what, the message holds no address."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Limits:
    """How long looking up and connecting may take, how long everything, and how many bytes may come (after unpacking)."""

    connect_s: float = 5.0
    total_s: float = 20.0
    most_bytes: int = 16 * 2**20


@dataclass(frozen=True)
class Fetched:
    """An answer: status, headers (names in lower case) and body; the body of a redirect or an error is left behind."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """Return the media type, in lower case and without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def fetch(url: str, is_private: bool = False, limits: Limits = Limits(), accept: str = "*/*", headers: Mapping[str, str] | None = None) -> Fetched:
    """Get what is at an http or https address.

    Parameters
    ----------
    url
        Its host is one that the caller has found on a list.
    is_private
        The host may be in the operator's own network (also on this machine). Addresses of the link alone never.

    Raises FetchFailed with the reason 'address', 'lookup', 'refused', 'slow', 'large', 'tls' or 'broken'.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise FetchFailed("address", "it has no address that can be asked")
    ends = time.monotonic() + limits.total_s
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _look_up(parts.hostname, port, is_private, limits.connect_s)
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    try:
        stream = _connect(addresses, port, min(limits.connect_s, limits.total_s))
        try:
            return _ask(stream, parts.scheme, parts.hostname, port, path, ends, limits, {"Accept": accept, **(headers or {})})
        finally:
            stream.close()
    except TimeoutError:
        raise FetchFailed("slow", f"it did not answer within {limits.total_s:g} seconds") from None
    except ssl.SSLError as error:
        raise FetchFailed("tls", f"its certificate does not hold ({error.reason or 'TLS'})") from None
    except ConnectionError:
        raise FetchFailed("refused", "it takes no connection") from None
    except (OSError, HTTPException, zlib.error) as error:
        raise FetchFailed("broken", f"its answer broke off or is no HTTP ({type(error).__name__})") from None


def is_allowed_address(text: str, is_private: bool = False) -> bool:
    """Say whether an IP address may be asked: one of the open Internet; with `is_private` also of the own network and this machine.

    Never one of the link alone (where clouds keep their metadata), a multicast, reserved or unspecified one, whichever way
    it is written inside an IPv6 address.
    """
    try:
        return all(_is_allowed(each, is_private) for each in _inside(ipaddress.ip_address(text.partition("%")[0])))
    except ValueError:
        return False


def _inside(address: Address) -> list[Address]:
    """Return the addresses that one stands for: those inside an IPv6 address that only carries them, else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        return [address.sixtofour]
    if address.teredo:
        return list(address.teredo)
    if any(address in network for network in _NAT64) or address in ipaddress.ip_network("::/96") and int(address) > 1:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def _is_allowed(address: Address, is_private: bool) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address.is_loopback or address.is_private or address in _SHARED:
        # Python counts what is reserved for documentation and the like as private too.
        return is_private and (address.is_loopback or _is_own_network(address))
    return address.is_global and not address.is_reserved


def _is_own_network(address: Address) -> bool:
    own = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10") if address.version == 4 else ("fc00::/7",)
    return any(address in ipaddress.ip_network(each) for each in own)


def _look_up(name: str, port: int, is_private: bool, wait_s: float) -> list[tuple[int, str]]:
    """Return the addresses of a host; all of them have to be allowed, since one cannot know which would be taken."""
    asked = _LOOKING_UP.submit(socket.getaddrinfo, name, port, type=socket.SOCK_STREAM)
    try:
        found = list(dict.fromkeys((info[0], str(info[4][0])) for info in asked.result(wait_s)))
    except TooLate:
        asked.cancel()
        raise FetchFailed("lookup", "its name was not found in time") from None
    except (OSError, UnicodeError):
        raise FetchFailed("lookup", "its name is not known") from None
    if not found or not all(is_allowed_address(address, is_private) for _, address in found):
        raise FetchFailed("address", "its name leads to an address that may not be asked")
    return found


def _connect(addresses: list[tuple[int, str]], port: int, wait_s: float) -> socket.socket:
    ends, fault = time.monotonic() + wait_s, OSError("no address")
    for family, address in addresses:
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(max(0.05, ends - time.monotonic()))
            made.connect((address, port))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
        except OSError as error:
            made.close()
            fault = error
    raise fault


def _ask(stream: socket.socket, scheme: str, name: str, port: int, path: str, ends: float, limits: Limits, headers: Mapping[str, str]) -> Fetched:
    connection: HTTPConnection
    if scheme == "https":
        context = ssl.create_default_context()
        stream.settimeout(_left(ends))
        stream = context.wrap_socket(stream, server_hostname=name)
        connection = HTTPSConnection(name, port, context=context)
    else:
        connection = HTTPConnection(name, port)
    connection.sock = _Timed(stream, ends)
    try:
        connection.request("GET", path, headers={"User-Agent": AGENT, "Via": f"1.1 {AGENT}", "Connection": "close", **headers})
        response = connection.getresponse()
        told = {key.lower(): value for key, value in response.getheaders()}
        if response.status != 200:
            return Fetched(response.status, told, b"")
        body = response.read(limits.most_bytes + 1)
        if len(body) > limits.most_bytes:
            raise FetchFailed("large", f"it sent more than {limits.most_bytes} bytes")
        return Fetched(200, told, _unpacked(body, told.get("content-encoding", ""), limits.most_bytes))
    finally:
        connection.close()
        stream.close()


def _unpacked(body: bytes, encoding: str, most_bytes: int) -> bytes:
    if encoding.strip().lower() in ("", "identity"):
        return body
    # Nothing was said to be taken but the plain body; some send this all the same.
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise FetchFailed("broken", f"it packs its answer as '{encoding[:20]}', which was not asked for")
    packed = zlib.decompressobj(31)
    plain = packed.decompress(body, most_bytes + 1)
    if len(plain) > most_bytes:
        raise FetchFailed("large", f"it sent more than {most_bytes} bytes")
    return plain


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Timed:
    """A connection in the place of a socket: whatever is read or written has to be done before the deadline."""

    def __init__(self, stream: socket.socket, ends: float) -> None:
        self.stream, self.ends = stream, ends

    def sendall(self, data: Any) -> None:
        self.stream.settimeout(_left(self.ends))
        self.stream.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.stream, self.ends))

    def close(self) -> None:
        """Do nothing: the reader of the answer may outlive the connection's own end; whoever opened the stream closes it."""


class _Reader(io.RawIOBase):
    def __init__(self, stream: socket.socket, ends: float) -> None:
        self.stream, self.ends = stream, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.stream.settimeout(_left(self.ends))
        return self.stream.recv_into(buffer)
