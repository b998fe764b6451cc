"""How a crowd answers what it sees: each answer is decided here before any of it is heard.

The classic crowd answers every event of some classes, at once and each class in its own way. That
of the broadcast look tells little: its answers are late by chance, mixed, at times left out, and
at times it answers nothing that anybody noted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchline.events import SIDES
from touchline.simulator.production import TakenBack
from touchline.simulator.script import Action, HalfScript

Floats = npt.NDArray[np.float64]

MOODS = ("cheer", "groan", "jeer", "applause")

AWAY_SHARE = 0.55
"""Loudness of the visitors' end against that of the home crowd."""

REACTION_SECONDS = 0.15
"""Time in which the classic crowd grasps what it saw."""

_NOTHING_EVERY_SECONDS = 26.0
"""Mean time between answers of the broadcast crowd to nothing in particular."""

_GREAT_SHARE = 0.12
"""Share of those that are roars, as a goal is answered by."""

_STUNNED = 0.3
"""Share of the visitors' goals that silence the ground."""


@dataclass(frozen=True)
class Reaction:
    """How the crowd answers an event.

    Attributes:
        cheer, groan, jeer, applause: peak levels, 0 to 1, from a full home crowd.
        rise_seconds, decay_seconds: time constants of the answer.
    """

    cheer: float = 0.0
    groan: float = 0.0
    jeer: float = 0.0
    applause: float = 0.0
    rise_seconds: float = 0.25
    decay_seconds: float = 2.5


REACTIONS = {
    "Goal": Reaction(cheer=1.0, applause=0.5, rise_seconds=0.35, decay_seconds=11.0),
    "Penalty": Reaction(cheer=0.45, decay_seconds=6.0),
    "Shots on target": Reaction(cheer=0.25, groan=0.35),
    "Shots off target": Reaction(groan=0.8),
    "Offside": Reaction(groan=0.2, jeer=0.15),
    "Corner": Reaction(cheer=0.12, applause=0.15),
    "Substitution": Reaction(applause=0.45, rise_seconds=1.0, decay_seconds=5.0),
    "Yellow card": Reaction(jeer=0.45, rise_seconds=0.6, decay_seconds=4.0),
    "Red card": Reaction(jeer=0.9, rise_seconds=0.6, decay_seconds=8.0),
    "Yellow->red card": Reaction(jeer=0.9, rise_seconds=0.6, decay_seconds=8.0),
}
"""Answers by 17-class label; to other events the classic crowd says nothing."""

_ANSWERED = {"Goal": 1.0, "Penalty": 0.8, "Red card": 0.8, "Yellow->red card": 0.8,
             "Shots on target": 0.7, "Shots off target": 0.7, "Foul": 0.35}  # fmt: skip
"""How often the broadcast crowd answers; other events of ``REACTIONS`` less than half the time."""

_SELDOM = 0.4


@dataclass(frozen=True)
class Answer:
    """One answer of the crowd.

    Attributes:
        seconds: when it begins.
        levels: peaks of cheer, groan, jeer and applause, all shares in.
    """

    seconds: float
    levels: tuple[float, float, float, float]
    rise_seconds: float
    decay_seconds: float


def prompt_answers(half: HalfScript) -> Iterator[Answer]:
    """The classic crowd."""
    for event in half.events:
        reaction = REACTIONS.get(event.label)
        if reaction is not None:
            yield _answer(event.seconds + REACTION_SECONDS, reaction, event.team)


def _answer(seconds: float, reaction: Reaction, team: str | None) -> Answer:
    for_us, against_us = (1.0, AWAY_SHARE) if team == "home" else (AWAY_SHARE, 1.0)
    # Whoever is punished is cheered off by the others, and jeered for by his own.
    weights = (for_us * reaction.cheer, for_us * reaction.groan, for_us * reaction.jeer)
    levels = (*weights, max(for_us, against_us) * reaction.applause)
    return Answer(seconds, levels, reaction.rise_seconds, reaction.decay_seconds)


