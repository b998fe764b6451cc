"""What OpenVINO computes from an exported file is what PyTorch computes, or nothing is written."""

import os

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
onnx = needs("onnx")

from model_folders import small_network, write_folder  # noqa: E402

from touchline.cli.main import TerminatedError  # noqa: E402
from touchline.engines import export as export_module  # noqa: E402
from touchline.engines import open_engine  # noqa: E402
from touchline.engines.export import export_onnx  # noqa: E402
from touchline.engines.networks import load_network  # noqa: E402
from touchline.engines.openvino_graph import OnnxGraph  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.models.deploy import DeployedHead, DeployedSpotter, Normalise  # noqa: E402
from touchline.models.e2e_spot import BACKBONES, FEATURE_ARCHS  # noqa: E402
from touchline.models.parts.temporal_heads import HEADS  # noqa: E402
from touchline.runtime.temporary import temporary_name  # noqa: E402
from touchline.zoo.store import find  # noqa: E402


def clips(count, steps, size=(48, 64)):
    rng = np.random.default_rng(count * 100 + steps)
    frames = rng.integers(0, 256, (count, steps, *size, 3), dtype=np.uint8)
    valid = np.ones((count, steps), np.float32)
    valid[-1, steps - 1 :] = 0
    return frames, valid


def of_pytorch(network, frames, valid, crop=None):
    with torch.inference_mode():
        spotter = DeployedSpotter(network, crop).eval()
        return spotter(torch.from_numpy(frames), torch.from_numpy(valid)).numpy()


SEEN_NEVER = ((1, 6, (48, 64)), (3, 4, (48, 64)), (2, 5, (37, 50)), (2, 1, (40, 40)))
"""Clips, their length, their pictures' size: none is what the export was made with."""


def check_export(tmp_path, arch, head, shapes=SEEN_NEVER, **options):
    network = small_network(arch, head, **options)
    folder = export_onnx(write_folder(tmp_path / "model", network))
    engine = open_engine(find(folder.path), engine="openvino", precision="fp32")
    for count, steps, size in shapes:
        frames, valid = clips(count, steps, size)
        np.testing.assert_allclose(
            engine.logits(frames, valid), of_pytorch(network, frames, valid), atol=1e-4
        )
    assert engine.shares_frames == ("_" not in arch)
    engine.close()


SEVERAL_SHAPES = (("rny002_gsm", "gru"), ("rn18_tsm", "mstcn"), ("rny002", "gru"))


@pytest.mark.slow
@pytest.mark.parametrize(("arch", "head"), SEVERAL_SHAPES)
def test_an_export_equals_pytorch_on_shapes_it_never_saw(tmp_path, arch, head):
    check_export(tmp_path, arch, head)


MEMBERS = (
    [(arch, head) for arch in FEATURE_ARCHS for head in HEADS]
    if os.environ.get("EVERY_MEMBER")
    else [("rny002_gsm", head) for head in HEADS if head != "gru"]
    + [(f"{backbone}_gsm", "gru") for backbone in BACKBONES if backbone != "rny002"]
    + [("rny002_tsm", "gru"), ("rn18", "gru"), ("convnextt", "gru")]
)
"""Every backbone, every head and every shift: the export of one does not know the others.
``EVERY_MEMBER=1`` makes it all of them, which takes a quarter of an hour."""


@pytest.mark.slow
@pytest.mark.parametrize(("arch", "head"), MEMBERS)
def test_every_member_of_the_family_exports(tmp_path, arch, head):
    check_export(tmp_path, arch, head, shapes=[(3, 4, (37, 50))])


@pytest.mark.parametrize("size", [(224, 448), (448, 224), (672, 224)])
def test_resized_pictures_are_pytorch_s_where_shapes_are_free(tmp_path, size):
    """Their pixels are rounded, so the last bit of a weight tells where two average to a half."""
    normalise = Normalise("tubelet", side=224)
    normalise.scale, normalise.shift = torch.ones(3, 1, 1), torch.zeros(3, 1, 1)
    path = tmp_path / "resized.onnx"
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8))
    axes = {"frames": {1: "height", 2: "width"}}
    torch.onnx.export(
        normalise, (frames,), path, input_names=["frames"], dynamic_axes=axes, dynamo=False
    )
    graph = OnnxGraph(path, "fp32", exact_shapes=0)
    (found,) = graph.outputs({"frames": frames.numpy()})
    assert np.array_equal(found, normalise(frames).numpy())


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["bw", "flow"])
def test_modalities_are_normalised_inside(tmp_path, modality):
    shapes = [(3, 4, (37, 50))]
    check_export(tmp_path, "rny002", "", shapes=shapes, modality=modality)


