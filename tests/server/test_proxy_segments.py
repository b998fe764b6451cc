"""A proxy goes on from its last segment, and is then the one of an unbroken run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_videos import write_video

from touchline.media.video import read_frames
from touchline.server.jobs.stages import proxying
from touchline.server.jobs.stages.proxying import ProxyArguments, make_proxy
from touchline.server.settings import MediaLimits
from touchline.server.storage import Storage
from touchline.server.tables import new_id

FRAMES = 100  # four seconds


class KilledError(Exception):
    """What ends the first attempt."""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("videos") / "long.mp4", FRAMES, size=(96, 64))


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxying, "SEGMENT_SECONDS", 1)


def arguments(video: Path, folder: Path, **more: Any) -> ProxyArguments:
    limits = MediaLimits().to_limits()
    folder.mkdir(exist_ok=True)
    given = {"sources": (str(video),), "target": str(folder / "proxy.mp4"), "height": 720}
    return ProxyArguments(**given, limits=limits, segments=str(folder / "kept"), **more)


def break_off(share: float) -> None:
    if share > 0.4:
        raise KilledError


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "kept").glob("*.mp4")}


def pictures(folder: Path) -> list[np.ndarray]:
    with read_frames(folder / "proxy.mp4") as frames:
        return [frame.pixels for frame in frames]


def test_it_goes_on_and_the_result_is_the_same(video: Path, tmp_path: Path) -> None:
    whole = make_proxy(arguments(video, tmp_path / "unbroken"), lambda share: None)
    broken = tmp_path / "broken"
    with pytest.raises(KilledError):
        make_proxy(arguments(video, broken), break_off)
    before = times(broken)
    assert len(before) == 2 and not (broken / "proxy.mp4").exists()
    made = make_proxy(arguments(video, broken), lambda share: None)
    after = times(broken)
    assert len(after) == FRAMES // 25 and before.items() <= after.items(), "kept, not made again"
    assert made.model_dump(exclude={"bytes"}) == whole.model_dump(exclude={"bytes"})
    one, other = pictures(tmp_path / "unbroken"), pictures(broken)
    assert len(one) == len(other) == FRAMES
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(one, other, strict=True)) <= 8


@pytest.mark.parametrize("damage", ["cut", "of another size", "without its note"])
def test_a_segment_that_is_not_whole_is_made_again(
    video: Path, tmp_path: Path, damage: str
) -> None:
    with pytest.raises(KilledError):
        make_proxy(arguments(video, tmp_path), break_off)
    first, second = sorted((tmp_path / "kept").glob("*.mp4"))
    before = times(tmp_path)
    if damage == "cut":
        second.write_bytes(second.read_bytes()[:-100])
    elif damage == "without its note":
        second.with_suffix(".json").unlink()
    given = arguments(video, tmp_path)
    if damage == "of another size":
        given = given.model_copy(update={"height": 32})
    made = make_proxy(given, lambda share: None)
    after = times(tmp_path)
    assert after[second.name] != before[second.name]
    assert (after[first.name] != before[first.name]) is (damage == "of another size")
    assert made.duration_seconds == 4.0 and len(pictures(tmp_path)) == FRAMES


def test_segments_outlast_an_attempt(tmp_path: Path) -> None:
    storage, job, lease = Storage(tmp_path), new_id(), new_id()
    storage.prepare()
    storage.segments(job).mkdir()
    storage.work(job, new_id()).mkdir()
    storage.work(job, lease).mkdir()
    storage.drop_work(job, keep=lease)
    assert set((tmp_path / "work").iterdir()) == {
        storage.segments(job),
        storage.work(job, lease),
    }
    storage.drop_work(job)
    assert not list((tmp_path / "work").iterdir())
