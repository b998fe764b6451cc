"""OpenVINO on the processor, reading ONNX. Needs no PyTorch."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from touchline.engines import Floats, Frames, Inputs, Precision
from touchline.engines.onnx_files import inspect_onnx
from touchline.engines.openvino_graph import OnnxGraph, has_bfloat16, ov
from touchline.engines.trial import Trial, Way, trial
from touchline.engines.window_rows import NOTHING_KEPT, WindowRows
from touchline.errors import CheckpointError, ConfigError
from touchline.systems import SYSTEMS
from touchline.zoo.store import HEAD_FILE, ONNX_FILE, PICTURE_FILE, WINDOW_FILE, ModelFolder

MAX_SHIFT_OF_SCORES = 0.05
"""How far a probability may move in bfloat16 before float32 is used instead."""

MAX_SHIFT_AT_PEAK = 0.02
"""How far below a clear peak's height the score may be at the place where bfloat16 sees it."""

MAX_SHIFT_OF_OTHERS = 0.25
"""How far an output that is no class may move in bfloat16."""

CLEAR_PEAK = 0.2
CLIPS_TO_CHECK = 2
PICTURES_AT_ONCE = 16
PIXELS_AT_ONCE = 1 << 22
"""Larger pictures pass the picture network fewer at a time: four of 1280x736."""

_Arrays = Mapping[str, npt.NDArray[Any]]

TRIAL_PICTURES = 8
TRIAL_PIXELS = 1 << 20
"""Of all pictures of a trial: fewer of larger ones."""


def _graph_file(folder: ModelFolder, name: str, precision: str) -> Path:
    """A graph's file, or that of its int8 variant."""
    variant = folder.int8_files.get(name) if precision == "int8" else None
    if variant is None:
        return folder.file(name)
    graph, numbers = variant
    folder.file(numbers)  # OpenVINO finds it by its name, after it was found right here
    return folder.file(graph)


class _Spotter:
    """A network in one graph."""

    def __init__(
        self, folder: ModelFolder, precision: str, threads: int | None, requests: int
    ) -> None:
        self._graph = OnnxGraph(folder.file(ONNX_FILE), precision, threads, requests)

    def clip(self, frames: Frames, valid: Floats) -> Floats:
        """(1, T, H, W, 3), (1, T) -> (1, T, K+1)."""
        return self._graph({"frames": frames, "valid": valid})


class _Windows:
    """A graph that sees windows, and computes once what they share.

    It runs one window at a time, on all threads.
    """

    def __init__(
        self, folder: ModelFolder, precision: str, threads: int | None, clip_len: int
    ) -> None:
        path = folder.file(WINDOW_FILE)
        self._reach, self._overlap, self._splices = _sharing(path, clip_len)
        fixed = [f"keep_{place}" for place in range(1, self._splices + 1)]
        path = _graph_file(folder, WINDOW_FILE, precision)
        self._graph = OnnxGraph(path, precision, threads, fixed=fixed)
        self._clip_len = clip_len
        self._row_shapes: dict[tuple[int, ...], list[tuple[int, ...]]] = {}

    def rows(self, overlap: int) -> WindowRows | None:
        """For consecutive windows; None where they share too little."""
        if not self._splices or overlap < self._overlap:
            return None
        return WindowRows(self._clip_len, overlap, self._reach, self._splices)

    def whole(self, inputs: _Arrays) -> Floats:
        """(clip_len, ...) each -> (clip_len, D)."""
        return self._graph.outputs({**inputs, **self.nothing_shared(inputs)})[0]

    def nothing_shared(self, inputs: _Arrays) -> _Arrays:
        """What the graph takes beside a window that shares nothing."""
        cached = [np.zeros((0, *shape), np.float32) for shape in self._shapes(inputs)]
        return _beside(cached, [NOTHING_KEPT] * self._splices)

    def next(self, inputs: _Arrays, rows: WindowRows) -> Floats:
        """(clip_len, ...) each -> (clip_len, D).

        Args:
            rows: of the windows before.
        """
        while rows.start < 0:
            delay = -rows.start
            self._splice({name: np.roll(one, delay, 0) for name, one in inputs.items()}, rows)
        return self._splice(inputs, rows)

    def _splice(self, inputs: _Arrays, rows: WindowRows) -> Floats:
        """As ``next``; what comes next is in ``rows``."""
        cached = rows.cached(self._shapes(inputs))
        features, *kept = self._pass(
            {name: one[rows.frames] for name, one in inputs.items()}, cached, rows.keep
        )
        rows.put(kept)
        return features

    def _pass(
        self,
        inputs: _Arrays,
        cached: Sequence[Floats],
        keep: Sequence[npt.NDArray[np.int64]],
    ) -> list[Floats]:
        return self._graph.outputs({**inputs, **_beside(cached, keep)})

    def _shapes(self, inputs: _Arrays) -> list[tuple[int, ...]]:
        """Of a row at each splice."""
        name, frames = next(iter(inputs.items()))
        size = frames.shape[1:]
        if size not in self._row_shapes:
            known = self._graph.output_shapes({name: (self._clip_len, *size)})
            self._row_shapes[size] = [shape[1:] for shape in known[1:]]
        return self._row_shapes[size]


