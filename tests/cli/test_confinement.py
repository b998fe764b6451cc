"""Commands that read files of others work in a limited process."""

import subprocess
import sys

import pytest

from touchline.cli.confinement import confinement_of
from touchline.runtime.confined import is_confinable

pytestmark = pytest.mark.skipif(not is_confinable(), reason="limits as Linux has them")


@pytest.mark.parametrize(
    "words", ["serve", "train demo", "--help", "spot a.mp4 --trust", "spot a.mp4 --ray=auto"]
)
def test_what_is_trusted_works_without_limits(words):
    assert confinement_of(words.split()) is None


@pytest.mark.parametrize(
    "words, network",
    [
        ("spot a.mp4", False),
        ("--quiet convert a.csv b.json", False),
        ("spot a.mp4 --pull", True),
        ("models pull soccer", True),
        ("models import a.pt", True),
        ("extract a.mp4 --features detections --detector hf:PekingU/rtdetr_r50vd", True),
        ("models show demo", False),
        ("reel a.json --video a.mp4 --transcribe small -o b.mp4", True),
        ("reel a.json --video a.mp4 --transcribe=small -o b.mp4", True),
        ("reel a.json --video a.mp4 -o b.mp4 -- --pull", False),
    ],
)
def test_only_what_fetches_reaches_the_network(words, network):
    found = confinement_of(words.split())
    assert found is not None and found.network is network


def test_processor_time_follows_the_size_of_what_is_read(tmp_path):
    small, large = tmp_path / "small.mp4", tmp_path / "large.mp4"
    small.touch()
    with large.open("wb") as file:
        file.truncate(10**9)

    def seconds(*words: object) -> int | None:
        found = confinement_of([*map(str, words)])
        assert found is not None
        return found.cpu_seconds

    least, more = seconds("spot", small), seconds("spot", large, "-o", tmp_path)
    assert least is not None and more is not None and more > 100 * least
    assert seconds("spot", tmp_path) is None
    assert seconds("reel", small, f"--video={large}", f"--output={tmp_path}") == more
    assert seconds("spot", "--json", "--", large) == more
    assert seconds("spot", "--", tmp_path) is None


PROGRAM = """
import sys
from touchline.cli import main

def run():
    {do}

main.run = run
sys.argv = ["touchline", "convert", "a.csv", "b.csv", "--json"]
main.main()
"""


@pytest.mark.parametrize(
    "do, code, line",
    [
        ("import os; os.kill(os.getpid(), 11)", 1, "a library crashed (SIGSEGV): the file may be"),
        ("import os; os.kill(os.getpid(), 9)", 1, "was killed, perhaps because there was too"),
        ("import os; os.kill(os.getpid(), 24)", 2, "took more processor time than a file of"),
        ("import os; os.abort()", 1, "a library gave up (SIGABRT): the file may be damaged, or n"),
    ],
)
def test_how_it_was_ended_is_said_in_one_line(do, code, line):
    words = [sys.executable, "-c", PROGRAM.format(do=do)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stderr.startswith(f"error: {line}") and done.stderr.count("\n") == 1
    assert done.stdout.startswith('{\n  "error": ')


def test_a_crash_behind_the_document_prints_no_second_one():
    do = "import os; from touchline.cli.output import print_json; print_json([]); os.abort()"
    words = [sys.executable, "-c", PROGRAM.format(do=do)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "[]\n")
    assert done.stderr.startswith("error: a library gave up")


LACKING = """
import errno, sys, typer
from touchline.cli import main

def parse_args(*_):
    raise {error}

main.CommandTable.parse_args = parse_args
sys.argv = ["touchline", "convert", "a.csv", "b.csv"]
main.main()
"""


@pytest.mark.parametrize(
    "error, code, line",
    [
        (
            'RuntimeError("DefaultCPUAllocator: can\'t allocate memory")',
            1,
            "not enough memory, or more than a command may take; --trust lifts the limit",
        ),
        (
            'OSError(errno.EFBIG, "File too large", "a.mp4")',
            2,
            "a.mp4: File too large; --trust lifts the limit on what a command writes",
        ),
    ],
)
def test_what_runs_into_a_limit_is_one_line(error, code, line):
    words = [sys.executable, "-c", LACKING.format(error=error)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, f"error: {line}\n")


def test_a_command_in_a_limited_process_does_what_it_does(tmp_path):
    (tmp_path / "a.csv").write_text("time,label\n1,Goal\n")
    for trust in ([], ["--trust"]):
        words = ["convert", "a.csv", "b.events.json", "--json", *trust]
        done = subprocess.run(
            [sys.executable, "-m", "touchline.cli.main", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("{") and (tmp_path / "b.events.json").exists()
