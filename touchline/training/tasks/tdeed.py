"""Training of T-DEED: which class is each frame of a clip of, and how far is the event?

Xarles et al., CVsports 2024. Clips are mixed before they are augmented, displacements as classes.
Every clip is cropped at a place of its own; as published the clips of a batch share one.

With a second data set (ball action spotting 2024) a clip's classes are those of its own set, and
only that set's head learns from it. With teams (ball challenge 2025) frames whose event is of a
known side of the picture are also classified by it.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.datasets.augment import Augmentation, augment_clip
from touchline.datasets.clips import ClipRules
from touchline.datasets.displacement import frame_displacement
from touchline.datasets.targets import NO_SIDE, FrameLabels, clip_targets, side_targets
from touchline.labels import LabelSet
from touchline.losses.classification import frame_cross_entropy, known_binary_cross_entropy
from touchline.models.tdeed import TDEED, TDEEDConfig, TeamTDEEDConfig
from touchline.training.options.tdeed import TDEEDRecipe
from touchline.training.sources.games import label_set_from
from touchline.training.tasks.base import Targets
from touchline.training.tasks.pictures import adamw, with_starting_weights

TEAM_WEIGHT = 2.0
"""Of the side's loss against those of classes and displacement, as published."""


class TDEEDTask:
    """See ``VideoTask``."""

    config_type: ClassVar[type[TDEEDConfig]] = TDEEDConfig

    def __init__(self, recipe: TDEEDRecipe, labels: LabelSet) -> None:
        network, clips = recipe.network, recipe.clips
        self.config = self.config_type(
            network.feature_arch,
            len(labels),
            network.clip_len,
            network.layers,
            network.kernel,
            network.factor,
            displacement=clips.reach > 0,
            extra_classes=_extra_classes(recipe),
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
        wanted: Mapping[str, Tensor] = targets
        if "share" in targets:
            share = targets["share"][:, None, None, None, None]
            frames = torch.lerp(streams["other_frames"].float(), frames.float(), share)
            valid = torch.maximum(valid, streams["other_valid"])
            wanted = targets | self.mixed(targets, targets["share"][:, None])
        clips = zip(frames, valid, strict=True)
        x = torch.stack([augment_clip(clip, here, self.augmentation) for clip, here in clips])
        return self.loss_of(network(x), wanted)

    def mixed(self, targets: Mapping[str, Tensor], share: Tensor) -> dict[str, Tensor]:
        """The targets of mixed clips: distributions of classes, and displacements between both.

        Args:
            share: (B, 1), the weight of the first clip.
        """
        mine, others = (self._one_hot(targets[key]) for key in ("classes", "other_classes"))
        return {
            "classes": torch.lerp(others, mine, share[..., None]),
            "displacement": torch.lerp(
                targets["other_displacement"], targets["displacement"], share
            ),
        }

    def loss_of(self, output: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        """() the loss of what the network says of a batch."""
        displacement = output[..., self.config.num_outputs].float()
        return self._class_loss(output, targets) + F.mse_loss(displacement, targets["displacement"])

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """See ``VideoTask``."""
        return adamw(network, learning_rate, weight_decay)

    def _class_loss(self, output: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy; of two heads each clip's own, as the mean over clips."""
        main = output[..., : self.config.num_outputs]
        classes = targets["classes"]
        if "extra" not in targets:
            return frame_cross_entropy(main, classes, self.foreground_weight)
        extra = output[..., self.config.num_columns :]
        losses = []
        for clip, is_extra in enumerate(targets["extra"].tolist()):
            logits, wanted = (extra if is_extra else main)[clip, None], classes[clip, None]
            if wanted.ndim == 3:
                wanted = wanted[..., : logits.shape[-1]]
            losses.append(frame_cross_entropy(logits, wanted, self.foreground_weight))
        return torch.stack(losses).mean()

    def _one_hot(self, classes: Tensor) -> Tensor:
        outputs = max(self.config.num_outputs, self.config.extra_classes + 1)
        return F.one_hot(classes, outputs).float()


class TeamTDEEDTask(TDEEDTask):
    """See ``VideoTask``: of clips whose labels tell the side of the picture."""

    config_type = TeamTDEEDConfig

    def targets(self, labels: FrameLabels, start: int) -> Targets:
        """As of T-DEED, and ``sides`` (T,), 1 for the right side, 0 for the left; ``NO_SIDE`` for
        background and where it is not known."""
        sides = side_targets(labels, start, self.clip_steps, self.reach)
        return super().targets(labels, start) | {"sides": sides.astype("float32")}

    def mixed(self, targets: Mapping[str, Tensor], share: Tensor) -> dict[str, Tensor]:
        """As of T-DEED, and the sides: between both clips where both have one, else the one."""
        mine, others = targets["sides"], targets["other_sides"]
        both = (mine != NO_SIDE) & (others != NO_SIDE)
        between = torch.lerp(others, mine, share)
        sides = torch.where(both, between, torch.maximum(mine, others))
        return super().mixed(targets, share) | {"sides": sides}

    def loss_of(self, output: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        """() as of T-DEED, and the side's binary cross-entropy over frames that have one."""
        logits, sides = output[..., self.config.num_outputs + 1], targets["sides"]
        side_loss = known_binary_cross_entropy(logits, sides, sides != NO_SIDE)
        return super().loss_of(output, targets) + TEAM_WEIGHT * side_loss


def _extra_classes(recipe: TDEEDRecipe) -> int:
    labels = None if recipe.joint is None else label_set_from(recipe.joint.labels)
    return 0 if labels is None else len(labels)
