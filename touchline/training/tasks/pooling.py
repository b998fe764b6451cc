"""Training of pooling networks: which actions does a window hold?

As published (sn-spotting, Pooling and TemporallyAwarePooling): a half is cut into windows that do
not overlap, each is classified by every class and background, and the binary cross-entropies of
all answers are averaged.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.datasets.features import MAIN, Clips, LabelledHalf
from touchline.errors import InputError
from touchline.labels import LabelSet
from touchline.models.pooling import PoolingConfig
from touchline.training.config import read_group
from touchline.training.options.common import Group
from touchline.training.tasks.base import Targets


class PoolingClips(Group):
    """The published cut leaves nothing to choose: windows are as long as the network's."""


class PoolingTask:
    """See ``Task``.

    Raises:
        ConfigError: options; it has none.
    """

    streams = (MAIN,)

    def __init__(
        self, config: PoolingConfig, options: Mapping[str, Any], labels: LabelSet, rate: Fraction
    ) -> None:
        read_group(PoolingClips, options, within="clips")
        self.clip_steps = config.clip_steps
        self.num_outputs = config.num_outputs

    def plan(self, halves: Sequence[LabelledHalf], rng: np.random.Generator) -> Clips:
        """Every window of every half, in random order; a window of the last row alone is left out.

        Raises:
            InputError: there is no event in any half.
        """
        if not any(len(half.events) for half in halves):
            raise InputError("the halves hold no event of the labels")
        starts = [np.arange(0, max(half.steps - 1, 1), self.clip_steps) for half in halves]
        owners = [np.full(len(cut), half) for half, cut in enumerate(starts)]
        order = rng.permutation(sum(map(len, starts)))
        return Clips(np.concatenate(owners)[order], np.concatenate(starts)[order])

    def targets(self, halves: Sequence[LabelledHalf], clips: Clips) -> Targets:
        """``classes`` (n, K+1) float32: 1 for what occurs; column 0 where nothing does."""
        classes = np.zeros((len(clips), self.num_outputs), np.float32)
        for row, half, start in zip(classes, clips.half, clips.start, strict=True):
            events = halves[half].events
            inside = events.classes[events.span(start, start + self.clip_steps)]
            row[inside + 1 if len(inside) else 0] = 1
        return {"classes": classes}

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() mean binary cross-entropy over windows and outputs."""
        logits = network(streams[MAIN]).float()
        return F.binary_cross_entropy_with_logits(logits, targets["classes"])
