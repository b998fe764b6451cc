"""Replays among the shots of a game: where they begin, and which shots are none."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from touchline.replays import CameraShot, Replay, replays_of


def test_a_replay_begins_where_the_shot_before_it_in_its_half_ends():
    shots = [
        CameraShot(10, half=1),
        CameraShot(16, 1, "Goal", 4, half=1),
        CameraShot(12, half=2),
        CameraShot(20, 1, "Foul", 12, half=2, is_replay=True),
    ]
    assert replays_of(shots) == (Replay(1, 10, 16, 1, 4), Replay(2, 12, 20, 1, 12))


def test_the_first_shot_of_a_half_begins_with_it():
    assert replays_of([CameraShot(5, half=2, is_replay=True)]) == (Replay(2, 0, 5),)


def test_what_is_labelled_or_linked_is_a_replay():
    """Those of a challenge are labelled and linked to nothing; of others only the link counts."""
    assert replays_of([CameraShot(5, half=1, is_replay=True)]) == (Replay(1, 0, 5, None, None),)
    assert replays_of([CameraShot(5, 1, "Goal", 0, half=1)]) == (Replay(1, 0, 5, 1, 0),)
    assert replays_of([CameraShot(5, 1, "Goal", half=1)]) == ()


def test_shots_of_no_half_or_no_length_are_left_out_and_end_nothing():
    shots = [
        CameraShot(5, half=1),
        CameraShot(5, half=1, is_replay=True),
        CameraShot(7, is_replay=True),
        CameraShot(9, half=1, is_replay=True),
        CameraShot(0, half=2, is_replay=True),
    ]
    assert replays_of(shots) == (Replay(1, 5, 9),)


SHOTS = st.lists(
    st.builds(
        CameraShot,
        st.integers(0, 60),
        link_seconds=st.none() | st.integers(0, 60),
        half=st.sampled_from([1, 2, None]),
        is_replay=st.booleans(),
    ),
    max_size=12,
)


@given(SHOTS)
def test_replays_lie_in_order_without_overlap_and_end_where_a_shot_ends(shots):
    found = replays_of(shots)
    for earlier, later in pairwise(found):
        assert (earlier.half, earlier.end_seconds) < (later.half, later.end_seconds)
        if earlier.half == later.half:
            assert earlier.end_seconds <= later.start_seconds
    ends = {(shot.half, shot.seconds) for shot in shots}
    for replay in found:
        assert replay.start_seconds < replay.end_seconds
        assert (replay.half, replay.end_seconds) in ends
        assert replay.start_seconds == 0 or (replay.half, replay.start_seconds) in ends
        between = [s for h, s in ends if h == replay.half]
        assert not any(replay.start_seconds < s < replay.end_seconds for s in between)


@given(SHOTS, st.randoms(use_true_random=False))
def test_the_order_of_annotations_of_different_times_does_not_matter(shots, random):
    apart = list({(shot.half, shot.seconds): shot for shot in shots}.values())
    shuffled = list(apart)
    random.shuffle(shuffled)
    assert replays_of(shuffled) == replays_of(apart)
