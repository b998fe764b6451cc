"""The ``touchline`` program: maps commands to their files, and errors to exit codes."""

import errno
import importlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from touchline.cli.confinement import TRUST, confinement_of
from touchline.cli.output import (
    errors,
    new_app,
    options_of,
    print_error,
    print_json,
    remarks,
    results,
)
from touchline.errors import InputError
from touchline.runtime.confined import (
    ConfinedDeathError,
    has_memory_limit,
    is_confinable,
    run_confined,
)
from touchline.runtime.memory import GAVE_UP, is_memory_error
from touchline.runtime.system_errors import system_error_of

COMMANDS = {
    "demo": "Show the whole product on a simulated match.",
    "spot": "Find the events of videos.",
    "broadcast": "Read clock, score, goals, replays and excitement from a broadcast.",
    "align": "Put a provider's events on the video's time, by the clock in the picture.",
    "reel": "Choose and cut the highlights.",
    "annotate": "Draw the events into the video.",
    "evaluate": "Score predictions against labels, as the official challenge does.",
    "convert": "Convert between event formats.",
    "extract": "Write the features of a video or a dataset.",
    "train": "Train a network by a recipe.",
    "predict": "Write a trained network's predictions for a dataset.",
    "reproduce": "Score published weights on your own copy of the data, beside the reported score.",
    "combine": "Merge the predictions of several networks.",
    "models": "List, show, pull, import and export weights.",
    "dataset": "Download, check and describe datasets.",
    "simulate": "Make a synthetic dataset in the SoccerNet layout.",
    "serve": "Serve the HTTP API, with a worker.",
    "worker": "Run the server's jobs.",
    "admin": "Users, backup and restore of a server.",
}
"""Every command, in the order of the help; ``touchline.cli.<name>`` holds its ``app``."""


INTERRUPTED = 130
TERMINATED = 143
ENDINGS = {INTERRUPTED: "interrupted", TERMINATED: "terminated"}
QUIET = "--quiet"
JSON = "--json"

_SAME_SIGNAL_SECONDS = 1

CallError: type[Exception] = typer.BadParameter.__mro__[2]
"""Base of the errors of wrong calls: that of click, or of Typer's own copy of click, by version."""

_MORE_MEMORY = f", or more than a command may take; {TRUST} lifts the limit"


class ReaderLeftError(Exception):
    """The reader of our output has gone (``| head``)."""


class TerminatedError(BaseException):
    """The program was terminated (SIGTERM); what is half-written is removed on the way out."""


class CommandTable(TyperGroup):
    """The table above as a group that imports a command's file only when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"touchline.cli.{cmd_name}")
        return typer.main.get_command(module.app)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Options of all commands may also follow the command."""
        words = options_of(args)
        common = [option for option in (QUIET, TRUST) if option in words]
        own = [word for word in words if word not in common]
        return super().parse_args(ctx, [*common, *own, *args[len(words) :]])

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # Typer would leave with 1
            raise ReaderLeftError from error


app = new_app(
    cls=CommandTable,
    name="touchline",
    help="A match video goes in; a timeline of what happened, and a highlight reel, come out.",
    no_args_is_help=True,
    add_completion=True,
)


@app.callback(invoke_without_command=True)
def options(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    quiet: bool = typer.Option(
        False, QUIET, help="Print results and errors only: no progress, no remarks."
    ),
    trust: bool = typer.Option(
        False,
        TRUST,
        help="Read files in this process, without limits on memory, time and network.",
    ),
) -> None:
    remarks.quiet = quiet
    if version:
        import touchline

        typer.echo(touchline.__version__)
        raise typer.Exit


def main() -> NoReturn:
    """The program; commands that read files of others work in a limited process."""
    limits = confinement_of(sys.argv[1:]) if is_confinable() else None
    if limits is None:
        run()
    try:
        sys.exit(run_confined(run, limits))
    except ConfinedDeathError as death:
        _say_death(death.signal)


def run() -> NoReturn:
    """Do the work of the call in this process, and leave with 0 (done), 1 (a fault of ours) or 2
    (input or call wrong)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names may be any bytes
    results.has_document = False
    try:
        with _terminable():
            code = app(prog_name="touchline", standalone_mode=False) or 0
        sys.stdout.flush()
    except InputError as error:
        _leave(2, str(error))
    except CallError as error:
        _leave(2, _usage_error(error))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except TerminatedError:
        code = TERMINATED
    except (ReaderLeftError, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if (ending := _ending_behind(error)) is not None:
            _end(ending)
        if is_memory_error(error):
            _leave(1, f"not enough memory{_MORE_MEMORY if has_memory_limit() else ''}")
        of_system = system_error_of(error)
        if of_system is None:
            raise
        where = of_system.filename or "the system"
        _leave(2, f"{where}: {of_system.strerror}{_limit_of(of_system)}")
    _end(code)


def _end(code: int) -> NoReturn:
    if code in ENDINGS:
        errors.print(ENDINGS[code])
    sys.exit(code)


def _ending_behind(error: BaseException) -> int | None:
    """The ending in which an error came up: libraries whose processes are ended with this one raise
    errors of their own."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, TerminatedError | KeyboardInterrupt):
            return TERMINATED if isinstance(behind, TerminatedError) else INTERRUPTED
        behind = behind.__context__
    return None


def _limit_of(error: OSError) -> str:
    """What lifts the limit that an error of the system tells of."""
    is_limit = error.errno == errno.EFBIG and has_memory_limit()
    return f"; {TRUST} lifts the limit on what a command writes" if is_limit else ""


def _say_death(number: int) -> NoReturn:
    """Leave as the limited process was made to."""
    if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        _end(128 + number)
    if number == signal.SIGXCPU:
        _leave(2, f"took more processor time than a file of its size should; {TRUST} if you do")
    if number == signal.SIGKILL:
        _leave(1, "was killed, perhaps because there was too little memory")
    if number == signal.SIGABRT:
        _leave(1, f"{GAVE_UP}{_MORE_MEMORY}")
    name = signal.Signals(number).name
    _leave(1, f"a library crashed ({name}): the file may be damaged, or made to do harm")


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM raise, so that files are cleaned up, unless something else handles it."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    began: list[float] = []

    def terminate(*_: object) -> None:
        began.append(time.monotonic())
        if len(began) == 1:
            raise TerminatedError
        # Whoever ends a whole group has the first process pass on what this one has already.
        if began[-1] - began[0] > _SAME_SIGNAL_SECONDS:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave(code: int, text: str) -> NoReturn:
    """Leave with an error; with ``--json``, as the one document of a call that printed none."""
    print_error(text)
    if JSON in options_of(sys.argv) and not results.has_document:
        with suppress(BrokenPipeError):  # its reader has gone
            print_json({"error": text})
    sys.exit(code)


def _usage_error(error: Any) -> str:
    """One line about a call that does not parse; the help itself where no command was given."""
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
        sys.exit(2)
    text = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return text if context is None else f"{text}; see {context.command_path} --help"


if __name__ == "__main__":
    main()
