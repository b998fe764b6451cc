"""Published weights of CALF with calibration: recognised by their keys alone."""

from pathlib import Path
from typing import Any

import pytest
from extras import needs

torch = needs("torch")

from touchline.engines.networks import fill, load_network, make_network, read_safetensors  # noqa: E402
from touchline.errors import CheckpointError  # noqa: E402
from touchline.importers.legacy.calf import READERS as CALF_READERS  # noqa: E402
from touchline.importers.legacy.calibration import READERS  # noqa: E402
from touchline.importers.legacy.reader import Checkpoint  # noqa: E402
from touchline.importers.legacy.settings import PublishedSettings  # noqa: E402
from touchline.importers.models import import_checkpoint  # noqa: E402
from touchline.labels import SOCCERNET_V2_VISUAL  # noqa: E402
from touchline.models.calibration import CalibrationConfig, calibration_calf  # noqa: E402
from touchline.systems import SYSTEMS  # noqa: E402

PUBLISHED = {
    "calf_calib_3dconv_visual": ("calf-calibration", {"players": "3d", "multiplier": 2}),
    "calf_calib_dense_resnet34_visual": ("calf-calibration", {"players": "dense", "multiplier": 2}),
    "calf_calib_conv_resnet34_visual": ("calf-calibration", {"players": "copy", "multiplier": 2}),
    "calf_calib_features_only_nonvisual": ("calf", {"multiplier": 2}),
    "calf_gcn14_visual": (
        "calf-calibration",
        {"players": "graph", "graph_layers": 14, "node_features": 8, "graph_width": 64},
    ),
}


@pytest.mark.parametrize(
    ("name", "stream", "file"),
    [
        ("calf_calib_3dconv_visual", "top_view", "top_view"),
        ("calf_calib_dense_resnet34_visual", "top_view_features", "radar_resnet_34_composite"),
        ("calf_gcn14_visual", "graph", "graph"),
    ],
)
def test_an_imported_model_says_what_it_reads(
    shared: Path, tmp_path: Path, name: str, stream: str, file: str
) -> None:
    path = shared / "data" / "parity" / "weights" / f"{name}.safetensors"
    card = import_checkpoint(path, out=tmp_path / "model", onnx=False).card
    assert card.labels.labels == SOCCERNET_V2_VISUAL.labels
    assert card.features is not None and card.features.name == "ResNET_TF2_PCA512"
    assert {key: told.name for key, told in card.streams.items()} == {stream: file}


@pytest.mark.parametrize("name", PUBLISHED)
def test_recognises_and_rebuilds(shared: Path, name: str) -> None:
    path = shared / "data" / "parity" / "weights" / f"{name}.safetensors"
    weights = read_safetensors(path)
    found = [
        reader
        for reader in (*READERS, *CALF_READERS)
        if reader.recognises(Checkpoint(weights, is_bare=True))
    ]
    assert len(found) == 1
    system, sizes = PUBLISHED[name]
    config = found[0].infer_config(weights, PublishedSettings())
    assert found[0].system == system
    assert {field: getattr(config, field) for field in sizes} == sizes
    assert config.polarity == "distance"
    assert any(len(usual) == config.num_classes for usual in found[0].usual_labels)
    fill(make_network(SYSTEMS[system], config), found[0].rename(weights), where=path)


def test_widths_that_no_network_has_are_refused(shared: Path) -> None:
    name = "calf_calib_dense_resnet34_visual.safetensors"
    weights = read_safetensors(shared / "data" / "parity" / "weights" / name)
    reader = next(r for r in READERS if r.recognises(Checkpoint(weights, is_bare=True)))
    weights["conv_2.weight"] = weights["conv_2.weight"][:17]
    with pytest.raises(CheckpointError, match="17 channels"):
        reader.infer_config(weights, PublishedSettings())


SMALL = {"num_classes": 8, "clip_steps": 48, "receptive_steps": 16, "feature_width": 24}


def today(weights: dict[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """As torch_geometric saves them since 2.0, where GENConv has no biases by default."""
    return {
        key.replace(".conv.t", ".conv.aggr_module.t"): value
        for key, value in weights.items()
        if not key.endswith((".mlp.0.bias", ".mlp.4.bias"))
    }


def before(weights: dict[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """As torch_geometric 1.6 saved GCNConv: the weight itself, transposed."""
    return {
        key.replace(".lin.weight", ".weight"): value.T.contiguous() if ".lin." in key else value
        for key, value in weights.items()
    }


@pytest.mark.parametrize("with_features", [True, False])
@pytest.mark.parametrize("players", ["3d", "dense", "copy", "graph", "gcn", "edge"])
@pytest.mark.parametrize("saved", [dict, today, before])
def test_every_option_of_the_published_code_comes_back(
    tmp_path: Path, players: str, with_features: bool, saved: Any
) -> None:
    torch.manual_seed(0)
    sizes = SMALL if with_features else SMALL | {"feature_width": 512}
    receptive = 80 if not with_features and players in ("dense", "graph", "gcn", "edge") else 16
    sizes |= {"receptive_steps": receptive, "clip_steps": 240 if receptive == 80 else 48}
    config = CalibrationConfig(
        **sizes,
        players=players,
        with_features=with_features,
        multiplier=1,
        graph_layers=3 if players == "graph" else 14,
        capsules=12,
    )
    weights = {
        key: value * 0 if saved is today and key.endswith((".mlp.0.bias", ".mlp.4.bias")) else value
        for key, value in calibration_calf(config).state_dict().items()
    }
    torch.save({"state_dict": saved(weights)}, tmp_path / "model.pth.tar")
    folder = import_checkpoint(tmp_path / "model.pth.tar", out=tmp_path / "model", onnx=False)
    assert load_network(folder).config == config
    found = load_network(folder).state_dict()
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[key], value) for key, value in weights.items())
