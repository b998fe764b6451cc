"""Playlists: clips of any matches, as their rows hold them, as people see them, and as reels.

A clip names its match and its event, and keeps what it showed when it was added: so a clip whose
match was deleted can still be told from others.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from touchline.errors import InputError
from touchline.events import SCORE_BUG, TEAMS
from touchline.match_state import as_box
from touchline.reel import Clip, Reel
from touchline.server.documents import event_in_match, refuse_outside
from touchline.server.errors import ConflictError
from touchline.server.games import team_name, teams_shown
from touchline.server.reels import LEAST_SECONDS, by_video
from touchline.server.tables import EventRow, MatchRow, PlaylistRow, new_id

MAX_CLIPS = 500
"""Clips of one playlist."""

MAX_CLIP_SECONDS = 600.0
"""Length of one clip."""

LEAD_SECONDS, LAG_SECONDS = 3.0, 4.0
"""What a clip shows before and after its event, unless it says otherwise."""

Missing = Literal["match", "event"]

_NO_PATH = re.compile(r"[\\/:]+")
"""What the name of a file cannot hold somewhere."""

_OF_EVENT = ("label", "team", "player", "note")


@dataclass(frozen=True)
class PlaylistClip:
    """A clip of a playlist, with what it is of as that is now.

    Attributes:
        stored: as the row of the playlist holds it.
        match: None where it was deleted.
        event: None where it was deleted, or the clip is of none.
    """

    stored: Mapping[str, Any]
    match: MatchRow | None
    event: EventRow | None

    @property
    def id(self) -> str:
        """Its name in the playlist."""
        return str(self.stored["id"])

    @property
    def missing(self) -> Missing | None:
        """What it was of and is not there any more; without its event it can still be shown."""
        if self.match is None:
            return "match"
        return "event" if self.stored["event"] and self.event is None else None

    @property
    def facts(self) -> dict[str, Any]:
        """Its fields, and those of its event as far as it is there; else as they were."""
        now = {} if self.match is None else _said_now(self.match, self.event)
        return {**self.stored, **now, "missing": self.missing}

    @property
    def name(self) -> str:
        """What it is called: its title, else the class of its event, else the match."""
        facts = self.facts
        return str(facts["title"] or facts["label"] or facts["match_title"])


def _said_now(match: MatchRow, event: EventRow | None) -> dict[str, Any]:
    """What is said of a clip's match and event, as far as they are there."""
    said = {} if event is None else {name: getattr(event, name) for name in _OF_EVENT}
    if event is not None:
        said["team"] = team_name(match, event.team)
    return {"match_title": match.title, **said}


def clips_of(session: Session, playlist: PlaylistRow) -> list[PlaylistClip]:
    """The clips of a playlist, in order."""
    matches = _matches(session, {clip["match"] for clip in playlist.clips})
    events = _events(session, {clip["event"] for clip in playlist.clips if clip["event"]})
    return [
        PlaylistClip(clip, matches.get(clip["match"]), events.get(clip["event"]))
        for clip in playlist.clips
    ]


