"""Feature files: whole or not there, told who made them, and made once."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from touchline.errors import ConfigError, FormatError, InputError, MediaError
from touchline.features.extractor import Extraction
from touchline.features.store import (
    check_features,
    description_path,
    is_current,
    read_description,
    write_features,
)
from touchline.zoo.identity import FeatureIdentity

ROWS = np.random.default_rng(0).random((700, 5), np.float32)


class Invented:
    """An extractor that gives the same rows for every video."""

    suffix = "invented"
    engine = "numpy"

    def __init__(self, rows: np.ndarray = ROWS, fails: bool = False, **identity) -> None:
        self.rows, self.fails = rows, fails
        known = {"name": "invented", "rate": "2/1", "settings": {"size": "1x1"}}
        self.identity = FeatureIdentity(**(known | identity))

    def extract(self, source, write, report) -> Extraction:
        for first in range(0, len(self.rows), 300):
            write(self.rows[first : first + 300])
            report(first / len(self.rows))
        if self.fails:
            raise MediaError("broke", where=source)
        return Extraction(0.48, 12.5)

    def close(self) -> None:
        pass


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "1_224p.mkv"
    path.write_bytes(b"a video, more or less")
    os.utime(path, (1, 1))
    return path


@pytest.fixture
def made(tmp_path: Path, video: Path) -> Path:
    path = tmp_path / "out" / "1_invented.npy"
    write_features(path, Invented(), video)
    return path


def test_anyone_can_load_the_rows_and_we_know_what_they_are(made):
    np.testing.assert_array_equal(np.load(made), ROWS)
    told = check_features(made, Invented().identity)
    assert told == read_description(made)
    assert (told.rows, told.dims, told.dtype) == (700, 5, "float32")
    assert (told.first_seconds, float(told.rate)) == (0.48, 2.0)
    assert told.source.name == "1_224p.mkv"
    assert "up to 0:12 only" in told.warning
    assert sorted(p.name for p in made.parent.iterdir()) == [
        "1_invented.features.json",
        "1_invented.npy",
    ]


def test_nothing_is_left_of_an_extraction_that_fails(tmp_path, video, made):
    before = {path: path.read_bytes() for path in made.parent.iterdir()}
    with pytest.raises(MediaError, match="broke"):
        write_features(made, Invented(fails=True), video)
    with pytest.raises(MediaError, match="too short"):
        write_features(made, Invented(ROWS[:0]), video)
    assert {path: path.read_bytes() for path in made.parent.iterdir()} == before
    with pytest.raises(MediaError):
        write_features(tmp_path / "new" / "1.npy", Invented(fails=True), video)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_file_is_made_once_per_video_and_extractor(made, video):
    identity = Invented().identity
    assert is_current(made, identity, video)
    for change in (
        {"name": "other"},
        {"rate": "5/1"},
        {"weights": "0" * 64},
        {"settings": {"size": "2x2"}},
    ):
        assert not is_current(made, Invented(**change).identity, video)
    video.touch()
    assert is_current(made, identity, video), "touched, yet the same"


@pytest.mark.parametrize("other", [b"A video, more or less", b"a video, more and more"])
def test_features_of_a_video_that_was_replaced_are_not_current(other, made, video):
    """By one of as many bytes, or of more."""
    video.write_bytes(other)
    assert not is_current(made, Invented().identity, video)


def test_a_video_of_another_size_is_another_even_if_its_time_is_older(made, video):
    video.write_bytes(b"a longer video, more or less")
    os.utime(video, (1, 1))
    assert not is_current(made, Invented().identity, video)


@pytest.mark.parametrize("damage", ["gone", "short", "flipped", "no sidecar json"])
def test_a_damaged_file_is_made_anew(damage, made, video):
    data = made.read_bytes()
    if damage == "gone":
        made.unlink()
    elif damage == "short":
        made.write_bytes(data[:-8])
    elif damage == "flipped":
        made.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    else:
        description_path(made).write_text("{")
    assert not is_current(made, Invented().identity, video)


def test_features_of_others_are_neither_taken_for_ours_nor_overwritten(tmp_path, video):
    path = tmp_path / "1_ResNET_TF2.npy"
    np.save(path, ROWS)
    assert check_features(path, Invented().identity) is None
    with pytest.raises(InputError, match=r"was not written by touchline.*--overwrite"):
        is_current(path, Invented().identity, video)


def test_features_of_another_extractor_do_not_reach_a_model(made):
    for change, said in (
        ({"name": "resnet152"}, "extractor invented instead of resnet152"),
        ({"rate": "1/1"}, "2 rows a second instead of 1"),
        ({"weights": "a" * 64}, "weights none, not aaaaaaaaaaaa"),
        ({"settings": {"size": "9x9"}}, "size 1x1 instead of 9x9"),
    ):
        with pytest.raises(ConfigError, match="do not fit the model") as error:
            check_features(made, Invented(**change).identity)
        assert said in str(error.value)


def test_a_description_that_does_not_belong_is_noticed(made):
    np.save(made, ROWS[:9])
    with pytest.raises(FormatError, match="one of the two files was replaced"):
        check_features(made)
    beside = description_path(made)
    for text in ("", "[]", "{}", '{"format": "x"}', "9" * 2_000_000):
        beside.write_text(text)
        with pytest.raises(FormatError, match=r"features\.json"):
            check_features(made)
    told = json.loads(json.dumps({"format": "touchline-features", "version": 1, "rows": "many"}))
    beside.write_text(json.dumps(told))
    with pytest.raises(FormatError, match="not a description of features"):
        read_description(made)
