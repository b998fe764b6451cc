"""Whatever bytes a video, a recipe or a file of weights has: read, or refused in one line.

Each file is tried in a process of its own kind (``fuzz_child``) that may take three gigabytes and
twenty seconds of processor time. ``.ci/fuzz 3600`` looks for an hour; what it finds goes to
``corpus/``.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from changed_bytes import changes
from extras import needs
from fuzz_child import TARGETS
from fuzz_seeds import CORPUS, seeds
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux has")

NEEDS = {"weights": ("torch", "h5py"), "recipe": ("torch",), "arrays": ()}

fuzz = settings(
    deadline=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "30")),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink media takes for ever
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Child:
    """The process that tries files; started anew when one ends it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def attempt(self, target: str, path: Path) -> str:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("fuzz_child.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{target} {path}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        return answer or f"fault: the process ended with {self._process.wait()}"

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    started = Child()
    yield started
    started.close()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, bytes]]]:
    return {}


@pytest.mark.parametrize("target", TARGETS)
@fuzz
@given(data=st.data())
def test_changed_files_are_read_or_refused(target, data, child, corpus, tmp_path):
    for extra in NEEDS.get(target, ()):
        needs(extra)
    if target not in corpus:
        corpus[target] = seeds(target, tmp_path)
    ending, content = data.draw(st.sampled_from(corpus[target]))
    changed = data.draw(changes(content))
    path = tmp_path / f"changed{ending}"
    path.write_bytes(changed)
    answer = child.attempt(target, path)
    if answer not in ("read", "refused"):
        kept = Path(os.environ.get("FUZZ_FOUND", tmp_path)) / f"{target}-{hash(changed):x}{ending}"
        kept.write_bytes(changed)
        note(f"the file is {kept}")
    assert answer in ("read", "refused")


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*-*")), ids=lambda path: path.name)
def test_what_was_a_fault_once_is_none(path, child):
    target = path.name.partition("-")[0]
    for extra in NEEDS.get(target, ()):
        needs(extra)
    assert child.attempt(target, path) in ("read", "refused")
