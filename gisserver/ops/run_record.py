"""One run at a time per city's folder, and what a killed run left behind."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from gisserver.ops.processes import RUN_VARIABLE, ProcessMark, end_processes, mark_of, processes_of_run
from layers.errors import Unavailable

__all__ = ["AlreadyRunning", "Run"]


class AlreadyRunning(Unavailable):
    """Another process runs this city."""


@dataclass
class _Record:
    run_id: str
    address: str
    supervisor: int
    processes: list[ProcessMark] = field(default_factory=list)


class Run:
    """The right to run a city, held by a lock on `var/run.lock` for as long as the context lasts.

    What is started is noted in `var/run.json`; the file's presence at the next start means that this run was killed.
    The lock is the kernel's: it ends with the process, however that ends, and children do not inherit it.
    """

    def __init__(self, var: Path, address: str) -> None:
        self.var, self.path = var, var / "run.json"
        self.record = _Record(secrets.token_hex(8), address, os.getpid())
        self._lock: IO[str] | None = None
        self.left: _Record | None = None

    def __enter__(self) -> Run:
        try:
            self.var.mkdir(parents=True, exist_ok=True)
            self._lock = (self.var / "run.lock").open("a")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if self._lock:
                self._lock.close()
            other = self._read()
            where = f" at {other.address} (process {other.supervisor})" if other else ""
            raise AlreadyRunning(f"The city in {self.var} is running already{where}. "
                                 "Stop that one first, or set another GIS_VAR and GIS_PORT.") from None
        except PermissionError:
            raise Unavailable(f"{self.var} belongs to another account. Use that account, or set another GIS_VAR.") from None
        self.left = self._read()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.path.unlink(missing_ok=True)
        if self._lock:
            self._lock.close()

    def environment(self) -> dict[str, str]:
        """Return the variable that tells a child, and its children, which run they belong to."""
        return {RUN_VARIABLE: self.record.run_id}

    def note(self, pid: int) -> None:
        """Note a process that this run started, on disk before anything else happens."""
        living = [mark for mark in self.record.processes if mark.lives()]
        if mark := mark_of(pid):
            living.append(mark)
        self.record.processes = living
        self.begin()

    def begin(self) -> None:
        """Write the record of this run over that of the one before, whose leftovers are gone by now."""
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self.record), indent=1) + "\n")
        draft.replace(self.path)

    def end_leftovers(self, grace_s: float = 5) -> int:
        """End what a killed run left: the processes it noted, and whatever those started. Returns how many there were."""
        if self.left is None:
            return 0
        left = self.left

        def living() -> set[int]:
            return {mark.pid for mark in left.processes if mark.lives()} | set(processes_of_run(left.run_id))

        return end_processes(living, grace_s)

    def end_all(self, grace_s: float) -> int:
        """End every process of this run that still lives, grandchildren included."""
        return end_processes(lambda: processes_of_run(self.record.run_id), grace_s)

    def _read(self) -> _Record | None:
        try:
            text = json.loads(self.path.read_text())
            marks = [ProcessMark(**mark) for mark in text.pop("processes")]
            return _Record(**text, processes=marks)
        except (OSError, ValueError, TypeError, KeyError):
            return None
