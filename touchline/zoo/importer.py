"""Published checkpoints to model folders; nothing in a checkpoint is executed."""

import importlib.util
import json
import pickle
import re
import shutil
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from touchline.errors import CheckpointError, ConfigError, InputError, LabelError, MissingExtraError
from touchline.labels import LABEL_SETS, SOCCERNET_BALL, SOCCERNET_V2, LabelSet, label_set_of
from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig
from touchline.timebase import format_rate, parse_rate
from touchline.zoo.cards import CARD_FILE, CardLabels, ModelCard, Suppression, write_card
from touchline.zoo.legacy import e2e_spot, opensportslib
from touchline.zoo.legacy.settings import PublishedSettings
from touchline.zoo.networks import config_dict, fill, read_safetensors, save_weights
from touchline.zoo.store import WEIGHTS_FILE, ModelFolder, sha256_of, user_models

MAX_CHECKPOINT_BYTES = 4 * 1024**3
MAX_CONFIG_BYTES = 1_000_000
FIRST_SAFE_TORCH = (2, 10)
"""Before 2.10, reading weights alone could be made to corrupt memory (CVE-2026-24747)."""

SOCCERNET_SIZE = (398, 224)

_UNREADABLE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
)
"""What reading damaged or hostile bytes has been seen or is documented to raise."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def import_checkpoint(
    path: Path,
    *,
    name: str | None = None,
    out: Path | None = None,
    config_path: Path | None = None,
    labels: str | None = None,
    rate: str | None = None,
    size: tuple[int, int] | None = None,
    licence: str = "",
    source: str = "",
    onnx: bool = True,
) -> ModelFolder:
    """Turn a published checkpoint into a model folder.

    The architecture is read off the weights. Labels, rate and size are taken from the arguments,
    else from the published configuration, else from what the weights' origin is known to use.

    Args:
        path: ``.pt``, ``.pth``, ``.pth.tar`` or ``.safetensors``.
        name: name in the zoo; made from the file's name by default.
        out: the folder to make; in the user's zoo by default. It must not exist.
        config_path: the published ``config.json`` or ``config.yaml``.
        labels: a file with a label a line, the name of a label set, or labels with commas.
        rate: frames a second, such as ``"25/12"``.
        size: width and height of pictures.
        licence: of the weights.
        source: where they come from.
        onnx: also export for OpenVINO, where the ``onnx`` package is installed.

    Raises:
        CheckpointError: unreadable, of another system, or weights that fit no network.
        ConfigError: labels, rate or size that are missing or do not fit.
        MissingExtraError: PyTorch is too old.
    """
    name = _checked_name(name or _name_from(path))
    target = out or user_models() / name
    if target.exists():
        raise ConfigError("is there already", where=target, remedy="give another --name")
    weights, is_original = _recognise(read_checkpoint(path), path)
    settings = _read_settings(config_path, is_original)
    config = _config(weights, settings, path)
    network = E2ESpot(config)
    fill(network, weights, where=path)
    card = _card(name, config, settings, is_original, labels, rate, size)
    card = card.model_copy(
        update={"licence": licence, "source": source or f"imported from {path.name}"}
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        save_weights(network, made / WEIGHTS_FILE)
        files = {WEIGHTS_FILE: sha256_of(made / WEIGHTS_FILE)}
        card = card.model_copy(update={"files": files})
        write_card(card, made / CARD_FILE)
        if onnx and importlib.util.find_spec("onnx") is not None:
            from touchline.zoo.export import export_onnx

            card = export_onnx(ModelFolder(made, card)).card
        shutil.move(made, target)
    return ModelFolder(target, card, "path" if out else "user")


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """The mapping that a checkpoint holds, without running what is in it.

    Raises:
        CheckpointError: absent, too large, damaged, or holding more than numbers.
        MissingExtraError: a PyTorch whose reader is not safe.
    """
    _check_size(path)
    if path.suffix.lower() == ".safetensors":
        return read_safetensors(path)
    version = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
    if version < FIRST_SAFE_TORCH:
        raise MissingExtraError(
            "reading foreign checkpoints safely (PyTorch 2.10 or later)", "torch"
        )
    try:
        _check_archive(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual pickles, which are refused anyway
            document = torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except _UNREADABLE as error:
        # PyTorch's own text advises to switch the safe reader off.
        raise CheckpointError(
            f"cannot be read as weights ({type(error).__name__})",
            where=path,
            remedy="it must be a whole checkpoint that holds nothing but numbers",
        ) from error
    if not isinstance(document, Mapping):
        raise CheckpointError(f"holds a {type(document).__name__}, not named weights", where=path)
    return document


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=path) from error
    if not path.is_file():
        raise CheckpointError("is not a file", where=path, remedy="give the checkpoint itself")
    if size > MAX_CHECKPOINT_BYTES:
        raise CheckpointError("is larger than 4 GiB", where=path)


def _check_archive(path: Path) -> None:
    """Refuse archives that unpack to more than they are: PyTorch never compresses its own."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    if not stored or sum(member.file_size for member in members) > MAX_CHECKPOINT_BYTES:
        raise CheckpointError("is a compressed archive, which no checkpoint is", where=path)


