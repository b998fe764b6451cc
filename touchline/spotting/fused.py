"""Two networks of dense anchors on different features, fused to one.

Soares et al., ICIP 2022: each is trained for itself, and their outputs are averaged before
events are looked for.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from touchline.datasets.displacement import reach_steps
from touchline.datasets.features import MAIN, Stream
from touchline.datasets.streams import check_lengths, file_beside, open_half
from touchline.errors import ConfigError
from touchline.events import Producer, Timeline, Video
from touchline.runtime.progress import Progress
from touchline.scores import Scores
from touchline.spotting.features import FeatureSpotter, load_for_features
from touchline.spotting.timelines import DEFAULT_THRESHOLD, ScoredVideo, producer_of, timeline_of
from touchline.timebase import format_rate
from touchline.zoo.cards import ModelCard

if TYPE_CHECKING:
    from touchline.spotting.scorers.dense_anchors import HalfOutput

SYSTEM = "dense-anchors"

Streams = dict[str, Stream]


class FusedSpotter:
    """Runs two networks of dense anchors over halves of features as one. Needs PyTorch.

    Each reads its own feature files. Peaks are kept apart by the first one's rule.

    Args:
        first: the model whose feature files halves are named by.
        second: the model that is fused with it.
        weight: share of the second one, 0 to 1.
        arctanh: how displacements are averaged; see ``dense_anchors.fuse``.

    Raises:
        ConfigError: a model of another system, of other classes, heads, steps or displacements
            than the first, or a weight out of range.
    """

    def __init__(
        self,
        first: FeatureSpotter,
        second: FeatureSpotter,
        *,
        weight: float = 0.5,
        arctanh: bool = False,
    ) -> None:
        if not 0 <= weight <= 1:
            raise ConfigError(f"a weight of {weight:g} is not allowed", remedy="use 0 to 1")
        _check_alike(first, second)
        self.first = first
        self.second = second
        self.weight = weight
        self.arctanh = arctanh

    @property
    def card(self) -> ModelCard:
        """What is known of the first model."""
        return self.first.card

    def with_weight(self, weight: float) -> "FusedSpotter":
        """The same networks, fused by another weight.

        Raises:
            ConfigError: it is out of range.
        """
        return FusedSpotter(self.first, self.second, weight=weight, arctanh=self.arctanh)

    def __enter__(self) -> "FusedSpotter":
        return self

    def __exit__(self, *exception: object) -> None:
        """There is nothing to close: files are opened for as long as they are read."""

    def check(self, path: str | Path) -> None:
        """See at once whether a half can be spotted; only headers are read.

        Args:
            path: the half's feature file of the first model; that of the second lies beside it.

        Raises:
            InputError: one of them is not there, damaged, does not fit its model, or is of another
                length than the other.
        """
        self._open(Path(path))

    def read(self, path: str | Path) -> "tuple[HalfOutput, HalfOutput]":
        """The outputs of both networks for a half.

        Raises:
            InputError: see ``check``; or numbers that are not finite.
        """
        from touchline.spotting.scorers.dense_anchors import read_half

        first, second = self._open(Path(path))
        return self.first.read(read_half, first), self.second.read(read_half, second)

    def fuse(self, outputs: "tuple[HalfOutput, HalfOutput]") -> Scores:
        """The curves of a half, from the outputs of ``read``; as long as the shorter of them."""
        from touchline.spotting.scorers.dense_anchors import detections, fuse

        values = detections(fuse(outputs, (1 - self.weight, self.weight), arctanh=self.arctanh))
        return Scores.regular(values, self.card.label_set, _step_rate(self.first))

    def score(self, path: str | Path) -> Scores:
        """The curves of a half.

        Raises:
            InputError: see ``read``.
        """
        return self.fuse(self.read(path))

    def spot(
        self,
        path: str | Path,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        progress: Progress | None = None,
    ) -> Timeline:
        """Find the events of a half.

        Args:
            path: see ``check``.
            threshold: events of lower confidence are left out.
            progress: called with 1 when it is done.

        Raises:
            InputError: see ``read``.
        """
        scores = self.score(path)
        if progress is not None:
            progress(1.0)
        video = Video(Path(path).name, len(scores) / float(scores.rate))
        scored = ScoredVideo(video, scores, stopped_at_seconds=None)
        timeline = timeline_of(scored, self.card, self.first.suppression, threshold)
        return replace(timeline, model=self._producer())

    def _open(self, path: Path) -> tuple[Streams, Streams]:
        mains = self.first.sources[MAIN], self.second.sources[MAIN]
        first = open_half(path, self.first.sources)
        second = open_half(file_beside(path, *mains), self.second.sources)
        check_lengths(path, mains[1].name, first[MAIN], second[MAIN])
        return first, second

    def _producer(self) -> Producer:
        one, other = producer_of(self.first.card), producer_of(self.second.card)
        return Producer(one.name, f"{one.weights} + {other.weights}")


def load_fused(
    first: str | Path,
    second: str | Path,
    *,
    features: str | None = None,
    weight: float = 0.5,
    arctanh: bool = False,
) -> FusedSpotter:
    """Make two models of dense anchors ready to run as one: names in the zoo, or runs' folders.

    Args:
        features: name of the first one's feature files, if they are not called as its own.
        weight, arctanh: see ``FusedSpotter``.

    Raises:
        InputError: see ``load_for_features``; ConfigError: see ``FusedSpotter``.
    """
    return FusedSpotter(
        load_for_features(first, features=features),
        load_for_features(second),
        weight=weight,
        arctanh=arctanh,
    )


def _check_alike(first: FeatureSpotter, second: FeatureSpotter) -> None:
    """Refuse networks whose outputs mean different things."""
    for spotter in (first, second):
        if spotter.card.system != SYSTEM:
            raise ConfigError(
                f"model {spotter.folder.path.name} is of system {spotter.card.system}",
                remedy=f"fuse networks of {SYSTEM}, or average predictions by touchline combine",
            )
    ours, theirs = _meaning(first), _meaning(second)
    for what in ours | theirs:
        one, other = ours.get(what, "none"), theirs.get(what, "none")
        if one != other:
            raise ConfigError(
                f"the models differ in {what}: {one} for the first, {other} for the second",
                remedy="fuse networks that were trained for the same",
            )


def _meaning(spotter: FeatureSpotter) -> dict[str, str]:
    """What a network must have in common with this one to be fused with it, in words."""
    config, rate = spotter.network.config, _step_rate(spotter)
    return {
        **{f"class {number}": label for number, label in enumerate(spotter.card.label_set, 1)},
        "heads": " and ".join(config.heads),
        "steps a second": format_rate(rate),
        "the reach of displacements": f"{reach_steps(config.delta_seconds, rate)} steps",
    }


def _step_rate(spotter: FeatureSpotter) -> Fraction:
    rate: Fraction = spotter.card.frame_rate * spotter.network.config.steps_per_row
    return rate
