"""Where models lie: folders with a card and weights, found by name or path."""

import hashlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from touchline.errors import CheckpointError, ConfigError, TouchlineError
from touchline.runtime.wording import did_you_mean
from touchline.zoo.cards import CARD_FILE, ModelCard, read_card
from touchline.zoo.catalogue import command_for_17_classes, entries, find_entry

WEIGHTS_FILE = "model.safetensors"
ONNX_FILE = "model.onnx"
PICTURE_FILE = "picture.onnx"
WINDOW_FILE = "window.onnx"
HEAD_FILE = "head.onnx"
STAGES_FILE = "stages.json"

ONNX_LAYOUTS = (
    (PICTURE_FILE, WINDOW_FILE, HEAD_FILE),
    (WINDOW_FILE, HEAD_FILE),
    (ONNX_FILE,),
    (PICTURE_FILE, HEAD_FILE),
)
"""What makes features of pictures, by themselves, window by window, or first the one and then the
other, and the head apart; or one graph of the whole network, as exported before."""

INT8_FILES = {
    PICTURE_FILE: ("picture.int8.xml", "picture.int8.bin"),
    WINDOW_FILE: ("window.int8.xml", "window.int8.bin"),
}
"""Of graphs that see pictures, what calibration has made of them: OpenVINO's graph and numbers."""

MAX_WEIGHT_BYTES = 2 * 1024**3
FOREIGN_SUFFIXES = {".pt", ".pth", ".tar", ".ckpt", ".h5", ".pkl"}

_PACKAGED = Path(__file__).parent / "models"


@dataclass(frozen=True)
class ModelFolder:
    """A folder that holds a model.

    Attributes:
        path: the folder.
        card: its description.
        origin: ``"path"``, ``"user"`` or ``"packaged"``.
    """

    path: Path
    card: ModelCard
    origin: str = "path"

    @property
    def has_weights(self) -> bool:
        """Whether PyTorch can run it."""
        return WEIGHTS_FILE in self.card.files

    @property
    def onnx_files(self) -> tuple[str, ...]:
        """Names of the graphs that OpenVINO can run; empty if there are none."""
        for names in ONNX_LAYOUTS:
            if all(name in self.card.files for name in names):
                return names
        return ()

    @property
    def int8_files(self) -> Mapping[str, tuple[str, str]]:
        """By graph that sees pictures, its int8 variant's two files; empty if one is lacking."""
        wanted = {name: INT8_FILES[name] for name in self.onnx_files if name in INT8_FILES}
        known = self.card.files
        return wanted if all(file in known for pair in wanted.values() for file in pair) else {}

    def file(self, name: str) -> Path:
        """Path of a weight file, after its checksum and size were found right.

        Raises:
            CheckpointError: not in the card, absent, too large, changed since the card was
                written, or an ONNX file that reaches for other files.
        """
        expected = self.card.files.get(name)
        if expected is None:
            raise CheckpointError(f"the model has no {name}", where=self.path)
        return checked_file(self.path / name, expected)


def check_copy_target(out: Path, folder: ModelFolder) -> None:
    """See that a copy of a model may be written to a folder: a new or empty one, or a copy of it.

    Raises:
        ConfigError: it is a file, or holds something else, which stays.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    with suppress(TouchlineError):
        if read_card(out / CARD_FILE).name == folder.card.name:
            return
    kind = "is no copy of this model" if out.is_dir() else "is a file"
    raise ConfigError(kind, where=out, remedy="give a new or an empty folder with --out")


def checked_file(path: Path, expected: str) -> Path:
    """A weight file's own path, after its SHA-256 and size were found right.

    Raises:
        CheckpointError: absent, too large, changed since its card was written, or an ONNX file
            that reaches for other files.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=path) from error
    if status.st_size > MAX_WEIGHT_BYTES:
        raise CheckpointError("is larger than 2 GiB", where=path)
    actual, external = _inspect(path, status.st_size, status.st_mtime_ns)
    if actual != expected:
        raise CheckpointError(
            f"has checksum {actual[:12]}..., its card says {expected[:12]}...",
            where=path,
            remedy="the file was changed or damaged: fetch or export it again",
        )
    if path.suffix == ".onnx" and external:
        raise CheckpointError(
            "names data outside the file", where=path, remedy="export it again as one file"
        )
    return path


