from fractions import Fraction

import numpy as np
import pytest

from touchline.datasets.targets import FrameLabels, clip_targets, label_frames
from touchline.errors import LabelError
from touchline.events import Event
from touchline.labels import LabelSet

AB = LabelSet("ab", ("A", "B"))


def _labels(*pairs):
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return FrameLabels(table[:, 0], table[:, 1])


def test_events_lie_on_the_frame_that_is_on_show():
    events = [Event(0.48, "B"), Event(0.4799, "A"), Event(60.0, "A")]
    labels = label_frames(events, AB, Fraction(25, 12))
    assert labels.frames.tolist() == [0, 1, 125]
    assert labels.classes.tolist() == [1, 2, 1]


def test_a_label_outside_the_set_is_refused():
    with pytest.raises(LabelError, match="'C'"):
        label_frames([Event(1, "C")], AB, Fraction(2))


def test_background_is_zero_and_clips_may_begin_before_the_video():
    targets = clip_targets(_labels((0, 1), (3, 2), (9, 1)), -2, 8)
    assert targets.tolist() == [0, 0, 1, 0, 0, 2, 0, 0]


def test_dilation_reaches_into_the_clip_from_outside():
    targets = clip_targets(_labels((9, 1), (15, 2)), 10, 5, dilation=1)
    assert targets.tolist() == [1, 0, 0, 0, 2]


def test_a_later_event_overwrites_an_earlier_one():
    targets = clip_targets(_labels((2, 1), (3, 2)), 0, 6, dilation=1)
    assert targets.tolist() == [0, 1, 2, 2, 2, 0]


def test_events_outside_the_video_are_left_out_on_request():
    inside = _labels((-1, 1), (0, 1), (9, 2), (10, 1)).within(10)
    assert inside.frames.tolist() == [0, 9]
