"""``touchline models``: list, show, pull, import, export and quantize weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from touchline.cli.output import JsonOption, new_app, print_json, remarks, results
from touchline.errors import ConfigError, MissingExtraError
from touchline.events import DELAYS_CORRECTED
from touchline.labels import LABEL_SETS
from touchline.runtime.wording import counted, counted_rate, rate_text
from touchline.zoo.store import ModelFolder

if TYPE_CHECKING:
    from touchline.features.stored_pca import StoredPca
    from touchline.zoo.extractors import ExtractorFolder

app = new_app(help="List, show, pull, import, export and quantize weights.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="A model's name, its folder or its file.")]
OnnxOption = Annotated[
    bool, typer.Option("--onnx/--no-onnx", help="Also export for OpenVINO, if possible.")
]


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List the models, extractors and PCAs that are here, and all published ones to be had."""
    from touchline.cli.catalogue import catalogue_lines, summary
    from touchline.features.stored_detectors import list_detectors
    from touchline.features.stored_pca import list_pcas
    from touchline.pulling.installed import names_here
    from touchline.zoo.catalogue import command_for_17_classes, entries
    from touchline.zoo.extractors import list_extractors
    from touchline.zoo.store import list_models

    folders, extractors, pcas = list_models(), list_extractors(), list(list_pcas())
    here = names_here()
    absent = [entry for entry in entries() if entry.name not in here]
    if json:
        print_json(
            {
                "models": [_summary(folder) for folder in folders],
                "extractors": [_extractor_summary(folder) for folder in extractors],
                "pcas": [_pca_summary(pca) for pca in pcas],
                "detectors": [_detector_summary(path) for path in list_detectors()],
                "to_pull": [summary(entry) for entry in absent],
            }
        )
        return
    _print_models(folders)
    for extractor in extractors:
        _print_line(f"Extractor: {_extractor_line(extractor)}")
    for pca in pcas:
        _print_line(f"PCA: {_pca_line(pca)}")
    for path in list_detectors():
        _print_line(f"Detector: {path.stem[:16]}")
    if absent:
        _print_line(f"\nPublished, and not here; to begin with: {command_for_17_classes()}")
        _print_line(
            "Fetch one: touchline models pull NAME. More of it: touchline models show NAME.\n"
        )
    for line in catalogue_lines({entry.name for entry in absent}):
        _print_line(line)


def _print_models(folders: list[ModelFolder]) -> None:
    table = Table("name", "network", "labels", "rate", "input", "from", box=None)
    for column in table.columns:
        column.overflow = "fold"
    for folder in folders:
        card = folder.card
        table.add_row(
            folder.path.name,
            _network(folder),
            card.labels.name,
            rate_text(card.frame_rate),
            _input(folder),
            folder.origin,
        )
    results.print(table if folders else "No models yet.")


