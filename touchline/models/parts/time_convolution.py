"""Convolutions over time that keep the length, and the temporal pyramid that CALF makes of them.

The published weights are those of two- and three-dimensional convolutions whose further sides are
1; they keep these shapes here. Activations are (B, C, T) throughout.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TimeConv(nn.Module):
    """A convolution over time with zeros outside the clip: (B, inputs, T) -> (B, outputs, T).

    An even kernel reaches one step further forward than back.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: steps that an output sees.
        groups: as of ``torch.nn.Conv1d``.
        trailing: how many sides of 1 the stored weight has behind time.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, groups: int = 1, trailing: int = 1
    ) -> None:
        super().__init__()
        initial = nn.Conv1d(inputs, outputs, kernel, groups=groups)
        assert initial.bias is not None
        self.groups = groups
        self.weight = nn.Parameter(
            initial.weight.detach().reshape(*initial.weight.shape, *[1] * trailing)
        )
        self.bias = nn.Parameter(initial.bias.detach())

    @property
    def kernel(self) -> int:
        """Steps that an output sees."""
        return self.weight.shape[2]

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T) -> (B, outputs, T)."""
        before = (self.kernel - 1) // 2
        after = self.kernel - 1 - before
        if before != after:
            x = F.pad(x, (before, after))
            before = 0
        y = F.conv2d(
            _step_by_step(x),
            _step_by_step(self.weight.flatten(2)),
            self.bias,
            padding=(0, before),
            groups=self.groups,
        )
        return y[:, :, 0]


class FeatureProjection(nn.Module):
    """A linear layer per step, stored as a convolution over whole feature vectors.

    Args:
        features: width of a feature vector.
        outputs: channels out.
    """

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        initial = nn.Linear(features, outputs)
        self.weight = nn.Parameter(initial.weight.detach().reshape(outputs, 1, 1, features))
        self.bias = nn.Parameter(initial.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, features) -> (B, outputs, T)."""
        return F.linear(x, self.weight.flatten(1), self.bias).transpose(1, 2)


def halve(x: Tensor) -> Tensor:
    """(B, C, T) -> (B, C, about T/2): the largest of each three steps, every second one."""
    return F.max_pool2d(_step_by_step(x), kernel_size=(1, 3), stride=(1, 2))[:, :, 0]


def halved(steps: int) -> int:
    """How many steps ``halve`` leaves."""
    return (steps - 3) // 2 + 1


def _step_by_step(x: Tensor) -> Tensor:
    """(A, B, T) as (A, B, 1, T), the channels of a step side by side in memory: training on a CPU
    takes two thirds of the time so."""
    return x[:, :, None].contiguous(memory_format=torch.channels_last)


def pyramid_kernels(receptive_steps: int) -> tuple[int, int, int, int]:
    """Steps that the four branches of the pyramid see: a seventh, a third, a half and all."""
    return (
        math.ceil(receptive_steps / 7),
        math.ceil(receptive_steps / 3),
        math.ceil(receptive_steps / 2),
        receptive_steps,
    )


def pyramid_layers(
    inputs: int,
    widths: Sequence[int],
    receptive_steps: int,
    *,
    groups: Sequence[int] = (1, 1, 1, 1),
    trailing: int = 1,
) -> list[TimeConv]:
    """The four parallel convolutions of the pyramid, shortest first.

    Args:
        inputs: channels in.
        widths: channels out of each.
        receptive_steps: steps that the longest sees.
        groups: of each.
        trailing: see ``TimeConv``.
    """
    return [
        TimeConv(inputs, width, kernel, groups=count, trailing=trailing)
        for width, kernel, count in zip(
            widths, pyramid_kernels(receptive_steps), groups, strict=True
        )
    ]


def temporal_pyramid(x: Tensor, layers: Sequence[nn.Module]) -> Tensor:
    """The input and what each branch makes of it, one after the other.

    Args:
        x: (B, C, T).
        layers: branches, each followed by ReLU.

    Returns:
        (B, C + all widths, T).
    """
    return torch.cat([x, *(layer(x).relu() for layer in layers)], dim=1)
