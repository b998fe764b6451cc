"""What a job does, stage by stage: each runs in a child process under resource limits.

A stage gets plain arguments, reports its share done, and gives plain facts; files go into the
folder that its arguments name. It knows neither database nor network.
"""

import importlib
from collections.abc import Callable
from typing import Any

Report = Callable[[float], None]

STAGES = {
    "sample": "touchline.server.jobs.stages.sampling:simulate_sample",
    "probe": "touchline.server.jobs.stages.probing:probe_uploads",
    "proxy": "touchline.server.jobs.stages.proxying:make_proxy",
    "spot": "touchline.server.jobs.stages.spotting:spot_video",
    "thumbnails": "touchline.server.jobs.stages.thumbnails:make_thumbnails",
    "reel": "touchline.server.jobs.stages.cutting:cut_reel",
    "export": "touchline.server.jobs.stages.cutting:write_edit_list",
    "pull": "touchline.server.jobs.stages.models:pull_model",
}
"""Every stage, and the function that does it; loaded in the child only."""


def run_stage(name: str, arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Do one stage.

    Raises:
        InputError: what it was given will not do.
    """
    module, _, function = STAGES[name].partition(":")
    made: dict[str, Any] = getattr(importlib.import_module(module), function)(report, **arguments)
    return made
