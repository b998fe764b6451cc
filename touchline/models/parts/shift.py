"""Temporal shifting inside a picture network: frames exchange a part of their channels.

Tensors keep the layout (B·T, C, H, W) throughout, so that the memory format of the picture
network survives. TSM: Lin et al., ICCV 2019. GSM: Sudhakaran et al., CVPR 2020. GSF: the same,
TPAMI 2023. Divisors and places are those of E2E-Spot (Hong et al., ECCV 2022).
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TSM_DIVISOR = 8
GSM_DIVISOR = 4

REACH = {"tsm": 1, "gsm": 2, "gsf": 3}
"""How far away frames may be that a block's output depends on. A gate of GSM sees the frames beside
the one that it opens for, and what it lets through goes one further; the weights of GSF see what
arrives at the frames beside their own."""


def from_next_frame(x: Tensor, clip_len: int | None) -> Tensor:
    """(B·T, C, H, W): every frame gets the next frame of its clip, the last one gets zeros.

    Args:
        clip_len: T; None where all frames are one clip, which takes fewer copies.
    """
    if clip_len is None:
        return F.pad(x, (0, 0, 0, 0, 0, 0, -1, 1))
    frame = torch.arange(x.shape[0], device=x.device) % clip_len
    inside = (frame != clip_len - 1).to(x.dtype)[:, None, None, None]
    return torch.cat((x[1:], x[:1])) * inside


def from_previous_frame(x: Tensor, clip_len: int | None) -> Tensor:
    """(B·T, C, H, W): every frame gets the previous frame of its clip, the first one zeros.

    Args:
        clip_len: see ``from_next_frame``.
    """
    if clip_len is None:
        return F.pad(x, (0, 0, 0, 0, 0, 0, 1, -1))
    frame = torch.arange(x.shape[0], device=x.device) % clip_len
    inside = (frame != 0).to(x.dtype)[:, None, None, None]
    return torch.cat((x[-1:], x[:-1])) * inside


def temporal_shift(x: Tensor, clip_len: int | None) -> Tensor:
    """TSM: an eighth of the channels from the next frame, an eighth from the previous one.

    Args:
        x: (B·T, C, H, W) with T = ``clip_len``.
        clip_len: see ``from_next_frame``.
    """
    fold = x.shape[1] // TSM_DIVISOR
    return torch.cat(
        (
            from_next_frame(x[:, :fold], clip_len),
            from_previous_frame(x[:, fold : 2 * fold], clip_len),
            x[:, 2 * fold :],
        ),
        dim=1,
    )


def gated_channels(channels: int) -> int:
    """How many of the channels pass through the gate: a quarter, rounded up to fours."""
    return -(-(channels // GSM_DIVISOR) // 4) * 4


def interleave(x: Tensor) -> Tensor:
    """(N, C, H, W): channels 0..C/2 and C/2..C alternate, 0, C/2, 1, C/2 + 1, ..."""
    _, channels, height, width = x.shape
    halves = x.reshape(-1, 2, channels // 2, height, width)
    return halves.transpose(1, 2).reshape(-1, channels, height, width)


class GateShift(nn.Module):
    """GSM: a learned gate decides, per place, what travels to the neighbouring frames.

    The gate starts at zero, which leaves only the interleaving of channels.

    Args:
        channels: channels of the input; a quarter of them are gated.
        clip_len: frames of a clip.
    """

    def __init__(self, channels: int, clip_len: int) -> None:
        super().__init__()
        self.clip_len: int | None = clip_len
        self.gated = gated_channels(channels)
        self.conv3D = nn.Conv3d(self.gated, 2, kernel_size=3, padding=1, groups=2)
        nn.init.zeros_(self.conv3D.weight)
        if self.conv3D.bias is not None:
            nn.init.zeros_(self.conv3D.bias)
        # Over (B·T, C, H, W) this is the published BatchNorm3d over (B, C, T, H, W).
        self.bn = nn.BatchNorm2d(self.gated)

    def gate(self, x: Tensor) -> Tensor:
        """(B·T, gated, H, W) -> (B·T, 2, H, W) in (-1, 1), one gate per half of the channels."""
        frames, channels, height, width = x.shape
        clips = self.bn(x).relu().reshape(-1, self.clip_len or frames, channels, height, width)
        gates = self.conv3D(clips.transpose(1, 2)).tanh().transpose(1, 2)
        return gates.reshape(-1, 2, height, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B·T, C, H, W) -> the same shape."""
        gated, rest = x[:, : self.gated], x[:, self.gated :]
        first, second = gated.chunk(2, dim=1)
        gate_first, gate_second = self.gate(gated).chunk(2, dim=1)
        moving_first, moving_second = gate_first * first, gate_second * second
        first = first - moving_first + from_next_frame(moving_first, self.clip_len)
        second = second - moving_second + from_previous_frame(moving_second, self.clip_len)
        return torch.cat((interleave(first), interleave(second), rest), dim=1)


