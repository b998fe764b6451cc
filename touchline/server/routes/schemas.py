"""The schemas that several routes share."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from sqlalchemy import Row

from touchline.events import MAX_GOALS, MAX_SECONDS, Source, Status
from touchline.formats.base import MAX_STRETCH_SECONDS, is_event_text
from touchline.server.access.principal import Principal
from touchline.server.documents import MAX_DESCRIPTORS, STRETCH_FIELDS, video_at
from touchline.server.jobs.queue import Lane, Outlook, WaitsFor, lane_of
from touchline.server.jobs.types import JOB_TYPES
from touchline.server.tables import (
    EventRow,
    JobRow,
    MatchRow,
)
from touchline.zoo.cards import NAME

T = TypeVar("T")


def plain(text: str) -> str:
    """A text without NUL characters, which PostgreSQL does not keep.

    Raises:
        ValueError: it has one.
    """
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


def _with_digits(text: str) -> str:
    if not is_event_text("clock", text):
        raise ValueError("must be a clock, such as 45+2:10")
    return text


Text = Annotated[str, StringConstraints(max_length=300), AfterValidator(plain)]
Named = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, pattern=r"\S"),
    AfterValidator(plain),
]
Note = Annotated[str, StringConstraints(max_length=4000), AfterValidator(plain)]
IdText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.@-]{0,99}$")]
ModelName = Annotated[str, StringConstraints(pattern=NAME)]
Share = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[float, Field(ge=-MAX_SECONDS, le=MAX_SECONDS)]
Half = Annotated[int, Field(ge=1, le=4)]
ClockText = Annotated[Text, StringConstraints(max_length=40), AfterValidator(_with_digits)]
StretchPart = Annotated[float, Field(ge=0, le=MAX_STRETCH_SECONDS)]
Score = Annotated[
    list[Annotated[int, Field(strict=True, ge=0, le=MAX_GOALS)]], Field(min_length=2, max_length=2)
]
"""Goals of home and away."""

FileName = Annotated[str, StringConstraints(max_length=200, pattern=r"^[\w .()-]+$")]
FilePath = Annotated[Named, StringConstraints(max_length=4000)]

ID = "5f0c1a9e7d3b4c2f8a6e1d0b9c8f7a65"


class In(BaseModel):
    """A request: known fields and finite numbers only; ``true`` and ``"5"`` are no numbers."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class Out(BaseModel):
    """An answer, read from the columns of a row."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    @classmethod
    def of(cls, row: object) -> Self:
        """The answer for a row."""
        return cls.model_validate(row)


MatchId = Annotated[str, Field(validation_alias="match_id")]


class Page(BaseModel, Generic[T]):
    """A page of a list; ``next`` is the cursor of the next page, null at the end."""

    items: list[T]
    next: str | None = None


NOT_FOR_GUESTS: Mapping[str, Any] = {
    "assignee": None,
    "reviewers": [],
    "created_by": "",
    "updated_by": "",
    "comments": 0,
}
"""Fields by which people are named, or that tell of their talk, and what guests of a link read."""

Answer = TypeVar("Answer", bound=BaseModel)


def for_caller(principal: Principal, answer: Answer) -> Answer:
    """An answer as the caller may read it: guests are told of nobody who works here."""
    if not principal.is_guest:
        return answer
    own = type(answer).model_fields
    return answer.model_copy(
        update={name: value for name, value in NOT_FOR_GUESTS.items() if name in own}
    )


class VideoIn(In):
    """A video of a match: an upload that is complete, or a file on the server's own disk."""

    upload: IdText | None = None
    path: FilePath | None = None
    half: Half | None = None


