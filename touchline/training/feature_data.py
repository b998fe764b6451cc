"""What a recipe for features trains and validates on, and what can be wrong with it."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from touchline.datasets.features import (
    MAIN,
    FeatureFile,
    LabelledHalf,
    LabelledSteps,
    label_steps,
)
from touchline.datasets.soccernet import Game, check_labels, known_events
from touchline.datasets.streams import (
    OPENERS,
    StreamSource,
    check_numbers,
    file_beside,
    identity_of,
    open_half,
)
from touchline.errors import ConfigError, InputError
from touchline.events import Event, Match, Timeline
from touchline.labels import LabelSet
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds, parse_rate
from touchline.training.data import Say, games_of, label_set_from, labelled, labels_of
from touchline.training.feature_config import (
    FeatureDataOptions,
    SideStreamOptions,
    StreamOptions,
)
from touchline.zoo.identity import FeatureIdentity

LATE_SECONDS = 2.0
"""Published labels lie up to so much beyond the last row."""

_TOLD_CLASSES = 5
_TELLING_EVENTS = 8
_TELLING_HALVES = 2
_EMPTY_SHARE = 0.6

Sources = dict[str, StreamSource]


@dataclass(frozen=True)
class ValidationHalf:
    """One half of the validation split.

    Attributes:
        game: the game it belongs to.
        number: of the half in the game.
        half: its streams and its events on steps.
        truth: everything labelled in it.
    """

    game: str
    number: int
    half: LabelledHalf
    truth: Timeline


@dataclass(frozen=True)
class FeatureData:
    """Everything that a run reads.

    Attributes:
        training: halves that clips are drawn from.
        validation: halves that epochs are measured on; may be empty.
        identities: which extractor made the features, by stream, where they say it.
    """

    training: tuple[LabelledHalf, ...]
    validation: tuple[ValidationHalf, ...]
    identities: Mapping[str, FeatureIdentity]

    def arranged(self, arrange: Callable[[LabelledHalf], LabelledHalf]) -> "FeatureData":
        """The same, every half as a task reads it."""
        return FeatureData(
            tuple(arrange(half) for half in self.training),
            tuple(replace(half, half=arrange(half.half)) for half in self.validation),
            self.identities,
        )


@dataclass(frozen=True)
class LabelledGames:
    """The games of both splits with their labels, before any feature was read.

    Attributes:
        labels: the classes, in the order of the network's outputs.
    """

    labels: LabelSet
    training: tuple[tuple[Game, Match], ...]
    validation: tuple[tuple[Game, Match], ...]


def read_labels(options: FeatureDataOptions, say: Say = lambda text: None) -> LabelledGames:
    """Find the games of both splits and read what is labelled in them.

    Raises:
        InputError: no games, a game without features or labels, or a split without any event.
        LabelError: labels outside the set.
    """
    given = label_set_from(options.labels)
    name = options.features.name
    training = labelled(games_of(options.root, options.train, features=name), given)
    validation = []
    if options.validation is not None:
        validation = labelled(games_of(options.root, options.validation, features=name), given)
    matches = [match for _, match in training]
    for split, pairs in (("training", training), ("validation", validation)):
        if pairs and not any(match.events for _, match in pairs):
            raise InputError(f"there is no event in the {split} games", where=options.root)
    labels = given or labels_of(matches)
    unknown = check_labels(
        [match for _, match in (*training, *validation)],
        labels,
        ignore_unknown=options.ignore_unknown_labels,
    )
    if unknown:
        left_out = f"{counted(unknown.total(), 'event')} of {counted(len(unknown), 'label')}"
        say(f"left out {left_out} outside {labels.name}")
    _tell_empty_classes(matches, labels, say)
    _tell_empty_halves(matches, say)
    return LabelledGames(labels, tuple(training), tuple(validation))


def open_games(
    games: LabelledGames,
    options: FeatureDataOptions,
    streams: Sequence[str],
    steps_per_row: int,
    say: Say = lambda text: None,
) -> FeatureData:
    """Open the streams of every half, put the events on steps, and check all of it.

    Args:
        streams: what the system reads, the main stream first.
        steps_per_row: steps of the system's output for every row of the main stream.

    Raises:
        ConfigError: a stream that the recipe says nothing of, or features of several extractors.
        FormatError: a file that is missing, damaged, of another type, or holds NaN.
        InputError: another width, halves that are not equally long, events beyond the end.
    """
    sources = _sources(options, streams)
    sources = _with_identities(sources, [*games.training, *games.validation])
    opened = _HalfOpener(games.labels, sources, options, steps_per_row)
    training = [half.half for half in opened.halves(games.training)]
    validation = opened.halves(games.validation)
    opened.check_late(say)
    _tell_missing_streams(training, sources, say)
    everything = [*training, *(half.half for half in validation)]
    _check_rate(everything, sources[MAIN], steps_per_row)
    check_numbers(
        stream
        for half in everything
        for stream in half.streams.values()
        if isinstance(stream, FeatureFile)
    )
    identities = {
        name: source.identity for name, source in sources.items() if source.identity is not None
    }
    return FeatureData(tuple(training), tuple(validation), identities)


def stream_source(options: StreamOptions) -> StreamSource:
    """A recipe's stream as the dataset knows it."""
    optional = isinstance(options, SideStreamOptions) and options.optional
    return StreamSource(options.name, parse_rate(options.rate), options.width, optional=optional)


