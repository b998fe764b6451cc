"""Pictures of high dynamic range become ordinary ones."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from touchline.media import hdr
from touchline.media.video import probe, read_frames
from touchline.media.views import View, read_views

SIZE = (64, 36)
WHITE_203_NITS = {16: 572, 18: 721}
"""The 10-bit luma of reference white, by the number of the transfer (ITU-R BT.2408)."""


def write_hdr(
    path: Path, transfer: int, luma: int, *, colour_range: int = 1, matrix: int = 9
) -> Path:
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p10le"
        context = video.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, transfer, matrix
        context.color_range = colour_range
        for index in range(5):
            frame = av.VideoFrame(*SIZE, "yuv420p10le")
            for plane, level in zip(frame.planes, (luma, 512, 512), strict=True):
                plane.update(np.full(plane.buffer_size // 2, level, np.uint16).tobytes())
            frame.pts = index
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
    return path


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_tone_mapped(transfer: int, name: str, tmp_path: Path) -> None:
    levels = []
    for luma in (64, 300, WHITE_203_NITS[transfer], 900):
        path = write_hdr(tmp_path / f"{luma}.mp4", transfer, luma)
        with read_frames(path) as frames:
            pixels = [frame.pixels for frame in frames]
        assert len(pixels) == 5
        levels.append(float(np.mean(pixels)))
        assert np.ptp(pixels[0].reshape(-1, 3).mean(axis=0)) < 3
    assert levels == sorted(levels)
    assert levels[0] < 3
    assert 110 < levels[2] < 225
    assert levels[3] - levels[2] > 15
    (remark,) = probe(path).remarks
    assert name in remark and "BT.709" in remark


def test_ordinary_pictures_are_left_alone(tmp_path: Path) -> None:
    path = write_hdr(tmp_path / "sdr.mp4", 1, 502)
    assert probe(path).remarks == ()
    with read_frames(path) as frames:
        assert next(frames).pixels.mean() == pytest.approx((502 - 64) / 876 * 255, abs=2)


def test_hdr_of_full_range_and_another_matrix(tmp_path: Path) -> None:
    path = write_hdr(tmp_path / "full.mp4", 16, 0, colour_range=2, matrix=1)
    with read_frames(path, size=(32, 18)) as frames:
        pictures = [frame.pixels for frame in frames]
    assert len(pictures) == 5
    assert pictures[0].shape == (18, 32, 3)
    assert pictures[0].mean() < 3


def test_views_of_many_sizes_make_their_tables_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def plain(frame: av.VideoFrame, size: tuple[int, int]) -> av.filter.Graph:
        made.append(size)
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=Fraction(1, 25),
        )
        scale = graph.add("scale", f"{size[0]}:{size[1]}")
        rgb, sink = graph.add("format", "rgb24"), graph.add("buffersink")
        graph.link_nodes(source, scale, rgb, sink).configure()
        return graph

    monkeypatch.setattr(hdr, "_graph", plain)
    sizes = [(16, 16), (32, 16), (48, 16), (64, 32)]
    with read_views(write_hdr(tmp_path / "a.mp4", 18, 500), [View(size) for size in sizes]) as seen:
        shapes = [frame.pixels.shape for _, frame in seen]
    assert shapes == [(height, width, 3) for width, height in sizes] * 5
    assert made == sizes
