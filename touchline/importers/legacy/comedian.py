"""Weights of COMEDIAN, as eztorch stores them.

The names are those of the class that loads the published files; the files themselves could not be
looked into. So a missing mask token and prefixes are accepted, and anything else is refused.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from math import isqrt

import torch
from torch import Tensor

from touchline.errors import CheckpointError
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_V2, LabelSet
from touchline.models.comedian import ComedianConfig
from touchline.zoo.cards import CardSuppression

TRANSFORMER = "trunk.transformer."
PATCHES = f"{TRANSFORMER}patch_embed.proj.weight"
CLASSES = "head_class.layers.0.weight"
TIME = f"{TRANSFORMER}time_embed"
MASK_TOKEN = f"{TRANSFORMER}temporal_mask_token"
POSITIONS = f"{TRANSFORMER}pos_embed"
STAGES = f"{TRANSFORMER}spatial_transformer.layers."

RATE = Fraction(2)
SUPPRESSION_SECONDS = 5.0
FLOOR = 0.001

_COMPUTED = (".relative_position_index", ".attn_mask")
_MERGING = re.compile(re.escape(STAGES) + r"(\d+)\.downsample\.")
_USUAL_SIDE = 224


def rename(weights: Weights) -> dict[str, Tensor]:
    """Names of today's timm, in which a stage begins with the merging that ended the one before.

    What is computed is left out; a mask token, which only training uses, is put in where it lacks.
    """
    renamed = {
        _MERGING.sub(lambda found: f"{STAGES}{int(found[1]) + 1}.downsample.", key): value
        for key, value in weights.items()
        if not key.endswith(_COMPUTED)
    }
    if MASK_TOKEN not in renamed and TIME in renamed:
        renamed[MASK_TOKEN] = torch.zeros_like(renamed[TIME][:, :1])
    return renamed


def infer_config(weights: Weights, settings: PublishedSettings) -> ComedianConfig:
    """Read the architecture off names and shapes.

    Raises:
        CheckpointError: an entry that tells is missing or of a shape that no such network has.
    """
    width, _, _, patch, _ = _shape(weights, PATCHES, 5)
    classes, _ = _shape(weights, CLASSES, 2)
    _, tokens, _ = _shape(weights, TIME, 3)
    is_plain = POSITIONS in weights
    side = _USUAL_SIDE
    if is_plain:
        side = patch * isqrt(_shape(weights, POSITIONS, 3)[1] - 1)
    blocks = f"{TRANSFORMER}spatial_transformer.blocks."
    return ComedianConfig(
        num_classes=classes,
        clip_len=tokens,
        encoder="vivit" if is_plain else "viswin",
        image_size=side,
        patch=patch,
        width=width,
        spatial_depth=_depth(weights, blocks) if is_plain else 12,
        temporal_depth=_depth(weights, f"{TRANSFORMER}temporal_transformer.blocks."),
    )


def _depth(weights: Mapping[str, Tensor], blocks: str) -> int:
    return len({key[len(blocks) :].partition(".")[0] for key in weights if key.startswith(blocks)})


def _shape(weights: Mapping[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    if name not in weights:
        raise CheckpointError(f"lacks {name}")
    shape = tuple(weights[name].shape)
    if len(shape) != dimensions or min(shape) < 1:
        raise CheckpointError(f"{name} has shape {shape}")
    return shape


def _recognises(checkpoint: Checkpoint) -> bool:
    return any(key.startswith(TRANSFORMER) for key in checkpoint.weights)


def _usual_rate(labels: LabelSet) -> Fraction:
    return RATE


def _suppression(rate: Fraction) -> CardSuppression:
    return CardSuppression(kind="linear", window_seconds=SUPPRESSION_SECONDS, floor=FLOOR)


READER = LegacyReader(
    origin="COMEDIAN",
    system="comedian",
    entries="trunk.transformer.* and head_class.*",
    recognises=_recognises,
    infer_config=infer_config,
    usual_rate=_usual_rate,
    suppression=_suppression,
    usual_labels=(SOCCERNET_V2.labels,),
    rename=rename,
)
"""Pictures are those of the 224p videos, which the network resizes to a square itself."""
