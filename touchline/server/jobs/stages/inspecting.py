"""The first look at pictures and sounds for reels."""

from pathlib import Path
from typing import Any, Literal

from touchline.editing.overlay import read_picture
from touchline.errors import InputError, MediaError
from touchline.media.audio import read_audio
from touchline.media.opening import SOUND_FORMATS
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import StageArguments, StageResult

RATE = 8000
MAX_SOUND_SECONDS = 2 * 3600.0


class InspectArguments(StageArguments):
    """A file, whose suffix says what sound it is, and what it should be."""

    path: str
    kind: Literal["picture", "sound"]


class AssetFacts(StageResult):
    """Width and height of a picture, or seconds of a sound."""

    facts: dict[str, Any]


def inspect_asset(arguments: InspectArguments, progress: Progress) -> AssetFacts:
    """Open a picture, or decode a sound.

    Raises:
        InputError: it cannot be read as what it should be.
    """
    if arguments.kind == "picture":
        height, width = read_picture(Path(arguments.path)).shape[:2]
        return AssetFacts(facts={"width": width, "height": height})
    samples = 0
    try:
        for block in read_audio(arguments.path, RATE, end_seconds=MAX_SOUND_SECONDS):
            samples += len(block)
            progress(min(samples / RATE / MAX_SOUND_SECONDS, 1.0))
    except MediaError as error:
        raise _unheard(arguments.path) from error
    if not samples:
        raise _unheard(arguments.path)
    return AssetFacts(facts={"seconds": round(samples / RATE, 3)})


def _unheard(path: str) -> InputError:
    kinds = ", ".join(suffix[1:].upper() for suffix in (*SOUND_FORMATS, ".m4a"))
    return InputError("cannot be read as a sound", where=path, remedy=f"give a {kinds} file")
