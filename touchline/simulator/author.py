"""Writes the script of a whole match from a seed: the one entrance to everything that is drawn."""

import datetime

import numpy as np
import numpy.typing as npt

from touchline.errors import InputError
from touchline.events import Event
from touchline.simulator import broadcast, commentary
from touchline.simulator.formation import attack_sign
from touchline.simulator.game import BALL_EVENTS, RATE, Game, Sides
from touchline.simulator.plays import play_half
from touchline.simulator.script import Action, HalfScript, MatchScript, Team
from touchline.simulator.teams import draw_teams

LEAGUE = "simulated_league"
MIN_MINUTES = 0.2
MAX_MINUTES = 60.0

_EXCITEMENT: dict[str, tuple[float, float, float]] = {
    "goal": (1.0, 0.4, 14.0),
    "shot": (0.6, 1.5, 2.5),
    "headed-shot": (0.6, 1.2, 2.5),
    "save": (0.75, 0.3, 3.0),
    "penalty": (0.7, 5.0, 2.0),
    "direct-free-kick": (0.45, 3.0, 2.0),
    "corner": (0.4, 2.5, 2.0),
    "cross": (0.4, 1.0, 1.5),
    "foul": (0.45, 0.2, 4.0),
    "red": (0.8, 0.3, 7.0),
    "yellow": (0.4, 0.3, 3.0),
    "offside": (0.3, 0.2, 3.0),
    "kick-off": (0.35, 1.0, 3.0),
    "substitution": (0.3, 2.0, 4.0),
    "whistle-long": (0.6, 0.2, 6.0),
}
"""Peak, seconds of rise before the action, seconds of decay after it."""

DEMO_SEED = 2026
"""Of a match that the shipped model never saw; its card names those that it saw."""


def write_script(seed: int, *, minutes: float = 45.0, halves: int = 2) -> MatchScript:
    """Draw a match; the same arguments give the identical script.

    Common events keep realistic rates a minute. Rare ones (cards, penalties, substitutions,
    goals) are denser in short halves: see ``plays.RARE``.

    Args:
        seed: what everything is drawn from.
        minutes: length of each half.
        halves: one or two.

    Raises:
        InputError: a length or number of halves out of range, or a negative seed.
    """
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise InputError(
            f"a half of {minutes:g} minutes is out of range",
            remedy=f"{MIN_MINUTES:g} to {MAX_MINUTES:g} minutes",
        )
    if halves not in (1, 2):
        raise InputError(f"{halves} halves cannot be simulated", remedy="1 or 2")
    if seed < 0:
        raise InputError(f"seed {seed} is negative", remedy="use 0 or more")
    rng = np.random.default_rng(seed)
    home, away, referee_kit = draw_teams(rng)
    sides = Sides((home.formation, away.formation))
    written = tuple(
        _write_half(rng, number, minutes, sides, (home, away)) for number in range(1, halves + 1)
    )
    return MatchScript(
        name=_game_name(rng, home, away, (sides.score[0], sides.score[1])),
        seed=seed,
        home=home,
        away=away,
        referee_kit=referee_kit,
        halves=written,
        clutter_seed=int(rng.integers(2**31)),
    )


def _write_half(
    rng: np.random.Generator, number: int, minutes: float, sides: Sides, teams: tuple[Team, Team]
) -> HalfScript:
    before = (sides.score[0], sides.score[1])
    game = play_half(rng, number, minutes, sides)
    pieces = broadcast.direct(rng, game)
    labelled = broadcast.label_events(game, pieces)
    events = [event for _, event in labelled]
    shots = broadcast.camera_shots(pieces, labelled)
    return HalfScript(
        number=number,
        seconds=game.end_frame / RATE,
        actions=tuple(game.actions),
        events=tuple(events),
        ball_events=_ball_events(game),
        shots=shots,
        graphics=broadcast.graphics(rng, game, teams, shots),
        score_changes=broadcast.score_changes(rng, game, before),
        commentary=commentary.comment(rng, game, teams, events),
    )


def _ball_events(game: Game) -> tuple[Event, ...]:
    """The 12-class labels; ``left`` and ``right`` are the sides that the teams defend."""
    out = []
    team = 0
    for action in game.actions:
        team = team if action.team is None else action.team
        label = BALL_EVENTS.get(action.kind)
        if label is not None:
            side = "left" if attack_sign(team, game.half) > 0 else "right"
            out.append(Event(action.seconds, label, team=side, visibility="visible"))
    return tuple(out)


def _game_name(rng: np.random.Generator, home: Team, away: Team, score: tuple[int, int]) -> str:
    day = datetime.date(2025, 8, 16) + datetime.timedelta(days=int(rng.integers(280)))
    hour, minute = int(rng.integers(12, 22)), int(rng.choice([0, 15, 30, 45]))
    title = f"{day.isoformat()} - {hour:02d}-{minute:02d}"
    return f"{LEAGUE}/2025-2026/{title} {home.name} {score[0]} - {score[1]} {away.name}"


def excitement(half: HalfScript, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How loud the crowd is, 0 to 1, at broadcast times (n,): it rises to what happens and ebbs."""
    level = np.full(len(seconds), 0.12)
    for action in half.actions:
        known = _EXCITEMENT.get(action.kind)
        if known is not None:
            peak, rise, decay = known
            level = np.maximum(level, peak * _swell(action, seconds, rise, decay))
    return np.clip(level, 0.0, 1.0)


def _swell(
    action: Action, seconds: npt.NDArray[np.float64], rise: float, decay: float
) -> npt.NDArray[np.float64]:
    since = seconds - action.seconds
    before = np.clip(1 + since / rise, 0, 1) ** 2
    after = np.exp(-np.clip(since, 0, None) / decay)
    return np.where(since < 0, before, after)
