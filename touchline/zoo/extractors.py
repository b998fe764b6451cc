"""Networks that only describe pictures or sound: where their weights lie, and what they are."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchline.errors import CheckpointError
from touchline.zoo.cards import MAX_CARD_BYTES, Name, PictureSide, Sha256, Text
from touchline.zoo.store import WEIGHTS_FILE, checked_file, home

CARD_FILE = "extractor.json"

NetworkName = Literal["resnet152-keras", "vggish", "timm"]


class ExtractorCard(BaseModel):
    """The description that lies beside an extractor's weights as ``extractor.json``.

    Attributes:
        name: of the folder.
        network: which network.
        config: what rebuilds it, such as ``{"timm_name": "resnet50.a1_in1k"}``.
        width, height: of the pictures that it takes; None for sound.
        original_sha256: of the file that the weights were taken from; None for the hub's.
        files: SHA-256 of every file, by its name in the folder.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    format: Literal["touchline-extractor"] = "touchline-extractor"
    version: Literal[1] = 1
    name: Name
    network: NetworkName
    config: Annotated[dict[str, Any], Field(max_length=100)] = {}
    width: PictureSide | None = None
    height: PictureSide | None = None
    source: Text = ""
    licence: Text = ""
    original_sha256: Sha256 | None = None
    files: Annotated[dict[Name, Sha256], Field(max_length=20)]


@dataclass(frozen=True)
class ExtractorFolder:
    """A folder that holds an extractor's card, weights and ONNX graphs."""

    path: Path
    card: ExtractorCard

    @property
    def weights_digest(self) -> str | None:
        """What identifies the weights."""
        return self.card.files.get(WEIGHTS_FILE)

    def has(self, name: str) -> bool:
        """Whether it has that file."""
        return name in self.card.files

    def file(self, name: str) -> Path:
        """Path of a file, after its checksum was found right.

        Raises:
            CheckpointError: there is none, or its checksum is not the card's.
        """
        if not self.has(name):
            raise CheckpointError(f"the extractor has no {name}", where=self.path)
        return checked_file(self.path / name, self.card.files[name])


def user_extractors() -> Path:
    """Folder of the extractors that this user imported or fetched."""
    return home() / "extractors"


def folder_name(name: str) -> str:
    """The folder of an extractor: a colon is no part of a file's name everywhere."""
    return name.replace(":", "-").replace("/", "-")


def list_extractors() -> list[ExtractorFolder]:
    """Every extractor whose weights are here; broken folders are left out."""
    found = []
    for card_path in sorted(user_extractors().glob(f"*/{CARD_FILE}")):
        with suppress(CheckpointError):
            folder = find_extractor(card_path.parent.name)
            found += [] if folder is None else [folder]
    return found


def find_extractor(name: str) -> ExtractorFolder | None:
    """The extractor of that name; None if its weights are not here.

    Raises:
        CheckpointError: its card is broken.
    """
    path = user_extractors() / name
    card_path = path / CARD_FILE
    if not card_path.is_file():
        return None
    with card_path.open("rb") as file:
        data = file.read(MAX_CARD_BYTES)
    try:
        return ExtractorFolder(path, ExtractorCard.model_validate_json(data))
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise CheckpointError(
            f"is not an extractor's card: {reason}",
            where=card_path,
            remedy=f"remove {path} and import its weights again",
        ) from error
