"""Export to ONNX, refused unless OpenVINO computes from the file what PyTorch computes."""

import copy
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from touchline.engines.networks import load_network
from touchline.engines.openvino_graph import EXACT_SHAPES, OnnxGraph
from touchline.errors import CheckpointError, ConfigError
from touchline.models.comedian import TUBELET_FRAMES, Comedian
from touchline.models.deploy import (
    DeployedHead,
    DeployedMaps,
    DeployedPictures,
    DeployedTemporalHead,
    DeployedWindows,
    PictureNetwork,
)
from touchline.models.e2e_spot import E2ESpot
from touchline.models.frame_stacking import FrameStacking
from touchline.models.parts.shift import REACH, fold_gates
from touchline.models.parts.splicing import RANGES
from touchline.models.stages import Stage, config_facts, stages_of
from touchline.models.tdeed import TDEED
from touchline.runtime.atomic import uninterrupted
from touchline.runtime.temporary import scratch_in
from touchline.zoo.cards import CARD_FILE, USUAL_OVERLAP, ModelCard, Storage, write_card
from touchline.zoo.store import (
    HEAD_FILE,
    INT8_FILES,
    ONNX_LAYOUTS,
    PICTURE_FILE,
    STAGES_FILE,
    WINDOW_FILE,
    ModelFolder,
    check_copy_target,
    sha256_of,
)

OPSET = 17

MAX_DIFFERENCE = 1e-4
"""Between outputs of PyTorch and OpenVINO, both float32."""

ROUNDING_MARGIN = 4
"""By how much more than PyTorch's own rounding error OpenVINO's may differ from it, where that
error is larger than ``MAX_DIFFERENCE`` (ASFormer can be so)."""

MAX_ROUNDING = 0.05

MAX_DIFFERENCE_HALF = 0.02
"""Between outputs relative to the largest, when weights are stored in float16."""

SMALLEST_HALVED = 256
"""Arrays with fewer numbers are stored in float32 all the same."""

_PICTURE_SIZES = ((48, 64), (64, 97), (51, 33))
"""Height and width of test pictures; the first is shown to the exporter."""

_MAP_SIZES = ((6, 8), (8, 13), (7, 5))
"""The same of test maps, for networks whose pictures are seen by themselves as maps."""

_STAGE_OUTPUT = "output"
_STAGE_COUNTS = (3, 9, 1)
"""Rows or clips that the graphs of stages are checked with."""


Inputs = dict[str, Tensor]


@dataclass(frozen=True)
class Part:
    """A module to export.

    Attributes:
        file: name of the graph's file.
        module: in evaluation mode.
        output: name of its output.
        flexible_axes: by input and output, the axes whose length stays free.
        example: inputs to trace it with.
        checks: inputs of other shapes, for which the graph must compute the same.
        more_outputs: names of those behind the first.
        fixed: inputs whose values shapes depend on.
        metadata: texts for the graph's file to carry.
    """

    file: str
    module: nn.Module
    output: str
    flexible_axes: dict[str, tuple[int, ...]]
    example: Inputs
    checks: tuple[Inputs, ...]
    more_outputs: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)

    def run(self, module: nn.Module, inputs: Inputs) -> tuple[Tensor, ...]:
        """All outputs of the module, or of another one in its place."""
        outputs = module(*inputs.values())
        return outputs if isinstance(outputs, tuple) else (outputs,)


