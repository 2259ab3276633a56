"""Jobs as who asks sees them: ask for a process now or later, look after a job, take its result, dismiss it.

The queue itself is the table `gis.job` and its functions (`layers/sql/500_job.sql`); workers take jobs out of it
(`spatial_models.worker`). A job is seen by who asked for it, and by who may operate the city.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from layers.access import Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.errors import Forbidden, NotAuthenticated, NotFound, StoreError
from layers.store import Store
from spatial_models.faults import InputFault, InvalidInputs
from spatial_models.process import Process
from spatial_models.registry import PROCESSES, known_process
from spatial_models.running import NO_SURROUNDINGS, Reading, Result, Surroundings, TooManyFeatures, written

__all__ = ["Asker", "Job", "JobFailed", "NeedsJob", "ResultNotReady", "TooManyJobs", "UnknownJob", "UnknownProcess", "audience_of", "dismiss",
           "find_job", "find_process", "keep", "list_jobs", "result_of", "run_now", "submit"]

# Waiting and running jobs of one account at once.
MOST_OPEN = 20
# No job runs for years; PostgreSQL's intervals end somewhere beyond.
_LONGEST_S = 1e8
_EXCEPTION = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


class UnknownProcess(NotFound):
    """There is no such process."""

    def __init__(self, process_id: str) -> None:
        super().__init__(f"There is no process '{process_id}'.")
        self.chinese = f"没有处理“{process_id}”。"

    def details(self) -> dict[str, Any]:
        return {"type": f"{_EXCEPTION}no-such-process"}


class UnknownJob(NotFound):
    """There is no such job, or not for this reader."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job '{job_id}'.")
        self.chinese = f"没有任务“{job_id}”。"

    def details(self) -> dict[str, Any]:
        return {"type": f"{_EXCEPTION}no-such-job"}


class ResultNotReady(NotFound):
    """The job has no result yet, or none any more."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"Job {job.job_id} has no result: it is {job.status}.")
        self.chinese = f"任务 {job.job_id} 没有结果，状态为 {job.status}。"

    def details(self) -> dict[str, Any]:
        return {"type": f"{_EXCEPTION}result-not-ready"}


class JobFailed(StoreError):
    """The job failed; carries its problem document, whose texts are in both languages."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail", {}).get("en", "The job failed.")))
        self.chinese = str(problem.get("detail", {}).get("zh", "任务失败。"))
        self.problem = problem


class TooManyJobs(StoreError):
    """The account has as many open jobs as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} jobs are waiting or running already; wait for one to end, or dismiss one.")
        self.chinese = f"已有 {most} 个任务在排队或运行，请等待完成或取消其一。"


class NeedsJob(InvalidInputs):
    """The answer is made by a job only; ask with `Prefer: respond-async`."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__([InputFault("Prefer", f"{english}; ask for a job with 'Prefer: respond-async'.", f"{chinese}，请以 Prefer: respond-async 提交任务。")])


@dataclass(frozen=True)
class Asker:
    """Who asks: the account (None: nobody is signed in), the name that changesets know, and what may be read."""

    account_id: int | None
    actor: str
    audience: Audience

    @property
    def owner(self) -> str:
        """Return whose jobs this asker's are."""
        return "public" if self.account_id is None else f"account:{self.account_id}"

    @property
    def scope(self) -> str | None:
        """Return whose jobs this asker sees; None is everybody's."""
        return None if "operate" in self.audience.capabilities else self.owner


@dataclass(frozen=True)
class Job:
    """A job as it stands. Times are UTC; `progress` is in percent; `message` and `error` are in both languages."""

    job_id: str
    process: str
    status: str
    progress: int
    message: dict[str, str] | None
    actor: str
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    attempt: int
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    layer: str | None
    seq: int | None
    media_type: str | None
    error: dict[str, Any] | None
    account_id: int | None = None

    @property
    def is_open(self) -> bool:
        """Is it still waiting or running?"""
        return self.status in ("accepted", "running")

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Job:
        """Make a job from its row as JSON."""
        values = {name: row[name] for name in cls.__dataclass_fields__}
        return cls(**values | {name: datetime.fromisoformat(value) for name, value in values.items() if name.endswith("_at") and value is not None})


def find_process(process_id: str, is_offered: bool = False) -> Process:
    """Return a process that the queue can do; with `is_offered` one that anybody may ask for by its id. Raises UnknownProcess."""
    found = PROCESSES.get(process_id) if is_offered else known_process(process_id)
    if found is None:
        raise UnknownProcess(process_id[:80])
    return found


def may_run(asker: Asker, process: Process) -> bool:
    """May this asker run the process?"""
    if process.is_open:
        return True
    return asker.account_id is not None if process.capability is None else process.capability in asker.audience.capabilities


def _allow(asker: Asker, process: Process) -> None:
    if not may_run(asker, process):
        if asker.account_id is None:
            raise NotAuthenticated("Sign in first.")
        raise Forbidden(f"This needs the permission '{process.capability}'.", f"需要权限“{process.capability}”。")
    if asker.audience.role is None:
        # The owner of the store sees all; nothing that somebody asked for may read as the owner.
        raise Forbidden("A process reads with the rights of who asked, never with those of the store's owner.")


