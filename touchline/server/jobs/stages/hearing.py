"""What was said in a video, of a file that was sent."""

from pathlib import Path

from touchline.formats.reading import limited_to
from touchline.formats.transcripts import read_transcript
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import StageArguments, StageResult
from touchline.server.jobs.stages.importing import LIMITS
from touchline.transcripts import Transcript, Utterance


class HearArguments(StageArguments):
    """A transcript: SRT, WebVTT, Whisper's JSON or SoccerNet-Echoes, by the ending of its name."""

    path: str


class HearResult(StageResult):
    """The utterances: start and end in seconds, and text, in order of time."""

    utterances: tuple[tuple[float, float, str], ...]

    @property
    def transcript(self) -> Transcript:
        """The same as the choice of reels takes it."""
        return tuple(Utterance(*one) for one in self.utterances)


def hear(arguments: HearArguments, progress: Progress) -> HearResult:
    """Read a transcript.

    Raises:
        FormatError: it cannot be read, or is none.
    """
    with limited_to(LIMITS):
        transcript = read_transcript(Path(arguments.path))
    said = ((one.start_seconds, one.end_seconds, one.text) for one in transcript)
    return HearResult(utterances=tuple(said))
