"""Models of features on plain videos: the same as extracting first, and one line for what is not
possible."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from extras import needs
from small_videos import cut_off, picture, write_video

torch = needs("torch")

import touchline  # noqa: E402
from touchline.datasets.features import MAIN  # noqa: E402
from touchline.engines.networks import (  # noqa: E402
    config_dict,
    config_type,
    make_network,
    save_weights,
)
from touchline.features.extractor import Extraction, Placement, Write  # noqa: E402
from touchline.features.extractors import ExtractorSpec, open_extractor  # noqa: E402
from touchline.features.pca import Pca  # noqa: E402
from touchline.features.store import write_features  # noqa: E402
from touchline.features.stored_pca import user_pcas  # noqa: E402
from touchline.runtime.progress import Progress  # noqa: E402
from touchline.spotting.features import load_for_features  # noqa: E402
from touchline.spotting.video_spotter import ExtractingSpotter, StreamExtractor  # noqa: E402
from touchline.systems import SYSTEMS  # noqa: E402
from touchline.zoo.cards import CardFeatures, CardLabels, ModelCard, write_card  # noqa: E402
from touchline.zoo.identity import FeatureIdentity, published_identity  # noqa: E402
from touchline.zoo.store import WEIGHTS_FILE, sha256_of  # noqa: E402

EXACT = Placement("openvino", "fp32")
LABELS = ("Goal", "Corner")
ENDS_EARLY = "without heard from 0:01 on: it ends there"


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def match(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds with sound."""
    return write_video(tmp_path_factory.mktemp("videos") / "match.mkv", 150)


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("videos") / "silent.mkv", 60, sound=False)


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, of which the first has sound."""
    path = tmp_path_factory.mktemp("videos") / "early.mkv"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        pictures = file.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        pictures.width, pictures.height, pictures.pix_fmt = 96, 64, "yuv420p"
        sound = file.add_stream("aac", rate=48_000, layout="mono")
        for index in range(100):
            if index < 25:
                noise = rng.normal(0, 0.1, (1, 1920)).astype(np.float32)
                block = av.AudioFrame.from_ndarray(noise, "fltp", "mono")
                block.sample_rate, block.pts = 48_000, index * 1920
                file.mux(sound.encode(block))
            shown = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            shown.pts = index
            file.mux(pictures.encode(shown))
        file.mux(sound.encode(None))
        file.mux(pictures.encode(None))
    return path


def write_model(
    folder: Path,
    features: CardFeatures,
    *,
    system: str = "pooling",
    network: dict[str, Any] | None = None,
    streams: dict[str, CardFeatures] | None = None,
    rate: str = "2/1",
) -> Path:
    """A network of random weights over features."""
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    known = SYSTEMS[system]
    options = {"pooling": "max", "clip_steps": 6} if network is None else network
    config = config_type(known)(num_classes=2, feature_width=features.width, **options)
    save_weights(make_network(known, config), folder / WEIGHTS_FILE)
    card = ModelCard(
        name=folder.name,
        system=system,
        config=config_dict(config),
        labels=CardLabels(name="two", labels=LABELS),
        rate=rate,
        features=features,
        streams=streams or {},
        files={WEIGHTS_FILE: sha256_of(folder / WEIGHTS_FILE)},
    )
    write_card(card, folder / "card.json")
    return folder


def described(name: str, width: int, **further: Any) -> CardFeatures:
    """What a card says of features that an extractor of ours made."""
    extractor = open_extractor(ExtractorSpec(name))
    identity = extractor.identity
    return CardFeatures(
        name=extractor.suffix, width=width, rate=identity.rate, identity=identity, **further
    )


def scores_of_files(model: Path, video: Path, folder: Path, *names: str) -> np.ndarray:
    """Extract, then spot the files, the main ones first."""
    for name in names:
        extractor = open_extractor(ExtractorSpec(name, placement=EXACT))
        write_features(folder / f"1_{extractor.suffix}.npy", extractor, video)
        extractor.close()
    main = open_extractor(ExtractorSpec(names[0])).suffix
    values: np.ndarray = load_for_features(model).score(folder / f"1_{main}.npy").values
    return values


def scores_of_video(model: Path, video: Path) -> np.ndarray:
    with touchline.load(model, engine="openvino", precision="fp32") as spotter:
        scores = spotter.score(video).scores
    assert scores.labels.labels == LABELS
    return scores.values


@pytest.mark.parametrize("system", ["pooling", "calf"])
def test_a_video_gives_the_scores_of_its_feature_files(system, match, tmp_path):
    small = {"slots": 3, "clip_steps": 32, "receptive_steps": 16}
    network = small if system == "calf" else None
    model = write_model(tmp_path / "m", described("demo", 368), system=system, network=network)
    expected = scores_of_files(model, match, tmp_path, "demo")
    assert expected.shape == (12, 2)
    np.testing.assert_allclose(scores_of_video(model, match), expected, atol=1e-5)


def test_a_part_of_a_video_is_refused(match, tmp_path, refused):
    model = write_model(tmp_path / "m", described("demo", 368))
    line = refused("spot", match, "--model", model, "-o", tmp_path / "o", "--start", "1")
    assert "features, which are made of whole videos" in line
    assert not (tmp_path / "o").exists()


def test_picture_and_sound_are_each_made_by_their_own_extractor(match, tmp_path):
    model = write_model(
        tmp_path / "m",
        described("demo", 368),
        system="fusion-attention",
        network={"streams": (("heard", 31),), "clip_steps": 8, "width": 8, "feedforward": 8},
        streams={"heard": described("fft", 31)},
    )
    expected = scores_of_files(model, match, tmp_path, "demo", "fft")
    np.testing.assert_allclose(scores_of_video(model, match), expected, atol=1e-5)


def test_without_sound_a_model_that_can_do_without_goes_on_and_says_so(
    call, refused, silent, early, tmp_path, monkeypatch
):
    monkeypatch.setattr("touchline.spotting.video_spotter.MOST_APART_SECONDS", 1.0)
    network = {"streams": (("heard", 31),), "clip_steps": 8, "width": 8}
    seen = described("demo", 368)
    needs, tolerates = (
        write_model(
            tmp_path / name,
            seen,
            system="fusion-late",
            network=network,
            streams={"heard": described("fft", 31, optional=optional)},
        )
        for name, optional in (("needs", None), ("tolerates", True))
    )
    line = refused("spot", silent, "--model", needs, "--out", tmp_path / "out")
    assert "silent.mkv: has no sound, and model needs hears" in line
    words = ("--precision", "fp32", "--out", tmp_path / "out", "--json")
    ended = call("spot", silent, early, "--model", tolerates, *words)
    assert ended.code == 0
    warnings = [done["warnings"] for done in json.loads(ended.out)["done"]]
    assert warnings == [["without heard: the video has no sound"], [ENDS_EARLY]]
    assert f"early.mkv: {ENDS_EARLY}" in ended.err


def test_the_pca_of_its_features_is_applied(call, match, tmp_path):
    pca = tmp_path / "pca.safetensors"
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(31, 4)))[0].T
    Pca(np.zeros(31), basis, np.ones(4)).save(pca)
    ended = call("extract", match, "-f", "fft", "--pca", pca, "-o", tmp_path)
    assert ended.code == 0, ended
    (file,) = tmp_path.glob("*_FFT_PCA4.npy")
    told = json.loads(file.with_name(f"{file.stem}.features.json").read_text())
    identity = FeatureIdentity.model_validate(told["identity"])
    model = write_model(tmp_path / "m", CardFeatures(name="FFT_PCA4", width=4, identity=identity))
    pca.unlink()
    expected = load_for_features(model).score(file).values
    np.testing.assert_allclose(scores_of_video(model, match), expected, atol=1e-5)
    for stored in user_pcas().iterdir():
        stored.unlink()
    with pytest.raises(touchline.InputError, match=r"models import PCA\.safetensors"):
        touchline.load(model)


def test_detections_want_the_detector_that_they_were_made_with(call, refused, match, tmp_path):
    needs("onnx")
    from tiny_detectors import yolo_v8

    detector = yolo_v8(tmp_path / "tiny.onnx", [(0.2, 0.2, 0.4, 0.6, 0.9, 1)])
    extractor = open_extractor(ExtractorSpec(f"detections@{detector}"))
    features = CardFeatures(name="DET", width=46, identity=extractor.identity)
    model = write_model(tmp_path / "m", features)
    assert "touchline models import DETECTOR.onnx" in refused("spot", match, "--model", model)
    assert call("models", "import", detector).code == 0
    write_features(tmp_path / "1_DET.npy", extractor, match)
    expected = load_for_features(model).score(tmp_path / "1_DET.npy").values
    np.testing.assert_allclose(scores_of_video(model, match), expected, atol=1e-5)
    assert "Detector: " in call("models", "list").out


def test_any_length_and_as_far_as_it_goes(call, tmp_path):
    model = write_model(tmp_path / "m", described("demo", 368))
    one = write_video(tmp_path / "one-frame.mkv", 1, sound=False)
    short = write_video(tmp_path / "short.mkv", 14, sound=False)
    whole = write_video(tmp_path / "whole.mkv", 400, sound=False)
    cut = cut_off(whole, tmp_path / "cut.mkv", 0.5)
    ended = call("spot", one, short, cut, "--model", model, "--precision", "fp32", "--json")
    assert ended.code == 0
    assert ended.err.startswith("cut.mkv: the file is damaged or cut off")
    results = json.loads(ended.out)["done"]
    assert [bool(result["warnings"]) for result in results] == [False, False, True]
    assert all(Path(file).is_file() for result in results for file in result["files"])
    document = json.loads(Path(results[2]["files"][0]).read_text())
    assert 0 < document["video"]["duration"] < 15
    assert all(event["time"] <= document["video"]["duration"] for event in document["events"])


def test_a_video_without_a_single_row_has_no_events_and_it_is_said(call, tmp_path):
    model = write_model(tmp_path / "m", described("fft", 31))
    video = write_video(tmp_path / "short.mkv", 6)
    ended = call("spot", video, "--model", model, "--json")
    assert ended.code == 0 and "too short for a single row of features" in ended.err
    assert json.loads(ended.out)["done"][0]["events"] == 0


class Seen:
    """An extractor of eight rows."""

    suffix, engine = "seen", "numpy"
    identity = FeatureIdentity(name="seen", rate="2/1")

    def extract(self, source: Path, write: Write, report: Progress) -> Extraction:
        write(np.ones((8, 4), np.float32))
        return Extraction(0.0)

    def close(self) -> None:
        pass


def test_where_sound_that_is_needed_ends_the_events_end(early, tmp_path, monkeypatch):
    monkeypatch.setattr("touchline.spotting.video_spotter.MOST_APART_SECONDS", 1.0)
    model = write_model(
        tmp_path / "m",
        CardFeatures(name="seen", width=4),
        system="fusion-early",
        network={"streams": (("heard", 31),), "clip_steps": 8, "width": 8},
        streams={"heard": described("fft", 31)},
    )
    network = load_for_features(model)
    extractors = {MAIN: Seen(), "heard": open_extractor(ExtractorSpec("fft"))}
    parts = [StreamExtractor(n, network.sources[n], extractors[n]) for n in extractors]
    scored = ExtractingSpotter(network, parts).score(early)
    assert len(scored.scores) == 2
    assert scored.remarks == ("heard ends at 0:01: events are known up to there",)


def test_a_stream_that_is_drawn_wants_its_files_beside_the_video(refused, match, tmp_path):
    model = write_model(
        tmp_path / "m",
        described("demo", 368),
        system="calf-calibration",
        network={"slots": 3, "clip_steps": 32, "receptive_steps": 16, "players": "graph"},
        streams={"graph": CardFeatures(name="graph", rate="2/1")},
    )
    assert "match_field_calib_ccbv.json" in refused("spot", match, "--model", model)


UNKNOWN: dict[str, tuple[CardFeatures, str]] = {
    "own files": (
        CardFeatures(name="mine", width=8),
        "model own reads features mine, whose extractor is unknown",
    ),
    "baidu": (
        CardFeatures(name="baidu_soccer_embeddings", width=8),
        "were published without their networks",
    ),
    "published": (
        CardFeatures(name="ResNET_TF2_PCA512", width=8),
        "touchline models import resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5 (of Keras) "
        "and touchline models import pca_512_TF2.pkl --average average_512_TF2.pkl",
    ),
    "sound": (
        CardFeatures(name="VGGish", width=8),
        "touchline models import vggish-10086976.pth",
    ),
    "another model": (
        CardFeatures(
            name="x", width=8, identity=FeatureIdentity(name="gone", weights="a" * 64, rate="2/1")
        ),
        "features of gone, which is not installed",
    ),
    "other weights": (
        CardFeatures(
            name="demo",
            width=8,
            identity=FeatureIdentity(
                name="demo", weights="a" * 64, rate="2/1", settings={"size": "224x128"}
            ),
        ),
        "was trained on other features: demo with weights",
    ),
    "other width": (CardFeatures(name="FFT", width=8), "takes 8 numbers a row"),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_cannot_be_made_of_a_video_says_why_in_one_line(
    kind: str, refused: Callable[..., str], match: Path, tmp_path: Path
) -> None:
    features, said = UNKNOWN[kind]
    model = write_model(tmp_path / "own", features)
    assert said in refused("spot", match, "--model", model, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_published_features_are_those_of_any_published_weights_and_no_other_pca():
    expected = published_identity("ResNET_TF2_PCA512", 2)
    assert expected is not None and expected.rate == "2/1"

    def made(pca: str | None, weights: str | None = "b" * 64) -> FeatureIdentity:
        settings = {**expected.settings, "pca": pca}
        return expected.model_copy(update={"weights": weights, "settings": settings})

    assert expected.difference(made("a" * 16 + "+" + "c" * 16)) is None
    assert "pca" in str(expected.difference(made("a" * 16)))
    assert "pca" in str(expected.difference(made(None)))
    assert "weights none" in str(expected.difference(made("a+b", None)))
