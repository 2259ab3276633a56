"""Keeps the city's programs alive: starts them, starts them again when they end, and ends them all."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM, Signals

from gisserver.ops.run_record import Run
from gisserver.ops.saying import Teller
from layers.errors import Unavailable

__all__ = ["Program", "Supervisor"]

LONGEST_PAUSE_S = 30.0
# A program that has lived this long was healthy; its next end is a new story.
HEALTHY_S = 60.0
LOOK_S = 0.2


@dataclass
class Program:
    """A program to keep alive. `spawn` starts it; `stop`, if given, is its own way to end (a database wants one)."""

    name: str
    chinese: str
    spawn: Callable[[], subprocess.Popen[bytes]]
    stop: Callable[[], object] | None = None
    grace_s: float = 10.0


class _Watched:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.pause_s = 0.0
        self.due_at = 0.0


class Supervisor:
    """Starts programs in the given order and stops them in the opposite one."""

    def __init__(self, run: Run, teller: Teller) -> None:
        self.run, self.teller = run, teller
        self._watched: list[_Watched] = []
        self._ending = threading.Event()

    def start(self, program: Program) -> subprocess.Popen[bytes]:
        """Start a program and watch it from now on."""
        watched = _Watched(program)
        self._watched.append(watched)
        return self._spawn(watched)

    def watch(self, forever: Callable[[], bool] = lambda: True) -> None:
        """Start ended programs again, after a pause that doubles, until `forever` says no or `end` is called."""
        while forever() and not self._ending.wait(LOOK_S):
            for watched in self._watched:
                self._look(watched)

    def end(self) -> None:
        """Let `watch` return."""
        self._ending.set()

    def stop(self) -> None:
        """End all programs: the ones started last first, each by its own way, by force after its grace time."""
        self._ending.set()
        plain = [w for w in reversed(self._watched) if w.program.stop is None]
        for watched in plain:
            self._signal(watched, SIGTERM)
        deadline = time.monotonic() + max((w.program.grace_s for w in plain), default=0)
        for watched in plain:
            self._wait(watched, deadline)
        self.run.end_all(grace_s=1)
        for watched in reversed(self._watched):
            if watched.program.stop is not None:
                watched.program.stop()
                self._wait(watched, time.monotonic() + watched.program.grace_s)

    def _spawn(self, watched: _Watched) -> subprocess.Popen[bytes]:
        watched.process = watched.program.spawn()
        watched.started_at = time.monotonic()
        self.run.note(watched.process.pid)
        return watched.process

    def _look(self, watched: _Watched) -> None:
        now = time.monotonic()
        if watched.process is not None and watched.process.poll() is not None:
            if now - watched.started_at > HEALTHY_S:
                watched.pause_s = 0
            watched.due_at = now + watched.pause_s
            self._tell_end(watched)
            watched.process = None
            watched.pause_s = min(max(0.5, watched.pause_s * 2), LONGEST_PAUSE_S)
        if watched.process is None and now >= watched.due_at:
            try:
                self._spawn(watched)
            except (Unavailable, OSError) as error:
                watched.due_at = now + watched.pause_s
                watched.pause_s = min(max(0.5, watched.pause_s * 2), LONGEST_PAUSE_S)
                self.teller.warn(f"{watched.program.name} could not be started: {error}",
                                 f"{watched.program.chinese}启动失败：{error}")

    def _tell_end(self, watched: _Watched) -> None:
        program, code = watched.program, watched.process.returncode if watched.process else 0
        how = (f"was killed by {Signals(-code).name}", f"被 {Signals(-code).name} 终止") if code < 0 else \
              (f"ended with code {code}", f"退出，代码 {code}")
        when = (f"in {watched.pause_s:g} s", f"{watched.pause_s:g} 秒后") if watched.pause_s else ("now", "立即")
        self.teller.warn(f"{program.name} {how[0]}; it is started again {when[0]}.",
                         f"{program.chinese}{how[1]}，{when[1]}重新启动。")

    @staticmethod
    def _signal(watched: _Watched, number: Signals) -> None:
        if watched.process is not None and watched.process.poll() is None:
            watched.process.send_signal(number)

    def _wait(self, watched: _Watched, deadline: float) -> None:
        if watched.process is None:
            return
        try:
            watched.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._signal(watched, SIGKILL)
            watched.process.wait()
