"""The system account that PostgreSQL runs under, because it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.errors import Unavailable

__all__ = ["SystemAccount", "cluster_account"]


@dataclass(frozen=True)
class SystemAccount:
    """An account of this machine. `switch` is false where we already are that account."""

    name: str
    uid: int
    gid: int
    switch: bool

    def popen_arguments(self) -> dict[str, Any]:
        """Return what `subprocess` needs to start a program under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def own(self, path: Path) -> None:
        """Give a file or folder to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, folder: Path) -> bool:
        """Can this account walk down to the folder? Asked of the system, which knows about ACLs and mounts."""
        asked = subprocess.run(["test", "-x", str(folder)], check=False, **self.popen_arguments())
        return asked.returncode == 0


def cluster_account() -> SystemAccount:
    """Return the account PostgreSQL is to run under: this one, or for root `postgres`, else `gis` (made when missing).

    Raises Unavailable where root can find no such account and cannot make one.
    """
    if os.geteuid() != 0:
        try:
            me = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise Unavailable(f"User id {os.geteuid()} has no name on this machine, and PostgreSQL needs one.") from None
        return SystemAccount(me.pw_name, me.pw_uid, me.pw_gid, switch=False)
    for name in ("postgres", "gis"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemAccount(name, entry.pw_uid, entry.pw_gid, switch=True)
    made = subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "gis"],
                          capture_output=True, text=True, check=False)
    if made.returncode:
        raise Unavailable(f"PostgreSQL does not run as root, and the account 'gis' could not be made: {made.stderr.strip()}")
    return cluster_account()
