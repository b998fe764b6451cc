"""E2E-Spot's frame mAP: what its definition says, what it refuses, and what it prints."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.columns import EventColumns
from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.metrics.frames import (
    TOLERANCES,
    FrameEvents,
    evaluate_frames,
    frames_of_columns,
    frames_of_matches,
)

Row = tuple[str, int, float]


def events(*rows: Row) -> FrameEvents:
    return FrameEvents(
        tuple(label for label, _, _ in rows),
        np.array([frame for _, frame, _ in rows], np.int64),
        np.array([score for _, _, score in rows], np.float64),
    )


def precision_by_definition(
    truth: Sequence[tuple[int, int]], found: Sequence[tuple[int, int, float]], tolerance: int
) -> float:
    """AP of one class: (video, frame) of annotations, (video, frame, score) of detections."""
    free = list(dict.fromkeys(truth))
    precisions = []
    for rank, (video, frame, _) in enumerate(sorted(found, key=lambda row: -row[2]), start=1):
        near = [
            (abs(at - frame), place)
            for place, (own, at) in enumerate(free)
            if own == video and abs(at - frame) <= tolerance
        ]
        if near:
            free.pop(min(near)[1])
            precisions.append((len(precisions) + 1) / rank)
    # The precision at a hit is the best one from there on.
    best = [max(precisions[place:]) for place in range(len(precisions))]
    return sum(best) / len(truth)


places = st.tuples(st.integers(0, 2), st.integers(0, 25))


@given(
    st.lists(places, min_size=1, max_size=10),
    st.lists(st.tuples(places, st.sampled_from([0.1, 0.3, 0.5, 0.9])), max_size=14),
    st.sampled_from([0, 1, 2, 4, 9]),
)
def test_average_precision_is_what_its_definition_says(truth, found, tolerance):
    truth = sorted(truth)  # as the events of a file, video by video
    found = sorted(((*place, score) for place, score in found), key=lambda row: row[0])
    sides = [
        {
            str(video): events(*(("Goal", *rest, 1.0)[:3] for own, *rest in rows if own == video))
            for video in range(3)
        }
        for rows in (truth, found)
    ]
    scores = evaluate_frames(*sides, tolerances=[tolerance])
    assert scores.average_precision[0, 0] == pytest.approx(
        precision_by_definition(truth, found, tolerance)
    )


@pytest.mark.parametrize(
    ("annotated", "found", "average_precision"),
    [
        pytest.param([10, 14], [13, 9], 1, id="the nearest annotation is taken, not the first"),
        pytest.param([10, 30], [30, 29], 1 / 2, id="one out of reach is not taken for one taken"),
        pytest.param([0, 50, 90], [0, 20, 50, 90], 5 / 6, id="the best precision from a hit on"),
    ],
)
def test_hits_are_counted_in_the_order_of_scores(annotated, found, average_precision):
    truth = {"a": events(*(("Goal", frame, 1.0) for frame in annotated))}
    ranked = {"a": events(*(("Goal", frame, 1 - n / 10) for n, frame in enumerate(found)))}
    scores = evaluate_frames(truth, ranked)
    assert scores.average_precision[TOLERANCES.index(4)].tolist() == [
        pytest.approx(average_precision)
    ]


def test_equal_scores_of_several_videos_rank_in_the_order_of_the_predictions():
    truth = {name: events(("PASS", 5, 1.0)) for name in ("a", "b")}
    hit, miss = events(("PASS", 5, 0.5)), events(("PASS", 25, 0.5))
    first = evaluate_frames(truth, {"b": hit, "a": miss}, tolerances=[1])
    last = evaluate_frames(truth, {"a": miss, "b": hit}, tolerances=[1])
    assert first.selection == 0.5  # the hit ranks first: precision 1, one of two found
    assert last.selection == 0.25


def test_an_annotation_is_found_once():
    truth = {"v": events(("Goal", 10, 1.0))}
    found = {"v": events(("Goal", 11, 0.9), ("Goal", 10, 0.8))}
    scores = evaluate_frames(truth, found)
    assert scores.tolerances == TOLERANCES == (0, 1, 2, 4)
    assert scores.average_precision[:, 0].tolist() == [0.5, 1, 1, 1]


def test_the_mean_is_over_the_classes_of_the_truth():
    truth = {"v": events(("Foul", 5, 1.0), ("Goal", 10, 1.0)), "w": events()}
    found = {"v": events(("Goal", 10, 0.9), ("Corner", 3, 0.9)), "w": events(("Goal", 10, 0.1))}
    scores = evaluate_frames(truth, found, tolerances=(0, 3))
    assert (scores.labels, scores.videos) == (("Foul", "Goal"), 2)
    assert scores.mean_average_precision.tolist() == [0.5, 0.5]
    assert scores.to_json() == {
        "format": "touchline-scores",
        "version": 1,
        "metric": "frame-map",
        "videos": 2,
        "average_map": 0.5,
        "by_tolerance": {
            "0": {"map": 0.5, "per_class": {"Foul": 0.0, "Goal": 1.0}},
            "3": {"map": 0.5, "per_class": {"Foul": 0.0, "Goal": 1.0}},
        },
    }


@pytest.mark.parametrize(
    ("truth", "found"),
    [((0, None), (None, 0)), ((None, 0), (4, None)), ((4, None), (None, 0)), ((-3, 2), (2, -3))],
)
def test_nothing_is_found_in_another_video(truth, found):
    sides = [
        {
            video: events() if frame is None else events(("Goal", frame, 1.0))
            for video, frame in zip("ab", side, strict=True)
        }
        for side in (truth, found)
    ]
    assert evaluate_frames(*sides, tolerances=(1,)).average_precision.tolist() == [[0.0]]


def test_an_epoch_is_chosen_by_the_tolerances_above_zero():
    truth = {"v": events(("Goal", 10, 1.0))}
    found = {"v": events(("Goal", 12, 0.9))}
    assert evaluate_frames(truth, found).selection == pytest.approx(2 / 3)
    assert evaluate_frames(truth, found, tolerances=(0, 1)).selection == 0
    assert evaluate_frames(truth, truth, tolerances=(0,)).selection == 0


@pytest.mark.parametrize(
    ("truth", "found", "text"),
    [
        ({"a": 1, "b": 1}, {"a": 1}, "1 video on one side only; 'b' has no predictions"),
        ({"b": 1}, {"a": 1, "c": 1}, "3 videos on one side only; 'a' has no labels"),
    ],
)
def test_both_sides_hold_the_same_videos(truth, found, text):
    sides = [dict.fromkeys(side, events(("Goal", 1, 0.5))) for side in (truth, found)]
    with pytest.raises(FormatError) as refused:
        evaluate_frames(*sides)
    assert str(refused.value) == (
        f"{text}; frame mAP needs the same videos in labels and predictions"
    )


@pytest.mark.parametrize("score", [1.0000001, np.nan, np.inf])
def test_scores_are_at_most_one(score):
    truth = {"a": events(), "b": events(("Goal", 1, 5.0))}
    found = {"a": events(), "b": events(("Goal", 1, 1.0), ("Goal", 2, score))}
    with pytest.raises(FormatError) as refused:
        evaluate_frames(truth, found)
    assert str(refused.value) == (
        "b: a score above 1, or one that is not a number; scores lie in [0, 1]"
    )


@pytest.mark.parametrize("videos", [{}, {"a": events()}])
def test_there_is_something_to_find(videos):
    with pytest.raises(FormatError) as refused:
        evaluate_frames(videos, videos)
    assert str(refused.value) == "the labels hold no events; frame mAP needs at least one"


def test_columns_become_a_video_for_each_half_and_times_are_truncated():
    columns = EventColumns(
        ("Goal", "Foul", "Goal"),
        np.array([2, 4, 2]),
        np.array([999, 1000, 1040]),
        np.array([0.5, 0.25, 0.75]),
        np.ones(3, bool),
    )
    videos = frames_of_columns({"g": columns}, Fraction(25))
    assert list(videos) == ["g/1", "g/2", "g/4"]
    assert videos["g/1"].labels == () and len(videos["g/1"].frames) == 0
    second = videos["g/2"]
    assert second.labels == ("Goal", "Goal")
    assert (second.frames.tolist(), second.frames.dtype) == ([24, 26], np.int64)
    assert second.scores.tolist() == [0.5, 0.75]
    assert videos["g/4"].labels == ("Foul",)


def test_matches_count_in_the_frames_of_their_videos():
    first = Timeline(
        Video("1", frame_rate=Fraction(25, 12)),
        (Event(12.0, "Goal", 0.5), Event(2.9, "Foul", 0.25)),
        half=1,
    )
    whole = Timeline(Video("whole", frame_rate=Fraction(10)), (Event(1.0, "Goal"),))
    matches = {"g": Match("g", (first,)), "w": Match("w", (whole,))}
    videos = frames_of_matches(matches)
    assert list(videos) == ["g/1", "w"]
    assert videos["g/1"].labels == ("Foul", "Goal")
    assert videos["g/1"].frames.tolist() == [6, 25]
    assert videos["g/1"].scores.tolist() == [0.25, 0.5]
    assert videos["w"].frames.tolist() == [10]
    assert frames_of_matches({"n": Match("n", (whole.with_events([]),))})["n"].frames.dtype == int
    given_rate = frames_of_matches(matches, Fraction(2))
    assert given_rate["g/1"].frames.tolist() == [5, 24]
    assert given_rate["w"].frames.tolist() == [2]


def test_frames_need_a_rate():
    match = Match("g", (Timeline(Video("2"), (Event(1.0, "Goal"),), half=2),))
    with pytest.raises(FormatError) as refused:
        frames_of_matches({"g": match})
    assert str(refused.value) == "g/2: the frame rate is not known; give it with --rate"
