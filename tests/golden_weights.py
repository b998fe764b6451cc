"""Weights by the rule of the golden files: every entry out of its own name."""

import zlib

import numpy as np
import torch
from torch import nn

_TABLES = (
    "pos_embed",
    "time_embed",
    "spatial_cls_token",
    "temporal_cls_token",
    "temporal_mask_token",
)
_AS_BUILT = ("num_batches_tracked", "relative_position_index", "attn_mask")


def rule_value(key: str, shape: tuple[int, ...], convolution_gain: float = 1.5) -> np.ndarray:
    """The value of an entry of this published name, float64.

    Args:
        convolution_gain: of tensors with four dimensions and more.
    """
    r = np.random.RandomState(zlib.crc32(key.encode()) & 0xFFFFFFFF).randn(*shape)
    name = key.rsplit(".", 1)[-1]
    if name == "running_var":
        return 1 + 0.3 * r * r
    if name == "running_mean" or key == "temp_enc":
        return 0.1 * r
    if key == "global_pool.p":
        return np.full(shape, 3.0)
    if name in _TABLES:
        return 0.5 * r
    if name.startswith("bias"):
        return 0.05 * r
    if name == "weight" and (len(shape) == 1 or (len(shape) == 3 and shape[0] == shape[2] == 1)):
        return 1 + 0.1 * r
    gain = convolution_gain if len(shape) >= 4 else 1.5
    return r * np.sqrt(gain / np.prod(shape[1:]))


def fill_by_rule(
    network: nn.Module, published_name=lambda key: key, convolution_gain: float = 1.5
) -> nn.Module:
    """The network with these weights, in evaluation mode.

    Args:
        published_name: of an entry of ours.
    """
    state = network.state_dict()
    for key, tensor in state.items():
        name = published_name(key)
        if name.rsplit(".", 1)[-1] not in _AS_BUILT:
            value = rule_value(name, tuple(tensor.shape), convolution_gain)
            state[key] = torch.from_numpy(np.asarray(value)).float()
    network.load_state_dict(state, strict=True)
    return network.eval()


def block_pictures(seed: int, count: int, height: int, width: int) -> np.ndarray:
    """(count, height, width) uint8: blocks of eight pixels, each picture of a brightness."""
    r = np.random.RandomState(seed)
    base = r.rand(count, height // 8 + 1, width // 8 + 1)
    gain = r.rand(count, 1, 1)
    pictures = np.kron(base, np.ones((8, 8)))[:, :height, :width] * gain * 255
    return pictures.astype(np.uint8)
