"""Two processes find in a video what one finds, to the bit."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from extras import needs
from small_videos import cut_off, write_uneven, write_video
from tiny_networks import KINDS, tiny_spotter

from touchline.broadcast import ocr
from touchline.errors import ConfigError, InputError, MediaError
from touchline.media.decoding import PictureSource
from touchline.spotting import second_part
from touchline.spotting.auto_spotter import AutoSpotter
from touchline.spotting.kept import KeptWork
from touchline.spotting.spotter import load
from touchline.spotting.timelines import ScoredVideo
from touchline.spotting.windows import Window, WindowAverage

ALL_WINDOWS = 20
"""Of eight seconds at 25 frames a second, by halves of a window."""


def open_tiny(settings: dict, engine: str):
    """What the second process opens."""
    assert engine == "tiny"
    return tiny_spotter(**settings)


def open_broken(error: Exception, engine: str):
    raise error


def open_and_die(engine: str):
    os.kill(os.getpid(), signal.SIGKILL)


def open_and_wait(pid: Path, engine: str):
    pid.write_text(str(os.getpid()))
    time.sleep(600)


def two(kind: str = "windows", overlap: float | None = None, **options):
    """A spotter that has a second process."""
    settings = {"kind": kind, "overlap": overlap, **options}
    return tiny_spotter(**settings, open_again=partial(open_tiny, settings))


def same(one: ScoredVideo, other: ScoredVideo) -> bool:
    """Whether two have found the same, to the bit."""
    curves, others = one.scores, other.scores
    return (
        np.array_equal(curves.values, others.values)
        and np.array_equal(curves.seconds, others.seconds)
        and (one.video, one.stopped_at_seconds) == (other.video, other.stopped_at_seconds)
        and one.remarks == other.remarks
    )


@pytest.fixture(autouse=True)
def short_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let videos of a few seconds be divided."""
    monkeypatch.setattr(second_part, "SHORTEST_SECONDS", 2.0)


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[second_part.Rest]:
    """Let this process do the work of the second one, at once; what that has said."""
    said = []

    @contextmanager
    def beside(task):
        said.append(task.run(lambda done: None))
        yield SimpleNamespace(done=1.0, is_over=True, result=lambda watch: said[-1])

    monkeypatch.setattr(second_part, "beside", beside)
    return said


