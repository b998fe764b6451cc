"""Cross-entropy of classes: over frames as E2E-Spot trains (Hong et al., ECCV 2022), and of classes
that are scored by themselves."""

import torch
from torch import Tensor
from torch.nn import functional as F

FOREGROUND_WEIGHT = 5.0
"""The published weight of every class against 1 for background."""


def frame_cross_entropy(
    logits: Tensor, targets: Tensor, foreground_weight: float = FOREGROUND_WEIGHT
) -> Tensor:
    """Cross-entropy per frame, averaged over frames and summed over the stages of the head.

    The average differs between the two kinds of target, as in the published code: hard targets
    divide by the sum of the targets' weights, soft ones by the number of frames. Mixup trains on
    soft ones, so the published learning rate belongs to the second.

    Args:
        logits: (B, T, K+1), or (S, B, T, K+1) for a head of S stages; background is column 0.
        targets: (B, T) int64 classes, or (B, T, K+1) distributions.
        foreground_weight: weight of every class but background.

    Returns:
        a scalar, float32.
    """
    stages = logits if logits.ndim == 4 else logits[None]
    weight = stages.new_full((stages.shape[-1],), foreground_weight, dtype=stages.float().dtype)
    weight[0] = 1.0
    flat_targets = targets.flatten(0, 1)
    losses = [F.cross_entropy(s.flatten(0, 1).float(), flat_targets, weight) for s in stages]
    return sum(losses[1:], losses[0])


def binary_focal(
    logits: Tensor, targets: Tensor, gamma: float = 2.0, alpha: float | None = None
) -> Tensor:
    """Binary cross-entropy that counts less what is answered well (Lin et al., ICCV 2017).

    Args:
        logits: (..., K).
        targets: (..., K) of 0 and 1.
        gamma: by which power of the error an answer counts.
        alpha: weight of the targets of 1, and 1 - alpha of the others; None weighs both by 1.

    Returns:
        a scalar, float32: the mean over all entries.
    """
    logits = logits.float()
    losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    probability = logits.sigmoid()
    error = probability * (1 - targets) + (1 - probability) * targets
    losses = losses * error**gamma
    if alpha is not None:
        losses = losses * (alpha * targets + (1 - alpha) * (1 - targets))
    return losses.mean()


def soft_binary_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy of soft targets, weighed, averaged and summed over classes.

    Args:
        logits: (..., K).
        targets: (..., K) from 0 to 1.
        weights: (..., K), or what broadcasts to it; what weighs 0 does not count in the average.

    Returns:
        a scalar, float32.
    """
    weights = weights.expand_as(targets)
    losses = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
    counted = (weights > 0).float().sum().clamp_min(1) / targets.shape[-1]
    return (losses * weights).sum() / counted


def known_binary_cross_entropy(logits: Tensor, targets: Tensor, known: Tensor) -> Tensor:
    """Binary cross-entropy averaged over what is known; 0 where nothing is.

    Args:
        logits, targets: (...), targets from 0 to 1 where they are known.
        known: (...) bool.

    Returns:
        a scalar, float32.
    """
    losses = F.binary_cross_entropy_with_logits(
        logits.float(), targets.clamp(0, 1), reduction="none"
    )
    return torch.where(known, losses, 0).sum() / known.sum().clamp_min(1)
