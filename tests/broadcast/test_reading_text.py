"""How text is read, and what a user sees where it cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from PIL import Image

from touchline.broadcast.ocr import TextReader
from touchline.engines.openvino_graph import has_bfloat16, ov


def test_text_is_read_in_float32_on_any_processor() -> None:
    needs("rapidocr")
    engine = TextReader(1)._engine
    for part in (engine.text_det, engine.text_rec):
        compiled = part.session.session.get_compiled_model()
        assert compiled.get_property("INFERENCE_PRECISION_HINT") == ov.Type.f32


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
