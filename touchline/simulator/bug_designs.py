"""The designs of score bug that simulated broadcasts show: one table, nothing but data.

Designs of ``TUNING`` are for building a reader, those of ``HELD_OUT`` for measuring it: a reader
must never have been looked at with them.
"""

from dataclasses import dataclass, field
from typing import Literal

from touchline.simulator.script import Rgb

Colour = Rgb | Literal["home", "away", "none"]
"""A colour, that of a team's shirt, or none: the picture shows through."""

WHITE: Rgb = (250, 250, 250)
BLACK: Rgb = (14, 15, 20)


@dataclass(frozen=True)
class Part:
    """How a part of a bug looks; None takes what its bug says.

    Attributes:
        size: height of its capitals against the bug's.
        pad: empty width on either side of its text, in capitals.
    """

    plate: Colour | None = None
    ink: Rgb | None = None
    face: str | None = None
    size: float = 1.0
    pad: float = 0.5


@dataclass(frozen=True)
class BugDesign:
    """One design of score bug.

    A design without the part ``clock`` shows none.

    Attributes:
        place: where it stands: ``top left``, ``bottom right``, ``top`` (the middle) and so on.
        rows: parts from left to right, rows from top to bottom; parts are ``home``, ``away``,
            ``score``, ``home score``, ``away score``, ``clock``, ``period``, ``league``, ``added``,
            ``aggregate``, ``home crest``, ``away crest`` and ``gap``.
        row_height: as a share of the height of the picture.
        margin: distance from the edges, as shares of the picture's width and height.
        capitals: height of capitals as a share of a row.
        opacity: of the plates.
        names: teams as ``code`` (three letters), ``short`` (first word) or ``full``.
        separator: what stands between the two numbers of ``score``.
        clock: ``00:00``, ``0:00``, ``00'00``, ``00.00``; ``00'`` shows the minute alone; ``down``
            counts down.
        added: in added time the clock ``runs`` on, stands beside a second clock (``beside``), or
            reads ``45+2`` (``plus``).
        plate_added: whether the minutes to be added are announced on a plate (part ``added``).
        periods: what ``period`` says in the two halves.
        restarts: whether the clock of the second half starts again at 00:00.
        aggregate: how the score of both legs reads, ``{}`` standing for the numbers.
        stripe: the team's colour as a stripe at the ``left``, ``right``, ``under`` or ``none``.
        corners: radius of the plates' corners as a share of a row; a negative one is a slant.
        rule: colour of a line under the whole bug.
        enters: how it comes and goes: slides in from an edge, unrolls, fades or just appears.
        in_replays, in_graphics, over_wipes: whether it stays there.
        goal: what it does at a goal: ``blink``, ``banner`` (GOAL in its place) or ``nothing``.
        cards: red cards as ``bars``, ``dots`` or not shown (``none``).
        ticker: other matches beside it: ``none``, ``under`` or ``edge`` of the picture.
        channel: whether a channel's logo stands in another corner.
    """

    name: str
    place: str
    rows: tuple[tuple[str, ...], ...]
    row_height: float = 0.055
    margin: tuple[float, float] = (0.05, 0.06)
    capitals: float = 0.55
    plate: Colour = BLACK
    ink: Rgb = WHITE
    face: str = "bold"
    parts: dict[str, Part] = field(default_factory=dict, hash=False)
    opacity: float = 0.95
    names: Literal["code", "short", "full"] = "code"
    separator: str = "-"
    clock: Literal["00:00", "0:00", "00'00", "00.00", "00'", "down"] = "00:00"
    added: Literal["runs", "beside", "plus"] = "runs"
    plate_added: bool = False
    periods: tuple[str, str] = ("1st", "2nd")
    restarts: bool = False
    aggregate: str = "({})"
    stripe: Literal["left", "right", "under", "none"] = "none"
    corners: float = 0.0
    rule: Rgb | None = None
    enters: Literal["left", "right", "top", "bottom", "unroll", "fade", "cut"] = "cut"
    in_replays: bool = True
    in_graphics: bool = True
    over_wipes: bool = False
    goal: Literal["blink", "banner", "nothing"] = "nothing"
    cards: Literal["bars", "dots", "none"] = "none"
    ticker: Literal["none", "under", "edge"] = "none"
    channel: bool = True


