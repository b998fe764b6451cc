"""Curves go into a file and come back; what is no such file is said in one line."""

from fractions import Fraction

import numpy as np
import pytest

from touchline.errors import FormatError, InputError
from touchline.labels import LabelSet
from touchline.scores import Scores
from touchline.spotting import curve_files
from touchline.spotting.curve_files import curves_path, read_curves, write_curves

LABELS = LabelSet("two", ("PASS", "ein Paß"))
VALUES = np.array([[0, 1], [0.5, 0.25], [0.125, 0]], np.float32)
SCORES = Scores.regular(VALUES, LABELS, Fraction(30000, 1001))


def test_curves_come_back(tmp_path):
    path = curves_path(tmp_path, "league/season/game", 2)
    assert path == tmp_path / "league/season/game/2_curves.npz"
    write_curves(path, SCORES)
    found = read_curves(path)
    assert (found.values == VALUES).all() and (found.seconds == SCORES.seconds).all()
    assert tuple(found.labels) == tuple(LABELS) and found.rate == SCORES.rate


def test_other_curves_stay_unless_they_may_go(tmp_path):
    path = tmp_path / "1_curves.npz"
    write_curves(path, SCORES)
    write_curves(path, SCORES, overwrite=False)
    other = Scores.regular(VALUES / 2, LABELS, Fraction(25))
    with pytest.raises(InputError, match="is there already"):
        write_curves(path, other, overwrite=False)
    assert read_curves(path).rate == SCORES.rate
    write_curves(path, other)
    assert read_curves(path).rate == 25
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_curves(tmp_path / "file" / "1_curves.npz", SCORES)


def arrays(**others) -> dict[str, np.ndarray]:
    good = {"values": VALUES, "seconds": np.arange(3.0), "labels": np.array(["a", "b"])}
    return {**good, "rate": np.array("25"), **others}


@pytest.mark.parametrize(
    "others",
    [
        {"values": VALUES[:2]},
        {"values": np.full((3, 2), np.nan)},
        {"labels": np.array(["a", "a"])},
        {"rate": np.array("never")},
        {"seconds": np.array(["x", "y", "z"])},
        {"labels": np.array(["a", "b"], object)},
    ],
)
def test_arrays_that_are_no_curves(others, tmp_path):
    path = tmp_path / "1_curves.npz"
    np.savez(path, **arrays(**others))
    with pytest.raises(FormatError, match=r"1_curves\.npz: is damaged, or no file of curves"):
        read_curves(path)


def test_files_that_are_no_curves(tmp_path, monkeypatch):
    path = tmp_path / "1_curves.npz"
    with pytest.raises(FormatError, match="there are no curves"):
        read_curves(path)
    np.savez(path, values=VALUES)
    with pytest.raises(FormatError, match="no file of curves"):
        read_curves(path)
    write_curves(path, SCORES)
    whole = path.read_bytes()
    for broken in (b"", b"text", whole[:-40], whole[:60] + b"\0\1\2\3" * 9 + whole[96:]):
        path.write_bytes(broken)
        with pytest.raises(FormatError, match="no file of curves"):
            read_curves(path)
    path.write_bytes(whole)
    monkeypatch.setattr(curve_files, "MAX_BYTES", 100)
    with pytest.raises(FormatError, match="too large"):
        read_curves(path)