@pytest.mark.slow
def test_half_storage_halves_the_file_and_keeps_the_scores(tmp_path):
    network = small_network("rny002", "gru")
    full = export_onnx(write_folder(tmp_path / "full", network), tmp_path / "full-out")
    half = export_onnx(write_folder(tmp_path / "half", network, half=True), storage="fp16")
    for name in ("picture.onnx", "head.onnx"):
        ratio = (half.path / name).stat().st_size / (full.path / name).stat().st_size
        assert ratio < 0.6
        assert half.card.storage[name] == "fp16"
    weights = (half.path / "model.safetensors").stat().st_size
    assert weights < 0.52 * (tmp_path / "full" / "model.safetensors").stat().st_size
    frames, valid = clips(2, 5)
    engine = open_engine(half, engine="openvino", precision="fp32")
    np.testing.assert_allclose(
        engine.logits(frames, valid), of_pytorch(network, frames, valid), atol=0.02
    )


def test_a_crop_happens_inside(tmp_path):
    network = small_network("rny002", "")
    folder = export_onnx(write_folder(tmp_path / "model", network, size=(70, 47), crop=32))
    frames, valid = clips(1, 3, (47, 70))
    frames[:, :, :8] = frames[:, :, 40:] = frames[:, :, :, :19] = frames[:, :, :, 51:] = 0
    expected = of_pytorch(network, frames[:, :, 8:40, 19:51], valid)
    for engine in ("openvino", "torch"):
        logits = open_engine(folder, engine=engine, precision="fp32").logits(frames, valid)
        np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_a_file_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "model", small_network("rny002", "gru"))
    before = sorted(path.name for path in folder.path.iterdir())
    monkeypatch.setattr(
        DeployedHead,
        "forward",
        lambda self, features: self.network.head(features) + float(features.sum()),
    )
    with pytest.raises(CheckpointError, match="does not compute"):
        export_onnx(folder)
    assert sorted(path.name for path in folder.path.iterdir()) == before
    assert find(folder.path).card == folder.card


@pytest.mark.parametrize("ending", [KeyboardInterrupt, TerminatedError])
def test_an_export_that_is_stopped_leaves_nothing(tmp_path, monkeypatch, ending):
    folder = write_folder(tmp_path / "model", small_network("rny002", "gru"))
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    calls = []

    def stop_at_the_second(model):
        calls.append(model)
        if len(calls) == 2:
            raise ending

    monkeypatch.setattr(onnx.checker, "check_model", stop_at_the_second)
    for out in (None, tmp_path / "out"):
        calls.clear()
        with pytest.raises(ending):
            export_onnx(folder, out)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before
    assert not (tmp_path / "out").exists()


def test_what_a_killed_export_left_is_removed_by_the_next(tmp_path):
    folder = write_folder(tmp_path / "model", small_network("rny002", ""))
    left = temporary_name(folder.path / "export")
    left.mkdir()
    (left / "model.onnx").touch()
    export_onnx(folder)
    assert not left.exists()


def test_exporting_elsewhere_leaves_the_model_alone(tmp_path):
    folder = write_folder(tmp_path / "model", small_network("rny002", ""))
    made = export_onnx(folder, tmp_path / "out")
    assert made.onnx_files and not made.has_weights
    assert not find(folder.path).onnx_files
    assert find(made.path).card.labels == folder.card.labels


def test_weights_too_large_for_half_are_refused():
    big = onnx.numpy_helper.from_array(np.full(1000, 1e6, np.float32), "w")
    graph = onnx.helper.make_graph([], "g", [], [], [big])
    with pytest.raises(CheckpointError, match="float16"):
        export_module.halve(onnx.helper.make_model(graph))


@pytest.mark.parametrize("half", [False, True])
def test_weights_survive_storage(tmp_path, half):
    network = small_network("rny002_gsm", "gru")
    loaded = load_network(write_folder(tmp_path / "model", network, half=half))
    for key, value in network.state_dict().items():
        rounded = half and value.ndim >= 2
        stored = value.half().float() if rounded else value
        assert torch.equal(loaded.state_dict()[key], stored), key
