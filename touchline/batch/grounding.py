"""A network of replay grounding over a whole dataset: which live action does each replay show?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from touchline.batch.predictions import VideoProgress
from touchline.datasets.features import MAIN, FeatureFile
from touchline.datasets.soccernet import Game
from touchline.datasets.streams import open_half
from touchline.errors import InputError
from touchline.formats import write_files
from touchline.formats.grounding import REPLAY_FILES, SHOT_FILE, read_shots, replays_document
from touchline.replays import GroundedReplay, Replay, replays_of
from touchline.spotting.features import sources_of
from touchline.zoo.store import ModelFolder


@dataclass(frozen=True)
class DatasetReplays:
    """The replays of each game, with the action that a network finds for each.

    Attributes:
        replays: by game, in playing order; games without any replay are there too.
    """

    replays: dict[str, list[GroundedReplay]]

    @property
    def count(self) -> int:
        """Replays in all."""
        return sum(map(len, self.replays.values()))

    def write(self, path: Path, *, overwrite: bool = True) -> None:
        """Write ``league/season/game/results_grounding.json`` into a folder, or a ``.zip``.

        Raises:
            FormatError: it cannot be written.
            InputError: another file is there that must stay.
        """
        files = {
            f"{game}/{REPLAY_FILES[0]}": replays_document(replays, game).encode()
            for game, replays in sorted(self.replays.items())
        }
        write_files(files, path, overwrite=overwrite)


def ground_games(
    folder: ModelFolder,
    games: Sequence[Game],
    *,
    features: str | None = None,
    threshold: float = 0.0,
    progress: VideoProgress = lambda game, half, share: None,
) -> DatasetReplays:
    """Ground the replays of every game in the half in which they are shown. Needs PyTorch.

    The replays are those of ``Labels-cameras.json`` in the game's folder. All files are opened
    before the first is grounded.

    Args:
        folder: the model, of system ``calf-grounding``.
        games: as ``touchline.datasets.soccernet.read_games`` finds them, with the features.
        features: name of the feature files, if they are not called as the model's own.
        threshold: candidates of lower score are left out.

    Raises:
        InputError: a file is missing or damaged, or does not fit the model; CheckpointError: the
            model's own files do.
    """
    from touchline.engines.stages import open_stages
    from touchline.spotting.grounding import ground

    sources = sources_of(folder.card, features)
    shown = {game.name: _replays(game) for game in games}
    for game in games:
        for half in game.halves:
            open_half(half.path, sources)
    network = open_stages(folder)
    found: dict[str, list[GroundedReplay]] = {}
    for game in games:
        found[game.name] = []
        for half in game.halves:
            stream = open_half(half.path, sources)[MAIN]
            if isinstance(stream, FeatureFile):
                stream.check_finite()
            own = [replay for replay in shown[game.name] if replay.half == half.number]
            found[game.name] += [_above(one, threshold) for one in ground(network, stream, own)]
            progress(game, half.number, 1.0)
    return DatasetReplays(found)


def _replays(game: Game) -> tuple[Replay, ...]:
    path = game.folder / SHOT_FILE
    if not path.is_file():
        raise InputError(
            "nothing says where the replays of this game are",
            where=game.folder,
            remedy=f"add its {SHOT_FILE}",
        )
    return replays_of(next(iter(read_shots(path).values())))


def _above(replay: GroundedReplay, threshold: float) -> GroundedReplay:
    kept = [place for place, score in enumerate(replay.scores) if score >= threshold]
    return replace(
        replay,
        times=tuple(replay.times[place] for place in kept),
        scores=tuple(replay.scores[place] for place in kept),
    )
