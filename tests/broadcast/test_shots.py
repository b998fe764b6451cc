"""What a shot shows, told from thumbnails."""

import numpy as np
import pytest
from scenes import SIZE

from touchline.broadcast.cuts import Cut
from touchline.broadcast.shots import ShotClassifier, classify

GRASS = {"green": (105, 98, 112), "pale": (140, 108, 120), "shaded": (60, 116, 121)}


def pitch(colour: tuple[int, int, int] = GRASS["green"]) -> np.ndarray:
    """The whole pitch: stands above, grass below, small players."""
    rng = np.random.default_rng(0)
    picture = np.empty((*SIZE, 3), np.uint8)
    picture[:11] = rng.integers(60, 180, (11, SIZE[1], 3)) // [1, 8, 8] + [0, 118, 120]
    picture[11:] = colour
    for _ in range(14):
        y, x = rng.integers(14, 32), rng.integers(2, 62)
        picture[y : y + 2, x] = (200, 120, 150)
    return picture


def close_up() -> np.ndarray:
    picture = np.full((*SIZE, 3), GRASS["green"], np.uint8)
    picture[6:, 22:42] = (120, 120, 165)
    return picture


def crowd() -> np.ndarray:
    rng = np.random.default_rng(1)
    picture = np.full((*SIZE, 3), 128, np.uint8)
    picture[..., 0] = rng.integers(30, 220, SIZE)
    return picture


def graphics() -> np.ndarray:
    picture = np.full((*SIZE, 3), (60, 170, 110), np.uint8)
    picture[8:12, 10:50] = (220, 128, 128)
    return picture


PICTURES = {"wide": pitch(), "close-up": close_up(), "crowd": crowd(), "graphics": graphics()}


@pytest.mark.parametrize("kind", PICTURES)
def test_each_kind_is_told(kind):
    pictures = np.stack([pitch()] * 5 + [PICTURES[kind]])
    assert classify(pictures)[-1] == kind


@pytest.mark.parametrize("grass", GRASS)
def test_the_colour_of_the_grass_is_learnt(grass):
    assert classify(np.stack([pitch(GRASS[grass])] * 4)) == ["wide"] * 4


def test_shots_are_gapless_and_named_by_most_of_their_pictures():
    classifier = ShotClassifier()
    for frame in range(20 * 25):
        seconds = frame / 25
        picture = pitch() if seconds < 8 else close_up() if seconds < 14 else crowd()
        classifier.see(seconds, picture)
    shots = classifier.finish((Cut(8.0), Cut(14.0)), 20.0)
    assert [shot.kind for shot in shots] == ["wide", "close-up", "crowd"]
    assert [(s.start_seconds, s.end_seconds) for s in shots] == [(0, 8), (8, 14), (14, 20)]
    assert all(shot.confidence == 1 for shot in shots)


def test_a_shot_shorter_than_a_step_has_a_kind():
    classifier = ShotClassifier()
    for frame in range(100):
        classifier.see(frame / 25, pitch())
    shots = classifier.finish((Cut(2.1), Cut(2.3)), 4.0)
    assert [shot.kind for shot in shots] == ["wide"] * 3


def test_nothing_seen_is_no_shot():
    assert ShotClassifier().finish(()) == ()


def test_a_picture_without_green_is_no_pitch():
    grey = np.full((3, *SIZE, 3), 128, np.uint8)
    assert set(classify(grey)) == {"graphics"}
