"""Published checkpoints to model folders; nothing in a checkpoint is executed."""

import importlib.util
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from torch import Tensor

from touchline.engines.networks import config_dict, fill, make_network, save_weights
from touchline.errors import CheckpointError, ConfigError, InputError, LabelError
from touchline.importers.checkpoints import open_checkpoint
from touchline.importers.legacy import READERS
from touchline.importers.legacy.reader import Checkpoint, LegacyReader, Pictures
from touchline.importers.legacy.settings import PublishedSettings
from touchline.labels import LABEL_SETS, LabelSet, label_set_of
from touchline.runtime.temporary import temporary_folder
from touchline.runtime.wording import counted
from touchline.runtime.yaml_text import parse_yaml
from touchline.systems import SYSTEMS
from touchline.timebase import format_rate, parse_rate
from touchline.zoo.cards import CARD_FILE, NAME, CardFeatures, CardLabels, ModelCard, write_card
from touchline.zoo.catalogue import Entry, entry_of_file
from touchline.zoo.identity import published_identity
from touchline.zoo.store import WEIGHTS_FILE, ModelFolder, sha256_of, user_models

MAX_CONFIG_BYTES = 1_000_000

_NAME = re.compile(NAME)


@dataclass(frozen=True)
class Wishes:
    """What the caller states about a checkpoint; None where its origin decides."""

    labels: str | None = None
    rate: str | None = None
    size: tuple[int, int] | None = None


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
    published: Entry | None = None,
    onnx: bool = True,
) -> ModelFolder:
    """Turn a published checkpoint into a model folder.

    The architecture is read off the weights. Labels, rate and size are taken from the arguments,
    else from the published configuration, else from what the weights' origin is known to use.

    Args:
        path: ``.pt``, ``.pth``, ``.pth.tar``, ``.safetensors``, or Keras weights, ``.h5``.
        name: name in the zoo; made from the file's name by default.
        out: the folder to make; in the user's zoo by default. It must not exist.
        config_path: the published ``config.json`` or ``config.yaml``.
        labels: a file with a label a line, the name of a label set, or labels with commas.
        rate: frames a second, such as ``"25/12"``.
        size: width and height of pictures, for a network that takes pictures.
        licence: of the weights.
        source: where they come from.
        published: their entry of the catalogue; found by the file's checksum by default.
        onnx: also export for OpenVINO, where the ``onnx`` package is installed.

    Raises:
        CheckpointError: unreadable, of another system, or weights that fit no network.
        ConfigError: labels, rate or size that are missing or do not fit.
        MissingExtraError: PyTorch is too old.
    """
    checkpoint = open_checkpoint(path)
    published = published or entry_of_file(path)
    name = _checked_name(name or (published.name if published else _name_from(path)))
    target = out or user_models() / name
    if target.exists():
        raise ConfigError("is there already", where=target, remedy="give another --name")
    reader = _reader_of(checkpoint, path)
    weights = _renamed(reader, checkpoint, path)
    beside = _read_settings(config_path, reader).over(_settings_inside(reader, checkpoint, path))
    settings = _with_published(beside, published)
    config = _config(reader, weights, settings, path)
    network = make_network(SYSTEMS[reader.system], config)
    fill(network, weights, where=path)
    card = _card(name, reader, config, settings, Wishes(labels, rate, size))
    card = card.model_copy(
        update=_facts(published, licence, source or f"imported from {path.name}")
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(target) as scratch:
        made = scratch / "model"
        made.mkdir()
        save_weights(network, made / WEIGHTS_FILE)
        files = {WEIGHTS_FILE: sha256_of(made / WEIGHTS_FILE)}
        card = card.model_copy(update={"files": files})
        write_card(card, made / CARD_FILE)
        if onnx and importlib.util.find_spec("onnx") is not None:
            from touchline.engines.export import export_onnx

            card = export_onnx(ModelFolder(made, card)).card
        shutil.move(made, target)
    return ModelFolder(target, card, "path" if out else "user")


def _with_published(settings: PublishedSettings, entry: Entry | None) -> PublishedSettings:
    """With what the catalogue knows of the weights, where no configuration states it."""
    known = None if entry is None else entry.settings
    if known is None:
        return settings
    return replace(
        settings,
        labels=settings.labels or (known.labels if isinstance(known.labels, tuple) else None),
        rate=settings.rate or parse_rate(known.rate),
        size=settings.size or known.size,
        crop=settings.crop or known.crop,
        clip_len=settings.clip_len or known.clip_len,
    )


def _facts(entry: Entry | None, licence: str, source: str) -> dict[str, Any]:
    """What a card says of where its weights come from: others publish networks of real matches."""
    if entry is None:
        return {"licence": licence, "source": source, "training_data": "real"}
    return {
        "licence": licence or entry.licence,
        "training_data": "real",
        "training_data_licence": f"{entry.training_data}; {entry.training_data_licence}",
        "description": entry.description,
        "source": entry.source,
        "metrics": {
            f"{score.metric}, {score.on}": round(score.value / 100, 6) for score in entry.scores
        },
    }


def _reader_of(checkpoint: Checkpoint, path: Path) -> LegacyReader:
    for reader in READERS:
        if reader.recognises(checkpoint):
            return reader
    if (system := _other_system(checkpoint.weights)) is not None:
        known = ", ".join(dict.fromkeys(reader.origin for reader in READERS))
        raise CheckpointError(
            f"holds weights of {system}", where=path, remedy=f"what can be imported so far: {known}"
        )
    first = next(iter(checkpoint.weights), "nothing")
    known = "; ".join(f"{reader.origin} has entries {reader.entries}" for reader in READERS)
    raise CheckpointError(
        f"holds weights of no known network (first entry: {first[:80]})", where=path, remedy=known
    )


def _renamed(reader: LegacyReader, checkpoint: Checkpoint, path: Path) -> dict[str, Tensor]:
    try:
        return reader.rename(checkpoint.weights)
    except CheckpointError as error:
        raise CheckpointError(error.what, where=path, remedy=error.remedy) from error


def _other_system(keys: Mapping[str, Tensor]) -> str | None:
    if "conv_1.weight" in keys and "conv_p_1.weight" in keys:
        return "CALF"
    return None


def _settings_inside(reader: LegacyReader, checkpoint: Checkpoint, path: Path) -> PublishedSettings:
    try:
        return reader.settings_inside(checkpoint.container)
    except CheckpointError as error:
        raise CheckpointError(error.what, where=path, remedy=error.remedy) from error


def _read_settings(config_path: Path | None, reader: LegacyReader) -> PublishedSettings:
    if config_path is None:
        return PublishedSettings()
    try:
        with config_path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise CheckpointError("is too large for a configuration", where=config_path)
        text = data.decode("utf-8")
        is_json = config_path.suffix.lower() == ".json"
        config = json.loads(text) if is_json else parse_yaml(text, config_path)
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=config_path) from error
    except (ValueError, RecursionError) as error:
        reason = str(error).replace("\n", " ")[:160]
        raise CheckpointError(f"is not a configuration ({reason})", where=config_path) from error
    if not isinstance(config, Mapping):
        raise CheckpointError("is not a configuration", where=config_path)
    try:
        return reader.read_settings(config)
    except CheckpointError as error:
        raise CheckpointError(error.what, where=config_path) from error


