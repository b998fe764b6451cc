"""Limits that a process sets itself."""

import subprocess
import sys

import pytest

from touchline.runtime.confined import is_confinable

pytestmark = pytest.mark.skipif(not is_confinable(), reason="limits as Linux has them")

PROGRAM = """
import resource
from touchline.runtime.limits import set_limits

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 5000))
resource.setrlimit(resource.RLIMIT_CPU, (100, 200))
set_limits({"RLIMIT_FSIZE": 3000, "RLIMIT_CPU": 50, "RLIMIT_DATA": None})
print(resource.getrlimit(resource.RLIMIT_FSIZE), resource.getrlimit(resource.RLIMIT_CPU))
print(resource.getrlimit(resource.RLIMIT_CORE))
set_limits({"RLIMIT_CPU": 60})
print(resource.getrlimit(resource.RLIMIT_CPU))
"""


def test_a_lower_limit_that_holds_already_stays():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["(1000, 1000) (50, 51)", "(0, 0)", "(50, 51)"]
