"""The script of a simulated match: everything that is decided before anything is rendered.

Pitch coordinates are metres with the origin at the centre spot: x in [-52.5, 52.5] along the
length, y in [-34, 34] across it, z up; the main camera stands beyond negative y. Times are
seconds from the first frame of the half, each a whole multiple of ``1 / SCRIPT_RATE``. The
home team attacks +x in the first half and -x in the second.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from touchline.errors import FormatError
from touchline.events import Event

SCRIPT_RATE = Fraction(25)
"""Every scripted instant falls on a frame of this rate."""

PITCH_LENGTH = 105.0
PITCH_WIDTH = 68.0

Point = tuple[float, float]
Rgb = tuple[int, int, int]

CAMERAS = (
    "Main camera center",
    "Main camera left",
    "Main camera right",
    "Main behind the goal",
    "Close-up player or field referee",
    "Close-up side staff",
    "Close-up behind the goal",
    "Public",
)
"""Camera types that a shot may use, in SoccerNet's spelling."""


@dataclass(frozen=True)
class Kit:
    """What a team or the referees wear in one match."""

    shirt: Rgb
    trim: Rgb
    shorts: Rgb
    socks: Rgb
    pattern: Literal["plain", "stripes", "hoops", "halves"] = "plain"


@dataclass(frozen=True)
class Player:
    """One member of a squad."""

    name: str
    number: int
    skin: Rgb
    hair: Rgb


@dataclass(frozen=True)
class Team:
    """A side: eleven starters (goalkeeper first), then the bench."""

    name: str
    short_name: str
    kit: Kit
    keeper_kit: Kit
    squad: tuple[Player, ...]
    formation: str = "4-4-2"


@dataclass(frozen=True)
class Action:
    """One thing that somebody does, exact to the frame.

    Attributes:
        kind: what, in the script's own vocabulary (``pass``, ``shot``, ``foul``, ``whistle`` ...).
        team: 0 home, 1 away, None for officials.
        player: index into that team's squad; None where nobody in particular acts.
        at: where on the pitch.
        target: where the ball is sent, where that applies.
        height: metres from the grass to the centre of the ball at that instant.
        lofted: whether the ball then flies; else it rolls or is carried.
        other: squad index of a second player: who comes on in a substitution.
    """

    seconds: float
    kind: str
    team: int | None
    player: int | None
    at: Point
    target: Point | None = None
    height: float = 0.11
    lofted: bool = False
    other: int | None = None


@dataclass(frozen=True)
class CameraShot:
    """One uncut stretch of the broadcast: [start, end) of what is on air.

    Attributes:
        camera: one of ``CAMERAS``.
        subject: what a close-up follows: ``("player", team, squad index)``, ``("referee", 0, 0)``,
            ``("bench", team, 0)``, ``("crowd", 0, 0)``; None for cameras that follow the ball.
        source_start_seconds: pitch time shown at the start of the shot; equals ``start_seconds``
            for live pictures, lies earlier for replays.
        speed: pitch seconds per broadcast second: 1 live, below 1 slow motion.
        replays: the event that a replay shows again; None for live pictures.
        transition: how this shot ENDS: ``abrupt``, ``logo`` (a wipe) or ``smooth`` (a dissolve).
    """

    start_seconds: float
    end_seconds: float
    camera: str
    subject: tuple[str, int, int] | None
    source_start_seconds: float
    speed: float = 1.0
    replays: Event | None = None
    transition: Literal["abrupt", "logo", "smooth"] = "abrupt"

    @property
    def is_replay(self) -> bool:
        """Whether this shot shows the past."""
        return self.replays is not None

    def pitch_seconds(self, seconds: float) -> float:
        """The pitch time on show at a broadcast time within the shot."""
        return self.source_start_seconds + (seconds - self.start_seconds) * self.speed


@dataclass(frozen=True)
class Graphic:
    """Something laid over the picture for a while.

    Attributes:
        kind: ``caption`` (lower third: goal, card, substitution), ``board`` (substitution board),
            ``logo`` (replay wipe).
        lines: what it says, at most two lines.
        colour: its accent.
    """

    start_seconds: float
    end_seconds: float
    kind: Literal["caption", "board", "logo"]
    lines: tuple[str, ...]
    colour: Rgb


@dataclass(frozen=True)
class Line:
    """One sentence of commentary: [start, end) in broadcast time."""

    start_seconds: float
    end_seconds: float
    text: str


@dataclass(frozen=True)
class HalfScript:
    """One half.

    Attributes:
        number: 1 or 2.
        seconds: its length.
        actions: in order of time.
        events: 17-class SoccerNet-v2 labels with team (``home``, ``away``, ``not applicable``) and
            visibility (``visible``, ``not shown``), in order of time.
        ball_events: 12-class ball labels with team ``left`` or ``right`` (side the team defends).
        shots: the broadcast, gapless from 0 to ``seconds``.
        graphics: overlays in broadcast time.
        score_changes: (seconds, home goals, away goals) from the start; first entry at 0.
        commentary: sentences, not overlapping.
    """

    number: int
    seconds: float
    actions: tuple[Action, ...]
    events: tuple[Event, ...]
    ball_events: tuple[Event, ...]
    shots: tuple[CameraShot, ...]
    graphics: tuple[Graphic, ...]
    score_changes: tuple[tuple[float, int, int], ...]
    commentary: tuple[Line, ...]

    def shot_at(self, seconds: float) -> CameraShot:
        """The shot on air at a broadcast time (the last one at and beyond the end)."""
        return next((s for s in self.shots if seconds < s.end_seconds), self.shots[-1])


@dataclass(frozen=True)
class MatchScript:
    """A whole match. The seed and the lengths alone reproduce it.

    Attributes:
        name: ``league/season/game`` in the SoccerNet layout.
        clutter_seed: seeds what is only decoration (crowd, boards, light, grass).
    """

    name: str
    seed: int
    home: Team
    away: Team
    referee_kit: Kit
    halves: tuple[HalfScript, ...]
    clutter_seed: int


def to_json(script: MatchScript) -> str:
    """A script as JSON; ``from_json`` gives it back."""
    from pydantic import TypeAdapter

    return TypeAdapter(MatchScript).dump_json(script).decode()


def from_json(text: str) -> MatchScript:
    """Read what ``to_json`` wrote.

    Raises:
        FormatError: the text is not such a script.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(MatchScript).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(f"not a match script: {first['msg']}", where=place or None) from error
