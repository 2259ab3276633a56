"""Who runs a command on the machine, as the audit names them."""

from __future__ import annotations

import getpass

from layers.audit import Actor

__all__ = ["operator"]


def operator() -> Actor:
    """Return the login name of who runs this command. They have no account of the city, and are noted all the same."""
    return Actor(f"machine:{getpass.getuser()}")
