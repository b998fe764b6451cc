"""The tasks of the feature-based systems."""

from touchline.training.tasks.base import MakeTask
from touchline.training.tasks.pooling import PoolingTask

TASKS: dict[str, MakeTask] = {
    "pooling": PoolingTask,
}
"""How each system is trained, by the name that recipes and cards give it."""
