"""What the project needs from the machine's distribution, and what of it is missing.

Run as a program it prints one package per line, `required` or `wanted` before it: `./run` and `./test` install them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gisserver.ops.postgres_programs import OLDEST, installed_programs

__all__ = ["Missing", "missing_packages"]

FONTS = Path("/usr/share/fonts")
CHROMIUM = Path("/usr/bin/chromium")


@dataclass(frozen=True)
class Missing:
    """A Debian package that is missing. Without a required one nothing starts; a wanted one is for `purpose` only."""

    package: str
    required: bool
    purpose: str


def missing_packages(*, tests: bool = False) -> list[Missing]:
    """Return what is missing to run the city, or to run its tests as well."""
    return [*_postgres(), *_fonts(), *(_for_tests() if tests else ())]


def _postgres() -> Iterator[Missing]:
    found = installed_programs()
    if any(programs.postgis and programs.version >= OLDEST for programs in found):
        return
    versions = [programs.version for programs in found if programs.version >= OLDEST]
    version = max(versions) if versions else _offered_version()
    yield Missing(f"postgresql-{version}", True, "the store")
    yield Missing(f"postgresql-{version}-postgis-3", True, "the store")


def _offered_version() -> int:
    """Return the major version that the distribution's `postgresql` stands for; 15 where apt cannot tell."""
    answer = _ask("apt-cache", "depends", "postgresql")
    versions = [int(number) for number in re.findall(r"Depends: postgresql-(\d+)", answer)]
    return max(versions, default=OLDEST)


def _fonts() -> Iterator[Missing]:
    if not any(FONTS.rglob("*CJK*")):
        yield Missing("fonts-noto-cjk", False, "Chinese labels on maps that the server draws")


def _for_tests() -> Iterator[Missing]:
    if not shutil.which("ogrinfo"):
        yield Missing("gdal-bin", False, "tests against GDAL")
    # Ubuntu has no such package: its Chromium is a snap, and the browser tests say so and are skipped.
    if not CHROMIUM.exists() and _has_candidate("chromium"):
        yield Missing("chromium", False, "tests in a browser")


def _has_candidate(package: str) -> bool:
    match = re.search(r"Candidate: (\S+)", _ask("apt-cache", "policy", package))
    return bool(match) and match[1] != "(none)" and "snap" not in match[1]


def _ask(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


if __name__ == "__main__":
    for missing in missing_packages(tests="--tests" in sys.argv[1:]):
        sys.stdout.write(f"{'required' if missing.required else 'wanted'} {missing.package}\n")
