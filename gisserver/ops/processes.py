"""Processes of this machine, known for sure: by number and moment of birth, by what they run, by the run they belong to."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ProcessMark", "end_processes", "mark_of", "processes_in", "processes_of_run"]

PROC = Path("/proc")
RUN_VARIABLE = "GIS_RUN_ID"


@dataclass(frozen=True)
class ProcessMark:
    """What makes a process itself: its number alone is given to strangers after its death.

    `born` is the kernel's start time in clock ticks since boot, `boot` the identity of that boot.
    """

    pid: int
    born: int
    boot: str
    command: str = field(compare=False)

    def lives(self) -> bool:
        """Is this very process still there?"""
        return mark_of(self.pid) == self


def mark_of(pid: int) -> ProcessMark | None:
    """Return the mark of a living process; None if there is none with this number, or only its shell (a zombie)."""
    try:
        state, *rest = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else ProcessMark(pid, int(rest[18]), boot, command)


def processes_in(folder: Path, program: str) -> list[int]:
    """Return the numbers of processes that run `program` with `folder` as their working folder.

    PostgreSQL and all its children work in the data folder, so this finds a cluster's own processes and no other's.
    """
    real = os.path.realpath(folder)
    return [pid for pid in _all() if _link(pid, "cwd") == real and _program(pid) == program]


def processes_of_run(run_id: str) -> list[int]:
    """Return the numbers of processes whose environment says that they belong to a run."""
    wanted = f"{RUN_VARIABLE}={run_id}".encode()
    return [pid for pid in _all() if pid != os.getpid() and wanted in _environment(pid)]


def end_processes(find: Callable[[], Iterable[int]], grace_s: float) -> int:
    """Ask the found processes to end, and kill those that still live after the grace time.

    `find` is asked again each time, so that children born meanwhile are met as well. Returns how many were found first.
    """
    first = list(find())
    _send(first, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while (living := [pid for pid in find() if mark_of(pid)]) and time.monotonic() < deadline + 5:
        if time.monotonic() > deadline:
            _send(living, signal.SIGKILL)
        time.sleep(0.05)
    return len(first)


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _all() -> list[int]:
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]


def _link(pid: int, name: str) -> str | None:
    try:
        return os.readlink(PROC / str(pid) / name)
    except OSError:
        return None


def _program(pid: int) -> str:
    # a program replaced by an upgrade is shown as "/usr/.../postgres (deleted)"
    return os.path.basename((_link(pid, "exe") or "").removesuffix(" (deleted)"))


def _environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
