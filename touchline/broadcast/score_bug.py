"""The score bug of a recording: found by itself, followed, read when it changes, and decoded.

`ScoreBugObserver` sees the pictures of one pass, one after the other. Places where a bug may stand
are found by reading whole pictures now and then; several are followed until one has a clock that
runs. That one is looked at in every picture, but read seldom: the clock every few seconds, the
score when its pixels change.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from touchline.broadcast.bug_decoding import PlaceReadings, ScoreBugResult, choose, decode
from touchline.broadcast.bug_place import LIKENESS, BugPlace, Grey
from touchline.broadcast.bug_text import HALF_SECONDS, BugText, likely_places, same_name
from touchline.broadcast.clock_track import ClockReading, ClockRun
from touchline.broadcast.goals import Evidence
from touchline.broadcast.ocr import Picture, TextReader
from touchline.broadcast.score_track import ScoreReading
from touchline.broadcast.still_bug import SCAN_SIDE, read_place
from touchline.broadcast.texts import Box

RATE = 2
"""Pictures a second that the observer should see; one is enough, four help little."""

_FIRST_SEARCH_SECONDS = 1.0
_EAGER_SECONDS = 6.0
_LONGEST_SEARCH_SECONDS = 20.0
_RARE_SEARCH_SECONDS = 60.0
"""The same while a bug is known but away: where it comes back its pixels tell."""

_HIDDEN_SEARCH_SECONDS = 10.0
_MAX_PLACES = 4
_CLOCK_EVERY_SECONDS = (0.4, 6.0)
"""Between readings of the clock: until it is known to run, and then."""

_CLOCK_TRIES = 4
"""Readings in a row in which no clock is found, before the next one waits as long as others."""

_CLOCKS_COMPARED = 9
_RUNS_AFTER_SECONDS = 1.9
"""Between two readings of a clock that runs: a time of day in minutes stands still that long."""

_SCORE_EVERY_SECONDS = 30.0
_CLOSE = (30.0, 44.0)
_GLANCE = (36.0,)
"""Heights in pixels that a bug's lines are read at: after a change, and otherwise."""

_WHOLE_EVERY_SECONDS = 120.0
"""Between readings of all of a bug; in between, its rows are read where they are known to stand."""

_LONG_AWAY_SECONDS = 20.0
"""After which a bug that comes back is read as a whole: another half may have begun."""

_WHOLE_AT_FIRST = 2
_WHOLE_AGAIN = 2
"""Readings of the whole bug among the first ones, and among those after a change."""

_ROW_TRIES = 3
"""Readings of rows in a row that came to nothing, after which only the whole is read."""

_ADDED_SECONDS = (60.0, 420.0)
"""Before and after the end of a half by the clock: when a plate of added time may stand beside it,
which is seen only where the whole is read."""

_SCORES_AT_FIRST = 5
_SCORE_TRIES = 3
"""Readings in a row in which no score is found, before the next one waits as long as others."""

_READ_AGAIN = 4
"""Readings of the score after one that differs from the one before, a second apart."""

_READ_AGAIN_UNCHANGED = 1
"""The same where its pixels changed and it reads as before."""

_SETTLE_SECONDS = 1.0
"""Until a bug that comes back stands still."""

_GIVE_UP_SECONDS = 30.0
_LONGEST_AWAY_SECONDS = 1800.0
"""Longer than a half-time with its studio."""

_KEPT_PICTURES = 16
_LEAST_PLACE = 0.2
_REPEAT_SEARCH_SECONDS = 2.0
"""After a search that found names alone: those that still stand there are read closely."""

_SURE_PLACE = 0.8


