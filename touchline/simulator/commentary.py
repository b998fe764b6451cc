"""What the commentator says, and when: sentences tied to events, and some idle talk."""

import numpy as np

from touchline.events import Event
from touchline.simulator.game import RATE, Game
from touchline.simulator.script import Action, Line, Team

_SAID: dict[str, tuple[str, ...]] = {
    "Goal": (
        "Goal! {player} scores for {team}!",
        "It's in! {player} puts {team} on the scoresheet!",
        "What a finish from {player}!",
    ),
    "Penalty": (
        "{player} steps up from the spot.",
        "Here comes {player} to take the penalty.",
    ),
    "Kick-off": (
        "{team} get us under way.",
        "And we're back under way.",
        "Off we go.",
    ),
    "Substitution": (
        "A change for {team}, {player} makes way.",
        "{team} make a substitution here.",
    ),
    "Offside": (
        "The flag is up, {player} was offside.",
        "Just too early with that run, offside against {team}.",
    ),
    "Shots on target": (
        "Good effort from {player}!",
        "{player} forces the save!",
        "{player} shoots!",
    ),
    "Shots off target": (
        "{player} goes wide.",
        "Not the best from {player}, that was never troubling the goalkeeper.",
        "Over the top from {player}.",
    ),
    "Clearance": (
        "Long one from the back by {player}.",
        "{team} get it clear.",
    ),
    "Ball out of play": (
        "That one is out of play.",
        "Out it goes.",
        "The ball runs out.",
    ),
    "Throw-in": ("A throw for {team}.", "{player} with the throw."),
    "Foul": (
        "That's a foul by {player}.",
        "{player} brings him down, the referee had no doubt.",
        "The whistle goes for a foul.",
    ),
    "Indirect free-kick": (
        "{team} take the free kick quickly.",
        "{player} plays the free kick.",
    ),
    "Direct free-kick": (
        "{player} over the ball in a dangerous position.",
        "A real chance from this free kick for {team}.",
    ),
    "Corner": (
        "{player} delivers the corner.",
        "Corner to {team}, and here it comes.",
    ),
    "Yellow card": (
        "And {player} goes into the book.",
        "Yellow card for {player}.",
    ),
    "Red card": (
        "It's a red card! {player} is off!",
        "Straight red for {player}, {team} are a man down.",
    ),
    "Yellow->red card": (
        "A second yellow, {player} has to go!",
        "That's his second booking, {player} is sent off.",
    ),
}
_HOW_OFTEN = {
    "Ball out of play": 0.15,
    "Throw-in": 0.2,
    "Clearance": 0.35,
    "Indirect free-kick": 0.35,
    "Foul": 0.6,
    "Corner": 0.7,
    "Kick-off": 0.7,
    "Shots off target": 0.8,
}
_CHATTER = (
    "{team} are keeping the ball nicely.",
    "Plenty of noise in the ground today.",
    "It's an open game so far.",
    "{player} has been busy in there.",
    "They are looking for space out wide.",
    "You feel the next goal will be important.",
    "{player} on the ball.",
    "Good movement from {team}.",
    "{team} look comfortable in possession.",
    "{player} has space in front of him.",
    "A decent spell for {team}, this.",
    "The tempo has dropped a little.",
    "{player} keeps it simple.",
    "Patient from {team}.",
    "{player} has covered a lot of ground this afternoon.",
    "The crowd would like to see it go forward more quickly.",
    "There is room on the far side.",
    "{team} are well organised without it, too.",
)
_WORDS_PER_SECOND = 2.7


def comment(
    rng: np.random.Generator, game: Game, teams: tuple[Team, Team], events: list[Event]
) -> tuple[Line, ...]:
    """The transcript of a half: sentences in order that do not overlap."""
    lines: list[Line] = []
    for event in events:
        if rng.random() > _HOW_OFTEN.get(event.label, 0.92):
            continue
        start = event.seconds + float(rng.uniform(0.5, 4.0))
        _idle(rng, game, teams, lines, start - 2.0)
        _say(
            rng,
            game,
            lines,
            start,
            _sentence(rng, game, teams, event),
            urgent=event.label == "Goal",
        )
    _idle(rng, game, teams, lines, game.end_frame / RATE)
    return tuple(lines)


def _sentence(rng: np.random.Generator, game: Game, teams: tuple[Team, Team], event: Event) -> str:
    options = _SAID[event.label]
    template = options[int(rng.integers(len(options)))]
    side = {"home": 0, "away": 1}.get(event.team or "")
    actor = _actor(game, event.seconds, side)
    if side is None:
        return template
    name = "He" if actor is None or actor.player is None else teams[side].squad[actor.player].name
    return template.format(player=name, team=teams[side].name)


def _actor(game: Game, seconds: float, team: int | None) -> Action | None:
    same = (a for a in game.actions if a.seconds == seconds and a.team == team)
    return next((a for a in same if a.player is not None), None)


def _idle(
    rng: np.random.Generator,
    game: Game,
    teams: tuple[Team, Team],
    lines: list[Line],
    until: float,
) -> None:
    """Fill a long silence with a sentence or two about whoever has the ball."""
    begin = lines[-1].end_seconds if lines else 1.0
    last = -1
    while until - begin > 9:
        begin += float(rng.uniform(3, 12))
        if begin > until - 4:
            return
        last = (last + 1 + int(rng.integers(len(_CHATTER) - 1))) % len(_CHATTER)
        acts = [a for a in game.actions if a.player is not None and begin - 5 < a.seconds <= begin]
        if not acts or acts[-1].team is None or acts[-1].player is None:
            continue
        team = teams[acts[-1].team]
        text = _CHATTER[last].format(player=team.squad[acts[-1].player].name, team=team.name)
        _say(rng, game, lines, begin, text)
        begin = lines[-1].end_seconds if lines else begin


def _say(
    rng: np.random.Generator,
    game: Game,
    lines: list[Line],
    start: float,
    text: str,
    *,
    urgent: bool = False,
) -> None:
    """Add a sentence, unless the one before would have to wait too long for its end."""
    length = 0.5 + len(text.split()) / _WORDS_PER_SECOND * float(rng.uniform(0.85, 1.15))
    start = round(start, 2)
    if lines and start < lines[-1].end_seconds + 0.2:
        late = lines[-1].end_seconds + 0.2
        if late - start > (4.0 if urgent else 1.5):
            return
        start = round(late, 2)
    end = round(start + length, 2)
    if end < game.end_frame / RATE:
        lines.append(Line(start, end, text))
