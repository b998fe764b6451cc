"""Pictures of high dynamic range (PQ, HLG) as ordinary ones: BT.709, tone-mapped by FFmpeg."""

import threading
from collections import OrderedDict
from fractions import Fraction

import av
from av.filter import Graph

TRANSFERS = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of high dynamic range, by their number in ITU-T H.273."""

_PRIMARIES_BT2020 = 9
_MATRIX_BT2020 = 9
_UNSPECIFIED = (0, 2)
_GRAPHS_KEPT = 2


def hdr_name(frame: av.VideoFrame) -> str | None:
    """``PQ`` or ``HLG``; None for a picture of ordinary range."""
    return TRANSFERS.get(int(frame.color_trc))


class ToneMapper:
    """Maps pictures to 8-bit BT.709 RGB of one coded size.

    The filter is that of libswscale, with the perceptual intent: highlights are rolled off, colours
    outside BT.709 are drawn in. Its table takes some 5 s of processor to make, so the last ones of
    a thread are kept for the clips and stills that follow.
    """

    _kept = threading.local()

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._kind: tuple[object, ...] = ()
        self._graph = Graph()

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The picture as rgb24 of the size.

        Raises:
            FFmpegError: it cannot be converted.
        """
        if int(frame.color_primaries) in _UNSPECIFIED:
            frame.color_primaries = _PRIMARIES_BT2020
        if int(frame.colorspace) in _UNSPECIFIED:
            frame.colorspace = _MATRIX_BT2020
        picture = (frame.width, frame.height, frame.format.name)
        colours = (frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range)
        kind = (*picture, *map(int, colours), *self._size)
        if kind != self._kind:
            self._graph = self._graph_for(frame, kind)
            self._kind = kind
        self._graph.push(frame)
        mapped = self._graph.pull()
        assert isinstance(mapped, av.VideoFrame)
        return mapped

    def _graph_for(self, frame: av.VideoFrame, kind: tuple[object, ...]) -> Graph:
        graphs: OrderedDict[object, Graph] = self._kept.__dict__.setdefault("graphs", OrderedDict())
        graph = graphs.pop(kind, None) or _graph(frame, self._size)
        graphs[kind] = graph
        while len(graphs) > _GRAPHS_KEPT:
            graphs.popitem(last=False)
        return graph


def _graph(frame: av.VideoFrame, size: tuple[int, int]) -> Graph:
    graph = Graph()
    source = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:"
        f"time_base={Fraction(1, 1000)}:colorspace={int(frame.colorspace)}:"
        f"range={'pc' if int(frame.color_range) == 2 else 'tv'}",
    )
    mapping = graph.add(
        "scale",
        f"{size[0]}:{size[1]}:flags=bilinear:"
        "out_transfer=bt709:out_primaries=bt709:intent=perceptual",
    )
    graph.link_nodes(source, mapping, graph.add("format", "rgb24"), graph.add("buffersink"))
    graph.configure()
    return graph
