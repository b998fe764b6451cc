"""What goes in and out over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)
from sqlalchemy import Row

from touchline.events import MAX_SECONDS, Source, Status
from touchline.server.access.principal import Role, Scope
from touchline.server.documents import video_at
from touchline.server.jobs.types import JOB_TYPES
from touchline.server.tables import (
    EventRow,
    JobLineRow,
    JobRow,
    MatchRow,
    ProductRow,
    ReelRow,
    UploadRow,
    VideoRow,
)
from touchline.zoo.cards import NAME

T = TypeVar("T")


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("may hold no NUL characters")
    return text


Text = Annotated[str, StringConstraints(max_length=300), AfterValidator(_plain)]
Named = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, pattern=r"\S"),
    AfterValidator(_plain),
]
Note = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_plain)]
IdText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.@-]{0,99}$")]
ModelName = Annotated[str, StringConstraints(pattern=NAME)]
Share = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[float, Field(ge=-MAX_SECONDS, le=MAX_SECONDS)]
Half = Annotated[int, Field(ge=1, le=4)]
FilePath = Annotated[Named, StringConstraints(max_length=4000)]

ID = "5f0c1a9e7d3b4c2f8a6e1d0b9c8f7a65"


class In(BaseModel):
    """What is sent to the server: known fields and finite numbers only."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Page(BaseModel, Generic[T]):
    """Some of many; ``next`` is the cursor of those that follow, null at the end."""

    items: list[T]
    next: str | None = None


def when(seconds: float | None) -> datetime | None:
    """A time of the database for readers."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class UploadOut(BaseModel):
    """A file on its way in, or in."""

    id: str
    name: str
    state: Literal["receiving", "complete"]
    length: int
    received: int
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, row: UploadRow) -> "UploadOut":
        """As the row has it."""
        return cls.model_validate(
            {name: getattr(row, name) for name in ("id", "name", "state", "length", "received")}
            | {"created_at": when(row.created_at), "expires_at": when(row.expires_at)}
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
    """What is to be different of what is known of the game; fields left out stay."""

    home: Text | None = None
    away: Text | None = None
    date: Text | None = None
    score: Text | None = None
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
    """What is to be different of a match; fields left out stay."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "North - South 2:1"},
                {"game": {"home": "North", "periods": [{"half": 1, "start": 12.4}]}},
            ]
        }
    )

    title: Named | None = None
    game: GameChange | None = None


class SpotIn(In):
    """How to spot a match anew."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "demo"}]})

    model: ModelName | None = None
    threshold: Share | None = None


class VideoOut(BaseModel):
    """A video of a match, and the stretch of the match that it is, in seconds.

    ``half`` is null where it is the only one."""

    number: int
    half: int | None
    name: str
    start: float
    duration: float | None
    info: dict[str, Any]

    @classmethod
    def of(cls, row: VideoRow) -> "VideoOut":
        """As the row has it."""
        return cls(
            number=row.number,
            half=row.half,
            name=row.name,
            start=row.start_seconds,
            duration=row.duration_seconds,
            info=row.info,
        )


class PeriodOut(BaseModel):
    """When a half begins: its kick-off, in seconds of the match."""

    half: int
    start: float


class GameOut(BaseModel):
    """What people and files say of the game."""

    home: str | None = None
    away: str | None = None
    date: str | None = None
    score: str | None = None
    periods: list[PeriodOut] = []


class KnownPeriodOut(PeriodOut):
    """When a half begins, the clock's minute then, and whether an event or somebody says so."""

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
    """All that is known of the game: what was said, and what the events tell."""

    home: str | None
    away: str | None
    date: str | None
    score: str | None
    periods: list[KnownPeriodOut]
    goals: list[GoalOut]


class CountsOut(BaseModel):
    """How many events of a match are to be reviewed, and how many were."""

    pending: int = 0
    accepted: int = 0
    rejected: int = 0


class MatchOut(BaseModel):
    """A match and what is known of it. Its times count through all its videos."""

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
    labels: list[str]
    producer: dict[str, Any]
    thumbnails: dict[str, Any]
    counts: CountsOut
    stored_bytes: int
    version: int
    revision: int
    job: str | None = None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(
        cls, row: MatchRow, job: str | None = None, counts: dict[str, int] | None = None
    ) -> "MatchOut":
        """As the row has it.

        Args:
            counts: events by status; none by default.
        """
        names = (
            "id", "title", "state", "problem", "warnings", "game", "info", "model", "threshold",
            "labels", "producer", "thumbnails", "stored_bytes", "version", "revision",
        )  # fmt: skip
        return cls.model_validate(
            {name: getattr(row, name) for name in names}
            | {
                "video": row.videos[0].name,
                "videos": [VideoOut.of(video) for video in row.videos],
                "counts": counts or {},
                "job": job,
                "created_at": when(row.created_at),
                "updated_at": when(row.updated_at),
            }
        )


