"""The facts of the game: teams, kick-offs, match clock and score.

Sources: people and imported files (``MatchRow.game``), and the events of the match.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from touchline.events import SIDES
from touchline.labels import GOAL, KICK_OFF
from touchline.server.documents import event_in_match, video_at
from touchline.server.finishing import MAX_SHOWN
from touchline.server.tables import EventRow, MatchRow
from touchline.timebase import HALF_CLOCKS

NAMES = ("home", "away", "date", "score", "competition")
"""The texts of ``MatchRow.game``; it also holds ``periods``."""

_GOAL, _KICK_OFF = GOAL.lower(), KICK_OFF.lower()  # label sets differ in their spelling

SURE_CONFIDENCE = 0.5
"""A kick-off below this confidence sets the clock only once it is accepted."""

_OF_SOCCERNET = {
    "home": "gameHomeTeam", "away": "gameAwayTeam", "date": "gameDate", "score": "gameScore",
    "competition": "competition",
}  # fmt: skip

_DAYS = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"), ("year", "month", "day")),
    (re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})"), ("day", "month", "year")),
)
"""How dates are written: 2015-02-21, or 21/02/2015 and 21.02.2015."""


def facts_of_file(extra: Mapping[str, Any]) -> dict[str, str]:
    """The facts of the game in a label file of SoccerNet."""
    place = extra.get("UrlLocal")  # league/season/game
    parts = place.strip("/").split("/") if isinstance(place, str) else []
    stated = {**extra, "competition": parts[0]} if len(parts) == 3 else extra
    return {
        name: value[:300]
        for name, key in _OF_SOCCERNET.items()
        if isinstance(value := stated.get(key), str) and value.strip() and "\0" not in value
    }


def day_in(text: str) -> date | None:
    """The day that a text states; None where it states none that exists."""
    for pattern, order in _DAYS:
        if found := pattern.search(text):
            numbers = dict(zip(order, map(int, found.groups()), strict=True))
            try:
                return date(**numbers)
            except ValueError:
                continue
    return None


def day_of(match: MatchRow) -> date:
    """The day of a match: as it is stated, else that of its upload (UTC)."""
    stated = day_in(str(match.game.get("date") or ""))
    return stated or datetime.fromtimestamp(match.created_at, UTC).date()


def team_name(match: MatchRow, team: str | None) -> str | None:
    """The name of a team that an event may call home or away."""
    return match.game.get(team) or team if team in ("home", "away") else team


def teams_shown(match: MatchRow) -> dict[str, str]:
    """The names of home and away that are known, as they are drawn into a video."""
    names = {side: str(match.game.get(side) or "").strip()[:MAX_SHOWN] for side in SIDES}
    return {side: name for side, name in names.items() if name}


def events_of_game(session: Session, match_id: str) -> Sequence[EventRow]:
    """The kick-offs and goals of a match, in order of time."""
    return _events_of_games(session, [match_id])


def _events_of_games(session: Session, match_ids: Sequence[str]) -> Sequence[EventRow]:
    labels = func.lower(EventRow.label).in_((_KICK_OFF, _GOAL))
    return session.scalars(
        select(EventRow)
        .where(EventRow.match_id.in_(match_ids), EventRow.deleted.is_(False), labels)
        .order_by(EventRow.seconds, EventRow.id)
    ).all()


def results_of(session: Session, matches: Sequence[MatchRow]) -> dict[str, str]:
    """The results of matches, such as ``"2-1"``: as stated, else after the last accepted goal."""
    by_match: dict[str, list[EventRow]] = {match.id: [] for match in matches}
    for event in _events_of_games(session, list(by_match)):
        by_match[event.match_id].append(event)
    results = {}
    for match in matches:
        goals = _goals(match, by_match[match.id], [])
        known = match.game.get("score")
        if known or goals:
            results[match.id] = known or f"{goals[-1]['home']}-{goals[-1]['away']}"
    return results


def known_game(match: MatchRow, events: Sequence[EventRow]) -> dict[str, Any]:
    """All known facts of a game, with its clock and its running score.

    Args:
        events: as ``events_of_game`` gives them.
    """
    periods = _periods(match, events)
    return {
        **{name: match.game.get(name) for name in NAMES},
        "periods": periods,
        "goals": _goals(match, events, periods),
    }


def clock_at(periods: Sequence[Mapping[str, Any]], seconds: float) -> str | None:
    """The minute that is being played, such as ``"2"`` or ``"45+1"``; None before a kick-off."""
    begun = [period for period in periods if period["start"] <= seconds]
    if not begun:
        return None
    half = begun[-1]["half"]
    return _minute(HALF_CLOCKS[half][0] + seconds - begun[-1]["start"], half)


def _minute(clock_seconds: float, half: int | None) -> str:
    """The minute that is being played at a match clock."""
    minute = int(clock_seconds // 60) + 1
    end = int(HALF_CLOCKS[half][1] // 60) if half in HALF_CLOCKS else minute
    return f"{end}+{minute - end}" if minute > end else str(minute)


def _periods(match: MatchRow, events: Iterable[EventRow]) -> list[dict[str, Any]]:
    starts = {
        period["half"]: (period["start"], "given") for period in match.game.get("periods", ())
    }
    for event in events:
        half = video_at(match, event.seconds).half if len(match.videos) > 1 else event.half
        if half in HALF_CLOCKS and _is_sure(event, _KICK_OFF):
            starts.setdefault(half, (event.seconds, "event"))
    return [
        {"half": half, "start": start, "minute": int(HALF_CLOCKS[half][0] // 60), "source": source}
        for half, (start, source) in sorted(starts.items(), key=lambda item: item[1][0])
    ]


def _is_sure(event: EventRow, label: str) -> bool:
    sure = event.status == "accepted" or (
        event.status == "pending" and event.confidence >= SURE_CONFIDENCE
    )
    return sure and event.label.lower() == label


def _goals(
    match: MatchRow, events: Iterable[EventRow], periods: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The accepted goals with a team, and the score after each.

    It goes on from the score that a goal states, where it states one.
    """
    goals, score = [], {"home": 0, "away": 0}
    for event in events:
        if event.label.lower() != _GOAL or event.status != "accepted" or not event.team:
            continue
        side = _side(match, event.team)
        if event.score is not None:
            score = dict(zip(score, event.score, strict=True))
        if side is not None:
            score[side] += 1
        clock = event.clock or _clock(match, event) or clock_at(periods, event.seconds)
        goals.append({"time": event.seconds, "team": event.team, "clock": clock, **score})
    return goals


def _clock(match: MatchRow, event: EventRow) -> str | None:
    stated = event_in_match(match, event)
    return None if stated.clock_seconds is None else _minute(stated.clock_seconds, stated.half)


def _side(match: MatchRow, team: str) -> str | None:
    for side in ("home", "away"):
        if team.lower() in (side, str(match.game.get(side) or side).lower()):
            return side
    return None
