"""``touchline simulate``: a synthetic dataset in the SoccerNet layout."""

import re
import time
from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import JsonOption, finite, new_app, print_json, progress_bar, results
from touchline.errors import InputError
from touchline.runtime.wording import counted
from touchline.timebase import parse_rate

app = new_app()

ALL_MODALITIES = "video,audio,labels,boxes,calibration,transcript,broadcast"


@app.command()
def simulate(
    out: Annotated[
        Path, typer.Argument(help="Folder of the dataset: new, empty, or of an interrupted run.")
    ],
    games: Annotated[int, typer.Option(help="Number of games.")] = 1,
    minutes: Annotated[
        float, typer.Option(callback=finite, help="Length of each half, at most 60.")
    ] = 45.0,
    seed: Annotated[int, typer.Option(help="The same seed and options give the same games.")] = 0,
    halves: Annotated[int, typer.Option(help="Halves of a game: 1 or 2.")] = 2,
    size: Annotated[str, typer.Option(help="Picture, such as 398x224 or 1280x720.")] = "398x224",
    frame_rate: Annotated[
        str, typer.Option(help="Frames a second; 2 or 25/12 for models that read no more.")
    ] = "25",
    jobs: Annotated[
        int | None, typer.Option(help="Processes; by default one for each core.")
    ] = None,
    modalities: Annotated[
        str | None,
        typer.Option(help=f"What to render, of {ALL_MODALITIES}; all that the look has."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Shares of train, valid and test, such as 0.6,0.2,0.2.")
    ] = None,
    look: Annotated[
        str,
        typer.Option(help="broadcast; or classic: plain, with a crowd that answers every event."),
    ] = "broadcast",
    bugs: Annotated[
        str, typer.Option(help="Score bugs: all, tuning, held-out, or the name of a design.")
    ] = "all",
    wipes: Annotated[
        str, typer.Option(help="Wipes: all, tuning, held-out, or the name of one.")
    ] = "all",
    recording: Annotated[
        str,
        typer.Option(help="halves: a file for each; match: one file, with studio and adverts."),
    ] = "halves",
    json: JsonOption = False,
) -> None:
    """Simulate football matches: video, sound, labels, boxes, cameras and commentary.

    Every label is exact to the frame. An interrupted run continues when the same command is given
    again.
    """
    from touchline.simulator import dataset
    from touchline.simulator.presentation import Presentation

    began = time.monotonic()
    with progress_bar() as bar:
        task = bar.add_task("minutes rendered", total=None)
        made = dataset.simulate(
            out,
            games=games,
            seed=seed,
            minutes=minutes,
            halves=halves,
            size=parse_size(size),
            rate=parse_rate(frame_rate),
            modalities=None if modalities is None else parse_names(modalities),
            splits=None if split is None else parse_shares(split),
            jobs=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            presentation=Presentation(look, bugs, wipes),
            recording=recording,
        )
    seconds = time.monotonic() - began
    if json:
        print_json(
            {
                "root": str(made.root),
                "games": list(made.games),
                "kept": made.kept,
                "splits": {name: list(part) for name, part in made.splits.items()},
                "seconds": round(seconds, 2),
            }
        )
        return
    new = len(made.games) - made.kept
    kept = f", {made.kept} kept" if made.kept else ""
    results.print(
        f"{counted(new, 'game')} rendered{kept} in {seconds:.0f} s: {made.root}", soft_wrap=True
    )


def parse_size(text: str) -> tuple[int, int]:
    """Read ``"398x224"`` as (width, height).

    Raises:
        InputError: the text is not of this form.
    """
    found = re.fullmatch(r"\s*(\d{1,5})\s*[xX×]\s*(\d{1,5})\s*", text)
    if found is None:
        raise InputError(f"{text!r} is not a size", where="--size", remedy="write 398x224")
    return int(found[1]), int(found[2])


def parse_names(text: str) -> list[str]:
    """Read ``"video,labels"``."""
    return [name.strip() for name in text.split(",") if name.strip()]


def parse_shares(text: str) -> tuple[float, ...]:
    """Read ``"0.6,0.2,0.2"``.

    Raises:
        InputError: a part is not a number.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{text!r} is not a split", where="--split", remedy="write 0.6,0.2,0.2"
        ) from None
