"""What is specific to the training of a system; everything else is shared."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from touchline.datasets.clips import ClipRules
from touchline.datasets.features import Clips, LabelledHalf
from touchline.datasets.targets import FrameLabels
from touchline.labels import LabelSet

Targets = dict[str, npt.NDArray[Any]]


class Task(Protocol):
    """What is minimised, whatever clips are cut from.

    A task keeps nothing between calls, so that a resumed run draws what an unbroken one would.

    Attributes:
        clip_steps: rows of the main stream, or frames, per clip.
    """

    @property
    def clip_steps(self) -> int: ...

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() what is minimised. Random numbers come from PyTorch's global generator.

        Args:
            streams: what the clips of a batch hold, by name: features (batch, rows, ...) as they
                lie on disk (float16 as float32); or ``frames`` (batch, T, H, W, 3) uint8 with
                ``valid`` (batch, T), and those of a second clip as ``other_...`` with mixup.
            targets: what the task gave for these clips.
        """
        ...


class FeatureTask(Task, Protocol):
    """A task on clips of features: how they are drawn, and what their targets are.

    Attributes:
        streams: names of the streams that it reads, the main one first. Of a stream of another
            rate a clip takes the rows of the same time.
    """

    @property
    def streams(self) -> tuple[str, ...]: ...

    def plan(self, halves: Sequence[LabelledHalf], rng: np.random.Generator) -> Clips:
        """The clips of one epoch, in the order in which they are trained on.

        Raises:
            InputError: the halves hold nothing to train on, such as a class without events.
        """
        ...

    def targets(self, halves: Sequence[LabelledHalf], clips: Clips) -> Targets:
        """The targets of a batch of clips; the first axis is the batch."""
        ...


class VideoTask(Task, Protocol):
    """A task on clips of video.

    Attributes:
        rules: how clips are drawn.
    """

    @property
    def rules(self) -> ClipRules: ...

    def build_network(self) -> nn.Module:
        """The network with its starting weights; draws from PyTorch's global generator.

        Raises:
            ConfigError: a name that is not known, or weights that cannot be had.
        """
        ...

    def targets(self, labels: FrameLabels, start: int) -> Targets:
        """The targets of the clip that begins at a frame of a video.

        With mixup the loss gets those of a second clip too, as ``other_...``, and ``share``
        (batch,), the weight of the first clip.
        """
        ...

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """See ``Optimises``."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A task that learns something of all training data before the first step."""

    def prepare(self, network: nn.Module, halves: Sequence[LabelledHalf]) -> None:
        """Set what the network must know; not called where a run is resumed."""
        ...


@runtime_checkable
class Derives(Protocol):
    """A task whose targets depend on all training data, those of the validation loss too."""

    def derive(self, halves: Sequence[LabelledHalf]) -> None:
        """Work it out; called before any clip is planned, also where a run is resumed."""
        ...


@runtime_checkable
class Arranges(Protocol):
    """A task that reads the streams of a half otherwise than they lie on disk.

    Attributes:
        does_without: whether streams beside the main one may be missing.
    """

    @property
    def does_without(self) -> bool: ...

    def arrange(self, half: LabelledHalf) -> LabelledHalf:
        """The half as clips are cut from it; it has every stream that the task names."""
        ...


@runtime_checkable
class Optimises(Protocol):
    """A task whose system has an optimiser of its own."""

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """The optimiser at its full learning rate; a schedule scales the rate of every group,
        which holds it as ``initial_lr``.

        Args:
            learning_rate: the recipe's.
            weight_decay: the recipe's.
        """
        ...


MakeFeatureTask = Callable[[Any, Mapping[str, Any], LabelSet, Fraction], FeatureTask]
"""Makes a task of the network's config, the recipe's ``clips`` group (checked by the task's own
``Group``, see ``touchline.training.config.read_group``), the label set, and the rows a second of
the main stream."""

MakeVideoTask = Callable[[Any, LabelSet], VideoTask]
"""Makes a task of the system's recipe and the label set."""
