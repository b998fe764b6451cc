"""A published score again: the published weights over a copy of the data, and the same metric."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from touchline.batch.combining import combine_predictions
from touchline.batch.game_predictions import Network, PredictTask
from touchline.columns import columns_of
from touchline.datasets.soccernet import LABEL_FILES, Game, Wanted
from touchline.datasets.splits import (
    LabelledGame,
    NoLabelsError,
    SplitOnDisk,
    read_split,
    source_of,
)
from touchline.datasets.streams import identity_of
from touchline.engines import EngineName, Precision
from touchline.errors import CheckpointError, ConfigError, InputError
from touchline.events import Match
from touchline.labels import LABEL_SETS, LabelSet, evaluation_rate, label_set_of
from touchline.metrics.spotting import evaluate
from touchline.metrics.team import evaluate_team
from touchline.pulling.installed import names_here
from touchline.runtime.wording import counted, did_you_mean
from touchline.zoo.cards import ModelCard
from touchline.zoo.catalogue import Entry, ReportedScore, entries, find_entry, pull_command
from touchline.zoo.store import find

CHALLENGE = "challenge"
DEFAULT_SPLIT = "test"
NAMED = 3
"""So many games stand in one line."""

_TEAM = "team "
_HIGH_PICTURE = 300
"""Networks of higher pictures read the 720p videos."""


How = Literal["alone", "mean", "together", "average"]
"""How several networks make one score: the mean of their scores; their events scored as those of
one; or their curves averaged before events are found."""


@dataclass(frozen=True)
class Reported:
    """What was reported of a published network, and on which split.

    Attributes:
        entry: of the catalogue.
        scores: those on the split, else all that were reported.
        split: to predict and score.
        names: the networks whose scores these are.
    """

    entry: Entry
    scores: tuple[ReportedScore, ...]
    split: str
    names: tuple[str, ...]
    how: How


def reported(name: str, split: str | None = None, *, average: bool = False) -> Reported:
    """What the catalogue says was reported of a network.

    Args:
        split: by default the one of the first reported score, and test where none is stated.
        average: of the average of several networks, instead of this one.

    Raises:
        ConfigError: not an entry, or one that touchline cannot run, or without a reported score.
    """
    entry = find_entry(name)
    if entry is None:
        raise _unknown(name)
    if average and entry.average is None:
        raise ConfigError(
            f"no average of networks is reported for {name}",
            where="--average",
            remedy=f"leave it out, or name one that has it: {', '.join(_averaged())}",
        )
    if not entry.scores:
        raise ConfigError(
            "no score is reported for it",
            where=name,
            remedy="touchline models list shows the reported scores",
        )
    if entry.missing:
        raise ConfigError(f"touchline cannot use it yet: {entry.missing}", where=name)
    scores, names, how = _reported_scores(entry, average)
    chosen = split or scores[0].split or DEFAULT_SPLIT
    on_split = tuple(score for score in scores if score.split == chosen)
    return Reported(entry, on_split or scores, chosen, names, how)


def _reported_scores(
    entry: Entry, average: bool
) -> tuple[tuple[ReportedScore, ...], tuple[str, ...], How]:
    if average and entry.average is not None:
        return entry.average.scores, entry.average.networks, "average"
    return entry.scores, entry.scored_networks, entry.scores_of.how if entry.scores_of else "alone"


def _averaged() -> list[str]:
    return [entry.name for entry in entries() if entry.average is not None]


def _unknown(name: str) -> ConfigError:
    known = [entry.name for entry in entries() if entry.scores]
    return ConfigError(
        f"{name[:80]!r} is no published network",
        remedy=f"{did_you_mean(name, known)}touchline models list names them",
    )


def absent_networks(what: Reported) -> list[str]:
    """The networks that are not here, by their names."""
    here = names_here()
    return [name for name in what.names if name not in here]


def require_labels(what: Reported, root: Path) -> None:
    """Refuse a folder without any labels of the network's classes, before weights are fetched.

    Which files a network reads is known only with its weights; that is for ``find_data``.

    Raises:
        InputError: there are none.
    """
    file = LABEL_FILES.get(what.entry.labels)
    if file is None or what.split == CHALLENGE:
        return
    if not any(path.name == file or path.name.endswith(".events.json") for path in root.rglob("*")):
        raise InputError(
            f"holds no {file} of any game",
            where=root,
            remedy="give the folder of league/season/game with the labels in it",
        )


def require_networks(what: Reported) -> None:
    """Refuse a reproduction whose weights are not here.

    Raises:
        CheckpointError: they are not, or other weights have their name; says the command.
    """
    absent = absent_networks(what)
    by_hand = [entry for entry in map(find_entry, absent) if entry and entry.is_by_hand]
    if by_hand:
        entry = by_hand[0]
        raise CheckpointError(
            f"its weights are not here, and only a browser can fetch them: {entry.origin.where}",
            where=entry.name,
            remedy=f"fetch them there, then run: {entry.command}",
        )
    if absent:
        raise CheckpointError(
            f"the published weights of {_named(absent)} are not here",
            where=what.entry.name,
            remedy=f"run: {pull_command(' '.join(absent))}; or give --pull",
        )
    for entry in filter(None, map(find_entry, what.names)):
        _require_published(entry)


def _require_published(entry: Entry) -> None:
    """Refuse a model that has the name of an entry, but not its weights."""
    folder = find(entry.name)
    if not entry.is_by_hand and folder.card.source != entry.source:
        raise CheckpointError(
            f"is not the published {entry.name}, but {folder.card.source or 'of unknown origin'}",
            where=folder.path,
            remedy=f"move that folder away and run: {pull_command(entry.name)}",
        )


@dataclass(frozen=True)
class Data:
    """What a user has of a split.

    Attributes:
        networks: ready to predict it.
        label_set: the classes that are scored.
    """

    split: SplitOnDisk
    networks: tuple[Network, ...]
    label_set: LabelSet

    @property
    def games(self) -> list[Game]:
        """The games that are whole."""
        return [labelled.game for labelled in self.split.games]


def find_data(
    what: Reported,
    root: Path,
    *,
    first: int | None = None,
    available: bool = False,
    extract: bool = False,
    features: str | None = None,
    video: str | None = None,
    engine: EngineName = "auto",
    precision: Precision = "fp32",
) -> Data:
    """Find the games that the networks need with their labels; the networks must be here.

    Args:
        root: the copy of the data set.
        first: so many games of the split only.
        available: go on with the games that are whole; by default every game has to be.
        extract: read videos, and extract the features that a model reads from them.
        features: name of the feature files, if they are not called as the model's own.
        video: which of several videos of a half to read; by default that of the pictures' size.

    Raises:
        InputError: no such folder or split, or games that are not whole; names them, and says what
            they lack and how to get it.
    """
    cards = [find(name).card for name in what.names]
    _refuse_options(cards, features, extract)
    networks = tuple(
        Network(name, card.features is not None and not extract, features, engine, precision)
        for name, card in zip(what.names, cards, strict=True)
    )
    if what.how == "average":
        if networks[0].reads_features:
            raise ConfigError("only networks of pictures are averaged", where="--average")
        networks = (replace(networks[0], name=f"{what.entry.name}-average", members=what.names),)
    first_card = cards[0]
    size = video or ("720p" if (first_card.height or 0) > _HIGH_PICTURE else "224p")
    own = None if extract else first_card.features
    wanted = Wanted(size, None if own is None else features or own.name)
    label_set = _scored_classes([card.label_set for card in cards])

    def check(game: Game) -> None:
        for network in networks:
            network.check(game)

    found = read_split(
        root,
        what.split,
        wanted,
        label_set_of(label_set.labels),
        first=first,
        past_absent=available,
        check=check,
    )
    if not found.games:
        raise _no_game(what, root, wanted, label_set, found.absent)
    if found.absent and not available:
        raise _games_absent(what, root, wanted, label_set, found)
    return Data(found, networks, label_set)


def _refuse_options(cards: Sequence[ModelCard], features: str | None, extract: bool) -> None:
    given = {"--features": features is not None, "--extract": extract}
    if (option := next((name for name, is_given in given.items() if is_given), None)) is None:
        return
    if any(card.features is None for card in cards):
        raise ConfigError("the model takes video", where=option, remedy="leave it out")
    if all(given.values()):
        raise ConfigError("--features and --extract exclude each other", remedy="give one of them")


def _scored_classes(sets: Sequence[LabelSet]) -> LabelSet:
    """All classes of the networks, as a published set where they are one."""
    labels = tuple(dict.fromkeys(label for one in sets for label in one))
    known = (known for known in LABEL_SETS.values() if set(known) == set(labels))
    return next(known, LabelSet("custom", labels))


def _no_game(
    what: Reported,
    root: Path,
    wanted: Wanted,
    label_set: LabelSet,
    absent: Mapping[str, InputError],
) -> InputError:
    if not absent:
        return InputError(f"there are no games in split {what.split!r}", where=root)
    name, error = next(iter(absent.items()))
    if what.split == CHALLENGE and isinstance(error, NoLabelsError):
        return _without_challenge_labels(what, root)
    return InputError(
        f"no game of split {what.split!r} can be used; {name}: {error.what}",
        where=error.where or root,
        remedy=how_to_get(root, what.split, wanted, label_set, error),
    )


def _without_challenge_labels(what: Reported, root: Path) -> InputError:
    name = what.entry.name
    return InputError(
        f"the score of {name} is reported on the split challenge, whose labels are not public",
        where=root,
        remedy=f"run: touchline predict {name} {root} --split challenge --challenge {name}.zip, "
        "and upload the zip to the challenge's server; or give --split test",
    )


def how_to_get(
    root: Path, split: str, wanted: Wanted, label_set: LabelSet, error: InputError
) -> str:
    """What gets the files that a game lacks."""
    covering = label_set_of(label_set.labels).name
    if covering == "soccernet-ball":
        return f"run: touchline dataset download {root} --data ball-2025 --split {split}"
    names = [_download_of_input(wanted), source_of(LABEL_FILES.get(covering, ""))]
    data = " ".join(f"--data {name}" for name in names if name is not None)
    parts = [error.remedy] if error.remedy else []
    if data:
        parts.append(f"run: touchline dataset download {root} {data} --split {split}")
    if wanted.features is not None:
        parts.append("or give --extract to make them of the videos that are here")
    return "; ".join(parts)


def _download_of_input(wanted: Wanted) -> str | None:
    ending = wanted.ending
    return source_of(f"1_{wanted.size}.mkv" if ending is None else f"1_{ending}")


def _games_absent(
    what: Reported, root: Path, wanted: Wanted, label_set: LabelSet, found: SplitOnDisk
) -> InputError:
    error = next(iter(found.absent.values()))
    return InputError(
        f"{len(found.absent)} of {counted(found.listed, 'game')} of split {what.split!r} cannot be "
        f"used: {_named(list(found.absent))}; of the first: {error.what}",
        where=root,
        remedy=f"{how_to_get(root, what.split, wanted, label_set, error)}; or give --available to "
        "score the games that are here",
    )


@dataclass(frozen=True)
class Figure:
    """One reported score and the one reached, in percent.

    Attributes:
        reached: None where the official figure is not a number, as some class does not occur.
        each: what each network reached, by its name, where the figure is their mean.
    """

    metric: str
    on: str
    reported: float
    reached: float | None
    each: Mapping[str, float | None]

    @property
    def difference(self) -> float | None:
        """Reached less reported."""
        return None if self.reached is None else self.reached - self.reported

    def to_json(self) -> dict[str, Any]:
        """Percentages, rounded to a millionth."""
        record = {
            "metric": self.metric,
            "on": self.on,
            "reported": self.reported,
            "reached": _rounded(self.reached),
            "difference": _rounded(self.difference),
        }
        each = {name: _rounded(value) for name, value in self.each.items()}
        return {**record, **({"each": each} if each else {})}


@dataclass(frozen=True)
class Reproduction:
    """The result.

    Attributes:
        games, of_games: scored, and in the split.
        absent: why each of the other games could not be used.
        may_differ: why reached and reported may differ, a sentence each.
        predictions: the folders of the predictions.
    """

    name: str
    networks: tuple[str, ...]
    how: How
    split: str
    games: int
    of_games: int
    absent: Mapping[str, str]
    figures: tuple[Figure, ...]
    may_differ: tuple[str, ...]
    predictions: tuple[str, ...]

    @property
    def is_part(self) -> bool:
        """Whether games of the split were left out."""
        return self.games < self.of_games

    def to_json(self) -> dict[str, Any]:
        """As ``reproduce --json`` prints it."""
        return {
            "name": self.name,
            "networks": list(self.networks),
            "how": self.how,
            "split": self.split,
            "games": self.games,
            "of_games": self.of_games,
            "is_part": self.is_part,
            "absent": dict(self.absent),
            "scores": [figure.to_json() for figure in self.figures],
            "may_differ": list(self.may_differ),
            "predictions": list(self.predictions),
        }


def compare(what: Reported, data: Data, tasks: Mapping[str, Sequence[PredictTask]]) -> Reproduction:
    """Score what the tasks predicted by the reported metrics.

    Args:
        tasks: of each network, in the order of the games; all were run.

    Raises:
        FormatError: predictions that are not there or malformed.
        InputError: networks that are scored together have a class in common.
        LabelError: labels of team ball spotting outside its set.
    """
    found = {name: [task.predictions() for task in own] for name, own in tasks.items()}
    if what.how == "together":
        parts = [{match.name: match for match in matches} for matches in found.values()]
        found = {what.entry.name: list(combine_predictions(parts).values())}
    figures = tuple(_figure(score, data, found) for score in what.scores)
    return Reproduction(
        what.entry.name,
        what.names,
        what.how,
        what.split,
        len(data.games),
        data.split.listed,
        {name: str(error) for name, error in data.split.absent.items()},
        figures,
        tuple(_may_differ(what, data)),
        tuple(str(own[0].folder) for own in tasks.values()),
    )


def _figure(score: ReportedScore, data: Data, found: Mapping[str, Sequence[Match]]) -> Figure:
    each = {name: _reached(score.metric, data, matches) for name, matches in found.items()}
    values = [value for value in each.values() if value is not None]
    mean = float(np.mean(values)) if len(values) == len(each) else None
    return Figure(score.metric, score.on, score.value, mean, each if len(each) > 1 else {})


def _reached(metric: str, data: Data, matches: Sequence[Match]) -> float | None:
    """The official figure in percent; None where it is not a number."""
    truth = {one.game.name: one.labels for one in data.split.games}
    predicted = {match.name: match for match in matches}
    rate = evaluation_rate(label_set_of(data.label_set.labels))
    if metric.startswith(_TEAM):
        team = evaluate_team(
            {name: columns_of(match) for name, match in truth.items()},
            {name: columns_of(match) for name, match in predicted.items()},
            label_set=data.label_set,
            metric=metric.removeprefix(_TEAM),
            rate=rate,
        )
        return None if team.absent else 100 * team.team_map
    scores = evaluate(truth, predicted, label_set=data.label_set, metric=metric, rate=rate)
    return 100 * scores.average_map


def _may_differ(what: Reported, data: Data) -> Iterator[str]:
    """Why the figure may differ from the reported one, the weightiest reason first."""
    yield from _differing_games(what, data)
    network = data.networks[0]
    if network.reads_features:
        yield _differing_features(data.split.games)
    elif network.card.features is not None:
        yield (
            "features are extracted here from the videos, not read from the published files: other "
            "decoders and libraries change them a little"
        )
    else:
        yield (
            "frames are taken here from the video itself; the published ones were written as JPEG "
            "files by ffmpeg first, whose scaling and compression change pictures a little"
        )
        yield (
            f"the network computes here in {_PRECISIONS[network.precision]}; the "
            "published figures may be of half precision on a GPU"
        )
        yield "every view is the plain picture here: no flips or crops are averaged"
    if what.entry.note:
        yield f"of the weights is known: {what.entry.note}"


_PRECISIONS: dict[Precision, str] = {
    "fp32": "float32",
    "bf16": "bfloat16",
    "int8": "eight bits",
    "auto": "what is fastest on this processor, which may be bfloat16",
}


def _differing_games(what: Reported, data: Data) -> Iterator[str]:
    scored, size = len(data.games), data.split.listed
    if scored < size:
        yield f"this is a part: {scored} of {counted(size, 'game')} of the split {what.split}"
    elsewhere = [score.on for score in what.scores if score.split not in (None, what.split)]
    if elsewhere:
        yield f"the score was reported on {elsewhere[0]}, and this is the split {what.split}"
    if any(score.split is None for score in what.scores):
        yield f"which split the score was reported on is not stated; this is {what.split}"
    if data.split.is_published is None:
        yield (
            "the games are those that this folder names as the split; whether that is the "
            "published split was not checked (pip install SoccerNet brings the published lists)"
        )
    elif not data.split.is_published:
        yield f"the games are this folder's own split {what.split}, not the published one"


def _differing_features(games: Sequence[LabelledGame]) -> str:
    own = [half.path for one in games for half in one.game.halves]
    made_here = sum(identity_of(path) is not None for path in own)
    if not made_here:
        return (
            "the feature files do not say what made them: the figure is reached where they are the "
            "published ones"
        )
    return (
        f"{made_here} of {counted(len(own), 'feature file')} were extracted by touchline, not "
        "published: other decoders and libraries change features a little"
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
