"""Asks a server whether it is ready, as a load balancer would."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

__all__ = ["is_ready", "wait_ready"]


def is_ready(host: str, port: int, path: str = "/readyz", timeout_s: float = 5) -> bool:
    """Does the server answer 200? Asked directly: a proxy of the environment has no business here."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_ready(host: str, port: int, timeout_s: float, hopeful: Callable[[], bool] = lambda: True) -> bool:
    """Wait until the server is ready; give up after the timeout, or as soon as there is no hope."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if is_ready(host, port):
            return True
        if not hopeful():
            return False
        time.sleep(0.1)
    return False
