"""Weights of the published dense-anchor networks: Keras variables by their names.

The originals are TensorFlow SavedModels, which execute code when they are loaded. Their variables
are read here from Keras weights (``.h5``) or from ``.safetensors`` made of ``{variable.name:
variable.numpy() for variable in model.variables}``. A file of the two networks of a pair names them
``confidence:<variable>`` and ``delta:<variable>``.

Networks on ResNet features were trained on features divided by the largest magnitude of each of
their numbers, which lies in another file: an entry ``feature_scale`` (width,) gives it.
"""

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction

import torch
from torch import Tensor

from touchline.errors import CheckpointError
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_V2
from touchline.models.dense_anchors import (
    CONFIDENCE,
    DELTA,
    HEADS,
    PROJECTED_WIDTH,
    SHARED,
    DenseAnchorsConfig,
)
from touchline.zoo.cards import CardFeatures, CardSuppression

_VARIABLE = re.compile(
    r"(?:w:|(?P<network>confidence|delta):)?(?:[^:]*/)?(?P<layer>\w+)/(?P<kind>kernel|bias)(?::0)?"
)
_BLOCK = re.compile(r"(?P<level>(?:bu|td)_layer)(?P<number>\d+)_(?P<rest>\w+)")
SCALE = "feature_scale"
BAIDU_WIDTH = 8576
BAIDU_FILES = "baidu_soccer_embeddings"
_RESNET_FILES = {512: "ResNET_TF2_PCA512", 2048: "ResNET_TF2"}

_REDUCTIONS = ("optional_projection", "input_reduction_1", "input_reduction_out")
_HEAD_SUFFIX = "_convolution"


def is_spivak(keys: Iterable[str]) -> bool:
    """Whether these are the names of a published network's Keras variables."""
    layers = {match["layer"] for match in map(_VARIABLE.fullmatch, keys) if match}
    return "input_reduction_out" in layers and "bu_layer0_block0_reduce" in layers