def _beside(cached: Sequence[Floats], keep: Sequence[npt.NDArray[np.int64]]) -> _Arrays:
    given: dict[str, npt.NDArray[Any]] = {}
    given |= {f"cached_{place}": one for place, one in enumerate(cached, 1)}
    given |= {f"keep_{place}": one for place, one in enumerate(keep, 1)}
    return given


class _WindowSpotter:
    """A network in two graphs, the first of which sees windows, and shares what they overlap."""

    def __init__(
        self, folder: ModelFolder, precision: str, threads: int | None, _requests: int
    ) -> None:
        self._clip_len = _clip_len(folder)
        self._windows = _Windows(folder, precision, threads, self._clip_len)
        self._head = OnnxGraph(folder.file(HEAD_FILE), precision, threads)

    def examples(self, frames: Frames) -> dict[str, _Arrays]:
        """What its graph that sees pictures takes of a few frames (N, H, W, 3) of a window."""
        given: _Arrays = {"frames": frames, "valid": np.ones(len(frames), np.float32)}
        return {WINDOW_FILE: {**given, **self._windows.nothing_shared(given)}}

    def try_pictures(self, frames: Frames) -> None:
        """Pass a few frames (N, H, W, 3) of a window."""
        self._windows.whole({"frames": frames, "valid": np.ones(len(frames), np.float32)})

    def rows(self, overlap: int) -> WindowRows | None:
        """See ``_Windows.rows``."""
        return self._windows.rows(overlap)

    def clip(self, frames: Frames, valid: Floats) -> Floats:
        """(1, T, H, W, 3), (1, T) -> (1, T, columns)."""
        steps = frames.shape[1]
        if steps > self._clip_len:
            raise ValueError(f"a clip of {steps} frames; at most {self._clip_len}")
        missing = ((0, self._clip_len - steps), *[(0, 0)] * 3)
        padded = {"frames": np.pad(frames[0], missing), "valid": np.pad(valid[0], missing[0])}
        return self._head({"features": self._windows.whole(padded)[None, :steps]})

    def next_window(self, frames: Frames, valid: Floats, rows: WindowRows) -> Floats:
        """(clip_len, H, W, 3), (clip_len,) -> (1, clip_len, columns).

        Args:
            rows: of the windows before.
        """
        if rows.start < 0 and not valid[-1]:  # it is the only one, or nearly so
            return self.clip(frames[None], valid[None])
        features = self._windows.next({"frames": frames, "valid": valid}, rows)
        return self._head({"features": features[None]})


