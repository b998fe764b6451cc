"""The wipe is learnt from the recording: the animation that recurs, whatever it looks like."""

import numpy as np
import pytest
from scenes import PANEL, RATE, programme, scene, show, with_wipe

from touchline.broadcast.wipes import MOST_MOMENTS, WipeFinder


def wiped_programme(design: int, count: int, seed: int = 0) -> tuple[np.ndarray, list[float]]:
    """Shots of which every other one begins with a wipe, and the seconds of those."""
    rng = np.random.default_rng(seed)
    pictures, cuts = programme(rng.integers(70, 140, 2 * count + 1).tolist(), seed + 50)
    wipes = cuts[::2]
    for cut in wipes:
        with_wipe(pictures, round(cut * RATE), design)
    return pictures, wipes


def wipes_of(pictures: np.ndarray, rate: float = RATE):
    finder = WipeFinder()
    show(finder, pictures, rate)
    return finder.finish()


@pytest.mark.parametrize("design", range(6))
def test_every_occurrence_of_an_unknown_design_is_found(design):
    pictures, wipes = wiped_programme(design, 8, seed=design)
    found = wipes_of(pictures)
    assert [wipe.seconds for wipe in found] == pytest.approx(wipes, abs=0.2)
    assert all(wipe.start_seconds < wipe.seconds < wipe.end_seconds for wipe in found)


def test_cuts_without_a_wipe_are_none():
    pictures, _ = programme([60, 90] * 10, 300)
    assert wipes_of(pictures) == ()


@pytest.mark.parametrize("frames", [18, 26, 36])
def test_a_panel_that_stays_a_while_is_one_wipe_short_or_long(frames):
    pictures, cuts = programme([110] * 9, 40)
    for cut in cuts:
        with_wipe(pictures, round(cut * RATE), PANEL, frames)
    assert [wipe.seconds for wipe in wipes_of(pictures)] == pytest.approx(cuts, abs=0.3)


def test_a_short_look_that_the_director_takes_again_and_again_is_no_wipe():
    look = scene(500, 22)
    parts = []
    for number in range(6):
        parts += [scene(510 + number, 110), look]
    assert wipes_of(np.concatenate(parts)) == ()


def test_two_designs_are_told_apart():
    pictures, cuts = programme([90] * 17, 70)
    for number, cut in enumerate(cuts):
        with_wipe(pictures, round(cut * RATE), number % 2)
    found = wipes_of(pictures)
    assert [wipe.seconds for wipe in found] == pytest.approx(cuts, abs=0.2)
    designs = [wipe.design for wipe in found]
    assert set(designs[::2]).isdisjoint(designs[1::2])


def test_what_looks_alike_by_half_now_and_then_is_no_wipe_beside_one():
    pictures, cuts = programme([90] * 17, 70)
    wipes = [cut for number, cut in enumerate(cuts) if number % 4]
    for number, cut in enumerate(cuts):
        middle = round(cut * RATE)
        with_wipe(pictures, middle, int(cut not in wipes))
        if cut not in wipes:
            other = scene(700 + number, 18, pan=2.0)
            pictures[middle - 9 : middle + 9, :, 36:] = other[:, :, 36:]
    assert [wipe.seconds for wipe in wipes_of(pictures)] == pytest.approx(wipes, abs=0.2)


def test_an_advertisement_that_recurs_is_no_wipe():
    advertisement, _ = programme([10, 12, 9, 60, 11, 8, 40], 900)
    parts = []
    for number in range(4):
        parts += [scene(number, 120), advertisement]
    assert wipes_of(np.concatenate(parts)) == ()


def test_dips_to_black_are_no_wipes():
    pictures, cuts = programme([90] * 9, 20)
    for cut in cuts:
        middle = round(cut * RATE)
        pictures[middle - 5 : middle + 5] = (16, 128, 128)
    assert wipes_of(pictures) == ()


def test_fifty_pictures_a_second_are_read_as_twenty_five():
    pictures, wipes = wiped_programme(1, 6)
    found = wipes_of(pictures.repeat(2, axis=0), 2 * RATE)
    assert [wipe.seconds for wipe in found] == pytest.approx(wipes, abs=0.2)


@pytest.mark.parametrize("count", [0, 1, 30, 40])
def test_little_holds_no_wipe(count):
    assert wipes_of(scene(1, 40)[:count]) == ()


def test_only_the_strongest_moments_are_kept(monkeypatch):
    monkeypatch.setattr("touchline.broadcast.wipes.MOST_MOMENTS", 12)
    pictures, wipes = wiped_programme(2, 8)
    finder = WipeFinder()
    show(finder, pictures)
    assert len(finder._moments) <= 12 < MOST_MOMENTS
    assert len(finder.finish()) == len(wipes)
