"""A model over a whole dataset: the predictions that evaluation and challenges read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from touchline.datasets.soccernet import Game
from touchline.events import Match, Timeline
from touchline.formats import FORMATS, write
from touchline.runtime.atomic import already_there
from touchline.runtime.progress import Progress
from touchline.scores import Scores
from touchline.spotting.curve_files import curves_path
from touchline.zoo.cards import ModelCard

FORMAT = "soccernet-results"
RESULTS_FILE = FORMATS[FORMAT].file_name or ""

CHALLENGE_THRESHOLD = 0.01
"""Events below this confidence are left out: the published systems keep weak ones, which lift the
average precision a little."""


def challenge_threshold(card: ModelCard) -> float:
    """The floor of confidence on a model's card, else ``CHALLENGE_THRESHOLD``."""
    rule = card.suppression
    return CHALLENGE_THRESHOLD if rule is None or rule.floor is None else rule.floor


VideoProgress = Callable[[Game, int, float], None]

KeepCurves = Callable[[Game, int, Scores], None]
"""Takes the curves of a half of a game."""


class HalfSpotter(Protocol):
    """A model that finds the events of a half, from its video or from its features."""

    def check(self, path: Path, /) -> None:
        """Raise what is wrong with a half before any is spotted."""
        ...

    def spot(self, path: Path, /, *, threshold: float, progress: Progress | None) -> Timeline:
        """The events of a half."""
        ...


@dataclass(frozen=True)
class DatasetPredictions:
    """What a model found in each game.

    Attributes:
        matches: by game, one timeline per video; games without any event are there too.
        warnings: about videos that could be read in part only, and halves that are missing.
    """

    matches: dict[str, Match]
    warnings: tuple[str, ...]

    @property
    def events(self) -> int:
        """Predictions in all."""
        return sum(len(match.events) for match in self.matches.values())

    def write(self, path: Path, *, format: str = FORMAT, overwrite: bool = True) -> None:
        """Write ``league/season/game/results_spotting.json`` into a folder, or a ``.zip``.

        Args:
            format: see ``touchline.systems.results_format``.

        Raises:
            FormatError: it cannot be written.
            InputError: another file is there that must stay.
        """
        if path.suffix.lower() == ".zip":
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            path.mkdir(parents=True, exist_ok=True)
        write(self.matches, path, format, overwrite=overwrite)


def refuse_results(targets: Sequence[Path], games: Sequence[Game], file_name: str) -> None:
    """Find out whether results are in the place of those to come, before hours go into them.

    Args:
        targets: folders, or files ``.zip``.
        file_name: of the results of a game.

    Raises:
        InputError: there are.
    """
    for target in targets:
        is_zip = target.suffix.lower() == ".zip"
        names = [target] if is_zip else [target / game.name / file_name for game in games]
        if (there := next(filter(Path.exists, names), None)) is not None:
            raise already_there(there)


def refuse_curves(folder: Path, games: Sequence[Game]) -> None:
    """The same of the curves of every half; see ``touchline.spotting.curve_files``.

    Raises:
        InputError: there are.
    """
    names = [curves_path(folder, game.name, half.number) for game in games for half in game.halves]
    if (there := next(filter(Path.exists, names), None)) is not None:
        raise already_there(there)


def predict(
    spotter: HalfSpotter,
    games: Sequence[Game],
    *,
    threshold: float = CHALLENGE_THRESHOLD,
    progress: VideoProgress = lambda game, half, share: None,
    keep: KeepCurves = lambda game, half, curves: None,
) -> DatasetPredictions:
    """Spot every half of every game.

    All files are opened before the first is spotted, so that a broken one is reported at once.

    Args:
        games: as ``touchline.datasets.soccernet.read_games`` finds them.
        threshold: events of lower confidence are left out.
        progress: called with the game, the number of the half and the share of it done.
        keep: called with the curves of every half, as soon as they are known.

    Raises:
        InputError: a file cannot be read, or does not fit the model.
    """
    check_games(spotter, games)
    matches: dict[str, Match] = {}
    warnings = _missing_halves(games)
    for game in games:
        timelines: list[Timeline] = []
        for half in game.halves:

            def show(share: float, game: Game = game, number: int = half.number) -> None:
                progress(game, number, share)

            timeline = spotter.spot(half.path, threshold=threshold, progress=show)
            warnings += (f"{game.name}, half {half.number}: {text}" for text in timeline.warnings)
            if timeline.scores is not None:
                keep(game, half.number, timeline.scores)
            timelines.append(replace(timeline, half=half.number, scores=None))
        matches[game.name] = Match(game.name, tuple(timelines))
    return DatasetPredictions(matches, tuple(warnings))


def check_games(spotter: HalfSpotter, games: Sequence[Game]) -> None:
    """Open every half of every game, and spot none.

    Raises:
        InputError: a file cannot be read, or does not fit the model.
    """
    for game in games:
        for half in game.halves:
            spotter.check(half.path)


def _missing_halves(games: Sequence[Game]) -> list[str]:
    """Warnings about games that lack a half which others have."""
    known = {half.number for game in games for half in game.halves}
    return [
        f"{game.name}: there is no half {number}, as other games have"
        for game in games
        for number in sorted(known - {half.number for half in game.halves})
    ]