@dataclass(kw_only=True)
class _Followed(PlaceReadings):
    """A place that is followed, with what was read there."""

    place: BugPlace
    since: float
    recent: deque[tuple[float, Picture]] = field(
        default_factory=lambda: deque(maxlen=_KEPT_PICTURES)
    )
    pixels: list[Grey] | None = None
    changed_at: float | None = None
    unchanged_at: float | None = None
    last_seen: float = -1e9
    next_clock: float = 0.0
    next_score: float = 0.0
    to_read_again: int = 0
    off_line: int = 0
    unread: int = 0
    unread_scores: int = 0
    scores_before: int = 0
    whole_at: float = -1e9
    back_at: float = 0.0
    unread_rows: int = 0
    looked_back_at: float = -1e9
    offset: float | None = None
    rate: float = 1.0
    agreeing: int = 0

    @property
    def runs(self) -> bool:
        """Whether its clock has been seen to run."""
        return self.agreeing >= 2


class ScoreBugObserver:
    """Reads the score bug out of the pictures of one recording.

    Args:
        reader: reads text; made here if None.

    Raises:
        MissingExtraError: no text can be read here.
    """

    def __init__(self, reader: TextReader | None = None) -> None:
        self._reader = reader or TextReader()
        self._followed: list[_Followed] = []
        self._given_up: list[_Followed] = []
        self._next_search = 0.0
        self._searched_at: float | None = None
        self._names_alone: list[Box] = []
        self._wait = _FIRST_SEARCH_SECONDS
        self._size: tuple[int, int] | None = None
        self._end = 0.0
        self._step = 1.0 / RATE
        self._start: float | None = None
        self._has_ended = False
        self._duration = 0.0
        self._chosen: list[_Followed] = []
        self._runs: list[ClockRun] = []

    def see(self, time_seconds: float, picture: Picture) -> None:
        """Take the next picture.

        Args:
            time_seconds: from the first frame shown; greater than that of the picture before.
            picture: uint8 RGB of shape (height, width, 3), of one size throughout.
        """
        if self._start is None:
            self._start = time_seconds
            self._size = picture.shape[1], picture.shape[0]
        else:
            self._step = 0.9 * self._step + 0.1 * (time_seconds - self._end)
        self._end = time_seconds
        for followed in self._followed:
            self._look(followed, time_seconds, picture)
        self._drop_weak(time_seconds)
        if time_seconds >= self._next_search and self._is_searching(time_seconds):
            self._search(time_seconds, picture)

    def _is_searching(self, time: float) -> bool:
        running = [f for f in self._followed if f.runs]
        if not running:
            return True
        return all(time - f.last_seen > _HIDDEN_SEARCH_SECONDS for f in running)

    def _search(self, time: float, picture: Picture) -> None:
        found = False
        before, self._names_alone = self._names_alone, []
        for place in self._places(picture, time):
            if len(self._followed) >= _MAX_PLACES + 2:
                break
            if _is_names_alone(place) and not _stood(place.box, before):
                self._names_alone.append(place.box)
            elif not _stood(_own_part(place), self._followed_parts(time)):
                found |= self._follow(place, time, picture)
        if before:
            self._names_alone = []
        start = time if self._start is None else self._start
        if self._names_alone and time - start >= _EAGER_SECONDS:
            self._next_search = time + _REPEAT_SEARCH_SECONDS
            return
        self._searched_at = time
        is_known = any(followed.runs for followed in self._followed)
        if (found and not is_known) or time - start < _EAGER_SECONDS:
            self._wait = _FIRST_SEARCH_SECONDS
        else:
            longest = _RARE_SEARCH_SECONDS if is_known else _LONGEST_SEARCH_SECONDS
            self._wait = min(2 * self._wait, longest)
        self._next_search = time + max(self._wait, 4.0 if self._followed else 0.0)

    def _places(self, picture: Picture, time: float) -> list[BugText]:
        """Where a bug may stand that is not followed yet, the likeliest first."""
        scale = min(6.0, SCAN_SIDE / max(picture.shape[:2]))
        followed = self._followed_parts(time)
        return [
            place
            for place in likely_places(self._reader.find(picture, scale))
            if place.confidence >= _LEAST_PLACE and not _stood(_own_part(place), followed)
        ]

    def _followed_parts(self, time: float) -> list[Box]:
        """Where the bugs stand that are followed and in the picture."""
        return [_own_part(f.place.bug) for f in self._followed if time - f.last_seen < 2.0]

    def _follow(self, place: BugText, time: float, picture: Picture) -> bool:
        """Follow what is read closely at a place; whether it is like a bug."""
        bug = read_place(picture, place, self._reader)
        if bug is None and place.confidence >= _SURE_PLACE:
            bug = place
        if bug is None or (bug.clock_seconds is None and bug.score is None):
            return False
        # two places seen at a glance, such as a name and a clock, may be parts of one bug
        if self._is_followed(bug, time):
            return False
        followed = _Followed(
            place=BugPlace(bug, picture),
            since=time,
            not_found_at=self._searched_at,
            last_seen=time,
            whole_at=time,
            back_at=time,
        )
        followed.times.append(time)
        followed.seen.append(True)
        self._followed.append(followed)
        self._note(followed, time, bug)
        return True

    def _is_followed(self, bug: BugText, time: float) -> bool:
        """Whether a bug is one that is followed already, and says no more than was known of it."""
        return any(
            time - other.last_seen < 2.0
            and _stood(_own_part(bug), [_own_part(other.place.bug)])
            and not _says_more(bug, other.place.bug)
            for other in self._followed
        )

    def _drop_weak(self, time: float) -> None:
        """Follow no more what is long gone, or never had a clock while another's runs."""
        bugs = [f.place.bug for f in self._followed]
        # what was read there is of another match, all but the clock, which its own bug has, too
        self._followed = [f for f in self._followed if not _borrows_clock(f.place.bug, bugs)]
        running = [f for f in self._followed if f.runs and time - f.last_seen < 3.0]
        kept = []
        for followed in self._followed:
            patience = _LONGEST_AWAY_SECONDS if followed.runs else _GIVE_UP_SECONDS
            gone = time - followed.last_seen > patience
            idle = bool(running) and not followed.runs and time - followed.since > 8.0
            still = (
                followed.place.has_clock
                and not followed.runs
                and (len(followed.clocks) >= 12 or time - followed.since > 60.0)
            )
            if gone or idle or (still and not followed.scores):
                self._given_up.append(followed)
            else:
                kept.append(followed)
        self._followed = kept

    def _look(self, followed: _Followed, time: float, picture: Picture) -> None:
        place = followed.place
        seen = place.likeness(picture) >= LIKENESS
        was_seen = bool(followed.seen) and followed.seen[-1]
        followed.times.append(time)
        followed.seen.append(seen)
        if not seen:
            if was_seen:
                self._look_back(followed)
            followed.pixels, followed.changed_at = None, None
            followed.scores_before = len(followed.scores)
            return
        if time - followed.last_seen > _LONG_AWAY_SECONDS:
            followed.whole_at, followed.back_at = -1e9, time
        followed.last_seen = time
        if not was_seen:  # who scored while it was away may differ by few pixels
            followed.next_score = min(followed.next_score, time + _SETTLE_SECONDS)
        cell = place.clock_pixels(picture)
        if cell is not None:
            followed.recent.append((time, cell))
            if not was_seen or time >= followed.next_clock:
                self._read_clock(followed, time, cell, picture)
        self._watch_score(followed, time, picture)

    def _read_clock(
        self, followed: _Followed, time: float, cell: Picture, picture: Picture
    ) -> None:
        text = followed.place.read_clock(cell, self._reader)
        followed.next_clock = time + _CLOCK_EVERY_SECONDS[followed.agreeing >= 4]
        if text is None:
            followed.unread += 1
            if followed.unread <= _CLOCK_TRIES:  # a bug that slides in has no clock yet
                followed.next_clock = time + _CLOCK_EVERY_SECONDS[0]
            elif followed.place.bug.standing_seconds is not None:  # it counts through again
                self._read_all(followed, time, picture)
            return
        followed.unread = 0
        followed.clocks.append(ClockReading(time, text.seconds, text.confidence, text.has_seconds))
        if self._agrees(followed, followed.clocks[-1]):
            followed.off_line = 0
            return
        followed.off_line += 1
        followed.next_clock = time + _CLOCK_EVERY_SECONDS[0]
        if followed.off_line == 2:
            if text.seconds % 900 == 0:  # it stands at 45:00 while added time counts beside it
                self._read_all(followed, time, picture)
            self._look_back(followed)

    def _agrees(self, followed: _Followed, reading: ClockReading) -> bool:
        """Whether a clock reading fits the line so far; a new line starts with two that fit."""
        if not reading.has_seconds:
            followed.agreeing += bool(
                len(followed.clocks) > 1
                and followed.clocks[-2].shown_seconds + 60 == reading.shown_seconds
            )
            return True
        if followed.offset is not None:
            off = reading.shown_seconds - followed.offset - followed.rate * reading.time_seconds
            if abs(off) <= 1.3:
                followed.agreeing += 1
                return True
        for before in reversed(followed.clocks[-_CLOCKS_COMPARED:-1]):
            span = reading.time_seconds - before.time_seconds
            for rate in (1.0, -1.0):
                step = reading.shown_seconds - before.shown_seconds - rate * span
                if span >= _RUNS_AFTER_SECONDS and before.has_seconds and abs(step) <= 1.3:
                    followed.offset = reading.shown_seconds - rate * reading.time_seconds
                    followed.rate = rate
                    followed.agreeing = max(1, min(followed.agreeing, 2))
                    return True
        return False

    def _look_back(self, followed: _Followed) -> None:
        """Read the clock in the pictures since it was last read, the latest first."""
        read = {reading.time_seconds for reading in followed.clocks[-_KEPT_PICTURES:]}
        kept = [item for item in followed.recent if item[0] not in read]
        followed.recent.clear()
        if not followed.place.has_clock or self._end - followed.looked_back_at < 8.0:
            return
        followed.looked_back_at = self._end
        found = []
        for time, cell in reversed(kept[-8:]):
            text = followed.place.read_clock(cell, self._reader)
            if text is not None:
                found.append(ClockReading(time, text.seconds, text.confidence, text.has_seconds))
                if len(found) == 1 and followed.offset is not None:
                    line = followed.offset + followed.rate * time
                    if abs(text.seconds - line) <= 1.3:
                        break
        followed.clocks.extend(found)
        followed.clocks.sort(key=lambda reading: reading.time_seconds)

    def _watch_score(self, followed: _Followed, time: float, picture: Picture) -> None:
        """Read the score when its pixels have changed and come to rest, and now and then."""
        place = followed.place
        pixels = place.score_pixels(picture)
        before, followed.pixels = followed.pixels, pixels
        if place.score_changed(pixels):
            if followed.changed_at is None:
                followed.changed_at = time
            rests = before is not None and place.are_alike(before, pixels)
            if rests or time - followed.changed_at > 8.0:
                self._confirm_old_score(followed)
                followed.scores_before = len(followed.scores)
                followed.to_read_again = max(followed.to_read_again, _READ_AGAIN_UNCHANGED)
                stood = followed.scores[-1].score if followed.scores else None
                if self._read_all(followed, time, picture, followed.changed_at):
                    place.keep_score_look(pixels, is_new=followed.scores[-1].score != stood)
                    followed.next_score = time + 1.0
                followed.changed_at = None
            return
        followed.changed_at, followed.unchanged_at = None, time
        if time >= followed.next_score:
            again = followed.to_read_again > 0 or len(followed.scores) < _SCORES_AT_FIRST
            followed.to_read_again = max(0, followed.to_read_again - 1)
            heights = (_CLOSE[len(followed.scores) % 2],) if again else _GLANCE
            is_read = self._read_rows(followed, time, picture) or self._read_all(
                followed, time, picture, heights=heights
            )
            followed.unread_scores = 0 if is_read else followed.unread_scores + 1
            followed.next_score = time + _score_wait(followed, again)

    def _confirm_old_score(self, followed: _Followed) -> None:
        """The score stood as long as its pixels did: that which most readings of them say."""
        if not followed.scores or followed.unchanged_at is None:
            return
        same = followed.scores[followed.scores_before :] or followed.scores[-1:]
        weights: dict[tuple[int, int], float] = defaultdict(float)
        for reading in same:
            weights[reading.score] += reading.confidence
        stood = max(weights, key=lambda score: weights[score])
        if same[-1].time_seconds < followed.unchanged_at:
            sure = weights[stood] / sum(weights.values())
            followed.scores.append(ScoreReading(followed.unchanged_at, stood, sure))

    def _read_rows(self, followed: _Followed, time: float, picture: Picture) -> bool:
        """Read the rows of a bug where they stand; whether they say what was last read there."""
        place = followed.place
        if not _rows_are_enough(followed, time):
            return False
        bug = place.read_rows(picture, self._reader)
        said = None if bug is None or not _is_of(bug, place.bug) else bug.score
        if bug is None or said is None or said != followed.scores[-1].score:
            followed.unread_rows += 1
            return False
        followed.unread_rows = 0
        followed.scores.append(ScoreReading(time, said, bug.confidence))
        place.learn(picture)
        return True

    def _read_all(
        self,
        followed: _Followed,
        time: float,
        picture: Picture,
        since: float | None = None,
        heights: tuple[float, ...] = _CLOSE,
    ) -> bool:
        bug = followed.place.read(picture, self._reader, heights)
        if bug is None:
            return False
        followed.whole_at = time
        self._note(followed, time, bug, since)
        if _says_more(bug, followed.place.bug):
            followed.place = BugPlace(bug, picture)
            followed.recent.clear()
            followed.pixels = None
            followed.unread_rows = 0
        elif bug.score is not None or bug.clock_seconds is not None:
            followed.place.learn(picture)
        return bug.score is not None

    def _note(
        self, followed: _Followed, time: float, bug: BugText, since: float | None = None
    ) -> None:
        if bug.score is not None:
            if followed.scores and followed.scores[-1].score != bug.score:
                followed.to_read_again = _READ_AGAIN
            if since is not None and since < time:
                followed.scores.append(ScoreReading(since, bug.score, bug.confidence, is_new=True))
            followed.scores.append(
                ScoreReading(time, bug.score, bug.confidence, is_new=since == time)
            )
        if bug.home and bug.away:
            followed.teams.append((time, (bug.home, bug.away)))
        if bug.half in (1, 2):
            followed.marks.append((time, int(bug.half)))
        if bug.added_minutes is not None:
            followed.added.append((time, bug.added_minutes))
        if bug.clock_seconds is not None:
            followed.clocks.append(
                ClockReading(time, bug.clock_seconds, bug.confidence, bug.clock_has_seconds)
            )

    def end(self, duration_seconds: float | None = None) -> None:
        """Read what is left to read, and let the networks go: they hold most of the memory.

        Args:
            duration_seconds: of the recording; by the last picture if None.
        """
        if self._has_ended:
            return
        for followed in self._followed:
            self._look_back(followed)
        self._duration = self._end + self._step if duration_seconds is None else duration_seconds
        self._chosen, self._runs = choose([*self._given_up, *self._followed], self._duration)
        for followed in self._chosen:
            self._name(followed)
        self._has_ended = True
        del self._reader

    def finish(
        self, evidence: Sequence[Evidence] = (), duration_seconds: float | None = None
    ) -> ScoreBugResult:
        """Decode what was read.

        Args:
            evidence: of the moments of goals, from the other parts of the pass.
            duration_seconds: see ``end``, which this calls where it was not called before.
        """
        self.end(duration_seconds)
        if not self._chosen:
            return ScoreBugResult(remarks=("no score bug was found",))
        read = (self._start or 0.0, self._duration)
        return replace(decode(self._chosen, self._runs, read, evidence), box=self._box())

    def _box(self) -> tuple[float, float, float, float] | None:
        """What all its places cover, as shares of the picture."""
        if self._size is None:
            return None
        width, height = self._size
        boxes = [followed.place.box.within(width, height) for followed in self._chosen]
        return (
            min(box.left for box in boxes) / width,
            min(box.top for box in boxes) / height,
            max(box.right for box in boxes) / width,
            max(box.bottom for box in boxes) / height,
        )

    def _name(self, followed: _Followed) -> None:
        """Add the names read from the mean picture, which count as much as half of the others."""
        names = followed.place.read_names(self._reader) if followed.teams else None
        if names is not None:
            time = followed.teams[-1][0]
            followed.teams.extend([(time, names)] * (1 + len(followed.teams) // 2))


def _score_wait(followed: _Followed, was_unsure: bool) -> float:
    """Seconds until a score that looks as before is read again."""
    if followed.unread_scores > _SCORE_TRIES:
        if followed.scores:
            return _SCORE_EVERY_SECONDS
        return min(_SCORE_EVERY_SECONDS, 2.0 ** (followed.unread_scores - _SCORE_TRIES))
    again = was_unsure or followed.to_read_again > 0 or followed.unread_scores > 0
    return 1.0 if again else _SCORE_EVERY_SECONDS


def _rows_are_enough(followed: _Followed, time: float) -> bool:
    """Whether the next reading of a bug that looks as before may leave out all but its rows."""
    return (
        followed.place.has_rows
        and len(followed.scores) >= _WHOLE_AT_FIRST
        and followed.to_read_again < _WHOLE_AGAIN
        and followed.unread_rows < _ROW_TRIES
        and time - followed.whole_at < _WHOLE_EVERY_SECONDS
        and not _may_add_time(followed)
    )


def _may_add_time(followed: _Followed) -> bool:
    """Whether added time may be shown about now, by the clock."""
    if not followed.clocks:
        return False
    before, after = _ADDED_SECONDS
    last = followed.clocks[-1]
    if followed.rate < 0:
        return last.shown_seconds < before
    limit = round(last.shown_seconds / HALF_SECONDS) * HALF_SECONDS
    at_first = last.shown_seconds - (last.time_seconds - followed.back_at)
    begins = at_first >= limit - before  # as in a second half that counts on
    return limit > 0 and not begins and -before < last.shown_seconds - limit < after


def _is_of(bug: BugText, known: BugText) -> bool:
    """Whether a name of a bug is that of one that was read before, or that one has none."""
    pairs = [(bug.home, known.home), (bug.away, known.away)]
    named = [(read, name) for read, name in pairs if name is not None]
    return not named or any(read is not None and same_name(read, name) for read, name in named)


def _is_names_alone(place: BugText) -> bool:
    """Whether a place seen at a glance has neither a score nor a clock, as names on boards."""
    return place.score is None and place.clock_seconds is None


def _stood(place: Box, boxes: Sequence[Box]) -> bool:
    """Whether a place is one of these."""
    return any(place.overlap(box) > 0.5 for box in boxes)


def _own_part(bug: BugText) -> Box:
    """What no other bug has a part in: the clock may be that of the bug over or under it."""
    return bug.row or bug.box


def _borrows_clock(bug: BugText, others: Sequence[BugText]) -> bool:
    """Whether the clock of a bug is that of another one, in whose row it stands."""
    clock = bug.clock_box
    if clock is None or bug.has_clock_in_row():
        return False
    return any(
        other.has_clock_in_row()
        and other.clock_box is not None
        and other.clock_box.overlap(clock) > 0.5
        and not _stood(_own_part(bug), [_own_part(other)])
        for other in others
    )


def _says_more(bug: BugText, before: BugText) -> bool:
    """Whether a reading has parts of the bug that were not found before, and lacks none; or the
    clock that counts is another one."""

    def parts(one: BugText) -> set[str]:
        found = {
            "clock": one.clock_box is not None,
            "score": one.score is not None,
            "names": len(one.team_boxes) == 2,
        }
        return {name for name, there in found.items() if there}

    if bug.clock_box is not None and bug.standing_seconds != before.standing_seconds:
        return parts(bug) >= parts(before)
    return parts(bug) > parts(before)
