"""Engines give the network's logits, whatever computes them."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("onnx")

from model_folders import small_network, write_folder  # noqa: E402

import touchline.engines as engines  # noqa: E402
from touchline.engines import open_engine  # noqa: E402
from touchline.engines.export import export_onnx  # noqa: E402
from touchline.engines.openvino import OpenVINOEngine, agree  # noqa: E402
from touchline.errors import CheckpointError, ConfigError, MissingExtraError  # noqa: E402
from touchline.models.deploy import DeployedSpotter, Normalise  # noqa: E402
from touchline.zoo.store import ModelFolder, find  # noqa: E402

ENGINES = ("openvino", "torch")


@pytest.fixture(scope="module")
def networks():
    return {
        "rny002_gsm": small_network("rny002_gsm", "gru"),
        "rny002": small_network("rny002", "gru"),
    }


@pytest.fixture(scope="module")
def folders(networks, tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {
        arch: export_onnx(write_folder(root / arch, network)) for arch, network in networks.items()
    }


def clips(count=3, steps=6):
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (count, steps, 48, 64, 3), dtype=np.uint8)
    valid = np.ones((count, steps), np.float32)
    valid[0, :2] = valid[-1, -3:] = 0
    return frames, valid


def expected(network, frames, valid):
    with torch.inference_mode():
        spotter = DeployedSpotter(network).eval()
        return spotter(torch.from_numpy(frames), torch.from_numpy(valid)).numpy()


@pytest.mark.parametrize("arch", ["rny002_gsm", "rny002"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("precision", "tolerance"), [("fp32", 1e-4), ("bf16", 0.05), ("auto", 0.05)]
)
def test_logits(folders, networks, arch, engine, precision, tolerance):
    try:
        running = open_engine(folders[arch], engine=engine, precision=precision)
    except ConfigError:
        pytest.skip("this processor has no bfloat16")
    frames, valid = clips()
    logits = running.logits(frames, valid)
    assert logits.dtype == np.float32 and logits.shape == (3, 6, running.num_outputs)
    np.testing.assert_allclose(logits, expected(networks[arch], frames, valid), atol=tolerance)
    assert (running.clip_len, running.num_outputs) == (6, 4)
    running.close()


@pytest.mark.parametrize("cap", ["avx2", "AVX512_CORE"])
def test_who_keeps_onednn_to_older_instructions_gets_no_bfloat16(folders, cap, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", cap)
    with pytest.raises(ConfigError, match="bfloat16"):
        open_engine(folders["rny002"], engine="openvino", precision="bf16")
    assert open_engine(folders["rny002"], engine="openvino").name == "openvino fp32"


@pytest.mark.parametrize("engine", ENGINES)
def test_frames_passed_once_give_the_same_logits(folders, networks, engine):
    running = open_engine(folders["rny002"], engine=engine, precision="fp32")
    assert running.shares_frames
    assert not open_engine(folders["rny002_gsm"], engine=engine).shares_frames
    frames, valid = clips()
    features = running.features(frames.reshape(-1, 48, 64, 3))
    vectors = features.reshape(3, 6, -1)
    vectors[valid == 0] = np.nan
    logits = running.head(vectors, valid)
    np.testing.assert_allclose(logits, expected(networks["rny002"], frames, valid), atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_pixels_of_padding_do_not_matter(folders, engine):
    running = open_engine(folders["rny002_gsm"], engine=engine, precision="fp32")
    frames, valid = clips()
    black = frames * (valid[..., None, None, None] > 0).astype(np.uint8)
    np.testing.assert_array_equal(running.logits(frames, valid), running.logits(black, valid))


@pytest.mark.parametrize("engine", ENGINES)
def test_several_threads_may_ask_at_once(folders, networks, engine):
    running = open_engine(folders["rny002_gsm"], engine=engine, precision="fp32", threads=2)
    asked = [
        clips(count, steps) for count, steps in ((1, 6), (2, 4), (1, 3), (3, 5), (1, 6), (2, 2))
    ]
    submitted = [running.submit(*pair) for pair in asked]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda pair: running.logits(*pair), asked))
    for pair, answer, future in zip(asked, answers, submitted, strict=True):
        right = expected(networks["rny002_gsm"], *pair)
        np.testing.assert_allclose(answer, right, atol=1e-4)
        np.testing.assert_allclose(future.result(), right, atol=1e-4)
    running.close()


def test_agree_notices_moved_peaks_and_shifted_scores():
    exact = np.full((9, 3), 0.1, np.float32)
    exact[4, 1], exact[5, 1] = 0.5, 0.47
    coarse = exact.copy()
    assert agree(exact, coarse)
    coarse[4, 1], coarse[5, 1] = 0.48, 0.49
    assert not agree(exact, coarse)
    coarse = exact.copy()
    coarse[0, 0] += 0.06
    assert not agree(exact, coarse)
    coarse[0, 0] = np.nan
    assert not agree(exact, coarse)


@pytest.mark.parametrize("arch", ["rny002_gsm", "rny002"])
def test_auto_falls_back_where_bfloat16_would_move_scores(folders, networks, monkeypatch, arch):
    monkeypatch.setattr("touchline.engines.openvino.agree", lambda exact, coarse: False)
    running = OpenVINOEngine(folders[arch])
    frames, valid = clips()
    np.testing.assert_allclose(
        running.logits(frames, valid), expected(networks[arch], frames, valid), atol=1e-4
    )
    assert running.name == "openvino fp32"


def test_what_auto_chooses(folders, tmp_path, monkeypatch):
    folder = folders["rny002_gsm"]
    monkeypatch.setattr("touchline.engines.torch.accelerator", lambda: None)
    monkeypatch.setattr(engines, "may_have_gpu", lambda: True)
    assert open_engine(folder).name.startswith("openvino")
    no_onnx = write_folder(tmp_path / "plain", small_network("rny002", ""))
    assert open_engine(no_onnx).name.startswith("torch cpu")
    monkeypatch.setattr(engines, "_torch_installed", lambda: False)
    assert open_engine(folder).name.startswith("openvino")
    with pytest.raises(MissingExtraError, match=r"touchline\[torch\]"):
        open_engine(no_onnx)
    with pytest.raises(ConfigError, match="touchline models export"):
        open_engine(no_onnx, engine="openvino")
    with pytest.raises(ConfigError, match="no weights"):
        open_engine(ModelFolder(tmp_path, folder.card.model_copy(update={"files": {}})))


def test_without_a_gpu_nothing_waits_for_pytorch(folders):
    """The network's own format runs elsewhere: importing PyTorch would cost seconds and memory."""
    code = (
        "import sys; from touchline import engines; from touchline.zoo.store import find\n"
        "engines.may_have_gpu = lambda: False\n"
        f"engines.open_engine(find({str(folders['rny002'].path)!r}))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wrong_options_are_refused(folders):
    for options in ({"engine": "tpu"}, {"precision": "int3"}, {"threads": 0}):
        with pytest.raises(ConfigError):
            open_engine(folders["rny002"], **options)


def test_a_damaged_file_is_refused(tmp_path):
    folder = export_onnx(write_folder(tmp_path / "model", small_network("rny002", "")))
    path = folder.path / "head.onnx"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="checksum"):
        open_engine(find(folder.path), engine="openvino")


def test_normalisation():
    pixels = np.array([[[[255, 0, 0], [0, 255, 51]]]], np.uint8)
    rgb = Normalise("rgb")(torch.from_numpy(pixels))[0]
    np.testing.assert_allclose(
        rgb[:, 0, 0], [(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], atol=1e-6
    )
    grey = Normalise("bw")(torch.from_numpy(pixels))[0]
    np.testing.assert_allclose(
        grey[0, 0], [2 * 0.2989 - 1, 2 * (0.587 + 0.2 * 0.114) - 1], atol=1e-6
    )
    flow = Normalise("flow")(torch.from_numpy(pixels))[0]
    np.testing.assert_allclose(flow[:, 0, 1], [1.0, -0.6], atol=1e-6)


def test_openvino_sends_nothing_and_leaves_no_files_behind(tmp_path):
    code = "import touchline.engines.openvino, sys; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
    assert not list(tmp_path.iterdir())
