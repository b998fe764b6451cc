"""Where a server that is the mirror of everything holds what the catalogue names."""

from urllib.parse import unquote

from file_server import FileServer

from touchline.importers.addresses import published_sources
from touchline.zoo.catalogue import Entry


def place_of(server: FileServer, entry: Entry, number: int = 0) -> str:
    """The server's path of an entry's file, by the address that a pull asks first."""
    first = str(published_sources(entry.origin, entry.files[number])[0])
    return unquote(first.removeprefix(server.address))
