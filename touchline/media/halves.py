"""The half inside an untrimmed recording: ``1_HQ.mkv`` beside a ``video.ini``.

Such a recording is read as its half alone: second 0 is the start of the half, where labels count
from. Without ``video.ini``, or under another name, a file is read whole.
"""

from pathlib import Path

from touchline.errors import FormatError, MediaError
from touchline.recordings import (
    RECORDING_TIMES,
    PartOfRecording,
    half_of_recording,
    read_recording_times,
)

_MAX_BYTES = 64_000


def part_of(path: str | Path) -> PartOfRecording | None:
    """Where the half lies in a recording; None for a file that is read whole.

    Raises:
        MediaError: the ``video.ini`` beside it cannot be read, or does not state this half.
    """
    path = Path(path)
    half = half_of_recording(path.name)
    times = path.with_name(RECORDING_TIMES) if half is not None else None
    if half is None or times is None or not times.is_file():
        return None
    try:
        with times.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise MediaError("is too large for the times of two halves", where=times)
        parts = read_recording_times(content, str(times))
    except OSError as error:
        raise MediaError(f"cannot be read ({error.strerror})", where=times) from error
    except FormatError as error:
        raise MediaError(error.what, where=times, remedy=error.remedy) from error
    if half not in parts:
        raise MediaError(
            f"does not state where the half lies in {path.name}",
            where=times,
            remedy=f"add [{path.name}] with start_time_second and duration_second",
        )
    return parts[half]
