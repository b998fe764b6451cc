"""Models from the Hugging Face Hub."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from touchline.errors import CheckpointError, ConfigError, InputError, MissingExtraError
from touchline.zoo.cards import CARD_FILE, read_card
from touchline.zoo.store import ModelFolder, user_models

CHECKPOINTS = ("*.safetensors", "*.pt", "*.pth", "*.pth.tar")
CONFIGS = ("config.yaml", "config.yml", "config.json")


@dataclass(frozen=True)
class PublishedModel:
    """A model that others publish."""

    repository: str
    licence: str
    description: str


PUBLISHED = {
    "osl-ball-2025": PublishedModel(
        "OpenSportsLab/OSL-loc-snbas-2025-e2e", "AGPL-3.0", "12 ball actions, rny008_gsm + gru"
    ),
    "osl-ball-2023": PublishedModel(
        "OpenSportsLab/OSL-loc-snbas-2023-e2e", "AGPL-3.0", "PASS and DRIVE, rny008_gsm + gru"
    ),
}
"""Models that ``pull`` knows by a short name."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def pull(name: str, *, onnx: bool = True) -> ModelFolder:
    """Fetch a model into the user's zoo, and import it if it is not in our format.

    Args:
        name: a name of ``PUBLISHED``, or a repository ``org/name`` of the Hugging Face Hub.
        onnx: also export a foreign checkpoint for OpenVINO.

    Raises:
        ConfigError: not a name, or a model that is there already.
        CheckpointError: it cannot be fetched, or holds no single checkpoint that can be imported.
        MissingExtraError: the Hub's client, or PyTorch for the import, is not installed.
    """
    known = PUBLISHED.get(name)
    repository = known.repository if known else name
    if _REPOSITORY.fullmatch(repository) is None:
        raise ConfigError(
            f"{name[:80]!r} is no model to pull",
            remedy=f"give org/name of the Hugging Face Hub, or one of {', '.join(PUBLISHED)}",
        )
    target = user_models() / (name if known else repository.rpartition("/")[2])
    if target.exists():
        raise ConfigError("is there already", where=target, remedy="remove it first to fetch anew")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=target.parent) as scratch:
        folder = Path(scratch) / "model"
        _fetch(repository, folder)
        if (folder / CARD_FILE).is_file():
            return _take_over(folder, target)
        return _import(folder, repository, target, known.licence if known else "", onnx)


def _fetch(repository: str, folder: Path) -> None:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise MissingExtraError("pulling models", "hub") from error
    # The HTTP library's error, whose module differs between releases of the Hub's client.
    transport_error: type[BaseException] = HfHubHTTPError.__bases__[0]
    wanted = [CARD_FILE, *CHECKPOINTS, *CONFIGS, "*.onnx"]
    try:
        snapshot_download(repository, allow_patterns=wanted, local_dir=folder)
    except (HfHubHTTPError, HFValidationError, transport_error, OSError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise CheckpointError(
            f"cannot be fetched from the Hugging Face Hub ({reason[:200]})",
            where=repository,
            remedy="check the name and the connection",
        ) from error


def _take_over(folder: Path, target: Path) -> ModelFolder:
    """Keep a folder in our own format, its files verified and nothing else."""
    card = read_card(folder / CARD_FILE)
    fetched = ModelFolder(folder, card)
    kept = {CARD_FILE, *card.files}
    for name in card.files:
        fetched.file(name)
    for path in folder.iterdir():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.move(folder, target)
    return ModelFolder(target, card, "user")


def _import(folder: Path, repository: str, target: Path, licence: str, onnx: bool) -> ModelFolder:
    checkpoints = sorted({path for pattern in CHECKPOINTS for path in folder.rglob(pattern)})
    if len(checkpoints) != 1:
        names = ", ".join(path.name for path in checkpoints[:5]) or "none"
        raise CheckpointError(
            f"should hold one checkpoint, it holds {names}",
            where=repository,
            remedy="download the right one and run: touchline models import FILE",
        )
    configs = [folder / name for name in CONFIGS if (folder / name).is_file()]
    try:
        from touchline.importers.models import import_checkpoint
    except ImportError as error:
        raise MissingExtraError("importing a foreign checkpoint", "torch") from error
    try:
        made = import_checkpoint(
            checkpoints[0],
            name=target.name,
            out=target,
            config_path=configs[0] if configs else None,
            licence=licence,
            source=f"https://huggingface.co/{repository}",
            onnx=onnx,
        )
    except InputError as error:
        raise CheckpointError(error.what, where=repository, remedy=error.remedy) from error
    return ModelFolder(made.path, made.card, "user")