def _config(
    reader: LegacyReader,
    weights: Mapping[str, Tensor],
    settings: PublishedSettings,
    path: Path,
) -> Any:
    try:
        config = reader.infer_config(weights, settings)
    except InputError as error:
        raise CheckpointError(error.what, where=path, remedy=error.remedy) from error
    for field in ("feature_arch", "temporal_arch", "modality", "num_classes"):
        stated, found = getattr(settings, field), getattr(config, field, None)
        if stated is not None and stated != found:
            raise CheckpointError(
                f"the configuration has {field} {stated!r}, the weights have {found!r}", where=path
            )
    return config


def _card(
    name: str, reader: LegacyReader, config: Any, settings: PublishedSettings, wishes: Wishes
) -> ModelCard:
    classes = _labels(config.num_classes, settings, reader, wishes.labels)
    rate = _rate(classes, settings, reader, wishes.rate)
    pictures = None
    if reader.features is None:
        pictures = _pictures(settings, reader.pictures(classes), wishes.size)
    return ModelCard(
        name=name,
        system=reader.system,
        config=config_dict(config),
        labels=CardLabels(name=label_set_of(classes.labels).name, labels=classes.labels),
        rate=format_rate(rate),
        width=None if pictures is None else pictures.size[0],
        height=None if pictures is None else pictures.size[1],
        crop=None if pictures is None else pictures.crop,
        overlap=None if pictures is None else pictures.overlap,
        features=None if reader.features is None else _identified(reader.features(config), rate),
        streams={
            name: _identified(stream, rate) for name, stream in reader.streams(config).items()
        },
        suppression=reader.suppression(rate),
    )


