"""``touchline broadcast``: what a recording or a still picture of a broadcast says by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from touchline.cli.output import (
    JsonOption,
    check_output,
    new_app,
    print_json,
    progress_bar,
    results,
)
from touchline.match_state import format_match, format_score
from touchline.runtime.wording import counted
from touchline.timebase import format_seconds

if TYPE_CHECKING:
    from touchline.broadcast.result import Broadcast, Bug

app = new_app()

TOP_MOMENTS = 8
"""Moments of excitement that are printed; the file has them all."""


@app.command()
def broadcast(
    source: Annotated[
        Path, typer.Argument(metavar="PICTURE|VIDEO", help="A still picture, or a recording.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to: a .broadcast.json file.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there already.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor threads; all by default.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Read what a broadcast says by itself.

    Of a recording: clock, score, teams, halves and goals from the score bug; replays, cuts,
    whistles and moments of excitement. Of a still picture: its score bug. Pictures of video games
    have score bugs too: they are read as they stand.
    """
    from touchline.broadcast.reading import read_recording, read_still_file
    from touchline.broadcast.result import bug_to_json, to_json, write_document
    from touchline.broadcast.stills import is_still

    if output is not None:
        check_output(output, [source], overwrite, ".broadcast.json")
    if is_still(source):
        bug = read_still_file(source, threads)
        document = bug_to_json(bug, source.name)
        lines = list(_lines_of_bug(bug))
    else:
        with progress_bar() as progress:
            task = progress.add_task("reading", total=None)
            said = read_recording(
                source,
                threads=threads,
                progress=lambda done, total: progress.update(
                    task, completed=int(done), total=max(1, int(total))
                ),
            )
        document = to_json(said)
        lines = list(_lines_of_recording(said))
    if output is not None:
        write_document(document, output)
    if json:
        print_json(document)
    else:
        for line in lines:
            results.print(line, markup=False, soft_wrap=True)


def _lines_of_bug(bug: "Bug | None") -> Iterator[str]:
    if bug is None:
        yield "no score bug"
        return
    match = format_match(bug.teams or ("?", "?"), bug.score)
    clock = "" if bug.clock_seconds is None else f", {_clock(bug.clock_seconds)}"
    added = "" if bug.added_minutes is None else f" +{bug.added_minutes}"
    yield f"{match}{clock}{added} (confidence {bug.confidence:.2f})"


def _lines_of_recording(said: "Broadcast") -> Iterator[str]:
    if match := format_match(said.teams, said.last_score):
        yield match
    for half in said.halves or ():
        start, end = format_seconds(half.start_seconds), format_seconds(half.end_seconds)
        yield f"half {half.half}: {start} to {end}, from {_clock(half.clock_start_seconds)}"
    for goal in said.goals or ():
        back = "" if goal.taken_back_at_seconds is None else ", taken back"
        yield (
            f"{format_score(goal.score)} by {goal.team} at {format_seconds(goal.seconds)} "
            f"(give or take {goal.uncertainty_seconds:.0f} s){back}"
        )
    if said.last_score is not None and not said.goals:
        yield "no change of the score"
    counts = {"cut": said.cuts_seconds, "replay": said.replays, "whistle": said.whistles}
    yield ", ".join(
        counted(len(found), name) for name, found in counts.items() if found is not None
    )
    yield from _lines_of_moments(said)
    yield from said.remarks


def _lines_of_moments(said: "Broadcast") -> Iterator[str]:
    """The most exciting moments, in order of time."""
    best = sorted(said.moments or (), key=lambda moment: -moment.confidence)[:TOP_MOMENTS]
    for moment in sorted(best, key=lambda moment: moment.seconds):
        clock = _match_clock(said, moment.seconds)
        reason = "" if moment.reason is None else f": {moment.reason}"
        yield f"moment at {format_seconds(moment.seconds)}{clock}{reason}"


def _match_clock(said: "Broadcast", seconds: float) -> str:
    """The match clock nearest to a time of a recording, such as `` (63:10)``."""
    if said.half_at(seconds) is None:
        return ""
    known = [one for one in said.readings or () if one.clock_seconds is not None]
    near = min(known, key=lambda one: abs(one.seconds - seconds), default=None)
    if near is None or abs(near.seconds - seconds) > 1.0:
        return ""
    return f" ({_clock(near.clock_seconds or 0.0)})"


def _clock(match_seconds: float) -> str:
    whole = int(match_seconds)
    return f"{whole // 60:02d}:{whole % 60:02d}"
