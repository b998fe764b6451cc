"""``touchline spot``: find the events of videos."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.progress import Progress, TaskID

from touchline.cli.output import (
    GpusOption,
    JobsOption,
    JsonOption,
    OverwriteOption,
    RayCommand,
    RayOption,
    new_app,
    print_json,
    progress_bar,
    remarks,
    results,
)
from touchline.cli.summary import counted, run_many

app = new_app()


def _show(progress: Progress, task: TaskID, share: float) -> None:
    progress.update(task, completed=100 * share)


@app.command(cls=RayCommand)
def spot(
    videos: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO", help="Video files; or folders, whose results that are there are kept."
        ),
    ],
    model: Annotated[
        str, typer.Option(help="A model of `touchline models list`, a run folder or a checkpoint.")
    ] = "demo",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results; beside each video by default."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Leave out events of lower confidence.")
    ] = 0.05,
    engine: Annotated[
        Literal["auto", "openvino", "torch"],
        typer.Option(help="What runs the networks that read pictures."),
    ] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="What it computes in.")
    ] = "auto",
    size: Annotated[
        str, typer.Option("--video", help="In folders, which video of a half: 224p or 720p.")
    ] = "224p",
    jobs: JobsOption = None,
    ray: RayOption = None,
    gpus: GpusOption = 0.0,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Write <stem>.events.json and <stem>.report.html for each video.

    A video that cannot be read does not stop the others: it is named at the end. Of a folder, of
    --jobs and of --ray, what is there already is kept: call it again to go on.
    """
    if ray is not None or jobs is not None or any(video.is_dir() for video in videos):
        from touchline.batch.cluster import open_crew
        from touchline.batch.matches import ModelSpec, plan_spotting

        tasks = plan_spotting(
            videos,
            ModelSpec(model, engine, precision),
            out=out,
            threshold=threshold,
            size=size,
            overwrite=overwrite,
        )
        crew = open_crew(ray, jobs=jobs, gpus=gpus, reads=videos, writes=out)
        run_many(tasks, crew, "spotting", lambda made: counted(made.count, "event"), json)
        return
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
            found = counted(len(spotted.timeline), "event")
            results.print(f"{spotted.video}: {found}", markup=False, soft_wrap=True)
            results.print(f"  {spotted.events_path}", markup=False, soft_wrap=True)
            results.print(f"  {spotted.report_path}", markup=False, soft_wrap=True)
    for failure in failures[:-1]:
        remarks.print(f"[red]error:[/red] {escape(str(failure))}", soft_wrap=True)
    if failures:
        raise failures[-1]
