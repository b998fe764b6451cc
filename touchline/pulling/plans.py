"""Plans of pulls: what would be fetched, from where, and how large it is."""

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from touchline.errors import CheckpointError, ConfigError, InputError, MissingExtraError
from touchline.importers import hub
from touchline.importers.addresses import POINTER_BYTES, large_file, published_sources
from touchline.pulling.downloads import scratch_folder, waiting_folder
from touchline.pulling.installed import is_here, refuse_existing
from touchline.runtime.fetch import Wanted, fetch, size_of
from touchline.runtime.wording import did_you_mean
from touchline.zoo.cards import CARD_FILE, read_card
from touchline.zoo.catalogue import (
    CatalogueFile,
    Entry,
    GitHub,
    Hub,
    Kind,
    Page,
    entries,
    find_entry,
)
from touchline.zoo.store import user_models

Role = Literal["weights", "average", "config", "part"]


@dataclass(frozen=True)
class PlannedFile:
    """A file to fetch, under the name that it is published by."""

    name: str
    role: Role
    wanted: Wanted


@dataclass(frozen=True)
class PlannedItem:
    """A network to fetch and import.

    Attributes:
        entry: of the catalogue; None for other repositories.
        source: where it comes from, for the card.
        is_ours: whether it is a model as touchline stores them.
    """

    name: str
    kind: Kind
    source: str
    licence: str
    files: tuple[PlannedFile, ...]
    entry: Entry | None = None
    is_ours: bool = False

    @property
    def bytes(self) -> int | None:
        """To fetch for it; None if it is not known."""
        return _sum([file.wanted.bytes for file in self.files])

    @property
    def forbids_commercial_use(self) -> bool:
        """Whether its licence does, as far as that is known."""
        if self.entry is not None:
            return self.entry.commercial_use == "forbidden"
        return "-nc" in self.licence.lower()


@dataclass(frozen=True)
class PullPlan:
    """What a pull would do.

    Attributes:
        items: in the order in which they are imported: what others need comes first.
        here: names of those asked for, and of what they need, that are here already.
    """

    items: tuple[PlannedItem, ...]
    here: tuple[str, ...]

    @property
    def bytes(self) -> int | None:
        """To fetch in all; None if it is not known."""
        return _sum([item.bytes for item in self.items])


def plan(names: Sequence[str], *, file: str | None = None) -> PullPlan:
    """Look what would be fetched; nothing is.

    Args:
        names: entries of the catalogue, or repositories ``org/name`` of the Hugging Face Hub.
        file: which checkpoint, where the repository holds several.

    Raises:
        ConfigError: not a name, or another model of the same name is here.
        CheckpointError: it cannot be had, or touchline cannot use it.
        MissingExtraError: what an import needs is not installed.
        FetchError: it is not where it should be, or there is no connection.
    """
    if file is not None and len(names) != 1:
        raise ConfigError("is of one repository", where="--file", remedy="name one model")
    items: list[PlannedItem] = []
    here: list[str] = []
    for name in dict.fromkeys(part for asked in names for part in _with_needs(asked)):
        entry = find_entry(name)
        if entry is not None:
            _require_usable(entry)
        if entry is not None and is_here(entry):
            here.append(name)
        else:
            items.append(_entry_item(entry, file) if entry else _hub_item(name, None, file))
    return PullPlan(tuple(items), tuple(here))


def _with_needs(name: str) -> Iterator[str]:
    """What a name needs, then the name."""
    entry = find_entry(name)
    for needed in () if entry is None else entry.needs:
        yield from _with_needs(needed)
    yield name


def _require_usable(entry: Entry) -> None:
    if entry.can_be_pulled:
        return
    origin = entry.origin
    names = f" ({', '.join(origin.files)})" if isinstance(origin, Page) else ""
    if entry.missing:
        later = f"; when it can: {entry.import_command}" if entry.import_command else ""
        raise CheckpointError(
            f"touchline cannot use it yet: {entry.missing}",
            where=entry.name,
            remedy=f"it lies at {origin.where}{names}{later}",
        )
    raise CheckpointError(
        f"lies where only a browser can fetch it: {origin.where}{names}",
        where=entry.name,
        remedy=f"fetch it there. {entry.note.rstrip('.')}. Then run: {entry.command}",
    )


def _require_torch(name: str) -> None:
    """Before anything is fetched, what its import needs."""
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError(f"importing {name}", "torch")


