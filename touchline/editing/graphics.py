"""What is drawn into the pictures of a reel, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from touchline.colours import class_colour
from touchline.editing.finish import Finish
from touchline.editing.overlay import (
    Logo,
    Pixels,
    Rgb,
    draw_board,
    draw_labels,
    draw_logo,
    draw_title,
    logo_box,
    read_picture,
)
from touchline.events import SCORE_BUG, Event, Score
from touchline.labels import LabelSet, label_set_of
from touchline.match_state import (
    Box,
    as_box,
    clip_event,
    format_match,
    format_match_clock,
    format_score,
    score_shown,
    teams_in,
)
from touchline.reel import MATCH, Clip, Reel

TITLE_SECONDS = 4
"""How long the title of a clip is shown above the captions of its events."""

LOWER_THIRD_SECONDS = 3

BEFORE_SECONDS = 1
AFTER_SECONDS = 3
"""How long the caption of an event is shown before and after it."""

_TITLE_COLOUR = (240, 240, 240)


@dataclass(frozen=True, eq=False)
class Graphics:
    """What is drawn into a reel.

    Attributes:
        classes: of the events.
        labels: whether events have captions.
        titles: whether clips begin with their title, clock and score.
        scoreboard: whether teams, score and clock are shown all the time.
        teams: names of home and away.
        logo: shown all the time; None for no logo.
        own_bug: where the score bug of the videos stands, which is not drawn over.
    """

    classes: LabelSet
    labels: bool = False
    titles: bool = False
    scoreboard: bool = False
    teams: Sequence[str | None] | None = None
    logo: Logo | None = None
    own_bug: Box | None = None

    @classmethod
    def of(cls, reel: Reel, finish: Finish, *, labels: bool) -> "Graphics":
        """What is drawn into a reel.

        Raises:
            InputError: the logo cannot be read.
        """
        names = tuple(dict.fromkeys(event.label for clip in reel for event in clip.events))
        return cls(
            classes=label_set_of(names or ("-",)),
            labels=labels,
            titles=finish.titles,
            scoreboard=finish.scoreboard,
            teams=finish.teams or teams_in(reel.extra),
            logo=None if finish.logo is None else Logo(read_picture(finish.logo)),
            own_bug=as_box(reel.extra.get(SCORE_BUG)),
        )

    def stretches(self, clip: Clip) -> list[tuple[Fraction, Fraction]]:
        """The stretches [start, end) of a clip's video in which something is drawn."""
        start, found = clip.start_seconds, []
        if self.logo is not None or (self.scoreboard and self._board(clip, start)):
            return [(Fraction(start) - 1, Fraction(clip.end_seconds) + 1)]
        if self.labels:
            found += [
                (e.seconds - BEFORE_SECONDS, e.seconds + AFTER_SECONDS + 1e-6) for e in clip.events
            ]
            if clip.title:
                found.append((start - 1, start + TITLE_SECONDS))
        if self.titles and self._title(clip):
            found.append((start - 1, start + LOWER_THIRD_SECONDS))
        return [(Fraction(begin), Fraction(end)) for begin, end in found]

    def covered_share(self, reel: Reel) -> float:
        """The share of a reel in which something is drawn."""
        drawn = sum(_length_within(self.stretches(clip), clip) for clip in reel)
        return drawn / max(reel.seconds, 1e-9)

    def remarks(self, reel: Reel) -> list[str]:
        """What is asked for and not drawn, as nothing is known of it."""
        if not self.scoreboard:
            return []
        if not any(self._board(clip, clip.start_seconds) for clip in reel):
            return [
                "no event states teams, score or clock, so no score bug is drawn: name the teams "
                "with --teams HOME,AWAY"
            ]
        without = sum(all(event.score is None for event in clip.events) for clip in reel)
        if not without:
            return []
        some = f"{without} of {len(reel)} clips do not state"
        which = "no clip state" if without == len(reel) else some
        return [f"the events of {which} the score, so it is left out there"]

    def draw(self, pixels: Pixels, clip: Clip, seconds: float) -> Pixels:
        """The picture of a clip at a time with what is drawn into it."""
        taken = self._taken(pixels, clip)
        if self.titles and seconds < clip.start_seconds + LOWER_THIRD_SECONDS:
            pixels = draw_title(pixels, self._title(clip), taken)
        elif self.labels:  # in the place of the title
            pixels = draw_labels(pixels, self._captions(clip, seconds), taken)
        if self.scoreboard and (board := self._board(clip, seconds)):
            pixels = draw_board(pixels, board, _TITLE_COLOUR, taken)
        return pixels if self.logo is None else draw_logo(pixels, self.logo)

    def _taken(self, pixels: Pixels, clip: Clip) -> list[Box]:
        """Where the score bug of the video and the logo stand."""
        height, width = pixels.shape[:2]
        logo = [] if self.logo is None else [logo_box(self.logo, width, height)]
        own = as_box(clip.extra.get(SCORE_BUG)) or self.own_bug
        return [*logo, *([] if own is None else [own])]

    def _captions(self, clip: Clip, seconds: float) -> list[tuple[str, Rgb]]:
        """The captions at a time: those of events near it, below the title of the clip during its
        first seconds."""
        near = [
            event
            for event in clip.events
            if event.seconds - BEFORE_SECONDS <= seconds <= event.seconds + AFTER_SECONDS
        ]
        names = dict.fromkeys(event.label for event in near)
        lines = [(name, class_colour(self.classes, name)) for name in names]
        title = clip.caption
        if title and title not in names and seconds < clip.start_seconds + TITLE_SECONDS:
            lines.insert(0, (title, _TITLE_COLOUR))
        return lines

    def _title(self, clip: Clip) -> list[tuple[str, Rgb]]:
        """The lines of a lower third: what a clip shows, then teams, clock and score."""
        event = clip_event(clip)
        title = clip.caption or (event.label if event is not None else "")
        if not title:
            return []
        colour = _TITLE_COLOUR if event is None else class_colour(self.classes, event.label)
        state = "" if event is None else self._state(event, clip)
        if state and self._teams(clip) and MATCH in clip.extra:  # the line below names the teams
            title = title.replace(f": {clip.extra[MATCH]}", "", 1)
        return [(title, colour), *([(state, _TITLE_COLOUR)] if state else [])]

    def _board(self, clip: Clip, seconds: float) -> str:
        """Teams, score and clock at a time, such as ``ARS 1-0 CHE  63:10``; what is not known is
        left out."""
        match = self._match(clip, _score_at(clip.events, seconds))
        event = next((e for e in clip.events if e.clock_seconds is not None), None)
        if event is None or event.clock_seconds is None:
            return match
        clock = max(0.0, event.clock_seconds + seconds - event.seconds)
        return f"{match}  {format_match_clock(clock, event.half or clip.half)}".strip()

    def _state(self, event: Event, clip: Clip) -> str:
        """Teams, score and clock at an event; before a goal that is to be seen, not after it."""
        clock = event.clock_seconds
        when = "" if clock is None else format_match_clock(clock, event.half or clip.half)
        return "  ".join(filter(None, (self._match(clip, event.score), when)))

    def _teams(self, clip: Clip) -> Sequence[str | None] | None:
        """Of a reel of several matches, each clip states its own."""
        return teams_in(clip.extra) or self.teams

    def _match(self, clip: Clip, score: Score | None) -> str:
        teams = self._teams(clip)
        if teams is None:
            return "" if score is None else format_score(score)
        return format_match(teams, score)


def _score_at(events: Sequence[Event], seconds: float) -> Score | None:
    """The score at a time by the last event before it, else by the first after it."""
    stated = sorted((e for e in events if e.score is not None), key=lambda e: e.seconds)
    past = [event for event in stated if event.seconds <= seconds]
    if past:
        return score_shown(past[-1])
    return stated[0].score if stated else None


def _length_within(stretches: Sequence[tuple[Fraction, Fraction]], clip: Clip) -> float:
    """Seconds of a clip that stretches cover, each counted once."""
    covered, reached = 0.0, clip.start_seconds
    for start, end in sorted(stretches):
        begin, stop = max(reached, float(start)), min(clip.end_seconds, float(end))
        if begin < stop:
            covered, reached = covered + stop - begin, stop
    return covered
