"""Weights of extractors: taken from published files or the hub, stored and exported once."""

import importlib.util
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from touchline.engines.networks import fill, save_weights
from touchline.errors import CheckpointError, ConfigError
from touchline.importers.checkpoints import open_checkpoint
from touchline.importers.legacy import keras_resnet, vggish
from touchline.models.extractors import NETWORKS, build_timm
from touchline.models.resnet_keras import RESNET152_DEPTHS
from touchline.models.vggish import EXAMPLE_SHAPE
from touchline.runtime.temporary import temporary_folder
from touchline.zoo.catalogue import entry_of_file
from touchline.zoo.extractors import (
    CARD_FILE,
    ExtractorCard,
    ExtractorFolder,
    NetworkName,
    find_extractor,
    folder_name,
    user_extractors,
)
from touchline.zoo.store import WEIGHTS_FILE, sha256_of

KERAS_SIDE = 224
HALF_SECOND_STEPS = 46

_CLASSIFIERS = ("fc.", "classifier.", "head.", "head_dist.")
"""Before the names of what timm puts behind the features."""


def extractor_of(path: Path) -> str | None:
    """Which extractor a file of published weights is of; None for everything else.

    Raises:
        CheckpointError: unreadable.
    """
    weights = open_checkpoint(path).weights
    if keras_resnet.is_keras_resnet(weights):
        return "resnet152"
    return "vggish" if vggish.is_vggish(weights) else None


def import_weights(name: str, path: Path, *, onnx: bool = True) -> ExtractorFolder:
    """Store an extractor with published weights; nothing in their file is executed.

    Where these very weights are stored already, nothing is done.

    Args:
        name: ``"resnet152"``, ``"vggish"`` or ``"timm:<backbone>"``.
        path: Keras' ``.h5``, or ``.pt``, ``.pth`` or ``.safetensors``.
        onnx: also export for OpenVINO, where the ``onnx`` package is installed.

    Raises:
        CheckpointError: unreadable, or weights of another network.
        ConfigError: other weights lie under this name already; or no such backbone.
    """
    weights = dict(open_checkpoint(path).weights)
    stored = find_extractor(folder_name(name))
    if stored is not None and stored.card.original_sha256 == sha256_of(path):
        return stored
    if backbone := _backbone(name):
        network = _timm(backbone, pretrained=False)
        weights = _known_to(network, weights)
        card = _timm_card(name, network)
    elif name == "resnet152":
        if not keras_resnet.is_keras_resnet(weights):
            raise _foreign(path, "a Keras ResNet-152", "conv1_conv/kernel")
        weights = keras_resnet.rename(weights)
        card = extractor_card(name, {"depths": list(RESNET152_DEPTHS)}, KERAS_SIDE)
        network = NETWORKS[card.network].build(card.config)
    else:
        if not vggish.is_vggish(weights):
            raise _foreign(path, "a VGGish", "features.0.weight, embeddings.0.weight")
        weights = vggish.rename(weights)
        card = extractor_card(name, {}, None)
        network = NETWORKS[card.network].build(card.config)
    fill(network, weights, where=path)
    published = entry_of_file(path)
    facts = {
        "original_sha256": sha256_of(path),
        "source": published.source if published else f"imported from {path.name}",
        "licence": published.licence if published else card.licence,
    }
    return store(network, card.model_copy(update=facts), onnx=onnx)


def fetch_timm(name: str) -> ExtractorFolder:
    """Store a backbone of timm with its weights from the hub.

    Args:
        name: ``"timm:resnet50.a1_in1k"``.

    Raises:
        ConfigError: timm does not know it, or it has no weights there.
        CheckpointError: the hub cannot be reached.
    """
    network = _timm(_backbone(name) or name, pretrained=True)
    return store(network, _timm_card(name, network))


