"""What is said in a video, by Whisper (extra ``[transcribe]``).

``faster-whisper`` fetches the weights of a model that is named (``small``, ``large-v3``) from the
Hugging Face Hub when it is first used, or takes those in a folder.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from touchline.errors import InputError, MissingExtraError
from touchline.formats.transcripts import transcript_document
from touchline.media.audio import read_audio
from touchline.media.video import probe
from touchline.runtime.atomic import write_text
from touchline.runtime.progress import Progress
from touchline.transcripts import Transcript, Utterance

RATE_HZ = 16_000

Samples = npt.NDArray[np.float32]


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
    except Exception as error:  # whatever the Hub, the disk or the engine raises
        raise InputError(
            f"cannot be loaded: {error}"[:300],
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


def write_transcript(transcript: Transcript, path: Path) -> None:
    """Write a transcript as SoccerNet-Echoes has it."""
    write_text(path, transcript_document(transcript))
