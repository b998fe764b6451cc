"""What is said in a video, by Whisper (extra ``[transcribe]``).

``faster-whisper`` fetches the weights of a model that is named (``small``, ``large-v3``) from the
Hugging Face Hub when it is first used, or takes those in a folder.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from touchline.errors import FormatError, InputError, MissingExtraError
from touchline.formats.provenance import CHECKSUM
from touchline.formats.reading import parse_json, read_bytes
from touchline.formats.transcripts import read_transcript, transcript_document
from touchline.media.audio import read_audio
from touchline.media.files import media_files
from touchline.media.video import probe
from touchline.runtime.atomic import write_text
from touchline.runtime.progress import Progress
from touchline.transcripts import Transcript, Utterance

RATE_HZ = 16_000

Samples = npt.NDArray[np.float32]

Origin = dict[str, Any]
"""What a transcript is made of, as JSON has it."""

_MADE_OF = "made_of"


class Recogniser(Protocol):
    """Says what was said: ``transcribe`` of faster-whisper's ``WhisperModel``."""

    def transcribe(self, audio: Samples, **options: Any) -> tuple[Iterable[Any], Any]:
        """Segments with ``start``, ``end`` and ``text``, as they are found, and what is known."""
        ...


def recogniser(model: str) -> Recogniser:
    """The recogniser of that name, or of a folder.

    Raises:
        MissingExtraError: the extra is not installed. InputError: the model cannot be had.
    """
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise MissingExtraError("--transcribe", "transcribe") from error
    try:
        found: Recogniser = WhisperModel(model)
    except (OSError, ValueError, RuntimeError) as error:  # of the Hub, the disk, the engine
        reason = " ".join(str(error).split())
        raise InputError(
            f"cannot be loaded: {reason}"[:300],
            where=f"--transcribe {model}",
            remedy="give a model of faster-whisper, such as small, or the folder of one",
        ) from error
    return found


def transcribe(
    video: Path, listen: Recogniser, track: int | None = None, progress: Progress | None = None
) -> Transcript:
    """What is said in a video, on its time.

    Args:
        track: number of the sound track, from 1; None for the one that a player plays.

    Raises:
        MediaError: it cannot be read, or has no sound.
    """
    length = probe(video).duration_seconds
    silence = np.zeros(0, np.float32)
    audio = np.concatenate([silence, *read_audio(video, RATE_HZ, track=track)])
    segments, _ = listen.transcribe(audio, vad_filter=True, condition_on_previous_text=False)
    said = []
    for segment in segments:
        end = max(float(segment.start), float(segment.end))
        said.append(Utterance(round(float(segment.start), 2), round(end, 2), segment.text.strip()))
        if progress is not None and length:
            progress(min(end / length, 1.0))
    return tuple(sorted(one for one in said if one.text))


def origin_of(video: Path, model: str, track: int | None) -> Origin:
    """What a transcript is made of: the model, the sound track, and the files of the video.

    Raises:
        MediaError: the video cannot be read.
    """
    probe(video)
    found = [(path.name, path.stat()) for path in media_files(video)]
    files = [[name, status.st_size, status.st_mtime_ns] for name, status in found]
    return {"model": model, "audio_track": track, "video": files}


def write_transcript(transcript: Transcript, path: Path, origin: Origin) -> None:
    """Write a transcript as SoccerNet-Echoes has it, with what it is made of."""
    further = {_MADE_OF: origin, CHECKSUM: _checksum(transcript)}
    write_text(path, transcript_document(transcript, **further))


def is_made_of(path: Path, origin: Origin) -> bool:
    """Whether a transcript is there that was made of the same, corrected since or not.

    Raises:
        InputError: the file that is there was written or changed by somebody else, and not made of
            the same.
    """
    if not path.exists():
        return False
    try:
        document, transcript = parse_json(read_bytes(path), path), read_transcript(path)
    except FormatError:
        document, transcript = None, ()
    made_of = document.get(_MADE_OF) if isinstance(document, dict) else None
    if made_of == origin:
        return True
    if made_of is None or document.get(CHECKSUM) != _checksum(transcript):
        raise InputError(
            "is there already, and was written or changed by somebody else",
            where=path,
            remedy="read it with --transcript, write elsewhere with -o, or give --overwrite",
        )
    return False


def _checksum(transcript: Transcript) -> str:
    return hashlib.sha256(transcript_document(transcript).encode()).hexdigest()