def convert(variables: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keras variables of a network, or of a pair of them, to entries of ``DenseAnchors``.

    Kernels are (steps, 1, in, out), of transposed convolutions (steps, 1, out, in); PyTorch keeps
    (out, in, steps) and (in, out, steps), so both are turned alike.

    Raises:
        CheckpointError: a name or a shape that no such network has, or no confidences.
    """
    networks: dict[str, dict[str, Tensor]] = {}
    for name, value in variables.items():
        if name == SCALE:
            continue
        found = _VARIABLE.fullmatch(name)
        if found is None:
            raise CheckpointError(f"{name[:80]!r} is not a variable of a dense-anchor network")
        own = networks.setdefault(found["network"] or "", {})
        own[f"{found['layer']}/{found['kind']}"] = value
    weights: dict[str, Tensor] = {}
    for own in networks.values():
        weights |= _convert_one(own)
    if f"heads.{CONFIDENCE}.weight" not in weights:
        raise CheckpointError(
            "displacements without confidences find nothing",
            remedy=f"give both networks in one file, as {CONFIDENCE}:<variable> and "
            f"{DELTA}:<variable>",
        )
    width = _feature_width(weights)
    scale = variables.get(SCALE, torch.ones(width))
    if scale.shape != (width,) or not (scale > 0).all():
        raise CheckpointError(f"{SCALE} is not {width} numbers above 0")
    weights[SCALE] = scale.float()
    return weights


def _convert_one(variables: Mapping[str, Tensor]) -> dict[str, Tensor]:
    heads = [head for head in HEADS if f"{head}{_HEAD_SUFFIX}/kernel" in variables]
    if not heads:
        raise CheckpointError("the variables have neither a confidence nor a delta head")
    trunk = SHARED if len(heads) > 1 else heads[0]
    weights = {}
    for name, value in variables.items():
        layer, _, kind = name.partition("/")
        if kind == "kernel":
            weights[f"{_place(layer, trunk)}.weight"] = _turned(layer, value)
        else:
            weights[f"{_place(layer, trunk)}.bias"] = value
    return weights


def to_keras(weights: Mapping[str, Tensor], head: str) -> dict[str, Tensor]:
    """The variables of one of our networks under their Keras names; the reverse of ``convert``."""
    trunk = SHARED if _is_shared(weights) else head
    variables: dict[str, Tensor] = {}
    for key, value in weights.items():
        path, _, kind = key.rpartition(".")
        if path.startswith(f"trunks.{trunk}."):
            layer = _keras_layer(path.removeprefix(f"trunks.{trunk}."))
        elif path.startswith("heads.") and (trunk == SHARED or path == f"heads.{head}"):
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
    head = weights.get(f"heads.{CONFIDENCE}.weight")
    if head is None or head.ndim != 3:
        raise CheckpointError("the network has no confidence head")
    feature_width = _feature_width(weights)
    return DenseAnchorsConfig(
        num_classes=head.shape[0],
        feature_width=feature_width,
        upsampling=2 if feature_width == BAIDU_WIDTH else 1,
        width=head.shape[1] // 4,
        scaled=_is_scaled(weights),
        heads=HEADS if f"heads.{DELTA}.weight" in weights else (CONFIDENCE,),
        shared_trunk=_is_shared(weights),
    )


def _is_scaled(weights: Mapping[str, Tensor]) -> bool:
    return SCALE in weights and bool((weights[SCALE] != 1).any())


def _is_shared(weights: Iterable[str]) -> bool:
    return any(key.startswith(f"trunks.{SHARED}.") for key in weights)


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


def _feature_width(weights: Mapping[str, Tensor]) -> int:
    trunk = SHARED if _is_shared(weights) else CONFIDENCE
    for layer in _REDUCTIONS[:2]:
        weight = weights.get(f"trunks.{trunk}.{layer}.weight")
        if weight is not None and weight.ndim == 2:
            width = weight.shape[1]
            if layer == _REDUCTIONS[0] and width <= PROJECTED_WIDTH:
                raise CheckpointError(f"a projection of {width} numbers is not needed")
            return width
    raise CheckpointError("the network has no first layer")


def _reader(*, baidu: bool, moves: bool) -> LegacyReader:
    """Of networks on Baidu's features (one row a second, interpolated) or on others (two), with
    displacements or confidences alone, which need a wider suppression."""
    rule = (
        CardSuppression(kind="linear", window_seconds=4.0, floor=1e-5)
        if moves
        else CardSuppression(kind="greedy", window_seconds=10.0, floor=1e-5)
    )

    def recognises(checkpoint: Checkpoint) -> bool:
        if not is_spivak(checkpoint.weights):
            return False
        has_delta = any(f"{DELTA}{_HEAD_SUFFIX}" in name for name in checkpoint.weights)
        return has_delta == moves and _takes_baidu(checkpoint.weights) == baidu

    return LegacyReader(
        origin="dense anchors (yahoo/spivak)",
        system="dense-anchors",
        entries="bu_layer0_block0_reduce/kernel and alike",
        recognises=recognises,
        infer_config=_config_with_settings,
        usual_rate=lambda labels: Fraction(1 if baidu else 2),
        suppression=lambda rate: rule,
        usual_labels=(SOCCERNET_V2.labels,),
        rename=convert,
        features=_features,
    )


def _takes_baidu(variables: Weights) -> bool:
    kernels = [v for name, v in variables.items() if f"{_REDUCTIONS[0]}/kernel" in name]
    return any(kernel.ndim == 4 and kernel.shape[1] == BAIDU_WIDTH for kernel in kernels)


def _config_with_settings(weights: Weights, settings: PublishedSettings) -> DenseAnchorsConfig:
    return infer_config(weights)


def _features(config: DenseAnchorsConfig) -> CardFeatures:
    width = config.feature_width
    name = BAIDU_FILES if width == BAIDU_WIDTH else _RESNET_FILES.get(width, "features")
    return CardFeatures(name=name, width=width)


READERS = tuple(_reader(baidu=b, moves=m) for b in (False, True) for m in (False, True))
