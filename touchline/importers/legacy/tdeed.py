"""Weights of the published T-DEED, single and joint, and of its team version: a plain state dict.

No configuration lies beside them: all of it is read off names and shapes. Sources: arturxe2/T-DEED,
SoccerNet/sn-teamspotting.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction

from touchline.errors import CheckpointError
from touchline.importers.legacy.e2e_spot import SOCCERNET_V2_RATE
from touchline.importers.legacy.reader import Checkpoint, Labels, LegacyReader, Pictures, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2, LabelSet
from touchline.models.tdeed import TDEEDConfig, TeamTDEEDConfig
from touchline.zoo.cards import CardSuppression

BALL_RATE = Fraction(25, 2)
SPORT_RATE = Fraction(25)
"""Of the other sports, whose frames are taken as they are in their videos."""

TENNIS = tuple(
    f"{end}_court_{act}" for end in ("far", "near") for act in ("bounce", "swing", "serve")
)
SKATING = ("jump_landing", "jump_takeoff", "spin_landing", "spin_takeoff")
FINEDIVING = ("Entry", "Som(s).Pike", "Som(s).Tuck", "Twist(s)")
FINEGYM = tuple(f"class {number}" for number in range(1, 33))
"""Numbered: their names are not published beside the weights."""

FINEDIVING_KERNEL = 7
"""Both published networks of FineDiving have it, and none of figure skating, which has as many
classes."""

SUPPRESSION_ROWS = {BALL_RATE: 12, SOCCERNET_V2_RATE: 6}
SPORT_ROWS = 3
"""Of the published soft suppression, at other rates."""

_BACKBONES = {368: "rny002", 768: "rny008"}
_TABLE = "temp_enc"
_SHORT = "_temp_fine._sgp.{}.psi.weight"
_LONG = "_temp_fine._sgp.0.convkw.weight"
_SINGLE, _FIRST, _SECOND = (
    f"_pred_fine.{head}weight" for head in ("_fc_out.", "_fc1._fc_out.", "_fc2._fc_out.")
)
_DISPLACEMENT, _TEAM = "_pred_displ._fc_out.weight", "_pred_team._fc_out.weight"

MAX_CLIP, MAX_LAYERS, MAX_KERNEL, MAX_LONG_KERNEL = 10_000, 10, 99, 999


def is_tdeed(keys: Iterable[str]) -> bool:
    """Whether these are the names of a T-DEED network."""
    return any(key == _TABLE or key.startswith("_temp_fine.") or ".gs." in key for key in keys)


def infer_config(weights: Weights) -> TDEEDConfig:
    """Read the architecture off names and shapes.

    Raises:
        CheckpointError: an entry is missing, or sizes that no such network has.
    """
    clip_len, width = _shape(weights, _TABLE, 2)
    if width not in _BACKBONES:
        raise CheckpointError(
            f"{_TABLE} is {width} wide, as no known backbone is",
            remedy=f"known are {', '.join(f'{b}, {w}' for w, b in _BACKBONES.items())}",
        )
    gate = "gsf" if any(".conv1.gs.channel_conv1." in key for key in weights) else "gsm"
    kernel, long_kernel = _shape(weights, _SHORT.format(0), 3)[2], _shape(weights, _LONG, 3)[2]
    layers = _layers(weights)
    _check_sizes(clip_len, layers, kernel, long_kernel)
    classes, extra_classes = _heads(weights)
    kind = TeamTDEEDConfig if _TEAM in weights else TDEEDConfig
    factor = Fraction(long_kernel - 1, kernel + 1)
    return kind(
        f"{_BACKBONES[width]}_{gate}",
        classes,
        clip_len,
        layers,
        kernel,
        int(factor) if factor.denominator == 1 else float(factor),
        displacement=_DISPLACEMENT in weights,
        extra_classes=extra_classes,
    )


def _shape(weights: Weights, key: str, axes: int) -> tuple[int, ...]:
    if key not in weights or weights[key].ndim != axes:
        raise CheckpointError(f"lacks {key}, of which the network's size is read")
    return tuple(weights[key].shape)


def _layers(weights: Weights) -> int:
    blocks = 0
    while _SHORT.format(blocks) in weights:
        blocks += 1
    if blocks < 3 or blocks % 2 == 0:
        raise CheckpointError(
            f"has {blocks} blocks _temp_fine._sgp", remedy="a network of n poolings has 2n + 1"
        )
    return blocks // 2


def _check_sizes(clip_len: int, layers: int, kernel: int, long_kernel: int) -> None:
    within = 0 < clip_len <= MAX_CLIP and layers <= MAX_LAYERS
    within = within and kernel <= MAX_KERNEL and 1 < long_kernel <= MAX_LONG_KERNEL
    if not within or kernel % 2 == 0 or long_kernel % 2 == 0:
        raise CheckpointError(
            f"has clips of {clip_len} frames, {layers} poolings, and kernels of {kernel} and "
            f"{long_kernel}",
            remedy="kernels are odd, and as long as published ones, such as 9 and 41",
        )


def _heads(weights: Weights) -> tuple[int, int]:
    """Classes of the head, and of a second one."""
    if _SINGLE in weights:
        return _shape(weights, _SINGLE, 2)[0] - 1, 0
    if _FIRST in weights and _SECOND in weights:
        return _shape(weights, _FIRST, 2)[0] - 1, _shape(weights, _SECOND, 2)[0] - 1
    raise CheckpointError(
        "has no head of classes", remedy=f"it is {_SINGLE}, or {_FIRST} with {_SECOND}"
    )


def usual_rate(labels: LabelSet) -> Fraction:
    """What the published networks of these classes were trained at."""
    if set(labels) == set(SOCCERNET_V2):
        return SOCCERNET_V2_RATE
    return BALL_RATE if set(labels) <= set(SOCCERNET_BALL) else SPORT_RATE


def usual_suppression(rate: Fraction) -> CardSuppression:
    """Soft, with the published windows."""
    rows = SUPPRESSION_ROWS.get(rate, SPORT_ROWS)
    return CardSuppression(kind="soft", window_seconds=float(rows / rate))


def usual_pictures(labels: LabelSet) -> Pictures:
    """What they were trained on: football whole, other sports a square."""
    if usual_rate(labels) == BALL_RATE:
        return Pictures((796, 448), overlap=0.75)
    if usual_rate(labels) == SOCCERNET_V2_RATE:
        return Pictures((398, 224))
    return Pictures((398, 224), crop=224, overlap=0.75)


def _config_of(weights: Weights, settings: PublishedSettings) -> TDEEDConfig:
    config = infer_config(weights)
    if settings.clip_len is not None and settings.clip_len != config.clip_len:
        raise CheckpointError(
            f"the configuration has clips of {settings.clip_len} frames, the weights of "
            f"{config.clip_len}"
        )
    return config


def _reader(
    system: str, recognises: Callable[[Weights], bool], usual_labels: tuple[Labels, ...]
) -> LegacyReader:
    def recognised(checkpoint: Checkpoint) -> bool:
        return is_tdeed(checkpoint.weights) and recognises(checkpoint.weights)

    return LegacyReader(
        origin="T-DEED",
        system=system,
        entries="temp_enc, _temp_fine.* and _pred_fine.*",
        recognises=recognised,
        infer_config=_config_of,
        usual_rate=usual_rate,
        suppression=usual_suppression,
        pictures=usual_pictures,
        usual_labels=usual_labels,
    )


def _is_finediving(weights: Weights) -> bool:
    short = weights.get(_SHORT.format(0))
    return short is not None and short.ndim == 3 and short.shape[2] == FINEDIVING_KERNEL


_FOOTBALL = (SOCCERNET_V2.labels, SOCCERNET_BALL.labels)

READERS = (
    _reader("tdeed-team", lambda weights: _TEAM in weights, _FOOTBALL),
    _reader("tdeed", _is_finediving, (*_FOOTBALL, FINEDIVING, TENNIS, FINEGYM)),
    _reader("tdeed", lambda weights: True, (*_FOOTBALL, SKATING, TENNIS, FINEGYM)),
)
