"""Training of COMEDIAN: which classes happen in each token of a clip?

Denize et al., WACV workshops 2024, the fine-tuning. Clips are mixed after they are augmented, each
with one of its own instead of one of the batch. Clips are drawn uniformly over all frames; as
published none of a half overlaps another.
"""

import numpy as np
import torch
import torchvision.transforms.v2.functional as pixel_ops
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.datasets.augment import centre_crop
from touchline.datasets.clips import ClipRules
from touchline.datasets.targets import FrameLabels, frames_around
from touchline.labels import LabelSet
from touchline.models.comedian import TUBELET_FRAMES, Comedian, ComedianConfig
from touchline.models.deploy import SCALES, resized
from touchline.timebase import parse_rate
from touchline.training.options.comedian import ComedianRecipe
from touchline.training.tasks.base import Targets

BLUR_KERNEL = 23
BLUR_DEVIATION = (0.1, 2.0)
COLOUR_CHANGE = (0.6, 1.4)
_COLOUR_STEPS = (
    pixel_ops.adjust_brightness,
    pixel_ops.adjust_contrast,
    pixel_ops.adjust_saturation,
)

WITHOUT_DECAY = ("_embed", "_token", ".bias")
"""Ends of names of what weight decay leaves alone, beside the norms."""


class ComedianTask:
    """See ``VideoTask``."""

    def __init__(self, recipe: ComedianRecipe, labels: LabelSet) -> None:
        network, clips = recipe.network, recipe.clips
        self.config = ComedianConfig(
            len(labels),
            network.clip_len,
            network.encoder,
            network.image_size,
            network.patch,
            network.width,
            network.spatial_depth,
            network.temporal_depth,
        )
        self.frozen_trunk = network.frozen_trunk
        self.clip_steps = recipe.clip_steps
        self.rate = parse_rate(recipe.data.rate)
        self.reach_seconds = clips.reach_seconds
        self.hidden = int(clips.hidden_share * network.clip_len)
        self.rules = ClipRules(
            self.clip_steps, clips.mixup_alpha, clips.foreground_share, clips.balance
        )
        self.augmentation = recipe.augmentation

    def build_network(self) -> nn.Module:
        """See ``VideoTask``."""
        return Comedian(self.config)

    def targets(self, labels: FrameLabels, start: int) -> Targets:
        """``actions`` (T, K) float32, 1 where an event is near one of a token's two frames."""
        frames = np.zeros((self.clip_steps, self.config.num_classes), np.float32)
        for first, last, label in frames_around(labels, self.reach_seconds, self.rate):
            frames[max(0, first - start) : max(0, last - start + 1), label - 1] = 1
        tokens = frames.reshape(-1, TUBELET_FRAMES, self.config.num_classes)
        return {"actions": tokens.max(axis=1)}

    def loss(
        self, network: nn.Module, streams: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> Tensor:
        """() the mean binary cross-entropy over clips, tokens and classes."""
        clips, actions = self._clips(streams["frames"]), targets["actions"]
        if "share" in targets:
            share = targets["share"][:, None, None]
            others = self._clips(streams["other_frames"])
            clips = torch.lerp(others, clips, share[..., None, None])
            actions = torch.lerp(targets["other_actions"], actions, share)
        if self.frozen_trunk:
            network.get_submodule("trunk").eval()
        hidden = self._hidden(len(clips), clips.device) if network.training else None
        logits = network(clips, hidden).float()
        return F.binary_cross_entropy_with_logits(logits, actions)

    def optimiser(
        self, network: nn.Module, learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """See ``VideoTask``: AdamW; tables, tokens, biases and norms do not decay."""
        if self.frozen_trunk:
            network.get_submodule("trunk").requires_grad_(False)
        trained = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
        plain = [p for n, p in trained if n.endswith(WITHOUT_DECAY) or p.ndim == 1]
        decayed = [p for n, p in trained if not n.endswith(WITHOUT_DECAY) and p.ndim > 1]
        groups = [
            {"params": plain, "initial_lr": learning_rate, "weight_decay": 0.0},
            {"params": decayed, "initial_lr": learning_rate, "weight_decay": weight_decay},
        ]
        return torch.optim.AdamW(groups, lr=learning_rate)

    def _hidden(self, count: int, device: torch.device) -> Tensor | None:
        """(count, T) which tokens are hidden: as many of every clip."""
        if not self.hidden:
            return None
        order = torch.rand(count, self.config.clip_len, device=device).argsort(dim=1)
        return order < self.hidden

    def _clips(self, frames: Tensor) -> Tensor:
        """(B, F, H, W, 3) uint8 -> (B, F, 3, S, S), augmented and normalised."""
        return torch.stack([self._augmented(clip) for clip in frames])

    def _augmented(self, frames: Tensor) -> Tensor:
        frames = centre_crop(frames, self.augmentation.crop)
        pictures = frames.permute(0, 3, 1, 2).float()
        pictures = resized(pictures, self.config.image_size).round() / 255
        if _happens(self.augmentation.colours):
            for step in torch.randperm(len(_COLOUR_STEPS)).tolist():
                pictures = _COLOUR_STEPS[step](pictures, _uniform(*COLOUR_CHANGE))
        if _happens(self.augmentation.blur):
            # A picture that is smaller than the kernel is blurred by a smaller one.
            kernel = min(BLUR_KERNEL, self.config.image_size // 2 * 2 - 1)
            deviation = _uniform(*BLUR_DEVIATION)
            pictures = pixel_ops.gaussian_blur(pictures, [kernel] * 2, [deviation] * 2)
        if _happens(self.augmentation.flip):
            pictures = pictures.flip(-1)
        (mean,), (deviation_of_all,) = SCALES["tubelet"]
        return (pictures - mean) / deviation_of_all


def _happens(probability: float) -> bool:
    return bool(torch.rand(()) < probability)


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))
