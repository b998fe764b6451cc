"""COMEDIAN: equal to the published networks, and fit to be trained."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from extras import needs

torch = needs("torch")
needs("timm")

from golden_weights import fill_by_rule  # noqa: E402

from touchline.errors import ConfigError  # noqa: E402
from touchline.models.comedian import Comedian, ComedianConfig  # noqa: E402
from touchline.models.deploy import Normalise  # noqa: E402

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "comedian.json").read_text())

SWIN = {"encoder": "viswin", "patch": 4, "width": 96}
CONFIGS = {
    "vivit_small_d48": {"width": 48, "spatial_depth": 2, "temporal_depth": 2},
    "viswin_tiny_T8_224": SWIN,
}


def published_name(key: str) -> str:
    """Published, a stage ends with the merging with which ours begins."""
    return re.sub(
        r"layers\.(\d+)\.downsample", lambda found: f"layers.{int(found[1]) - 1}.downsample", key
    )


def ruled(config: ComedianConfig) -> Comedian:
    network = Comedian(config)
    fill_by_rule(network, published_name)
    return network


def check_parity(name: str, case: dict, tolerance: float) -> None:
    frames, side = case["num_frames"], case["img_size"]
    config = ComedianConfig(17, frames // 2, image_size=side, **CONFIGS.get(name, {}))
    network = ruled(config)
    shape = (len(case["logits"]), 3, frames, side, side)
    clips = torch.from_numpy(np.random.RandomState(0).randn(*shape)).float().transpose(1, 2)
    with torch.inference_mode():
        pictures = clips.unflatten(1, (-1, 2)).flatten(2, 3)
        tokens = network.frame_features(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])
        late = network.trunk.transformer.over_time(tokens)
        logits = network.head(tokens)
        if side < 224:  # what follows from the tokens is the same at any size
            torch.testing.assert_close(network(clips), logits)
    np.testing.assert_allclose(logits, case["logits"], atol=tolerance)
    for found, key in ((tokens, "spatial"), (late, "temporal")):
        expected = case[f"{key}_tokens_first4x8"]
        np.testing.assert_allclose(found[:, :4, :8], expected, atol=tolerance)


@pytest.mark.parametrize("name", ["vivit_small_d48", "vivit_tiny_T16_64"])
def test_equals_the_published_network(name):
    check_parity(name, GOLDEN["models"][name], 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["viswin_tiny_T8_224", "vivit_tiny_full"])
def test_equals_the_published_network_at_full_size(name, shared):
    path = shared / "data" / "parity" / "comedian_golden.json"
    check_parity(name, json.loads(path.read_text())["models"][name], 1e-3)


@pytest.mark.parametrize(("encoder", "count"), [("vivit", 8_357_201), ("viswin", 70_115_723)])
def test_has_the_published_names_shapes_and_parameters(encoder, count, shared):
    keys = json.loads((shared / "data" / "parity" / "checkpoint_keys.json").read_text())
    with torch.device("meta"):
        network = Comedian(ComedianConfig(17, **(SWIN if encoder == "viswin" else {})))
    computed = (".relative_position_index", ".attn_mask")
    published = {
        key: shape
        for key, shape in keys[f"comedian_{encoder}_tiny"].items()
        if not key.endswith(computed)
    }
    state = network.state_dict()
    assert {published_name(key): list(value.shape) for key, value in state.items()} == published
    assert sum(p.numel() for p in network.parameters()) == count


def test_pictures_are_resized_and_normalised_as_published():
    case = GOLDEN["preprocessing"]
    pixels = np.random.RandomState(0).randint(0, 256, (1, 3, 4, 56, 100)).astype(np.uint8)
    frames = torch.from_numpy(pixels[0]).permute(1, 2, 3, 0)
    found = Normalise("tubelet", side=case["size"][0])(frames)
    np.testing.assert_allclose(found[0, :, 0, :8], case["output_row0"], atol=1e-4)
    assert float(found.mean()) == pytest.approx(case["output_mean"], abs=1e-4)
    assert float(found.std()) == pytest.approx(case["output_std"], abs=1e-4)


SMALL = ComedianConfig(3, 4, image_size=16, patch=8, width=12, spatial_depth=1, temporal_depth=1)


def test_a_hidden_token_is_not_looked_at_and_gradients_reach_every_parameter():
    network = ruled(SMALL)
    hidden = torch.tensor([[True, False, False, False], [False, True, False, False]])
    clips = torch.rand(2, 8, 3, 16, 16)
    others = clips.clone()
    others[0, :2], others[1, 2:4] = 0, 1
    assert torch.equal(network(clips, hidden), network(others, hidden))
    assert not torch.equal(network(clips), network(others))
    network.train()(clips, hidden).square().mean().backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoder": "vit"},
        {"num_classes": 0},
        {"image_size": 100},
        {"encoder": "viswin", "patch": 4, "image_size": 112},
        {"width": 64},
    ],
)
def test_a_wrong_configuration_is_refused(wrong):
    with pytest.raises(ConfigError):
        ComedianConfig(**({"num_classes": 17} | wrong))
