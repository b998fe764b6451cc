"""Cuts are found where shots change, and nowhere else."""

import numpy as np
import pytest
from scenes import RATE, dissolve, programme, scene, show

from touchline.broadcast.cuts import Cut, CutFinder


def cuts_of(pictures: np.ndarray, rate: float = RATE) -> tuple[Cut, ...]:
    finder = CutFinder()
    show(finder, pictures, rate)
    return finder.finish()


@pytest.mark.parametrize("seed", [0, 100, 200])
def test_every_hard_cut_is_found_to_the_frame(seed):
    rng = np.random.default_rng(seed)
    pictures, cuts = programme(rng.integers(12, 160, 30).tolist(), seed)
    found = cuts_of(pictures)
    assert [cut.seconds for cut in found if cut.kind == "hard"] == pytest.approx(cuts)
    assert all(cut.kind == "hard" for cut in found)


@pytest.mark.parametrize("frames", [8, 12, 24])
def test_a_dissolve_is_one_cut_in_its_middle(frames):
    pictures = dissolve(scene(1, 80), scene(2, 80), frames)
    (cut,) = cuts_of(pictures)
    assert cut.kind == "dissolve"
    assert cut.seconds == pytest.approx((80 - frames / 2) / RATE, abs=0.13)


def test_a_fast_pan_a_flash_and_a_change_of_light_are_no_cuts():
    pan = scene(3, 60, pan=1.0)
    flash = scene(4, 60)
    flash[30] = np.clip(flash[30].astype(int) + 90, 0, 255)
    light = scene(5, 60).astype(float)
    light[..., 0] *= np.linspace(1.0, 0.6, 60)[:, None, None]
    for pictures in (pan, flash, light.astype(np.uint8)):
        assert cuts_of(pictures) == ()


def test_somebody_who_runs_past_the_camera_is_no_cut():
    pictures = scene(6, 60)
    for frame in range(30, 36):
        pictures[frame, 4:34, 10 * (frame - 30) : 10 * (frame - 30) + 14] = (30, 120, 140)
    assert cuts_of(pictures) == ()


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_pictures_hold_no_cut(count):
    assert cuts_of(scene(7, 5)[:count]) == ()


def test_what_is_found_does_not_depend_on_where_blocks_end():
    pictures, cuts = programme([40, 400, 3 * 12, 64, 30], 9)
    for lead in (0, 71, 72, 73, 472):
        found = cuts_of(np.concatenate([np.repeat(pictures[:1], lead, axis=0), pictures]))
        assert [round(cut.seconds - lead / RATE, 2) for cut in found] == pytest.approx(cuts)


def test_memory_does_not_grow_with_length():
    finder = CutFinder()
    picture = scene(1, 1)[0]
    for place in range(3000):
        finder.see(place / RATE, picture)
        assert len(finder._pictures) < 800