class MatchIn(In):
    """A new match: of an upload, of a file on the server's own disk, or of one such per half.

    Halves are numbered in order where they are not named."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"upload": ID, "title": "North - South"},
                {"videos": [{"upload": ID, "half": 1}, {"upload": ID[::-1], "half": 2}]},
            ]
        }
    )

    upload: IdText | None = None
    path: FilePath | None = None
    videos: Annotated[list[VideoIn], Field(min_length=1, max_length=4)] | None = None
    title: Named | None = None
    model: ModelName | None = None
    threshold: Share | None = None


class PeriodIn(In):
    """When a half begins: its kick-off, in seconds of the match."""

    half: Half
    start: Annotated[float, Field(ge=0, le=MAX_SECONDS)]


class GameChange(In):
    """Changes to the facts of the game; fields that are left out stay."""

    home: Text | None = None
    away: Text | None = None
    date: Text | None = None
    score: Text | None = None
    competition: Text | None = None
    periods: Annotated[list[PeriodIn], Field(max_length=4)] | None = None

    @field_validator("periods")
    @classmethod
    def _each_once(cls, periods: list[PeriodIn] | None) -> list[PeriodIn] | None:
        ordered = sorted(periods or (), key=lambda period: period.half)
        starts = [period.start for period in ordered]
        if len({period.half for period in ordered}) < len(ordered) or starts != sorted(starts):
            raise ValueError("each half begins once, and after those before it")
        return None if periods is None else ordered


class MatchChange(In):
    """Changes to a match; fields that are left out stay.

    ``thresholds`` replaces the least confidence of all classes that have one: events to review with
    less are in no reel and in no file. ``assignee`` is who is to review it, null for nobody."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "North - South 2:1"},
                {"game": {"home": "North", "periods": [{"half": 1, "start": 12.4}]}},
                {"thresholds": {"Goal": 0.4, "Foul": 0.6}},
            ]
        }
    )

    title: Named | None = None
    game: GameChange | None = None
    assignee: Name | None = None
    thresholds: Annotated[dict[Named, Share], Field(max_length=1000)] | None = None


class SpotIn(In):
    """How to spot a match again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "auto"}]})

    model: ModelName | None = None
    threshold: Share | None = None


class VideoOut(Out):
    """A video of a match, and its place in the match, in seconds.

    ``half`` is null for the only video of a match."""

    number: int
    half: int | None
    name: str
    start: Annotated[float, Field(validation_alias="start_seconds")]
    duration: Annotated[float | None, Field(validation_alias="duration_seconds")]
    info: dict[str, Any]


class PeriodOut(BaseModel):
    """When a half begins: its kick-off, in seconds of the match."""

    half: int
    start: float


class GameOut(BaseModel):
    """The facts of the game that people and files state."""

    home: str | None = None
    away: str | None = None
    date: str | None = None
    score: str | None = None
    competition: str | None = None
    periods: list[PeriodOut] = []


class KnownPeriodOut(PeriodOut):
    """When a half begins, the clock's minute then, and whether that is stated or an event."""

    minute: int
    source: Literal["given", "event"]


class GoalOut(BaseModel):
    """A goal that was accepted, the minute of the clock, and the score after it."""

    time: float
    team: str
    clock: str | None
    home: int
    away: int


class KnownGameOut(BaseModel):
    """All known facts of the game: those stated, and those derived from events."""

    home: str | None
    away: str | None
    date: str | None
    score: str | None
    competition: str | None
    periods: list[KnownPeriodOut]
    goals: list[GoalOut]


class CountsOut(BaseModel):
    """How many events of a match have each status."""

    pending: int = 0
    accepted: int = 0
    rejected: int = 0


class MatchOut(BaseModel):
    """A match and its facts. Its times run through all its videos.

    ``result`` is the one that is stated, else the score after the last accepted goal; ``reviewers``
    have changed its events, who did so last first; ``poster`` is the thumbnail that shows most of
    it."""

    id: str
    title: str
    state: Literal["waiting", "working", "ready", "failed"]
    problem: str | None
    warnings: list[str]
    video: str
    videos: list[VideoOut]
    game: GameOut
    info: dict[str, Any]
    model: str
    threshold: float
    thresholds: dict[str, float]
    labels: list[str]
    producer: dict[str, Any]
    thumbnails: dict[str, Any]
    assignee: str | None
    counts: CountsOut
    result: str | None = None
    reviewers: list[str] = []
    poster: int | None = None
    stored_bytes: int
    version: int
    revision: int
    job: str | None = None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: MatchRow, job: JobRow | None = None, **facts: Any) -> "MatchOut":
        """The answer for a row.

        Args:
            job: the one that is still open; a match that is not ready is where its job is.
            facts: counts of events by status, ``result``, ``reviewers`` and ``poster``.
        """
        names = cls.model_fields.keys() - {
            *("video", "counts", "job", "state", "result", "reviewers", "poster")
        }
        state = row.state
        if job is not None and state != "ready":
            state = "working" if job.state == "running" else "waiting"
        return cls.model_validate(
            {name: getattr(row, name) for name in names}
            | {
                "video": row.videos[0].name,
                "counts": {},
                "job": job and job.id,
                "state": state,
            }
            | facts
        )


