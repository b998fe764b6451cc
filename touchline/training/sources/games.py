"""The games of a recipe's splits with their labels, before any video or feature is read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from touchline.datasets.soccernet import Game, check_labels, read_games
from touchline.errors import InputError
from touchline.events import Match
from touchline.labels import LABEL_SETS, LabelSet, label_set_of
from touchline.runtime.progress import Remark, no_remark
from touchline.runtime.wording import counted
from touchline.training.options.common import LabelOptions

_MOST_NAMED_CLASSES = 5


@dataclass(frozen=True)
class LabelledGames:
    """The games of both splits with their labels.

    Attributes:
        labels: the classes, in the order of the network's outputs.
    """

    labels: LabelSet
    training: tuple[tuple[Game, Match], ...]
    validation: tuple[tuple[Game, Match], ...]


def read_labels(
    options: LabelOptions,
    say: Remark = no_remark,
    *,
    size: str = "224p",
    features: str | None = None,
) -> LabelledGames:
    """Find the games of both splits and read what is labelled in them.

    Args:
        say: called with remarks, such as which classes have no event.
        size: which of several videos of a half is read.
        features: name of the feature files that are read instead of video.

    Raises:
        InputError: no games, a game without its files or labels, or a split without any event.
        LabelError: labels outside the set.
    """
    given = label_set_from(options.labels)
    training = _labelled(_games_of(options.root, options.train, size, features), given, options)
    validation: list[tuple[Game, Match]] = []
    if options.validation is not None:
        games = _games_of(options.root, options.validation, size, features)
        validation = _labelled(games, given, options)
    matches = [match for _, match in training]
    for split, pairs in (("training", training), ("validation", validation)):
        if pairs and not any(match.events for _, match in pairs):
            raise InputError(f"there is no event in the {split} games", where=options.root)
    labels = given or _labels_of(matches)
    unknown = check_labels(
        [match for _, match in (*training, *validation)],
        labels,
        ignore_unknown=options.ignore_unknown_labels,
    )
    if unknown:
        left_out = f"{counted(unknown.total(), 'event')} of {counted(len(unknown), 'label')}"
        say(f"left out {left_out} outside {labels.name}")
    _remark_empty_classes(matches, labels, say)
    _remark_empty_halves(matches, say)
    return LabelledGames(labels, tuple(training), tuple(validation))


def label_set_from(labels: str | Sequence[str]) -> LabelSet | None:
    """The label set that a recipe names or lists; None for ``auto``."""
    if isinstance(labels, str):
        return LABEL_SETS.get(labels)
    known = label_set_of(tuple(labels))
    return known if known.labels == tuple(labels) else LabelSet("custom", tuple(labels))


def _games_of(
    root: str, split: str | tuple[str, ...] | None, size: str, features: str | None
) -> list[Game]:
    """The games of one or several splits; none may be in two of them."""
    splits = split if isinstance(split, tuple) else (split,)
    games = [
        game for name in splits for game in read_games(root, name, size=size, features=features)
    ]
    folders = Counter(game.folder for game in games if "events" not in game.label_files)
    if twice := [folder for folder, count in folders.items() if count > 1]:
        raise InputError("this game is in two of the splits", where=twice[0])
    return games


def _labelled(
    games: Sequence[Game], labels: LabelSet | None, options: LabelOptions
) -> list[tuple[Game, Match]]:
    pairs = []
    for game in games:
        match = game.labels(labels)
        if match is None:
            raise InputError(
                "this game has no labels"
                + (f" of the set {labels.name}" if labels is not None else ""),
                where=game.folder,
                remedy="add them, or choose another set with data.labels",
            )
        pairs.append((game, _as_wanted(match, options)))
    return pairs


def _as_wanted(match: Match, options: LabelOptions) -> Match:
    """The events that a recipe wants, by the labels that it gives them."""
    merged = options.merged_labels
    if not merged and not options.visible_only:
        return match
    timelines = tuple(
        timeline.with_events(
            replace(event, label=merged.get(event.label, event.label))
            for event in timeline
            if event.visibility != "not shown" or not options.visible_only
        )
        for timeline in match.timelines
    )
    return replace(match, timelines=timelines)


def _labels_of(matches: Sequence[Match]) -> LabelSet:
    """The labels that occur, sorted."""
    found = sorted({event.label for match in matches for event in match.events})
    return LabelSet("custom", tuple(found))


def _remark_empty_classes(matches: Sequence[Match], labels: LabelSet, say: Remark) -> None:
    present = {event.label for match in matches for event in match.events}
    if empty := [label for label in labels if label not in present]:
        shown = ", ".join(empty[:_MOST_NAMED_CLASSES])
        rest = len(empty) - _MOST_NAMED_CLASSES
        more = f" and {rest} more" if rest > 0 else ""
        say(f"no training event of {shown}{more}: the network cannot learn what it never sees")


def _remark_empty_halves(matches: Sequence[Match], say: Remark) -> None:
    halves = [timeline for match in matches for timeline in match.timelines]
    if empty := sum(not timeline.events for timeline in halves):
        say(f"{empty} of {len(halves)} training halves have no labelled event")
