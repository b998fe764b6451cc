"""Errors of the system, also where a library has put them into errors of its own."""

import errno
import os
import re

SYSTEM_ERRORS = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG,
}  # fmt: skip
"""Those that are neither ours nor the input's: no space left, no permission, a file larger than one
may be."""

_WRAPPED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Those that count even if another error came of them: writing failed, whatever was made of it."""

_RUST = re.compile(r"\(os error (\d+)\)")
"""How libraries written in Rust tell of an error of the system, such as safetensors."""

_MOST_CAUSES = 20


def system_error_of(error: BaseException) -> OSError | None:
    """The error of the system that an error is, tells of, or came of; None if there is none.

    PyTorch raises a ``RuntimeError`` while it closes a file that it could not write.
    """
    if isinstance(error, OSError) and error.errno in SYSTEM_ERRORS:
        return error
    known: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if known is None:
            return None
        if isinstance(known, OSError) and known.errno in _WRAPPED:
            return known
        told = _RUST.search(str(known))
        if told is not None and int(told[1]) in _WRAPPED:
            return OSError(int(told[1]), os.strerror(int(told[1])))
        known = known.__cause__ or known.__context__
    return None
