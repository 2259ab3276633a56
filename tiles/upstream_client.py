"""Asking services of others: only hosts that an administrator named, no private address, no redirect, no more than a picture."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

from mapproxy.client.http import HTTPClientError
from mapproxy.image import ImageResult

__all__ = ["UpstreamClient"]

LOGGER = logging.getLogger(__name__)
TIMEOUT_S = 20
MOST_BYTES = 16 * 2**20


class UpstreamClient:
    """The HTTP client of one upstream service, in the place of MapProxy's own.

    Parameters
    ----------
    host
        The only host that is asked, as `name` or `name:port`.
    secret
        Parameters that are added to every address at the last moment (a key); they stand in no message and no log.
    is_private
        The service is in the operator's own network: private addresses are allowed.
    """

    def __init__(self, host: str, secret: dict[str, str], is_private: bool) -> None:
        self.host, self.secret, self.is_private = host, secret, is_private

    def open(self, url: str, data: Any = None, method: str | None = None, headers: Any = None) -> BytesIO:
        """Return the body of an answer, with its `headers`. Raises HTTPClientError whose words hold no address and no key."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.netloc != self.host:
            raise HTTPClientError(f"only {self.host} may be asked")
        try:
            return self._answer(parts.scheme, parts.path or "/", parts.query)
        except (OSError, HTTPException) as error:
            LOGGER.warning("upstream service %s does not answer: %s", self.host, type(error).__name__)
            raise HTTPClientError(f"{self.host} does not answer ({type(error).__name__})") from None

    def open_image(self, url: str, data: Any = None) -> ImageResult:
        """Return a picture. Raises HTTPClientError where something else comes."""
        answer = self.open(url, data)
        if not answer.headers.get("content-type", "").lower().startswith("image/"):     # type: ignore[attr-defined]
            raise HTTPClientError(f"{self.host} sent no picture")
        return ImageResult(answer)

    def _answer(self, scheme: str, path: str, query: str) -> BytesIO:
        name, _, port = self.host.rpartition(":") if ":" in self.host.rpartition("]")[2] else (self.host, "", "")
        number = int(port) if port else 443 if scheme == "https" else 80
        address = self._address(name.strip("[]"), number)
        connection: HTTPConnection = _Secure(name, number, address) if scheme == "https" else _Plain(name, number, address)
        try:
            asked = "&".join(part for part in (query, urlencode(self.secret)) if part)
            connection.request("GET", f"{path}?{asked}" if asked else path, headers={"User-Agent": "city-gis", "Accept": "image/*"})
            response = connection.getresponse()
            if response.status != 200:
                # A redirect is not followed: it could lead anywhere.
                raise HTTPClientError(f"{self.host} answers with status {response.status}", response_code=response.status)
            body = response.read(MOST_BYTES + 1)
            if len(body) > MOST_BYTES:
                raise HTTPClientError(f"{self.host} sent too much")
            found = _Body(body)
            found.headers = {key.lower(): value for key, value in response.getheaders()}
            return found
        finally:
            connection.close()

    def _address(self, name: str, port: int) -> str:
        """Look a host up once and return the address that is connected to, so that a second look-up cannot change it."""
        found = [info[4][0] for info in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]
        if not self.is_private and any(not ipaddress.ip_address(each).is_global for each in found):
            raise HTTPClientError(f"{self.host} has a private address; say 'private: true' if it is meant to")
        return str(found[0])


class _Body(BytesIO):
    headers: dict[str, str]


class _Plain(HTTPConnection):
    def __init__(self, name: str, port: int, address: str) -> None:
        super().__init__(name, port, timeout=TIMEOUT_S)
        self.address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), TIMEOUT_S)


class _Secure(HTTPSConnection):
    def __init__(self, name: str, port: int, address: str) -> None:
        self.tls = ssl.create_default_context()
        super().__init__(name, port, timeout=TIMEOUT_S, context=self.tls)
        self.address = address

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), TIMEOUT_S)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)
