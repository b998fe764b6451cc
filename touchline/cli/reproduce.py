"""``touchline reproduce``: the published score, from the published weights, on your own data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from touchline.cli.batch import run_tasks
from touchline.cli.output import (
    JobsOption,
    JsonOption,
    OverwriteOption,
    new_app,
    print_json,
    results,
)
from touchline.runtime.wording import counted

if TYPE_CHECKING:
    from touchline.batch.game_predictions import PredictTask
    from touchline.batch.reproduction import Data, Figure, Reported, Reproduction
    from touchline.batch.summary import Summary

app = new_app()

DEFAULT_FOLDER = Path("reproduced")


@app.command()
def reproduce(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A published network of `touchline models list`."),
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="DATASET",
            help="Your copy: a folder of league/season/game with videos or features, and labels.",
        ),
    ],
    split: Annotated[
        str | None,
        typer.Option(help="test, valid, train or challenge; by default the reported one."),
    ] = None,
    games: Annotated[
        int | None, typer.Option(min=1, help="Only so many games of the split, in its order.")
    ] = None,
    available: Annotated[
        bool,
        typer.Option(
            "--available", help="Score the games that are here, where the split lacks some."
        ),
    ] = False,
    average: Annotated[
        bool,
        typer.Option(
            "--average",
            help="The reported average of several networks (COMEDIAN's three seeds): their curves "
            "are averaged before events are found.",
        ),
    ] = False,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Folder for the predictions, kept from call to call."),
    ] = DEFAULT_FOLDER,
    extract: Annotated[
        bool,
        typer.Option(
            "--extract",
            help="Extract the features that a network reads from the videos, instead "
            "of reading feature files.",
        ),
    ] = False,
    features: Annotated[
        str | None,
        typer.Option(help="Name of the feature files, if it differs from the model's."),
    ] = None,
    video: Annotated[
        str | None,
        typer.Option(help="Which of several videos of a half to read: 224p, 720p, HQ or frames."),
    ] = None,
    engine: Annotated[
        Literal["auto", "openvino", "torch"],
        typer.Option(help="What runs a network that reads pictures."),
    ] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="What it computes in.")
    ] = "fp32",
    jobs: JobsOption = None,
    pull: Annotated[
        bool, typer.Option("--pull", help="Fetch the published weights first if they are not here.")
    ] = False,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Predict a split with published weights, and print the reported score beside the one reached.

    Each game's predictions are kept in OUT/NAME/league/season/game/results_spotting.json, so an
    interrupted call continues when it is given again.
    """
    from touchline.batch.game_predictions import plan_predictions
    from touchline.batch.reproduction import (
        compare,
        find_data,
        reported,
        require_labels,
        require_networks,
    )
    from touchline.errors import InputError
    from touchline.pipeline import check_writable

    what = reported(name, split, average=average)
    if not data.is_dir():
        raise InputError("there is no such folder", where=data, remedy="give the dataset's folder")
    check_writable(out)
    if pull:
        require_labels(what, data)
        _pull_absent(what)
    require_networks(what)
    found = find_data(
        what,
        data,
        first=games,
        available=available,
        extract=extract,
        features=features,
        video=video,
        engine=engine,
        precision=precision,
    )
    tasks = plan_predictions(found.networks, found.games, out, overwrite=overwrite)
    summary = _predict([task for own in tasks.values() for task in own], found, jobs)
    made = compare(what, found, tasks)
    if json:
        print_json({**made.to_json(), **_counts(summary)})
        return
    _print(made)


def _pull_absent(what: "Reported") -> None:
    from touchline.batch.reproduction import absent_networks
    from touchline.cli.pulling import pull

    if absent := absent_networks(what):
        pull(absent)


def _predict(tasks: "list[PredictTask]", data: "Data", jobs: int | None) -> "Summary":
    """Run all tasks.

    Raises:
        InputError: games could not be predicted.
    """
    from touchline.batch.executor import open_executor
    from touchline.errors import InputError

    # Networks of features take seconds, and PyTorch uses all cores for them.
    jobs = jobs or (1 if data.networks[0].reads_features else None)
    summary = run_tasks(tasks, open_executor(None, jobs=jobs), "predicting")
    if failures := summary.failures:
        raise InputError(
            f"{counted(len(failures), 'game')} could not be predicted, such as "
            f"{failures[0].source}: {failures[0].reason}",
            remedy="the same command keeps what is done and goes on with the others",
        )
    return summary


def _counts(summary: "Summary") -> dict[str, Any]:
    warnings = [f"{one.source}: {text}" for one in summary.done for text in one.warnings]
    return {
        "made": summary.count("made"),
        "kept": summary.count("kept"),
        "warnings": list(dict.fromkeys(warnings)),
    }


def _print(made: "Reproduction") -> None:
    games = counted(made.games, "game")
    part = f" of {made.of_games}: a part of it" if made.is_part else ""
    _line(f"{made.name}, split {made.split}, {games}{part}; {_HOW[made.how](made)}")
    table = Table("metric", "reported on")
    for column in ("reported", "reached", "difference"):
        table.add_column(column, justify="right")
    for figure in made.figures:
        table.add_row(figure.metric, figure.on, *_cells(figure))
    results.print(table)
    for network, values in _each(made.figures).items():
        _line(f"  {network}: {values}")
    for game, reason in made.absent.items():
        _line(f"left out: {game}: {reason}")
    _line("Why they may differ:")
    for reason in made.may_differ:
        _line(f"- {reason}")
    _line(f"predictions: {', '.join(made.predictions)}")


_HOW = {
    "alone": lambda made: "one network",
    "mean": lambda made: f"mean of the scores of {len(made.networks)} networks",
    "average": lambda made: f"curves of {' and '.join(made.networks)} averaged",
    "together": lambda made: f"the events of {' and '.join(made.networks)} together",
}


def _cells(figure: "Figure") -> tuple[str, str, str]:
    if figure.reached is None or figure.difference is None:
        return f"{figure.reported:.2f}", "not a number", "-"
    return f"{figure.reported:.2f}", f"{figure.reached:.2f}", f"{figure.difference:+.2f}"


def _each(figures: "tuple[Figure, ...]") -> dict[str, str]:
    """What each network reached, where the figures are means."""
    found: dict[str, list[str]] = {}
    for figure in figures:
        for network, value in figure.each.items():
            text = "not a number" if value is None else f"{value:.2f}"
            found.setdefault(network, []).append(f"{figure.metric} {text}")
    return {network: ", ".join(values) for network, values in found.items()}


def _line(text: str) -> None:
    results.print(text, markup=False, soft_wrap=True)
