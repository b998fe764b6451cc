"""What all tests share."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from extras import needs
from hypothesis import settings

# One thread a test process: several processes with threads for every core only get in each other's
# way. Set before anything imports PyTorch, and handed on to the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell starts in the background ignores Ctrl-C, and hands that on to what tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("touchline", deadline=None, max_examples=50)  # load is no failure
settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile("touchline")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data that may lie beside the project."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with reference data is not here")
    return folder


@pytest.fixture(scope="session")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny E2E-Spot without temporal shift: frames pass its picture network one by one."""
    return _exported_model(tmp_path_factory.mktemp("models") / "tiny-plain", "rny002")


@pytest.fixture(scope="session")
def shifting_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny E2E-Spot with gated shift: it sees whole windows."""
    return _exported_model(tmp_path_factory.mktemp("models") / "tiny-gsm", "rny002_gsm")


def _exported_model(folder: Path, backbone: str) -> Path:
    for needed in ("torch", "timm", "onnx"):
        needs(needed)
    from model_folders import small_network, write_folder

    from touchline.engines.export import export_onnx

    export_onnx(write_folder(folder, small_network(backbone)))
    return folder


@dataclass(frozen=True)
class Call:
    """How a run of the program ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Call]:
    """Run ``touchline`` with these words, in this process."""
    from touchline.cli.main import run

    def touchline(*words: object) -> Call:
        monkeypatch.setattr(sys, "argv", ["touchline", *map(str, words)])
        capsys.readouterr()
        try:
            run()
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
        captured = capsys.readouterr()
        return Call(code, captured.out, captured.err)

    return touchline


@pytest.fixture
def refused(call: Callable[..., Call]) -> Callable[..., str]:
    """Run ``touchline`` with words that are wrong; the one line that says so."""

    def touchline(*words: object) -> str:
        ended = call(*words)
        assert ended.code == 2, ended
        assert ended.out == ""
        assert ended.err.startswith("error: ") and ended.err.count("\n") == 1, ended.err
        return ended.err

    return touchline