@lru_cache(maxsize=64)
def _inspect(path: Path, size: int, changed_ns: int) -> tuple[str, bool]:
    """SHA-256, and whether the word occurs without which ONNX cannot name external data.

    Size and time of change are there for the cache.
    """
    word = b"location"
    digest, external, tail = hashlib.sha256(), False, b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            external = external or word in tail + block
            tail = block[-len(word) :]
    return digest.hexdigest(), external


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def home() -> Path:
    """The user's own folder: ``TOUCHLINE_HOME``, else where the platform keeps such data."""
    if chosen := os.environ.get("TOUCHLINE_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "touchline"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "touchline"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "touchline"


def user_models() -> Path:
    """Folder of the models that this user imported or fetched."""
    return home() / "models"


def list_models() -> list[ModelFolder]:
    """Every model known by name, the user's own first; broken folders are left out."""
    found: dict[str, ModelFolder] = {}
    for origin, root in (("user", user_models()), ("packaged", _PACKAGED)):
        for card_path in sorted(root.glob(f"*/{CARD_FILE}")):
            try:
                folder = ModelFolder(card_path.parent, read_card(card_path), origin)
            except CheckpointError:
                continue
            found.setdefault(folder.path.name, folder)
    return list(found.values())


def find(name_or_path: str | Path) -> ModelFolder:
    """The model of that name, in that folder, or of that ``.safetensors`` file.

    Searched in turn: a path, the user's models, those in the package.

    Raises:
        CheckpointError: there is none (the message lists the known names), or its card is broken.
    """
    path = Path(name_or_path)
    if path.is_dir() and (path / CARD_FILE).is_file():
        return ModelFolder(path, read_card(path / CARD_FILE))
    if path.is_file():
        return _beside(path)
    name = str(name_or_path)
    if name == path.name and name not in ("", ".", ".."):
        for origin, root in (("user", user_models()), ("packaged", _PACKAGED)):
            card_path = root / name / CARD_FILE
            if card_path.is_file():
                return ModelFolder(card_path.parent, read_card(card_path), origin)
    if path.is_dir():
        raise CheckpointError(f"holds no {CARD_FILE}", where=path, remedy="give a model's folder")
    raise _unknown(name)


def _unknown(name: str) -> CheckpointError:
    entry = find_entry(name)
    if entry is not None and entry.kind == "model":
        if entry.missing:
            return CheckpointError(
                f"model {name} cannot be used by touchline yet: {entry.missing}",
                remedy=f"instead, {command_for_17_classes()}",
            )
        return CheckpointError(f"model {name} is not here", remedy=f"run: {entry.command}")
    here = [folder.path.name for folder in list_models()]
    near = did_you_mean(name, [*here, *(one.name for one in entries() if one.kind == "model")])
    return CheckpointError(
        f"there is no model {name!r}",
        remedy=f"{near}known models: {', '.join(here) or 'none'}; touchline models list names "
        "those that can be pulled",
    )


def _beside(path: Path) -> ModelFolder:
    if path.suffix.lower() in FOREIGN_SUFFIXES:
        raise CheckpointError(
            "is a foreign checkpoint", where=path, remedy=f"run: touchline models import {path}"
        )
    card_path = path if path.name == CARD_FILE else path.parent / CARD_FILE
    if not card_path.is_file():
        raise CheckpointError(
            f"has no {CARD_FILE} beside it",
            where=path,
            remedy=f"run: touchline models import {path}",
        )
    folder = ModelFolder(path.parent, read_card(card_path))
    if path.name != CARD_FILE and path.name not in folder.card.files:
        raise CheckpointError(f"is not a file of the {CARD_FILE} beside it", where=path)
    return folder
