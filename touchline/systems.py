"""The systems: one row for every network that a card or a recipe may name.

A row names the parts of a system as ``module:attribute``. A part is imported when it is first used,
so the table itself needs no PyTorch, and a command imports the networks that it runs and no others.
The types of the parts stand where they are used: ``touchline.engines.networks`` (configuration and
network), ``touchline.training.tasks`` (task), ``touchline.spotting.scorers`` (scorer).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any, Literal

from touchline.errors import MissingExtraError

Reads = Literal["video", "features"]

_TORCH_PACKAGES = ("torch", "torchvision", "timm")
_CALF_RENAMED = {"features": "feature_width", "chunk_steps": "clip_steps"}
_FUSION_TASK = "touchline.training.tasks.fusion:FusionTask"
_FUSION_SCORER = "touchline.spotting.scorers.fusion:score"
_CALF_TASK = "touchline.training.tasks.calf:CALFTask"
_CALF_SCORER = "touchline.spotting.scorers.calf:score"


@dataclass(frozen=True, kw_only=True)
class System:
    """One network and everything that belongs to it.

    Attributes:
        config: frozen dataclass of values that JSON can hold, ``num_classes`` among them; for a
            network of features ``feature_width``, the numbers in a row of the main stream.
        network: makes the network from a configuration and keeps it as ``config``.
        task: what is specific to its training: clips, targets, loss.
        scorer: scores a whole half or video; None for a network that does not spot.
        decode: for a network of pictures, makes scores of its outputs for a window, in NumPy; see
            ``touchline.spotting.windows.decoder``.
        passage: how a network of pictures passes over a video, where that is not window by window;
            see ``touchline.spotting.passages``.
        as_published: what of the configuration makes a video scored as by the published program,
            where touchline does better.
        multi_label: whether every class is scored by itself, without background.
        colours: of the pictures that it reads.
        frames_per_step: how many of them make one step of its scores.
        late_seconds: by how much later than a step's time its picture is taken.
        reads: what its clips consist of.
        given_streams: whether the configuration lists further streams as ``streams``, (name, width)
            each, so that a recipe may give any; other networks know their streams themselves.
        recipe: the packaged recipe to begin with.
        options: the groups and values that a recipe of this system may hold.
        results: the format of its predictions for a challenge.
        grounds_replays: whether it finds the live action of a replay instead of spotting.
        renamed: fields of the configuration by the names that earlier cards and recipes give them.
    """

    config: str
    network: str
    task: str
    scorer: str | None
    recipe: str
    reads: Reads = "features"
    decode: str = "touchline.spotting.windows:softmax"
    passage: str | None = None
    as_published: Mapping[str, Any] = field(default_factory=dict)
    multi_label: bool = False
    colours: Literal["rgb", "luma"] = "rgb"
    frames_per_step: int = 1
    late_seconds: Fraction = Fraction(0)
    given_streams: bool = False
    options: str = "touchline.training.options.features:FeatureRecipe"
    results: str = "soccernet-results"
    grounds_replays: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)


SYSTEMS: dict[str, System] = {
    "e2e-spot": System(
        config="touchline.models.e2e_spot:E2ESpotConfig",
        network="touchline.models.e2e_spot:E2ESpot",
        task="touchline.training.tasks.e2e_spot:E2ESpotTask",
        scorer="touchline.spotting.scorers.pictures:score",
        recipe="e2e-spot-soccernet",
        reads="video",
        options="touchline.training.options.e2e_spot:E2ESpotRecipe",
    ),
    "tdeed": System(
        config="touchline.models.tdeed:TDEEDConfig",
        network="touchline.models.tdeed:TDEED",
        task="touchline.training.tasks.tdeed:TDEEDTask",
        scorer="touchline.spotting.scorers.pictures:score",
        decode="touchline.spotting.displacement:displaced_probabilities",
        results="soccernet-ball-results",
        recipe="tdeed-soccernet",
        reads="video",
        options="touchline.training.options.tdeed:TDEEDRecipe",
    ),
    "tdeed-team": System(
        config="touchline.models.tdeed:TeamTDEEDConfig",
        network="touchline.models.tdeed:TDEED",
        task="touchline.training.tasks.tdeed:TeamTDEEDTask",
        scorer="touchline.spotting.scorers.pictures:score",
        decode="touchline.spotting.displacement:displaced_sides",
        results="soccernet-ball-results",
        recipe="tdeed-team",
        reads="video",
        options="touchline.training.options.tdeed:TeamTDEEDRecipe",
    ),
    "frame-stacking": System(
        config="touchline.models.frame_stacking:FrameStackingConfig",
        network="touchline.models.frame_stacking:FrameStacking",
        task="touchline.training.tasks.frame_stacking:FrameStackingTask",
        scorer="touchline.spotting.scorers.passages:score",
        passage="touchline.spotting.passages.stacks:StackPassage",
        multi_label=True,
        colours="luma",
        recipe="frame-stacking-ball",
        reads="video",
        options="touchline.training.options.frame_stacking:FrameStackingRecipe",
    ),
    "comedian": System(
        config="touchline.models.comedian:ComedianConfig",
        network="touchline.models.comedian:Comedian",
        task="touchline.training.tasks.comedian:ComedianTask",
        scorer="touchline.spotting.scorers.passages:score",
        passage="touchline.spotting.passages.tubelets:TubeletPassage",
        as_published={"keep_tail": False},
        multi_label=True,
        frames_per_step=2,
        # FFmpeg's filter fps=2 takes the last frame before n/2 + 1/4 s; time stamps may be rounded
        # to a millisecond.
        late_seconds=Fraction(1, 4) - Fraction(1, 999),
        recipe="comedian-soccernet",
        reads="video",
        options="touchline.training.options.comedian:ComedianRecipe",
    ),
    "pooling": System(
        config="touchline.models.pooling:PoolingConfig",
        network="touchline.models.pooling:PoolingNetwork",
        task="touchline.training.tasks.pooling:PoolingTask",
        scorer="touchline.spotting.scorers.pooling:score",
        recipe="netvlad++",
        renamed={"input_width": "feature_width", "clip_len": "clip_steps"},
    ),
    "calf": System(
        config="touchline.models.calf:CALFConfig",
        network="touchline.models.calf:CALF",
        task=_CALF_TASK,
        scorer=_CALF_SCORER,
        recipe="calf",
        renamed=_CALF_RENAMED,
    ),
    "calf-attention": System(
        config="touchline.models.calf_attention:AttentionCALFConfig",
        network="touchline.models.calf_attention:AttentionCALF",
        task=_CALF_TASK,
        scorer=_CALF_SCORER,
        recipe="calf-attention",
        renamed=_CALF_RENAMED,
    ),
    "calf-se": System(
        config="touchline.models.calf_attention:SqueezeCALFConfig",
        network="touchline.models.calf_attention:SqueezeCALF",
        task=_CALF_TASK,
        scorer=_CALF_SCORER,
        recipe="calf-se",
        renamed=_CALF_RENAMED,
    ),
    "calf-grounding": System(
        config="touchline.models.calf_grounding:GroundingCALFConfig",
        network="touchline.models.calf_grounding:GroundingCALF",
        task="touchline.training.tasks.calf_grounding:GroundingTask",
        scorer=None,
        recipe="calf-grounding",
        renamed=_CALF_RENAMED,
        grounds_replays=True,
    ),
    "calf-calibration": System(
        config="touchline.models.calibration:CalibrationConfig",
        network="touchline.models.calibration:calibration_calf",
        task="touchline.training.tasks.calibration:CalibrationTask",
        scorer="touchline.spotting.scorers.calibration:score",
        recipe="calf-calibration-gcn",
        renamed=_CALF_RENAMED,
    ),
    "dense-anchors": System(
        config="touchline.models.dense_anchors:DenseAnchorsConfig",
        network="touchline.models.dense_anchors:DenseAnchors",
        task="touchline.training.tasks.dense_anchors:DenseAnchorsTask",
        scorer="touchline.spotting.scorers.dense_anchors:score",
        recipe="dense-anchors",
        renamed={"chunk_steps": "clip_steps"},
    ),
    "astra": System(
        config="touchline.models.astra:ASTRAConfig",
        network="touchline.models.astra:ASTRA",
        task="touchline.training.tasks.astra:AstraTask",
        scorer="touchline.spotting.scorers.astra:score",
        recipe="astra",
    ),
    "fusion-early": System(
        config="touchline.models.fusion:FusionConfig",
        network="touchline.models.fusion:EarlyFusion",
        task=_FUSION_TASK,
        scorer=_FUSION_SCORER,
        recipe="fusion-early",
        given_streams=True,
    ),
    "fusion-late": System(
        config="touchline.models.fusion:FusionConfig",
        network="touchline.models.fusion:LateFusion",
        task=_FUSION_TASK,
        scorer=_FUSION_SCORER,
        recipe="fusion-late",
        given_streams=True,
    ),
    "fusion-attention": System(
        config="touchline.models.fusion:AttentionFusionConfig",
        network="touchline.models.fusion:AttentionFusion",
        task=_FUSION_TASK,
        scorer=_FUSION_SCORER,
        recipe="fusion-attention",
        given_streams=True,
    ),
}
"""By the name that cards and recipes give a system."""


def current_config(system: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a configuration as it has them: under their current names, unknown ones as they
    are, and with tuples for the lists of JSON and YAML.

    Args:
        values: as a card or a recipe holds them, which may have been written by an earlier version.

    Raises:
        ValueError: a field is given under both of its names.
    """
    renamed = SYSTEMS[system].renamed if system in SYSTEMS else {}
    for earlier, name in renamed.items():
        if earlier in values and name in values:
            raise ValueError(f"{earlier} and {name} are names of one value; leave {earlier} out")
    return {renamed.get(name, name): _as_tuple(value) for name, value in values.items()}


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(part) for part in value) if isinstance(value, list) else value