class DescriptorIn(In):
    """What an analyst says of an event: a text, of a group such as *Zone*, or of none."""

    group: Text | None = None
    text: Named


Descriptors = Annotated[list[DescriptorIn], Field(max_length=MAX_DESCRIPTORS)]


class DescriptorOut(BaseModel):
    """What an analyst says of an event."""

    group: str | None = None
    text: str


class EventDetails(In):
    """The fields of an event that may be empty."""

    team: Text | None = None
    player: Text | None = None
    half: Annotated[int, Field(ge=1, le=9)] | None = None
    clock: ClockText | None = None
    clock_seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | None = None
    score: Score | None = None
    uncertainty_seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | None = None
    visibility: Annotated[Text, StringConstraints(max_length=40)] | None = None
    note: Note | None = None
    lead: StretchPart | None = None
    lag: StretchPart | None = None
    descriptors: Descriptors | None = None

    @field_validator("descriptors")
    @classmethod
    def _differ(cls, descriptors: list[DescriptorIn] | None) -> list[DescriptorIn] | None:
        said = [(one.group, one.text) for one in descriptors or ()]
        if twice := next((pair for pair in said if said.count(pair) > 1), None):
            raise ValueError(f"{': '.join(filter(None, twice))} is said twice")
        return descriptors

    @model_validator(mode="after")
    def _has_both_parts(self) -> Self:
        if len({"lead", "lag"} & self.model_fields_set) == 1 or (self.lead is None) != (
            self.lag is None
        ):
            raise ValueError("lead and lag come together: the seconds before and after the time")
        if self.lead == 0 and self.lag == 0:
            raise ValueError("lead and lag are both 0; leave them out for an event without length")
        return self


class EventIn(EventDetails):
    """A new event, at a time in seconds from the first frame shown.

    One with a length lasts from ``lead`` seconds before its time to ``lag`` seconds after it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"time": 74.52, "label": "Goal", "team": "home"}]}
    )

    id: IdText | None = None
    time: Time
    label: Named
    confidence: Share = 1.0
    status: Status = "accepted"


class EventChange(EventDetails):
    """Changes to an event; fields that are left out stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"time": 73.9, "team": "away"}]})

    time: Time | None = None
    label: Named | None = None
    confidence: Share | None = None
    status: Status | None = None


