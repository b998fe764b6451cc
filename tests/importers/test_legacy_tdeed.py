"""Published T-DEED weights become models that run without PyTorch; others become one line."""

import json
from fractions import Fraction

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("timm")
needs("onnx")

from touchline.engines import open_engine  # noqa: E402
from touchline.engines.networks import load_network  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.importers.legacy import READERS  # noqa: E402
from touchline.importers.legacy.reader import Checkpoint  # noqa: E402
from touchline.importers.legacy.settings import PublishedSettings  # noqa: E402
from touchline.importers.legacy.tdeed import infer_config, usual_rate  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2, LabelSet  # noqa: E402
from touchline.models.deploy import DeployedSpotter  # noqa: E402
from touchline.models.tdeed import TDEED, TDEEDConfig, TeamTDEEDConfig  # noqa: E402


def published(path, config: TDEEDConfig):
    """A ``checkpoint_best.pt`` of random weights."""
    torch.manual_seed(0)
    torch.save(TDEED(config).state_dict(), path)
    return path


CONFIGS = [
    TDEEDConfig("rny002_gsf", 17, 100, 3, 9, 4),
    TDEEDConfig("rny008_gsf", 17, 100, 3, 11, 4),
    TDEEDConfig("rny002_gsf", 12, 100, 2, 9, 4, extra_classes=17),
    TDEEDConfig("rny008_gsf", 12, 100, 2, 9, 4, extra_classes=17),
    TeamTDEEDConfig("rny002_gsf", 12, 100, 2, 9, 4, extra_classes=17),
    TeamTDEEDConfig("rny002_gsm", 12, 50, 1, 5, 2),
    TDEEDConfig("rny002_gsf", 4, 100, 3, 5, 4),
    TDEEDConfig("rny002_gsf", 4, 100, 3, 9, 2),
    TDEEDConfig("rny002_gsf", 6, 100, 3, 11, 2),
    TDEEDConfig("rny002_gsf", 32, 100, 3, 11, 4, displacement=False),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_architecture_is_read_off_the_weights(config):
    with torch.device("meta"):
        assert infer_config(TDEED(config).state_dict()) == config


def test_published_names_and_shapes_are_recognised(shared):
    known = json.loads((shared / "data" / "parity" / "checkpoint_keys.json").read_text())
    for name, system in {
        "tdeed_team_baseline": "tdeed-team",
        "tdeed_ball_challenge2_rny008": "tdeed",
        "tdeed_finediving_small": "tdeed",
    }.items():
        shapes = {k: [n for n in v if isinstance(n, int)] for k, v in known[name].items()}
        weights = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
        reader = next(r for r in READERS if r.recognises(Checkpoint(weights, True)))
        assert reader.system == system
        reader.infer_config(weights, PublishedSettings())


SMALL = {"clip_len": 8, "layers": 1, "kernel": 3, "factor": 2}


def small(kind: type[TDEEDConfig], classes: int, **given) -> TDEEDConfig:
    return kind("rny002_gsf", classes, **(SMALL | given))


@pytest.mark.parametrize(
    ("config", "labels", "rate", "size", "window", "overlap"),
    [
        (small(TDEEDConfig, 17), SOCCERNET_V2.labels, "25/12", (398, 224, None), 2.88, None),
        (small(TDEEDConfig, 12), SOCCERNET_BALL.labels, "25/2", (796, 448, None), 0.96, 0.75),
        (
            small(TeamTDEEDConfig, 12, extra_classes=17),
            SOCCERNET_BALL.labels,
            "25/2",
            (796, 448, None),
            0.96,
            0.75,
        ),
        (
            small(TDEEDConfig, 4, kernel=7),
            ("Entry", "Som(s).Pike", "Som(s).Tuck", "Twist(s)"),
            "25/1",
            (398, 224, 224),
            0.12,
            0.75,
        ),
    ],
)
def test_an_import_needs_no_configuration(
    config, labels, rate, size, window, overlap, tmp_path, monkeypatch
):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    path = published(tmp_path / "checkpoint_best.pt", config)
    folder = import_checkpoint(path, name="mine", onnx=False)
    card = folder.card
    assert card.system == ("tdeed-team" if config.team else "tdeed")
    assert (card.labels.labels, card.rate) == (labels, rate)
    assert (card.width, card.height, card.crop) == size
    assert card.suppression.kind == "soft"
    assert card.suppression.window_seconds == pytest.approx(window)
    assert card.overlap == overlap
    original = torch.load(path, weights_only=True)
    loaded = load_network(folder).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in original.items())


