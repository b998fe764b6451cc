"""Clips and reels: stretches that have a length, in the order in which they are shown."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline import hooks
from touchline.errors import InputError
from touchline.events import Event
from touchline.reel import Clip, Reel


@pytest.mark.parametrize(
    ("start", "end"), [(1.0, 1.0), (2.0, 1.0), (-0.001, 1.0), (math.nan, 1.0), (0.0, math.nan)]
)
def test_a_clip_begins_in_the_video_and_has_a_length(start, end):
    with pytest.raises(InputError) as refused:
        Clip("m.mp4", start, end)
    assert str(refused.value) == (
        f"m.mp4: a clip from {start} to {end} s has no length; "
        "a clip starts at 0 or later and ends after it starts"
    )


def test_a_clip_may_begin_with_the_video():
    clip = Clip("m.mp4", 0.0, 2.5, events=(Event(1.0, "Goal"),), extra={"a": [1]})
    assert clip.seconds == 2.5
    assert (clip.score, clip.half, clip.title) == (0.0, None, None)
    assert clip in {clip}
    assert Reel((clip,), extra={"a": [1]}) in {Reel((clip,), extra={"a": [1]})}


def test_the_length_is_from_start_to_end_wherever_a_clip_lies():
    assert Clip("m.mp4", 100.0, 107.5).seconds == 7.5


STRETCHES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from([None, 1, 2]),
        st.integers(0, 20),
        st.integers(1, 8),
    ),
    max_size=5,
)


@given(STRETCHES)
def test_a_reel_takes_clips_in_any_order_and_a_stretch_again(stretches):
    clips = tuple(
        Clip(video, float(start), float(start + seconds), half=half)
        for video, half, start, seconds in stretches
    )
    reel = Reel(clips)
    assert tuple(reel) == clips, "shown in the order given"
    assert len(reel) == len(clips)
    assert reel.seconds == sum(clip.seconds for clip in clips)


def test_a_reel_is_written_by_what_the_package_provides(monkeypatch):
    reel = Reel((Clip("m.mp4", 0.0, 2.5),))
    written = []
    monkeypatch.setattr(hooks, "_reel_writer", lambda *given: written.append(given))
    reel.write("out/reel.mp4", video="m.mp4")
    reel.write(Path("reel.edl"))
    assert written == [(reel, Path("out/reel.mp4"), "m.mp4"), (reel, Path("reel.edl"), None)]
