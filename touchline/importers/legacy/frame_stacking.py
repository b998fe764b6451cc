"""Weights of the 2023 ball winner: ``nn_state_dict`` beside the parameters of its training."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from torch import Tensor

from touchline.errors import CheckpointError
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Pictures, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2, LabelSet
from touchline.models.frame_stacking import STACK_FRAMES, FrameStackingConfig
from touchline.zoo.cards import CardSuppression

NETWORK = "multidim_stacker"
ENCODER = "conv2d_encoder."
BLOCK = "conv3d_encoder."

BALL_LABELS = SOCCERNET_BALL.labels[:2]
ACTION_LABELS = (*SOCCERNET_V2.labels[:14], "Yellow card")
"""As published, the one class of all cards is written as a yellow one."""

SIZE = (1280, 720)
RATE = Fraction(25)
APART_FRAMES = 15
FLOOR = 0.2


def infer_config(weights: Weights, settings: PublishedSettings) -> FrameStackingConfig:
    """Read the architecture off names and shapes; the step from frame to frame is stated.

    Raises:
        CheckpointError: an entry that tells is missing or of a shape that no such network has.
    """
    blocks = {key.removeprefix(BLOCK).partition(".")[0] for key in weights if key.startswith(BLOCK)}
    classes, pooled = _shape(weights, "classifier.weight", 2)
    map_width, _, *_ = _shape(weights, "conv3d_projection.0.weight", 4)
    inner, width, *_ = _shape(weights, f"{BLOCK}0.conv_pw.weight", 5)
    squeezed, *_ = _shape(weights, f"{BLOCK}0.se.conv_reduce.weight", 5)
    if pooled % map_width or inner % width or inner % squeezed:
        raise CheckpointError("its parts are of widths that do not fit each other")
    config = FrameStackingConfig(
        num_classes=classes,
        clip_len=pooled // map_width,
        frame_step=settings.frame_step or 2,
        blocks=len(blocks),
        expansion=inner // width,
        squeeze=inner // squeezed,
        map_width=map_width,
        flip_average=classes == len(BALL_LABELS),
    )
    if settings.clip_len is not None and settings.clip_len != config.num_frames:
        raise CheckpointError(
            f"its parameters say {settings.clip_len} frames, the weights {config.num_frames}"
        )
    return config


def _shape(weights: Mapping[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    if name not in weights:
        raise CheckpointError(f"lacks {name}")
    shape = tuple(weights[name].shape)
    if len(shape) != dimensions or min(shape) < 1:
        raise CheckpointError(f"{name} has shape {shape}")
    return shape


def settings_inside(container: Mapping[str, Any]) -> PublishedSettings:
    """What the parameters beside the weights say, where there are any.

    Raises:
        CheckpointError: another network, or parameters that are none.
    """
    params = container.get("params")
    if params is None:
        return PublishedSettings()
    if not isinstance(params, Mapping):
        raise CheckpointError("its parameters are not a mapping")
    module = params.get("nn_module")
    if module is None:
        name, arguments = NETWORK, {}
    elif isinstance(module, tuple | list) and len(module) == 2 and isinstance(module[1], Mapping):
        name, arguments = module
    else:
        raise CheckpointError("its parameters do not say which network it is")
    if name != NETWORK:
        raise CheckpointError(f"its parameters name a network {str(name)[:40]!r}, not {NETWORK!r}")
    if (stacked := _number(params, "frame_stack_size")) not in (
        None,
        _number(arguments, "num_frames"),
    ):
        raise CheckpointError(f"its parameters stack {stacked} frames for a network of others")
    if _number(arguments, "stack_size") not in (None, STACK_FRAMES):
        raise CheckpointError("its stacks are not of three frames")
    return PublishedSettings(
        num_classes=_number(arguments, "num_classes"),
        clip_len=_number(arguments, "num_frames"),
        frame_step=_number(params, "frame_stack_step"),
    )


def _number(values: Mapping[str, Any], field: str) -> int | None:
    value = values.get(field)
    if value is not None and (type(value) is not int or not 1 <= value <= 10_000):
        raise CheckpointError(f"its parameters have {field} {str(value)[:40]!r}")
    return value


def _recognises(checkpoint: Checkpoint) -> bool:
    keys = checkpoint.weights.keys()
    return all(any(key.startswith(prefix) for key in keys) for prefix in (ENCODER, BLOCK))


def _usual_rate(labels: LabelSet) -> Fraction:
    return RATE


def _suppression(rate: Fraction) -> CardSuppression:
    return CardSuppression(kind="distance", window_seconds=float(APART_FRAMES / rate), floor=FLOOR)


READER = LegacyReader(
    origin="the 2023 ball winner",
    system="frame-stacking",
    entries="conv2d_encoder.*, conv3d_encoder.* and classifier.*",
    recognises=_recognises,
    infer_config=infer_config,
    usual_rate=_usual_rate,
    suppression=_suppression,
    usual_labels=(BALL_LABELS, ACTION_LABELS),
    pictures=lambda labels: Pictures(SIZE),
    settings_inside=settings_inside,
)
"""The weights are those averaged in training; ``no_ema_nn_state_dict`` is left alone."""
