"""``touchline models``: list, show, pull, import and export weights."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from touchline.cli.output import JsonOption, new_app, print_json, remarks, results
from touchline.errors import ConfigError, MissingExtraError
from touchline.zoo.store import ModelFolder

app = new_app(help="List, show, pull, import and export weights.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="A model's name, its folder or its file.")]
OnnxOption = Annotated[
    bool, typer.Option("--onnx/--no-onnx", help="Also export for OpenVINO, if possible.")
]


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List the models that are here, and those that can be pulled by name."""
    from touchline.zoo.download import PUBLISHED
    from touchline.zoo.store import list_models

    folders = list_models()
    absent = {
        name: model
        for name, model in PUBLISHED.items()
        if name not in {folder.path.name for folder in folders}
    }
    if json:
        here = [_summary(folder) for folder in folders]
        remote = [
            {"name": name, "repository": model.repository, "licence": model.licence}
            for name, model in absent.items()
        ]
        print_json({"models": here, "to_pull": remote})
        return
    table = Table("name", "network", "labels", "rate", "input", "from", box=None)
    for column in table.columns:
        column.overflow = "fold"
    for folder in folders:
        card = folder.card
        table.add_row(
            folder.path.name,
            _network(folder),
            card.labels.name,
            card.rate,
            _input(folder),
            folder.origin,
        )
    results.print(table if folders else "No models yet.")
    for name, model in absent.items():
        results.print(f"To pull: {name} ({model.description}; {model.licence})", markup=False)


@app.command()
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show a model's card."""
    from touchline.zoo.store import find

    folder = find(name)
    card = folder.card.model_dump(mode="json", exclude_none=True)
    if json:
        print_json({"path": str(folder.path), "origin": folder.origin, "card": card})
        return
    table = Table.grid(padding=(0, 2))
    for field, value in {"path": str(folder.path), **card}.items():
        if field not in ("format", "version") and value not in ("", {}, []):
            table.add_row(field, _text(value))
    results.print(table)


@app.command()
def pull(
    name: Annotated[
        str, typer.Argument(help="A name that `list` offers, or org/name of the Hugging Face Hub.")
    ],
    onnx: OnnxOption = True,
    json: JsonOption = False,
) -> None:
    """Fetch a model from the Hugging Face Hub."""
    from touchline.zoo.download import PUBLISHED
    from touchline.zoo.download import pull as fetch

    if name in PUBLISHED:
        remarks.print(f"{name}: weights under {PUBLISHED[name].licence}", markup=False)
    _report(fetch(name, onnx=onnx), json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Published .pt, .pth, .pth.tar or .safetensors.")],
    name: Annotated[str | None, typer.Option(help="Name in the zoo.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Published config.json or config.yaml of the weights.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="class.txt, soccernet-v2, soccernet-ball, or labels with commas."),
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Frames a second, such as 25/12.")] = None,
    size: Annotated[str | None, typer.Option(help="Picture size, such as 398x224.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to make instead of one in the zoo.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights, for the card.")] = "",
    onnx: OnnxOption = True,
    json: JsonOption = False,
) -> None:
    """Make a model of a published checkpoint; nothing in it is executed."""
    try:
        from touchline.zoo.importer import import_checkpoint
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
        typer.Option("--out", "-o", help="Folder to write to; the model's own if left out."),
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
        from touchline.zoo.export import export_onnx
    except ImportError as error:
        raise MissingExtraError("exporting a model", "torch") from error
    _report(export_onnx(folder, out, storage="fp16" if half else "fp32"), json)


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


def _report(folder: ModelFolder, json: bool) -> None:
    if json:
        print_json(_summary(folder))
    else:
        card = folder.card
        results.print(
            f"{folder.path}: {_network(folder)}, {len(card.labels.labels)} classes, "
            f"{card.rate} frames a second, {', '.join(card.files)}",
            markup=False,
            soft_wrap=True,
        )


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return str(value)
