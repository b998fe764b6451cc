"""The spotter: true times, flat memory, the same curves by every way through the network."""

import json
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from extras import needs
from small_videos import RATE, cut_off, write_uneven, write_video

import touchline
from touchline.errors import CheckpointError, MediaError, MissingExtraError
from touchline.media.video import Frame
from touchline.spotting import picture_spotter as module
from touchline.spotting.picture_spotter import Spotter
from touchline.zoo.cards import CardLabels, ModelCard
from touchline.zoo.store import ModelFolder

LABELS = ("a", "b", "c")
FRAME_SHAPE = (2, 2, 3)


class FakeEngine:
    """Answers at once: every frame is surely of the class ``its first pixel value mod 4``."""

    name = "fake"
    clip_len = 20
    num_outputs = 1 + len(LABELS)
    remarks = ()

    def __init__(self, shares_frames: bool = False, fails_at: int | None = None) -> None:
        self.shares_frames = shares_frames
        self.fails_at = fails_at
        self.windows: list[np.ndarray] = []
        self.closed = False

    def logits(self, frames, valid):
        if len(self.windows) == self.fails_at:
            raise CheckpointError("the network broke")
        self.windows.append(valid[0])
        return (10 * np.eye(4, dtype=np.float32))[frames[..., 0, 0, 0].astype(int) % 4]

    def submit(self, frames, valid):
        future: Future = Future()
        future.set_result(self.logits(frames, valid))
        return future

    def features(self, frames):
        return frames[:, 0, 0, :1].astype(np.float32)

    def head(self, features, valid):
        return self.logits(features[..., None, None], valid)

    def close(self):
        self.closed = True


def fake_spotter(rate: str = "25", **options) -> Spotter:
    card = ModelCard(
        name="fake",
        system="e2e-spot",
        config={},
        labels=CardLabels(name="abc", labels=LABELS),
        rate=rate,
        width=96,
        height=64,
    )
    return Spotter(ModelFolder(Path("fake"), card), FakeEngine(**options))


class FakeStream:
    """Frames out of nothing that know how many of them are alive."""

    truncated = False

    def __init__(self, count: int, error_at: int | None = None) -> None:
        self.count, self.error_at = count, error_at
        self.alive = self.most_alive = 0
        self.end_seconds = count / 25
        self.info = SimpleNamespace(
            path=Path("x.mp4"), frame_rate=RATE, duration_seconds=self.end_seconds, remarks=()
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.count):
            if index == self.error_at:
                raise MediaError("the disk broke")
            pixels = np.full(FRAME_SHAPE, index % 4, np.uint8)
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
            weakref.finalize(pixels, self._gone)
            yield Frame(index / 25, pixels)

    def _gone(self) -> None:
        self.alive -= 1


@pytest.fixture
def stream(monkeypatch):
    """Let the spotter read these frames instead of a file."""

    def use(stream: FakeStream) -> FakeStream:
        monkeypatch.setattr(module, "read_frames", lambda *args, **options: stream)
        return stream

    return use


def threads_left() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "touchline-prefetch"]


@pytest.mark.parametrize("shares_frames", [False, True])
@pytest.mark.parametrize("count", [1, 5, 14, 15, 16, 20, 21, 100])
def test_every_frame_gets_its_own_score_whatever_the_length(stream, shares_frames, count):
    stream(FakeStream(count))
    scores = fake_spotter(shares_frames=shares_frames).score("x.mp4").scores
    assert scores.seconds == pytest.approx(np.arange(count) / 25)
    wanted = np.eye(4)[np.arange(count) % 4][:, 1:]
    assert np.abs(scores.values - wanted).max() < 1e-3


def test_windows_are_the_published_ones(stream):
    stream(FakeStream(1))
    spotter = fake_spotter()
    spotter.score("x.mp4")
    (valid,) = spotter.engine.windows
    assert np.flatnonzero(valid).tolist() == [5]  # the first window starts five frames early


@pytest.mark.parametrize("shares_frames", [False, True])
def test_memory_stays_flat_over_a_long_video(stream, shares_frames):
    frames = stream(FakeStream(20_000))
    scores = fake_spotter(shares_frames=shares_frames).score("x.mp4").scores
    assert len(scores) == 20_000
    # Those read ahead, one window, and one batch of pictures.
    assert frames.most_alive <= 64 + 20 + 16 + 8


@pytest.mark.parametrize("shares_frames", [False, True])
def test_progress_grows_and_reaches_the_end(stream, shares_frames):
    stream(FakeStream(300))
    shares: list[float] = []
    fake_spotter(shares_frames=shares_frames).spot("x.mp4", progress=shares.append)
    assert len(shares) > 10
    assert shares == sorted(shares) and shares[-1] == 1.0


@pytest.mark.parametrize("shares_frames", [False, True])
def test_an_error_of_the_decoder_surfaces_and_ends_the_thread(stream, shares_frames):
    stream(FakeStream(1000, error_at=500))
    with pytest.raises(MediaError, match="the disk broke"):
        fake_spotter(shares_frames=shares_frames).spot("x.mp4")
    assert threads_left() == []


