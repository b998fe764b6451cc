"""Repositories of the Hugging Face Hub: what they hold, and which of it is the model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from touchline.errors import CheckpointError, InputError, MissingExtraError
from touchline.importers.addresses import hub_endpoint, hub_sources
from touchline.runtime.checksums import checksums_of
from touchline.runtime.connections import AGAIN, STALL_SECONDS
from touchline.runtime.fetch import Wanted
from touchline.runtime.mirror import inside, mirror
from touchline.runtime.wording import bytes_text, counted
from touchline.zoo.cards import CARD_FILE

CHECKPOINT_ENDINGS = (".safetensors", ".pt", ".pth", ".pth.tar", ".h5")
CONFIGS = ("config.yaml", "config.yml", "config.json")
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
"""What repositories are called."""

_LISTED = 8


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its path, length and ``<kind>:<hexadecimal>``."""

    path: str
    bytes: int
    checksum: str


@dataclass(frozen=True)
class HubRepository:
    """A repository as it is at one revision.

    Attributes:
        licence: as its card states it; empty where it does not.
    """

    name: str
    revision: str
    licence: str
    files: tuple[HubFile, ...]

    def file(self, path: str) -> HubFile | None:
        """The file at that path; None if there is none."""
        return next((file for file in self.files if file.path == path), None)

    def wanted(self, file: HubFile) -> Wanted:
        """What to fetch of it."""
        sources = hub_sources(self.name, self.revision, file.path)
        headers = {} if mirror() is not None else _headers()
        return Wanted(sources, file.checksum, file.bytes, headers)


def look_into(name: str, revision: str = "main") -> HubRepository:
    """What a repository holds, without fetching any of it.

    Raises:
        CheckpointError: there is no such repository, no connection, or a name in it that is none.
        MissingExtraError: the Hub's client is not installed.
    """
    at = mirror()
    if isinstance(at, Path):
        return _from_folder(at, name, revision)
    endpoint = hub_endpoint() if at is None else f"{at}/huggingface.co"
    return _from_hub(name, revision, endpoint)


def _from_folder(folder: Path, name: str, revision: str) -> HubRepository:
    """What a mirror's folder holds of a repository; its own checksums, as it states no others."""
    places = [f"huggingface.co/{name}/resolve/{revision}", name]
    for root in (inside(folder, place) for place in places):
        if root.is_dir():
            paths = sorted(path for path in root.rglob("*") if path.is_file())
            files = [
                HubFile(
                    path.relative_to(root).as_posix(),
                    path.stat().st_size,
                    f"sha256:{checksums_of(path)['sha256']}",
                )
                for path in paths
                if ".git" not in path.relative_to(root).parts
            ]
            return HubRepository(name, revision, "", tuple(files))
    raise CheckpointError(
        "is not in the mirror", where=name, remedy=f"it should be at {inside(folder, places[0])}"
    )


def _from_hub(name: str, revision: str, endpoint: str) -> HubRepository:
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise MissingExtraError("pulling models of the Hugging Face Hub", "hub") from error
    # The HTTP library's error, whose module differs between releases of the Hub's client.
    transport_error: type[BaseException] = HfHubHTTPError.__bases__[0]
    try:
        info = HfApi(endpoint=endpoint).model_info(
            name, revision=revision, files_metadata=True, timeout=STALL_SECONDS
        )
    except (HfHubHTTPError, HFValidationError, transport_error, OSError) as error:
        raise _refused(name, error) from error
    files = tuple(_file(name, sibling) for sibling in info.siblings or ())
    licence = getattr(info.card_data, "license", None) or ""
    return HubRepository(name, info.sha or revision, str(licence), files)


def _refused(name: str, error: BaseException) -> CheckpointError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    page = f"https://huggingface.co/{name}"
    if status in (401, 403, 404):
        return CheckpointError(
            f"is not on the Hugging Face Hub, or not for everyone (HTTP {status})",
            where=name,
            remedy=f"see {page}; for a private one, log in with `hf auth login`",
        )
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return CheckpointError(
        f"no answer from the Hugging Face Hub ({reason[:160]})",
        where=name,
        remedy=f"check the connection; {AGAIN}",
    )


def _file(name: str, sibling: Any) -> HubFile:
    path = str(sibling.rfilename)
    try:
        inside(Path(), path)
    except InputError as error:
        raise CheckpointError(error.what, where=name, remedy=error.remedy) from error
    if sibling.lfs is not None:
        return HubFile(path, sibling.lfs.size, f"sha256:{sibling.lfs.sha256}")
    return HubFile(path, sibling.size or 0, f"git-blob-sha1:{sibling.blob_id}")


def _headers() -> dict[str, str]:
    """The authorisation of whoever is logged in to the Hub."""
    try:
        from huggingface_hub import get_token
    except ImportError:
        return {}
    token = get_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def is_ours(repository: HubRepository) -> bool:
    """Whether it holds a model as touchline stores them."""
    return repository.file(CARD_FILE) is not None


def checkpoint_of(repository: HubRepository, given: str | None) -> HubFile:
    """The checkpoint to fetch: the only one, or the one that is named.

    Raises:
        CheckpointError: none, or several and none of them is named.
    """
    found = [file for file in repository.files if _is_checkpoint(file.path)]
    if given is not None:
        named = [f for f in repository.files if given in (f.path, PurePosixPath(f.path).name)]
        if len(named) == 1:
            return named[0]
        raise CheckpointError(
            f"holds {counted(len(named), 'file')} {given!r}",
            where=repository.name,
            remedy=f"its checkpoints: {_listed(found)}",
        )
    if len(found) == 1:
        return found[0]
    if not found:
        endings = ", ".join(CHECKPOINT_ENDINGS)
        raise CheckpointError(
            f"holds no checkpoint ({endings}), and nothing was fetched",
            where=repository.name,
            remedy=f"see https://huggingface.co/{repository.name}",
        )
    raise CheckpointError(
        f"holds {len(found)} checkpoints, and nothing was fetched: {_listed(found)}",
        where=repository.name,
        remedy=f"choose one: touchline models pull {repository.name} --file {found[0].path}",
    )


def _is_checkpoint(path: str) -> bool:
    name = PurePosixPath(path).name.lower()
    return name.endswith(CHECKPOINT_ENDINGS) and not name.startswith("optim")


def _listed(files: Sequence[HubFile]) -> str:
    first = [f"{file.path} ({bytes_text(file.bytes)})" for file in files[:_LISTED]]
    more = len(files) - len(first)
    return ", ".join(first + ([f"and {more} more"] if more else [])) or "none"


def config_beside(repository: HubRepository, checkpoint: HubFile) -> HubFile | None:
    """The published configuration in the checkpoint's folder, else in the first one."""
    folder = PurePosixPath(checkpoint.path).parent
    for place in dict.fromkeys((folder, PurePosixPath())):
        for name in CONFIGS:
            if (file := repository.file(str(place / name))) is not None:
                return file
    return None