TUNING = (
    BugDesign(
        "slate", "top left", (("home", "score", "away", "clock"),),
        plate=(22, 24, 32), face="bold", stripe="left",
        parts={"score": Part((240, 60, 70), WHITE), "clock": Part((12, 14, 20))},
        enters="unroll", cards="bars", goal="blink",
    ),
    BugDesign(
        "chalk", "top left", (("clock", "home", "home score", "away score", "away"),),
        plate=(238, 238, 242), ink=(20, 24, 60), face="condensed", capitals=0.6, stripe="under",
        parts={
            "home score": Part((20, 24, 60), WHITE), "away score": Part((20, 24, 60), WHITE),
            "clock": Part((205, 208, 218), size=0.95, pad=0.7),
        },
        added="beside", enters="left", in_replays=False, in_graphics=False, goal="banner",
    ),
    BugDesign(
        "harbour", "top right", (("home", "score", "away"), ("gap", "clock")),
        plate=(14, 44, 98), face="plain", row_height=0.05, separator=" - ", names="short",
        parts={
            "score": Part((250, 196, 40), (12, 20, 50), "bold"),
            "clock": Part((8, 22, 52), size=0.9),
        },
        added="plus", enters="right", opacity=0.8, in_replays=False, ticker="edge",
    ),
    BugDesign(
        "brass", "top", (("home", "home score", "clock", "away score", "away"),),
        plate="none", ink=WHITE, face="slab", row_height=0.06, names="short",
        parts={
            "home": Part("home"), "away": Part("away"),
            "home score": Part((20, 20, 22)), "away score": Part((20, 20, 22)),
            "clock": Part((196, 160, 74), (20, 16, 8), pad=0.7),
        },
        enters="top", cards="dots", plate_added=True, goal="blink", channel=False,
    ),
    BugDesign(
        "ladder", "top left", (("home", "home score"), ("away", "away score"), ("period", "clock")),
        plate=(30, 32, 38), face="narrow", row_height=0.046, stripe="left", names="full",
        parts={
            "home score": Part((60, 200, 240), BLACK), "away score": Part((60, 200, 240), BLACK),
            "period": Part((12, 12, 14), (170, 175, 185), size=0.8),
            "clock": Part((12, 12, 14), size=0.9),
        },
        periods=("1H", "2H"), enters="left", in_graphics=False, cards="bars", restarts=True,
    ),
    BugDesign(
        "glass", "top left", (("clock", "home", "score", "away"),),
        plate=(0, 0, 0), face="spaced", opacity=0.42, separator=" | ", corners=0.25,
        parts={"clock": Part(ink=(255, 222, 120))},
        clock="0:00", enters="fade", in_replays=False,
    ),
    BugDesign(
        "pylon", "bottom left", (("league", "home", "score", "away", "clock", "added"),),
        plate=(60, 10, 60), face="oblique", corners=-0.35, separator=":", row_height=0.06,
        parts={
            "league": Part((250, 250, 250), (60, 10, 60), pad=0.8),
            "score": Part((150, 240, 90), (20, 30, 10)), "clock": Part((40, 6, 40)),
            "added": Part((150, 240, 90), (20, 30, 10), size=0.9),
        },
        plate_added=True, enters="bottom", goal="banner", over_wipes=True,
    ),
    BugDesign(
        "quartz", "top right", (("home crest", "home", "score", "away", "away crest", "clock"),),
        plate=(245, 246, 250), ink=(20, 22, 30), face="plain", corners=0.5, row_height=0.058,
        parts={"score": Part((20, 22, 30), WHITE, "bold"), "clock": Part(ink=(200, 20, 40))},
        clock="00'00", enters="fade", aggregate="AGG {}", channel=True, in_replays=False,
    ),
    BugDesign(
        "relay", "top left", (("home", "score", "away", "aggregate"), ("clock", "added")),
        plate=(12, 20, 84), face="condensed oblique", row_height=0.052, capitals=0.62,
        parts={
            "score": Part((0, 150, 255)),
            "aggregate": Part((8, 12, 50), (170, 200, 255), size=0.85),
            "clock": Part((245, 245, 245), (12, 20, 84)), "added": Part((220, 30, 60), size=0.9),
        },
        plate_added=True, added="beside", enters="unroll", goal="blink", ticker="under",
    ),
    BugDesign(
        "beacon", "top left", (("home", "home score", "away score", "away", "gap", "clock"),),
        plate=(10, 10, 12), ink=(255, 176, 40), face="segments", row_height=0.058,
        margin=(0.03, 0.04),
        parts={"home": Part(ink=WHITE), "away": Part(ink=WHITE), "clock": Part(pad=0.7)},
        clock="down", enters="cut", opacity=1.0, goal="blink", channel=False,
    ),
    BugDesign(
        "meadow", "top left", (("home", "score", "away", "period"),),
        plate=(16, 90, 60), face="wide", capitals=0.42, row_height=0.06, stripe="right",
        parts={"score": Part((240, 245, 235), (10, 60, 40)), "period": Part((8, 50, 34), size=0.9)},
        periods=("1st HALF", "2nd HALF"), in_replays=False, enters="left",
    ),
    BugDesign(
        "ribbon", "bottom", (("home", "home score", "clock", "away score", "away"), ("league",)),
        plate=(28, 28, 60), face="mono", row_height=0.05, capitals=0.5, names="full",
        parts={
            "clock": Part((245, 245, 250), (28, 28, 60)),
            "league": Part((250, 190, 40), (28, 28, 60), "spaced", size=0.6),
        },
        added="plus", enters="bottom", in_graphics=False, cards="bars", rule=(250, 190, 40),
    ),
    BugDesign(
        "stadium", "top left", (("clock",), ("home", "score", "away")),
        plate=(200, 24, 36), face="heavy", row_height=0.048, separator=" ", corners=0.2,
        parts={"score": Part(WHITE, (200, 24, 36)), "clock": Part((30, 30, 34))},
        clock="00.00", restarts=True, enters="top", goal="banner", ticker="edge",
    ),
    BugDesign(
        "ticket", "top right", (("clock", "home", "score", "away"),),
        plate=(250, 250, 245), ink=(40, 40, 44), face="slab narrow", opacity=0.9, stripe="under",
        parts={"clock": Part((40, 40, 44), WHITE)}, row_height=0.05, clock="00'",
        enters="cut", over_wipes=True, goal="nothing", cards="dots",
    ),
)  # fmt: skip
"""Designs to build a reader with."""

