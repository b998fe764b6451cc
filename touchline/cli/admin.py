"""``touchline admin``: users, backup and restore of a server."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from touchline.cli.output import JsonOption, ReplaceOption, new_app, print_json, results
from touchline.runtime.wording import counted

if TYPE_CHECKING:
    from touchline.server.services import Services

app = new_app(help="Users, backup and restore of a server.", no_args_is_help=True)

DataOption = Annotated[Path | None, typer.Option(help="Data folder of the server.")]


@app.command("add-user")
def add_user(
    name: Annotated[str, typer.Argument(help="Name to log in with.")],
    role: Annotated[
        Literal["viewer", "editor", "admin"], typer.Option(help="Role of the user.")
    ] = "admin",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Add a user; the first must be an admin. From then on the server requires passwords."""
    with _services(data) as services:
        from touchline.server.access import accounts

        password = _password(password_stdin)
        with services.database.write() as session:
            accounts.add_user(session, name, password, role, services.database.now(session))
    results.print(f"{name} may log in as {role}", markup=False)


@app.command("set-password")
def set_password(
    name: Annotated[str, typer.Argument(help="Name of the user.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Change a user's password and end their sessions."""
    with _services(data) as services:
        from sqlalchemy import select

        from touchline.errors import ConfigError
        from touchline.server.access import accounts
        from touchline.server.tables import UserRow

        password = _password(password_stdin)
        with services.database.write() as session:
            user = session.scalar(select(UserRow).where(UserRow.name == name))
            if user is None:
                raise ConfigError(f"there is no user {name!r}")
            accounts.change_password(session, user, password)
    results.print(f"the password of {name} is changed", markup=False)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A .zip to write.")],
    files: Annotated[bool, typer.Option(help="Include videos and other files.")] = True,
    data: DataOption = None,
    overwrite: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Write all data into one file; the server may run."""
    from touchline.runtime.atomic import already_there

    if target.exists() and not overwrite:
        raise already_there(target)
    with _services(data) as services:
        from touchline.server.backup import back_up

        made = back_up(services, target, files=files)
    _say(f"{target}: {counted(made.rows, 'row')}, {counted(made.files, 'file')}", vars(made), json)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Read a backup into an empty server, which may have another kind of database."""
    with _services(data) as services:
        from touchline.server.backup import restore as read_back

        made = read_back(services, source)
    _say(
        f"{source}: restored {counted(made.rows, 'row')}, {counted(made.files, 'file')}",
        vars(made),
        json,
    )


@app.command()
def migrate(data: DataOption = None) -> None:
    """Bring the database's tables to this version; the server does so itself when it starts."""
    with _services(data):
        results.print("the tables are up to date", markup=False)


def _services(data: Path | None) -> "_Opened":
    from touchline.server import needed

    needed()
    return _Opened(data)


class _Opened:
    """The server's parts, closed at the end."""

    def __init__(self, data: Path | None) -> None:
        from touchline.server.services import open_services
        from touchline.server.settings import read_settings

        self._services = open_services(read_settings(data=data))

    def __enter__(self) -> "Services":
        return self._services

    def __exit__(self, *_: object) -> None:
        self._services.close()


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _say(text: str, facts: dict[str, int], json: bool) -> None:
    if json:
        print_json(facts)
    else:
        results.print(text, markup=False, soft_wrap=True)
