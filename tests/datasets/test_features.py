"""Feature files give the rows that are asked for, or say in one line why they cannot."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from extras import needs

from touchline.datasets.features import (
    Clips,
    FeatureFile,
    LabelledHalf,
    LabelledSteps,
    label_steps,
)
from touchline.datasets.soccernet import read_games
from touchline.errors import FormatError, InputError
from touchline.events import Event
from touchline.labels import LabelSet

RATE = Fraction(2)


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_rows_are_those_of_the_array_and_clamped_beyond_its_ends(tmp_path, dtype):
    array = np.random.default_rng(0).normal(size=(10, 4)).astype(dtype)
    file = FeatureFile(saved(tmp_path / "1_x.npy", array), RATE)
    assert (file.steps, file.row_shape, file.rate) == (10, (4,), RATE)
    for first in range(-14, 14):
        for count in range(1, 26):
            wanted = array[np.clip(np.arange(first, first + count), 0, 9)]
            rows = file.read(first, count)
            assert rows.dtype == np.float32
            np.testing.assert_array_equal(rows, wanted.astype(np.float32))
    np.testing.assert_array_equal(file.read_all(), array.astype(np.float32))


def test_rows_may_be_pictures_of_any_shape(tmp_path):
    array = np.arange(60, dtype=np.float32).reshape(5, 3, 4)
    file = FeatureFile(saved(tmp_path / "1_x.npy", array), RATE)
    np.testing.assert_array_equal(file.read(3, 4), array[[3, 4, 4, 4]])


def test_many_files_are_open_only_while_they_are_read(tmp_path):
    opened = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    files = [
        FeatureFile(saved(tmp_path / f"{i}.npy", np.zeros((3, 2), np.float32)), RATE)
        for i in range(50)
    ]
    for file in files:
        file.read(0, 3)
    if opened:
        assert len(list(Path("/proc/self/fd").iterdir())) <= opened + 1


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 2), np.float64), "float64"),
        (np.zeros((4, 2), np.int32), "int32"),
        (np.array([[{}, 1]], object), "Python objects"),
        (np.zeros(4, np.float32), "shape"),
        (np.zeros((0, 4), np.float32), "shape"),
        (np.asfortranarray(np.zeros((4, 3), np.float32)), "Fortran order"),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, said):
    np.save(tmp_path / "1_x.npy", array, allow_pickle=True)
    with pytest.raises(FormatError, match=said) as caught:
        FeatureFile(tmp_path / "1_x.npy", RATE)
    assert "1_x.npy" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0, 5, 40, 100, 300])
def test_damaged_files_are_refused(tmp_path, kept):
    path = saved(tmp_path / "1_x.npy", np.zeros((20, 4), np.float32))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FormatError, match=r"1_x\.npy"):
        FeatureFile(path, RATE)


def test_a_file_that_shrinks_while_it_is_used_is_an_error_and_no_crash(tmp_path):
    path = saved(tmp_path / "1_x.npy", np.zeros((20, 4), np.float32))
    file = FeatureFile(path, RATE)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FormatError, match="shorter"):
        file.read_all()
    path.unlink()
    with pytest.raises(FormatError, match="cannot be read"):
        file.read(0, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_numbers_that_are_not_finite_are_found_and_placed(tmp_path, bad, dtype):
    array = np.full((3000, 700), 60000, dtype)  # sums of float16 would overflow
    FeatureFile(saved(tmp_path / "1_x.npy", array), RATE).check_finite()
    array[2500, 3] = bad
    with pytest.raises(FormatError, match=r"row 2500 \(at 20:50\)"):
        FeatureFile(saved(tmp_path / "1_x.npy", array), RATE).check_finite()


LABELS = LabelSet("two", ("Goal", "Corner"))


def test_events_lie_on_the_step_whose_time_they_have_reached():
    events = [
        Event(3.49, "Corner"),
        Event(3.5, "Goal", visibility="not shown"),
        Event(0.0, "Goal"),
        Event(3.5, "Corner"),
    ]
    found = label_steps(events, LABELS, RATE)
    assert found.steps.tolist() == [0, 6, 7, 7]
    assert found.classes.tolist() == [0, 1, 0, 1]
    assert found.visible.tolist() == [True, True, False, True]
    coarse = label_steps(events, LABELS, RATE, whole_seconds=True)
    assert coarse.steps.tolist() == [0, 6, 6, 6]


def test_events_between_steps():
    labels = LabelledSteps(*(np.array(x) for x in ([1, 4, 4, 9], [0, 0, 1, 1], [True] * 4)))
    assert labels.between(1, 9).steps.tolist() == [1, 4, 4]
    assert len(labels.between(5, 9)) == 0


def test_clips_can_be_cut_into_batches():
    clips = Clips(np.arange(5), np.arange(5) * 10)
    assert clips[2:4].start.tolist() == [20, 30] and len(clips[2:]) == 3


def game_of(root: Path, *names: str) -> Path:
    folder = root / "league" / "season" / "game"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_games_are_found_by_their_features(tmp_path):
    folder = game_of(tmp_path, "1_a.npy", "2_a.npy", "1_a_b.npy", "2_a_b.npy", "Labels-v2.json")
    for name in ("a", "a_b"):
        [game] = read_games(tmp_path, features=name)
        assert game.name == "league/season/game"
        assert [half.path for half in game.halves] == [
            folder / f"1_{name}.npy",
            folder / f"2_{name}.npy",
        ]


def test_plain_features_lie_beside_their_events(tmp_path):
    for name in ("match.events.json", "match_a.npy", "match_b.npy"):
        (tmp_path / name).touch()
    [game] = read_games(tmp_path, features="b")
    assert game.name == "match" and game.halves[0].path == tmp_path / "match_b.npy"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("1_a.npy", "1_b.npy", "2_b.npy", "Labels-v2.json"), "half 2 of this game has no"),
        (("1_a.npy", "2_224p.mkv"), "half 2 of this game has no features a"),
        (("1_224p.mkv", "2_224p.mkv"), "this game has no features a"),
        (("Labels-v2.json",), "this game has no features a"),
    ],
)
def test_a_missing_half_is_named(tmp_path, names, said):
    game_of(tmp_path, *names)
    with pytest.raises(InputError, match=said) as caught:
        read_games(tmp_path, features="a")
    assert "1_a.npy and 2_a.npy" in str(caught.value)


def test_a_game_of_one_half_among_games_of_two_has_lost_one(tmp_path):
    for name, files in (("one", ["1_a.npy"]), ("two", ["1_a.npy", "2_a.npy"])):
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).touch()
    with pytest.raises(InputError, match=r"one: half 2 of this game has no features a"):
        read_games(tmp_path, features="a")
    (tmp_path / "two" / "2_a.npy").unlink()
    assert len(read_games(tmp_path, features="a")) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_clips_are_the_rows_of_their_files(tmp_path, dtype):
    needs("torch")
    from touchline.datasets.feature_clips import ClipReader

    array = np.random.default_rng(0).normal(size=(60, 700)).astype(dtype)
    half = LabelledHalf(
        "a/1",
        {"features": FeatureFile(saved(tmp_path / "1_x.npy", array), RATE)},
        label_steps([], LabelSet("own", ("A",)), RATE),
    )
    starts = np.resize([-7, 0, 13, 41, 59], 150)  # more than are asked of the disk at a time
    rows = np.full((150, 30, 700), np.nan, np.float32)
    clips = Clips(np.zeros(150, int), starts)
    ClipReader([half], ("features",), 30).read(clips, {"features": rows})
    for row, start in zip(rows, starts, strict=True):
        np.testing.assert_array_equal(row, half.streams["features"].read(start, 30))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not list files")
def test_a_half_that_is_cut_off_leaves_no_file_open(tmp_path):
    needs("torch")
    from touchline.datasets.feature_clips import ClipReader

    path = saved(tmp_path / "1_x.npy", np.zeros((60, 8), np.float32))
    half = LabelledHalf(
        "a/1", {"features": FeatureFile(path, RATE)}, label_steps([], LabelSet("own", ("A",)), RATE)
    )
    reader = ClipReader([half], ("features",), 30)
    path.write_bytes(path.read_bytes()[:800])
    opened = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FormatError, match="shorter"):
        reader.read(
            Clips(np.zeros(9, int), np.arange(9)), {"features": np.empty((9, 30, 8), np.float32)}
        )
    assert len(list(Path("/proc/self/fd").iterdir())) == opened
