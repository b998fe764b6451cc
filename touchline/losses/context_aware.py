"""The context-aware loss: the target of a step depends on how far the next action is.

Cioppa et al.: "A Context-Aware Loss Function for Action Spotting in Soccer Videos", CVPR 2020.
The time shift ``s`` of a step is how many steps an action lies back; it is negative where the
action is still to come. K1 < K2 < 0 < K3 < K4 divide time around an action: far before, just
before, just after, transition, far after. Two forms were published, whose networks mean opposite
things by a high output; the replay-grounding benchmark has a third. All are sums over batch, steps
and classes.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

HIT_RADIUS = 0.1
MISS_RADIUS = 0.9

_EDGE = 1e-6
_GROUNDING_EDGE = 1e-3


def distance_loss(output: Tensor, time_shift: Tensor, context: Tensor) -> Tensor:
    """The form of 2020, for outputs that are low near an action.

    Args:
        output: (B, T, K) in [0, 1].
        time_shift: (B, T, K) in steps; -1 costs nothing.
        context: (B, 4, K) or (4, K), K1 to K4 in steps, with K2 at most -1.

    Returns:
        a scalar, float32.
    """
    k1, k2, k3, k4 = _bounds(context)
    y = output.float().clamp(_EDGE, 1 - _EDGE)
    s = time_shift
    before = _miss(y + (1 - y) * _ramp(s, k1, k2))
    hit = _hit(1 - y + s.abs() / k3)
    after = _miss(y + (s.minimum(k4) - k4) / (k3 - k4))
    return torch.where(s < 0, before, hit.maximum(after)).sum()


def score_loss(output: Tensor, time_shift: Tensor, context: Tensor) -> Tensor:
    """The form of 2021, for outputs that are high near an action; arguments as ``distance_loss``.

    Just before an action a step has no target.
    """
    k1, k2, k3, k4 = _bounds(context)
    p = 1 - output.float().clamp(_EDGE, 1 - _EDGE)
    s = time_shift
    before = _miss(p + (1 - p) * _ramp(s, k1, k2))
    hit = _hit(1 - p + p * _ramp(s, torch.zeros_like(k3), k3))
    after = _miss(p + (1 - p) * _ramp(s, k4, k3))
    return torch.where(s < 0, before, torch.where(s < k3, hit, after)).sum()


def grounding_loss(
    output: Tensor, time_shift: Tensor, context: Tensor, *, border: int = 0
) -> Tensor:
    """The form of replay grounding: the intervals of 2021 on a distance, which is to be low just
    before an action too.

    Args:
        output: (B, T, K) in [0, 1].
        time_shift: (B, T, K) in steps.
        context: (B, 4, K) or (4, K), K1 to K4 in steps.
        border: steps at either end of a clip that do not count.

    Returns:
        a scalar, float32.
    """
    k1, k2, k3, k4 = _bounds(context)
    inside = slice(border, output.shape[1] - border)
    p = output[:, inside].float().clamp(_GROUNDING_EDGE, 1 - _GROUNDING_EDGE)
    s = time_shift[:, inside]
    zero = torch.zeros_like(k3)
    before = torch.where(
        s < k2, _miss(p + (1 - p) * _ramp(s, k1, k2)), _hit(1 - p + p * _ramp(s, zero, k2))
    )
    after = torch.where(
        s < k3, _hit(1 - p + p * _ramp(s, zero, k3)), _miss(p + (1 - p) * _ramp(s, k4, k3))
    )
    return torch.where(s < 0, before, after).sum()


CONTEXT_LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "distance": distance_loss,
    "score": score_loss,
}
"""The published forms, by what a high output of the network means."""


def _bounds(context: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """K1 to K4, each (B, 1, K) or (1, K)."""
    k1, k2, k3, k4 = context.unsqueeze(-2).unbind(-3)
    return k1, k2, k3, k4


def _ramp(s: Tensor, begin: Tensor, end: Tensor) -> Tensor:
    """0 at ``begin`` (which may be the later one) and beyond, 1 at ``end`` and beyond."""
    return ((s - begin) / (end - begin)).clamp(0, 1)


def _miss(closeness: Tensor) -> Tensor:
    """What it costs to be nearer to an action than the miss radius."""
    return (math.log(MISS_RADIUS) - closeness.log()).relu()


def _hit(closeness: Tensor) -> Tensor:
    """What it costs to be further from an action than the hit radius."""
    return (math.log(1 - HIT_RADIUS) - closeness.log()).relu()
