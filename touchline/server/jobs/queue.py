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
from typing import Any, ClassVar, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from touchline.errors import InputError
from touchline.server.database import Database
from touchline.server.settings import QueueSettings
from touchline.server.tables import JobLineRow, JobRow, WorkerRow, new_id

OPEN = ("queued", "running")
ENDED = ("succeeded", "failed", "cancelled")
ALIVE_SECONDS = 60.0
"""A worker that was not seen for longer counts as gone."""

MOST_BACKOFF_SECONDS = 3600.0
"""The longest wait before another try."""

CLOCK_SECONDS = 60.0
"""By how much a time may lie beyond what can have been written. What lies further ahead was written
before the clock was set back, and holds no longer."""

PACE_SECONDS, PACE_SHARE = 5.0, 0.02
"""Time and share of the work from which on the pace of an attempt is known."""

MAX_LINES = 500
"""Lines that the log of one job keeps."""

Lane = Literal["analysis", "spotting", "cutting", "downloads"]
LANES: tuple[Lane, ...] = get_args(Lane)
KINDS_OF_LANES: dict[Lane, tuple[str, ...]] = {
    "analysis": ("analyse", "sample"),
    "spotting": ("spot", "infer"),
    "cutting": ("product", "annotate", "playlist"),
    "downloads": ("pull",),
}
"""The types of job of each lane. A worker does one job of each at a time, so that a long one holds
up only those of its kind."""

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


WaitsFor = Literal["job", "attempt", "turn", "worker"]


