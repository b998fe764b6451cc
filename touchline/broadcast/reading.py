"""A recording, or a still picture, read whole: where the parts of a broadcast's reading meet."""

from collections.abc import Callable
from pathlib import Path

from touchline.broadcast.bug_text import BugText
from touchline.broadcast.ocr import TextReader
from touchline.broadcast.result import Broadcast, Bug
from touchline.broadcast.score_bug import RATE, ScoreBugObserver
from touchline.broadcast.still_bug import read_still
from touchline.broadcast.stills import read_picture
from touchline.media.limits import DEFAULT_LIMITS, Limits
from touchline.media.video import probe, read_frames

MAX_WIDTH = 1920
"""Larger pictures are made smaller before a bug is looked for."""


def read_recording(
    video: str | Path,
    *,
    progress: Callable[[float, float], None] | None = None,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Broadcast:
    """Read the score bug of a recording, in one pass and in constant memory.

    Args:
        video: file to read.
        progress: called with the seconds done and the stated length; may raise to stop.
        threads: processor threads of each part.
        limits: bounds on what is read.

    Raises:
        MediaError: the file cannot be opened, or has no picture that can be decoded.
        MissingExtraError: no text can be read here.
    """
    info = probe(video, limits)
    observer = ScoreBugObserver(TextReader(threads))
    scale = min(1.0, MAX_WIDTH / info.width)
    size = None if scale == 1.0 else (MAX_WIDTH, max(1, round(info.height * scale)))
    with read_frames(video, rate=RATE, size=size, threads=threads, limits=limits) as frames:
        for frame in frames:
            observer.see(frame.seconds, frame.pixels)
            if progress is not None:
                progress(frame.seconds, info.duration_seconds)
        seconds, truncated = frames.end_seconds, frames.truncated
    said = observer.finish(duration_seconds=seconds)
    remarks = list(said.remarks)
    if truncated:
        remarks.append(
            f"the picture stops at {seconds:.1f} s of {info.duration_seconds:.1f} s: damaged"
        )
    return Broadcast(
        Path(video).name,
        seconds,
        teams=said.teams,
        halves=said.halves,
        readings=said.readings,
        goals=said.goals,
        remarks=tuple(remarks),
    )


def read_still_file(path: str | Path, threads: int | None = None) -> Bug | None:
    """What the score bug of a still picture says; None where there is none.

    Raises:
        MediaError: the file is no picture, or is damaged.
        MissingExtraError: no text can be read here.
    """
    picture = read_picture(path)
    said = read_still(picture, TextReader(threads))
    return None if said is None else bug_of(said)


def bug_of(said: BugText) -> Bug:
    """A reading of a bug as it is reported."""
    box = said.box
    named = said.home is not None and said.away is not None
    return Bug(
        (box.left, box.top, box.right, box.bottom),
        (said.home, said.away) if named else None,
        said.score,
        said.match_seconds,
        said.added_minutes,
        said.half,
        said.aggregate,
        said.confidence,
    )
