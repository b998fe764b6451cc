"""Dropout whose masks are drawn faster on a processor than PyTorch draws them.

PyTorch (2.14) draws the numbers of a mask one after the other on one thread, and dropout before the
classifier is then half of a training step of NetVLAD. Here 64 random bits serve four numbers, and
all threads compare them. The layers are PyTorch's own otherwise: in evaluation, on a GPU and in
their weights they do not differ.
"""

import math
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 1 << 16
_LOWEST = -(1 << 15)

Layer = TypeVar("Layer", bound=nn.Module)


class Dropout(nn.Dropout):
    """``nn.Dropout`` with masks drawn by ``draw_mask`` on a processor.

    Args:
        p: probability that a number becomes 0.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return dropout(x, self.p, self.training)


class Attention(nn.MultiheadAttention):
    """``nn.MultiheadAttention`` whose weights are dropped by ``dropout``."""

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """See ``nn.MultiheadAttention.forward``.

        With masks, or where the weights are asked for, PyTorch draws what is dropped.
        """
        plain = not need_weights and key_padding_mask is None and attn_mask is None
        drawn_here = self.training and self.dropout > 0 and query.device.type == "cpu"
        if not (plain and drawn_here and self.batch_first and self._qkv_same_embed_dim):
            return super().forward(
                query,
                key,
                value,
                key_padding_mask,
                need_weights,
                attn_mask,
                average_attn_weights,
                is_causal,
            )
        batch, steps = query.shape[:2]
        queries, keys, values = map(self._split, self._project(query, key, value))
        attended = attend(queries, keys, values, self.dropout).permute(2, 0, 1, 3)
        attended = self.out_proj(attended.reshape(steps * batch, -1)).view(steps, batch, -1)
        return attended.transpose(0, 1), None

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values, (T, B, width) each; what they share is projected at once, with
        the time ahead of the batch as PyTorch has it, so that gradients are the same numbers."""
        inputs: list[tuple[Tensor, int]]  # what is projected, and to how many of the three
        if query is key and key is value:
            inputs = [(query, 3)]
        elif key is value:
            inputs = [(query, 1), (key, 2)]
        else:
            inputs = [(query, 1), (key, 1), (value, 1)]
        sizes = [count * self.embed_dim for _, count in inputs]
        weights, biases = self.in_proj_weight.split(sizes), self.in_proj_bias.split(sizes)
        parts: list[Tensor] = []
        for (x, count), weight, bias in zip(inputs, weights, biases, strict=True):
            packed = F.linear(x.transpose(0, 1), weight, bias)
            parts += packed.unflatten(-1, (count, -1)).movedim(-2, 0).contiguous()
        return tuple(parts)

    def _split(self, x: Tensor) -> Tensor:
        """(T, B, width) -> (B, heads, T, width / heads)."""
        return x.unflatten(-1, (self.num_heads, self.head_dim)).permute(1, 2, 0, 3)


def attend(query: Tensor, key: Tensor, value: Tensor, p: float) -> Tensor:
    """Scaled dot-product attention in training, as PyTorch computes it where weights are dropped.

    Args:
        query, key, value: (B, heads, T, width).
        p: probability that a weight becomes 0.

    Returns:
        (B, heads, T, width).
    """
    given = query.dtype
    scale = math.sqrt(1 / math.sqrt(query.shape[-1]))
    with torch.autocast(query.device.type, enabled=False):
        if given in (torch.bfloat16, torch.float16):
            query, key, value = query.float(), key.float(), value.float()
        weights = ((query * scale) @ (key.transpose(-2, -1) * scale)).softmax(dim=-1)
        return (dropout(weights, p, training=True) @ value).to(given)


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """``torch.nn.functional.dropout`` with masks drawn by ``draw_mask`` on a processor."""
    if not training or not 0 < p < 1 or x.device.type != "cpu":
        return F.dropout(x, p, training)
    return x * draw_mask(torch.empty_like(x), 1 - p).div_(1 - p)


def draw_mask(mask: Tensor, p: float) -> Tensor:
    """Fill a tensor on the processor with ones, each with probability ``p``, and zeros.

    The numbers follow from PyTorch's random state, but are others than ``Tensor.bernoulli_`` draws.
    ``p`` is rounded to the nearest multiple of 1/65,536.
    """
    seed = int(torch.randint(torch.iinfo(torch.int64).max, ()))
    ones = round(p * _LEVELS)
    if ones == _LEVELS:
        return mask.fill_(1)
    drawn = np.random.SFC64(seed).random_raw(-(-mask.numel() // 4)).view(np.int16)
    levels = torch.from_numpy(drawn)[: mask.numel()].view(mask.shape)
    return mask.copy_(levels < _LOWEST + ones)


def with_fast_dropout(layer: Layer) -> Layer:
    """A layer of PyTorch that makes its own dropout and attention, with those of this module.

    Its weights stay what they are, under their names.
    """
    for name, child in layer.named_children():
        if type(child) is nn.Dropout:
            setattr(layer, name, Dropout(child.p))
        elif type(child) is nn.MultiheadAttention:
            setattr(layer, name, _attention_of(child))
        else:
            with_fast_dropout(child)
    return layer


def _attention_of(layer: nn.MultiheadAttention) -> Attention:
    made = Attention(
        layer.embed_dim,
        layer.num_heads,
        dropout=layer.dropout,
        batch_first=layer.batch_first,
        device="meta",  # draws no weights: those of the layer take their place
    )
    made.in_proj_weight, made.in_proj_bias = layer.in_proj_weight, layer.in_proj_bias
    made.out_proj = layer.out_proj
    return made
