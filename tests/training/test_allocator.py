"""What the process frees stays its own."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from touchline.training.allocator import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1] == "keep":
    assert keep_freed_memory()
block = bytearray(64 << 20)
del block
before = faults()
block = bytearray(b"x") * (64 << 20)
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_large_block_is_used_again_without_asking_the_system() -> None:
    fresh, again = (
        int(subprocess.check_output([sys.executable, "-c", FAULTS, word]))
        for word in ("return", "keep")
    )
    assert again < fresh / 2