def _identified(features: CardFeatures, rate: Fraction) -> CardFeatures:
    """With what made the published files of this name, where that is known."""
    rate = rate if features.rate is None else parse_rate(features.rate)
    return features.model_copy(update={"identity": published_identity(features.name, rate)})


def _pictures(
    settings: PublishedSettings, usual: Pictures, given: tuple[int, int] | None
) -> Pictures:
    """As given, else as the published configuration says, else as usual."""
    width, height = given or settings.size or usual.size
    crop = settings.crop or usual.crop
    for side in (width, height):
        if not 16 <= side <= 4096:
            raise ConfigError(f"pictures of {width}x{height}", remedy="16 to 4096 on each side")
    if crop is not None and crop > min(width, height):
        raise ConfigError(f"a crop of {crop} does not fit pictures of {width}x{height}")
    return replace(usual, size=(width, height), crop=crop)


def _rate(
    classes: LabelSet, settings: PublishedSettings, reader: LegacyReader, given: str | None
) -> Fraction:
    if given is not None:
        return parse_rate(given)
    rate = settings.rate or reader.usual_rate(classes)
    if rate is None:
        raise ConfigError(
            "the frame rate that it was trained at is not known", remedy="give --rate"
        )
    return rate


def _labels(
    count: int, settings: PublishedSettings, reader: LegacyReader, labels: str | None
) -> LabelSet:
    """The classes in the order of the outputs."""
    if labels is not None:
        found = _given_labels(labels, count, reader)
    elif settings.labels is not None:
        found = settings.labels
    else:
        found = _usual_labels(count, reader)
    if len(found) != count:
        raise ConfigError(
            f"the weights have {count} classes, background left out, "
            f"and {counted(len(found), 'label')} given",
            remedy="give as many with --labels",
        )
    try:
        return LabelSet("labels", found)
    except LabelError as error:
        raise ConfigError(error.what, remedy=error.remedy) from error


def _given_labels(labels: str, count: int, reader: LegacyReader) -> tuple[str, ...]:
    if labels in LABEL_SETS:
        known = LABEL_SETS[labels].labels
        editions = [usual for usual in reader.usual_labels if set(usual) <= set(known)]
        known = next((usual for usual in editions if len(usual) == count), known)
        return reader.order(known)
    if "," not in labels and Path(labels).is_file():
        try:
            with Path(labels).open("rb") as file:
                text = file.read(MAX_CONFIG_BYTES).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("is not a list of labels", where=labels) from error
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    return tuple(label.strip() for label in labels.split(","))


def _usual_labels(count: int, reader: LegacyReader) -> tuple[str, ...]:
    known = next((labels for labels in reader.usual_labels if len(labels) == count), None)
    if known is None:
        raise ConfigError(
            f"the weights have {count} classes, and their names are not known",
            remedy="give --labels",
        )
    return reader.order(known)


def _checked_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"{name[:40]!r} is not a name", remedy="use letters, digits, . _ + -")
    return name


def _name_from(path: Path) -> str:
    """The file's name, or its folder's where the file is named after an epoch only."""
    stem = path.name.split(".")[0]
    if re.fullmatch(r"(checkpoint|model|best|last|epoch)([_-]?\w+)?", stem):
        stem = path.resolve().parent.name or stem
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).strip("-._")[:100] or "imported"
