"""Published checkpoints become models; broken and hostile ones become one clear line."""

import json
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("timm")

from model_folders import small_network  # noqa: E402

from touchline.cli.main import run  # noqa: E402
from touchline.engines.networks import load_network  # noqa: E402
from touchline.errors import CheckpointError, ConfigError, InputError  # noqa: E402
from touchline.importers.checkpoints import read_checkpoint  # noqa: E402
from touchline.importers.legacy.e2e_spot import infer_config  # noqa: E402
from touchline.importers.legacy.opensportslib import read_settings  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2  # noqa: E402
from touchline.models.e2e_spot import FEATURE_ARCHS, E2ESpot, E2ESpotConfig  # noqa: E402
from touchline.models.parts.temporal_heads import HEADS  # noqa: E402
from touchline.zoo.store import find  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def published(path, classes=17, arch="rny002_gsm", head="gru", wrap=lambda state: state):
    """A checkpoint as others publish it."""
    torch.manual_seed(0)
    state = E2ESpot(E2ESpotConfig(arch, head, classes, 8)).state_dict()
    torch.save(wrap(dict(state)), path)
    return path


def osl(state):
    """OpenSportsLab's layout."""
    renamed = {
        "module."
        + key.replace("_features.", "backbone._features.", 1).replace(
            "_pred_fine.", "head._pred_fine.", 1
        ): value
        for key, value in state.items()
    }
    return {"epoch": 3, "model_state_dict": renamed, "best_criterion_valid": 0.5}


OSL_CONFIG = """
TASK: localization
DATA:
  common:
    classes: [CLASSES]
  inputs:
    video:
      sampling: {clip_len: 50, input_fps: 25, extract_fps: 2}
      transform: {resize: {height: 224, width: 398}}
      params: {color_mode: rgb, crop_dim: -1}
""".replace("CLASSES", ", ".join(SOCCERNET_BALL))


def test_a_published_soccer_model_has_its_classes_in_alphabetical_order(tmp_path, home):
    path = published(tmp_path / "soccer_rny002gsm_gru_rgb.pt")
    folder = import_checkpoint(path, onnx=False)
    assert folder.path == home / "models" / "soccer_rny002gsm_gru_rgb"
    card = find("soccer_rny002gsm_gru_rgb").card
    assert card.labels.labels == tuple(sorted(SOCCERNET_V2))
    assert card.labels.labels[0] == "Ball out of play" and card.labels.name == "soccernet-v2"
    assert (card.rate, card.width, card.height, card.crop) == ("25/12", 398, 224, None)
    assert card.suppression.window_seconds == pytest.approx(0.96)
    original = torch.load(path, weights_only=True)
    loaded = load_network(folder).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in original.items())


