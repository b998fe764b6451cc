"""A few kills of each kind that ``benchmarks/kills.py`` tries: same result, nothing left over."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from extras import needs

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals and mounts as Linux has")
@pytest.mark.parametrize("name", ["train", "pull", "osl", "postgres"])
def test_the_result_is_that_of_an_unbroken_run(name: str) -> None:
    for module in ("torch", "lightning", "psycopg"):
        needs(module)
    words = [sys.executable, str(KILLS), name, "--times", "2"]
    ended = subprocess.run(words, capture_output=True, text=True, env=dict(os.environ))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout)["same"]
