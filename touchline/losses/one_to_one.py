"""The spotting loss of CALF: events of a clip paired with the network's slots by their time.

Cioppa et al.: "A Context-Aware Loss Function for Action Spotting in Soccer Videos", CVPR 2020. A
row of targets is [1, time, one-hot class] for an event, zeros where there is none; a row of
predictions is [confidence, time, class probabilities]. Times are shares of the clip.
"""

import torch
from torch import Tensor

COORDINATE_WEIGHT = 5.0
EMPTY_WEIGHT = 0.5


def pair_slots(target_times: Tensor, times: Tensor, present: Tensor) -> Tensor:
    """Which prediction belongs to each target row, one to one; events choose before empty rows.

    In each round every row without a partner picks the free prediction that is closest in time,
    and a prediction that several have picked keeps the closest of them; first rows win ties.

    Args:
        target_times: (B, N).
        times: (B, N) predicted.
        present: (B, N) bool, whether the target row is an event.

    Returns:
        (B, N) int64, index of a prediction.
    """
    closeness = 1 - (target_times[:, :, None] - times[:, None, :]).abs()
    paired = torch.zeros_like(closeness, dtype=torch.bool)
    for choosing in (present, ~present):
        for _ in range(times.shape[1]):
            alone = choosing & ~paired.any(dim=2)
            if not alone.any():
                break
            possible = alone[:, :, None] & ~paired.any(dim=1)[:, None, :]
            picked = _best(closeness, possible, dim=2)
            paired = paired | _best(closeness, picked, dim=1)
    return paired.int().argmax(dim=2)


def one_to_one_loss(
    spotting: Tensor,
    targets: Tensor,
    *,
    coordinate_weight: float = COORDINATE_WEIGHT,
    empty_weight: float = EMPTY_WEIGHT,
) -> Tensor:
    """Squared errors of confidence, time and classes over the paired rows, summed.

    Args:
        spotting: (B, N, 2 + K) predictions; K may be 0 where there are no classes.
        targets: (B, N, 2 + K).

    Returns:
        a scalar, float32.
    """
    spotting = spotting.float()
    alpha = targets[..., 0]
    order = pair_slots(targets[..., 1], spotting[..., 1].detach(), alpha > 0)
    matched = spotting.gather(1, order[..., None].expand_as(spotting))
    confidence = matched[..., 0]
    time_error = (targets[..., 1] - matched[..., 1]) ** 2
    class_error = ((targets[..., 2:] - matched[..., 2:]) ** 2).sum(dim=2)
    of_event = coordinate_weight * time_error + (1 - confidence) ** 2 + class_error
    return (alpha * of_event + (1 - alpha) * empty_weight * confidence**2).sum()


def _best(closeness: Tensor, possible: Tensor, dim: int) -> Tensor:
    """(B, N, N) bool: along ``dim`` the first of the closest that are possible, if any is."""
    found = closeness.masked_fill(~possible, -torch.inf).argmax(dim=dim, keepdim=True)
    return torch.zeros_like(possible).scatter(dim, found, True) & possible
