"""Planned pulls carried out: each network whole and imported, or nothing of it here."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from touchline.errors import CheckpointError, ConfigError, InputError, MissingExtraError
from touchline.features.stored_pca import store_pca
from touchline.pulling.downloads import scratch_folder, waiting_folder
from touchline.pulling.installed import pca_of, refuse_existing
from touchline.pulling.plans import PlannedItem, PullPlan
from touchline.runtime.fetch import fetch
from touchline.runtime.progress import Progress
from touchline.runtime.temporary import temporary_folder
from touchline.zoo.cards import CARD_FILE, read_card, write_card
from touchline.zoo.catalogue import Entry, Kind, find_entry
from touchline.zoo.store import ModelFolder, user_models


@dataclass(frozen=True)
class Pulled:
    """What is here now."""

    name: str
    kind: Kind
    path: Path
    licence: str


def pull(
    planned: PullPlan,
    *,
    onnx: bool = True,
    progress: Progress = lambda share: None,
) -> list[Pulled]:
    """Fetch and import what a plan holds, one network after the other.

    Args:
        onnx: also export networks for OpenVINO.
        progress: called with the share of the bytes that are here.

    Raises:
        FetchError: a file cannot be had, or is not the published one.
        CheckpointError: weights that fit no network.
        ConfigError: another model is there already.
    """
    done: list[Pulled] = []
    total, before = planned.bytes or 0, 0
    for item in planned.items:
        with scratch_folder() as scratch:
            for file in item.files:

                def watch(here: int, whole: int, before: int = before) -> None:
                    if total:
                        progress(min((before + here) / total, 1.0))

                fetch(file.wanted, scratch / file.name, waiting=waiting_folder(), progress=watch)
                before += (scratch / file.name).stat().st_size
            done.append(_import(item, scratch, onnx))
    progress(1.0)
    return done


def _import(item: PlannedItem, folder: Path, onnx: bool) -> Pulled:
    paths: dict[str, Path] = {file.role: folder / file.name for file in item.files}
    try:
        if item.is_ours:
            path = _keep_ours(item, folder)
        elif item.kind == "pca":
            path = store_pca(paths["weights"], paths["average"]).path
        elif item.kind == "extractor":
            from touchline.importers.extractors import import_weights

            path = import_weights(item.name, paths["weights"], onnx=onnx).path
        else:
            path = _import_model(item, paths, onnx)
    except InputError as error:
        raise _not_imported(item, error) from error
    return Pulled(item.name, item.kind, path, item.licence)


def _not_imported(item: PlannedItem, error: InputError) -> InputError:
    """Where the place in an error is a file that is gone by then, where that came from instead."""
    if isinstance(error, MissingExtraError) or (error.where and Path(error.where).exists()):
        return error
    if not isinstance(error, ConfigError):
        return CheckpointError(error.what, where=item.source, remedy=error.remedy)
    file = item.files[0].name
    return CheckpointError(
        error.what,
        where=item.source,
        remedy=f"fetch {file} by hand and run touchline models import {file}; {error.remedy}",
    )


def _keep_ours(item: PlannedItem, folder: Path) -> Path:
    """Keep a model in our own format, its files verified."""
    target = user_models() / item.name
    fetched = ModelFolder(folder, read_card(folder / CARD_FILE))
    for name in fetched.card.files:
        fetched.file(name)
    refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(target) as scratch:
        made = scratch / "model"
        made.mkdir()
        for name in (CARD_FILE, *fetched.card.files):
            shutil.move(folder / name, made / name)
        made.rename(target)
    return target


def _import_model(item: PlannedItem, paths: dict[str, Path], onnx: bool) -> Path:
    from touchline.importers.models import import_checkpoint

    folder = import_checkpoint(
        paths["weights"],
        name=item.name,
        out=user_models() / item.name,
        config_path=paths.get("config"),
        licence=item.licence,
        source=item.source,
        published=item.entry,
        onnx=onnx,
    )
    _name_pca(folder, item.entry)
    return folder.path


def _name_pca(folder: ModelFolder, entry: Entry | None) -> None:
    """Write into the card which PCA its features take: others may be stored beside it."""
    needed = (find_entry(name) for name in (entry.needs if entry else ()))
    pca = next((pca_of(other) for other in needed if other and other.kind == "pca"), None)
    features = folder.card.features
    if pca is None or features is None or features.identity is None:
        return
    settings = {**features.identity.settings, "pca": pca.origin}
    identity = features.identity.model_copy(update={"settings": settings})
    features = features.model_copy(update={"identity": identity})
    write_card(folder.card.model_copy(update={"features": features}), folder.path / CARD_FILE)
