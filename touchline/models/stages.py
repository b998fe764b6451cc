"""Networks of features in the stages in which a half passes them: single rows first, then clips.

What is done to single rows is done once, before clips overlap. A stage takes and gives whole arrays
and can be exported; the scorers (``touchline.spotting.scorers``) run stages, on whatever engine.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from touchline.models.astra import ASTRA
from touchline.models.calf_grounding import GroundingCALF
from touchline.models.calibration import CalibrationCALF
from touchline.models.dense_anchors import DELTA, DenseAnchors
from touchline.models.fusion import Encoded, Fusion
from touchline.models.parts.capsules import CapsuleNetwork
from touchline.models.parts.vggish import PATCH_STEPS
from touchline.models.pooling import PoolingNetwork

Example = Callable[[int, Generator], dict[str, Tensor]]
"""Inputs for so many rows or clips."""


class Stage(nn.Module):
    """A part of a network.

    Attributes:
        example: inputs by name, in the order in which ``forward`` takes them.
        flexible_axes: of inputs whose length stays free on other axes than the first.
        exportable: whether a graph can hold it for any number of rows or clips.
    """

    def __init__(
        self,
        network: nn.Module,
        run: Callable[..., Tensor],
        example: Example,
        *,
        flexible_axes: Mapping[str, tuple[int, ...]] | None = None,
        exportable: bool = True,
    ) -> None:
        super().__init__()
        self.network = network
        self.example = example
        self.flexible_axes = dict(flexible_axes or {})
        self.exportable = exportable
        self._run = run

    def forward(self, *inputs: Tensor) -> Tensor:
        """The stage's only output; the first axis is that of the inputs."""
        return self._run(self.network, *inputs)


Stages = dict[str, Stage]


def stages_of(network: nn.Module) -> Stages:
    """The stages of a network of features, by name.

    Raises:
        TypeError: another network.
    """
    for kind, make in _STAGES:
        if isinstance(network, kind):
            return make(network)
    raise TypeError(f"{type(network).__name__} has no stages")


