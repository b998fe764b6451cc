"""The ``touchline`` program: maps commands to their files, and errors to exit codes."""

import errno
import importlib
import io
import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from touchline.cli.output import errors, new_app, print_error
from touchline.errors import InputError

COMMANDS = {
    "demo": "Show the whole product on a simulated match.",
    "spot": "Find the events of videos.",
    "reel": "Choose and cut the highlights.",
    "annotate": "Draw the events into the video.",
    "evaluate": "Score predictions against labels, as the official challenge does.",
    "convert": "Convert between event formats.",
    "extract": "Write the features of a video or a dataset.",
    "train": "Train a network by a recipe.",
    "predict": "Write a trained network's predictions for a dataset.",
    "combine": "Put the predictions of several networks together.",
    "models": "List, show, pull, import and export weights.",
    "dataset": "Download, check and describe datasets.",
    "simulate": "Make a synthetic dataset in the SoccerNet layout.",
    "serve": "Serve the HTTP API, with a worker.",
    "worker": "Work at the server's jobs.",
    "admin": "Users, backup and restore of a server.",
}
"""Every command, in the order of the help; ``touchline.cli.<name>`` holds its ``app``."""


INTERRUPTED = 130

CallError: type[Exception] = typer.BadParameter.__mro__[2]
"""Of every wrong call. Typer has it from click, or from its own copy of click, by version."""

NEEDED_FROM_THE_SYSTEM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""Errors that are neither ours nor the input's: no space left, no permission."""


class ReaderLeftError(Exception):
    """Whoever read our output went away (``| head``)."""


class CommandTable(TyperGroup):
    """The table above as a group that imports a command's file only when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"touchline.cli.{cmd_name}")
        return typer.main.get_command(module.app)

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
)


@app.callback(invoke_without_command=True)
def options(
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    if version:
        import touchline

        typer.echo(touchline.__version__)
        raise typer.Exit


def run() -> None:
    """Run the program and leave with 0 (done), 1 (a fault of ours) or 2 (input or call wrong)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names may be any bytes
    try:
        code = app(standalone_mode=False) or 0
        sys.stdout.flush()
    except InputError as error:
        _leave(2, str(error))
    except CallError as error:
        _leave(2, _what_was_wrong(error))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (ReaderLeftError, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except MemoryError:
        _leave(1, "not enough memory")
    except OSError as error:
        if error.errno not in NEEDED_FROM_THE_SYSTEM:
            raise
        _leave(2, f"{error.filename or 'the system'}: {error.strerror}")
    if code == INTERRUPTED:
        errors.print("interrupted")
    sys.exit(code)


def _leave(code: int, text: str) -> NoReturn:
    print_error(text)
    sys.exit(code)


def _what_was_wrong(error: Any) -> str:
    """One line about a call that does not parse; the help itself where nothing was asked for."""
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
        sys.exit(2)
    text = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return text if context is None else f"{text}; see {context.command_path} --help"


if __name__ == "__main__":
    run()
