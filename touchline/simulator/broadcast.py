"""What goes on air: live cameras, close-ups, replays and captions, and so what viewers miss.

The main camera follows the play. In a stoppage the programme cuts to whoever acted, and after
goals, shots, fouls and cards it shows the action again in slow motion; now and then it comes back
too late, and what happened meanwhile is ``not shown``.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from touchline.events import SIDES, Event
from touchline.simulator.game import RATE, Draft, Game, Stoppage, Subject
from touchline.simulator.script import CameraShot, Graphic, MatchScript, Rgb, Team

CENTRE = "Main camera center"
CLOSE = "Close-up player or field referee"
SHOTS = ("Shots on target", "Shots off target")

_MISS_CHANCE = {
    "throw-in": 0.6,
    "goal-kick": 0.66,
    "kick-off": 0.48,
    "indirect-free-kick": 0.54,
    "corner": 0.27,
    "direct-free-kick": 0.18,
    "penalty": 0.04,
}
"""How often the programme is still elsewhere when play restarts."""

_CLOSE_UP_CHANCE = {
    "throw-in": 0.72,
    "goal-kick": 0.85,
    "indirect-free-kick": 0.85,
    "corner": 0.85,
}
_INSERT_EVERY_SECONDS = 18.0
"""Mean time between faces that would interrupt open play; many find no room between stoppages."""

_REPLAY_CHANCE = {
    "Goal": 1.0,
    "Shots on target": 0.8,
    "Shots off target": 0.75,
    "Foul": 0.62,
    "Offside": 0.6,
    "Penalty": 0.9,
}
_REPLAY_CAMERAS = (
    "Main camera left",
    "Main camera right",
    "Main behind the goal",
    "Close-up behind the goal",
)
_MIN_SHOT_FRAMES = 30
_LOGO_FRAMES = 16
Transition = Literal["abrupt", "logo", "smooth"]


@dataclass(frozen=True)
class _Piece:
    """A stretch of programme in frames, before the gaps between are filled with the main camera."""

    start: int
    end: int
    camera: str
    subject: Subject | None = None
    source: int | None = None
    speed: float = 1.0
    replays: Draft | None = None
    transition: Transition = "abrupt"


def direct(rng: np.random.Generator, game: Game) -> list[_Piece]:
    """Decide the programme of a half: gapless pieces from its first frame to its last."""
    pieces: list[_Piece] = []
    for stop in game.stoppages:
        pieces += _cover(rng, stop, game, pieces[-1].end if pieces else 0)
    if game.minutes > 2:
        pieces += _final(rng, game, pieces[-1].end if pieces else 0)
    asides = _late_replays(rng, game) + _inserts(rng, game)
    return _fill(rng, _fit_in(pieces, asides), game.end_frame)


def _late_replays(rng: np.random.Generator, game: Game) -> list[list[_Piece]]:
    """Replays of shots that did not stop the game: play goes on behind them."""
    stopped = {id(stop.replay_of) for stop in game.stoppages}
    out = []
    for draft in game.drafts:
        if draft.label in SHOTS and id(draft) not in stopped and rng.random() < 0.65:
            start = draft.frame + _seconds(rng, 3.0, 8.0)
            out.append(_replays(rng, draft, start, start + 12 * RATE, 1))
    return out


def _inserts(rng: np.random.Generator, game: Game) -> list[list[_Piece]]:
    """Faces of players who were just on the ball, in the middle of play."""
    acts = [a for a in game.actions if a.kind in ("pass", "high-pass", "clearance", "tackle")]
    out = []
    frame = 0.0
    while acts:
        frame += float(rng.exponential(_INSERT_EVERY_SECONDS)) * RATE + 4 * RATE
        action = next((a for a in acts if a.seconds * RATE >= frame), None)
        if action is None or action.team is None or action.player is None:
            break
        start = round(action.seconds * RATE) + _seconds(rng, 0.3, 0.9)
        subject = ("player", action.team, action.player)
        out.append([_close_up(rng, subject, start, start + _seconds(rng, 2.0, 4.5))])
    return out


def _fit_in(pieces: list[_Piece], asides: list[list[_Piece]]) -> list[_Piece]:
    """Add the asides that leave what is already planned, and a glimpse of play, untouched."""
    taken = [(piece.start, piece.end) for piece in pieces]
    for aside in asides:
        if not aside:
            continue
        start, end = aside[0].start - _MIN_SHOT_FRAMES, aside[-1].end + _MIN_SHOT_FRAMES
        if all(end <= other[0] or start >= other[1] for other in taken):
            pieces = [*pieces, *aside]
            taken.append((aside[0].start, aside[-1].end))
    return sorted(pieces, key=lambda piece: piece.start)


def _seconds(rng: np.random.Generator, low: float, high: float) -> int:
    return round(float(rng.uniform(low, high)) * RATE)


def _cover(rng: np.random.Generator, stop: Stoppage, game: Game, busy_until: int) -> list[_Piece]:
    """What is shown between the main camera's pictures of a dead ball and of its restart."""
    missed = rng.random() < _MISS_CHANCE.get(stop.restart, 0.2)
    lead = {"penalty": (5.0, 8.0), "corner": (1.5, 4.0), "direct-free-kick": (2.5, 6.0)}
    low, high = lead.get(stop.restart, (0.5, 2.2))
    back = stop.end + _seconds(rng, 0.5, 5.0) if missed else stop.end - _seconds(rng, low, high)
    back = min(back, game.end_frame - RATE)
    goal = stop.replay_of is not None and stop.replay_of.label == "Goal"
    cursor = max(busy_until + _MIN_SHOT_FRAMES, stop.start + _seconds(rng, 0.8, 2.0))
    if goal:
        cursor = max(busy_until + _MIN_SHOT_FRAMES, stop.start + _seconds(rng, 1.2, 2.6))
    important = goal or bool(stop.moments)
    if not important and rng.random() > _CLOSE_UP_CHANCE.get(stop.restart, 0.9):
        return []
    pieces: list[_Piece] = []
    for moment, subject in sorted(stop.moments, key=lambda item: item[0]):
        window = _moment(rng, moment, subject)
        if window.start > cursor:
            pieces += _pass_time(rng, stop, cursor, window.start, first=not pieces)
        cursor = max(cursor, window.start)
        if window.end > cursor + 10:
            pieces.append(replace(window, start=cursor))
            cursor = window.end
    pieces += _pass_time(rng, stop, cursor, back, first=not pieces)
    return [piece for piece in pieces if piece.end <= game.end_frame - 10]