class ReviewIn(In):
    """Accept or reject several events at once: those named, or all pending ones that match."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "accepted", "min_confidence": 0.6}]}
    )

    status: Status
    ids: Annotated[list[IdText], Field(max_length=10_000)] | None = None
    min_confidence: Share | None = None
    max_confidence: Share | None = None
    label: Named | None = None

    @model_validator(mode="after")
    def _has_order(self) -> Self:
        least, most = self.min_confidence, self.max_confidence
        if least is not None and most is not None and least > most:
            raise ValueError("min_confidence is above max_confidence")
        return self


class EventOut(BaseModel):
    """An event, with who made and changed it and when.

    In a match of several videos the half follows from the time, and ``half_time`` is the time
    within that half's video; it is null in a match of one. Guests of a link are told of no
    ``comments``."""

    id: str
    time: float
    label: str
    confidence: float
    team: str | None
    player: str | None
    half: int | None
    half_time: float | None
    clock: str | None
    clock_seconds: float | None
    score: list[int] | None
    uncertainty_seconds: float | None
    visibility: str | None
    status: Status
    source: Source
    note: str | None
    descriptors: list[DescriptorOut] | None = None
    comments: int = 0
    lead: float | None
    lag: float | None
    version: int
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime

    @classmethod
    def of(cls, row: EventRow, match: MatchRow, *, is_guest: bool = False) -> "EventOut":
        """The event of a row; its half is that of the video that contains its time."""
        return cls.model_validate(event_facts(row, match, is_guest=is_guest))


_OF_ROW = tuple(EventOut.model_fields.keys() - {"time", "half", "half_time", *STRETCH_FIELDS})


def event_facts(
    row: EventRow | Row[Any], match: MatchRow, *, is_guest: bool = False
) -> dict[str, Any]:
    """The fields of `EventOut` before validation: lists hold thousands of events.

    Args:
        is_guest: the caller is one of a link; see ``NOT_FOR_GUESTS``.
    """
    half, half_time = row.half, None
    if len(match.videos) > 1:
        video = video_at(match, row.seconds)
        half, half_time = video.half, round(row.seconds - video.start_seconds, 6)
    facts = {name: getattr(row, name) for name in _OF_ROW}
    facts |= {name: getattr(row, column) for name, column in STRETCH_FIELDS.items()}
    facts |= {"time": row.seconds, "half": half, "half_time": half_time}
    hidden = NOT_FOR_GUESTS.items() if is_guest else ()
    return facts | {name: value for name, value in hidden if name in facts}


def in_row(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a request says of an event, by the columns of its row."""
    columns = {"time": "seconds", **STRETCH_FIELDS}
    row = {columns.get(name, name): value for name, value in values.items()}
    if "descriptors" in row:  # as documents; without any, as an event that never had one
        given = [DescriptorIn.model_validate(one).model_dump() for one in row["descriptors"] or ()]
        row["descriptors"] = given or None
    return row


class StepIn(In):
    """The step of a match's history to undo or redo, by its id."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"step": ID}]})

    step: IdText | None = None


class StepOut(Out):
    """A step of a match's history, in short."""

    id: str
    action: str
    undone: bool


class ChangeOut(StepOut):
    """A step of a match's history."""

    number: int
    actor: str
    at: datetime
    events: list[str]
    reels: list[str]


class ChangedOut(BaseModel):
    """The result of a step over several events.

    Of an import, ``remarks`` are for people, and ``statuses`` counts what it added."""

    number: int | None
    action: str
    events: list[str]
    reels: list[str] = []
    remarks: list[str] = []
    statuses: dict[str, int] = {}


class JobOut(BaseModel):
    """A job and its progress; ``stages`` has the share of each stage that is done.

    Jobs of one lane are done one after the other: ``position`` counts those before a queued one.
    It waits for another ``job`` (of the match ``ahead``), for its next ``attempt``, for its
    ``turn``, which comes at once, or for a ``worker``, as none is running. ``seconds_left`` is the
    time until its end, or until its next attempt, where it can be told. Attempt after attempt goes
    on from what is done: this one, from ``attempt_progress``."""

    id: str
    kind: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    stage: str | None
    progress: float
    stages: dict[str, float]
    lane: Lane
    position: int | None
    waits_for: WaitsFor | None
    ahead: str | None
    seconds_left: float | None
    attempts: int
    attempt_progress: float
    problem: str | None
    match: str | None
    result: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: JobRow, outlook: Outlook) -> "JobOut":
        """The answer for a row."""
        names = cls.model_fields.keys() - {"match", "result", "lane", *asdict(outlook)}
        return cls.model_validate(
            {name: getattr(row, name) for name in names}
            | asdict(outlook)
            | {
                "lane": lane_of(row.kind),
                "match": row.match_id,
                "result": row.result if _shows_result(row.kind) else {},
            }
        )


def _shows_result(kind: str) -> bool:
    return kind not in JOB_TYPES or JOB_TYPES[kind].shows_result


class ScoresOut(BaseModel):
    """Curves: the highest value of each label within each of ``len(seconds)`` steps."""

    labels: list[str]
    seconds: list[float]
    values: list[list[float]]
