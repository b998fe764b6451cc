"""The queue of jobs, in the database.

    queued ──claim──> running ──succeed──> succeeded
      ^                 │ │
      └── retry, lease ─┘ └── fail, cancel ──> failed, cancelled
          lost, release

A worker holds a job by a lease with a random name, which it renews. It writes only in transactions
that first check the lease; so a worker that was considered dead and returns changes nothing, and
an effect takes place once, however often the job was tried.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from pydantic import BaseModel, ConfigDict
from sqlalchemy import CursorResult, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from touchline.errors import InputError
from touchline.server.database import Database
from touchline.server.settings import QueueSettings
from touchline.server.tables import JobLineRow, JobRow, new_id

OPEN = ("queued", "running")
ENDED = ("succeeded", "failed", "cancelled")
MAX_LINES = 500
"""Lines that the log of one job keeps."""

Ended = Callable[[Session, JobRow], None]
Effect = Callable[[Session], dict[str, Any]]


class LeaseLostError(Exception):
    """The job was cancelled, or another worker has it."""


class Payload(BaseModel):
    """What a job is to do; every type of job has its own.

    Attributes:
        job_type: name of the type of job that does it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_type: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """As the job's row holds it: the fields that were given, so that keys stay comparable."""
        return self.model_dump(mode="json", exclude_unset=True)


@dataclass(frozen=True)
class Lease:
    """The right to work on a job.

    Attributes:
        token: name of this lease.
        attempt: 1 for the first try.
        done: results of the stages that earlier attempts have finished.
    """

    job_id: str
    token: str
    job_type: str
    payload: dict[str, Any]
    match_id: str | None
    attempt: int
    done: dict[str, Any]


