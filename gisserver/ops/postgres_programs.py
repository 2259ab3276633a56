"""The programs of PostgreSQL on this machine: which version, where, with PostGIS or without."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from layers.errors import Unavailable

__all__ = ["OLDEST", "PostgresPrograms", "find_programs", "installed_programs"]

OLDEST = 15
DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class PostgresPrograms:
    """One installed PostgreSQL: folder of its programs, major version, and whether PostGIS 3 stands beside it."""

    folder: Path
    version: int
    postgis: bool

    def program(self, name: str) -> str:
        """Return the full path of one program, such as `pg_dump`."""
        return str(self.folder / name)


def installed_programs() -> list[PostgresPrograms]:
    """Return every PostgreSQL server on this machine, the newest first."""
    folders = [*DEBIAN.glob("*/bin"), Path(sys.prefix, "bin")]
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    found = {folder: described for folder in folders if (described := _describe(folder))}
    return sorted(found.values(), key=lambda programs: (programs.postgis, programs.version), reverse=True)


def find_programs(version: int | None = None) -> PostgresPrograms:
    """Return the newest PostgreSQL with PostGIS, or the one with the asked major version.

    Raises Unavailable, saying what to install.
    """
    found = installed_programs()
    for programs in found:
        if programs.postgis and programs.version >= OLDEST and version in (None, programs.version):
            return programs
    if version is not None:
        raise Unavailable(f"The cluster was made by PostgreSQL {version}, which is not installed any more. Install "
                          f"postgresql-{version}-postgis-3, make a backup with 'gis backup', and restore it into a new cluster.")
    raise Unavailable(f"PostgreSQL {OLDEST} or later with PostGIS 3 is not installed. "
                      "On Debian and Ubuntu: apt-get install postgresql postgresql-<version>-postgis-3")


def _describe(folder: Path) -> PostgresPrograms | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb", "pg_config")):
        return None
    answer = subprocess.run([folder / "pg_config", "--version", "--sharedir"], capture_output=True, text=True, check=False)
    match = re.match(r"PostgreSQL (\d+).*\n(.+)", answer.stdout)
    if answer.returncode or not match:
        return None
    return PostgresPrograms(folder, int(match[1]), _has_postgis(Path(match[2])))


def _has_postgis(share: Path) -> bool:
    try:
        control = (share / "extension" / "postgis.control").read_text()
    except OSError:
        return False
    return bool(re.search(r"default_version\s*=\s*'[3-9]", control))
