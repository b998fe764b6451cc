"""Training of T-DEED: which class is each frame of a clip of, and how far is the event?

Xarles et al., CVsports 2024. Clips are mixed before they are augmented, displacements as classes.
Every clip is cropped at a place of its own; as published the clips of a batch share one.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.datasets.augment import Augmentation, augment_clip
from touchline.datasets.clips import ClipRules
from touchline.datasets.displacement import frame_displacement
from touchline.datasets.targets import FrameLabels, clip_targets
from touchline.labels import LabelSet
from touchline.losses.classification import frame_cross_entropy
from touchline.models.tdeed import TDEED, TDEEDConfig
from touchline.training.options.tdeed import TDEEDRecipe
from touchline.training.tasks.base import Targets
from touchline.training.tasks.pictures import adamw, with_starting_weights


class TDEEDTask:
    """See ``VideoTask``."""

    def __init__(self, recipe: TDEEDRecipe, labels: LabelSet) -> None:
        network, clips = recipe.network, recipe.clips
        self.config = TDEEDConfig(
            network.feature_arch,
            len(labels),
            network.clip_len,
            network.layers,
            network.kernel,
            network.factor,
            displacement=clips.reach > 0,
        )
        self.pretrained = network.pretrained
        self.clip_steps = network.clip_len
        self.reach = clips.reach
        self.rules = ClipRules(
            network.clip_len, clips.mixup_alpha, clips.foreground_share, clips.balance
        )
        self.augmentation = Augmentation(**recipe.augmentation.model_dump(), padding=clips.padding)
        self.foreground_weight = recipe.optimiser.foreground_weight

    def build_network(self) -> nn.Module:
        """See ``VideoTask``."""
        network = with_starting_weights(
            lambda: TDEED(self.config, pretrained=self.pretrained), self.config.feature_arch
        )
        return network.channels_last()

    def targets(self, labels: FrameLabels, start: int) -> Targets:
        """``classes`` (T,) int64, 0 for background; ``displacement`` (T,), frame minus event."""
        return {
            "classes": clip_targets(labels, start, self.clip_steps, self.reach),
            "displacement": frame_displacement(labels, start, self.clip_steps, self.reach),
        }

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() mean over frames of the cross-entropy and the squared error of the displacement."""
        frames, valid = streams["frames"], streams["valid"]
        classes, displacement = targets["classes"], targets["displacement"]
        if "share" in targets:
            share = targets["share"][:, None]
            others = self._one_hot(targets["other_classes"])
            classes = torch.lerp(others, self._one_hot(classes), share[..., None])
            displacement = torch.lerp(targets["other_displacement"], displacement, share)
            frames = torch.lerp(
                streams["other_frames"].float(), frames.float(), share[..., None, None, None]
            )
            valid = torch.maximum(valid, streams["other_valid"])
        clips = zip(frames, valid, strict=True)
        x = torch.stack([augment_clip(clip, here, self.augmentation) for clip, here in clips])
        output = network(x)
        loss = frame_cross_entropy(output[..., :-1], classes, self.foreground_weight)
        return loss + F.mse_loss(output[..., -1].float(), displacement)

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """See ``VideoTask``."""
        return adamw(network, learning_rate, weight_decay)

    def _one_hot(self, classes: Tensor) -> Tensor:
        return F.one_hot(classes, self.config.num_outputs).float()
