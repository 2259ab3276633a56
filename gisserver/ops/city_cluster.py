"""Where the private cluster of a city lies: found by its record in the city's folder, or made in a fitting place.

`cluster.json` in the folder says where. The cluster lies in `cluster/` beside it, or, where PostgreSQL's account cannot
reach that (a folder of root's own), under `/var/lib`.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from pathlib import Path

from gisserver.ops.cluster import Cluster, Place
from gisserver.ops.system_account import SystemAccount, cluster_account
from layers.errors import Unavailable

__all__ = ["make_cluster", "read_cluster"]

# The name of a Unix socket ends at 107 bytes on Linux.
SOCKET_NAME_BYTES = 107


def read_cluster(var: Path) -> Cluster | None:
    """Return the cluster of a city's folder; None if it has none yet. Raises Unavailable if it belongs to another account."""
    cluster = _recorded(var)
    if cluster is None or not (cluster.data / "PG_VERSION").exists():
        return None
    return cluster


def make_cluster(var: Path, *, throwaway: bool = False) -> Cluster:
    """Make a new cluster for a city's folder, in a place that its account can reach. The cluster is not started."""
    account = cluster_account()
    var.mkdir(parents=True, exist_ok=True)
    # an attempt that was killed has left its record: its place is taken again, so that nothing is left lying about
    cluster = _recorded(var) or Cluster(_new_place(var, account, throwaway), account, var / "cluster.json")
    cluster.create()
    return cluster


def _recorded(var: Path) -> Cluster | None:
    record = var / "cluster.json"
    try:
        place = Place(**json.loads(record.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise Unavailable(f"{record} cannot be read: {error}") from None
    account = cluster_account()
    home = Path(place.home)
    if home.exists() and home.stat().st_uid != account.uid:
        raise Unavailable(f"The cluster {home} belongs to another account (user id {home.stat().st_uid}), not to "
                          f"'{account.name}'. Use that account (or sudo), or set another GIS_VAR.")
    return Cluster(place, account, record)


def _new_place(var: Path, account: SystemAccount, throwaway: bool) -> Place:
    mark = secrets.token_hex(4)
    home = var / "cluster" if account.can_reach(var) else Path("/var/lib", f"gis-{mark}")
    port = _free_port()
    folder = home / "socket"
    # libpq takes a comma for the border between two hosts
    if "," in str(folder) or len(os.fsencode(folder / f".s.PGSQL.{port}.lock")) > SOCKET_NAME_BYTES:
        folder = _short_folder(account) / f"gis-{mark}"
    return Place(str(home), str(folder), port, throwaway)


def _short_folder(account: SystemAccount) -> Path:
    if account.switch:
        return Path("/run")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(runtime if runtime and os.access(runtime, os.W_OK) and len(runtime) < 60 else "/tmp")


def _free_port() -> int:
    # No TCP is opened; a number of its own keeps tools apart that know clusters by their port only.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
