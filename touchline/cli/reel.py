"""``touchline reel``: choose and cut the highlights."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import (
    JobsOption,
    JsonOption,
    OverwriteOption,
    RayCommand,
    RayOption,
    new_app,
    print_json,
    progress_bar,
    results,
)
from touchline.cli.summary import counted, run_many

app = new_app()


@app.command(cls=RayCommand)
def reel(
    events: Annotated[
        Path,
        typer.Argument(
            metavar="EVENTS",
            help="Events of a video or of a match's halves in any format, or a .reel.json; or a "
            "folder of the events of many games.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="By its suffix: .mp4 .mkv .mov (cuts), .otio .edl .fcpxml .xml .json .vtt .txt; "
            "of a folder, the folder of the reels.",
        ),
    ],
    video: Annotated[
        list[Path] | None,
        typer.Option(
            help="The video to cut from; repeat it for each half, in order. Of a folder of "
            "events, the folder in which the videos lie in the same way."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Greatest length of the reel.")] = 180.0,
    labels: Annotated[bool, typer.Option(help="Write what happens into the picture.")] = False,
    snap: Annotated[
        bool, typer.Option(help="Let clips begin and end at camera cuts within reach.")
    ] = True,
    aspect: Annotated[
        str | None,
        typer.Option(help="Shape of the picture, such as 9:16 or 1:1, if not that of the video."),
    ] = None,
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
    to: Annotated[str, typer.Option(help="Suffix of the reels of a folder of events.")] = ".mp4",
    jobs: JobsOption = None,
    ray: RayOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Choose the moments worth seeing, fit them into a length, and cut them in match order.

    Of a folder of events, one reel for each game, of all its halves. What is there already and was
    made of the same events and videos is kept: call it again to go on.
    """
    from touchline.editing.framing import parse_aspect
    from touchline.editing.render import refuse_overwriting
    from touchline.errors import InputError
    from touchline.media.writer import SUFFIXES as VIDEO_SUFFIXES
    from touchline.pipeline import cut_reel, reel_of, videos_of
    from touchline.timebase import parse_rate

    chosen_rate = None if rate is None else parse_rate(rate)
    shape = None if aspect is None else parse_aspect(aspect)
    is_many = events.is_dir() and (output.is_dir() or not output.suffix)
    if not is_many and (ray is not None or jobs is not None):
        raise InputError(
            "the reel of one game is one task",
            where="--ray" if jobs is None else "--jobs",
            remedy="give a folder of events, and a folder for the reels",
        )
    suffix = to if is_many else output.suffix
    if shape is not None and suffix.lower() not in VIDEO_SUFFIXES:
        raise InputError(
            f"a {suffix} file has no picture to shape",
            where="--aspect",
            remedy=f"cut a video: {', '.join(VIDEO_SUFFIXES)}",
        )
    if is_many:
        from touchline.batch.cluster import open_crew
        from touchline.batch.matches import Cut, plan_reels

        place = None if not video else video[0]
        if place is not None and (len(video or []) > 1 or not place.is_dir()):
            raise InputError("must be one folder, as EVENTS is one", where="--video")
        cut = Cut(to, seconds, labels, snap, shift_seconds, jitter_seconds, chosen_rate, shape)
        tasks = plan_reels(events, output, cut, videos=place, overwrite=overwrite)
        reads = [events] if place is None else [events, place]
        crew = open_crew(ray, jobs=jobs, reads=reads, writes=output)
        run_many(
            tasks,
            crew,
            "cutting",
            lambda made: f"{counted(made.count, 'clip')}, {made.seconds:.1f} s",
            json,
        )
        return
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
            rate=chosen_rate,
            aspect=shape,
            progress=lambda share: progress.update(task, completed=100 * share),
        )
    if json:
        print_json({"reel": str(output), "seconds": round(made.seconds, 3), "clips": len(made)})
    else:
        text = f"{output}: {counted(len(made), 'clip')}, {made.seconds:.1f} s"
        results.print(text, markup=False, soft_wrap=True)
