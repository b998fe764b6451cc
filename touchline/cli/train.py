"""``touchline train``: a recipe becomes a model."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import JsonOption, new_app, print_json, progress_bar, remarks, results
from touchline.runtime.wording import counted

app = new_app()


@app.command()
def train(
    recipe: Annotated[
        str,
        typer.Argument(help="A packaged recipe, a YAML file, or the folder of a run."),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override one value: group.key=value. May be repeated."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder of the run; by default runs/<name of the recipe>."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue the interrupted run in that folder."),
    ] = False,
    show: Annotated[
        bool,
        typer.Option("--show", help="Print the recipe with all its values and exit."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network by a recipe; the folder of the run is a model."""
    from touchline.errors import MissingExtraError
    from touchline.training.config import load_recipe

    chosen = load_recipe(recipe, settings or ())
    if show:
        typer.echo(chosen.to_yaml(), nl=False)
        return
    try:
        import lightning  # noqa: F401
    except ImportError:
        raise MissingExtraError("training", "train") from None
    from touchline.training.run import train as run_training

    folder = out or (Path(recipe) if Path(recipe).is_dir() else Path("runs") / chosen.name)
    with progress_bar() as progress:
        bar = progress.add_task("training", total=None)
        result = run_training(
            chosen,
            folder,
            resume=resume,
            say=lambda text: remarks.print(text, markup=False, soft_wrap=True),
            on_step=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    if result.rank:
        return  # the first of several processes prints
    if as_json:
        print_json(
            {
                "folder": str(result.folder),
                "steps": result.steps,
                "best_epoch": result.best_epoch,
                "validation": dict(result.figures),
                "frames_per_second": round(result.frames_per_second, 1),
            }
        )
        return
    figures = ", ".join(f"{name} {value:.4f}" for name, value in result.figures.items())
    results.print(
        f"{result.folder}: {counted(result.steps, 'step')}, weights of epoch {result.best_epoch}"
        + (f" ({figures})" if figures else ""),
        markup=False,
        soft_wrap=True,
    )