def _entry_item(entry: Entry, given: str | None) -> PlannedItem:
    if isinstance(entry.origin, Hub) and not entry.files:
        return _hub_item(entry.origin.repository, entry, given)
    if given is not None:
        raise ConfigError(
            f"{entry.name} is one file already", where="--file", remedy="leave it out"
        )
    if isinstance(entry.origin, Hub) and any(file.checksum is None for file in entry.files):
        return _hub_item(entry.origin.repository, entry, entry.files[0].path)
    if entry.kind != "pca":
        _require_torch(entry.name)
    files = tuple(_entry_file(entry, file) for file in entry.files)
    return PlannedItem(entry.name, entry.kind, entry.source, entry.licence, files, entry)


def _entry_file(entry: Entry, file: CatalogueFile) -> PlannedFile:
    assert file.checksum is not None  # as the catalogue was checked
    wanted = Wanted(published_sources(entry.origin, file), file.checksum, file.bytes)
    try:
        size = size_of(wanted)
    except InputError as error:
        raise _with_remedy(error, entry) from error
    if file.bytes is not None and size is not None and size != file.bytes:
        raise CheckpointError(
            f"has {size} bytes, the published file {file.bytes}",
            where=str(wanted.sources[0]),
            remedy=_by_hand(entry),
        )
    wanted = replace(wanted, bytes=size if file.bytes is None else file.bytes)
    if isinstance(entry.origin, GitHub) and size is not None and size <= POINTER_BYTES:
        wanted = large_file(entry.origin, file, wanted) or wanted
    return PlannedFile(file.name, file.role, wanted)


def _with_remedy(error: InputError, entry: Entry) -> InputError:
    """With what to do instead, where an address is gone and no remedy is given."""
    if error.remedy is not None:
        return error
    return CheckpointError(error.what, where=error.where, remedy=_by_hand(entry))


def _by_hand(entry: Entry) -> str:
    names = " and ".join(file.name for file in entry.files)
    if entry.kind == "pca":
        pca, average = (file.name for file in entry.files)
        return f"get {names} elsewhere and run: touchline models import {pca} --average {average}"
    name = "" if entry.kind == "extractor" else f" --name {entry.name}"
    return f"get {names} elsewhere and run: touchline models import {names}{name}"


def _hub_item(name: str, entry: Entry | None, given: str | None) -> PlannedItem:
    if hub.NAME.fullmatch(name) is None:
        raise ConfigError(
            f"{name[:80]!r} is no model to pull",
            remedy=f"{did_you_mean(name, (one.name for one in entries()))}touchline models list "
            "names those that are; or give org/name of the Hugging Face Hub",
        )
    target = entry.name if entry else name.rpartition("/")[2]
    refuse_existing(user_models() / target)
    origin = None if entry is None else entry.origin
    repository = hub.look_into(name, origin.revision if isinstance(origin, Hub) else "main")
    source = f"https://huggingface.co/{name}"
    licence = entry.licence if entry else repository.licence
    if hub.is_ours(repository):
        files = tuple(_our_files(repository))
        return PlannedItem(target, "model", source, licence, files, entry, is_ours=True)
    _require_torch(name)
    checkpoint = hub.checkpoint_of(repository, given)
    config = hub.config_beside(repository, checkpoint)
    files = (_hub_file(repository, checkpoint, "weights"),)
    if config is not None:
        files += (_hub_file(repository, config, "config"),)
    return PlannedItem(target, "model", source, licence, files, entry)


def _hub_file(repository: hub.HubRepository, file: hub.HubFile, role: Role) -> PlannedFile:
    return PlannedFile(file.path.rpartition("/")[2], role, repository.wanted(file))


def _our_files(repository: hub.HubRepository) -> Iterator[PlannedFile]:
    """The card, and the files that it names."""
    listed = repository.file(CARD_FILE)
    assert listed is not None
    card_file = _hub_file(repository, listed, "part")
    with scratch_folder() as scratch:
        fetch(card_file.wanted, scratch / CARD_FILE, waiting=waiting_folder())
        card = read_card(scratch / CARD_FILE)
    yield card_file
    for name in card.files:
        file = repository.file(name)
        if file is None:
            raise CheckpointError(f"has no {name}, which its card names", where=repository.name)
        yield _hub_file(repository, file, "part")


def _sum(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