def submit(store: Store, catalogue: Catalogue, asker: Asker, process_id: str, inputs: Any, options: Mapping[str, Any] | None = None,
           most_open: int = MOST_OPEN, surroundings: Surroundings = NO_SURROUNDINGS) -> Job:
    """Put a job into the queue.

    Parameters
    ----------
    inputs
        JSON values by name; checked here, so that what cannot work is not taken.
    options
        How the answer is wanted; kept with the job for whoever writes the answer.

    Raises UnknownProcess, InvalidInputs (every fault), NotAuthenticated, Forbidden, TooManyJobs.
    """
    process = find_process(process_id)
    _allow(asker, process)
    parsed = process.parse(inputs)
    if process.check is not None:
        process.check(Reading(store, catalogue, asker.audience, process.most_features, surroundings=surroundings, account_id=asker.account_id), parsed)
    try:
        with store.write() as connection:
            row = connection.execute(
                "SELECT gis.submit_job(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (process.id, Jsonb(inputs), Jsonb(dict(options or {})), asker.owner, asker.account_id, asker.actor,
                 Jsonb(_dump(asker.audience)), most_open, process.attempts)).fetchone()
    except psycopg.Error as error:
        if error.sqlstate == "GS429":
            raise TooManyJobs(most_open) from None
        raise
    assert row is not None
    return Job.of(row[0])


def run_now(store: Store, catalogue: Catalogue, asker: Asker, process_id: str, inputs: Any, surroundings: Surroundings = NO_SURROUNDINGS) -> Result:
    """Run a small process while its asker waits.

    Raises what `submit` raises, and NeedsJob for what takes too long to wait for or is kept as a layer.
    """
    process = find_process(process_id)
    _allow(asker, process)
    parsed = process.parse(inputs)
    if (why := process.needs_job(parsed)) is not None:
        raise NeedsJob(*why)
    task = Reading(store, catalogue, asker.audience, process.most_features_at_once, surroundings=surroundings, account_id=asker.account_id)
    if process.check is not None:
        process.check(task, parsed)
    try:
        return written(process.run(task, parsed), process.output.media_type)
    except TooManyFeatures:
        raise NeedsJob(f"More than {process.most_features_at_once} features take part", f"涉及的要素超过 {process.most_features_at_once} 个") from None


def find_job(store: Store, asker: Asker, job_id: str) -> Job:
    """Return a job. Raises UnknownJob, also for a job of somebody else."""
    with store.read() as connection:
        return _job(connection, "SELECT gis.find_job(%s, %s)", asker.scope, job_id)


def dismiss(store: Store, asker: Asker, job_id: str) -> Job:
    """Cancel a job, or throw away the result of a finished one, its layer included. Raises UnknownJob."""
    with store.write() as connection:
        return _job(connection, "SELECT gis.dismiss_job(%s, %s)", asker.scope, job_id)


def keep(store: Store, asker: Asker, job_id: str) -> Job:
    """Keep the result of a successful job until it is dismissed. Raises UnknownJob."""
    with store.write() as connection:
        return _job(connection, "SELECT gis.keep_job(%s, %s)", asker.scope, job_id)


def _job(connection: psycopg.Connection, statement: LiteralString, scope: str | None, job_id: str) -> Job:
    try:
        number = UUID(job_id)
    except ValueError:
        raise UnknownJob(job_id[:80]) from None
    row = connection.execute(statement, (number, scope)).fetchone()
    if row is None or row[0] is None:
        raise UnknownJob(job_id)
    return Job.of(row[0])


def list_jobs(store: Store, asker: Asker, limit: int = 10, processes: Sequence[str] = (), statuses: Sequence[str] = (),
              created: tuple[datetime | None, datetime | None] = (None, None), duration_s: tuple[float | None, float | None] = (None, None),
              after: Job | None = None) -> list[Job]:
    """Return the asker's jobs, newest first.

    Parameters
    ----------
    processes, statuses
        Only these; empty is all.
    created
        Made in this half-open span; None is open.
    duration_s
        Running between so many seconds (both included).
    after
        The last job of the page before.
    """
    least_s, most_s = (None if s is None else max(-_LONGEST_S, min(s, _LONGEST_S)) for s in duration_s)
    where: dict[str, Any] = {"processes": list(processes) or None, "statuses": list(statuses) or None, "min_s": least_s, "max_s": most_s,
                             "from": created[0] and created[0].isoformat(), "to": created[1] and created[1].isoformat(),
                             "before": after and after.created_at.isoformat(), "before_id": after and after.job_id}
    with store.read() as connection:
        row = connection.execute("SELECT gis.list_jobs(%s, %s, %s)",
                                 (asker.scope, Jsonb({k: v for k, v in where.items() if v is not None}), limit)).fetchone()
    assert row is not None
    return [Job.of(each) for each in row[0]]


def result_of(store: Store, asker: Asker, job_id: str) -> Result:
    """Return the result of a job. Raises UnknownJob, ResultNotReady, JobFailed."""
    job = find_job(store, asker, job_id)
    if (process := known_process(job.process)) is not None and process.is_private:
        # What was made with somebody's rights is not for those who look after the machine.
        with store.read() as connection:
            job = _job(connection, "SELECT gis.find_job(%s, %s)", asker.owner, job_id)
    if job.error is not None:
        raise JobFailed(job.error)
    with store.read() as connection:
        row = connection.execute("SELECT gis.result_of(%s)", (job.job_id,)).fetchone()
    if job.status != "successful" or row is None or row[0] is None:
        raise ResultNotReady(job)
    return Result(job.media_type or "application/json", bytes(row[0]), job.layer, job.seq)


def _dump(audience: Audience) -> dict[str, Any]:
    return {"grants": [asdict(grant) for grant in (audience.layers or {}).values()], "capabilities": sorted(audience.capabilities)}


def audience_of(store: Store, catalogue: Catalogue, dumped: Mapping[str, Any]) -> Audience:
    """Return the audience that a job reads for, from its row; its role is made again if it was forgotten meanwhile."""
    grants = [LayerGrant(g["layer"], g["edit"], _tuple(g["districts"]), _tuple(g["fields"]), _tuple(g["edit_districts"])) for g in dumped["grants"]]
    return ensure_audience(store, catalogue.layers, grants, dumped["capabilities"])


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