def _moment(rng: np.random.Generator, moment: int, subject: Subject) -> _Piece:
    """A live shot of a card or a substitution; at times a wide one, or none in time."""
    start, end = moment - _seconds(rng, 1.5, 3.5), moment + _seconds(rng, 1.3, 2.4)
    if subject[0] == "player":
        end = moment + 38
    late = rng.random() < 0.13
    if late:
        start, end = moment + 5, end + 30
        if subject[0] == "player":
            return _Piece(start, end, "Close-up side staff", ("bench", subject[1], 0))
    if subject[0] == "referee" and not late and rng.random() < 0.3:
        return _Piece(start, end, CENTRE)
    return _Piece(start, end, CLOSE, subject)


def _pass_time(
    rng: np.random.Generator, stop: Stoppage, start: int, end: int, *, first: bool
) -> list[_Piece]:
    """Close-ups and replays from ``start`` to ``end``, or nothing if that is too short."""
    pieces: list[_Piece] = []
    cursor = start
    label = stop.replay_of.label if stop.replay_of else ""
    if first and label == "Goal":
        shown = _close_up(rng, stop.focus[0], cursor, min(end, cursor + _seconds(rng, 3.5, 6.0)))
        pieces.append(shown)
        cursor = shown.end
        if rng.random() < 0.6 and end - cursor > 4 * RATE:
            pieces.append(
                _Piece(cursor, cursor + _seconds(rng, 1.8, 3.2), "Public", ("crowd", 0, 0))
            )
            cursor = pieces[-1].end
    wants_replay = first and rng.random() < _REPLAY_CHANCE.get(label, 0.0)
    if wants_replay and stop.replay_of is not None:
        if label != "Goal" and stop.focus and rng.random() < 0.75:
            shown = _close_up(rng, stop.focus[0], cursor, cursor + _seconds(rng, 1.6, 3.2))
            if end - shown.end > 5 * RATE:
                pieces.append(shown)
                cursor = shown.end
        times = int(rng.integers(2, 4)) if label == "Goal" else 1 + int(rng.random() < 0.25)
        replays = _replays(rng, stop.replay_of, cursor, end, times)
        pieces += replays
        cursor = replays[-1].end if replays else cursor
    while end - cursor > 2 * RATE:
        subject = _someone(rng, stop, pieces[-1].subject if pieces else None)
        until = min(end, cursor + _seconds(rng, 2.2, 5.5))
        if end - until < 1.2 * RATE:
            until = end
        if rng.random() < 0.3 and pieces:
            cursor = until
            continue
        pieces.append(_close_up(rng, subject, cursor, until))
        cursor = until
    return [piece for piece in pieces if piece.end - piece.start >= 15]


