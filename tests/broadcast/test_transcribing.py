"""What Whisper hears in a video becomes a transcript on the time of the video."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from small_videos import write_video

from touchline.broadcast import transcribing
from touchline.broadcast.transcribing import (
    RATE_HZ,
    origin_of,
    recogniser,
    transcribe,
    write_transcript,
)
from touchline.errors import InputError, MissingExtraError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import write
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
    write_transcript(said, tmp_path / "match.asr.json", origin_of(video, "small", None))
    assert read_transcript(tmp_path / "match.asr.json") == said


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingExtraError, match=r"touchline\[transcribe\]"):
        recogniser("small")


@pytest.mark.parametrize("fault", [OSError, ValueError, RuntimeError])
def test_a_model_that_cannot_be_had_is_one_line(monkeypatch, fault):
    def refuse(model):
        raise fault("no such\nmodel")

    module = SimpleNamespace(WhisperModel=refuse)
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    with pytest.raises(InputError, match="--transcribe huge: cannot be loaded: no such model;"):
        recogniser("huge")


@pytest.fixture
def reel(call, monkeypatch, tmp_path):
    """``touchline reel --transcribe MODEL`` of two videos of one name; how often it listened."""
    heard = []

    class Counting(Stub):
        def transcribe(self, audio, **options):
            heard.append(len(audio))
            return super().transcribe(audio, **options)

    monkeypatch.setattr(transcribing, "recogniser", lambda model: Counting())
    videos = [tmp_path / half / "match.mp4" for half in ("first", "second")]
    for video in videos:
        video.parent.mkdir()
        write_video(video, 50)
    events = (Event(1.0, "Goal"),)
    halves = tuple(Timeline(Video("match.mp4", 2.0), events, half=half) for half in (1, 2))
    write(Match("match", halves), tmp_path / "match.events.json")

    def run(model, *further):
        heard.clear()
        given = [word for video in videos for word in ("--video", video)]
        out = ("-o", tmp_path / "out" / "short.reel.json", "--transcribe", model)
        return call("reel", tmp_path / "match.events.json", *given, *out, *further), len(heard)

    return run


def test_what_was_said_is_kept_only_if_made_of_the_same(reel, tmp_path):
    done, heard = reel("small")
    assert done.code == 0, done.err
    files = sorted(path.name for path in (tmp_path / "out").glob("*.asr.json"))
    assert heard == 2 and files == ["short.1.asr.json", "short.2.asr.json"]
    done, heard = reel("small")
    assert heard == 0 and "short.1.asr.json: kept" in " ".join(done.err.split())
    assert reel("small", "--overwrite")[1] == 2
    assert reel("large")[1] == 2
    write_video(tmp_path / "second" / "match.mp4", 60)
    assert reel("large")[1] == 1
    first = tmp_path / "out" / "short.1.asr.json"
    corrected = first.read_text().replace("What a goal!", "What a save!")
    first.write_text(corrected)
    assert reel("large")[1] == 0
    done, heard = reel("small")
    assert (done.code, heard) == (2, 0) and "changed by somebody else" in done.err
    assert first.read_text() == corrected


def test_where_nothing_can_be_written_nothing_is_listened_to(reel, tmp_path):
    (tmp_path / "out").write_text("a file")
    done, heard = reel("small")
    assert (done.code, heard) == (2, 0) and "is a file" in done.err
