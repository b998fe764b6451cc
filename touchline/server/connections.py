"""The connections that clients have open, and which of them must go when there are too many."""

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Collection
from typing import Protocol

NETWORK_BITS = 64
"""Of an address of IPv6: whoever has one has all that begin alike."""


class Connection(Protocol):
    """A connection that can be closed."""

    def drop(self) -> None: ...


class Connections:
    """Counts the connections of each address. Used by the event loop alone, so it needs no lock.

    A connection waits while its client has not sent the headers of a request. Where there are too
    many, of an address or in all, the one that waits longest makes room: half-sent requests keep
    nobody out, neither others nor those behind the same address.

    Args:
        each: connections that one address may have.
        waiting: connections that may wait, of all addresses.
        unlimited: addresses of proxies, through which many clients come.
    """

    def __init__(self, each: int, waiting: int, unlimited: Collection[str] = ()) -> None:
        self._each = each
        self._most_waiting = waiting
        self._unlimited = frozenset(unlimited)
        self._open: Counter[str] = Counter()
        self._waiting: OrderedDict[Connection, str] = OrderedDict()

    def admit(self, address: str) -> bool:
        """Count a new connection; False if its address has as many as it may, all at work."""
        network = network_of(address)
        if self._open[network] >= self._each and address not in self._unlimited:
            oldest = next((c for c, of in self._waiting.items() if of == network), None)
            if oldest is None:
                return False
            self._drop(oldest)
        self._open[network] += 1
        return True

    def closed(self, address: str) -> None:
        """A connection that was admitted is closed."""
        network = network_of(address)
        self._open[network] -= 1
        if self._open[network] <= 0:
            del self._open[network]

    def waits(self, connection: Connection, address: str) -> None:
        """A connection waits for the headers of a request."""
        self._waiting[connection] = network_of(address)
        if len(self._waiting) > self._most_waiting:
            self._drop(next(iter(self._waiting)))

    def waits_no_longer(self, connection: Connection) -> None:
        """Its headers are here, or it is closed."""
        self._waiting.pop(connection, None)

    def _drop(self, connection: Connection) -> None:
        self.waits_no_longer(connection)
        connection.drop()


def network_of(address: str) -> str:
    """What is counted together: an address of IPv4, or the first 64 bits of one of IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
