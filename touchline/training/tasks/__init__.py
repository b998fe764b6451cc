"""The tasks of the feature-based systems."""

from touchline.training.tasks.base import MakeTask

TASKS: dict[str, MakeTask] = {}
"""How each system is trained, by the name that recipes and cards give it."""