def _sharing(path: Path, clip_len: int) -> tuple[int, int, int]:
    """Of a graph for windows: how far a block reaches, how many frames windows share at least, and
    at how many places they do."""
    metadata = inspect_onnx(path).metadata
    try:
        reach, overlap, splices = (int(metadata[x]) for x in ("reach", "overlap", "splices"))
        if not (reach >= 1 and splices >= 0 and 2 * reach * splices <= overlap < clip_len):
            raise ValueError
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            "does not say what windows share", where=path, remedy="export it again"
        ) from error
    return reach, overlap, splices


class _SplitSpotter:
    """A network in two graphs, the first of which sees every picture by itself."""

    def __init__(
        self, folder: ModelFolder, precision: str, threads: int | None, requests: int
    ) -> None:
        path = _graph_file(folder, PICTURE_FILE, precision)
        self._picture = OnnxGraph(path, precision, threads, requests)
        self._head = OnnxGraph(folder.file(HEAD_FILE), precision, threads, requests)
        self._padding: dict[tuple[int, ...], Floats] = {}
        self._frame_shape: tuple[int, ...] = (*folder.card.picture_size[::-1], 3)

    def examples(self, frames: Frames) -> dict[str, _Arrays]:
        """What its graphs that see pictures take of a few frames (N, H, W, C)."""
        return {PICTURE_FILE: {"frames": frames, "valid": np.ones(len(frames), np.float32)}}

    def try_pictures(self, frames: Frames) -> None:
        """Pass a few frames (N, H, W, C)."""
        self.features(frames)

    def features(self, frames: Frames) -> Floats:
        """(N, H, W, C) -> (N, ...), in parts of one size, so that one shape is compiled."""
        self._frame_shape = frames.shape[1:]
        at_once = _pictures_at_once(self._frame_shape)
        parts = []
        for start in range(0, len(frames), at_once):
            part = frames[start : start + at_once]
            count = len(part)
            if count < at_once:
                filler = np.zeros((at_once - count, *part.shape[1:]), np.uint8)
                part = np.concatenate((part, filler))
            valid = np.ones(at_once, np.float32)
            parts.append(self._picture({"frames": part, "valid": valid})[:count])
        return np.concatenate(parts)

    def head(self, features: Floats, valid: Floats) -> Floats:
        """(B, T, ...), (B, T) -> (B, T, columns)."""
        return self._head({"features": self._padded(features, valid)})

    def _padded(self, features: Floats, valid: Floats) -> Floats:
        if valid.all():
            return features
        known = valid.reshape(*valid.shape, *[1] * (features.ndim - valid.ndim)) > 0
        return np.where(known, features, self._padding_features())

    def clip(self, frames: Frames, valid: Floats) -> Floats:
        """(1, T, H, W, 3), (1, T) -> (1, T, columns)."""
        return self.head(self.features(frames[0])[None], valid)

    def repeated(self, frames: Frames, steps: int) -> Floats:
        """(N, H, W, 3) -> (1, steps, columns): of a clip in which these frames come round."""
        features = self.features(frames)
        clip = np.resize(features, (1, steps, *features.shape[1:]))
        return self.head(clip, np.ones((1, steps), np.float32))

    def _padding_features(self) -> Floats:
        shape = self._frame_shape
        if shape not in self._padding:
            at_once = _pictures_at_once(shape)
            frames = np.zeros((at_once, *shape), np.uint8)
            valid = np.zeros(at_once, np.float32)
            self._padding[shape] = self._picture({"frames": frames, "valid": valid})[0]
        return self._padding[shape]