def _recognise(document: Mapping[str, Any], path: Path) -> tuple[dict[str, Tensor], bool]:
    """Weights under their published names, and whether they are the original E2E-Spot's."""
    inner = opensportslib.unwrap(document)
    weights: dict[str, Tensor] = {}
    for key, value in inner.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise CheckpointError(f"entry {str(key)[:80]!r} is not a named tensor", where=path)
        weights[opensportslib.published_key(key)] = value
    if len(weights) != len(inner):
        raise CheckpointError("two entries have the same published name", where=path)
    if e2e_spot.is_e2e_spot(weights):
        return weights, inner is document and set(weights) == set(inner)
    system = _other_system(weights)
    if system is not None:
        raise CheckpointError(
            f"holds weights of {system}", where=path, remedy="only E2E-Spot can be imported so far"
        )
    first = next(iter(weights), "nothing")
    raise CheckpointError(
        f"holds weights of no known network (first entry: {first[:80]})",
        where=path,
        remedy="E2E-Spot has entries _features.* and _pred_fine.*",
    )


def _other_system(keys: Mapping[str, Tensor]) -> str | None:
    if "temp_enc" in keys or any("_temp_fine." in key or ".gs." in key for key in keys):
        return "T-DEED"
    if "conv_1.weight" in keys and "conv_p_1.weight" in keys:
        return "CALF"
    if any(key.startswith("pool_layer") for key in keys):
        return "NetVLAD pooling"
    if set(keys) == {"fc.weight", "fc.bias"}:
        return "MaxPool or AvgPool pooling"
    if any(key.startswith(("conv2d_encoder.", "conv3d_encoder.")) for key in keys):
        return "the 2023 ball action spotting winner"
    return None


def _read_settings(config_path: Path | None, is_original: bool) -> PublishedSettings:
    if config_path is None:
        return PublishedSettings()
    try:
        with config_path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise CheckpointError("is too large for a configuration", where=config_path)
        text = data.decode("utf-8")
        is_json = config_path.suffix.lower() == ".json"
        config = json.loads(text) if is_json else yaml.safe_load(text)
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=config_path) from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = str(error).replace("\n", " ")[:160]
        raise CheckpointError(f"is not a configuration ({reason})", where=config_path) from error
    if not isinstance(config, Mapping):
        raise CheckpointError("is not a configuration", where=config_path)
    flat = is_original or "feature_arch" in config
    try:
        return e2e_spot.read_settings(config) if flat else opensportslib.read_settings(config)
    except CheckpointError as error:
        raise CheckpointError(error.what, where=config_path) from error


def _config(
    weights: Mapping[str, Tensor], settings: PublishedSettings, path: Path
) -> E2ESpotConfig:
    try:
        config = e2e_spot.infer_config(weights, settings.clip_len or 100)
    except InputError as error:
        raise CheckpointError(error.what, where=path, remedy=error.remedy) from error
    for field in ("feature_arch", "temporal_arch", "modality", "num_classes"):
        said, found = getattr(settings, field), getattr(config, field)
        if said is not None and said != found:
            raise CheckpointError(
                f"the configuration says {field} {said!r}, the weights have {found!r}", where=path
            )
    return config


