"""Spotting goes on after a kill, and then finds what an unbroken run finds."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_videos import write_video
from tiny_networks import tiny_spotter

from touchline.broadcast import ocr
from touchline.scores import Scores
from touchline.server.jobs.stages.spotting import SpotArguments, spot_video
from touchline.spotting import kept as module
from touchline.spotting.auto_spotter import AutoSpotter, WatchedVideo
from touchline.spotting.kept import KeptWork
from touchline.spotting.picture_spotter import Spotter


class KilledError(Exception):
    """What ends the first attempt."""


def network(shares_frames: bool = False) -> Spotter:
    return tiny_spotter("pictures" if shares_frames else "windows")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds."""
    return write_video(tmp_path_factory.mktemp("videos") / "match.mp4", 200)


@pytest.fixture
def work(tmp_path: Path, video: Path) -> KeptWork:
    return KeptWork(tmp_path / "kept", video, every_seconds=0.0)


def break_off(share: float) -> None:
    if share > 0.6:
        raise KilledError


def same(one: Scores, other: Scores) -> bool:
    return np.array_equal(one.values, other.values) and np.array_equal(one.seconds, other.seconds)


@pytest.mark.parametrize("shares_frames", [False, True])
def test_a_network_goes_on_after_its_last_window(
    video: Path, work: KeptWork, shares_frames: bool
) -> None:
    whole, second = network(shares_frames), network(shares_frames)
    expected = whole.score(video)
    with pytest.raises(KilledError):
        network(shares_frames).score(video, kept=work, progress=break_off)
    shares: list[float] = []
    scored = second.score(video, kept=work, progress=shares.append)
    assert same(scored.scores, expected.scores) and len(scored.scores) == 200
    assert second.engine.windows <= whole.engine.windows / 2
    assert next(share for share in shares if share) > 0.3, "it says at once how far it is"


def test_a_part_goes_on_too(video: Path, work: KeptWork) -> None:
    part = {"start_seconds": 1.1, "end_seconds": 7.0}
    with pytest.raises(KilledError):
        network().score(video, kept=work, progress=break_off, **part)
    scored = network().score(video, kept=work, **part)
    assert same(scored.scores, network().score(video, **part).scores)


def watch(spotter: AutoSpotter, video: Path, **options) -> WatchedVideo:
    with spotter:
        return spotter.watch(video, threshold=0.0, **options)


@pytest.mark.parametrize("with_network", [False, True])
def test_the_reading_of_a_broadcast_goes_on_and_says_the_same(
    video: Path, work: KeptWork, with_network: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: False)

    def spotter() -> AutoSpotter:
        return AutoSpotter(network() if with_network else None)

    expected = watch(spotter(), video)
    with pytest.raises(KilledError):
        watch(spotter(), video, kept=work, progress=break_off)
    assert len(list(work.folder.iterdir())) == 1 + with_network
    said = watch(spotter(), video, kept=work)
    assert said.broadcast == expected.broadcast
    assert said.timeline.events == expected.timeline.events
    if with_network:
        assert same(said.timeline.scores, expected.timeline.scores)


@pytest.mark.parametrize("change", ["video", "settings", "version", "damage"])
def test_what_was_kept_of_something_else_is_not_used(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"one")
    KeptWork(tmp_path, video, 0.0).keep("scores", "fine", lambda: {"seen": (1.0,)})
    assert KeptWork(tmp_path, video).read("scores", "fine") == {"seen": (1.0,)}
    if change == "video":
        video.write_bytes(b"two")
    elif change == "version":
        monkeypatch.setattr(module.touchline, "__version__", "0.0.9")
    elif change == "damage":
        (tmp_path / "scores.kept").write_bytes(b"PK")
    settings = "coarse" if change == "settings" else "fine"
    assert KeptWork(tmp_path, video).read("scores", settings) is None


def test_a_disk_that_takes_nothing_more_ends_no_work(tmp_path: Path, video: Path) -> None:
    (tmp_path / "full").write_text("no folder")
    KeptWork(tmp_path / "full", video, 0.0).keep("scores", "", lambda: {})
    assert KeptWork(tmp_path / "full", video).read("scores", "") is None


def test_writings_lie_apart(tmp_path: Path, video: Path) -> None:
    work = KeptWork(tmp_path / "kept", video, every_seconds=1000.0)
    work.keep("scores", "", lambda: pytest.fail("too early"))
    assert work.read("scores", "") is None


STAGE = """
import os, signal, sys
from touchline.broadcast import ocr
from touchline.server.jobs.stages.spotting import SpotArguments, spot_video
from touchline.spotting import kept
kept.KeptWork.__init__.__defaults__ = (0.0, *kept.KeptWork.__init__.__defaults__[1:])
ocr.is_installed = lambda: False

def die(share):
    if share > 0.6:
        os.kill(os.getpid(), signal.SIGKILL)

spot_video(SpotArguments.model_validate_json(sys.argv[1]), die)
"""


def test_a_stage_that_was_killed_goes_on(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    given = SpotArguments(source=str(video), model="auto", threshold=0.0, scores=None)
    killed = given.model_copy(update={"kept": str(tmp_path / "kept")})
    command = [sys.executable, "-c", STAGE, killed.model_dump_json()]
    process = subprocess.run(command, env=dict(os.environ), timeout=300, check=False)
    assert process.returncode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "kept" / "0").iterdir()] == ["broadcast.kept"]
    shares: list[float] = []
    found = spot_video(killed, shares.append)
    assert found == spot_video(given, lambda share: None)
    assert next(share for share in shares if share) > 0.4
