"""One reel out of several matches: chosen together within one length, or in equal parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain, pairwise
from typing import Unpack

from touchline.editing.curve import MIN_CLIP_SECONDS
from touchline.editing.doubts import doubts_of_transcripts, events_beyond
from touchline.editing.select import NO_TRANSCRIPTS, Choosing, Selector, selector_of
from touchline.editing.wishes import NO_WISHES, Wishes, chosen_with, wanted
from touchline.errors import InputError
from touchline.events import SCORE_BUG, SIDES, TEAMS, Match, Timeline
from touchline.formats.comparing import timelines_of
from touchline.formats.games import teams_in_name
from touchline.match_state import as_box, format_match, teams_in
from touchline.reel import MATCH, Clip, Reel, Share
from touchline.transcripts import Transcripts


@dataclass(frozen=True)
class ToldMatch:
    """A match that a reel may show.

    Attributes:
        name: such as ``league/season/game``; titles show its last part where no teams are known.
        content: its events.
        transcripts: what was said, by half.
    """

    name: str
    content: Timeline | Match
    transcripts: Transcripts = field(default_factory=lambda: NO_TRANSCRIPTS)

    @property
    def title(self) -> str:
        """How titles name it: ``ARS v CHE`` where teams are known."""
        return format_match(self.teams, None) or self.name.rstrip("/").rpartition("/")[2]

    @property
    def teams(self) -> tuple[str | None, str | None] | None:
        """Home and away, as the broadcast writes them or as the name of the game does."""
        stated = (teams_in(timeline.extra) for timeline in timelines_of(self.content))
        return next(filter(None, stated), None) or teams_in_name(self.name)


def told_apart(matches: Sequence[ToldMatch]) -> list[ToldMatch]:
    """The matches with a name of its own for each video, as a reel of all of them names it.

    A video whose name another match uses, too, has that of its match before it, as in a folder:
    ``game/1_720p.mkv``. The second match of a name is ``name (2)``.
    """
    taken: dict[str, int] = {}
    users = [{t.video.name for t in timelines_of(match.content)} for match in matches]
    apart = []
    for match, own in zip(matches, users, strict=True):
        taken[match.name] = taken.get(match.name, 0) + 1
        again = taken[match.name]
        folder = match.name if again == 1 else f"{match.name} ({again})"
        shared = {name for name in own if sum(name in used for used in users) > 1}
        timelines = tuple(
            replace(t, video=replace(t.video, name=f"{folder}/{t.video.name}"))
            if t.video.name in shared
            else t
            for t in timelines_of(match.content)
        )
        apart.append(replace(match, content=Match(match.name, timelines)))
    return apart


def chosen_across(
    matches: Sequence[ToldMatch],
    seconds: float,
    share: Share = "worth",
    wishes: Wishes = NO_WISHES,
    **how: Unpack[Choosing],
) -> Reel:
    """A reel of several matches, in the order given.

    The clips name videos as ``told_apart`` does; ``(clip.video, clip.half)`` tells them apart. Each
    clip has its match in its title, after what it shows (``Goal: ARS v CHE``), and in its
    ``extra``: ``match`` as in the title, ``teams`` where they are known. Goals that are certain are
    always shown. The warnings tell what cannot be used, and matches of which nothing is shown.

    Args:
        share: ``worth``: the likeliest seconds of all matches compete for the length, so that a
            match may have no clip; ``equal``: each has an equal part, and what one does not use
            goes to the others.
        wishes: without pins. A class, player or team need only be in one of the matches.
        how: see ``selector_of``; transcripts are those of the matches.

    Returns:
        A reel no longer than ``seconds``; empty if there are no events.

    Raises:
        InputError: no match, pins, a class, player or team that no event has, a length too short
            for a clip, or for a clip of each match in equal parts.
    """
    if not matches:
        raise InputError("there is no match to choose from", remedy="give the events of a match")
    if wishes.pins:
        raise InputError(
            "a stretch may be of any match",
            where="--pin",
            remedy="leave it out, or make a reel of one match",
        )
    everything = told_apart(matches)
    apart = _wanted(everything, wishes)
    selectors = [_selector(match, wishes, how) for match in everything]
    shift = how.get("shift_seconds", 0.0)

    def of_one(place: int) -> Callable[[float], Reel]:
        content, choose = apart[place].content, selectors[place].reel
        return lambda part: chosen_with(content, part, wishes, choose, shift)

    if share == "equal":
        reel = _in_equal_parts([of_one(place) for place in range(len(apart))], seconds)
    else:
        shown = Match("", tuple(chain.from_iterable(timelines_of(m.content) for m in apart)))
        together = selectors[0]
        for selector in selectors[1:]:
            together += selector
        reel = chosen_with(shown, seconds, wishes, together.reel, shift)
    named = {t.video.name: match for match in apart for t in timelines_of(match.content)}
    clips = tuple(_titled(clip, named[clip.video]) for clip in reel)
    return replace(reel, clips=clips, warnings=(*reel.warnings, *_remarks(apart, clips)))


def _wanted(matches: Sequence[ToldMatch], wishes: Wishes) -> list[ToldMatch]:
    """The matches with the events that may be shown."""
    counts = [len(timelines_of(match.content)) for match in matches]
    whole = Match("", tuple(chain.from_iterable(timelines_of(m.content) for m in matches)))
    kept = timelines_of(wanted(whole, wishes))
    return [
        replace(match, content=Match(match.name, kept[first:last]))
        for match, (first, last) in zip(
            matches, pairwise(accumulate(counts, initial=0)), strict=True
        )
    ]


def _selector(match: ToldMatch, wishes: Wishes, how: Choosing) -> Selector:
    own: Choosing = {**how, "transcripts": match.transcripts, "wants": wishes.wants}
    return selector_of(match.content, **own)


def _in_equal_parts(choices: Sequence[Callable[[float], Reel]], seconds: float) -> Reel:
    """An equal part of each; what one does not use goes to the others."""
    if seconds < len(choices) * MIN_CLIP_SECONDS:
        raise InputError(
            f"{seconds:g} s is too short for a clip of each of {len(choices)} matches",
            remedy=f"give at least {len(choices) * MIN_CLIP_SECONDS:g} s, or choose by worth",
        )
    made: dict[int, Reel] = {}
    left = seconds
    # Those with the least to show come first, so that the others have what they leave.
    for place in sorted(range(len(choices)), key=lambda place: choices[place](seconds).seconds):
        made[place] = choices[place](left / (len(choices) - len(made)))
        left -= made[place].seconds
    reels = [made[place] for place in range(len(choices))]
    return Reel(
        tuple(chain.from_iterable(reels)),
        frame_rate=next((reel.frame_rate for reel in reels if reel.frame_rate), None),
        videos=tuple(chain.from_iterable(reel.videos for reel in reels)),
        unbroken={key: spans for reel in reels for key, spans in reel.unbroken.items()},
    )


def _titled(clip: Clip, match: ToldMatch) -> Clip:
    subject, _, rest = (clip.title or "").partition(": ")
    title = ": ".join(filter(None, (subject, match.title)))
    teams = {} if match.teams is None else {TEAMS: dict(zip(SIDES, match.teams, strict=True))}
    boxes = (timeline.extra.get(SCORE_BUG) for timeline in timelines_of(match.content))
    box = next(({SCORE_BUG: box} for box in boxes if as_box(box) is not None), {})
    return replace(
        clip,
        title=f"{title}, {rest}" if rest else title,
        extra={**clip.extra, MATCH: match.title, **teams, **box},
    )


def _remarks(matches: Sequence[ToldMatch], clips: Sequence[Clip]) -> list[str]:
    remarks = []
    for match in matches:
        timelines = timelines_of(match.content)
        names = {timeline.video.name for timeline in timelines}
        found = [*events_beyond(timelines), *doubts_of_transcripts(timelines, match.transcripts)]
        if not any(clip.video in names for clip in clips):
            found.append("nothing of it is shown")
        remarks += [f"{match.title}: {remark}" for remark in found]
    return remarks
