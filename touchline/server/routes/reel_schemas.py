"""The schemas of reels, and of the files that are made of them."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from touchline.events import MAX_SECONDS
from touchline.reel import Selection
from touchline.server.finishing import Finishing, Shape, finishing_of
from touchline.server.routes.schemas import (
    EventOut,
    FileName,
    Half,
    In,
    MatchId,
    Named,
    Note,
    Out,
    Share,
    StepOut,
    Text,
)
from touchline.thresholds import SHOWN_CONFIDENCE


class StretchIn(In):
    """A stretch of the match's video, in seconds."""

    start: Annotated[float, Field(ge=0, le=MAX_SECONDS)]
    end: Annotated[float, Field(gt=0, le=MAX_SECONDS)]


class ClipIn(StretchIn):
    """A stretch of the match's video, in seconds, its title, and why it is shown."""

    title: Text | None = None
    reason: Note | None = None
    score: Annotated[float, Field(ge=-1e9, le=1e9)] = 0.0


class TextFileIn(In):
    """A file of text, by the name that says its format."""

    name: FileName
    text: Annotated[str, StringConstraints(max_length=4_000_000)]


class TranscriptIn(TextFileIn):
    """What was said in a video: SRT, WebVTT, Whisper's JSON or SoccerNet-Echoes.

    ``half`` is that of the video; by default the one in the name, such as ``1_asr.json``."""

    half: Half | None = None


Clips = Annotated[list[ClipIn], Field(max_length=1000)]
Names = Annotated[tuple[Named, ...], Field(max_length=200, strict=False)]


class ReelIn(In):
    """How to choose the moments of a reel; or its clips, if they are chosen already.

    ``labels``, ``players`` (by a part of the name) and ``teams`` (``home``, ``away`` or a name) are
    those of the events to show, none of ``exclude`` are; ``pins`` are always shown; ``half`` is the
    only one of several to show. Clips last from ``min_clip`` to ``max_clip`` seconds. ``selection``
    is ``learned`` from what editors show (not for commercial use), or ``plain``. For reels of
    several lengths, make one of each. ``transcripts`` say what was said, in times of each video.
    ``goals`` are certain events, in any format that is imported: they take the place of those of
    their classes, and of all goals, in this choice alone.

    Stretches beyond the end of the match, wishes beside ``clips`` and empty reels are refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "All goals", "seconds": 120, "labels": ["Goal"]},
                {
                    "title": "Home",
                    "seconds": 60,
                    "teams": ["home"],
                    "exclude": ["Foul"],
                    "pins": [{"start": 10.0, "end": 14.0}],
                    "finish": {"titles": True},
                },
                {
                    "transcripts": [
                        {"name": "1_asr.json", "text": '{"segments": {"0": [12.0, 14.5, "Goal!"]}}'}
                    ],
                    "goals": {"name": "goals.csv", "text": "time,label\n12.5,Goal\n"},
                },
            ]
        }
    )

    title: Named = "Highlights"
    seconds: Annotated[float, Field(gt=0, le=4 * 3600)] = 180
    labels: Names | None = None
    exclude: Names = ()
    players: Names = ()
    teams: Names = ()
    pins: Annotated[tuple[StretchIn, ...], Field(max_length=100, strict=False)] = ()
    min_clip: Annotated[float, Field(ge=0, le=600)] = 0.0
    max_clip: Annotated[float, Field(ge=1, le=3600)] | None = None
    half: Half | None = None
    selection: Selection = "learned"
    transcripts: Annotated[tuple[TranscriptIn, ...], Field(max_length=4, strict=False)] = ()
    goals: TextFileIn | None = None
    min_confidence: Share = 0.0
    accepted_only: bool = False
    clips: Annotated[Clips, Field(min_length=1)] | None = None
    finish: Finishing | None = None

    @model_validator(mode="after")
    def _chooses_or_gives(self) -> Self:
        wishes = self.model_fields_set - {"title", "clips", "finish"}
        if self.clips is not None and wishes:
            names = ", ".join(name for name in type(self).model_fields if name in wishes)
            raise ValueError(f"clips are given, so nothing is chosen by {names}; leave it out")
        return self

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        for pin in self.pins:
            if not pin.start < pin.end:
                raise ValueError(f"pins: {pin.start:g} to {pin.end:g} s has no length")
        return self


class ReelChange(In):
    """Changes to a reel; clips, if given, replace all clips, and ``finish`` the whole finish."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"clips": [{"start": 70.0, "end": 84.5}]},
                {"finish": {"scoreboard": True, "loudness": "web"}},
            ]
        }
    )

    title: Named | None = None
    clips: Clips | None = None
    finish: Finishing | None = None


class ReelOut(Out):
    """A reel, with the document that reel files hold, and how its videos are finished.

    ``remarks`` say, where it has just been chosen, what could not be used."""

    id: str
    match: MatchId
    title: str
    reel: Annotated[dict[str, Any], Field(validation_alias="document")]
    finish: Annotated[Finishing, BeforeValidator(finishing_of)]
    remarks: list[str] = Field(default_factory=list)
    version: int
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime


class NewsOut(BaseModel):
    """What has changed since a revision; ``steps`` are the caller's own, the oldest first."""

    revision: int
    count: int
    items: list[EventOut]
    removed: list[str]
    reels: list[ReelOut]
    removed_reels: list[str]
    steps: list[StepOut]
    next: str | None = None


class RenderIn(In):
    """The file to make of a reel; of a video with the finish of the reel, unless another is given.

    ``burn_labels`` and ``aspect`` take the place of ``labels`` and ``aspect`` in it. ``each`` makes
    a zip with a file for each clip. ``snap`` moves the ends of clips to camera cuts nearby; by
    default only where the clips are as they were chosen. Edit lists take ``each`` alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"format": "mp4", "burn_labels": True, "aspect": "9:16"},
                {"format": "mp4", "each": True, "finish": {"titles": True}},
            ]
        }
    )

    format: Annotated[str, StringConstraints(max_length=40)] = "mp4"
    burn_labels: bool | None = None
    snap: bool | None = None
    aspect: Shape | None = None
    each: bool = False
    finish: Finishing | None = None


class AnnotateIn(In):
    """How to draw a match's events into its picture.

    ``slow`` is how many times slower the moments around events run, 1 for none; events to review
    with less than ``min_confidence`` are left out. ``half`` names the video, where there are
    several."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"slow": 3, "min_confidence": 0.3}]})

    slow: Annotated[int, Field(ge=1, le=20)] = 3
    min_confidence: Share = SHOWN_CONFIDENCE
    half: Half | None = None


class ProductOut(Out):
    """A file made for download, of a match or of a playlist."""

    id: str
    match: Annotated[str | None, Field(validation_alias="match_id")]
    playlist: Annotated[str | None, Field(validation_alias="playlist_id")]
    reel: Annotated[str | None, Field(validation_alias="reel_id")]
    name: str
    format: str
    bytes: int
    created_at: datetime
