"""``touchline align``: a provider's events on the time of a recording."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.kick_offs import parse_kick_offs
from touchline.cli.output import (
    JsonOption,
    ReplaceOption,
    check_output,
    new_app,
    print_json,
    progress_bar,
    remarks,
    results,
)
from touchline.errors import InputError
from touchline.runtime.wording import counted

app = new_app()


@app.command()
def align(
    feed: Annotated[
        Path,
        typer.Argument(metavar="FEED", help="Events with half and match clock; or their folder."),
    ],
    video: Annotated[
        list[Path], typer.Option(help="The recording; once for each half, if it is in two files.")
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Where to: .events.json, or any format of events."),
    ],
    feed_format: Annotated[
        str | None,
        typer.Option("--from", help="Format of FEED, such as kloppy:statsbomb; by default found."),
    ] = None,
    broadcast: Annotated[
        list[Path] | None,
        typer.Option(
            help="What `touchline broadcast` said of the recording; by default the "
            ".broadcast.json beside it, else it is read."
        ),
    ] = None,
    kick_off: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[HALF=]TIME",
            help="When a half is kicked off in the video (5:12, 3=2:01:40; -4:30 if it starts "
            "later), where no clock is in the picture.",
        ),
    ] = None,
    second_half: Annotated[
        str | None, typer.Option(metavar="TIME", help="The same as --kick-off 2=TIME.")
    ] = None,
    half: Annotated[
        int | None, typer.Option(min=1, max=4, help="Which half the video is, if only one.")
    ] = None,
    ignore_score: Annotated[
        bool, typer.Option("--ignore-score", help="Place by the clock alone, whatever the score.")
    ] = False,
    overwrite: ReplaceOption = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor threads; all by default.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Put a provider's events on the video's time, by the clock in the picture.

    FEED is a table with half, minute and second (or 45+2), the data of a provider that kloppy
    reads, or any other events that have a half and a match clock.
    """
    from touchline.broadcast.align_files import align_files
    from touchline.broadcast.alignment_report import lines_of
    from touchline.formats import format_of, timelines_of, write

    if half is not None and len(video) > 1:
        raise InputError("--half is of a single video", remedy="several are half 1, 2, ...")
    # a file with the same content stays, which only the result can tell
    check_output(output, [feed, *video, *(broadcast or [])], overwrite=True)
    format_of(output)
    with progress_bar() as progress:
        task = progress.add_task("reading", total=None)
        done = align_files(
            feed,
            video,
            format=feed_format,
            broadcasts=broadcast or (),
            half=half,
            kick_offs=parse_kick_offs(
                [*(kick_off or []), *([f"2={second_half}"] if second_half is not None else [])],
                half,
            ),
            check_score=not ignore_score,
            threads=threads,
            progress=lambda now, total: progress.update(
                task, completed=int(now), total=max(1, int(total))
            ),
        )
    write(done.content, output, overwrite=overwrite)
    timelines = timelines_of(done.content)
    if json:
        print_json(
            {
                "feed": str(feed),
                "files": [str(output)],
                "events": sum(map(len, timelines)),
                "videos": [
                    {"video": str(path), "clock": source, "events": len(timeline)}
                    | report.to_json()
                    for path, source, timeline, report in zip(
                        video, done.sources, timelines, done.reports, strict=True
                    )
                ],
            }
        )
    for report in done.reports:
        for warning in report.warnings:
            remarks.print(f"note: {warning}", markup=False, soft_wrap=True)
        for line in [] if json else lines_of(report, by_kick_offs=bool(kick_off or second_half)):
            results.print(line, markup=False, soft_wrap=True)
    if not json:
        count = counted(sum(map(len, timelines)), "event")
        results.print(f"{output}: {count}", markup=False, soft_wrap=True)
