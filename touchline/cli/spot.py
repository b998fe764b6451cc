"""``touchline spot``: find the events of videos."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from touchline.cli.batch import print_summary, run_tasks, source_lines
from touchline.cli.output import (
    GpusOption,
    JsonOption,
    OverwriteOption,
    RayCommand,
    RayOption,
    in_range,
    new_app,
    remarks,
)
from touchline.runtime.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from touchline.batch.summary import Outcome
    from touchline.pipeline import SpotOptions

app = new_app()


@app.command(cls=RayCommand)
def spot(
    videos: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO", help="Video files, or folders of videos."),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="auto: what the broadcast itself says, and the best network for real matches that "
            "is here; soccer: that network alone. Or a model of `touchline models list`, a run "
            "folder or a checkpoint."
        ),
    ] = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results; beside each video by default."),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(callback=in_range(0, 1), help="Leave out events of lower confidence, 0 to 1."),
    ] = 0.05,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Read each video from here on: seconds, m:ss or h:mm:ss. Times of events stay "
            "those of the whole video.",
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="TIME", help="Read each video up to here.")
    ] = None,
    match: Annotated[
        Path | None,
        typer.Option(
            help="Also write the events of all videos into this file: the halves of one match, by "
            "their names or in order."
        ),
    ] = None,
    engine: Annotated[
        Literal["auto", "openvino", "torch"],
        typer.Option(help="What runs the networks that read pictures."),
    ] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "int8"],
        typer.Option(
            help="What it computes in; int8 for networks with that variant, of which auto takes "
            "what is fastest here."
        ),
    ] = "auto",
    size: Annotated[
        str,
        typer.Option(
            "--video", help="In folders, which video of a half: 224p, 720p, HQ or frames."
        ),
    ] = "224p",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            min=1,
            help="Processes at once: one for each video, or two for a long one where there are "
            "enough, as 2 for a single video. By default one for every two cores, two for a video "
            "if their cores are idle.",
        ),
    ] = None,
    ray: RayOption = None,
    gpus: GpusOption = 0.0,
    pull: Annotated[
        bool, typer.Option("--pull", help="Fetch the model first if it is published and not here.")
    ] = False,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Write <stem>.events.json and <stem>.report.html for each video.

    The default also writes <stem>.broadcast.json: clock, score, replays and excitement over time.
    A video that cannot be read does not stop the others. Results that are there and were made of
    the same video by the same model with the same settings are kept, so an interrupted call
    continues when it is given again.
    """
    from touchline.batch.executor import open_executor
    from touchline.batch.spotting import ModelSpec, plan_spotting

    if pull:
        from touchline.cli.pulling import pull_if_absent

        pull_if_absent(model)
    tasks = plan_spotting(
        videos,
        ModelSpec(model, engine, precision),
        out=out,
        options=_options(threshold, start, end),
        size=size,
        overwrite=overwrite,
    )
    executor = open_executor(ray, jobs=jobs, gpus=gpus, reads=videos, writes=out)
    summary = run_tasks(tasks, executor, "spotting")
    print_summary(summary, _lines, json)
    if match is not None:
        _write_match([Path(outcome.files[0]) for outcome in summary.done], match, overwrite)


def _write_match(events: "Sequence[Path]", match: Path, overwrite: bool) -> None:
    """Write the halves of a match, each of a file, into one file."""
    from touchline.formats import read, write
    from touchline.formats.choosing import match_of

    found = match_of(events, [read(path) for path in events], in_order=True)
    write(found, match, overwrite=overwrite)
    remarks.print(
        f"{match}: the events of {counted(len(events), 'half', 'halves')}",
        markup=False,
        soft_wrap=True,
    )


def _lines(outcome: "Outcome") -> str:
    lines = source_lines(outcome, counted(outcome.events or 0, "event"))
    said = (text for text in (outcome.match, outcome.ran) if text is not None)
    return "\n  ".join([lines, *said])


def _options(threshold: float, start: str | None, end: str | None) -> "SpotOptions":
    from touchline.errors import ConfigError
    from touchline.pipeline import SpotOptions

    start_seconds = 0.0 if start is None else _seconds("--start", start)
    end_seconds = None if end is None else _seconds("--end", end)
    if end_seconds is not None and end_seconds <= start_seconds:
        raise ConfigError(
            f"{end} does not lie after the start ({start or 0})",
            where="--end",
            remedy="give a later time",
        )
    return SpotOptions(threshold, start_seconds, end_seconds)


def _seconds(option: str, text: str) -> float:
    from touchline.errors import InputError
    from touchline.timebase import parse_seconds

    try:
        return parse_seconds(text)
    except InputError as error:
        remedy = "write seconds, m:ss or h:mm:ss, with ss and mm below 60"
        raise InputError(error.what, where=option, remedy=remedy) from error
