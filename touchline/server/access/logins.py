"""Limits on wrong passwords: for each name from each address, for an address, for a name."""

import threading
from collections import OrderedDict

from touchline.server.access.rates import MAX_CLIENTS, RateLimiter

NAMES_OF_AN_ADDRESS = 10
ADDRESSES_OF_A_NAME = 20


class LoginLimiter:
    """Counts wrong passwords; right ones cost nothing.

    The first limit holds for one name from one address, so that nobody's wrong passwords keep
    another person out, at the same address or anywhere. Who tries many names from one address, or
    one name from many addresses, meets the other two; somebody who has logged in from an address
    before does not, so that these keep nobody out either. Names that do not exist count alike.

    Args:
        per_minute: wrong passwords for one name from one address.
    """

    def __init__(self, per_minute: float) -> None:
        self._pairs = RateLimiter(per_minute / 60, max(1.0, per_minute))
        self._addresses = _wider(per_minute, NAMES_OF_AN_ADDRESS)
        self._names = _wider(per_minute, ADDRESSES_OF_A_NAME)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, name: str, address: str) -> float:
        """Count an attempt and return 0; if there were too many, the time to wait."""
        wait = self._pairs.wait_seconds(_pair(name, address))
        if wait > 0 or self._is_known(name, address):
            return wait
        wait = self._addresses.wait_seconds(address)
        if wait <= 0:
            wait = self._names.wait_seconds(name)
            if wait > 0:
                self._addresses.give_back(address)
        if wait > 0:  # no password was looked at
            self._pairs.give_back(_pair(name, address))
        return wait

    def succeeded(self, name: str, address: str) -> None:
        """The password of the attempt was right: it does not count."""
        self._pairs.give_back(_pair(name, address))
        if not self._is_known(name, address):
            self._addresses.give_back(address)
            self._names.give_back(name)
        with self._lock:
            self._known[_pair(name, address)] = None
            self._known.move_to_end(_pair(name, address))
            if len(self._known) > MAX_CLIENTS:
                self._known.popitem(last=False)

    def _is_known(self, name: str, address: str) -> bool:
        with self._lock:
            return _pair(name, address) in self._known


def _wider(per_minute: float, factor: int) -> RateLimiter:
    return RateLimiter(per_minute * factor / 60, max(1.0, per_minute * factor))


def _pair(name: str, address: str) -> str:
    return f"{address} {name}"