def _someone(rng: np.random.Generator, stop: Stoppage, besides: Subject | None) -> Subject:
    """Whom to show next: mostly those concerned, never the same one twice running."""
    concerned = [subject for subject in stop.focus if subject != besides]
    lot = rng.random()
    if concerned and lot < 0.7:
        return concerned[int(rng.integers(len(concerned)))]
    if lot < 0.82 and besides != ("referee", 0, 0):
        return ("referee", 0, 0)
    if lot < 0.93 and (besides is None or besides[0] != "bench"):
        return ("bench", int(rng.integers(2)), 0)
    return ("crowd", 0, 0)


def _close_up(rng: np.random.Generator, subject: Subject, start: int, end: int) -> _Piece:
    camera = {"bench": "Close-up side staff", "crowd": "Public"}.get(subject[0], CLOSE)
    smooth: Transition = "smooth" if rng.random() < 0.08 else "abrupt"
    return _Piece(start, end, camera, subject, transition=smooth)


def _replays(
    rng: np.random.Generator, draft: Draft, start: int, end: int, times: int
) -> list[_Piece]:
    """The same action again, each time from another camera, between wipes."""
    wiped = rng.random() < 0.7
    cameras = list(rng.permutation(np.array(_REPLAY_CAMERAS)))[:times]
    pieces: list[_Piece] = []
    cursor = start
    for camera in cameras:
        speed = round(float(rng.uniform(0.4, 0.7)), 2)
        lead, tail = _seconds(rng, 1.6, 3.4), _seconds(rng, 0.8, 1.6)
        source = max(0, draft.frame - lead)
        length = round((draft.frame + tail - source) / speed)
        until = min(cursor + length, end)
        seen = source + (until - cursor) * speed
        if seen < draft.frame + 8 or seen > cursor:
            break
        subject = draft.subjects[0] if camera == "Close-up behind the goal" else None
        if draft.label not in ("Goal", "Penalty", *SHOTS):
            camera = _near_side(camera)
            if subject is not None or rng.random() < 0.3:
                camera, subject = CLOSE, draft.subjects[0]
        elif camera == "Close-up behind the goal":
            subject = None
        pieces.append(_Piece(cursor, until, str(camera), subject, source, speed, draft))
        cursor = until
    if pieces and wiped:
        pieces[-1] = replace(pieces[-1], transition="logo")
    return pieces


def _near_side(camera: str) -> str:
    return camera if camera.startswith("Main camera") else "Main camera left"


def _final(rng: np.random.Generator, game: Game, busy_until: int) -> list[_Piece]:
    """After the last whistle, sometimes a face."""
    start = max(busy_until + _MIN_SHOT_FRAMES, game.frame + 8)
    if rng.random() < 0.5 or game.end_frame - start < 12:
        return []
    return [_Piece(start, game.end_frame, CLOSE, ("referee", 0, 0))]


def _fill(rng: np.random.Generator, pieces: list[_Piece], end: int) -> list[_Piece]:
    """Join the pieces with the main camera, leave no gap, and set the way into replays."""
    out: list[_Piece] = []
    cursor = 0
    for piece in pieces:
        if piece.start < cursor or piece.end <= piece.start:
            continue
        if piece.start > cursor:
            out.append(_Piece(cursor, piece.start, _main(rng)))
        out.append(piece)
        cursor = piece.end
    if cursor < end:
        out.append(_Piece(cursor, end, CENTRE))
    last = len(out) - 1
    for index, (before, after) in enumerate(pairwise(out)):
        into_replay = after.replays is not None and before.replays is None
        closing = index + 1 <= last and after.replays is not None
        if into_replay and closing and _ends_in_logo(out, index + 1):
            out[index] = replace(before, transition="logo")
    return out


def _main(rng: np.random.Generator) -> str:
    return (
        CENTRE
        if rng.random() < 0.93
        else str(rng.choice(["Main camera left", "Main camera right"]))
    )


def _ends_in_logo(pieces: list[_Piece], start: int) -> bool:
    index = start
    while index + 1 < len(pieces) and pieces[index + 1].replays is not None:
        index += 1
    return pieces[index].transition == "logo"


# Visibility


def _shows(piece: _Piece, draft: Draft) -> bool:
    if piece.replays is not None:
        return False
    if piece.subject is None:
        return draft.label != "Substitution"
    return piece.subject in draft.subjects


def label_events(game: Game, pieces: list[_Piece]) -> list[tuple[Draft, Event]]:
    """Every draft with its event, ``visible`` or ``not shown`` as the programme has it."""
    starts = np.array([piece.start for piece in pieces])
    out = []
    for draft in sorted(game.drafts, key=lambda d: d.frame):
        piece = pieces[int(np.searchsorted(starts, draft.frame, side="right")) - 1]
        team = "not applicable" if draft.team is None else SIDES[draft.team]
        visibility = "visible" if _shows(piece, draft) else "not shown"
        event = Event(draft.frame / RATE, draft.label, team=team, visibility=visibility)
        out.append((draft, event))
    return out


