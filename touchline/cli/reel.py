"""``touchline reel``: choose and cut the highlights."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import JsonOption, new_app, print_json, progress_bar, results

app = new_app()


@app.command()
def reel(
    events: Annotated[
        Path,
        typer.Argument(
            metavar="EVENTS",
            help="Events of a video or of a match's halves in any format, or a .reel.json.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="By its suffix: .mp4 .mkv .mov (cuts), .otio .edl .fcpxml .xml .json .vtt .txt.",
        ),
    ],
    video: Annotated[
        list[Path] | None,
        typer.Option(help="The video to cut from; repeat it for each half, in order."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Greatest length of the reel.")] = 180.0,
    labels: Annotated[bool, typer.Option(help="Write what happens into the picture.")] = False,
    snap: Annotated[
        bool, typer.Option(help="Let clips begin and end at camera cuts within reach.")
    ] = True,
    shift_seconds: Annotated[
        float, typer.Option(help="Move every event first; negative for a detector that is late.")
    ] = 0.0,
    jitter_seconds: Annotated[
        float, typer.Option(help="How far the detector's times spread around the truth.")
    ] = 3.0,
    rate: Annotated[
        str | None,
        typer.Option(help="Frames a second, for an edit list without a video: 25 or 30000/1001."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Choose the moments worth seeing, fit them into a length, and cut them in match order."""
    from touchline.editing.render import refuse_overwriting
    from touchline.pipeline import cut_reel, reel_of, videos_of
    from touchline.timebase import parse_rate

    refuse_overwriting(output, [events])
    chosen = reel_of(events, seconds, shift_seconds, jitter_seconds)
    sources = videos_of(events, chosen, video or [])
    with progress_bar() as progress:
        task = progress.add_task("cutting", total=100)
        made = cut_reel(
            chosen,
            output,
            sources,
            burn_labels=labels,
            snap=snap,
            rate=None if rate is None else parse_rate(rate),
            progress=lambda share: progress.update(task, completed=100 * share),
        )
    if json:
        print_json({"reel": str(output), "seconds": round(made.seconds, 3), "clips": len(made)})
    else:
        clips = "1 clip" if len(made) == 1 else f"{len(made)} clips"
        text = f"{output}: {clips}, {made.seconds:.1f} s"
        results.print(text, markup=False, soft_wrap=True)
