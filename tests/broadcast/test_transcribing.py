"""What Whisper hears in a video becomes a transcript on the time of the video."""

from types import SimpleNamespace

import numpy as np
import pytest
from small_videos import write_video

from touchline.broadcast.transcribing import RATE_HZ, recogniser, transcribe, write_transcript
from touchline.errors import MissingExtraError
from touchline.formats.transcripts import read_transcript
from touchline.transcripts import Utterance


class Stub:
    """Gives what faster-whisper gives: segments, as they are found, and what is known."""

    def transcribe(self, audio, **options):
        self.audio = audio
        heard = [(0.5, 1.25, " What a goal! "), (1.5, 1.4, "Oh"), (1.6, 1.9, " ")]
        return (SimpleNamespace(start=s, end=e, text=t) for s, e, t in heard), None


def test_what_is_heard_is_written_and_read_back(tmp_path):
    stub, shares = Stub(), []
    video = write_video(tmp_path / "match.mp4", 50)
    said = transcribe(video, stub, progress=shares.append)
    assert said == (Utterance(0.5, 1.25, "What a goal!"), Utterance(1.5, 1.5, "Oh"))
    assert stub.audio.dtype == np.float32 and len(stub.audio) > RATE_HZ / 2
    assert shares == sorted(shares) and 0 < shares[-1] <= 1
    write_transcript(said, tmp_path / "match.asr.json")
    assert read_transcript(tmp_path / "match.asr.json") == said


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", None)
    with pytest.raises(MissingExtraError, match=r"touchline\[transcribe\]"):
        recogniser("small")
