"""One pass shows everything to everybody, in order, and says what was amiss."""

from fractions import Fraction

import numpy as np
import pytest
from small_videos import cut_off, write_sound_only, write_video

from touchline.broadcast.cuts import Cut
from touchline.broadcast.one_pass import (
    SOUND_RATE_HZ,
    THUMBNAIL,
    Resumption,
    meeting_seconds,
    observe,
    open_pass,
)
from touchline.broadcast.signals import SignalReader, with_wipes
from touchline.broadcast.wipes import Wipe
from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.video import read_frames
from touchline.media.views import View


class Seen:
    def __init__(self) -> None:
        self.times: list[float] = []
        self.shapes: set[tuple[int, ...]] = set()

    def see(self, time_seconds: float, picture: np.ndarray) -> None:
        self.times.append(time_seconds)
        self.shapes.add(picture.shape)


class Heard:
    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []
        self.starts: list[float] = []

    def hear(self, start_seconds: float, samples: np.ndarray, rate_hz: int) -> None:
        assert rate_hz == SOUND_RATE_HZ
        self.starts.append(start_seconds)
        self.blocks.append(samples)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("pass") / "a.mp4", 150)


def test_everybody_sees_and_hears_all_in_order(video):
    every, rated, heard = Seen(), Seen(), Heard()
    views = [(THUMBNAIL, every), (View(rate=Fraction(2)), rated)]
    report = observe(video, views, [heard])
    assert every.times == pytest.approx(np.arange(150) / 25)
    assert len(rated.times) == 12
    assert every.shapes == {(36, 64, 3)} and rated.shapes == {(64, 96, 3)}
    sound = np.concatenate(heard.blocks)
    assert np.array_equal(sound, np.concatenate(list(read_audio(video))))
    lengths = [len(block) for block in heard.blocks]
    assert heard.starts == pytest.approx(np.cumsum([0, *lengths[:-1]]) / SOUND_RATE_HZ)
    assert report.end_seconds == pytest.approx(6.0)
    assert not report.truncated and report.notes == ()


def test_a_view_asked_for_twice_is_made_once_and_shown_to_both(video):
    first, second = Seen(), Seen()
    observe(video, [(THUMBNAIL, first), (THUMBNAIL, second)])
    assert first.times == second.times


def test_sound_keeps_up_with_the_picture(video):
    order: list[tuple[str, float]] = []

    class Both(Seen, Heard):
        def see(self, time_seconds, picture):
            order.append(("picture", time_seconds))

        def hear(self, start_seconds, samples, rate_hz):
            order.append(("sound", start_seconds))

    both = Both()
    observe(video, [(THUMBNAIL, both)], [both])
    picture = 0.0
    for kind, seconds in order:
        if kind == "picture":
            picture = seconds
        else:
            assert seconds <= max(picture, 0.0) + 1.0 or picture > 5.9


def test_progress_rises_to_the_end_and_may_stop_it(video):
    said: list[float] = []
    observe(video, progress=lambda done, total: said.append(done / total))
    assert said == sorted(said) and said[-1] == pytest.approx(1.0)

    class StopError(Exception):
        pass

    def stop(done: float, total: float) -> None:
        raise StopError

    with pytest.raises(StopError):
        observe(video, [(THUMBNAIL, Seen())], progress=stop)


def test_a_part_keeps_the_clock_of_the_whole(video):
    seen, heard = Seen(), Heard()
    observe(video, [(THUMBNAIL, seen)], [heard], start_seconds=2, end_seconds=4)
    assert (seen.times[0], seen.times[-1]) == pytest.approx((2.0, 3.96))
    assert heard.starts[0] == 2.0
    assert sum(len(block) for block in heard.blocks) == 2 * SOUND_RATE_HZ


@pytest.mark.parametrize("rate", [None, Fraction(2), Fraction(25, 12), Fraction(30)])
@pytest.mark.parametrize("size", [None, (40, 24)])
@pytest.mark.parametrize("part", [(0, None), (Fraction(7, 3), 4)])
def test_frames_that_are_pulled_are_those_of_the_reader_of_frames(video, rate, size, part):
    seen, heard = Seen(), Heard()
    view = View(size, rate)
    start, end = part
    with open_pass(
        video, view, [(THUMBNAIL, seen)], [heard], start_seconds=start, end_seconds=end
    ) as frames:
        pulled = list(frames)
    with read_frames(video, rate=rate, size=size, start_seconds=start, end_seconds=end) as stream:
        own = list(stream)
    assert [frame.seconds for frame in pulled] == [frame.seconds for frame in own]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(pulled, own, strict=True))
    assert (frames.end_seconds, frames.truncated) == (stream.end_seconds, stream.truncated)
    alone, ear = Seen(), Heard()
    report = observe(video, [(THUMBNAIL, alone)], [ear], start_seconds=start, end_seconds=end)
    assert seen.times == alone.times and len(seen.times) > 30
    assert np.array_equal(np.concatenate(heard.blocks), np.concatenate(ear.blocks))
    assert frames.report == report


