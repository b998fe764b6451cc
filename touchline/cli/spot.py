"""``touchline spot``: find the events of videos."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.progress import Progress, TaskID

from touchline.cli.output import JsonOption, new_app, print_json, progress_bar, remarks, results

app = new_app()


def _show(progress: Progress, task: TaskID, share: float) -> None:
    progress.update(task, completed=100 * share)


@app.command()
def spot(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO", help="Video files.")],
    model: Annotated[
        str, typer.Option(help="A model of `touchline models list`, a run folder or a checkpoint.")
    ] = "demo",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; beside each video by default.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Leave out events of lower confidence.")
    ] = 0.05,
    engine: Annotated[
        Literal["auto", "openvino", "torch"], typer.Option(help="Where the network runs.")
    ] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="What it computes in.")
    ] = "auto",
    json: JsonOption = False,
) -> None:
    """Write <stem>.events.json and <stem>.report.html for each video.

    A video that cannot be read does not stop the others: it is named at the end.
    """
    from touchline.errors import InputError
    from touchline.pipeline import refuse_clashes, spot_video
    from touchline.spotting.spotter import load

    refuse_clashes(videos, out)
    failures: list[InputError] = []
    done = []
    with load(model, engine=engine, precision=precision) as spotter, progress_bar() as progress:
        for video in videos:
            task = progress.add_task(video.name, total=100)
            show = partial(_show, progress, task)
            try:
                spotted = spot_video(spotter, video, out, threshold=threshold, progress=show)
            except InputError as error:
                failures.append(error)
                continue
            done.append(spotted)
            for warning in spotted.timeline.warnings:
                remarks.print(f"{video.name}: {warning}", style="yellow", markup=False)
    if json:
        print_json(
            [
                {
                    "video": str(spotted.video),
                    "events": str(spotted.events_path),
                    "report": str(spotted.report_path),
                    "count": len(spotted.timeline),
                    "warnings": list(spotted.timeline.warnings),
                }
                for spotted in done
            ]
        )
    else:
        for spotted in done:
            count = len(spotted.timeline)
            found = "1 event" if count == 1 else f"{count} events"
            results.print(f"{spotted.video}: {found}", markup=False, soft_wrap=True)
            results.print(f"  {spotted.events_path}", markup=False, soft_wrap=True)
            results.print(f"  {spotted.report_path}", markup=False, soft_wrap=True)
    for failure in failures[:-1]:
        remarks.print(f"[red]error:[/red] {escape(str(failure))}", soft_wrap=True)
    if failures:
        raise failures[-1]
