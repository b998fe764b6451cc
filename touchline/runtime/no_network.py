"""A process that cannot reach the network, on Linux: a filter on its system calls (seccomp).

It holds for everything that the process starts, and cannot be taken back. Sockets inside this
machine that have a name in the file system stay.
"""

import ctypes
import platform
import struct
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_UNIX, _NETLINK = 1, 16
_X32 = 0x40000000
"""The other names of all calls on x86-64."""

_IO_URING_SETUP = 425
"""It could open sockets by itself."""

_ARCHITECTURES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""Audit number, and number of ``socket``, by the name of the machine."""


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def leave_network() -> bool:
    """Give up the network for good; False where the system has no such filter."""
    known = _ARCHITECTURES.get(platform.machine())
    if not sys.platform.startswith("linux") or known is None:
        return False
    instructions = _instructions(*known)
    program = _Program(len(instructions) // 8, instructions)
    try:
        control = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return False
    zero = ctypes.c_ulong(0)
    if control(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero):
        return False
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    return not control(_PR_SET_SECCOMP, mode, ctypes.byref(program), zero, zero)


def _instructions(architecture: int, socket: int) -> bytes:
    """Refuse sockets but those of this machine; the numbers are those of jumps if equal, if not."""
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 0, 8, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 6, 0, _X32),
        (_EQUAL, 5, 0, _IO_URING_SETUP),
        (_EQUAL, 0, 3, socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_EQUAL, 1, 0, _UNIX),
        (_EQUAL, 0, 1, _NETLINK),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
