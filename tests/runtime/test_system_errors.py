"""A full disk is a full disk, whichever library says so."""

import errno

import pytest

from touchline.runtime.system_errors import system_error_of

FULL = OSError(errno.ENOSPC, "No space left on device", "a.ckpt")


def raised(error: BaseException, of: BaseException | None = None) -> BaseException:
    try:
        try:
            if of is not None:
                raise of
        finally:
            raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (FULL, errno.ENOSPC),
        (PermissionError(errno.EACCES, "Permission denied"), errno.EACCES),
        (FileNotFoundError(errno.ENOENT, "No such file"), None),
        (raised(RuntimeError("unexpected pos 64 vs 0"), FULL), errno.ENOSPC),
        (raised(ValueError("a fault of ours"), PermissionError(errno.EACCES, "no")), None),
        (RuntimeError("I/O error: No space left on device (os error 28)"), errno.ENOSPC),
        (RuntimeError("I/O error: it is not there (os error 2)"), None),
        (ValueError("a fault of ours"), None),
    ],
)
def test_what_an_error_tells_of(error: BaseException, number: int | None) -> None:
    found = system_error_of(error)
    assert (found and found.errno) == number
    assert found is None or found.strerror
