"""What a video consists of on disk."""

from pathlib import Path

from touchline.media.frame_folders import RATE_FILE, is_frame_folder, read_frame_folder
from touchline.media.halves import part_of
from touchline.recordings import RECORDING_TIMES


def media_files(path: Path) -> list[Path]:
    """The files that decide what a video shows: itself, for a folder its frames and their rate,
    for an untrimmed recording also what says where its half lies.

    Raises:
        MediaError: a folder of frames, or a ``video.ini``, that cannot be read.
    """
    if is_frame_folder(path):
        folder = read_frame_folder(path)
        return [path / RATE_FILE, *folder.files]
    return [path] if part_of(path) is None else [path, path.with_name(RECORDING_TIMES)]
