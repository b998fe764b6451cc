"""``touchline annotate``: draw the events into the video."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import JsonOption, new_app, print_json, progress_bar, remarks, results

app = new_app()


@app.command()
def annotate(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The video.")],
    events: Annotated[
        Path, typer.Argument(metavar="EVENTS", help="Its events, in any format of one video.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to: .mp4, .mkv or .mov.")],
    min_confidence: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Leave out events of lower confidence.")
    ] = 0.3,
    half: Annotated[
        int | None, typer.Option(help="Which half the video is, where the events are of several.")
    ] = None,
    slow: Annotated[
        int, typer.Option(help="How many times slower the moments around events run; 1 for none.")
    ] = 3,
    json: JsonOption = False,
) -> None:
    """Write labels and confidences into the picture, in slow motion around events, with sound."""
    from touchline.editing.annotate import annotate as write_annotated
    from touchline.pipeline import timeline_of

    timeline = timeline_of(events, half)
    with progress_bar() as progress:
        task = progress.add_task("drawing", total=100)
        length = write_annotated(
            timeline,
            video,
            output,
            min_confidence=min_confidence,
            slow_factor=slow,
            progress=lambda share: progress.update(task, completed=100 * share),
        )
    shown = len(timeline.above(min_confidence))
    if len(timeline) and not shown:
        remarks.print(f"no event has a confidence of {min_confidence:g}: see --min-confidence")
    if json:
        print_json({"video": str(output), "seconds": round(length, 3), "events": shown})
    else:
        plural = "1 event" if shown == 1 else f"{shown} events"
        text = f"{output}: {plural}, {length:.1f} s"
        results.print(text, markup=False, soft_wrap=True)
