"""Windows that share frames say what each of them says by itself."""

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("onnx")

from model_folders import small_network, write_folder  # noqa: E402

from touchline.engines import open_engine, openvino_graph  # noqa: E402
from touchline.engines.export import export_onnx  # noqa: E402
from touchline.engines.window_rows import WindowRows  # noqa: E402
from touchline.models.deploy import (  # noqa: E402
    DeployedMaps,
    DeployedSpotter,
    DeployedWindows,
    Normalise,
    normalised,
)
from touchline.models.parts.shift import REACH, fold_gates  # noqa: E402
from touchline.models.tdeed import TDEED, TDEEDConfig  # noqa: E402
from touchline.spotting.picture_spotter import Spotter  # noqa: E402

SIZE = (33, 35)


def whole(network, frames, valid):
    with torch.inference_mode():
        spotter = DeployedSpotter(network).eval()
        return spotter(torch.from_numpy(frames)[None], torch.from_numpy(valid)[None])[0].numpy()


def features_alone(network, frames, valid):
    pictures = normalised(*map(torch.from_numpy, (frames, valid)), Normalise("rgb"), "mean")
    return network.features(pictures[None])[0].numpy()


def video(frames):
    return np.random.default_rng(0).integers(0, 256, (frames, *SIZE, 3), dtype=np.uint8)


