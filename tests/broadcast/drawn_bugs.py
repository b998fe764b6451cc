"""Score bugs drawn onto pictures that move: many designs, none of a real broadcaster."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 720


@dataclass(frozen=True)
class State:
    """What a bug is to show."""

    home: str
    away: str
    score: tuple[int, int]
    clock: str | None
    added: str | None = None
    period: str | None = None


@dataclass(frozen=True)
class Design:
    """A design of a bug: what it writes where, in cells of one or more rows.

    Attributes:
        rows: of each row its cells, as functions of the state; an empty text is no cell.
        place: left and top in a picture of 1280 x 720.
        size: of the letters, in pixels.
        colours: of plates and letters, by turns.
        opacity: of the plates, 0 to 255.
    """

    name: str
    rows: Callable[[State], list[list[str]]]
    place: tuple[int, int] = (60, 40)
    size: int = 26
    colours: tuple[tuple[str, str], ...] = (("#10204c", "white"), ("white", "#101010"))
    opacity: int = 255
    clock: str = "up"
    names: tuple[str, str] = ("ARS", "CHE")


def _timed(state: State) -> str:
    return state.clock or ""


DESIGNS = (
    Design(
        "clock, then one row with a dash",
        lambda s: [[_timed(s), s.home, f"{s.score[0]}-{s.score[1]}", s.away, s.added or ""]],
    ),
    Design(
        "score in two cells, clock below",
        lambda s: [[s.home, str(s.score[0]), str(s.score[1]), s.away], [_timed(s)]],
        place=(470, 30),
        colours=(("#0a5c36", "white"), ("#0a5c36", "white"), ("#f2d024", "black")),
    ),
    Design(
        "a row for each team, clock above",
        lambda s: [[_timed(s)], [s.home, str(s.score[0])], [s.away, str(s.score[1])]],
        colours=(("#222222", "white"), ("#c8102e", "white")),
        names=("LIVERPOOL", "EVERTON"),
    ),
    Design(
        "each name with its goals, clock at the right",
        lambda s: [[s.home, str(s.score[0]), s.away, str(s.score[1]), _timed(s)]],
        place=(830, 36),
        colours=(("#eeeeee", "#101010"), ("#7a003c", "white")),
        names=("BVB", "S04"),
    ),
    Design(
        "at the bottom, half transparent",
        lambda s: [[s.home, f"{s.score[0]} - {s.score[1]}", s.away, _timed(s)]],
        place=(380, 630),
        opacity=150,
        colours=(("#000000", "white"),),
        names=("REAL MADRID", "SEVILLA"),
    ),
    Design(
        "counts down",
        lambda s: [[s.home, f"{s.score[0]}:{s.score[1]}", s.away], [_timed(s)]],
        clock="down",
        names=("AJAX", "PSV"),
    ),
    Design(
        "second half from zero, with the half",
        lambda s: [[s.period or "", _timed(s)], [s.home, str(s.score[0]), str(s.score[1]), s.away]],
        clock="anew",
        names=("EST", "PAT"),
        colours=(("#3344aa", "white"), ("#112266", "white")),
    ),
    Design(
        "small letters",
        lambda s: [[s.home, f"{s.score[0]}–{s.score[1]}", s.away, _timed(s)]],
        size=17,
        names=("NAP", "ROM"),
    ),
)


def clock_text(match_seconds: float, design: Design) -> str:
    """What a design writes at a match time."""
    half = 2 if match_seconds >= 2700 else 1
    shown = match_seconds
    if design.clock == "down":
        shown = 2700 * half - match_seconds
    elif design.clock == "anew" and half == 2:
        shown = match_seconds - 2700
    shown = max(0, int(np.ceil(shown) if design.clock == "down" else shown))
    return f"{shown // 60:02d}:{shown % 60:02d}"


def draw(design: Design, state: State) -> Image.Image:
    """The bug by itself, with transparency."""
    font = ImageFont.load_default(design.size)
    pad, high = design.size // 2, round(1.6 * design.size)
    rows = design.rows(state)
    names = [row[0] for row in rows if len(row) == 2]
    longest = max((font.getlength(name) for name in names), default=0.0)
    bug = Image.new("RGBA", (WIDTH, 4 * high), (0, 0, 0, 0))
    pen = ImageDraw.Draw(bug)
    count = 0
    for number, row in enumerate(rows):
        left = 0
        for text in row:
            if not text:
                continue
            plate, ink = design.colours[count % len(design.colours)]
            length = longest if len(row) == 2 and text == row[0] else font.getlength(text)
            wide = round(length) + 2 * pad
            colour = (
                tuple(int(plate[i : i + 2], 16) for i in (1, 3, 5)) if plate[0] == "#" else plate
            )
            layer = Image.new("RGBA", (wide, high), colour)
            layer.putalpha(design.opacity)
            bug.paste(layer, (left, number * high))
            middle = (left + wide / 2, (number + 0.5) * high)
            pen.text(middle, text, fill=ink, font=font, anchor="mm")
            left += wide
            count += 1
    return bug


def pictures(rng: np.random.Generator) -> Iterator[Picture]:
    """A camera over grass and a crowd, with a cut now and then; nothing stands for long."""
    while True:
        shade = rng.integers(60, 160)
        coarse = rng.integers(0, 60, (HEIGHT // 8 + 40, WIDTH // 8 + 200, 3), dtype=np.uint8)
        coarse += np.array([30, shade, 40], np.uint8)
        players = [(rng.integers(0, WIDTH), rng.integers(200, 620)) for _ in range(14)]
        for step in range(int(rng.integers(6, 24))):
            part = coarse[step % 40 :][: HEIGHT // 8, 3 * step :][:, : WIDTH // 8]
            picture = part.repeat(8, axis=0).repeat(8, axis=1)
            image = Image.fromarray(np.ascontiguousarray(picture))
            pen = ImageDraw.Draw(image)
            for place, (left, top) in enumerate(players):
                x = (left + step * (5 + place)) % WIDTH
                pen.rectangle((x, top, x + 18, top + 44), fill=("red", "white")[place % 2])
            yield np.asarray(image).copy()


@dataclass
class Broadcast:
    """A drawn recording.

    Attributes:
        design: of the bug.
        clock: match seconds by time of the recording; None outside play, where no bug is shown.
        goals: (time of the recording at which the score changes, side).
        taken_back: the same of goals that no longer count from then on.
        hidden: stretches without a bug.
        stands_at: a match time at which the clock stands while added time counts beside it.
    """

    design: Design
    clock: Callable[[float], float | None]
    seconds: float
    goals: list[tuple[float, int]] = field(default_factory=list)
    hidden: list[tuple[float, float]] = field(default_factory=list)
    taken_back: list[tuple[float, int]] = field(default_factory=list)
    stands_at: float = np.inf

    def shown(self, time: float) -> State | None:
        """What the bug shows at a time, or None while it is hidden."""
        match_seconds = self.clock(time)
        if match_seconds is None or any(start <= time < end for start, end in self.hidden):
            return None
        given, back = (
            [side for at, side in changes if at <= time]
            for changes in (self.goals, self.taken_back)
        )
        score = (given.count(0) - back.count(0), given.count(1) - back.count(1))
        period = ("1T", "2T")[match_seconds >= 2700]
        clock = clock_text(min(match_seconds, self.stands_at), self.design)
        counted = int(match_seconds - self.stands_at) if match_seconds >= self.stands_at else None
        added = None if counted is None else f"{counted // 60:02d}:{counted % 60:02d}"
        return State(*self.design.names, score, clock, added, period=period)

    def frames(self, rate: float = 2.0, seed: int = 0) -> Iterator[tuple[float, Picture]]:
        """Times and pictures."""
        rng = np.random.default_rng(seed)
        scenes = pictures(rng)
        for step in range(int(self.seconds * rate)):
            time = step / rate
            picture = next(scenes)
            state = self.shown(time)
            if state is not None:
                image = Image.fromarray(picture)
                bug = draw(self.design, state)
                image.paste(bug, self.design.place, bug)
                picture = np.asarray(image)
            yield time, picture
