"""The curl walk-through of the README, run as it stands."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from small_videos import write_video
from test_serving import linux, served

from touchline.media.video import probe

DOCUMENT = Path(__file__).parents[2] / "README.md"


@linux
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_whole_way_by_curl(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    [script] = re.findall(r"## The API with curl\n\n```sh\n(.*?)```", text, re.DOTALL)
    write_video(tmp_path / "match.mp4", 200)
    with served(tmp_path / "data") as server:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, env={"URL": server.url, "PATH": "/usr/bin:/bin:/usr/local/bin"},
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"state": "succeeded"' in done.stdout
    assert probe(tmp_path / "reel.mp4").duration_seconds > 0
