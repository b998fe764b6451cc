"""What every type of job is: its payload, its stages, and what they change."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from touchline.errors import InputError
from touchline.server.database import Database
from touchline.server.jobs.queue import Payload
from touchline.server.jobs.stages.base import Arguments, Result, Stage, StageResult
from touchline.server.settings import ServerSettings, StageLimits
from touchline.server.storage import Storage
from touchline.server.tables import JobRow, MatchRow

AnyPayload = TypeVar("AnyPayload", bound=Payload)

Remembered = dict[str, Any]
"""What the job's row keeps of a stage, as JSON."""


def _remember_all(session: Session, result: StageResult) -> Remembered:
    return result.model_dump(mode="json")


@dataclass(frozen=True)
class StageCall(Generic[Arguments, Result]):
    """A stage to run.

    Attributes:
        key: names the stage within its job.
        seconds: length of the video, by which the time allowed grows.
        network: the stage may use the network.
        names: what to call files in messages, by their paths on the server.
        effect: what the result changes, in one transaction; returns what to remember.
    """

    key: str
    stage: Stage[Arguments, Result]
    arguments: Arguments
    limits: StageLimits
    seconds: float = 0.0
    network: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    effect: Callable[[Session, Result], Remembered] = _remember_all

    @property
    def wall_seconds(self) -> float:
        """Time that the stage may take."""
        return self.limits.wall_seconds + self.limits.wall_per_second * self.seconds


@dataclass(frozen=True)
class JobContext(Generic[AnyPayload]):
    """The job in hand, and the parts of the server that its stages and effects use.

    Attributes:
        scratch: folder for what this attempt makes.
    """

    settings: ServerSettings
    database: Database
    storage: Storage
    job_id: str
    match_id: str | None
    payload: AnyPayload
    scratch: Path

    @property
    def segments(self) -> Path:
        """The folder for what a stage has finished of its work, which outlasts the attempt."""
        return self.storage.segments(self.job_id)

    def read_match(self) -> MatchRow:
        """The match of the job, as it is now.

        Raises:
            InputError: it was deleted.
        """
        with self.database.read() as session:
            match = session.get(MatchRow, self.match_id) if self.match_id else None
        return _existing(match)

    def lock_match(self, session: Session) -> MatchRow:
        """The match of the job, held until the end of the transaction.

        Raises:
            InputError: it was deleted.
        """
        match = (
            session.get(MatchRow, self.match_id, with_for_update=True) if self.match_id else None
        )
        return _existing(match)

    def touch(self, session: Session, match: MatchRow) -> None:
        """Count a change of the match."""
        match.version += 1
        match.updated_at = self.database.now(session)


class JobType(Generic[AnyPayload]):
    """A type of job.

    Attributes:
        payload: the type of its payload.
        shows_result: clients may read what its stages remember.
        reads_uploads: it reads uploads that no match refers to, so they must not expire.
    """

    payload: type[AnyPayload]
    shows_result: bool = True
    reads_uploads: bool = False

    def weights(self, payload: AnyPayload) -> dict[str, float]:
        """The share of the work that each stage is, by its key."""
        raise NotImplementedError

    def stages(self, context: JobContext[AnyPayload]) -> Iterator[StageCall[Any, Any]]:
        """The stages in order; each has run and taken effect before the next is requested.

        Stages that an earlier attempt has finished are skipped.
        """
        raise NotImplementedError

    def finish(self, context: JobContext[AnyPayload], session: Session) -> Remembered:
        """The effect of the job as a whole, in the transaction in which it succeeds."""
        return {}

    def ended(self, session: Session, job: JobRow) -> None:
        """The job has failed or was cancelled; called in that transaction."""


def _existing(match: MatchRow | None) -> MatchRow:
    if match is None:
        raise InputError("the match was deleted")
    return match
