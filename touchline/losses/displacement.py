"""Losses of the systems that predict how far the event is: dense anchors, and ASTRA."""

import torch
from torch import Tensor
from torch.nn import functional as F

HUBER_REACH = 0.5
"""Where the displacement's loss turns from square to linear, in units of its reach."""

UNDEFINED = 1000.0
"""ASTRA's displacement where there is no event within reach."""

LOG_OFFSET = 7e-5
"""Added inside ASTRA's logarithms."""

CLASS_WEIGHT = 100.0
SPREAD_WEIGHT = 0.7
"""Weight of the logarithm of the variance; that of the squared error is 1 minus this."""

NEARBY_STEPS = 5
"""Steps whose largest label weighs a displacement."""


def anchor_confidence_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross-entropy of every class at every step (Soares et al., ICIP 2022).

    Args:
        logits: (B, T, classes).
        targets: (B, T, classes) 0 to 1.
        weights: (B, T, classes), 0 beyond the video.

    Returns:
        (B,) the mean over steps and classes.
    """
    losses = F.binary_cross_entropy_with_logits(logits.float(), targets, weights, reduction="none")
    return losses.mean(dim=(1, 2))


def anchor_delta_loss(deltas: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted Huber loss of displacements in units of their reach (Soares et al., ICIP 2022).

    Args:
        deltas: (B, T, classes) in -1 to 1.
        targets: (B, T, classes), cut to -1 to 1.
        weights: (B, T, classes), 0 where there is no event within reach.

    Returns:
        (B,) the mean over steps and classes.
    """
    losses = F.huber_loss(deltas.float(), targets.clamp(-1, 1), reduction="none", delta=HUBER_REACH)
    return (losses * weights / HUBER_REACH).mean(dim=(1, 2))


def focal_class_loss(probability: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy weighted by how wrong the probability is, background included (ASTRA).

    Args:
        probability: (B, T, classes) 0 to 1.
        labels: (B, T, classes) 0 to 1.

    Returns:
        ().
    """
    present = labels * (probability + LOG_OFFSET).log()
    absent = (1 - labels) * (1 - probability + LOG_OFFSET).log()
    wrong = (labels - probability).abs()
    return CLASS_WEIGHT * -(wrong * (present + absent)).mean()


def uncertain_displacement_loss(displacement: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
    """Squared errors of displacements by their own variance (ASTRA).

    Args:
        displacement: (B, T, classes, 2) mean and logarithm of the variance; (B, T, classes, 1) the
            mean alone, whose plain squared errors count.
        targets: (B, T, classes) step minus event; ``UNDEFINED`` where no event is within reach.
        labels: (B, T, classes) 0 to 1.

    Returns:
        (), summed over what is defined, divided by B x T.
    """
    mean, *log_variance = displacement.float().unbind(dim=-1)
    defined = targets != UNDEFINED
    losses = torch.where(defined, targets - mean, 0.0).square()
    for spread in log_variance:
        losses = (1 - SPREAD_WEIGHT) * losses * torch.exp(-spread) + SPREAD_WEIGHT * spread
    nearby = F.max_pool1d(labels.transpose(1, 2), NEARBY_STEPS, 1, NEARBY_STEPS // 2)
    weighted = losses * nearby.transpose(1, 2) * defined
    return weighted.sum() / (targets.shape[0] * targets.shape[1])