def sensitive(network):
    """Weights for which frames at the limit of a block's reach count."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if ".gsm.conv3D.weight" in name:
                weight.normal_(0, 0.3)
            elif "bn" in name and name.endswith("weight"):
                weight.fill_(1)  # blocks begin without what is not their shortcut
    return network


@pytest.mark.parametrize(
    ("arch", "clip_len", "overlap", "exported", "fold"),
    [
        ("rn18_tsm", 20, 10, 10, False),
        ("rny002_tsm", 21, 15, 10, False),
        ("rny002_tsm", 60, 30, 30, False),
        ("rn18_gsm", 21, 10, 10, True),
        ("rny002_gsm", 20, 13, 8, False),
        ("rny002_gsm", 44, 33, 22, True),
    ],
)
def test_every_shift_over_windows(arch, clip_len, overlap, exported, fold):
    network = sensitive(small_network(arch, "gru", clip_len))
    module = DeployedWindows(network, None, exported).eval()
    reach, count = REACH[network.config.shift], len(module.spliced.splices)
    assert count >= 1
    if fold:
        fold_gates(module)
    rows = WindowRows(clip_len, overlap, reach, count)
    step = clip_len - overlap
    frames = video(clip_len + 3 * step)
    valid = np.ones(len(frames), np.float32)
    valid[:5] = valid[-step - 2 :] = 0
    keep = [torch.from_numpy(ranges) for ranges in rows.keep]

    def features_of(picked, ok, cached):
        arrays = map(torch.from_numpy, (picked, ok))
        return module(*arrays, *cached, *keep)

    with torch.inference_mode():
        shapes = [kept.shape[1:] for kept in features_of(frames[:9], valid[:9], [None] * count)[1:]]
        for window in range(4):
            begin = window * step
            while rows.start <= begin:
                index = rows.start + rows.frames
                known = valid[index.clip(0)] * (index >= 0)
                cached = map(torch.from_numpy, rows.cached(shapes))
                features, *kept = features_of(frames[index.clip(0)], known, cached)
                rows.put([rows_.numpy() for rows_ in kept])
            inside = slice(begin, begin + clip_len)
            expected = features_alone(network, frames[inside], valid[inside])
            largest = np.abs(expected).max()
            np.testing.assert_allclose(features.numpy(), expected, rtol=0, atol=1e-5 * largest)


def sensitive_tdeed(arch, clip_len):
    torch.manual_seed(0)
    network = TDEED(TDEEDConfig(arch, 3, clip_len, 1, 3, 2)).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if ".gs.conv3D.weight" in name:
                weight.normal_(0, 0.3)
            elif ".gs.channel_conv" in name and weight.ndim > 1:
                weight.normal_(0, 3)
            elif "bn" in name and name.endswith("weight"):
                weight.fill_(1)
    return network


@pytest.mark.parametrize(
    ("arch", "clip_len", "overlap", "exported"),
    [("rny002_gsf", 33, 24, 18), ("rny002_gsf", 96, 72, 72), ("rny002_gsm", 21, 14, 12)],
)
def test_the_last_stages_over_windows(arch, clip_len, overlap, exported):
    network = sensitive_tdeed(arch, clip_len)
    module = DeployedMaps(network, exported).eval()
    count = len(module.spliced.splices)
    assert count >= 1
    rows = WindowRows(clip_len, overlap, REACH[network.config.shift], count)
    step = clip_len - overlap
    maps = torch.randn(clip_len + 3 * step, network.map_channels, 3, 2)
    keep = [torch.from_numpy(ranges) for ranges in rows.keep]
    with torch.inference_mode():
        shapes = [kept.shape[1:] for kept in module(maps[:9], *[None] * count, *keep)[1:]]
        for begin in range(0, 4 * step, step):
            while rows.start <= begin:
                cached = map(torch.from_numpy, rows.cached(shapes))
                index = (rows.start + rows.frames).clip(0)
                vectors, *kept = module(maps[index], *cached, *keep)
                rows.put([rows_.numpy() for rows_ in kept])
            expected = network._shifted_part()(maps[begin : begin + clip_len])
            largest = float(expected.abs().max())
            np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-5 * largest)


@pytest.mark.parametrize("overlap", [15, 17, 10])
def test_a_video_through_the_graphs_of_a_tdeed(tmp_path, overlap):
    network = sensitive_tdeed("rny002_gsf", 20)
    folder = write_folder(tmp_path / "model", network, size=SIZE[::-1], overlap=0.75)
    folder = export_onnx(folder)
    assert set(folder.onnx_files) == {"picture.onnx", "window.onnx", "head.onnx"}
    with Spotter(folder, open_engine(folder, engine="openvino", precision="fp32")) as spotter:
        spotter.overlap_frames = overlap
        assert (spotter.engine.consecutive(overlap) is None) == (overlap < 15)
        for count in (3, 47):
            for window, found in spotter.windows_of(iter(video(count))):
                pixels = window.valid[:, None, None, None] * shown(window, count)
                expected = whole(network, pixels.astype(np.uint8), window.valid)
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def shown(window, count):
    """The frames of a window of features."""
    return video(count)[(window.start + np.arange(len(window.valid))).clip(0, count - 1)]


@pytest.fixture(scope="module")
def shifting():
    return sensitive(small_network("rn18_tsm", "gru", 20))


@pytest.fixture(scope="module")
def spotter(shifting, tmp_path_factory):
    path = tmp_path_factory.mktemp("consecutive") / "model"
    folder = export_onnx(write_folder(path, shifting, size=SIZE[::-1]))
    with Spotter(folder, open_engine(folder, engine="openvino", precision="fp32")) as spotter:
        yield spotter


@pytest.mark.parametrize(("count", "overlap"), [(1, 10), (15, 10), (26, 10), (47, 10), (37, 15)])
def test_a_video_of_any_length_on_openvino(spotter, shifting, count, overlap):
    spotter.overlap_frames = overlap
    assert spotter.engine.consecutive(overlap) is not None
    for window, found in spotter.windows_of(iter(video(count))):
        expected = whole(shifting, window.items, window.valid)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_windows_that_share_too_little_are_whole(spotter, shifting):
    spotter.overlap_frames = 5
    assert spotter.engine.consecutive(5) is None
    for window, found in spotter.windows_of(iter(video(40))):
        expected = whole(shifting, window.items, window.valid)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_videos_side_by_side_do_not_mix(spotter):
    frames = video(60)
    valid = np.ones(20, np.float32)
    streams = [spotter.engine.consecutive(10) for _ in range(2)]
    for begin in (0, 10, 20):
        forward, backward = frames[begin : begin + 20], frames[::-1][begin : begin + 20]
        for logits_of, window in zip(streams, (forward, backward), strict=True):
            alone = spotter.engine.logits(window[None], valid[None])[0]
            np.testing.assert_allclose(logits_of(window, valid), alone, atol=1e-5)


@pytest.mark.parametrize("agrees", [True, False])
def test_both_precisions_pass_the_first_windows(spotter, shifting, monkeypatch, agrees):
    monkeypatch.setattr("touchline.engines.openvino.has_bfloat16", lambda: True)
    monkeypatch.setitem(openvino_graph._HINTS, "bf16", "f32")  # for processors without it
    monkeypatch.setattr("touchline.engines.openvino.agree", lambda exact, coarse: agrees)
    engine = open_engine(spotter.folder, engine="openvino")
    logits_of = engine.consecutive(10)
    frames, valid = video(60), np.ones(20, np.float32)
    for begin in range(0, 40, 10):
        window = frames[begin : begin + 20]
        np.testing.assert_allclose(
            logits_of(window, valid), whole(shifting, window, valid), atol=1e-5
        )
    assert engine.name == ("openvino bf16" if agrees else "openvino fp32")
    engine.close()