@dataclass(frozen=True)
class Outlook:
    """What a job waits for, and how long it takes.

    Attributes:
        position: how many jobs of its lane come before it.
        waits_for: the end of another job of its lane, its next attempt, its turn, which comes at
            once, or a worker, as none is running.
        ahead: the match of that other job.
        seconds_left: until it is done, or until its next attempt, where that can be said.
    """

    position: int | None = None
    waits_for: WaitsFor | None = None
    ahead: str | None = None
    seconds_left: float | None = None


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
    """Jobs in lanes, in each in the order of priority, then age.

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

    def add_done(
        self,
        session: Session,
        payload: Payload,
        effect: Callable[[JobRow], dict[str, Any]],
        **options: Any,
    ) -> JobRow:
        """Add a job that needs no worker: it is done here, in the caller's transaction.

        Args:
            effect: does it, unless a job of this key has; returns what to remember.
            options: of `add`.

        Raises:
            InputError: as ``add``.
        """
        job = self.add(session, payload, **options)
        if job.state != "succeeded":
            now = self.database.now(session)
            job.started_at, job.problem = job.started_at or now, None
            job.result = {**job.result, **effect(job)}
            job.progress = 1.0
            self._close(session, job, "succeeded", now)
        return job

    def claim(self, worker: str, lane: Lane | None = None) -> Lease | None:
        """Take the next job, if there is one.

        Jobs whose worker no longer responds are taken again, up to the highest number of attempts.

        Args:
            lane: of the jobs to take; None for all.
        """
        with self.database.read() as session:
            if session.scalar(self._next(self.database.now(session), lane).limit(1)) is None:
                return None
        while True:
            with self.database.write() as session:
                now = self.database.now(session)
                query = self._next(now, lane).limit(1).with_for_update(skip_locked=True)
                job = session.scalar(query)
                if job is None:
                    return None
                if job.attempts >= job.max_attempts:
                    self._end(session, job, "failed", _given_up(job), now)
                    continue
                return self._lease(session, job, worker, now)

    def _next(self, now: float, lane: Lane | None) -> Any:
        """Jobs to be taken: queued ones whose time has come, and those whose worker is gone."""
        lease = now + self.settings.lease_seconds + CLOCK_SECONDS
        backoff = now + self._backoff(self.settings.max_attempts) + CLOCK_SECONDS
        due = or_(JobRow.not_before <= now, JobRow.not_before > backoff)
        gone = or_(JobRow.leased_until < now, JobRow.leased_until > lease)
        waits = and_(JobRow.state == "queued", due)
        lost = and_(JobRow.state == "running", gone)
        return (
            select(JobRow)
            .where(or_(waits, lost), _in_lane(lane))
            .order_by(JobRow.priority.desc(), JobRow.created_at, JobRow.id)
        )

    def _backoff(self, attempts: int) -> float:
        wait: float = self.settings.backoff_seconds * 2 ** (attempts - 1)
        return min(wait, MOST_BACKOFF_SECONDS)

    def _lease(self, session: Session, job: JobRow, worker: str, now: float) -> Lease:
        if job.state == "running":
            self.note(session, job, f"worker {job.worker} no longer responds; the job starts again")
        job.state = "running"
        job.attempts += 1
        job.lease = new_id()
        job.worker = worker
        job.leased_until = now + self.settings.lease_seconds
        job.started_at = job.started_at or now
        job.attempt_at, job.attempt_progress = now, job.progress
        job.revision += 1
        self.note(session, job, f"attempt {job.attempts} by {worker}")
        return Lease(
            job.id, job.lease, job.kind, job.payload, job.match_id, job.attempts, dict(job.result)
        )

    def beat(
        self,
        lease: Lease,
        stage: str,
        shares: dict[str, float],
        progress: float,
        *,
        begins: bool = False,
    ) -> None:
        """Renew a lease and record the progress of the job.

        Args:
            begins: the attempt begins its own work here; what is done was done by earlier ones.

        Raises:
            LeaseLostError: the job is no longer this worker's.
        """
        with self.database.write() as session:
            now = self.database.now(session)
            begun = {"attempt_at": now, "attempt_progress": progress} if begins else {}
            changed = session.execute(
                update(JobRow)
                .where(*_holding(lease))
                .values(
                    **begun,
                    leased_until=now + self.settings.lease_seconds,
                    stage=stage,
                    stages=shares,
                    progress=progress,
                    revision=JobRow.revision + 1,
                )
            )
            if cast("CursorResult[Any]", changed).rowcount != 1:
                raise LeaseLostError(lease.job_id)

    def log(self, lease: Lease, text: str) -> None:
        """Add a line to the log of a job.

        Raises:
            LeaseLostError: as ``stage_done``.
        """
        with self.database.write() as session:
            self.note(session, self._held(session, lease), text)

    def still_holds(self, lease: Lease) -> bool:
        """Whether a lease is valid; cheaper than `beat`."""
        with self.database.read() as session:
            return session.scalar(select(JobRow.id).where(*_holding(lease))) is not None

    def is_cancelled(self, job_id: str) -> bool:
        """Whether a job was cancelled, or deleted."""
        with self.database.read() as session:
            state = session.scalar(select(JobRow.state).where(JobRow.id == job_id))
        return state in (None, "cancelled")

    def stage_done(self, lease: Lease, stage: str, effect: Effect) -> None:
        """Apply the effect of a stage, once: a later attempt starts after it.

        It may be called again after an error of the database, which leaves open what was written.

        Args:
            effect: is given the session; returns what to remember of the stage.

        Raises:
            LeaseLostError: the job is no longer this worker's; nothing has changed.
        """
        with self.database.write() as session:
            job = self._held(session, lease)
            if stage in job.result:
                return
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
                _requeue(job, now + self._backoff(job.attempts))
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
        """How many queued jobs of its lane come before this one; None if it is not queued."""
        if job.state != "queued":
            return None
        earlier = or_(
            JobRow.priority > job.priority,
            and_(JobRow.priority == job.priority, JobRow.created_at < job.created_at),
        )
        waiting = (
            select(func.count())
            .select_from(JobRow)
            .where(JobRow.state == "queued", earlier, _in_lane(lane_of(job.kind)))
        )
        return session.scalar(waiting) or 0

    def outlook(self, session: Session, job: JobRow) -> "Outlook":
        """What an open job waits for, or how long it is likely to take."""
        if job.state not in OPEN:
            return Outlook()
        now = self.database.now(session)
        if job.state == "running":
            return Outlook(seconds_left=_seconds_left(job, now))
        position = self.position(session, job)
        if job.not_before > now:
            return Outlook(position, "attempt", seconds_left=job.not_before - now)
        running = (
            select(JobRow)
            .where(JobRow.state == "running", _in_lane(lane_of(job.kind)))
            .order_by(JobRow.started_at, JobRow.id)
        )
        ahead = session.scalar(running.limit(1))
        if ahead is not None:
            return Outlook(position, "job", ahead.match_id)
        alive = select(WorkerRow.id).where(WorkerRow.seen_at > now - ALIVE_SECONDS)
        is_served = session.scalar(alive.limit(1)) is not None
        return Outlook(position, "turn" if is_served else "worker")

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


def _seconds_left(job: JobRow, now: float) -> float | None:
    """As long as the rest takes at the pace of this attempt, once that can be told."""
    if job.attempt_at is None:
        return None
    elapsed, done = now - job.attempt_at, job.progress - job.attempt_progress
    if elapsed < PACE_SECONDS or done < PACE_SHARE:
        return None
    return round(elapsed * (1 - job.progress) / done)


def lane_of(kind: str) -> Lane:
    """The lane of a type of job."""
    return next((lane for lane in LANES if kind in KINDS_OF_LANES[lane]), LANES[0])


def _in_lane(lane: Lane | None) -> ColumnElement[bool]:
    if lane is None:
        return true()
    if lane == LANES[0]:  # with types of job that this version does not know
        others = [kind for other in LANES[1:] for kind in KINDS_OF_LANES[other]]
        return JobRow.kind.not_in(others)
    return JobRow.kind.in_(KINDS_OF_LANES[lane])


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
