"""The worker: takes jobs out of the queue, lets a process of its own do each, keeps watch, and puts right what others left.

One thread that waits for three things: news from the database, words and ends of its children, and the next second.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import secrets
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from layers.errors import StoreError, Unavailable
from layers.staging import Batch
from layers.store import Store
from spatial_models.attempt import KEEP_PROBLEM_S, Attempt, ProblemOf, make_attempt
from spatial_models.jobs import Job, UnknownProcess, find_process
from spatial_models.running import NO_SURROUNDINGS, Surroundings
from spatial_models.words import Words

__all__ = ["Worker", "problem_of"]

LOGGER = logging.getLogger(__name__)
TICK_S = 1.0
SWEEP_S = 5.0
LOST_S = 15.0


def problem_of(error: Exception) -> dict[str, Any]:
    """Make a plain problem document of an error. What is no error of the city's data is logged, and not told."""
    if not isinstance(error, StoreError):
        LOGGER.error("a process failed", exc_info=error)
        return _problem("internal", 500, Words("The process made a mistake.", "处理程序内部错误。"))
    told = Words(str(error), getattr(error, "chinese", str(error)))
    return {**_problem("failed", 400, told), **error.details()}


def _problem(code: str, status: int, detail: Words) -> dict[str, Any]:
    title = Words("The job failed", "任务失败")
    return {"type": f"urn:gis:problem:{code}", "status": status, "title": title._asdict(), "detail": detail._asdict()}


@dataclass
class _Running:
    """A job at work: its process and what it told last."""

    job: Job
    process: BaseProcess
    telling: Connection
    living: Connection
    begun_at: float
    limit_s: float
    percent: int = 0
    words: Words | None = None
    problem: dict[str, Any] | None = None
    is_deaf: bool = False

    def listen(self) -> None:
        """Take in what the process told."""
        with suppress(EOFError, OSError):
            while self.telling.poll():
                told = self.telling.recv()
                if isinstance(told, dict):
                    self.problem = told
                else:
                    self.percent, self.words = max(self.percent, told[0]), told[1]
            return
        self.is_deaf = True

    def end(self) -> None:
        """End the process now."""
        self.process.kill()
        self.process.join()
        self.telling.close()
        self.living.close()


