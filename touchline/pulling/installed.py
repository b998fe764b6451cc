"""What of the catalogue is here."""

from pathlib import Path

from touchline.errors import ConfigError
from touchline.features.stored_pca import StoredPca, list_pcas
from touchline.zoo.catalogue import Entry
from touchline.zoo.extractors import find_extractor, list_extractors
from touchline.zoo.store import list_models, user_models


def is_here(entry: Entry) -> bool:
    """Whether an entry was pulled.

    Raises:
        ConfigError: another model has its name.
    """
    if entry.kind == "extractor":
        return find_extractor(entry.name) is not None
    if entry.kind == "pca":
        return pca_of(entry) is not None
    folder = next((f for f in list_models() if f.path == user_models() / entry.name), None)
    if folder is None:
        refuse_existing(user_models() / entry.name)
        return False
    if folder.card.source != entry.source:
        refuse_existing(folder.path)
    return True


def names_here() -> set[str]:
    """The names of the models, extractors and published PCAs that are here."""
    pcas = {pca.entry for pca in list_pcas() if pca.entry is not None}
    return {*(f.path.name for f in list_models()), *(f.card.name for f in list_extractors()), *pcas}


def pca_of(entry: Entry) -> StoredPca | None:
    """The stored PCA that was read from an entry's files; None if it is not here."""
    return next((pca for pca in list_pcas() if pca.entry == entry.name), None)


def refuse_existing(path: Path) -> None:
    """Refuse to touch a model that is in the place of another.

    Raises:
        ConfigError: there is one.
    """
    if path.exists():
        raise ConfigError(
            "another model is there already", where=path, remedy="move that folder away first"
        )
