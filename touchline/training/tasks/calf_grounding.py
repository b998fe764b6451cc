"""Training of replay grounding: clips of a game and replays, which show the same action or not.

The shots are those of ``Labels-cameras.json`` beside the features. Half of the clips lie around an
action that is shown again, the rest anywhere. A clip that holds such an action is paired with a
replay of it or, in ``mismatched_share`` of the cases, with another replay of the game, so that the
network has to compare them. Which replay a clip is paired with depends on the clip alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field
from torch import Tensor, nn

from touchline.datasets.features import MAIN, Clips, FeatureFile, LabelledHalf
from touchline.errors import InputError
from touchline.formats.grounding import SHOT_FILE, read_shots
from touchline.labels import LabelSet
from touchline.losses.context_aware import grounding_loss
from touchline.losses.one_to_one import one_to_one_loss
from touchline.models.calf_grounding import GroundingCALFConfig
from touchline.replays import Replay, replays_of
from touchline.spotting.grounding import replay_rows
from touchline.timebase import frame_at
from touchline.training.config import read_group
from touchline.training.options.common import Group, Probability
from touchline.training.tasks.base import Targets
from touchline.training.tasks.halves_cache import HalvesCache

Floats = npt.NDArray[np.float32]

CONTEXT_SECONDS = (-20.0, -10.0, 10.0, 20.0)
"""K1 to K4 as published: 40 and 20 steps of two a second."""

FAR_AWAY = -10_000.0
"""Time shift of the steps of a clip without the action."""


class GroundingClips(Group):
    """How clips and replays are drawn, and the weights of their losses."""

    epoch_clips: int = Field(18_000, ge=1)
    """Pairs of an epoch."""
    around_share: Probability = 0.5
    """Share of the clips that lie around an action that is shown again."""
    mismatched_share: Probability = 0.5
    """How often a clip that holds such an action gets a replay of another one."""
    context_weight: float = Field(0.002, ge=0)
    """Weight in the loss of the segmentation against 1 for spotting, as published."""


@dataclass(frozen=True)
class ShownAgain:
    """A replay, and the action that it shows, among the training halves.

    Attributes:
        replay: the shot.
        shown_in, happened_in: halves by their index.
        step: of the action.
    """

    replay: Replay
    shown_in: int
    happened_in: int
    step: int


class GroundingTask:
    """See ``Task``.

    Args:
        config: of the network.
        options: see ``GroundingClips``.
        labels: a single one, for what replays show.
        rate: rows a second of the features.

    Raises:
        ConfigError: an option that is not known or not allowed.
    """

    streams: tuple[str, ...] = (MAIN,)

    def __init__(
        self,
        config: GroundingCALFConfig,
        options: Mapping[str, Any],
        labels: LabelSet,
        rate: Fraction,
    ) -> None:
        self.config = config
        self.options = read_group(GroundingClips, options, within="clips")
        self.rate = rate
        self.clip_steps = config.clip_steps
        self._pairs = HalvesCache(shown_again)

    def plan(self, halves: Sequence[LabelledHalf], rng: np.random.Generator) -> Clips:
        """``epoch_clips`` clips, around actions that are shown again and anywhere in their halves.

        Raises:
            InputError: no replay with its action in any half.
        """
        pairs = [pair for of_game in self._pairs(halves).values() for pair in of_game]
        count = self.options.epoch_clips
        drawn = rng.integers(len(pairs), size=count)
        half = np.array([pair.happened_in for pair in pairs])[drawn]
        action = np.array([pair.step for pair in pairs])[drawn]
        last = np.maximum(np.array([h.steps for h in halves])[half] - self.clip_steps, 0)
        receptive = self.config.receptive_steps
        low, high = receptive // 2, self.clip_steps - receptive // 2
        around = (action - rng.integers(low, max(high, low + 1), size=count)).clip(0, last)
        anywhere = rng.integers(0, last + 1)
        start = np.where(rng.random(count) < self.options.around_share, around, anywhere)
        return Clips(half.astype(np.int64), start.astype(np.int64))

    def targets(self, halves: Sequence[LabelledHalf], clips: Clips) -> Targets:
        """The targets of clips.

        Returns:
            ``replay`` (n, T, width); ``time_shift`` (n, T, 1); ``events`` (n, 1, 2): 1 and the
            place of the action, or zeros; ``context`` (n, 4, 1).
        """
        pairs = self._pairs(halves)
        replays, shifts = [], np.full((len(clips), self.clip_steps, 1), FAR_AWAY, np.float32)
        events = np.zeros((len(clips), 1, 2), np.float32)
        for row, (half, start) in enumerate(zip(clips.half, clips.start, strict=True)):
            of_game = pairs[halves[half].name.rpartition("/")[0]]
            pair, place = self._pair(of_game, int(half), int(start))
            shown = halves[pair.shown_in].streams[MAIN]
            span = pair.replay.start_seconds, pair.replay.end_seconds
            replays.append(replay_rows(shown, *span, self.clip_steps))
            if place is not None:
                shifts[row, :, 0] = np.arange(self.clip_steps) - place
                events[row, 0] = 1, place / self.clip_steps
        bounds = np.array(CONTEXT_SECONDS, np.float32)[:, None] * float(self.rate)
        context = np.repeat(bounds[None], len(clips), axis=0)
        return {
            "replay": np.stack(replays),
            "time_shift": shifts,
            "events": events,
            "context": context,
        }

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() context-aware loss and spotting loss, summed over the batch as published."""
        segmentation, spotting = network(streams[MAIN], targets["replay"])
        border = self.config.receptive_steps // 2
        context = grounding_loss(
            segmentation, targets["time_shift"], targets["context"], border=border
        )
        return self.options.context_weight * context + one_to_one_loss(spotting, targets["events"])

    def _pair(
        self, of_game: Sequence[ShownAgain], half: int, start: int
    ) -> tuple[ShownAgain, int | None]:
        """The replay that a clip is paired with, and the place of its action in the clip."""
        rng = np.random.default_rng((half, start))
        border = self.config.receptive_steps // 2
        own: list[ShownAgain] = []
        others: list[ShownAgain] = []
        for pair in of_game:
            place = pair.step - start if pair.happened_in == half else -1
            if border <= place < self.clip_steps - border:
                own.append(pair)
            elif not 0 <= place < self.clip_steps:
                others.append(pair)
        mismatched = rng.random() < self.options.mismatched_share
        if own and (not mismatched or not others):
            chosen = own[rng.integers(len(own))]
            return chosen, chosen.step - start
        choice = (
            others or of_game
        )  # then all actions lie in the border of the clip, which is not trained
        return choice[int(rng.integers(len(choice)))], None