def _sources(options: FeatureDataOptions, streams: Sequence[str]) -> Sources:
    known = {MAIN: options.features, **options.streams}
    for name in streams:
        if name not in known:
            raise ConfigError(
                f"the system reads a stream {name!r}, and nothing says where it is",
                where=f"data.streams.{name}",
                remedy=f"set data.streams.{name}.name, .rate and .width",
            )
    return {name: stream_source(known[name]) for name in dict.fromkeys((MAIN, *streams))}


def _with_identities(sources: Sources, games: Iterable[tuple[Game, Match]]) -> Sources:
    """What the first file of a stream says of its extractor holds for all of them."""
    paths = [half.path for game, _ in games for half in game.halves]

    def told(name: str, source: StreamSource) -> StreamSource:
        if name in OPENERS:
            return source
        files = (file_beside(path, sources[MAIN], source) for path in paths)
        identities = (identity_of(file) for file in files)
        return replace(source, identity=next((i for i in identities if i is not None), None))

    return {name: told(name, source) for name, source in sources.items()}


def _tell_empty_classes(matches: Sequence[Match], labels: LabelSet, say: Say) -> None:
    present = {event.label for match in matches for event in match.events}
    if empty := [label for label in labels if label not in present]:
        shown = ", ".join(empty[:_TOLD_CLASSES])
        more = f" and {len(empty) - _TOLD_CLASSES} more" if len(empty) > _TOLD_CLASSES else ""
        say(f"no training event of {shown}{more}: the network cannot learn what it never sees")


def _tell_empty_halves(matches: Sequence[Match], say: Say) -> None:
    halves = [timeline for match in matches for timeline in match.timelines]
    if empty := sum(not timeline.events for timeline in halves):
        say(f"{empty} of {len(halves)} training halves have no labelled event")


def _tell_missing_streams(training: Sequence[LabelledHalf], sources: Sources, say: Say) -> None:
    for name, source in sources.items():
        missing = [half.name for half in training if name not in half.streams]
        if len(missing) == len(training):
            raise InputError(
                f"no training half has a file <half>_{source.name}.npy",
                where=f"data.streams.{name}",
                remedy="extract it, name the files that are there, or leave the stream out",
            )
        if missing:
            say(f"{len(missing)} of {len(training)} training halves have no stream {name}")


class _HalfOpener:
    """Opens halves, and counts the events that lie beyond their end."""

    def __init__(
        self, labels: LabelSet, sources: Sources, options: FeatureDataOptions, steps_per_row: int
    ) -> None:
        self._labels = labels
        self._sources = sources
        self._options = options
        self._rate = sources[MAIN].rate * steps_per_row
        self._steps_per_row = steps_per_row
        self._late: list[tuple[Path, Event, float]] = []

    def halves(self, games: Iterable[tuple[Game, Match]]) -> list[ValidationHalf]:
        return [
            self._open(game, number, timeline)
            for game, match in games
            for number, timeline in enumerate(match.timelines)
        ]

    def _open(self, game: Game, position: int, timeline: Timeline) -> ValidationHalf:
        half = game.halves[position]
        streams = open_half(half.path, self._sources)
        steps = streams[MAIN].steps * self._steps_per_row
        events = self._on_steps(half.path, known_events(timeline, self._labels), steps)
        name = f"{game.name}/{half.number}"
        return ValidationHalf(game.name, half.number, LabelledHalf(name, streams, events), timeline)

    def _on_steps(self, path: Path, events: Sequence[Event], steps: int) -> LabelledSteps:
        end = float(steps / self._rate)
        inside = []
        for event in events:
            if -LATE_SECONDS <= event.seconds <= end + LATE_SECONDS:
                inside.append(event)
            else:
                self._late.append((path, event, end))
        found = label_steps(
            inside, self._labels, self._rate, whole_seconds=self._options.whole_seconds
        )
        order = np.lexsort((found.classes, clipped := found.steps.clip(0, steps - 1)))
        return LabelledSteps(clipped[order], found.classes[order], found.visible[order])

    def check_late(self, say: Say) -> None:
        """Refuse events beyond the end, or tell how many are left out."""
        if not self._late:
            return
        path, event, end = max(self._late, key=lambda late: late[1].seconds - late[2])
        count = len(self._late)
        if self._options.late_events == "leave-out":
            say(f"left out {counted(count, 'event')} beyond the end of the features")
            return
        raise InputError(
            f"{counted(count, 'event')} beyond the end of the features, such as {event.label} at "
            f"{format_seconds(event.seconds)}: they end at {format_seconds(end)} if they have "
            f"{self._sources[MAIN].rate} rows a second",
            where=path,
            remedy="set data.features.rate, give features of the whole half, or set "
            "data.late_events=leave-out",
        )


def _check_rate(halves: Sequence[LabelledHalf], source: StreamSource, steps_per_row: int) -> None:
    """Refuse features that are much longer than what is labelled, everywhere: another rate."""
    telling = [half for half in halves if len(half.events) >= _TELLING_EVENTS]
    if len(telling) < _TELLING_HALVES:
        return
    shares = [float(half.events.steps[-1] / (half.steps * steps_per_row)) for half in telling]
    if max(shares) >= _EMPTY_SHARE:
        return
    likely = source.rate * Fraction(1, max(1, round(max(shares) * 8))) * 8
    raise InputError(
        f"in all {len(telling)} halves the labels end within {math.ceil(100 * max(shares))}% of "
        f"the features, read at {source.rate} rows a second",
        where=telling[0].name,
        remedy=f"set data.features.rate: {likely} would fit",
    )
