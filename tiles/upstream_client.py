"""Asking services of others: only hosts that an administrator named, no private address, no redirect, no more than a picture."""

from __future__ import annotations

import logging
import time
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

from mapproxy.client.http import HTTPClientError
from mapproxy.image import ImageResult
from PIL import Image

from tiles.guarded_fetch import FetchFailed, Limits, fetch
from tiles.outside_pictures import NoPicture, look_at

__all__ = ["UpstreamClient"]

LOGGER = logging.getLogger(__name__)
LIMITS = Limits(total_s=20, most_bytes=16 * 2**20)
# A host that gave no answer is left alone for a while: {host: until when}, by the monotonic clock.
REST_S = 15
_silent: dict[str, float] = {}


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
        return self._answer(url.partition("#")[0])

    def open_image(self, url: str, data: Any = None) -> ImageResult:
        """Return a picture. Raises HTTPClientError where something else comes."""
        answer = self.open(url, data)
        if not answer.headers.get("content-type", "").lower().startswith("image/"):     # type: ignore[attr-defined]
            raise HTTPClientError(f"{self.host} sent no picture")
        try:
            # Whatever its sender calls it: what is no picture, too large or cut off would be shown, and kept, as nothing.
            look_at(answer.getvalue())
            with Image.open(BytesIO(answer.getvalue())) as picture:
                picture.load()
        except (NoPicture, OSError, SyntaxError, ValueError, EOFError) as error:
            raise HTTPClientError(f"{self.host} sent no picture: {str(error)[:100]}") from None
        return ImageResult(answer)

    def _answer(self, url: str) -> BytesIO:
        asked = urlencode(self.secret)
        wait_s = _silent.get(self.host, 0) - time.monotonic()
        if wait_s > 0:
            raise HTTPClientError(f"{self.host} did not answer; it is asked again in {wait_s:.0f} seconds")
        try:
            found = fetch(f"{url}{'&' if '?' in url else '?'}{asked}" if asked else url, self.is_private, LIMITS, "image/*")
        except FetchFailed as failed:
            if failed.reason in ("slow", "refused", "lookup"):
                # Who asks again at once would only wait again.
                _silent[self.host] = time.monotonic() + REST_S
            if failed.reason == "address":
                raise HTTPClientError(f"{self.host} has a private address; say 'private: true' if it is meant to") from None
            LOGGER.warning("upstream service %s does not answer: %s", self.host, failed.reason)
            raise HTTPClientError(f"{self.host} does not answer ({failed})") from None
        if found.status != 200:
            # A redirect is not followed: it could lead anywhere.
            raise HTTPClientError(f"{self.host} answers with status {found.status}", response_code=found.status)
        body = _Body(found.body)
        body.headers = dict(found.headers)
        return body


class _Body(BytesIO):
    headers: dict[str, str]
