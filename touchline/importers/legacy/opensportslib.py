"""Weights of OpenSportsLab's E2E-Spot: wrapped, with other prefixes, and a ``config.yaml``."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from torch import Tensor

from touchline.errors import CheckpointError, InputError
from touchline.importers.legacy import e2e_spot
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Weights
from touchline.importers.legacy.settings import PublishedSettings
from touchline.timebase import parse_rate

RENAMED = {"backbone._features.": "_features.", "head._pred_fine.": "_pred_fine."}


def published_key(key: str) -> str:
    """The name that E2E-Spot gives to an entry."""
    for theirs, ours in RENAMED.items():
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key


def rename(weights: Weights) -> dict[str, Tensor]:
    """The entries under E2E-Spot's names."""
    return {published_key(key): value for key, value in weights.items()}


def read_settings(config: Mapping[str, Any]) -> PublishedSettings:
    """Read a ``config.yaml`` of any of its generations: fields are found wherever they nest.

    Raises:
        CheckpointError: a field of the wrong type.
    """
    classes = _find(config, "classes")
    if isinstance(classes, list):
        labels = tuple(str(label) for label in classes)
    elif classes is None:
        labels = None
    else:
        raise CheckpointError("the configuration's classes are not a list")
    crop = number(config, "crop_dim")
    clip_len = number(config, "clip_len")
    modality = _find(config, "modality")
    return PublishedSettings(
        modality=modality if modality in ("rgb", "bw", "flow") else None,
        clip_len=None if clip_len is None else int(clip_len),
        labels=labels,
        rate=_rate(config),
        size=_size(config),
        crop=int(crop) if crop is not None and crop > 0 else None,
    )


def _rate(config: Mapping[str, Any]) -> Fraction | None:
    """Every n-th frame is taken, n = floor(input / wanted), so 2 of 25 a second means 25/12."""
    wanted, given = number(config, "extract_fps"), number(config, "input_fps")
    if wanted is None:
        return None
    try:
        rate = parse_rate(wanted)
        if given is None:
            return rate
        source = parse_rate(given)
    except InputError as error:
        raise CheckpointError(f"the configuration's frame rates: {error}") from error
    return source / max(1, source // rate)


def _size(config: Mapping[str, Any]) -> tuple[int, int] | None:
    resize = _find(config, "resize")
    if isinstance(resize, Mapping):
        width, height = number(resize, "width"), number(resize, "height")
    else:
        width, height = number(config, "target_width"), number(config, "target_height")
    return None if width is None or height is None else (int(width), int(height))


def rate_of_features(config: Mapping[str, Any]) -> Fraction | None:
    """Rows a second of a network of features; None where it is not stated.

    Raises:
        CheckpointError: a rate that cannot be.
    """
    rate = number(config, "framerate")
    try:
        return None if rate is None else parse_rate(rate)
    except InputError as error:
        raise CheckpointError(f"the configuration's framerate: {error}") from error


def number(config: Mapping[str, Any], field: str) -> int | float | None:
    """A field's value, wherever it nests; None without it.

    Raises:
        CheckpointError: it is not a number, or none that a setting could have.
    """
    value = _find(config, field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CheckpointError(f"the configuration's {field} is not a number")
    if not abs(value) < 1_000_000:
        raise CheckpointError(f"the configuration's {field} is {value}")
    return value


def _find(config: Mapping[str, Any], field: str) -> Any:
    """A field's value, the least deeply nested if it occurs more than once."""
    for mapping in mappings(config):
        if mapping.get(field) is not None:
            return mapping[field]
    return None


def mappings(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The mappings of a document, level by level; each once, however often it is referred to."""
    level: list[Mapping[str, Any]] = [config]
    seen = {id(config)}
    while level:
        yield from level
        deeper = {
            id(value): value
            for mapping in level
            for value in mapping.values()
            if isinstance(value, Mapping) and id(value) not in seen
        }
        seen |= deeper.keys()
        level = list(deeper.values())


def _recognises(checkpoint: Checkpoint) -> bool:
    return e2e_spot.is_e2e_spot(published_key(key) for key in checkpoint.weights)


def _read_any_settings(config: Mapping[str, Any]) -> PublishedSettings:
    """Also the flat configuration of the original, which may lie beside wrapped weights."""
    return e2e_spot.read_settings(config) if "feature_arch" in config else read_settings(config)


READER = LegacyReader(
    origin="OpenSportsLab's E2E-Spot",
    system="e2e-spot",
    entries="backbone._features.* and head._pred_fine.*",
    recognises=_recognises,
    infer_config=e2e_spot.config_of,
    usual_rate=e2e_spot.usual_rate,
    suppression=e2e_spot.usual_suppression,
    usual_labels=e2e_spot.USUAL_LABELS,
    rename=rename,
    read_settings=_read_any_settings,
)
"""It keeps its classes in the order of the official evaluator."""
