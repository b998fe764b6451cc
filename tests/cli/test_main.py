"""The program as a whole: help, exit codes, one line for whoever calls it wrongly."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from touchline.cli import main
from touchline.cli.main import COMMANDS

README = Path(__file__).parents[2] / "README.md"


def commands_below(name: str) -> list[tuple[str, ...]]:
    """A command, or the commands of a group."""
    command = typer.main.get_command(importlib.import_module(f"touchline.cli.{name}").app)
    inner = getattr(command, "commands", None)
    return [(name,)] if inner is None else [(name, below) for below in inner]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps_and_every_option_says_what_it_does(call, name):
    for words in commands_below(name):
        ended = call(*words, "--help")
        assert ended.code == 0 and ended.out.startswith("Usage: touchline"), ended
        command = typer.main.get_command(importlib.import_module(f"touchline.cli.{name}").app)
        for word in words[1:]:
            command = command.commands[word]
        assert command.help
        silent = [p.name for p in command.params if not getattr(p, "help", None)]
        assert silent == []


def test_help_lists_every_command_and_loads_none(call):
    ended = call("--help")
    assert ended.code == 0
    for name, text in COMMANDS.items():
        assert f"  {name} " in ended.out and text.split(".")[0][:30] in ended.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_mentions_every_command(name):
    assert f"touchline {name}" in README.read_text(encoding="utf-8")


def test_the_version(call):
    import touchline

    assert call("--version").out == f"{touchline.__version__}\n"


@pytest.mark.parametrize("words", [["--quiet", "{}"], ["{}", "--quiet"]])
def test_quiet_leaves_results_and_errors(call, tmp_path, words):
    events = tmp_path / "match.events.json"
    events.write_text(
        '{"format": "touchline-events", "version": 1, "video": {"name": "match.mp4"},'
        ' "events": [{"time": 1.0, "label": "Goal", "confidence": 0.5, "note": "lost here"}]}'
    )

    def convert(target: str, *words: str):
        return call(*(w.format("convert") for w in words), events, tmp_path / target)

    loud = convert("a.vtt", "convert")
    assert loud.code == 0 and "cannot hold" in loud.err
    quiet = convert("b.vtt", *words)
    assert (quiet.code, quiet.err) == (0, "") and "1 event" in quiet.out
    refused = convert("b.nonsense", *words)
    assert refused.code == 2 and refused.err.startswith("error: ")
    assert "cannot hold" in convert("c.vtt", "convert").err  # the next call is not quiet


@pytest.mark.parametrize("sign", ["\x1b[31m", "\x9b2J", "\x07", "\u202e"])
def test_names_of_files_do_not_steer_the_terminal(call, refused, tmp_path, sign):
    """Neither in an error nor in what a command prints of its results."""
    shown = ascii(sign)[1:-1]
    said = refused("convert", tmp_path / f"a{sign}b.events.json", tmp_path / "a.csv")
    assert f"a{shown}b.events.json" in said and sign not in said

    events = tmp_path / "match.events.json"
    events.write_text(
        '{"format": "touchline-events", "version": 1, "video": {"name": "match.mp4"}, "events": []}'
    )
    ended = call("convert", events, tmp_path / f"c{sign}d.csv")
    assert ended.code == 0 and f"c{shown}d.csv" in ended.out and sign not in ended.out


def test_what_follows_a_double_dash_is_no_option(refused, tmp_path):
    assert "--quiet" in refused("convert", "--", "--quiet", tmp_path / "a.csv")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_given_their_completion(shell):
    program = "from touchline.cli.main import run; import sys; sys.argv[0] = 'touchline'; run()"
    env = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", program, "--show-completion", shell],
        capture_output=True,
        text=True,
        env=env,
    )
    assert ended.returncode == 0 and "_TOUCHLINE_COMPLETE" in ended.stdout, ended


def test_commands_are_completed():
    program = "from touchline.cli.main import run; import sys; sys.argv[0] = 'touchline'; run()"
    env = os.environ | {
        "_TOUCHLINE_COMPLETE": "complete_bash",
        "COMP_WORDS": "touchline sp",
        "COMP_CWORD": "1",
    }
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env)
    assert ended.stdout.split() == ["spot"]


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_a_program_that_is_terminated_cleans_up_and_says_so(tmp_path):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from touchline.runtime.atomic import atomic_write\n"
        "from touchline.cli import main\n"
        "def invoke(self, ctx):\n"
        f"    with atomic_write(Path({str(tmp_path / 'x')!r})) as path:\n"
        "        path.touch()\n"
        "        print('begun', flush=True)\n"
        "        time.sleep(600)\n"
        "main.TyperGroup.invoke = invoke\n"
        "sys.argv = ['touchline', 'spot', 'x']\n"
        "main.run()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "begun\n"
    assert len(list(tmp_path.iterdir())) == 1
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "terminated\n")
    assert list(tmp_path.iterdir()) == []


def test_no_command_shows_the_help_as_a_wrong_call(call):
    ended = call()
    assert ended.code == 2
    assert "Commands:" in ended.err and ended.out == ""


@pytest.mark.parametrize("words", [["dance"], ["--dance"], ["spot", "--dance"], ["models", "no"]])
def test_a_wrong_call_is_one_line_with_the_place_of_help(refused, words):
    assert "--help" in refused(*words)


def raised_in(ending: BaseException) -> RuntimeError:
    """What a library raises when its processes are ended with this one."""
    try:
        try:
            raise ending
        finally:
            raise RuntimeError("a worker is killed by signal: Terminated")
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (MemoryError(), 1, "error: not enough memory\n"),
        (PermissionError(13, "Permission denied", "/root/x"), 2, "error: /root/x: Permission"),
        (OSError(28, "No space left on device"), 2, "error: the system: No space left"),
        (raised_in(main.TerminatedError()), 143, "terminated\n"),
        (raised_in(KeyboardInterrupt()), 130, "interrupted\n"),
    ],
)
def test_how_the_program_ends(call, monkeypatch, error, code, text):
    def fail(self, ctx):
        raise error

    monkeypatch.setattr(main.TyperGroup, "invoke", fail)
    monkeypatch.setattr(main.os, "dup2", lambda *descriptors: None)
    ended = call("spot", "x.mp4")
    assert ended.code == code
    assert ended.err.startswith(text) and ended.err.count("\n") == 1


def test_a_fault_of_ours_is_not_hidden(call, monkeypatch):
    def fail(self, ctx):
        raise ZeroDivisionError

    monkeypatch.setattr(main.TyperGroup, "invoke", fail)
    with pytest.raises(ZeroDivisionError):
        call("spot", "x.mp4")


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_reader_that_leaves_is_no_error():
    program = "from touchline.cli.main import run; import sys; sys.argv[0] = 'touchline'; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "models", "list", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    process.stdout.close()  # before anything has been written
    assert process.stderr.read() == b""
    assert process.wait() == 0


@pytest.mark.skipif(os.name != "posix", reason="names of any bytes")
def test_a_name_that_is_no_text_is_shown_all_the_same(tmp_path):
    program = "from touchline.cli.main import run; import sys; sys.argv[0] = 'touchline'; run()"
    ended = subprocess.run(
        [sys.executable, "-c", program, b"spot", os.fsencode(tmp_path) + b"/caf\xe9.mp4"],
        capture_output=True,
        env=os.environ | {"TOUCHLINE_HOME": str(tmp_path)},
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1 and b"Traceback" not in ended.stderr
