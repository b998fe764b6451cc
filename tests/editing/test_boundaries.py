"""Clips begin and end at cuts, and not within sentences, wipes or celebrations."""

from dataclasses import replace

import numpy as np
import pytest

from touchline.editing.boundaries import Surroundings, place_ends
from touchline.editing.cuts import snap_to_cuts
from touchline.editing.select import select, selector_of
from touchline.editing.wishes import Wishes, chosen_with
from touchline.events import Event, Timeline, Video
from touchline.media.writer import VideoWriter
from touchline.reel import Clip, Reel, SourceVideo
from touchline.transcripts import Utterance

GOAL = Event(1000.0, "Goal")
CLIP = Clip("match.mp4", 100.0, 120.0, 0.9, events=(Event(110.0, "Goal"),))
VIDEO = SourceVideo("match.mp4", duration_seconds=200.0)


def placed(
    clip: Clip = CLIP, *others: Clip, spans=(), cuts=(), most: float = 1000.0
) -> tuple[float, float]:
    reel = Reel((clip, *others), videos=(VIDEO,))
    moved = place_ends(reel, lambda one: Surroundings(spans, cuts), most)
    return moved.clips[0].start_seconds, moved.clips[0].end_seconds


@pytest.mark.parametrize(
    ("spans", "cuts", "ends"),
    [
        ((), (), (100.0, 120.0)),
        ([(99.0, 100.5), (119.0, 122.0)], (), (100.5, 119.0)),  # the nearer end of a sentence
        ([(99.6, 103.0), (115.0, 121.0)], (), (99.6, 121.0)),
        ([(90.0, 103.0), (117.0, 130.0)], (), (100.0, 120.0)),  # both ends are out of reach
        ((), (100.7, 119.2), (100.7, 119.2)),
        ([(100.5, 101.0)], (100.7, 101.2), (101.2, 120.0)),  # not a cut within a sentence
        ([(98.0, 100.5), (100.4, 102.0)], (), (98.0, 120.0)),  # nor where another one runs
        ((), (101.0, 102.2, 118.0, 119.2), (102.2, 118.0)),  # past a shot too short to see
        ((), (101.0, 102.6, 117.4, 119.2), (101.0, 119.2)),  # but not past a longer one
        ((), (100.4, 101.5, 102.9, 107.9, 108.3), (102.9, 120.0)),  # nor into the lead of an event
    ],
)
def test_an_end_moves_to_a_cut_or_out_of_a_sentence(spans, cuts, ends):
    assert placed(spans=spans, cuts=cuts) == ends


def test_events_neighbours_and_the_end_of_the_video_limit_the_moves():
    tight = Clip("match.mp4", 109.0, 111.0, events=CLIP.events)
    assert placed(tight, spans=[(108.9, 109.4), (110.6, 113.0)]) == (108.9, 113.0)
    near = Clip("match.mp4", 121.0, 130.0)
    assert placed(CLIP, near, spans=[(117.0, 121.0)]) == (100.0, 120.0)
    last = Clip("match.mp4", 180.0, 199.0)
    assert placed(last, spans=[(195.0, 200.5)]) == (180.0, 199.0)


def test_clips_that_show_pins_stay():
    pinned = {(CLIP.video, CLIP.half): ((110.0, 120.0),)}
    reel = Reel((CLIP,), videos=(VIDEO,), pinned=pinned)
    moved = place_ends(reel, lambda one: Surroundings([(99.0, 100.5)], [119.2]), 1000.0)
    assert moved.clips == reel.clips
    beside = replace(reel, pinned={(CLIP.video, CLIP.half): ((120.0, 130.0),)})
    assert place_ends(beside, lambda one: Surroundings((), [119.2]), 1000.0) != reel


def test_the_reel_stays_within_its_length_and_better_clips_grow_first():
    worse = Clip("match.mp4", 140.0, 150.0, 0.1)
    spans = [(115.0, 121.0), (145.0, 151.0)]
    reel = Reel((CLIP, worse), videos=(VIDEO,))
    grown = place_ends(reel, lambda one: Surroundings(spans), 31.0)
    assert [clip.end_seconds for clip in grown] == [121.0, 150.0]
    assert place_ends(reel, lambda one: Surroundings(spans), 30.0).seconds == 30.0


def test_a_clip_becomes_neither_shorter_nor_longer_than_clips_may_be():
    short = Clip("match.mp4", 100.0, 103.0)
    assert placed(short, spans=[(99.0, 100.8), (102.2, 105.0)]) == (100.0, 103.0)
    reel = Reel((CLIP,), videos=(VIDEO,))
    spans = [(115.0, 121.0)]
    for lengths, end in (((0.0, 21.0), 121.0), ((0.0, 20.5), 120.0)):
        moved = place_ends(reel, lambda one: Surroundings(spans), 1000.0, lengths=lengths)
        assert moved.clips[0].end_seconds == end


