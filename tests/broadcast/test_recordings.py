"""All that a recording says comes out of one pass, with the reasons and with what was amiss."""

from fractions import Fraction

import numpy as np
import pytest
from extras import needs
from small_videos import write_video

from touchline.broadcast import ocr
from touchline.broadcast.excitement import excitement
from touchline.broadcast.goal_evidence import evidence_of
from touchline.broadcast.goals import Evidence, find_goals, likeliest
from touchline.broadcast.one_pass import observe, open_pass
from touchline.broadcast.reading import BroadcastReader, read_recording
from touchline.broadcast.replays import ShownReplay
from touchline.broadcast.result import Broadcast
from touchline.broadcast.score_track import ScoreChange, ScoreReading, ScoreTrack, track_score
from touchline.broadcast.signals import Signals
from touchline.broadcast.sound import SoundTrack
from touchline.media.video import probe
from touchline.media.views import View


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("recordings") / "match.mp4", 150)


def signals(
    roars: tuple[float, ...] = (), replays: tuple[ShownReplay, ...] = (), seconds: float = 300.0
) -> Signals:
    """Sound with roars of 12 dB, and replays, in a recording of nothing else."""
    rise = np.zeros(int(2 * seconds), np.float32)
    for roar in roars:
        since = np.arange(len(rise)) / 2 - roar
        rise = np.maximum(rise, np.where(since < 0, 0, 12 * np.exp(-since / 8)).astype(np.float32))
    quiet = np.zeros_like(rise)
    sound = SoundTrack(rise - 40, rise, quiet, quiet, (), "silero-vad")
    return Signals((), (), replays, (), sound, excitement(seconds, sound, replays))


CHANGE = ScoreChange(218.0, 218.5, (0, 0), (1, 0))


def test_a_goal_is_put_where_the_crowd_rose():
    alone, width = likeliest(CHANGE, 0.0)
    heard, narrow = likeliest(CHANGE, 0.0, evidence_of(signals(roars=(191.0,))))
    assert abs(alone - 190) > 5
    assert heard == pytest.approx(190, abs=1.5) and narrow < width


def test_a_replay_tells_between_two_roars():
    roars = (180.0, 198.0)
    first = likeliest(CHANGE, 0.0, evidence_of(signals(roars, (ShownReplay(192, 205),))))
    second = likeliest(CHANGE, 0.0, evidence_of(signals(roars, (ShownReplay(210, 216),))))
    assert first[0] == pytest.approx(179, abs=2) and second[0] == pytest.approx(197, abs=2)


def test_the_rarer_a_roar_the_more_it_says():
    alone = evidence_of(signals(roars=(190.0,)))
    usual = evidence_of(signals(roars=tuple(np.arange(20.0, 290.0, 15.0))))
    assert alone[0].weight > 3 * max(one.weight for one in usual)


def test_a_roar_after_the_score_changed_is_not_the_goal():
    evidence = evidence_of(signals(roars=(230.0,)))
    assert likeliest(CHANGE, 0.0, evidence)[0] < CHANGE.seen_seconds
    assert likeliest(CHANGE, 0.0, evidence)[0] == pytest.approx(likeliest(CHANGE, 0.0)[0], abs=1)


def test_a_roar_without_a_change_of_the_score_is_no_goal():
    evidence = evidence_of(signals(roars=(60.0, 150.0), replays=(ShownReplay(160, 170),)))
    assert len(evidence) == 3
    steady = track_score([ScoreReading(float(k), (1, 1)) for k in range(0, 300, 10)])
    assert find_goals(steady, (), evidence) == []
    assert find_goals(ScoreTrack(), (), evidence) == []


def test_evidence_from_elsewhere_counts_too():
    network = Evidence(176.0, 0.0, 1.0, 5.0, "network")
    found = likeliest(CHANGE, 0.0, [*evidence_of(signals()), network])
    assert found[0] == pytest.approx(176, abs=1)


def test_without_text_all_else_is_read_and_the_way_to_the_score_is_named(video, monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    said = read_recording(video)
    assert said.halves is said.readings is said.goals is said.teams is None
    assert said.cuts_seconds is not None and said.replays == () and said.whistles == ()
    assert said.excitement is not None and said.excitement.rate == 2
    assert len(said.excitement.values) == 12
    assert [r for r in said.remarks if "pip install 'touchline[broadcast]'" in r]


def test_the_reader_joins_a_pass_that_gives_frames_to_a_network(video, monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    reader = BroadcastReader(probe(video))
    with open_pass(video, View((64, 48), Fraction(2)), reader.pictures, reader.sounds) as frames:
        assert len(list(frames)) == 12
    assert reader.finish(frames.report) == read_recording(video)


def test_the_bug_is_looked_for_where_text_can_be_read(video):
    needs("rapidocr")
    reader = BroadcastReader(probe(video), threads=1)
    said = reader.finish(observe(video, reader.pictures, reader.sounds, threads=1))
    assert said.goals == said.halves == said.readings == ()
    assert "no score bug was found" in said.remarks
    assert not [remark for remark in said.remarks if "pip install" in remark]


def test_silence_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    said: Broadcast = read_recording(write_video(tmp_path / "silent.mp4", 60, sound=False))
    assert "has no sound" in said.remarks
    assert said.whistles == () and said.excitement is not None