class GateShiftFuse(GateShift):
    """GSF: as GSM, but what travelled and what stayed are mixed by learned weights.

    Sudhakaran et al., TPAMI 2023. A weight for each channel and frame comes from the spatial means
    of both around it, on the plane of channels and frames.

    Args:
        channels: channels of the input; a quarter of them are gated.
        clip_len: frames of a clip.
    """

    def __init__(self, channels: int, clip_len: int) -> None:
        super().__init__(channels, clip_len)
        self.conv3D.reset_parameters()
        self.channel_conv1 = nn.Conv2d(2, 1, kernel_size=3, padding=1)
        self.channel_conv2 = nn.Conv2d(2, 1, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B·T, C, H, W) -> the same shape."""
        gated, rest = x[:, : self.gated], x[:, self.gated :]
        first, second = gated.chunk(2, dim=1)
        gate_first, gate_second = self.gate(gated).chunk(2, dim=1)
        moving_first, moving_second = gate_first * first, gate_second * second
        first = self._fuse(
            from_next_frame(moving_first, self.clip_len), first - moving_first, self.channel_conv1
        )
        second = self._fuse(
            from_previous_frame(moving_second, self.clip_len),
            second - moving_second,
            self.channel_conv2,
        )
        return torch.cat((interleave(first), interleave(second), rest), dim=1)

    def _fuse(self, arrived: Tensor, stayed: Tensor, channel_conv: nn.Module) -> Tensor:
        means = torch.stack((arrived.mean((2, 3)), stayed.mean((2, 3))))
        steps = self.clip_len or arrived.shape[0]
        planes = means.unflatten(1, (-1, steps)).permute(1, 0, 3, 2)  # (B, 2, C, T)
        weight = channel_conv(planes).sigmoid().squeeze(1).transpose(1, 2).flatten(0, 1)
        weight = weight[:, :, None, None]
        return arrived * weight + stayed * (1 - weight)


class GateShiftedConv(nn.Module):
    """A block's first convolution behind its gate; the block's shortcut stays unshifted."""

    def __init__(self, net: nn.Module, channels: int, clip_len: int) -> None:
        super().__init__()
        self.gsm: nn.Module = GateShift(channels, clip_len)
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """(B·T, C, H, W) -> what ``net`` makes of the shifted input."""
        return self.net(self.gsm(x))


class FoldedGateConv(nn.Module):
    """A gate and its convolution rearranged for deployment: the same result, fewer copies.

    With z the gated channels and y = gate · z, the convolution sees interleaved z - y + shift(y)
    and the other channels. It is linear, hence equal to conv(x) + conv_z(shift(y) - y), with the
    interleaving absorbed in the order of the weights. And the gate's convolution over three
    frames is one over each frame, its results shifted and added.

    Args:
        gsm: the gate.
        conv: the convolution behind it, not grouped.
    """

    halves: Tensor

    def __init__(self, gsm: GateShift, conv: nn.Conv2d) -> None:
        super().__init__()
        gated, self.clip_len = gsm.gated, gsm.clip_len
        half = gated // 2
        channels = torch.arange(gated).reshape(1, gated, 1, 1)
        first, second = channels.chunk(2, dim=1)
        order = torch.cat((interleave(first), interleave(second)), dim=1).flatten()
        weight = conv.weight.detach().clone()
        weight[:, order] = conv.weight.detach()[:, :gated]
        self.conv = _conv_like(conv, weight, conv.bias)
        self.moving_conv = _conv_like(conv, weight[:, :gated], None)
        self.bn = gsm.bn
        self.bias = gsm.conv3D.bias
        self.taps = nn.Conv2d(gated, 6, kernel_size=3, padding=1, bias=False).to(weight)
        self.spread = nn.Conv2d(2, gated, kernel_size=1, bias=False).to(weight)
        nn.init.zeros_(self.taps.weight)
        nn.init.zeros_(self.spread.weight)
        with torch.no_grad():
            for gate, part in enumerate((slice(half), slice(half, gated))):
                self.taps.weight[gate::2, part] = gsm.conv3D.weight[gate].transpose(0, 1)
                self.spread.weight[part, gate] = 1
        self.register_buffer("halves", self.spread.weight.detach()[:, 0, :, :].clone())

    def forward(self, x: Tensor) -> Tensor:
        """(B·T, C, H, W) -> what the convolution makes of the shifted input."""
        still = x[:, : self.taps.in_channels]
        previous, own, following = self.taps(self.bn(still).relu()).chunk(3, dim=1)
        gate = from_previous_frame(previous, self.clip_len) + own
        gate = gate + from_next_frame(following, self.clip_len)
        if self.bias is not None:
            gate = gate + self.bias[:, None, None]
        moving = self.spread(gate.tanh()) * still
        arrived = from_next_frame(moving, self.clip_len) * self.halves
        arrived = arrived + from_previous_frame(moving, self.clip_len) * (1 - self.halves)
        return self.conv(x) + self.moving_conv(arrived - moving)


def _conv_like(conv: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    made = nn.Conv2d(
        weight.shape[1],
        conv.out_channels,
        conv.kernel_size[0],
        stride=conv.stride[0],
        padding=int(conv.padding[0]),
        bias=bias is not None,
    )
    made.weight = nn.Parameter(weight.clone())
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().clone())
    return made


def fold_gates(network: nn.Module) -> None:
    """Rearrange every gate of a network for deployment, in place; its results stay the same."""
    for module in list(network.modules()):
        if not isinstance(module, GateShiftedConv) or not isinstance(module.gsm, GateShift):
            continue
        name, conv = next((n, m) for n, m in module.net.named_modules() if isinstance(m, nn.Conv2d))
        if conv.groups != 1:
            continue
        folded = FoldedGateConv(module.gsm, conv)
        if name:
            module.net.set_submodule(name, folded)
        else:
            module.net = folded
        module.gsm = nn.Identity()


class ShiftedBlockConv(nn.Module):
    """A block's first convolution under its published name; the block shifts its input."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """(B·T, C, H, W) -> ``net``'s output."""
        return self.net(x)


def _shift_block_input(
    clip_len: int | None, _block: nn.Module, inputs: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    return (temporal_shift(inputs[0], clip_len), *inputs[1:])


def input_channels(conv: nn.Module) -> int:
    """Channels that a convolution, or what holds one, takes."""
    first = next(m for m in conv.modules() if isinstance(m, nn.Conv2d))
    return first.in_channels


def add_gate_shift(block: nn.Module, conv_name: str, clip_len: int) -> None:
    """Put GSM before the convolution ``conv_name`` of a residual block."""
    conv = block.get_submodule(conv_name)
    setattr(block, conv_name, GateShiftedConv(conv, input_channels(conv), clip_len))


def add_temporal_shift(block: nn.Module, conv_name: str, clip_len: int) -> None:
    """Put TSM before a residual block, shortcut included.

    The published code shifts the activation in place, so its shortcut is shifted too.
    """
    setattr(block, conv_name, ShiftedBlockConv(block.get_submodule(conv_name)))
    block.register_forward_pre_hook(partial(_shift_block_input, clip_len))


def take_one_clip(block: nn.Module) -> None:
    """Let a residual block that shifts take one clip, of any length, instead of clips of one."""
    for module in block.modules():
        if isinstance(module, GateShift | FoldedGateConv):
            module.clip_len = None
        if isinstance(module, ShiftedBlockConv):
            block._forward_pre_hooks.clear()
            block.register_forward_pre_hook(partial(_shift_block_input, None))
