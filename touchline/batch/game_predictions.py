"""The predictions of a network for each game of a dataset, as the published program makes them,
kept from call to call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from touchline.batch.executor import Share
from touchline.batch.predictions import (
    FORMAT,
    RESULTS_FILE,
    DatasetPredictions,
    HalfSpotter,
    challenge_threshold,
    predict,
)
from touchline.batch.provenance import MADE_OF, checksum
from touchline.batch.reuse import LastOpened
from touchline.batch.summary import Outcome
from touchline.datasets.features import MAIN
from touchline.datasets.soccernet import Game
from touchline.datasets.streams import file_beside, open_half
from touchline.engines import EngineName, Precision
from touchline.errors import FormatError, InputError
from touchline.events import Match, Timeline, Video
from touchline.formats import read, round_trip
from touchline.formats.provenance import is_as_written, with_checksum
from touchline.media.video import probe
from touchline.runtime.progress import Progress
from touchline.runtime.temporary import remove_temporary
from touchline.spotting.features import sources_of
from touchline.systems import row_of
from touchline.zoo.cards import ModelCard
from touchline.zoo.store import find

WARNINGS = "warnings"
"""The field of a file of predictions for what is to be known of them."""


@dataclass(frozen=True)
class Network:
    """A network, what it reads, and where it runs.

    Attributes:
        name: in the zoo, and of the folder of its predictions.
        members: names of the networks whose curves are averaged; empty for one network.
        reads_features: whether games are read from feature files; else from videos.
        features: name of the feature files, if they are not called as the model's own.
        engine, precision, threads: of a network that reads pictures.
    """

    name: str
    reads_features: bool
    features: str | None = None
    engine: EngineName = "auto"
    precision: Precision = "fp32"
    threads: int | None = None
    members: tuple[str, ...] = ()

    @property
    def cards(self) -> list[ModelCard]:
        """The cards of its members, or its own."""
        return [find(name).card for name in self.members or (self.name,)]

    @property
    def card(self) -> ModelCard:
        """The card that says what it reads and how events are found."""
        return self.cards[0]

    def check(self, game: Game) -> None:
        """See whether the files of a game fit; only headers are read.

        Raises:
            InputError: a file is missing or damaged, or does not fit the network.
        """
        for half in game.halves:
            if self.reads_features:
                open_half(half.path, sources_of(self.card, self.features))
            else:
                probe(half.path)

    def inputs(self, game: Game) -> list[Path]:
        """The files of a game that it reads."""
        main = [half.path for half in game.halves]
        if not self.reads_features:
            return main
        sources = sources_of(self.card, self.features)
        others = [
            file_beside(path, sources[MAIN], source)
            for path in main
            for name, source in sources.items()
            if name != MAIN
        ]
        return main + [path for path in others if path.exists()]


class _OpenNetwork:
    """A network until it is closed."""

    def __init__(self, network: Network) -> None:
        self.spotter: HalfSpotter
        if network.reads_features:
            from touchline.spotting.features import load_for_features

            opened = load_for_features(network.name, features=network.features)
            self.spotter, self._leave = opened, opened.__exit__
        else:
            from touchline.spotting.averaged import load_averaged

            video = load_averaged(
                network.members or (network.name,),
                engine=network.engine,
                precision=network.precision,
                threads=network.threads,
                as_published=True,
            )
            self.spotter, self._leave = video, video.__exit__

    def close(self) -> None:
        self._leave(None, None, None)


_networks: LastOpened[Network, _OpenNetwork] = LastOpened(_OpenNetwork)


@dataclass(frozen=True)
class PredictTask:
    """The ``results_spotting.json`` of one game.

    Attributes:
        folder: the predictions of this network, ``league/season/game`` below.
        overwrite: make them anew, whoever made those that are there.
    """

    network: Network
    game: Game
    folder: Path
    overwrite: bool = False

    @property
    def name(self) -> str:
        """See ``FileTask``."""
        return self.game.name

    @property
    def path(self) -> Path:
        """The file that it makes."""
        return self.folder / self.game.name / RESULTS_FILE

    def run(self, progress: Progress) -> Outcome:
        """Predict, unless it was done.

        Raises:
            InputError: no such model, or it cannot run.
        """
        try:
            outcome = self._kept()
        except InputError as error:
            outcome = self.failed(str(error))
        if outcome is None:
            spotter = _networks(self.network).spotter
            try:
                outcome = self._make(spotter, progress)
            except InputError as error:
                outcome = self.failed(str(error))
        progress(1.0)
        return outcome

    def failed(self, reason: str) -> Outcome:
        """See ``OutcomeTask``."""
        return Outcome(self.name, "failed", reason=reason)

    def clear(self) -> None:
        """See ``FileTask``."""
        remove_temporary(self.path)

    def with_share(self, share: Share) -> "PredictTask":
        """See ``OutcomeTask``."""
        return replace(self, network=replace(self.network, threads=share.threads))

    def release(self) -> None:
        """See ``OutcomeTask``."""
        _networks.close()

    def predictions(self) -> Match:
        """What it made, as the official evaluation reads it, halves without events included.

        Raises:
            FormatError: there is no such file, or it is malformed.
        """
        found = read(self.path)
        if not isinstance(found, Match):
            raise FormatError("not predictions of a game", where=self.path)
        timelines = tuple(
            found.half(half.number) or Timeline(Video(half.path.name), half=half.number)
            for half in self.game.halves
        )
        return replace(found, name=self.name, timelines=timelines)

    def _kept(self) -> Outcome | None:
        """What is there of this network and these files; None if it has to be made.

        Raises:
            InputError: a file that touchline did not write, or that was changed since.
        """
        if self.overwrite or not self.path.exists():
            return None
        try:
            match = self.predictions()
        except FormatError:
            raise _not_ours(self.path) from None
        if not is_as_written(match):
            raise _not_ours(self.path)
        if match.extra.get(MADE_OF) != self._made_of():
            return None
        return self._outcome(match, kept=True)

    def _make(self, spotter: HalfSpotter, progress: Progress) -> Outcome:
        made_of = self._made_of()  # before hours in which the files may change
        found = predict(
            spotter,
            [self.game],
            threshold=challenge_threshold(self.network.card),
            progress=lambda game, half, share: progress(self._share(half, share)),
        )
        match = round_trip(found.matches[self.name], FORMAT)
        assert isinstance(match, Match)  # as the format says
        match = with_checksum(replace(match, name=self.name, extra={MADE_OF: made_of}))
        if found.warnings:
            match = replace(match, extra={**match.extra, WARNINGS: list(found.warnings)})
        DatasetPredictions({self.name: match}, ()).write(self.folder)
        return self._outcome(match, kept=False)

    def _share(self, half: int, share: float) -> float:
        """The share of the game that is done, in the half of this number."""
        before = sum(other.number < half for other in self.game.halves)
        return (before + min(share, 1.0)) / len(self.game.halves)

    def _made_of(self) -> str:
        cards = tuple(card.model_dump_json() for card in self.network.cards)
        card = self.network.card
        options: tuple[object, ...] = (cards, challenge_threshold(card), self.network.features)
        if published := row_of(card.system).as_published:
            options += (dict(published),)
        return checksum((), self.network.inputs(self.game), options)

    def _outcome(self, match: Match, *, kept: bool) -> Outcome:
        warnings = match.extra.get(WARNINGS, ())
        return Outcome(
            self.name,
            "kept" if kept else "made",
            (str(self.path),),
            warnings=tuple(map(str, warnings)) if isinstance(warnings, list) else (),
            events=len(match.events),
        )


def plan_predictions(
    networks: Sequence[Network],
    games: Iterable[Game],
    out: Path,
    *,
    overwrite: bool = False,
) -> Mapping[str, list[PredictTask]]:
    """The tasks of every network, by its name, a folder of its name for each."""
    games = list(games)
    return {
        network.name: [PredictTask(network, game, out / network.name, overwrite) for game in games]
        for network in networks
    }


def _not_ours(path: Path) -> InputError:
    return InputError(
        "is there already, and was not written by touchline or was changed since",
        where=path,
        remedy="write elsewhere with --out, or give --overwrite",
    )
