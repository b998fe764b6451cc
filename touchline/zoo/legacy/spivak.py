"""Weights of the published dense-anchor networks: Keras variables by their names.

The originals are TensorFlow SavedModels, which execute code when they are loaded. Their variables
are read here from a plain table of names and arrays (``.npz`` or ``.safetensors``), which
``{variable.name: variable.numpy() for variable in model.variables}`` makes.
"""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from touchline.errors import CheckpointError
from touchline.models.dense_anchors import (
    CONFIDENCE,
    DELTA,
    HEADS,
    PROJECTED_WIDTH,
    DenseAnchorsConfig,
)

_VARIABLE = re.compile(r"(?:w:)?(?P<layer>\w+)/(?P<kind>kernel|bias)(?::0)?")
_BLOCK = re.compile(r"(?P<level>(?:bu|td)_layer)(?P<number>\d+)_(?P<rest>\w+)")
_REDUCTIONS = ("optional_projection", "input_reduction_1", "input_reduction_out")
_HEAD_SUFFIX = "_convolution"


def is_spivak(keys: Iterable[str]) -> bool:
    """Whether these are the names of a published network's Keras variables."""
    layers = {match["layer"] for match in map(_VARIABLE.fullmatch, keys) if match}
    return "input_reduction_out" in layers and "bu_layer0_block0_reduce" in layers


def convert(variables: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keras variables of one network to entries of ``DenseAnchors``.

    Kernels are (steps, 1, in, out), of transposed convolutions (steps, 1, out, in); PyTorch keeps
    (out, in, steps) and (in, out, steps), so both are turned alike.

    Raises:
        CheckpointError: a name or a shape that no such network has.
    """
    heads = _heads(variables)
    trunk = "shared" if len(heads) > 1 else heads[0]
    weights: dict[str, Tensor] = {}
    for name, value in variables.items():
        found = _VARIABLE.fullmatch(name)
        if found is None:
            raise CheckpointError(f"{name[:80]!r} is not a variable of a dense-anchor network")
        layer = found["layer"]
        if found["kind"] == "kernel":
            weights[f"{_place(layer, trunk)}.weight"] = _turned(layer, value)
        else:
            weights[f"{_place(layer, trunk)}.bias"] = value
    weights["feature_scale"] = torch.ones(_feature_width(weights, trunk))
    return weights


def join(confidence: Mapping[str, Tensor], delta: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Two converted networks of one head each as one of two trunks."""
    return {**confidence, **delta}


def to_keras(weights: Mapping[str, Tensor], head: str) -> dict[str, Tensor]:
    """The variables of one of our networks under their Keras names; the reverse of ``convert``."""
    trunk = "shared" if any(key.startswith("trunks.shared.") for key in weights) else head
    variables: dict[str, Tensor] = {}
    for key, value in weights.items():
        path, _, kind = key.rpartition(".")
        if path.startswith(f"trunks.{trunk}."):
            layer = _keras_layer(path.removeprefix(f"trunks.{trunk}."))
        elif path.startswith("heads.") and (trunk == "shared" or path == f"heads.{head}"):
            layer = path.removeprefix("heads.") + _HEAD_SUFFIX
        else:
            continue
        if kind == "bias":
            variables[f"{layer}/bias:0"] = value
        else:
            variables[f"{layer}/kernel:0"] = _turned_back(layer, value)
    return variables


def infer_config(weights: Mapping[str, Tensor]) -> DenseAnchorsConfig:
    """Read the sizes off converted weights.

    Raises:
        CheckpointError: no head, or no first layer.
    """
    heads = tuple(head for head in HEADS if f"heads.{head}.weight" in weights)
    if not heads:
        raise CheckpointError("the weights have neither a confidence nor a delta head")
    shared = any(key.startswith("trunks.shared.") for key in weights)
    head = weights[f"heads.{heads[0]}.weight"]
    return DenseAnchorsConfig(
        num_classes=head.shape[0],
        feature_width=_feature_width(weights, "shared" if shared else heads[0]),
        width=head.shape[1] // 4,
        heads=heads,
        shared_trunk=shared,
    )


def _heads(variables: Iterable[str]) -> tuple[str, ...]:
    layers = {match["layer"] for match in map(_VARIABLE.fullmatch, variables) if match}
    heads = tuple(head for head in (CONFIDENCE, DELTA) if head + _HEAD_SUFFIX in layers)
    if not heads:
        raise CheckpointError("the variables have neither a confidence nor a delta head")
    return heads


def _place(layer: str, trunk: str) -> str:
    """Where a Keras layer sits in our module."""
    if layer.removesuffix(_HEAD_SUFFIX) in HEADS:
        return f"heads.{layer.removesuffix(_HEAD_SUFFIX)}"
    if layer in _REDUCTIONS:
        return f"trunks.{trunk}.{layer}"
    found = _BLOCK.fullmatch(layer)
    if found is None:
        raise CheckpointError(f"there is no layer {layer[:80]!r} in a dense-anchor network")
    block, _, part = found["rest"].partition("_")
    inner = block if block == "transpose" else f"{block}.{part}"
    return f"trunks.{trunk}.{found['level']}.{found['number']}.{inner}"


def _keras_layer(path: str) -> str:
    """``bu_layer.0.block0.reduce`` to ``bu_layer0_block0_reduce``."""
    if path in _REDUCTIONS:
        return path
    level, number, *inner = path.split(".")
    return "_".join((level + number, *inner))


def _turned(layer: str, kernel: Tensor) -> Tensor:
    if layer == _REDUCTIONS[0] and kernel.ndim == 4:
        return kernel[0, :, 0].T.contiguous()
    if kernel.ndim != 4 or kernel.shape[1] != 1:
        raise CheckpointError(f"the kernel of {layer} has shape {tuple(kernel.shape)}")
    turned = kernel[:, 0].permute(2, 1, 0).contiguous()
    return turned[:, :, 0] if layer in _REDUCTIONS else turned


def _turned_back(layer: str, weight: Tensor) -> Tensor:
    if layer == _REDUCTIONS[0]:
        return weight.T[None, :, None].contiguous()
    if layer in _REDUCTIONS:
        weight = weight[:, :, None]
    return weight.permute(2, 1, 0)[:, None].contiguous()


def _feature_width(weights: Mapping[str, Tensor], trunk: str) -> int:
    for layer in _REDUCTIONS[:2]:
        weight = weights.get(f"trunks.{trunk}.{layer}.weight")
        if weight is not None and weight.ndim == 2:
            width = weight.shape[1]
            if layer == _REDUCTIONS[0] and width <= PROJECTED_WIDTH:
                raise CheckpointError(f"a projection of {width} numbers is not needed")
            return width
    raise CheckpointError("the network has no first layer")