def test_observers_keep_up_with_the_frames_that_are_pulled(video):
    seen, heard = Seen(), Heard()
    with open_pass(video, View(rate=Fraction(2)), [(THUMBNAIL, seen)], [heard]) as frames:
        for frame in frames:
            assert len(seen.times) >= round(frame.seconds * 25)
            assert sum(map(len, heard.blocks)) >= (frame.seconds - 1.0) * SOUND_RATE_HZ
            with pytest.raises(RuntimeError):
                frames.report  # noqa: B018
    assert frames.report.end_seconds == pytest.approx(6.0)


def test_an_observer_may_look_at_the_very_view_that_is_pulled(video):
    seen = Seen()
    view = View(rate=Fraction(2))
    with open_pass(video, view, [(view, seen)]) as frames:
        assert [frame.seconds for frame in frames] == seen.times != []


def test_a_pass_that_is_left_early_closes_the_file(video):
    with open_pass(video, THUMBNAIL) as frames:
        next(frames)
    assert list(frames) == []


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(50), Fraction(30000, 1001)])
@pytest.mark.parametrize("breaks", [0.3, 1.7, 3.9])
def test_a_pass_goes_on_where_an_earlier_one_was(tmp_path, rate, breaks):
    path = write_video(tmp_path / "video.mp4", round(4 * rate), rate=rate)
    bug, network = View((40, 24), Fraction(2)), View((48, 32), Fraction(25, 2))

    def looked(start, resumption=None, stop=None):
        thumbnails, pictures, heard, pauses = Seen(), Seen(), Heard(), []
        with open_pass(
            path,
            network,
            [(THUMBNAIL, thumbnails), (bug, pictures)],
            [heard],
            start_seconds=start,
            resumption=resumption,
            pause=lambda seen: pauses.append((seen, len(thumbnails.times), len(pictures.times))),
        ) as frames:
            pulled = [(frame.seconds, frame.pixels.tobytes()) for frame in frames]
        return thumbnails.times, pictures.times, np.concatenate(heard.blocks), pulled, pauses

    start = Fraction(1, 5)
    whole = looked(start)
    seen, thumbs, bugs = next(one for one in whole[-1] if (one[0][0] or 0) >= breaks)
    begin = meeting_seconds([network, THUMBNAIL, bug], start, breaks - 0.1)
    assert begin <= max(start, breaks - 0.1)
    rest = looked(start, Resumption(begin, seen))
    assert rest[0] == whole[0][thumbs:] and rest[1] == whole[1][bugs:]
    assert np.array_equal(rest[2], whole[2])
    given = round((begin - start) * Fraction(25, 2))
    assert rest[3] == whole[3][given:] and len(rest[3]) > 0


def test_a_silent_video_is_fine_and_said(tmp_path):
    path = write_video(tmp_path / "silent.mp4", 100, sound=False)
    reader = SignalReader()
    report = observe(path, reader.pictures, reader.sounds)
    assert report.notes == ("has no sound",)
    assert report.sound_end_seconds is None
    signals = reader.finish(report.seconds, has_sound=report.sound_end_seconds is not None)
    assert signals.sound is None and not signals.excitement.heard
    assert len(signals.excitement.values) == 8


def test_a_damaged_end_is_said_and_what_was_before_it_kept(tmp_path):
    whole = write_video(tmp_path / "whole.mp4", 200)
    path = cut_off(whole, tmp_path / "cut.mp4", 0.6)
    seen = Seen()
    report = observe(path, [(THUMBNAIL, seen)], [Heard()])
    assert report.truncated
    assert len(seen.times) > 50
    assert any("damaged" in note and "0:08" in note for note in report.notes)


def test_files_that_are_no_video_are_refused(tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    for path in (text, tmp_path / "missing.mp4", write_sound_only(tmp_path / "sound.mp4")):
        with pytest.raises(MediaError):
            observe(path, [(THUMBNAIL, Seen())])


def test_cuts_within_a_wipe_are_the_wipe():
    cuts = (Cut(1.0), Cut(4.9), Cut(5.1), Cut(9.0))
    merged = with_wipes(cuts, (Wipe(5.0, 4.6, 5.4),))
    assert [(cut.seconds, cut.kind) for cut in merged] == [(1, "hard"), (5, "wipe"), (9, "hard")]
