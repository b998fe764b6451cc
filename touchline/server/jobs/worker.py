"""A worker: takes jobs from the queue and runs their stages, each in a process of its own."""

import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from touchline.errors import InputError
from touchline.server.errors import BusyError, DiskError
from touchline.server.housekeeping import tidy
from touchline.server.jobs.processes import StageFailedError, run_in_child, whole_sentence
from touchline.server.jobs.queue import LANES, Lane, Lease, LeaseLostError
from touchline.server.jobs.types import JOB_TYPES
from touchline.server.jobs.types.base import JobContext, JobType, StageCall
from touchline.server.services import Services
from touchline.server.tables import WorkerRow
from touchline.timebase import format_seconds

IDLE_SECONDS = 0.5
SIGN_SECONDS = 5.0
TIDY_SECONDS = 300.0
LEAST_STEP = 0.005
"""Progress of less is not worth a write."""

log = logging.getLogger("touchline.worker")


class StoppingError(Exception):
    """The worker must stop."""


class Worker:
    """Takes one job of each lane at a time.

    Args:
        stop: when set, the jobs in hand go back to the queue and `run` ends.
    """

    def __init__(self, services: Services, stop: threading.Event) -> None:
        self.services = services
        self.stop = stop
        self.name = f"{socket.gethostname()[:100]}:{os.getpid()}"
        self._started = time.time()
        self._signed = 0.0
        self._signing = threading.Lock()
        self._tidied = 0.0
        self._fault: Exception | None = None

    def run(self) -> None:
        """Work until ``stop`` is set. Waits while the database cannot be reached.

        A fault of this program ends all lanes, and is raised: none is missing while the worker
        counts as alive."""
        log.info("worker starts", extra={"worker": self.name})
        self._keep_on(self._look_after)
        lanes = [threading.Thread(target=self._run_lane, args=(lane,), name=lane) for lane in LANES]
        for thread in lanes:
            thread.start()
        try:
            while not self.stop.is_set():
                self._keep_on(self._look_after)
                self.stop.wait(IDLE_SECONDS)
        finally:
            self.stop.set()
            for thread in lanes:
                thread.join()
            self._sign_off()
        if self._fault is not None:
            raise self._fault
        log.info("worker stops", extra={"worker": self.name})

    def _run_lane(self, lane: Lane) -> None:
        try:
            while not self.stop.is_set():
                if not self._keep_on(lambda: self.run_one(lane)):
                    self.stop.wait(IDLE_SECONDS)
        except Exception as error:  # a thread's own exception would end nothing but the thread
            self._fault = error
            self.stop.set()

    def _keep_on(self, act: Callable[[], bool]) -> bool:
        """Do something, or wait a little where the database cannot be reached."""
        try:
            return act()
        except (BusyError, DiskError) as error:
            log.warning("the database cannot be reached", extra={"reason": str(error)})
            self.stop.wait(2.0)
            return False

    def _look_after(self) -> bool:
        self.sign(None)
        self._tidy()
        return True

    def run_one(self, lane: Lane | None = None) -> bool:
        """Do the next job of a lane, or of any; whether there was one."""
        lease = self.services.queue.claim(self.name, lane)
        if lease is None:
            return False
        log.info("job starts", extra={"job": lease.job_id, "kind": lease.job_type})
        try:
            self._work(lease)
        except LeaseLostError:
            log.info("job is no longer ours", extra={"job": lease.job_id})
            if self.services.queue.is_cancelled(lease.job_id):
                self._drop_segments(lease)
        return True

    def _drop_segments(self, lease: Lease) -> None:
        shutil.rmtree(self.services.storage.segments(lease.job_id), ignore_errors=True)

    def _work(self, lease: Lease) -> None:
        queue, storage = self.services.queue, self.services.storage
        scratch = storage.work(lease.job_id, lease.token)
        storage.drop_work(lease.job_id, keep=lease.token)
        try:
            job_type = _job_type(lease)
            context = self._context(lease, job_type, scratch)
            progress = _Progress(self, lease, job_type.weights(context.payload))
            for call in job_type.stages(context):
                if call.key not in lease.done:
                    self._run_stage(lease, call, progress)
            self._insist(
                lambda: queue.succeed(lease, lambda session: job_type.finish(context, session))
            )
            log.info("job is done", extra={"job": lease.job_id})
        except StoppingError:
            queue.release(lease)
        except StageFailedError as error:
            log.warning("job failed", extra={"job": lease.job_id, "reason": str(error)})
            queue.fail(lease, str(error), again=error.again)
        except InputError as error:
            queue.fail(lease, whole_sentence(error, {}), again=False)
        except OSError as error:
            log.warning("job failed", extra={"job": lease.job_id, "reason": str(error)})
            queue.fail(lease, f"the server's disk: {error.strerror}", again=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _context(self, lease: Lease, job_type: JobType[Any], scratch: Path) -> JobContext[Any]:
        try:
            payload = job_type.payload.model_validate(lease.payload)
        except ValidationError as error:
            raise InputError("this version cannot read the payload of the job") from error
        services = self.services
        return JobContext(
            services.settings,
            services.database,
            services.storage,
            lease.job_id,
            lease.match_id,
            payload,
            scratch,
        )

    def _run_stage(self, lease: Lease, call: StageCall[Any, Any], progress: "_Progress") -> None:
        segments = self.services.storage.segments(lease.job_id)
        has_begun = lease.attempt > 1 and segments.is_dir() and any(segments.iterdir())
        progress.begin(call.key, call.seconds if has_begun else None)
        result = run_in_child(
            call.stage,
            call.arguments,
            call.limits,
            call.wall_seconds,
            self.services.storage.work(lease.job_id, lease.token),
            progress.watch,
            network=call.network,
            names=call.names,
        )
        self._insist(
            lambda: self.services.queue.stage_done(
                lease, call.key, lambda session: call.effect(session, result)
            )
        )
        self._drop_segments(lease)

    def _insist(self, act: Callable[[], None]) -> None:
        """Write to the database; where it cannot be reached, for as long as the lease may last."""
        until = time.monotonic() + self.services.settings.queue.lease_seconds
        while True:
            try:
                return act()
            except (BusyError, DiskError):
                if time.monotonic() > until or self.stop.wait(IDLE_SECONDS):
                    raise

    def sign(self, job_id: str | None) -> None:
        """Record now and then that this worker is alive."""
        with self._signing:
            if self._signed and time.monotonic() - self._signed < SIGN_SECONDS:
                return
            self._signed = time.monotonic()
            self._sign(job_id)

    def _sign(self, job_id: str | None) -> None:
        with self.services.database.write() as session:
            session.merge(
                WorkerRow(
                    id=self.name,
                    started_at=self._started,
                    seen_at=self.services.database.now(session),
                    job_id=job_id,
                )
            )

    def _sign_off(self) -> None:
        with suppress(BusyError, DiskError), self.services.database.write() as session:
            row = session.get(WorkerRow, self.name)
            if row is not None:
                session.delete(row)

    def _tidy(self) -> None:
        if not self._tidied or time.monotonic() - self._tidied > TIDY_SECONDS:
            self._tidied = time.monotonic()
            tidy(self.services)


def _job_type(lease: Lease) -> JobType[Any]:
    if lease.job_type not in JOB_TYPES:
        raise InputError(f"this version does not know jobs of type {lease.job_type!r}")
    return JOB_TYPES[lease.job_type]


class _Progress:
    """Renews the lease and records progress, no more often than is useful."""

    def __init__(self, worker: Worker, lease: Lease, weights: dict[str, float]) -> None:
        self._worker = worker
        self._lease = lease
        self._weights = weights
        self._shares = {key: 1.0 for key in lease.done if key in weights}
        self._key = ""
        self._looked = self._written = 0.0
        self._shown = -1.0
        self._begins = True
        self._kept_of: float | None = None

    def begin(self, key: str, kept_of_seconds: float | None = None) -> None:
        """A stage begins.

        Args:
            kept_of_seconds: length of the video, where an earlier attempt has kept some of the
                stage: the first progress is where it goes on.
        """
        self._key = key
        self._kept_of = kept_of_seconds
        self._shown = -1.0
        self._looked = 0.0
        self.watch(0.0)

    def watch(self, share: float) -> None:
        """Called while the stage runs.

        Raises:
            LeaseLostError, StoppingError: it must not go on.
        """
        settings = self._worker.services.settings.queue
        if self._worker.stop.is_set():
            raise StoppingError
        self._shares[self._key] = share
        now = time.monotonic()
        if self._kept_of is not None and share >= LEAST_STEP:
            place = format_seconds(share * self._kept_of)
            self._worker.services.queue.log(self._lease, f"{self._key}: goes on at {place}")
            self._kept_of, self._begins, self._looked = None, True, 0.0
        if now - self._looked < settings.beat_seconds:
            return
        self._looked = now
        news = abs(share - self._shown) >= LEAST_STEP
        due = now - self._written > settings.lease_seconds / 4
        try:
            if news or due:
                self._beat(share, now)
            elif not self._worker.services.queue.still_holds(self._lease):
                raise LeaseLostError(self._lease.job_id)
            self._worker.sign(self._lease.job_id)
        except (BusyError, DiskError):
            if now - self._written > settings.lease_seconds:
                raise

    def _beat(self, share: float, now: float) -> None:
        shares = {key: round(done, 3) for key, done in self._shares.items()}
        whole = sum(self._weights.get(key, 0) * done for key, done in self._shares.items())
        done = round(min(whole, 1.0), 4)
        queue = self._worker.services.queue
        queue.beat(self._lease, self._key, shares, done, begins=self._begins)
        self._shown, self._written, self._begins = share, now, False