def late_answers(
    half: HalfScript, taken_back: Iterable[TakenBack], random: np.random.Generator
) -> Iterator[Answer]:
    """The crowd of the broadcast look; a goal that is later taken back is cheered like others."""
    goals = [(goal.seconds, "Goal", SIDES[goal.team]) for goal in taken_back]
    for seconds, label, team in [*((e.seconds, e.label, e.team) for e in half.events), *goals]:
        lots = random.random(4)
        mix = random.dirichlet((1.2, 1.0, 0.8, 0.8))
        delay = 0.3 + float(random.exponential(1.3))
        if lots[0] > _ANSWERED.get(label, _SELDOM if label in REACTIONS else 0.08):
            continue
        if label == "Goal":
            if team == "home" or lots[0] > _STUNNED:
                yield _roar(seconds + min(delay, 4.0), team, random)
            continue
        own = _answer(seconds + delay, REACTIONS.get(label, Reaction()), team)
        loud = 0.15 + 0.65 * lots[1]
        levels = [0.4 * a + 0.6 * loud * b for a, b in zip(own.levels, mix, strict=True)]
        yield Answer(
            own.seconds,
            (levels[0], levels[1], levels[2], levels[3]),
            0.2 + 1.2 * lots[2],
            1.5 + 5 * lots[3],
        )
    yield from _for_nothing(half.seconds, random)


def _roar(seconds: float, team: str | None, random: np.random.Generator) -> Answer:
    """The loudest that a crowd can do, for a goal or for what nearly was one."""
    lots = random.random(4)
    reaction = Reaction(
        cheer=0.45 + 0.55 * lots[0],
        groan=0.4 * lots[1],
        applause=0.5 * lots[2],
        rise_seconds=0.3 + 0.9 * lots[3],
        decay_seconds=float(random.uniform(4.0, 12.0)),
    )
    return _answer(seconds, reaction, team)


def _for_nothing(seconds: float, random: np.random.Generator) -> Iterator[Answer]:
    """A chant that swells, a hard tackle, news from another ground."""
    at = float(random.exponential(_NOTHING_EVERY_SECONDS))
    while at < seconds:
        lots = random.random(3)
        mix = random.dirichlet((1.2, 1.0, 0.8, 0.8)) * 0.6 * lots[1]
        levels = (float(mix[0]), float(mix[1]), float(mix[2]), float(mix[3]))
        if lots[0] < _GREAT_SHARE:
            yield _roar(at, SIDES[int(lots[2] < 0.5)], random)
        else:
            yield Answer(at, levels, 0.2 + 1.2 * lots[2], float(random.uniform(1.5, 8.0)))
        at += float(random.exponential(_NOTHING_EVERY_SECONDS))


def levels_of(answers: Iterable[Answer], seconds: Floats) -> Floats:
    """(4, n) cheer, groan, jeer and applause at times (n,): the loudest answer of each counts."""
    levels = np.zeros((len(MOODS), len(seconds)))
    for answer in answers:
        since = seconds - answer.seconds
        first = int(np.searchsorted(since, 0))
        since = since[first : np.searchsorted(since, 8 * answer.decay_seconds)]
        shape = -np.expm1(-since / answer.rise_seconds) * np.exp(-since / answer.decay_seconds)
        part = levels[:, first : first + len(since)]
        np.maximum(part, np.array(answer.levels)[:, None] * shape, out=part)
    return levels


def restless(tension: Floats, rate: int, random: np.random.Generator) -> Floats:
    """Tension (n,) at steps of a rate that no longer tells when something is about to happen.

    It lags by seconds that wander, and swells as often for nothing.
    """
    count = len(tension)
    knots = count // (8 * rate) + 3
    grid = np.arange(count) / (8.0 * rate)
    lag = np.interp(grid, np.arange(knots), random.uniform(0.0, 5.0, knots)) * rate
    late = np.interp(np.arange(count) - lag, np.arange(count), tension)
    share = np.interp(grid, np.arange(knots), random.uniform(0.1, 0.7, knots))
    swells = np.interp(grid, np.arange(knots), 0.6 * random.random(knots) ** 2)
    return np.clip(0.12 + share * (late - 0.12) + swells, 0.0, 1.0)


def blasts_of(action: Action, seed: tuple[int, ...]) -> tuple[float, ...]:
    """Lengths of a whistle's blasts as a referee blows whatever it is for; three end a half."""
    random = np.random.default_rng((*seed, round(action.seconds * 1000)))
    if action.kind == "whistle-long":
        return (0.4, 0.4, 1.3)
    lengths = random.uniform(0.22, 0.95, 1 if random.random() < 0.8 else 2)
    return tuple(float(length) for length in lengths)
