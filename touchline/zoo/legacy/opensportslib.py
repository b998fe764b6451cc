"""Weights of OpenSportsLab's E2E-Spot: wrapped, with other prefixes, and a ``config.yaml``."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from touchline.errors import CheckpointError, InputError
from touchline.timebase import parse_rate
from touchline.zoo.legacy.settings import PublishedSettings

WRAPPERS = ("model_state_dict", "state_dict")
WRAPPER_PREFIXES = ("module.", "_model.", "model.")
RENAMED = {"backbone._features.": "_features.", "head._pred_fine.": "_pred_fine."}


def unwrap(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state dict inside a training checkpoint; the document itself if it is not one."""
    for field in WRAPPERS:
        inner = document.get(field)
        if isinstance(inner, Mapping):
            return inner
    return document


def published_key(key: str) -> str:
    """The name that E2E-Spot gives to an entry."""
    stripped = True
    while stripped:
        stripped = False
        for prefix in WRAPPER_PREFIXES:
            if key.startswith(prefix):
                key, stripped = key.removeprefix(prefix), True
    for theirs, ours in RENAMED.items():
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key


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
    crop = _number(config, "crop_dim")
    clip_len = _number(config, "clip_len")
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
    wanted, given = _number(config, "extract_fps"), _number(config, "input_fps")
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
        width, height = _number(resize, "width"), _number(resize, "height")
    else:
        width, height = _number(config, "target_width"), _number(config, "target_height")
    return None if width is None or height is None else (int(width), int(height))


def _number(config: Mapping[str, Any], field: str) -> int | float | None:
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
    for mapping in _mappings(config):
        if mapping.get(field) is not None:
            return mapping[field]
    return None


def _mappings(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
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
