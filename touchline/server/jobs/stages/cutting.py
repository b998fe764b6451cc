"""Reels as files: cut from the upload itself, or written as edit lists that name it."""

from pathlib import Path
from typing import Any

from touchline.editing.framing import parse_aspect
from touchline.errors import InputError
from touchline.formats import write
from touchline.media.video import probe
from touchline.reel import Reel
from touchline.server.jobs.stages import Report
from touchline.server.reels import reel_of


def cut_reel(
    report: Report,
    *,
    document: dict[str, Any],
    sources: list[str],
    halves: list[int],
    target: str,
    burn_labels: bool,
    snap: bool,
    aspect: str | None = None,
) -> dict[str, Any]:
    """Cut a reel into the video that the suffix of ``target`` names.

    Args:
        sources: the videos; one for each of ``halves``, by which clips name them, if there are any.
        aspect: shape of the picture, such as "9:16"; None for that of the video.

    Raises:
        InputError: the reel is empty, or lies beyond the video. MediaError: it cannot be read.
    """
    from touchline import pipeline  # edit lists do without what it brings along

    reel = _not_empty(reel_of(document))
    made = pipeline.cut_reel(
        reel,
        Path(target),
        dict(zip(halves, map(Path, sources), strict=True)) if halves else sources[0],
        burn_labels=burn_labels,
        snap=snap,
        aspect=None if aspect is None else parse_aspect(aspect),
        progress=report,
    )
    return {"seconds": round(made.seconds, 3), "bytes": Path(target).stat().st_size}


def write_edit_list(
    report: Report, *, document: dict[str, Any], sources: list[str], target: str, format: str
) -> dict[str, Any]:
    """Write a reel as an edit list.

    Raises:
        InputError: the format cannot hold it. MediaError: the video cannot be read.
    """
    reel = _not_empty(reel_of(document))
    rate = probe(sources[0]).frame_rate
    write(reel, target, format, rate=rate)
    report(1.0)
    return {"seconds": round(reel.seconds, 3), "bytes": Path(target).stat().st_size}


def _not_empty(reel: Reel) -> Reel:
    if not len(reel):
        raise InputError("the reel is empty", remedy="choose from more events")
    return reel
