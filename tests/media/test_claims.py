"""Small files that claim much: memory and work follow what is there, not what is claimed."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.error import FFmpegError
from mp4_boxes import fragment, three_pictures, track, words, write_mp4
from small_videos import write_video

from touchline.errors import MediaError
from touchline.media.audio import read_audio
from touchline.media.decoding import MAX_READ_FAILURES, PictureSource, StreamDecoder
from touchline.media.indexes import MAX_ATTACHED_BYTES
from touchline.media.limits import DEFAULT_LIMITS
from touchline.media.opening import open_media
from touchline.media.video import probe, read_frames

HOUR = 3600 * 25


def three(**changes: object) -> bytes:
    return track(**{"sizes": [60] * 3, "durations": [(3, 1)]} | changes)  # type: ignore[arg-type]


CLAIMS = {
    "samples of one size": [track(sizes=[], durations=[(6_000_000, 1)], claimed=6_000_000,
                                  size_of_all=1)],
    "samples of no size": [track(sizes=[], durations=[(500_000, 1)], claimed=500_000)],
    "chunks of sound": [three(), track(sizes=[], durations=[(1 << 31, 1)], claimed=1 << 31,
                                       size_of_all=4, sound=True, chunks=[32] * 9,
                                       samples_a_chunk=1 << 30)],
    "edits": [track(sizes=[1] * 9000, durations=[(9000, 1)], edits=[(360_000, 0)] * 2000)],
}  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_an_index_that_claims_more_than_the_file_holds_is_not_read(tmp_path, monkeypatch, claim):
    path = write_mp4(tmp_path / "a.mp4", *CLAIMS[claim])
    monkeypatch.setattr(av, "open", None)  # FFmpeg must not be asked
    with pytest.raises(MediaError, match=r"a\.mp4: (claims|has) \d+ (samples|edits)"):
        open_media(path)


@pytest.mark.parametrize("kind", [b"styp", b"junk", b"udta", b"abcd"])
def test_a_box_before_it_hides_no_index(tmp_path, monkeypatch, kind):
    path = write_mp4(tmp_path / "a.mp4", *CLAIMS["edits"])
    path.write_bytes(b"\x00\x00\x00\x08" + kind + path.read_bytes())
    monkeypatch.setattr(av, "open", None)
    with pytest.raises(MediaError, match=r"a\.mp4: has \d+ edits"):
        open_media(path)


def test_fragments_that_claim_more_than_the_file_holds_are_not_read(tmp_path, monkeypatch):
    empty = track(sizes=[], durations=[], chunks=[])
    path = write_mp4(tmp_path / "a.mp4", empty, behind=fragment(1 << 24) * 2)
    monkeypatch.setattr(av, "open", None)
    with pytest.raises(MediaError, match="claims 16777216 samples"):
        open_media(path)


@pytest.mark.parametrize("options", [{}, {"movflags": "frag_keyframe+empty_moov"}])
def test_files_with_real_tables_are_read(tmp_path, options):
    given, path = write_video(tmp_path / "given.mp4", 60), tmp_path / "a.mov"
    with av.open(str(given)) as source, av.open(str(path), "w", options=options) as made:
        picture = made.add_stream_from_template(source.streams.video[0])
        sound = made.add_stream("pcm_s16le", rate=48000, layout="stereo")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = picture
                made.mux(packet)
        for _ in range(50):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "stereo")
            block.sample_rate = 48000
            made.mux(sound.encode(block))
        made.mux(sound.encode(None))
    assert len(list(read_frames(path))) == 60
    assert sum(map(len, read_audio(path))) > 16000


def ebml(identifier: str, content: bytes) -> bytes:
    return bytes.fromhex(identifier) + (len(content) | 1 << 56).to_bytes(8, "big") + content


@pytest.mark.parametrize("pointed", [False, True], ids=["in order", "behind a pointer"])
def test_huge_attachments_are_not_read(tmp_path, pointed):
    attached = ebml("1941a469", ebml("61a7", ebml("465c", bytes(1000))))
    huge = bytes.fromhex("1941a469") + (MAX_ATTACHED_BYTES + 1 | 1 << 56).to_bytes(8, "big")
    head = ebml("1a45dfa3", ebml("4282", b"matroska"))
    if pointed:  # behind a cluster of unknown size
        seek = ebml("4dbb", ebml("53ab", bytes.fromhex("1941a469")) + ebml("53ac", words(100)))
        begin = ebml("114d9b74", seek) + bytes.fromhex("1f43b675") + b"\xff"
        body = begin.ljust(100, b"\0")
    else:
        body = attached
    path = tmp_path / "a.mkv"
    with path.open("wb") as file:
        file.write(head + bytes.fromhex("18538067") + b"\x01" + b"\xff" * 7 + body + huge)
        file.truncate(file.tell() + MAX_ATTACHED_BYTES + 1)
    with pytest.raises(MediaError, match="has 32 MiB of attachments"):
        open_media(path)


LENGTHS = {
    "between pictures": ([(3, HOUR)], 25),
    "of the last picture": ([(2, 1), (1, 3 * HOUR)], 25),
    "beyond any clock": ([(3, 0x7FFFFFFF)], 1_000_000),
    "without a scale": ([(3, 1)], 0),
    "in whole seconds": ([(3, 4000)], 1),
}


@pytest.mark.parametrize("length", LENGTHS)
def test_three_pictures_are_no_hours_of_work(tmp_path, length):
    path = three_pictures(tmp_path / "a.mp4", *LENGTHS[length])
    believed = 60 + path.stat().st_size / 100
    info = probe(path)
    assert info.duration_seconds <= believed
    frames = read_frames(path, rate=2)
    assert sum(1 for _ in frames) <= 2 * (believed + 2)
    assert length == "without a scale" or frames.truncated
    assert length == "without a scale" or "too small" in " ".join(info.remarks)


def test_a_still_of_minutes_in_a_file_of_some_size_counts(tmp_path):
    path = three_pictures(tmp_path / "a.mp4", [(1, 25), (1, 300 * 25), (1, 25)])
    with path.open("ab") as file:
        file.write(words(50_000) + b"free" + bytes(50_000 - 8))
    frames = list(read_frames(path, rate=1))
    assert len(frames) == 302
    assert probe(path).duration_seconds == pytest.approx(302)
    assert not probe(path).remarks


def test_how_much_reading_has_borne(tmp_path):
    path = three_pictures(tmp_path / "a.mp4", [(1, 25), (1, 50 * 25), (1, 25)])
    with read_frames(path) as frames:
        assert frames.strain == 0
        list(frames)
        assert frames.strain == pytest.approx(49 / (60 + path.stat().st_size / 100))
    with PictureSource(path, DEFAULT_LIMITS) as source:
        decoder = StreamDecoder(FailingReads(12), source.stream, lambda packet: [])
        assert list(decoder.frames()) == []
        assert (decoder.failed_reads, decoder.gave_up) == (12, False)
        source._decoder = decoder
        assert source.strain == 12 / MAX_READ_FAILURES


class FailingReads:
    """A container that cannot be read so many times, and is at its end then."""

    def __init__(self, times: int) -> None:
        self.left = times

    def demux(self, streams):
        if self.left:
            self.left -= 1
            raise FFmpegError(5, "broken")
        return iter(())


def test_sound_behind_hours_of_silence_is_not_waited_for(tmp_path):
    path = tmp_path / "a.mka"
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        for start in (0, 1024, 3 * 3600 * 48000):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            block.sample_rate, block.pts, block.time_base = 48000, start, Fraction(1, 48000)
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    path = path.rename(tmp_path / "a.mkv")
    assert sum(map(len, read_audio(path))) < 120 * 16000
