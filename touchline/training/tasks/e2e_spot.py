"""Training of E2E-Spot: which class is each frame of a clip of?

Hong et al., ECCV 2022. Clips may be mixed with a second one (mixup), classes weigh more than
background, and all parameters are trained by AdamW with PyTorch's defaults.
"""

import torch
from torch import Tensor, nn

from touchline.datasets.augment import Augmentation, prepare_batch
from touchline.datasets.clips import ClipRules
from touchline.datasets.targets import FrameLabels, clip_targets
from touchline.labels import LabelSet
from touchline.losses.classification import frame_cross_entropy
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig
from touchline.training.options.e2e_spot import E2ESpotRecipe
from touchline.training.tasks.base import Targets
from touchline.training.tasks.pictures import adamw, with_starting_weights


class E2ESpotTask:
    """See ``VideoTask``."""

    def __init__(self, recipe: E2ESpotRecipe, labels: LabelSet) -> None:
        network, clips = recipe.network, recipe.clips
        self.config = E2ESpotConfig(
            network.feature_arch, network.temporal_arch, len(labels), network.clip_len
        )
        self.pretrained = network.pretrained
        self.clip_steps = network.clip_len
        self.dilation = clips.dilation
        self.rules = ClipRules(
            network.clip_len, clips.mixup_alpha, clips.foreground_share, clips.balance
        )
        self.augmentation = Augmentation(**recipe.augmentation.model_dump(), padding=clips.padding)
        self.foreground_weight = recipe.optimiser.foreground_weight

    def build_network(self) -> nn.Module:
        """See ``VideoTask``."""
        network = with_starting_weights(
            lambda: E2ESpot(self.config, pretrained=self.pretrained), self.config.feature_arch
        )
        return network.channels_last()

    def targets(self, labels: FrameLabels, start: int) -> Targets:
        """``classes`` (T,) int64, 0 for background."""
        return {"classes": clip_targets(labels, start, self.clip_steps, self.dilation)}

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() mean cross-entropy over frames, and over the stages of the head."""
        batch = {**streams, **targets}
        x, wanted = prepare_batch(batch, self.augmentation, self.config.num_outputs)
        return frame_cross_entropy(network(x), wanted, self.foreground_weight)

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """See ``VideoTask``."""
        return adamw(network, learning_rate, weight_decay)