class _MapSpotter(_SplitSpotter):
    """A network in three graphs: of every picture by itself, of windows of maps of these, and the
    head."""

    def __init__(
        self, folder: ModelFolder, precision: str, threads: int | None, requests: int
    ) -> None:
        super().__init__(folder, precision, threads, requests)
        self._windows = _Windows(folder, precision, threads, _clip_len(folder))

    def examples(self, frames: Frames) -> dict[str, _Arrays]:
        """See ``_SplitSpotter.examples``."""
        maps = _maps(self.features(frames))
        return super().examples(frames) | {
            WINDOW_FILE: {**maps, **self._windows.nothing_shared(maps)}
        }

    def try_pictures(self, frames: Frames) -> None:
        """See ``_SplitSpotter.try_pictures``."""
        self._windows.whole(_maps(self.features(frames)))

    def rows(self, overlap: int) -> WindowRows | None:
        """See ``_Windows.rows``."""
        return self._windows.rows(overlap)

    def head(self, features: Floats, valid: Floats) -> Floats:
        """(B, clip_len, C, h, w), (B, clip_len) -> (B, clip_len, columns)."""
        clips = self._padded(features, valid)
        return self._head({"vectors": np.stack([self._windows.whole(_maps(c)) for c in clips])})

    def next_window(self, features: Floats, valid: Floats, rows: WindowRows) -> Floats:
        """(clip_len, C, h, w), (clip_len,) -> (1, clip_len, columns).

        Args:
            rows: of the windows before.
        """
        if rows.start < 0 and not valid[-1]:  # it is the only one, or nearly so
            return self.head(features[None], valid[None])
        maps = _maps(self._padded(features, valid))
        return self._head({"vectors": self._windows.next(maps, rows)[None]})


def _maps(clip: Floats) -> _Arrays:
    return {"features": np.ascontiguousarray(clip)}


