"""Networks of several streams: shapes, order, and doing without."""

import pytest
from extras import needs

torch = needs("torch")

from touchline.errors import ConfigError  # noqa: E402
from touchline.models.fusion import (  # noqa: E402
    AttentionFusion,
    AttentionFusionConfig,
    EarlyFusion,
    FusionConfig,
    LateFusion,
)

NETWORKS = {
    "early": (EarlyFusion, FusionConfig),
    "late": (LateFusion, FusionConfig),
    "attention": (AttentionFusion, AttentionFusionConfig),
}
STREAMS = (("sound", 5), ("boxes", 4))
STEPS = 20


def network_of(kind: str, streams=STREAMS, **given):
    network, config = NETWORKS[kind]
    torch.manual_seed(0)
    sizes = {"clip_steps": STEPS, "width": 16} | given
    made = network(config(num_classes=3, feature_width=6, streams=streams, **sizes)).eval()
    for parameter in made.parameters():  # so that nothing is at a value that hides what it does
        torch.nn.init.normal_(parameter, std=0.2)
    return made


def clips(batch: int = 2, steps: int = STEPS) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    widths = {"features": 6, **dict(STREAMS)}
    return {name: torch.randn(batch, steps, width) for name, width in widths.items()}


def say(network, streams) -> torch.Tensor:
    with torch.inference_mode():
        return network(streams).logits


@pytest.mark.parametrize("kind", NETWORKS)
def test_it_says_something_of_every_step(kind):
    network = network_of(kind)
    assert say(network, clips()).shape == (2, STEPS, 3)
    assert say(network, clips(1, 7)).shape == (1, 7, 3)
    alone = network_of(kind, ())
    assert say(alone, {"features": clips()["features"]}).shape == (2, STEPS, 3)


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_order_of_streams_changes_nothing(kind):
    network, other = network_of(kind), network_of(kind, STREAMS[::-1])
    other.load_state_dict(network.state_dict())
    streams = clips()
    turned = dict(reversed(streams.items()))
    assert (say(network, streams) == say(network, turned)).all()
    assert (say(network, streams) == say(other, turned)).all()


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("missing", [("sound",), ("boxes",), ("sound", "boxes"), ("features",)])
def test_it_does_without_streams(kind, missing):
    network, streams = network_of(kind), clips()
    without = {name: rows for name, rows in streams.items() if name not in missing}
    said = say(network, without)
    assert torch.isfinite(said).all() and (said != say(network, streams)).any()
    empty = {n: torch.full_like(r, torch.nan) if n in missing else r for n, r in streams.items()}
    torch.testing.assert_close(say(network, empty), said)


@pytest.mark.parametrize("kind", NETWORKS)
def test_nothing_at_all_is_no_event(kind):
    network = network_of(kind)
    nothing = {name: torch.full_like(rows, torch.nan) for name, rows in clips().items()}
    assert torch.isfinite(say(network, nothing)).all()


@pytest.mark.parametrize("kind", NETWORKS)
def test_training_survives_what_is_missing(kind):
    network, streams = network_of(kind).train(), clips()
    streams["sound"][0] = torch.nan
    streams["boxes"][:, 3:9] = torch.nan
    network(streams).logits.square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_late_fusion_is_the_weighed_mean_of_what_is_present():
    network, streams = network_of("late"), clips()
    with torch.inference_mode():
        said = network(streams)
    shares = torch.stack(list(network.shares().values()))
    assert list(network.shares()) == ["boxes", "features", "sound"]
    torch.testing.assert_close(shares.sum(0), torch.ones(3))
    torch.testing.assert_close(said.logits, (shares * said.alone).sum(2))
    silent = streams | {"sound": torch.full_like(streams["sound"], torch.nan)}
    left = shares[:2] / shares[:2].sum(0)
    torch.testing.assert_close(say(network, silent), (left * said.alone[:, :, :2]).sum(2))
    partly = streams | {"sound": streams["sound"].clone()}
    partly["sound"][:, 10:] = torch.nan
    torch.testing.assert_close(say(network, partly)[:, 10:], say(network, silent)[:, 10:])


def test_rows_far_outside_the_training_data_stay_bounded():
    network, streams = network_of("early"), clips()
    huge = streams | {"sound": streams["sound"] * 1e30}
    assert torch.isfinite(say(network, huge)).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"streams": (("features", 3),)}, "called features"),
        ({"streams": (("a", 3), ("a", 4))}, "occurs twice"),
        ({"streams": (("a.b", 3),)}, "letters, digits"),
        ({"streams": (("a", 0),)}, "a is 0"),
        ({"frame_streams": ("a",)}, "no stream 'a'"),
        ({"clip_steps": 0}, "clip_steps is 0"),
        ({"layers": 20}, "layers is 20"),
        ({"dropout": 1.0}, "dropout is 1"),
        ({"attention_heads": 5}, "5 attention heads"),
        ({"decoder_layers": 0}, "at least 1"),
    ],
)
def test_what_makes_no_network_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        AttentionFusionConfig(num_classes=3, feature_width=6, **given)
