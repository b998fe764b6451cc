"""``touchline annotate``: draw the events into the video."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.batch import file_line, print_summary, run_tasks
from touchline.cli.output import JsonOption, OverwriteOption, new_app
from touchline.media.writer import SUFFIXES as VIDEO_SUFFIXES
from touchline.runtime.wording import counted

app = new_app()


@app.command()
def annotate(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The video.")],
    events: Annotated[
        Path, typer.Argument(metavar="EVENTS", help="Its events, in any format of one video.")
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help=f"The video to write: {', '.join(VIDEO_SUFFIXES)}."),
    ],
    min_confidence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[CLASS=]SHARE",
            help="Leave out events of lower confidence, 0 to 1; repeat it for classes: "
            "Goal=0.4. By default 0.3.",
        ),
    ] = None,
    half: Annotated[
        int | None, typer.Option(help="Which half the video is, where the events are of several.")
    ] = None,
    slow: Annotated[
        int, typer.Option(help="How many times slower the moments around events run; 1 for none.")
    ] = 3,
    deinterlace: Annotated[
        bool, typer.Option(help="Fill in the lines of interlaced pictures (bwdif).")
    ] = True,
    audio_track: Annotated[
        int | None,
        typer.Option(min=1, help="Which sound track of the video is heard, counted from 1."),
    ] = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Write labels and confidences into the picture, in slow motion around events, with sound."""
    from touchline.batch.annotation import AnnotateTask
    from touchline.batch.executor import open_executor
    from touchline.thresholds import SHOWN_AT_FIRST, parse_thresholds

    shown = parse_thresholds(min_confidence) if min_confidence else SHOWN_AT_FIRST
    task = AnnotateTask(
        video, events, output, half, shown, slow, overwrite, deinterlace, audio_track
    )
    summary = run_tasks([task], open_executor(None), "drawing")
    print_summary(
        summary,
        lambda o: file_line(o, f"{counted(o.events or 0, 'event')}, {o.seconds or 0.0:.1f} s"),
        json,
    )
