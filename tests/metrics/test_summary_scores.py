"""Reels against the segments of editors: F1 over frames at two a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.errors import FormatError
from touchline.metrics.summary import GameSummary, chosen_frames, evaluate_summaries


def test_frames_of_a_segment_include_both_ends():
    assert chosen_frames([(1, 2.0, 3.0)]) == {(1, 4), (1, 5), (1, 6)}
    assert chosen_frames([(2, 0.49, 0.99)]) == {(2, 0), (2, 1)}
    assert chosen_frames([(1, 1.0, 1.0), (2, 1.0, 1.0)]) == {(1, 2), (2, 2)}
    assert chosen_frames([(1, 1.0, 2.0), (1, 1.5, 2.5)]) == {(1, 2), (1, 3), (1, 4), (1, 5)}
    assert chosen_frames([]) == set()


def test_the_worked_example():
    """The editor chose frames 0 to 9, the reel 5 to 14 of the same half and 0 to 1 of another."""
    editors = {"a": [(1, 0.0, 4.5)], "b": [(1, 0.0, 0.5)]}
    reels = {"a": [(1, 2.5, 7.0), (2, 0.0, 0.5)], "b": [], "nobody's": [(1, 0.0, 99.0)]}
    scores = evaluate_summaries(editors, reels)
    assert scores.per_game == {"a": GameSummary(5, 12, 10), "b": GameSummary(0, 0, 2)}
    assert scores.to_json() == {
        "format": "touchline-scores",
        "version": 1,
        "metric": "summary-f1",
        "games": 2,
        "mean_f1": pytest.approx((10 / 22 + 0) / 2),
        "pooled_f1": pytest.approx(10 / 24),
        "precision": pytest.approx(5 / 12),
        "recall": pytest.approx(5 / 12),
        "segment_recall": pytest.approx(1 / 2),
        "wrong_clip_share": pytest.approx(2 / 12),
        "mean_f1_without_wrong_clips": pytest.approx((10 / 20 + 0) / 2),
        "mean_f1_trimmed": pytest.approx((1 + 0) / 2),
        "mean_f1_filled": pytest.approx((1 + 0) / 2),
        "per_game": {"a": pytest.approx(10 / 22), "b": 0.0},
    }


segments = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 40), st.integers(0, 9)).map(
        lambda drawn: (drawn[0], drawn[1] / 4, (drawn[1] + drawn[2]) / 4)
    ),
    max_size=4,
)


@given(segments, segments)
def test_f1_is_the_mean_of_precision_and_recall_that_fits_both(editor, reel):
    scores = evaluate_summaries({"g": editor}, {"g": reel})
    total = scores.precision + scores.recall
    expected = 2 * scores.precision * scores.recall / total if total else 0.0
    assert scores.pooled_f1 == pytest.approx(expected)
    assert scores.mean_f1 == scores.pooled_f1
    turned = evaluate_summaries({"g": reel}, {"g": editor})
    assert (turned.precision, turned.recall) == (scores.recall, scores.precision)
    alike = evaluate_summaries({"g": editor}, {"g": editor})
    assert alike.mean_f1 == (1.0 if editor else 0.0)


@pytest.mark.parametrize(
    ("editors", "reels", "text"),
    [
        (
            "ab",
            "b",
            "no reel for 1 of 2 games, such as 'a'; give a reel, an empty one if need be, "
            "for every game",
        ),
        (
            "a",
            "",
            "no reel for 1 of 1 game, such as 'a'; give a reel, an empty one if need be, for every "
            "game",
        ),
        ("", "a", "there are no games to score; give summaries of editors"),
    ],
)
def test_what_cannot_be_scored_is_refused(editors, reels, text):
    with pytest.raises(FormatError) as refused:
        evaluate_summaries(dict.fromkeys(editors, ()), dict.fromkeys(reels, ()))
    assert str(refused.value) == text


def test_what_a_choice_loses():
    """Segments of 5, 5 and 10 frames; a clip on half of the first, one of 4 frames on nothing."""
    editor = [(1, 0.0, 2.0), (1, 10.0, 12.0), (2, 0.0, 4.5)]
    losses = evaluate_summaries({"a": editor}, {"a": [(1, 1.0, 3.0), (1, 50.0, 51.5)]}).losses
    assert (losses.segments, losses.segments_shown) == (3, 1)
    assert (losses.frames, losses.wrong_frames) == (9, 4)
    assert losses.f1_without_wrong_clips == pytest.approx(2 * 3 / (20 + 5))
    assert losses.f1_trimmed == pytest.approx(2 * 5 / (20 + 5))
    assert losses.f1_filled == pytest.approx(2 * 9 / (20 + 9))