@pytest.mark.parametrize("wishes", [Wishes(), Wishes(greatest_seconds=10.0)])
def test_a_chosen_reel_lets_the_commentator_finish(wishes):
    timeline = Timeline(Video("match.mp4", 2700.0), (GOAL,))
    selector = selector_of(timeline)
    plain = chosen_with(timeline, 30, wishes, selector.reel).clips[0]
    said = tuple(
        Utterance(start, start + 4.0, text)
        for start, text in (
            (plain.start_seconds + 0.9 - 4.0, "he is through"),
            (plain.end_seconds - 0.9, "what a goal"),
        )
    )
    heard = selector_of(timeline, transcripts={None: said})
    reel = chosen_with(timeline, 30, wishes, heard.reel)
    clip = reel.clips[0]
    assert clip.start_seconds == pytest.approx(said[0].end_seconds)
    assert clip.end_seconds == pytest.approx(said[1].start_seconds)
    assert reel.seconds <= 30


def test_the_celebration_is_left_out_and_the_replay_comes_as_a_clip_of_its_own():
    shots = [Event(300.0 * n, label) for n, label in enumerate(("Foul", "Corner"), start=1)]
    timeline = Timeline(Video("match.mp4", 2700.0), (GOAL, *shots))
    clips = [c for c in select(timeline, 180) if 980 < c.start_seconds < 1070]
    assert len(clips) == 2
    assert clips[0].start_seconds <= 992 and 1005 <= clips[0].end_seconds <= 1008
    assert clips[1].start_seconds >= 1024 and clips[1].title == "After the goal"
    known = select(Timeline(Video("match.mp4", 2700.0), (GOAL,), replays=((1012.0, 1024.0),)), 180)
    assert [c.title for c in known] == ["Goal", "Replay of goal"]
    assert known.clips[1].start_seconds == 1012.8 and known.clips[1].end_seconds == 1023.2


@pytest.mark.parametrize("later", [None, Event(1040.0, "Shots on target")])
def test_nothing_more_is_shown_of_a_goal_once_play_has_restarted(later):
    shots = [Event(300.0 * n, label) for n, label in enumerate(("Foul", "Corner"), start=1)]
    events = [GOAL, Event(1020.0, "Kick-off"), Event(1.0, "Kick-off"), *shots]
    timeline = Timeline(Video("match.mp4", 2700.0), (*events, *([] if later is None else [later])))
    clips = [c for c in select(timeline, 180) if 1020 < c.start_seconds < 1064]
    assert [later in clip.events for clip in clips] == ([] if later is None else [True])


def test_a_clip_does_not_end_within_a_wipe_that_the_picture_shows(tmp_path):
    path = tmp_path / "match.mp4"
    with VideoWriter(path, (160, 96), 25) as writer:
        for number in range(250):
            shot = sum(number >= begin for begin in (40, 125, 140))  # the third lasts 0.6 s
            picture = np.full((96, 160, 3), (150, 40, 200, 90)[shot], np.uint8)
            picture[:, 40 * shot : 40 * shot + 40] = (10, 250, 20, 30)[shot]
            writer.write(picture)
    clip = Clip("match.mp4", 1.0, 5.3, events=(Event(4.5, "Goal"),))
    reel = Reel((clip,), videos=(SourceVideo("match.mp4", duration_seconds=10.0),))
    placed = snap_to_cuts(reel, lambda one: path).clips[0]
    assert (placed.start_seconds, placed.end_seconds) == (1.6, 5.6)


def test_without_a_transcript_the_sound_tells_where_somebody_speaks(tmp_path, monkeypatch):
    path = tmp_path / "match.mp4"
    time = np.arange(8 * 48_000) / 48_000
    speaks = ((time > 0.2) & (time < 1.4)) | ((time > 5.1) & (time < 6.5))
    voice = 0.5 * speaks * np.sin(2 * np.pi * 300 * time)
    with VideoWriter(path, (64, 48), 25, audio_rate=48_000) as writer:
        for _ in range(200):
            writer.write(np.zeros((48, 64, 3), np.uint8))
        writer.write_audio(voice.astype(np.float32))
    monkeypatch.setattr(
        "touchline.editing.cuts.SileroSpeech",
        lambda: lambda chunks: (np.abs(chunks).max(axis=1) > 0.2).astype(np.float32),
    )
    clip = Clip("match.mp4", 1.0, 6.0, events=(Event(3.5, "Goal"),))
    placed = snap_to_cuts(Reel((clip,)), lambda one: path).clips[0]
    assert placed.start_seconds == pytest.approx(1.4, abs=0.05)
    assert placed.end_seconds == pytest.approx(5.1, abs=0.05)