def export_onnx(
    folder: ModelFolder, out: Path | None = None, *, storage: Storage = "fp32"
) -> ModelFolder:
    """Write the ONNX files of a model, and a card that names them.

    What sees every frame by itself goes to ``picture.onnx``, the rest to ``head.onnx``, so that
    overlapping clips need the first once. A backbone that shifts from its first stage on gives
    ``window.onnx`` in place of the first, which takes what an overlapping window before has made
    of the frames they share. One that shifts in its last stages gives it between the two, if its
    windows share enough. Batch (but not of ``window.onnx``), time (but not of T-DEED) and
    picture size stay free.
    A network of features gives a graph for each of its stages (``touchline.models.stages``), for
    any number of rows or clips, and ``stages.json``. An int8 variant of earlier graphs is removed.

    Args:
        folder: the model, with ``model.safetensors``.
        out: folder to write to; the model's own by default.
        storage: precision of the weights in the file; computation is not touched by it.

    Returns:
        The folder written to.

    Raises:
        CheckpointError: broken weights, or a file that does not compute what PyTorch computes;
            nothing is written then.
        ConfigError: a network without an export, which runs on PyTorch alone; or a folder that
            holds something else.
    """
    target = folder.path if out is None else out
    check_copy_target(target, folder)
    network = load_network(folder)
    reads_features = folder.card.features is not None
    if not isinstance(network, PictureNetwork) and not reads_features:
        raise ConfigError(
            f"model {folder.card.name}: networks of {folder.card.system} have no export",
            remedy="run it with PyTorch: --engine torch",
        )
    parts = _stage_parts(network) if reads_features else _parts(network, folder)
    with scratch_in(target, "export") as scratch:
        made = [export_part(part, scratch, storage) for part in parts]
        if reads_features:
            made.append(_write_stages(network.config, parts, scratch))
        names = [path.name for path in made]
        stale = {name for layout in ONNX_LAYOUTS for name in layout if name not in names}
        stale |= {name for pair in INT8_FILES.values() for name in pair}
        known = folder.card.files if out is None else {}
        files = {name: digest for name, digest in known.items() if name not in stale}
        files |= {path.name: sha256_of(path) for path in made}
        storages = {k: v for k, v in folder.card.storage.items() if k in files and k not in names}
        if storage != "fp32":
            storages |= dict.fromkeys(names, storage)
        card = folder.card.model_copy(update={"files": files, "storage": storages})
        write_card(card, scratch / CARD_FILE)
        with uninterrupted():
            for path in (*made, scratch / CARD_FILE):
                path.replace(target / path.name)
            for name in stale:
                (target / name).unlink(missing_ok=True)
    return ModelFolder(target, card)