@app.command()
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show the card of a model or an extractor, and what the catalogue says of a published one."""
    from touchline.cli.catalogue import shown, summary
    from touchline.pulling.installed import names_here
    from touchline.zoo.catalogue import find_entry

    entry = find_entry(name)
    folder = None if entry is not None and name not in names_here() else _folder(name)
    if json:
        found = {} if folder is None else _card(folder)
        print_json({**found, **({} if entry is None else {"catalogue": summary(entry)})})
        return
    if folder is not None:
        _print_fields(_card_fields(folder))
    elif entry is not None:
        _print_fields(shown(entry))


def _folder(name: str) -> "ModelFolder | ExtractorFolder | None":
    """The model or extractor of that name; None for a PCA."""
    from touchline.features.stored_pca import list_pcas
    from touchline.zoo.extractors import find_extractor, folder_name
    from touchline.zoo.store import find, list_models

    if name not in {model.path.name for model in list_models()}:
        if (extractor := find_extractor(folder_name(name))) is not None:
            return extractor
        if name in {pca.entry for pca in list_pcas()}:
            return None
    return find(name)


def _card(folder: "ModelFolder | ExtractorFolder") -> dict[str, Any]:
    card = folder.card.model_dump(mode="json", exclude_none=True)
    origin = folder.origin if isinstance(folder, ModelFolder) else "user"
    return {"path": str(folder.path), "origin": origin, "card": card}


def _card_fields(folder: "ModelFolder | ExtractorFolder") -> dict[str, str]:
    card = folder.card.model_dump(mode="json", exclude_none=True)
    return {
        field: _text(value)
        for field, value in {"path": str(folder.path), **card}.items()
        if field not in ("format", "version") and value not in ("", {}, [])
    }


@app.command()
def pull(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="Names of `models list`, or org/name of the Hugging Face Hub."
        ),
    ],
    file: Annotated[
        str | None,
        typer.Option("--file", help="Which checkpoint, where a repository holds several."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before fetching more than 200 MB.")
    ] = False,
    onnx: OnnxOption = True,
    json: JsonOption = False,
) -> None:
    """Fetch published models with all that they need, check and import them.

    An interrupted pull goes on where it stopped when it is given again. TOUCHLINE_MIRROR names
    another server or a folder to take all files from.
    """
    from touchline.cli.pulling import pull as fetch

    done, plan = fetch(names, file=file, yes=yes, onnx=onnx)
    if json:
        rows = [{**vars(item), "path": str(item.path)} for item in done]
        print_json({"pulled": rows, "here": list(plan.here)})
        return
    for item in done:
        _print_line(f"{item.name}: {item.path}")


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="Published .pt, .pth, .pth.tar or .safetensors; Keras' .h5; a PCA's .pkl; "
            "a detector's .onnx."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(help="Name in the zoo; timm:BACKBONE for the weights of one of timm's."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Published config.json or config.yaml of the weights, or one with what the "
            "weights do not contain: pool, window_size, framerate, classes; polarity and heads "
            "of CALF."
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help=f"class.txt, {', '.join(LABEL_SETS)}, or labels with commas."),
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Frames a second, such as 25/12.")] = None,
    size: Annotated[str | None, typer.Option(help="Picture size, such as 398x224.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the model, instead of one in the zoo."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights, for the card.")] = "",
    average: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The average published beside a PCA's .pkl."),
    ] = None,
    onnx: OnnxOption = True,
    json: JsonOption = False,
) -> None:
    """Make a model from a published checkpoint; nothing in it is executed.

    Weights of an extractor of features (ResNet-152 of Keras, VGGish), PCAs and detectors are kept
    for `extract`, and for `spot` with models of their features.
    """
    from touchline.features.stored_detectors import SUFFIX, store_detector
    from touchline.features.stored_pca import is_pca

    asked = {
        "--config": config,
        "--labels": labels,
        "--rate": rate,
        "--size": size,
        "--out": out,
        "--licence": licence or None,
    }
    if is_pca(file):
        _refuse({**asked, "--name": name}, "a PCA")
        _import_pca(file, average, json)
        return
    _refuse({"--average": average}, "no PCA")
    if file.suffix.lower() == SUFFIX:
        _refuse({**asked, "--name": name}, "a detector")
        detector = store_detector(file)
        if json:
            print_json(_detector_summary(detector))
        else:
            results.print(f"Detector: {detector}", markup=False, soft_wrap=True)
        return
    extractor = _extractor_of(file, name)
    if extractor is not None:
        _refuse(asked, f"the extractor {extractor}")
        _import_extractor(extractor, file, onnx, json)
        return
    try:
        from touchline.importers.models import import_checkpoint
    except ImportError as error:
        raise MissingExtraError("importing a checkpoint", "torch") from error
    folder = import_checkpoint(
        file,
        name=name,
        out=out,
        config_path=config,
        labels=labels,
        rate=rate,
        size=None if size is None else _size(size),
        licence=licence,
        onnx=onnx,
    )
    _report(folder, json)


@app.command()
def export(
    name: NameArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to; by default the model's own."),
    ] = None,
    half: Annotated[
        bool, typer.Option("--fp16", help="Store the weights in float16, half the bytes.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write the ONNX files with which OpenVINO runs a model, checked against PyTorch."""
    from touchline.zoo.store import find

    folder = find(name)
    try:
        from touchline.engines.export import export_onnx
    except ImportError as error:
        raise MissingExtraError("exporting a model", "torch") from error
    _report(export_onnx(folder, out, storage="fp16" if half else "fp32"), json)
    if out is None and folder.int8_files:
        remarks.print(
            f"the int8 variant was of the graphs before, and is gone: "
            f"`touchline models quantize {folder.card.name}` makes one of these",
            markup=False,
            soft_wrap=True,
        )