class Worker:
    """Works off the queue until it is told to stop.

    Parameters
    ----------
    store
        The city.
    slots
        Jobs at once. One owner has at most all but one of them, so that a long job holds up nobody else.
    problem_of
        Makes problem documents; a function that can be imported by name, since it is called in the jobs' processes.
    preload
        Modules that the jobs' processes shall find imported.
    memory_mb
        What a job may take for its data.
    lost_s
        After so many seconds without a heartbeat a worker counts as lost.
    grace_s
        How long jobs may go on after the worker was told to stop; then they go back to the queue.
    surroundings
        Elevation model and standards for the processes.
    """

    def __init__(self, store: Store, slots: int = 2, problem_of: ProblemOf = problem_of, preload: Sequence[str] = (), memory_mb: int = 2048,
                 lost_s: float = LOST_S, grace_s: float = 5.0, surroundings: Surroundings = NO_SURROUNDINGS) -> None:
        self.surroundings = surroundings
        self.store, self.slots, self.problem_of, self.memory_mb = store, slots, problem_of, memory_mb
        self.lost_s, self.grace_s = lost_s, grace_s
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["spatial_models.attempt", *preload])
        self._running: dict[str, _Running] = {}
        self._connection: psycopg.Connection | None = None
        self._stopping = False
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        os.set_blocking(self._wake, False)

    def stop(self) -> None:
        """Take no more jobs; may be called from a signal handler."""
        self._stopping = True
        with suppress(BlockingIOError):
            os.write(self._waker, b".")

    def run(self) -> None:
        """Work until `stop` is called and what was begun is finished or given back."""
        self._warm_up()
        deadline = next_tick = next_sweep = 0.0
        while not (self._stopping and not self._running):
            now = time.monotonic()
            if self._stopping:
                deadline = deadline or now + self.grace_s
                if now >= deadline:
                    break
            try:
                self._listen()
                self._collect()
                if now >= next_tick:
                    next_tick = now + TICK_S
                    self._beat()
                if now >= next_sweep and not self._stopping:
                    next_sweep = now + SWEEP_S
                    self._sweep()
                while len(self._running) < self.slots and not self._stopping and self._take():
                    pass
            except (psycopg.OperationalError, Unavailable) as error:
                LOGGER.warning("the database does not answer: %s", str(error).strip())
                self._hang_up()
                next_tick = now + TICK_S
            self._wait(min(next_tick, deadline or next_tick) - time.monotonic())
        self._give_back()
        self._hang_up()

    def _warm_up(self) -> None:
        """Wait until processes can be had at once: whoever waits for its first one while it has a job, looks lost."""
        forkserver.ensure_running()
        first = self._context.Process(target=os.getpid)
        first.start()
        first.join()

    def _ask(self, statement: Any, *values: Any) -> Any:
        assert self._connection is not None
        row = self._connection.execute(statement, values).fetchone()
        return None if row is None else row[0]

    def _listen(self) -> None:
        """Hear the database's news; jobs that were taken away are ended at once."""
        if self._connection is None:
            self._connection = self.store.connect()
            self._connection.execute("LISTEN gis_job")
        for notice in self._connection.notifies(timeout=0):
            job_id, _, status = notice.payload.partition(" ")
            if status == "dismissed" and job_id in self._running:
                self._drop(self._running[job_id])

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _wait(self, timeout_s: float) -> None:
        things: list[Any] = [self._wake, *(r.process.sentinel for r in self._running.values()),
                             *(r.telling for r in self._running.values() if not r.is_deaf)]
        if self._connection is not None:
            things.append(self._connection.fileno())
        wait(things, max(0.0, timeout_s))
        with suppress(BlockingIOError):
            os.read(self._wake, 1000)

    def _take(self) -> bool:
        row = self._ask("SELECT gis.claim_job(%s, %s)", self.name, max(1, self.slots - 1))
        if row is None:
            return False
        job = Job.of(row)
        try:
            limit_s = find_process(job.process).time_limit_s
        except UnknownProcess as error:
            self._fail(job, self.problem_of(error))
            return True
        told_here, telling = self._context.Pipe(duplex=False)
        living, living_here = self._context.Pipe(duplex=False)
        attempt = Attempt(self.store.dsn, job, row["audience"], self.name, self.problem_of, self.memory_mb, self.surroundings)
        process = self._context.Process(target=make_attempt, args=(attempt, telling, living), daemon=True)
        process.start()
        telling.close()
        living.close()
        self._running[job.job_id] = _Running(job, process, told_here, living_here, time.monotonic(), limit_s)
        LOGGER.info("job %s (%s) begun, attempt %d", job.job_id, job.process, job.attempt)
        return True

    def _collect(self) -> None:
        """See to the processes that told something or ended."""
        for running in list(self._running.values()):
            running.listen()
            if running.process.exitcode is None:
                continue
            code = running.process.exitcode
            self._forget(running)
            if code != 0:
                problem = running.problem or _problem("process-died", 500, Words(
                    f"The process ended unexpectedly ({_how(code)}); it may have needed too much memory.", f"处理进程意外结束（{_how(code)}），可能是内存不足。"))
                LOGGER.warning("job %s: its process ended with %s", running.job.job_id, _how(code))
                self._return(running, counts=True, problem=problem)

    def _beat(self) -> None:
        """Say of each job that it is worked on, and end those that are not to go on."""
        for running in list(self._running.values()):
            job = running.job
            if time.monotonic() - running.begun_at > running.limit_s:
                LOGGER.warning("job %s took too long", job.job_id)
                self._drop(running)
                self._fail(job, _problem("time-limit", 500, Words(f"The job took longer than {running.limit_s:g} s; ask for less.",
                                                                  f"任务超过 {running.limit_s:g} 秒，请缩小范围。")))
            elif not self._ask("SELECT gis.beat_job(%s, %s, %s, %s, %s)", job.job_id, self.name, job.attempt, running.percent,
                               None if running.words is None else Jsonb(running.words._asdict())):
                # It may have finished by itself in this very moment; then its process ends without our help.
                running.process.join(0.2)
                if running.process.exitcode is None:
                    self._drop(running)

    def _fail(self, job: Job, problem: dict[str, Any]) -> None:
        self._ask("SELECT gis.finish_job(%s, %s, %s, NULL, NULL, NULL, %s, %s)", job.job_id, self.name, job.attempt, Jsonb(problem), KEEP_PROBLEM_S)

    def _sweep(self) -> None:
        found = self._ask("SELECT gis.sweep_jobs(%s)", self.lost_s)
        if any(found.values()):
            LOGGER.info("swept: %s", found)

    def _drop(self, running: _Running) -> None:
        LOGGER.info("job %s is ended", running.job.job_id)
        running.end()
        self._running.pop(running.job.job_id, None)
        # What it had staged of a layer is nobody's now.
        with suppress(psycopg.Error, Unavailable):
            Batch.sweep(self.store)

    def _forget(self, running: _Running) -> None:
        running.process.join()
        running.telling.close()
        running.living.close()
        self._running.pop(running.job.job_id, None)

    def _return(self, running: _Running, counts: bool, problem: dict[str, Any] | None) -> None:
        self._ask("SELECT gis.return_job(%s, %s, %s, %s, %s)", running.job.job_id, self.name, running.job.attempt, counts,
                  None if problem is None else Jsonb(problem))

    def _give_back(self) -> None:
        """End what still runs and give it back to the queue, as if it had not begun."""
        for running in list(self._running.values()):
            self._drop(running)
            with suppress(psycopg.Error, Unavailable):
                self._listen()
                self._return(running, counts=False, problem=None)


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"


