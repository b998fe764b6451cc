"""The halves that a recipe for features trains and validates on, opened and checked."""

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
from touchline.datasets.soccernet import Game, known_events
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
from touchline.runtime.progress import Remark, no_remark
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds, parse_rate
from touchline.training.options.features import (
    FeatureDataOptions,
    SideStreamOptions,
    StreamOptions,
)
from touchline.training.sources.base import ValidationItem
from touchline.training.sources.games import LabelledGames
from touchline.zoo.identity import FeatureIdentity

LATE_SECONDS = 2.0
"""Published labels lie up to so much beyond the last row."""

_RATE_CHECK_EVENTS = 8
"""Labelled events from which on a half counts in the check of the rate."""

_RATE_CHECK_HALVES = 2
_EMPTY_SHARE = 0.6

StreamSources = dict[str, StreamSource]


@dataclass(frozen=True)
class FeatureData:
    """Everything that a run reads.

    Attributes:
        training: halves that clips are drawn from.
        validation: halves that epochs are measured on, each with its ``LabelledHalf``; may be
            empty.
        identities: which extractor made the features, by stream, where that is known.
    """

    training: tuple[LabelledHalf, ...]
    validation: tuple[ValidationItem, ...]
    identities: Mapping[str, FeatureIdentity]

    def arranged(self, arrange: Callable[[LabelledHalf], LabelledHalf]) -> "FeatureData":
        """The same, every half as a task reads it."""
        return FeatureData(
            tuple(arrange(half) for half in self.training),
            tuple(replace(item, content=arrange(item.content)) for item in self.validation),
            self.identities,
        )


def open_halves(
    games: LabelledGames,
    options: FeatureDataOptions,
    streams: Sequence[str],
    steps_per_row: int,
    say: Remark = no_remark,
) -> FeatureData:
    """Open the streams of every half, put the events on steps, and check all of it.

    Args:
        streams: what the system reads, the main stream first.
        steps_per_row: steps of the system's output for every row of the main stream.

    Raises:
        ConfigError: a stream that the recipe does not describe, or features of several extractors.
        FormatError: a file that is missing, damaged, of another type, or holds NaN.
        InputError: another width, halves that are not equally long, events beyond the end.
    """
    sources = _sources(options, streams)
    sources = _with_identities(sources, [*games.training, *games.validation])
    opened = _HalfOpener(games.labels, sources, options, steps_per_row)
    training = [item.content for item in opened.halves(games.training)]
    validation = opened.halves(games.validation)
    opened.check_late(say)
    _remark_missing_streams(training, sources, say)
    everything = [*training, *(item.content for item in validation)]
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


def _sources(options: FeatureDataOptions, streams: Sequence[str]) -> StreamSources:
    known = {MAIN: options.features, **options.streams}
    for name in streams:
        if name not in known:
            raise ConfigError(
                f"the system reads a stream {name!r}, which the recipe does not name",
                where=f"data.streams.{name}",
                remedy=f"set data.streams.{name}.name, .rate and .width",
            )
    return {name: stream_source(known[name]) for name in dict.fromkeys((MAIN, *streams))}


def _with_identities(sources: StreamSources, games: Iterable[tuple[Game, Match]]) -> StreamSources:
    """The sources with the extractor that the first file of each stream names: it holds for all."""
    paths = [half.path for game, _ in games for half in game.halves]

    def with_identity(name: str, source: StreamSource) -> StreamSource:
        if name in OPENERS:
            return source
        files = (file_beside(path, sources[MAIN], source) for path in paths)
        identities = (identity_of(file) for file in files)
        return replace(source, identity=next((i for i in identities if i is not None), None))

    return {name: with_identity(name, source) for name, source in sources.items()}


def _remark_missing_streams(
    training: Sequence[LabelledHalf], sources: StreamSources, say: Remark
) -> None:
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
        self,
        labels: LabelSet,
        sources: StreamSources,
        options: FeatureDataOptions,
        steps_per_row: int,
    ) -> None:
        self._labels = labels
        self._sources = sources
        self._options = options
        self._rate = sources[MAIN].rate * steps_per_row
        self._steps_per_row = steps_per_row
        self._late: list[tuple[Path, Event, float]] = []

    def halves(self, games: Iterable[tuple[Game, Match]]) -> list[ValidationItem]:
        return [
            self._open(game, number, timeline)
            for game, match in games
            for number, timeline in enumerate(match.timelines)
        ]

    def _open(self, game: Game, position: int, timeline: Timeline) -> ValidationItem:
        half = game.halves[position]
        streams = open_half(half.path, self._sources)
        steps = streams[MAIN].steps * self._steps_per_row
        events = self._on_steps(half.path, known_events(timeline, self._labels), steps)
        name = f"{game.name}/{half.number}"
        return ValidationItem(game.name, half.number, timeline, LabelledHalf(name, streams, events))

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

    def check_late(self, say: Remark) -> None:
        """Refuse events beyond the end, or say how many are left out."""
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
    telling = [half for half in halves if len(half.events) >= _RATE_CHECK_EVENTS]
    if len(telling) < _RATE_CHECK_HALVES:
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
