"""What a killed process leaves is removed by the next one; what a living one writes stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_videos import write_video

from touchline.errors import InputError
from touchline.runtime.atomic import write_text
from touchline.runtime.locks import locked_folder
from touchline.runtime.temporary import (
    TemporaryFile,
    remove_temporary,
    temporary_folder,
    temporary_name,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks as POSIX has them")

VIDEO = """
from fractions import Fraction
from pathlib import Path
import numpy as np
from touchline.media.writer import VideoWriter
writer = VideoWriter(Path(path), (96, 64), 25)
for _ in range(50):
    writer.write(np.zeros((64, 96, 3), np.uint8))
"""
TEXT = """
from touchline.runtime.temporary import TemporaryFile
held = TemporaryFile(Path(path))
held.path.write_text("half")
"""
FOLDER = """
from touchline.runtime.temporary import temporary_folder
inside = temporary_folder(Path(path))
(inside.__enter__() / "half.txt").write_text("half")
"""

LOCK = """
from touchline.runtime.locks import locked_folder
held = locked_folder(Path(path))
held.__enter__()
"""


def started(code: str, path: Path) -> "subprocess.Popen[str]":
    """A process that has begun to write and waits."""
    lines = f"from pathlib import Path\npath = {str(path)!r}\n{code}\nprint(1, flush=True)\ninput()"
    process = subprocess.Popen(
        [sys.executable, "-c", lines], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    return process


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("code", [VIDEO, TEXT, FOLDER], ids=["video", "text", "folder"])
def test_what_a_killed_process_left_goes_with_the_next_result(tmp_path, code):
    path = tmp_path / "r.mp4"
    process = started(code, path)
    assert len(list(tmp_path.iterdir())) == 1
    kill(process)
    assert len(list(tmp_path.iterdir())) == 1
    write_video(path, 5)
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_living_process_writes_stays(tmp_path):
    path = tmp_path / "a.txt"
    process = started(TEXT, path)
    held = next(tmp_path.iterdir())
    write_text(path, "whole")
    remove_temporary(path)
    assert held.read_text() == "half"
    kill(process)
    remove_temporary(path)
    assert list(tmp_path.iterdir()) == [path]


def test_leavings_of_other_results_go_when_they_are_old(tmp_path):
    old, fresh = temporary_name(tmp_path / "old.npy"), temporary_name(tmp_path / "new.npy")
    others = [tmp_path / ".old.npy-x.part", tmp_path / "old.npy-01234567.part", fresh]
    for left in (old, *others):
        left.touch()
    for left in (old, *others[:2]):
        os.utime(left, (time.time() - 7200,) * 2)
    write_text(tmp_path / "a.txt", "")
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "a.txt"])


def test_a_temporary_folder_is_gone_afterwards(tmp_path):
    with temporary_folder(tmp_path / "model") as folder:
        (folder / "inside").mkdir()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["日" * 81 + ".json", "é" * 125, "\udcff" * 240, "a" * 255])
def test_every_name_that_the_system_takes_can_be_written(tmp_path, name):
    write_text(tmp_path / name, "whole")
    assert (tmp_path / name).read_text() == "whole"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_temporary_file_that_is_not_wanted_leaves_nothing(tmp_path):
    temporary = TemporaryFile(tmp_path / "a.txt")
    temporary.path.write_text("half")
    temporary.remove()
    temporary.remove()
    assert not list(tmp_path.iterdir())


def test_two_processes_do_not_write_into_one_folder(tmp_path):
    process = started(LOCK, tmp_path)
    with pytest.raises(InputError, match="another process is writing into it"):
        locked_folder(tmp_path).__enter__()
    kill(process)
    with locked_folder(tmp_path):
        pass
