"""One attempt at one job, in a process of its own: it can be ended at any moment, and takes nothing with it but itself."""

from __future__ import annotations

import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from layers.catalogue import Catalogue
from layers.errors import Unavailable
from layers.store import Store
from spatial_models.faults import wrong
from spatial_models.jobs import Job, audience_of, find_process
from spatial_models.process import Features
from spatial_models.result_layers import Lost, fill_layer
from spatial_models.running import NO_SURROUNDINGS, Reading, Result, Surroundings, written
from spatial_models.words import Words

__all__ = ["AGAIN", "KEEP_PROBLEM_S", "Attempt", "ProblemOf", "make_attempt"]

LOGGER = logging.getLogger(__name__)
AGAIN = 75
TELL_EVERY_S = 0.2
KEEP_RESULT_S, KEEP_LAYER_S, KEEP_PROBLEM_S = 7 * 86400.0, 30 * 86400.0, 7 * 86400.0
# Reading for a job may take longer than a page that somebody waits for; a backend whose client was killed ends by itself.
_READING = "SET statement_timeout = '600s'; SET client_connection_check_interval = '1s'"

ProblemOf = Callable[[Exception], dict[str, Any]]


@dataclass(frozen=True)
class Attempt:
    """What an attempt is given: the job as it was taken, and who takes it.

    `problem_of` makes the problem document of an error, with texts in both languages; `surroundings` are what models know beside
    features.
    """

    dsn: str
    job: Job
    audience: dict[str, Any]
    worker: str
    problem_of: ProblemOf
    memory_mb: int
    surroundings: Surroundings = NO_SURROUNDINGS


def make_attempt(attempt: Attempt, telling: Connection, living: Connection) -> None:
    """Run the job to its end and end this process: code 0 where the end is in the database, AGAIN where it may be tried again.

    Parameters
    ----------
    telling
        Takes what is told on the way: (percent, words), and before AGAIN the problem.
    living
        Ends when the worker does; then this process ends too.
    """
    _settle(attempt.memory_mb)
    threading.Thread(target=_follow, args=(living,), daemon=True).start()
    store = Store(attempt.dsn, max_connections=2)
    try:
        code = _run(store, attempt, telling)
    finally:
        with suppress(Exception):
            store.close()
    os._exit(code)


def _settle(memory_mb: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(5)
    with suppress(OSError, ValueError):
        limit = memory_mb * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with suppress(OSError):
        # Where memory runs out, this process goes before a server or the database does.
        Path("/proc/self/oom_score_adj").write_text("800")


def _follow(living: Connection) -> None:
    with suppress(EOFError, OSError):
        living.recv()
    os._exit(AGAIN)


def _run(store: Store, attempt: Attempt, telling: Connection) -> int:
    try:
        catalogue = Catalogue(store)
        result = _outcome(store, catalogue, attempt, telling)
        _finish(store, attempt, result, None, KEEP_RESULT_S if result.layer is None else KEEP_LAYER_S)
    except Lost:
        LOGGER.info("job %s is no longer ours", attempt.job.job_id)
    except Unavailable as error:
        with suppress(OSError):
            telling.send(attempt.problem_of(error))
        return AGAIN
    except MemoryError:
        much = wrong("inputs", f"take more than {attempt.memory_mb} MB of memory; ask for less.", f"所需内存超过 {attempt.memory_mb} MB，请缩小范围。")
        _finish(store, attempt, None, attempt.problem_of(much), KEEP_PROBLEM_S)
    except Exception as error:
        _finish(store, attempt, None, attempt.problem_of(error), KEEP_PROBLEM_S)
    return 0


def _outcome(store: Store, catalogue: Catalogue, attempt: Attempt, telling: Connection) -> Result:
    job = attempt.job
    process = find_process(job.process)
    audience = audience_of(store, catalogue, attempt.audience)
    with store.read(audience.role) as one, store.read(audience.role) as other:
        one.execute(_READING)
        other.execute(_READING)
    task = Reading(store, catalogue, audience, process.most_features, _teller(telling), attempt.surroundings, job.account_id)
    outcome = process.run(task, process.parse(job.inputs))
    if isinstance(outcome, Features) and outcome.as_layer:
        with suppress(OSError):
            telling.send((90, Words("Writing the layer", "正在写入图层")))
        return fill_layer(store, catalogue, job, attempt.worker, outcome)
    return written(outcome, process.output.media_type)


def _teller(telling: Connection) -> Callable[[float, Words | None], None]:
    last_at, last_words = 0.0, None

    def told(share: float, words: Words | None) -> None:
        nonlocal last_at, last_words
        last_words = words or last_words
        now = time.monotonic()
        if now - last_at >= TELL_EVERY_S:
            last_at = now
            with suppress(OSError):
                telling.send((int(share * 90), last_words))

    return told


def _finish(store: Store, attempt: Attempt, result: Result | None, problem: dict[str, Any] | None, kept_s: float) -> None:
    job = attempt.job
    with store.write() as connection:
        row = connection.execute("SELECT gis.finish_job(%s, %s, %s, %s, %s, %s, %s, %s)", (
            job.job_id, attempt.worker, job.attempt, result and result.media_type, result and result.body, result and result.seq,
            None if problem is None else Jsonb(problem), kept_s)).fetchone()
    if not (row and row[0]):
        LOGGER.info("job %s ended after it was taken away", job.job_id)
