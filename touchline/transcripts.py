"""What was said during a video: utterances with their times."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Utterance:
    """A stretch of speech, as a recogniser or a writer of subtitles divides it.

    Attributes:
        start_seconds, end_seconds: from the first frame shown of the video.
        text: the words, in any language.
    """

    start_seconds: float
    end_seconds: float
    text: str


Transcript = tuple[Utterance, ...]
"""The utterances of one video, in order of time."""

Transcripts = Mapping[int | None, Transcript]
"""The transcripts of a match by half; ``None`` where one video is the whole match."""