@app.command()
def quantize(
    name: NameArgument,
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            "--videos",
            metavar="VIDEO",
            help="A video to calibrate with, beside simulated matches; several by giving it again. "
            "Of two or fewer the last third, else every third video is for the comparison.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for a copy with it; by default the model's own."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Add a variant in int8 to a model of pictures, by calibration, and say what it changes.

    Where a processor is faster with it, as a trial at the first use there shows, the model then
    runs in int8. It is refused if it costs more than half a point of average mAP on simulated
    matches.
    """
    from touchline.spotting.quantizing import quantize as quantize_model
    from touchline.zoo.store import find

    def remark(text: str) -> None:
        remarks.print(text, markup=False, soft_wrap=True)

    made = quantize_model(find(name), videos or (), out, remark=remark)
    found = made.comparison
    if json:
        fields = ("steps", "mean_shift", "largest_shift")
        maps = None
        if found.average_map is not None:
            maps = dict(zip(("fp32", "int8"), found.average_map, strict=True))
        print_json(
            {
                **_summary(made.folder),
                **{field: getattr(found, field) for field in fields},
                "average_map": maps,
                "batch_seconds": dict(made.trial.seconds),
            }
        )
        return
    _report(made.folder, json)
    _print_line(
        f"scores move by {found.mean_shift:.4f} on average, {found.largest_shift:.2f} at most, "
        f"over {counted(found.steps, 'step')} of other pictures"
    )
    if found.average_map is not None:
        exact, coarse = found.average_map
        _print_line(f"average mAP of simulated matches: {exact:.3f} in fp32, {coarse:.3f} in int8")
    _print_line(f"a batch takes here: {made.trial}; the fastest is {made.trial.fastest}")


@app.command()
def calibrate(
    name: NameArgument,
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="Ground truth: a file, folder tree or zip.")
    ],
    predictions: Annotated[
        Path,
        typer.Argument(metavar="PREDICTIONS", help="What the model found in the same games."),
    ],
    json: JsonOption = False,
) -> None:
    """Measure how late a model finds each class, and write it to its card.

    From then on the delays are taken off the times of all events that the model finds. Where the
    predictions were made with known delays, what is left of them is added.
    """
    from touchline.formats import read_matches
    from touchline.formats.games import align_games
    from touchline.metrics.delays import measure_delays
    from touchline.zoo.cards import CARD_FILE, write_card
    from touchline.zoo.store import find

    folder = find(name)
    if folder.origin == "packaged":
        raise ConfigError(
            "comes with touchline", where=name, remedy="calibrate a model of your own"
        )
    true, found = read_matches(labels), read_matches(predictions)
    known = set(folder.card.labels.labels)
    measured = measure_delays(true, align_games(true, found))
    left = {label: one for label, one in measured.items() if label in known}
    if not left:
        raise ConfigError(
            "has no class of the model often enough to measure", where=predictions,
            remedy="give more games, of this model",
        )  # fmt: skip
    were_known = any(t.extra.get(DELAYS_CORRECTED) for m in found.values() for t in m.timelines)
    before = folder.card.delays if were_known else {}
    delays = {label: round(before.get(label, 0.0) + one.seconds, 2) for label, one in left.items()}
    card = folder.card.model_copy(update={"delays": {**before, **delays}})
    write_card(card, folder.path / CARD_FILE)
    if json:
        print_json({"name": name, "delays": {label: one.to_json() for label, one in left.items()}})
        return
    for label, one in left.items():
        _print_line(f"{label}: {one.seconds:+.1f} s, from {counted(one.pairs, 'detection')}")


def _refuse(options: dict[str, Any], thing: str) -> None:
    """Refuse options that do not apply to what a file holds."""
    if given := [option for option, value in options.items() if value is not None]:
        raise ConfigError(f"the file holds {thing}", where=given[0], remedy="leave it out")


def _extractor_of(file: Path, name: str | None) -> str | None:
    """The extractor that a file has the weights of, if any."""
    if name is not None and name.startswith("timm:"):
        return name
    try:
        from touchline.importers.extractors import extractor_of
    except ImportError as error:
        raise MissingExtraError("importing a checkpoint", "torch") from error
    return extractor_of(file)


def _import_extractor(name: str, file: Path, onnx: bool, json: bool) -> None:
    try:
        from touchline.importers.extractors import import_weights
    except ImportError as error:
        raise MissingExtraError("importing weights", "torch") from error
    folder = import_weights(name, file, onnx=onnx)
    if json:
        print_json(_extractor_summary(folder))
        return
    results.print(f"{folder.path}: {_extractor_line(folder)}", markup=False, soft_wrap=True)


def _import_pca(file: Path, average: Path | None, json: bool) -> None:
    from touchline.features.stored_pca import store_pca

    if file.suffix.lower() == ".pkl" and average is None:
        raise ConfigError(
            "a published PCA needs the average that is subtracted first",
            where=file,
            remedy="name it with --average, such as average_512_TF2.pkl",
        )
    pca = store_pca(file, average)
    if json:
        print_json(_pca_summary(pca))
        return
    results.print(f"{pca.path}: {_pca_line(pca)}", markup=False, soft_wrap=True)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise ConfigError(f"{text!r} is not a size", where="--size", remedy="write 398x224")
    return int(width), int(height)


def _network(folder: ModelFolder) -> str:
    config = folder.card.config
    parts = [config.get("feature_arch"), config.get("temporal_arch")]
    return " + ".join(str(part) for part in parts if part) or folder.card.system


def _input(folder: ModelFolder) -> str:
    """Pictures of a size, or features by their names and widths."""
    card = folder.card
    if card.features is None:
        return f"{card.width}x{card.height}"
    streams = [card.features, *card.streams.values()]
    return ", ".join(f"{s.name} ({s.width})" if s.width else s.name for s in streams)


def _summary(folder: ModelFolder) -> dict[str, Any]:
    card = folder.card
    return {
        "name": folder.path.name,
        "path": str(folder.path),
        "origin": folder.origin,
        "system": card.system,
        "labels": card.labels.name,
        "rate": card.rate,
        "width": card.width,
        "height": card.height,
        "features": None if card.features is None else card.features.name,
        "files": list(card.files),
        "licence": card.licence,
    }


def _extractor_line(folder: "ExtractorFolder") -> str:
    card = folder.card
    takes = "sound" if card.width is None else f"{card.width}x{card.height}"
    return f"{card.name} ({card.network}, {takes}; {card.source})"


def _extractor_summary(folder: "ExtractorFolder") -> dict[str, Any]:
    card = folder.card
    return {
        "name": card.name,
        "path": str(folder.path),
        "network": card.network,
        "width": card.width,
        "height": card.height,
        "files": list(card.files),
        "source": card.source,
        "licence": card.licence,
    }


def _detector_summary(path: Path) -> dict[str, Any]:
    return {"sha256": path.stem, "path": str(path)}


def _pca_line(pca: "StoredPca") -> str:
    kind = "with an average" if pca.is_published else "fitted here"
    return f"{pca.origin} ({pca.width} to {pca.dims} numbers, {kind})"


def _pca_summary(pca: "StoredPca") -> dict[str, Any]:
    return {
        "origin": pca.origin,
        "path": str(pca.path),
        "width": pca.width,
        "dims": pca.dims,
        "published": pca.is_published,
    }


def _report(folder: ModelFolder, json: bool) -> None:
    if json:
        print_json(_summary(folder))
    else:
        card = folder.card
        results.print(
            f"{folder.path}: {_network(folder)}, "
            f"{counted(len(card.labels.labels), 'class', 'classes')}, "
            f"{counted_rate(card.frame_rate, 'frame' if card.features is None else 'row')}, "
            f"{', '.join(card.files)}",
            markup=False,
            soft_wrap=True,
        )


def _print_fields(fields: dict[str, str]) -> None:
    """Fields whose lines are as long as they are: a table would cut paths and checksums."""
    width = max(map(len, fields)) + 2
    for name, text in fields.items():
        first = name.ljust(width)
        for line in text.splitlines() or [""]:
            _print_line(f"{first}{line}".rstrip())
            first = " " * width


def _print_line(line: str) -> None:
    results.print(line, markup=False, soft_wrap=True)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return str(value)
