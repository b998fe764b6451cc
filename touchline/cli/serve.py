"""``touchline serve``: the web page and HTTP API."""

from pathlib import Path
from typing import Annotated

import typer

from touchline.cli.output import new_app, results

app = new_app()


@app.command()
def serve(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; any but this machine's own requires a password."),
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 for any.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder of the server.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, max=64, help="Number of worker processes.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Serve the HTTP API, with a worker, until stopped.

    Other settings come from the environment: TOUCHLINE_DATABASE_URL, TOUCHLINE_MEDIA_ROOTS,
    TOUCHLINE_POLICY__QUOTA_BYTES and so on.
    """
    from touchline.server import needed

    needed()
    from touchline.server.monitoring import log_as_json
    from touchline.server.serving import serve as run
    from touchline.server.settings import read_settings

    log_as_json(log_level.upper())
    settings = read_settings(host=host, port=port, data=data, workers=workers)
    run(settings, lambda url: results.print(f"touchline is at {url}", markup=False))
