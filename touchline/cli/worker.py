"""``touchline worker``: a worker for the server's jobs."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import new_app

app = new_app()


@app.command()
def worker(
    data: Annotated[Path | None, typer.Option(help="Data folder of the server.")] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Stop when standard input is closed.")
    ] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run jobs until stopped; the running job goes back to the queue.

    Workers on one host share the data folder. For several hosts, TOUCHLINE_DATABASE_URL names a
    PostgreSQL database, and the data folder is on storage that all of them share.
    """
    from touchline.server import needed

    needed()
    from touchline.server.monitoring import log_as_json
    from touchline.server.serving import work
    from touchline.server.settings import read_settings

    log_as_json(log_level.upper())
    work(read_settings(data=data), with_parent=with_parent)
