"""What a user sees where text cannot be read."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from PIL import Image

from touchline.engines.openvino import has_bfloat16


def test_a_processor_held_to_older_instructions_is_one_line(tmp_path: Path) -> None:
    needs("rapidocr")
    if not has_bfloat16():
        pytest.skip("OpenVINO chooses bfloat16 only where the processor has it")
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(tmp_path / "still.png")
    done = subprocess.run(
        [sys.executable, "-m", "touchline.cli.main", "broadcast", str(tmp_path / "still.png")],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "ONEDNN_MAX_CPU_ISA=AVX2" in done.stderr and "Traceback" not in done.stderr