def _card(
    name: str,
    config: E2ESpotConfig,
    settings: PublishedSettings,
    is_original: bool,
    labels: str | None,
    rate: str | None,
    size: tuple[int, int] | None,
) -> ModelCard:
    classes = _labels(config.num_classes, settings, is_original, labels)
    frame_rate = parse_rate(rate) if rate is not None else settings.rate or _usual_rate(classes)
    width, height = size or settings.size or SOCCERNET_SIZE
    for side in (width, height):
        if not 16 <= side <= 4096:
            raise ConfigError(f"pictures of {width}x{height}", remedy="16 to 4096 on each side")
    if settings.crop is not None and settings.crop > min(width, height):
        raise ConfigError(f"a crop of {settings.crop} does not fit pictures of {width}x{height}")
    return ModelCard(
        name=name,
        system="e2e-spot",
        config=config_dict(config),
        labels=CardLabels(name=label_set_of(classes.labels).name, labels=classes.labels),
        rate=format_rate(frame_rate),
        width=width,
        height=height,
        crop=settings.crop,
        suppression=Suppression(kind="maximum", window_seconds=_suppression_window(frame_rate)),
    )


def _labels(
    count: int, settings: PublishedSettings, is_original: bool, labels: str | None
) -> LabelSet:
    """The classes in the order of the outputs."""
    if labels is not None:
        found = _given_labels(labels, count, is_original)
    elif settings.labels is not None:
        found = settings.labels
    else:
        found = _usual_labels(count, is_original)
    if len(found) != count:
        raise ConfigError(
            f"the weights have {count + 1} outputs, background and {count} classes, "
            f"but {len(found)} labels are given",
            remedy="give as many with --labels",
        )
    try:
        return LabelSet("labels", found)
    except LabelError as error:
        raise ConfigError(error.what, remedy=error.remedy) from error


def _given_labels(labels: str, count: int, is_original: bool) -> tuple[str, ...]:
    if labels in LABEL_SETS:
        known = LABEL_SETS[labels].labels
        if labels == SOCCERNET_BALL.name and count == 2:
            known = known[:2]
        return _ordered(known, is_original)
    if "," not in labels and Path(labels).is_file():
        try:
            with Path(labels).open("rb") as file:
                text = file.read(MAX_CONFIG_BYTES).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("is not a list of labels", where=labels) from error
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    return tuple(label.strip() for label in labels.split(","))


def _usual_labels(count: int, is_original: bool) -> tuple[str, ...]:
    for known in (SOCCERNET_V2.labels, SOCCERNET_BALL.labels, SOCCERNET_BALL.labels[:2]):
        if len(known) == count:
            return _ordered(known, is_original)
    raise ConfigError(
        f"the weights have {count} classes, and nothing says which", remedy="give --labels"
    )


def _ordered(labels: tuple[str, ...], is_original: bool) -> tuple[str, ...]:
    """The original sorts its classes; OpenSportsLab keeps the order of the official evaluator."""
    return tuple(sorted(labels)) if is_original else labels


def _usual_rate(classes: LabelSet) -> Fraction:
    if set(classes) == set(SOCCERNET_V2):
        return e2e_spot.SOCCERNET_V2_RATE
    if set(classes) <= set(SOCCERNET_BALL):
        return Fraction(25)
    raise ConfigError("nothing says at which frame rate it was trained", remedy="give --rate")


def _suppression_window(rate: Fraction) -> float:
    """The published windows: two frames at 25/12 a second, 25 frames at 25 a second."""
    return float(max(Fraction(1), 2 / rate) if rate >= 5 else 2 / rate)


def _checked_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"{name[:40]!r} is not a name", remedy="use letters, digits, . _ -")
    return name


def _name_from(path: Path) -> str:
    """The file's name, or its folder's where the file is named after an epoch only."""
    stem = path.name.split(".")[0]
    if re.fullmatch(r"(checkpoint|model|best|last|epoch)([_-]?\w+)?", stem):
        stem = path.resolve().parent.name or stem
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:100] or "imported"