def _parts(network: PictureNetwork, folder: ModelFolder) -> list[Part]:
    crop = folder.card.crop
    sizes = [(height + (crop or 0), width + (crop or 0)) for height, width in _PICTURE_SIZES]
    noise = torch.Generator().manual_seed(0)
    if isinstance(network, FrameStacking):
        # Whoever runs it pads pictures to such sizes, which leave nothing to pad inside.
        sizes = [(-(-height // 32) * 32, -(-width // 32) * 32) for height, width in sizes]
    if isinstance(network, FrameStacking | TDEED):
        pictures = _picture_part(
            DeployedPictures(network, crop), sizes, noise, feature_axes=(0, 2, 3)
        )
        if isinstance(network, TDEED) and (maps := _maps_part(network, folder, noise)):
            return [pictures, maps, _temporal_head_part(network, noise)]
        return [pictures, _clip_head_part(DeployedHead(network), noise)]
    if isinstance(network, Comedian):
        # Resized pixels are rounded: at these sizes sums are exact, whoever computes them.
        side, channels = network.config.image_size, 3 * TUBELET_FRAMES
        sizes = [(2 * side, side), (side, side), (side, 2 * side)]
        if crop is not None:
            sizes = [(crop, crop)] * len(sizes)
        return [
            _picture_part(DeployedPictures(network, crop), sizes, noise, channels=channels),
            _window_part(DeployedHead(network), noise, network.config.token_width),
        ]
    pictures = (
        _picture_part(DeployedPictures(network, crop), sizes, noise)
        if network.config.shares_frames
        else _shifting_part(network, folder, sizes, noise)
    )
    return [
        pictures,
        _head_part(DeployedHead(network), noise, network.config.backbone.features),
    ]


def _stage_parts(network: nn.Module) -> list[Part]:
    noise = torch.Generator().manual_seed(0)
    return [
        _stage_part(name, stage, noise)
        for name, stage in stages_of(network).items()
        if stage.exportable
    ]


def _stage_part(name: str, stage: Stage, noise: torch.Generator) -> Part:
    example = stage.example(4, noise)
    axes = {key: stage.flexible_axes.get(key, (0,)) for key in example} | {_STAGE_OUTPUT: (0,)}
    checks = tuple(stage.example(count, noise) for count in _STAGE_COUNTS)
    return Part(f"{name}.onnx", stage.eval(), _STAGE_OUTPUT, axes, example, checks)


def _write_stages(config: Any, parts: list[Part], folder: Path) -> Path:
    stages = {part.file.removesuffix(".onnx"): part.file for part in parts}
    told = {"format": "touchline-stages", "version": 1, "stages": stages}
    path = folder / STAGES_FILE
    text = json.dumps(told | {"config": config_facts(config)}, indent=2)
    path.write_text(text + "\n", "utf-8")
    return path


def _shifting_part(
    network: E2ESpot, folder: ModelFolder, sizes: list[tuple[int, int]], noise: torch.Generator
) -> Part:
    """Of a backbone that shifts in time, for a whole window or what is new of it."""
    card, longest = folder.card, network.config.clip_len
    windows = _Windows(longest, _shared_frames(card, longest), REACH[network.config.shift])
    module = DeployedWindows(network, card.crop, windows.overlap).eval()

    def given(size: tuple[int, int], steps: int) -> Inputs:
        valid = torch.ones(steps)
        valid[steps - steps // 4 :] = 0
        return {"frames": _pictures((steps, *size, 3), noise), "valid": valid}

    axes: dict[str, tuple[int, ...]] = {"frames": (0, 1, 2), "valid": (0,)}
    return _spliced_part(module, windows, given, sizes, axes, noise)


def _maps_part(network: TDEED, folder: ModelFolder, noise: torch.Generator) -> Part | None:
    """Of the stages that shift in time; None where windows share too little."""
    longest = network.config.clip_len
    windows = _Windows(longest, _shared_frames(folder.card, longest), REACH[network.config.shift])
    module = DeployedMaps(network, windows.overlap).eval()
    if not module.spliced.splices:
        return None

    def given(size: tuple[int, int], steps: int) -> Inputs:
        return {"features": torch.rand(steps, network.map_channels, *size, generator=noise)}

    axes: dict[str, tuple[int, ...]] = {"features": (0, 2, 3)}
    return _spliced_part(module, windows, given, list(_MAP_SIZES), axes, noise, output="vectors")


@dataclass(frozen=True)
class _Windows:
    """Windows of a network that shifts in time: their frames, how many of them the next one has
    too, and how far a block reaches."""

    frames: int
    overlap: int
    reach: int


def _shared_frames(card: ModelCard, clip_len: int) -> int:
    return int(clip_len * (USUAL_OVERLAP if card.overlap is None else card.overlap))


def _spliced_part(
    module: DeployedWindows | DeployedMaps,
    windows: _Windows,
    given: Callable[[tuple[int, int], int], Inputs],
    sizes: list[tuple[int, int]],
    axes: dict[str, tuple[int, ...]],
    noise: torch.Generator,
    output: str = "features",
) -> Part:
    """For a whole window or what is new of it.

    Args:
        given: of a size and steps, what the module takes of so many frames.
        axes: of these, whose length stays free.
    """
    longest, overlap, reach = windows.frames, windows.overlap, windows.reach
    count = len(module.spliced.splices)
    places = range(1, count + 1)
    lacking = [4 * reach] * (count - 1) + [overlap - 2 * reach * count] * (count > 0)

    def rows(size: tuple[int, int], *, whole: bool) -> Inputs:
        steps = longest if whole or not count else longest - overlap + 4 * reach
        inputs = given(size, steps)
        ends = (1, 2, 2, 3, min(5, steps), min(5, steps))
        keep = [torch.tensor(ends).reshape(RANGES, 2)] * count
        with torch.no_grad():
            _, *kept = module(*inputs.values(), *[None] * count, *keep)
        cached = [
            torch.rand(0 if whole else lack, *like.shape[1:], generator=noise)
            for lack, like in zip(lacking, kept, strict=True)
        ]
        inputs |= {f"cached_{place}": one for place, one in zip(places, cached, strict=True)}
        return inputs | {f"keep_{place}": one for place, one in zip(places, keep, strict=True)}

    example = rows(sizes[0], whole=False)
    flexible = axes | {output: (0,)}
    for place in places:
        shape = example[f"cached_{place}"].shape
        flexible[f"cached_{place}"] = flexible[f"kept_{place}"] = (
            (0, 2, 3) if len(shape) == 4 else (0,)
        )
    return Part(
        WINDOW_FILE,
        module,
        output,
        flexible,
        example,
        (rows(sizes[1], whole=True), rows(sizes[2], whole=False)),
        tuple(f"kept_{place}" for place in places),
        tuple(f"keep_{place}" for place in places),
        {"reach": str(reach), "overlap": str(overlap), "splices": str(count)},
    )


def _picture_part(
    module: DeployedPictures,
    sizes: list[tuple[int, int]],
    noise: torch.Generator,
    feature_axes: tuple[int, ...] = (0,),
    channels: int = 3,
) -> Part:
    def pictures(count: int, size: tuple[int, int]) -> Inputs:
        valid = torch.ones(count)
        valid[count // 2] = 0
        return {"frames": _pictures((count, *size, channels), noise), "valid": valid}

    return Part(
        PICTURE_FILE,
        module.eval(),
        "features",
        {"frames": (0, 1, 2), "valid": (0,), "features": feature_axes},
        pictures(2, sizes[0]),
        (pictures(5, sizes[1]), pictures(3, sizes[2])),
    )


def _window_part(module: DeployedHead, noise: torch.Generator, width: int) -> Part:
    """Of a network that takes vectors of windows up to a length."""
    longest = module.network.config.clip_len

    def features(count: int, steps: int) -> Inputs:
        return {"features": torch.rand(count, steps, width, generator=noise)}

    return Part(
        HEAD_FILE,
        module.eval(),
        "logits",
        {"features": (0, 1), "logits": (0, 1)},
        features(2, max(1, longest - 1)),
        (features(1, longest), features(3, -(-longest // 2)), features(4, 1)),
    )


def _head_part(module: DeployedHead, noise: torch.Generator, width: int) -> Part:
    config = module.network.config

    def features(count: int, steps: int) -> Inputs:
        return {"features": torch.rand(count, steps, width, generator=noise)}

    return Part(
        HEAD_FILE,
        module.eval(),
        "logits",
        {"features": (0, 1), "logits": (0, 1)},
        features(2, 7),
        (features(1, config.clip_len), features(3, 13), features(4, 1)),
    )


def _clip_head_part(module: DeployedHead, noise: torch.Generator) -> Part:
    """Of a network that takes clips of one length, on maps of any size."""
    network = module.network
    assert isinstance(network, FrameStacking | TDEED)

    def features(count: int, size: tuple[int, int]) -> Inputs:
        shape = (count, network.config.clip_len, network.map_channels, *size)
        return {"features": torch.rand(shape, generator=noise)}

    return Part(
        HEAD_FILE,
        module.eval(),
        "logits",
        {"features": (0, 3, 4), "logits": (0,)},
        features(2, _MAP_SIZES[0]),
        (features(1, _MAP_SIZES[1]), features(3, _MAP_SIZES[2])),
    )


def _temporal_head_part(network: TDEED, noise: torch.Generator) -> Part:
    """Of a network that takes vectors of clips of one length."""
    config = network.config

    def vectors(count: int) -> Inputs:
        shape = (count, config.clip_len, config.backbone.features)
        return {"vectors": torch.rand(shape, generator=noise)}

    return Part(
        HEAD_FILE,
        DeployedTemporalHead(network).eval(),
        "logits",
        {"vectors": (0,), "logits": (0,)},
        vectors(2),
        (vectors(1), vectors(3)),
    )


def _pictures(shape: tuple[int, ...], noise: torch.Generator) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=noise)


def export_part(part: Part, scratch: Path, storage: Storage) -> Path:
    """Write a part's file into a folder after it was found to compute what the module computes.

    Raises:
        CheckpointError: it does not; the file is of no use then.
    """
    path = scratch / part.file
    deployed = copy.deepcopy(part.module)
    fold_gates(deployed)
    with warnings.catch_warnings(), torch.no_grad(), _plain_attention():
        warnings.simplefilter("ignore")  # tracing warns of every shape it follows
        # The newer exporter has given wrong numbers for GRUs; this one is checked here anyway.
        torch.onnx.export(
            deployed,
            tuple(part.example.values()),
            path,
            input_names=list(part.example),
            output_names=[part.output, *part.more_outputs],
            dynamic_axes={
                name: {axis: f"{name}_{axis}" for axis in axes}
                for name, axes in part.flexible_axes.items()
            },
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    onnx.checker.check_model(model)
    if part.metadata:
        helper.set_model_props(model, part.metadata)
        onnx.save(model, path)
    _check(part, path, exact_difference)
    if storage == "fp16":
        halve(model)
        onnx.save(model, path)
        _check(part, path, coarse_difference)
    return path


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Transformers layer by layer: their fused form has no ONNX."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


Outputs = tuple[Tensor, ...]


def _check(part: Part, path: Path, difference: Callable[[Part, Inputs, Outputs], str]) -> None:
    for exact_shapes in (EXACT_SHAPES, 0):
        graph = OnnxGraph(path, "fp32", exact_shapes=exact_shapes, fixed=part.fixed)
        for inputs in part.checks:
            outputs = graph.outputs({k: v.numpy() for k, v in inputs.items()})
            found = tuple(map(torch.from_numpy, outputs))
            if complaint := difference(part, inputs, found):
                shapes = ", ".join(str(tuple(value.shape)) for value in inputs.values())
                raise CheckpointError(
                    f"{part.file} does not compute what PyTorch computes: {complaint} "
                    f"for inputs of {shapes}",
                    remedy="nothing was written; run this model with engine torch",
                )


def exact_difference(part: Part, inputs: Inputs, found: Outputs) -> str:
    """What is wrong with outputs that should equal the module's, or nothing."""
    with torch.no_grad():
        expected = part.run(part.module, inputs)
        for one, other in zip(expected, found, strict=True):
            if one.shape != other.shape:
                return f"shape {tuple(other.shape)} instead of {tuple(one.shape)}"
        worst = _difference(expected, found)
        if worst <= MAX_DIFFERENCE:
            return ""
        doubled = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
        rounding = _difference(part.run(copy.deepcopy(part.module).double(), doubled), expected)
    if rounding <= MAX_ROUNDING and worst <= ROUNDING_MARGIN * rounding:
        return ""
    return f"difference {worst:.2g}"


def _difference(expected: Outputs, found: Outputs) -> float:
    pairs = zip(expected, found, strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs if a.numel())


def coarse_difference(part: Part, inputs: Inputs, found: Outputs) -> str:
    """What is wrong with outputs of rounded weights, or nothing."""
    with torch.no_grad():
        expected = part.run(part.module, inputs)
    worst = max(
        float((a - b).abs().max() / a.abs().max().clamp(min=1))
        for a, b in zip(expected, found, strict=True)
        if a.numel()
    )
    return "" if worst <= MAX_DIFFERENCE_HALF else f"difference {worst:.2g} with float16 weights"


def halve(model: onnx.ModelProto) -> None:
    """Store float32 initialisers in float16, with a cast back to float32 before they are used.

    Raises:
        CheckpointError: a weight too large for float16.
    """
    casts = []
    for initialiser in model.graph.initializer:
        if initialiser.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(initialiser)
        if values.size < SMALLEST_HALVED:
            continue
        if not np.abs(values).max() <= np.finfo(np.float16).max:
            raise CheckpointError(f"{initialiser.name} does not fit float16", remedy="use fp32")
        name = initialiser.name
        initialiser.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
