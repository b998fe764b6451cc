"""CALF with calibration: equal to the published networks, from drawing to detections."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from safetensors.torch import load_file  # noqa: E402
from torch import nn  # noqa: E402

from touchline.errors import ConfigError  # noqa: E402
from touchline.features.player_graph import PlayerGraph  # noqa: E402
from touchline.features.top_view import TopView  # noqa: E402
from touchline.formats.player_boxes import (  # noqa: E402
    calibration_name,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)
from touchline.models.calf import CALF, CALFConfig  # noqa: E402
from touchline.models.calibration import CalibrationConfig, calibration_calf  # noqa: E402
from touchline.models.parts.graph import (  # noqa: E402
    EdgeConvolution,
    GraphConvolution,
    SharedConvolution,
    heard,
    unpack,
)

STEPS = 500
ROWS = np.array([0, 160, 320, 260])[:, None] + np.arange(240)
ROWS = ROWS.clip(0, STEPS - 1)
"""The published clips of a half of 500 steps: the last row of the list is replaced."""

SMALL = {
    "num_classes": 3,
    "slots": 4,
    "clip_steps": 48,
    "receptive_steps": 16,
    "feature_width": 20,
    "player_features": 24,
    "graph_layers": 3,
    "graph_width": 8,
}

INPUTS = {
    "3d": lambda: torch.randint(0, 256, (2, 48, 3, 32, 64), dtype=torch.uint8),
    "dense": lambda: torch.randn(2, 48, 24),
    "copy": lambda: torch.randn(2, 48, 24),
    "graph": lambda: graphs(2, 48),
    "gcn": lambda: graphs(2, 48),
    "edge": lambda: graphs(2, 48),
}


def graphs(batch: int, steps: int, room: int = 6) -> "torch.Tensor":
    rows = torch.zeros(batch, steps, room, 8 + 1 + room)
    count = torch.randint(0, room + 1, (batch, steps, 1))
    exists = torch.arange(room) < count
    rows[..., :8] = torch.randn(batch, steps, room, 8) * exists[..., None]
    rows[..., 8] = exists
    joined = torch.rand(batch, steps, room, room) < 0.4
    joined = (joined | joined.mT) & exists[..., None] & exists[..., None, :]
    rows[..., 9:] = joined & ~torch.eye(room, dtype=torch.bool)
    return rows


def half(shared: Path, number: int) -> tuple[np.ndarray, Any, Any]:
    folder = shared / "data" / "parity" / "calibration"
    with np.load(folder / f"{number}_features.npz") as arrays:
        features = arrays["features"].astype(np.float32)
    calibration = read_calibration(folder / calibration_name(number))
    return features, calibration, read_player_boxes(folder / player_boxes_name(number))


def published(shared: Path, name: str, network: nn.Module) -> nn.Module:
    weights = load_file(shared / "data" / "parity" / "weights" / f"{name}.safetensors")
    network.load_state_dict({key: value.float() for key, value in weights.items()}, strict=True)
    return network.eval()


def known(shared: Path, name: str) -> dict[str, np.ndarray]:
    with np.load(shared / "data" / "parity" / f"{name}.npz") as arrays:
        return {key: arrays[key] for key in arrays}


def agree(output: Any, expected: dict[str, np.ndarray], suffix: str = "") -> None:
    for name, tensor in output._asdict().items():
        np.testing.assert_allclose(tensor.numpy(), expected[name + suffix], rtol=0, atol=1e-5)


def tensor(rows: np.ndarray) -> "torch.Tensor":
    return torch.from_numpy(rows[ROWS])


@pytest.mark.parametrize("players", ["3d", "dense", "copy"])
def test_equals_the_published_network(shared: Path, players: str) -> None:
    name = {"3d": "calf_calib_3dconv_visual"}.get(players, f"calf_calib_{players}_resnet34_visual")
    name = name.replace("copy", "conv")
    network = published(
        shared, name, calibration_calf(CalibrationConfig(num_classes=8, players=players))
    )
    features, calibration, boxes = half(shared, 1)
    expected = known(shared, name)
    if players == "3d":
        seen = tensor(TopView(calibration, boxes).read_all())
    else:
        seen = torch.from_numpy(expected["radar_resnet_features_clips"].astype(np.float32))
    with torch.inference_mode():
        agree(network(tensor(features), seen), expected)


def test_without_players_it_is_calf_of_twice_the_width(shared: Path) -> None:
    name = "calf_calib_features_only_nonvisual"
    network = published(shared, name, CALF(CALFConfig(num_classes=9, multiplier=2)))
    with torch.inference_mode():
        agree(network(tensor(half(shared, 1)[0])), known(shared, name))


@pytest.mark.parametrize("number", [1, 2])
def test_equals_the_published_graph_network(shared: Path, number: int) -> None:
    network = published(
        shared,
        "calf_gcn14_visual",
        calibration_calf(CalibrationConfig(num_classes=8, players="graph")),
    )
    features, calibration, boxes = half(shared, number)
    expected = known(shared, "calf_gcn14_visual")
    seen = tensor(PlayerGraph(calibration, boxes, steps=STEPS).read_all())
    with torch.inference_mode():
        agree(network(tensor(features), seen), expected, f"_half{number}")
        if number == 1:
            branch = network.see(seen[:1])[0]
            np.testing.assert_allclose(
                branch, expected["gcn_branch_half1_clip0"], rtol=0, atol=1e-4
            )


def test_the_graph_network_has_the_published_number_of_parameters() -> None:
    network = calibration_calf(CalibrationConfig(num_classes=8, players="graph"))
    assert sum(parameter.numel() for parameter in network.parameters()) == 741_828


@pytest.mark.parametrize("players", INPUTS)
def test_every_branch_learns(players: str) -> None:
    torch.manual_seed(0)
    network = calibration_calf(CalibrationConfig(**SMALL, players=players))
    output = network(torch.randn(2, 48, 20), INPUTS[players]())
    assert output.segmentation.shape == (2, 48, 3) and output.spotting.shape == (2, 4, 5)
    (output.segmentation.sum() + output.spotting.sum()).backward()
    for name, parameter in network.named_parameters():
        if not name.startswith("edge_encoder"):
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("players", INPUTS)
def test_a_silenced_branch_does_not_count(players: str) -> None:
    torch.manual_seed(0)
    network = calibration_calf(CalibrationConfig(**SMALL, players=players, branch_dropout=0.999))
    features, seen = torch.randn(2, 48, 20), INPUTS[players]()
    reduced, seen = network.reduce(features), network.see(seen)
    half = network.config.widths.encoded
    silent = set()
    for _ in range(30):
        encoded = network.encode(reduced, seen)
        silent.add((not encoded[:, :half].any(), not encoded[:, half:].any()))
    assert silent >= {(True, False), (False, True)} and (True, True) not in silent
    network.eval()
    assert network.encode(reduced, seen).any()


def slow_convolution(layer: GraphConvolution, nodes: Any, edges: list[tuple[int, int]]) -> Any:
    """What the layer computes, node by node and channel by channel."""
    messages = nodes.relu() + 1e-7
    heard = torch.zeros_like(nodes)
    for i in range(len(nodes)):
        sources = [j for j, target in edges if target == i]
        if sources:
            weights = torch.softmax(layer.t * messages[sources], dim=0)
            heard[i] = (weights * messages[sources]).sum(dim=0)
    return layer.mlp(nodes + heard)


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_a_graph_convolution_is_a_soft_maximum_over_neighbours(scale: float) -> None:
    torch.manual_seed(0)
    layer = GraphConvolution(8).double()
    rows = graphs(1, 5)[0].double()
    nodes, packed = unpack(rows, 8)
    offset, expected = 0, []
    for row in rows:
        count = int(row[:, 8].sum())
        edges = [(j, i) for i in range(count) for j in range(count) if row[i, 9 + j]]
        expected.append(slow_convolution(layer, nodes[offset : offset + count] * scale, edges))
        offset += count
    torch.testing.assert_close(layer(nodes * scale, packed)[:offset], torch.cat(expected))


def slow_shared(layer: SharedConvolution, nodes: Any, joined: Any) -> Any:
    """D^-1/2 (A + I) D^-1/2 X W + b, as the paper has it."""
    edges = joined + torch.eye(len(nodes), dtype=nodes.dtype)
    share = torch.diag(edges.sum(dim=1) ** -0.5)
    return share @ edges @ share @ nodes @ layer.lin.weight.T + layer.bias


def slow_edges(layer: EdgeConvolution, nodes: Any, joined: Any) -> Any:
    """The largest, over neighbours, of the layer on (node, neighbour - node); 0 without any."""
    found = []
    for i, node in enumerate(nodes):
        near = [torch.cat((node, nodes[j] - node)) for j in joined[i].nonzero().flatten()]
        found.append(layer.nn(torch.stack(near)).amax(0) if near else layer.nn[0].bias * 0)
    return torch.stack(found)


@pytest.mark.parametrize(
    ("kind", "slow"), [(SharedConvolution, slow_shared), (EdgeConvolution, slow_edges)]
)
def test_shallow_graph_convolutions_are_what_their_papers_say(kind: Any, slow: Any) -> None:
    torch.manual_seed(0)
    layer = kind(8, 5).double()
    torch.nn.init.normal_(layer.bias if kind is SharedConvolution else layer.nn[0].bias)
    rows = graphs(1, 12)[0].double()
    nodes, packed = unpack(rows, 8)
    expected = []
    for row in rows:
        count = int(row[:, 8].sum())
        if count:
            expected.append(slow(layer, row[:count, :8], row[:count, 9 : 9 + count]))
    found = layer(nodes, packed)[: sum(map(len, expected))]
    torch.testing.assert_close(found, torch.cat(expected))


@pytest.mark.parametrize("players", INPUTS)
def test_players_alone_are_seen_by_a_branch_of_twice_the_width(players: str) -> None:
    torch.manual_seed(0)
    config = CalibrationConfig(**SMALL, players=players, with_features=False)
    network = calibration_calf(config).eval()
    seen = INPUTS[players]()
    outputs = [network(torch.randn(2, 48, config.feature_width), seen) for _ in range(2)]
    torch.testing.assert_close(*outputs)
    assert network.conv_seg.weight.shape[1] == 152 * config.multiplier
    assert not hasattr(network, "conv_1")


def test_a_graph_does_not_depend_on_its_neighbours_in_the_batch() -> None:
    torch.manual_seed(0)
    network = calibration_calf(CalibrationConfig(**SMALL, players="graph")).eval()
    rows = graphs(1, 48)
    alone = torch.cat([network.see(rows[:, i : i + 1]) for i in range(48)], dim=2)
    torch.testing.assert_close(network.see(rows), alone, rtol=1e-5, atol=1e-6)


def test_without_anybody_the_graph_branch_is_silent() -> None:
    network = calibration_calf(CalibrationConfig(**SMALL, players="graph")).eval()
    assert not network.see(torch.zeros(1, 4, 6, 15)).any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"players": "4d"},
        {"multiplier": 0},
        {"graph_layers": 0},
        {"node_features": "8"},
        {"node_features": 10},
        {"branch_dropout": 1.0},
    ],
    ids=str,
)
def test_refuses_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        CalibrationConfig(**SMALL | wrong)


def test_what_a_node_hears_has_the_gradient_that_belongs_to_it() -> None:
    torch.manual_seed(0)
    nodes, packed = unpack(graphs(1, 4, room=4)[0].double(), 8)
    count = len(packed.filled)
    messages = torch.rand(len(nodes), 3, dtype=torch.double) * 3
    t = torch.tensor([0.7], dtype=torch.double, requires_grad=True)
    own = messages[: count + 2].clone().requires_grad_()

    def listen(own: Any, t: Any) -> Any:
        return heard(torch.cat((own, messages[len(own) :])), t, packed)

    assert count and torch.autograd.gradcheck(listen, (own, t))


def test_black_top_views_count_like_any_other() -> None:
    torch.manual_seed(0)
    network = calibration_calf(CalibrationConfig(**SMALL, players="3d"))
    views = INPUTS["3d"]()
    views[0, ::3] = views[1, 5] = 0
    alone = torch.cat([network.see(views[:, i : i + 1]) for i in range(48)], dim=2)
    torch.testing.assert_close(network.see(views), alone, rtol=1e-5, atol=1e-6)
    numbers = views.float()
    torch.testing.assert_close(network.see(numbers), alone, rtol=1e-5, atol=1e-6)
    assert torch.equal(numbers, views.float())