def config_facts(config: Any) -> dict[str, Any]:
    """What JSON can hold of a configuration: its fields, and what follows from them."""
    names = [name for name in dir(config) if not name.startswith("_")]
    values = {name: getattr(config, name) for name in names}
    return {name: value for name, value in values.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(part) for key, part in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def _rows(*shape: int) -> Callable[[int, Generator], Tensor]:
    return lambda count, noise: torch.randn(count, *shape, generator=noise)


def _inputs(**shapes: Callable[[int, Generator], Tensor]) -> Example:
    return lambda count, noise: {name: make(count, noise) for name, make in shapes.items()}


def _capsule_stages(network: Any) -> Stages:
    config = network.config
    reduced = network.conv_2.weight.shape[0]
    return {
        "reduce": Stage(network, _reduce, _inputs(rows=_rows(config.feature_width))),
        "read": Stage(network, _read, _inputs(reduced=_rows(config.clip_steps, reduced))),
    }


def _reduce(network: Any, rows: Tensor) -> Tensor:
    """(n, D) -> (n, C)."""
    reduced: Tensor = network.reduce(rows[None])[0].transpose(0, 1)
    return reduced


def _read(network: Any, *parts: Tensor) -> Tensor:
    """(B, T, C) of each branch -> (B, T·K + slots·(2 + K)): segmentation, then spotting."""
    encoded = network.encode(*(part.transpose(1, 2) for part in parts))
    output = network.decode(encoded)
    flat = (output.segmentation.float().flatten(1), output.spotting.float().flatten(1))
    return torch.cat(flat, dim=1)


def _calibration_stages(network: Any) -> Stages:
    config = network.config
    players, seen = _PLAYERS[config.stream](config), _seen_width(network)
    own = {"seen": _rows(config.clip_steps, seen)}
    stages = {
        "see": Stage(
            network, _see, _inputs(players=players), flexible_axes=_SIZES.get(config.stream)
        ),
        "read": Stage(network, _read_players, _inputs(**own)),
    }
    if config.with_features:
        reduced = network.conv_2.weight.shape[0]
        both = {"reduced": _rows(config.clip_steps, reduced), **own}
        stages["reduce"] = Stage(network, _reduce, _inputs(rows=_rows(config.feature_width)))
        stages["read"] = Stage(network, _read, _inputs(**both))
    return stages


def _see(network: Any, players: Tensor) -> Tensor:
    """(n, ...) -> (n, C)."""
    seen: Tensor = network.see(players[None])[0].transpose(0, 1)
    return seen


def _read_players(network: Any, seen: Tensor) -> Tensor:
    return _read(network, seen[..., :0], seen)


def _seen_width(network: Any) -> int:
    config = network.config
    example = _PLAYERS[config.stream](config)(1, Generator().manual_seed(0))
    with torch.no_grad():
        return int(network.see(example[None].to(network.conv_seg.weight.device)).shape[1])


def _top_views(config: Any) -> Callable[[int, Generator], Tensor]:
    def make(count: int, noise: Generator) -> Tensor:
        views = torch.randint(0, 256, (count, 3, 32, 64), dtype=torch.uint8, generator=noise)
        views[count // 2] = 0
        return views

    return make


def _graphs(config: Any) -> Callable[[int, Generator], Tensor]:
    width = config.node_features

    def make(count: int, noise: Generator) -> Tensor:
        room = 4 + count % 3
        rows = torch.zeros(count, room, width + 1 + room)
        exists = torch.arange(room) < torch.randint(0, room + 1, (count, 1), generator=noise)
        rows[..., :width] = torch.randn(count, room, width, generator=noise) * exists[..., None]
        rows[..., width] = exists
        joined = torch.rand(count, room, room, generator=noise) < 0.4
        joined = (joined | joined.mT) & exists[..., None] & exists[..., None, :]
        rows[..., width + 1 :] = joined & ~torch.eye(room, dtype=torch.bool)
        return rows

    return make


_PLAYERS: dict[str, Callable[[Any], Callable[[int, Generator], Tensor]]] = {
    "top_view": _top_views,
    "top_view_features": lambda config: _rows(config.player_features),
    "graph": _graphs,
    "certain_graph": _graphs,
}


_SIZES = {stream: {"players": (0, 1, 2)} for stream in ("graph", "certain_graph")}
"""Graphs have places for as many people as the file that they are drawn from."""


def _grounding_stages(network: Any) -> Stages:
    config = network.config
    clips = _rows(config.clip_steps, config.feature_width)
    with torch.no_grad():
        some = torch.zeros(1, config.clip_steps, config.feature_width)
        encoded = network.encode_one(some.to(network.conv_seg.weight.device)).shape[1:]
    return {
        "encode": Stage(network, lambda n, x: n.encode_one(x), _inputs(clips=clips)),
        "ground": Stage(network, _ground, _inputs(game=_rows(*encoded), shown=_rows(*encoded))),
    }


def _ground(network: Any, game: Tensor, shown: Tensor) -> Tensor:
    """(B, E, T) of clips of the game and of the replay -> (B, slots, 2)."""
    spotting: Tensor = network.decode(torch.cat((game, shown), dim=1)).spotting
    return spotting.float()


def _pooling_stages(network: Any) -> Stages:
    config = network.config
    clips = _rows(config.clip_steps, config.width)
    rows = _rows(config.feature_width)
    stages = {
        "slide": Stage(network, _slide, _inputs(rows=rows), exportable=False),
        "pool": Stage(network, lambda n, x: n.pool(x), _inputs(clips=clips)),
    }
    if config.feature_width != config.width:
        stages["project"] = Stage(network, lambda n, x: n.feature_extractor(x), _inputs(rows=rows))
    return stages


def _slide(network: Any, rows: Tensor) -> Tensor:
    """(N, D) -> (windows, K + 1), in full precision: what windows share adds up."""
    with torch.autocast(rows.device.type, enabled=False):
        logits: Tensor = network.slide(rows)
    return logits


def _anchor_stages(network: Any) -> Stages:
    config = network.config
    channels = 4 * config.width * len(network.trunks)
    return {
        "reduce": Stage(network, _anchor_reduce, _inputs(rows=_rows(config.feature_width))),
        "relate": Stage(network, _anchor_relate, _inputs(steps=_rows(config.clip_steps, channels))),
    }


def _anchor_reduce(network: Any, rows: Tensor) -> Tensor:
    """(n, D) -> (n · upsampling, trunks · C); of row 0 the steps before it are not known."""
    steps = network.interpolate(rows[None])[0]
    return torch.cat(list(network.reduce(steps).values()), dim=-1)


def _anchor_relate(network: Any, steps: Tensor) -> Tensor:
    """(B, T, trunks · C) -> (B, T, K, heads): confidence, then displacement if there is one."""
    parts = steps.chunk(len(network.trunks), dim=-1)
    output = network.relate(dict(zip(network.trunks, parts, strict=True)))
    heads = [output.confidence] + ([output.delta] if DELTA in network.config.heads else [])
    return torch.stack(heads, dim=-1).float()


def _astra_stages(network: Any) -> Stages:
    config = network.config
    seen = {"seen": _rows(config.rows, len(config.parts), config.width)}
    heard = {"heard": _rows(config.patches, config.width)} if config.audio else {}
    stages = {
        "see": Stage(network, lambda n, x: n.see(x), _inputs(rows=_rows(config.feature_width))),
        "relate": Stage(network, _astra_relate, _inputs(**seen, **heard)),
    }
    if config.audio:
        fixed: dict[str, tuple[int, ...]] = {"loudest": ()}
        stages["hear"] = Stage(network, _hear, _sounds(config.mels), flexible_axes=fixed)
    return stages


def _sounds(mels: int) -> Example:
    def make(count: int, noise: Generator) -> dict[str, Tensor]:
        patches = torch.rand(count, PATCH_STEPS, mels, generator=noise)
        return {"patches": patches, "loudest": torch.tensor([1.5])}

    return make


def _hear(network: Any, patches: Tensor, loudest: Tensor) -> Tensor:
    """(n, 96, mels), (1,) -> (n, width)."""
    heard: Tensor = network.hear(network.loudness(patches, loudest[0]))
    return heard


def _astra_relate(network: Any, *tokens: Tensor) -> Tensor:
    """Tokens of clips -> (B, T, outputs, 2): probability, and mean of the displacement."""
    output = network.relate(*tokens)
    return torch.stack((output.probability, output.displacement[..., 0]), dim=-1).float()


def _fusion_stages(network: Any) -> Stages:
    config, names = network.config, [name for name, _ in network.widths]

    def streams(count: int, noise: Generator) -> dict[str, Tensor]:
        rows = {}
        for number, (name, width) in enumerate(network.widths):
            rows[name] = torch.randn(count, width, generator=noise)
            rows[name][number :: len(names) + 1] = torch.nan
        return rows

    def clips(count: int, noise: Generator) -> dict[str, Tensor]:
        shape = (count, config.clip_steps, len(names))
        present = (torch.rand(shape, generator=noise) < 0.8).float()
        return {"rows": torch.randn(*shape, config.width, generator=noise), "present": present}

    return {
        "encode": Stage(network, lambda n, *x: _encode(n, names, x), streams),
        "relate": Stage(network, _fusion_relate, clips),
    }


def _encode(network: Any, names: list[str], rows: tuple[Tensor, ...]) -> Tensor:
    """(n, D) of every stream -> (n, S, C + 1): encoded, and 1 where it is present."""
    encoded = network.encode(dict(zip(names, rows, strict=True)))
    present = encoded.present[..., None].to(encoded.rows.dtype)
    return torch.cat((encoded.rows, present), dim=-1)


def _fusion_relate(network: Any, rows: Tensor, present: Tensor) -> Tensor:
    """(B, T, S, C), (B, T, S) -> (B, T, K) logits."""
    logits: Tensor = network.relate(Encoded(rows, present > 0.5)).logits
    return logits.float()


_STAGES: tuple[tuple[type[nn.Module], Callable[[Any], Stages]], ...] = (
    (CalibrationCALF, _calibration_stages),
    (GroundingCALF, _grounding_stages),
    (CapsuleNetwork, _capsule_stages),
    (PoolingNetwork, _pooling_stages),
    (DenseAnchors, _anchor_stages),
    (ASTRA, _astra_stages),
    (Fusion, _fusion_stages),
)
