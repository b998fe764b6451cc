"""The ``touchline`` program: maps commands to their files, and errors to exit codes."""

import importlib
import os
import sys
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from touchline.cli.output import new_app, remarks
from touchline.errors import InputError

COMMANDS = {
    "demo": "Show the whole product on a simulated match.",
    "spot": "Find the events of videos.",
    "reel": "Choose and cut the highlights.",
    "annotate": "Draw the events into the video.",
    "evaluate": "Score predictions against labels, as the official challenge does.",
    "convert": "Convert between event formats.",
    "train": "Train a network by a recipe.",
    "predict": "Write a trained network's predictions for a dataset.",
    "models": "List, show, pull, import and export weights.",
    "dataset": "Download, check and describe datasets.",
    "simulate": "Make a synthetic dataset in the SoccerNet layout.",
}
"""Every command, in the order of the help; ``touchline.cli.<name>`` holds its ``app``."""


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
    try:
        app()
    except InputError as error:
        remarks.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        remarks.print("interrupted")
        sys.exit(130)
    except BrokenPipeError:  # the reader of stdout left (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except MemoryError:
        remarks.print("[red]error:[/red] not enough memory", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