def store(network: nn.Module, card: ExtractorCard, *, onnx: bool = True) -> ExtractorFolder:
    """Write weights, graphs and card into the user's folder, all or nothing.

    Args:
        onnx: also export for OpenVINO, where the ``onnx`` package is installed.

    Raises:
        ConfigError: an extractor of this name is there already.
        CheckpointError: a graph that does not compute what PyTorch computes.
    """
    target = user_extractors() / card.name
    if target.exists():
        raise ConfigError(
            "other weights are there already", where=target, remedy="move that folder away first"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(target) as scratch:
        made = scratch / "extractor"
        made.mkdir()
        save_weights(network, made / WEIGHTS_FILE)
        if onnx and importlib.util.find_spec("onnx") is not None:
            _export(network.eval(), card, made)
        files = {path.name: sha256_of(path) for path in sorted(made.iterdir())}
        card = card.model_copy(update={"files": files})
        text = json.dumps(card.model_dump(exclude_none=True), indent=2)
        (made / CARD_FILE).write_text(text + "\n", "utf-8")
        shutil.move(made, target)
    return ExtractorFolder(target, card)


def _export(network: nn.Module, card: ExtractorCard, folder: Path) -> None:
    from touchline.engines.export import Part, export_part

    noise = torch.Generator().manual_seed(0)
    for graph, wrap in NETWORKS[card.network].graphs.items():

        def inputs(count: int, graph: str = graph) -> dict[str, Tensor]:
            return {"inputs": _example(card, graph, count, noise)}

        part = Part(
            f"{graph}.onnx",
            wrap(network).eval(),
            "features",
            {"inputs": (0,), "features": (0,)},
            inputs(2),
            (inputs(1), inputs(3)),
        )
        export_part(part, folder, "fp32")


def _example(card: ExtractorCard, graph: str, count: int, noise: torch.Generator) -> Tensor:
    if card.width is not None and card.height is not None:
        shape = (count, card.height, card.width, 3)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=noise)
    steps, bands = EXAMPLE_SHAPE
    steps = HALF_SECOND_STEPS if graph == "half_seconds" else steps
    return torch.randn(count, steps, bands, generator=noise) - 3


def extractor_card(name: str, config: dict[str, Any], side: int | None) -> ExtractorCard:
    """The card of ``"resnet152"`` or ``"vggish"``, as yet without files."""
    network: NetworkName = "vggish" if name == "vggish" else "resnet152-keras"
    return ExtractorCard(
        name=name, network=network, config=config, width=side, height=side, files={}
    )


def _timm_card(name: str, network: nn.Module) -> ExtractorCard:
    _, height, width = timm.data.resolve_model_data_config(network)["input_size"]
    licence = str(getattr(network, "pretrained_cfg", {}).get("license") or "")
    return ExtractorCard(
        name=folder_name(name),
        network="timm",
        config={"timm_name": _backbone(name)},
        width=width,
        height=height,
        licence=licence,
        source=f"timm {timm.__version__}",
        files={},
    )


def _backbone(name: str) -> str | None:
    kind, _, backbone = name.partition(":")
    return backbone if kind == "timm" else None


def _timm(backbone: str, *, pretrained: bool) -> nn.Module:
    if not timm.is_model(backbone.partition(".")[0]):
        near = timm.list_models(f"{backbone[:6]}*")[:5]
        raise ConfigError(
            f"timm has no backbone {backbone!r}",
            remedy=f"known are, for example, {', '.join(near) or 'resnet50, regnety_008'}",
        )
    try:
        return build_timm({"timm_name": backbone}, pretrained)
    except RuntimeError as error:  # no such weights
        raise ConfigError(
            f"timm has no weights {backbone}: {error}"[:300], remedy="see timm.list_pretrained()"
        ) from error
    except (OSError, ValueError) as error:  # what the hub's client raises
        raise CheckpointError(
            f"weights of {backbone} cannot be fetched ({type(error).__name__})",
            remedy=f"check the network, or give a file: timm:{backbone}@weights.safetensors",
        ) from error


def _known_to(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the classifier, which the features are taken before."""
    known = network.state_dict()
    return {
        key: value
        for key, value in weights.items()
        if key in known or not key.startswith(_CLASSIFIERS)
    }


def _foreign(path: Path, network: str, entries: str) -> CheckpointError:
    return CheckpointError(
        f"does not hold {network}", where=path, remedy=f"it has entries such as {entries}"
    )