def as_stream(path: Path, target: Path) -> None:
    """A copy of the picture of a video as a transport stream."""
    with av.open(str(path)) as given, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos of eight seconds."""
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "match.mp4", 200)
    write_video(folder / "slow.mp4", 32, rate=Fraction(4))
    write_video(folder / "match.mkv", 200)
    as_stream(folder / "match.mkv", folder / "match.ts")
    write_uneven(folder / "uneven.mp4", [Fraction(i * i % 7 + 40 * i, 1000) for i in range(200)])
    cut_off(folder / "match.mp4", folder / "cut-before.mp4", 0.3)
    cut_off(folder / "match.mp4", folder / "cut-after.mp4", 0.8)
    for name, share in (("damage-before", 0.35), ("damage-at", 0.52), ("damage-after", 0.8)):
        data = bytearray((folder / "match.mp4").read_bytes())
        begin = int(len(data) * share)
        noise = np.random.default_rng(0).integers(0, 256, len(data) // 40, np.uint8)
        data[begin : begin + len(noise)] = noise.tobytes()
        (folder / f"{name}.mp4").write_bytes(data)
    return folder


@pytest.fixture
def video(videos: Path) -> Path:
    return videos / "match.mp4"


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
@pytest.mark.parametrize("kind", KINDS)
def test_windows_of_every_kind(video, rests, kind, overlap):
    alone, first = tiny_spotter(kind, overlap), two(kind, overlap)
    expected, found = alone.score(video), first.score(video)
    assert same(found, expected) and len(found.scores) == 200
    assert len(rests) == 1 and first.engine.windows <= 0.6 * alone.engine.windows


@pytest.mark.parametrize(
    "name", ["slow.mp4", "uneven.mp4", "match.mkv", "match.ts", "cut-after.mp4", "damage-after.mp4"]
)
@pytest.mark.parametrize("rate", [10, 25])
def test_videos_that_both_processes_read(videos, rests, name, rate):
    alone, first = tiny_spotter("pictures", rate=rate), two("pictures", rate=rate)
    expected, found = alone.score(videos / name), first.score(videos / name)
    assert same(found, expected)
    assert first.engine.windows < alone.engine.windows
    is_cut = name.startswith("cut")
    assert (found.stopped_at_seconds is not None) == is_cut


@pytest.mark.parametrize(
    "name", ["cut-before.mp4", "damage-before.mp4", "damage-at.mp4", "match.mp4"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_videos_that_are_damaged_before_the_border(videos, rests, name, kind):
    expected, found = tiny_spotter(kind).score(videos / name), two(kind).score(videos / name)
    assert same(found, expected) and len(rests) == 1


@pytest.mark.parametrize(
    "part",
    [
        {"start_seconds": 1.1},
        {"end_seconds": 6.3},
        {"start_seconds": 0.9, "end_seconds": 7.0},
        {"start_seconds": 2.0, "end_seconds": 30.0},
    ],
)
@pytest.mark.parametrize("name", ["match.mp4", "slow.mp4"])
def test_parts_of_a_video(videos, rests, name, part):
    expected = tiny_spotter("pictures").score(videos / name, **part)
    first = two("pictures")
    assert same(first.score(videos / name, **part), expected)
    assert len(rests) == 1 and rests[0].average is not None


@pytest.mark.parametrize("frames", range(95, 125))
def test_a_video_that_is_not_as_long_as_it_says(videos, rests, frames, tmp_path, monkeypatch):
    """Wherever it ends around the border."""
    path = write_video(tmp_path / "a.mp4", frames, sound=False)
    border = tiny_spotter("pictures").border

    def of_whole(info, *part):
        return border(SimpleNamespace(duration_seconds=8.0), *part)

    alone, first = tiny_spotter("pictures"), two("pictures")
    for spotter in (alone, first):
        monkeypatch.setattr(spotter, "border", of_whole)
    if frames < 105:  # the end of the last window before the border
        monkeypatch.setattr(second_part.Second, "take_over", lambda *given: pytest.fail("waits"))
    assert same(first.score(path), alone.score(path))


def test_a_short_video_stays_in_one_process(tmp_path, rests):
    path = write_video(tmp_path / "a.mp4", 45, sound=False)
    two().score(path)
    assert rests == []


@pytest.mark.parametrize("field", ["seconds", "checksums"])
def test_what_was_read_elsewhere_is_not_taken_if_it_differs(video, rests, monkeypatch, field):
    """As where a seek lands on another picture, or damage makes up another."""
    take_over = second_part.Second.take_over

    def changed(self, *given):
        getattr(self._seen, field)[2] += 1
        return take_over(self, *given)

    monkeypatch.setattr(second_part.Second, "take_over", changed)
    first = two()
    assert same(first.score(video), tiny_spotter().score(video))
    assert first.engine.windows == ALL_WINDOWS


def test_readings_that_bear_too_much_together_are_one_that_stops(video, rests, monkeypatch):
    monkeypatch.setattr(PictureSource, "strain", 0.5)
    first = two()
    first.score(video)
    assert first.engine.windows == ALL_WINDOWS


def test_another_precision_is_not_mixed_in(video, rests):
    first = two()
    submit = first.engine.submit

    def fall_back(*given):
        first.engine.name = "tiny fp32"
        return submit(*given)

    first.engine.submit = fall_back
    assert same(first.score(video), tiny_spotter().score(video))
    assert first.engine.windows == ALL_WINDOWS


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes(video, kind):
    expected = tiny_spotter(kind, 0.75).score(video)
    first, shares = two(kind, 0.75), []
    assert same(first.score(video, progress=shares.append), expected)
    assert first.engine.windows < 25
    assert shares == sorted(shares) and shares[0] < 0.1 and shares[-1] == 1.0


@pytest.fixture(scope="module")
def shifting_model(tmp_path_factory) -> Path:
    """A network on OpenVINO that computes once what windows share."""
    needs("torch")
    needs("onnx")
    from model_folders import small_network, write_folder

    from touchline.engines.export import export_onnx

    network = small_network("rn18_tsm", "gru", 20)
    path = tmp_path_factory.mktemp("models") / "shifting"
    export_onnx(write_folder(path, network, size=(35, 33)))
    return path


@pytest.mark.parametrize(("model", "shares_windows"), [("demo", False), ("shifting", True)])
def test_networks_on_openvino(model, shares_windows, tmp_path, request, monkeypatch):
    video = write_video(tmp_path / "a.mp4", 400, rate=4, sound=False)
    name = model if model == "demo" else request.getfixturevalue("shifting_model")
    begun = []

    @contextmanager
    def beside(task):
        with run_beside(task) as running:
            begun.append(running)
            yield running

    run_beside = second_part.beside
    monkeypatch.setattr(second_part, "beside", beside)
    found = []
    for processes in (1, 2):
        with load(name, processes=processes, threads=2) as spotter:
            sharing = getattr(spotter.engine, "consecutive", lambda overlap: None)
            assert (sharing(spotter.overlap_frames) is not None) == shares_windows
            found.append(spotter.score(video))
    assert same(*found) and len(found[0].scores) >= 200
    assert len(begun) == 1 and begun[0].result(lambda: None).average is not None


@pytest.mark.parametrize("processes", [0, -1])
def test_there_is_one_process_at_least(processes):
    with pytest.raises(ConfigError, match="processes"):
        load("demo", processes=processes)


@pytest.mark.parametrize("name", ["match.mp4", "slow.mp4", "cut-after.mp4", "damage-after.mp4"])
def test_the_default_reads_the_broadcast_once(videos, rests, name, monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    first, shares = two("pictures"), []
    expected = AutoSpotter(tiny_spotter("pictures")).watch(videos / name)
    found = AutoSpotter(first).watch(videos / name, progress=shares.append)
    assert found.broadcast == expected.broadcast
    assert found.timeline.events == expected.timeline.events
    assert found.timeline.warnings == expected.timeline.warnings
    assert found.timeline.video == expected.timeline.video
    curves, others = found.timeline.scores, expected.timeline.scores
    assert np.array_equal(curves.values, others.values)
    assert np.array_equal(curves.seconds, others.seconds)
    assert len(rests) == 1 and shares[-1] == 1.0


@pytest.mark.parametrize("longer", [False, True])
def test_the_default_begins_again_where_the_parts_differ(video, rests, monkeypatch, longer):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    expected = AutoSpotter(tiny_spotter()).watch(video)
    first = two()
    take_over = second_part.Second.take_over

    def changed(self, *given):
        shown = rests[0].shown
        for values in (shown.seconds, shown.checksums):
            values[:] = [*values, values[-1]] if longer else values[:-1]
        return take_over(self, *given)

    monkeypatch.setattr(second_part.Second, "take_over", changed)
    found = AutoSpotter(first).watch(video)
    assert found.broadcast == expected.broadcast
    assert np.array_equal(found.timeline.scores.values, expected.timeline.scores.values)
    assert first.engine.windows > 25 and len(rests) == 1


class BrokenOffError(Exception):
    """What ends the first attempt."""


@pytest.mark.parametrize("share", [0.6, 0.95])
def test_kept_work_goes_on(video, rests, tmp_path, share):
    work = KeptWork(tmp_path / "kept", video, every_seconds=0.0)

    def break_off(done):
        if done > share:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        (two("pictures") if share == 0.6 else tiny_spotter("pictures")).score(
            video, kept=work, progress=break_off
        )
    first = two("pictures")
    assert same(first.score(video, kept=work), tiny_spotter("pictures").score(video))
    assert first.engine.windows <= 8
    assert len(rests) == (2 if share == 0.6 else 0), "behind the border nothing is left to share"


@pytest.mark.parametrize("opened", ["killed", "error"])
def test_where_the_second_process_fails_the_first_goes_on_alone(video, opened):
    broken = partial(open_broken, MediaError("the disk is gone", where="a.mp4"))
    open_again = open_and_die if opened == "killed" else broken
    found = tiny_spotter(open_again=open_again).score(video)
    assert same(found, tiny_spotter().score(video))


def test_a_fault_of_ours_in_the_second_process_is_not_hidden(video):
    with pytest.raises(ZeroDivisionError):
        tiny_spotter(open_again=partial(open_broken, ZeroDivisionError())).score(video)


def test_an_error_of_the_video_is_the_one_of_one_process(tmp_path):
    path = tmp_path / "none.mp4"
    path.write_text("not a video")
    lines = []
    for spotter in (tiny_spotter(), two()):
        with pytest.raises(InputError) as caught:
            spotter.score(path)
        lines.append(str(caught.value))
    assert lines[0] == lines[1]


SCRIPT = """
import sys
from functools import partial
from pathlib import Path
from test_two_processes import open_and_wait
from tiny_networks import tiny_spotter
from touchline.spotting import second_part

