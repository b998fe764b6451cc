"""Training of multi-frame stacking: which actions happen at the middle of a clip?

The winner of the 2023 ball challenge. Actions are scored each by itself, by a focal loss. Clips are
drawn by the weight of their middle (``touchline.datasets.centres``).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.datasets.augment import centre_crop
from touchline.datasets.augment_stacks import StackAugmentation, augment_stack, shaken
from touchline.datasets.centres import CentreRules
from touchline.datasets.clips import ClipRules
from touchline.datasets.targets import FrameLabels
from touchline.errors import ConfigError
from touchline.labels import LabelSet
from touchline.losses.classification import binary_focal
from touchline.models.frame_stacking import BACKBONE, FrameStacking, FrameStackingConfig
from touchline.spotting.passages.stacks import margins
from touchline.training.options.frame_stacking import (
    FrameStackingClipOptions,
    FrameStackingRecipe,
)
from touchline.training.tasks.base import Targets
from touchline.training.tasks.pictures import adamw, with_starting_weights

MOMENTUM = 0.9


class FrameStackingTask:
    """See ``VideoTask``.

    Raises:
        ConfigError: ``clips.class_weights`` of other classes.
    """

    def __init__(self, recipe: FrameStackingRecipe, labels: LabelSet) -> None:
        network, clips, optimiser = recipe.network, recipe.clips, recipe.optimiser
        self.config = FrameStackingConfig(
            len(labels),
            network.clip_len,
            network.frame_step,
            flip_average=network.flip_average,
        )
        self.pretrained = network.pretrained
        self.clip_steps = recipe.clip_steps
        self.reach = clips.reach
        self.frozen_encoder = network.frozen_encoder
        self.rules = ClipRules(self.clip_steps, centres=_centre_rules(clips, labels))
        steps = recipe.augmentation.model_dump(exclude={"crop"})
        self.augmentation = StackAugmentation(**steps)
        self.crop = recipe.augmentation.crop
        self.gamma, self.alpha = optimiser.gamma, optimiser.alpha
        self.method = optimiser.method

    def build_network(self) -> nn.Module:
        """See ``VideoTask``."""
        network = with_starting_weights(
            lambda: FrameStacking(self.config, pretrained=self.pretrained), BACKBONE
        )
        return network.channels_last()

    def targets(self, labels: FrameLabels, start: int) -> Targets:
        """``actions`` (K,) float32, 1 for those within reach of the middle of the clip.

        Of two events at one frame the later one counts.
        """
        middle = start + self.clip_steps // 2
        last = dict(zip(labels.frames.tolist(), labels.classes.tolist(), strict=True))
        actions = np.zeros(self.config.num_classes, np.float32)
        actions[[c - 1 for frame, c in last.items() if abs(frame - middle) <= self.reach]] = 1
        return {"actions": actions}

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() the focal loss, mean over clips and actions."""
        clips = torch.stack([self._clip(frames) for frames in streams["frames"]])
        return binary_focal(network(clips), targets["actions"], self.gamma, self.alpha)

    def _clip(self, frames: Tensor) -> Tensor:
        """(clip_steps, H, W, 1) uint8 -> (num_frames, H, W) in [0, 1], augmented and padded."""
        count = self.config.num_frames
        taken = 1 + self.config.frame_step * torch.arange(count) + shaken(count, self.augmentation)
        frames = centre_crop(frames[taken.to(frames.device)], self.crop)[..., 0]
        clip = augment_stack(frames.float() / 255, self.augmentation)
        return F.pad(clip, margins(*clip.shape[-2:]))

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """See ``VideoTask``."""
        if self.frozen_encoder:
            network.get_submodule("conv2d_encoder").requires_grad_(False)
        if self.method == "adamw":
            return adamw(network, learning_rate, weight_decay)
        return torch.optim.SGD(
            [{"params": list(network.parameters()), "initial_lr": learning_rate}],
            lr=learning_rate,
            momentum=MOMENTUM,
            nesterov=True,
            weight_decay=weight_decay,
        )


def _centre_rules(clips: FrameStackingClipOptions, labels: LabelSet) -> CentreRules:
    weights = clips.class_weights
    if weights is not None and (wrong := sorted(weights.keys() ^ set(labels))):
        fault = "lacks" if wrong[0] in labels else "names"
        raise ConfigError(
            f"{fault} the class {wrong[0]!r}",
            where="clips.class_weights",
            remedy=f"give a weight to each of {', '.join(labels)}",
        )
    return CentreRules(
        clips.centred_within,
        clips.foreground_share,
        clips.cleared_within,
        None if weights is None else tuple(weights[label] for label in labels),
    )