def test_config_json_is_read(tmp_path):
    config = {
        "dataset": "soccernet_ball",
        "num_classes": 12,
        "feature_arch": "rny002_gsm",
        "temporal_arch": "gru",
        "modality": "rgb",
        "clip_len": 40,
        "crop_dim": 224,
        "dist_tol": 3,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    path = published(tmp_path / "ball.pt", classes=12)
    card = import_checkpoint(path, config_path=tmp_path / "config.json", onnx=False).card
    assert card.labels.labels == tuple(sorted(SOCCERNET_BALL))
    assert (card.rate, card.crop, card.config["clip_len"]) == ("25/1", 224, 40)

    (tmp_path / "config.json").write_text(json.dumps(config | {"feature_arch": "rny008_gsm"}))
    with pytest.raises(CheckpointError, match=r"rny008_gsm.*rny002_gsm"):
        import_checkpoint(path, name="b", config_path=tmp_path / "config.json", onnx=False)


def test_opensportslab_keeps_the_order_of_its_configuration(tmp_path):
    path = published(tmp_path / "osl.pth.tar", classes=12, arch="rn18_gsm", wrap=osl)
    (tmp_path / "config.yaml").write_text(OSL_CONFIG)
    card = import_checkpoint(path, config_path=tmp_path / "config.yaml", onnx=False).card
    assert card.labels.labels == SOCCERNET_BALL.labels
    assert (card.rate, card.crop, card.config["clip_len"]) == ("25/12", None, 50)
    card = import_checkpoint(path, name="no-config", onnx=False).card
    assert card.labels.labels == SOCCERNET_BALL.labels


def test_older_opensportslab_configurations_are_flat():
    settings = read_settings(
        {
            "DATA": {
                "classes": ["x"],
                "extract_fps": 25,
                "target_height": 448,
                "target_width": 796,
                "crop_dim": -1,
                "modality": "rgb",
                "clip_len": 100,
            }
        }
    )
    assert (settings.labels, settings.rate, settings.size) == (("x",), 25, (796, 448))


def test_a_configuration_that_repeats_itself_without_bounds_is_refused(tmp_path):
    lines = ["a0: &a0 {x: 1}"] + [
        f"a{i}: &a{i} {{p: *a{i - 1}, q: *a{i - 1}}}" for i in range(1, 40)
    ]
    (tmp_path / "config.yaml").write_text("\n".join(lines))
    path = published(tmp_path / "osl.pt", classes=12, arch="rn18", head="", wrap=osl)
    with pytest.raises(ConfigError, match=r"means \d+ values"):
        import_checkpoint(path, config_path=tmp_path / "config.yaml", onnx=False)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("arch", FEATURE_ARCHS)
def test_the_architecture_is_read_off_the_weights(arch, head):
    for modality in ("rgb", "bw", "flow"):
        config = E2ESpotConfig(arch, head, 5, 8, modality)
        with torch.device("meta"):
            assert infer_config(E2ESpot(config).state_dict(), 8) == config


def test_labels_can_be_given(tmp_path):
    path = published(tmp_path / "x.pt", classes=3, arch="rn18", head="")
    (tmp_path / "class.txt").write_text("one\ntwo\n\nthree\n")
    options = {"onnx": False, "rate": "25"}
    card = import_checkpoint(path, labels=str(tmp_path / "class.txt"), **options).card
    assert card.labels.labels == ("one", "two", "three")
    card = import_checkpoint(path, name="y", labels="c,b,a", size=(224, 224), **options).card
    assert card.labels.labels == ("c", "b", "a") and card.width == 224
    with pytest.raises(ConfigError, match=r"3 classes.*17 labels"):
        import_checkpoint(path, name="z", labels="soccernet-v2", **options)
    with pytest.raises(ConfigError, match="--labels"):
        import_checkpoint(path, name="z", **options)
    with pytest.raises(ConfigError, match="--rate"):
        import_checkpoint(path, name="z", labels="c,b,a", onnx=False)
    with pytest.raises(InputError):
        import_checkpoint(path, name="z", labels="a,a,b", **options)


def test_an_existing_model_is_not_overwritten(tmp_path):
    path = published(tmp_path / "x.pt", arch="rn18", head="")
    import_checkpoint(path, onnx=False)
    with pytest.raises(ConfigError, match="there already"):
        import_checkpoint(path, onnx=False)


@pytest.mark.parametrize(
    ("entry", "named"),
    [("conv_1.weight", "CALF")],
)
def test_other_published_systems_are_named(entry, named, tmp_path):
    both = {entry: torch.zeros(3), "conv_p_1.weight": torch.zeros(3)}
    torch.save(both, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=f"weights of .*{named}"):
        import_checkpoint(tmp_path / "other.pt")


class Malicious:
    def __reduce__(self):
        return Path.write_text, (Path(sys.argv[0]).parent / "touched", "x")


def _truncated(path):
    published(path, arch="rn18", head="")
    path.write_bytes(path.read_bytes()[:200_000])


def _malicious(path):
    torch.save({"_features.x": Malicious()}, path)


def _old_pickle(path):
    path.write_bytes(pickle.dumps({"state_dict": Malicious()}))


def _text(path):
    path.write_text("these are not weights\n" * 100)


def _bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 50_000_000)
        archive.writestr("archive/version", b"3\n")


def _huge_view(path):
    torch.save({"_features.conv1.weight": torch.zeros(1).expand(10**6, 10**6)}, path)


def _wrong_shape(path):
    state = dict(small_network("rn18", "").state_dict())
    state["_features.layer2.0.conv1.weight"] = torch.zeros(128, 63, 3, 3)
    torch.save(state, path)


def _missing(path):
    state = dict(small_network("rn18", "").state_dict())
    del state["_features.layer3.1.bn2.running_var"]
    torch.save(state, path)


def _not_finite(path):
    state = dict(small_network("rn18", "").state_dict())
    state["_features.layer2.0.conv1.weight"][0] = float("nan")
    torch.save(state, path)