def camera_shots(
    pieces: list[_Piece], labelled: list[tuple[Draft, Event]]
) -> tuple[CameraShot, ...]:
    """The programme as the script's shots."""
    events = {id(draft): event for draft, event in labelled}
    shots = []
    for piece in pieces:
        source = piece.start if piece.source is None else piece.source
        event = events.get(id(piece.replays)) if piece.replays is not None else None
        shots.append(
            CameraShot(
                piece.start / RATE,
                piece.end / RATE,
                piece.camera,
                piece.subject,
                source / RATE,
                piece.speed,
                event,
                piece.transition,
            )
        )
    return tuple(shots)


# Graphics


def graphics(
    rng: np.random.Generator,
    game: Game,
    teams: tuple[Team, Team],
    shots: tuple[CameraShot, ...],
) -> tuple[Graphic, ...]:
    """Captions, substitution boards and wipes. Captions come late, and at times not at all."""
    out = [_wipe(shot, game.end_frame / RATE) for shot in shots if shot.transition == "logo"]
    for action in game.actions:
        if action.team is None or action.player is None:
            continue
        team = teams[action.team]
        player = team.squad[action.player]
        name = f"{player.number} {player.name.upper()}"
        minute = int(action.seconds // 60) + 1 + (45 if game.half == 2 else 0)
        if action.kind == "goal" and rng.random() < 0.8:
            lines = (name, f"{team.short_name}  GOAL {minute}'")
            out.append(_caption(rng, action.seconds, (4.0, 10.0), lines, team.kit.shirt))
        elif action.kind in ("yellow", "red") and rng.random() < 0.65:
            colour: Rgb = (240, 210, 30) if action.kind == "yellow" else (215, 30, 30)
            lines = (name, team.name)
            out.append(_caption(rng, action.seconds, (2.0, 9.0), lines, colour))
        elif action.kind == "leave" and action.other is not None:
            out += _swap(rng, action.seconds, team, action.player, action.other)
    end = game.end_frame / RATE
    out = [replace(g, end_seconds=min(g.end_seconds, end)) for g in out if g.start_seconds < end]
    return tuple(sorted(out, key=lambda graphic: graphic.start_seconds))


def _wipe(shot: CameraShot, end: float) -> Graphic:
    half = _LOGO_FRAMES / RATE / 2
    start = max(0.0, shot.end_seconds - half)
    return Graphic(start, min(end, shot.end_seconds + half), "logo", (), (240, 240, 240))


def _caption(
    rng: np.random.Generator,
    seconds: float,
    delay: tuple[float, float],
    lines: tuple[str, ...],
    colour: Rgb,
) -> Graphic:
    start = round((seconds + float(rng.uniform(*delay))) * RATE) / RATE
    length = round(float(rng.uniform(3.5, 6.0)) * RATE) / RATE
    return Graphic(start, round(start + length, 2), "caption", lines, colour)


def _swap(rng: np.random.Generator, seconds: float, team: Team, off: int, on: int) -> list[Graphic]:
    out = []
    leaving, coming = team.squad[off], team.squad[on]
    if rng.random() < 0.75:
        start = round((seconds - float(rng.uniform(1.5, 3.5))) * RATE) / RATE
        end = round((seconds + float(rng.uniform(0.3, 1.2))) * RATE) / RATE
        numbers = (str(leaving.number), str(coming.number))
        out.append(Graphic(max(0.0, start), end, "board", numbers, team.kit.shirt))
    if rng.random() < 0.55:
        lines = (f"IN  {coming.number} {coming.name}", f"OUT {leaving.number} {leaving.name}")
        out.append(_caption(rng, seconds, (-2.0, 7.0), lines, team.kit.shirt))
    return out


def score_changes(
    rng: np.random.Generator, game: Game, before: tuple[int, int]
) -> tuple[tuple[float, int, int], ...]:
    """When the score on screen changes: some seconds after each goal, within the half."""
    score = list(before)
    out = [(0.0, score[0], score[1])]
    for frame, team in game.goals:
        score[team] += 1
        shown = min(frame + _seconds(rng, 3.0, 11.0), game.end_frame - 1)
        out.append((shown / RATE, score[0], score[1]))
    return tuple(out)


def final_score(script: MatchScript) -> tuple[int, int]:
    """Goals of home and away at the end of a match."""
    _, home, away = script.halves[-1].score_changes[-1]
    return home, away
