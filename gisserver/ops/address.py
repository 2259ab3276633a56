"""The address that the services listen on, taken before anything is started."""

from __future__ import annotations

import socket

from config.settings import Settings
from layers.errors import Unavailable

__all__ = ["take_address"]


def take_address(settings: Settings) -> socket.socket:
    """Return a socket that is bound to the address of the settings. Raises Unavailable if it cannot be had."""
    listening = socket.socket(socket.AF_INET6 if ":" in settings.bind else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.bind, settings.port))
    except OSError as error:
        listening.close()
        raise Unavailable(f"Port {settings.port} of {settings.bind} cannot be used ({error.strerror}). "
                          "Set GIS_PORT (or GIS_BIND) to another.") from None
    return listening