class EventIn(In):
    """A new event, at a time in seconds from the first frame shown."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"time": 74.52, "label": "Goal", "team": "home"}]}
    )

    time: Time
    label: Named
    confidence: Share = 1.0
    team: Text | None = None
    player: Text | None = None
    half: Annotated[int, Field(ge=1, le=9)] | None = None
    clock: Annotated[Text, StringConstraints(max_length=40)] | None = None
    visibility: Annotated[Text, StringConstraints(max_length=40)] | None = None
    status: Status = "accepted"
    note: Note | None = None


class EventChange(In):
    """What is to be different of an event; fields left out stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"time": 73.9, "team": "away"}]})

    time: Time | None = None
    label: Named | None = None
    confidence: Share | None = None
    team: Text | None = None
    player: Text | None = None
    half: Annotated[int, Field(ge=1, le=9)] | None = None
    clock: Annotated[Text, StringConstraints(max_length=40)] | None = None
    visibility: Annotated[Text, StringConstraints(max_length=40)] | None = None
    status: Status | None = None
    note: Note | None = None


class ReviewIn(In):
    """Accept or reject several events at once: those named, or all pending ones that fit."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "accepted", "min_confidence": 0.6}]}
    )

    status: Status
    ids: Annotated[list[IdText], Field(max_length=10_000)] | None = None
    min_confidence: Share | None = None
    max_confidence: Share | None = None
    label: Named | None = None


class EventOut(BaseModel):
    """An event, with who made and changed it and when.

    In a match of several videos the half follows from the time, and ``half_time`` is the time
    within that half's video; it is null in a match of one."""

    id: str
    time: float
    label: str
    confidence: float
    team: str | None
    player: str | None
    half: int | None
    half_time: float | None
    clock: str | None
    visibility: str | None
    status: Status
    source: Source
    note: str | None
    version: int
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime

    @classmethod
    def of(cls, row: EventRow, match: MatchRow) -> "EventOut":
        """As the row has it; of several videos of the match, in the one that its time lies in."""
        return cls.model_validate(event_facts(row, match))


def event_facts(row: EventRow | Row[Any], match: MatchRow) -> dict[str, Any]:
    """The fields of `EventOut`, before they are validated: lists of thousands are made of them."""
    half, half_time = row.half, None
    if len(match.videos) > 1:
        video = video_at(match, row.seconds)
        half, half_time = video.half, round(row.seconds - video.start_seconds, 6)
    return {
        "id": row.id,
        "time": row.seconds,
        "label": row.label,
        "confidence": row.confidence,
        "team": row.team,
        "player": row.player,
        "half": half,
        "half_time": half_time,
        "clock": row.clock,
        "visibility": row.visibility,
        "status": row.status,
        "source": row.source,
        "note": row.note,
        "version": row.version,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "updated_by": row.updated_by,
        "updated_at": row.updated_at,
    }


class ChangeOut(BaseModel):
    """A step of a match's history."""

    number: int
    actor: str
    action: str
    at: datetime
    undone: bool
    events: list[str]


class ChangedOut(BaseModel):
    """What a step over several events did."""

    number: int | None
    action: str
    events: list[str]


class ReelIn(In):
    """How to choose the moments of a reel."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "All goals", "seconds": 120, "labels": ["Goal"]}]}
    )

    title: Named = "Highlights"
    seconds: Annotated[float, Field(gt=0, le=4 * 3600)] = 180
    labels: Annotated[list[Named], Field(max_length=200)] | None = None
    min_confidence: Share = 0.0
    accepted_only: bool = False


class ClipIn(In):
    """A stretch of the match's video, in seconds."""

    start: Annotated[float, Field(ge=0, le=MAX_SECONDS)]
    end: Annotated[float, Field(gt=0, le=MAX_SECONDS)]
    title: Text | None = None
    score: Annotated[float, Field(ge=-1e9, le=1e9)] = 0.0


class ReelChange(In):
    """What is to be different of a reel; clips, if given, take the place of all there are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"clips": [{"start": 70.0, "end": 84.5}]}]}
    )

    title: Named | None = None
    clips: Annotated[list[ClipIn], Field(max_length=1000)] | None = None


class ReelOut(BaseModel):
    """A reel, with the document that reel files hold."""

    id: str
    match: str
    title: str
    reel: dict[str, Any]
    version: int
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime

    @classmethod
    def of(cls, row: ReelRow) -> "ReelOut":
        """As the row has it."""
        names = ("id", "title", "version", "created_by", "updated_by")
        return cls.model_validate(
            {name: getattr(row, name) for name in names}
            | {
                "match": row.match_id,
                "reel": row.document,
                "created_at": when(row.created_at),
                "updated_at": when(row.updated_at),
            }
        )


class RenderIn(In):
    """Which file to make of a reel; ``aspect`` is the shape of a video's picture."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"format": "mp4", "burn_labels": True, "aspect": "9:16"}]}
    )

    format: Annotated[str, StringConstraints(max_length=40)] = "mp4"
    burn_labels: bool = False
    snap: bool = True
    aspect: Literal["16:9", "1:1", "4:5", "9:16"] | None = None