def test_rates_are_those_of_the_data_sets():
    assert usual_rate(SOCCERNET_V2) == Fraction(25, 12)
    assert usual_rate(SOCCERNET_BALL) == Fraction(25, 2)
    assert usual_rate(LabelSet("tennis", ("far_court_serve",))) == 25


def without(name):
    return lambda state: {k: v for k, v in state.items() if not k.startswith(name)}


def replaced(key, *shape):
    return lambda state: state | {key: torch.zeros(shape)}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (without("temp_enc"), "lacks temp_enc"),
        (replaced("temp_enc", 8, 400), "temp_enc is 400 wide"),
        (without("_pred_fine"), "no head of classes"),
        (without("_temp_fine._sgp.2"), "2 blocks"),
        (without("_temp_fine._sgp.1.fc.bias"), r"lacks _temp_fine._sgp.1.fc.bias"),
        (without("_features.s4.b7"), "lacks _features.s4.b7"),
        (without("_pred_fine._fc2"), "no head of classes"),
        (replaced("_temp_fine._sgp.0.psi.weight", 368, 1, 4), "kernels of 4 and"),
        (replaced("_pred_other.weight", 2), "outside the network, such as _pred_other.weight"),
        (replaced("_pred_team._fc_out.weight", 2, 368), "_pred_team._fc_out.weight has shape"),
    ],
)
def test_other_names_and_shapes_are_refused_in_one_line(wrong, message, tmp_path):
    config = small(TeamTDEEDConfig, 12, extra_classes=17)
    path = published(tmp_path / "checkpoint_best.pt", config)
    torch.save(wrong(torch.load(path, weights_only=True)), path)
    with pytest.raises(CheckpointError, match=message) as error:
        import_checkpoint(path, out=tmp_path / "model", onnx=False)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        small(TeamTDEEDConfig, 12, extra_classes=17, layers=2, clip_len=13),
        small(TDEEDConfig, 12, displacement=False),
        TDEEDConfig("rny002_gsm", 12, 8, 1, 3, 2),
    ],
)
def test_an_import_runs_without_pytorch_as_with_it(config, tmp_path):
    path = published(tmp_path / "checkpoint_best.pt", config)
    folder = import_checkpoint(path, out=tmp_path / "model", size=(64, 48))
    assert folder.onnx_files == ("picture.onnx", "head.onnx")
    spotter = DeployedSpotter(load_network(folder)).eval()
    for engine in ("openvino", "torch"):
        opened = open_engine(folder, engine=engine, precision="fp32")
        for count, size in ((1, (64, 40)), (2, (33, 50)))[engine == "torch" :]:
            rng = np.random.default_rng(count)
            shape = (count, config.clip_len, *size, 3)
            frames = rng.integers(0, 256, shape, dtype=np.uint8)
            valid = np.ones(shape[:2], np.float32)
            valid[-1, :3] = 0
            with torch.inference_mode():
                expected = spotter(torch.from_numpy(frames), torch.from_numpy(valid)).numpy()
            np.testing.assert_allclose(opened.logits(frames, valid), expected, atol=2e-4)
            features = np.stack([opened.features(clip) for clip in frames])
            np.testing.assert_allclose(opened.head(features, valid), expected, atol=2e-4)
        opened.close()