@pytest.mark.parametrize("shares_frames", [False, True])
def test_an_error_of_the_network_surfaces_and_ends_the_thread(stream, shares_frames):
    stream(FakeStream(1000))
    with pytest.raises(CheckpointError, match="the network broke"):
        fake_spotter(shares_frames=shares_frames, fails_at=3).spot("x.mp4")
    assert threads_left() == []


def test_leaving_the_context_closes_the_engine():
    with fake_spotter() as spotter:
        pass
    assert spotter.engine.closed


def test_times_are_those_of_the_frames_where_the_rate_varies(tmp_path):
    steps = [Fraction(1, 25), Fraction(1, 10), Fraction(3, 50)] * 20
    starts = [sum(steps[:i], Fraction(0)) for i in range(len(steps))]
    video = write_uneven(tmp_path / "uneven.mp4", starts)
    rate = Fraction(5)
    scores = fake_spotter(rate="5").score(video).scores
    grid = [Fraction(i) / rate for i in range(len(scores))]
    wanted = [max(start for start in starts if start <= at) for at in grid]
    assert scores.seconds == pytest.approx([float(w) for w in wanted], abs=1e-4)


def test_a_picture_that_stays_on_show_is_scored_at_every_step(tmp_path):
    starts = [Fraction(i, 25) for i in range(25)] + [
        Fraction(3) + Fraction(i, 25) for i in range(9)
    ]
    video = write_uneven(tmp_path / "gap.mp4", starts)
    scores = fake_spotter(rate="25").score(video).scores
    assert len(scores) == 3 * 25 + 9
    assert scores.seconds == pytest.approx(np.arange(len(scores)) / 25, abs=1e-3)


def test_a_slow_video_is_no_obstacle_to_a_fast_model(tmp_path):
    video = write_video(tmp_path / "slow.mp4", 24, rate=12)
    assert len(fake_spotter(rate="25").score(video).scores) == 50


def test_a_truncated_video_is_spotted_as_far_as_it_goes(tmp_path):
    whole = write_video(tmp_path / "whole.mp4", 200)
    part = cut_off(whole, tmp_path / "part.mp4", 0.6)
    timeline = fake_spotter().spot(part)
    assert len(timeline.warnings) == 1 and "damaged or cut off" in timeline.warnings[0]
    assert timeline.events[-1].seconds < timeline.video.duration_seconds < 7
    assert fake_spotter().spot(whole).warnings == ()


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("spotter") / "match.mp4", 200)


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_frames_that_are_shared_score_as_in_whole_windows(plain_model, video, engine):
    with touchline.load(plain_model, engine=engine, precision="fp32") as spotter:
        assert spotter.engine.shares_frames
        shared = spotter.score(video).scores
        spotter.engine.shares_frames = False
        whole = spotter.score(video).scores
    assert np.abs(shared.values - whole.values).max() < 1e-4
    assert (shared.seconds == whole.seconds).all()


def test_both_engines_say_the_same(plain_model, shifting_model, video):
    for model in (plain_model, shifting_model):
        values = []
        for engine in ("torch", "openvino"):
            with touchline.load(model, engine=engine, precision="fp32") as spotter:
                values.append(spotter.score(video).scores.values)
        assert np.abs(values[0] - values[1]).max() < 1e-4


def test_the_python_interface(plain_model, video, tmp_path):
    with touchline.load(plain_model, engine="openvino") as spotter:
        timeline = spotter.spot(video)
        certain = spotter.spot(str(video), threshold=0.99)
    assert all(isinstance(event, touchline.Event) for event in timeline)
    assert {event.source for event in timeline} == {"model"}
    assert len(certain) < len(timeline)
    assert timeline.model.name == "e2e-spot-rny002-gru"
    assert timeline.labels.labels == ("a", "b", "c")
    reel = touchline.highlights(timeline, seconds=20)
    assert 0 < reel.seconds <= 8
    reel.write(tmp_path / "reel.mp4", video=video)
    reel.write(str(tmp_path / "reel.otio"), video=str(video))
    touchline.write(timeline, tmp_path / "match.csv")
    touchline.write(timeline, tmp_path / "match.events.json")
    assert touchline.read(tmp_path / "match.events.json").events == timeline.events
    assert json.loads((tmp_path / "match.events.json").read_text())["labels"]


def test_a_timeline_as_a_table(stream):
    pandas = needs("pandas")
    stream(FakeStream(50))
    timeline = fake_spotter().spot("x.mp4")
    table = timeline.to_dataframe()
    assert isinstance(table, pandas.DataFrame)
    assert table["seconds"].tolist() == [event.seconds for event in timeline]
    assert {"label", "confidence", "team", "player", "note"} <= set(table.columns)


def test_a_table_without_pandas_names_what_is_missing(stream, monkeypatch):
    stream(FakeStream(1))
    timeline = fake_spotter().spot("x.mp4")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"touchline\[data\]"):
        timeline.to_dataframe()
