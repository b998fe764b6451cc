"""What is specific to the training of each system."""

from touchline.systems import SYSTEMS, load_part
from touchline.training.tasks.base import MakeFeatureTask, MakeVideoTask


def feature_task(system: str) -> MakeFeatureTask:
    """What makes the task of a system that reads features."""
    assert SYSTEMS[system].reads == "features"
    make: MakeFeatureTask = load_part(SYSTEMS[system].task)
    return make


def video_task(system: str) -> MakeVideoTask:
    """What makes the task of a system that reads video."""
    assert SYSTEMS[system].reads == "video"
    make: MakeVideoTask = load_part(SYSTEMS[system].task)
    return make