def row_of(system: str) -> System:
    """The row of a system; that of E2E-Spot for one that is not known."""
    return SYSTEMS.get(system, SYSTEMS["e2e-spot"])


def steps_per_row(config: Any) -> int:
    """Steps of a network's output, and of the events that it learns, for every row of features."""
    return int(getattr(config, "steps_per_row", 1))


def systems_reading(reads: Reads) -> list[str]:
    """The names of the systems whose clips consist of this."""
    return [name for name, system in SYSTEMS.items() if system.reads == reads]


def grounds_replays(system: str) -> bool:
    """Whether the networks of a system find the live action of a replay instead of spotting."""
    return system in SYSTEMS and SYSTEMS[system].grounds_replays


def results_format(system: str) -> str:
    """The format of a system's predictions for a challenge."""
    return SYSTEMS[system].results if system in SYSTEMS else System.results


@cache
def load_part(reference: str) -> Any:
    """The part of a system that a row names, imported on first use.

    Args:
        reference: ``module:attribute``.

    Raises:
        MissingExtraError: it needs PyTorch, which is not installed.
        ImportError: there is no such module or attribute.
    """
    module, _, name = reference.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name in _TORCH_PACKAGES:
            raise MissingExtraError("running or training a network", "torch") from error
        raise ImportError(f"{reference} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ImportError(f"{module} has no {name!r}, which the table of systems names") from error