class Queue:
    """Jobs in the order of priority, then age.

    Args:
        ended: called in the transaction in which a job fails or is cancelled.
    """

    def __init__(self, database: Database, settings: QueueSettings, ended: Ended) -> None:
        self.database = database
        self.settings = settings
        self._ended = ended

    def add(
        self,
        session: Session,
        payload: Payload,
        *,
        key: str | None = None,
        match_id: str | None = None,
        owner_id: str | None = None,
        priority: int = 0,
    ) -> JobRow:
        """Add a job to the queue, in the caller's transaction.

        Args:
            key: if a job has this key already, it is returned instead.

        Raises:
            InputError: the key belongs to a job of another type or payload.
        """
        if key is not None and (known := self._by_key(session, key)) is not None:
            return _same(known, payload)
        job = JobRow(
            kind=payload.job_type,
            payload=payload.to_json(),
            key=key,
            match_id=match_id,
            owner_id=owner_id,
            priority=priority,
            max_attempts=self.settings.max_attempts,
            created_at=self.database.now(session),
        )
        try:
            with session.begin_nested():
                session.add(job)
                session.flush()
        except IntegrityError:
            known = self._by_key(session, key or "")
            if known is None:
                raise
            return _same(known, payload)
        return job

    def claim(self, worker: str) -> Lease | None:
        """Take the next job, if there is one.

        Jobs whose worker no longer responds are taken again, up to the highest number of attempts.
        """
        with self.database.read() as session:
            if session.scalar(_next(self.database.now(session)).limit(1)) is None:
                return None
        while True:
            with self.database.write() as session:
                now = self.database.now(session)
                job = session.scalar(_next(now).limit(1).with_for_update(skip_locked=True))
                if job is None:
                    return None
                if job.attempts >= job.max_attempts:
                    self._end(session, job, "failed", _given_up(job), now)
                    continue
                return self._lease(session, job, worker, now)

    def _lease(self, session: Session, job: JobRow, worker: str, now: float) -> Lease:
        if job.state == "running":
            self.note(session, job, f"worker {job.worker} no longer responds; the job starts again")
        job.state = "running"
        job.attempts += 1
        job.lease = new_id()
        job.worker = worker
        job.leased_until = now + self.settings.lease_seconds
        job.started_at = job.started_at or now
        job.revision += 1
        self.note(session, job, f"attempt {job.attempts} by {worker}")
        return Lease(
            job.id, job.lease, job.kind, job.payload, job.match_id, job.attempts, dict(job.result)
        )

    def beat(self, lease: Lease, stage: str, shares: dict[str, float], progress: float) -> None:
        """Renew a lease and record the progress of the job.

        Raises:
            LeaseLostError: the job is no longer this worker's.
        """
        with self.database.write() as session:
            now = self.database.now(session)
            changed = session.execute(
                update(JobRow)
                .where(*_holding(lease))
                .values(
                    leased_until=now + self.settings.lease_seconds,
                    stage=stage,
                    stages=shares,
                    progress=progress,
                    revision=JobRow.revision + 1,
                )
            )
            if cast("CursorResult[Any]", changed).rowcount != 1:
                raise LeaseLostError(lease.job_id)

    def still_holds(self, lease: Lease) -> bool:
        """Whether a lease is valid; cheaper than `beat`."""
        with self.database.read() as session:
            return session.scalar(select(JobRow.id).where(*_holding(lease))) is not None

    def stage_done(self, lease: Lease, stage: str, effect: Effect) -> None:
        """Apply the effect of a stage, once: a later attempt starts after it.

        Args:
            effect: is given the session; returns what to remember of the stage.

        Raises:
            LeaseLostError: the job is no longer this worker's; nothing has changed.
        """
        with self.database.write() as session:
            job = self._held(session, lease)
            job.result = {**job.result, stage: effect(session)}
            job.stages = {**job.stages, stage: 1.0}
            job.revision += 1
            self.note(session, job, f"{stage}: done")

    def succeed(self, lease: Lease, effect: Effect) -> None:
        """End a job with success.

        Raises:
            LeaseLostError: as ``stage_done``.
        """
        with self.database.write() as session:
            job = self._held(session, lease)
            job.result = {**job.result, **effect(session)}
            job.progress = 1.0
            self._close(session, job, "succeeded", self.database.now(session))

    def fail(self, lease: Lease, problem: str, *, again: bool) -> None:
        """End an attempt that failed.

        Args:
            again: another attempt may succeed; it is made if any is left.

        Raises:
            LeaseLostError: as ``stage_done``.
        """
        with self.database.write() as session:
            job = self._held(session, lease)
            now = self.database.now(session)
            if again and job.attempts < job.max_attempts:
                self.note(session, job, f"{problem}; another attempt follows")
                wait = self.settings.backoff_seconds * 2 ** (job.attempts - 1)
                _requeue(job, now + wait)
            else:
                self._end(session, job, "failed", problem, now)

    def release(self, lease: Lease) -> None:
        """Give a job back because the worker stops; this attempt does not count."""
        with self.database.write() as session:
            job = session.scalar(select(JobRow).where(*_holding(lease)).with_for_update())
            if job is not None:
                job.attempts -= 1
                self.note(session, job, "the worker stops; the job returns to the queue")
                _requeue(job, self.database.now(session))

    def cancel(self, session: Session, job: JobRow) -> bool:
        """Cancel a job at once: its worker finds its lease gone, and ends what it does.

        Returns:
            Whether it was still open.
        """
        session.refresh(job, with_for_update=True)
        if job.state not in OPEN:
            return False
        self._end(session, job, "cancelled", "cancelled", self.database.now(session))
        return True

    def retry(self, session: Session, job: JobRow) -> None:
        """Try an ended job again from where it stopped.

        Raises:
            InputError: it has not ended, or ended well.
        """
        session.refresh(job, with_for_update=True)
        if job.state not in ("failed", "cancelled"):
            raise InputError(f"the job is {job.state}", remedy="only a failed job can be retried")
        job.attempts, job.problem, job.finished_at = 0, None, None
        self.note(session, job, "retried")
        _requeue(job, self.database.now(session))

    def position(self, session: Session, job: JobRow) -> int | None:
        """How many queued jobs come before this one; None if it is not queued."""
        if job.state != "queued":
            return None
        earlier = or_(
            JobRow.priority > job.priority,
            and_(JobRow.priority == job.priority, JobRow.created_at < job.created_at),
        )
        waiting = select(func.count()).select_from(JobRow).where(JobRow.state == "queued", earlier)
        return session.scalar(waiting) or 0

    def note(self, session: Session, job: JobRow, text: str) -> None:
        """Add a line to a job's log; the oldest go when there are too many."""
        session.add(
            JobLineRow(
                job_id=job.id,
                at=self.database.now(session),
                attempt=job.attempts,
                text=text[:2000],
            )
        )
        session.flush()
        newest = (
            select(JobLineRow.id)
            .where(JobLineRow.job_id == job.id)
            .order_by(JobLineRow.id.desc())
            .offset(MAX_LINES)
        )
        last = session.scalar(newest.limit(1))
        if last is not None:
            session.execute(
                delete(JobLineRow).where(JobLineRow.job_id == job.id, JobLineRow.id <= last)
            )

    def _by_key(self, session: Session, key: str) -> JobRow | None:
        return session.scalar(select(JobRow).where(JobRow.key == key))

    def _held(self, session: Session, lease: Lease) -> JobRow:
        job = session.scalar(select(JobRow).where(*_holding(lease)).with_for_update())
        if job is None:
            raise LeaseLostError(lease.job_id)
        return job

    def _end(self, session: Session, job: JobRow, state: str, problem: str, now: float) -> None:
        job.problem = problem
        self.note(session, job, problem)
        self._close(session, job, state, now)
        self._ended(session, job)

    def _close(self, session: Session, job: JobRow, state: str, now: float) -> None:
        job.state, job.finished_at = state, now
        job.lease, job.leased_until = None, 0.0
        job.revision += 1


def _next(now: float) -> Any:
    waits = and_(JobRow.state == "queued", JobRow.not_before <= now)
    lost = and_(JobRow.state == "running", JobRow.leased_until < now)
    return (
        select(JobRow)
        .where(or_(waits, lost))
        .order_by(JobRow.priority.desc(), JobRow.created_at, JobRow.id)
    )


def _holding(lease: Lease) -> tuple[Any, ...]:
    return JobRow.id == lease.job_id, JobRow.lease == lease.token, JobRow.state == "running"


def _requeue(job: JobRow, not_before: float) -> None:
    job.state, job.lease, job.leased_until = "queued", None, 0.0
    job.not_before = not_before
    job.revision += 1


def _same(known: JobRow, payload: Payload) -> JobRow:
    if known.kind != payload.job_type or known.payload != payload.to_json():
        raise InputError(
            "this idempotency key belongs to another job", remedy="use a new key for new work"
        )
    return known


def _given_up(job: JobRow) -> str:
    return (
        f"given up: {job.attempts} workers ended while they worked on it"
        if job.attempts > 1
        else "given up: the worker ended while it worked on it"
    )