def stored_clips(
    session: Session, wanted: Sequence[Mapping[str, Any]], known: Iterable[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Clips as the row of a playlist holds them.

    Args:
        wanted: ``id``, ``match``, ``event``, ``start``, ``end`` and ``title``; all but the match
            may be None. An id that is known keeps what is not given.
        known: the clips that the playlist has.

    Raises:
        InputError: there is no such match or event, or the clip is not in its video.
        ConflictError: the match is not ready.
    """
    before = {clip["id"]: clip for clip in known}
    matches = _matches(session, {clip["match"] for clip in wanted})
    events = _events(session, {clip["event"] for clip in wanted if clip.get("event")})
    return [
        _stored(clip, before.get(clip.get("id")), matches.get(clip["match"]), events)
        for clip in wanted
    ]


def _stored(
    wanted: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    match: MatchRow | None,
    events: Mapping[str, EventRow],
) -> dict[str, Any]:
    event = events.get(wanted.get("event") or "")
    is_gone = match is None or event is None
    if before is not None and is_gone and _is_of_same(wanted, before):
        return _kept(wanted, before, match)
    if match is None:
        raise InputError(f"there is no match {wanted['match']}", where="clips")
    if wanted.get("event") and (event is None or event.match_id != match.id):
        raise InputError(f"there is no event {wanted['event']} in {match.title!r}", where="clips")
    length = match.info.get("duration_seconds")
    if match.state != "ready" or length is None:
        raise ConflictError(f"{match.title!r} is {match.state}; wait until it is ready")
    return {
        "id": wanted.get("id") or new_id(),
        "match": match.id,
        "event": event and event.id,
        "title": wanted.get("title"),
        **_stretch(wanted, event, match, float(length)),
        **dict.fromkeys(_OF_EVENT),
        **_said_now(match, event),
    }


def _is_of_same(wanted: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return all(wanted.get(name) == before[name] for name in ("match", "event"))


def _kept(
    wanted: Mapping[str, Any], before: Mapping[str, Any], match: MatchRow | None
) -> dict[str, Any]:
    """A clip whose match or event was deleted: it can be moved, renamed and trimmed."""
    length = float("inf") if match is None else float(match.info.get("duration_seconds") or 0)
    given = {**before, **{k: v for k, v in wanted.items() if v is not None or k == "title"}}
    return {**given, **_within(given["start"], given["end"], length, given["match_title"])}


def _stretch(
    wanted: Mapping[str, Any], event: EventRow | None, match: MatchRow, length: float
) -> dict[str, float]:
    start, end = wanted.get("start"), wanted.get("end")
    if event is not None:
        lead = LEAD_SECONDS if event.lead_seconds is None else event.lead_seconds
        lag = LAG_SECONDS if event.lag_seconds is None else event.lag_seconds
        start = max(0.0, event.seconds - lead) if start is None else start
        end = event.seconds + lag if end is None else end
    if start is None or end is None:
        raise InputError("a clip without an event needs a start and an end", where="clips")
    if event is None:
        refuse_outside(match, "clips", start, end)
    return _within(start, end, length, match.title)


def _within(start: float, end: float, length: float, title: str) -> dict[str, float]:
    end = min(end, length)
    if end - start < LEAST_SECONDS:
        raise InputError(
            f"a clip from {start:g} to {end:g} s is not in the video of {title!r}", where="clips"
        )
    if end - start > MAX_CLIP_SECONDS:
        raise InputError(
            f"a clip from {start:g} to {end:g} s is longer than {MAX_CLIP_SECONDS:g} s",
            where="clips",
        )
    return {"start": round(float(start), 3), "end": round(float(end), 3)}


@dataclass(frozen=True)
class Compilation:
    """The clips of a playlist as they are cut.

    Attributes:
        reels: one for each clip of the playlist; one that crosses from one video of its match into
            the next is in two pieces.
        videos: by the names that the clips give, the ids of their rows.
    """

    reels: tuple[Reel, ...]
    videos: Mapping[str, str]


def compilation_of(clips: Sequence[PlaylistClip]) -> Compilation:
    """The clips as reels of the videos as they came in, in times of each video.

    Raises:
        ConflictError: there are none, or the match of one was deleted.
    """
    if not clips:
        raise ConflictError("the playlist is empty; add clips to it", code="playlist_empty")
    if gone := [clip for clip in clips if clip.match is None]:
        titles = ", ".join(dict.fromkeys(repr(clip.stored["match_title"]) for clip in gone))
        raise ConflictError(
            f"{len(gone)} of the clips show matches that were deleted ({titles}); take them out",
            code="match_deleted",
        )
    names = _video_names([clip.match for clip in clips if clip.match is not None])
    reels = tuple(_reel_of(clip, clip.match, names) for clip in clips if clip.match is not None)
    return Compilation(reels, {name: video_id for video_id, name in names.items()})


def _video_names(matches: Sequence[MatchRow]) -> dict[str, str]:
    """A name for each video, no two alike: its file's, with the match where files share it.

    Case does not tell names apart, as it tells no files apart on many disks."""
    videos = {video.id: (match, video) for match in matches for video in match.videos}
    files = [video.name.lower() for _, video in videos.values()]
    names: dict[str, str] = {}
    taken: set[str] = set()
    for video_id, (match, video) in videos.items():
        name = PurePath(video.name)
        if files.count(video.name.lower()) > 1:
            name = PurePath(f"{_NO_PATH.sub('-', match.title)} - {video.name}")
        unique, count = name.name, 1
        while unique.lower() in taken:
            count += 1
            unique = f"{name.stem} ({count}){name.suffix}"
        names[video_id] = unique
        taken.add(unique.lower())
    return names


def _reel_of(clip: PlaylistClip, match: MatchRow, names: Mapping[str, str]) -> Reel:
    stored = clip.stored
    events = () if clip.event is None else (event_in_match(match, clip.event),)
    first = match.videos[0]
    whole = Clip(first.name, stored["start"], stored["end"], events=events, title=stored["title"])
    parts = by_video(Reel((whole,)), match.videos)
    by_half = {video.half: video.id for video in match.videos}
    ids = [first.id if len(match.videos) == 1 else by_half[part.half] for part in parts]
    known = _known(match)
    renamed = (
        replace(part, video=names[video_id], half=None, extra={**part.extra, **known})
        for part, video_id in zip(parts, ids, strict=True)
    )
    return Reel(tuple(renamed))


def _known(match: MatchRow) -> dict[str, Any]:
    """What a clip is drawn with that is of its match: the teams, and where its score bug stands."""
    teams = teams_shown(match)
    box = match.info.get(SCORE_BUG)
    known: dict[str, Any] = {TEAMS: teams} if teams else {}
    return known if as_box(box) is None else {**known, SCORE_BUG: box}


def _matches(session: Session, ids: set[str]) -> dict[str, MatchRow]:
    rows = session.scalars(select(MatchRow).where(MatchRow.id.in_(ids)))
    return {row.id: row for row in rows}


def _events(session: Session, ids: set[str]) -> dict[str, EventRow]:
    rows = session.scalars(
        select(EventRow).where(EventRow.id.in_(ids), EventRow.deleted.is_(False))
    )
    return {row.id: row for row in rows}
