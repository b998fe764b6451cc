"""The most memory that this process has held."""

import resource
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Peak resident memory in MB (10**6 bytes).

    On Linux by ``VmHWM``: ``ru_maxrss`` may be that of the process that started this one.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6
