"""The tasks of the feature-based systems."""

from touchline.training.tasks.astra import AstraTask
from touchline.training.tasks.base import MakeTask
from touchline.training.tasks.calf import CALFTask
from touchline.training.tasks.calf_grounding import GroundingTask
from touchline.training.tasks.calibration import CalibrationTask
from touchline.training.tasks.dense_anchors import DenseAnchorsTask
from touchline.training.tasks.fusion import FusionTask
from touchline.training.tasks.pooling import PoolingTask

TASKS: dict[str, MakeTask] = {
    "dense-anchors": DenseAnchorsTask,
    "astra": AstraTask,
    "pooling": PoolingTask,
    "calf": CALFTask,
    "calf-attention": CALFTask,
    "calf-se": CALFTask,
    "calf-calibration": CalibrationTask,
    "calf-grounding": GroundingTask,
    "fusion-early": FusionTask,
    "fusion-late": FusionTask,
    "fusion-attention": FusionTask,
}
"""How each system is trained, by the name that recipes and cards give it."""