def _pictures_at_once(shape: tuple[int, ...]) -> int:
    """How many pictures (H, W, C) pass the picture network in one go."""
    return max(1, min(PICTURES_AT_ONCE, PIXELS_AT_ONCE // (shape[0] * shape[1])))


_Network = _Spotter | _SplitSpotter | _WindowSpotter
_Sharing = _WindowSpotter | _MapSpotter

_KINDS: dict[tuple[str, ...], type[_Network]] = {
    (PICTURE_FILE, WINDOW_FILE, HEAD_FILE): _MapSpotter,
    (WINDOW_FILE, HEAD_FILE): _WindowSpotter,
    (PICTURE_FILE, HEAD_FILE): _SplitSpotter,
    (ONNX_FILE,): _Spotter,
}


class OpenVINOEngine:
    """An ``Engine`` on OpenVINO.

    Args:
        folder: the model; its ONNX files are read.
        precision: ``"auto"`` is bfloat16 where the processor has it and the first clips' scores
            stay where float32 has them, else float32; of a model with an int8 variant, the fastest
            of what there is, by a trial at the first use on a machine.
        threads: processor threads at most.
        int8: whether ``"auto"`` may choose it.

    Raises:
        CheckpointError: files that are broken, or that OpenVINO cannot run. Where ``"auto"`` would
            try a broken int8 variant, ``remarks`` says so instead.
        ConfigError: ``"bf16"`` on a processor without it, ``"int8"`` of a model without it.
    """

    def __init__(
        self,
        folder: ModelFolder,
        precision: Precision = "auto",
        threads: int | None = None,
        *,
        int8: bool = True,
    ) -> None:
        self.shares_frames = PICTURE_FILE in folder.onnx_files
        self.clip_len = _clip_len(folder)
        self.num_outputs = folder.card.num_outputs
        row = SYSTEMS.get(folder.card.system)
        self._scores = _sigmoid if row is not None and row.multi_label else _softmax
        has_bf16 = has_bfloat16()
        if precision == "bf16" and not has_bf16:
            raise ConfigError("this processor has no bfloat16", remedy="use auto or fp32")
        if precision == "int8" and not folder.int8_files:
            copy = " --out FOLDER, and name that" if folder.origin == "packaged" else ""
            raise ConfigError(
                f"model {folder.card.name} has no int8 variant",
                remedy=f"run: touchline models quantize {folder.card.name}{copy}",
            )
        requests = _requests(threads)
        self.remarks: tuple[str, ...] = ()

        def at(chosen: str) -> _Network:
            return _KINDS[folder.onnx_files](folder, chosen, threads, requests)

        chosen: str = precision
        network: _Network | None = None
        if precision == "auto":
            chosen = "bf16" if has_bf16 else "fp32"
            if int8 and folder.int8_files:
                try:
                    fastest = trial_of(folder, threads).fastest
                    network, chosen = at(fastest), fastest
                except CheckpointError as error:
                    self.remarks = (f"runs in {chosen}, not in int8: {error}",)
        self._network = network or at(chosen)
        self._exact = at("fp32") if precision == "auto" and chosen != "fp32" else None
        self._unchecked = CLIPS_TO_CHECK
        self.name = f"openvino {chosen}"
        self._check = threading.Lock()
        self._workers = ThreadPoolExecutor(requests, thread_name_prefix="touchline-openvino")

    def logits(self, frames: Frames, valid: Floats) -> Floats:
        """See ``Engine.logits``."""
        return self.submit(frames, valid).result()

    def submit(self, frames: Frames, valid: Floats) -> Future[Floats]:
        """See ``Engine.submit``. Clips run one by one, so that one shape is compiled."""
        valid = np.ascontiguousarray(valid, np.float32)
        return _joined(
            [
                self._workers.submit(self._clip, frames[i : i + 1], valid[i : i + 1])
                for i in range(len(frames))
            ]
        )

    def features(self, frames: Frames) -> Floats:
        """See ``Engine.features``."""
        with self._check:
            if self._exact is not None:
                self._compare(lambda network: _split(network).repeated(frames, self.clip_len))
        return _split(self._network).features(frames)

    def head(self, features: Floats, valid: Floats) -> Floats:
        """See ``Engine.head``."""
        return _split(self._network).head(features, np.ascontiguousarray(valid, np.float32))

    def consecutive(self, overlap: int) -> Callable[[Inputs, Floats], Floats] | None:
        """See ``ConsecutiveWindows``."""
        if not isinstance(self._network, _Sharing) or self._network.rows(overlap) is None:
            return None
        rows: dict[_Network, WindowRows | None] = {}

        def logits(window: Inputs, valid: Floats) -> Floats:
            def run(network: _Network) -> Floats:
                assert isinstance(network, _Sharing)
                own = rows.setdefault(network, network.rows(overlap))
                assert own is not None
                return network.next_window(window, valid, own)

            with self._check:
                if self._exact is not None and not self.shares_frames:
                    return self._compare(run)[0]
            for other in [known for known in rows if known is not self._network]:
                del rows[other]
            return run(self._network)[0]

        return logits

    def examples(self, frames: Frames) -> dict[str, _Arrays]:
        """What the graphs that see pictures take of a few consecutive ones, by their files.

        Args:
            frames: (N, H, W, C) uint8, N at most ``clip_len``.
        """
        assert not isinstance(self._network, _Spotter)
        return self._network.examples(frames)

    def close(self) -> None:
        """See ``Engine.close``."""
        self._workers.shutdown(cancel_futures=True)

    def _clip(self, frames: Frames, valid: Floats) -> Floats:
        with self._check:
            if self._exact is not None:
                return self._compare(lambda network: network.clip(frames, valid))
        return self._network.clip(frames, valid)

    def _agree(self, expected: Floats, outputs: Floats) -> bool:
        """Whether classes agree, see ``agree``, and what comes after them, such as displacements,
        moves by less than ``MAX_SHIFT_OF_OTHERS``."""
        classes = slice(self.num_outputs)
        moved = np.abs(expected - outputs)[..., self.num_outputs :]
        return bool((moved < MAX_SHIFT_OF_OTHERS).all()) and agree(
            self._scores(expected[..., classes])[0], self._scores(outputs[..., classes])[0]
        )

    def _compare(self, run: Callable[[_Network], Floats]) -> Floats:
        """Run a clip in both precisions, and stay with float32 for good if they disagree."""
        exact = self._exact
        if exact is None:
            return run(self._network)
        expected, logits = run(exact), run(self._network)
        if not self._agree(expected, logits):
            if self.name.endswith("int8"):
                self.remarks = ("runs in fp32: int8 moves the scores of the first pictures",)
            self._network, self._exact = exact, None
            self.name = "openvino fp32"
            return expected
        self._unchecked -= 1
        if self._unchecked == 0:
            self._exact = None
        return logits


def _requests(threads: int | None) -> int:
    """How many calls compute at the same time."""
    return 1 if threads == 1 or os.cpu_count() == 1 else 2


def trial_of(folder: ModelFolder, threads: int | None = None) -> Trial:
    """How fast a few pictures pass a model with an int8 variant here, in every precision.

    Raises:
        CheckpointError: files that are broken, or that OpenVINO cannot run.
    """
    card = folder.card
    frames = _noise(folder)

    def way(precision: str) -> Way:
        def opened() -> Callable[[], object]:
            network = _KINDS[folder.onnx_files](folder, precision, threads, _requests(threads))
            assert not isinstance(network, _Spotter)  # has no graph that sees pictures alone
            return lambda: network.try_pictures(frames)

        return opened

    files = [*folder.onnx_files, *(file for pair in folder.int8_files.values() for file in pair)]
    facts = {
        "files": {name: card.files[name] for name in files},
        "pictures": list(frames.shape),
        "threads": threads,
        "openvino": ov.__version__,
        "instructions": os.environ.get("ONEDNN_MAX_CPU_ISA", ""),
    }
    precisions = ("fp32", "bf16", "int8") if has_bfloat16() else ("fp32", "int8")
    return trial(f"model {card.name}", facts, {name: way(name) for name in precisions})


def _noise(folder: ModelFolder) -> Frames:
    """A few pictures (N, H, W, C) about as large as the model's, for a trial."""
    # Some networks are given pictures with margins, up to the next multiple of 32.
    width, height = (-(-side // 32) * 32 for side in folder.card.picture_size)
    count = max(1, min(TRIAL_PICTURES, TRIAL_PIXELS // (width * height)))
    graph = next(iter(folder.int8_files))
    channels = ov.Core().read_model(folder.file(graph)).input("frames").partial_shape[3]
    shape = (count, height, width, channels.get_length())
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _split(network: _Network) -> _SplitSpotter:
    if not isinstance(network, _SplitSpotter):
        raise TypeError("frames of this network are not independent of each other")
    return network


def agree(expected: Floats, scores: Floats) -> bool:
    """Whether coarser scores stand for the exact ones: no score far off, no clear peak moved.

    Args:
        expected: (T, K+1) probabilities.
        scores: (T, K+1) the same, computed more coarsely.
    """
    if not np.abs(expected - scores).max() < MAX_SHIFT_OF_SCORES:
        return False
    peaks = expected[:, 1:].max(axis=0)
    at_coarse_peaks = np.take_along_axis(expected[:, 1:], scores[None, :, 1:].argmax(axis=1), 0)[0]
    moved = (peaks > CLEAR_PEAK) & (at_coarse_peaks < peaks - MAX_SHIFT_AT_PEAK)
    return not moved.any()


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _sigmoid(logits: Floats) -> Floats:
    """Of classes that are scored by themselves, behind a background of 0."""
    return np.pad(1 / (1 + np.exp(-logits)), ((0, 0), (0, 0), (1, 0)))


def _clip_len(folder: ModelFolder) -> int:
    value = folder.card.config.get("clip_len")
    if not isinstance(value, int) or not 1 <= value <= 100_000:
        raise CheckpointError("the card's config has no clip_len", where=folder.path)
    return value


def _joined(parts: list[Future[Floats]]) -> Future[Floats]:
    """One future of the concatenation of all parts, without a thread that waits."""
    whole: Future[Floats] = Future()
    whole.set_running_or_notify_cancel()
    left, lock = [len(parts)], threading.Lock()

    def arrived(_part: Future[Floats]) -> None:
        with lock:
            left[0] -= 1
            if left[0]:
                return
        for part in parts:
            if part.cancelled():
                whole.set_exception(RuntimeError("the engine was closed"))
                return
            if error := part.exception():
                whole.set_exception(error)
                return
        whole.set_result(np.concatenate([part.result() for part in parts]))

    for part in parts:
        part.add_done_callback(arrived)
    return whole