def shown_again(halves: Sequence[LabelledHalf]) -> dict[str, tuple[ShownAgain, ...]]:
    """By game the replays whose action is known and lies in one of the halves.

    Raises:
        FormatError: camera labels that cannot be read.
        InputError: there is no such replay.
    """
    index = {half.name: number for number, half in enumerate(halves)}
    games = dict.fromkeys(half.name.rpartition("/")[0] for half in halves)
    found: dict[str, tuple[ShownAgain, ...]] = {}
    for game in games:
        pairs = []
        for replay in _replays(halves, index, game):
            shown_in = index.get(f"{game}/{replay.half}")
            happened_in = index.get(f"{game}/{replay.action_half}")
            if shown_in is None or happened_in is None or replay.action_seconds is None:
                continue
            stream = halves[happened_in].streams[MAIN]
            step = min(frame_at(replay.action_seconds, stream.rate), stream.steps - 1)
            pairs.append(ShownAgain(replay, shown_in, happened_in, step))
        if pairs:
            found[game] = tuple(pairs)
    if not found:
        raise InputError(
            "no replay of the games is linked to its action",
            remedy=f"give games with {SHOT_FILE} beside their features",
        )
    return found


def _replays(
    halves: Sequence[LabelledHalf], index: Mapping[str, int], game: str
) -> tuple[Replay, ...]:
    number = next(index[name] for name in (f"{game}/1", f"{game}/2") if name in index)
    stream = halves[number].streams[MAIN]
    if not isinstance(stream, FeatureFile):
        return ()
    path = stream.path.parent / SHOT_FILE
    if not path.is_file():
        return ()
    return replays_of(next(iter(read_shots(path).values())))
