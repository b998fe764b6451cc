"""The sound of a whole programme: music beneath it, its loudness by EBU R128, its peaks."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from av.error import FFmpegError
from av.filter import Graph
from av.filter.context import FilterContext

from touchline.errors import MediaError
from touchline.media.sound_track import LAYOUTS, Samples, frame_of

R128_LUFS = -23.0
"""Programme loudness of EBU R 128 for broadcasting."""

WEB_LUFS = -14.0
"""Loudness to which streaming services turn what they play."""

LEAST_LUFS, GREATEST_LUFS = -40.0, -8.0

_SILENCE_LUFS = -60.0
_HIGHEST_PEAK = 0.8
"""Of a sample: -1.9 dB, which leaves room for peaks between samples and those of the codec."""

_DUCKING = "threshold=0.008:ratio=8:attack=30:release=600:knee=4"
_BLOCK = 4800


class Mixer:
    """Passes sound through filters of FFmpeg, sample for sample.

    Args:
        rate, channels: of the sound, and of the music beneath it.
        gain_db: added to the mix, whose peaks are limited then; None for the mix as it is.
        music: blocks (n, channels), turned down where there is sound; None for no music.
    """

    def __init__(
        self,
        rate: int,
        channels: int,
        gain_db: float | None = None,
        music: Iterable[Samples] | None = None,
    ) -> None:
        self._rate, self._channels = rate, channels
        self._music = None if music is None else _Queue(music, channels)
        self._given = 0
        self._graph = Graph()
        mixed = self._beginning()
        if gain_db is not None:
            mixed = self._after(mixed, "volume", f"{gain_db:.2f}dB")
            limit = f"limit={_HIGHEST_PEAK}:level=0:latency=1:attack=5:release=80"
            mixed = self._after(mixed, "alimiter", limit)
        layout = LAYOUTS[channels]
        mixed = self._after(mixed, "aformat", f"sample_fmts=fltp:channel_layouts={layout}")
        self._after(mixed, "abuffersink", None)
        self._graph.configure()

    def mix(self, samples: Samples) -> Iterator[Samples]:
        """Add samples (n, channels); yields what is ready, which may be less and come later."""
        for begin in range(0, len(samples), _BLOCK):
            block = samples[begin : begin + _BLOCK]
            self._push(block, 0)
            if self._music is not None:
                self._push(self._music.take(len(block)), 1)
            self._given += len(block)
            yield from self._ready()

    def finish(self) -> Iterator[Samples]:
        """Yield what the filters still hold."""
        for place in range(1 if self._music is None else 2):
            self._graph.push(None, at=place)
        yield from self._ready()

    def _beginning(self) -> FilterContext:
        sound = self._source()
        if self._music is None:
            return sound
        split = self._after(sound, "asplit", "2")
        ducked = self._graph.add("sidechaincompress", _DUCKING)
        self._source().link_to(ducked, 0, 0)
        split.link_to(ducked, 1, 1)
        mixed = self._graph.add("amix", "inputs=2:duration=first:normalize=0")
        split.link_to(mixed, 0, 0)
        ducked.link_to(mixed, 0, 1)
        return mixed

    def _source(self) -> FilterContext:
        return self._graph.add_abuffer(
            sample_rate=self._rate,
            format="fltp",
            layout=LAYOUTS[self._channels],
            time_base=Fraction(1, self._rate),
        )

    def _after(self, context: FilterContext, name: str, settings: str | None) -> FilterContext:
        added = self._graph.add(name, settings)
        context.link_to(added)
        return added

    def _push(self, samples: Samples, place: int) -> None:
        self._graph.push(frame_of(samples, self._rate, self._given), at=place)

    def _ready(self) -> Iterator[Samples]:
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            except FFmpegError as error:
                raise MediaError(f"sound cannot be mixed ({error.strerror})") from error
            assert isinstance(frame, av.AudioFrame)
            yield np.asarray(frame.to_ndarray().T, dtype=np.float32)


def loudness_of(blocks: Iterable[Samples], rate: int, channels: int) -> float | None:
    """The integrated loudness in LUFS (EBU R 128, ITU-R BS.1770); None for silence."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=rate,
        format="fltp",
        layout=LAYOUTS[channels],
        time_base=Fraction(1, rate),
    )
    meter = graph.add("ebur128", "metadata=1:framelog=quiet")
    graph.link_nodes(source, meter, graph.add("abuffersink")).configure()
    given, measured = 0, None
    for samples in blocks:
        graph.push(frame_of(samples, rate, given))
        given += len(samples)
        measured = _read(graph, measured)
    graph.push(None)
    measured = _read(graph, measured)
    return None if measured is None or measured < _SILENCE_LUFS else measured


def _read(graph: Graph, before: float | None) -> float | None:
    while True:
        try:
            stated = graph.pull().metadata.get("lavfi.r128.I")
        except (BlockingIOError, EOFError):
            return before
        before = before if stated is None else float(stated)


class _Queue:
    """Samples taken from blocks in any number; silence after the last."""

    def __init__(self, blocks: Iterable[Samples], channels: int) -> None:
        self._blocks = iter(blocks)
        self._held = np.zeros((0, channels), np.float32)

    def take(self, count: int) -> Samples:
        while len(self._held) < count:
            block = next(self._blocks, None)
            if block is None:
                missing = count - len(self._held)
                block = np.zeros((missing, self._held.shape[1]), np.float32)
            self._held = np.concatenate([self._held, block])
        taken, self._held = self._held[:count], self._held[count:]
        return taken
