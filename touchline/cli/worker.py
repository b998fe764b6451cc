"""``touchline worker``: a worker for the server's jobs."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import new_app

app = new_app()


@app.command()
def worker(
    data: Annotated[Path | None, typer.Option(help="Folder of all that the server keeps.")] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Stop when standard input is closed.")
    ] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Work at jobs until stopped; the job in hand goes back to the queue.

    Several on one host share a folder; on several hosts, TOUCHLINE_DATABASE_URL names a PostgreSQL
    and the folder is one that all of them see.
    """
    from touchline.server import needed

    needed()
    from touchline.server.monitoring import log_as_json
    from touchline.server.serving import work
    from touchline.server.settings import read_settings

    log_as_json(log_level.upper())
    work(read_settings(data=data), with_parent=with_parent)