if __name__ == "__main__":
    second_part.SHORTEST_SECONDS = 2.0
    tiny_spotter(open_again=partial(open_and_wait, Path(sys.argv[2]))).score(sys.argv[1])
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux for processes")
def test_the_second_process_dies_with_the_first(video, tmp_path):
    pid, script = tmp_path / "pid", tmp_path / "script.py"
    script.write_text(SCRIPT)
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    first = subprocess.Popen(
        [sys.executable, script, video, pid],
        env={**os.environ, "PYTHONPATH": paths, "TMPDIR": str(scratch)},
    )
    while not (pid.exists() and pid.read_text()):
        assert first.poll() is None
        time.sleep(0.05)
    first.kill()
    first.wait()
    deadline = time.monotonic() + 60
    while Path("/proc", pid.read_text()).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [path.name for path in scratch.iterdir() if not path.name.startswith("pymp-")] == []


def test_an_average_goes_on_as_if_windows_were_added_one_by_one():
    rng = np.random.default_rng(0)
    for overlap in (0, 10, 15, 18):
        starts = range(-5, 300, 20 - overlap)
        border = starts[len(starts) // 2]
        windows = [
            Window(start, rng.normal(size=(20, 4)).astype(np.float32), np.ones(20, np.float32))
            for start in starts
        ]
        windows[0].valid[:5] = 0
        whole, first, later = (WindowAverage(4) for _ in range(3))
        for window in windows:
            whole.add(window.start, window.items, window.valid)
            if window.start < border:
                first.add(window.start, window.items, window.valid)
            else:
                later.add(window.start - border, window.items, window.valid)
        until = border + overlap
        first.append(border, later, [w for w in windows if border <= w.start < until], until)
        assert np.array_equal(first.mean(), whole.mean())
