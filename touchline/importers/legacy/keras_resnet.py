"""Weights of ResNet-152 as Keras publishes them (``.h5``)."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_VARIABLE = re.compile(
    r"(?:.*/)?(?:conv1|conv(?P<stage>\d)_block(?P<block>\d+)_(?P<number>[0-3]))"
    r"_(?P<kind>conv|bn)/(?P<variable>\w+)(?::0)?"
)

_ENTRIES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def is_keras_resnet(weights: Mapping[str, Tensor]) -> bool:
    """Whether these are the variables of a Keras ResNet."""
    entries = {_entry(path) for path in weights}
    return {"conv1_conv.weight", "conv5_block1.conv0.weight"} <= entries


def rename(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Variables by path, ``conv2_block1_1_conv/kernel``, to the entries of ``KerasResNet``.

    Kernels turn from (height, width, in, out) to (out, in, height, width). The classifier, where
    the file has one, is left out.
    """
    renamed: dict[str, Tensor] = {}
    for path, tensor in weights.items():
        if (entry := _entry(path)) is not None:
            is_kernel = tensor.ndim == 4
            renamed[entry] = tensor.permute(3, 2, 0, 1).contiguous() if is_kernel else tensor
            if entry.endswith("running_var"):
                # PyTorch counts batches, for training alone.
                counter = entry.replace("running_var", "num_batches_tracked")
                renamed[counter] = torch.tensor(0)
    return renamed


def _entry(path: str) -> str | None:
    found = _VARIABLE.fullmatch(path)
    if found is None or found["variable"] not in _ENTRIES:
        return None
    kind = found["kind"]
    layer = (
        f"conv1_{kind}"
        if found["stage"] is None
        else f"conv{found['stage']}_block{found['block']}.{kind}{found['number']}"
    )
    return f"{layer}.{_ENTRIES[found['variable']]}"