HELD_OUT = (
    BugDesign(
        "anchor", "top left", (("home", "home score", "away", "away score", "clock"),),
        plate=(18, 26, 44), face="condensed", capitals=0.6, row_height=0.056, corners=-0.25,
        parts={
            "home score": Part((255, 210, 0), BLACK), "away score": Part((255, 210, 0), BLACK),
            "clock": Part((245, 247, 250), (18, 26, 44), "mono", size=0.9, pad=0.7),
        },
        added="beside", plate_added=False, enters="left", in_replays=False, goal="blink",
        cards="bars", stripe="left",
    ),
    BugDesign(
        "cinder", "top right", (("clock", "home", "score", "away", "added"),),
        plate=(36, 36, 40), face="narrow", separator=":", opacity=0.7, row_height=0.054,
        parts={
            "score": Part((230, 90, 30)), "clock": Part(ink=(255, 170, 110)),
            "added": Part((230, 90, 30), size=0.9),
        },
        plate_added=True, enters="right", in_graphics=False, goal="banner", channel=False,
    ),
    BugDesign(
        "dial", "bottom right", (("home", "away"), ("home score", "away score"), ("clock",)),
        plate=(240, 242, 246), ink=(26, 28, 40), face="bold", row_height=0.05, margin=(0.04, 0.07),
        parts={
            "home": Part("home"), "away": Part("away"), "home score": Part(size=1.15),
            "away score": Part(size=1.15), "clock": Part((26, 28, 40), WHITE),
        },
        enters="bottom", goal="blink", restarts=True, cards="bars",
    ),
    BugDesign(
        "ember", "top left", (("period", "clock", "home", "score", "away"),),
        plate=(120, 12, 30), face="oblique", separator=" - ", corners=0.5, row_height=0.056,
        parts={
            "period": Part((255, 255, 255), (120, 12, 30), size=0.8), "score": Part((20, 8, 12)),
            "clock": Part((80, 6, 20)),
        },
        periods=("1T", "2T"), restarts=True, enters="unroll", in_replays=False, ticker="under",
    ),
    BugDesign(
        "fjord", "top", (("home", "home score", "away score", "away"), ("clock", "added")),
        plate=(8, 60, 90), face="plain", names="full", row_height=0.05, opacity=0.85,
        parts={
            "home score": Part(WHITE, (8, 60, 90), "bold"),
            "away score": Part(WHITE, (8, 60, 90), "bold"),
            "clock": Part((4, 30, 46)), "added": Part((250, 220, 60), BLACK),
        },
        plate_added=True, added="plus", enters="top", in_graphics=False, goal="nothing",
    ),
    BugDesign(
        "granite", "top left", (("home", "home score"), ("away", "away score"), ("clock",)),
        plate=(230, 230, 226), ink=(30, 30, 34), face="slab", row_height=0.044, stripe="left",
        parts={"clock": Part((30, 30, 34), (255, 230, 120), "slab", size=0.9)},
        clock="0:00", enters="left", opacity=0.92, cards="dots", goal="blink",
    ),
    BugDesign(
        "ink", "top left", (("clock", "gap", "home", "score", "away"),),
        plate="none", ink=WHITE, face="heavy", opacity=0.0, row_height=0.06, separator="-",
        parts={"score": Part(ink=(255, 214, 30))}, enters="fade", in_replays=False,
    ),
    BugDesign(
        "jade", "bottom left", (("home", "home score", "away score", "away", "clock"),),
        plate=(0, 110, 96), face="wide", capitals=0.42, row_height=0.058, names="code",
        parts={
            "home score": Part((240, 255, 250), (0, 80, 70)),
            "away score": Part((240, 255, 250), (0, 80, 70)), "clock": Part((0, 60, 54)),
        },
        added="beside", enters="fade", in_replays=False, goal="banner", rule=(240, 255, 250),
    ),
    BugDesign(
        "kiosk", "top right", (("league",), ("home", "score", "away"), ("clock", "aggregate")),
        plate=(250, 206, 20), ink=(20, 20, 24), face="condensed", row_height=0.046, capitals=0.6,
        parts={
            "league": Part((20, 20, 24), (250, 206, 20), "spaced", size=0.65),
            "score": Part((20, 20, 24), WHITE), "aggregate": Part((255, 240, 170), size=0.8),
        },
        enters="right", aggregate="{}", over_wipes=True, cards="bars", goal="blink",
    ),
    BugDesign(
        "lumen", "top left", (("home", "score", "away", "clock"),),
        plate=(4, 4, 6), ink=(90, 255, 120), face="dots", row_height=0.06, opacity=1.0,
        parts={"score": Part(ink=(255, 90, 60)), "clock": Part(pad=0.8)},
        clock="down", separator="-", enters="cut", margin=(0.025, 0.035), channel=False,
    ),
)  # fmt: skip
"""Designs to measure a reader with, never to build it with."""

DESIGNS = {design.name: design for design in (*TUNING, *HELD_OUT)}
