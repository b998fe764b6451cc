"""The work of a program in a limited copy of its process, watched by the first (Linux).

A copy (``fork``) costs a few milliseconds, where a new interpreter would cost a quarter of a
second. The first process waits, passes signals on, and says in words how the copy ended: where a
library crashes over a hostile file, or the system ends the process, nobody else would.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from touchline.runtime.limits import set_limits
from touchline.runtime.no_network import leave_network

_PR_SET_PDEATHSIG = 1
_FROM_KERNEL = 0x80  # SI_KERNEL, as the terminal's Ctrl-C, which reaches the copy by itself
_PASSED_ON = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True)
class Confinement:
    """The limits of each process of a program.

    Attributes:
        memory_bytes: what it may allocate. Not its address space, of which libraries reserve far
            more than they use.
        cpu_seconds: processor time over all its threads; None for any.
        file_bytes: size of one file that it writes.
        network: whether it may reach the network.
    """

    memory_bytes: int
    cpu_seconds: int | None
    file_bytes: int
    network: bool


class ConfinedDeathError(Exception):
    """The copy was ended by a signal.

    Attributes:
        signal: its number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.signal = number


def is_confinable() -> bool:
    """Whether this system has what ``run_confined`` needs."""
    return sys.platform.startswith("linux")


def has_memory_limit() -> bool:
    """Whether what this process may allocate is limited."""
    if not is_confinable():
        return False
    import resource

    return resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY


def run_confined(work: Callable[[], NoReturn], limits: Confinement) -> int:
    """Do the work in a copy of this process, which must have one thread; returns in the first only.

    Args:
        work: ends by ``SystemExit``.

    Returns:
        the exit code of the copy.

    Raises:
        ConfinedDeathError: a signal ended it. Where one was passed on before, that one is named:
            libraries may crash on their way out.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    watched = {*_PASSED_ON, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    first = os.getpid()
    copy = os.fork()
    if copy == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _end_with(first)
        confine(limits)
        work()
    return _ended(*_wait(copy, watched))


def confine(limits: Confinement) -> None:
    """Bind this process, and all that it starts, to limits, as far as the system has them."""
    set_limits(
        {
            "RLIMIT_DATA": limits.memory_bytes,
            "RLIMIT_CPU": limits.cpu_seconds,
            "RLIMIT_FSIZE": limits.file_bytes,
        }
    )
    if not limits.network:
        leave_network()


def _end_with(first: int) -> None:
    """Let the system end this process when the first one ends, however it does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != first:
        os._exit(1)


def _wait(copy: int, watched: set[signal.Signals]) -> tuple[int, int | None]:
    """The status with which the copy ended, and which signal was passed on to it meanwhile, if any:
    the first."""
    passed_on: int | None = None
    while True:
        arrived = signal.sigwaitinfo(watched)
        if arrived.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(copy, os.WNOHANG)
            if ended:
                return status, passed_on
        elif arrived.si_code != _FROM_KERNEL:
            os.kill(copy, arrived.si_signo)
            passed_on = passed_on or arrived.si_signo


def _ended(status: int, passed_on: int | None) -> int:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    raise ConfinedDeathError(passed_on or -code)