class ProductOut(BaseModel):
    """A file made for download."""

    id: str
    match: str
    reel: str | None
    name: str
    format: str
    bytes: int
    created_at: datetime

    @classmethod
    def of(cls, row: ProductRow) -> "ProductOut":
        """As the row has it."""
        return cls.model_validate(
            {name: getattr(row, name) for name in ("id", "name", "format", "bytes")}
            | {"match": row.match_id, "reel": row.reel_id, "created_at": when(row.created_at)}
        )


class JobOut(BaseModel):
    """A job and how far it is; ``stages`` has the share done of each stage."""

    id: str
    kind: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    stage: str | None
    progress: float
    stages: dict[str, float]
    position: int | None
    attempts: int
    problem: str | None
    match: str | None
    result: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: JobRow, position: int | None) -> "JobOut":
        """As the row has it."""
        names = ("id", "kind", "state", "stage", "progress", "stages", "attempts", "problem")
        return cls.model_validate(
            {name: getattr(row, name) for name in names}
            | {
                "position": position,
                "match": row.match_id,
                "result": row.result if _shows_result(row.kind) else {},
                "created_at": when(row.created_at),
                "started_at": when(row.started_at),
                "finished_at": when(row.finished_at),
            }
        )


def _shows_result(kind: str) -> bool:
    return kind not in JOB_TYPES or JOB_TYPES[kind].shows_result


class LineOut(BaseModel):
    """A line of a job's log."""

    at: datetime
    attempt: int
    text: str

    @classmethod
    def of(cls, row: JobLineRow) -> "LineOut":
        """As the row has it."""
        return cls.model_validate({"at": when(row.at), "attempt": row.attempt, "text": row.text})


class LoginIn(In):
    """Name and password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ada", "password": "correct horse battery"}]}
    )

    name: Named
    password: Annotated[str, StringConstraints(max_length=200)]


class SessionOut(BaseModel):
    """Who is asking; ``csrf`` goes into the header X-CSRF-Token of every change."""

    name: str
    role: Role
    csrf: str | None
    guest_of: str | None = None


class UserIn(In):
    """A new user."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "ada", "password": "correct horse battery", "role": "editor"}]
        }
    )

    name: Name
    password: Annotated[str, StringConstraints(min_length=10, max_length=200)]
    role: Role = "viewer"
    quota_bytes: Annotated[int, Field(ge=0, le=2**53)] | None = None


class UserChange(In):
    """What is to be different of a user."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "editor"}]})

    password: Annotated[str, StringConstraints(min_length=10, max_length=200)] | None = None
    role: Role | None = None
    quota_bytes: Annotated[int, Field(ge=0, le=2**53)] | None = None
    disabled: bool | None = None


class UserOut(BaseModel):
    """A user."""

    id: str
    name: str
    role: Role
    quota_bytes: int | None
    disabled: bool
    created_at: datetime


class TokenIn(In):
    """A new API token."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "newsroom script", "role": "editor", "days": 90}]}
    )

    name: Named
    role: Role = "viewer"
    days: Annotated[float, Field(gt=0, le=3650)] | None = None


class TokenOut(BaseModel):
    """A token; the secret is shown once, when it is made."""

    id: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    secret: str | None = None


class ShareIn(In):
    """A new share link."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scope": "view", "hours": 48}]})

    scope: Scope = "view"
    hours: Annotated[float, Field(gt=0, le=24 * 365)] = 72


class ShareOut(BaseModel):
    """A share link; the secret is shown once, when it is made."""

    id: str
    match: str
    scope: Scope
    created_by: str
    created_at: datetime
    expires_at: datetime
    secret: str | None = None


class AuditOut(BaseModel):
    """Who did what."""

    at: datetime
    actor: str
    address: str
    action: str
    target: str


class ModelOut(BaseModel):
    """A model that matches can be spotted with, and under which licence."""

    name: str
    system: str
    labels: list[str]
    rate: str
    origin: str
    licence: str
    training_data_licence: str
    description: str
    metrics: dict[str, Any]


class RemoteModelOut(BaseModel):
    """A model that can be pulled."""

    name: str
    repository: str
    licence: str
    description: str


class ModelsOut(BaseModel):
    """The models that are here, and those that can be pulled by name."""

    models: list[ModelOut]
    to_pull: list[RemoteModelOut]


class PullIn(In):
    """Which model to pull: a name of ``to_pull``, or a repository of the Hugging Face Hub."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "osl-ball-2025"}]})

    name: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?$")
    ]


class ScoresOut(BaseModel):
    """Curves: the highest value of each label within each of ``len(seconds)`` steps."""

    labels: list[str]
    seconds: list[float]
    values: list[list[float]]