def _wrong_backbone(path):
    state = dict(small_network("rn18", "").state_dict())
    torch.save({k: v for k, v in state.items() if "layer4.1" not in k}, path)


def _not_tensors(path):
    torch.save({"_features.a": 1, "_pred_fine.b": "x"}, path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_truncated, "cannot be read as weights"),
        (_malicious, "cannot be read as weights"),
        (_old_pickle, "cannot be read as weights"),
        (_text, "cannot be read as weights"),
        (lambda path: path.write_bytes(b""), "cannot be read as weights"),
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: None, "cannot be read"),
        (_bomb, "compressed archive"),
        (_huge_view, "no known network"),
        (
            _wrong_shape,
            "_features.layer2.0.conv1.weight has shape (128, 63, 3, 3), "
            "the network needs (128, 64, 3, 3)",
        ),
        (_missing, "lacks _features.layer3.1.bn2.running_var (256,)"),
        (_not_finite, "not finite"),
        (_wrong_backbone, "1 blocks of width 512"),
        (_not_tensors, "not a named tensor"),
        (lambda path: torch.save([1, 2], path), "holds a list"),
        (lambda path: torch.save({}, path), "no known network"),
    ],
)
def test_a_broken_checkpoint_is_one_line_exit_2_and_nothing_written(
    tmp_path, home, monkeypatch, capsys, make, says
):
    path = tmp_path / "x.pt"
    make(path)
    monkeypatch.setattr(
        sys,
        "argv",
        [
            str(tmp_path / "touchline"),
            "models",
            "import",
            str(path),
            "--labels",
            "a,b,c",
            "--rate",
            "25",
        ],
    )
    with pytest.raises(SystemExit) as left:
        run()
    assert left.value.code == 2
    message = capsys.readouterr().err
    assert says in message and message.count("\n") == 1
    assert not home.exists() or not any(home.rglob("*.*"))
    assert not (tmp_path / "touched").exists()


def test_an_unsafe_pytorch_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.9.1")
    with pytest.raises(InputError, match=r"2\.10"):
        import_checkpoint(published(tmp_path / "x.pt", arch="rn18", head=""))


@pytest.mark.slow
def test_flipped_bits_never_get_past_the_reader_as_anything_but_our_error(tmp_path):
    import random

    small = {"_features.a": torch.zeros(3), "_pred_fine.b": torch.ones(2)}
    torch.save(small, tmp_path / "x.pt")
    data = bytearray((tmp_path / "x.pt").read_bytes())
    rng = random.Random(0)
    for _ in range(400):
        broken = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        (tmp_path / "broken.pt").write_bytes(broken)
        with pytest.raises(InputError):
            import_checkpoint(tmp_path / "broken.pt", name="broken", onnx=False)


def hdf5_of(path, depth=0, zeros=0, packed=False):
    h5py = needs("h5py")
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(depth):
            group = group.create_group("g")
        options = {"compression": "gzip", "chunks": (1 << 20,)} if packed else {}
        group.create_dataset("kernel", data=np.zeros(max(zeros, 1), np.float32), **options)
    return path


def test_hdf5_files_are_read_as_deep_as_networks_are(tmp_path):
    assert set(read_checkpoint(hdf5_of(tmp_path / "a.h5", depth=4))) == {"g/g/g/g/kernel"}


@pytest.mark.parametrize(
    "bomb, what",
    [
        ({"depth": 60}, "more entries than any network"),
        ({"zeros": 1 << 22, "packed": True}, "unpacks to more"),
    ],
)
def test_hdf5_files_that_unfold_are_refused(tmp_path, bomb, what):
    with pytest.raises(CheckpointError, match=what):
        read_checkpoint(hdf5_of(tmp_path / "a.h5", **bomb))


def test_a_cycle_of_hdf5_groups_ends(tmp_path):
    h5py = needs("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("g")
        group["again"] = group
        group["too"] = group
    with pytest.raises(CheckpointError, match="more entries than any network"):
        read_checkpoint(tmp_path / "a.h5")


def test_weights_of_countless_empty_entries_are_refused(tmp_path):
    entries = b",".join(
        b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % number
        for number in range(60_000)
    )
    header = b"{" + entries + b"}"
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CheckpointError, match="more entries than any network"):
        read_checkpoint(path)
