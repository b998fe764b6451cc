"""A state that is kept is the same when it is read, and reading it runs nothing."""

import json
import zipfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from touchline.errors import FormatError
from touchline.runtime.snapshots import read_snapshot, write_snapshot


@dataclass(frozen=True)
class Box:
    left: float


@dataclass
class Watcher:
    box: Box
    recent: deque[tuple[float, np.ndarray]] = field(default_factory=lambda: deque(maxlen=2))


def kept(state: object, path: Path) -> object:
    write_snapshot(path, state)
    return read_snapshot(path, [__name__])


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    watcher = Watcher(Box(0.1))
    watcher.recent.append((1.5, picture))
    state = {
        "numbers": (1, 0.1, -np.inf, True, None, "ä"),
        "scalar": np.float32(0.1),
        "set": {3, 5},
        7: [watcher, watcher, picture, picture[::2, 1:]],
        "empty": np.zeros((0, 3), np.float32),
    }
    read = kept(state, tmp_path / "state")
    assert read["numbers"] == state["numbers"] and read["set"] == {3, 5}
    assert isinstance(read["scalar"], np.float32) and read["scalar"] == np.float32(0.1)
    one, same, again, part = read[7]
    assert one is same and one.box == Box(0.1) and one.recent.maxlen == 2
    assert again is one.recent[0][1] and again.flags.writeable and again.dtype == np.uint8
    np.testing.assert_array_equal(again, picture)
    np.testing.assert_array_equal(part, picture[::2, 1:])
    assert read["empty"].shape == (0, 3)


def test_what_is_no_data_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    for odd in (print, tmp_path.open, np.array([None]), Box):
        with pytest.raises(TypeError):
            write_snapshot(tmp_path / "state", {"odd": odd})
    assert not list(tmp_path.iterdir())


def test_other_classes_are_not_made(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "state", Box(1.0))
    with pytest.raises(FormatError):
        read_snapshot(tmp_path / "state", ["touchline.broadcast"])


@pytest.mark.parametrize("damage", ["cut", "turned", "no zip", "no structure", "odd structure"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state"
    write_snapshot(path, {"picture": np.ones(1000)})
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[:-200])
    elif damage == "turned":
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
    elif damage == "no zip":
        path.write_bytes(b"")
    else:
        structure = {"root": [0], "nodes": [{"kind": "array", "dtype": "O", "shape": [9]}]}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("arrays.bin", b"")
            if damage == "odd structure":
                archive.writestr("structure.json", json.dumps(structure))
    with pytest.raises(FormatError, match="state: is not a snapshot"):
        read_snapshot(path, [__name__])
